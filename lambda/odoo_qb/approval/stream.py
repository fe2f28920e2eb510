"""The records of the table's stream: which bills changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = Logger(child=True)


@dataclass(frozen=True, slots=True)
class Changes:
    """The changed bills, each with the number of its first record; and malformed records.

    Malformed records with a number are returned as failed, so that they end in the failure queue.
    """

    numbers: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def changes_of(records: Iterable[object]) -> Changes:
    """The changed bills in a batch of records; a bill that changed five times counts once."""
    found = Changes()
    for record in records:
        entry_id, number = _bill_and_number(record)
        if entry_id:
            found.numbers.setdefault(entry_id, number)
            continue
        logger.error("not a record of the table's stream", number=number)
        if number:
            found.failed.append(number)
    return found


def _bill_and_number(record: object) -> tuple[str, str]:
    """A record's bill and number; "" for what it does not say."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    keys = change.get("Keys") if isinstance(change, dict) else None
    key = keys.get("entry_id") if isinstance(keys, dict) else None
    entry_id = key.get("S") if isinstance(key, dict) else None
    number = change.get("SequenceNumber") if isinstance(change, dict) else None
    texts = tuple(text if isinstance(text, str) else "" for text in (entry_id, number))
    return (texts[0] if texts[1] else "", texts[1])
