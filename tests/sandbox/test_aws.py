from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from sandbox.aws import emulator as aws
from sandbox.aws.alarms import alarm_state, computed, embedded_metrics
from sandbox.aws.emptying import forget
from sandbox.aws.run_directory import hold
from sandbox.aws.streams import Batch, first_failed, shard_of, split_by_age, still_to_do
from sandbox.http_server import Ports, serve
from sandbox.in_process.mirror import make_mirror_table
from sandbox.terraform import Terraform, TerraformError, was_cut_off
from tests.support.emulator_account import METRIC, Account, an_account, bound_by, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIEnvironment


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[aws.Emulator]:
    emulator = aws.start(tmp_path_factory.mktemp("aws"))
    yield emulator
    aws.stop(emulator)


@pytest.fixture
def account(
    emulator: aws.Emulator, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Account]:
    with an_account(emulator, str(request.node.name), tmp_path) as account:
        yield account


def test_an_unsigned_request_for_a_document_is_refused(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(
        Bucket="documents", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    s3.put_object(Bucket="documents", Key="bill.pdf", Body=b"%PDF")
    signed = s3.generate_presigned_url(
        "get_object", Params={"Bucket": "documents", "Key": "bill.pdf"}
    )
    trust = ssl.create_default_context(cafile=account.emulator.ca_bundle)

    with urllib.request.urlopen(signed, context=trust) as answer:  # noqa: S310 - of the emulator
        assert answer.read() == b"%PDF"
    with pytest.raises(HTTPError) as refused:
        urllib.request.urlopen(signed.partition("?")[0], context=trust)  # noqa: S310 - as above
    refused.value.close()
    assert refused.value.code == 403


def test_a_function_reaches_a_vendor_on_loopback_but_no_table_it_has_no_right_to(
    account: Account,
) -> None:
    def vendor(_: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"hello from the vendor"]

    account.function()
    account.table()
    with serve(vendor) as server:
        assert account.call({"fetch": server.url}) == "hello from the vendor"
    assert "AccessDenied" in account.call({"forbidden": account.name})


def test_a_poison_record_is_set_aside_alone_and_its_neighbours_arrive(account: Account) -> None:
    account.function()
    dead = account.queue()
    mapping = account.map(
        account.table(),
        StartingPosition="TRIM_HORIZON",
        Enabled=False,
        BatchSize=10,
        MaximumRetryAttempts=1,
        BisectBatchOnFunctionError=True,
        DestinationConfig={"OnFailure": {"Destination": account.arn("sqs", account.name)}},
    )
    account.put("a", "b", "poison", "c")
    account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)

    (message,) = eventually(lambda: account.messages(dead))
    eventually(lambda: ["c"] in account.noted("end"))
    account.put("d")
    eventually(lambda: ["d"] in account.noted("end"))

    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["DDBStreamBatchInfo"]["batchSize"] == 1
    assert account.noted("end") == [["a", "b"], ["c"], ["d"]]
    assert account.noted().count(["poison"]) == 2  # once and one retry
    assert account.messages(dead) == []


def test_a_partial_failure_is_retried_from_the_failed_record(account: Account) -> None:
    account.function()
    mapping = account.map(account.table(), StartingPosition="TRIM_HORIZON", Enabled=False)
    account.put("a", "flaky", "c")
    account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)

    eventually(lambda: len(account.noted("end")) > 1)
    account.put("d")
    eventually(lambda: ["d"] in account.noted("end"))
    assert account.noted() == [["a", "flaky", "c"], ["flaky", "c"], ["d"]]


def test_a_batch_waits_until_it_is_full_or_its_window_is_over(account: Account) -> None:
    account.function()
    account.map(
        account.table(),
        StartingPosition="TRIM_HORIZON",
        BatchSize=2,
        MaximumBatchingWindowInSeconds=300,
    )
    account.put("a")
    time.sleep(1)
    assert account.noted() == []
    account.put("b")
    assert eventually(lambda: account.noted("end")) == [["a", "b"]]


