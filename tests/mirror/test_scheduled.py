"""Runs that schedules of the API start: deleted ones, results, and two of a kind at once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Refused
from odoo_qb.mirror.report import Report
from odoo_qb.mirror.request import Firing, sync_request
from odoo_qb.mirror.scheduled import ScheduledRuns, result
from odoo_qb.mirror.sync import BUSY, Syncing
from odoo_qb.store.schedule_items import STARTED
from sandbox.in_process.schedules import ScheduleDesk, beside
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.in_process.mirror import MirrorDesk

Json = dict[str, Any]

NOT_RUN = "Not run for odoo contact, because another run was at work."


@pytest.fixture(scope="module")
def standing() -> Iterator[tuple[MirrorDesk, ScheduleDesk]]:
    with a_small_mirror() as mirror:
        yield mirror, beside(mirror.client, mirror.table_name)


@pytest.fixture
def mirror(standing: tuple[MirrorDesk, ScheduleDesk]) -> MirrorDesk:
    return standing[0]


@pytest.fixture
def desk(standing: tuple[MirrorDesk, ScheduleDesk]) -> ScheduleDesk:
    mirror, desk = standing
    mirror.clear()
    desk.clear()
    desk.now = mirror.now
    return desk


def run(mirror: MirrorDesk, desk: ScheduleDesk, event: Json) -> list[Report] | None:
    """The mirror's function, cold, started with an event."""
    source = mirror.source()
    source.refresh()
    syncing = Syncing(
        table=mirror.table(),
        source=lambda _: source,
        connections=("odoo",),
        clock=mirror.clock,
        seconds_left=lambda: 240.0,
    )
    runs = ScheduledRuns(items=desk.items(), clock=mirror.clock)
    return runs.run(sync_request(event, ("odoo",)), syncing)


def last(desk: ScheduleDesk, name: str) -> tuple[str | None, str | None]:
    (row,) = (row for row in desk.api().list() if row["task_name"] == name)
    return row["last_run"], row["last_result"]


def test_a_run_leaves_its_time_and_result_with_its_schedule(
    mirror: MirrorDesk, desk: ScheduleDesk
) -> None:
    desk.create("contacts", task_path="app.tasks.sync_contacts")
    assert last(desk, "contacts") == (None, None)
    event = desk.event("contacts")
    reports = run(mirror, desk, event)
    assert reports
    assert last(desk, "contacts") == (
        f"{mirror.now:%Y-%m-%dT%H:%M:%S}",
        f"Succeeded: {reports[0].inserted} inserted.",
    )
    run(mirror, desk, event)  # EventBridge may deliver twice
    assert last(desk, "contacts")[1] == "Succeeded: nothing had changed."


def test_the_test_task_runs_nothing_and_succeeds(mirror: MirrorDesk, desk: ScheduleDesk) -> None:
    desk.create("test")
    calls = len(mirror.odoo.calls)
    assert run(mirror, desk, desk.event("test")) == []
    assert last(desk, "test")[1] == "Succeeded: the test task does nothing."
    assert len(mirror.odoo.calls) == calls


def test_a_deleted_schedule_that_still_fires_runs_nothing(
    mirror: MirrorDesk, desk: ScheduleDesk
) -> None:
    desk.create("contacts", task_path="sync_contacts")
    event = desk.event("contacts")
    desk.api().delete("contacts")
    calls = len(mirror.odoo.calls)
    assert run(mirror, desk, event) is None
    assert desk.items().get("contacts") is None
    desk.create("contacts", task_path="sync_contacts")
    assert run(mirror, desk, event) is None  # it was fired by the one that was deleted
    assert last(desk, "contacts") == (None, None)
    assert len(mirror.odoo.calls) == calls


def test_a_schedule_that_is_deleted_while_it_runs_ends_and_leaves_nothing(
    mirror: MirrorDesk, desk: ScheduleDesk
) -> None:
    desk.create("contacts", task_path="sync_contacts")
    during: list[str | None] = []

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step == "odoo res.partner.search" and not during:
            during.append(last(desk, "contacts")[1])
            desk.api().delete("contacts")
        return work()

    mirror.on_step = on_step
    reports = run(mirror, desk, desk.event("contacts"))
    mirror.on_step = lambda _, work: work()
    assert during == [STARTED]
    assert reports
    assert desk.api().list() == []
    assert desk.items().get("contacts") is None


def test_two_schedules_that_fire_together_never_run_the_same_kind_at_once(
    mirror: MirrorDesk, desk: ScheduleDesk
) -> None:
    desk.create("invoices", task_path="sync_invoices")
    desk.create("bills", task_path="sync_bills")  # of the same kind in Odoo
    desk.create("orders", task_path="sync_orders")
    others = [desk.event("bills"), desk.event("orders")]
    inner: list[list[Report] | None] = []
    at_work: list[str] = []

    def on_step(step: str, work: Callable[[], Any]) -> Any:
        if step == "odoo account.move.search" and not inner:
            at_work.append(step)
            inner.extend(run(mirror, desk, event) for event in others)
        return work()

    mirror.on_step = on_step
    reports = run(mirror, desk, desk.event("invoices"))
    mirror.on_step = lambda _, work: work()
    assert at_work
    assert reports
    assert reports[0].inserted > 0
    assert [r.notes for some in inner for r in some or ()] == [[BUSY], []]
    assert last(desk, "bills")[1] == "Not run for odoo move, because another run was at work."
    assert str(last(desk, "orders")[1]).startswith("Succeeded: ")
    assert str(last(desk, "invoices")[1]).startswith("Succeeded: ")
    mirror.now += timedelta(minutes=1)
    run(mirror, desk, others[0])
    assert last(desk, "bills")[1] == "Succeeded: nothing had changed."


@pytest.mark.parametrize(
    ("reports", "said"),
    [
        ([{"error": "Odoo didn't answer."}], "Failed for odoo contact: Odoo didn't answer."),
        ([{"complete": False}, {}], "Not finished for odoo contact. The next run continues."),
        ([{"inserted": 2, "deleted": 1}, {"inserted": 1, "updated": 4}],
         "Succeeded: 3 inserted, 4 updated, 1 deleted."),
        ([{"notes": [BUSY], "complete": False}, {"error": "Odoo is down."}],
         "Failed for odoo contact: Odoo is down."),
        ([{"notes": [BUSY], "complete": False}, {}], f"{NOT_RUN} The rest succeeded."),
        ([{"error": "x" * 1000}], f"Failed for odoo contact: {'x' * 274}…"),
    ],
)  # fmt: skip
def test_a_result_is_one_sentence_that_says_the_worst(reports: list[Json], said: str) -> None:
    assert result([Report(connection="odoo", kind="contact", **r) for r in reports]) == said


def test_an_event_of_a_schedule_has_its_name_id_and_time() -> None:
    event = {"task": "test_task", "schedule": "x", "id": "1", "scheduled_time": "2026-01-28"}
    assert sync_request(event, ()).firing == Firing(schedule="x", schedule_id="1")
    assert sync_request({"task": "test_task"}, ()).firing is None
    for wrong in ({"id": None}, {"scheduled_time": ""}, {"schedule": 7}):
        with pytest.raises(Refused, match="needs its id and its scheduled_time"):
            sync_request(event | wrong, ())
    del event["id"]
    with pytest.raises(Refused, match="needs its id and its scheduled_time"):
        sync_request(event, ())
