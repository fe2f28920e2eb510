"""Events and messages that are none of ours: each function answers in a sentence."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

import pytest

import approval_handler
import extractor
import notifier
import poster
from odoo_qb.errors import Refused
from odoo_qb.extraction.request import audited, request_of
from odoo_qb.store.attributes import attributes
from odoo_qb.store.queue import message_of
from sandbox.in_process.chain import Context
from tests.support.builders import a_bill, an_item

if TYPE_CHECKING:
    from sandbox.in_process.chain import World

COMPANY: Final = "1MD"
NO_EVENTS: Final[tuple[Any, ...]] = (
    None, [], {}, 0, 1.5, float("nan"), "", "Records", True, {"action": {}}, {"action": []},
    {"action": None}, {"action": 1e400}, {"Records": None}, {"Records": {}}, {"Records": "x"},
)  # fmt: skip
NO_RECORDS: Final[tuple[Any, ...]] = (
    None,
    [],
    "x",
    7,
    {},
    {"messageId": None},
    {"messageId": {"S": "x"}},
)
DEEP: Final = "[" * 100_000
NO_BODIES: Final[tuple[Any, ...]] = (
    None, [], {}, 7, "", "nonsense", "null", "[]", "7", '"odoo-42"', "{}", DEEP,
    *(
        f'{{"entry_id": {entry_id}, "revision": {revision}}}'
        for entry_id, revision in (
            ('"odoo-42"', "1e400"), ('"odoo-42"', "NaN"), ('"odoo-42"', "-Infinity"),
            ('"odoo-42"', '"1"'), ('"odoo-42"', "null"), ('"odoo-42"', "true"),
            ('"odoo-42"', "1.0"), ('"odoo-42"', "0"), ('"odoo-42"', "-1"), ('"odoo-42"', "[1]"),
            ('"odoo-42"', "9" * 30), ('"odoo-42"', "9" * 5000), ("42", "1"), ("null", "1"),
            ('""', "1"), ('"settings"', "1"), ('"odoo-42 "', "1"), ("{}", "1"),
            ('"odoo-" ', "1"), (f'"odoo-{"9" * 5000}"', "1"),
        )
    ),
    '{"entry_id": "odoo-42"}', '{"revision": 1}',
)  # fmt: skip


def approved(world: World, number: int = 42) -> dict[str, Any]:
    """A message about an approved bill, as Lambda delivers it."""
    bill = a_bill(odoo_id=number, company=COMPANY, documents=())
    approval = {"by": "U-APPROVER", "at": "x", "digest": bill.digest()}
    item = an_item(bill, status="APPROVED", approvals=[approval])
    world.clients["dynamodb"].put_item(TableName=world.names["table"], Item=attributes(item))
    body = json.dumps({"entry_id": bill.entry_id, "revision": 1})
    return {"messageId": "good", "receiptHandle": "x", "body": body}


@pytest.mark.parametrize("event", NO_EVENTS, ids=repr)
def test_the_poster_answers_what_is_no_event_with_what_it_takes(event: object) -> None:
    said = poster.lambda_handler(event, None)
    assert said == {
        "error": (
            "This function only takes queue messages or an action: sync_reference,"
            " check_connections."
        )
    }


@pytest.mark.parametrize("body", NO_BODIES, ids=lambda body: repr(body)[:60])
def test_what_is_no_message_is_refused_in_a_sentence_that_repeats_nothing(body: object) -> None:
    with pytest.raises(Refused, match=r"^Its (body|entry_id|revision) is not .{3,50}\.$") as said:
        message_of(body)
    assert "99" not in str(said.value)


def test_messages_that_are_none_go_to_the_dead_letters_at_once_and_stop_nobody(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    bad = [
        {"messageId": f"bad-{n}", "receiptHandle": "x", "body": body}
        for n, body in enumerate(NO_BODIES)
    ]
    bare = {"messageId": "bare", "attributes": None}
    hidden: list[int] = []

    def performs(call: Any, client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "ChangeMessageVisibility":
            hidden.append(arguments["VisibilityTimeout"])
            return {}
        return call(client, operation, arguments)

    world.aws.performs = performs
    records = [*bad, *NO_RECORDS, bare, approved(world)]
    with caplog.at_level(logging.ERROR):
        answer = poster.lambda_handler({"Records": records}, None)
    failed = [f["itemIdentifier"] for f in answer["batchItemFailures"]]
    assert failed == [*(r["messageId"] for r in bad), "bare"]
    assert world.item("odoo-42")["status"] == "POSTED"
    assert hidden == [0] * len(bad), "no bill of its group waits for what is none"
    told = [r.__dict__ for r in caplog.records if r.message == "not a message about a bill"]
    assert len(told) == len(bad) + 1
    assert all(t["reason"].startswith("Its ") and not t["exc_info"] for t in told)


def test_a_message_whose_receipt_aws_no_longer_knows_stops_nobody(world: World) -> None:
    world.aws.refuses = lambda operation, _: operation == "ChangeMessageVisibility"
    bad = {"messageId": "bad", "receiptHandle": "x", "body": "nonsense"}
    answer = poster.lambda_handler({"Records": [bad, approved(world)]}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert world.item("odoo-42")["status"] == "POSTED"


@pytest.mark.parametrize("count", [None, {}, 3, "", "x", "1e9", "9" * 5000])
def test_a_message_that_does_not_say_how_often_it_came_came_once(count: Any, world: World) -> None:
    record = approved(world) | {"attributes": {"ApproximateReceiveCount": count}}
    assert poster.lambda_handler({"Records": [record]}, None) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "POSTED"


@pytest.mark.parametrize("event", NO_EVENTS, ids=repr)
def test_the_notifier_answers_what_is_no_event_with_what_it_takes(event: object) -> None:
    said = notifier.lambda_handler(event, Context())
    assert said == {"error": "This function only takes records from the table's stream."}


def test_records_that_are_none_end_among_the_failures_and_the_others_are_shown(
    world: World,
) -> None:
    world.table.put_new(an_item(a_bill(company=COMPANY, documents=()), card_due=1), "")
    good = {"dynamodb": {"Keys": {"entry_id": {"S": "odoo-42"}}, "SequenceNumber": "9"}}
    keys: list[Any] = [None, [], {}, {"entry_id": None}, {"entry_id": {}}, {"entry_id": {"S": 7}}]
    bad = [{"dynamodb": {"Keys": k, "SequenceNumber": str(n)}} for n, k in enumerate(keys)]
    nameless = [None, "x", {}, {"dynamodb": None}, {"dynamodb": {"SequenceNumber": 7}}]
    answer = notifier.lambda_handler({"Records": [*bad, *nameless, good]}, Context())
    failed = [f["itemIdentifier"] for f in answer["batchItemFailures"]]
    assert failed == [str(n) for n in range(len(keys))]
    assert len(world.item("odoo-42")["cards"]) == 1


@pytest.mark.parametrize("event", [*NO_EVENTS, {"headers": []}, {"headers": {"x": None}}], ids=repr)
def test_the_approval_handler_lets_nobody_in_with_what_is_no_request(event: object) -> None:
    assert approval_handler.lambda_handler(event, None) == {"statusCode": 401, "body": ""}


HUGE: Final = "odoo-" + "9" * 5000


@pytest.mark.parametrize("name", [HUGE, "odoo-", "", "odoo-1e5", 7, None, {}, ["odoo-1"], True])
def test_the_extractor_refuses_what_is_no_bills_name(name: object) -> None:
    with pytest.raises(Refused, match="audit takes an id like odoo-42"):
        audited(name)


@pytest.mark.parametrize(
    "ids",
    [HUGE, [HUGE], 10**5000, [10**5000], [True], [[]], [None], 1.5, {}],
    ids="abcdefghi",
)
def test_the_extractor_refuses_ids_that_are_none(ids: object) -> None:
    with pytest.raises(Refused, match="entry_ids must be a list like"):
        request_of({"entry_ids": ids}, {})


@pytest.mark.parametrize("event", [None, [], 7, "x", {"audit": {}}, {"export": []}, {"since": {}}])
def test_the_extractor_answers_what_it_cannot_do_with_a_sentence(
    event: object, world: World
) -> None:
    said = extractor.lambda_handler(event, Context())
    assert set(said) == {"error"}
    assert len(said["error"]) < 200
    assert world.items() == {}
