"""The connection to a company: renewed by one, kept before it is used, mourned once."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Disconnected, Throttled, Unavailable
from sandbox.quickbooks.server import Modes
from tests.support.builders import a_bill
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.posting_fixture import Desk

ALL_MODES = [
    Modes(rotation=r, stale_refresh=s, concurrent_refresh=c)
    for r in ("sticky24h", "every_use")
    for s in ("immediate", "grace24h", "reuse_kills_family")
    for c in ("allowed", "revokes_family")
]


def name_of(modes: Modes) -> str:
    return f"{modes.rotation} {modes.stale_refresh} {modes.concurrent_refresh}"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def secret(desk: Desk) -> dict[str, Any]:
    answer = desk.clients["secretsmanager"].get_secret_value(SecretId="token/north")
    found: dict[str, Any] = json.loads(answer["SecretString"])
    return found


def note(desk: Desk) -> dict[str, Any]:
    return desk.table.read_note("connection#north")


@pytest.mark.parametrize("modes", ALL_MODES, ids=name_of)
def test_a_day_of_work_takes_one_refresh_an_hour_and_no_stale_token(modes: Modes) -> None:
    with a_desk(modes) as desk:
        for hour in range(72):
            desk.connection().access_token()  # a cold function
            if hour % 24 == 0:
                desk.connection().keep_alive()
            desk.now += timedelta(minutes=20)
        assert desk.quickbooks.calls == {"token": 24}
        assert desk.quickbooks.violations == []


def test_a_warm_function_asks_for_a_new_token_when_the_hour_is_over(desk: Desk) -> None:
    connection = desk.connection()
    tokens = set()
    for _ in range(30):
        tokens.add(connection.access_token())
        desk.now += timedelta(minutes=6)
    assert len(tokens) == desk.quickbooks.calls["token"] == 3


def test_the_rotated_token_is_kept_before_anything_is_done_with_it(desk: Desk) -> None:
    desk.quickbooks.configure(modes={"rotation": "every_use"})
    desk.quickbooks.inject("reset", path="/query")
    with pytest.raises(Unavailable):
        desk.api().query("select * from Term")
    kept = secret(desk)
    assert kept["refresh_token"] != desk.seed_token
    assert kept["previous"] == desk.seed_token
    desk.now += timedelta(hours=2)
    assert desk.connection().access_token()
    assert desk.quickbooks.violations == []


class Unwritable:
    """Secrets Manager, which reads but cannot keep."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_secret_value(self, **arguments: Any) -> Any:
        return self._client.get_secret_value(**arguments)

    def put_secret_value(self, **_: Any) -> None:
        raise ConnectionError


@pytest.mark.parametrize("stale", ["immediate", "grace24h", "reuse_kills_family"])
def test_a_process_killed_between_renewing_and_keeping_costs_only_what_intuit_takes(
    stale: str,
) -> None:
    with a_desk() as desk:
        desk.quickbooks.configure(modes={"rotation": "every_use", "stale_refresh": stale})
        real = desk.clients["secretsmanager"]
        desk.clients["secretsmanager"] = Unwritable(real)
        with pytest.raises(ConnectionError):
            desk.connection().access_token()
        desk.clients["secretsmanager"] = real
        desk.now += timedelta(minutes=5)
        if stale == "grace24h":
            assert desk.connection().access_token()
        else:
            with pytest.raises(Disconnected):
                desk.connection().access_token()


def test_the_token_before_is_tried_once_when_the_kept_one_is_refused(desk: Desk) -> None:
    desk.quickbooks.configure(modes={"rotation": "every_use"})
    desk.connection().access_token()
    good = secret(desk)
    broken = good | {"refresh_token": "never-heard-of", "previous": good["refresh_token"]}
    desk.clients["secretsmanager"].put_secret_value(
        SecretId="token/north", SecretString=json.dumps(broken)
    )
    desk.now += timedelta(hours=1)
    assert desk.connection().access_token()
    assert desk.quickbooks.calls["token"] == 3
    assert secret(desk)["refresh_token"] != good["refresh_token"]


def test_a_dead_connection_is_noted_and_told_once(desk: Desk) -> None:
    desk.connection().access_token()
    desk.quickbooks.inject("revoke_family", path="/oauth2")
    desk.now += timedelta(hours=2)
    with pytest.raises(Disconnected) as refused:
        desk.connection().access_token()
    assert refused.value.code == "invalid_grant"
    assert "qb_refresh_tokens" in str(refused.value)
    assert [desk.connection().note_broken(refused.value) for _ in range(3)] == [True, False, False]
    assert desk.connection().is_broken()
    assert note(desk)["state"] == "NEEDS_RECONNECT"


