"""Read Odoo in a process of its own, and say what that took: the extractor, or a naive reader.

    python -m sandbox.benchmark.reading extract|read|naive COUNT

`extract` invokes the extractor until nothing is left, `read` does its reading without storing,
`naive` reads COUNT bills one by one. The answer is one line of JSON on the last line.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odoo_qb.odoo.client import OdooClient

RUN_SECONDS: Final = 300.0  # the extractor's timeout: a run that is cut short is begun again

Json = dict[str, Any]


class Context:
    """Lambda's, as far as the extractor asks it."""

    def __init__(self) -> None:
        self._until = time.monotonic() + RUN_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        """What is left of this run."""
        return int((self._until - time.monotonic()) * 1000)


class NaiveReader:
    """What one writes first: a bill, its lines, its vendor and its file, a call for each."""

    def __init__(self, odoo: OdooClient) -> None:
        self._odoo = odoo

    def bill(self, odoo_id: int) -> tuple[Json, list[Json], Json, bytes]:
        """All there is of one bill."""
        [move] = self._odoo.call("account.move", "read", [odoo_id], fields=list(_BILL))
        lines = self._odoo.call(
            "account.move.line", "search_read", [["move_id", "=", odoo_id]], fields=list(_LINE)
        )
        [vendor] = self._odoo.call(
            "res.partner", "read", [move["partner_id"][0]], fields=["name", "email"]
        )
        [file] = self._odoo.call(
            "ir.attachment",
            "read",
            [move["message_main_attachment_id"][0]],
            fields=["name", "datas"],
        )
        return move, lines, vendor, base64.b64decode(file["datas"])


_BILL: Final = (
    "name", "move_type", "state", "ref", "partner_id", "company_id", "currency_id", "invoice_date",
    "date", "invoice_date_due", "amount_untaxed", "amount_tax", "amount_total",
    "message_main_attachment_id",
)  # fmt: skip
_LINE: Final = ("name", "account_id", "quantity", "price_unit", "price_subtotal", "tax_ids")


def extract(_: int) -> Json:
    """The function itself, as often as it takes."""
    import extractor  # noqa: PLC0415 - the environment says what it is to find

    read = runs = calls = 0
    while True:
        report = extractor.lambda_handler({}, Context())
        runs, read = runs + 1, read + report["read"]
        calls += report["odoo_calls"]
        if not report["not_yet_read"]:
            return {"bills": read, "runs": runs, "calls": calls}


def read(_: int) -> Json:
    """What the extractor reads for new bills, kept nowhere."""
    from odoo_qb.extraction.files import FileStage  # noqa: PLC0415 - as above

    # Read after the clock was started, as the handler is.
    from odoo_qb.odoo.client import PAGE_SIZE  # noqa: PLC0415
    from odoo_qb.odoo.files import read_files  # noqa: PLC0415 - as above
    from odoo_qb.odoo.reader import BillReader  # noqa: PLC0415 - as above

    odoo = _odoo()
    ids = [c.odoo_id for c in _found(odoo)]
    companies = odoo.call("res.company", "search_read", [], fields=["name"])
    books = BillReader(odoo, {row["name"]: row["name"] for row in companies})
    bills = files = 0
    for start in range(0, len(ids), PAGE_SIZE):
        page = books.page(ids[start : start + PAGE_SIZE])
        found = [entry.bill for entry in page if entry.bill]
        bills += len(found)
        for batch in read_files(odoo, FileStage(found, {}).missing()):
            files += len(batch)
    return {"bills": bills, "files": files, "calls": odoo.calls}


def naive(count: int) -> Json:
    """The first so many of the same bills, one by one."""
    odoo = _odoo()
    ids = [c.odoo_id for c in _found(odoo)][-count:]
    reader = NaiveReader(odoo)
    files = [len(reader.bill(odoo_id)[3]) for odoo_id in ids]
    return {"bills": len(ids), "files": len(files), "calls": odoo.calls}


def main(arguments: Sequence[str]) -> int:
    """Do one of them; says how long it took and the most memory it ever held."""
    ways: dict[str, Callable[[int], Json]] = {"extract": extract, "read": read, "naive": naive}
    started = time.monotonic()
    done = ways[arguments[0]](int(arguments[1]))
    done["seconds"] = round(time.monotonic() - started, 2)
    # Not getrusage's: that begins with what the parent held when it started this process.
    [peak] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps(done | {"peak_megabytes": round(int(peak) * 1024 / 1e6, 1)}))
    return 0


def _odoo() -> OdooClient:
    from odoo_qb.odoo.client import OdooClient  # noqa: PLC0415 - as the handler, after the clock was started

    return OdooClient(
        url=os.environ["ODOO_API_URL"],
        database="odoo",
        username="ap-bot@example.com",
        api_key="sandbox-odoo-key",
    )


def _found(odoo: OdooClient) -> list[Any]:
    from odoo_qb.odoo.search import search_changed  # noqa: PLC0415 - as above

    since = date.fromisoformat(os.environ["EXTRACT_SINCE"])
    return search_changed(odoo, watermark="", dated_from=since)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
