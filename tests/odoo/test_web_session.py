"""Odoo by session: opened with the password, kept as a cookie, renewed once when it has ended."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.wrappers import Request, Response

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo.failures import SettingNames
from sandbox.odoo.server import Odoo as Simulator
from tests.support.odoo_clients import KEY, PASSWORD, VERSIONS, Kept, a_client

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from odoo_qb.odoo.client import OdooClient

SIGN_IN = "web.session.authenticate"
ONE = [["id", "=", 1]]


def search(odoo: OdooClient) -> object:
    return odoo.call("account.move", "search", ONE)


def failing(odoo: OdooClient) -> Exception:
    with pytest.raises((Refused, Unavailable)) as raised:
        search(odoo)
    error = raised.value
    whole = "".join(traceback.format_exception(error)) + repr(vars(error))
    assert PASSWORD not in whole
    return error


@pytest.mark.parametrize("version", VERSIONS)
def test_a_password_opens_one_session_for_many_questions(version: int) -> None:
    simulator, kept = Simulator(version=version), Kept()
    with a_client(simulator, "session", sessions=kept) as odoo:
        assert search(odoo) == [1]
        assert search(odoo) == [1]
        assert odoo.protocol == "session"
        assert odoo.calls == 3
    assert simulator.calls == [SIGN_IN, "account.move.search", "account.move.search"]
    assert len(kept.saved) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_that_was_kept_needs_no_password(version: int) -> None:
    simulator, kept = Simulator(version=version), Kept()
    with a_client(simulator, "session", sessions=kept) as odoo:
        search(odoo)
    with a_client(simulator, "session", sessions=kept, password="forgotten") as odoo:
        assert search(odoo) == [1]
    assert simulator.calls.count(SIGN_IN) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_that_ended_is_opened_once_more_and_kept(version: int) -> None:
    simulator, kept = Simulator(version=version), Kept()
    with a_client(simulator, "session", sessions=kept) as odoo:
        search(odoo)
        simulator.expire_sessions()
        assert search(odoo) == [1]
    assert simulator.calls.count(SIGN_IN) == 2
    assert kept.saved == [*dict.fromkeys(kept.saved)]
    assert kept.cookie == kept.saved[1]


class Forgetful(Simulator):
    """A server that keeps no session, as several without a shared store do."""

    def session_user(self, session: str) -> Any:
        self.expire_sessions()
        return super().session_user(session)


def test_a_server_that_keeps_no_session_is_not_asked_in_a_loop() -> None:
    simulator = Forgetful()
    with a_client(simulator, "session") as odoo:
        refusal = failing(odoo)
        assert isinstance(refusal, Refused)
        assert "ended a new session of the user ap-bot@example.com at once" in str(refusal)
        assert odoo.calls == 4
    assert simulator.calls == [SIGN_IN, "account.move.search"] * 2


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_password_is_refused_with_what_to_do(version: int) -> None:
    simulator = Simulator(version=version)
    for given in ("wrong", KEY):  # an API key opens no session
        with a_client(simulator, "session", password=given) as odoo:
            said = str(failing(odoo))
            assert odoo.calls == 1
        assert said.startswith("Odoo refused the user ap-bot@example.com in the database odoo")
        assert "an API key opens none" in said


def test_a_session_whose_password_changed_is_refused_with_what_to_do() -> None:
    simulator = Simulator()
    with a_client(simulator, "session") as odoo:
        search(odoo)
        simulator.admit(replace(simulator.users[6], password="changed"))
        simulator.expire_sessions()
        assert "Odoo refused the user ap-bot@example.com" in str(failing(odoo))
        assert odoo.calls == 4


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_database_is_named(version: int) -> None:
    with a_client(Simulator(version=version), "session", database="prod") as odoo:
        assert str(failing(odoo)).endswith("has no database prod: check odoo_database.")


def test_a_sentence_names_the_settings_of_its_own_connection() -> None:
    names = SettingNames(
        url="its url", database="its database", username="its username", api_key="its key"
    )
    given: dict[str, Any] = {"setting_names": names}
    with a_client(Simulator(), "session", password="wrong", **given) as odoo:
        assert "check its username and its password" in str(failing(odoo))
    with a_client(Simulator(), "json-rpc", api_key="wrong", **given) as odoo:
        assert "check its username and its key" in str(failing(odoo))
    with a_client(Simulator(), "session", database="prod", **given) as odoo:
        assert str(failing(odoo)).endswith("check its database.")
    with a_client(answering({}, status=302), "session", **given) as odoo:
        assert str(failing(odoo)).endswith("check its url.")


def answering(body: object, **given: Any) -> WSGIApplication:
    @Request.application
    def application(_: Request) -> Response:
        return Response(json.dumps(body), content_type="application/json", **given)

    return application


def test_a_second_factor_is_refused_with_what_to_do() -> None:
    with a_client(answering({"result": {"uid": None}}), "session") as odoo:
        assert str(failing(odoo)) == (
            "Odoo asks the user ap-bot@example.com for a second factor, which a session cannot"
            " give: use a user without two-factor authentication, or an API key."
        )
        assert odoo.calls == 1


@pytest.mark.parametrize(
    "body",
    [{"result": {"uid": 6}}, {"result": {}}, {"result": True}, {"result": {"uid": "six"}}, {}, []],
    ids=str,
)
def test_a_sign_in_without_user_or_cookie_is_to_be_tried_again(body: object) -> None:
    with a_client(answering(body), "session") as odoo:
        assert isinstance(failing(odoo), Unavailable)
        assert odoo.calls == 3


def test_a_sign_in_that_is_sent_elsewhere_is_not_followed() -> None:
    headers = {"Location": "https://elsewhere.example/web/session/authenticate"}
    with a_client(answering({}, status=307, headers=headers), "session") as odoo:
        assert "check odoo_api_url" in str(failing(odoo))
        assert odoo.calls == 3


@pytest.mark.parametrize(
    "kept", ["a\r\nX-Forged: 1", "short", "ünïcödéünïcödé", " " * 20], ids=repr
)
def test_what_was_kept_and_is_no_cookie_is_never_sent(kept: str) -> None:
    simulator = Simulator()
    with a_client(simulator, "session", sessions=Kept(kept)) as odoo:
        assert search(odoo) == [1]
    assert simulator.calls == [SIGN_IN, "account.move.search"]


def test_a_made_up_cookie_is_replaced_by_a_session_and_told_nobody() -> None:
    made_up = "made-up-cookie-1234567890"
    simulator, kept = Simulator(), Kept(made_up)
    with a_client(simulator, "session", sessions=kept, password="wrong") as odoo:
        error = failing(odoo)
        whole = "".join(traceback.format_exception(error)) + repr(odoo)
        assert made_up not in whole
    with a_client(simulator, "session", sessions=kept) as odoo:
        assert search(odoo) == [1]
    assert kept.cookie != made_up


def test_what_odoo_repeats_of_a_secret_is_hidden() -> None:
    cookie = "a-session-of-this-test"

    @Request.application
    def application(request: Request) -> Response:
        said = f"{PASSWORD} and {request.cookies.get('session_id')} are bad"
        error = {"data": {"name": "odoo.exceptions.UserError", "message": said}}
        return Response(json.dumps({"error": error}), content_type="application/json")

    with a_client(application, "session", sessions=Kept(cookie)) as odoo:
        assert str(failing(odoo)) == "Odoo refused the request: *** and *** are bad"


class Rotating(Simulator):
    """A server that renews the cookie with an answer, as Odoo does now and then."""

    renewed = "renewed-session-0123456789"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        def renewing(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if "call_kw" in environ["PATH_INFO"]:
                uid = next(iter(self._sessions.values()))
                self._sessions[self.renewed] = uid
                headers = [*headers, ("Set-Cookie", f"session_id={self.renewed}; HttpOnly; Path=/")]
            return start_response(status, headers, *rest)

        return super().__call__(environ, renewing)


def test_a_cookie_that_odoo_renews_takes_the_place_of_the_last() -> None:
    simulator, kept = Rotating(), Kept()
    with a_client(simulator, "session", sessions=kept) as odoo:
        search(odoo)
        assert kept.cookie == simulator.renewed
        for session in [s for s in simulator._sessions if s != simulator.renewed]:
            simulator.log_out(session)
        assert search(odoo) == [1]
    assert simulator.calls.count(SIGN_IN) == 1


def test_a_page_in_place_of_an_answer_opens_the_session_anew_once() -> None:
    """A server of several databases does not know the path without a session."""
    called: list[str] = []

    @Request.application
    def application(request: Request) -> Response:
        called.append(request.path)
        if request.path != "/web/session/authenticate":
            return Response("<h1>Not Found</h1>", 404, content_type="text/html")
        response = Response(json.dumps({"result": {"uid": 6}}), content_type="application/json")
        response.set_cookie("session_id", "a-session-of-this-test")
        return response

    with a_client(application, "session", sessions=Kept("kept-from-last-week")) as odoo:
        assert isinstance(failing(odoo), Refused)
    assert len(called) == 3
    assert called.count("/web/session/authenticate") == 1


@pytest.mark.parametrize("kind", ["bad_gateway", "html", "cut", "reset", "database"])
def test_a_passing_failure_is_tried_three_times(kind: Any) -> None:
    simulator = Simulator()
    with a_client(simulator, "session") as odoo:
        search(odoo)
        simulator.fail(kind, method="account.move.search", times=2)
        assert search(odoo) == [1]
        simulator.fail(kind, method="account.move.search", times=3)
        assert isinstance(failing(odoo), Unavailable)
    assert simulator.calls.count(SIGN_IN) == 1
