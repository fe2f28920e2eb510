"""Whether QuickBooks has what was approved, and only that: once, whole, and to the cent."""

from __future__ import annotations

import hashlib
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sandbox.in_process.chain import CHANNEL
from sandbox.quickbooks.tidying import DELETED, as_booked
from tests.simulation.setup import companies
from tests.support.booked import booking, misbooked
from tests.support.stored_bills import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World
    from sandbox.quickbooks.server import Realm
    from sandbox.slack.payloads import Message

Json = dict[str, Any]
IN_QUICKBOOKS: Final = frozenset({"POSTED", "ALREADY_IN_QB"})


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
        move = world.odoo.records["account.move"].get(int(item["odoo_id"]), {})
        in_odoo = Decimal(str(move.get("amount_total", 0))).quantize(Decimal("0.01"))
        if item.get("amended_after"):
            in_odoo = item["amount_total"]  # Odoo has another content by now, as the card says
        there = sum(d["TotalAmt"] for d in _its_documents(world, held, item))
        there -= _of_its_own(world, item)
        amounts = (in_odoo, item["amount_total"], there)
        total = sums.setdefault((item["company"], item["currency"]), [Decimal(0)] * 3)
        for n, amount in enumerate(amounts):
            total[n] += sign * amount
    return [
        f"{company} {currency}: Odoo {a}, the table {b}, QuickBooks {c}"
        for (company, currency), (a, b, c) in sorted(sums.items())
        if not a == b == c
    ]


def _of_its_own(world: World, item: Item) -> Decimal:
    """By how much QuickBooks' total is another one, where its tax is wanted."""
    if item["preflight"].get("tax", {}).get("how") != "quickbooks" or item.get("link"):
        return Decimal(0)
    return booking(item, realm_of(world, item)).total - item["amount_total"]


def realm_of(world: World, item: Item) -> Realm:
    """A bill's company in QuickBooks."""
    realms = world.quickbooks.realms.values()
    return next(r for r in realms if r.company_name == item["company"])


def _its_documents(
    world: World, held: dict[str, list[tuple[Realm, Json]]], item: Item
) -> list[Json]:
    """A bill's documents: those with its mark, or the one a person linked it to."""
    marked = [document for _, document in held.get(item["entry_id"], ())]
    if marked or not item.get("link"):
        return marked
    realm = realm_of(world, item)
    return [(realm.bills | realm.vendor_credits)[item["quickbooks"]["id"]]]


def misposted(world: World, items: dict[str, Item]) -> Iterator[str]:
    """One document for each bill that was approved and posted, as it was approved; no other."""
    held, settings = documents(world), companies(world)
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
        on_lines = bool(settings[item["company"]].get("tax_on_lines"))
        for realm, there in mine:
            document = as_booked(realm, there)
            found = [*misbooked(item, realm, document, on_lines=on_lines)]
            found += _document(item, realm, document, settings[item["company"]])
            yield from (f"{entry_id}: {said}" for said in found)


def _is_to_be_deleted(world: World, item: Item, document: Json) -> bool:
    """Whether the card of a bill that ended before a try was clear names the document it made."""
    said = [words(m) for m in _living(world, item)]
    is_ended = item["status"] in {"WITHDRAWN", "REJECTED", "ACKNOWLEDGED"}
    return is_ended and any(f"number {document['DocNumber']}, dated" in text for text in said)


def _living(world: World, item: Item) -> list[Message]:
    messages = world.slack.channels[CHANNEL].messages
    return [messages[c["ts"]] for c in item["cards"] if not c["retired"] and c["ts"] in messages]


def _document(item: Item, realm: Realm, document: Json, settings: Json) -> Iterator[str]:
    """Whether a document is the bill, its amounts apart: every part that was approved."""
    approved = [a["digest"] for a in item["approvals"]]
    if not approved or set(approved) != {item["digest"]}:
        yield f"posted as {item['digest'][:8]}, approved as {[a[:8] for a in approved]}"
    reference = document["VendorRef"]["value"]
    there = {
        "kind": document["Id"] in realm.vendor_credits,
        "vendor": _vendor_name(realm, reference),
        "date": document["TxnDate"],
        "currency": document["CurrencyRef"]["value"],
    }
    vendor = item["vendor"] or {}
    home = item["currency"] == realm.home_currency
    name = vendor["name"]
    if item["preflight"]["vendor_how"] == "mapped":
        name = settings["vendors"][name]
    here = {
        "kind": item["move_type"] == "in_refund",
        "vendor": name + ("" if home else f" ({item['currency']})"),
        "date": item["bill_date"],
        "currency": item["currency"],
    }
    for what, value in here.items():
        if there[what] != value:
            yield f"its {what} in QuickBooks is {there[what]} instead of {value}"
    yield from _attached(item, _files(realm, document))


def _vendor_name(realm: Realm, key: str) -> str:
    """A vendor's name, also of one that was merged into another since."""
    name = realm.vendors[key]["DisplayName"] if key in realm.vendors else realm.merged[key]
    return str(name).removesuffix(DELETED)


def _attached(item: Item, files: Counter[tuple[str, str]]) -> Iterator[str]:
    """Each file is there once and whole; of one that is not, the card says so."""
    kept = [*item["documents"], *item.get("attached_later", ())]
    wanted = Counter((d["name"], d["sha256"]) for d in kept)
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
