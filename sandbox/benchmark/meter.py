"""Count what the functions ask of AWS: requests by service, DynamoDB's units, bytes logged."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from sandbox.benchmark import capacity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from botocore.client import BaseClient

WRITES: Final = frozenset(
    {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}
)

Json = dict[str, Any]


@dataclass(slots=True)
class Meter:
    """What was counted so far; `perform` is put between a client and moto.

    `requests` are AWS's operations; `writes` those to the table, by what they write: odoo (a bill),
    reference, vendor and so on; `shows` are the changes of a bill whose card is owed, which
    the table's stream brings to the notifier.
    """

    requests: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    read_units: float = 0
    shows: int = 0
    logged_bytes: int = 0

    def perform(
        self, call: Callable[..., Json], client: BaseClient, operation: str, arguments: Json
    ) -> Json:
        """Do a call and count it, also when AWS refuses a condition, which is charged alike."""
        self.requests[operation] += 1
        if operation == "GetItem":
            # moto's answer without the wire, which would take most of the time of a life.
            item = _item(client, arguments["TableName"], arguments["Key"])
            self._read([item or {}], consistent=arguments.get("ConsistentRead", False))
            return {"Item": item} if item else {}
        if operation in WRITES:
            return self._write(call, client, operation, arguments)
        answer = call(client, operation, arguments)
        if operation == "BatchGetItem":
            [(table, asked)] = arguments["RequestItems"].items()
            found = answer["Responses"].get(table, ())
            missing: list[Json] = [{}] * (len(asked["Keys"]) - len(found))
            self._read([*found, *missing], consistent=asked.get("ConsistentRead", False))
        elif operation == "Query":
            self.read_units += capacity.query_units(answer["Items"])
        return answer

    def since(self, before: Meter) -> Meter:
        """What was counted after `before`, which is a copy of this one."""
        return Meter(
            self.requests - before.requests,
            self.writes - before.writes,
            self.write_units - before.write_units,
            self.read_units - before.read_units,
            self.shows - before.shows,
            self.logged_bytes - before.logged_bytes,
        )

    def copy(self) -> Meter:
        """What was counted until now."""
        return self.since(Meter())

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Keep what is printed from the screen, and count it."""
        sys.stdout.flush()
        screen = os.dup(1)
        with tempfile.TemporaryFile() as log:
            os.dup2(log.fileno(), 1)
            try:
                yield
            finally:
                sys.stdout.flush()
                os.dup2(screen, 1)
                os.close(screen)
                self.logged_bytes += log.tell()

    def _read(self, items: Iterable[Json], *, consistent: bool) -> None:
        sizes = map(capacity.size_of, items)
        self.read_units += capacity.read_units(sizes, consistent=consistent)

    def _write(
        self, call: Callable[..., Json], client: BaseClient, operation: str, arguments: Json
    ) -> Json:
        if operation not in {"PutItem", "UpdateItem"}:
            raise NotImplementedError(operation)  # or it would go uncounted
        key = {capacity.KEY: (arguments.get("Key") or arguments["Item"])[capacity.KEY]}
        table = arguments["TableName"]
        self.writes[re.split("[-#]", key[capacity.KEY]["S"])[0]] += 1
        before = _item(client, table, key)
        try:
            return call(client, operation, arguments)
        finally:
            after = _item(client, table, key)
            self.write_units += capacity.write_units(before, after)
            self.shows += after != before and "card_due" in (after or {})


def _item(client: BaseClient, table: str, key: Json) -> Json | None:
    backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name]
    found = backend.get_item(table, key)
    return found.to_json()["Attributes"] if found else None
