"""A run of the mirror: what it costs, what it notices, and what it does not believe."""

from __future__ import annotations

from datetime import timedelta

import pytest

from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable
from sandbox.in_process.mirror import MODELS, MirrorDesk, a_mirror
from sandbox.odoo.changes import Changes
from tests.mirror.odoo_records import some_contact

VERSIONS = (16, 17, 18, 19)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_load_and_any_changes_leave_the_mirror_as_odoo_is(version: int) -> None:
    with a_mirror(dataset="ledger-18", version=version) as desk:
        reports = desk.sync()
        assert {kind: (r.inserted, r.error) for kind, r in reports.items()} == {
            kind: (r.source, "") for kind, r in reports.items()
        }
        assert desk.differences() == []
        Changes(desk.odoo, seed=version).make(60)
        desk.sync()
        reports = desk.sync()
        assert [r.error for r in reports.values() if r.error] == []
        assert desk.differences() == []


def test_a_quiet_run_asks_once_a_kind_and_writes_no_record(desk: MirrorDesk) -> None:
    source = desk.source()
    desk.sync(source=source)  # signs in, and learns which fields there are
    before = len(desk.odoo.calls)
    reports = desk.sync(source=source)
    assert {kind: r.calls for kind, r in reports.items()} == dict.fromkeys(MODELS, 1)
    assert len(desk.odoo.calls) - before == len(MODELS)
    assert all(r.is_quiet and r.complete for r in reports.values())
    assert all(r.held == r.source for r in reports.values())


def test_what_did_not_change_is_not_written(desk: MirrorDesk) -> None:
    before = desk.rows("contact")
    contact = some_contact(desk)
    desk.odoo.amend_contact(contact, phone="+1 555 0100")
    assert desk.sync()["contact"].updated == 1
    after = desk.rows("contact")
    assert {i for i in after if after[i] != before[i]} == {contact}
    assert after[contact]["sequence"] == before[contact]["sequence"] + 1
    assert after[contact]["created_at"] == before[contact]["created_at"]
    assert after[contact]["updated_at"] > before[contact]["updated_at"]


def test_five_thousand_changed_contacts_take_seven_calls(desk: MirrorDesk) -> None:
    for number in range(5_000):
        desk.odoo.new_contact(f"Contact {number}")
    source = desk.source()
    source.summary("order")  # signs in
    report = desk.sync("sync_contacts", source=source)["contact"]
    assert report.inserted == 5_000
    assert report.calls <= 12
    assert desk.different("contact") == []