def test_a_record_the_filter_leaves_out_is_not_delivered(account: Account) -> None:
    account.function()
    pattern = {"dynamodb": {"NewImage": {"card_due": {"N": [{"exists": True}]}}}}
    account.map(
        account.table(),
        StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    account.put("silent")
    item = {"id": {"S": "due"}, "card_due": {"N": "3"}}
    account.client("dynamodb").put_item(TableName=account.name, Item=item)

    eventually(lambda: account.noted("end"))
    assert account.noted() == [["due"]]


THROTTLED = """
import json, os, sys, time
from datetime import UTC, datetime, timedelta
import boto3

def handler(event, context):
    sys.path[:0] = os.environ["PROJECT"].split(":")
    from odoo_qb.store.shared_throttle import SharedThrottle
    from odoo_qb.store.table import Table
    table = Table(boto3.client("dynamodb"), os.environ["TABLE"], retention=timedelta(1))
    throttle = SharedThrottle(table, 0.2, lambda: datetime.now(UTC))
    throttle.begin(len(event["Records"]))
    for _ in event["Records"]:
        throttle.wait(60)
        note = {"kind": str(os.getpid()), "what": [], "at": time.time()}
        with open(os.environ["SEEN"], "a") as file:
            file.write(json.dumps(note) + "\\n")
"""


def test_two_runs_of_a_split_stream_keep_one_pace(tmp_path: Path) -> None:
    """A new table has several partitions: its stream is read by several runs at the same moment."""
    emulator = aws.start(tmp_path / "aws", stream_shards=2)
    try:
        account = Account(emulator, "paced", tmp_path / "seen")
        stream = account.table("entry_id")
        account.function(THROTTLED, TABLE="paced", PROJECT=f"{aws.PROJECT / 'lambda'}")
        account.client("iam").put_role_policy(
            RoleName="paced",
            PolicyName="all",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},
                }
            ),
        )
        pattern = json.dumps({"dynamodb": {"Keys": {"entry_id": {"S": [{"prefix": "odoo-"}]}}}})
        mapping = account.map(
            stream,
            StartingPosition="TRIM_HORIZON",
            Enabled=False,
            BatchSize=20,
            FilterCriteria={"Filters": [{"Pattern": pattern}]},
        )
        for number in range(20):
            item = {"entry_id": {"S": f"odoo-{number}"}}
            account.client("dynamodb").put_item(TableName="paced", Item=item)
        account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
        eventually(lambda: account.seen.exists() and len(account.notes()) == 20)
    finally:
        aws.stop(emulator)

    notes = account.notes()
    assert len({note["kind"] for note in notes}) == 2  # two at the same moment
    at = sorted(note["at"] for note in notes)
    # A machine with other work wakes late, but nobody more than keeps the pace.
    assert at[-1] - at[0] > 0.2 * (len(at) - 1) * 0.9


def test_an_items_changes_are_all_in_one_shard() -> None:
    records = [{"dynamodb": {"Keys": {"id": {"S": str(n)}}}} for n in range(100)]
    shards = [shard_of(record, 4) for record in records]
    assert shards == [shard_of({"dynamodb": r["dynamodb"] | {"NewImage": {}}}, 4) for r in records]
    assert set(shards) == {0, 1, 2, 3}
    assert {shard_of(record, 1) for record in records} == {0}


def test_a_slow_reader_of_a_stream_holds_up_no_queue(account: Account) -> None:
    account.function()
    stream = account.table()
    url = account.queue()
    account.map(stream, StartingPosition="LATEST")
    account.map(account.arn("sqs", account.name))
    account.put("slow")
    eventually(account.noted)
    account.client("sqs").send_message(QueueUrl=url, MessageBody="quick")

    assert eventually(lambda: account.noted("end")) == [["quick"]]
    account.let_the_slow_go()
    eventually(lambda: account.noted("end")[1:] == [["slow"]])


def test_only_the_failed_message_of_a_batch_comes_back(account: Account) -> None:
    account.function()
    url = account.queue(VisibilityTimeout="5")  # longer than a cold start on a busy machine
    mapping = account.map(account.arn("sqs", account.name), Enabled=False)
    account.client("sqs").send_message_batch(
        QueueUrl=url,
        Entries=[{"Id": name, "MessageBody": name} for name in ("a", "flaky", "c")],
    )
    account.client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)

    eventually(lambda: len(account.noted("end")) > 1)
    assert account.noted() == [["a", "flaky", "c"], ["flaky"]]


