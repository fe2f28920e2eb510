"""What must hold whenever all is quiet, whatever happened before: a sentence for each breach."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.approval.policy import FIRST_OF_TWO, RULES
from odoo_qb.cards.card import approval_card, button_value
from odoo_qb.extraction.watermark import LOOKBACK
from odoo_qb.operations.audit_trail import story
from sandbox.in_process.chain import APPROVER, CHANNEL
from sandbox.odoo.records import as_text
from tests.support.reconciliation import IN_QUICKBOOKS, documents, misposted, unequal
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World
    from sandbox.slack.payloads import Message
    from tests.simulation.simulation import Life

Json = dict[str, Any]
# Where a bill may rest, and the buttons it then offers.
OFFERED: Final[dict[str, set[str]]] = {
    "READY_FOR_APPROVAL": {"approve_invoice", "reject_invoice"},
    "REJECTED": {"reopen_invoice"},
    "POST_FAILED": {"retry_posting", "link_existing", "close_invoice"},
    "POSTED": set(),
    "ALREADY_IN_QB": set(),
    "ACKNOWLEDGED": set(),
    "WITHDRAWN": set(),
    "VALIDATION_FAILED": set(),
}
_WHOLE: Final = "The history is whole"


def broken(life: Life) -> list[str]:
    """Every promise that is not kept, each in a sentence."""
    world, items = life.world, life.world.items()
    found = [*misposted(world, items), *_nothing_lost(world, items), *_decisions(life, items)]
    for entry_id, item in items.items():
        found += [f"{entry_id}: {said}" for said in (*_bill(item), *_card(life, item))]
    found += unequal(world)
    found += [v for v in world.quickbooks.violations if "stale refresh token" not in v]
    return found


def orphans(life: Life, item: Item) -> list[Message]:
    """Messages beside the bill's cards that offer a decision: Slack's answer to them got lost."""
    noted = {c["ts"] for c in item["cards"] if not c["retired"]}
    return [m for m in life.cards(item["entry_id"]) if m.ts not in noted and _deciding(m)]


def spare_cards_decide_nothing(life: Life) -> list[str]:
    """Click every orphan of a decided bill: it changes nothing, and ends as a decision's place."""
    found: list[str] = []
    for entry_id, item in life.world.items().items():
        for message in orphans(life, item) if item["status"] != "READY_FOR_APPROVAL" else ():
            action = min(_deciding(message))
            life.send(life.world.slack.click(APPROVER, CHANNEL, message.ts, action))
            now = life.world.slack.channels[CHANNEL].messages[message.ts]
            if life.world.item(entry_id) != item or _deciding(now):
                found.append(f"{entry_id}: {action} on a spare card did something")
    return found


def _deciding(message: Message) -> set[str]:
    return set(buttons(message)) - {"view_pdf"}


def _nothing_lost(world: World, items: dict[str, Item]) -> Iterator[str]:
    """Every bill of Odoo is in the table as it stands there, and so is all the watermark passed."""
    written = str(world.table.read_note("watermark#odoo").get("written", ""))
    for move in world.odoo.records["account.move"].values():
        if not is_asked_about(move):
            continue
        entry_id, item = f"odoo-{move['id']}", items.get(f"odoo-{move['id']}")
        if as_text(move["write_date"]) > written:
            yield f"{entry_id}: the watermark {written} never came to {move['write_date']}"
        if item is None:
            yield f"{entry_id} is in Odoo and not in the table"
        elif not item.get("amended_after") and not _agrees(world, item, move):
            yield f"{entry_id} is another in Odoo: {move['amount_total']} {move['ref']}"
    for entry_id, item in items.items():
        gone = world.odoo.records["account.move"].get(int(item["odoo_id"]), {})
        open_still = item["status"] in {"READY_FOR_APPROVAL", "REJECTED", "POST_FAILED"}
        if gone.get("state") != "posted" and open_still:
            yield f"{entry_id} is {item['status']}, but not posted in Odoo"


def _agrees(world: World, item: Item, move: Json) -> bool:
    """Whether the table has Odoo's total, number, and the amounts of all its rows."""
    total = Decimal(str(move["amount_total"]))
    if (item["amount_total"], item["bill_reference"]) != (total, move["ref"] or ""):
        return False
    records, sign = world.odoo.records, -1 if move["move_type"] == "in_refund" else 1
    rows = [records["account.move.line"][i] for i in move["line_ids"]]
    booked = Counter(
        (records["account.account"][row["account_id"]]["code"], _money(row) * sign)
        for row in rows
        if row["display_type"] != "payment_term" and row["amount_currency"]
    )
    return booked == Counter((n["account_code"], n["amount"]) for n in item["lines"] if n["amount"])


