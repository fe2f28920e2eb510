"""What must hold whenever all is quiet, whatever happened before: a sentence for each breach."""

from __future__ import annotations

import hashlib
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from asked import buttons, words
from odoo_qb.card import approval_card, button_value
from odoo_qb.policy import FIRST_OF_TWO, RULES
from odoo_qb.story import story
from sandbox.odoo_books import as_text
from world import APPROVER, CHANNEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from life import Life
    from odoo_qb.item import Item
    from sandbox.quickbooks import Realm
    from sandbox.slack_payloads import Message
    from world import World

Json = dict[str, Any]
IN_QUICKBOOKS: Final = frozenset({"POSTED", "ALREADY_IN_QB"})
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
    found = [*_books(world, items), *_nothing_lost(world, items), *_decisions(life, items)]
    for entry_id, item in items.items():
        found += [f"{entry_id}: {said}" for said in (*_bill(item), *_card(life, item))]
    found += unequal(world)
    found += [v for v in world.quickbooks.violations if "stale refresh token" not in v]
    return found


def documents(world: World) -> dict[str, list[tuple[Realm, Json]]]:
    """The bills and credits in QuickBooks by the bill they are of; "" for those without marker."""
    found: dict[str, list[tuple[Realm, Json]]] = {}
    for realm in world.quickbooks.realms.values():
        for document in (*realm.bills.values(), *realm.vendor_credits.values()):
            note = str(document.get("PrivateNote", ""))
            mark = note[1 : note.index("]")] if note.startswith("[odoo-") else ""
            found.setdefault(mark, []).append((realm, document))
    return found


def unequal(world: World) -> list[str]:
    """Where Odoo, the table and QuickBooks do not have the same total, to the cent."""
    sums: dict[tuple[str, str], list[Decimal]] = {}
    held = documents(world)
    for item in world.items().values():
        if item["status"] not in IN_QUICKBOOKS:
            continue
        sign = -1 if item["move_type"] == "in_refund" else 1
        move = world.odoo.records["account.move"][int(item["odoo_id"])]
        in_odoo = Decimal(str(move["amount_total"])).quantize(Decimal("0.01"))
        if item.get("amended_after"):
            in_odoo = item["amount_total"]  # Odoo has another content by now, as the card says
        there = sum(d["TotalAmt"] for d in _its_documents(world, held, item))
        amounts = (in_odoo, item["amount_total"], there)
        total = sums.setdefault((item["company"], item["currency"]), [Decimal(0)] * 3)
        for n, amount in enumerate(amounts):
            total[n] += sign * amount
    return [
        f"{company} {currency}: Odoo {a}, the table {b}, QuickBooks {c}"
        for (company, currency), (a, b, c) in sorted(sums.items())
        if not a == b == c
    ]


def _its_documents(
    world: World, held: dict[str, list[tuple[Realm, Json]]], item: Item
) -> list[Json]:
    """A bill's documents: those with its mark, or the one a person linked it to."""
    marked = [document for _, document in held.get(item["entry_id"], ())]
    if marked or not item.get("link"):
        return marked
    realm = next(r for r in world.quickbooks.realms.values() if r.company_name == item["company"])
    return [(realm.bills | realm.vendor_credits)[item["quickbooks"]["id"]]]


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


def _books(world: World, items: dict[str, Item]) -> Iterator[str]:
    """One document for each bill that was approved and posted, as it was approved; no other."""
    held = documents(world)
    linked = {i["quickbooks"]["id"] for i in items.values() if i.get("link") and "quickbooks" in i}
    for entry_id in held.keys() - items.keys():
        strange = [d["Id"] for _, d in held[entry_id] if d["Id"] not in linked]
        if strange:
            yield f"QuickBooks has {strange} of {entry_id or 'nobody'}"
    for entry_id, item in items.items():
        mine = held.get(entry_id, [])
        if item.get("quickbooks", {}).get("id") in linked:
            continue
        wanted = int(item["status"] in IN_QUICKBOOKS)
        if len(mine) == 1 and _is_to_be_deleted(world, item, mine[0][1]):
            continue
        if len(mine) != wanted:
            yield f"{entry_id} is {item['status']} and {len(mine)} times in QuickBooks"
        for realm, document in mine:
            yield from (f"{entry_id}: {said}" for said in _document(item, realm, document))


def _is_to_be_deleted(world: World, item: Item, document: Json) -> bool:
    """Whether the card of a bill that ended before a try was clear names the document it made."""
    said = [words(m) for m in _living(world, item)]
    is_ended = item["status"] in {"WITHDRAWN", "REJECTED"}
    return is_ended and any(f"number {document['DocNumber']} of" in text for text in said)


def _living(world: World, item: Item) -> list[Message]:
    messages = world.slack.channels[CHANNEL].messages
    return [messages[c["ts"]] for c in item["cards"] if not c["retired"] and c["ts"] in messages]


