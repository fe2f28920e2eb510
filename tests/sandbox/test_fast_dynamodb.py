"""The short ways to moto's tables: they answer and leave behind what the wire does."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from sandbox.in_process.aws import REGION, make_table
from sandbox.in_process.fast_dynamodb import on_the_wire, rows
from sandbox.in_process.mirror import make_mirror_table

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

LONG: Final = {"B": b"x" * 250_000}
ONE: Final = {"S": "1"}
SORTED: Final = {"pk": {"S": "odoo#move#1"}, "sk": {"S": "7"}}
BILL: Final = {"entry_id": {"S": "odoo-7"}}


def an_update(key: Json, expression: str, condition: str = "", **values: Any) -> Json:
    """An update as the stores make it: each attribute by #its name, each value by :its name."""
    names = [w.strip("#,") for w in f"{expression} {condition}".split() if w.startswith("#")]
    given: Json = {"Key": key, "UpdateExpression": expression}
    given["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    if values:
        given["ExpressionAttributeValues"] = {f":{k}": v for k, v in values.items()}
    return given | ({"ConditionExpression": condition} if condition else {})


def some_calls(key: Json) -> list[tuple[str, Json]]:
    """What a store asks, in this order, about an item and its neighbours."""
    other = {**key, "sk": {"S": "8"}} if "sk" in key else {"entry_id": {"S": "odoo-8"}}
    nested = {"M": {"n": {"N": "1.50"}, "l": {"L": [{"S": "a"}, {"BOOL": True}, {"NULL": True}]}}}
    return [
        ("get_item", {"Key": key, "ConsistentRead": True}),
        ("update_item", an_update(key, "SET #a = :a", "attribute_exists(#a)", a=ONE)),
        ("update_item", an_update(key, "SET #a = :a, #m = :m", a=ONE, m=nested)),
        ("update_item", an_update(key, "SET #b = :b REMOVE #a", "#a = :a", b={"N": "2"}, a=ONE)),
        ("update_item", an_update(key, "SET #b = :b", "#a = :a", b={"N": "3"}, a=ONE)),
        ("update_item", an_update(key, "REMOVE #never")),
        ("update_item", an_update(key, "SET #s = :s", s={"SS": ["b", "a"]})),
        ("update_item", an_update(key, "SET #c = if_not_exists(#c, :zero)", zero={"N": "0"})),
        ("update_item", an_update(key, "SET #b = :b", b={"N": "4"}) | {"ReturnValues": "ALL_NEW"}),
        ("update_item", an_update(other, "SET #large = :large", large=LONG)),
        ("put_item", {"Item": {**other, "a": {"S": "2"}, "raw": {"B": b"\x00\xff"}}}),
        ("put_item", {"Item": other, "ConditionExpression": "attribute_not_exists(a)"}),
        ("get_item", {"Key": key}),
        ("get_item", {"Key": other}),
        ("get_item", {"Key": key, "ProjectionExpression": "b"}),
    ]  # fmt: skip


MORE_OF_A_SORTED: Final[list[tuple[str, Json]]] = [
    *((
        "put_item",
        {"Item": {"pk": {"S": p}, "sk": {"S": s}, "month": {"S": "2026-11"}, "written": {"S": s}}},
    ) for p in ("p", "q") for s in ("1", "2", "3")),
    ("update_item", an_update(SORTED, "SET #more = :more", more={"B": b"x" * 160_000})),
    ("update_item", an_update(
        {"pk": {"S": "odoo#move#1"}, "sk": {"S": "9"}}, "SET #a = :a, #b = :b", a=LONG, b=LONG)),
    *(("query", {"ExpressionAttributeValues": {":p": {"S": "p"}, **values}, **given})
      for given, values in (
        ({"KeyConditionExpression": "pk = :p"}, {}),
        ({"KeyConditionExpression": "pk = :p", "ScanIndexForward": False, "Limit": 2}, {}),
        ({"KeyConditionExpression": "pk = :p", "Limit": 1,
          "ExclusiveStartKey": {"pk": {"S": "p"}, "sk": {"S": "1"}}}, {}),
        ({"KeyConditionExpression": "pk = :p AND sk BETWEEN :a AND :b", "ConsistentRead": True},
         {":a": {"S": "2"}, ":b": {"S": "9"}}),
        ({"KeyConditionExpression": "pk = :p", "FilterExpression": "written = :w"},
         {":w": {"S": "3"}}),
        ({"KeyConditionExpression": "pk = :p", "ProjectionExpression": "sk"}, {}),
      )),
    ("query", {"KeyConditionExpression": "pk = :p",
               "ExpressionAttributeValues": {":p": {"S": "nobody's"}}}),
    ("query", {"IndexName": "by-month", "KeyConditionExpression": "#m = :m AND written >= :w",
               "ExpressionAttributeNames": {"#m": "month"},
               "ExpressionAttributeValues": {":m": {"S": "2026-11"}, ":w": {"S": "2"}}}),
    ("batch_get_item", {"Keys": [{"pk": {"S": "p"}, "sk": {"S": s}} for s in ("1", "2", "x")]}),
    ("batch_get_item", {"Keys": [{"pk": {"S": "p"}, "sk": {"S": "1"}}],
                        "ProjectionExpression": "#w",
                        "ExpressionAttributeNames": {"#w": "written"}}),
    ("delete_item", {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}},
                     "ConditionExpression": "written = :w",
                     "ExpressionAttributeValues": {":w": {"S": "2"}}}),
    ("delete_item", {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}}}),
    ("delete_item", {"Key": {"pk": {"S": "p"}, "sk": {"S": "1"}}}),
    ("get_item", {"Key": {"pk": {"S": "p"}, "sk": {"S": ""}}}),
]  # fmt: skip


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("dynamodb", region_name=REGION)


def told(dynamodb: Any, operation: str, table: str, given: Json) -> Any:
    """The answer, or the class of the error and AWS's word for it."""
    named: Json = {"TableName": table, **given}
    if operation == "batch_get_item":
        named = {"RequestItems": {table: given}}
    try:
        answer = getattr(dynamodb, operation)(**named)
    except ClientError as error:
        return type(error).__name__, error.response["Error"]["Code"]
    return {
        "items": answer.get("Items", (answer.get("Responses") or {}).get(table)),
        **{k: answer.get(k) for k in ("Item", "Attributes", "Count", "LastEvaluatedKey")},
    }


@pytest.mark.parametrize(
    ("key", "more"), [(BILL, []), (SORTED, MORE_OF_A_SORTED)], ids=["bills", "sorted"]
)
def test_each_call_comes_to_the_same_on_either_way(
    dynamodb: Any, key: Json, more: list[tuple[str, Json]]
) -> None:
    tables = {}
    for way in ("short", "wire"):
        with on_the_wire() if way == "wire" else nullcontext():
            make_mirror_table(dynamodb, way) if "sk" in key else make_table(dynamodb, way)
            answers = [
                (operation, told(dynamodb, operation, way, given))
                for operation, given in [*some_calls(key), *more]
            ]
        tables[way] = answers, sorted(rows(REGION, way), key=str)
    assert tables["short"][0] == tables["wire"][0]
    assert tables["short"][1] == tables["wire"][1]
    refused = {a[1] for _, a in tables["short"][0] if isinstance(a, tuple)}
    assert "ConditionalCheckFailedException" in refused
    assert ("ValidationException" in refused) == bool(more)
