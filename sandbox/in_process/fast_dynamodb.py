"""moto's DynamoDB without its wire: what the functions ask most often, done on its items.

To put an expression on the wire, parse it, validate it against copies of the item and measure
the table costs moto a hundred times the work itself. Conditions are judged by moto's own parser;
whatever is not of the plain forms below goes its usual way.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.client import BaseClient
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.comparisons import create_condition_expression_parser
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.parsing.key_condition_expression import parse_expression
from moto.dynamodb.responses import DynamoHandler
from werkzeug.exceptions import HTTPException

from odoo_qb.store.attributes import deserialize
from sandbox.in_process import fast_services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.exceptions import ClientError
    from moto.dynamodb.models.table import Table

Json = dict[str, Any]
_HANDLED: Final = {
    "BatchGetItem": "batch_get_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "Scan": "scan",
    "UpdateItem": "update_item",
}
# The keys of the two kinds of tables that the short way knows: of bills, and the sorted ones.
_KEYS: Final = (("entry_id", None), ("pk", "sk"))
_PLAIN: Final = re.compile(r"(?:SET ((?:#\w+ = :\w+(?:, )?)+))? ?(?:REMOVE ((?:#\w+(?:, )?)+))?")
_REFUSED: Final = ("ConditionalCheckFailedException", "The condition failed.")
_LARGE: Final = 300_000  # bytes of an item


_on_the_wire: Final = Event()


@cache
def without_the_wire() -> None:
    """Let every client of moto's DynamoDB take the short way, except within `on_the_wire`."""
    made = cast("Any", BaseClient)
    call = made._make_api_call

    def short(client: BaseClient, operation: str, given: Json) -> Json:
        is_moto = client.meta.endpoint_url.endswith(".amazonaws.com")
        if not is_moto or _on_the_wire.is_set():
            return cast("Json", call(client, operation, given))
        return straight(call, client, operation, given)

    made._make_api_call = short


@contextmanager
def on_the_wire() -> Iterator[None]:
    """Go the long way, on which moto judges every expression as AWS does."""
    _on_the_wire.set()
    try:
        yield
    finally:
        _on_the_wire.clear()


def straight(
    call: Callable[[BaseClient, str, Json], Json], client: BaseClient, operation: str, given: Json
) -> Json:
    """What AWS answers to an operation; the usual ones without the wire."""
    if operation == "TransactWriteItems" and _has_only_plain_updates(given):
        # Moto copies all tables first, to undo what a condition refuses: these have none.
        for each in given["TransactItems"]:
            handled(client, "UpdateItem", each["Update"])
        return {}
    if operation == "BatchWriteItem":
        return _batch_write(client, given)
    if client.meta.service_model.service_name != "dynamodb":
        answer = fast_services.answered(client, operation, given)
        return call(client, operation, dict(given)) if answer is None else answer
    if operation not in _HANDLED or not all(
        _is_known(client, name) for name in given.get("RequestItems", [_name(given)])
    ):
        return call(client, operation, dict(given))  # botocore changes what it is given
    quick = {
        "BatchGetItem": _batch_get,
        "GetItem": _get,
        "UpdateItem": _update,
        "Query": _query,
    }.get(operation)
    answer = quick(client, given) if quick else None
    return handled(client, operation, given) if answer is None else answer


def rows(region: str, table: str) -> list[Json]:
    """All of a table's items, in their order; a scan would measure each."""
    return [_attributes(item) for item in _items(region, table)]


def plain_rows(region: str, table: str, *, having: str) -> list[Json]:
    """The items that have an attribute, as plain values."""
    return [
        {name: _plain(value) for name, value in item.attrs.items()}
        for item in _items(region, table)
        if having in item.attrs
    ]


def _items(region: str, table: str) -> Iterator[Item]:
    """The items, in their order; of a table with two keys they are kept by the first."""
    found: dict[Any, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID][region].tables[table].items
    for one in list(found.values()):
        yield from one.values() if isinstance(one, dict) and not isinstance(one, Item) else (one,)


def _has_only_plain_updates(given: Json) -> bool:
    updates = [each.get("Update", {"ConditionExpression": ""}) for each in given["TransactItems"]]
    return not any("ConditionExpression" in update for update in updates)


def _attributes(item: Item) -> Json:
    """An item as AWS sends it; moto copies each value once more for every level above it."""
    return {name: _sent(value) for name, value in item.attrs.items()}


def _sent(attribute: DynamoType) -> Json:
    kind, value = attribute.type, attribute.value
    if kind == "M":
        return {kind: {name: _sent(each) for name, each in value.items()}}
    if kind == "L":
        return {kind: [_sent(each) for each in value]}
    return {kind: list(value) if isinstance(value, list) else value}


def _plain(attribute: DynamoType) -> Any:
    kind, value = attribute.type, attribute.value
    if kind == "S":
        return value
    if kind == "M":
        return {name: _plain(each) for name, each in value.items()}
    if kind == "L":
        return [_plain(each) for each in value]
    return deserialize(cast("Any", _sent(attribute)))


def _name(given: Json) -> str:
    return str(given.get("TableName", ""))


def _is_known(client: BaseClient, name: str) -> bool:
    table = dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name].tables.get(name)
    return table is not None and (table.hash_key_attr, table.range_key_attr) in _KEYS


