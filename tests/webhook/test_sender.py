"""What the sender makes of each answer: delivered, later, refused, gone, given up."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from odoo_qb.store.webhook_content import WebhookContent
from odoo_qb.webhook.answers import Answer
from odoo_qb.webhook.parcel import parcel_of
from odoo_qb.webhook.refusals import Refusals
from odoo_qb.webhook.waits import WAITS
from tests.webhook.sender_desk import OTHER, RECEIVES, SECRET, Died, a_desk, a_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.webhook.sender_desk import SenderDesk

AWS_IS_DOWN: Final = ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "m"}}, "Any")


@pytest.fixture
def desk() -> Iterator[SenderDesk]:
    with a_desk() as made:
        yield made


def test_a_change_is_delivered_once_signed_and_with_its_contact(desk: SenderDesk) -> None:
    key = {"pk": "odoo#contact#0000000", "sk": "0000000031"}
    desk.table.update(
        desk.table.key(key["pk"], key["sk"]), {"data": '{"email": "jane@example.com"}'}, []
    )
    data = {"id": 1, "move_type": "in_invoice", "amount_total": 1, "partner_id": 31}
    message = desk.put(data=data, sequence=3)

    desk.work()

    (received,) = desk.receiver.received
    assert received.verified_by == ("current",)
    assert received.message_id == message.message_id
    assert received.body["type"] == "vendor_bill.updated"
    assert received.body["data"]["partner_email"] == "jane@example.com"
    assert received.sequence == 3
    assert desk.queue.messages == {}
    assert desk.rows("webhook#tries") == desk.rows("webhook#refused") == []


@pytest.mark.parametrize("change", [{"event": "created"}, {"changed": ("partner_id",)}])
def test_a_document_waits_for_the_run_that_mirrors_its_new_contact(
    desk: SenderDesk, change: Any
) -> None:
    """Contacts are read first: one made a second later, together with a bill, comes after it."""
    data = {"id": 1, "move_type": "in_invoice", "partner_id": 31}
    desk.put(1, data=data, **change)
    desk.put(1, 2, data=data)
    desk.put(2)
    desk.work()
    assert desk.arrived == [("2", 1)]

    key = desk.table.key("odoo#contact#0000000", "0000000031")
    desk.table.update(key, {"data": '{"email": "jane@example.com"}'}, [])
    desk.work(seconds=80)
    assert desk.accepted == [("2", 1), ("1", 1), ("1", 2)]
    emails = [r.body["data"]["partner_email"] for r in desk.receiver.received]
    assert emails == [None, "jane@example.com", "jane@example.com"]


def test_no_change_waits_long_for_a_contact_that_is_never_mirrored(desk: SenderDesk) -> None:
    desk.put(1, 2, data={"id": 1, "move_type": "in_invoice", "partner_id": 31})
    desk.work()
    assert desk.accepted == [("1", 2)]
    desk.put(2, event="created", data={"id": 2, "move_type": "in_invoice", "partner_id": 31})
    desk.work(seconds=80)
    assert desk.accepted == [("1", 2), ("2", 1)]
    assert desk.rows("webhook#tries") == []


def test_what_was_too_large_for_the_queue_is_sent_whole(desk: SenderDesk) -> None:
    message = a_message(data={}, content_key="large")
    WebhookContent(desk.table).keep("large", {"id": 1, "name": "INV/1"}, desk.now)
    desk.put_text(message.to_body(), message.group, message.message_id)

    desk.work()

    assert desk.receiver.received[0].body["data"]["name"] == "INV/1"


def test_two_secrets_sign_while_one_replaces_the_other(desk: SenderDesk) -> None:
    desk.secret = {"current": OTHER, "previous": SECRET}
    desk.put()
    desk.work()
    desk.receiver.secrets = {"current": OTHER}
    desk.put(sequence=2)
    desk.work()
    desk.secret = {"current": OTHER, "previous": ""}
    desk.put(sequence=3)
    desk.work()

    assert [r.signatures for r in desk.receiver.received] == [2, 2, 1]
    assert all(r.verified_by for r in desk.receiver.received)
    assert desk.queue.messages == {}


def test_a_retry_has_the_same_id_and_a_new_timestamp(desk: SenderDesk) -> None:
    desk.receiver.fail("error")
    desk.put()
    desk.work(minutes=1)

    first, second = desk.receiver.received
    assert first.message_id == second.message_id
    assert first.raw == second.raw
    assert second.at - first.at >= timedelta(seconds=5)
    assert second.verified_by  # which includes the time


@pytest.mark.parametrize("kind", ["error", "ratelimited", "close", "slow"])
def test_what_may_work_later_waits_longer_each_time_and_is_then_given_up(
    kind: Any, desk: SenderDesk
) -> None:
    desk.answer_within = 0.2
    held = desk.receiver.fail(kind, times=None, seconds=0.5)
    began = desk.now
    desk.put()
    desk.work()
    waits = [desk.hidden_for()]
    while desk.queue.messages:
        desk.sleep(desk.hidden_for() + 0.001)
        desk.run()
        waits += [desk.hidden_for()] if desk.queue.messages else []
    held.let_go()

    assert [round(w) for w in waits[:6]] == [*WAITS]
    assert desk.now - began == pytest.approx(timedelta(hours=22), abs=timedelta(minutes=1))
    assert len(desk.receiver.received) == 8  # a last time after 22 hours
    assert desk.buried == [a_message().message_id]
    assert desk.rows("webhook#tries") == []


def test_waits_are_spread_by_a_tenth(desk: SenderDesk) -> None:
    desk.chance = 1.0
    desk.receiver.fail("error", times=2)
    desk.put()
    desk.work()
    assert desk.hidden_for() == pytest.approx(6)  # 5.5, in whole seconds
    desk.work(seconds=10)
    assert 300 < desk.hidden_for() <= 330


@pytest.mark.parametrize(
    ("asked", "tries", "waits"),
    [(7, 1, 7), (2, 1, 5), (2, 2, 60), (90, 2, 90), (3600, 1, 3600), (999_999, 1, 36_000)],
)
def test_retry_after_is_kept_within_bounds(
    asked: int, tries: int, waits: int, desk: SenderDesk
) -> None:
    desk.put()
    if tries > 1:
        desk.receiver.fail("error", times=tries - 1)
        desk.work()
        desk.sleep(desk.hidden_for() + 0.001)
    desk.receiver.fail("ratelimited", retry_after=asked)
    desk.run()
    assert desk.hidden_for() == pytest.approx(waits, abs=0.1)


def test_a_record_that_fails_holds_up_no_other(desk: SenderDesk) -> None:
    desk.receiver.fail("error", record="odoo/account.move/1", times=None)
    for sequence in (1, 2, 3):
        for record in (1, 2, 3):
            desk.put(record, sequence)
    desk.work()

    assert [one for one in desk.accepted if one[0] == "2"] == [("2", 1), ("2", 2), ("2", 3)]
    assert [one for one in desk.accepted if one[0] == "3"] == [("3", 1), ("3", 2), ("3", 3)]
    assert [one for one in desk.arrived if one[0] == "1"] == [("1", 1)]

    desk.receiver.recover()
    desk.work(minutes=1)
    assert [one for one in desk.accepted if one[0] == "1"] == [("1", 1), ("1", 2), ("1", 3)]


@pytest.mark.parametrize(
    ("kind", "status", "said"),
    [
        ("refused", 422, ""),
        ("redirect", 302, "It redirects to another address, and nothing is sent there."),
        ("garbage", 0, "What it answered is not HTTP."),
    ],
)
def test_a_refusal_is_kept_and_the_next_change_goes_on(
    kind: Any, status: int, said: str, desk: SenderDesk
) -> None:
    desk.receiver.fail(kind)
    desk.put(1, 1)
    desk.put(1, 2)
    desk.work()

    assert desk.accepted == [("1", 2)]
    (kept,) = desk.rows("webhook#refused")
    assert (kept["status"], kept["answer"], kept["record"]) == (status, said, "odoo/move/1")
    assert kept["expires_at"] == int((desk.now + timedelta(days=90)).timestamp())
    assert desk.metrics == [("WebhookRefused", 1)]
    assert desk.receiver.strays == []
    assert desk.queue.messages == {}


def test_a_wrong_secret_is_a_refusal_whose_answer_is_kept(desk: SenderDesk) -> None:
    desk.secret = {"current": OTHER}
    desk.put()
    desk.work()
    (kept,) = desk.rows("webhook#refused")
    assert (kept["status"], kept["answer"]) == (401, "It does not verify.")


def test_refusals_are_mailed_once_in_one_digest(desk: SenderDesk) -> None:
    desk.receiver.fail("refused", times=5)
    for record in range(1, 6):
        desk.put(record)
    desk.work()

    assert desk.operating().digest() == {"refused": 0, "mailed": False}  # too fresh to be sure
    desk.sleep(600)
    assert desk.operating().digest() == {"refused": 5, "mailed": True}
    assert desk.operating().digest() == {"refused": 0, "mailed": False}
    (mail,) = desk.mails
    assert mail.startswith("The webhook's endpoint refused 5 changes\n")
    assert "5 with 422 (odoo/move/1, odoo/move/2, odoo/move/3, …)" in mail
    assert '{"retry_refused": true}' in mail


def test_what_is_refused_after_a_digest_is_in_the_next(desk: SenderDesk) -> None:
    for record in (1, 2):
        desk.receiver.fail("refused")
        desk.put(record)
        desk.work()
        desk.sleep(600)
        desk.operating().digest()
    assert [mail.partition("\n")[0] for mail in desk.mails] == [
        "The webhook's endpoint refused 1 change"
    ] * 2


def test_refused_changes_are_sent_again_in_order_when_somebody_asks(desk: SenderDesk) -> None:
    desk.receiver.fail("refused", times=25)
    for sequence in (1, 2, 3, 4, 5):
        for record in range(1, 6):
            desk.put(record, sequence)
    desk.work()
    assert len(desk.rows("webhook#refused")) == 25

    assert desk.operating().retry_refused(lambda: 100.0) == {"queued": 25, "left": 0}
    assert desk.rows("webhook#refused") == []
    desk.work()

    for record in range(1, 6):
        assert [s for r, s in desk.accepted if r == str(record)] == [1, 2, 3, 4, 5]
    assert {r.attempt for r in desk.receiver.received if r.accepted} == {2}  # the ids are the same


def test_sending_again_stops_in_time_and_goes_on(desk: SenderDesk) -> None:
    desk.receiver.fail("refused")
    desk.put()
    desk.work()
    assert desk.operating().retry_refused(lambda: 10.0) == {"queued": 0, "left": 1}
    assert desk.operating().retry_refused(lambda: 100.0) == {"queued": 1, "left": 0}


def test_an_unreadable_message_is_a_dead_letter_and_its_neighbours_go_on(desk: SenderDesk) -> None:
    desk.put_text("{", "odoo/move/9", "a")
    desk.put_text('{"connection": "odoo"}', "odoo/move/9", "b")
    desk.put_text(a_message(data={"invoice_lines": [7]}).to_body(), "odoo/move/9", "c")
    desk.put_text(a_message(data={}, content_key="gone").to_body(), "odoo/move/9", "d")
    desk.table.update(desk.table.key("webhook#content", "bad"), {"packed": b"no zlib"}, [])
    desk.put_text(a_message(data={}, content_key="bad").to_body(), "odoo/move/9", "e")
    desk.put(1)
    desk.put(9)
    desk.work()

    assert len(desk.dead.messages) == 5
    assert sorted(desk.accepted) == [("1", 1), ("9", 1)]
    assert desk.queue.messages == {}


def test_a_run_that_is_short_of_time_leaves_the_rest_for_the_next(desk: SenderDesk) -> None:
    desk.seconds = 30.0
    desk.put(1)
    desk.put(1, 2)
    desk.run()
    assert desk.arrived == []
    assert desk.hidden_for() == 0
    desk.seconds = 110.0
    desk.work()
    assert desk.accepted == [("1", 1), ("1", 2)]


def test_records_are_sent_side_by_side() -> None:
    with a_desk(at_once=10) as desk:
        desk.receiver.fail("slow", times=None, seconds=0.5)
        for record in range(1, 11):
            desk.put(record)
        began = time.monotonic()
        desk.run()
        assert time.monotonic() - began < 0.5 * 5
        assert len(desk.accepted) == 10
        assert desk.queue.messages == {}


# -- gone ------------------------------------------------------------------------------------------


def test_a_gone_endpoint_pauses_all_and_is_mailed_once(desk: SenderDesk) -> None:
    desk.receiver.fail("gone")
    for record in range(1, 15):
        desk.put(record)
    desk.work(days=2)

    assert len(desk.arrived) == 1
    assert len(desk.queue.messages) == 14
    assert [mail.partition("\n")[0] for mail in desk.mails] == [
        "The webhook is paused: its endpoint is gone"
    ]
    assert ("WebhookPaused", 1) in desk.metrics
    assert desk.operating().digest() == {"refused": 0, "mailed": False}
    assert len(desk.mails) == 1

    assert desk.operating().resume()["resumed"]
    desk.work(minutes=31)
    assert len(desk.accepted) == 14
    assert desk.buried == []


def test_a_new_address_ends_the_pause(desk: SenderDesk) -> None:
    desk.receiver.fail("gone")
    desk.put(1)
    desk.work(hours=30)
    desk.url += "/new"
    desk.receiver.fail("error")  # which does not bury what waited for longer than 22 hours
    desk.work(hours=1)
    assert desk.accepted == [("1", 1)]


def test_a_second_pause_is_mailed_again(desk: SenderDesk) -> None:
    for _ in range(2):
        desk.receiver.fail("gone")
        desk.put(1, len(desk.mails) + 1)
        desk.work(hours=1)
        desk.operating().resume()
        desk.work(hours=1)
    assert len(desk.mails) == 2


def test_a_pause_outlasts_no_retention(desk: SenderDesk) -> None:
    desk.receiver.fail("gone")
    desk.put(1)
    desk.work(days=14)
    assert desk.buried == [a_message().message_id]


# -- down ------------------------------------------------------------------------------------------


def test_while_the_endpoint_is_down_one_change_tries_it(desk: SenderDesk) -> None:
    desk.receiver.fail("error", times=None)
    for record in range(1, 101):
        desk.put(record)
    desk.work(hours=3)

    # The first batch, then one in five minutes at last.
    assert len(desk.arrived) < 10 + 3 * 12 + 8
    tried = [r.at for r in desk.receiver.received][10:]
    pauses = [(b - a).total_seconds() for a, b in pairwise(tried)]
    assert max(pauses) <= 330
    assert len(desk.queue.messages) == 100

    desk.receiver.recover()
    desk.work(minutes=6)
    assert sorted(int(r) for r, _ in desk.accepted) == list(range(1, 101))
    assert desk.buried == []


def test_an_outage_of_more_than_22_hours_ends_among_the_dead_letters(desk: SenderDesk) -> None:
    desk.receiver.fail("close", times=None)
    for record in range(1, 12):
        desk.put(record)
    desk.work()
    desk.sleep(21 * 3600)
    desk.work(minutes=50)
    assert desk.buried == []
    desk.work(minutes=20)
    assert len(desk.buried) == 11
    assert desk.queue.messages == {}


def test_what_the_sender_did_not_get_for_long_has_its_22_hours_all_the_same(
    desk: SenderDesk,
) -> None:
    """Where the account had no runs left, or the queue's mapping was switched off."""
    for record in range(1, 12):
        desk.put(record)
    desk.sleep(48 * 3600)
    desk.receiver.fail("error", times=10)
    desk.work(hours=1)
    assert desk.buried == []
    assert len(desk.accepted) == 11


