"""EventBridge Scheduler over HTTP: throttled requests are tried again, by boto3 itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Unavailable
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.wiring.base import Wiring
from odoo_qb.wiring.schedules import TARGET, kept_schedules
from sandbox.http_server import serve
from sandbox.in_process import schedules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odoo_qb.store.schedule_group import ScheduleGroup


class Throttling:
    """A Scheduler without schedules that refuses so many requests first."""

    def __init__(self, refused: int) -> None:
        self.refused = refused
        self.requests = 0

    def __call__(
        self, _environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.requests += 1
        is_refused = self.requests <= self.refused
        answer: dict[str, Any] = (
            {"Message": "Rate exceeded for 123456789012"} if is_refused else {"Schedules": []}
        )
        headers = [("Content-Type", "application/json")]
        if is_refused:
            headers.append(("x-amzn-ErrorType", "ThrottlingException"))
        start_response("429 Too Many Requests" if is_refused else "200 OK", headers)
        return [json.dumps(answer).encode()]


def group_at(url: str, monkeypatch: pytest.MonkeyPatch) -> ScheduleGroup:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", url)
    monkeypatch.setenv(TARGET, json.dumps(asdict(schedules.TARGET)))
    wired = Wiring()
    return kept_schedules(wired, SortedTable(wired.client("dynamodb"), "mirror")).group


def test_a_throttled_request_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Throttling(refused=1)
    with serve(scheduler) as server:
        assert group_at(server.url, monkeypatch).changed_at() == {}
    assert scheduler.requests == 2


def test_after_four_tries_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = Throttling(refused=100)
    with serve(scheduler) as server, pytest.raises(Unavailable) as raised:
        group_at(server.url, monkeypatch).changed_at()
    assert scheduler.requests == 4
    assert str(raised.value) == "EventBridge Scheduler didn't answer. Try again in a minute."
    assert raised.value.__cause__ is None
