"""CloudWatch as we need it: metrics from logs and queues, and alarms evaluated regularly."""

# ruff: noqa: SLF001 - its work is on another package's internals

from __future__ import annotations

import ast
import json
import operator
import re
import time
from typing import TYPE_CHECKING, Any, Final, cast
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

type Document = dict[str, Any]  # an alarm, a query: JSON as MiniStack keeps it

_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ALARM_TICK: Final = 2.0  # seconds between looks at the alarms; AWS looks every minute


def embedded_metrics(log: str) -> list[tuple[str, str, float, str, dict[str, str]]]:
    """Namespace, name, value, unit and dimensions of each metric embedded in the lines of a log.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    found: list[tuple[str, str, float, str, dict[str, str]]] = []
    for line in log.splitlines():
        if not (line.startswith("{") and '"_aws"' in line):
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        for group in entry["_aws"].get("CloudWatchMetrics", ()):
            for names in group.get("Dimensions") or [[]]:
                dimensions = {name: str(entry[name]) for name in names}
                for metric in group["Metrics"]:
                    values = entry[metric["Name"]]
                    found.extend(
                        (
                            group["Namespace"],
                            metric["Name"],
                            value,
                            metric.get("Unit", "None"),
                            dimensions,
                        )
                        for value in (values if isinstance(values, list) else [values])
                    )
    return found


def alarm_state(alarm: Document, periods: Sequence[float | None]) -> str | None:
    """The state an alarm belongs in, given its latest periods' values; None to leave it alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    treatment = alarm.get("TreatMissingData", "missing")
    breaches = {
        "GreaterThanOrEqualToThreshold": operator.ge,
        "GreaterThanThreshold": operator.gt,
        "LessThanThreshold": operator.lt,
        "LessThanOrEqualToThreshold": operator.le,
    }[alarm["ComparisonOperator"]]
    known = [breaches(value, alarm["Threshold"]) for value in periods if value is not None]
    missing = len(periods) - len(known)
    if treatment in {"breaching", "notBreaching"}:
        known += [treatment == "breaching"] * missing
    elif not known:
        return "INSUFFICIENT_DATA" if treatment == "missing" else None
    needed = min(alarm.get("DatapointsToAlarm") or len(periods), len(known))
    return "ALARM" if sum(known) >= needed else "OK"


