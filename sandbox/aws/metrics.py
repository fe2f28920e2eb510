"""Lambda's CloudWatch metrics of a function: runs, URL answers, the age of its stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

NAMESPACE: Final = "AWS/Lambda"
_MILLISECONDS: Final = 1000


class FunctionMetrics:
    """Counts every run; MiniStack 1.5.33 counts only calls of its API.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    def __init__(self, metrics: ModuleType) -> None:
        self._metrics = metrics

    def ran(self, name: str, seconds: float, *, failed: bool) -> None:
        """Count a run that ended; Errors is 0 or 1, so that its minimum is 0 if one succeeded."""
        self._put(name, "Invocations", 1)
        self._put(name, "Errors", int(failed))
        self._put(name, "Duration", seconds * _MILLISECONDS, "Milliseconds")

    def throttled(self, name: str) -> None:
        """Count a call without a run, which AWS counts as neither a run nor an error."""
        self._put(name, "Throttles", 1)

    def iterator_age(self, name: str, seconds: float) -> None:
        """Record the age of a batch's last record when the function gets it."""
        self._put(name, "IteratorAge", seconds * _MILLISECONDS, "Milliseconds")

    def url_answered(self, name: str, seconds: float, status: int) -> None:
        """Count an answer through the Function URL, also of a failed function.

        https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
        """
        kind = status // 100 * 100
        self._put(name, "UrlRequestCount", 1)
        self._put(name, "Url4xxCount", int(kind == HTTPStatus.BAD_REQUEST))
        self._put(name, "Url5xxCount", int(kind == HTTPStatus.INTERNAL_SERVER_ERROR))
        self._put(name, "UrlRequestLatency", seconds * _MILLISECONDS, "Milliseconds")

    def _put(self, name: str, metric: str, value: float, unit: str = "Count") -> None:
        self._metrics.record_metric(NAMESPACE, metric, value, unit, {"FunctionName": name})