def test_message_groups_run_side_by_side_and_each_in_order(account: Account) -> None:
    account.function()
    url = account.queue(".fifo", FifoQueue="true")
    account.map(account.arn("sqs", f"{account.name}.fifo"), BatchSize=1)
    for number, (group, name) in enumerate(
        [("A", "slow A1"), ("A", "slow A2"), ("B", "slow B1"), ("B", "slow B2")]
    ):
        account.client("sqs").send_message(
            QueueUrl=url,
            MessageBody=name,
            MessageGroupId=group,
            MessageDeduplicationId=str(number),
        )

    eventually(lambda: len(account.noted()) == 2)  # neither waits for the other's end
    assert sorted(account.noted()) == [["slow A1"], ["slow B1"]]
    account.let_the_slow_go()
    eventually(lambda: len(account.noted("end")) == 4)
    notes = [json.loads(line) for line in account.seen.read_text().splitlines()]
    order = [(note["kind"], note["what"][0]) for note in notes]
    for group in "AB":
        mine = [note for note in order if group in note[1]]
        assert mine == [
            (kind, f"slow {group}{number}") for number in (1, 2) for kind in ("start", "end")
        ]


def test_errors_and_metrics_are_counted_when_a_queue_calls_the_function(account: Account) -> None:
    account.function()
    url = account.queue()
    account.map(account.arn("sqs", account.name))
    account.client("sqs").send_message(QueueUrl=url, MessageBody="poison")

    def total(namespace: str, metric: str, name: str, value: str) -> float:
        answer = account.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )
        return float(sum(point["Sum"] for point in answer["Datapoints"]))

    assert eventually(lambda: total("AWS/Lambda", "Errors", "FunctionName", account.name)) == 1
    assert total("AWS/Lambda", "Invocations", "FunctionName", account.name) == 1
    assert total("Bills", "Posted", "service", "poster") >= 3


def test_a_dead_message_raises_the_alarm_and_mails_the_person_it_names(account: Account) -> None:
    topic = account.client("sns").create_topic(Name=account.name)["TopicArn"]
    account.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="books@example.com")
    dead, _other = account.queue(), account.queue("-other")
    for name in (account.name, f"{account.name}-other"):
        account.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SQS",
            MetricName="ApproximateNumberOfMessagesVisible",
            Dimensions=[{"Name": "QueueName", "Value": name}],
            Statistic="Maximum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
            AlarmActions=[topic],
        )
    account.client("sqs").send_message(QueueUrl=dead, MessageBody="{}")

    outbox = account.emulator.outbox
    (mail,) = eventually(lambda: outbox.read_text().splitlines() if outbox.exists() else [])
    assert json.loads(mail)["to"] == "books@example.com"
    assert json.loads(mail)["subject"].startswith(f'ALARM: "{account.name}"')


def test_an_alarm_of_terraforms_keeps_what_it_does_in_each_state(account: Account) -> None:
    assert account.alarm_actions() == {
        f"{kind}Actions": [account.arn("sns", kind)] for kind in ("Alarm", "OK", "InsufficientData")
    }


def test_the_emulator_listens_on_its_own_port_only(tmp_path: Path) -> None:
    assert bound_by("sandbox.aws.ministack", tmp_path) == ["127.0.0.1:1"]


