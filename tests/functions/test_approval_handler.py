"""The Function URL: who gets in, what a click does, what its person is told, and how fast."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import re
import socket
import time
from dataclasses import asdict
from datetime import datetime, timedelta
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import approval_handler
from odoo_qb.approval.decisions import STRANGER
from odoo_qb.approval.responder import NEEDED, TRY_AGAIN
from odoo_qb.quickbooks import deep_links
from sandbox.aws.alarms import embedded_metrics
from sandbox.in_process.chain import APPROVER, CHANNEL, Context, World
from sandbox.slack.server import SignedRequest, signed
from tests.support import stored_bills
from tests.support.builders import a_document
from tests.support.stored_bills import SECOND, amended, an_asked, buttons, card, failed, told, words

Json = dict[str, Any]
SECRET = "sandbox-signing-secret"


def a_request(world: World, entry_id: str, action_id: str = "approve_invoice") -> SignedRequest:
    """A person's click on the bill's card, not sent yet."""
    shown = world.item(entry_id)["cards"][-1]
    return world.slack.click(APPROVER, shown["channel"], shown["ts"], action_id)


def payload_of(request: SignedRequest) -> Json:
    payload: Json = json.loads(parse_qs(request.body.decode())["payload"][0])
    return payload


def sent(body: bytes | str, headers: dict[str, str] | None = None) -> Json:
    """An answer to a body sent as it is."""
    text = body.decode("latin-1") if isinstance(body, bytes) else body
    event = {"headers": headers or {}, "body": text, "isBase64Encoded": False}
    return approval_handler.lambda_handler(event, Context())


def resigned(world: World, payload: Json) -> Json:
    """The answer to a payload with a genuine signature."""
    return world.request(signed(payload, secret=SECRET, at=time.time()))


def with_body(body: bytes) -> SignedRequest:
    """Any body, signed as Slack signs."""
    stamp = str(int(time.time()))
    base = f"v0:{stamp}:".encode() + body
    signature = "v0=" + hmac.new(SECRET.encode(), base, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    return SignedRequest(headers=headers, body=body)


@pytest.mark.parametrize("as_base64", [True, False])
def test_a_click_is_decided_whichever_way_the_body_comes(world: World, as_base64: bool) -> None:
    entry_id = an_asked(world)
    answer = world.request(a_request(world, entry_id), as_base64=as_base64)
    assert answer == {"statusCode": 200, "body": ""}
    assert world.item(entry_id)["status"] == "APPROVED"
    name = world.item(entry_id)["odoo_name"]
    assert told(world) == [
        (
            "Approved. It's on its way to QuickBooks; the card will show when it's there."
            f" ({name}, 108.25 USD)"
        )
    ]


def test_the_same_request_three_times_decides_once_and_says_who(world: World) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    for _ in range(3):
        assert world.request(request)["statusCode"] == 200
    assert [t.split(".")[0] for t in told(world)] == [
        "Approved",
        *[f"Already approved by <@{APPROVER}>"] * 2,
    ]
    assert len(world.messages()) == 1


@pytest.mark.parametrize("action_id", ["approve_invoice", "reject_invoice"])
def test_a_request_that_is_not_slacks_decides_nothing(world: World, action_id: str) -> None:
    entry_id = an_asked(world)
    before = world.item(entry_id)
    request = a_request(world, entry_id, action_id)
    old = signed(payload_of(request), secret=SECRET, at=time.time() - 301)
    early = signed(payload_of(request), secret=SECRET, at=time.time() + 302)
    forged = signed(payload_of(request), secret="guessed", at=time.time())
    changed = SignedRequest(headers=request.headers, body=request.body + b" ")
    bare = SignedRequest(headers={}, body=request.body)
    for each in (old, early, forged, changed, bare):
        assert world.request(each) == {"statusCode": 401, "body": ""}
    assert world.item(entry_id) == before


def test_another_signing_secret_than_slacks_leaves_a_trace(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    forged = signed(payload_of(request), secret="of-another-app", at=time.time())
    caplog.clear()
    assert world.request(forged)["statusCode"] == 401
    assert caplog.messages == [
        "signed with another secret than ours: check slack_signing_secret",
    ]
    assert "of-another-app" not in caplog.text
    caplog.clear()
    for signature in ("v0=1", "v0=" + "é" * 64, ""):
        headers = {"x-slack-request-timestamp": str(int(time.time()))}
        assert sent("payload=1", {**headers, "x-slack-signature": signature})["statusCode"] == 401
    assert caplog.messages == []


def test_junk_is_turned_away_before_anything_is_asked_of_aws(world: World) -> None:
    world.aws.calls.clear()
    for headers in ({}, {"x-slack-signature": "v0=1"}, {"x-slack-request-timestamp": "é"}):
        assert sent("payload=1", headers)["statusCode"] == 401
    assert approval_handler.lambda_handler({}, Context())["statusCode"] == 401
    assert world.aws.calls == []


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"payload=",
            b"payload=%7B",
            b"payload=[]",
            b"payload=null",
            b"other=1",
        ),
        b"payload=" + b"[" * 100_000,
        b"payload=" + b"1" * 5_000,
        urlencode({"payload": '{"type": "block_actions"}'}).encode(),
        urlencode({"payload": '{"type": 5, "user": {"id": "U-1"}}'}).encode(),
    ],
    ids=range(10),
)
def test_a_malformed_payload_is_refused_with_an_empty_400(world: World, body: bytes) -> None:
    assert world.request(with_body(body)) == {"statusCode": 400, "body": ""}


@pytest.mark.usefixtures("world")
def test_broken_base64_is_a_bad_request() -> None:
    headers = {k.lower(): v for k, v in with_body(b"").headers.items()}
    event = {"headers": headers, "body": "%%%", "isBase64Encoded": True}
    assert approval_handler.lambda_handler(event, Context())["statusCode"] == 400


def test_more_than_a_megabyte_is_refused(world: World) -> None:
    entry_id = an_asked(world)
    payload = payload_of(a_request(world, entry_id))
    payload["message"]["text"] = "x" * 1_000_000
    assert resigned(world, payload) == {"statusCode": 400, "body": ""}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_what_is_not_ours_to_do_is_ignored_with_a_log_line(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    entry_id = an_asked(world)
    payload = payload_of(a_request(world, entry_id))
    unknown = {**payload, "actions": [payload["actions"][0] | {"action_id": "pay_twice"}]}
    view = {"callback_id": "other", "private_metadata": ""}
    caplog.set_level("INFO")
    for each, line in (
        (unknown, "an unknown action"),
        ({**payload, "type": "shortcut"}, "nothing to do for this payload"),
        ({**payload, "type": "view_submission", "view": view}, "an unknown modal"),
    ):
        caplog.clear()
        assert resigned(world, each) == {"statusCode": 200, "body": ""}
        assert line in caplog.messages
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(world) == []


@pytest.mark.parametrize(
    "value", ["", "odoo-42", "settings|" + "0" * 64, "odoo-1|x", "|", "odoo-²|a"]
)
def test_a_button_value_that_names_no_bill_is_a_bad_request(world: World, value: str) -> None:
    entry_id = an_asked(world)
    payload = payload_of(a_request(world, entry_id))
    payload["actions"][0]["value"] = value
    assert resigned(world, payload)["statusCode"] == 400


ESSENTIAL: list[tuple[str | int, ...]] = [
    *(("type",), ("user",), ("user", "id"), ("user", "team_id"), ("team",), ("team", "id")),
    *(("actions",), ("actions", 0), ("actions", 0, "action_id"), ("actions", 0, "value")),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def mutated(payload: Json, path: tuple[str | int, ...], value: object) -> Json:
    """The payload with another value at a path; the original stays as it is."""
    copy: Json = json.loads(json.dumps(payload))
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


@pytest.fixture
def waiting(world: World) -> tuple[World, str, Json]:
    """A bill that waits, and the payload of the click that would approve it."""
    entry_id = an_asked(world)
    payload = payload_of(a_request(world, entry_id))
    del payload["message"]  # it names the team as well
    return world, entry_id, payload


# A thousand in two tests; the same bill serves every one, because none may touch it.
FUZZ = settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(path=st.sampled_from(ESSENTIAL), value=JSON)
def test_a_signed_request_that_was_mutated_gives_no_500_and_no_decision(
    waiting: tuple[World, str, Json], path: tuple[str | int, ...], value: object
) -> None:
    world, entry_id, payload = waiting
    answer = resigned(world, mutated(payload, path, value))
    assert answer["statusCode"] in {200, 400}
    assert world.item(entry_id)["version"] == 1


@FUZZ
@given(
    place=st.integers(min_value=0, max_value=10_000),
    byte=st.integers(min_value=1, max_value=255),
    junk=st.dictionaries(
        st.sampled_from(["x-slack-signature", "x-slack-request-timestamp", "content-type"]),
        st.text(max_size=30),
        max_size=2,
    ),
    as_base64=st.booleans(),
)
def test_an_unsigned_request_that_was_mutated_gives_no_500_and_no_decision(
    waiting: tuple[World, str, Json], place: int, byte: int, junk: dict[str, str], as_base64: bool
) -> None:
    world, entry_id, payload = waiting
    request = signed(payload, secret=SECRET, at=time.time())
    body = bytearray(request.body)
    body[place % len(body)] ^= byte
    headers = {k.lower(): v for k, v in request.headers.items()} | junk
    text = base64.b64encode(body).decode() if as_base64 else body.decode("latin-1")
    event = {"headers": headers, "body": text, "isBase64Encoded": as_base64}
    assert approval_handler.lambda_handler(event, Context())["statusCode"] in {400, 401}
    assert world.item(entry_id)["version"] == 1


def test_a_person_of_another_workspace_decides_nothing_and_is_told(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice", "U-STRANGER")
    world.click(entry_id, "reject_invoice", "U-STRANGER")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert world.slack.views == {}
    assert told(world, "U-STRANGER") == [STRANGER] * 2


def test_a_stranger_cannot_hand_in_a_reason_either(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "reject_invoice")
    [view] = world.slack.views
    payload = payload_of(world.slack.submit(APPROVER, view, {"reason": {"text": "Mine now"}}))
    payload["user"]["team_id"] = "T-OTHER"
    answer = resigned(world, payload)
    assert json.loads(answer["body"])["errors"] == {"reason": STRANGER}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


@pytest.mark.parametrize("place", [("team", "id"), ("message", "team")])
@pytest.mark.parametrize("is_listed", [True, False])
def test_whoever_names_another_workspace_anywhere_is_a_stranger_to_us(
    world: World, place: tuple[str, str], is_listed: bool
) -> None:
    entry_id = an_asked(world)
    person = APPROVER if is_listed else "U-STRANGER"
    shown = world.item(entry_id)["cards"][-1]
    request = world.slack.click(person, shown["channel"], shown["ts"], "approve_invoice")
    payload = payload_of(request)
    payload["user"]["team_id"] = payload[place[0]][place[1]] = "T-OTHER"
    resigned(world, payload)
    assert told(world, person) == [STRANGER]
    del payload["message"]
    payload["team"] = {"id": "T-OTHER"}
    resigned(world, payload)  # nothing of ours is named at all
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_modal_installed_elsewhere_decides_nothing(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    payload["view"]["app_installed_team_id"] = "T-OTHER"
    assert STRANGER in resigned(world, payload)["body"]
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_guest_in_the_channel_decides_nothing(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice", "U-GUEST")
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(world, "U-GUEST") == ["You aren't an approver for 1MD."]


def test_who_joins_the_approvers_can_decide_within_a_minute_of_being_asked(world: World) -> None:
    stored_bills.settings(world, approvers=["S-CONTROLLERS"])
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice", SECOND)
    assert told(world, SECOND) == ["You aren't an approver for 1MD."]
    stored_bills.approvers_known(
        world, "S-CONTROLLERS", "U-CONTROLLER", at=stored_bills.an_hour_ago()
    )
    group = world.slack.groups["S-CONTROLLERS"]
    world.slack.groups["S-CONTROLLERS"] = type(group)(id=group.id, handle="c", users=(SECOND,))
    world.click(entry_id, "approve_invoice", SECOND)
    assert told(world, SECOND)[-1].endswith("try again in a minute.")
    world.show()
    world.click(entry_id, "approve_invoice", SECOND)
    assert world.item(entry_id)["decided_by"] == SECOND


def test_a_decision_asks_slack_for_nothing_but_to_pass_on_the_answer(world: World) -> None:
    stored_bills.settings(world, approvers=["S-APPROVERS"])
    entry_id = an_asked(world)
    world.slack.calls.clear()
    world.click(entry_id, "approve_invoice")
    assert world.slack.calls == {"response_url": 1}


def test_an_outdated_card_decides_nothing_says_so_and_loses_its_buttons(world: World) -> None:
    entry_id = an_asked(world)
    old = card(world, entry_id)
    request = a_request(world, entry_id)
    amended(world, entry_id)
    assert world.request(request)["statusCode"] == 200
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    retired = world.slack.channels[CHANNEL].messages[old.ts]
    assert buttons(retired) == []
    assert "A newer card asks for approval" in words(retired)


def test_an_outdated_click_on_a_bill_that_got_blocked_brings_its_card_up_to_date(
    world: World,
) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    amended(world, entry_id, to="VALIDATION_FAILED")
    world.request(request)
    assert buttons(card(world, entry_id)) == ["view_pdf"]
    assert "newer card" not in words(card(world, entry_id))


def test_a_second_card_left_by_a_lost_answer_decides_once_and_loses_its_buttons(
    world: World,
) -> None:
    entry_id = stored_bills.a_stored(world)
    world.slack.fail("lost", method="chat.postMessage")
    assert world.show() != {"batchItemFailures": []}
    assert world.show() == {"batchItemFailures": []}
    stray, live = world.slack.channels[CHANNEL].messages
    assert world.item(entry_id)["cards"][-1]["ts"] == live
    world.request(world.slack.click(APPROVER, CHANNEL, stray, "approve_invoice"))
    assert world.item(entry_id)["status"] == "APPROVED"
    message = world.slack.channels[CHANNEL].messages[stray]
    assert buttons(message) == []
    assert "Approved." in words(message)
    world.show()
    assert buttons(card(world, entry_id)) == ["take_back", "view_pdf"]


@pytest.mark.parametrize("kind", ["http_500", "timeout", "lost", "error", "ratelimited", "slow"])
def test_slack_failing_costs_the_answer_and_nothing_else(world: World, kind: Any) -> None:
    entry_id = an_asked(world)
    seconds = 600.0 if kind == "slow" else 0.0
    hold = world.slack.fail(kind, method="response_url", seconds=seconds)
    request = a_request(world, entry_id)
    assert world.request(request) == {"statusCode": 200, "body": ""}
    assert hold.lasts == (kind == "slow")  # it did not wait for Slack
    hold.let_go()
    assert world.item(entry_id)["status"] == "APPROVED"
    assert len(world.messages()) == 1


@pytest.mark.parametrize("action_id", ["approve_invoice", "reject_invoice", "view_pdf"])
def test_a_cold_handler_does_not_wait_for_a_slow_slack(world: World, action_id: str) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id, action_id)
    hold = world.slack.fail("slow", seconds=600.0, times=9)
    world.slack.calls.clear()
    world.restart()
    assert world.request(request)["statusCode"] == 200
    assert hold.lasts  # it gave up on Slack
    hold.let_go()
    assert sum(world.slack.calls.values()) == 1
    if action_id == "approve_invoice":
        assert world.item(entry_id)["status"] == "APPROVED"


def test_a_warm_decision_is_four_calls_to_aws(world: World) -> None:
    world.click(an_asked(world), "approve_invoice")
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    world.aws.calls.clear()
    world.request(request)
    operations = [operation for operation, _ in world.aws.calls]
    assert operations == ["GetItem", "GetItem", "UpdateItem", "SendMessage"]


def test_a_decision_is_written_before_slack_is_called(world: World) -> None:
    entry_id = an_asked(world)
    hold = world.slack.fail("slow", method="response_url", seconds=600.0)
    click = Thread(target=world.click, args=(entry_id, "approve_invoice"))
    click.start()
    until = time.monotonic() + 60.0
    while not world.slack.calls["response_url"] and time.monotonic() < until:
        time.sleep(0.01)
    assert world.slack.calls["response_url"] == 1
    assert world.item(entry_id)["status"] == "APPROVED"
    hold.let_go()
    click.join()


def test_a_dynamodb_that_never_answers_is_soon_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    approval_handler.wired.forget()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", address)
        started = time.monotonic()
        assert world.request(request) == {"statusCode": 503, "body": ""}  # Slack tells the person
        assert time.monotonic() - started < 60.0  # it gave up: botocore alone waits for minutes
    assert told(world) == []


def test_no_call_to_slack_is_begun_that_cannot_end_in_time(
    world: World,
) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    approval_handler.wired.use(call_slack_within=0.0)
    assert world.request(request) == {"statusCode": 503, "body": ""}
    assert world.item(entry_id)["status"] == "APPROVED"
    assert told(world) == []


def test_a_queue_that_is_down_leaves_the_bill_approved_for_the_sweep(world: World) -> None:
    entry_id = an_asked(world)
    world.aws.refuses = lambda operation, _: operation == "SendMessage"
    assert world.click(entry_id, "approve_invoice") == {"statusCode": 200, "body": ""}
    assert world.item(entry_id)["status"] == "APPROVED"
    assert "will be sent automatically" in told(world)[0]


def test_a_table_that_is_down_is_a_word_to_try_again(world: World) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    world.aws.refuses = lambda operation, _: operation == "UpdateItem"
    assert world.request(request) == {"statusCode": 200, "body": ""}
    world.aws.refuses = lambda *_: False
    assert told(world) == ["That didn't work just now. Try again in a minute."]
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_secret_that_cannot_be_read_is_no_crash(world: World) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id)
    world.restart()
    world.aws.refuses = lambda operation, _: operation == "GetSecretValue"
    assert world.request(request) == {"statusCode": 503, "body": ""}


def test_rejecting_asks_for_the_reason_first(world: World) -> None:
    entry_id = an_asked(world)
    world.slack.calls.clear()
    world.click(entry_id, "reject_invoice")
    assert world.slack.calls == {"views.open": 1}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    [view] = world.slack.views.values()
    assert view.content["private_metadata"] == f"{entry_id}|{world.item(entry_id)['digest']}|1"
    assert view.content["blocks"][-1]["block_id"] == "reason"
    assert not view.content["blocks"][-1].get("optional")


def rejected(world: World, entry_id: str, reason: str = "Entered twice.") -> tuple[str, Json]:
    """Open the modal; its id and the payload that hands in the reason."""
    world.click(entry_id, "reject_invoice")
    view = list(world.slack.views)[-1]
    return view, payload_of(world.slack.submit(APPROVER, view, {"reason": {"text": reason}}))


def test_a_reason_rejects_and_closes_the_modal(world: World) -> None:
    entry_id = an_asked(world)
    view, payload = rejected(world, entry_id)
    answer = resigned(world, payload)
    assert world.slack.apply_submit_answer(view, 200, answer["body"].encode()) is None
    item = world.item(entry_id)
    assert (item["status"], item["rejection_reason"]) == ("REJECTED", "Entered twice.")


@pytest.mark.parametrize("reason", ["", "   ", None])
def test_a_rejection_without_a_reason_stays_in_the_modal(world: World, reason: str | None) -> None:
    entry_id = an_asked(world)
    view, payload = rejected(world, entry_id)
    payload["view"]["state"]["values"]["reason"]["text"]["value"] = reason
    answer = resigned(world, payload)
    shown = world.slack.apply_submit_answer(view, 200, answer["body"].encode())
    assert shown
    assert shown.errors == {"reason": "Give a reason."}
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_reason_that_no_table_can_hold_is_still_a_reason(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    payload["view"]["state"]["values"]["reason"]["text"]["value"] = "\ud800 twice" + "!" * 5000
    assert resigned(world, payload)["statusCode"] == 200
    assert world.item(entry_id)["rejection_reason"].startswith("? twice")
    assert len(world.item(entry_id)["rejection_reason"]) == 1000


def test_a_bill_decided_while_the_reason_was_typed_says_so_in_the_modal(world: World) -> None:
    entry_id = an_asked(world)
    view, payload = rejected(world, entry_id)
    world.click(entry_id, "approve_invoice", SECOND)
    answer = resigned(world, payload)
    shown = world.slack.apply_submit_answer(view, 200, answer["body"].encode())
    assert shown
    assert shown.errors == {"reason": "Already approved by someone else (the card says who)."}
    assert world.item(entry_id)["status"] == "APPROVED"


def test_a_reason_handed_in_twice_closes_the_modal_both_times(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    assert resigned(world, payload) == {"statusCode": 200, "body": ""}
    assert resigned(world, payload) == {"statusCode": 200, "body": ""}
    assert len(world.item(entry_id)["history"]) == 2


def test_a_reason_for_a_bill_that_oneself_approved_meanwhile_says_so(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    world.click(entry_id, "approve_invoice")
    answer = resigned(world, payload)
    assert json.loads(answer["body"])["errors"] == {"reason": "Already approved by you."}


def test_a_bill_amended_while_the_reason_was_typed_says_so_in_the_modal(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    amended(world, entry_id)
    answer = resigned(world, payload)
    assert "out of date" in json.loads(answer["body"])["errors"]["reason"]
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def test_a_table_down_while_rejecting_says_so_in_the_modal(world: World) -> None:
    entry_id = an_asked(world)
    _, payload = rejected(world, entry_id)
    world.aws.refuses = lambda operation, _: operation == "UpdateItem"
    answer = resigned(world, payload)
    assert json.loads(answer["body"])["errors"] == {"reason": TRY_AGAIN}


def test_a_decided_bill_opens_no_modal(world: World) -> None:
    entry_id = an_asked(world)
    request = a_request(world, entry_id, "reject_invoice")
    world.click(entry_id, "approve_invoice", SECOND)
    world.request(request)
    assert world.slack.views == {}
    assert told(world) == [f"Already approved by <@{SECOND}>."]


def test_the_pdf_is_shown_to_the_person_alone_by_a_link_of_five_minutes(world: World) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "view_pdf")
    [text] = told(world)
    link, _, label = text.removeprefix("<").partition("|")
    assert label.startswith(f"Open the PDF of {world.item(entry_id)['odoo_name']}, 108.25 USD>")
    assert "X-Amz-Expires=300" in link
    assert "Algorithm=AWS4-HMAC-SHA256" in link
    assert link.startswith("https://documents.s3.us-west-2.amazonaws.com/pending/1MD/")
    assert len(world.slack.channels[CHANNEL].messages) == 1
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    assert told(world, SECOND) == []


def test_an_answer_holds_as_many_links_as_slack_takes_and_a_button_for_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function's credentials have a session token, which is in every link they sign."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t" * 1200)
    world.restart()
    files = [a_document(f"{n}.pdf", odoo_id=n, key=f"pending/1MD/{n}") for n in range(1, 6)]
    entry_id = an_asked(world, documents=[asdict(f) for f in files])
    seen: list[str] = []

    world.click(entry_id, "view_pdf")
    while True:
        answer = world.slack.channels[CHANNEL].ephemerals[APPROVER][-1]
        assert len(answer.text) <= 3900
        seen += re.findall(r"/pending/1MD/(\d)\?", answer.text)
        if not answer.blocks:
            break
        assert "".join(words(answer)).count("<https://") == 2
        world.request(world.slack.click(APPROVER, CHANNEL, answer.ts, "view_pdf"))

    assert seen == ["1", "2", "3", "4", "5"]
    assert world.item(entry_id)["status"] == "READY_FOR_APPROVAL"


def wrongly_signed(out: str) -> float:
    """How many clicks were counted as signed with another secret."""
    return sum(value for _, name, value, *_ in embedded_metrics(out) if name == "WronglySigned")


def test_a_click_signed_with_another_secret_is_counted_and_a_scan_is_not(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    entry_id = an_asked(world)
    genuine = a_request(world, entry_id)
    scans = (sent(b"payload={}"), sent(b"", {"X-Slack-Signature": "v0=0"}))
    assert [answer["statusCode"] for answer in scans] == [401, 401]
    old = signed(payload_of(genuine), secret="guessed", at=time.time() - 400)
    assert world.request(old)["statusCode"] == 401
    assert world.request(genuine)["statusCode"] == 200
    assert wrongly_signed(capsys.readouterr().out) == 0

    forged = signed(payload_of(genuine), secret="another", at=time.time())
    assert world.request(forged)["statusCode"] == 401
    assert wrongly_signed(capsys.readouterr().out) == 1


def test_a_function_that_starts_makes_its_clients_before_the_first_click(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second of work at a click's share of a processor, of the three that Slack waits."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "odoo-approval-handler-test")
    importlib.reload(approval_handler)
    entry_id = an_asked(world)
    made: list[str] = []

    def client(self: boto3.Session, name: str, **given: Any) -> Any:
        made.append(name)
        return usual(self, name, **given)

    usual: Any = boto3.Session.client
    monkeypatch.setattr(boto3.Session, "client", client)
    world.click(entry_id, "approve_invoice")
    assert world.item(entry_id)["status"] == "APPROVED"
    assert made == []


@pytest.mark.parametrize(
    ("action_id", "leading_there", "answer"),
    [
        ("take_back", ["approve_invoice"], "Taken back. It's awaiting a decision again."),
        ("reopen_invoice", ["reject_invoice"], "Reopened. It's awaiting a decision again."),
        ("retry_posting", ["approve_invoice", "fail"], "It's on its way to QuickBooks again;"),
        ("close_invoice", ["approve_invoice", "fail"], "Closed. It will not be posted."),
    ],
)
def test_no_state_is_a_dead_end(
    world: World, action_id: str, leading_there: list[str], answer: str
) -> None:
    entry_id = an_asked(world)
    for step in leading_there:
        if step == "fail":
            failed(world, entry_id)
        elif step == "reject_invoice":
            world.reject(entry_id, "No.")
        else:
            world.click(entry_id, step)
        world.show()
    world.click(entry_id, action_id)
    assert told(world)[-1].startswith(answer)


def a_failed(world: World) -> str:
    """A bill on whose card the remedies stand."""
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    failed(world, entry_id)
    return entry_id


def linked(world: World, entry_id: str, typed: str) -> Any:
    """What is in front of the person after they handed in the modal; None once it is closed."""
    world.click(entry_id, "link_existing")
    view = list(world.slack.views)[-1]
    answer = world.request(world.slack.submit(APPROVER, view, {"document": {"text": typed}}))
    return world.slack.apply_submit_answer(view, 200, answer["body"].encode())


@pytest.mark.parametrize(
    "typed",
    [
        *("145", " 145 ", "https://qbo.intuit.com/app/bill?txnId=145"),
        "https://sandbox.qbo.intuit.com/app/bill?x=1&txnid=145&y=2#top",
    ],
)
def test_a_bill_is_linked_by_its_number_or_address_in_quickbooks(world: World, typed: str) -> None:
    entry_id = a_failed(world)
    assert linked(world, entry_id, typed) is None
    assert world.item(entry_id)["link"]["id"] == "145"
    world.show()
    assert "linked it to number 145" in words(card(world, entry_id))
    assert "retry_posting" in buttons(card(world, entry_id))  # it is no dead end


def realm_of(world: World, entry_id: str) -> str:
    companies = json.loads(world.table.read_note("settings")["companies"])
    return str(companies[world.item(entry_id)["company"]]["realm_id"])


def test_a_bill_is_linked_by_a_link_that_names_its_company(world: World) -> None:
    entry_id = a_failed(world)
    realm = realm_of(world, entry_id)
    typed = deep_links.build("https://qbo.intuit.com", realm, "Bill", "145")
    assert linked(world, entry_id, typed) is None
    assert world.item(entry_id)["link"] | {"at": ""} == {
        "by": APPROVER,
        "at": "",
        "digest": world.item(entry_id)["digest"],
        "id": "145",
        "realm": realm,
    }


def test_a_link_of_another_company_is_refused_in_the_modal_and_nothing_is_recorded(
    world: World,
) -> None:
    entry_id = a_failed(world)
    other = deep_links.build("https://qbo.intuit.com", "4620816365007779876", "Bill", "145")
    before = world.item(entry_id)
    shown = linked(world, entry_id, other)
    assert shown.errors["document"].startswith(
        "This link leads to another QuickBooks company. Open the bill in the QuickBooks company of "
    )
    assert world.item(entry_id) == before
    assert linked(world, entry_id, "145") is None
    asked_before = world.item(entry_id)
    assert linked(world, entry_id, other).errors == shown.errors, "it is no repetition"
    assert world.item(entry_id) == asked_before


@pytest.mark.parametrize("typed", ["INV-1001", "https://qbo.intuit.com/app/bill", "-1", "9" * 21])
def test_what_names_no_document_is_answered_in_the_modal(world: World, typed: str) -> None:
    entry_id = a_failed(world)
    shown = linked(world, entry_id, typed)
    assert shown.errors == {"document": NEEDED["link_existing"]}
    assert "link" not in world.item(entry_id)


def test_linking_opens_its_modal_only_where_it_counts(world: World) -> None:
    entry_id = a_failed(world)
    shown = world.item(entry_id)["cards"][-1]
    request = world.slack.click(APPROVER, shown["channel"], shown["ts"], "link_existing")
    world.click(entry_id, "close_invoice", SECOND)
    world.request(request)
    assert world.slack.views == {}
    assert told(world)[-1] == f"Already closed by <@{SECOND}>."


def test_acknowledging_posts_nothing(world: World) -> None:
    entry_id = an_asked(world, nothing_to_post="The total is zero: there is nothing to post.")
    world.click(entry_id, "acknowledge_intercompany")
    assert told(world)[0].startswith("Acknowledged. It will not be posted. (BILL/")
    assert world.item(entry_id)["status"] == "ACKNOWLEDGED"
    assert world.messages() == []


def test_a_bill_that_ended_by_a_click_is_kept_as_long_as_the_operator_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORD_RETENTION_DAYS", "3650")
    world.restart()
    entry_id = an_asked(world, nothing_to_post="The total is zero: there is nothing to post.")
    world.click(entry_id, "acknowledge_intercompany")
    item = world.item(entry_id)
    ended = datetime.fromisoformat(item["updated_at"])
    assert int(item["expires_at"]) == int((ended + timedelta(days=3650)).timestamp())


def test_an_answer_address_that_is_not_slacks_is_not_called(world: World) -> None:
    entry_id = an_asked(world)
    payload = payload_of(a_request(world, entry_id))
    payload["response_url"] = "https://evil.example/"
    assert resigned(world, payload)["statusCode"] == 200
    assert world.item(entry_id)["status"] == "APPROVED"
    assert told(world) == []


def test_nothing_secret_is_logged(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    entry_id = an_asked(world)
    world.click(entry_id, "view_pdf")
    world.reject(entry_id, "A confidential reason")
    logged = "".join(capfd.readouterr())
    for secret in ("xoxb", SECRET, "X-Amz-Signature", "A confidential reason", "/response/"):
        assert secret not in logged
