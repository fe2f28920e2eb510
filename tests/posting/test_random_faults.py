"""A thousand random days at the poster's desk: never two documents, never a lost bill.

Every call to QuickBooks and AWS may fail before or after it was done, answers may be garbage,
the function may be killed at any call, the same message may be delivered again, also while
it is still being worked on, QuickBooks may do late what it did not answer, and people retry what
failed. Half of the bills are British: QuickBooks computes their VAT, often to another cent, and
keeps or ignores what it is told of it; an operator may change how such bills are posted meanwhile.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.client import BaseClient

from odoo_qb.bill.history import verify_history
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.odoo.reader import BillReader
from odoo_qb.quickbooks.sync import sync
from sandbox.in_process.quick import make_quick
from sandbox.odoo.server import Odoo
from tests.support.booked import correct_by_hand, misbooked
from tests.support.drawn import BRITISH, BRITISH_BY_LINES, a_journal
from tests.support.entering import COMPANIES, company_of, enter
from tests.support.ledgers import client_of
from tests.support.posting_fixture import REALM, a_desk, a_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import TaxSetting
    from odoo_qb.quickbooks.snapshot import Snapshot
from tests.support.posting_fixture import Desk

SEQUENCES = 1_000
_PATHS = ("/query", "/query", "/bill", "/bill", "/vendor", "/upload", "/upload", "/oauth2")
_KINDS = (
    "late", "reset", "timeout", "truncated", "html", "system_fault", "throttle", "unauthorized",
    "fault",
)  # fmt: skip
_FINAL = {"POSTED", "ALREADY_IN_QB", "POST_FAILED", "READY_FOR_APPROVAL"}
_ABOUT_OURS = {"total", "tax", "different"}  # refusals of what QuickBooks has of the bill
_TAXES: tuple[TaxSetting, ...] = ("", "override", "override", "quickbooks", "lines")


class Killed(BaseException):
    """The function's process ended here."""


@dataclass
class AwsCalls:
    """Strikes at the n-th AWS call: before it, or after it was done."""

    strike_at: int = 0
    after: bool = False
    act: Callable[[], None] | None = None
    count: int = 0

    def arm(self, strike_at: int, act: Callable[[], None], *, after: bool) -> None:
        self.strike_at, self.after, self.act, self.count = strike_at, after, act, 0

    def disarm(self) -> None:
        self.strike_at = 0

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        call = cast("Any", BaseClient)._make_api_call

        def counted(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
            self.count += 1
            strikes = self.strike_at and self.count == self.strike_at
            if strikes and not self.after and self.act:
                self.act()
            answer = call(client, operation, arguments)
            if strikes and self.after and self.act:
                self.act()
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)