def test_what_would_soon_be_lost_by_the_queue_is_given_up(desk: SenderDesk) -> None:
    desk.receiver.fail("error", record="odoo/account.move/1", times=None)
    desk.put(1)
    desk.sleep(13 * 24 * 3600)
    desk.work()
    assert desk.buried == [a_message().message_id]


def test_no_change_is_received_so_often_that_the_queue_would_bury_it(desk: SenderDesk) -> None:
    desk.chance = 0.5
    desk.receiver.fail("error", times=None)
    for record in range(1, 8):
        desk.put(record)
    desk.work(hours=2)
    assert max(m.receives for m in desk.queue.messages.values()) < RECEIVES * 2 / 22


def test_one_records_failures_never_open_the_breaker(desk: SenderDesk) -> None:
    desk.receiver.fail("error", record="odoo/account.move/1", times=None)
    desk.put(1)
    for record in range(2, 8):
        desk.work(hours=1)
        desk.put(record)
        began = desk.now
        desk.work()
        assert (str(record), 1) in desk.accepted
        assert desk.now == began
    (state,) = desk.rows("webhook#state")
    assert "probe_at" not in state


@pytest.mark.parametrize("failing", [5, 7])
def test_records_that_always_fail_do_not_take_every_probe(desk: SenderDesk, failing: int) -> None:
    """They open the breaker: another record's change waits for the next probe, and is that."""
    random = Random(failing)  # noqa: S311 - no secret

    def step(_: str, work: Any) -> Any:
        desk.chance = random.random()
        return work()

    desk.on_step = step
    for record in range(1, failing + 1):
        desk.receiver.fail("error", record=f"odoo/account.move/{record}", times=None)
        desk.put(record)
    desk.work(minutes=40)
    for record in range(20, 26):
        desk.put(record)
        desk.work(minutes=6)
        assert (str(record), 1) in desk.accepted
        desk.work(minutes=20)


