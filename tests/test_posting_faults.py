"""A thousand random days at the poster's desk: never two documents, never a lost bill.

Every call to QuickBooks and AWS may fail before or after it was done, answers may be garbage,
the function may be killed at any call, the same message may be delivered again, also while
it is still being worked on, QuickBooks may do late what it did not answer, and people retry what
failed.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from builders import a_bill
from desk import REALM, a_desk, a_file
from odoo_qb.history import verify_history

if TYPE_CHECKING:
    from collections.abc import Callable

    from desk import Desk
    from odoo_qb.item import Item

SEQUENCES = 1_000
_PATHS = ("/query", "/query", "/bill", "/bill", "/vendor", "/upload", "/upload", "/oauth2")
_KINDS = (
    "late", "reset", "timeout", "truncated", "html", "system_fault", "throttle", "unauthorized",
    "fault",
)  # fmt: skip
_FINAL = {"POSTED", "ALREADY_IN_QB", "POST_FAILED", "READY_FOR_APPROVAL"}


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
        call = BaseClient._make_api_call

        def counted(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
            self.count += 1
            strikes = self.strike_at and self.count == self.strike_at
            if strikes and not self.after and self.act:
                self.act()
            read = _read if operation == "GetItem" else call
            answer = read(client, operation, arguments)
            if strikes and self.after and self.act:
                self.act()
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", counted)


def _read(client: BaseClient, operation: str, arguments: dict[str, Any]) -> Any:
    """moto's answer to GetItem without the wire: putting it there takes half of a sequence."""
    del operation
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name]
    item = backend.get_item(arguments["TableName"], arguments["Key"])
    return {"Item": item.to_json()["Attributes"]} if item else {}


def _day(desk: Desk, aws: AwsCalls, number: int) -> str:
    """One bill's posting under random faults; returns what it came to."""
    dice = random.Random(number)  # noqa: S311 - the same thousand every time
    desk.quickbooks.configure(
        modes={
            "request_id": dice.choice(
                [
                    "replay_all",
                    "replay_success_only",
                    "error600_on_payload_change",
                    "forget_after_ttl",
                ]
            ),
            "request_id_hours": 1,
            "request_id_on_upload": dice.choice(["honoured", "ignored"]),
            "rotation": dice.choice(["sticky24h", "every_use"]),
            "request_id_in_flight": dice.choice(["wait", "error600"]),
        },
        realms={REALM: {"duplicate_warning": dice.random() < 0.5}},
    )
    bill = replace(
        a_bill(odoo_id=number, bill_reference=f"INV-{number}"),
        documents=(a_file("a.pdf", number * 10), a_file("b.pdf", number * 10 + 1)),
    )
    item = desk.approve(bill)
    for _ in range(dice.randint(0, 4)):
        kind = dice.choice(_KINDS)
        desk.quickbooks.inject(
            kind,  # type: ignore[arg-type]  # one of the kinds
            path=dice.choice(_PATHS),
            nth=dice.choice([1, 1, 1, 2, 3]),
            times=dice.randint(1, 3),
            committed=dice.random() < 0.5,
            status=dice.choice([200, 400, 500, 502, 503]),
            code="6000",
            seconds=dice.choice([5, 50, 110]) if kind == "late" else 0.0,
        )
    for _ in range(dice.randint(1, 4)):
        _deliver(desk, aws, item, dice)
        desk.now += timedelta(seconds=dice.choice([1, 30, 100, 200, 900, 7200]))
        if desk.stored(item["entry_id"])["status"] == "POST_FAILED" and dice.random() < 0.7:
            desk.retry(item["entry_id"])
    return _until_quiet(desk, item)


def _deliver(desk: Desk, aws: AwsCalls, item: Item, dice: random.Random) -> None:
    """One delivery, perhaps killed or overtaken by a second one at some AWS call."""
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


def _until_quiet(desk: Desk, item: Item) -> str:
    """Good weather: the queue and the sweep deliver until nothing is owed."""
    desk.quickbooks.forgive()
    for number in range(12):
        desk.now += timedelta(minutes=15)
        stored = desk.stored(item["entry_id"])
        if stored["status"] in _FINAL:
            break
        if desk.post(stored, f"sweep-{number}") == "WAITING":
            desk.reconnect()
    desk.now += timedelta(minutes=15)
    desk.quickbooks.finish_late()
    return desk.stored(item["entry_id"])["status"]


def _check(desk: Desk, item_id: str, number: int) -> None:
    stored = desk.stored(item_id)
    status = stored["status"]
    mine = [d for d in desk.realm.bills.values() if f"[{item_id}]" in str(d.get("PrivateNote"))]
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
        assert mine[0]["TotalAmt"] == stored["amount_total"], said
        explained = " ".join(stored["quickbooks"]["not_attached"])
        for name in ("a.pdf", "b.pdf"):
            assert name in files or name in explained, f"{said}, {files}, {explained}"
    if status == "POST_FAILED":
        assert stored["error"]["message"], said


def _sequences(numbers: range) -> dict[str, int]:
    """How many ended how; raises at the first that ended wrongly."""
    outcomes: dict[str, int] = {}
    aws = AwsCalls()
    with pytest.MonkeyPatch.context() as patch, a_desk() as desk:
        aws.patch(patch)
        for number in numbers:
            outcome = _day(desk, aws, number)
            _check(desk, f"odoo-{number}", number)
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        stale = [v for v in desk.quickbooks.violations if "stale" not in v]
        assert not stale, stale
    return outcomes


def test_a_thousand_random_sequences_post_each_bill_at_most_once_and_lose_none() -> None:
    halves = (range(1, SEQUENCES // 2 + 1), range(SEQUENCES // 2 + 1, SEQUENCES + 1))
    with ProcessPoolExecutor(len(halves), mp_context=get_context("spawn")) as pool:
        ended = sum(map(Counter, pool.map(_sequences, halves)), Counter())
    print(dict(ended))  # noqa: T201 - shown with -s: how the thousand ended
    assert ended.total() == SEQUENCES
    assert ended["POSTED"] > SEQUENCES / 2
