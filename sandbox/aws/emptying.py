"""Empty tables of the emulator, without a word to who reads their streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def strip_items(dynamodb: Any, table: str, key: str) -> None:  # noqa: ANN401 - boto3
    """Leave nothing of a table's items but their keys: what has no content is no change to tell.

    The webhook would otherwise tell its endpoint that every record was deleted.
    """
    keys = _keys(dynamodb, table, key)
    _write(dynamodb, table, [{"PutRequest": {"Item": item}} for item in keys])


def empty(dynamodb: Any, table: str, key: str, keep: object = None) -> None:  # noqa: ANN401 - boto3
    """Delete a table's items except the one with the key `keep`; `key` lists the key attributes."""
    keys = [item for item in _keys(dynamodb, table, key) if item != keep]
    _write(dynamodb, table, [{"DeleteRequest": {"Key": item}} for item in keys])


def _keys(dynamodb: Any, table: str, key: str) -> list[Any]:  # noqa: ANN401 - boto3
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ProjectionExpression=key)
    return [item for page in pages for item in page["Items"]]


def _write(dynamodb: Any, table: str, requests: list[Any]) -> None:  # noqa: ANN401 - boto3
    for some in _chunks(requests, 25):
        pending = some
        while pending:
            answer = dynamodb.batch_write_item(RequestItems={table: pending})
            pending = answer.get("UnprocessedItems", {}).get(table)


def _chunks(things: list[Any], size: int) -> Iterable[list[Any]]:
    return (things[first : first + size] for first in range(0, len(things), size))
