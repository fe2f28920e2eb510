"""An account in the emulator: functions, tables and queues under names of a test's own."""

from __future__ import annotations

import io
import json
import os
import ssl
import subprocess
import sys
import textwrap
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws import emulator as aws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SERVICES = ["lambda.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"]
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": SERVICES},
        "Action": "sts:AssumeRole",
    },
}
METRIC = {  # as Powertools writes one into the log
    "_aws": {
        "Timestamp": 1,
        "CloudWatchMetrics": [
            {
                "Namespace": "Bills",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "Posted", "Unit": "Count"}],
            }
        ],
    },
    "service": "poster",
    "Posted": [1.0, 2.0],
}
# What each delivery brought is written to a file: functions run on this machine.
HANDLER = """
import json, os, time, urllib.request
import boto3

def names(event):
    for record in event["Records"]:
        if "dynamodb" in record:
            yield record["dynamodb"]["Keys"]["id"]["S"], record["dynamodb"]["SequenceNumber"]
        else:
            yield record["body"], record["messageId"]

def note(kind, what):
    with open(os.environ["SEEN"], "a") as file:
        file.write(json.dumps({"kind": kind, "what": what, "at": time.time()}) + "\\n")

def seen_before(name):
    with open(os.environ["SEEN"]) as file:
        return sum(name in json.loads(line)["what"] for line in file) > 1

def handler(event, context):
    if "fetch" in event:
        return urllib.request.urlopen(event["fetch"], timeout=5).read().decode()
    if "forbidden" in event:
        try:
            boto3.client("dynamodb").scan(TableName=event["forbidden"])
        except Exception as error:
            return str(error)
    print(os.environ["METRIC"])
    note("start", [name for name, _ in names(event)])
    failed = []
    for name, number in names(event):
        if name.startswith("poison"):
            raise ValueError("cannot digest " + name)
        while name.startswith("slow") and not os.path.exists(os.environ["SEEN"] + ".go"):
            time.sleep(0.02)
        if name.startswith("flaky") and not seen_before(name):
            failed.append({"itemIdentifier": number})
    note("end", [name for name, _ in names(event)])
    return {"batchItemFailures": failed}
"""


