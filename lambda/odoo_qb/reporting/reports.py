"""A company's figures of a period: from what is kept while that is still true, else from Odoo.

A period that is over is computed once. After that one call tells whether an item up to its end has
changed since, and within a minute not even that is asked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Unavailable
from odoo_qb.reporting.answers import Report
from odoo_qb.reporting.companies import Companies
from odoo_qb.reporting.journal_sums import JournalSums
from odoo_qb.reporting.periods import CALENDAR_YEAR, comparison
from odoo_qb.reporting.sums import AccountSums, PeriodSums, both
from odoo_qb.store.kept_figures import ComputedSums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.reporting.journal_sums import Balances
    from odoo_qb.reporting.periods import Comparison, Wanted
    from odoo_qb.reporting.settings import AllFigureSettings, FigureSettings
    from odoo_qb.store.kept_figures import KeptFigures

TRUSTED: Final = timedelta(minutes=1)  # kept sums were compared so recently that they are answered
_OLDEST: Final = timedelta(days=1)  # an account's other type or code touches no item
_SETTLED: Final = timedelta(minutes=1)  # Odoo's times have no fractions, and its commits are late
_NO_YEAR: Final = "Odoo does not say when the company's fiscal year ends: years are calendar years."
_DOWN: Final = "Odoo cannot be reached: these figures were last compared with it at {}."
_UNNAMED: Final = (
    "No {} accounts are named for this company in figures_settings: what is booked on such accounts"
    " counts as operating expenses."
)


class Reports:
    """The figures of one connection to Odoo.

    `companies` are the ids or names it is limited to; none: all that its user sees. Without `kept`
    every report is computed anew. Unavailable where a later try may work, Refused where a person
    must act; with the code NO_COMPANY the company is none of this connection's.
    """

    def __init__(
        self,
        odoo: OdooClient,
        *,
        connection: str,
        settings: AllFigureSettings,
        clock: Callable[[], datetime],
        companies: Sequence[int | str] = (),
        kept: KeptFigures | None = None,
    ) -> None:
        self._odoo = odoo
        self._items = JournalSums(odoo)
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._kept = kept
        self.companies = Companies(odoo, companies, clock, kept)

    def report(self, wanted: Wanted, company_id: int | None = None) -> Report:
        """The sums of the wanted period and of the one before it.

        Those of the connection's first company if none is given. PeriodError where the dates make
        no sense.
        """
        now = self._clock()
        company_id, company = self.companies.identify(company_id)
        if wanted.may_be_a_year and not company:
            company = self.companies.choose(company_id)
        year_end = company.year_end if company else CALENDAR_YEAR
        periods = comparison(wanted, now.date(), year_end or CALENDAR_YEAR)
        settings = self._settings.of(self._connection, company_id)
        sums, notes = self._sums(company_id, periods, settings, now)
        notes += [_NO_YEAR] * (year_end is None)
        notes += [_UNNAMED.format("interest")] * (settings.interest is None)
        notes += [_UNNAMED.format("income tax")] * (settings.income_tax is None)
        return Report(
            company_id=company_id,
            currency=sums.currency,
            current=PeriodSums(period=periods.current, amounts=dict(sums.current)),
            previous=PeriodSums(period=periods.previous, amounts=dict(sums.previous)),
            settings=settings,
            calculated_at=sums.calculated_at,
            notes=tuple(notes),
        )

    # -- sums ------------------------------------------------------------------------------------

    def _sums(
        self, company_id: int, periods: Comparison, settings: FigureSettings, now: datetime
    ) -> tuple[ComputedSums, list[str]]:
        """The sums, and what a reader should know about them."""
        day = periods.current.last
        if not self._kept or day >= now.date():
            balances = self._items.balances(company_id, day)
            return self._computed(company_id, periods, settings, balances, now), []
        name = f"{periods.previous.first}#{periods.current.first}#{day}#{settings.digest}"
        kept = self._kept.load(company_id, name)
        is_recent = kept is not None and now - kept.calculated_at <= _OLDEST
        if kept and is_recent and now - kept.compared_at <= TRUSTED:
            return kept, []
        try:
            balances = self._items.balances(company_id, day)
            if kept and is_recent and kept.digest == balances.digest:
                sums = replace(kept, compared_at=now)
            else:
                sums = self._computed(company_id, periods, settings, balances, now)
        except Unavailable:
            if not kept:
                raise
            return kept, [_DOWN.format(f"{kept.compared_at:%Y-%m-%d %H:%M} UTC")]
        if self._is_settled(balances, now):
            self._kept.save(company_id, name, sums)
        return sums, []

    def _computed(
        self,
        company_id: int,
        periods: Comparison,
        settings: FigureSettings,
        balances: Balances,
        now: datetime,
    ) -> ComputedSums:
        currency = balances.currency
        if balances.closing:
            flow, previous_flow = self._items.flows(company_id, periods)
            sums = AccountSums(
                chart=self._items.chart(company_id),
                flow=flow,
                previous_flow=previous_flow,
                closing=balances.closing,
            )
        else:  # no items, hence no movements either
            currency = self.companies.choose(company_id).currency
            sums = AccountSums(chart={}, flow={}, previous_flow={}, closing={})
        current, previous = both(sums, periods.current, periods.previous, settings)
        return ComputedSums(
            currency=currency,
            digest=balances.digest,
            current=current.amounts,
            previous=previous.amounts,
            calculated_at=now,
            compared_at=now,
        )

    def _is_settled(self, balances: Balances, now: datetime) -> bool:
        """Whether a change from now on can be told from what there was."""
        if not balances.last_written_at:
            return True
        written = datetime.fromisoformat(balances.last_written_at).replace(tzinfo=UTC)
        return (self._odoo.clock or now) - written > _SETTLED
