"""Faults of the QuickBooks simulator, and what other processes see and set."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    PDF,
    US,
    Client,
    a_bill,
    a_file,
    code,
    known,
    post_bill,
)

# Faults on demand.


@pytest.mark.parametrize("kind", ["reset", "timeout"])
@pytest.mark.parametrize("committed", [False, True])
def test_a_connection_breaks_before_or_after_the_work(
    client: Client, kind: Any, committed: bool
) -> None:
    bill = a_bill(client)
    client.app.inject(kind, path="/bill", committed=committed)
    with pytest.raises(requests.ConnectionError):
        client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == committed
    assert client.post("bill", bill, "same").ok
    assert len(client.app.realms[US].bills) == 1
    assert client.app.calls["bill"] == 2


def test_silence_lasts_until_the_client_gives_up(client: Client) -> None:
    client.refresh()
    client.app.inject("timeout", path="/preferences", seconds=0.3)
    with pytest.raises(requests.ReadTimeout):
        client.get("preferences", timeout=0.1)


def test_a_token_may_be_lost_after_it_was_rotated(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    client.app.inject("reset", path="/tokens/bearer", committed=True)
    with pytest.raises(requests.ConnectionError):
        client.refresh()
    assert client.refresh().json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("error", "status"), [("invalid_grant", 400), ("server_error", 500), ("slow_down", 429)]
)
def test_the_token_endpoint_fails_on_demand(client: Client, error: str, status: int) -> None:
    client.app.inject("oauth_error", path="/tokens/bearer", code=error, status=status)
    answer = client.refresh()
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert client.refresh().ok


def test_another_workers_refresh_can_revoke_the_family(client: Client) -> None:
    client.app.inject("revoke_family", path="/tokens/bearer")
    assert client.refresh().json()["error"] == "invalid_grant"
    assert client.refresh().status_code == 400


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("committed", [False, True])
def test_a_proxy_answers_with_a_page(client: Client, status: int, committed: bool) -> None:
    bill = a_bill(client)
    client.app.inject("html", path="/bill", status=status, committed=committed)
    answer = client.post("bill", bill)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    assert len(client.app.realms[US].bills) == committed


@pytest.mark.parametrize("committed", [False, True])
def test_a_system_fault_does_not_say_whether_the_work_was_done(
    client: Client, committed: bool
) -> None:
    bill = a_bill(client)
    client.app.inject("system_fault", path="/bill", committed=committed)
    answer = client.post("bill", bill, "same")
    assert code(answer, 500) == "10000"
    assert answer.json()["Fault"]["type"] == "SystemFault"
    assert len(client.app.realms[US].bills) == committed
    assert client.post("bill", bill, "same").ok


@pytest.mark.parametrize("committed", [False, True])
def test_an_access_token_ends_early(client: Client, committed: bool) -> None:
    bill = a_bill(client)
    client.app.inject("unauthorized", path="/bill", committed=committed)
    assert client.post("bill", bill, "same").status_code == 401
    assert client.get("preferences").status_code == 401
    assert len(client.app.realms[US].bills) == committed
    client.refresh()
    assert client.post("bill", bill, "same").ok
    assert len(client.app.realms[US].bills) == 1


@pytest.mark.parametrize("status", [200, 400])
def test_a_fault_may_come_with_any_status(client: Client, status: int) -> None:
    client.app.inject("fault", path="/query", code="120", detail="No access", status=status)
    answer = client.query("select * from Bill")
    assert code(answer, status) == "120"
    assert answer.json()["Fault"]["type"] == "AuthorizationFault"


@pytest.mark.parametrize("case", known("faults")["cases"])
def test_each_known_fault_can_be_had_as_quickbooks_words_it(
    client: Client, case: dict[str, Any]
) -> None:
    [error] = case["answer"]["Fault"]["Error"]
    client.app.inject(
        "fault", path="/bill", code=error["code"], detail=error["Detail"], status=case["http"]
    )
    answer = client.post("bill", a_bill(client))
    assert answer.status_code == case["http"]
    assert answer.json()["Fault"] == case["answer"]["Fault"]


@pytest.mark.parametrize(("code_wanted", "expected"), [("", "6000"), ("6041", "6041")])
def test_a_file_may_be_refused_inside_a_success(
    client: Client, code_wanted: str, expected: str
) -> None:
    client.app.inject("refused_file", path="/upload", code=code_wanted)
    answer = client.upload(a_file()[1])
    assert answer.status_code == 200
    assert answer.json()["AttachableResponse"][0]["Fault"]["Error"][0]["code"] == expected


def test_an_answer_may_be_cut_short(client: Client) -> None:
    bill = a_bill(client)
    client.app.inject("truncated", path="/bill")
    answer = client.post("bill", bill)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert len(client.app.realms[US].bills) == 1


def test_a_throttle_can_be_ordered(client: Client) -> None:
    client.app.inject("throttle", path="/query", body="xml", retry_after=7)
    answer = client.query("select * from Bill")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.text.startswith("<?xml")
    client.app.inject("throttle", path="/query")
    assert client.query("select * from Bill").json()["fault"]["error"][0]["code"] == "3001"


def test_quickbooks_may_compute_a_cent_more(client: Client) -> None:
    bill = a_bill(client, "", "10.00")
    client.app.inject("wrong_total", path="/bill")
    assert post_bill(client, bill)["TotalAmt"] == Decimal("10.01")


def test_quickbooks_may_lose_a_byte(client: Client) -> None:
    client.app.inject("wrong_size", path="/upload")
    answer = client.upload(a_file()[1])
    assert answer.json()["AttachableResponse"][0]["Attachable"]["Size"] == len(PDF) - 1
    assert list(client.app.realms[US].files.values()) == [PDF[:-1]]


def test_a_rival_may_be_first(client: Client) -> None:
    bill = a_bill(client, PrivateNote="our marker")
    client.app.inject("rival", path="/bill")
    assert code(client.post("bill", bill)) == "6140"
    assert ["PrivateNote" in b for b in client.app.realms[US].bills.values()] == [False]
    client.app.inject("rival", path="/vendor")
    assert code(client.post("vendor", {"DisplayName": "New"})) == "6240"


def test_a_fault_strikes_the_requests_it_was_meant_for(client: Client) -> None:
    client.app.inject("html", method="GET", path="/preferences", nth=2, times=2)
    statuses = [client.get("preferences").status_code for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    assert client.post("vendor", {"DisplayName": "A"}).ok
    assert client.app.state()["faults"] == []


def test_an_unknown_fault_is_refused_at_once(client: Client) -> None:
    with pytest.raises(ValueError, match="not one of"):
        client.app.inject("earthquake")  # type: ignore[arg-type]  # the point of the test


# What other processes see and set.


def control(client: Client, path: str, body: Any = None) -> requests.Response:
    url = f"{client.url}/_sim/{path}"
    return client.session.request("GET" if body is None else "POST", url, json=body, timeout=5)


def test_the_state_can_be_read(client: Client) -> None:
    bill = post_bill(client)
    state = control(client, "state").json(parse_float=Decimal)
    assert state["realms"][US]["bills"][bill["Id"]]["TotalAmt"] == bill["TotalAmt"]
    assert state["calls"] == {"token": 1, "vendor": 1, "bill": 1}
    assert (state["violations"], state["modes"]["rotation"]) == ([], "sticky24h")


def test_a_reset_empties_the_books_and_revives_the_first_tokens(client: Client) -> None:
    client.app.modes = Modes(rotation="every_use")
    client.app.inject("html", path="/bill", times=9)
    client.refresh()
    client.vendor()
    assert control(client, "reset", {}).status_code == 204
    assert client.app.modes == Modes()
    assert client.app.calls == {}
    assert client.app.realms[US].vendors == {}
    assert client.refresh().ok
    assert client.post("bill", a_bill(client)).ok


def test_switches_and_faults_can_be_set_from_outside(client: Client) -> None:
    body = {
        "modes": {"rotation": "every_use"},
        "limits": {"per_second": 99},
        "realms": {US: {"book_close_date": "2026-10-31"}},
    }
    assert control(client, "config", body).status_code == 204
    assert client.app.modes.rotation == "every_use"
    assert client.app.limits.per_second == 99
    assert client.app.realms[US].book_close_date == date(2026, 10, 31)
    assert control(client, "faults", [{"kind": "html", "status": 504}]).status_code == 204
    assert client.get("preferences").status_code == 401  # the refresh met the fault
    assert control(client, "state").json()["realms"][US]["book_close_date"] == "2026-10-31"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", {"kind": "earthquake"}, 400),
        ("config", {"modes": {"weather": "bad"}}, 400),
        ("config", {"realms": {US: {"wether": 1}}}, 400),
        ("files/1/1", None, 400),
        ("nothing", None, 404),
    ],
)
def test_wrong_settings_are_refused(client: Client, path: str, body: Any, status: int) -> None:
    assert control(client, path, body).status_code == status
