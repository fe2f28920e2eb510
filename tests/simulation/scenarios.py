"""Scenarios: what happens to a bill, as scripts of what people do; a test adds the mishaps.

Half of them have British bills, for which QuickBooks computes a cent more VAT than Odoo booked.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import attributes
from sandbox.quickbooks import tidying
from tests.simulation.setup import settle
from tests.simulation.simulation import DAY, Simulation
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


def a_bill(simulation: Simulation, reference: str, journal: str = "", **fields: Any) -> str:
    """A bill with a PDF in Odoo, read and shown without mishaps; its entry_id."""
    with without_mishaps(simulation):
        return a_waiting_bill(simulation, reference, journal, **fields)


@contextmanager
def without_mishaps(simulation: Simulation) -> Iterator[None]:
    """No mishaps in a part that other scenarios cover."""
    on_step, simulation.on_step = simulation.on_step, Simulation.on_step
    yield
    simulation.on_step = on_step


def a_waiting_bill(simulation: Simulation, reference: str, journal: str = "", **fields: Any) -> str:
    """A bill with a PDF in Odoo, read and shown, whatever happens meanwhile.

    With a journal it is one of the British company.
    """
    if journal:
        journal = f"reference: {reference}\n{journal}"
        number = enter(simulation.world.odoo, journal, company=BRITISH_ID, **fields)
    else:
        number = simulation.world.odoo.new_bill(reference=reference, **fields)
    simulation.world.odoo.attach(number, f"{reference}.pdf", PDF + reference.encode(), main=True)
    simulation.settle()
    return f"odoo-{number}"


def an_ordinary_bill(simulation: Simulation) -> None:
    simulation.decide(a_waiting_bill(simulation, "INV-1"), "approve_invoice")
    simulation.settle()


def a_vendor_credit(simulation: Simulation) -> None:
    simulation.decide(a_bill(simulation, "CREDIT-1", VAT, move_type="in_refund"), "approve_invoice")


def a_bill_of_a_vendor_quickbooks_does_not_have(simulation: Simulation) -> None:
    simulation.decide(a_bill(simulation, "INV-1", f"vendor: Another Ltd\n{VAT}"), "approve_invoice")


def a_bill_rejected_and_reopened(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1")
    simulation.decide(bill, "reject_invoice", typed="Not ordered")
    simulation.decide(bill, "reopen_invoice", SECOND)
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")


def a_bill_of_zero_acknowledged(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", lines=[("Boxes", "10.00"), ("Boxes returned", "-10.00")])
    simulation.decide(bill, "acknowledge_intercompany")


def a_bill_amended_while_it_waits(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", VAT)
    amend(simulation, bill, MORE_VAT)
    simulation.decide(bill, "approve_invoice")


def a_bill_amended_after_it_was_posted(simulation: Simulation) -> None:
    with without_mishaps(simulation):
        bill = a_bill(simulation, "INV-1")
        simulation.decide(bill, "approve_invoice")
    simulation.world.odoo.amend(number_of(bill), lines=[("Supplies", "120.00")])
    simulation.settle()


def a_bill_withdrawn_and_posted_again(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", VAT)
    simulation.world.odoo.reset_to_draft(number_of(bill))
    simulation.settle()
    simulation.world.odoo.post(number_of(bill))
    simulation.settle()
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")


def a_bill_of_two_approvals(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", lines=[("A machine", "12000.00")])
    simulation.decide(bill, "approve_invoice")
    simulation.decide(bill, "approve_invoice", SECOND)


def a_bill_refused_and_tried_again(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", VAT)
    simulation.world.quickbooks.configure(realms={BRITISH_REALM: {"book_close_date": "2026-11-30"}})
    simulation.decide(bill, "approve_invoice")
    simulation.world.quickbooks.configure(realms={BRITISH_REALM: {"book_close_date": None}})
    simulation.decide(bill, "retry_posting")


def a_bill_linked_to_one_that_was_there(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1")
    realm = simulation.world.quickbooks.realms[REALM]
    there = next(iter(realm.bills.values()))
    entered = {k: v for k, v in there.items() if k not in {"Id", "PrivateNote"}}
    by_hand = realm.add("Bill", entered | {"DocNumber": "INV-1"}, simulation.clock.now)
    simulation.decide(bill, "approve_invoice")
    simulation.decide(bill, "link_existing", typed=by_hand["Id"])


def a_company_disconnected_and_connected_again(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1")
    simulation.world.quickbooks.connect(REALM, "by-hand")
    simulation.disconnected.add(COMPANY)
    simulation.decide(bill, "approve_invoice")
    assert len([m for m in simulation.world.mails() if "wait for a connection" in m]) >= 1
    simulation.reseed(COMPANY, "by-hand")
    simulation.disconnected.clear()
    simulation.settle()


def a_bill_cancelled_while_nobody_knows_what_became_of_it(simulation: Simulation) -> None:
    """QuickBooks takes it, but the connection ends with the answer; then Odoo cancels it."""
    bill, quickbooks = a_bill(simulation, "INV-1", VAT), simulation.world.quickbooks
    quickbooks.inject("unauthorized", path="/bill", committed=True)
    quickbooks.inject("oauth_error", path="/oauth2", code="invalid_grant", status=400, times=9)
    simulation.disconnected.add(BRITISH_COMPANY)
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")
    simulation.world.odoo.cancel(number_of(bill))
    simulation.settle()
    quickbooks.clear_faults()
    quickbooks.connect(BRITISH_REALM, "by-hand")
    simulation.reseed(BRITISH_COMPANY, "by-hand")
    simulation.disconnected.clear()
    simulation.settle()


def a_bill_whose_file_cannot_be_stored_for_an_hour(simulation: Simulation) -> None:
    """S3 is down, and later bills have no files: reading must not pass what was not kept."""
    simulation.world.aws.refuses = lambda operation, _: operation == "PutObject"
    number = simulation.world.odoo.new_bill(reference="INV-1")
    simulation.world.odoo.attach(number, "INV-1.pdf", PDF, main=True)
    with without_mishaps(simulation):
        for quarter in range(4):
            simulation.quarter()
            simulation.world.odoo.new_bill(reference=f"INV-{quarter + 2}")
    simulation.world.aws.refuses = lambda _operation, _: False
    simulation.settle()


def a_page_of_bills(simulation: Simulation) -> None:
    """Five at once of four companies, read in one run and shown in one."""
    for company in (1, 2, 3, 4):
        simulation.world.odoo.new_bill(reference=f"INV-{company}", company=company)
    a_waiting_bill(simulation, "INV-5")


def a_bill_blocked_by_a_cent_until_a_setting_decides(simulation: Simulation) -> None:
    """QuickBooks' total is wanted: it is a cent more than Odoo's."""
    settle(simulation.world, {BRITISH_COMPANY: {"tax": ""}})
    bill = a_bill(simulation, "INV-1", VAT)
    assert simulation.world.item(bill)["status"] == "VALIDATION_FAILED"
    settle(simulation.world, {BRITISH_COMPANY: {"tax": "quickbooks"}})
    simulation.settle()
    simulation.decide(bill, "approve_invoice")


def a_bill_whose_tax_quickbooks_computed_anew(simulation: Simulation) -> None:
    """What it was told is ignored: the document is not what was approved, and stays one."""
    bill = a_bill(simulation, "INV-1", VAT)
    simulation.world.quickbooks.configure(modes={"tax_override": "ignored"})
    simulation.decide(bill, "approve_invoice")
    item, realm = simulation.world.item(bill), simulation.world.quickbooks.realms[BRITISH_REALM]
    correct_by_hand(item, realm, realm.bills[item["error"]["document"].removeprefix("Bill ")])
    simulation.decide(bill, "retry_posting")


def a_bill_with_a_line_that_quickbooks_does_not_take(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1", LESS)
    simulation.world.quickbooks.configure(modes={"negative_line": "refused"})
    simulation.decide(bill, "approve_invoice")
    amend(simulation, bill, MORE_VAT)
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")


def a_company_that_is_read_only_for_an_hour(simulation: Simulation) -> None:
    """QuickBooks lets it be read and takes nothing; posting resumes when this is over."""
    bill, realm = a_bill(simulation, "INV-1"), simulation.world.quickbooks.realms[REALM]
    realm.subscription_ended = True
    simulation.disconnected.add(COMPANY)
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")
        simulation.clock.sleep(3600)
    realm.subscription_ended = False
    simulation.disconnected.clear()
    simulation.settle()


def a_bill_entered_while_odoos_clock_is_ahead(simulation: Simulation) -> None:
    simulation.world.odoo.ahead = 3 * DAY
    bill = a_waiting_bill(simulation, "INV-1")
    simulation.world.odoo.ahead = timedelta()
    with without_mishaps(simulation):
        simulation.settle()
        simulation.decide(bill, "approve_invoice")


def a_bill_deleted_in_odoo_while_it_waits(simulation: Simulation) -> None:
    bill = a_bill(simulation, "INV-1")
    simulation.world.odoo.reset_to_draft(number_of(bill))
    simulation.world.odoo.delete(number_of(bill))
    simulation.settle()


def a_bill_beside_an_item_made_by_hand(simulation: Simulation) -> None:
    """Somebody copied an item and lost a part of it: it is in nobody's way until it is deleted."""
    world = simulation.world
    copied = {
        **world.item(a_bill(simulation, "INV-1")),
        "entry_id": "odoo-9900000",
        "updated_at": "x",
    }
    del copied["cards"]
    simulation.strangers.add("odoo-9900000")
    client, table = world.clients["dynamodb"], world.names["table"]
    client.put_item(TableName=table, Item=attributes(copied))
    simulation.decide("odoo-" + str(copied["odoo_id"]), "approve_invoice")
    client.delete_item(TableName=table, Key={"entry_id": {"S": "odoo-9900000"}})


