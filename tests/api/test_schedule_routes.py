"""The routes of schedules, as a client of the contract calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.in_process.api import ApiDesk

Json = dict[str, Any]

HOURLY: Json = {
    "cron": "0 * * * *",
    "task_name": "sync_contacts_hourly",
    "task_path": "app.tasks.sync_contacts",
}


def test_a_schedule_is_made_listed_and_deleted(api: ApiDesk) -> None:
    made = api.call("POST", "/schedule-task", body=HOURLY)
    assert made.status == 201
    assert {name: made.json[name] for name in HOURLY} == HOURLY
    assert made.json.keys() == {*HOURLY, "time_zone", "next_run"}
    assert api.schedules.names() == ["sync_contacts_hourly"]
    listed = api.get("/scheduled-tasks")
    assert listed.status == 200
    assert listed.json == [made.json | {"last_run": None, "last_result": None}]
    deleted = api.call("DELETE", "/scheduled-tasks/sync_contacts_hourly")
    assert (deleted.status, deleted.json) == (200, {"deleted": "sync_contacts_hourly"})
    assert api.get("/scheduled-tasks").json == []
    assert api.schedules.disagreements() == []


def test_what_is_wrong_has_its_status_and_sentence(api: ApiDesk) -> None:
    api.call("POST", "/schedule-task", body=HOURLY)
    taken = api.call("POST", "/schedule-task", body=HOURLY)
    assert taken.status == 409
    assert taken.headers["content-type"] == "application/problem+json"
    assert taken.json["detail"].startswith("There is a schedule sync_contacts_hourly already.")
    for name in ("other", "a%20b", "x" * 65, "%C3%BC", "%00"):
        deleted = api.call("DELETE", f"/scheduled-tasks/{name}")
        assert (deleted.status, deleted.headers["content-type"]) == (
            404,
            "application/problem+json",
        )
    for more, said in (
        ({"cron": "0 0 1 * 1"}, "make two schedules."),
        ({"cron": "@hourly"}, "Write @hourly in five fields: 0 * * * *."),
        ({"task_path": "app.tasks.nothing"}, "There is no such task."),
        ({"time_zone": "Paris"}, "Did you mean Europe/Paris?"),
        ({"task_name": ".."}, "not . or .."),
    ):
        answer = api.call("POST", "/schedule-task", body=HOURLY | {"task_name": "x"} | more)
        assert answer.status == 422
        assert said in answer.json["detail"]
    assert api.schedules.names() == ["sync_contacts_hourly"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/schedule-task"),
        ("GET", "/scheduled-tasks"),
        ("DELETE", "/scheduled-tasks/sync_contacts_hourly"),
    ],
)
def test_schedules_need_a_token(api: ApiDesk, method: str, path: str) -> None:
    api.call("POST", "/schedule-task", body=HOURLY)
    for token in (None, "another-token"):
        answer = api.call(method, path, token=token, body=HOURLY if method == "POST" else None)
        assert answer.status == 401
    assert api.schedules.names() == ["sync_contacts_hourly"]
