"""An invoice given to the intake's state machine, and its way through the states.

The samples are templates: the dates in them are made when they are read, such as "+30 days", and so
is "<new id>", the same in all of a file.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox import chain
from sandbox.aws import emulator as aws
from sandbox.prerequisites import SetupError
from sandbox.vendors import EVERY_MINUTE, Vendors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Json = dict[str, Any]

MACHINE: Final = "invoice-automation-workflow-"
NEW_ID: Final = "<new id>"
FAILING: Final = "failing"  # in a sample: the function that lacks its settings meanwhile
_DAYS: Final = re.compile(r"([+-][0-9]{1,4}) days?")
_WITHIN: Final = 600.0  # seconds for an execution, its retries included
_POLL: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The input of an execution; `failing` names a function that cannot work meanwhile, or ""."""

    given: Json
    failing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an execution ended: its output, or the outcome "failed" with the reason."""

    execution: str
    output: Json


def read(file: Path, now: datetime) -> list[Sample]:
    """The samples of a file, which holds one or a list of them; SetupError if it holds none."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise SetupError(f"{file} is not there.") from None
    except (OSError, ValueError) as error:
        raise SetupError(f"{file} cannot be read as JSON: {error}.") from error
    written = content if isinstance(content, list) else [content]
    if not all(isinstance(one, dict) for one in written) or not written:
        raise SetupError(f'{file} must hold {{"invoice": {{…}}}}, or a list of such.')
    made = [_made(one, now.date(), f"S-{now:%Y%m%d-%H%M%S-%f}") for one in written]
    return [
        Sample(given={n: v for n, v in one.items() if n != FAILING}, failing=one.get(FAILING, ""))
        for one in made
    ]


def _made(value: Any, today: date, new_id: str) -> Any:  # noqa: ANN401 - JSON
    """A sample with its dates and its id."""
    if isinstance(value, dict):
        return {name: _made(inner, today, new_id) for name, inner in value.items()}
    if isinstance(value, list):
        return [_made(inner, today, new_id) for inner in value]
    if value == NEW_ID:
        return new_id
    if isinstance(value, str) and (match := _DAYS.fullmatch(value)):
        return (today + timedelta(days=int(match[1]))).isoformat()
    return value


def run(file: Path, say: Callable[[str], None], *, only_print: bool = False) -> int:
    """Start an execution for each sample of a file, one after the other, and print their ways.

    On the sandbox that runs already, or on one of its own. 0, however they ended. With `only_print`
    the first sample is printed as an execution's input, and none is started.
    """
    samples = read(file, datetime.now(UTC))
    if only_print:
        print(json.dumps(samples[0].given))
        return 0
    with _account(say) as account:
        for sample in samples:
            ended = execute(account, sample, say)
            say(json.dumps(ended.output, indent=2, ensure_ascii=False))
    return 0


def execute(account: aws.Account, sample: Sample, say: Callable[[str], None]) -> Ended:
    """Start an execution, say each state it enters and each failure, and wait for its end."""
    workflows = account.client("stepfunctions")
    with _failing(account, sample.failing):
        started = workflows.start_execution(
            stateMachineArn=machine(account), input=json.dumps(sample.given)
        )
        execution = str(started["executionArn"])
        say(f"execution {execution.rpartition(':')[2]}")
        seen, deadline = 0, time.monotonic() + _WITHIN
        while True:
            described = workflows.describe_execution(executionArn=execution)
            events = _events(workflows, execution)
            for event in events[seen:]:
                if line := _line(event):
                    say(line)
            seen = len(events)
            if described["status"] != "RUNNING":
                return Ended(execution=execution, output=_output(described))
            if time.monotonic() > deadline:
                raise SetupError(f"The execution did not end within {_WITHIN:.0f} s.")
            time.sleep(_POLL)


def machine(account: aws.Account) -> str:
    """The ARN of the state machine; SetupError if there is none."""
    found = account.client("stepfunctions").list_state_machines()["stateMachines"]
    for one in found:
        if one["name"].startswith(MACHINE):
            return str(one["stateMachineArn"])
    raise SetupError("The sandbox runs without the intake: start it without --no-mirror.")


def _events(workflows: Any, execution: str) -> list[Json]:  # noqa: ANN401 - boto3
    pages = workflows.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def _line(event: Json) -> str:
    """What a person reads of an event; "" if nothing."""
    if "stateEnteredEventDetails" in event:
        return f"  {event['stateEnteredEventDetails']['name']}"
    if "taskFailedEventDetails" in event:
        return f"    failed: {event['taskFailedEventDetails']['error']}"
    return ""


def _output(described: Json) -> Json:
    if described["status"] == "SUCCEEDED":
        output: Json = json.loads(described["output"])
        return output
    reason = {"error": described.get("error", ""), "cause": described.get("cause", "")}
    return {"outcome": "failed", "status": described["status"], **reason}


@contextmanager
def _account(say: Callable[[str], None]) -> Iterator[aws.Account]:
    """The account of the running sandbox, or that of a new one, which ends afterwards."""
    if account := aws.running(chain.run_dir()):
        yield account
        return
    with chain.start(Vendors(mirror_rate=EVERY_MINUTE, schedules=False), say) as running:
        yield running.emulator
        say("stopping")


@contextmanager
def _failing(account: aws.Account, function: str) -> Iterator[None]:
    """Take a function's settings away meanwhile: it cannot work, and says so at once."""
    if not function:
        yield
        return
    client = account.client("lambda")
    names = [one["FunctionName"] for one in client.list_functions()["Functions"]]
    found = next((n for n in names if n.startswith(function.replace("_", "-"))), "")
    if not found:
        raise SetupError(f"There is no function {function} to fail.")
    kept = client.get_function_configuration(FunctionName=found)["Environment"]
    _configure(client, found, {"Variables": {}})
    try:
        yield
    finally:
        _configure(client, found, kept)


def _configure(client: Any, function: str, environment: Json) -> None:  # noqa: ANN401 - boto3
    client.update_function_configuration(FunctionName=function, Environment=environment)
    waiter = client.get_waiter("function_updated_v2")
    waiter.wait(FunctionName=function, WaiterConfig={"Delay": 1})
