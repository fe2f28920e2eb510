"""Find stored bills that Odoo no longer has, and be careful before believing it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.bill.status import IN_QUICKBOOKS, OPEN
from odoo_qb.errors import Refused
from odoo_qb.odoo import search

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.bill.status import Status
    from odoo_qb.company import Company
    from odoo_qb.guarding import BadRecords
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.store.table import Table

SHARE_AT_ONCE: Final = 0.2  # of a company's bills: if more are gone, access was probably lost
BILLS_AT_ONCE: Final = 5  # this many may always disappear

Kind = Literal["open", "posted"]
_STATUSES: Final[dict[Kind, list[Status]]] = {
    "open": sorted(OPEN),
    "posted": sorted(IN_QUICKBOOKS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A company's open or posted bills that a search did not list, by Odoo id.

    `still_there` exist, but for example were dated back; `gone` were deleted; `kept` says why the
    others are left alone. `all_ids` are all of that kind.
    """

    all_ids: frozenset[int] = frozenset()
    still_there: tuple[int, ...] = ()
    gone: tuple[int, ...] = ()
    kept: str = ""


def find_vanished(
    table: Table,
    odoo: OdooClient,
    company: Company,
    listed: Collection[int],
    kind: Kind,
    bad_records: BadRecords,
) -> Vanished:
    """Look for a company's open or posted bills that are not among the ids `listed`."""
    entry_ids = [i for s in _STATUSES[kind] for i in table.in_company(company.key, s)]
    all_ids = frozenset(bad_records.numbers(entry_ids))
    unlisted = sorted(all_ids - set(listed))
    if not unlisted:
        return Vanished(all_ids=all_ids)
    kept = (
        f"{company.key}: Odoo no longer lists {len(unlisted)} {kind} bill"
        f"{'' if len(unlisted) == 1 else 's'}. Nothing was changed."
    )
    company_id = search.company_id(odoo, company.odoo_company)
    if company_id is None:
        return Vanished(all_ids=all_ids, kept=f"{kept} The Odoo user cannot see this company.")
    try:
        found = search.existing(odoo, unlisted, company_id)
    except Refused as refusal:
        return Vanished(all_ids=all_ids, kept=f"{kept} {refusal}")
    gone = _not_known_as_deleted(table, kind, [i for i in unlisted if i not in found], bad_records)
    still_there = tuple(i for i in unlisted if i in found)
    if len(gone) > max(BILLS_AT_ONCE, SHARE_AT_ONCE * len(all_ids)):
        what_to_do = (
            "Reject them in Slack if they were deleted on purpose."
            if kind == "open"
            else "Check them in QuickBooks by hand."
        )
        kept = (
            f"{company.key}: {len(gone)} of {len(all_ids)} {kind} bills are gone from Odoo."
            " That many at once looks like a mistake, so nothing was changed. Find out what"
            f" happened in Odoo. {what_to_do}"
        )
        return Vanished(all_ids=all_ids, still_there=still_there, kept=kept)
    return Vanished(all_ids=all_ids, still_there=still_there, gone=gone)


def _not_known_as_deleted(
    table: Table, kind: Kind, ids: list[int], bad_records: BadRecords
) -> tuple[int, ...]:
    """The bills gone since the last check; for posted ones that is noted only once."""
    if kind == "open":
        return tuple(ids)
    items = table.get_many(f"odoo-{i}" for i in ids).values()
    new = [item["entry_id"] for item in items if item.get("amended_after") != "deleted"]
    return tuple(bad_records.numbers(new))
