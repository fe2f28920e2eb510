"""Find the bills of the table that Odoo no longer lists, and be careful before believing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from odoo_qb import books
from odoo_qb.errors import Refused
from odoo_qb.store import FINAL, TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.odoo import Odoo
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

SHARE_AT_ONCE: Final = 0.2  # of a company's open bills: more of them gone is lost access, or worse
BILLS_AT_ONCE: Final = 5  # that many may always go

_OPEN: Final = sorted(TRANSITIONS.keys() - FINAL - {"WITHDRAWN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """What became of a company's open bills that a search did not list, by Odoo id.

    `still_there` are to be read by id, `gone` withdrawn; `kept` says why some are left alone.
    """

    still_there: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    kept: str = ""


def find_vanished(table: Table, odoo: Odoo, company: Company, listed: Collection[int]) -> Vanished:
    """Look for a company's open bills that are not among the ids `listed`."""
    entry_ids = [i for status in _OPEN for i in table.in_company(company.key, status)]
    open_ids = {int(i.removeprefix("odoo-")) for i in entry_ids}
    unlisted = sorted(open_ids - set(listed))
    if not unlisted:
        return Vanished()
    kept = f"{company.key}: {len(unlisted)} open bills are not listed by Odoo any more and stay"
    company_id = books.company_id(odoo, company.odoo_company)
    if company_id is None:
        return Vanished(kept=f"{kept}: the Odoo user does not see this company.")
    try:
        found = books.existing(odoo, unlisted, company_id)
    except Refused as refusal:
        return Vanished(kept=f"{kept}: {refusal}")
    gone = tuple(i for i in unlisted if i not in found)
    still_there = tuple(i for i in unlisted if i in found)
    if len(gone) > max(BILLS_AT_ONCE, SHARE_AT_ONCE * len(open_ids)):
        kept = (
            f"{company.key}: {len(gone)} of {len(open_ids)} open bills are gone from Odoo, too"
            " many to believe, so they stay: see what happened there, and reject them in Slack"
            " if they were deleted on purpose."
        )
        return Vanished(still_there=still_there, kept=kept)
    return Vanished(still_there=still_there, gone=gone)
