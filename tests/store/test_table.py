"""The table: which status may follow which, who wins a race, and a history that tells."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from moto import mock_aws

from odoo_qb.bill.history import verify_history
from odoo_qb.bill.status import FINAL, TRANSITIONS
from odoo_qb.errors import Conflict
from odoo_qb.store.table import Table
from sandbox.in_process.aws import REGION, make_resources
from tests.support.builders import NOW, a_bill, an_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Card, Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.bill.status import Status

REFERENCE = "reference#north#7#inv-1001"
# Written down a second time, by whom a transition belongs to: the two must agree.
ALLOWED = {
    "VALIDATION_FAILED": "VALIDATION_FAILED READY_FOR_APPROVAL WITHDRAWN",
    "READY_FOR_APPROVAL": "READY_FOR_APPROVAL VALIDATION_FAILED APPROVED REJECTED ACKNOWLEDGED"
    " WITHDRAWN",
    "APPROVED": "ACKNOWLEDGED POSTING READY_FOR_APPROVAL VALIDATION_FAILED WITHDRAWN",
    "POSTING": "ACKNOWLEDGED POSTING POSTED POST_FAILED ALREADY_IN_QB APPROVED READY_FOR_APPROVAL",
    "POSTED": "POSTED",
    "ALREADY_IN_QB": "ALREADY_IN_QB",
    "ACKNOWLEDGED": "ACKNOWLEDGED READY_FOR_APPROVAL VALIDATION_FAILED",
    "POST_FAILED": "APPROVED READY_FOR_APPROVAL VALIDATION_FAILED ALREADY_IN_QB ACKNOWLEDGED"
    " WITHDRAWN",
    "REJECTED": "READY_FOR_APPROVAL VALIDATION_FAILED WITHDRAWN",
    "WITHDRAWN": "READY_FOR_APPROVAL VALIDATION_FAILED",
}
PAIRS = list(product(TRANSITIONS, TRANSITIONS))
RETENTION = timedelta(days=2555)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with mock_aws():
        make_resources()
        yield boto3.client("dynamodb", region_name=REGION)


@pytest.fixture
def table(client: Any) -> Iterator[Table]:
    yield Table(client, "bills", retention=RETENTION)
    for row in client.scan(TableName="bills")["Items"]:
        client.delete_item(TableName="bills", Key={"entry_id": row["entry_id"]})


def stored(table: Table, bill: Bill | None = None, **fields: Any) -> Item:
    item = an_item(bill, **fields)
    table.put_new(item, "")
    found = table.get(item["entry_id"])
    assert found
    return found


def change(table: Table, item: Item, to: Status | None = None, **how: Any) -> Item:
    return table.change(item, to=to, actor="tester", now=NOW, **how)


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=lambda s: s)
def test_only_the_tables_transitions_happen(table: Table, before: Status, after: Status) -> None:
    item = stored(table, status=before)
    if after in ALLOWED[before].split():
        assert change(table, item, after)["status"] == after
    else:
        with pytest.raises(Conflict, match=f"is {before} and cannot become {after}"):
            change(table, item, after)
        assert table.get(item["entry_id"]) == item


@pytest.mark.parametrize("final", sorted(FINAL))
def test_only_a_final_status_ends_with_a_date_of_expiry(table: Table, final: Status) -> None:
    before: Status = "READY_FOR_APPROVAL" if final == "ACKNOWLEDGED" else "POSTING"
    item = stored(table, status=before)
    assert "expires_at" not in change(table, item, values={"warnings": ["x"]})
    fresh = table.get(item["entry_id"])
    assert fresh
    expected = int((NOW + RETENTION).timestamp())
    ended = change(table, fresh, final)
    assert ended["expires_at"] == expected
    if final == "ACKNOWLEDGED":
        change(table, ended, "READY_FOR_APPROVAL")
        assert "expires_at" not in (table.get(item["entry_id"]) or {})


def test_the_second_of_two_who_read_the_same_version_is_refused(table: Table) -> None:
    read_by_both = stored(table)
    first = change(table, read_by_both, "APPROVED", values={"decided_by": "U-1"})
    with pytest.raises(Conflict):
        change(table, read_by_both, "REJECTED", values={"decided_by": "U-2"})
    assert table.get("odoo-42") == first
    assert first["version"] == 2


def test_a_bill_is_stored_for_the_first_time_once(table: Table) -> None:
    table.put_new(an_item(), REFERENCE)
    with pytest.raises(Conflict):
        table.put_new(an_item(status="APPROVED"), REFERENCE)
    assert table.get("odoo-42") == an_item()
    assert table.read_note(REFERENCE)["bills"] == {"odoo-42"}


def test_a_bill_is_noted_under_each_reference_it_had(table: Table) -> None:
    item = stored(table)
    item = change(table, item, reference_id=REFERENCE)
    change(table, item, reference_id="reference#north#7#other")
    assert table.read_note(REFERENCE)["bills"] == {"odoo-42"}
    assert table.read_note("reference#north#7#other")["bills"] == {"odoo-42"}


def test_what_is_returned_is_what_is_stored(table: Table) -> None:
    item = stored(table, decided_by="U-1")
    changed = change(table, item, "APPROVED", values={"approvals": [{"by": "U"}]}, note="because")
    removed = change(table, changed, remove=["decided_by"], show=False)
    assert "decided_by" not in removed
    assert table.get("odoo-42") == removed
    assert removed["card_due"] == 2  # the second change showed nothing new


def test_every_change_leaves_a_link_of_a_chain(table: Table) -> None:
    item = stored(table)
    for status in ("APPROVED", "POSTING", "POSTED"):
        item = change(table, item, status)
    fresh = table.get("odoo-42")
    assert fresh
    assert [h["to"] for h in fresh["history"]] == [
        "READY_FOR_APPROVAL",
        "APPROVED",
        "POSTING",
        "POSTED",
    ]
    assert verify_history(fresh["history"])


def a_card(ts: str) -> Card:
    return {"channel": "C", "ts": ts, "digest": "d", "retired": False}


def test_a_shown_card_is_no_longer_owed_and_the_version_stays(table: Table) -> None:
    item = stored(table, card_due=1)
    assert table.card_shown("odoo-42", 1, [a_card("1.0")])
    fresh = table.get("odoo-42")
    assert fresh
    assert "card_due" not in fresh
    assert (fresh["cards"], fresh["version"]) == ([a_card("1.0")], item["version"])


def test_a_change_while_a_card_is_being_shown_stays_owed(table: Table) -> None:
    read_by_notifier = stored(table, card_due=1)
    changed = change(table, read_by_notifier, "APPROVED")
    assert not table.card_shown("odoo-42", 1, [a_card("1.0")])
    fresh = table.get("odoo-42")
    assert fresh
    assert (fresh["card_due"], fresh["status"]) == (changed["version"], "APPROVED")
    assert fresh["cards"] == [a_card("1.0")]  # the message exists and must be found again


def test_a_decision_does_not_mind_that_the_card_was_shown_meanwhile(table: Table) -> None:
    read_by_handler = stored(table, card_due=1)
    table.card_shown("odoo-42", 1, [a_card("1.0")])
    change(table, read_by_handler, "APPROVED")
    fresh = table.get("odoo-42")
    assert fresh
    assert (fresh["cards"], fresh["card_due"]) == ([a_card("1.0")], 2)


def test_only_a_bill_that_owes_a_card_is_touched_and_it_stays_the_same_bill(table: Table) -> None:
    item = stored(table, card_due=1)
    assert table.touch("odoo-42", NOW)
    fresh = table.get("odoo-42")
    assert fresh
    assert {**fresh} == {**item, "touched_at": fresh["touched_at"]}
    table.card_shown("odoo-42", 1, [])
    assert not table.touch("odoo-42", NOW)
    assert not table.touch("odoo-404", NOW)
    assert table.get("odoo-404") is None


def test_a_status_is_listed_oldest_first_within_its_bounds(table: Table) -> None:
    for n in (3, 1, 2, 4):
        updated = f"2026-11-21T09:0{n}:00.000Z"
        stored(table, a_bill(odoo_id=n), status="APPROVED", updated_at=updated)
    stored(table, a_bill(odoo_id=9), updated_at="2026-11-21T09:01:00.000Z")
    until = NOW.replace(hour=9, minute=3)
    assert list(table.in_status("APPROVED", until=until)) == ["odoo-1", "odoo-2", "odoo-3"]
    since = "2026-11-21T09:02:00.000Z"
    found = list(table.in_status("APPROVED", until=until, since=since))
    assert found == ["odoo-2", "odoo-3"]


def test_a_companys_bills_are_listed_by_status(table: Table) -> None:
    stored(table, a_bill(odoo_id=1))
    stored(table, a_bill(odoo_id=2, company="south"))
    stored(table, a_bill(odoo_id=3), status="REJECTED")
    assert list(table.in_company("north", "READY_FOR_APPROVAL")) == ["odoo-1"]
    assert list(table.in_company("north", "REJECTED")) == ["odoo-3"]
    assert list(table.in_company("west", "REJECTED")) == []


class TwoAPage:
    """DynamoDB as it is with much data: an answer ends early and says where to go on."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.queries = 0

    def query(self, **request: Any) -> Any:
        self.queries += 1
        return self._client.query(**request, Limit=2)

    def batch_get_item(self, **request: Any) -> Any:
        ((name, asked),) = request["RequestItems"].items()
        keys = asked["Keys"]
        some = {name: {**asked, "Keys": keys[:2]}}
        answer = self._client.batch_get_item(RequestItems=some)
        if keys[2:]:
            answer["UnprocessedKeys"] = {name: {**asked, "Keys": keys[2:]}}
        return answer


