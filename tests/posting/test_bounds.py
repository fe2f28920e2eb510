"""A bill's item has a bound, however often it goes around, and its chain stays whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill.history import ENTRIES, continued, history_entry, is_summary, verify_history
from odoo_qb.bill.item import content
from odoo_qb.bill.notices import bounded
from odoo_qb.errors import Disconnected
from odoo_qb.operations.audit_trail import flaw, story
from odoo_qb.operations.sweep import unposted
from odoo_qb.posting.attempts import ATTEMPTS, places, with_next
from odoo_qb.timestamps import stamp
from tests.support.builders import NOW, a_bill, an_item
from tests.support.posting_fixture import a_desk, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json
    from tests.support.posting_fixture import Desk

DAYS = 3
LIMIT = 100_000  # bytes, of the 400 kB that DynamoDB takes


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def size(item: Item) -> int:
    return len(json.dumps(item, default=str, ensure_ascii=False).encode())


class Quick:
    """DynamoDB for one writer: moto takes a tenth of a second to change an item of this size."""

    def __init__(self) -> None:
        self.items: dict[str, Json] = {}

    def put_item(self, **given: Any) -> None:
        self.items[given["Item"]["entry_id"]["S"]] = given["Item"]

    def get_item(self, **given: Any) -> Json:
        found = self.items.get(given["Key"]["entry_id"]["S"])
        return {"Item": dict(found)} if found else {}

    def update_item(self, **given: Any) -> None:
        item = self.items.setdefault(given["Key"]["entry_id"]["S"], dict(given["Key"]))
        names = given["ExpressionAttributeNames"]
        sets, _, removes = given["UpdateExpression"].partition("REMOVE")
        for name, value in re.findall(r"(#\w+) = (:\w+)", sets):
            item[names[name]] = given["ExpressionAttributeValues"][value]
        for name in re.findall(r"#\w+", removes):
            item.pop(names[name], None)


# -- a bill that goes around ------------------------------------------------------------------


def decide(desk: Desk, to: Any, actor: str = "U-APPROVER", note: str = "", **values: Any) -> Item:
    desk.now += timedelta(minutes=3)
    return desk.table.change(
        desk.stored(), to=to, actor=actor, now=desk.now, values=values, note=note
    )


def approve(desk: Desk) -> Item:
    approval = {"by": "U-APPROVER", "at": stamp(desk.now), "digest": desk.stored()["digest"]}
    return decide(desk, "APPROVED", approvals=[approval])


def test_a_bill_that_goes_around_a_thousand_times_stays_within_its_item(desk: Desk) -> None:
    """Amended, approved, refused, retried, taken back, rejected with a long reason, reopened."""
    desk.clients["dynamodb"] = Quick()
    desk.approve(a_bill(documents=()), status="READY_FOR_APPROVAL", approvals=[])
    largest = tries = 0
    for n in range(1, 1001):
        if n % 5 == 0:
            bill = a_bill(bill_reference=f"INV-{n}", documents=())
            revision = int(desk.stored()["revision"]) + 1
            more = {**content(bill), "revision": revision, "approvals": []}
            decide(desk, "READY_FOR_APPROVAL", "extractor", "changed in Odoo", **more)
        if n % 7 == 0:
            decide(desk, "REJECTED", note="€" * 1000)
            decide(desk, "READY_FOR_APPROVAL", note="reopened")
        approve(desk)
        if n % 3 == 0:
            decide(desk, "READY_FOR_APPROVAL", note="approval taken back", approvals=[])
            continue
        if n % 8 == 0:
            tries += 1
            desk.quickbooks.inject("fault", path="/bill", status=400, code="6000", detail="no" * 90)
            assert desk.post(desk.stored(), f"m{n}") == "POST_FAILED"
        else:
            decide(desk, "POSTING", "poster")
            decide(desk, "POST_FAILED", "poster", "QuickBooks refused: " + "no" * 90)
        decide(desk, "READY_FOR_APPROVAL", "extractor", "changed in Odoo", approvals=[])
        largest = max(largest, size(desk.stored()))
    approve(desk)
    assert desk.post(desk.stored(), "last") == "POSTED"
    item = desk.stored()
    assert max(largest, size(item)) < LIMIT
    assert flaw(item) == ""
    assert len(item["history"]) <= ENTRIES
    assert len(item["attempts"]) <= ATTEMPTS < tries
    assert int(item["attempts"][-1]["number"]) == tries + 1
    told = story(item)
    assert any("older entries were summarised" in sentence for sentence in told)
    assert any("Posting attempts up to" in sentence and "6000 " in sentence for sentence in told)
    assert "older ones, which were summarised." in told[-1]
    assert len(documents(desk)) == 1


def test_a_company_that_can_only_be_read_leaves_one_mail_and_no_growing_trace(
    desk: Desk,
) -> None:
    desk.clients["dynamodb"] = Quick()
    desk.post(desk.approve(a_bill(odoo_id=1, bill_reference="INV-0", documents=())))
    desk.quickbooks.inject("fault", path="/bill", code="6190", status=400, times=10**6)
    item = desk.approve(a_bill(documents=()))
    sizes, mails, tries = [], 0, desk.quickbooks.calls["bill"]
    for quarter in range(4 * 24 * DAYS):  # a sweep each quarter of an hour
        desk.now += timedelta(minutes=15)
        mails += delivered(desk, item, f"m{quarter}")
        if quarter % 4 == 0:
            connection = desk.connection()
            desk.api().company_info()  # as the hourly reading
            connection.note_works()
        sizes.append(size(desk.stored()))
    assert mails == 1
    assert desk.stored()["status"] == "APPROVED"
    assert desk.quickbooks.calls["bill"] - tries <= 24 * DAYS + 1, "once an hour at most"
    assert max(sizes) - sizes[8] < 100
    assert flaw(desk.stored()) == ""
    assert any(" attempts since " in sentence for sentence in story(desk.stored()))
    desk.quickbooks.clear_faults()
    desk.now += timedelta(hours=1)
    assert delivered(desk, desk.stored(), "open again") == 0
    assert desk.stored()["status"] == "POSTED"
    assert desk.table.read_note("connection#north")["state"] == "CONNECTED"
    assert len(documents(desk)) == 2


def delivered(desk: Desk, item: Item, message_id: str) -> int:
    """A delivery with a connection whose end is noted, as the function does it; mails sent."""
    before = len(desk.alarms)

    def disconnected(_: str, refusal: Disconnected) -> None:
        connection = desk.connection()
        if not connection.is_broken():
            desk.alarms.append(str(refusal))
        connection.note_broken(refusal)

    poster = replace(desk.poster(), disconnected=disconnected)
    poster.post(item["entry_id"], int(item["revision"]), message_id)
    return len(desk.alarms) - before


def test_reading_opens_what_was_closed_to_reading_and_nothing_else(desk: Desk) -> None:
    for on_write, state in ((True, "NEEDS_RECONNECT"), (False, "CONNECTED")):
        refusal = Disconnected("The subscription has ended.", code="6190")
        refusal.on_write = on_write
        connection = desk.connection()
        connection.access_token()
        connection.note_broken(refusal)
        connection.note_works()
        assert desk.table.read_note("connection#north")["state"] == state
        connection.note_works(wrote=True)
        note = desk.table.read_note("connection#north")
        assert (note["state"], note.get("by"), note.get("tried_at")) == ("CONNECTED", None, None)


def test_a_new_refresh_token_opens_what_was_closed_to_writing(desk: Desk) -> None:
    refusal = Disconnected("The subscription has ended.", code="6190")
    refusal.on_write = True
    desk.connection().note_broken(refusal)
    assert desk.connection().standing() == "closed"
    desk.reconnect()
    assert desk.connection().standing() == "open"


# -- the chain --------------------------------------------------------------------------------


def a_long_history(entries: int, **fields: str) -> list[Json]:
    history: list[Json] = [history_entry([], NOW, "extractor", "", "READY_FOR_APPROVAL", "d")]
    for n in range(entries):
        at = NOW + timedelta(minutes=n)
        before, after = ("READY_FOR_APPROVAL", "APPROVED")[:: 1 if n % 2 == 0 else -1]
        history = continued(history, at, f"U-{n % 30}", before, after, "d", **fields)
    return history


def test_a_history_is_as_it_was_until_it_is_long() -> None:
    history: list[Json] = []
    for n in range(ENTRIES):
        entry = history_entry(history, NOW, f"U-{n}", "A", "B", "d")
        assert continued(history, NOW, f"U-{n}", "A", "B", "d") == [*history, entry]
        history.append(entry)


@pytest.mark.parametrize("note", ["", "€" * 1000], ids=["short", "long"])
def test_the_summary_says_how_many_by_whom_and_from_when_to_when(note: str) -> None:
    history = a_long_history(1000, note=note)
    assert verify_history(history)
    summary, *rest = history
    assert is_summary(summary)
    assert not any(is_summary(entry) for entry in rest)
    assert int(summary["entries"]) + len(rest) == 1001
    assert sum(map(int, summary["actors"].values())) == int(summary["entries"])
    assert len(summary["actors"]) <= 21
    assert summary["since"] == stamp(NOW)
    assert summary["at"] <= rest[0]["at"]
    assert len(json.dumps(history, ensure_ascii=False).encode()) < 50_000


@pytest.mark.parametrize(
    "tamper",
    [
        lambda h: h[0].update(entries="3"),
        lambda h: h[0]["actors"].update({"U-1": "0"}),
        lambda h: h[0].update(chain="0" * 64),
        lambda h: h.pop(0),
        lambda h: h.pop(1),
        lambda h: h[1].update(actor="U-EVIL"),
        lambda h: next(e for e in h if "summary" in e).pop("summary"),
    ],
    ids=["count", "actors", "chain", "summary", "second", "changed", "its hash"],
)
def test_a_summary_that_was_touched_is_noticed(tamper: Any) -> None:
    history = [dict(entry) for entry in a_long_history(130)]
    history[0] = {**history[0], "actors": dict(history[0]["actors"])}
    assert verify_history(history)
    tamper(history)
    is_whole = verify_history(history) and not history[0]["prev"]
    assert not is_whole


def tried(history: list[Json], n: int, note: str = "closed") -> list[Json]:
    at = NOW + timedelta(hours=n)
    history = continued(history, at, "poster", "APPROVED", "POSTING", "d")
    return continued(history, at, "poster", "POSTING", "APPROVED", "d", note)


def test_what_repeats_itself_is_one_entry_that_says_how_often() -> None:
    history = a_long_history(1)
    for n in range(1, 51):
        history = tried(history, n)
        assert verify_history(history)
    assert len(history) == 2 + 1 + 2
    repeated = history[2]
    assert (repeated["times"], repeated["note"]) == ("49", "closed")
    assert repeated["since"] == stamp(NOW + timedelta(hours=1))
    assert repeated["at"] == stamp(NOW + timedelta(hours=49))
    other = tried(tried(history, 51, "another"), 52, "another")
    assert [e.get("times") for e in other[2:4]] == ["50", "1"]
    assert verify_history(other)


def test_what_people_do_again_and_again_is_never_made_one_entry() -> None:
    history: list[Json] = [history_entry([], NOW, "extractor", "", "READY_FOR_APPROVAL", "d")]
    for _ in range(20):
        history = continued(history, NOW, "U-A", "READY_FOR_APPROVAL", "APPROVED", "d")
        history = continued(history, NOW, "U-A", "APPROVED", "READY_FOR_APPROVAL", "d", "back")
    assert len(history) == 41
    assert verify_history(history)


def test_an_approval_that_only_the_summary_knows_is_still_seen_to_be_unposted(desk: Desk) -> None:
    history = a_long_history(1)
    for n in range(1, 200):
        at = desk.now - timedelta(minutes=30)
        history = continued(history, at, "extractor", "APPROVED", "APPROVED", "d", f"note {n}")
    assert is_summary(history[0])
    item = an_item(a_bill(), status="APPROVED", history=history, updated_at=stamp(desk.now))
    desk.table.put_new(item, "")
    desk.now = NOW + timedelta(hours=2)
    assert unposted(desk.table, desk.now) == {"odoo-42": stamp(NOW)}


# -- attempts, notices ------------------------------------------------------------------------


def an_attempt(number: int, outcome: str = "6000") -> Json:
    return {
        "number": number, "at": f"2026-11-21T09:{number % 60:02d}:00.000Z", "outcome": outcome,
        "entity": "Bill", "doc_number": f"INV-{number}", "day": "2026-11-02", "body_key": "",
        "digest": "d" * 64, "request_id": f"oqb-{number}", "content": str(number),
    }  # fmt: skip


def test_summarised_attempts_are_still_looked_for_where_they_may_be() -> None:
    attempts: list[Json] = []
    for n in range(1, 101):
        attempts = with_next(attempts, an_attempt(n, "absent" if n in {3, 40} else "6000"))
    assert len(attempts) <= ATTEMPTS
    assert {("Bill", "INV-3", "2026-11-02"), ("Bill", "INV-40", "2026-11-02")} <= places(attempts)
    summary = attempts[0]
    assert sum(summary["outcomes"].values()) + len(attempts) - 1 == 100
    assert summary["outcomes"]["absent"] == 2
    assert len(summary["chain"]) == 64
    assert attempts[-1]["number"] == 100


def test_of_replies_sent_long_ago_the_last_are_kept_and_what_is_owed_always() -> None:
    sent = [{"kind": "rejected", "ts": str(n), "due_at": str(n)} for n in range(1, 40)]
    called = {"kind": "escalation", "ts": "0", "due_at": "0"}
    owing = {"kind": "reminder", "ts": "", "due_at": "0"}
    assert bounded([owing, called, *sent]) == [owing, called, *sent[-10:]]
    assert bounded(sent[:3]) == sent[:3]