def test_forgetting_leaves_the_settings_table_and_a_queue_that_takes_the_same_message_again(
    emulator: aws.Emulator,
) -> None:
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    sqs, secrets = emulator.client("sqs"), emulator.client("secretsmanager")
    for table in ("bills", "settings"):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "entry_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "entry_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    for table in ("bills", "settings"):
        dynamodb.put_item(TableName=table, Item={"entry_id": {"S": "settings"}})
    for number in range(60):
        dynamodb.put_item(TableName="bills", Item={"entry_id": {"S": f"odoo-{number}"}})
    make_mirror_table(dynamodb, "mirror")
    for number in range(30):
        key = {"pk": {"S": "odoo#contact#0000000"}, "sk": {"S": f"{number:010d}"}}
        dynamodb.put_item(TableName="mirror", Item=key | {"hash": {"S": "a record's"}})
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    changed = dynamodb.update_table(TableName="mirror", StreamSpecification=view)
    s3.create_bucket(Bucket="bills", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_bucket_versioning(Bucket="bills", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket="bills", Key="bill.pdf", Body=body)
    s3.delete_object(Bucket="bills", Key="bill.pdf")
    token = "odoo-qb-integration/quickbooks-token-test/acme"
    secrets.create_secret(Name=token, SecretString='{"access_token": "old"}')
    secrets.create_secret(Name="odoo-erp-session-test/ledger", SecretString="a-cookie")
    url = sqs.create_queue(QueueName="bills.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    message = {"MessageBody": "{}", "MessageGroupId": "acme", "MessageDeduplicationId": "1"}

    for _ in range(2):  # twice is harmless
        sqs.send_message(QueueUrl=url, **message)
        forget(emulator, table="bills", bucket="bills", mirror="mirror")

        for table in ("bills", "settings"):
            assert dynamodb.scan(TableName=table)["Items"] == [{"entry_id": {"S": "settings"}}]
        assert dynamodb.scan(TableName="mirror")["Items"] == []
        left = s3.list_object_versions(Bucket="bills")
        assert not left.get("Versions")
        assert not left.get("DeleteMarkers")
        assert "Messages" not in sqs.receive_message(QueueUrl=url)
        for secret in (token, "odoo-erp-session-test/ledger"):
            assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "{}"
    sqs.send_message(QueueUrl=url, **message)
    assert len(sqs.receive_message(QueueUrl=url)["Messages"]) == 1
    # The webhook must not learn that every record was deleted: its mapping looks for a hash.
    stream = changed["TableDescription"]["LatestStreamArn"]
    told = streamed(emulator.client("dynamodbstreams"), stream)
    assert len(told) == 2 * 30
    assert not any("hash" in r["dynamodb"].get("NewImage", {}) for r in told)
    removed = [r["dynamodb"]["OldImage"] for r in told if r["eventName"] == "REMOVE"]
    assert [image.keys() for image in removed] == [{"pk", "sk"}] * 30


def streamed(client: Any, stream: str) -> list[dict[str, Any]]:
    """Every record of a table's stream."""
    [shard] = client.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    at = client.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )
    records: list[dict[str, Any]] = client.get_records(ShardIterator=at["ShardIterator"])["Records"]
    return records


def test_stopping_leaves_no_process_and_starting_again_finds_all_as_it_was(
    tmp_path: Path,
) -> None:
    first = aws.start(tmp_path)
    account = Account(first, "kept", tmp_path / "seen")
    account.function()
    account.table()
    account.put("before")
    account.map(account.arn("sqs", "kept") if account.queue() else "")
    account.client("sqs").send_message(QueueUrl=account.queue(), MessageBody="slow")
    eventually(account.noted)  # a function is at work when the emulator is stopped

    aws.stop(first)
    with pytest.raises(ProcessLookupError):
        os.killpg(first.process.pid, 0)

    second = aws.start(tmp_path)
    try:
        assert second.url == first.url
        again = Account(second, "kept", tmp_path / "seen")
        items = again.client("dynamodb").scan(TableName="kept")["Items"]
        assert items == [{"id": {"S": "before"}}]
        again.client("sqs").send_message(QueueUrl=again.queue(), MessageBody="after")
        eventually(lambda: ["after"] in again.noted("end"))
    finally:
        aws.stop(second)


def a_table(emulator: aws.Emulator) -> None:
    emulator.client("dynamodb").create_table(
        TableName="kept",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )


def test_what_a_killed_emulator_left_is_built_again(tmp_path: Path) -> None:
    first = aws.start(tmp_path)
    a_table(first)
    (tmp_path / "terraform.tfstate").write_text("{}")
    os.killpg(first.process.pid, signal.SIGKILL)
    aws.stop(first)
    said: list[str] = []

    second = aws.start(tmp_path, say=said.append)
    try:
        assert said == ["the saved state is incomplete: building everything again"]
        assert second.client("dynamodb").list_tables()["TableNames"] == []
        assert not (tmp_path / "terraform.tfstate").exists()
    finally:
        aws.stop(second)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an emulator with a table left when it was stopped, with a state of Terraform's."""
    folder = tmp_path_factory.mktemp("saved")
    emulator = aws.start(folder)
    a_table(emulator)
    aws.stop(emulator)
    (folder / "terraform.tfstate").write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda at: (at / "terraform.under-way").touch(), "the last start did not finish"),
        (lambda at: (at / "state" / "dynamodb.json").unlink(), "the saved state is incomplete"),
        (lambda at: (at / "saved").write_text(""), "the saved state is incomplete"),
    ],
)
def test_what_was_left_half_done_is_built_again(
    saved: Path, tmp_path: Path, harm: Callable[[Path], None], why: str
) -> None:
    run_dir = tmp_path / "run"
    shutil.copytree(saved, run_dir)
    harm(run_dir)
    said: list[str] = []

    emulator = aws.start(run_dir, say=said.append)
    try:
        (told,) = said
        assert told.startswith(why)
        assert told.endswith(": building everything again")
        assert emulator.client("dynamodb").list_tables()["TableNames"] == []
        assert not list(run_dir.glob("terraform.*"))
    finally:
        aws.stop(emulator)


