"""Bills put before people: stored as the extractor stores them, asked about, looked at in Slack."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.bill.item import content
from odoo_qb.timestamps import stamp
from sandbox.in_process.chain import APPROVER, CHANNEL
from tests.support.builders import a_bill, a_document, an_item

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from sandbox.in_process.chain import World
    from sandbox.slack.payloads import Message

COMPANY: Final = "1MD"
SECOND: Final = "U-SECOND"
PDF: Final = b"%PDF-1.4 a bill"

_ids = count(42)


def a_stored(world: World, **fields: Any) -> str:
    """A bill in the table that waits for a decision and owes a card; its entry_id."""
    number = next(_ids)
    key = f"pending/{COMPANY}/odoo-{number}.pdf"
    stored = world.clients["s3"].put_object(Bucket=world.names["bucket"], Key=key, Body=PDF)
    document = a_document(key=key, version_id=stored["VersionId"])
    bill = a_bill(
        company=COMPANY, odoo_id=number, odoo_name=f"BILL/{number}", documents=(document,)
    )
    world.table.put_new(an_item(bill, **({"card_due": 1} | fields)), "")
    return bill.entry_id


def an_asked(world: World, **fields: Any) -> str:
    """The same, and its card is in Slack."""
    entry_id = a_stored(world, **fields)
    assert world.show() == {"batchItemFailures": []}
    return entry_id


def amended(world: World, entry_id: str, to: str = "READY_FOR_APPROVAL", **fields: Any) -> Item:
    """The bill after its content changed in Odoo, as the extractor writes it."""
    item = world.item(entry_id)
    bill: Bill = a_bill(
        **{
            "company": COMPANY,
            "odoo_id": int(item["odoo_id"]),
            "odoo_name": item["odoo_name"],
            "bill_reference": "INV-CHANGED",
        }
        | fields
    )
    values = {**content(bill), "revision": int(item["revision"]) + 1, "approvals": []}
    return world.table.change(
        item, to=cast("Any", to), actor="extractor", now=datetime.now(UTC), values=values
    )


def moved(world: World, entry_id: str, to: str, **values: Any) -> Item:
    """The bill in another status, as the poster or the extractor writes it."""
    item = world.item(entry_id)
    return world.table.change(
        item, to=cast("Any", to), actor="poster", now=datetime.now(UTC), values=values
    )


def failed(world: World, entry_id: str) -> None:
    """An approved bill that QuickBooks refused."""
    moved(world, entry_id, "POSTING")
    error = {"code": "6140", "message": "QuickBooks has this number already.", "tid": "1-abc"}
    moved(world, entry_id, "POST_FAILED", error=error)
    world.show()


def settings(world: World, **company: Any) -> None:
    """Give the company other settings, as another `terraform apply` does."""
    companies = {COMPANY: {"realm_id": "9130350000000001"} | company}
    world.table.write_note("settings", {"companies": json.dumps(companies)})
    world.restart()


def approvers_known(world: World, source: str, *people: str, at: datetime | None = None) -> None:
    """What the notifier noted about a user group or a channel."""
    known = {"people": dict.fromkeys(people, ""), "at": stamp(at or datetime.now(UTC))}
    world.table.write_note(f"approvers#{source}", known)


def an_hour_ago() -> datetime:
    """When what the notifier noted is no longer fresh."""
    return datetime.now(UTC) - timedelta(hours=1)


def card(world: World, entry_id: str) -> Message:
    """The bill's last card as it stands in Slack."""
    last = world.item(entry_id)["cards"][-1]
    return world.slack.channels[last["channel"]].messages[last["ts"]]


def replies(world: World, entry_id: str) -> list[Message]:
    """What stands in the thread of the bill's last card."""
    last = world.item(entry_id)["cards"][-1]
    return world.slack.channels[last["channel"]].thread(last["ts"])


def buttons(message: Message) -> list[str]:
    """The action ids of a message's buttons, in their order."""
    return [e["action_id"] for b in message.blocks if b["type"] == "actions" for e in b["elements"]]


def words(message: Any) -> str:
    """All that a reader sees of a message."""
    return json.dumps(message.blocks, ensure_ascii=False)


def told(world: World, person: str = APPROVER) -> list[str]:
    """What only this person was told."""
    return [m.text for m in world.slack.channels[CHANNEL].ephemerals[person]]
