"""What a run does not take for granted: counts, clocks, good records, rights, limits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from odoo_qb.errors import Unavailable
from odoo_qb.mirror.request import sync_request
from odoo_qb.mirror.sync import Syncing
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable, Put
from odoo_qb.store.sorted_table import SortedTable
from tests.mirror.odoo_records import some_contact

if TYPE_CHECKING:
    from sandbox.in_process.mirror import MirrorDesk

EXPRESSION = 4_096  # bytes, as DynamoDB allows


def spoil(desk: MirrorDesk, contact: int) -> None:
    """Let Odoo answer nonsense of a contact."""

    def distorted(model: str, answer: object) -> object:
        if model == "res.partner" and isinstance(answer, list):
            for row in answer:
                if isinstance(row, dict) and row.get("id") == contact and "city" in row:
                    row["city"] = ["no", "city"]
        return answer

    desk.odoo.distort = distorted


class Listening(SortedTable):
    """A table that keeps the expressions of its transactions."""

    def __init__(self, desk: MirrorDesk) -> None:
        super().__init__(desk.client, desk.table_name)
        self.expressions: list[str] = []

    def ask(self, operation: str, **given: Any) -> dict[str, Any]:
        for item in given.get("TransactItems", ()):
            self.expressions.append(item["Update"]["UpdateExpression"])
        return super().ask(operation, **given)


def test_records_of_many_partitions_are_counted_within_dynamodbs_limits(desk: MirrorDesk) -> None:
    listening = Listening(desk)
    table = MirrorTable(listening, "odoo", "order")
    item = {"hash": "", "state": "draft", "data": "{}"}
    before = table.counts.read().keys()
    ids = [n * keys.THOUSAND * 1_000 for n in range(1, 301)]
    table.write([Put(source_id=i, item=item, before=None) for i in ids], {})
    assert len(table.counts.read()) == len(before) + 300
    table.mend([keys.thousand(i) for i in ids[:100]])
    assert max(map(len, listening.expressions)) <= EXPRESSION


def test_a_bad_record_is_said_once_and_costs_a_quiet_run_nothing(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Bad")
    spoil(desk, contact)
    report = desk.sync()["contact"]
    assert f"contact {contact}" in report.notes[0]
    assert not report.error
    desk.sleep(3600)
    source = desk.source()
    desk.sync(source=source)
    report = desk.sync(source=source)["contact"]
    assert report.is_quiet
    assert report.calls == 1


def test_a_bad_record_that_is_deleted_leaves_no_trace(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Bad")
    spoil(desk, contact)
    desk.sync()
    desk.odoo.delete_contact(contact)
    desk.sync()
    assert desk.differences() == []
    assert MirrorTable(desk.table(), "odoo", "contact").own(keys.STATE)["unreadable"] == []


def test_a_good_record_that_goes_bad_is_kept_and_compared_no_more_often(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    before = desk.stored("contact")[contact]
    spoil(desk, contact)
    desk.odoo.amend_contact(contact, phone="1")
    desk.sync()
    assert desk.stored("contact")[contact] == before
    desk.sleep(3600)
    source = desk.source()
    desk.sync(source=source)
    assert desk.sync(source=source)["contact"].calls == 1


def test_a_bad_record_that_becomes_good_is_read_the_next_day(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Bad")
    spoil(desk, contact)
    desk.sync()
    desk.odoo.distort = lambda _model, answer: answer
    desk.sleep(24 * 3600)
    assert desk.sync()["contact"].inserted == 1
    assert desk.differences() == []


def test_one_that_came_to_light_and_one_that_went_are_told_apart_the_next_day(
    desk: MirrorDesk,
) -> None:
    """They leave the count as it was, and no time tells of either."""
    hidden = desk.odoo.new_contact("Hidden")
    deleted = desk.odoo.new_contact("Deleted")
    desk.odoo.hide("res.partner", [hidden])
    desk.sync()
    desk.sleep(3600)
    desk.sync()
    desk.odoo.delete_contact(deleted)
    desk.odoo.restore_rights()
    desk.sync()
    assert deleted in desk.stored("contact")
    desk.sleep(24 * 3600)
    desk.sync()
    assert desk.differences() == []


def test_a_hidden_record_keeps_its_place_and_the_run_says_why(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    desk.odoo.hide("res.partner", [contact])
    assert "may not see some records" in desk.sync()["contact"].error
    assert contact in desk.stored("contact")
    desk.odoo.restore_rights()
    desk.sync()
    assert desk.differences() == []


def test_a_clock_set_back_during_an_outage_loses_nothing(desk: MirrorDesk) -> None:
    """By the time of the next run it has passed what was noted of the last one."""
    desk.odoo.ahead = timedelta(minutes=40)
    desk.sync()
    desk.odoo.ahead = timedelta()
    desk.odoo.amend_contact(some_contact(desk), phone="after it was set back")
    desk.sleep(45 * 60)
    desk.sync()
    assert desk.differences() == []


def test_a_clock_set_back_in_the_middle_of_a_load_begins_it_again(desk: MirrorDesk) -> None:
    desk.odoo.ahead = timedelta(days=3)
    desk.seconds_for_batches(0)
    assert not desk.sync("sync_contacts", full=True)["contact"].complete
    desk.seconds_for_batches(100)
    desk.odoo.ahead = timedelta()
    desk.odoo.amend_contact(some_contact(desk), phone="after it was set back")
    assert desk.sync("sync_contacts")["contact"].complete
    assert desk.different("contact") == []
    assert desk.sync("sync_contacts")["contact"].is_quiet


def test_a_dry_run_without_a_source_writes_nothing(desk: MirrorDesk) -> None:
    def unreachable(_: str) -> Any:
        raise Unavailable("Odoo cannot be reached.")

    before = desk.everything()
    syncing = Syncing(
        table=desk.table(),
        source=unreachable,
        connections=("odoo",),
        clock=desk.clock,
        seconds_left=lambda: 240.0,
    )
    request = sync_request({"task": "sync_all", "dry_run": True}, ("odoo",))
    assert {r.error for r in syncing.sync(request)} == {"Odoo cannot be reached."}
    assert desk.everything() == before


def test_a_full_dry_run_leaves_a_load_that_is_under_way_alone(desk: MirrorDesk) -> None:
    desk.seconds_for_batches(0)
    desk.sync("sync_contacts", full=True)
    desk.seconds_for_batches(100)
    before = desk.everything()
    assert desk.sync("sync_contacts", full=True, dry_run=True)["contact"].complete
    assert desk.everything() == before


def test_what_two_runs_do_at_once_is_done_by_one(desk: MirrorDesk) -> None:
    desk.odoo.new_contact("New")
    source = desk.source()
    summary = source.summary
    others: list[Any] = []

    def overtaken(kind: Any) -> Any:
        source.summary = summary  # type: ignore[method-assign]
        others.append(desk.sync("sync_contacts")["contact"])
        return summary(kind)

    source.summary = overtaken  # type: ignore[method-assign]
    assert desk.sync("sync_contacts", source=source)["contact"].inserted == 1
    assert [r.complete for r in others] == [False]
    assert "another run" in others[0].notes[0]
    assert desk.different("contact") == []


def test_what_moved_to_another_company_leaves_the_mirror_and_comes_back(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Ours", company=1)
    desk.companies = (1,)
    desk.sync(accept_deletions=True)
    assert contact in desk.stored("contact")
    desk.sleep(3600)
    desk.odoo.amend_contact(contact, company_id=2)
    assert desk.sync()["contact"].deleted == 1
    assert contact not in desk.stored("contact")
    desk.odoo.amend_contact(contact, company_id=1)
    desk.sync()
    assert desk.stored("contact")[contact]["company_id"] == 1


def test_what_changed_while_it_was_hidden_is_read_when_it_is_seen_again(desk: MirrorDesk) -> None:
    contact = some_contact(desk)
    desk.odoo.hide("res.partner", [contact])
    desk.odoo.amend_contact(contact, phone="unseen")
    assert desk.sync()["contact"].error
    desk.sleep(3600)
    desk.odoo.restore_rights()
    desk.sync()
    assert desk.stored("contact")[contact]["phone"] == "unseen"
    source = desk.source()
    desk.sync(source=source)
    assert desk.sync(source=source)["contact"].calls == 1
