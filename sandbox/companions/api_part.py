"""The API's part of a run: its schedules fire, every route is walked, every record is compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.api.contract import load_contract
from sandbox.chain import api_address
from sandbox.companions.api_client import ApiClient, ApiError
from sandbox.companions.api_walk import ApiWalk
from sandbox.companions.schedule_trial import ScheduleTrial
from sandbox.vendors import API_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.chain import Chain
    from sandbox.companions.api_walk import Original

Json = dict[str, Any]

GROUP: Final = "odoo-tasks-sandbox"


@dataclass(slots=True, kw_only=True)
class ApiPart:
    """`start` makes a schedule, which fires while other steps run; `finish` does all the rest."""

    running: Chain
    say: Callable[[str], None]
    report: Json = field(default_factory=lambda: {"api": {}, "schedules": {}})
    trouble: list[str] = field(default_factory=list)
    _client: ApiClient = field(init=False)
    _schedules: ScheduleTrial = field(init=False)

    def __post_init__(self) -> None:
        emulator = self.running.emulator
        self._client = ApiClient(
            api_address(self.running), API_TOKEN, verify=str(emulator.ca_bundle)
        )
        self._schedules = ScheduleTrial(client=self._client, in_eventbridge=self._in_eventbridge)

    def start(self) -> None:
        """Schedule the test task for every minute, on the clocks of a zone."""
        self._try(
            lambda: self._schedules.start(
                "companions-test", "app.tasks.test_task", time_zone="Europe/Paris"
            )
        )

    def finish(self, originals: Mapping[str, Original]) -> None:
        """Schedule a real task, walk and compare while it waits for its minute, and delete both."""
        self.say("walking the API's routes")
        self._try(lambda: self._schedules.start("companions-accounts", "app.tasks.sync_accounts"))
        walk = ApiWalk(client=self._client, contract=load_contract(), token=API_TOKEN)
        self._try(walk.walk)
        self._try(lambda: walk.compare(originals))
        self.say("waiting for the schedules")
        self._try(self._schedules.finish)
        self.report |= {"api": walk.report, "schedules": self._schedules.report}
        self.trouble += walk.trouble + self._schedules.trouble

    def _try(self, step: Callable[[], None]) -> None:
        """Take a step; an answer that ends it is a finding, not the end of the run."""
        try:
            step()
        except ApiError as error:
            self.trouble.append(str(error))

    def _in_eventbridge(self) -> list[str]:
        client = self.running.emulator.client("scheduler")
        pages = client.get_paginator("list_schedules").paginate(GroupName=GROUP)
        return [row["Name"] for page in pages for row in page["Schedules"]]
