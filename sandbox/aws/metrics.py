"""Lambda's metrics of a function in CloudWatch: runs, answers through its URL, its stream's age."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

NAMESPACE: Final = "AWS/Lambda"
_MILLISECONDS: Final = 1000


class FunctionMetrics:
    """Counts every run, whoever calls; MiniStack 1.5.33 counts calls of its API only.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    def __init__(self, metrics: ModuleType) -> None:
        self._metrics = metrics

    def ran(self, name: str, seconds: float, *, failed: bool) -> None:
        """A run that ended; Errors is 0 or 1, so that its minimum is 0 where one succeeded."""
        self._put(name, "Invocations", 1)
        self._put(name, "Errors", int(failed))
        self._put(name, "Duration", seconds * _MILLISECONDS, "Milliseconds")

    def throttled(self, name: str) -> None:
        """A call for which there was no run: AWS counts it as neither a run nor an error."""
        self._put(name, "Throttles", 1)

    def iterator_age(self, name: str, seconds: float) -> None:
        """How old the last record of a batch is when the function is given it."""
        self._put(name, "IteratorAge", seconds * _MILLISECONDS, "Milliseconds")

    def url_answered(self, name: str, seconds: float, status: int) -> None:
        """An answer through the Function URL, a failed function's too.

        https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html
        """
        kind = status // 100 * 100
        self._put(name, "UrlRequestCount", 1)
        self._put(name, "Url4xxCount", int(kind == HTTPStatus.BAD_REQUEST))
        self._put(name, "Url5xxCount", int(kind == HTTPStatus.INTERNAL_SERVER_ERROR))
        self._put(name, "UrlRequestLatency", seconds * _MILLISECONDS, "Milliseconds")

    def _put(self, name: str, metric: str, value: float, unit: str = "Count") -> None:
        self._metrics.record_metric(NAMESPACE, metric, value, unit, {"FunctionName": name})
