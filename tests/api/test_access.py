"""Who may call: tokens, their rotation, sessions of browsers, and what needs neither."""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import pytest

from odoo_qb.api.contract import load_contract
from odoo_qb.api.tokens import Tokens
from sandbox.in_process.api import HOST, TOKEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.in_process.api import ApiDesk, Response

# What answers without a token, all of it.
PUBLIC: Final = {
    ("GET", "/health"), ("GET", "/sign-in"), ("POST", "/sign-in"), ("GET", "/assets/sign-in.css"),
}  # fmt: skip
OTHER: Final = "another-token-of-40-characters-0123456789"
FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
BROWSER: Final = {"accept": "text/html,application/xhtml+xml"}
FILES: Final = [f"/assets/{n}" for n in ("docs.js", "swagger-ui.min.css", "sign-in.css")]
FILLED_IN: Final = {"{id}": "1", "{task_name}": "hourly", "{name}": "docs.js"}


def every_operation() -> list[tuple[str, str]]:
    paths = load_contract().document["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def sign_in(api: ApiDesk, token: str = TOKEN, **more: str) -> Response:
    return api.call(
        "POST", "/sign-in", token=None, body=urlencode({"token": token, **more}), headers=FORM
    )


def as_browser(api: ApiDesk) -> Mapping[str, str]:
    """The headers with which a signed-in browser comes."""
    (cookie,) = sign_in(api).cookies
    return {"cookie": cookie.partition(";")[0], **BROWSER}


@pytest.mark.parametrize(("method", "path"), every_operation())
def test_only_what_is_listed_answers_without_a_token(api: ApiDesk, method: str, path: str) -> None:
    for placeholder, value in FILLED_IN.items():
        path = path.replace(placeholder, value)
    for headers in ({}, {"authorization": ""}, {"authorization": "Bearer "}, {"cookie": "a=b"}):
        response = api.call(method, path, token=None, headers=headers, body=b"")
        if (method, path) in PUBLIC:
            assert response.status != 401
        else:
            assert (response.status, response.json["status"]) == (401, 401)
            assert response.headers["www-authenticate"].startswith('Bearer realm="odoo-api"')


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE", "BREW"])
@pytest.mark.parametrize("path", ["/nothing", "/", "/contacts", "/../health", "/Health"])
def test_what_is_not_there_says_nothing_without_a_token_either(
    api: ApiDesk, method: str, path: str
) -> None:
    assert api.call(method, path, token=None).status == 401


def test_the_list_of_what_is_public_is_the_contracts() -> None:
    paths = load_contract().document["paths"]
    assert {
        (m, p) for m, p in every_operation() if paths[p][m.lower()].get("security") == []
    } == PUBLIC


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {OTHER}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN,
     "Bearer", "Bearer é", "Bearer " + "x" * 100_000],
)  # fmt: skip
def test_another_token_is_401(api: ApiDesk, authorization: str) -> None:
    response = api.get("/contacts", token=None, headers={"authorization": authorization})
    assert response.status == 401
    assert response.headers["www-authenticate"].endswith('error="invalid_token"')
    assert response.json["detail"] == (
        "This token is not one of this deployment. Check it, and the address."
    )


def test_a_good_cookie_does_not_make_up_for_a_wrong_token(api: ApiDesk) -> None:
    headers = {**as_browser(api), "authorization": f"Bearer {OTHER}"}
    assert api.get("/contacts", token=None, headers=headers).status == 401


# -- rotation --------------------------------------------------------------------------------------


def test_a_new_token_works_within_a_minute_and_the_old_one_until_it_is_removed(
    api: ApiDesk,
) -> None:
    assert api.get("/contacts").status == 200
    api.set_tokens({"tests": OTHER}, previous={"tests": TOKEN})
    api.desk.sleep(61)
    assert api.get("/contacts", token=OTHER).status == 200
    assert api.get("/contacts", token=TOKEN).status == 200
    api.set_tokens({"tests": OTHER})
    api.desk.sleep(301)
    assert api.get("/contacts", token=OTHER).status == 200
    assert api.get("/contacts", token=TOKEN).status == 401


