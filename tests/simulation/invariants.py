"""What must hold when nothing is under way, whatever happened: a sentence per violation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.approval.policy import FIRST_OF_TWO, RULES
from odoo_qb.cards.card import approval_card, button_value
from odoo_qb.extraction.watermark import LOOKBACK
from odoo_qb.operations.audit_trail import story
from sandbox.in_process.aws import REGION
from sandbox.in_process.chain import APPROVER, CHANNEL
from sandbox.in_process.fast_dynamodb import rows
from sandbox.odoo.records import as_text
from tests.project.test_secrets_stay_secret import GIVEN, found, issued
from tests.support.garbage import FOREIGN
from tests.support.reconciliation import IN_QUICKBOOKS, documents, misposted, unequal
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World
    from sandbox.slack.payloads import Message
    from tests.simulation.simulation import Simulation

Json = dict[str, Any]
Check = Callable[["Simulation", "dict[str, Item]"], Iterable[str]]
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
_WHOLE: Final = "The history is complete"
_WATERMARK: Final = "watermark#odoo"


def broken(simulation: Simulation) -> list[str]:
    """A sentence for each violated invariant; `checked` counts the checks."""
    return _broken(simulation, KEPT)


def broken_at_any_time(simulation: Simulation) -> list[str]:
    """Violations of what must hold at every moment, even while things fail."""
    return _broken(simulation, KEPT_AT_ANY_TIME)


def _broken(simulation: Simulation, promises: Mapping[str, Check]) -> list[str]:
    items = simulation.bills()
    found: list[str] = []
    for promise, check in promises.items():
        simulation.checked[promise] += 1
        found += check(simulation, items)
    return found


def orphans(simulation: Simulation, item: Item) -> list[Message]:
    """Messages beside the bill's cards that offer a decision: Slack's answers were lost."""
    noted = {c["ts"] for c in item["cards"] if not c["retired"]}
    return [m for m in simulation.cards(item["entry_id"]) if m.ts not in noted and _deciding(m)]


def spare_cards_decide_nothing(simulation: Simulation) -> list[str]:
    """Click every orphan of a decided bill: it changes nothing, and ends as a decision's place."""
    found: list[str] = []
    for entry_id, item in simulation.world.items().items():
        for message in orphans(simulation, item) if item["status"] != "READY_FOR_APPROVAL" else ():
            action = min(_deciding(message))
            simulation.send(simulation.world.slack.click(APPROVER, CHANNEL, message.ts, action))
            now = simulation.world.slack.channels[CHANNEL].messages[message.ts]
            if simulation.world.item(entry_id) != item or _deciding(now):
                found.append(f"{entry_id}: {action} on a spare card did something")
    return found


def _deciding(message: Message) -> set[str]:
    return set(buttons(message)) - {"view_pdf"}


def _nothing_lost(simulation: Simulation, items: dict[str, Item]) -> Iterator[str]:
    """Every bill of Odoo is in the table as it stands there, and so is all the watermark passed.

    What Odoo dated while its clock was ahead the watermark comes to in its time.
    """
    world, now = simulation.world, as_text(simulation.clock.now)
    written = str(world.table.read_note(_WATERMARK).get("written", ""))
    for move in world.odoo.records["account.move"].values():
        if not is_asked_about(move):
            continue
        entry_id, item = f"odoo-{move['id']}", items.get(f"odoo-{move['id']}")
        if written < as_text(move["write_date"]) <= now:
            yield f"{entry_id}: the watermark {written} never came to {move['write_date']}"
        if item is None:
            yield f"{entry_id} is in Odoo and not in the table"
        elif not item.get("amended_after") and not _agrees(world, item, move):
            yield f"{entry_id} is another in Odoo: {move['amount_total']} {move['ref']}"
    for entry_id, item in items.items():
        gone = world.odoo.records["account.move"].get(int(item["odoo_id"]), {})
        if not gone and item["status"] in IN_QUICKBOOKS and item.get("amended_after") != "deleted":
            yield f"{entry_id} was deleted in Odoo, and its card does not say so"
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
    if item["status"] not in OFFERED:
        yield f"it rests as {item['status']}"
    if "card_due" in item:
        yield "it owes a card"


def _card(simulation: Simulation, item: Item) -> Iterator[str]:
    """Its one card in Slack says what the table says, and offers what may be done."""
    messages = simulation.world.slack.channels[CHANNEL].messages
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
    spare = orphans(simulation, item)
    if len(spare) > len(simulation.mishaps):
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


def _decisions(simulation: Simulation, items: dict[str, Item]) -> Iterator[str]:
    """What a person was told is done, was done by that person, to what their card showed."""
    for promise in simulation.promises:
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


def _at_most_once(simulation: Simulation, items: dict[str, Item]) -> Iterator[str]:
    """Even in the middle of the worst no bill is there twice, or without anybody's approval."""
    for entry_id, documents_of in documents(simulation.world).items():
        if len(documents_of) > 1:
            yield f"{entry_id or 'nobody'} is {len(documents_of)} times in QuickBooks"
        item = items.get(entry_id)
        if item and "APPROVED" not in {h["to"] for h in item["history"]}:
            yield f"{entry_id} is in QuickBooks and nobody approved it"


