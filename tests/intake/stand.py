"""The state machine on the emulator, with its functions' zip and the definition filled in."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import plain
from tests.support.emulator_account import TRUST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.aws.emulator import Emulator

Json = dict[str, Any]

PROJECT: Final = Path(__file__).parents[2]
DEFINITION: Final = (PROJECT / "intake.asl.json").read_text("utf-8")
FUNCTIONS: Final = ("validate_invoice", "process_invoice", "send_notification")
TABLE: Final = "intake"
ENDED: Final = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}
WITHIN: Final = 120.0  # seconds
POLL: Final = 0.4  # seldom: it is the emulator's processor that answers
_NUMBERS: Final = count(1)
_ANYTHING: Final[Json] = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"},
}
# Fails as often as a file says, then does what the real function does.
BRITTLE: Final = """
import json, os, time
import intake

class Broken(Exception):
    pass

def handler(event, context):
    with open(os.environ["PLACE"]) as file:
        plan = json.load(file)
    if plan["failures"]:
        with open(os.environ["PLACE"], "w") as file:
            json.dump(plan | {"failures": plan["failures"] - 1}, file)
        time.sleep(plan["seconds"])
        raise Broken("of the test")
    return getattr(intake, os.environ["FUNCTION"])(event, context)
"""


@dataclass(frozen=True, slots=True)
class Brittle:
    """A function that fails on demand."""

    arn: str
    place: Path

    def fail(self, failures: int = 99, seconds: float = 0.0) -> str:
        """Fail the next calls, each after some seconds; the function's ARN."""
        self.place.write_text(json.dumps({"failures": failures, "seconds": seconds}))
        return self.arn

    def mend(self) -> None:
        """Work again."""
        self.fail(0)


@dataclass(slots=True)
class Stand:
    """The functions, the table and the topic; a queue gets what is announced."""

    emulator: Emulator
    folder: Path
    topic: str = ""
    queue: str = ""
    functions: dict[str, str] = field(default_factory=dict)  # ARNs by name
    _brittle: dict[tuple[str, int], Brittle] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sns, sqs = self.client("sns"), self.client("sqs")
        self.topic = sns.create_topic(Name=TABLE)["TopicArn"]
        policy = {**_ANYTHING, "Statement": _ANYTHING["Statement"] | {"Principal": "*"}}
        attributes = {"Policy": json.dumps(policy)}
        self.queue = sqs.create_queue(QueueName=TABLE, Attributes=attributes)["QueueUrl"]
        where = f"arn:aws:sqs:{self.emulator.region}:{self.emulator.account}:{TABLE}"
        sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=where)
        code = (PROJECT / "lambda" / "intake.zip").read_bytes()
        for name in FUNCTIONS:
            self.functions[name] = self.function(name, f"intake.{name}", code)

    def client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.emulator.client(service)
            return self._clients[service]

    def function(
        self, name: str, handler: str, code: bytes, timeout: int = 30, **environment: str
    ) -> str:
        """Make a function; its ARN."""
        role = self.role(f"role-{name}")
        variables = {
            "INTAKE_TABLE": TABLE,
            "INTAKE_TOPIC": self.topic,
            "INTAKE_TIME_ZONE": "UTC",
            "INTAKE_MAXIMUM_AMOUNT": "1000000",
            **environment,
        }
        client = self.client("lambda")
        made = client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler=handler,
            Role=role,
            Code={"ZipFile": code},
            Timeout=timeout,
            Environment={"Variables": variables},
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return str(made["FunctionArn"])

    def brittle(self, name: str, timeout: int = 30) -> Brittle:
        """A function that does what `name` does, unless it is to fail."""
        if (name, timeout) not in self._brittle:
            place = self.folder / f"brittle-{name}-{timeout}"
            code = _with_handler((PROJECT / "lambda" / "intake.zip").read_bytes(), BRITTLE)
            environment = {"PLACE": str(place), "FUNCTION": name}
            arn = self.function(place.name, "brittle.handler", code, timeout, **environment)
            self._brittle[name, timeout] = Brittle(arn, place)
        return self._brittle[name, timeout]

    def role(self, name: str) -> str:
        iam = self.client("iam")
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_ANYTHING))
        return str(made["Role"]["Arn"])

    def machine(
        self,
        functions: Mapping[str, str] | None = None,
        change: Callable[[Json], object] = lambda _definition: None,
    ) -> str:
        """Make a state machine with some functions replaced, or the definition changed."""
        text = DEFINITION
        for function, arn in (self.functions | dict(functions or {})).items():
            text = text.replace(f"${{{function}}}", arn)
        definition: Json = json.loads(text)
        change(definition)
        name = f"machine-{next(_NUMBERS)}"
        made = self.client("stepfunctions").create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=self.role(f"role-{name}")
        )
        return str(made["stateMachineArn"])

    def start(self, machine: str, given: Any, **name: str) -> str:
        """Start an execution; its ARN."""
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=machine, input=json.dumps(given), **name
        )
        return str(started["executionArn"])

    def end(self, execution: str) -> Json:
        """How an execution ended."""
        client, deadline = self.client("stepfunctions"), time.monotonic() + WITHIN
        while True:
            found: Json = client.describe_execution(executionArn=execution)
            if found["status"] in ENDED:
                return found
            assert time.monotonic() < deadline, f"{execution} does not end"
            time.sleep(POLL)

    def run(self, machine: str, invoice: Any) -> Json:
        """Start an execution for an invoice and wait; how it ended, with `output` as JSON."""
        ended = self.end(self.start(machine, {"invoice": invoice}))
        return ended | ({"output": json.loads(ended["output"])} if ended.get("output") else {})

    def history(self, execution: str) -> list[Json]:
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        found = pages.paginate(executionArn=execution)
        return [event for page in found for event in page["events"]]

    def states(self, execution: str) -> list[str]:
        """The states that an execution entered."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(execution)
            if "stateEnteredEventDetails" in event
        ]

    def announced(self) -> list[str]:
        """The subjects of what was announced since this was last asked."""
        sqs, found = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"])["Subject"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return sorted(found)

    def rows(self, kind: str = "invoice#") -> list[Json]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        rows = [plain(row) for page in pages for row in page["Items"]]
        return [row for row in rows if row["pk"].startswith(kind)]


def _with_handler(package: bytes, code: str) -> bytes:
    """The function's package with one more module, brittle.py."""
    buffer = io.BytesIO(package)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("brittle.py", code)
    return buffer.getvalue()
