"""A table with partition and sort key: batches in full, every page of a query, counted calls."""

from __future__ import annotations

import time
from itertools import batched
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.errors import Conflict, Unavailable
from odoo_qb.store.attributes import plain, serialize, update_expression
from odoo_qb.store.mirror_keys import STATE, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from odoo_qb.exact_json import Json

GET: Final = 100  # DynamoDB's limits: keys of a BatchGetItem, requests of a BatchWriteItem
_WRITE: Final = 25
_PAUSES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


class SortedTable:
    """A table whose keys are `pk` and `sk`. `client` is boto3's low-level DynamoDB client."""

    def __init__(
        self, client: DynamoDBClient, name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self.name = name
        self._sleep = sleep
        self.calls = 0  # requests to DynamoDB

    def key(self, pk: str, sk: str) -> Json:
        """A key as DynamoDB takes it."""
        return {"pk": {"S": pk}, "sk": {"S": sk}}

    def get(self, pk: str, sk: str) -> Json:
        """One item as it stands now; {} if there is none."""
        key = self.key(pk, sk)
        answer = self.ask("get_item", TableName=self.name, Key=key, ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else {}

    def write_note(
        self,
        note_id: str,
        values: Mapping[str, object],
        *,
        remove: Sequence[str] = (),
        condition: str = "",
        condition_values: Mapping[str, object] | None = None,
    ) -> None:
        """Set attributes of the state in a partition; Conflict when `condition` fails."""
        more: Json = {"ConditionExpression": condition} if condition else {}
        self.update(self.key(note_id, STATE), values, remove, condition_values or {}, more)

    def ask(self, operation: str, **given: Any) -> Json:  # noqa: ANN401 - boto3's arguments
        """One request of the client's, counted."""
        self.calls += 1
        return cast("Json", getattr(self._client, operation)(**given))

    def update(
        self,
        key: Json,
        values: Mapping[str, object],
        remove: Sequence[str],
        condition_values: Mapping[str, object] | None = None,
        more: Json | None = None,
    ) -> None:
        """Set and remove attributes; Conflict when a condition in `more` fails."""
        update = update_expression(values, remove)
        extra = {f":{k}": serialize(v) for k, v in (condition_values or {}).items()}
        known = {**update.pop("ExpressionAttributeValues", {}), **extra}
        if known:
            update["ExpressionAttributeValues"] = known
        if not update["UpdateExpression"]:
            del update["UpdateExpression"], update["ExpressionAttributeNames"]
        try:
            self.ask("update_item", TableName=self.name, Key=key, **update, **(more or {}))
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict("Another run changed it first.") from error

    def all_or_none(self, writes: Sequence[Json]) -> bool:
        """Up to a hundred writes at once; False, and none was made, where a condition failed."""
        try:
            self.ask("transact_write_items", TransactItems=list(writes))
        except self._client.exceptions.TransactionCanceledException:
            return False
        return True

    def delete(
        self, pk: str, sk: str, condition: str, condition_values: Mapping[str, object]
    ) -> None:
        """Delete an item; Conflict when `condition` fails, or where there is none."""
        values = {f":{name}": serialize(value) for name, value in condition_values.items()}
        more = {"ConditionExpression": condition, "ExpressionAttributeValues": values}
        try:
            self.ask("delete_item", TableName=self.name, Key=self.key(pk, sk), **more)
        except self._client.exceptions.ConditionalCheckFailedException as error:
            raise Conflict("Another run changed it first.") from error

    def get_many(self, wanted: Iterable[Key], only: Sequence[str] = ()) -> list[Json]:
        """At most a hundred items, those that exist, with all attributes or `only` these."""
        request: Json = {"Keys": [self.key(*key) for key in wanted], "ConsistentRead": True}
        if only:
            request |= _projected(only)
        pending: Json = {self.name: request}
        rows: list[Json] = []
        for pause in (*_PAUSES, None):
            answer = self.ask("batch_get_item", RequestItems=pending)
            rows += [plain(raw) for raw in answer["Responses"].get(self.name, ())]
            pending = answer.get("UnprocessedKeys") or {}
            if not pending:
                return rows
            self._pause(pause)
        return rows

    def write_all(self, requests: Sequence[Json]) -> None:
        """Any number of puts and deletions, each on its own."""
        for some in batched(requests, _WRITE):
            self._write_some(list(some))

    def _write_some(self, requests: list[Json]) -> None:
        for pause in (*_PAUSES, None):
            answer = self.ask("batch_write_item", RequestItems={self.name: requests})
            requests = (answer.get("UnprocessedItems") or {}).get(self.name, [])
            if not requests:
                return
            self._pause(pause)

    def _pause(self, seconds: float | None) -> None:
        if seconds is None:
            raise Unavailable(f"DynamoDB is throttling {self.name}. The next run continues.")
        self._sleep(seconds)

    def query(
        self,
        condition: str,
        values: Mapping[str, str],
        *,
        index: str = "",
        names: Mapping[str, str] | None = None,
        only: Sequence[str] = (),
        filters: Mapping[str, str] | None = None,
        backwards: bool = False,
        most: int | None = None,
    ) -> Iterator[Json]:
        """All items of a partition that meet a condition, page by page, as far as they are taken.

        `names` are attributes by what the condition calls them, where a word is reserved.
        Without `filters`, which DynamoDB applies to what it has read, `most` keeps a page small.
        """
        request: Json = {
            "TableName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {k: {"S": v} for k, v in values.items()},
        }
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        if only:
            request |= _projected(only)
        aliases = {**(names or {}), **{f"#f_{name}": name for name in filters or ()}}
        if aliases:
            request["ExpressionAttributeNames"] = (
                request.get("ExpressionAttributeNames", {}) | aliases
            )
        if filters:
            request["FilterExpression"] = " AND ".join(f"#f_{n} = :f_{n}" for n in filters)
            wanted = {f":f_{name}": {"S": value} for name, value in filters.items()}
            request["ExpressionAttributeValues"] |= wanted
        if backwards:
            request["ScanIndexForward"] = False
        if most is not None:
            request["Limit"] = most
        while True:
            answer = self.ask("query", **request)
            yield from map(plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _projected(only: Sequence[str]) -> Json:
    names = {f"#p{n}": name for n, name in enumerate(only)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}
