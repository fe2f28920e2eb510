"""Step Functions: what a Choice answers to what is not there, and what executions.py has."""

# ruff: noqa: SLF001, ANN401 - its work is on another package's untyped internals

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sandbox.aws.executions import Executions
from sandbox.aws.internals import replace, service

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

type Document = dict[str, Any]  # a rule, an input: JSON as MiniStack keeps it


class Choices:
    """Evaluates the rules of Choice states.

    MiniStack 1.5.33 goes on to Default where a path leads to nothing, and takes any value of a
    JSONata condition for true or false, the text "false" for true.
    https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
    """

    def __init__(self, workflows: ModuleType, compare: Callable[..., bool]) -> None:
        self._workflows, self._compare = workflows, compare

    def compares(self, rule: Document, data: Any, context: Document | None = None) -> bool:
        """Whether a rule in JSONPath holds; States.Runtime where its path leads to nothing."""
        paths = [value for name, value in rule.items() if name == "Variable" or name[-4:] == "Path"]
        for path in () if "IsPresent" in rule else paths:
            if not self._leads_somewhere(path, data, context or {}):
                raise self._workflows._ExecutionError(
                    "States.Runtime",
                    f"Invalid path '{path}': The choice state's condition path references an"
                    " invalid value.",
                )
        return self._compare(rule, data, context)

    def is_met(self, rule: Document, data: Any, context: Document | None = None) -> bool:
        """Whether a condition in JSONata is true; States.QueryEvaluationError if not a boolean."""
        met: bool = self._workflows._jsonata_state_field(
            rule, "Condition", "boolean", data, context
        )
        return met

    def _leads_somewhere(self, path: str, data: Any, context: Document) -> bool:
        here, way = (context, path[1:]) if path.startswith("$$.") else (data, path)
        for kind, step in self._workflows._parse_jsonpath_tokens(way) or ():
            if kind == "wildcard":
                return True
            try:
                here = here[step]
            except (LookupError, TypeError):
                return False
        return True


def fix_workflows() -> None:
    """Fix how the Choice states of Step Functions compare, and how executions go."""
    workflows, functions = service("stepfunctions"), service("lambda_svc")
    choices = Choices(workflows, workflows._evaluate_rule)
    replace(workflows, "_evaluate_rule", choices.compares)
    replace(workflows, "_evaluate_jsonata_choice_rule", choices.is_met)
    executions = Executions(workflows, service("cloudwatch"))
    replace(workflows, "_run_execution", executions.run)
    replace(workflows, "_fail_execution", executions.failed)
    replace(workflows, "_emit_execution_status_event", executions.changed)

    def retrier(retriers: Any, error: str, counts: dict[int, int]) -> Any:
        return executions.retrier(stock_retrier(retriers, error, counts), counts)

    stock_retrier = replace(workflows, "_find_matching_retrier", retrier)

    def describe(request: Document) -> Any:
        status, headers, body = stock_describe(request)
        if status != HTTPStatus.OK:
            return status, headers, body
        execution = workflows._executions[request["executionArn"]]
        return workflows.json_response(executions.described(execution, json.loads(body)))

    stock_describe = replace(workflows, "_describe_execution", describe)

    async def answer(method: str, path: str, headers: Any, body: bytes, parameters: Any) -> Any:
        if headers.get("x-amz-target", "").endswith(".RedriveExecution"):
            return workflows._finalize_response(executions.redrive(json.loads(body)))
        return await stock_answer(method, path, headers, body, parameters)

    stock_answer = replace(workflows, "handle_request", answer)

    # A turned-away call has the name that workflows retry: 1.5.33 calls it Lambda.Unknown.
    # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    def turned_away(*given: Any, **named: Any) -> Any:
        answer = stock_turned_away(*given, **named)
        return {
            **answer,
            "body": {"errorType": "Lambda.TooManyRequestsException", **answer["body"]},
        }

    stock_turned_away = replace(functions, "_throttle_response", turned_away)
