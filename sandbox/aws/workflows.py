"""What Step Functions answers where a Choice compares what is not there."""

# ruff: noqa: SLF001, ANN401 - its work is on another package's untyped internals

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
