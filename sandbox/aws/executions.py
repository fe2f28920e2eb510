"""How executions of Step Functions go: time-outs, redrives, jitter, what CloudWatch counts."""

# ruff: noqa: SLF001, ANN401 - its work is on another package's untyped internals

from __future__ import annotations

import contextvars
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

type Document = dict[str, Any]  # an execution, a state: JSON as MiniStack keeps it

NAMESPACE: Final = "AWS/States"
_COUNTED: Final = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}
_REDRIVABLE: Final = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})
_MOMENT: Final = 0.15  # seconds after a start, as MiniStack has it


class Executions:
    """Runs executions of Standard workflows.

    MiniStack 1.5.33 knows no redrive, never ends an execution for its TimeoutSeconds, turns one
    that was stopped into a failed one, ignores JitterStrategy and MaxDelaySeconds, and counts
    nothing. https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
    """

    def __init__(self, workflows: ModuleType, metrics: ModuleType) -> None:
        self._workflows, self._metrics = workflows, metrics
        self._count: Callable[[Document], None] = workflows._emit_execution_status_event
        self._fail: Callable[[Document, str, str], None] = workflows._fail_execution

    def run(self, arn: str) -> None:
        """Run an execution from its first state."""
        time.sleep(_MOMENT)
        execution: Document = self._workflows._executions.get(arn) or {}
        definition = self._definition(execution) if execution else None
        if definition is None:
            self._fail(execution, "States.Runtime", "The state machine is gone or is no JSON.")
            return
        self._go_on(execution, definition, definition["StartAt"], json.loads(execution["input"]))

    def redrive(self, request: Document) -> Any:
        """Answer RedriveExecution: go on in the state in which it ended, with its input."""
        execution = self._workflows._executions.get(request.get("executionArn"))
        if not execution:
            return self._refused("ExecutionDoesNotExist", "Execution Does Not Exist")
        if execution["status"] not in _REDRIVABLE:
            said = f"Execution is {execution['status']} and cannot be redriven"
            return self._refused("ExecutionNotRedrivable", said)
        entered = next(
            event["stateEnteredEventDetails"]
            for event in reversed(execution["events"])
            if "stateEnteredEventDetails" in event
        )
        count = execution.get("redriveCount", 0) + 1
        now = self._workflows.now_iso()
        ended = dict.fromkeys(("error", "cause", "output", "stopDate"))
        execution |= {**ended, "status": "RUNNING", "redriveCount": count, "redriveDate": now}
        details = {"executionRedrivenEventDetails": {"redriveCount": count}}
        self._workflows._add_event(execution, "ExecutionRedriven", details)
        self.changed(execution)
        given = json.loads(entered["input"])
        context = contextvars.copy_context()  # whose account it is
        definition = self._definition(execution)
        threading.Thread(
            target=context.run,
            args=(self._go_on, execution, definition, entered["name"], given),
            daemon=True,
        ).start()
        return self._workflows.json_response({"redriveDate": now})

    def described(self, execution: Document, answer: Document) -> Document:
        """The answer to DescribeExecution, with how often the execution was redriven."""
        is_open = execution["status"] in _REDRIVABLE
        status = "REDRIVABLE" if is_open else "NOT_REDRIVABLE"
        return {
            **answer,
            "redriveCount": execution.get("redriveCount", 0),
            "redriveStatus": status,
            **({"redriveDate": execution["redriveDate"]} if "redriveDate" in execution else {}),
        }

    def changed(self, execution: Document) -> None:
        """Say and count that an execution's status changed.

        https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
        """
        self._count(execution)
        metric, dimension = _COUNTED[execution["status"]], execution["stateMachineArn"]
        self._metrics.record_metric(NAMESPACE, metric, 1, "Count", {"StateMachineArn": dimension})

    def failed(self, execution: Document, error: str, cause: str) -> None:
        """End an execution as failed, unless it has ended in another way meanwhile."""
        if execution["status"] == "RUNNING":
            self._fail(execution, error, cause)

    def retrier(self, found: tuple[Document | None, int], counts: dict[int, int]) -> Any:
        """A retrier with the delay that its jitter and its maximum make of it.

        https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
        """
        retrier, index = found
        if retrier is None:
            return found
        done = counts.get(index, 0)
        delay = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** done
        delay = min(delay, retrier.get("MaxDelaySeconds", 31_622_400))
        if retrier.get("JitterStrategy") == "FULL":
            delay = random.uniform(0, delay)  # noqa: S311 - to part, not to hide
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1.0}, index

    def _go_on(self, execution: Document, definition: Document, name: str, given: Any) -> None:
        workflows, states = self._workflows, definition["States"]
        timer = self._timer(execution, definition)
        context = {
            "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
            "Execution": {
                "Id": execution["executionArn"],
                "Input": json.loads(execution["input"]),
                "Name": execution["name"],
                "StartTime": execution["startDate"],
                "RedriveCount": execution.get("redriveCount", 0),
            },
            "StateMachine": {"Id": execution["stateMachineArn"], "Name": definition["name"]},
            "variables": {},
        }
        try:
            following: str | None = name
            while following and execution["status"] == "RUNNING":
                if following not in states:
                    raise workflows._ExecutionError("States.Runtime", f"no state {following}")  # noqa: TRY301 - as MiniStack does
                given, following = self._step(
                    execution, context, following, states[following], given
                )
            if execution["status"] == "RUNNING":
                self._end(execution, "SUCCEEDED", "Succeeded", output=json.dumps(given))
        except workflows._ExecutionError as error:
            self.failed(execution, error.error, error.cause)
        except Exception as error:  # noqa: BLE001 - whatever a state machine brings about
            self.failed(execution, "States.Runtime", str(error))
        finally:
            timer.cancel()

    def _step(
        self, execution: Document, context: Document, name: str, state: Document, given: Any
    ) -> tuple[Any, str | None]:
        """One state: what it passes on, and the next one's name."""
        workflows, kind = self._workflows, state["Type"]
        now = workflows.now_iso()
        context["State"] = {"Name": name, "EnteredTime": now, "RetryCount": 0}
        self._note(execution, f"{kind}StateEntered", "Entered", name, input=given)
        following: str | None = None
        match kind:
            case "Fail":
                raise workflows._ExecutionError(*workflows._fail_state_error(state, given, context))
            case "Succeed":
                passed = workflows._apply_jsonata_output(state, given, context, default=given)
            case "Task" | "Parallel" | "Map":
                act = getattr(workflows, f"_execute_{kind.lower()}")
                passed, following = act(state, given, execution, context)
            case _:
                act = getattr(workflows, f"_execute_{kind.lower()}")
                passed, following = act(state, given, context)
        if execution["status"] == "RUNNING":
            self._note(execution, f"{kind}StateExited", "Exited", name, output=passed)
        return passed, following

    def _note(self, execution: Document, kind: str, what: str, name: str, **data: Any) -> None:
        details = {"name": name} | {n: json.dumps(value) for n, value in data.items()}
        self._workflows._add_event(execution, kind, {f"state{what}EventDetails": details})

    def _timer(self, execution: Document, definition: Document) -> threading.Timer:
        """What ends the execution when its time is over."""
        context = contextvars.copy_context()  # whose account it is

        def end() -> None:
            if execution["status"] == "RUNNING":
                context.run(self._end, execution, "TIMED_OUT", "TimedOut", error="States.Timeout")

        seconds = definition.get("TimeoutSeconds", threading.TIMEOUT_MAX)
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        return timer

    def _end(self, execution: Document, status: str, event: str, **how: str) -> None:
        execution |= {"status": status, "stopDate": self._workflows.now_iso(), **how}
        details = {f"execution{event}EventDetails": how}
        self._workflows._add_event(execution, f"Execution{event}", details)
        self.changed(execution)

    def _definition(self, execution: Document) -> Document | None:
        machine = self._workflows._state_machines.get(execution["stateMachineArn"])
        try:
            return {**json.loads(machine["definition"]), "name": machine["name"]}
        except (TypeError, ValueError):
            return None

    def _refused(self, code: str, said: str) -> Any:
        return self._workflows.error_response_json(code, said, 400)
