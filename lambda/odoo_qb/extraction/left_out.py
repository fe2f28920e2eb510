"""Documents left out of approval although people may expect them: each is mailed once.

A bill dated before go-live but entered after it might be forgotten: the old process has ended, and
this one leaves it alone. A company in Odoo that is not configured may have been overlooked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb import table_keys
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.store.alerts import Alerts
    from odoo_qb.store.table import Table

_NAMED: Final = 100  # late bills that the daily run reads, to report each
_MOST: Final = 10_000  # names stored, about 200 kB; the oldest are dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What is left out: the name under which it is mailed once, and the sentence."""

    about: str
    line: str


def late_bill(entry: OdooDocument, since: date) -> LeftOut | None:
    """A bill dated before its company's go-live day `since` but entered after it, if it is one."""
    day = entry.bill.bill_date if entry.bill else None
    if entry.state != "posted" or day is None or day >= since or entry.entered < since.isoformat():
        return None
    about, entered = f"odoo-{entry.odoo_id}", entry.entered[:10]
    name, company = one_line(entry.odoo_name, NAME), one_line(entry.odoo_company, NAME)
    line = (
        f"{name} ({about}, {company}) is dated {day.isoformat()}, before go-live on"
        f" {since.isoformat()}, but was entered on {entered}. No approval was requested."
        " Enter it in QuickBooks by hand if it belongs there, or correct its date in Odoo."
    )
    return LeftOut(about=about, line=line)


def not_mailed(numbers: list[int], table: Table, since: date) -> tuple[list[int], list[LeftOut]]:
    """The late bills not mailed yet, to be read and reported; and a line if there are many.

    A large number is an import of old records, which is only counted.
    """
    mailed = set(_mailed(table))
    new = [n for n in numbers if f"odoo-{n}" not in mailed]
    if len(new) <= _NAMED:
        return new, []
    line = (
        f"{len(new)} bills are dated before go-live on {since.isoformat()} but were entered"
        " since. No approval was requested. Check in Odoo whether any of them belong in"
        " QuickBooks."
    )
    return [], [LeftOut(about="many bills from before go-live", line=line)]


def unknown_company(name: str) -> LeftOut:
    """A company in Odoo that is not configured."""
    shown = one_line(name, NAME)
    return LeftOut(
        about=f"company {shown}",
        line=(
            f"{shown}: Odoo has bills of this company, but it is not configured, so no"
            " approval was requested. If its bills belong in QuickBooks, add it to"
            " company_settings."
        ),
    )


def mail_left_out(found: Iterable[LeftOut], table: Table, alerts: Alerts) -> None:
    """Mail what was not mailed before."""
    by_name = {one.about: one.line for one in found}
    if not by_name:
        return
    before = _mailed(table)
    new = [name for name in by_name if name not in set(before)]
    if new:
        subject = "Bills or companies left out of approval"
        alerts.mail(subject, [by_name[name] for name in sorted(new)])
        table.write_note(table_keys.LEFT_OUT, {"told": [*before, *new][-_MOST:]})


def _mailed(table: Table) -> list[str]:
    """The names mailed so far, oldest first."""
    mailed = table.read_note(table_keys.LEFT_OUT).get("told")
    return [name for name in mailed if isinstance(name, str)] if isinstance(mailed, list) else []