@dataclass(kw_only=True)
class Day:
    """One bill at the poster's desk, and the dice that decide what happens to it."""

    desk: Desk
    aws: AwsCalls
    snapshot: Snapshot
    dice: random.Random

    @property
    def is_british(self) -> bool:
        return not self.desk.realm.is_american

    def posted(self, bill: Bill) -> Item:
        """The bill's posting under random faults; what it came to."""
        desk, dice = self.desk, self.dice
        desk.quickbooks.configure(
            modes=_modes(dice, is_british=self.is_british),
            realms={REALM: {"duplicate_warning": dice.random() < 0.5}},
        )
        item = self._approved(bill)
        for _ in range(dice.randint(0, 4)):
            self._inject()
        for _ in range(dice.randint(1, 4)):
            self._deliver(item)
            desk.now += timedelta(seconds=dice.choice([1, 30, 100, 200, 900, 7200]))
            if self.is_british and dice.random() < 0.15:
                desk.company = replace(desk.company, tax=dice.choice(_TAXES))
            if desk.stored(item["entry_id"])["status"] == "POST_FAILED" and dice.random() < 0.7:
                desk.retry(item["entry_id"])
        return self._until_quiet(item)

    def _approved(self, bill: Bill) -> Item:
        """The bill, approved as its card showed it; a British one by one of the settings.

        No card ever showed a bill that its setting blocks: the setting was changed since.
        """
        desk = self.desk
        if self.is_british:
            tax = self.dice.choice(_TAXES)
            rest = BRITISH_BY_LINES if tax == "lines" else BRITISH
            desk.company = replace(desk.company, tax=tax, **rest)
        shown = plan_posting(bill, desk.company, self.snapshot)
        if shown.problems:
            before = replace(desk.company, tax="override")
            shown = plan_posting(bill, before, self.snapshot)
        assert not shown.problems, shown.problems
        number = bill.odoo_id
        files = (a_file("a.pdf", number * 10), a_file("b.pdf", number * 10 + 1))
        return desk.approve(replace(bill, documents=files), preflight=shown.shown())

    def _inject(self) -> None:
        dice = self.dice
        kind = dice.choice(_KINDS)
        self.desk.quickbooks.inject(
            kind,  # type: ignore[arg-type]  # one of the kinds
            path=dice.choice(_PATHS),
            nth=dice.choice([1, 1, 1, 2, 3]),
            times=dice.randint(1, 3),
            committed=dice.random() < 0.5,
            status=dice.choice([200, 400, 500, 502, 503]),
            code="6000",
            seconds=dice.choice([5, 50, 110]) if kind == "late" else 0.0,
        )

    def _deliver(self, item: Item) -> None:
        """One delivery, perhaps killed or overtaken by a second one at some AWS call."""
        desk, aws, dice = self.desk, self.aws, self.dice
        message = dice.choice(["m1", "m1", "m2"])
        fate = dice.choice(["", "kill", "overtake"])

        def kill() -> None:
            raise Killed

        def overtake() -> None:
            aws.disarm()
            desk.post(item, "m3")

        if fate:
            act = kill if fate == "kill" else overtake
            aws.arm(dice.randint(1, 14), act, after=dice.random() < 0.5)
        try:
            desk.post(item, message, last_try=dice.random() < 0.2)
        except Killed:
            pass
        finally:
            aws.disarm()

    def _until_quiet(self, item: Item) -> Item:
        """Good weather: queue and sweep deliver, and people do what they are told."""
        desk = self.desk
        desk.quickbooks.clear_faults()
        for number in range(16):
            desk.now += timedelta(minutes=15)
            stored = desk.stored(item["entry_id"])
            if stored["status"] in _FINAL and not self._mended(stored):
                break
            if desk.post(desk.stored(item["entry_id"]), f"sweep-{number}") == "WAITING":
                desk.reconnect()
        desk.now += timedelta(minutes=15)
        desk.quickbooks.finish_late()
        return desk.stored(item["entry_id"])

    def _mended(self, item: Item) -> bool:
        """A person decides anew about what was shown otherwise, and mends what can be mended."""
        desk, code = self.desk, item.get("error", {}).get("code")
        if item["status"] == "READY_FOR_APPROVAL":
            desk.decide(item["entry_id"])
        elif item["status"] == "POST_FAILED" and code in {"total", "tax"}:
            (document,) = documents_of(desk, item["entry_id"])
            assert item["error"]["document"].endswith(f" {document['Id']}")
            correct_by_hand(item, desk.realm, document)
            desk.retry(item["entry_id"])
        elif item["status"] == "POST_FAILED" and code == "preflight":
            desk.company = replace(desk.company, tax=item["preflight"]["tax"]["how"])
            desk.retry(item["entry_id"])
        else:
            return False
        return True


def _modes(dice: random.Random, *, is_british: bool) -> dict[str, Any]:
    """What Intuit leaves open."""
    ids = ("replay_all", "replay_success_only", "error600_on_payload_change", "forget_after_ttl")
    modes = {
        "request_id": dice.choice(ids),
        "request_id_hours": 1,
        "request_id_on_upload": dice.choice(["honoured", "ignored"]),
        "rotation": dice.choice(["sticky24h", "every_use"]),
        "request_id_in_flight": dice.choice(["wait", "error600"]),
    }
    if is_british:
        modes["tax_override"] = dice.choice(["honoured", "honoured", "ignored"])
        modes["negative_line"] = dice.choice(["accepted", "accepted", "refused"])
    return modes


