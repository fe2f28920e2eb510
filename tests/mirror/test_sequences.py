"""Each change of a record has the next number, and a first load is marked as what it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_gone import MirrorGone
from odoo_qb.store.mirror_table import MirrorTable
from tests.mirror.deaths import Death, Killed
from tests.mirror.odoo_records import some_contact
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.in_process.mirror import MirrorDesk

CONTACTS = "sync_contacts"


@dataclass
class Steps:
    """What a run asks of DynamoDB, and the keys it looks up."""

    counted: Counter[str] = field(default_factory=Counter)
    looked_up: list[str] = field(default_factory=list)

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        self.counted[step] += 1
        if step == "dynamodb batch_get_item" and isinstance(work, partial):
            for asked in work.keywords["RequestItems"].values():
                self.looked_up += [key["sk"]["S"] for key in asked["Keys"]]
        return work()

    @property
    def of_dynamodb(self) -> int:
        return sum(n for step, n in self.counted.items() if step.startswith("dynamodb"))


def watched(desk: MirrorDesk, task: str = CONTACTS) -> Steps:
    steps = Steps()
    desk.on_step = steps.on_step
    desk.sync(task)
    return steps


def sequence(desk: MirrorDesk, contact: int) -> int:
    return int(desk.rows("contact")[contact]["sequence"])


def taken_out(desk: MirrorDesk, contact: int) -> dict[str, Any]:
    """A contact that is deleted in Odoo, as it was."""
    row = dict(desk.odoo.records["res.partner"][contact])
    desk.odoo.delete_contact(contact)
    desk.sync(CONTACTS)
    assert contact not in desk.rows("contact")
    return row


def put_back(desk: MirrorDesk, row: dict[str, Any]) -> None:
    """A deleted contact is there again, as after a restored backup or a right that came back."""
    desk.odoo.records["res.partner"][row["id"]] = row
    desk.sync(CONTACTS)


def test_a_record_that_was_deleted_and_comes_back_goes_on_counting(desk: MirrorDesk) -> None:
    contact = desk.odoo.new_contact("Comes back")
    desk.sync(CONTACTS)
    desk.odoo.amend_contact(contact, phone="2")
    desk.sync(CONTACTS)
    assert sequence(desk, contact) == 2
    row = taken_out(desk, contact)  # the third change
    put_back(desk, row)
    assert sequence(desk, contact) == 4
    taken_out(desk, contact)
    put_back(desk, row)
    assert sequence(desk, contact) == 6
    assert desk.different("contact") == []


def test_a_record_may_come_back_in_the_run_that_removed_it(desk: MirrorDesk) -> None:
    """A merged contact's address is read once more at the end, when it has been removed."""
    parent = desk.odoo.new_contact("Parent")
    child = desk.odoo.new_contact("Address", parent=parent)
    desk.sync(CONTACTS)
    row = dict(desk.odoo.records["res.partner"][child])
    desk.odoo.delete_contact(child)
    desk.odoo.delete_contact(parent)

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        answer = work()
        if step == "dynamodb batch_write_item" and child not in desk.odoo.records["res.partner"]:
            desk.odoo.records["res.partner"][child] = row
            MirrorTable(desk.table(), "odoo", "contact").note_to_reread([child])
        return answer

    desk.on_step = on_step
    desk.sync(CONTACTS)
    desk.on_step = lambda _, work: work()
    desk.sync(CONTACTS)
    assert sequence(desk, child) == 3


def test_new_records_cost_no_look_at_removed_ones(desk: MirrorDesk) -> None:
    taken_out(desk, desk.odoo.new_contact("Short lived"))
    contact = desk.odoo.new_contact("New")
    steps = watched(desk)
    assert sequence(desk, contact) == 1
    assert [key for key in steps.looked_up if key.startswith(keys.GONE)] == []


def test_what_is_left_of_a_removed_record_costs_a_write_for_25_of_them(desk: MirrorDesk) -> None:
    contacts = [desk.odoo.new_contact(f"Short lived {n}") for n in range(20)]
    desk.sync(CONTACTS)
    for contact in contacts:
        desk.odoo.delete_contact(contact)
    steps = watched(desk)
    assert steps.counted["dynamodb batch_write_item"] == 2, "one for what is left, one to remove"


def test_a_first_load_and_a_quiet_run_ask_no_more_of_dynamodb_than_they_did(
    desk: MirrorDesk,
) -> None:
    taken_out(desk, desk.odoo.new_contact("Short lived"))
    desk.sleep(3600)
    desk.sync()
    assert watched(desk, "sync_all").of_dynamodb == 40
    desk.clear()
    assert watched(desk, "sync_all").of_dynamodb == 88


def test_a_removal_that_dies_at_any_step_loses_no_number() -> None:
    with a_small_mirror() as desk:
        desk.sync()
        contact = desk.odoo.new_contact("Comes back")
        desk.sync(CONTACTS)
        desk.odoo.amend_contact(contact, phone="2")
        desk.sync(CONTACTS)
        row = dict(desk.odoo.records["res.partner"][contact])
        desk.odoo.delete_contact(contact)
        again = desk.remember()
        undisturbed = Death(client=desk.client, number=-1)
        desk.on_step = undisturbed.on_step
        desk.sync(CONTACTS)
        assert len(undisturbed.steps) >= 5
        for number in range(len(undisturbed.steps)):
            again()
            desk.on_step = Death(client=desk.client, number=number).on_step
            try:
                desk.sync(CONTACTS)
            except Killed:
                pass
            else:
                raise AssertionError("it did not come to this step")
            desk.on_step = lambda _, work: work()
            desk.sleep(7 * 60)
            was_removed = contact not in desk.rows("contact")
            put_back(desk, row)
            assert sequence(desk, contact) == (4 if was_removed else 2), undisturbed.steps[number]
            taken_out(desk, contact)
            put_back(desk, row)
            assert sequence(desk, contact) == (6 if was_removed else 4), undisturbed.steps[number]


