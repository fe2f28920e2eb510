"""Tokens and the gateway: who may call the QuickBooks simulator, and how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    GB,
    US,
    Client,
    Clock,
)

# The token endpoint.


def test_a_refresh_gives_an_access_token_for_an_hour_and_the_same_refresh_token(
    client: Client,
) -> None:
    answer = client.refresh().json()
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    assert answer["refresh_token"] == f"seed-{US}"
    assert "x_refresh_token_hard_expires_in" not in answer
    assert client.get("preferences").ok


def test_the_five_year_limit_is_given_to_clients_that_ask_for_it(
    client: Client, clock: Clock
) -> None:
    clock.now += timedelta(days=1)
    answer = client.refresh(headers={"x-include-refresh-token-hard-expires-in": "true"}).json()
    assert answer["x_refresh_token_hard_expires_in"] == 157_680_000 - 86_400


def test_a_wrong_client_secret_is_invalid_client(client: Client) -> None:
    answer = client.session.post(
        f"{client.url}/oauth2/v1/tokens/bearer", data={}, auth=("sandbox-client", "x"), timeout=5
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


@pytest.mark.parametrize("header", ["", "Basic", "Basic ?", "Bearer c2FuZGJveDp4"])
def test_garbled_credentials_are_invalid_client(client: Client, header: str) -> None:
    answer = client.session.post(
        f"{client.url}/v2/oauth2/tokens/revoke", headers={"Authorization": header}, timeout=5
    )
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_an_unknown_refresh_token_is_invalid_grant(client: Client) -> None:
    answer = client.refresh("never-issued")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": "Incorrect or invalid refresh token",
    }
    assert answer.headers["intuit_tid"].startswith("1-")


def test_only_refresh_tokens_are_granted(client: Client) -> None:
    answer = client.session.post(
        f"{client.url}/oauth2/v1/tokens/bearer",
        data={"grant_type": "password"},
        auth=("sandbox-client", "sandbox-client-secret"),
        timeout=5,
    )
    assert answer.json() == {"error": "unsupported_grant_type"}


def test_sticky_rotation_changes_the_token_after_a_day(client: Client, clock: Clock) -> None:
    clock.now += timedelta(hours=23)
    assert client.refresh().json()["refresh_token"] == f"seed-{US}"
    clock.now += timedelta(hours=1)
    assert client.refresh().json()["refresh_token"] != f"seed-{US}"


def test_every_use_rotation_kills_the_old_token_at_once(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    new = client.refresh().json()["refresh_token"]
    assert client.refresh().json()["error"] == "invalid_grant"
    assert client.refresh(new).ok
    assert client.app.violations == [f"realm {US}: a stale refresh token was used"]


def test_an_old_token_may_have_a_day_of_grace(client: Client, clock: Clock) -> None:
    client.app.modes = Modes(rotation="every_use", stale_refresh="grace24h")
    client.refresh()
    assert client.refresh().ok
    clock.now += timedelta(hours=24)
    assert client.refresh().status_code == 400


def test_reusing_an_old_token_may_kill_the_new_one(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use", stale_refresh="reuse_kills_family")
    new = client.refresh().json()["refresh_token"]
    client.refresh()
    assert client.refresh(new).json()["error"] == "invalid_grant"
    assert client.get("preferences").status_code == 401


@pytest.mark.parametrize("days", [101, 5 * 365])
def test_a_refresh_token_dies_of_idleness(client: Client, clock: Clock, days: int) -> None:
    clock.now += timedelta(days=100)
    new = client.refresh().json()["refresh_token"]
    clock.now += timedelta(days=days)
    assert client.refresh(new).status_code == 400


def test_a_connection_ends_after_five_years_of_use(client: Client, clock: Clock) -> None:
    token = f"seed-{US}"
    for _ in range(18):
        clock.now += timedelta(days=100)
        token = client.refresh(token).json()["refresh_token"]
    clock.now += timedelta(days=25)
    assert client.refresh(token).status_code == 400


def test_a_revoked_token_ends_its_access_tokens_too(client: Client) -> None:
    client.refresh()
    answer = client.session.post(
        f"{client.url}/v2/oauth2/tokens/revoke",
        json={"token": f"seed-{US}"},
        auth=("sandbox-client", "sandbox-client-secret"),
        timeout=5,
    )
    assert answer.status_code == 200
    assert client.refresh().status_code == 400
    assert client.get("preferences").status_code == 401


def test_a_new_connection_replaces_the_old_one(client: Client) -> None:
    client.app.connect(US, "seed-two")
    assert client.refresh().status_code == 400
    assert client.refresh("seed-two").ok


def test_two_refreshes_at_once_are_a_violation_and_may_revoke_both(client: Client) -> None:
    client.app.modes = Modes(concurrent_refresh="revokes_family")
    client.app.inject("slow", path="/tokens/bearer", seconds=0.3, times=2)
    with ThreadPoolExecutor(2) as pool:
        statuses = [f.result().status_code for f in [pool.submit(client.refresh) for _ in "ab"]]
    assert 400 in statuses
    assert client.app.violations == [f"realm {US}: two refreshes were under way"]
    assert client.refresh().status_code == 400


def test_discovery_names_this_server(client: Client) -> None:
    for name in ("openid_configuration", "openid_sandbox_configuration/"):
        found = client.session.get(f"{client.url}/.well-known/{name}", timeout=5).json()
        assert found["token_endpoint"] == f"{client.url}/oauth2/v1/tokens/bearer"
    assert client.app.calls["discovery"] == 2


# The gateway.


def test_an_expired_access_token_is_refused_in_the_gateways_words(
    client: Client, clock: Clock
) -> None:
    client.refresh()
    clock.now += timedelta(hours=1)
    answer = client.get("preferences")
    assert answer.status_code == 401
    fault = answer.json()["fault"]
    assert fault["type"] == "AUTHENTICATION"
    assert fault["error"][0]["code"] == "3200"


@pytest.mark.parametrize("header", ["", "Bearer unknown", "Basic abc"])
def test_a_request_needs_a_living_bearer_token(client: Client, header: str) -> None:
    assert client.get("preferences", headers={"Authorization": header}).status_code == 401


def test_a_token_of_another_company_is_forbidden(client: Client) -> None:
    answer = client.get("preferences", realm=GB)
    assert answer.status_code == 403
    assert answer.json()["fault"]["error"][0]["code"] == "3100"


def test_using_an_older_access_token_after_a_refresh_is_a_violation(client: Client) -> None:
    client.refresh()
    old = client.token
    client.refresh()
    assert client.get("preferences", headers={"Authorization": f"Bearer {old}"}).ok
    assert client.app.violations == [
        f"realm {US}: an access token was used after a newer one was issued"
    ]


def test_the_eleventh_request_in_a_second_is_throttled(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True})
    assert all(client.get("preferences").ok for _ in range(10))
    answer = client.get("preferences")
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert answer.json()["fault"]["type"] == "SERVICE"
    assert answer.json()["fault"]["error"][0] == {
        "message": "message=ThrottleExceeded; errorCode=003001; statusCode=429",
        "detail": "The request limit was reached.  Try again later",
        "code": "3001",
    }
    assert client.app.violations == [f"realm {US}: the rate limit was exceeded"]
    clock.now += timedelta(seconds=1)
    assert client.get("preferences").ok


def test_a_minute_has_a_limit_of_its_own(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True, "per_minute": 3})
    assert [client.get("preferences").status_code for _ in range(4)] == [200, 200, 200, 429]
    clock.now += timedelta(seconds=60)
    assert client.get("preferences").ok


def test_no_minute_has_more_than_its_limit_however_it_is_laid(client: Client, clock: Clock) -> None:
    client.app.configure(limits={"enforced": True, "per_minute": 3})
    answers = []
    for _ in range(6):
        answers.append(client.get("preferences").status_code)
        clock.now += timedelta(seconds=15)
    assert answers == [200, 200, 200, 429, 200, 200]


@pytest.mark.parametrize("name", ["app_batches_per_minute", "realm_batches_per_minute"])
def test_batches_have_limits_of_their_own(client: Client, name: str) -> None:
    client.app.configure(limits={"enforced": True, name: 1})
    assert client.post("batch", {"BatchItemRequest": []}).ok
    assert client.post("batch", {"BatchItemRequest": []}).status_code == 429
    assert client.get("preferences").ok


def test_a_throttle_may_answer_in_xml_and_say_how_long_to_wait(client: Client) -> None:
    client.app.configure(limits={"enforced": True, "per_second": 0})
    client.app.modes = Modes(throttle_body="xml", retry_after_seconds=60)
    answer = client.get("preferences")
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert answer.headers["Retry-After"] == "60"
    assert '<Fault type="SERVICE"><Error code="3001">' in answer.text


def test_reads_are_metered_by_the_month_and_then_blocked_with_refreshes(
    client: Client, clock: Clock
) -> None:
    client.app.configure(limits={"core_plus_per_month": 2})
    client.vendor()
    client.get("preferences")
    client.rows("select * from Vendor")
    assert client.app.core_plus_calls == 2
    assert client.get("preferences").status_code == 429
    assert client.refresh().status_code == 429
    assert client.post("vendor", {"DisplayName": "Writes are free"}).ok
    clock.now = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert client.refresh().ok


def test_every_answer_carries_intuits_headers(client: Client) -> None:
    first, second = client.get("preferences"), client.get("nothing")
    assert first.headers["intuit_tid"] != second.headers["intuit_tid"]
    assert len(second.headers["intuit_tid"]) == len("1-") + 8 + len("-") + 24
    assert {"Date", "QBO-Version"} <= set(second.headers)
    assert first.json()["time"] == "2026-11-20T10:00:00.000-08:00"


def test_who_does_not_ask_for_json_gets_xml(client: Client) -> None:
    client.vendor("Smith & Sons")
    answer = client.get(
        "query", params={"query": "select * from Vendor"}, headers={"Accept": "*/*"}
    )
    assert answer.headers["Content-Type"].startswith("application/xml")
    assert "<DisplayName>Smith &amp; Sons</DisplayName>" in answer.text
    assert "<CurrencyRef>USD</CurrencyRef>" in answer.text
