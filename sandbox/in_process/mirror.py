"""The mirror in one process: its real runs, moto for its table, the sandbox's Odoo beside it."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from odoo_qb.mirror.applying import READ
from odoo_qb.mirror.content import data_of
from odoo_qb.mirror.request import sync_request
from odoo_qb.mirror.sync import Syncing
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.source import OdooSource
from odoo_qb.store.attributes import plain
from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.store.sorted_table import SortedTable
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.odoo import truth
from sandbox.odoo.server import Odoo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from odoo_qb.exact_json import Json
    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Kind

TABLE: Final = "mirror"
_NUMBERS: Final = count()
MODELS: Final[dict[Kind, str]] = {
    "contact": "res.partner",
    "move": "account.move",
    "payment": "account.payment",
    "order": "sale.order",
    "account": "account.account",
}


@dataclass(kw_only=True)
class MirrorDesk:
    """A mirror of one Odoo. Time is the test's: Odoo's clock and ours are `now`.

    `on_step` is given the name of each call to DynamoDB ("dynamodb query") and Odoo
    ("odoo res.partner.search"), and what does it.
    """

    odoo: Odoo
    url: str
    client: Any
    table_name: str = TABLE
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 28, 8, 0, tzinfo=UTC))
    seconds: float = 240.0  # that a run has
    companies: tuple[int | str, ...] = ()
    batch: int = READ  # records at a time
    on_step: Callable[[str, Callable[[], Any]], Any] = field(default_factory=lambda: _do)
    _batches: int | None = None
    user: dict[str, Any] = field(
        default_factory=lambda: {
            "username": "ap-bot@example.com",
            "api_key": "sandbox-odoo-key",
        }
    )

    def clock(self) -> datetime:
        """What time it is."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def table(self) -> SortedTable:
        """The mirror's table, as a cold function has it."""
        return _WatchedTable(self)

    def source(self) -> OdooSource:
        """Odoo, as a cold function reads it."""
        return OdooSource(_WatchedOdoo(self), self.companies)

    def sync(
        self, task: str = "sync_all", *, source: OdooSource | None = None, **more: Any
    ) -> dict[Kind, Report]:
        """Invoke the mirror, cold or with a `source` of before; its report on each kind."""
        source = source or self.source()
        source.refresh()
        syncing = Syncing(
            table=self.table(),
            source=lambda _: source,
            connections=("odoo",),
            clock=self.clock,
            seconds_left=self._seconds_left,
            batch=self.batch,
        )
        reports = syncing.sync(sync_request({"task": task, **more}, ("odoo",)))
        self.sleep(60)
        return {report.kind: report for report in reports}

    def seconds_for_batches(self, batches: int) -> None:
        """Let the next run have time for so many batches."""
        self._batches = batches

    def _seconds_left(self) -> float:
        if self._batches is not None:
            self._batches -= 1
            return self.seconds if self._batches >= 0 else 0.0
        return self.seconds

    def rows(self, kind: Kind) -> dict[int, Json]:
        """Every mirrored record as it is stored."""
        table = MirrorTable(self.table(), "odoo", kind)
        return {int(row["sk"]): row for row in table.every(table.counts.read())}

    def everything(self) -> list[Json]:
        """Every item of the table."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.table_name)
        rows = [plain(row) for page in pages for row in page["Items"]]
        return sorted(rows, key=lambda row: (row["pk"], row["sk"]))

    def stored(self, kind: Kind) -> dict[int, Json]:
        """The served fields of every mirrored record."""
        return {source_id: data_of(row) for source_id, row in self.rows(kind).items()}

    def differences(self) -> list[str]:
        """What the mirror holds otherwise than Odoo, in a line each."""
        return [line for kind in MODELS for line in self.different(kind)]

    def remember(self) -> Callable[[], None]:
        """How all stands now; what is returned brings it back."""
        left = ("lock", "_clock", "distort")
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[self.table_name]
        kept = {k: v for k, v in vars(self.odoo).items() if k not in left}
        odoo, items = pickle.dumps(kept), pickle.dumps(table.items)
        now, companies = self.now, self.companies

        def restore() -> None:
            vars(self.odoo).update(pickle.loads(odoo))  # noqa: S301 - what we dumped ourselves
            table.items = pickle.loads(items)  # noqa: S301 - as above
            self.now, self.companies, self._batches = now, companies, None
            self.batch = READ
            self.on_step = _do

        return restore

    def clear(self) -> None:
        """Empty the mirror's table, as it is before the first load."""
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[self.table_name].items.clear()

    def different(self, kind: Kind) -> list[str]:
        """The same of one kind."""
        fields = ["move_type"] if kind == "move" else []
        held = truth.held(self.odoo, MODELS[kind], fields)
        ids = {i for i, row in held.items() if row.get("move_type") != "entry"}
        expected = self.source().read(kind, ids)
        stored = self.stored(kind)
        found = [f"{kind} {i}: in Odoo only" for i in sorted(expected.records.keys() - stored)]
        found += [f"{kind} {i}: in the mirror only" for i in sorted(stored.keys() - ids)]
        for source_id, record in sorted(expected.records.items()):
            kept = stored.get(source_id, record)
            names = sorted(n for n in record.keys() | kept if kept.get(n) != record.get(n))
            found += [f"{kind} {source_id}: {n} is {kept.get(n)!r}, not {record.get(n)!r}"
                      for n in names]  # fmt: skip
        return found


