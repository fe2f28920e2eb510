"""The report on a run of the companions: counts as JSON, and what a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sandbox.companions.comparison import FAMILIES
from sandbox.run_report import as_columns, counted, pairs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.companions.comparison import Comparison

Json = dict[str, Any]

_PROBLEMS: Final = 10  # sentences shown; the others are only counted
_PLURAL: Final = {name: f"{name}s" for name in FAMILIES}


def mirror(comparisons: Sequence[Mapping[str, Comparison]]) -> Json:
    """The counts by connection and family: both sides at the end, differences at any time."""
    if not comparisons:
        return {}
    return {
        connection: {
            name: {
                "source": last.families[name].source,
                "mirrored": last.families[name].mirrored,
                "different": len(
                    set[int]().union(*(c[connection].families[name].different for c in comparisons))
                ),
            }
            for name in FAMILIES
        }
        for connection, last in comparisons[-1].items()
    }


def summary(report: Json, stages: Sequence[str], trouble: Sequence[str]) -> list[str]:
    """The outcome in lines for the terminal; `stages` say after what it was compared."""
    rows = [["connection", "records", "in Odoo", "mirrored", "different"]]
    rows += [
        [connection, _PLURAL[name], *(str(tally[n]) for n in ("source", "mirrored", "different"))]
        for connection, families in report["mirror"].items()
        for name, tally in families.items()
    ]
    calls = report["calls"]
    return [
        "",
        *as_columns(rows, right=[2, 3, 4]),
        "",
        *_webhook(report.get("webhook") or {}),
        *_api(report),
        f"Calls of the mirror: {calls['odoo']} to Odoo, {calls['dynamodb']} to DynamoDB.",
        *([f"Intake: {pairs(report['intake'])}."] if report.get("intake") else []),
        f"Seconds: {pairs(report['seconds'])}.",
        *_verdict(report["mirror"], stages, trouble),
    ]


def _webhook(found: Json) -> list[str]:
    """What changed in Odoo and what arrived at the webhook's endpoint, by kind."""
    if "kinds" not in found:
        return []
    rows = [["webhook", "changes", "delivered"]]
    rows += [[k, str(t["changes"]), str(t["delivered"])] for k, t in found["kinds"].items()]
    spread, outage, replay = found["change_to_post"], found["outage"], found["replay"]
    how_fast = (
        f" From a change to its request: p50 {spread['p50_seconds']} s,"
        f" p99 {spread['p99_seconds']} s, with a run of the mirror right after it."
        if spread["changes"]
        else ""
    )
    told = (
        f"Webhook: {counted(found['requests'], 'request')}, {found['repeats']} of them repeats;"
        f" {outage['failed']} failed in an outage, {found['rotation']['verified_by_both']} were"
        f" signed with two secrets, {replay['arrived']} were replayed.{how_fast}"
    )
    return [*as_columns(rows, right=[1, 2]), "", told, ""]


def _api(report: Json) -> list[str]:
    """What the walk through the API found, and what each schedule's first run did."""
    if not report.get("api"):
        return []
    tallies = [t for routes in report["api"]["records"].values() for t in routes.values()]
    listed, different = (sum(t[n] or 0 for t in tallies) for n in ("listed", "different"))
    routes = counted(len(report["api"]["routes"]), "route")
    lines = [f"API: {routes} walked, {counted(listed, 'record')} listed, {different} different."]
    lines += [
        f"Schedule {name}: {row.get('last_result', 'has not run')}"
        for name, row in report["schedules"].items()
    ]
    return [*lines, ""]


def _verdict(tallies: Json, stages: Sequence[str], trouble: Sequence[str]) -> list[str]:
    if trouble:
        lines = [f"PROBLEM: {line}" for line in trouble[:_PROBLEMS]]
        if more := trouble[_PROBLEMS:]:
            lines.append(f"PROBLEM: {len(more)} more like these.")
        return lines
    records = sum(t["source"] for families in tallies.values() for t in families.values())
    what = f"{counted(records, 'record')} of {counted(len(tallies), 'connection')}"
    return [f"The mirror equals Odoo in every field of {what}: {_listed(stages)}."]


def _listed(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