def _table(client: BaseClient, given: Json) -> Table:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][client.meta.region_name].tables[given["TableName"]]


def _item(table: Table, key: Json) -> Item | None:
    sort = table.range_key_attr
    last = DynamoType(key[sort]) if sort else None
    return table.get_item(DynamoType(key[table.hash_key_attr]), last)


def _batch_get(client: BaseClient, given: Json) -> Json | None:
    asked = given["RequestItems"]
    tables = {name: _table(client, {"TableName": name}) for name in asked}
    if any(table.range_key_attr for table in tables.values()):
        return None  # moto counts their bytes, and projects
    found = {
        name: [_attributes(row) for key in asked[name]["Keys"] if (row := _item(table, key))]
        for name, table in tables.items()
    }
    return {"Responses": found}


def _batch_write(client: BaseClient, given: Json) -> Json:
    for name, requests in given["RequestItems"].items():
        table = _table(client, {"TableName": name})
        for request in requests:
            if "PutRequest" in request:
                table.put_item(dict(request["PutRequest"]["Item"]), overwrite=True)
            else:
                key = request["DeleteRequest"]["Key"]
                sort = table.range_key_attr
                last = DynamoType(key[sort]) if sort else None
                table.delete_item(DynamoType(key[table.hash_key_attr]), last)
    return {"UnprocessedItems": {}}


def handled(client: BaseClient, operation: str, given: Json) -> Json:
    """What moto answers to an operation of _HANDLED, of any table."""
    handler = DynamoHandler()
    handler.body = handler.params = given
    handler.region, handler.current_account = client.meta.region_name, DEFAULT_ACCOUNT_ID
    try:
        result: Json = getattr(handler, _HANDLED[operation])().result
    except HTTPException as error:
        said = json.loads(error.get_body())
        code, message = said["__type"].rpartition("#")[2], said["message"]
        raise _refusal(client, operation, code, message) from error
    return result


def _refusal(client: BaseClient, operation: str, code: str, message: str) -> ClientError:
    """The client's own class of error, where AWS names one."""
    kind: type[ClientError] = cast("Any", client.exceptions).from_code(code)
    return kind(cast("Any", {"Error": {"Code": code, "Message": message}}), operation)


def _get(client: BaseClient, given: Json) -> Json | None:
    table = _table(client, given)
    is_whole = given.keys() <= {"TableName", "Key", "ConsistentRead"}
    if not is_whole or not all(text for key in given["Key"].values() for text in key.values()):
        return None
    item = _item(table, given["Key"])
    return {"Item": _attributes(item)} if item else {}


def _update(client: BaseClient, given: Json) -> Json | None:
    """SET and REMOVE of whole attributes."""
    table = _table(client, given)
    plain = _PLAIN.fullmatch(given.get("UpdateExpression", "-"))
    item = _item(table, given["Key"])
    is_more = given.keys() & {"ReturnValues", "ReturnValuesOnConditionCheckFailure"}
    if plain is None or is_more or table.stream_shard is not None:
        return None
    names = given.get("ExpressionAttributeNames", {})
    values = given.get("ExpressionAttributeValues", {})
    condition = given.get("ConditionExpression")
    if condition:
        parser = create_condition_expression_parser(condition, names, values)
        if not parser.parse().expr(item):
            raise _refusal(client, "UpdateItem", *_REFUSED)
    sets, removes = (text.split(", ") if text else [] for text in plain.groups())
    if table.range_key_attr and _is_large(item, values):
        return None
    if item is None:
        item = table.put_item(dict(given["Key"]), overwrite=True)
    for pair in sets:
        name, value = pair.split(" = ")
        dict.__setitem__(item.attrs, names[name], DynamoType(values[value]))
    for name in removes:
        dict.pop(item.attrs, names[name], None)
    return {}


def _is_large(item: Item | None, values: Json) -> bool:
    """Whether the item may come near its limit, which moto then judges."""
    before = item.size() if item else 0
    return before + sum(DynamoType(v).size() for v in values.values()) > _LARGE


def _query(client: BaseClient, given: Json) -> Json | None:
    """The keys of an index's rows, in their order."""
    table = _table(client, given)
    if table.range_key_attr:
        return None
    hash_keys, ranges, _ = parse_expression(
        key_condition_expression=given["KeyConditionExpression"],
        expression_attribute_names=given.get("ExpressionAttributeNames", {}),
        expression_attribute_values=given["ExpressionAttributeValues"],
        schema=table.get_index(given["IndexName"]).schema,
    )
    ((hash_name, hash_value),) = hash_keys
    ((range_name, comparison, bounds),) = ranges
    if comparison not in {"BETWEEN", "EQ", "="}:
        return None
    low, high = bounds[0]["S"], bounds[-1]["S"]
    found = []
    rows: dict[Any, Any] = table.items
    for item in rows.values():
        attributes = item.attrs
        if hash_name not in attributes or range_name not in attributes:
            continue
        rank = attributes[range_name].value
        if attributes[hash_name].value == hash_value["S"] and low <= rank <= high:
            found.append((rank, attributes["entry_id"].value))
    return {"Items": [{"entry_id": {"S": entry_id}} for _, entry_id in sorted(found)]}
