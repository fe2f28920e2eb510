"""What should have arrived at the webhook's endpoint, from what the simulated Odoos held.

Nothing of the mirror or the webhook has a part in it: records are looked at where Odoo keeps them,
before each run of the mirror, and what differs from one look to the next must have arrived.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo import truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sandbox.odoo.server import Odoo
    from sandbox.webhook.receiver import Received

Json = dict[str, Any]
State = tuple[object, ...]  # a record's values, in the order of _FIELDS; () of one that is deleted
States = dict[str, State]  # by record, as Received names it: "odoo/account.move/12"

DELETED: Final[State] = ()
# Fields that the body has under the same name, and whose values Odoo's records hold.
_FIELDS: Final = {
    "account.move": (
        *("move_type", "name", "state", "amount_total", "amount_untaxed", "amount_tax"),
        *("partner_id", "invoice_date", "invoice_date_due", "payment_reference", "ref"),
        *("currency_id", "payment_state"),
    ),
    "account.payment": (
        *("payment_type", "name", "state", "amount", "date", "partner_id", "currency_id"),
    ),
}
# By a record's first value: a document's type, a payment's direction.
FAMILIES: Final = {
    "out_invoice": "customer invoices",
    "out_refund": "customer credit notes",
    "inbound": "customer payments",
    "in_invoice": "vendor bills",
    "in_refund": "vendor refunds",
    "outbound": "vendor payments",
}
_OTHER: Final = "receipts"


def states(odoos: Mapping[str, Odoo]) -> States:
    """Every document and payment of these Odoos, by connection, as it is at this moment."""
    return {
        f"{connection}/{model}/{number}": tuple(_value(row[name]) for name in fields)
        for connection, odoo in odoos.items()
        for model, fields in _FIELDS.items()
        for number, row in truth.held(odoo, model, fields).items()
        if row.get("move_type") != "entry"
    }


def _value(value: object) -> object:
    """The same for the same content, whether from a record or from a body."""
    if value is False or value is None or value == "":
        return None
    if isinstance(value, int | float):
        return round(float(value), 6)
    return str(value)


def state_of(received: Received) -> State:
    """What a body says of a record, in the same form."""
    if str(received.body.get("type")).endswith(".deleted"):
        return DELETED
    data = received.body["data"]
    return tuple(_value(data.get(name)) for name in _FIELDS[received.body["model"]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A record that was otherwise at a look than at the one before; `made_at` is not later."""

    record: str
    state: State
    family: str
    made_at: datetime
    timed: bool


@dataclass(slots=True, kw_only=True)
class Verdict:
    """How what arrived compares with what changed. `sentences` has one for each problem."""

    changes: Counter[str] = field(default_factory=Counter)  # by family
    delivered: Counter[str] = field(default_factory=Counter)
    out_of_order: int = 0
    different: int = 0
    unverified: int = 0
    from_first_load: int = 0
    seconds: list[float] = field(default_factory=list)  # from a change to its request
    sentences: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Changes that did not arrive."""
        return self.changes.total() - self.delivered.total()


@dataclass(slots=True, kw_only=True)
class Oracle:
    """Looks at Odoos, and compares what it saw there with what arrived."""

    odoos: Mapping[str, Odoo]
    changes: list[Change] = field(default_factory=list)
    _first: States = field(default_factory=dict)
    _last: States = field(default_factory=dict)

    def begin(self) -> None:
        """What is there now was loaded, and is not to be sent."""
        self._first = self._last = states(self.odoos)

    def look(self, made_at: datetime, *, timed: bool = True) -> int:
        """Note what changed since the last look, before the mirror reads it; how much it is."""
        now, before = states(self.odoos), self._last
        found = [
            Change(
                record=record,
                state=now.get(record, DELETED),
                family=family(now.get(record) or before[record]),
                made_at=made_at,
                timed=timed,
            )
            for record in sorted(now.keys() | before)
            if now.get(record, DELETED) != before.get(record, DELETED)
        ]
        self.changes += found
        self._last = now
        return len(found)

    def verdict(self, received: Iterable[Received]) -> Verdict:
        """Whether each change arrived, in order, from these requests; and what arrived last."""
        verdict = Verdict()
        arrived = list(received)
        strangers = [one for one in arrived if not one.verified_by]
        verdict.unverified = len(strangers)
        verdict.sentences += [f"Request {o.number} did not verify: {o.problem}" for o in strangers]
        by_record: dict[str, list[Received]] = defaultdict(list)
        for one in arrived:
            if one.accepted and one.body.get("model") in _FIELDS:
                by_record[one.record].append(one)
        wanted: dict[str, list[Change]] = defaultdict(list)
        for change in self.changes:
            wanted[change.record].append(change)
        for record in sorted(by_record.keys() | wanted):
            self._compare(record, wanted[record], by_record[record], verdict)
        return verdict

    def _compare(
        self, record: str, wanted: list[Change], accepted: Sequence[Received], verdict: Verdict
    ) -> None:
        told = _first_of_each([one for one in accepted if not one.body.get("replayed")])
        numbers = [one.sequence for one in told]
        if numbers != sorted(numbers):
            verdict.out_of_order += 1
            verdict.sentences.append(f"{record}: changes arrived in the order {numbers}.")
        left = iter(told)
        for change in wanted:
            verdict.changes[change.family] += 1
            found = next((one for one in left if state_of(one) == change.state), None)
            if found is None:
                verdict.sentences.append(f"{record}: a change did not arrive: {change.state}.")
                left = iter(())
                continue
            verdict.delivered[change.family] += 1
            if change.timed:
                verdict.seconds.append((found.at - change.made_at).total_seconds())
        if record in self._first and any(_is_creation(one) for one in told):
            verdict.from_first_load += 1
            verdict.sentences.append(f"{record}: it was sent although it was loaded before.")
        if accepted:
            last = max(enumerate(accepted), key=lambda pair: (pair[1].sequence, pair[0]))[1]
            if state_of(last) != self._last.get(record, DELETED):
                verdict.different += 1
                verdict.sentences.append(f"{record}: what arrived last is not what Odoo has.")


def family(state: State) -> str:
    """Which of the six kinds a record is, or a receipt."""
    return FAMILIES.get(str(state[0]), _OTHER)


def _first_of_each(accepted: Iterable[Received]) -> list[Received]:
    """Without repeats, in the order in which each was first taken in."""
    found: dict[str, Received] = {}
    for one in accepted:
        found.setdefault(one.message_id, one)
    return list(found.values())


def _is_creation(one: Received) -> bool:
    return str(one.body.get("type")).endswith(".created")