def zipped(code: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", textwrap.dedent(code))
    return buffer.getvalue()


def eventually[T](look: Callable[[], T | None], seconds: float = 60) -> T:
    """What `look` finds once it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found, f"nothing within {seconds} s"
    return found


def choosing(language: str, rule: dict[str, Any]) -> dict[str, Any]:
    """A workflow that succeeds if a rule of its one Choice holds."""
    states = {
        "Choose": {
            "Type": "Choice",
            "Choices": [rule | {"Next": "Chosen"}],
            "Default": "Otherwise",
        },
        "Chosen": {"Type": "Pass", "End": True},
        "Otherwise": {"Type": "Fail", "Error": "Otherwise"},
    }
    return {"QueryLanguage": language, "StartAt": "Choose", "States": states}


@dataclass(frozen=True, slots=True)
class Account:
    """Makes what a test needs in the emulator, under names of the test's own."""

    emulator: aws.Emulator
    name: str
    seen: Path

    def client(self, service: str) -> Any:
        return self.emulator.client(service)

    def role(self, suffix: str = "") -> str:
        role = self.client("iam").create_role(
            RoleName=self.name + suffix, AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        return str(role["Role"]["Arn"])

    def function(self, code: str = HANDLER, **environment: str) -> str:
        role = self.role()
        client = self.client("lambda")
        client.create_function(
            FunctionName=self.name,
            Runtime="python3.12",
            Handler="main.handler",
            Role=role,
            Code={"ZipFile": zipped(code)},
            Timeout=60,
            Environment={
                "Variables": {"SEEN": str(self.seen), "METRIC": json.dumps(METRIC), **environment}
            },
        )
        client.get_waiter("function_active_v2").wait(
            FunctionName=self.name, WaiterConfig={"Delay": 1}
        )
        return self.name

    def call(self, event: dict[str, Any]) -> Any:
        answer = self.client("lambda").invoke(
            FunctionName=self.name, Payload=json.dumps(event).encode()
        )
        return json.loads(answer["Payload"].read())

    def table(self, key: str = "id") -> str:
        """Make a table with a stream; the stream's ARN."""
        answer = self.client("dynamodb").create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return str(answer["TableDescription"]["LatestStreamArn"])

    def run(self, definition: dict[str, Any], given: Any) -> dict[str, Any]:
        """How a run of a new workflow ended: its status, and its output or error."""
        workflows, number = self.client("stepfunctions"), token_hex(4)
        made = workflows.create_state_machine(
            name=f"{self.name}-{number}",
            definition=json.dumps(definition),
            roleArn=self.role(f"-{number}"),
        )
        run = workflows.start_execution(
            stateMachineArn=made["stateMachineArn"], input=json.dumps(given)
        )["executionArn"]

        def end() -> dict[str, Any] | None:
            found: dict[str, Any] = workflows.describe_execution(executionArn=run)
            return None if found["status"] == "RUNNING" else found

        return eventually(end)

    def schedule(self, **settings: Any) -> None:
        """Make a schedule that is due at once, unless `settings` say otherwise."""
        target = {
            "RoleArn": self.role(f"-{token_hex(4)}"),
            "Arn": self.arn("lambda", "function:nobody"),
        }
        plain = {
            "Name": self.name,
            "ScheduleExpression": "rate(1 hour)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
        }
        target |= settings.pop("Target", {})
        self.client("scheduler").create_schedule(**plain | settings, Target=target)

    def limited_to(self, action: str, resource: str) -> Account:
        """The account as a user sees it who may do one thing only."""
        iam = self.client("iam")
        iam.create_user(UserName=self.name)
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = {"Version": "2012-10-17", "Statement": statement}
        iam.put_user_policy(
            UserName=self.name, PolicyName="only", PolicyDocument=json.dumps(document)
        )
        keys = iam.create_access_key(UserName=self.name)["AccessKey"]
        user = replace(
            self.emulator, access_key=keys["AccessKeyId"], secret_key=keys["SecretAccessKey"]
        )
        return replace(self, emulator=user)

    def query(self, action: str, **parameters: str) -> str:
        """What CloudWatch answers to the protocol that Terraform speaks."""
        request = AWSRequest(
            "POST",
            self.emulator.url,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            data=urlencode({"Action": action, "Version": "2010-08-01"} | parameters).encode(),
        )
        keys = Credentials(self.emulator.access_key, self.emulator.secret_key)
        SigV4Auth(keys, "monitoring", self.emulator.region).add_auth(request)
        trust = ssl.create_default_context(cafile=self.emulator.ca_bundle)
        signed = urllib.request.Request(  # noqa: S310 - of the emulator
            self.emulator.url, data=request.data, headers=dict(request.headers)
        )
        with urllib.request.urlopen(signed, context=trust) as answer:  # noqa: S310 - as above
            return str(answer.read().decode())

    def alarm_actions(self) -> dict[str, list[str]]:
        """What an alarm of Terraform's, with an action for each state, is found to do."""
        actions = {
            f"{kind}Actions.member.1": self.arn("sns", kind)
            for kind in ("Alarm", "OK", "InsufficientData")
        }
        self.query(
            "PutMetricAlarm",
            **actions,
            AlarmName=self.name,
            Namespace=self.name,
            MetricName="Wrong",
            Statistic="Maximum",
            Period="60",
            EvaluationPeriods="1",
            Threshold="0",
            ComparisonOperator="GreaterThanThreshold",
        )
        found = self.client("cloudwatch").describe_alarms(AlarmNames=[self.name])
        (alarm,) = found["MetricAlarms"]
        return {name: actions for name, actions in alarm.items() if name.endswith("Actions")}

    def put(self, *ids: str) -> None:
        for name in ids:
            self.client("dynamodb").put_item(TableName=self.name, Item={"id": {"S": name}})

    def queue(self, suffix: str = "", **attributes: str) -> str:
        answer = self.client("sqs").create_queue(
            QueueName=self.name + suffix, Attributes=attributes
        )
        return str(answer["QueueUrl"])

    def map(self, source: str, **settings: object) -> str:
        answer = self.client("lambda").create_event_source_mapping(
            EventSourceArn=source,
            FunctionName=self.name,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **settings,
        )
        return str(answer["UUID"])

    def messages(self, url: str) -> list[dict[str, Any]]:
        answer = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", ())]

    def noted(self, kind: str = "start") -> list[list[str]]:
        """What each delivery brought."""
        notes = self.notes() if self.seen.exists() else []
        return [note["what"] for note in notes if note["kind"] == kind]

    def notes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.seen.read_text().splitlines()]

    def let_the_slow_go(self) -> None:
        self.seen.with_name(f"{self.seen.name}.go").touch()

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.emulator.region}:{self.emulator.account}:{resource}"


def bound_by(module: str, folder: Path) -> list[str]:
    """The addresses that an emulator would listen on if it could have any."""
    code = f"""
import hypercorn.asyncio, ministack.app
async def serve(_, config):
    print("binds", *config.bind, flush=True)
hypercorn.asyncio.serve = serve
ministack.app._port_is_bindable = lambda host, port: True
import {module}
{module}.main()
"""
    environment = os.environ | {
        "USE_SSL": "1",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": "1",  # nobody is there
        "TMPDIR": str(folder),
        "SANDBOX_OUTBOX": str(folder / "outbox"),
        "SANDBOX_SAVED": str(folder / "saved"),
    }
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=aws.PROJECT,
        env=environment,
        stdin=subprocess.PIPE,  # ours ends when it is closed
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        (said,) = (line.split() for line in process.stdout if line.startswith("binds "))
    return said[1:]


@contextmanager
def an_account(emulator: aws.Emulator, test: str, folder: Path) -> Iterator[Account]:
    """An account for a test, by its name; nothing goes on in it afterwards."""
    name = test.removeprefix("test_").replace("_", "-")[:40].strip("-")
    account = Account(emulator, name, folder / "seen")
    yield account
    account.let_the_slow_go()
    client = account.client("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        client.delete_event_source_mapping(UUID=mapping["UUID"])