def a_bill_whose_vendor_is_merged_in_quickbooks_after_it_was_shown(simulation: Simulation) -> None:
    """The vendor its card names is no more: it is asked about again, and goes to a new one."""
    realm, now = simulation.world.quickbooks.realms[REALM], simulation.clock.now
    bill = a_bill(simulation, "INV-1")
    gone = simulation.world.item(bill)["preflight"]["vendor_id"]
    other = {"DisplayName": "Other", "CurrencyRef": {"value": "USD"}, "Active": True}
    into = realm.add("Vendor", other, now)["Id"]
    tidying.merge(realm, "Vendor", gone, into, now, stays=False)
    with without_mishaps(simulation):
        simulation.hourly()
    simulation.decide(bill, "approve_invoice")
    with without_mishaps(simulation):
        simulation.decide(bill, "approve_invoice")


# Each scenario, and the status in which its bills end.
SCENARIOS: Final[dict[Callable[[Simulation], None], str]] = {
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


def amend(simulation: Simulation, bill: str, journal: str) -> None:
    change(simulation.world.odoo, number_of(bill), journal)
    simulation.settle()


# In these, somebody else clicks or changes the bill in the middle of every function's run.
OVERTAKEN: Final = (an_ordinary_bill, a_bill_amended_while_it_waits, a_bill_of_two_approvals)