def test_a_second_sandbox_in_the_same_folder_says_that_it_waits(tmp_path: Path) -> None:
    said: list[str] = []
    begun = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        begun.set()

    first = hold(tmp_path, said.append)
    with ThreadPoolExecutor() as pool:
        second = pool.submit(hold, tmp_path, say)
        assert begun.wait(60)
        os.close(first)
        os.close(second.result(60))

    assert said == [f"another sandbox uses {tmp_path}: waiting up to 45 s"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"odoo": "x"}', '{"odoo": 99999}'])
def test_ports_that_cannot_be_read_are_not_remembered(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    ports = Ports(file)

    assert ports.free("odoo") == 0
    with serve(Response("here")) as server:
        port = int(server.url.rpartition(":")[2])
        ports.remember("odoo", port)
        assert (ports.last("odoo"), ports.free("odoo")) == (port, 0)  # while somebody is there
    assert Ports(file).free("odoo") == port
    assert [left.name for left in tmp_path.iterdir()] == ["ports.json"]


def test_terraform_ends_with_whoever_started_it() -> None:
    child_process = aws.PROJECT / "sandbox" / "aws" / "child_process.py"
    command = [
        sys.executable,
        "-I",
        str(child_process),
        sys.executable,
        "-c",
        "import time; print('started', flush=True); time.sleep(60)",
    ]
    code = (
        "import subprocess, sys, time; pipe = subprocess.PIPE;"
        "p = subprocess.Popen(sys.argv[1:], stdin=pipe, stdout=pipe, start_new_session=True);"
        "print(p.pid, p.stdout.readline().decode(), flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, *command], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        group, said = parent.stdout.readline().split()
        assert said == b"started"
        assert is_there(int(group))
        parent.kill()

    eventually(lambda: not is_there(int(group)))


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_emulator_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sandbox.aws import emulator;"
        "print(emulator.start(Path(sys.argv[1])).process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=aws.PROJECT, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        emulator = int(parent.stdout.readline())
        parent.kill()

    try:
        eventually(lambda: not is_there(emulator))
    finally:
        if is_there(emulator):
            os.killpg(emulator, signal.SIGKILL)


MAIN = """
terraform {
  required_version = ">= 1.11"
  required_providers { aws = { source = "hashicorp/aws", version = "~> 5.100" } }
}
variable "town" { type = string }
variable "password" {
  type      = string
  ephemeral = true
}
resource "aws_secretsmanager_secret" "all" { name = "terraform-test" }
resource "aws_secretsmanager_secret_version" "all" {
  secret_id                = aws_secretsmanager_secret.all.id
  secret_string_wo         = var.password
  secret_string_wo_version = 1
}
resource "aws_cloudwatch_metric_alarm" "all" {
  alarm_name          = "terraform-test"
  alarm_description   = "Cats & <dogs>"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = "nothing" }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 2
  datapoints_to_alarm = 1
  threshold           = 0.5
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = ["arn:aws:sns:us-west-2:000000000000:nobody"]
  ok_actions          = ["arn:aws:sns:us-west-2:000000000000:nobody"]
  lifecycle {
    precondition {
      condition     = var.town != "Atlantis"
      error_message = "There is no such town."
    }
  }
}
resource "aws_cloudwatch_metric_alarm" "computed" {
  alarm_name          = "terraform-test-computed"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  metric_query {
    id          = "bad"
    expression  = "IF(wrong > 0 AND all - wrong <= 0, 1, 0)"
    return_data = true
  }
  dynamic "metric_query" {
    for_each = { wrong = "Wrong", all = "All" }
    content {
      id = metric_query.key
      metric {
        namespace   = "Computed"
        metric_name = metric_query.value
        dimensions  = { Of = "us" }
        period      = 3600
        stat        = "Sum"
      }
    }
  }
}
resource "aws_scheduler_schedule_group" "tasks" { name = "terraform-test" }
resource "aws_scheduler_schedule" "nightly" {
  name                         = "nightly"
  group_name                   = aws_scheduler_schedule_group.tasks.name
  schedule_expression          = "cron(30 2 ? * MON-FRI *)"
  schedule_expression_timezone = "America/New_York"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = "arn:aws:lambda:us-west-2:000000000000:function:nobody"
    role_arn = "arn:aws:iam::000000000000:role/nobody"
    input    = jsonencode({ run = "<aws.scheduler.execution-id>" })
    dead_letter_config { arn = "arn:aws:sqs:us-west-2:000000000000:nobody" }
    retry_policy { maximum_retry_attempts = 3 }
  }
}
output "town" { value = var.town }
"""


def test_terraform_applies_once_and_keeps_out_of_the_operators_folder(
    emulator: aws.Emulator, tmp_path: Path
) -> None:
    project, run_dir = tmp_path / "project", tmp_path / "run"
    project.mkdir()
    (project / "main.tf").write_text(MAIN)
    (project / "terraform.tfvars").write_text('password = "the operator\'s"\n')
    variables = {"town": "Reno", "password": "hunter2"}
    terraform = Terraform(project, run_dir, emulator.environment())
    lines: list[str] = []

    terraform.init()
    terraform.apply(variables, lines.append)
    secret = emulator.client("secretsmanager").get_secret_value(SecretId="terraform-test")
    assert secret["SecretString"] == "hunter2"
    assert terraform.output() == {"town": "Reno"}
    assert lines
    assert all(" of 6 resources" in line for line in lines)

    lines.clear()
    terraform.init()
    terraform.apply(variables, lines.append)
    assert lines == []  # nothing to change

    cloudwatch = emulator.client("cloudwatch")

    def state() -> str:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=["terraform-test-computed"])[
            "MetricAlarms"
        ]
        return str(alarm["StateValue"])

    def count(name: str) -> None:
        data = {"MetricName": name, "Value": 1, "Dimensions": [{"Name": "Of", "Value": "us"}]}
        cloudwatch.put_metric_data(Namespace="Computed", MetricData=[data])

    count("All")
    count("Wrong")
    eventually(lambda: state() == "ALARM")
    count("All")  # one that was right
    eventually(lambda: state() == "OK")

    with pytest.raises(TerraformError, match="There is no such town"):
        terraform.apply(variables | {"town": "Atlantis"}, lines.append)
    with pytest.raises(TerraformError, match="No value for required variable"):
        terraform.apply({"town": "Reno"}, lines.append)
    with pytest.raises(TerraformError, match=f"remove {run_dir}: everything is then built again"):
        terraform.apply({"town": "Reno"}, lines.append)
    assert not was_cut_off(run_dir)  # it ended by itself, and knows what it made
    assert sorted(file.name for file in project.iterdir()) == ["main.tf", "terraform.tfvars"]
    for file in run_dir.rglob("*"):
        if file.is_file() and "providers" not in file.parts:
            assert b"hunter2" not in file.read_bytes()


def records(*numbers: str) -> list[dict[str, Any]]:
    return [{"dynamodb": {"SequenceNumber": number}} for number in numbers]


@pytest.mark.parametrize(
    ("result", "first"),
    [
        ({"body": None}, None),
        ({"body": {}}, None),
        ({"body": {"batchItemFailures": []}}, None),
        ({"body": {"batchItemFailures": None}}, None),
        ({"body": '{"batchItemFailures": [{"itemIdentifier": "2"}]}'}, 1),
        ({"body": {"batchItemFailures": [{"itemIdentifier": n} for n in ("3", "2")]}}, 1),
        ({"body": {"batchItemFailures": [{"itemIdentifier": "unknown"}]}}, 0),
        ({"body": {"batchItemFailures": [{"itemIdentifier": ""}]}}, 0),
        ({"body": {"batchItemFailures": [{}]}}, 0),
        ({"body": "not JSON"}, 0),
        ({"error": True, "body": {"errorMessage": "no"}}, 0),
    ],
)
def test_the_lowest_failed_record_is_where_a_stream_goes_on(
    result: dict[str, Any], first: int | None
) -> None:
    mapping = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    assert first_failed(mapping, records("1", "2", "3"), result) == first


def test_a_failing_batch_is_split_without_using_up_retries() -> None:
    mapping = {"BisectBatchOnFunctionError": True}
    one, two, three = records("1", "2", "3")
    batch = Batch([one, two, three])

    assert still_to_do(mapping, batch, None) == []
    assert still_to_do(mapping, batch, 0) == [Batch([one]), Batch([two, three])]
    assert still_to_do(mapping, batch, 2) == [Batch([three])]
    assert still_to_do(mapping, Batch([one], 1), 0) == [Batch([one], 2)]
    assert still_to_do({}, batch, 0) == [Batch([one, two, three], 1)]


def test_records_past_their_age_are_set_aside_and_younger_ones_are_not() -> None:
    old, young = ({"dynamodb": {"ApproximateCreationDateTime": second}} for second in (100, 170))
    batch = Batch([old, young], 2)

    limited = {"MaximumRecordAgeInSeconds": 60}
    assert split_by_age(limited, batch, 200) == (Batch([old]), Batch([young], 2))
    for unlimited in ({}, {"MaximumRecordAgeInSeconds": -1}):
        assert split_by_age(unlimited, batch, 200) == (Batch([]), batch)


@pytest.mark.parametrize(
    ("treatment", "points", "needed", "state"),
    [
        ("missing", [2.0, 0.0], 1, "ALARM"),
        ("missing", [2.0, 0.0], 2, "OK"),
        ("missing", [1.0, 1.0], 1, "OK"),  # the threshold itself is not over it
        ("missing", [None, None], 1, "INSUFFICIENT_DATA"),
        ("ignore", [None, None], 1, None),
        ("breaching", [None, None], 2, "ALARM"),
        ("notBreaching", [None, None], 1, "OK"),
        ("notBreaching", [None, 5.0], 2, "OK"),
    ],
)
def test_an_alarm_counts_the_periods_over_its_threshold(
    treatment: str, points: list[float | None], needed: int, state: str | None
) -> None:
    alarm = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1.0,
        "TreatMissingData": treatment,
        "DatapointsToAlarm": needed,
    }
    assert alarm_state(alarm, points) == state


