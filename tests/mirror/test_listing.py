"""Pages of a list: exact, whatever is missing in between, and in a few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.mirror.listing import page, slices
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable, Put

if TYPE_CHECKING:
    from sandbox.in_process.mirror import MirrorDesk

COUNTS = st.dictionaries(st.integers(0, 50), st.integers(1, 5)).map(
    lambda c: dict(sorted(c.items()))
)


@given(counts=COUNTS, skip=st.integers(0, 60), limit=st.integers(0, 60))
def test_a_page_is_where_counting_one_by_one_finds_it(
    counts: dict[int, int], skip: int, limit: int
) -> None:
    every = [(number, place) for number, held in counts.items() for place in range(held)]
    found = [
        (part.number, place)
        for part in slices(counts, skip, limit)
        for place in range(part.skip, part.skip + part.take)
    ]
    assert found == every[skip : skip + limit]


@pytest.mark.parametrize("skip", [0, 3, 700, 1_100, 1_150, 5_000])
@pytest.mark.parametrize(
    "filters",
    [{}, {"state": "posted"}, {"move_type": "in_invoice"},
     {"move_type": "out_invoice", "state": "draft"}],
)  # fmt: skip
def test_a_page_has_what_is_next_by_id(
    desk: MirrorDesk, filters: dict[str, str], skip: int
) -> None:
    rows = desk.stored("move")
    expected = [i for i, row in sorted(rows.items()) if filters.items() <= row.items()]
    table = MirrorTable(desk.table(), "odoo", "move")
    found = page(table, filters, skip, 50)
    assert [int(item["sk"]) for item in found.items] == expected[skip : skip + 50]
    assert found.total == len(expected)


def test_a_page_far_into_a_list_takes_three_calls(desk: MirrorDesk) -> None:
    table = desk.table()
    orders = MirrorTable(table, "odoo", "order")
    item = {"hash": "", "state": "draft", "data": "{}"}
    ids = [*range(1_000, 3_000), *range(3_000, 4_000, 2)]
    orders.write([Put(source_id=i, item=item, before=None) for i in ids], {})
    held = [*range(1, orders.counts.read()[0] + 1), *ids]
    for skip, most in ((1_500, 2), (2_025, 3), (2_400, 2)):
        before = table.calls
        found = page(orders, {}, skip, 100)
        assert [int(row["sk"]) for row in found.items] == held[skip : skip + 100]
        assert table.calls - before <= most


def test_a_list_without_counts_is_refused(desk: MirrorDesk) -> None:
    table = MirrorTable(desk.table(), "odoo", "move")
    with pytest.raises(ValueError, match="company_id"):
        page(table, {"company_id": "1"}, 0, 10)
    assert keys.counts_for({}) == keys.ALL
