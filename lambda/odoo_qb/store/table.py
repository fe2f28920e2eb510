"""The table in DynamoDB: conditional writes, queries, attributes as plain values and back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import ClientError

from odoo_qb.bill.history import continued
from odoo_qb.bill.retention import forgotten_at
from odoo_qb.bill.status import FINAL, TRANSITIONS
from odoo_qb.errors import Conflict
from odoo_qb.store.attributes import attributes, plain, serialize, update_expression
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from mypy_boto3_dynamodb import DynamoDBClient

    from odoo_qb.bill.item import Card, Item
    from odoo_qb.bill.status import Status
    from odoo_qb.exact_json import Json

_BATCH_GET: Final = 100  # DynamoDB's limit


class Table:
    """The bills' table. `client` is boto3's low-level DynamoDB client.

    Every write that changes a bill is conditional on the `version` it was read with and
    raises Conflict when somebody was faster; what is only noted on it (its cards, what its thread
    is owed) leaves the version as it is. `retention` after a bill came to its end, or
    after its date, DynamoDB may forget it; the extractor asks about no bill older than that.
    """

    def __init__(self, client: DynamoDBClient, name: str, *, retention: timedelta) -> None:
        self._client = client
        self._name = name
        self._retention = retention

    def other(self, name: str) -> Table:
        """Another table, which the same client reads."""
        return Table(self._client, name, retention=self._retention)

    def get(self, entry_id: str) -> Item | None:
        """One item as it stands now."""
        answer = self._client.get_item(
            TableName=self._name, Key={"entry_id": {"S": entry_id}}, ConsistentRead=True
        )
        return cast("Item", plain(answer["Item"])) if "Item" in answer else None

    def get_many(self, entry_ids: Iterable[str]) -> dict[str, Item]:
        """The items that exist, by entry_id."""
        ids = list(dict.fromkeys(entry_ids))
        found: dict[str, Item] = {}
        for start in range(0, len(ids), _BATCH_GET):
            keys = [{"entry_id": {"S": i}} for i in ids[start : start + _BATCH_GET]]
            request: Json = {self._name: {"Keys": keys, "ConsistentRead": True}}
            while request:
                answer = self._client.batch_get_item(RequestItems=request)
                for raw in answer["Responses"].get(self._name, ()):
                    item = cast("Item", plain(raw))
                    found[item["entry_id"]] = item
                request = answer.get("UnprocessedKeys") or {}
        return found

    def put_new(self, item: Item, reference_id: str) -> None:
        """Store a bill met for the first time; Conflict if it is there already.

        It is noted under its reference first: a note that names a bill too many does no harm.
        """
        self._note_reference(item["entry_id"], reference_id)
        self._conditionally(
            self._client.put_item,
            {
                "TableName": self._name,
                "Item": attributes(item),
                "ConditionExpression": "attribute_not_exists(entry_id)",
            },
        )

    def change(
        self,
        item: Item,
        *,
        actor: str,
        now: datetime,
        to: Status | None = None,
        values: Mapping[str, object] | None = None,
        remove: Sequence[str] = (),
        show: bool = True,
        note: str = "",
        reference_id: str = "",
    ) -> Item:
        """Write `values` and move to the status `to`, if the item still is as it was read.

        One entry of history tells of a transition, of new content, or of what a `note` says; a
        posting's own steps are in its attempts. `show` says that the card must show it. Returns the
        item as it now stands. A transition that TRANSITIONS lacks is refused.
        """
        before = item["status"]
        after = to or before
        if to is not None and to not in TRANSITIONS[before]:
            raise Conflict(f"{item['entry_id']} is {before} and cannot become {to}.")
        version = int(item["version"]) + 1
        digest = cast("str", (values or {}).get("digest", item["digest"]))
        changed: Json = {
            **(values or {}),
            "status": after,
            "updated_at": stamp(now),
            "version": version,
        }
        if after != before or note or digest != item["digest"]:
            told = item["history"]
            changed["history"] = continued(told, now, actor, before, after, digest, note)
        if show:
            changed["card_due"] = version
        if after in FINAL and before not in FINAL:
            changed |= self.expiry(str(changed.get("bill_date", item["bill_date"])), now)
        elif after not in FINAL and "expires_at" in item:
            remove = [*remove, "expires_at"]
        update = {
            "TableName": self._name,
            "Key": {"entry_id": {"S": item["entry_id"]}},
            **update_expression(changed, remove),
            "ConditionExpression": "#version = :was",
        }
        update["ExpressionAttributeNames"]["#version"] = "version"
        update["ExpressionAttributeValues"][":was"] = {"N": str(item["version"])}
        self._note_reference(item["entry_id"], reference_id)
        self._conditionally(self._client.update_item, update)
        kept = {k: v for k, v in item.items() if k not in remove}
        return cast("Item", {**kept, **changed})

    def expiry(self, bill_date: str, ended_at: datetime) -> Json:
        """When DynamoDB may forget a bill of this date that ended then, as its attribute.

        None for a bill without a date or with an absurd one: it would need approval again.
        """
        if not bill_date:
            return {}
        at = forgotten_at(date.fromisoformat(bill_date), ended_at, self._retention)
        return {"expires_at": int(at.timestamp())} if at else {}

    def card_shown(self, entry_id: str, version: int, cards: Sequence[Card]) -> bool:
        """The notifier's bookkeeping: these cards exist, and `version` has been shown.

        Returns False when a newer version waits to be shown; the cards are kept either way.
        """
        key = {"TableName": self._name, "Key": {"entry_id": {"S": entry_id}}}
        changed = update_expression({"cards": list(cards)}, ["card_due"])
        values = {**changed["ExpressionAttributeValues"], ":shown": {"N": str(version)}}
        try:
            self._conditionally(
                self._client.update_item,
                {
                    **key,
                    **changed,
                    "ExpressionAttributeValues": values,
                    "ConditionExpression": "#card_due = :shown",
                },
            )
        except Conflict:
            shown: Json = {**key, **update_expression({"cards": list(cards)}, [])}
            self._client.update_item(**shown)
            return False
        return True

    def in_status(self, status: Status, *, until: datetime, since: str = "0") -> Iterator[str]:
        """Ids of the bills in a status, oldest first.

        Their last change lies between `since` (a stamp) and `until`, both included.
        """
        return self._query(
            "status-index",
            "#status = :status AND updated_at BETWEEN :since AND :until",
            {"status": status, "since": since, "until": stamp(until)},
        )

    def in_company(self, company: str, status: Status) -> Iterator[str]:
        """Ids of a company's bills in a status."""
        return self._query(
            "company-status-index",
            "company = :company AND #status = :status",
            {"company": company, "status": status},
        )

    def touch(self, entry_id: str, now: datetime) -> bool:
        """Make the stream show a bill again; False when it owes no card any more.

        It is no change of the bill: its version and updated_at stay.
        """
        update = {
            "TableName": self._name,
            "Key": {"entry_id": {"S": entry_id}},
            **update_expression({"touched_at": stamp(now)}, ()),
            "ConditionExpression": "attribute_exists(card_due)",
        }
        try:
            self._conditionally(self._client.update_item, update)
        except Conflict:
            return False
        return True

    def _query(self, index: str, condition: str, values: Mapping[str, str]) -> Iterator[str]:
        request: Json = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {f":{k}": {"S": v} for k, v in values.items()},
        }
        while True:
            answer = self._client.query(**request)
            for row in answer["Items"]:
                yield row["entry_id"]["S"]
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def read_note(self, note_id: str) -> Json:
        """An item that is not a bill (watermark#, connection#, vendor#, ...); {} if absent."""
        return cast("Json", self.get(note_id) or {})

    def write_note(
        self,
        note_id: str,
        values: Mapping[str, object],
        *,
        remove: Sequence[str] = (),
        condition: str = "",
        condition_values: Mapping[str, object] | None = None,
    ) -> None:
        """Set attributes of an item that is not a bill; Conflict when `condition` fails."""
        update = update_expression(values, remove)
        extra = {f":{k}": serialize(v) for k, v in (condition_values or {}).items()}
        values = {**update.pop("ExpressionAttributeValues", {}), **extra}
        if values:
            update["ExpressionAttributeValues"] = values
        if condition:
            update["ConditionExpression"] = condition
        key = {"TableName": self._name, "Key": {"entry_id": {"S": note_id}}}
        self._conditionally(self._client.update_item, {**key, **update})

    def note_on_bill(
        self,
        entry_id: str,
        values: Mapping[str, object],
        *,
        condition: str = "",
        condition_values: Mapping[str, object] | None = None,
    ) -> None:
        """Note what is owed to a bill's readers: no change of it, so `version` stays.

        Conflict when `condition` fails.
        """
        self.write_note(entry_id, values, condition=condition, condition_values=condition_values)

    def _note_reference(self, entry_id: str, reference_id: str) -> None:
        if reference_id:
            self._client.update_item(
                TableName=self._name,
                Key={"entry_id": {"S": reference_id}},
                UpdateExpression="ADD bills :bills",
                ExpressionAttributeValues={":bills": {"SS": [entry_id]}},
            )

    def _conditionally(self, write: Callable[..., object], arguments: Json) -> None:
        try:
            write(**arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                raise Conflict("Someone else changed it first.") from error
            raise
