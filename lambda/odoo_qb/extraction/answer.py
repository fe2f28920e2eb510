"""What the extractor answers of a run: as many bills as the answer has room for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.request import Request

LISTED_BYTES: Final = 1_000_000  # of bills in the answer, of which Lambda takes 6 MB


def listed_bills(report: Json, request: Request) -> dict[str, Any]:
    """The part of the answer that depends on what was asked: which bills are listed."""
    bills = report["bills"]
    if not request.dry_run:
        return _listed([b for b in bills if b["outcome"] != "ready"])
    return _listed(bills) | {
        "dry_run": "nothing was written",
        "files": "not read: one that Odoo cannot give would block its bill",
    }


def _listed(bills: Sequence[Json]) -> dict[str, Any]:
    """As many bills as the answer has room for, and how many more there are."""
    listed, size = [], 0
    for bill in bills:
        size += len(json.dumps(bill))
        if size > LISTED_BYTES:
            break
        listed.append(bill)
    return {"bills": listed, "bills_not_listed": len(bills) - len(listed)}
