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

    Every write that changes a bill is conditional on the `version` that was read, and raises
    Conflict if someone else was faster. Notes on a bill (its cards, pending replies) leave the
    version as it is. DynamoDB may delete a bill `retention` after its end or its date; no approval
    is requested for bills older than that.
    """

    def __init__(self, client: DynamoDBClient, name: str, *, retention: timedelta) -> None:
        self._client = client
        self._name = name
        self._retention = retention

    def other(self, name: str) -> Table:
        """Another table, with the same client."""
        return Table(self._client, name, retention=self._retention)

    def get(self, entry_id: str) -> Item | None:
        """One item in its current state (a consistent read)."""
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
        """Store a new bill; Conflict if it exists already.

        It is first added to the note of its reference: a note that names one bill too many does no
        harm.
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
        """Write `values` and move to the status `to`, if the item is still as it was read.

        A transition, new content or a `note` adds an entry to the history; the steps of a posting
        are in its attempts instead. `show` marks the card as due. Returns the changed item. Only
        the transitions in TRANSITIONS are accepted.
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
            history = item["history"]
            changed["history"] = continued(history, now, actor, before, after, digest, note)
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
        """The attribute with the time at which DynamoDB may delete a bill.

        Empty for a bill with no date or an absurd one: once deleted, it would need approval again.
        """
        if not bill_date:
            return {}
        at = forgotten_at(date.fromisoformat(bill_date), ended_at, self._retention)
        return {"expires_at": int(at.timestamp())} if at else {}

    def card_shown(self, entry_id: str, version: int, cards: Sequence[Card]) -> bool:
        """Record for the notifier that these cards exist and that `version` has been shown.

        Returns False if a newer version waits to be shown; the cards are stored either way.
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

        Their last change is between `since` (a timestamp) and `until`, inclusive.
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
        """Make the stream deliver a bill again; False if its card is no longer due.

        This does not change the bill: its version and updated_at stay.
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
        """Set attributes of an item that is not a bill; Conflict if `condition` fails."""
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
        """Set attributes of a bill without changing it: `version` stays.

        Conflict if `condition` fails.
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
