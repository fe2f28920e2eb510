"""How AWS reads a table's stream for a function: retries, splits, partial failures, discards.

https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
"""

# ruff: noqa: SLF001 - its work is on another package's internals

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

type Document = dict[str, Any]  # a record, a mapping, an answer: JSON as MiniStack keeps it

RETRY_AFTER: Final = 1.0  # seconds between attempts at a batch; AWS does not say its own


@dataclass(frozen=True, slots=True)
class Batch:
    """Records to deliver together, and how often that has failed."""

    records: Sequence[Document]
    failures: int = 0


def first_failed(mapping: Document, records: Sequence[Document], result: Document) -> int | None:
    """The index of the first failed record, None if all succeeded."""
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", ()) or not body:
        return None
    try:
        answer = json.loads(body) if isinstance(body, str) else body
        failed = {item["itemIdentifier"] for item in answer.get("batchItemFailures") or ()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return 0  # an invalid answer counts as a failure of the whole batch
    if not failed:
        return None
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return min(numbers.index(number) if number in numbers else 0 for number in failed)


def still_to_do(mapping: Document, batch: Batch, failed: int | None) -> list[Batch]:
    """The rest of a batch after an attempt; splitting it does not count as a retry."""
    if failed is None:
        return []
    bisect = mapping.get("BisectBatchOnFunctionError")
    rest = batch.records[failed:]
    if failed:
        return [Batch(rest, 0 if bisect else 1)]
    if bisect and len(rest) > 1:
        half = len(rest) // 2
        return [Batch(rest[:half], batch.failures), Batch(rest[half:], batch.failures)]
    return [Batch(rest, batch.failures + 1)]


def split_by_age(mapping: Document, batch: Batch, now: float) -> tuple[Batch, Batch]:
    """The records that are too old to be delivered, and the others."""
    limit = mapping.get("MaximumRecordAgeInSeconds") or -1
    ages = [_age(record, now) for record in batch.records]
    young = next((i for i, age in enumerate(ages) if limit < 0 or age <= limit), len(ages))
    return Batch(batch.records[:young]), Batch(batch.records[young:], batch.failures)


def shard_of(record: Document, shards: int) -> int:
    """The shard of an item: all its changes are in the same one."""
    keys = json.dumps(record["dynamodb"]["Keys"], sort_keys=True)
    return crc32(keys.encode()) % shards


def _key(mapping: Document, shard: int) -> str:
    """The key for a shard's position and waiting batches."""
    return f"{mapping['UUID']}#{shard}" if shard else str(mapping["UUID"])


def _age(record: Document, now: float) -> float:
    return now - float(record["dynamodb"]["ApproximateCreationDateTime"])


class Streams:
    """Reads the tables' streams for the functions mapped to them, one batch a mapping at a time.

    AWS keeps a table's stream in a shard for each of its partitions and runs a function for each
    at the same time; here there is one shard unless `shards` says otherwise.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html

    MiniStack 1.5.33 waits for the function, and so do all queues; it retries a failed batch for
    ever, takes a partial failure for a success, hands over records that are past their age, and
    does not wait for a batch to fill.
    """

    def __init__(
        self,
        functions: ModuleType,
        tables: ModuleType,
        scope: Callable[..., Any],
        note_age: Callable[[str, float], None],
        shards: int = 1,
    ) -> None:
        self._functions, self._tables, self._scope = functions, tables, scope
        self._note_age, self._shards = note_age, shards
        self._waiting: dict[str, list[Batch]] = {}  # what is left of the batch last read
        self._read_up_to: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def poll(self) -> bool:
        """Start what can be started; returns whether anything was."""
        started = False
        for account, region, mapping in self._functions._iter_all_esms():
            with self._scope(account, region):
                for shard in range(self._shards):
                    started = self._start(mapping, shard) or started
        return started

    def _start(self, mapping: Document, shard: int) -> bool:
        functions, key = self._functions, _key(mapping, shard)
        source, _, _label = mapping.get("EventSourceArn", "").partition("/stream/")
        name = source.rpartition("/")[2]
        table = self._tables._tables.get(name) or {}
        function, _ = functions._get_func_record_for_qualifier(
            mapping["FunctionName"], mapping.get("Qualifier")
        )
        if (
            not mapping.get("Enabled", True)
            or table.get("LatestStreamArn") != mapping["EventSourceArn"]
            or function is None
            or functions._esm_inflight.get(key)
            or self._not_before.get(key, 0) > time.monotonic()
        ):
            return False
        if not self._waiting.get(key) and not self._read(mapping, name, shard):
            return False
        if self._waiting[key]:  # otherwise the filter left out everything that was read
            functions._dispatch_esm_batch(key, self._attempt, key, mapping, function)
        return True

    def _read(self, mapping: Document, table: str, shard: int) -> bool:
        """Read the shard's next batch through the mapping's filter; whether there was any."""
        functions, key = self._functions, _key(mapping, shard)
        functions._init_stream_position(
            key, mapping["EventSourceArn"], mapping.get("StartingPosition", "LATEST")
        )
        oldest = self._tables.stream_start_position(table)
        if functions._dynamodb_stream_positions[key] > self._tables.stream_end_position(table):
            # An earlier process saved the position, but not the records.
            functions._dynamodb_stream_positions[key] = oldest
        start = max(functions._dynamodb_stream_positions[key], oldest)
        size = mapping.get("BatchSize", 100)
        read = self._tables.stream_records_since(table, start, size)
        window = mapping.get("MaximumBatchingWindowInSeconds") or 0
        if not read or (len(read) < size and _age(read[0], time.time()) < window):
            return False
        of_shard = [record for record in read if shard_of(record, self._shards) == shard]
        kept = functions._apply_filter_criteria(of_shard, mapping)
        self._waiting[key] = [Batch(kept)] if kept else []
        self._read_up_to[key] = start + len(read)
        if not kept:
            functions._dynamodb_stream_positions[key] = self._read_up_to[key]
        return True

    def _attempt(self, key: str, mapping: Document, function: Document) -> None:
        waiting = self._waiting[key]
        old, batch = split_by_age(mapping, waiting[0], time.time())
        if old.records:
            self._discard(mapping, function, old, {}, "RecordAgeExceeded")
        left: list[Batch] = []
        if batch.records:
            age = _age(batch.records[-1], time.time())
            self._note_age(function["config"]["FunctionName"], age)
            result = self._functions._execute_function(function, {"Records": list(batch.records)})
            failed = first_failed(mapping, batch.records, result)
            left = [batch] if result.get("throttle") else still_to_do(mapping, batch, failed)
            mapping["LastProcessingResult"] = "OK" if failed is None else "PROBLEM"
            retries = mapping.get("MaximumRetryAttempts", -1)
            if left and 0 <= retries < left[0].failures:
                self._discard(mapping, function, left.pop(0), result, "RetryAttemptsExhausted")
            if left and failed == 0 and len(left) == 1:
                self._not_before[key] = time.monotonic() + RETRY_AFTER
        waiting[:1] = left
        if not waiting and key in self._functions._dynamodb_stream_positions:
            self._functions._dynamodb_stream_positions[key] = self._read_up_to[key]

    def _discard(
        self, mapping: Document, function: Document, batch: Batch, result: Document, why: str
    ) -> None:
        self._functions._send_ddb_stream_failure_record(
            mapping, function, batch.records, mapping["EventSourceArn"], result, why
        )