def test_a_table_from_before_there_were_such_numbers_goes_on(desk: MirrorDesk) -> None:
    """Its state has neither the largest removed id nor a time of the first load."""
    contact = desk.odoo.new_contact("There before")
    desk.sync(CONTACTS)
    state = MirrorTable(desk.table(), "odoo", "contact").own(keys.STATE)
    assert not {"gone_up_to", "loading"} & state.keys()
    put_back(desk, taken_out(desk, contact))
    assert sequence(desk, contact) == 3


# -- first loads ---------------------------------------------------------------------------------


def marked(desk: MirrorDesk) -> set[int]:
    return {i for i, row in desk.rows("contact").items() if row.get("first_load")}


def test_what_a_first_load_finds_is_marked_as_its(desk: MirrorDesk) -> None:
    desk.clear()
    desk.sync()
    rows = [row for kind in ("contact", "move", "payment") for row in desk.rows(kind).values()]
    assert rows
    assert all(row["first_load"] is True for row in rows)


def test_what_is_written_after_a_first_load_began_is_not(desk: MirrorDesk) -> None:
    desk.clear()
    desk.batch = 10
    desk.seconds_for_batches(1)
    desk.sync(CONTACTS)
    early, *_, late = sorted(desk.odoo.records["res.partner"])
    new = desk.odoo.new_contact("New")
    desk.odoo.amend_contact(late, phone="not yet read")
    desk.odoo.amend_contact(early, phone="already read")
    desk.seconds_for_batches(100)
    desk.sync(CONTACTS)
    desk.sync(CONTACTS)
    assert desk.rows("contact").keys() - marked(desk) == {early, late, new}
    assert sequence(desk, early) == 2


def test_a_first_load_that_is_started_anew_began_when_it_first_did(desk: MirrorDesk) -> None:
    """Odoo's clock is set back in the middle of it, so that all is read from the beginning."""
    desk.clear()
    desk.batch = 10
    desk.odoo.ahead = timedelta(minutes=20)
    desk.seconds_for_batches(1)
    desk.sync(CONTACTS)
    desk.sleep(300)
    while_ahead = desk.odoo.new_contact("While the clock was ahead")
    desk.odoo.ahead = timedelta()
    new = desk.odoo.new_contact("Since it is right")
    desk.sleep(300)
    desk.seconds_for_batches(2)
    assert not desk.sync(CONTACTS)["contact"].complete
    desk.seconds_for_batches(100)
    desk.sync(CONTACTS)
    assert desk.different("contact") == []
    assert not {while_ahead, new} & marked(desk)
    assert len(marked(desk)) == len(desk.rows("contact")) - 2


def test_later_changes_repairs_and_full_runs_are_no_first_load(desk: MirrorDesk) -> None:
    desk.clear()
    desk.sync()
    contact = some_contact(desk)
    assert contact in marked(desk)
    desk.odoo.amend_contact(contact, phone="1")
    desk.sync(CONTACTS)
    old = desk.odoo.new_contact("Not seen until ids are compared")
    desk.odoo.records["res.partner"][old]["write_date"] = datetime(2020, 1, 1, tzinfo=UTC)
    desk.sleep(24 * 3600)
    desk.sync(CONTACTS, full=True)
    assert old in desk.rows("contact")
    assert not {contact, old} & marked(desk)


def test_what_a_first_load_removed_and_finds_again_is_not_marked(desk: MirrorDesk) -> None:
    """Whoever follows was told that it is gone."""
    desk.clear()
    desk.sync(CONTACTS)
    contact = max(marked(desk))
    desk.odoo.records["res.partner"][contact]["write_date"] = datetime(2026, 11, 27, tzinfo=UTC)
    row = dict(desk.odoo.records["res.partner"][contact])
    table = MirrorTable(desk.table(), "odoo", "contact")
    table.write([], table.stored([contact]), noted={"gone_up_to": contact})
    table.set_own(keys.STATE, {}, remove=["since"])  # a load that has not ended yet
    put_back(desk, row)
    assert sequence(desk, contact) == 3
    assert contact not in marked(desk)


@settings(max_examples=20, deadline=None)
@given(ids=st.sets(st.integers(1, 10**9), max_size=130))
def test_the_numbers_of_any_removed_records_are_found(ids: set[int]) -> None:
    asked: list[tuple[str, str]] = []

    class Table:
        def get_many(self, wanted: Any, only: Any) -> list[dict[str, Any]]:
            batch = list(wanted)
            assert len(batch) <= 100
            assert set(only) == {"sk", "sequence"}
            asked.extend(batch)
            return [{"sk": sk, "sequence": int(sk[5:]) % 7} for _, sk in batch]

    found = MirrorGone(Table(), "odoo#move").sequences(ids)  # type: ignore[arg-type]
    assert found == {i: i % 7 for i in ids}
    assert len(asked) == len(ids)