def documents_of(desk: Desk, entry_id: str) -> list[dict[str, Any]]:
    """What QuickBooks has of a bill."""
    found = (*desk.realm.bills.values(), *desk.realm.vendor_credits.values())
    return [d for d in found if f"[{entry_id}]" in str(d.get("PrivateNote"))]


def _check(desk: Desk, stored: Item, number: int) -> None:
    status, code = stored["status"], stored.get("error", {}).get("code", "")
    mine = documents_of(desk, stored["entry_id"])
    said = f"sequence {number}: {status}, {len(mine)} documents, {stored.get('error')}"
    assert status in _FINAL, said
    assert len(mine) <= 1, said
    files = [
        a["FileName"]
        for a in desk.realm.attachables.values()
        if mine and a["AttachableRef"][0]["EntityRef"]["value"] == mine[0]["Id"]
    ]
    assert len(files) == len(set(files)), f"{said}, {files}"
    assert verify_history(stored["history"]), said
    if status in {"POSTED", "ALREADY_IN_QB"}:
        assert len(mine) == 1, said
        wrong = list(misbooked(stored, desk.realm, mine[0]))
        assert not wrong, f"{said}, {wrong}"
        explained = " ".join(stored["quickbooks"]["not_attached"])
        for name in ("a.pdf", "b.pdf"):
            assert name in files or name in explained, f"{said}, {files}, {explained}"
    elif status == "POST_FAILED":
        assert stored["error"]["message"], said
        assert bool(mine) == (code in _ABOUT_OURS), said


def _bills(numbers: range, country: str) -> list[Bill]:
    """A bill for each number, entered into Odoo and read from there."""
    odoo = Odoo()
    company = company_of(odoo, country)
    name, _ = COMPANIES[country]
    entered = []
    for number in numbers:
        dice = random.Random(f"bill {number}")  # noqa: S311 - the same thousand every time
        kind = "in_refund" if dice.random() < 0.1 else "in_invoice"
        journal = a_journal(dice, country, reference=f"INV-{number}", move_type=kind)
        entered.append(enter(odoo, journal, company=company))
    with client_of(odoo) as client:
        found = [entry.bill for entry in BillReader(client, {name: "north"}).page(entered)]
    bills = [replace(b, odoo_id=n) for n, b in zip(numbers, found, strict=True) if b]
    assert len(bills) == len(numbers)
    return bills


def _sequences(numbers: range, country: str) -> dict[str, int]:
    """How many ended how; raises at the first that ended wrongly."""
    make_quick()
    ended: Counter[str] = Counter()
    aws = AwsCalls()
    bills = _bills(numbers, country)
    with pytest.MonkeyPatch.context() as patch, a_desk(country=country) as desk:
        snapshot = sync(desk.api(), desk.documents, "north", desk.now)
        aws.patch(patch)
        for bill in bills:
            dice = random.Random(bill.odoo_id)  # noqa: S311 - the same thousand every time
            day = Day(desk=desk, aws=aws, snapshot=snapshot, dice=dice)
            stored = day.posted(bill)
            _check(desk, stored, bill.odoo_id)
            ended[stored["status"]] += 1
            ended[f"{country} {stored['preflight']['tax'].get('how', '')}".strip()] += 1
        stale = [v for v in desk.quickbooks.violations if "stale" not in v]
        assert not stale, stale
    return ended


def test_a_thousand_random_sequences_post_each_bill_at_most_once_and_lose_none() -> None:
    halves = (range(1, SEQUENCES // 2 + 1), range(SEQUENCES // 2 + 1, SEQUENCES + 1))
    with ProcessPoolExecutor(len(halves), mp_context=get_context("spawn")) as pool:
        ended = sum(map(Counter, pool.map(_sequences, halves, ("US", "GB"))), Counter())
    print(dict(ended))  # noqa: T201 - shown with -s: how the thousand ended
    assert sum(ended[status] for status in _FINAL) == SEQUENCES
    assert ended["POSTED"] > SEQUENCES * 0.9
    ways = {f"GB {how}" for how in ("computed", "override", "quickbooks", "lines")}
    assert all(ended[way] > SEQUENCES / 50 for way in ways), ended
