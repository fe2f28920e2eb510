"""Pages of a list: exact, whatever is missing in between, and in a few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odoo_qb.mirror.listing import held, page, slices
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable, Put
from tests.mirror.small_ledger import wrong

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


@pytest.mark.parametrize("skip", [0, 3, 12, 5_000])
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
    found = page(table, filters, skip, 5)
    assert [int(item["sk"]) for item in found.items] == expected[skip : skip + 5]
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


def archive(desk: MirrorDesk, ids: list[int]) -> None:
    for number in ids:
        desk.odoo.archive_contact(number)
    desk.sync("sync_contacts")


def test_a_list_leaves_archived_contacts_out_and_counts_without_them(desk: MirrorDesk) -> None:
    every = sorted(desk.stored("contact"))
    archive(desk, every[1:9:2])
    left = [i for i in every if desk.stored("contact")[i]["active"]]
    table = MirrorTable(desk.table(), "odoo", "contact")
    assert len(left) <= len(every) - 4
    for skip in (0, 1, 3, len(left) - 2, len(left), 5_000):
        of = held(table, {}, with_archived=False)
        found = page(table, {}, skip, 3, of=of)
        assert [int(item["sk"]) for item in found.items] == left[skip : skip + 3]
        assert found.total == len(left)
    assert page(table, {}, 0, 1_000).total == len(every)


def test_contacts_of_an_earlier_version_get_their_mark_once(desk: MirrorDesk) -> None:
    every = sorted(desk.stored("contact"))
    archive(desk, every[:3])
    table = MirrorTable(desk.table(), "odoo", "contact")
    as_it_should_be = without_times(desk)
    for row in desk.everything():  # as the version before this one left them
        if row.get("state") == keys.ARCHIVED:
            unset(desk, row, "state")
        if row["pk"] == table.home and row["sk"] == keys.STATE:
            unset(desk, row, "layout")
            unset(desk, row, "oldest")
        if row["pk"] == table.home and row["sk"] == keys.counts_for({"state": keys.ARCHIVED}):
            desk.client.delete_item(TableName=desk.table_name, Key=table_key(row))
    assert without_times(desk) != as_it_should_be
    desk.sync("sync_contacts")
    assert without_times(desk) == as_it_should_be
    assert wrong(desk) == []
    assert table.own(keys.STATE)["oldest"] == keys.FIRST_MONTH  # nobody noted it before


def table_key(row: dict[str, Any]) -> dict[str, Any]:
    return {name: {"S": row[name]} for name in ("pk", "sk")}


def unset(desk: MirrorDesk, row: dict[str, Any], name: str) -> None:
    desk.client.update_item(
        TableName=desk.table_name,
        Key=table_key(row),
        UpdateExpression="REMOVE #name",
        ExpressionAttributeNames={"#name": name},
    )


def without_times(desk: MirrorDesk) -> list[dict[str, Any]]:
    """What is stored of contacts: records, their counts and the layout."""
    rows = [row for row in desk.everything() if str(row["pk"]).startswith("odoo#contact")]
    kept = [row for row in rows if row["sk"].isdecimal() or row["sk"].startswith(keys.COUNTS)]
    state = [{"layout": row.get("layout")} for row in rows if row["sk"] == keys.STATE]
    return kept + state
