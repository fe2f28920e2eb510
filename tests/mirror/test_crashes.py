"""A run may die at any step of a load and of changes; promise 1 holds all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.mirror.deaths import BATCH, die_everywhere
from tests.mirror.odoo_records import some_contact
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from sandbox.in_process.mirror import MirrorDesk

INVOICES = ("sync_invoices",)
PAYMENTS = ("sync_contacts", "sync_payments")  # `make soak` has all kinds


def nothing(_: MirrorDesk) -> None:
    """A first load."""


def a_day(desk: MirrorDesk) -> None:
    """Contacts come, change, are renamed, merged and deleted."""
    odoo = desk.odoo
    renamed = some_contact(desk)
    gone, into, deleted = (odoo.new_contact(name) for name in ("Gone", "Stays", "Deleted"))
    odoo.new_contact("Address", parent=gone)
    payment = next(
        p for p in odoo.records["account.payment"].values() if p["partner_id"] != renamed
    )
    payment.update(partner_id=gone, write_date=odoo.clock())
    desk.sync()
    desk.sleep(3600)
    desk.sync()
    odoo.rename_contact(renamed, "Renamed")
    odoo.merge_contacts(gone, into)
    odoo.delete_contact(deleted)
    odoo.new_contact("New")
    odoo.amend_contact(into, phone="1")


def a_day_with_invoices(desk: MirrorDesk) -> None:
    """Besides, an invoice is posted, which raises its contact's rank."""
    a_day(desk)
    odoo = desk.odoo
    drafts = [m for m in odoo.records["account.move"].values() if m["state"] == "draft"]
    draft = next(m for m in drafts if m["invoice_date"] and m["partner_id"])
    odoo.post(draft["id"])


def test_a_first_load_may_die_at_any_step() -> None:
    with a_small_mirror() as desk:
        deaths = die_everywhere(desk, nothing, INVOICES)
    assert deaths.trouble == []
    assert deaths.tried.total() > 10
    assert deaths.tried[f"dead in {BATCH}"] == 1


def test_a_run_over_changes_may_die_at_any_step() -> None:
    with a_small_mirror() as desk:
        desk.sync()
        deaths = die_everywhere(desk, a_day, PAYMENTS)
    assert deaths.trouble == []
    assert deaths.tried.total() > 30
    assert deaths.tried["dead before dynamodb delete_item"] > 1