def test_no_bill_is_lost_between_the_pages_of_an_answer(table: Table, client: Any) -> None:
    for n in range(1, 6):
        stored(table, a_bill(odoo_id=n))
    paging = TwoAPage(client)
    small = Table(cast("Any", paging), "bills", retention=RETENTION)
    expected = {f"odoo-{n}" for n in range(1, 6)}
    assert set(small.in_status("READY_FOR_APPROVAL", until=NOW)) == expected
    assert paging.queries >= 3
    assert set(small.get_many([*sorted(expected), "odoo-404", "odoo-1"])) == expected


def test_more_than_a_hundred_items_are_read_in_several_batches(table: Table) -> None:
    for n in range(1, 106):
        stored(table, a_bill(odoo_id=n))
    found = table.get_many(f"odoo-{n}" for n in range(1, 120))
    assert len(found) == 105


def test_a_note_is_written_only_under_its_condition(table: Table) -> None:
    free = "attribute_not_exists(lease_until) OR lease_until < :now"
    table.write_note("n", {"lease_until": "5"}, condition=free, condition_values={"now": "1"})
    with pytest.raises(Conflict):
        table.write_note("n", {"lease_until": "9"}, condition=free, condition_values={"now": "4"})
    table.write_note("n", {"lease_until": "9"}, condition=free, condition_values={"now": "6"})
    assert table.read_note("n")["lease_until"] == "9"
    table.write_note("n", {}, remove=["lease_until"])
    assert table.read_note("n") == {"entry_id": "n"}
    assert table.read_note("absent") == {}