def _money(row: Json) -> Decimal:
    return Decimal(str(row["amount_currency"])).quantize(Decimal("0.01"))


def _bill(item: Item) -> Iterator[str]:
    """A bill rests where it may, and tells all of its story."""
    if item["status"] not in OFFERED:
        yield f"it rests as {item['status']}"
    verdict = story(item)[-1]
    if not verdict.startswith(_WHOLE):
        yield verdict
    if "card_due" in item:
        yield "it owes a card"


def _card(life: Life, item: Item) -> Iterator[str]:
    """Its one card in Slack says what the table says, and offers what may be done."""
    messages = life.world.slack.channels[CHANNEL].messages
    living = [c for c in item["cards"] if not c["retired"]]
    if len(living) > 1 or (not living and item["status"] == "READY_FOR_APPROVAL"):
        yield f"it is {item['status']} and has {len(living)} living cards"
    for card in item["cards"]:
        message = messages.get(card["ts"])
        if message is None:
            yield "a card of it is not in Slack"
        elif card["retired"]:
            if _deciding(message):
                yield "a retired card of it still offers a decision"
        else:
            yield from _agreeing(item, message)
    spare = orphans(life, item)
    if len(spare) > len(life.mishaps):
        yield f"{len(spare)} messages beside its card offer a decision"


def _agreeing(item: Item, message: Message) -> Iterator[str]:
    if message.text != approval_card(item).text:
        yield f"its card says {message.text} and it is {item['status']}"
    offered = OFFERED.get(item["status"], set())
    if item["nothing_to_post"] and "approve_invoice" in offered:
        offered = {"acknowledge_intercompany", "reject_invoice"}
    if item["status"] in IN_QUICKBOOKS and item.get("added_files"):
        offered = {"attach_files"}
    if _deciding(message) != offered:
        yield f"its card offers {_deciding(message)} and it is {item['status']}"
    elements = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    if {e["value"] for e in elements} - {button_value(item)}:
        yield "a button of its card is about another content"


def _decisions(life: Life, items: dict[str, Item]) -> Iterator[str]:
    """What a person was told is done, was done by that person, to what their card showed."""
    for promise in life.promises:
        after: set[str] = {RULES[promise.action_id].after}
        if promise.action_id == "attach_files":  # it stays what it is
            after = set(IN_QUICKBOOKS)
        entries = [
            h
            for h in items[promise.entry_id]["history"]
            if h["actor"] == promise.person and h["digest"] == promise.digest
        ]
        is_first = FIRST_OF_TWO.note in {h.get("note") for h in entries}
        if not after & {h["to"] for h in entries} and not is_first:
            yield f"{promise.entry_id}: the {promise.action_id} of {promise.person} was lost"


def broken_at_any_time(life: Life) -> list[str]:
    """What may not be so even for a moment, in the middle of the worst."""
    world, items, held = life.world, life.world.items(), documents(life.world)
    found = [f"{i} is {len(d)} times in QuickBooks" for i, d in held.items() if len(d) > 1]
    found += [
        f"{i} is in QuickBooks and nobody approved it"
        for i in held
        if i in items and "APPROVED" not in {h["to"] for h in items[i]["history"]}
    ]
    found += [f"{i}: {v}" for i, t in items.items() if not (v := story(t)[-1]).startswith(_WHOLE)]
    written = str(world.table.read_note("watermark#odoo").get("written", ""))
    passed = as_text(datetime.fromisoformat(f"{written}+00:00") - LOOKBACK) if written else ""
    found += [
        f"odoo-{number}: the watermark {written} passed it, and it is not in the table"
        for number, move in world.odoo.records["account.move"].items()
        if is_asked_about(move) and as_text(move["write_date"]) < passed
        if f"odoo-{number}" not in items
    ]
    return found


def is_asked_about(move: Json) -> bool:
    """Whether a record of Odoo is a bill from after go-live that somebody has to decide about."""
    is_new = str(move["invoice_date"]) >= "2026-01-01"
    return is_new and move["state"] == "posted" and str(move["move_type"]).startswith("in_")
