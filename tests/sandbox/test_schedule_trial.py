"""Schedules of the walk: made, waited for, deleted; what does not run is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sandbox.companions.api_client import ApiClient
from sandbox.companions.schedule_trial import ScheduleTrial
from sandbox.http_server import serve
from sandbox.in_process.api import TOKEN, ApiDesk, an_api
from tests.mirror.small_ledger import a_small_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[ApiDesk, ApiClient]]:
    with (
        pytest.MonkeyPatch.context() as patch,
        a_small_mirror() as mirror,
        an_api(mirror, patch.setenv) as api,
        serve(api) as server,
    ):
        yield api, ApiClient(server.url, TOKEN)


@dataclass(kw_only=True)
class Minutes:
    """Time that passes only while the trial waits; after a minute schedules fire."""

    api: ApiDesk
    result: str = "Succeeded: nothing had changed."
    seconds: float = 0.0
    fires: bool = True
    fired: list[str] = field(default_factory=list)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        before, self.seconds = self.seconds, self.seconds + seconds
        if self.fires and before < 60 <= self.seconds:
            desk = self.api.schedules
            for name in desk.names():
                run = desk.event(name)
                assert desk.items().start(name, run["id"], desk.now)
                desk.items().finish(name, run["id"], self.result)
                self.fired.append(name)


def a_trial(served: tuple[ApiDesk, ApiClient], minutes: Minutes) -> ScheduleTrial:
    api, client = served
    api.reset()
    trial = ScheduleTrial(
        client=client,
        in_eventbridge=api.schedules.names,
        clock=minutes.clock,
        sleep=minutes.sleep,
    )
    trial.start("every-minute", "app.tasks.test_task")
    trial.start("in-paris", "sync_contacts", time_zone="Europe/Paris")
    return trial


def test_schedules_that_run_are_reported_and_deleted(served: tuple[ApiDesk, ApiClient]) -> None:
    minutes = Minutes(api=served[0])
    trial = a_trial(served, minutes)
    trial.finish()
    assert trial.trouble == []
    assert minutes.fired == ["every-minute", "in-paris"]
    assert trial.report["in-paris"]["time_zone"] == "Europe/Paris"
    assert trial.report["every-minute"]["seconds"] == 60
    assert trial.report["every-minute"]["last_result"] == "Succeeded: nothing had changed."
    assert all(row["deleted"] for row in trial.report.values())
    assert served[0].schedules.names() == []


def test_a_schedule_that_fails_or_never_runs_is_said(served: tuple[ApiDesk, ApiClient]) -> None:
    failing = a_trial(
        served, Minutes(api=served[0], result="Failed for odoo contact: Odoo is down.")
    )
    failing.finish()
    assert failing.trouble[0] == "The schedule every-minute: Failed for odoo contact: Odoo is down."
    silent = a_trial(served, Minutes(api=served[0], fires=False))
    silent.finish()
    assert silent.trouble == [
        "The schedule every-minute has not run.",
        "The schedule in-paris has not run.",
    ]
    assert served[0].schedules.names() == []