def _document(item: Item, realm: Realm, document: Json) -> Iterator[str]:
    """Whether a document is the bill: every part of it that was approved."""
    approved = [a["digest"] for a in item["approvals"]]
    if not approved or set(approved) != {item["digest"]}:
        yield f"posted as {item['digest'][:8]}, approved as {[a[:8] for a in approved]}"
    rows = [n for n in item["lines"] if n["kind"] in {"product", "tax"} and n["amount"]]
    lines = [(n["amount"], f"Tax: {n['text']}" if n["kind"] == "tax" else n["text"]) for n in rows]
    reference = document["VendorRef"]["value"]
    there = {
        "kind": reference in realm.vendors and document["Id"] in realm.vendor_credits,
        "vendor": realm.vendors[reference]["DisplayName"],
        "total": document["TotalAmt"],
        "date": document["TxnDate"],
        "currency": document["CurrencyRef"]["value"],
        "lines": [(n["Amount"], n.get("Description", "")) for n in document["Line"]],
    }
    vendor = item["vendor"] or {}
    home = item["currency"] == realm.home_currency
    here = {
        "kind": item["move_type"] == "in_refund",
        "vendor": vendor["name"] + ("" if home else f" ({item['currency']})"),
        "total": item["amount_total"],
        "date": item["bill_date"],
        "currency": item["currency"],
        "lines": lines,
    }
    for what, value in here.items():
        if there[what] != value:
            yield f"its {what} in QuickBooks is {there[what]} instead of {value}"
    yield from _attached(item, _files(realm, document))


def _attached(item: Item, files: Counter[tuple[str, str]]) -> Iterator[str]:
    """Each file is there once and whole; of one that is not, the card says so."""
    wanted = Counter((d["name"], d["sha256"]) for d in item["documents"])
    told = " ".join(item["quickbooks"]["not_attached"])
    missing = [name for name, _ in wanted - files if name not in told]
    if missing or files - wanted:
        yield f"its files in QuickBooks are {sorted(files.elements())}, and not {missing}"


def _files(realm: Realm, document: Json) -> Counter[tuple[str, str]]:
    kind = "VendorCredit" if document["Id"] in realm.vendor_credits else "Bill"
    return Counter(
        (row["FileName"], hashlib.sha256(realm.files[key]).hexdigest())
        for key, row in realm.attachables.items()
        for ref in row.get("AttachableRef", ())
        if (ref["EntityRef"]["type"], ref["EntityRef"]["value"]) == (kind, document["Id"])
    )


def _nothing_lost(world: World, items: dict[str, Item]) -> Iterator[str]:
    """Every bill of Odoo is in the table as it stands there, and so is all the watermark passed."""
    written = str(world.table.read_note("watermark#odoo").get("written", ""))
    for move in world.odoo.records["account.move"].values():
        is_old = str(move["invoice_date"]) < "2026-01-01"
        if move["state"] != "posted" or is_old or not move["move_type"].startswith("in_"):
            continue
        entry_id, item = f"odoo-{move['id']}", items.get(f"odoo-{move['id']}")
        if as_text(move["write_date"]) > written:
            yield f"{entry_id}: the watermark {written} never came to {move['write_date']}"
        if item is None:
            yield f"{entry_id} is in Odoo and not in the table"
        elif not item.get("amended_after") and not _agrees(item, move):
            yield f"{entry_id} is another in Odoo: {move['amount_total']} {move['ref']}"
    for entry_id, item in items.items():
        gone = world.odoo.records["account.move"].get(int(item["odoo_id"]), {})
        open_still = item["status"] in {"READY_FOR_APPROVAL", "REJECTED", "POST_FAILED"}
        if gone.get("state") != "posted" and open_still:
            yield f"{entry_id} is {item['status']}, but not posted in Odoo"


def _agrees(item: Item, move: Json) -> bool:
    total = Decimal(str(move["amount_total"]))
    return (item["amount_total"], item["bill_reference"]) == (total, move["ref"] or "")


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
    if _deciding(message) != offered:
        yield f"its card offers {_deciding(message)} and it is {item['status']}"
    elements = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
    if {e["value"] for e in elements} - {button_value(item)}:
        yield "a button of its card is about another content"


def _decisions(life: Life, items: dict[str, Item]) -> Iterator[str]:
    """What a person was told is done, was done by that person."""
    for entry_id, action_id, person in life.promises:
        entries = [h for h in items[entry_id]["history"] if h["actor"] == person]
        notes = {h.get("note") for h in entries}
        is_first = action_id == "approve_invoice" and FIRST_OF_TWO.note in notes
        if RULES[action_id].after not in {h["to"] for h in entries} and not is_first:
            yield f"{entry_id}: the {action_id} of {person} was lost"
