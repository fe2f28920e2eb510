"""The numbers that records get whose own ids are no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from odoo_qb.errors import Unavailable
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.store.source_numbers import SourceNumbers
from sandbox.in_process.mirror import TABLE, make_mirror_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odoo_qb.exact_json import Json


class Watched(SortedTable):
    """A table that does something before its next transaction."""

    before: Callable[[], None] | None = None
    never = False

    def all_or_none(self, writes: Sequence[Json]) -> bool:
        if self.before:
            act, self.before = self.before, None
            act()
        return False if self.never else super().all_or_none(writes)


@pytest.fixture
def table() -> Iterator[Watched]:
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="us-west-2")
        make_mirror_table(client)
        yield Watched(client, TABLE)


def some(count: int, first: int = 0) -> list[str]:
    return [f"001gL0000000{n:03d}AAA" for n in range(first, first + count)]


def test_ids_get_the_next_numbers_and_keep_them(table: Watched) -> None:
    numbers = SourceNumbers(table, "crm")
    first = numbers.numbers("contact", some(3))
    assert first == dict(zip(some(3), (1, 2, 3), strict=True))
    assert numbers.numbers("contact", some(5)) == first | dict(zip(some(2, 3), (4, 5), strict=True))
    assert SourceNumbers(table, "crm").numbers("contact", some(1, 4)) == {some(1, 4)[0]: 5}
    assert numbers.ids("contact", [5, 1, 99]) == {1: some(1)[0], 5: some(1, 4)[0]}
    assert numbers.numbers("contact", []) == {}


def test_kinds_and_connections_count_on_their_own(table: Watched) -> None:
    for connection, kind in (("crm", "contact"), ("crm", "order"), ("other", "contact")):
        assert SourceNumbers(table, connection).numbers(kind, some(1)) == {some(1)[0]: 1}  # type: ignore[arg-type]


def test_many_are_numbered_in_order_and_found_again(table: Watched) -> None:
    numbers = SourceNumbers(table, "crm", many=100)
    given = numbers.numbers("contact", some(130))
    assert list(given.values()) == list(range(1, 131))
    before = table.calls
    assert numbers.numbers("contact", some(130)) == given
    assert table.calls - before == 2  # the last number, and a thousand by one query
    before = table.calls
    assert numbers.ids("contact", range(1, 131)) == {n: i for i, n in given.items()}
    assert table.calls - before == 1


def test_two_runs_that_see_an_id_at_the_same_time_agree(table: Watched) -> None:
    others: dict[str, int] = {}

    def another_run() -> None:
        others.update(
            SourceNumbers(SortedTable(table._client, TABLE), "crm").numbers("contact", some(2, 1))
        )

    table.before = another_run
    ours = SourceNumbers(table, "crm").numbers("contact", some(4))
    assert {name: ours[name] for name in others} == others
    assert len({*ours.values()}) == 4
    assert SourceNumbers(table, "crm").ids("contact", ours.values()) == {
        number: name for name, number in ours.items()
    }


def test_a_run_that_never_gets_through_is_for_later(table: Watched) -> None:
    table.never = True
    with pytest.raises(Unavailable, match="The next run continues"):
        SourceNumbers(table, "crm").numbers("contact", some(2))


def test_no_item_looks_like_a_record(table: Watched) -> None:
    """The webhook's feed knows a record by its hash."""
    SourceNumbers(table, "crm").numbers("contact", some(2))
    items = table._client.scan(TableName=TABLE)["Items"]
    assert len(items) == 5
    assert not any("hash" in item for item in items)