class Alarms:
    """Evaluates every alarm every two seconds; MiniStack 1.5.33 does so when a metric is put.

    It also ignores dimensions, keeps no metrics of queues, computes no expressions, and leaves
    them out when it describes an alarm, which Terraform would take for a change.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """

    def __init__(self, metrics: ModuleType, queues: ModuleType, scope: Callable[..., Any]) -> None:
        self._metrics, self._queues, self._scope = metrics, queues, scope

    def watch(self) -> None:
        """Evaluate the alarms until the process ends."""
        while True:
            time.sleep(ALARM_TICK)
            for (account, region, _), alarm in list(self._metrics._alarms._data.items()):
                with self._scope(account, region):
                    self.evaluate(alarm)

    def evaluate(self, alarm: Document) -> None:
        """Move an alarm to the state its metric gives it, and notify the topics it names."""
        queries = members(alarm.get("AsPut", {}).get("Metrics", {}))
        if queries:
            periods = self._computed(alarm, queries, time.time())
        elif alarm.get("MetricName"):
            dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions", ())}
            if alarm.get("Namespace") == "AWS/SQS":
                self._measure(dimensions.get("QueueName", ""))
            periods = self._periods(alarm, dimensions, time.time())
        else:
            return
        state = alarm_state(alarm, periods)
        before = alarm["StateValue"]
        if state is None or state == before:
            return
        what = alarm.get("MetricName") or "An expression"
        reason = f"{what} {alarm['ComparisonOperator']} {alarm['Threshold']}: {state}"
        alarm |= {
            "StateValue": state,
            "StateReason": reason,
            "StateUpdatedTimestamp": int(time.time()),
        }
        self._metrics._record_history(alarm["AlarmName"], before, state, reason)
        self._metrics._dispatch_alarm_actions(alarm, before, state, reason)
        self._metrics._evaluate_parent_alarms(alarm)

    def _periods(
        self, alarm: Document, dimensions: Mapping[str, str], now: float
    ) -> list[float | None]:
        key = alarm["Namespace"], alarm["MetricName"], self._metrics._dims_key(dimensions)
        points = self._metrics._metrics.get(key) or ()
        statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
        values: list[float | None] = []
        for number in range(alarm["EvaluationPeriods"]):
            end = now - number * alarm["Period"]
            within = [p for p in points if end - alarm["Period"] < p["Timestamp"] <= end]
            values.append(
                self._metrics._stat_value(self._metrics._calc_stats(within), statistic, within)
                if within
                else None
            )
        return values

    def _computed(
        self, alarm: Document, queries: Sequence[Document], now: float
    ) -> list[float | None]:
        """The values of an alarm's expression by period; None if a metric has no data."""
        found: dict[str, list[float | None]] = {}
        for query in (q for q in queries if "MetricStat" in q):
            stat = query["MetricStat"]
            of_one = {
                **{k: stat["Metric"][k] for k in ("Namespace", "MetricName")},
                "Period": int(stat["Period"]),
                "Statistic": stat["Stat"],
                "EvaluationPeriods": alarm["EvaluationPeriods"],
            }
            named = members(stat["Metric"].get("Dimensions", {}))
            dimensions = {d["Name"]: d["Value"] for d in named}
            found[query["Id"]] = self._periods(of_one, dimensions, now)
        (expression,) = (q["Expression"] for q in queries if "Expression" in q)
        periods = [
            dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)
        ]
        return [
            None if None in values.values() else computed(expression, cast("Any", values))
            for values in periods
        ]

    def _measure(self, name: str) -> None:
        queue = self._queues._queues.get(self._queues._queue_url(name))
        if not queue:
            return
        now, dimensions = time.time(), {"QueueName": name}
        there = [m["sent_at"] for m in queue["messages"] if m["visible_at"] <= now]
        for metric, value, unit in (
            ("ApproximateNumberOfMessagesVisible", len(there), "Count"),
            ("ApproximateNumberOfMessagesNotVisible", len(queue["messages"]) - len(there), "Count"),
            ("ApproximateAgeOfOldestMessage", now - min(there, default=now), "Seconds"),
        ):
            self._metrics.record_metric("AWS/SQS", metric, value, unit, dimensions)


def members(tree: Document) -> list[Document]:
    """The members of a list in a query."""
    return list(tree.get("member", {}).values())


def computed(expression: str, values: Mapping[str, float]) -> float:
    """The value of metric math for one period's values: IF, AND, OR, comparisons, + and -.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    python = re.sub(r"\b(AND|OR)\b", lambda word: word[0].lower(), expression)
    return float(_computed(ast.parse(python, mode="eval").body, values))


def _computed(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return values[name]
        case ast.BoolOp(op=kind, values=parts):
            every = all if isinstance(kind, ast.And) else any
            return every(_computed(part, values) for part in parts)
        case ast.Compare(left=left, ops=[kind], comparators=[right]):
            return _COMPARISONS[type(kind)](_computed(left, values), _computed(right, values))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as kind, right=right):
            sign = 1 if isinstance(kind, ast.Add) else -1
            return _computed(left, values) + sign * _computed(right, values)
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            return _computed(then if _computed(condition, values) else otherwise, values)
    raise ValueError(f"no alarm of ours says {ast.unparse(node)}")


def nested(parameters: Mapping[str, Any]) -> Document:
    """A query's parameters (`A.member.1.B`) as a tree."""
    tree: Document = {}
    for name, value in parameters.items():
        *parents, leaf = name.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value[0] if isinstance(value, list) else value
    return tree


def xml(tree: Document) -> str:
    """That tree as the elements of an answer; a list's numbers become members."""
    parts = []
    for name, value in tree.items():
        inner = xml(value) if isinstance(value, dict) else escape(str(value))
        tag = "member" if name.isdigit() else name
        parts.append(inner if name == "member" else f"<{tag}>{inner}</{tag}>")
    return "".join(parts)
