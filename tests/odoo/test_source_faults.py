"""Records of Odoo that make no sense: named, and their neighbours are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo.source import OdooSource
from odoo_qb.sources import KINDS
from sandbox.http_server import serve
from sandbox.odoo.errors import OdooError
from sandbox.odoo.server import Odoo as Simulator
from tests.support.garbage import FOREIGN, NOT_ODOOS, Garbled, Rule
from tests.support.odoo_clients import DOORS, client
from tests.support.odoo_sources import (
    MODELS,
    SOME_DOORS,
    a_source,
    ledger,
    records_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.sources import Kind

HOWEVER = pytest.mark.parametrize(("version", "way"), DOORS)
KINDWISE = pytest.mark.parametrize("kind", KINDS)


# -- records that make no sense ------------------------------------------------------------

DAMAGE: dict[Kind, dict[str, object]] = {
    "contact": {"name": 7, "parent_id": "many", "email": ["a"]},
    "move": {"amount_total": "a lot", "invoice_date": "yesterday", "amount_tax": 1e40},
    "payment": {"amount": "much", "date": 20260101},
    "order": {"amount_total": 1e16, "state": 3},
    "account": {"name": {}, "company_ids": 1},
    "transaction": {"balance": "none", "tax_ids": 3},
}


@pytest.mark.parametrize(("version", "way"), [(17, "json-rpc"), (18, "session"), (19, "json-2")])
@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind, fields in DAMAGE.items() for field in fields]
)
def test_a_record_that_makes_no_sense_is_named_and_its_neighbours_are_read(
    version: int, way: str, kind: Kind, field: str
) -> None:
    class Damaged(Simulator):
        """As a damaged or altered Odoo: the first record of an answer has a wrong value."""

        def run(self, user: Any, model: str, method: str, args: Any, kwargs: Any) -> object:
            answer: Any = super().run(user, model, method, args, kwargs)
            if model == MODELS[kind] and method == "search_read":
                for row in answer:
                    if row["id"] == first and field in row:
                        row[field] = DAMAGE[kind][field]
            return answer

    if field == "company_ids" and version < 18:
        field = "company_id"
        DAMAGE["account"].setdefault(field, "one")
    first, second, *_ = records_of(version, way, kind)
    with a_source(Damaged(version=version, dataset="ledger-18"), way) as source:
        reading = source.read(kind, [first, second])
    assert {*reading.records} == {second}
    assert reading.records[second] == records_of(version, way, kind)[second]
    assert reading.faults.keys() == {first}
    said = reading.faults[first]
    assert f" {first} cannot be read: " in said
    assert field in said
    assert said.endswith(" Check it in Odoo.")


class Poisoned(Simulator):
    """An Odoo that fails on certain records, as a broken module makes it."""

    poison: frozenset[tuple[str, int]] = frozenset()

    def run(self, user: Any, model: str, method: str, args: Any, kwargs: Any) -> object:
        answer: Any = super().run(user, model, method, args, kwargs)
        if method == "search_read" and len(kwargs["fields"]) > 2:
            named = {(model, row["id"]) for row in answer}
            named |= {("lines of", (row.get("move_id") or [0])[0]) for row in answer}
            if named & self.poison:
                raise OdooError("builtins.ValueError", "Expected singleton: res.users(1, 2)")
        return answer


@pytest.mark.parametrize(("version", "way"), [(18, "json-rpc"), (18, "session"), (19, "json-2")])
def test_a_record_that_odoo_cannot_give_does_not_stop_its_neighbours(
    version: int, way: str
) -> None:
    simulator = Poisoned(version=version, dataset="ledger-18")
    every = records_of(version, way, "move")
    first, second, third, *_ = every
    simulator.poison = frozenset({("account.move", first), ("lines of", third)})
    with a_source(simulator, way) as source:
        reading = whole(source, "move")
    assert reading.faults == {
        number: f"Document {number} cannot be read: Odoo refused the request: Expected singleton:"
        " res.users(1, 2). Check it in Odoo."
        for number in (first, third)
    }
    assert reading.records == {i: r for i, r in every.items() if i not in reading.faults}
    assert second in reading.records


def test_when_odoo_can_give_none_the_reading_stops_soon() -> None:
    simulator = Poisoned(dataset="ledger-18")
    simulator.poison = frozenset(("account.move", i) for i in records_of(18, "json-rpc", "move"))
    with a_source(simulator) as source:
        with pytest.raises(Refused, match="Expected singleton"):
            whole(source, "move")
        assert source.calls < 40


def test_half_an_answer_is_no_proof_of_deletion() -> None:
    class Cut(Simulator):
        def run(self, user: Any, model: str, method: str, args: Any, kwargs: Any) -> object:
            answer: Any = super().run(user, model, method, args, kwargs)
            if method != "read":
                return answer
            return [{"id": row["id"]} if n else row for n, row in enumerate(answer)]

    with (
        a_source(Cut(dataset="ledger-18")) as source,
        pytest.raises(Refused, match="so nothing was removed"),
    ):
        source.gone("move", [306, 307, 308])


# -- answers that are none -----------------------------------------------------------------

ASKED: dict[str, Callable[[OdooSource], object]] = {
    "test_connection": lambda source: source.test_connection(),
    "summary": lambda source: source.summary("contact"),
    "changes": lambda source: list(source.changes("payment", "")),
    "ids": lambda source: list(source.ids("account")),
    "read": lambda source: source.read("move", [306, 307]),
    "codes": lambda source: source.read("account", [1, 2]),
    "gone": lambda source: source.gone("contact", [8, 9]),
    "pointing_at": lambda source: source.pointing_at("order", [10]),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize(("version", "way"), SOME_DOORS[-2:])
def test_garbage_in_place_of_an_answer_is_no_answer(name: str, version: int, way: str) -> None:
    door = Garbled(ledger(version))
    with serve(door) as server:
        for kind in NOT_ODOOS:
            source = OdooSource(client(server.url, way), (1,))
            door.rules = [Rule(part="", kind=kind)]
            with pytest.raises((Unavailable, Refused)) as raised:
                ASKED[name](source)
            assert FOREIGN not in str(raised.value), kind
            assert source.notes == {}, kind
            door.rules.clear()
            ASKED[name](source)
