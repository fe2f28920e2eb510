"""The figures as the API answers them: plain JSON, amounts as decimal strings. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb.reporting.figures import FIGURES, amount_text, compute, figure_of
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.reporting.figures import Figure, Value
    from odoo_qb.reporting.settings import FigureSettings
    from odoo_qb.reporting.sums import PeriodSums

_GROWTH: Final = "revenue-growth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A company's sums of two periods, from which every figure is computed.

    `notes` say what a reader should know about all of them.
    """

    company_id: int
    currency: str
    current: PeriodSums
    previous: PeriodSums
    settings: FigureSettings
    calculated_at: datetime
    notes: tuple[str, ...] = ()


def figure_answer(report: Report, figure: Figure) -> Json:
    """One figure with its formula, its inputs, both periods and the change between them.

    `change` is between the two values as they are shown, in the figure's own unit.
    """
    figure = figure_of(figure.route, report.settings) or figure
    value = compute(figure, report.current, report.previous, report.settings)
    before = compute(figure, report.previous, None, report.settings)
    previous = _period(figure, report.previous, before)
    if before.reason:
        previous["reason"] = before.reason
    return {
        "kpiCode": figure.kpi_code,
        "code": figure.code,
        "name": figure.name,
        "unit": figure.unit,
        "value": value.text,
        "reason": value.reason or None,
        "formula": figure.formula,
        "inputs": _inputs(figure, report),
        "currentPeriod": _period(figure, report.current, value),
        "previousPeriod": previous,
        "change": _change(value, before),
        **_whose(report),
    }


def all_answer(report: Report) -> Json:
    """All twelve figures, and beside them every sum of both periods."""
    return {
        **_whose(report),
        "currentPeriod": _days(report.current) | _amounts(report.current),
        "previousPeriod": _days(report.previous) | _amounts(report.previous),
        "kpis": [figure_answer(report, figure) for figure in FIGURES],
    }


def _whose(report: Report) -> Json:
    return {
        "companyId": report.company_id,
        "currency": report.currency,
        "calculatedAt": stamp(report.calculated_at),
        "notes": list(report.notes),
    }


def _period(figure: Figure, sums: PeriodSums, value: Value) -> Json:
    growth: Json = {"revenueGrowth": value.text} if figure.route == _GROWTH else {}
    return _days(sums) | {"value": value.text} | growth | _amounts(sums, figure.inputs)


def _days(sums: PeriodSums) -> Json:
    period = sums.period
    return {
        "startDate": period.first.isoformat(),
        "endDate": period.last.isoformat(),
        "days": period.days,
    }


def _amounts(sums: PeriodSums, names: Iterable[str] | None = None) -> Json:
    wanted = sums.amounts if names is None else names
    return {name: amount_text(sums.amounts[name]) for name in wanted if name in sums.amounts}


def _inputs(figure: Figure, report: Report) -> Json:
    inputs = _amounts(report.current, figure.inputs)
    if "previousRevenue" in figure.inputs:
        inputs["previousRevenue"] = amount_text(report.previous.amounts["revenue"])
    if figure.unit == "days":
        inputs["days"] = report.current.period.days
    return inputs


def _change(value: Value, before: Value) -> str | None:
    if value.shown is None or before.shown is None:
        return None
    return f"{value.shown - before.shown:f}"