def test_a_probe_waits_as_long_as_the_endpoint_asks(desk: SenderDesk) -> None:
    desk.receiver.fail("ratelimited", times=None, retry_after=1800)
    for record in range(1, 8):
        desk.put(record)
    desk.work(hours=3)
    times = [r.at for r in desk.receiver.received]
    assert 7 + 4 <= len(times) <= 7 + 6  # the first batch, then at most two an hour
    assert min((b - a).total_seconds() for a, b in pairwise(times[6:])) >= 1800


def test_only_one_of_two_runs_probes(desk: SenderDesk) -> None:
    desk.receiver.fail("error", times=None)
    for record in range(1, 31):
        desk.put(record)
    desk.work()
    desk.receiver.reset()
    while_probing: list[int] = []

    def both(step: str, work: Any) -> Any:
        if step == "post" and not while_probing:
            while_probing.append(0)
            while desk.run():  # another run, while this one's probe is on its way
                pass
            while_probing.append(len(desk.arrived))
        return work()

    desk.on_step = both
    desk.work(minutes=2)
    assert while_probing == [0, 0]
    assert len(desk.accepted) == 30  # none of those hidden meanwhile waits for the next probe


def test_a_run_that_dies_while_it_probes_keeps_the_others_waiting_for_the_next_probe_only(
    desk: SenderDesk,
) -> None:
    desk.receiver.fail("error", times=10)
    for record in range(1, 31):
        desk.put(record)
    desk.work()
    died: list[str] = []

    def die(step: str, work: Any) -> Any:
        if step == "post" and not died:
            died.append(step)
            raise Died
        return work()

    desk.on_step = die
    desk.work(minutes=15)
    assert died
    assert sorted(int(r) for r, _ in desk.accepted) == list(range(1, 31))