def test_wrong_tokens_let_the_secret_be_read_once_a_minute() -> None:
    reads: list[datetime] = []
    now = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)

    def load() -> dict[str, dict[str, str]]:
        reads.append(now)
        return {"tokens": {"tests": hashlib.sha256(TOKEN.encode()).hexdigest()}}

    tokens = Tokens(load, lambda: now)
    for _ in range(5):
        for _ in range(20):
            assert tokens.owner(OTHER) is None
        now += timedelta(seconds=61)
    assert len(reads) == 5
    for _ in range(4):  # known ones let it be read every five minutes
        assert tokens.owner(TOKEN)
        now += timedelta(seconds=61)
    assert len(reads) == 5


def test_a_secret_that_cannot_be_read_again_leaves_the_tokens_of_before(
    api: ApiDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.get("/contacts").status == 200
    monkeypatch.setenv("API_SECRET_ARN", "no-such-secret")
    api.desk.sleep(600)
    assert api.get("/contacts").status == 200
    assert api.get("/contacts", token=OTHER).status == 401
    api.restart()
    assert api.get("/contacts").status == 503


@pytest.mark.parametrize("kept", ['{"tokens": {"a": "short"}}', '{"tokens": []}', "[]"])
def test_a_secret_of_another_form_is_503(api: ApiDesk, kept: str) -> None:
    api.set_tokens({})
    api.secrets.put_secret_value(SecretId=api.secret_id, SecretString=kept)
    api.restart()
    assert api.get("/contacts").status == 503


# -- browsers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_a_browser_without_a_session_is_sent_to_sign_in(api: ApiDesk, path: str) -> None:
    response = api.get(path, token=None, headers=BROWSER)
    assert (response.status, response.headers["location"]) == (303, f"sign-in?next={path[1:]}")
    page = api.get(f"/sign-in?next={path[1:]}", token=None, headers=BROWSER)
    assert f'value="{path[1:]}"' in page.text
    assert api.get("/contacts", token=None, headers=BROWSER).status == 401


def test_a_browser_signs_in_with_a_token_and_reads(api: ApiDesk) -> None:
    response = sign_in(api, next="openapi.json")
    assert (response.status, response.headers["location"]) == (303, "openapi.json")
    (cookie,) = response.cookies
    assert re.fullmatch(
        r"__Host-odoo-api=tests\.\d+\.[0-9a-f]{64}; Max-Age=43200; Path=/; Secure; HttpOnly;"
        r" SameSite=Strict",
        cookie,
    )
    assert TOKEN not in cookie
    headers = as_browser(api)
    for target in ("/docs", "/openapi.json", "/contacts", *FILES):
        assert api.get(target, token=None, headers=headers).status == 200
    assert "swagger-ui-bundle.min.js" in api.get("/docs", token=None, headers=headers).text


def test_a_session_lasts_twelve_hours(api: ApiDesk) -> None:
    headers = as_browser(api)
    api.desk.sleep(12 * 3600 - 1)
    assert api.get("/contacts", token=None, headers=headers).status == 200
    api.desk.sleep(2)
    assert api.get("/contacts", token=None, headers=headers).status == 401


def test_a_session_ends_with_its_token(api: ApiDesk) -> None:
    headers = as_browser(api)
    api.set_tokens({"tests": OTHER}, previous={"tests": TOKEN})
    api.desk.sleep(301)
    assert api.get("/contacts", token=None, headers=headers).status == 200
    api.set_tokens({"tests": OTHER})
    api.desk.sleep(301)
    assert api.get("/contacts", token=None, headers=headers).status == 401


def test_a_session_that_was_changed_is_none(api: ApiDesk) -> None:
    name, _, value = as_browser(api)["cookie"].partition("=")
    who, ends, signature = value.split(".")
    forged = [
        f"other.{ends}.{signature}",
        f"{who}.{int(ends) + 1}.{signature}",
        f"{who}.{ends}.{'0' * 64}",
        f"{who}.{ends}.{signature[:-1]}",
        f"{who}.{'9' * 12}.{signature}",
        "",
        "..",
    ]
    for one in forged:
        response = api.get("/contacts", token=None, headers={"cookie": f"{name}={one}"})
        assert response.status == 401, one


@pytest.mark.parametrize(
    "then",
    ["https://evil.example", "//evil.example", "\\evil.example", "javascript:alert(1)", "docs/../x",
     "docs\r\nSet-Cookie: a=b", "/docs", 'docs"><script>'],
)  # fmt: skip
def test_signing_in_leads_to_no_other_place(api: ApiDesk, then: str) -> None:
    assert sign_in(api, next=then).headers["location"] == "docs"
    page = api.get(f"/sign-in?next={quote(then)}", token=None)
    assert page.status == 422
    wrong = sign_in(api, OTHER, next=then)
    assert "<script>" not in wrong.text


def test_a_wrong_token_gets_the_form_again_with_a_sentence(
    api: ApiDesk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        response = sign_in(api, OTHER)
    assert response.status == 401
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "This token isn&#x27;t one of ours. Check it." in response.text
    assert response.cookies == ()
    assert OTHER not in response.text + caplog.text


def test_ten_attempts_in_a_quarter_of_an_hour_and_no_more(api: ApiDesk) -> None:
    for _ in range(10):
        assert sign_in(api, OTHER).status == 401
    blocked = sign_in(api)
    assert blocked.status == 429
    assert 0 < int(blocked.headers["retry-after"]) <= 900
    assert re.search(r"Try again in \d+ minutes\.", blocked.text)
    api.source_ip = "192.0.2.77"
    assert sign_in(api).status == 303
    assert api.get("/contacts").status == 200
    api.source_ip = "192.0.2.1"
    api.desk.sleep(int(blocked.headers["retry-after"]))
    assert sign_in(api).status == 303


def test_addresses_of_one_ipv6_network_are_counted_together(api: ApiDesk) -> None:
    for number in range(10):
        api.source_ip = f"2001:db8:1:2::{number}"
        sign_in(api, OTHER)
    api.source_ip = "2001:db8:1:2:ffff::1"
    assert sign_in(api).status == 429
    api.source_ip = "2001:db8:1:3::1"
    assert sign_in(api).status == 303


def test_attempts_are_forgotten_by_the_table(api: ApiDesk) -> None:
    sign_in(api, OTHER)
    (row,) = [r for r in api.desk.everything() if str(r["pk"]).startswith("api#sign-in#")]
    assert row["attempts"] == 1
    assert 86_400 <= int(row["expires_at"]) - api.desk.now.timestamp() <= 86_400 + 900


def test_signing_out_ends_the_browsers_session(api: ApiDesk) -> None:
    headers = {**as_browser(api), "origin": f"https://{HOST}"}
    response = api.call("POST", "/sign-out", token=None, headers=headers)
    assert (response.status, response.headers["location"]) == (303, "sign-in")
    assert response.cookies[0].startswith("__Host-odoo-api=; Max-Age=0; Path=/; Secure")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", f"https://{HOST}.evil.example"]
)
def test_another_sites_page_can_do_nothing_with_a_session(api: ApiDesk, origin: str) -> None:
    headers = {**as_browser(api), "origin": origin}
    for method, path in (("POST", "/sign-out"), ("DELETE", "/scheduled-tasks/hourly")):
        response = api.call(method, path, token=None, headers=headers)
        assert response.status == 403
        assert "came from another website" in response.json["detail"]
    signing = api.call(
        "POST", "/sign-in", token=None, body=f"token={TOKEN}", headers={**FORM, "origin": origin}
    )
    assert (signing.status, signing.cookies) == (403, ())
    with_token = api.call("POST", "/sign-out", headers={"origin": origin})
    assert with_token.status == 303


def test_a_session_without_an_origin_changes_nothing(api: ApiDesk) -> None:
    headers = as_browser(api)
    assert api.call("DELETE", "/scheduled-tasks/hourly", token=None, headers=headers).status == 403


def test_no_answer_holds_a_token_or_its_hash(api: ApiDesk) -> None:
    kept = api.secrets.get_secret_value(SecretId=api.secret_id)["SecretString"]
    hashes = re.findall(r"[0-9a-f]{64}", kept)
    assert hashes
    for response in api.seen:
        assert TOKEN not in response.text + str(response.headers)
        assert not any(
            h in response.text + str(response.headers) + str(response.cookies) for h in hashes
        )
