"""How each bill gets as far as planned: people act, answers get lost, 1.0 does the rest.

What ends earliest is done first: from a bill that is on its way to QuickBooks nothing may be
delivered any more.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from life import Life, promise_of
from world import APPROVER

import extractor
import poster
from upgrade.making.companies import FIRMS, VENDOR_NAMES
from upgrade.making.deployment import nothing_lost
from upgrade.making.plan import BILLS, SITUATIONS
from upgrade.making.rows import enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.quickbooks import Realm
    from upgrade.making.plan import Planned

Json = dict[str, Any]
SECOND: Final = "U-SECOND"
_LOST: Final = "posting, attempt open, "
_LEFT: Final = "approved, attempt open, "


def live(life: Life) -> dict[str, Planned]:
    """Enter all bills of the plan and bring each where it belongs; they by entry_id."""
    bills = _entered(life)
    life.settle()

    def each(situation: str, act: Callable[[Life, str, Planned], None]) -> None:
        for entry_id, planned in bills.items():
            if planned.situation == situation:
                act(life, entry_id, planned)

    for situation in ("posted", "posted, changed since", "adopted"):
        each(situation, _approve)
    each("adopted", _lose_the_item)
    for situation in ("linked", "failed, number taken"):
        each(situation, _find_the_number_taken)
    each("linked", _link)
    each("failed, other total", _get_another_total)
    each("failed, books closed", _meet_closed_books)
    for situation in ("rejected", "reopened"):
        each(situation, _reject)
    each("reopened", _reopen)
    each("acknowledged", _acknowledge)
    each("withdrawn", _reset_to_draft)
    each("posted, changed since", _change_the_number)
    each("asked again", _change_the_due_date)
    life.settle()
    each("first of two approvals", _approve)
    life.daily()
    life.hourly()
    for fate in ("there", "absent"):
        each(_LEFT + fate, _lose_connection)
    life.hourly()  # the companies are open again
    for fate in ("there", "absent"):
        each(_LOST + fate, _lose_answer)
    each("approved", _approve_only)
    _check(life, bills)
    return bills


def _entered(life: Life) -> dict[str, Planned]:
    found: dict[str, Planned] = {}
    numbers = {firm.key: firm.first_bill for firm in FIRMS.values()}
    for planned in BILLS:
        firm, number = FIRMS[planned.company], numbers[planned.company]
        numbers[planned.company] += 1
        prefix = "INV" if firm.country == "US" else "SI"
        enter(life.world.odoo, firm, number, f"{prefix}-{number}", planned.typed)
        found[f"odoo-{number}"] = planned
    return found


def _check(life: Life, bills: dict[str, Planned]) -> None:
    items = life.world.items()
    if items.keys() != bills.keys():
        raise ValueError(f"other bills than planned: {items.keys() ^ bills.keys()}")
    wrong = [
        f"{i} ({p.company} {p.case}, {p.situation}) is {items[i]['status']}:"
        f" {items[i]['problems']} {items[i].get('error')} {items[i].get('changes')}"
        for i, p in bills.items()
        if items[i]["status"] != SITUATIONS[p.situation]
    ]
    if wrong:
        raise ValueError("not as planned:\n" + "\n".join(wrong))


# -- what people and chance do -------------------------------------------------------------------


def _approve(life: Life, entry_id: str, _planned: Planned) -> None:
    life.decide(entry_id, "approve_invoice")


def _approve_only(life: Life, entry_id: str, _planned: Planned) -> None:
    """The approval is shown on the card, and its message stays in the queue."""
    card = life.cards(entry_id)[-1]
    request = life.world.slack.click(APPROVER, _channel(life, entry_id), card.ts, "approve_invoice")
    life.clicked(promise_of(card, "approve_invoice", APPROVER), request)
    while life.show():
        pass


def _channel(life: Life, entry_id: str) -> str:
    return life.world.item(entry_id)["cards"][-1]["channel"]


def _lose_the_item(life: Life, entry_id: str, _planned: Planned) -> None:
    """The table is restored from a backup of before; Odoo is read again, and QuickBooks has it."""
    world = life.world
    world.clients["dynamodb"].delete_item(
        TableName=world.names["table"], Key={"entry_id": {"S": entry_id}}
    )
    life.invoke(extractor, {"entry_ids": [entry_id]})
    life.deliver()
    life.decide(entry_id, "approve_invoice")


def _find_the_number_taken(life: Life, entry_id: str, planned: Planned) -> None:
    """A bookkeeper has typed the bill into QuickBooks already."""
    item = life.world.item(entry_id)
    realm = _realm(life, planned)
    vendor = realm.id_of("Vendor", VENDOR_NAMES[planned.typed.vendor])
    detail: Json = {"AccountRef": {"value": realm.id_of("Account", "611000")}}
    if realm.country != "US":
        detail["TaxCodeRef"] = {"value": realm.id_of("TaxCode", "Exempt")}
    total = planned.typed.total.quantize(Decimal("0.01"))
    line = {
        "Id": "1",
        "LineNum": 1,
        "DetailType": "AccountBasedExpenseLineDetail",
        "Amount": total,
        "AccountBasedExpenseLineDetail": detail,
    }
    typed = {
        "VendorRef": {"value": vendor, "name": VENDOR_NAMES[planned.typed.vendor]},
        "DocNumber": item["bill_reference"],
        "TxnDate": planned.typed.day,
        "DueDate": planned.typed.due,
        "Line": [line],
        "TotalAmt": total,
        "Balance": total,
        "CurrencyRef": {"value": realm.home_currency},
        "ExchangeRate": Decimal(1),
        "LinkedTxn": [],
    }
    realm.add("Bill", typed, life.clock.now)
    life.decide(entry_id, "approve_invoice")


def _link(life: Life, entry_id: str, planned: Planned) -> None:
    number = life.world.item(entry_id)["bill_reference"]
    by_hand = _realm(life, planned).id_of("Bill", number)
    life.decide(entry_id, "link_existing", typed=by_hand)


def _get_another_total(life: Life, entry_id: str, _planned: Planned) -> None:
    life.world.quickbooks.inject("wrong_total", method="POST", path="/bill")
    life.decide(entry_id, "approve_invoice")


def _meet_closed_books(life: Life, entry_id: str, planned: Planned) -> None:
    quickbooks, realm = life.world.quickbooks, FIRMS[planned.company].realm_id
    quickbooks.configure(realms={realm: {"book_close_date": "2026-11-30"}})
    life.decide(entry_id, "approve_invoice")
    quickbooks.configure(realms={realm: {"book_close_date": None}})


def _reject(life: Life, entry_id: str, _planned: Planned) -> None:
    life.decide(entry_id, "reject_invoice", typed="Not ordered")


def _reopen(life: Life, entry_id: str, _planned: Planned) -> None:
    life.decide(entry_id, "reopen_invoice", SECOND)


def _acknowledge(life: Life, entry_id: str, _planned: Planned) -> None:
    life.decide(entry_id, "acknowledge_intercompany")


def _reset_to_draft(life: Life, entry_id: str, _planned: Planned) -> None:
    life.world.odoo.reset_to_draft(_number(entry_id))


def _change_the_number(life: Life, entry_id: str, _planned: Planned) -> None:
    number = life.world.item(entry_id)["bill_reference"]
    life.world.odoo.amend(_number(entry_id), ref=f"{number}-A")


def _change_the_due_date(life: Life, entry_id: str, _planned: Planned) -> None:
    life.world.odoo.amend(_number(entry_id), invoice_date_due="2026-12-15")


def _lose_answer(life: Life, entry_id: str, planned: Planned) -> None:
    """The poster dies as it sends the bill: QuickBooks has it, or it never arrived."""
    _approve_only(life, entry_id, planned)
    is_there = planned.situation.endswith("there")

    def fate(step: str, work: Callable[[], Any]) -> Any:
        if step not in {"poster: POST quickbooks /bill", "poster: POST quickbooks /vendorcredit"}:
            return work()
        if is_there:
            work()
        return life.die()

    life.fate = fate
    _deliver(life, entry_id)
    life.fate = nothing_lost


def _lose_connection(life: Life, entry_id: str, planned: Planned) -> None:
    """The same; when the message comes again QuickBooks does not let us in for a while."""
    _lose_answer(life, entry_id, planned)
    # An administrator took the app's rights away, and gave them back.
    life.world.quickbooks.inject("fault", code="3100", status=403, path="/query")
    _deliver(life, entry_id)
    life.hourly()


def _deliver(life: Life, entry_id: str) -> None:
    """The queue's message about one bill, whatever stands before it."""
    item = life.world.item(entry_id)
    body = json.dumps({"entry_id": entry_id, "revision": int(item["revision"])})
    record = {
        "messageId": f"message-{entry_id}",
        "receiptHandle": f"receipt-{entry_id}",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    life.invoke(poster, {"Records": [record]})


def _realm(life: Life, planned: Planned) -> Realm:
    return life.world.quickbooks.realms[FIRMS[planned.company].realm_id]


def _number(entry_id: str) -> int:
    return int(entry_id.removeprefix("odoo-"))