def _whole(_life: Simulation, items: dict[str, Item]) -> Iterator[str]:
    for entry_id, item in items.items():
        verdict = story(item)[-1]
        if not verdict.startswith(_WHOLE):
            yield f"{entry_id}: {verdict}"


def _nothing_passed(simulation: Simulation, items: dict[str, Item]) -> Iterator[str]:
    """Whatever the watermark has passed is in the table; one that is yet to come passes nothing."""
    written = str(simulation.world.table.read_note(_WATERMARK).get("written", ""))
    try:
        passed = as_text(datetime.fromisoformat(f"{written}+00:00") - LOOKBACK)
    except ValueError:
        return  # nothing was read yet, or a hand wrote it
    moves = simulation.world.odoo.records["account.move"].items()
    for number, move in moves:
        is_missing = f"odoo-{number}" not in items and is_asked_about(move)
        if is_missing and as_text(move["write_date"]) < passed <= as_text(simulation.clock.now):
            yield f"odoo-{number}: the watermark {written} passed it, and it is not in the table"


def _nowhere_else(simulation: Simulation, _items: dict[str, Item]) -> Iterator[str]:
    for call in simulation.elsewhere.came[:1]:
        yield f"another host was sent {call.partition(' {')[0]}"


def _readable(simulation: Simulation, _items: dict[str, Item]) -> Iterator[str]:
    """What people read: messages, mails, and the table, which the cards are made from."""
    world = simulation.world
    channels = world.slack.channels.values()
    places = {
        "the channel": repr([c.messages for c in channels]),
        "what one person was told": repr([c.ephemerals for c in channels]),
        "the mails": "".join(world.mails()),
        "the table": json.dumps([*rows(REGION, world.names["table"])], default=str),
    }
    for place, text in places.items():
        if FOREIGN in text:
            around = text[max(0, text.index(FOREIGN) - 120) :][:200]
            yield f"{place} has what no vendor of ours said: {around}"
        if "Traceback" in text:
            yield f"{place} has a traceback"
    for place, _secret in found(places, GIVEN | issued(world)):
        yield f"{place} has a secret"


def _vendors_once(simulation: Simulation, _items: dict[str, Item]) -> Iterator[str]:
    for realm in simulation.world.quickbooks.realms.values():
        active = [v["DisplayName"] for v in realm.vendors.values() if v["Active"]]
        for name, times in Counter(active).items():
            if times > 1:
                yield f"{realm.company_name} has {name} {times} times"


def _no_strangers(simulation: Simulation, _items: dict[str, Item]) -> Iterator[str]:
    names = {row["entry_id"]["S"] for row in rows(REGION, simulation.world.names["table"])}
    for entry_id in sorted(simulation.strangers & names):
        yield f"{entry_id} was made by hand, deleted, and is in the table again"


def _each(look: Callable[[Simulation, Item], Iterable[str]]) -> Check:
    """A look at each bill."""

    def check(simulation: Simulation, items: dict[str, Item]) -> Iterator[str]:
        for entry_id, item in items.items():
            yield from (f"{entry_id}: {said}" for said in look(simulation, item))

    return check


def _violations(simulation: Simulation, _items: dict[str, Item]) -> list[str]:
    """A token whose renewal nobody was told of is used on: that is right, and no news to Intuit."""
    excused = ["stale refresh token"]
    if any("/bearer" in step for step in simulation.mishaps):
        excused.append("an access token was used after a newer one")
    found = simulation.world.quickbooks.violations
    return [v for v in found if not any(words in v for words in excused)]


def is_asked_about(move: Json) -> bool:
    """Whether a record of Odoo is a bill from after go-live that somebody has to decide about."""
    is_new = str(move["invoice_date"]) >= "2026-01-01"
    return is_new and move["state"] == "posted" and str(move["move_type"]).startswith("in_")


KEPT_AT_ANY_TIME: Final[Mapping[str, Check]] = {
    "no bill is twice in QuickBooks, or without approval": _at_most_once,
    "every history is whole": _whole,
    "what the watermark passed is in the table": _nothing_passed,
    "nothing went to a host that a vendor pointed to": _nowhere_else,
}
KEPT: Final[Mapping[str, Check]] = {
    **KEPT_AT_ANY_TIME,
    "what was approved is in QuickBooks once, as approved, and nothing else is": (
        lambda simulation, items: misposted(simulation.world, items)
    ),
    "every bill of Odoo is in the table as it is, or its card says what changed": _nothing_lost,
    "what a person was told is done, that person did to what the card showed": _decisions,
    "a bill rests where it may, and owes no card": _each(lambda _, item: _bill(item)),
    "its one card says what the table says, and offers what may be done": _each(_card),
    "Odoo, the table and QuickBooks have the same totals": lambda simulation, _: unequal(
        simulation.world
    ),
    "QuickBooks was asked for nothing that it forbids": _violations,
    "people read no secret, and nothing that came with garbage": _readable,
    "no vendor is twice in QuickBooks": _vendors_once,
    "nothing remains of what was made by hand": _no_strangers,
}
