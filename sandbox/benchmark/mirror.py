"""What the mirror asks of Odoo and DynamoDB, and costs, beside a naive one.

The naive one reads everything again each minute, writes what it reads, and scans for `skip`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import cycle, islice
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from odoo_qb.mirror.listing import page
from odoo_qb.store import mirror_keys as keys
from odoo_qb.store.mirror_table import MirrorTable, Put
from sandbox.benchmark.capacity import READ_BYTES, WRITE_BYTES, read_units, size_of
from sandbox.benchmark.costs import DAYS, VENDOR
from sandbox.benchmark.prices import PRICES
from sandbox.in_process.aws import REGION
from sandbox.in_process.mirror import MirrorDesk, a_mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.odoo.server import Odoo

CHANGED: Final = 5_000
HELD: Final = 10_000  # records of the mirror that the costs are for
FAR: Final = 90_000
RUNS: Final = 60 * 24 * DAYS
SECONDS: Final = 0.3  # a warm run's own time, beside its calls to Odoo
GIGABYTES: Final = Decimal("0.5")
_INDEX_ENTRIES: Final = 2  # of a record: by month, by partner; a changed one leaves and comes

Json = dict[str, Any]


@dataclass(slots=True)
class Units:
    """DynamoDB's requests and units, and the records that were written."""

    requests: Counter[str] = field(default_factory=Counter)
    reads: float = 0.0
    writes: float = 0.0
    records: int = 0

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:  # noqa: ANN401 - a call's answer
        """Do a call of the mirror's, and count it if it is to DynamoDB."""
        answer = work()
        if step.startswith("dynamodb "):
            operation = step.partition(" ")[2]
            self.requests[operation] += 1
            self._count(operation, work.keywords, answer)  # type: ignore[attr-defined]  # a partial
        return answer

    def _count(self, operation: str, asked: Json, answer: Json) -> None:
        match operation:
            case "get_item":
                self.reads += read_units([size_of(answer.get("Item", {}))], consistent=True)
            case "batch_get_item":
                self.reads += sum(ceil(len(one["Keys"])) for one in asked["RequestItems"].values())
            case "query":
                size = sum(map(size_of, answer["Items"]))
                self.reads += max(1, ceil(size / READ_BYTES)) / (2 if "IndexName" in asked else 1)
            case "batch_write_item":
                [(_, requests)] = asked["RequestItems"].items()
                for request in requests:
                    self.records += 1
                    item = request.get("PutRequest", {}).get("Item", {})
                    self.writes += max(1, ceil(size_of(item) / WRITE_BYTES)) + _INDEX_ENTRIES
            case "transact_write_items":
                self.writes += sum(2 * _written(i["Update"]) for i in asked["TransactItems"])
            case _:
                self.writes += _written(asked)


def _written(asked: Json) -> int:
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
    found = backend.get_item(asked["TableName"], asked["Key"])
    size = size_of(found.to_json()["Attributes"]) if found else 0
    return max(1, ceil(size / WRITE_BYTES))


def measure(say: Callable[[str], None]) -> Json:
    """Calls, requests and dollars of the mirror."""
    with a_mirror(dataset="ledger-18", version=18) as desk:
        say("the mirror: a load, a quiet run and a full one")
        desk.sync()
        desk.sleep(3600)
        source = desk.source()
        desk.sync(source=source)
        idle = _counted(desk)
        reports = desk.sync(source=source)
        again = _counted(desk)
        desk.sync(source=source, full=True)
        desk.on_step = Units().on_step
        say(f"the mirror: {CHANGED:,} contacts and {CHANGED:,} documents")
        for number in range(CHANGED):
            desk.odoo.new_contact(f"Contact {number}")
        contacts = desk.sync("sync_contacts", source=source)["contact"]
        enter_documents(desk.odoo, CHANGED)
        changed = _counted(desk)
        moves = desk.sync("sync_invoices", source=source)["move"]
        far = _far(desk)
    return {
        "idle": {
            "calls_a_kind": max(report.calls for report in reports.values()),
            "reads": idle.reads,
            "writes": idle.writes,
            "records_written": idle.records,
        },
        "unchanged_written": again.records,
        "changed": CHANGED,
        "contacts": {"calls": contacts.calls, "records": contacts.inserted},
        "moves": {"calls": moves.calls, "records": moves.inserted,
                  "reads": changed.reads, "writes": changed.writes},
        "far": {"skip": FAR, "calls": far},
        "costs": _costs(len(reports), idle, changed, moves.calls),
    }  # fmt: skip


