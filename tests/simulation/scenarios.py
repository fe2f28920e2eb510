"""Lives of bills, each as a script of what people do; whoever lives them may suffer mishaps.

Half of them are of British bills, of whose VAT QuickBooks computes a cent more than Odoo booked.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import attributes
from sandbox.quickbooks import tidying
from tests.simulation.setup import settle
from tests.simulation.simulation import DAY, Life
from tests.support.booked import correct_by_hand
from tests.support.drawn import BRITISH
from tests.support.entering import change, enter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPANY: Final = "1MD"
REALM: Final = "9130350000000001"
BRITISH_COMPANY: Final = "TruAlchemy"
BRITISH_ID: Final = 4
BRITISH_REALM: Final = "9130350000000004"
SETTINGS: Final = BRITISH | {"tax": "override"}
SECOND: Final = "U-SECOND"
VAT: Final = """
product 611000 33.33 {20.0% S} "Desk"
product 612000 33.33 {20.0% S} "Chair"
rounding 642000 [0.01] "Rounding"
tax VAT [13.33]
"""
MORE_VAT: Final = """
product 611000 33.33 {20.0% S} "Desk"
product 612000 44.44 {20.0% S} "Armchair"
tax VAT [15.55]
"""
LESS: Final = f"""{VAT}
product 612000 -5.00 {{20.0% S}} "Goodwill"
tax VAT [-1.00]
"""
PDF: Final = b"%PDF-1.4 what the vendor sent"


def a_bill(life: Life, reference: str, journal: str = "", **fields: Any) -> str:
    """A bill with a PDF in Odoo, read and shown in peace; its entry_id."""
    with peace(life):
        return met(life, reference, journal, **fields)


@contextmanager
def peace(life: Life) -> Iterator[None]:
    """For what another life suffers already."""
    fate, life.fate = life.fate, Life.fate
    yield
    life.fate = fate


def met(life: Life, reference: str, journal: str = "", **fields: Any) -> str:
    """A bill with a PDF in Odoo, read and shown, whatever happens meanwhile.

    With a journal it is one of the British company.
    """
    if journal:
        journal = f"reference: {reference}\n{journal}"
        number = enter(life.world.odoo, journal, company=BRITISH_ID, **fields)
    else:
        number = life.world.odoo.new_bill(reference=reference, **fields)
    life.world.odoo.attach(number, f"{reference}.pdf", PDF + reference.encode(), main=True)
    life.settle()
    return f"odoo-{number}"


def an_ordinary_bill(life: Life) -> None:
    life.decide(met(life, "INV-1"), "approve_invoice")
    life.settle()


def a_vendor_credit(life: Life) -> None:
    life.decide(a_bill(life, "CREDIT-1", VAT, move_type="in_refund"), "approve_invoice")


def a_bill_of_a_vendor_quickbooks_does_not_have(life: Life) -> None:
    life.decide(a_bill(life, "INV-1", f"vendor: Another Ltd\n{VAT}"), "approve_invoice")


def a_bill_rejected_and_reopened(life: Life) -> None:
    bill = a_bill(life, "INV-1")
    life.decide(bill, "reject_invoice", typed="Not ordered")
    life.decide(bill, "reopen_invoice", SECOND)
    with peace(life):
        life.decide(bill, "approve_invoice")


def a_bill_of_zero_acknowledged(life: Life) -> None:
    bill = a_bill(life, "INV-1", lines=[("Boxes", "10.00"), ("Boxes returned", "-10.00")])
    life.decide(bill, "acknowledge_intercompany")


def a_bill_amended_while_it_waits(life: Life) -> None:
    bill = a_bill(life, "INV-1", VAT)
    amend(life, bill, MORE_VAT)
    life.decide(bill, "approve_invoice")


def a_bill_amended_after_it_was_posted(life: Life) -> None:
    with peace(life):
        bill = a_bill(life, "INV-1")
        life.decide(bill, "approve_invoice")
    life.world.odoo.amend(number_of(bill), lines=[("Supplies", "120.00")])
    life.settle()


def a_bill_withdrawn_and_posted_again(life: Life) -> None:
    bill = a_bill(life, "INV-1", VAT)
    life.world.odoo.reset_to_draft(number_of(bill))
    life.settle()
    life.world.odoo.post(number_of(bill))
    life.settle()
    with peace(life):
        life.decide(bill, "approve_invoice")


def a_bill_of_two_approvals(life: Life) -> None:
    bill = a_bill(life, "INV-1", lines=[("A machine", "12000.00")])
    life.decide(bill, "approve_invoice")
    life.decide(bill, "approve_invoice", SECOND)


def a_bill_refused_and_tried_again(life: Life) -> None:
    bill = a_bill(life, "INV-1", VAT)
    life.world.quickbooks.configure(realms={BRITISH_REALM: {"book_close_date": "2026-11-30"}})
    life.decide(bill, "approve_invoice")
    life.world.quickbooks.configure(realms={BRITISH_REALM: {"book_close_date": None}})
    life.decide(bill, "retry_posting")


def a_bill_linked_to_one_that_was_there(life: Life) -> None:
    bill = a_bill(life, "INV-1")
    realm = life.world.quickbooks.realms[REALM]
    there = next(iter(realm.bills.values()))
    entered = {k: v for k, v in there.items() if k not in {"Id", "PrivateNote"}}
    by_hand = realm.add("Bill", entered | {"DocNumber": "INV-1"}, life.clock.now)
    life.decide(bill, "approve_invoice")
    life.decide(bill, "link_existing", typed=by_hand["Id"])


def a_company_disconnected_and_connected_again(life: Life) -> None:
    bill = a_bill(life, "INV-1")
    life.world.quickbooks.connect(REALM, "by-hand")
    life.disconnected.add(COMPANY)
    life.decide(bill, "approve_invoice")
    assert len([m for m in life.world.mails() if "wait for a connection" in m]) >= 1
    life.reseed(COMPANY, "by-hand")
    life.disconnected.clear()
    life.settle()


def a_bill_cancelled_while_nobody_knows_what_became_of_it(life: Life) -> None:
    """QuickBooks takes it, but the connection ends with the answer; then Odoo cancels it."""
    bill, quickbooks = a_bill(life, "INV-1", VAT), life.world.quickbooks
    quickbooks.inject("unauthorized", path="/bill", committed=True)
    quickbooks.inject("oauth_error", path="/oauth2", code="invalid_grant", status=400, times=9)
    life.disconnected.add(BRITISH_COMPANY)
    with peace(life):
        life.decide(bill, "approve_invoice")
    life.world.odoo.cancel(number_of(bill))
    life.settle()
    quickbooks.clear_faults()
    quickbooks.connect(BRITISH_REALM, "by-hand")
    life.reseed(BRITISH_COMPANY, "by-hand")
    life.disconnected.clear()
    life.settle()


def a_bill_whose_file_cannot_be_stored_for_an_hour(life: Life) -> None:
    """S3 is down, and later bills have no files: reading must not pass what was not kept."""
    life.world.aws.refuses = lambda operation, _: operation == "PutObject"
    number = life.world.odoo.new_bill(reference="INV-1")
    life.world.odoo.attach(number, "INV-1.pdf", PDF, main=True)
    with peace(life):
        for quarter in range(4):
            life.quarter()
            life.world.odoo.new_bill(reference=f"INV-{quarter + 2}")
    life.world.aws.refuses = lambda _operation, _: False
    life.settle()


def a_page_of_bills(life: Life) -> None:
    """Five at once of four companies, read in one run and shown in one."""
    for company in (1, 2, 3, 4):
        life.world.odoo.new_bill(reference=f"INV-{company}", company=company)
    met(life, "INV-5")


def a_bill_blocked_by_a_cent_until_a_setting_decides(life: Life) -> None:
    """QuickBooks' total is wanted: it is a cent more than Odoo's."""
    settle(life.world, {BRITISH_COMPANY: {"tax": ""}})
    bill = a_bill(life, "INV-1", VAT)
    assert life.world.item(bill)["status"] == "VALIDATION_FAILED"
    settle(life.world, {BRITISH_COMPANY: {"tax": "quickbooks"}})
    life.settle()
    life.decide(bill, "approve_invoice")


def a_bill_whose_tax_quickbooks_computed_anew(life: Life) -> None:
    """What it was told is ignored: the document is not what was approved, and stays one."""
    bill = a_bill(life, "INV-1", VAT)
    life.world.quickbooks.configure(modes={"tax_override": "ignored"})
    life.decide(bill, "approve_invoice")
    item, realm = life.world.item(bill), life.world.quickbooks.realms[BRITISH_REALM]
    correct_by_hand(item, realm, realm.bills[item["error"]["document"].removeprefix("Bill ")])
    life.decide(bill, "retry_posting")


def a_bill_with_a_line_that_quickbooks_does_not_take(life: Life) -> None:
    bill = a_bill(life, "INV-1", LESS)
    life.world.quickbooks.configure(modes={"negative_line": "refused"})
    life.decide(bill, "approve_invoice")
    amend(life, bill, MORE_VAT)
    with peace(life):
        life.decide(bill, "approve_invoice")


def a_company_that_is_read_only_for_an_hour(life: Life) -> None:
    """QuickBooks lets it be read and takes nothing; it is found out by itself that this is over."""
    bill, realm = a_bill(life, "INV-1"), life.world.quickbooks.realms[REALM]
    realm.subscription_ended = True
    life.disconnected.add(COMPANY)
    with peace(life):
        life.decide(bill, "approve_invoice")
        life.clock.sleep(3600)
    realm.subscription_ended = False
    life.disconnected.clear()
    life.settle()


def a_bill_entered_while_odoos_clock_is_ahead(life: Life) -> None:
    life.world.odoo.ahead = 3 * DAY
    bill = met(life, "INV-1")
    life.world.odoo.ahead = timedelta()
    with peace(life):
        life.settle()
        life.decide(bill, "approve_invoice")


def a_bill_deleted_in_odoo_while_it_waits(life: Life) -> None:
    bill = a_bill(life, "INV-1")
    life.world.odoo.reset_to_draft(number_of(bill))
    life.world.odoo.delete(number_of(bill))
    life.settle()


def a_bill_beside_an_item_made_by_hand(life: Life) -> None:
    """Somebody copied an item and lost a part of it: it is in nobody's way until it is deleted."""
    world = life.world
    copied = {**world.item(a_bill(life, "INV-1")), "entry_id": "odoo-9900000", "updated_at": "x"}
    del copied["cards"]
    life.strangers.add("odoo-9900000")
    client, table = world.clients["dynamodb"], world.names["table"]
    client.put_item(TableName=table, Item=attributes(copied))
    life.decide("odoo-" + str(copied["odoo_id"]), "approve_invoice")
    client.delete_item(TableName=table, Key={"entry_id": {"S": "odoo-9900000"}})


