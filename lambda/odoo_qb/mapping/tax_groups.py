"""Taxes that belong together: what QuickBooks computes, and what Odoo booked. No I/O."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odoo_qb.bill.model import Line
    from odoo_qb.quickbooks.snapshot import TaxRate

_CENT: Final = Decimal("0.01")
_HALF_A_CENT: Final = Decimal("0.005")
Computed = tuple[str, Decimal, Decimal]  # rate id, percent, amount


def taxes_on(net: Decimal, rates: Sequence[TaxRate], day: str) -> list[Computed]:
    """The tax QuickBooks adds to a line, per rate and rounded to the cent.

    Observed outside the US: https://quickbooks.intuit.com/learn-support/en-ca/306952
    """
    added: list[Computed] = []
    for rate in sorted(rates, key=lambda r: r.order):
        percent = rate.percent_on(day) or Decimal(0)
        before = sum((amount for _, _, amount in added), Decimal(0))
        of = {"TaxOnTax": before, "TaxOnAmountPlusTax": net + before}.get(rate.basis, net)
        amount = (of * percent / 100).quantize(_CENT, ROUND_HALF_UP)
        added.append((rate.id, percent, amount))
    return added


@dataclass(slots=True)
class TaxGroup:
    """Lines whose taxes belong together, and their tax in Odoo and in QuickBooks.

    `names` are the names of their taxes; `odoo` is booked where QuickBooks books that tax.
    """

    names: set[str] = field(default_factory=set)
    odoo: Decimal = Decimal(0)
    elsewhere: Decimal = Decimal(0)  # tax of the same lines on other accounts, such as cost
    tax_rows: list[Line] = field(default_factory=list)
    by_rate: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    percents: dict[str, Decimal] = field(default_factory=dict)
    roundings: int = 0

    @property
    def quickbooks(self) -> Decimal:
        """The tax that QuickBooks computes."""
        return sum(self.by_rate.values(), Decimal(0))

    @property
    def slack(self) -> Decimal:
        """How much two ways of rounding the same tax may differ."""
        rounded = sum((abs(n.amount) for n in self.tax_rows if n.is_rounding), Decimal(0))
        return max(_CENT, _HALF_A_CENT * (self.roundings + len(self.tax_rows))) + rounded

    @property
    def is_rounding(self) -> bool:
        """Whether the amounts differ only by rounding."""
        return bool(self.names) and abs(self.quickbooks - self.odoo) <= self.slack

    @property
    def is_partial(self) -> bool:
        """Whether Odoo booked part of this tax on other accounts."""
        whole = self.odoo + self.elsewhere
        return bool(self.elsewhere) and abs(self.quickbooks - whole) <= self.slack

    def absorb(self, other: TaxGroup) -> None:
        """Merge a group that turned out to belong to this one."""
        self.names |= other.names
        self.odoo += other.odoo
        self.elsewhere += other.elsewhere
        self.tax_rows += other.tax_rows
        self.percents |= other.percents
        self.roundings += other.roundings
        for rate_id, amount in other.by_rate.items():
            self.by_rate[rate_id] += amount

    def odoo_by_rate(self) -> dict[str, Decimal]:
        """Odoo's tax by QuickBooks' rates, matched by percentage; the rest goes to the largest."""
        found = dict(self.by_rate)
        if not found or self.quickbooks == self.odoo:
            return found
        rates = {percent: rate_id for rate_id, percent in self.percents.items()}
        own = [n for n in self.tax_rows if n.percent in rates]
        if len(rates) == len(found) and sum(n.amount for n in own) == self.odoo:
            found = dict.fromkeys(found, Decimal(0))
            for row in own:
                found[rates[row.percent or Decimal(0)]] += row.amount
            return found
        largest = max(found, key=lambda i: abs(found[i]))
        found[largest] += self.odoo - self.quickbooks
        return found


class TaxGroups:
    """Lines and tax rows, grouped if they share a tax in Odoo or a name of taxes."""

    def __init__(self) -> None:
        self._groups: dict[object, TaxGroup] = {}

    def add_line(self, name: str, row: Line, computed: Sequence[Computed]) -> None:
        """Add a line under the name of its taxes, with what QuickBooks computes on it."""
        keys = {key for _, keys in row.taxed_by for key in keys}
        group = self._of([("name", name), *keys])
        group.names.add(name)
        for rate_id, percent, amount in computed:
            group.by_rate[rate_id] += amount
            group.percents[rate_id] = percent
            group.roundings += 1

    def add_tax(self, row: Line) -> None:
        """Add a tax row on the account where QuickBooks books that tax."""
        group = self._of(row.tax_keys)
        group.odoo += row.amount
        group.tax_rows.append(row)

    def add_tax_elsewhere(self, row: Line) -> None:
        """Add a tax row on another account, for a tax that QuickBooks computes in part."""
        for key in row.tax_keys & self._groups.keys():
            self._groups[key].elsewhere += row.amount

    def all(self) -> list[TaxGroup]:
        """Each group once."""
        return list({id(g): g for g in self._groups.values()}.values())

    def _of(self, keys: Iterable[object]) -> TaxGroup:
        """The group for these keys, merged from those that had any of them."""
        keys = list(keys)
        met = list({id(g): g for k in keys if (g := self._groups.get(k))}.values())
        group = met[0] if met else TaxGroup()
        for other in met[1:]:
            group.absorb(other)
        moved = [k for k, g in self._groups.items() if any(g is other for other in met)]
        self._groups |= dict.fromkeys([*keys, *moved], group)
        return group