@pytest.mark.parametrize(
    ("wrong", "requests", "refused", "value"),
    [
        (1, 3, 3, 1),  # a click signed wrongly, and two scans of the internet
        (1, 4, 3, 0),  # a click came through
        (0, 9, 9, 0),  # scans alone
        (2, 2, 2, 1),
    ],
)
def test_an_expression_is_computed_of_a_periods_values(
    wrong: float, requests: float, refused: float, value: float
) -> None:
    values = {"wrongly_signed": wrong, "requests": requests, "refused": refused}
    text = (aws.PROJECT / "alarms.tf").read_text()
    expression = text.split('expression  = "', 1)[1].split('"', 1)[0]
    assert computed(expression, values) == value


def test_an_expression_that_is_not_known_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="no alarm of ours says"):
        computed("FILL(a, 0)", {"a": 1})


def test_metrics_in_a_log_line_are_found_with_their_dimensions() -> None:
    log = f"START\n{json.dumps(METRIC)}\n" + '{"message": "\\"_aws\\"", "other": 1'
    assert embedded_metrics(log) == [
        ("Bills", "Posted", value, "Count", {"service": "poster"}) for value in (1.0, 2.0)
    ]


def test_a_right_to_send_allows_a_batch_to_that_queue_and_to_no_other(account: Account) -> None:
    url, other = (account.queue(f"{n}.fifo", FifoQueue="true") for n in (1, 2))
    resource = account.arn("sqs", url.rpartition("/")[2])
    limited = account.limited_to("sqs:SendMessage", resource).client("sqs")
    entry = {"Id": "1", "MessageBody": "x", "MessageGroupId": "a", "MessageDeduplicationId": "1"}

    assert len(limited.send_message_batch(QueueUrl=url, Entries=[entry])["Successful"]) == 1
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.send_message_batch(QueueUrl=other, Entries=[entry])
    message = account.client("sqs").receive_message(QueueUrl=url)["Messages"][0]
    gone = [{"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}]
    with pytest.raises(ClientError, match="AccessDenied"):
        limited.delete_message_batch(QueueUrl=url, Entries=gone)
