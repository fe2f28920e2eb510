"""What changes with another record, or with a name, without its own time of writing telling."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from odoo_qb.mirror.dependents import may_differ
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable, Put, Stored
from tests.mirror.odoo_records import some_contact

if TYPE_CHECKING:
    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Kind
    from sandbox.in_process.mirror import MirrorDesk


def amended_payment(desk: MirrorDesk, contact: int) -> int:
    """A payment of a contact's, which is written."""
    payments = desk.odoo.records["account.payment"].values()
    payment = next(p for p in payments if p["partner_id"] == contact)
    payment |= {"memo": "amended", "write_date": desk.odoo.clock()}
    return int(payment["id"])


def test_a_name_that_a_contact_had_for_a_minute_does_not_stay_in_its_payments(
    desk: MirrorDesk,
) -> None:
    contact = some_contact(desk)
    name = str(desk.odoo.records["res.partner"][contact]["name"])
    desk.odoo.rename_contact(contact, "For a minute")
    payment = amended_payment(desk, contact)
    desk.sync("sync_payments")
    assert desk.stored("payment")[payment]["partner_name"] == "For a minute"
    desk.odoo.rename_contact(contact, name)
    desk.sync()
    assert desk.differences() == []


def test_a_contact_renamed_before_it_was_mirrored_is_renamed_in_its_payments(
    desk: MirrorDesk,
) -> None:
    contact = desk.odoo.new_contact("Before")
    payment = amended_payment(desk, some_contact(desk))
    desk.odoo.records["account.payment"][payment]["partner_id"] = contact
    desk.sync("sync_payments")
    desk.odoo.rename_contact(contact, "After")
    desk.sync()
    assert desk.stored("payment")[payment]["partner_name"] == "After"


def test_new_contacts_that_nothing_can_show_yet_are_not_looked_up(desk: MirrorDesk) -> None:
    desk.sync()
    before = {i: row["sequence"] for i, row in desk.rows("payment").items()}
    desk.odoo.new_contact("New")
    assert desk.sync()["contact"].inserted == 1
    assert {i: row["sequence"] for i, row in desk.rows("payment").items()} == before


@pytest.mark.parametrize(
    ("before", "made_at", "since", "expected"),
    [
        ("", "2026-11-28 08:00:00", "", True),  # made while others were read
        ("", "2026-11-28 08:01:00", "", False),  # made after
        ("Name", "", "2026-11-28 08:05:00", False),  # all was read before contacts last were
        ("Name", "", "2026-11-28 07:59:00", True),  # some was read since
        ("Other", "", "2026-11-28 08:05:00", True),
    ],
)
def test_only_what_was_read_in_between_can_show_another_name(
    before: str, made_at: str, since: str, expected: bool
) -> None:
    stored = Stored(
        hash="", written_at="", sequence=1, created_at="", label=before, counts=(keys.ALL,)
    )
    put = Put(
        source_id=1, item={"label": "Name"}, before=stored if before else None, made_at=made_at
    )
    assert may_differ(put, since, "2026-11-28 08:00:00") is expected


def test_merged_companies_of_one_name_are_merged_in_what_names_their_addresses(
    desk: MirrorDesk,
) -> None:
    """The address keeps its full name, its documents get another company, and no time tells."""
    gone, into = (desk.odoo.new_contact("Twin") for _ in range(2))
    address = desk.odoo.new_contact("Office", parent=gone)
    moves = desk.odoo.records["account.move"].values()
    move = next(m for m in moves if m["move_type"] == "out_invoice")
    move |= {"partner_id": address, "commercial_partner_id": gone}
    move["write_date"] = desk.odoo.clock()
    desk.sync()
    desk.sleep(3600)
    desk.sync()
    desk.odoo.merge_contacts(gone, into)
    desk.sync()
    assert desk.stored("move")[move["id"]]["commercial_partner_id"] == into
    assert desk.stored("contact")[address]["parent_id"] == into
    assert desk.differences() == []


def test_an_invoice_address_that_is_merged_is_another_one_in_its_orders(desk: MirrorDesk) -> None:
    orders = desk.odoo.records["sale.order"].values()
    order = next(o for o in orders if o["partner_id"])
    gone, into = (
        desk.odoo.new_contact(name, parent=order["partner_id"]) for name in ("Old", "New")
    )
    order |= {"partner_invoice_id": gone, "write_date": desk.odoo.clock()}
    desk.sync()
    desk.odoo.merge_contacts(gone, into)
    desk.sync()
    assert desk.stored("order")[order["id"]]["partner_invoice_id"] == into
    assert desk.differences() == []


RENAMED: dict[str, tuple[str, dict[str, str], Kind]] = {
    "company": ("res.company", {"name": "Renamed Holding"}, "order"),
    "country": ("res.country", {"name": "Renamed country"}, "contact"),
    "journal": ("account.journal", {"name": "Renamed journal", "code": "RNM"}, "payment"),
    "currency": ("res.currency", {"symbol": "¤¤"}, "move"),
    "way of payment": ("account.payment.method.line", {"name": "Renamed way"}, "payment"),
}


@pytest.mark.parametrize("what", RENAMED)
def test_the_next_days_first_run_reads_again_what_shows_another_name(
    desk: MirrorDesk, what: str
) -> None:
    model, values, kind = RENAMED[what]
    for row in desk.odoo.records[model].values():
        row.update(values, display_name=values.get("name", row.get("display_name")))
    assert desk.sync()[kind].is_quiet
    desk.sleep(24 * 3600)
    assert desk.sync()[kind].updated > 0
    assert desk.differences() == []
    source = desk.source()
    desk.sync(source=source)
    reports = desk.sync(source=source)
    assert [r.calls for r in reports.values()] == [1] * len(reports)


def test_a_contact_with_more_documents_than_an_item_holds_is_renamed(desk: MirrorDesk) -> None:
    table = MirrorTable(desk.table(), "odoo", "payment")
    table.note_to_reread(range(1, 2_501))
    notes = [row for sk, row in table.state().items() if sk.startswith(keys.REREAD)]
    assert sorted(len(row["ids"]) for row in notes) == [500, 1_000, 1_000]
    reports: dict[Kind, Report] = desk.sync()
    assert not reports["payment"].error
    assert set(table.state()) == {keys.STATE}


def test_a_run_forgets_only_what_was_noted_before_it_read(desk: MirrorDesk) -> None:
    """Another run, over contacts, notes a payment once more while this one has just read it."""
    contact = some_contact(desk)
    payment = amended_payment(desk, contact)
    desk.sync()
    table = MirrorTable(desk.table(), "odoo", "payment")
    table.note_to_reread([payment])
    source = desk.source()
    read = source.read

    def read_and_be_overtaken(kind: Kind, ids: object) -> object:
        reading = read(kind, ids)  # type: ignore[arg-type]
        if kind == "payment":
            source.read = read  # type: ignore[method-assign]
            desk.odoo.rename_contact(contact, "Meanwhile")
            desk.sync("sync_contacts")
        return reading

    source.read = read_and_be_overtaken  # type: ignore[method-assign,assignment]
    desk.sync("sync_payments", source=source)
    desk.sleep(timedelta(hours=1).total_seconds())
    desk.sync()
    assert desk.differences() == []