def enter_documents(odoo: Odoo, count: int) -> None:
    """So many documents, copies of those that are there with their lines."""
    moves = [m for m in odoo.records["account.move"].values() if m["move_type"] != "entry"]
    at = odoo.clock()
    for original in islice(cycle(moves), count):
        move = odoo.add("account.move", original, at)
        for name in ("line_ids", "invoice_line_ids"):
            move[name] = []
        for number in original["line_ids"]:
            line = odoo.add("account.move.line", odoo.records["account.move.line"][number], at)
            line["move_id"] = move["id"]
            move["line_ids"].append(line["id"])
            if number in original["invoice_line_ids"]:
                move["invoice_line_ids"].append(line["id"])


def _counted(desk: MirrorDesk) -> Units:
    units = Units()
    desk.on_step = units.on_step
    return units


def _far(desk: MirrorDesk) -> int:
    """Calls to DynamoDB for a page far into a list, of which only that part is really there."""
    table = desk.table()
    accounts = MirrorTable(table, "odoo", "transaction")
    item = {"hash": "", "data": "{}"}
    first = FAR // keys.THOUSAND
    real = range(first * keys.THOUSAND, (first + 1) * keys.THOUSAND)
    accounts.write([Put(source_id=i, item=item, before=None) for i in real], {})
    accounts.counts.change({keys.ALL: dict.fromkeys(range(first), keys.THOUSAND)})
    before = table.calls
    found = page(accounts, {}, FAR + 500, 100)
    if [int(row["sk"]) for row in found.items] != [*range(FAR + 500, FAR + 600)]:
        raise RuntimeError("the page is not the one that was asked for")
    return table.calls - before


def _costs(kinds: int, idle: Units, changed: Units, calls: int) -> Json:
    """Dollars of an idle month and of a thousand changed records, ours and the naive one's."""
    seconds = Decimal(str(SECONDS + kinds * VENDOR["odoo"]))
    month = RUNS * (_dynamodb(idle.reads, idle.writes) + _lambda(seconds))
    thousand = _dynamodb(changed.reads, changed.writes) + _lambda(
        Decimal(str(calls * VENDOR["odoo"]))
    )
    units = changed.writes / changed.records  # of a record, written again and again
    every = _dynamodb(0, HELD * units) + _lambda(Decimal(str(HELD / 1_000 * 2 * VENDOR["odoo"])))
    size = changed.writes / CHANGED * WRITE_BYTES
    scan = _dynamodb((FAR + 100) * size / READ_BYTES / 2, 0)
    ours = _dynamodb(3, 0)
    return {
        "idle_month": _rounded(month),
        "naive_month": _rounded(RUNS * every),
        "thousand_changed": _rounded(thousand * 1_000 / CHANGED),
        "naive_thousand_pages_far": _rounded(scan * 1_000),
        "thousand_pages_far": _rounded(ours * 1_000),
    }


def _dynamodb(reads: float, writes: float) -> Decimal:
    read = Decimal(str(reads)) * PRICES["DynamoDB reads"].dollars
    return read + Decimal(str(writes)) * PRICES["DynamoDB writes"].dollars


def _lambda(seconds: Decimal) -> Decimal:
    time = seconds * GIGABYTES * PRICES["Lambda time"].dollars
    return time + PRICES["Lambda runs"].dollars


def _rounded(dollars: Decimal) -> float:
    return round(float(dollars), 5)
