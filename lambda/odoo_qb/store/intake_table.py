"""The intake's table: invoices by their id, a counter a year, what was announced.

A number is taken and its invoice stored in one transaction, so there is no number without an
invoice, and none twice.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from odoo_qb.errors import Conflict, Unavailable
from odoo_qb.store.attributes import attributes, plain, serialize, update_expression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from odoo_qb.exact_json import Json

INVOICE: Final = "invoice#"  # + the invoice's id
COUNTER: Final = "counter#"  # + the year
EXECUTION: Final = "execution#"  # + the execution's ARN: what of its outcome was announced
# What may work a moment later. A transaction that met another is refused as a whole:
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
_BUSY: Final = {
    *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
    *("TransactionInProgressException", "InternalServerError", "ServiceUnavailable"),
}
_CANCELLED: Final = "TransactionCanceledException"
# Why a transaction was cancelled that may succeed with what is read anew.
_OVERTAKEN: Final = {"None", "ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stored invoice: its number, its content's digest, the execution that stored it."""

    number: str
    digest: str
    execution: str


class IntakeTable:
    """The table. `client` is boto3's low-level DynamoDB client.

    Every method raises Unavailable while DynamoDB is busy.
    """

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def look(self, invoice_id: str, year: int) -> tuple[Kept | None, int]:
        """The invoice with this id, if it is stored; and the year's last number, or 0."""
        keys = [{"pk": {"S": pk}} for pk in (INVOICE + invoice_id, f"{COUNTER}{year}")]
        request: Json = {self._name: {"Keys": keys, "ConsistentRead": True}}
        with _named_by_what_to_do():
            answer = self._client.batch_get_item(RequestItems=request)
        if answer.get("UnprocessedKeys"):
            raise Unavailable("DynamoDB is busy.")
        found = {row["pk"]: row for row in map(plain, answer["Responses"].get(self._name, ()))}
        invoice, counter = (found.get(str(key["pk"]["S"]), {}) for key in keys)
        kept = (
            Kept(number=invoice["number"], digest=invoice["digest"], execution=invoice["execution"])
            if invoice
            else None
        )
        return kept, int(counter.get("last", 0))

    def add(self, invoice_id: str, values: Mapping[str, object], *, year: int, last: int) -> None:
        """Store an invoice and raise the year's last number by one.

        Conflict if `last` isn't the last number any more, or the id has been stored meanwhile.
        """
        count: Json = {
            "TableName": self._name,
            "Key": {"pk": {"S": f"{COUNTER}{year}"}},
            **update_expression({"last": last + 1}, ()),
            "ConditionExpression": "#last = :was" if last else "attribute_not_exists(#last)",
        }
        if last:
            count["ExpressionAttributeValues"][":was"] = {"N": str(last)}
        put: Json = {
            "TableName": self._name,
            "Item": attributes({"pk": INVOICE + invoice_id, **values}),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        both: Json = {"TransactItems": [{"Update": count}, {"Put": put}]}
        with _named_by_what_to_do():
            self._client.transact_write_items(**both)

    def invoice(self, invoice_id: str) -> Json:
        """A stored invoice; {} if there is none."""
        return self._get(INVOICE + invoice_id)

    def announced(self, execution: str) -> Sequence[str]:
        """To whom an execution's outcome has been announced, by the channels' names."""
        return sorted(self._get(EXECUTION + execution).get("channels", ()))

    def note_announced(self, execution: str, channel: str, *, expires_at: int) -> None:
        """Note that a channel took it; DynamoDB may delete the note at `expires_at` (epoch)."""
        with _named_by_what_to_do():
            self._client.update_item(
                TableName=self._name,
                Key={"pk": {"S": EXECUTION + execution}},
                UpdateExpression="ADD channels :channel SET expires_at = :expires_at",
                ExpressionAttributeValues={
                    ":channel": {"SS": [channel]},
                    ":expires_at": serialize(expires_at),
                },
            )

    def _get(self, pk: str) -> Json:
        with _named_by_what_to_do():
            answer = self._client.get_item(
                TableName=self._name, Key={"pk": {"S": pk}}, ConsistentRead=True
            )
        return plain(answer["Item"]) if "Item" in answer else {}


@contextmanager
def _named_by_what_to_do() -> Iterator[None]:
    """Raise what DynamoDB refuses for now by a name that the state machine's retries have."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _BUSY:
            raise Unavailable(f"DynamoDB is busy ({code}).") from error
        if code == _CANCELLED:
            given: Json = dict(error.response)
            reasons = {r.get("Code", "None") for r in given.get("CancellationReasons", ())}
            if reasons <= _OVERTAKEN:
                raise Conflict("Another invoice took the number first.") from error
            if reasons <= _OVERTAKEN | {"ThrottlingError", "ProvisionedThroughputExceeded"}:
                raise Unavailable("DynamoDB is busy.") from error
        raise
