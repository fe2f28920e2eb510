"""Plan how a bill's tax will be posted, before approval is requested. No I/O.

In the US, and in companies without tax in QuickBooks, tax is a cost: every row becomes a line.
Elsewhere a line has a tax code, and QuickBooks computes the tax per line and rate, rounded to the
cent. This is compared with Odoo's tax rows on the account where QuickBooks books that tax; rows on
other accounts (not deductible, withheld) become lines.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from odoo_qb.bill import taxes
from odoo_qb.bill.journal import account_of, with_tax_on_lines, without_cancelled
from odoo_qb.bill.model import amount_text
from odoo_qb.bill.taxes import NO_TAX
from odoo_qb.mapping import accounts, plan
from odoo_qb.mapping.plan import PostedRow, RateTax, TaxPlan
from odoo_qb.mapping.tax_groups import TaxGroups, taxes_on

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from odoo_qb.bill.model import Bill, Line
    from odoo_qb.company import Company
    from odoo_qb.mapping.tax_groups import TaxGroup
    from odoo_qb.quickbooks.snapshot import Snapshot, TaxCode


def plan_tax(bill: Bill, company: Company, snapshot: Snapshot) -> TaxPlan:
    """The lines and tax of a bill in QuickBooks, and the problems that block it."""
    if not snapshot.taxes_purchases:
        rows = list(bill.money_rows)
        rows = without_cancelled(with_tax_on_lines(rows) if company.tax_on_lines else rows)
        return TaxPlan(rows=tuple(PostedRow(row=n) for n in rows))
    with_lines = company.tax == "lines"
    planner = _Planner(bill, company, snapshot, with_lines=with_lines)
    plan = planner.computed()
    if with_lines and (plan.problems or not all(g.is_rounding for g in planner.differing())):
        planner = _Planner(bill, company, snapshot)
        plan = planner.computed()
    plan = replace(plan, own_accounts=planner.own_accounts)
    differing = planner.differing()
    if plan.problems or not differing:
        return plan
    wrong = [g for g in differing if not (g.is_rounding or g.is_partial)]
    partial = [g for g in differing if not g.is_rounding]
    if wrong:
        plan = replace(plan, problems=tuple(_wrong(g, bill) for g in wrong))
    elif company.tax == "lines":
        plan = replace(planner.on_lines(), own_accounts=plan.own_accounts)
    elif company.tax == "override":
        plan = replace(plan, how="override", override=planner.overridden())
    elif company.tax == "quickbooks" and not partial:
        plan = replace(plan, how="quickbooks")
    else:
        plan = replace(plan, problems=tuple(_undecided(g, bill) for g in partial or differing))
    return plan


class _Planner:
    """Maps the rows of one bill from Odoo's taxes to QuickBooks' codes.

    With `with_lines`, Odoo's tax account is mapped to where the tax goes if it becomes a line, so
    the mapping does not tell whether QuickBooks computes that tax.
    """

    def __init__(
        self, bill: Bill, company: Company, snapshot: Snapshot, *, with_lines: bool = False
    ) -> None:
        self._bill = bill
        self._with_lines = with_lines
        self._company = company
        self._snapshot = snapshot
        self._day = bill.bill_date.isoformat() if bill.bill_date else ""
        self._bases = [n for n in bill.money_rows if n.kind != "tax"]
        taxes = [n for n in bill.money_rows if n.kind == "tax"]
        sides = [(n, self._is_quickbooks(n)) for n in taxes]
        self._own = [n for n, is_own in sides if is_own]
        self._elsewhere = [n for n, is_own in sides if not is_own]
        self._problems: list[str] = []
        self._codes: dict[str, plan.Target] = {}
        self._found: dict[str, TaxCode] = {}
        self._groups: list[TaxGroup] = []

    def _is_quickbooks(self, row: Line) -> bool:
        """Whether QuickBooks itself books the tax of this row.

        If QuickBooks has the account, its type tells. Otherwise it is Odoo's tax account if it is
        an asset or a liability and no line with that tax is booked on it: for a purchased asset the
        tax is part of the cost.
        """
        account, _, wanted = accounts.find_account(row, self._company, self._snapshot)
        if account and account.holds_quickbooks_tax:
            return True
        is_withheld = row.percent is not None and row.percent < 0
        if (account or wanted) and not (wanted and self._with_lines and not is_withheld):
            return False
        kind = row.account_type
        costs = {account_of(n) for n in self._bases if n.tax_keys & row.tax_keys}
        return account_of(row) not in costs and (not kind or kind.startswith(("asset", "liab")))

    @property
    def own_accounts(self) -> frozenset[str]:
        """Odoo's accounts for tax that QuickBooks books itself."""
        return frozenset(n.account_code for n in self._own)

    def computed(self) -> TaxPlan:
        """The plan in which QuickBooks computes all tax from the codes of the lines."""
        rows = [PostedRow(row=n, tax=self._name(n)) for n in self._taxed()]
        posted = self._in_order(rows)
        self._find_codes(posted)
        if not self._problems:
            self._compare(posted)
        return TaxPlan(
            how="computed",
            rows=posted,
            codes=self._codes,
            odoo=sum((g.odoo for g in self._groups), Decimal(0)),
            quickbooks=sum((g.quickbooks for g in self._groups), Decimal(0)),
            problems=tuple(self._problems),
        )

    def on_lines(self) -> TaxPlan:
        """The plan in which every tax row becomes a line and no line has tax."""
        rows = [PostedRow(row=n, tax=NO_TAX) for n in self._bill.money_rows]
        posted = self._in_order(rows)
        self._codes = {}
        self._find_codes(posted)
        return TaxPlan(
            how="lines",
            rows=posted,
            codes=self._codes,
            odoo=sum((n.amount for n in [*self._own, *self._elsewhere]), Decimal(0)),
            problems=tuple(self._problems),
        )

    def _taxed(self) -> list[Line]:
        """The rows that become lines; a tax that is part of the cost may itself be taxed."""
        return [*self._bases, *self._elsewhere]

    def _in_order(self, rows: Sequence[PostedRow]) -> tuple[PostedRow, ...]:
        """The rows in the bill's order, without those that cancel each other out."""
        names = {id(r.row): r.tax for r in rows}
        ordered = [n for n in self._bill.money_rows if id(n) in names]

        def place(row: Line) -> Hashable:
            return (*account_of(row), names[id(row)])

        kept = without_cancelled(ordered, place)
        return tuple(PostedRow(row=n, tax=names[id(n)]) for n in kept)

    def _name(self, row: Line) -> str:
        """The taxes of a row that QuickBooks will compute, as one name for the mapping.

        Taxes that Odoo booked only on other accounts are left out, unless the settings map all
        taxes of the row together.
        """
        whole = taxes.joined([name for name, _ in row.taxed_by])
        if taxes.mapped_tax(whole, self._company.taxes):
            return whole
        elsewhere = {key for n in self._elsewhere for key in n.tax_keys}
        own = {key for n in self._own for key in n.tax_keys}
        left = [name for name, keys in row.taxed_by if not keys & elsewhere or keys & own]
        return taxes.joined(left)

    def _find_codes(self, rows: Sequence[PostedRow]) -> None:
        for name in dict.fromkeys(r.tax for r in rows):
            wanted = taxes.mapped_tax(name, self._company.taxes)
            code = self._snapshot.tax_code(wanted or name)
            if code is None:
                label = 'lines without a tax ("none")' if name == NO_TAX else f"the tax {name}"
                self._problems.append(
                    f"QuickBooks has no tax code for {label}. Map it under taxes in"
                    " company_settings."
                )
                continue
            self._codes[name] = plan.Target(
                id=code.id, name=code.name, how="mapped" if wanted else "name"
            )
            self._found[name] = code
            self._problems += self._unusable(code, name)

    def _unusable(self, code: TaxCode, name: str) -> list[str]:
        """Why a code cannot be used: it is not for purchases, or its rate is unknown."""
        percents = [rate.percent_on(self._day) for rate in code.rates]
        way = f"Map {name} to another one under taxes in company_settings"
        if not percents:
            return [f"The tax code {code.name} has no rate for purchases in QuickBooks. {way}."]
        if None in percents:
            unknown = f"QuickBooks does not say what the tax code {code.name} charges"
            return [f"{unknown} on {self._day}. {way}, or complete its rate in QuickBooks."]
        if name == NO_TAX and any(percents):
            charges = f"The tax code {code.name} stands for no tax (none), but it charges tax"
            way = "Map none to a code of zero percent under taxes in company_settings"
            return [f"{charges}. {way}."]
        return []

    def _compare(self, rows: Sequence[PostedRow]) -> None:
        """Group what belongs together, with QuickBooks' tax and Odoo's for each group."""
        groups = TaxGroups()
        for posted in rows:
            if posted.tax != NO_TAX:
                computed = taxes_on(posted.row.amount, self._found[posted.tax].rates, self._day)
                groups.add_line(posted.tax, posted.row, computed)
        for row in self._own:
            groups.add_tax(row)
        for row in self._elsewhere:
            groups.add_tax_elsewhere(row)
        self._groups = groups.all()

    def differing(self) -> list[TaxGroup]:
        """The groups for which QuickBooks would compute another tax than Odoo."""
        return [g for g in self._groups if g.quickbooks != g.odoo]

    def overridden(self) -> tuple[RateTax, ...]:
        """Odoo's tax by QuickBooks' rates, as sent to override QuickBooks' own."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for group in self._groups:
            for rate_id, amount in group.odoo_by_rate().items():
                amounts[rate_id] += amount
        nets: dict[str, Decimal] = defaultdict(Decimal)
        for row in self._taxed():
            name = self._name(row)
            for rate in self._found[name].rates if name != NO_TAX else ():
                nets[rate.id] += row.amount
        return tuple(RateTax(rate_id=i, amount=a, net=nets[i]) for i, a in amounts.items())


def _figures(group: TaxGroup, bill: Bill) -> str:
    theirs = amount_text(group.quickbooks, bill.currency)
    return f"{theirs} of tax in QuickBooks, {amount_text(group.odoo, bill.currency)} in Odoo"


def _named(group: TaxGroup) -> str:
    return ", ".join(sorted(group.names))


def _wrong(group: TaxGroup, bill: Bill) -> str:
    """The problem that a code is another tax than the one Odoo booked."""
    if not group.names:
        rows = ", ".join(f"{n.text} on {n.account_code or n.account_name}" for n in group.tax_rows)
        return (
            f"Odoo booked tax that belongs to no line ({rows:.200}):"
            f" {_figures(group, bill)}. QuickBooks only computes tax on lines. Put the tax"
            " on a line in Odoo, or map that account under accounts in company_settings so"
            " that it becomes a line itself."
        )
    return (
        f"{_named(group)} comes to {_figures(group, bill)}. Under taxes in company_settings,"
        " map it to the tax code that charges what Odoo booked, or correct the tax in Odoo."
        " If a part belongs on another account (withheld, not deductible), map that account."
    )


def _undecided(group: TaxGroup, bill: Bill) -> str:
    """The problem that amounts differ by rounding or a part booked as cost, without a setting."""
    if not group.is_rounding and not group.tax_rows:
        return (
            f"{_named(group)} comes to {_figures(group, bill)}, because all of it is booked"
            " as cost. Remove it from taxes in company_settings to post it as cost, or give"
            " it a tax account in Odoo."
        )
    if not group.is_rounding:
        return (
            f"{_named(group)} comes to {_figures(group, bill)}, because part of it is booked"
            " as cost. Map it to a tax code for the deductible part, or set tax in"
            ' company_settings to "override" to post the tax as Odoo booked it.'
        )
    return (
        f"{_named(group)} comes to {_figures(group, bill)}: the two round it differently. Set tax"
        ' in company_settings to "override" (post Odoo\'s tax), "quickbooks" (post QuickBooks\''
        ' tax) or "lines" (post the tax as lines), or change the tax in Odoo.'
    )
