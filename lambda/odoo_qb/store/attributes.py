"""DynamoDB's typed attributes to plain values, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odoo_qb.exact_json import Json


deserialize = TypeDeserializer().deserialize
serialize = TypeSerializer().serialize


def plain(raw: Mapping[str, Any]) -> Json:
    """DynamoDB's typed attributes as plain values."""
    return {k: deserialize(v) for k, v in raw.items()}


def attributes(item: Mapping[str, Any]) -> Json:
    """Plain values as DynamoDB's typed attributes."""
    return {k: serialize(v) for k, v in item.items()}


def update_expression(values: Mapping[str, object], remove: Sequence[str]) -> Json:
    """The SET and REMOVE of an update_item call."""
    sets = ", ".join(f"#{k} = :{k}" for k in values)
    removes = ", ".join(f"#{k}" for k in remove)
    expression = " ".join(
        part for part in (sets and f"SET {sets}", removes and f"REMOVE {removes}") if part
    )
    update: Json = {
        "UpdateExpression": expression,
        "ExpressionAttributeNames": {f"#{k}": k for k in (*values, *remove)},
    }
    if values:
        update["ExpressionAttributeValues"] = {f":{k}": serialize(v) for k, v in values.items()}
    return update