def test_a_second_change_within_the_second_of_the_first_is_seen(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    desk.odoo.amend_contact(contact, phone="1")
    at = desk.now
    desk.sync()
    desk.odoo.amend_contact(contact, phone="2", at=at)  # of the same second, after we had read
    desk.sync()
    assert desk.differences() == []


def test_a_transaction_that_commits_late_is_seen(desk: MirrorDesk) -> None:
    transaction = desk.odoo.begin()
    desk.sleep(600)
    desk.odoo.new_contact("In between")
    desk.sync()
    with desk.odoo.committing(transaction):
        desk.odoo.new_contact("Late")
        desk.odoo.amend_contact(some_contact(desk), phone="late")
    desk.sync()
    assert desk.differences() == []


def test_what_was_read_in_the_middle_of_a_transaction_is_read_once_more(
    desk: MirrorDesk,
) -> None:
    """It began in the second in which another wrote the same record, and ended after our run."""
    contact = some_contact(desk)
    transaction = desk.odoo.begin()
    desk.odoo.amend_contact(contact, phone="first")
    desk.sleep(5)
    desk.sync()
    with desk.odoo.committing(transaction):
        desk.odoo.amend_contact(contact, phone="second")
    desk.sleep(20 * 60)
    desk.sync()
    assert desk.differences() == []


def test_deletions_are_noticed_by_the_next_run(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Short lived")
    desk.sync()
    assert contact in desk.stored("contact")
    desk.sleep(3600)
    desk.sync()
    desk.odoo.delete_contact(contact)
    assert desk.sync()["contact"].deleted == 1
    assert desk.differences() == []


def test_a_deletion_and_an_insertion_at_once_are_both_noticed(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Short lived")
    desk.sync()
    desk.odoo.delete_contact(contact)
    desk.odoo.new_contact("In its place")
    report = desk.sync()["contact"]
    assert (report.inserted, report.deleted) == (1, 1)
    assert desk.differences() == []


def test_a_renamed_contact_is_renamed_in_its_payments_and_orders(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    desk.odoo.rename_contact(contact, "Renamed & Sons")
    reports = desk.sync()
    assert reports["payment"].updated > 0
    assert desk.differences() == []


def test_merged_contacts_are_merged_in_what_names_them(desk: MirrorDesk) -> None:
    """Odoo repoints invoices and payments in SQL, which leaves their write_date alone."""
    gone, into = some_contact(desk), desk.odoo.new_contact("Who stays")
    desk.sync()
    desk.odoo.merge_contacts(gone, into)
    reports = desk.sync()
    assert reports["contact"].deleted == 1
    assert reports["payment"].updated > 0
    assert reports["move"].updated > 0
    assert desk.differences() == []


def test_many_deletions_at_once_are_not_believed_until_somebody_accepts(
    desk: MirrorDesk,
) -> None:
    for number in range(40):
        desk.odoo.new_contact(f"Contact {number}")
    desk.sync()
    before = len(desk.stored("contact"))
    contacts = desk.odoo.records["res.partner"]
    for number in [i for i, row in contacts.items() if str(row["name"]).startswith("Contact ")]:
        desk.odoo.delete_contact(number)
    report = desk.sync()["contact"]
    assert report.deleted == 0
    assert "none was removed" in report.error
    assert len(desk.stored("contact")) == before
    assert desk.sync("sync_contacts", accept_deletions=True)["contact"].deleted == 40
    assert desk.differences() == []


def test_a_lost_right_empties_no_mirror(desk: MirrorDesk) -> None:
    before = desk.stored("payment")
    desk.odoo.fail("no_right", method="*", times=1000)
    reports = desk.sync()
    assert all(report.error for report in reports.values())
    desk.odoo.faults.clear()
    assert desk.stored("payment") == before
    desk.sync()
    assert desk.differences() == []


def test_a_clock_that_was_ahead_and_is_set_back_loses_nothing(desk: MirrorDesk) -> None:
    desk.odoo.ahead = timedelta(days=3)
    desk.odoo.new_contact("From the future")
    desk.sync()
    desk.odoo.ahead = timedelta()
    desk.odoo.new_contact("From now")
    desk.odoo.amend_contact(some_contact(desk), phone="now")
    desk.sync()
    assert desk.differences() == []


def test_a_dry_run_says_what_it_would_do_and_does_nothing(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("New")
    desk.odoo.amend_contact(some_contact(desk), phone="other")
    before = desk.everything()
    report = desk.sync(dry_run=True)["contact"]
    assert (report.inserted, report.updated) == (1, 1)
    assert desk.everything() == before
    desk.sync()
    assert contact in desk.stored("contact")


def test_a_full_run_mends_what_somebody_changed_in_the_table(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    table = MirrorTable(desk.table(), "odoo", "contact")
    (row,) = table.records([contact]).values()
    pk, sk = row["pk"], row["sk"]
    desk.table().update(desk.table().key(pk, sk), {"data": "{}", "hash": "none"}, [])
    desk.sync()
    assert desk.different("contact")
    report = desk.sync(full=True)["contact"]
    assert report.updated == 1
    assert desk.differences() == []


def test_a_first_load_goes_on_where_the_last_run_had_to_stop() -> None:
    with a_mirror(dataset="ledger-18", version=18) as desk:
        for number in range(6_000):
            desk.odoo.new_contact(f"Contact {number}")
        held = []
        for _ in range(2):
            desk.seconds_for_batches(1)
            report = desk.sync("sync_contacts")["contact"]
            held.append(report.held)
            assert report.source > 6_000
            assert not report.complete
            assert not report.error
        assert held == sorted(set(held))
        desk.odoo.amend_contact(some_contact(desk), phone="meanwhile")
        desk.seconds_for_batches(100)
        assert desk.sync("sync_contacts")["contact"].complete
        desk.sync("sync_contacts")
        assert desk.different("contact") == []


def test_an_outage_is_a_sentence_and_the_next_run_goes_on(desk: MirrorDesk) -> None:
    desk.odoo.new_contact("During the outage")
    desk.odoo.fail("bad_gateway", times=1000)
    reports = desk.sync()
    assert all("Odoo" in report.error for report in reports.values())
    desk.odoo.faults.clear()
    desk.sync()
    assert desk.differences() == []


def test_counts_are_exact_for_every_type_and_state(desk: MirrorDesk) -> None:
    Changes(desk.odoo, seed=5).make(80)
    desk.sync()
    table = MirrorTable(desk.table(), "odoo", "move")
    rows = desk.stored("move").values()
    for move_type in ("", "out_invoice", "in_invoice", "in_refund", "out_refund"):
        for state in ("", "draft", "posted", "cancel"):
            name = keys.counts_for({"move_type": move_type, "state": state})
            expected = sum(
                (not move_type or row["move_type"] == move_type)
                and (not state or row["state"] == state)
                for row in rows
            )
            assert sum(table.counts.read(name).values()) == expected
