"""What a mirror learns of changes in Odoo, and what that costs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Unavailable
from odoo_qb.sources import KINDS, Summary
from sandbox.odoo.server import Odoo as Simulator
from tests.support.odoo_clients import DOORS
from tests.support.odoo_sources import (
    MODELS,
    SOME_DOORS,
    a_source,
    ledger,
    records_of,
)

if TYPE_CHECKING:
    from odoo_qb.sources import Kind

HOWEVER = pytest.mark.parametrize(("version", "way"), DOORS)
SOMEHOW = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
KINDWISE = pytest.mark.parametrize("kind", KINDS)


# -- what changed --------------------------------------------------------------------------


@SOMEHOW
@KINDWISE
def test_what_was_written_at_or_after_a_moment_is_listed(
    version: int, way: str, kind: Kind
) -> None:
    simulator = ledger(version)
    rows = simulator.records[MODELS[kind]]
    first, second, *_ = [n for n in records_of(version, way, kind) if rows[n].get("write_date")]
    start = simulator.clock().replace(microsecond=0) + timedelta(hours=1)
    rows[first]["write_date"] = start  # the very second counts
    rows[second]["write_date"] = start + timedelta(seconds=5)
    with a_source(simulator, way) as source:
        (page,) = source.changes(kind, f"{start:%Y-%m-%d %H:%M:%S}")
        later = list(source.changes(kind, f"{start + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"))
    assert [(w.source_id, w.written_at) for w in page] == [
        (first, f"{start:%Y-%m-%d %H:%M:%S}"),
        (second, f"{start + timedelta(seconds=5):%Y-%m-%d %H:%M:%S}"),
    ]
    assert later == []


@pytest.mark.parametrize("version", [16, 17])
def test_a_payment_is_as_late_as_the_move_it_inherits(version: int) -> None:
    """Before 18, posting or cancelling a payment writes to its move alone."""
    simulator = ledger(version)
    payment = simulator.records["account.payment"][1]
    start = simulator.clock().replace(microsecond=0) + timedelta(hours=1)
    simulator.records["account.move"][payment["move_id"]]["write_date"] = start
    moment = f"{start:%Y-%m-%d %H:%M:%S}"
    with a_source(simulator) as source:
        assert [[tuple(w) for w in page] for page in source.changes("payment", moment)] == [
            [(1, moment)]
        ]
        reading = source.read("payment", [1, 2])
    assert reading.records[1]["write_date"] == moment
    assert reading.records[2]["write_date"] < moment


def test_a_list_out_of_order_is_no_list() -> None:
    class Shuffled(Simulator):
        def run(self, user: Any, model: str, method: str, args: Any, kwargs: Any) -> object:
            answer = super().run(user, model, method, args, kwargs)
            return answer[::-1] if isinstance(answer, list) else answer

    with a_source(Shuffled(dataset="ledger-18")) as source:
        with pytest.raises(Unavailable, match="not in the order"):
            list(source.ids("contact"))
        with pytest.raises(Unavailable, match="not in the order"):
            list(source.changes("contact", ""))


@HOWEVER
def test_a_summary_counts_and_says_when_the_last_was_written(version: int, way: str) -> None:
    simulator = ledger(version)
    with a_source(simulator, way) as source:
        source.count("account")  # signed in
        source.changes("payment", "")
        for kind in KINDS:
            records = records_of(version, dict(SOME_DOORS)[version], kind)
            latest = max(r["write_date"] or "" for r in records.values())
            found = source.summary(kind)
            assert found == Summary(count=len(records), last_written_at=latest), kind
            before = source.calls
            source.summary(kind)
            assert source.calls - before == (2 if kind == "payment" and version < 18 else 1)


@SOMEHOW
def test_a_summary_is_of_our_companies_and_of_archived_records_too(version: int, way: str) -> None:
    simulator = ledger(version)
    archived = next(
        number
        for number, record in records_of(version, way, "contact").items()
        if not record["active"] and not record["company_id"]
    )
    late = simulator.clock().replace(microsecond=0) + timedelta(hours=1)
    simulator.records["res.partner"][archived]["write_date"] = late
    del simulator.fields["sale.order"]
    with a_source(simulator, way, (2,)) as source:
        for kind in ("contact", "move", "payment"):
            records = records_of(version, way, kind).values()
            ours = [r for r in records if r["company_id"] == 2]
            ours += [r for r in records if r["company_id"] is None]
            assert source.summary(kind).count == len(ours)
        assert source.summary("contact").last_written_at == f"{late:%Y-%m-%d %H:%M:%S}"
        assert source.summary("order") == Summary(count=0, last_written_at="")
    simulator.records["account.move"].clear()
    simulator.records["account.move.line"].clear()
    with a_source(simulator, way) as source:
        assert source.summary("move") == Summary(count=0, last_written_at="")


@SOMEHOW
@KINDWISE
def test_ids_are_listed_and_counted_by_ranges(version: int, way: str, kind: Kind) -> None:
    every = [*records_of(version, way, kind)]
    low, high = every[2], every[10]
    with a_source(ledger(version), way) as source:
        assert [i for page in source.ids(kind, low, high) for i in page] == every[2:10]
        assert source.count(kind, low, high) == 8
        assert [i for page in source.ids(kind, high=high) for i in page] == every[:10]
        assert [i for page in source.ids(kind, low) for i in page] == every[2:]
        assert source.count(kind, low) == len(every) - 2
        (page,) = source.changes(kind, "", after=low)
        assert [written.source_id for written in page] == every[3:]


# -- calls ---------------------------------------------------------------------------------


def copied(simulator: Simulator, model: str, number: int, count: int) -> list[int]:
    """So many copies of a record."""
    row = simulator.records[model][number]
    at = simulator.clock()
    return [simulator.add(model, dict(row), at)["id"] for _ in range(count)]


@SOMEHOW
def test_five_thousand_changed_documents_take_eleven_calls(version: int, way: str) -> None:
    simulator = ledger(version)
    since = f"{simulator.clock() - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
    ids = copied(simulator, "account.move", 306, 5_000)
    lines = simulator.records["account.move.line"]
    for number in ids:
        (line,) = copied(simulator, "account.move.line", 673, 1)
        lines[line]["move_id"] = number
        simulator.records["account.move"][number]["invoice_line_ids"] = [line]
    with a_source(simulator, way) as source:
        changed = [w.source_id for page in source.changes("move", since) for w in page]
        assert source.count("move") == 5_319
        reading = source.read("move", changed)
        sign_in = 0 if way == "json-2" else 1
        assert source.calls - sign_in <= 10
    assert set(ids) <= set(changed)
    assert reading.faults == {}
    assert all(len(reading.records[number]["invoice_lines"]) == 1 for number in ids)


@pytest.mark.parametrize(("version", "way"), SOME_DOORS[-2:])
def test_five_thousand_changed_contacts_take_seven_calls(version: int, way: str) -> None:
    simulator = ledger(version)
    since = f"{simulator.clock() - timedelta(minutes=1):%Y-%m-%d %H:%M:%S}"
    ids = copied(simulator, "res.partner", 9, 5_000)
    with a_source(simulator, way) as source:
        changed = [w.source_id for page in source.changes("contact", since) for w in page]
        assert source.count("contact") == 5_047
        assert len(source.read("contact", changed).records) == len(changed)
        sign_in = 0 if way == "json-2" else 1
        assert source.calls - sign_in <= 7
    assert set(ids) <= set(changed)


def test_documents_of_thousands_of_lines_are_not_read_in_one_answer() -> None:
    simulator = ledger()
    copies = copied(simulator, "account.move", 306, 3)
    for number in copies[:2]:
        simulator.records["account.move"][number]["invoice_line_ids"] = [*range(1, 15_001)]
    with a_source(simulator) as source:
        reading = source.read("move", copies)
    assert reading.records.keys() == {*copies}
    assert simulator.calls.count("account.move.line.search_read") == 2


def test_more_than_a_page_is_read_page_by_page() -> None:
    simulator = ledger()
    copied(simulator, "res.partner", 9, 10_000)
    with a_source(simulator) as source:
        pages = [len(page) for page in source.changes("contact", "")]
    assert pages == [10_000, 47]
    assert simulator.calls.count("res.partner.search_read") == 2


@SOMEHOW
@KINDWISE
def test_when_nothing_changed_a_kind_takes_one_call(version: int, way: str, kind: Kind) -> None:
    simulator = ledger(version)
    later = f"{simulator.clock() + timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
    with a_source(simulator, way) as source:
        list(source.changes(kind, later))
        before = source.calls
        assert list(source.changes(kind, later)) == []
        assert source.calls == before + 1


def test_currencies_are_read_once_a_run() -> None:
    simulator = ledger()
    with a_source(simulator) as source:
        source.read("move", [306])
        simulator.records["res.currency"][1]["symbol"] = "US$"
        assert source.read("move", [306]).records[306]["currency_symbol"] == "$"
        source.refresh()
        assert source.read("move", [306]).records[306]["currency_symbol"] == "US$"
    assert simulator.calls.count("res.currency.search_read") == 2


def test_a_currency_that_odoo_does_not_list_is_looked_for_once() -> None:
    simulator = ledger()
    del simulator.records["res.currency"][1]
    with a_source(simulator) as source:
        for _ in range(2):
            record = source.read("move", [306]).records[306]
    assert record["currency_symbol"] is None
    assert simulator.calls.count("res.currency.search_read") == 1