# -- what else may go wrong ------------------------------------------------------------------------


def failing(name: str, error: Exception) -> Callable[[str, Callable[[], Any]], Any]:
    def step(at: str, work: Callable[[], Any]) -> Any:
        if at == name:
            raise error
        return work()

    return step


def test_an_error_of_ours_stops_one_change_and_no_other(desk: SenderDesk) -> None:
    steps: list[str] = []

    def once(step: str, work: Callable[[], Any]) -> Any:
        steps.append(step)
        if steps.count("post") == 1 and step == "post":
            raise RuntimeError("a defect")
        return work()

    desk.on_step = once
    desk.put(1)
    desk.put(2)
    desk.run()
    assert desk.accepted == [("2", 1)]
    assert desk.hidden_for() == 60
    desk.work(minutes=2)
    assert sorted(desk.accepted) == [("1", 1), ("2", 1)]


def test_a_dead_letter_that_aws_does_not_take_waits_and_is_taken_later(desk: SenderDesk) -> None:
    desk.receiver.fail("gone")
    desk.put(1)
    desk.work()
    desk.on_step = failing("sqs send_message", AWS_IS_DOWN)
    desk.sleep(13 * 24 * 3600 + 60)
    desk.work()
    assert (desk.buried, len(desk.queue.messages)) == ([], 1)
    desk.on_step = lambda _, work: work()
    desk.work(hours=1)
    assert desk.buried == [a_message().message_id]