def test_a_dead_connections_bills_wait_approved_and_flow_with_a_new_token(desk: Desk) -> None:
    desk.quickbooks.inject("oauth_error", path="/oauth2", code="invalid_grant")
    bills = [desk.approve(a_bill(odoo_id=n, bill_reference=f"I-{n}")) for n in (1, 2, 3)]
    poster = desk.poster()

    def alarm(_company: str, refusal: Disconnected) -> None:
        if desk.connection().note_broken(refusal):
            desk.alarms.append(str(refusal))

    waiting = replace(poster, disconnected=alarm)
    for item in bills:
        assert waiting.post(item["entry_id"], 1, "m") == "WAITING"
        assert desk.stored(item["entry_id"])["status"] == "APPROVED"
    assert len(desk.alarms) == 1
    assert desk.quickbooks.calls["token"] == 1, "the second and third bill asked nobody"
    desk.reconnect()
    stored = [desk.stored(i["entry_id"]) for i in bills]
    assert [desk.post(i, "sweep") for i in stored] == ["POSTED"] * 3
    assert note(desk)["state"] == "CONNECTED"
    assert "reason" not in note(desk)


def test_a_new_seed_takes_over_and_the_old_one_applied_again_does_not(desk: Desk) -> None:
    desk.quickbooks.configure(modes={"rotation": "every_use"})
    desk.connection().access_token()
    desk.reconnect()
    assert desk.connection().access_token()
    assert secret(desk)["previous"] == desk.seed_token
    desk.now += timedelta(hours=3)
    assert desk.connection().access_token()  # the seed is dead, what it became is not
    assert desk.quickbooks.violations == []


def test_two_processes_that_need_a_token_at_once_get_the_same_from_one_refresh() -> None:
    with a_desk(Modes(concurrent_refresh="revokes_family")) as desk:
        desk.quickbooks.inject("slow", path="/oauth2", seconds=0.3)
        lock, got = threading.Lock(), []

        def renew() -> None:
            connection = desk.connection(
                table=_Locked(desk.table, lock),
                secrets=_Locked(desk.clients["secretsmanager"], lock),
                sleep=lambda _: time.sleep(0.05),
            )
            got.append(connection.access_token())

        threads = [threading.Thread(target=renew) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 3
        assert len(set(got)) == 1
        assert desk.quickbooks.calls == {"token": 1}
        assert desk.quickbooks.violations == []


class _Locked:
    """moto's tables are plain dicts that two threads may not change at once."""

    def __init__(self, target: Any, lock: threading.Lock) -> None:
        self._target, self._lock = target, lock

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._target, name)

        def locked(*arguments: Any, **named: Any) -> Any:
            with self._lock:
                return call(*arguments, **named)

        return locked


def test_a_lease_whose_holder_died_ends_by_itself(desk: Desk) -> None:
    desk.table.write_note("connection#north", {"lease_until": "2026-11-21T09:30:20.000Z"})
    assert desk.connection().access_token()
    assert 20 <= desk.waited <= 25
    desk.table.write_note("connection#north", {"lease_until": "2026-11-21T10:22:30.000Z"})
    desk.now += timedelta(minutes=61)
    desk.now -= timedelta(minutes=10)
    with pytest.raises(Unavailable, match="Another process is renewing"):
        desk.connection().replace(secret(desk)["access_token"])


def test_keeping_alive_tells_the_days_left(desk: Desk) -> None:
    assert desk.connection().keep_alive() == 101
    desk.now += timedelta(minutes=30)
    assert desk.connection().keep_alive() == 100
    desk.now += timedelta(days=60)
    assert desk.connection().keep_alive() == 101


def test_five_years_after_the_connection_the_end_comes_whatever_was_renewed(desk: Desk) -> None:
    left = []
    for _ in range(21):
        left.append(desk.connection().keep_alive())
        desk.now += timedelta(days=90)
    assert left == [101] * 20 + [24]
    with pytest.raises(Disconnected):
        desk.connection().keep_alive()


def test_a_refresh_token_unused_for_a_hundred_days_is_dead(desk: Desk) -> None:
    desk.connection().access_token()
    desk.now += timedelta(days=102)
    with pytest.raises(Disconnected):
        desk.connection().keep_alive()


