"""The sandbox's endpoint: it verifies as a receiver should, and fails only as it was told."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from standardwebhooks import Webhook

from sandbox.http_server import serve
from sandbox.webhook.failures import FAILURES
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD: Final = "whsec_" + base64.b64encode(b"the secret of last year").decode()
NEW: Final = "whsec_" + base64.b64encode(b"the secret of this year").decode()

Json = dict[str, Any]


@dataclass(kw_only=True)
class Sender:
    """Somebody who POSTs to the endpoint, with these secrets."""

    receiver: Receiver
    url: str
    session: requests.Session
    secrets: tuple[str, ...] = (NEW,)
    late: timedelta = field(default_factory=timedelta)

    def post(self, number: int = 12, sequence: int = 1, **more: Any) -> requests.Response:
        body = json.dumps(
            {"model": "account.move", "data": {"id": number}, "sequence": sequence, **more}
        )
        return self.send(body, f"msg_{number}_{sequence}")

    def send(self, body: str, message_id: str = "msg_1", signed: str = "") -> requests.Response:
        at = datetime.now(UTC) - self.late
        signatures = [Webhook(s).sign(message_id, at, signed or body) for s in self.secrets]
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        url = f"{self.url}/odoo"
        return self.session.post(url, body, headers=headers, timeout=30, allow_redirects=False)


@pytest.fixture
def sender() -> Iterator[Sender]:
    receiver = Receiver({"current": NEW})
    with serve(receiver) as server, requests.Session() as session:
        session.trust_env = False
        yield Sender(receiver=receiver, url=server.url, session=session)


def test_what_arrives_is_verified_and_kept_in_order(sender: Sender) -> None:
    answers = [sender.post(12), sender.post(7, connection="odoo"), sender.post(12, sequence=2)]

    assert [a.status_code for a in answers] == [200] * 3
    kept = sender.receiver.received
    assert [r.number for r in kept] == [1, 2, 3]
    assert [r.record for r in kept] == [
        "account.move/12", "odoo/account.move/7", "account.move/12",
    ]  # fmt: skip
    assert [r.sequence for r in kept] == [1, 1, 2]
    assert all(r.verified_by == ("current",) and r.accepted and not r.problem for r in kept)


def test_a_forged_request_is_refused_and_kept_with_the_reason(sender: Sender) -> None:
    sender.secrets = (OLD,)

    assert sender.post().status_code == 401

    (forged,) = sender.receiver.received
    assert (forged.verified_by, forged.accepted) == ((), False)
    assert forged.problem == "No matching signature found"


@pytest.mark.parametrize("late", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_signature_of_another_time_is_refused(sender: Sender, late: timedelta) -> None:
    sender.late = late

    assert sender.post().status_code == 401
    assert "Message timestamp too" in sender.receiver.received[0].problem


def test_a_body_that_was_changed_under_way_is_refused(sender: Sender) -> None:
    answer = sender.send('{"model": "account.move"}', signed='{"model": "account.payment"}')

    assert answer.status_code == 401


@pytest.mark.parametrize("headers", [{}, {"webhook-id": "1", "webhook-timestamp": "x"},
                                     {"webhook-id": "1", "webhook-timestamp": "1",
                                      "webhook-signature": "nonsense"}])  # fmt: skip
def test_a_request_without_a_signature_is_refused(sender: Sender, headers: Json) -> None:
    answer = sender.session.post(sender.url, "[1]", headers=headers, timeout=30)

    assert answer.status_code == 401
    assert sender.receiver.received[0].problem


def test_while_a_secret_is_rotated_both_verify(sender: Sender) -> None:
    sender.receiver.secrets = {"current": NEW, "previous": OLD}
    sender.secrets = (NEW, OLD)

    sender.post()

    (received,) = sender.receiver.received
    assert received.verified_by == ("current", "previous")
    assert received.signatures == 2


@pytest.mark.parametrize(
    ("kind", "status"),
    [("error", 500), ("gone", 410), ("ratelimited", 429), ("redirect", 302), ("refused", 422)],
)
def test_a_planned_answer_is_given_once(sender: Sender, kind: Any, status: int) -> None:
    sender.receiver.fail(kind, retry_after=7)

    first, second = sender.post(), sender.post()

    assert (first.status_code, second.status_code) == (status, 200)
    assert first.headers["Retry-After"] == "7"
    failed, accepted = sender.receiver.received
    assert (failed.accepted, accepted.accepted) == (False, True)
    assert (failed.attempt, accepted.attempt) == (1, 2)
    assert (failed.answer, accepted.answer) == (status, 200)


def test_a_redirect_leads_where_nothing_may_arrive(sender: Sender) -> None:
    sender.receiver.fail("redirect")

    away = sender.post().headers["Location"]
    sender.session.post(sender.url + away, "secret", timeout=30)
    sender.session.get(sender.url, timeout=30)

    assert sender.receiver.strays == ["POST /elsewhere", "GET /"]
    assert len(sender.receiver.received) == 1


@pytest.mark.parametrize(("kind", "accepted"), [("close", False), ("garbage", False),
                                                ("lost", True)])  # fmt: skip
def test_without_an_answer_only_the_endpoint_knows_what_it_took_in(
    sender: Sender, kind: Any, accepted: bool
) -> None:
    sender.receiver.fail(kind)

    with pytest.raises(requests.RequestException):
        sender.post()

    (received,) = sender.receiver.received
    assert (received.answer, received.accepted) == (None, accepted)
    assert received.verified_by == ("current",)


def test_a_slow_answer_ends_when_it_is_let_go(sender: Sender) -> None:
    hold = sender.receiver.fail("slow", seconds=60)
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(sender.post().status_code))
    thread.start()
    while not sender.receiver.received:
        pass

    assert hold.lasts
    hold.let_go()
    thread.join()

    assert answers == [200]
    assert sender.receiver.received[0].accepted


def test_one_records_failure_is_not_anothers(sender: Sender) -> None:
    sender.receiver.fail("error", record="account.move/12", times=None)

    statuses = [sender.post(n).status_code for n in (12, 7, 12, 7)]
    sender.receiver.recover("account.move/12")

    assert statuses == [500, 200, 500, 200]
    assert sender.post(12).status_code == 200


def test_a_failure_may_last_until_somebody_ends_it(sender: Sender) -> None:
    sender.receiver.fail("error", times=None)
    sender.receiver.fail("gone", record="account.move/9")

    assert [sender.post(n).status_code for n in range(1, 6)] == [500] * 5
    sender.receiver.recover("")  # what was planned for one record stays
    assert [sender.post(n).status_code for n in (8, 9, 9)] == [200, 410, 200]


def test_it_is_controlled_over_http_as_the_other_simulators_are(sender: Sender) -> None:
    control = f"{sender.url}/_sim"
    ask: Json = {"kind": "ratelimited", "times": 2, "retry_after": 5}
    planned = sender.session.post(f"{control}/fail", json=ask, timeout=30).json()["planned"]
    assert planned == [{"kind": "ratelimited", "record": "", "times": 2}]
    assert sender.post().status_code == 429
    sender.session.post(f"{control}/recover", timeout=30)
    assert sender.post().status_code == 200

    state = sender.session.get(f"{control}/state", timeout=30).json()

    assert [one["answer"] for one in state["received"]] == [429, 200]
    assert NEW not in json.dumps(state)
    assert sender.session.post(f"{control}/reset", timeout=30).json()["received"] == []
    assert sender.session.post(f"{control}/nothing", timeout=30).status_code == 404


@pytest.mark.parametrize("ask", [{"kind": "explode"}, {"colour": "red"}])
def test_a_failure_that_is_none_is_refused(sender: Sender, ask: Json) -> None:
    answer = sender.session.post(f"{sender.url}/_sim/fail", json=ask, timeout=30)

    assert answer.status_code == 400
    assert sender.receiver.planned == []


def test_every_failure_is_named_in_its_description() -> None:
    assert [k for k in FAILURES if f"{k}:" not in str(Receiver.fail.__doc__)] == []