def test_a_state_that_aws_does_not_keep_is_found_out_again(desk: SenderDesk) -> None:
    desk.receiver.fail("error", times=None)
    for record in range(1, 8):
        desk.put(record)
    desk.on_step = failing("dynamodb update_item", AWS_IS_DOWN)
    desk.work(minutes=3)  # neither tries nor the breaker can be kept
    assert desk.rows("webhook#state") == desk.rows("webhook#tries") == []
    assert len(desk.queue.messages) == 7
    desk.on_step = lambda _, work: work()
    desk.receiver.recover()
    desk.work(minutes=2)
    assert len(desk.accepted) == 7


def test_a_digest_of_many_different_answers_is_cut(desk: SenderDesk) -> None:
    refusals = Refusals(desk.table)
    for number in range(1, 26):
        sent = {"messageId": str(number), "body": a_message(number).to_body()}
        answer = Answer(verdict="refused", status=422, text=f"No {number}.")
        refusals.keep(parcel_of(sent, desk.now), answer, desk.now)
    desk.sleep(600)
    desk.operating().digest()
    (mail,) = desk.mails
    assert mail.count("1 with 422: No ") == 20
    assert "and 5 other answers" in mail


def test_what_the_queue_does_not_take_again_stays_among_the_refusals(desk: SenderDesk) -> None:
    desk.receiver.fail("refused", times=2)
    desk.put(1)
    desk.put(2)
    desk.work()
    desk.on_step = failing("sqs send_message_batch", AWS_IS_DOWN)
    assert desk.operating().retry_refused(lambda: 100.0) == {"queued": 0, "left": 2}
    desk.on_step = lambda _, work: work()
    assert desk.operating().retry_refused(lambda: 100.0) == {"queued": 2, "left": 0}
