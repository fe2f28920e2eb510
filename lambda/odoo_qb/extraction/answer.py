"""The extractor's answer after a run, with as many bills as it has room for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.exact_json import Json
    from odoo_qb.extraction.report import Report
    from odoo_qb.extraction.request import Request

LISTED_BYTES: Final = 1_000_000  # of bills in the answer; Lambda accepts 6 MB


def answer_to(request: Request, report: Report, room: int = LISTED_BYTES) -> Json:
    """The function's answer to a request: the report, with the bills that need a person.

    A dry run lists all bills. The list ends where it would take more than `room` bytes.
    """
    rows = [bill.row() for bill in report.bills]
    if not request.dry_run:
        return report.as_json() | _listed([r for r in rows if r["outcome"] != "ready"], room)
    return {
        **report.as_json(),
        **_listed(rows, room),
        "dry_run": "nothing was written",
        "files": "not read; a file that Odoo cannot deliver would block its bill",
    }


def _listed(rows: Sequence[Json], room: int) -> Json:
    """As many bills as the answer has room for, and how many more there are."""
    listed: list[Json] = []
    size = 0
    for row in rows:
        size += len(json.dumps(row))
        if size > room:
            break
        listed.append(row)
    return {"bills": listed, "bills_not_listed": len(rows) - len(listed)}