@pytest.mark.parametrize("text", ["", "{}"])
def test_an_empty_secret_starts_from_the_seed(text: str, desk: Desk) -> None:
    if text:
        desk.clients["secretsmanager"].put_secret_value(SecretId="token/north", SecretString=text)
    assert desk.connection().access_token()
    assert secret(desk)["refresh_token"] == desk.seed_token


def test_a_company_that_was_never_connected_says_where_its_token_goes(desk: Desk) -> None:
    desk.seed_token = ""
    with pytest.raises(Disconnected, match="qb_refresh_tokens"):
        desk.connection().access_token()
    assert not desk.quickbooks.calls


@pytest.mark.parametrize(
    ("fault", "error", "sentence"),
    [
        ({"kind": "throttle"}, Throttled, "slow down"),
        ({"kind": "html", "status": 503}, Unavailable, "could not renew"),
        ({"kind": "system_fault"}, Unavailable, "could not renew"),
        ({"kind": "reset"}, Unavailable, "did not answer"),
        ({"kind": "truncated"}, Unavailable, "broke off"),
        (
            {"kind": "oauth_error", "status": 401, "code": "invalid_client"},
            Disconnected,
            "qb_client_id",
        ),
        (
            {"kind": "oauth_error", "status": 400, "code": "invalid_grant"},
            Disconnected,
            "secrets_version",
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_each_answer_of_the_token_endpoint_has_its_meaning_and_no_secret_in_it(
    fault: dict[str, Any], error: type[Exception], sentence: str, desk: Desk
) -> None:
    desk.quickbooks.inject(**fault, path="/oauth2", times=2)
    with pytest.raises(error, match=sentence) as raised:
        desk.connection().access_token()
    assert type(raised.value) is error
    said = f"{raised.value!r} {raised.value.__cause__!r} {json.dumps(note(desk), default=str)}"
    for word in (desk.seed_token, "sandbox-client-secret"):
        assert word not in said


@pytest.mark.parametrize("code", ["6190", "3100", "120", "110", "3200"])
def test_a_new_token_does_not_open_a_company_that_quickbooks_closed_to_us(
    code: str, desk: Desk
) -> None:
    closed = Disconnected("Closed.", code=code)
    assert desk.connection().note_broken(closed)
    desk.now += timedelta(hours=2)
    assert desk.connection().access_token()
    assert desk.connection().keep_alive() == 101
    assert desk.connection().is_broken()
    assert not desk.connection().note_broken(closed)
    desk.connection().note_works()
    assert not desk.connection().is_broken()
    assert note(desk)["state"] == "CONNECTED"
    assert "code" not in note(desk)


def test_an_emptied_seed_cuts_off_nobody_and_the_old_one_put_back_changes_nothing(
    desk: Desk,
) -> None:
    desk.quickbooks.configure(modes={"rotation": "every_use"})
    seed = desk.seed_token
    for token in (seed, "", "", seed, ""):
        desk.seed_token = token
        assert desk.connection().access_token()
        desk.now += timedelta(hours=2)
    assert desk.quickbooks.violations == []
    desk.reconnect()
    assert desk.connection().access_token()
    assert secret(desk)["previous"] == desk.seed_token


def test_an_emptied_seed_does_not_open_a_dead_connection(desk: Desk) -> None:
    desk.connection().access_token()
    desk.connection().note_broken(Disconnected("Dead.", code="invalid_grant"))
    desk.seed_token = ""
    assert desk.connection().is_broken()


def test_a_good_token_ends_the_mourning_of_a_bad_one(desk: Desk) -> None:
    desk.connection().note_broken(Disconnected("Dead.", code="invalid_grant"))
    assert desk.connection().is_broken()
    assert desk.connection().access_token()
    assert not desk.connection().is_broken()


def test_no_secret_is_in_the_table(desk: Desk) -> None:
    desk.connection().access_token()
    tokens = secret(desk)
    text = json.dumps(note(desk), default=str)
    assert tokens["access_token"] not in text
    assert tokens["refresh_token"] not in text


def test_the_connection_says_nothing_secret_of_itself(desk: Desk) -> None:
    connection = desk.connection()
    connection.access_token()
    for word in (desk.seed_token, secret(desk)["access_token"], "sandbox-client-secret"):
        assert word not in repr(connection)