def _do(_: str, work: Callable[[], Any]) -> Any:
    return work()


class _WatchedTable(SortedTable):
    def __init__(self, desk: MirrorDesk) -> None:
        super().__init__(desk.client, desk.table_name, sleep=desk.sleep)
        self._desk = desk

    def ask(self, operation: str, **given: Any) -> Json:
        work = partial(super().ask, operation, **given)
        answer: Json = self._desk.on_step(f"dynamodb {operation}", work)
        return answer


class _WatchedOdoo(OdooClient):
    def __init__(self, desk: MirrorDesk) -> None:
        super().__init__(url=desk.url, database=desk.odoo.database, sleep=desk.sleep, **desk.user)
        self._desk = desk

    def call(self, model: str, method: str, subject: object = None, **named: object) -> Any:
        work = partial(super().call, model, method, subject, **named)
        return self._desk.on_step(f"odoo {model}.{method}", work)


@contextmanager
def a_mirror(
    *, listen: Callable[[Odoo], AbstractContextManager[Any]] = serve, **odoo: Any
) -> Iterator[MirrorDesk]:
    """An Odoo and an empty mirror of it. `listen` lets the Odoo answer at a url."""
    now = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
    desk: list[MirrorDesk] = []
    simulator = Odoo(clock=lambda: desk[0].now if desk else now, **odoo)
    with mock_aws(), listen(simulator) as server:
        client = boto3.client("dynamodb", region_name=REGION)
        name = f"{TABLE}-{next(_NUMBERS)}"  # another desk's may stand beside it
        make_mirror_table(client, name)
        parts: Json = {"odoo": simulator, "url": server.url, "client": client}
        desk.append(MirrorDesk(**parts, table_name=name, now=now))
        yield desk[0]


def make_mirror_table(client: Any, name: str = TABLE) -> None:
    """The table with its two indexes, as Terraform makes it."""

    def index(name: str, key: str, sort: str) -> Json:
        return {
            "IndexName": name,
            "KeySchema": [
                {"AttributeName": key, "KeyType": "HASH"},
                {"AttributeName": sort, "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }

    attributes = ("pk", "sk", "month", "written", "partner")
    client.create_table(
        TableName=name,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": "S"} for a in attributes],
        GlobalSecondaryIndexes=[
            index("by-month", "month", "written"),
            index("by-partner", "partner", "pk"),
        ],
        BillingMode="PAY_PER_REQUEST",
    )
