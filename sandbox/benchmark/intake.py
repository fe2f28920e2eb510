"""What an invoice of the intake asks of AWS, and what a thousand cost.

How long a run takes on AWS is assumed; everything else is counted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws

from odoo_qb.intake.announcing import Announcer
from odoo_qb.intake.processing import Ledger
from odoo_qb.intake.validation import read_validated
from odoo_qb.store.announcements import Topic
from odoo_qb.store.intake_table import IntakeTable
from sandbox.benchmark.capacity import READ_BYTES, WRITE_BYTES, size_of
from sandbox.benchmark.prices import PRICES
from sandbox.in_process.aws import REGION
from sandbox.intake import read

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT: Final = Path(__file__).parents[2]
INVOICES: Final = 20
NOW: Final = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECONDS: Final = 0.15  # of a warm run of each function
GIGABYTES: Final = Decimal("0.25")
FUNCTIONS: Final = 3
LOGGED_BYTES: Final = 3 * (300 + 300) + 2000  # of the functions' runs, and the state machine's
_INDEX_ENTRY: Final = 1  # unit of a stored invoice's entry in by-number

Json = dict[str, Any]


class _Counting:
    """DynamoDB's client, and the units of what it is asked."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3
        self._client = client
        self.reads = self.writes = self.requests = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever boto3 has
        def call(**arguments: Any) -> Any:  # noqa: ANN401 - as above
            self.requests += 1
            answer = getattr(self._client, name)(**arguments)
            self._count(name, arguments, answer)
            return answer

        return call

    def _count(self, name: str, asked: Json, answer: Json) -> None:
        match name:
            case "batch_get_item":
                self.reads += sum(len(one["Keys"]) for one in asked["RequestItems"].values())
            case "get_item":
                self.reads += max(1, ceil(size_of(answer.get("Item", {})) / READ_BYTES))
            case "update_item":
                self.writes += 1
            case "transact_write_items":
                for item in asked["TransactItems"]:
                    size = size_of(item.get("Put", {}).get("Item", {}))
                    entry = _INDEX_ENTRY if "Put" in item else 0
                    self.writes += 2 * max(1, ceil(size / WRITE_BYTES)) + entry


def measure(say: Callable[[str], None]) -> Json:
    """State transitions, requests and units of a processed invoice; dollars of a thousand."""
    say("the intake: stored invoices")
    given = read(PROJECT / "samples" / "invoice.json", NOW)[0].given
    with mock_aws():
        client = _Counting(boto3.client("dynamodb", region_name=REGION))
        client.create_table(
            TableName="intake",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        sns = boto3.client("sns", region_name=REGION)
        counting: Any = client
        table = IntakeTable(counting, "intake")
        ledger = Ledger(table, UTC, lambda _seconds: None)
        topic = Topic(sns, sns.create_topic(Name="intake")["TopicArn"])
        announcer = Announcer(table=table, topic=topic)
        client.requests = 0
        for number in range(INVOICES):
            invoice = {**given["invoice"], "invoiceId": f"A-{number}"}
            execution = f"arn:aws:states:{REGION}:123456789012:execution:intake:{number:036}"
            result = ledger.store(
                read_validated({"invoice": invoice}), execution=execution, now=NOW
            )
            announcer.announce(result, execution=execution, now=NOW)
    each = {
        "transitions": transitions(json.loads((PROJECT / "intake.asl.json").read_text("utf-8"))),
        "dynamodb_requests": client.requests / INVOICES,
        "reads": client.reads / INVOICES,
        "writes": client.writes / INVOICES,
    }
    return {**each, "costs": {"thousand_invoices": _rounded(1000 * _dollars(each))}}


def transitions(definition: Json) -> int:
    """State transitions of a valid invoice: one for the start, and one for each state.

    https://aws.amazon.com/step-functions/pricing/
    """
    count, name = 1, definition["StartAt"]
    while name:
        state, count = definition["States"][name], count + 1
        name = state["Choices"][0]["Next"] if state["Type"] == "Choice" else state.get("Next")
    return count


def _dollars(each: Json) -> Decimal:
    used = {
        "State transitions": each["transitions"],
        "Lambda runs": FUNCTIONS,
        "Lambda time": FUNCTIONS * GIGABYTES * Decimal(str(SECONDS)),
        "DynamoDB reads": each["reads"],
        "DynamoDB writes": each["writes"],
        "SNS requests": 1,
        "Logs": LOGGED_BYTES / 1e9,
    }
    return sum((PRICES[what].dollars * Decimal(str(n)) for what, n in used.items()), Decimal(0))


def _rounded(dollars: Decimal) -> float:
    return round(float(dollars), 5)
