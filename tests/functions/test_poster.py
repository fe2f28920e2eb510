"""The poster's handler: messages of the queue, and the two actions of the schedule."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import poster
from odoo_qb.store.attributes import attributes
from odoo_qb.timestamps import stamp
from tests.support.builders import a_bill, an_item

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World

ONE, TWO, *_ = COMPANIES = ("1MD", "EssentialElements", "LiveConscious", "TruAlchemy")
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _namespace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "OdooQuickBooks")


def invoke(event: Json) -> Json:
    return poster.lambda_handler(event, None)


def approve(world: World, number: int = 42, company: str = ONE) -> Item:
    bill = a_bill(odoo_id=number, company=company, bill_reference=f"I-{number}", documents=())
    approval = {"by": "U-APPROVER", "at": "x", "digest": bill.digest()}
    item = an_item(bill, status="APPROVED", approvals=[approval])
    world.clients["dynamodb"].put_item(TableName=world.names["table"], Item=attributes(item))
    return item


def message(world: World, item: Item | Json, received: int = 1) -> Json:
    """A message as Lambda delivers it, which stays in the queue."""
    body = {k: item[k] for k in ("entry_id", "revision") if k in item}
    sqs, url = world.clients["sqs"], world.names["queue"]
    sqs.send_message(
        QueueUrl=url,
        MessageBody=json.dumps(body),
        MessageGroupId=f"{item.get('entry_id')}-{received}",
        MessageDeduplicationId=f"{item.get('entry_id')}-{received}",
    )
    [found] = world.messages()
    return {**found, "attributes": {"ApproximateReceiveCount": str(received)}}


def waits(world: World) -> list[int]:
    """For how long messages were put off."""
    return [
        int(arguments["VisibilityTimeout"])
        for operation, arguments in world.aws.calls
        if operation == "ChangeMessageVisibility"
    ]


def preferences_read(world: World) -> int:
    return world.quickbooks.calls["preferences"]


# -- messages ---------------------------------------------------------------------------------


def test_a_message_posts_its_bill_and_twice_posts_it_once(world: World) -> None:
    record = message(world, approve(world))
    for _ in range(2):
        assert invoke({"Records": [record]}) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "POSTED"
    [realm] = [r for r in world.quickbooks.realms.values() if r.bills]
    assert (realm.company_name, len(realm.bills)) == (ONE, 1)


@pytest.mark.parametrize(
    ("fault", "received", "seconds"),
    [
        ({"kind": "reset"}, 1, 20),
        ({"kind": "reset"}, 2, 40),
        ({"kind": "html", "status": 503}, 3, 80),
        ({"kind": "throttle"}, 1, 60),
        ({"kind": "throttle", "retry_after": 7}, 2, 7),
        ({"kind": "throttle", "retry_after": 99_999}, 1, 900),
    ],
)
def test_what_may_work_later_comes_again_after_the_wait_that_it_needs(
    fault: Json, received: int, seconds: int, world: World
) -> None:
    world.quickbooks.inject(path="/query", **fault)
    record = message(world, approve(world), received)
    answer = invoke({"Records": [record]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    assert waits(world) == [seconds]
    assert world.item("odoo-42")["status"] == "APPROVED"
    assert invoke({"Records": [record]}) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "POSTED"


def test_the_last_receive_leaves_the_bill_to_the_sweep_and_none_to_the_dead_letters(
    world: World,
) -> None:
    world.quickbooks.inject("reset", path="/query")
    record = message(world, approve(world), received=4)
    assert invoke({"Records": [record]}) == {"batchItemFailures": []}
    assert waits(world) == []
    assert world.item("odoo-42")["status"] == "APPROVED"
    swept = record | {"messageId": "of the sweep", "attributes": {}}
    assert invoke({"Records": [swept]}) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "POSTED"


@pytest.mark.parametrize(
    "body", ["", "nonsense", "[]", "null", "{}", '{"entry_id": "odoo-42", "revision": null}']
)
def test_what_is_no_message_of_ours_ends_among_the_dead_letters_and_stops_nobody(
    body: str, world: World
) -> None:
    good = message(world, approve(world))
    bad = good | {"messageId": "bad", "body": body}
    answer = invoke({"Records": [bad, good]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert world.item("odoo-42")["status"] == "POSTED"


def test_a_message_about_an_unknown_or_amended_bill_is_done_with(world: World) -> None:
    approve(world)
    for item in ({"entry_id": "odoo-99", "revision": 1}, {"entry_id": "odoo-42", "revision": 9}):
        assert invoke({"Records": [message(world, item)]}) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "APPROVED"


def test_a_warm_function_asks_for_no_second_token_and_no_second_snapshot(world: World) -> None:
    for number in (1, 2, 3):
        invoke({"Records": [message(world, approve(world, number))]})
    assert world.quickbooks.calls == {
        "token": 1, "preferences": 1, "companyinfo": 1,
        "query": 3 + 3,  # the lists, a look for each bill
        "vendor": 1, "bill": 3,
    }  # fmt: skip
    assert world.quickbooks.violations == []


def test_a_snapshot_of_yesterday_is_read_again(world: World) -> None:
    invoke({"action": "sync_reference", "company": ONE})
    documents = poster.wired.poster.documents
    key = f"reference/{ONE}.json"
    old = json.loads(documents.text(key)) | {"taken_at": "2026-01-01T00:00:00.000Z"}
    documents.write(key, json.dumps(old))
    invoke({"Records": [message(world, approve(world))]})
    assert preferences_read(world) == 2
    assert json.loads(documents.text(key))["taken_at"] > "2026-01-02"


def test_a_dead_connection_costs_no_receives_and_sends_one_mail(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    realm_id = next(k for k, r in world.quickbooks.realms.items() if r.company_name == ONE)
    world.quickbooks.connect(realm_id, "of a person who told nobody")
    for number in (1, 2, 3):
        record = message(world, approve(world, number))
        assert invoke({"Records": [record]}) == {"batchItemFailures": []}
        assert world.item(f"odoo-{number}")["status"] == "APPROVED"
    invoke({"Records": [message(world, approve(world, 4, TWO))]})
    assert world.item("odoo-4")["status"] == "POSTED", "another company goes on"
    [mail] = world.mails()
    assert mail.startswith(f"{ONE}: bills wait for a connection to QuickBooks")
    assert "qb_refresh_tokens" in mail
    told = capsys.readouterr().out + mail
    for word in ("sandbox-refresh", "sandbox-client-secret", "sandbox-access", "Bearer"):
        assert word not in told


def test_a_bill_that_crashes_the_poster_keeps_nobody_waiting_and_is_told_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken = approve(world)
    world.clients["dynamodb"].update_item(
        TableName=world.names["table"],
        Key={"entry_id": {"S": "odoo-42"}},
        UpdateExpression="SET move_type = :what, amount_total = :nonsense",
        ExpressionAttributeValues={":what": {"S": "in_invoice"}, ":nonsense": {"S": "much"}},
    )
    other = approve(world, 43)
    first, last = message(world, broken), message(world, broken, received=4)
    good = message(world, other)
    answer = invoke({"Records": [first, good]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": first["messageId"]}]}
    assert waits(world) == [20]
    assert world.item("odoo-43")["status"] == "POSTED"
    assert invoke({"Records": [last]}) == {"batchItemFailures": []}, "the sweep's from now on"
    crashes = [r.__dict__["entry_id"] for r in caplog.records if r.message == "crashed"]
    assert crashes == ["odoo-42"] * 2


@pytest.mark.parametrize(("code", "status"), [("120", 401), ("6190", 400)])
def test_a_company_closed_to_us_is_mailed_once_and_opens_by_itself(
    code: str, status: int, world: World
) -> None:
    invoke({"action": "sync_reference", "company": ONE})
    realm_id = next(k for k, r in world.quickbooks.realms.items() if r.company_name == ONE)
    record = message(world, approve(world))
    world.quickbooks.inject(
        "fault", path=f"/company/{realm_id}/", code=code, status=status, times=10**6
    )
    for action in ("sync_reference", "sync_reference", "check_connections", "sync_reference"):
        end_the_hour(world)
        said = invoke({"action": action, "company": ONE})["companies"][ONE]
        assert ("as an administrator" if code == "120" else "subscription") in said
        assert invoke({"Records": [record]}) == {"batchItemFailures": []}
        assert world.item("odoo-42")["status"] == "APPROVED"
    [mail] = world.mails()
    assert said in mail
    world.quickbooks.clear_faults()
    invoke({"action": "check_connections", "company": ONE})
    assert invoke({"Records": [record]}) == {"batchItemFailures": []}
    assert world.item("odoo-42")["status"] == "POSTED"


def end_the_hour(world: World) -> None:
    """An hour later the access token has ended, and the functions are cold."""
    secrets, name = world.clients["secretsmanager"], f"token/{ONE}"
    tokens = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    tokens["expires_at"] = "2026-01-01T00:00:00.000Z"
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(tokens))
    world.restart()


def test_a_reading_that_succeeds_opens_a_company_that_was_closed_to_us(world: World) -> None:
    world.quickbooks.inject("fault", path="/preferences", code="6190", status=400)
    invoke({"action": "sync_reference", "company": ONE})
    assert len(world.mails()) == 1
    invoke({"action": "sync_reference", "company": ONE})
    assert invoke({"Records": [message(world, approve(world))]})["batchItemFailures"] == []
    assert world.item("odoo-42")["status"] == "POSTED"


def test_a_connection_that_ends_while_the_company_is_closed_is_mailed_as_well(
    world: World,
) -> None:
    """Whoever renews the subscription must not wait for bills that no one lets through."""
    invoke({"action": "sync_reference", "company": ONE})
    realm = next(r for r in world.quickbooks.realms.values() if r.company_name == ONE)
    record = message(world, approve(world))
    realm.subscription_ended = True
    assert invoke({"Records": [record]}) == {"batchItemFailures": []}
    world.quickbooks.connect(realm.id, "of a person who told nobody")
    for action in ("check_connections", "sync_reference", "check_connections"):
        end_the_hour(world)
        assert "Connect the company again" in invoke({"action": action})["companies"][ONE]
    closed, ended = world.mails()
    assert "subscription" in closed
    assert "Connect the company again" in ended
    assert world.table.read_note(f"connection#{ONE}")["code"] == "invalid_grant"


# -- bills in trouble -----------------------------------------------------------------------


def test_neighbours_wait_for_the_first_tries_of_a_bill_and_never_for_later_ones(
    world: World,
) -> None:
    bill, neighbour = approve(world), approve(world, 43)
    world.quickbooks.inject("html", path="/query", status=500, times=10**6)
    first = message(world, bill)
    assert invoke({"Records": [first]})["batchItemFailures"]
    assert waits(world) == [20]
    again = message(world, bill, received=2)
    again["messageId"] = first["messageId"]
    assert invoke({"Records": [again]})["batchItemFailures"]
    assert waits(world) == [20, 40]
    swept = first | {"messageId": "of the sweep"}
    assert invoke({"Records": [swept]}) == {"batchItemFailures": []}
    assert waits(world) == [20, 40], "it is left to the sweep at once"
    world.quickbooks.clear_faults()
    invoke({"Records": [message(world, neighbour)]})
    assert world.item("odoo-43")["status"] == "POSTED"


def test_what_crashes_the_poster_is_on_the_card_after_an_hour(world: World) -> None:
    item = approve(world)
    world.clients["dynamodb"].update_item(
        TableName=world.names["table"],
        Key={"entry_id": {"S": "odoo-42"}},
        UpdateExpression="SET amount_total = :nonsense, trouble = :trouble",
        ExpressionAttributeValues={
            ":nonsense": {"S": "much"},
            ":trouble": {
                "M": {
                    "since": {"S": stamp(datetime.now(UTC) - timedelta(hours=1))},
                    "message_id": {"S": "x"},
                    "told": {"BOOL": False},
                }
            },
        },
    )
    assert invoke({"Records": [message(world, item)]})["batchItemFailures"] == []
    trouble = world.item("odoo-42")["trouble"]
    assert trouble["told"]
    assert trouble["reason"].startswith("An unexpected error (InvalidOperation) stopped")


# -- actions ----------------------------------------------------------------------------------


def test_an_unknown_event_is_answered_with_what_there_is(world: World) -> None:
    for event in ({}, {"action": "post_everything"}, {"action": None}):
        assert "sync_reference, check_connections" in invoke(event)["error"]
    assert (
        "There is no company Zeta"
        in invoke({"action": "sync_reference", "company": "Zeta"})["error"]
    )
    assert not world.quickbooks.calls


def test_sync_reads_every_company_in_five_metered_calls_each(world: World) -> None:
    answer = invoke({"action": "sync_reference"})
    assert answer == {"companies": {c: f"{c}: 14 accounts, 0 vendors" for c in COMPANIES}}
    assert world.quickbooks.core_plus_calls == 5 * len(COMPANIES)
    documents = poster.wired.poster.documents
    assert all(documents.find_text(f"reference/{c}.json") for c in COMPANIES)


def test_sync_of_one_company_reads_that_one(world: World) -> None:
    assert list(invoke({"action": "sync_reference", "company": TWO})["companies"]) == [TWO]
    assert world.quickbooks.core_plus_calls == 5


def test_a_company_that_fails_does_not_stop_the_others(world: World) -> None:
    world.quickbooks.inject("html", path="/preferences", status=503)
    said = invoke({"action": "sync_reference"})["companies"]
    assert said[ONE] == "QuickBooks couldn't process the request right now (HTTP status 503)."
    assert all("accounts" in said[c] for c in COMPANIES[1:])


@pytest.mark.parametrize("action", ["sync_reference", "check_connections"])
def test_a_company_whose_secret_cannot_be_read_does_not_stop_the_others(
    action: str, world: World
) -> None:
    world.aws.refuses = lambda operation, arguments: (
        operation == "GetSecretValue" and arguments["SecretId"] == f"token/{ONE}"
    )
    said = invoke({"action": action})["companies"]
    assert said[ONE] == "A call to AWS failed: ClientError."
    assert not any("AWS" in said[c] for c in COMPANIES[1:])


def test_checking_renews_each_token_and_tells_the_days_left_as_a_metric(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = invoke({"action": "check_connections"})
    assert answer == {"companies": dict.fromkeys(COMPANIES, "connected for 100 more days")}
    assert world.quickbooks.calls == {"token": len(COMPANIES)}
    lines = [json.loads(n) for n in capsys.readouterr().out.splitlines() if '"_aws"' in n]
    assert [n["company"] for n in lines] == list(COMPANIES)
    for line in lines:
        [metric] = line["_aws"]["CloudWatchMetrics"]
        assert metric["Namespace"] == "OdooQuickBooks/test"
        assert metric["Metrics"] == [{"Name": "RefreshTokenDaysLeft", "Unit": "Count"}]
        assert line["RefreshTokenDaysLeft"] == 100


def test_checking_finds_a_dead_connection_and_mails_once(world: World) -> None:
    realm_id = next(k for k, r in world.quickbooks.realms.items() if r.company_name == TWO)
    world.quickbooks.connect(realm_id, "of a person who told nobody")
    for _ in range(3):
        said = invoke({"action": "check_connections"})["companies"]
        assert "Connect the company again" in said[TWO]
        assert "connected for" in said[ONE]
    assert len(world.mails()) == 1


def test_a_company_whose_seed_was_emptied_goes_on(world: World) -> None:
    invoke({"action": "check_connections"})
    secret = world.clients["secretsmanager"].get_secret_value(SecretId="quickbooks")
    credentials = json.loads(secret["SecretString"])
    credentials["refresh_tokens"] = {}
    world.clients["secretsmanager"].put_secret_value(
        SecretId="quickbooks", SecretString=json.dumps(credentials)
    )
    world.restart()
    said = invoke({"action": "check_connections"})["companies"]
    assert said == dict.fromkeys(COMPANIES, "connected for 100 more days")
    assert world.mails() == []


def test_a_company_that_was_never_connected_says_so(world: World) -> None:
    secret = world.clients["secretsmanager"].get_secret_value(SecretId="quickbooks")
    credentials = json.loads(secret["SecretString"])
    del credentials["refresh_tokens"][ONE]
    world.clients["secretsmanager"].put_secret_value(
        SecretId="quickbooks", SecretString=json.dumps(credentials)
    )
    said = invoke({"action": "sync_reference"})["companies"]
    assert (
        said[ONE]
        == "The company has never been connected. Put its refresh token into qb_refresh_tokens."
    )