def a_bill_whose_vendor_is_merged_in_quickbooks_after_it_was_shown(life: Life) -> None:
    """The vendor its card names is no more: it is asked about again, and goes to a new one."""
    realm, now = life.world.quickbooks.realms[REALM], life.clock.now
    bill = a_bill(life, "INV-1")
    gone = life.world.item(bill)["preflight"]["vendor_id"]
    other = {"DisplayName": "Other", "CurrencyRef": {"value": "USD"}, "Active": True}
    into = realm.add("Vendor", other, now)["Id"]
    tidying.merge(realm, "Vendor", gone, into, now, stays=False)
    with peace(life):
        life.hourly()
    life.decide(bill, "approve_invoice")
    with peace(life):
        life.decide(bill, "approve_invoice")


# Each life, and how its bills end.
LIVES: Final[dict[Callable[[Life], None], str]] = {
    an_ordinary_bill: "POSTED",
    a_vendor_credit: "POSTED",
    a_bill_of_a_vendor_quickbooks_does_not_have: "POSTED",
    a_bill_rejected_and_reopened: "POSTED",
    a_bill_of_zero_acknowledged: "ACKNOWLEDGED",
    a_bill_amended_while_it_waits: "POSTED",
    a_bill_amended_after_it_was_posted: "POSTED",
    a_bill_withdrawn_and_posted_again: "POSTED",
    a_bill_of_two_approvals: "POSTED",
    a_bill_refused_and_tried_again: "POSTED",
    a_bill_linked_to_one_that_was_there: "ALREADY_IN_QB",
    a_company_disconnected_and_connected_again: "POSTED",
    a_bill_cancelled_while_nobody_knows_what_became_of_it: "WITHDRAWN",
    a_bill_whose_file_cannot_be_stored_for_an_hour: "READY_FOR_APPROVAL",
    a_bill_blocked_by_a_cent_until_a_setting_decides: "POSTED",
    a_bill_whose_tax_quickbooks_computed_anew: "POSTED",
    a_bill_with_a_line_that_quickbooks_does_not_take: "POSTED",
    a_page_of_bills: "READY_FOR_APPROVAL",
    a_company_that_is_read_only_for_an_hour: "POSTED",
    a_bill_entered_while_odoos_clock_is_ahead: "POSTED",
    a_bill_deleted_in_odoo_while_it_waits: "WITHDRAWN",
    a_bill_beside_an_item_made_by_hand: "POSTED",
    a_bill_whose_vendor_is_merged_in_quickbooks_after_it_was_shown: "POSTED",
}


def number_of(bill: str) -> int:
    return int(bill.removeprefix("odoo-"))


def amend(life: Life, bill: str, journal: str) -> None:
    change(life.world.odoo, number_of(bill), journal)
    life.settle()


# In these, somebody else clicks or changes the bill in the middle of every function's run.
OVERTAKEN: Final = (an_ordinary_bill, a_bill_amended_while_it_waits, a_bill_of_two_approvals)
