"""What a bill costs on AWS: how often the table is written to, and how units and dollars count."""

from __future__ import annotations

import io
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any, cast

import pytest

import extractor
import notifier
import poster
from sandbox.benchmark.capacity import query_units, read_units, size_of, write_units
from sandbox.benchmark.costs import (
    PLATFORM_BYTES,
    Standing,
    at_list_price,
    beyond_what_is_free,
    of_idle_month,
)
from sandbox.benchmark.meter import WRITES, Meter
from sandbox.benchmark.report import Row
from sandbox.in_process.chain import Context

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from aws_lambda_powertools import Logger

    from sandbox.in_process.chain import World

Json = dict[str, Any]
VENDORS_AND_BILLS = ("odoo", "reference", "vendor", "payee", "rate")


def a_new_bill(world: World, reference: str) -> str:
    """A bill of one vendor with a PDF, in Odoo for an hour, read by the extractor."""
    at = datetime.now(UTC) - timedelta(hours=1)
    bill = world.odoo.new_bill(reference=reference, at=at)
    world.odoo.attach(bill, "bill.pdf", b"%PDF-1.7 of " + reference.encode(), main=True, at=at)
    world.extract()
    return f"odoo-{bill}"


def shown(entry_id: str) -> None:
    """The stream brings a change of the bill to the notifier; the world's way is a scan."""
    change = {"Keys": {"entry_id": {"S": entry_id}}, "SequenceNumber": "1"}
    answer = notifier.lambda_handler({"Records": [{"dynamodb": change}]}, Context())
    assert answer == {"batchItemFailures": []}


def a_life(world: World, reference: str, *, notifier_is_slow: bool = False) -> str:
    """A bill from Odoo to QuickBooks; a slow notifier sees an approval only once it is posted."""
    entry_id = a_new_bill(world, reference)
    shown(entry_id)
    world.click(entry_id, "approve_invoice")
    if not notifier_is_slow:
        shown(entry_id)
    world.post()
    shown(entry_id)
    assert world.item(entry_id)["status"] == "POSTED"
    return entry_id


@pytest.fixture
def quiet(world: World) -> World:
    """A world in which only the test's own bills are new."""
    world.forget_old_bills()
    return world


def writes(world: World) -> Counter[str]:
    """Write requests so far, by what was written: odoo (a bill), reference, vendor, watermark …"""
    kept = [a.get("Key") or a["Item"] for operation, a in world.aws.calls if operation in WRITES]
    return Counter(key["entry_id"]["S"].replace("#", "-").split("-")[0] for key in kept)


@pytest.mark.parametrize("notifier_is_slow", [False, True])
def test_an_ordinary_bill_is_written_to_eight_times_in_its_life_and_nothing_is_scanned(
    notifier_is_slow: bool,
    quiet: World,
) -> None:
    poster.lambda_handler({"action": "sync_reference"}, Context())
    a_life(quiet, "FIRST")  # by which the vendor is known
    quiet.aws.calls.clear()
    entry_id = a_life(quiet, "SECOND", notifier_is_slow=notifier_is_slow)
    assert "card_due" not in quiet.item(entry_id)
    for_bills = {kind: n for kind, n in writes(quiet).items() if kind in VENDORS_AND_BILLS}
    assert for_bills == {"odoo": 6, "reference": 1, "vendor": 1}
    assert sum(for_bills.values()) <= 8
    assert "Scan" not in {operation for operation, _ in quiet.aws.calls}
    assert quiet.quickbooks.calls["discovery"] == 0
    assert quiet.quickbooks.calls["token"] == len(quiet.quickbooks.realms)


def test_a_bill_that_did_not_change_is_not_written_to_however_it_is_read_again(
    quiet: World,
) -> None:
    entry_id = a_new_bill(quiet, "SECOND")
    quiet.aws.calls.clear()
    for event in ({}, {"full": True}, {"entry_ids": [entry_id]}):
        quiet.extract(**event)
    assert set(writes(quiet)) <= {"watermark", "sweep", "mail"}
    assert not [o for o, _ in quiet.aws.calls if o in {"PutObject", "Scan", "SendMessage"}]


def test_a_run_without_news_asks_odoo_twice_at_most_and_logs_less_than_a_kilobyte(
    quiet: World,
) -> None:
    quiet.extract()
    calls = len(quiet.odoo.calls)
    quiet.aws.calls.clear()
    with logged(extractor.logger) as log:
        quiet.extract()
    assert "extracted" in log.getvalue()
    assert len(log.getvalue().encode()) + PLATFORM_BYTES <= 1000
    assert len(quiet.odoo.calls) - calls <= 2
    assert writes(quiet).total() <= 3  # its lease taken and given back, how far the sweep looked


@contextmanager
def logged(logger: Logger) -> Iterator[io.StringIO]:
    """What the function writes to its log, as it writes it."""
    log, handler = io.StringIO(), cast("logging.StreamHandler[Any]", logger.registered_handler)
    before = handler.setStream(log)
    try:
        yield log
    finally:
        handler.setStream(before)


# -- units ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"entry_id": {"S": "odoo-42"}}, 8 + 7),
        ({"n": {"S": "é"}}, 1 + 2),
        ({"n": {"N": "27"}}, 1 + 2),
        ({"n": {"N": "-27"}}, 1 + 3),
        ({"n": {"N": "123.45"}}, 1 + 4),
        ({"n": {"BOOL": True}}, 1 + 1),
        ({"n": {"NULL": True}}, 1 + 1),
        ({"n": {"SS": ["ab", "c"]}}, 1 + 3),
        ({"n": {"L": [{"S": "ab"}, {"BOOL": False}]}}, 1 + 3 + (1 + 2) + (1 + 1)),
        ({"n": {"M": {"k": {"S": "ab"}}}}, 1 + 3 + (1 + 1 + 2)),
    ],
)
def test_an_items_size_counts_names_and_values_as_dynamodb_does(item: Json, size: int) -> None:
    assert size_of(item) == size


def a_bill_item(status: str, at: str, *, filler: int = 0) -> Json:
    texts = {"entry_id": "odoo-1", "company": "north", "status": status, "updated_at": at}
    return {name: {"S": text} for name, text in (texts | {"filler": "x" * filler}).items()}


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, {"entry_id": {"S": "reference#1"}}, 1),  # a note is in no index
        (None, a_bill_item("APPROVED", "1"), 1 + 2),  # an entry in each of two indexes
        (a_bill_item("APPROVED", "1"), a_bill_item("APPROVED", "1"), 1),
        (a_bill_item("APPROVED", "1"), a_bill_item("APPROVED", "2"), 1 + 2),  # one moves
        (a_bill_item("APPROVED", "1"), a_bill_item("POSTING", "2"), 1 + 4),  # both move
        (a_bill_item("POSTED", "1", filler=1900), a_bill_item("POSTED", "1"), 2),  # the larger
        (a_bill_item("POSTED", "1"), a_bill_item("POSTED", "1", filler=1900), 2),
    ],
)
def test_a_write_costs_its_kilobytes_and_what_moves_in_the_indexes(
    before: Json | None, after: Json, units: int
) -> None:
    assert write_units(before, after) == units


def test_reads_cost_by_four_kilobytes_an_item_and_half_where_they_may_be_late() -> None:
    assert read_units([0, 4096, 4097], consistent=True) == 1 + 1 + 2
    assert read_units([0, 4096, 4097], consistent=False) == 2
    assert query_units([]) == 0.5
    assert query_units([a_bill_item("POSTED", "1")] * 100) == 1.0


def test_the_meter_counts_what_the_functions_ask(quiet: World) -> None:
    meter = Meter()
    quiet.aws.performs = meter.perform
    entry_id = a_new_bill(quiet, "SECOND")
    before = meter.copy()
    shown(entry_id)
    lap = meter.since(before)
    assert lap.writes == {"odoo": 1, "approvers": 1}
    assert lap.write_units == 1 + ceil(size_of_stored(quiet, entry_id) / 1024)
    assert lap.shows == 0  # its own bookkeeping does not wake it
    assert before.shows == 1
    assert before.write_units >= 1 + 1 + 2  # the note, the bill, its entries in the indexes


def size_of_stored(world: World, entry_id: str) -> int:
    key = {"entry_id": {"S": entry_id}}
    answer = world.clients["dynamodb"].get_item(TableName=world.names["table"], Key=key)
    return size_of(answer["Item"])


# -- the table --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "is_missed", "text"),
    [
        ({"at_most": 8}, False, "≤ 8 x"),
        ({"at_most": 7.9}, True, "≤ 7.9 x"),
        ({"at_least": 8}, False, "≥ 8 x"),
        ({"at_least": 8.1}, True, "≥ 8.1 x"),
        ({"at_most": 0}, True, "≤ 0 x"),
        ({}, False, ""),
    ],
)
def test_a_target_is_missed_by_what_is_beyond_it(target: Json, is_missed: bool, text: str) -> None:
    row = Row(section="s", what="calls", value=8.0, unit=" x", digits=1, **target)
    assert (row.is_missed, row.target_text, row.text) == (is_missed, text, "8.0 x")


# -- dollars ----------------------------------------------------------------------------------


def test_dollars_are_quantities_at_list_price_the_dearest_first() -> None:
    usage = {"Logs": Decimal(1), "Secrets": Decimal(5), "DynamoDB writes": Decimal(1_000_000)}
    assert list(at_list_price(usage).items()) == [
        ("Secrets", Decimal("2.00")),
        ("DynamoDB writes", Decimal("0.625")),
        ("Logs", Decimal("0.50")),
    ]


def test_what_every_account_has_free_each_month_is_taken_off_once() -> None:
    usage = {"Alarms": Decimal(12), "Dashboards": Decimal(1), "Secrets": Decimal(4)}
    assert beyond_what_is_free(usage) == {
        "Alarms": Decimal("0.20"),
        "Dashboards": Decimal(0),
        "Secrets": Decimal("1.60"),
    }


def test_a_company_more_costs_its_secret_and_its_share_of_the_hourly_reading() -> None:
    counted = {
        "requests": {"GetSecretValue": 4.0, "PutObject": 4.0},
        "write_units": 4.0,
        "read_units": 4.0,
        "logged_bytes": 400.0,
        "odoo_calls": 1,
    }
    life = {
        "companies": 4,
        "quickbooks": {"calls_a_sync": 5.0, "tokens_a_company": 1.0},
        "idle_run": counted | {"requests": {}},
        "sync": counted,
        "check": counted,
    }
    one, two = (
        of_idle_month(life, Standing(companies=n, alarms=15, metrics=1, dashboards=1))
        for n in (1, 2)
    )
    more = {what: two[what] - one[what] for what in two if two[what] != one[what]}
    assert more.keys() == {
        "Secrets", "Secrets Manager calls", "S3 writes", "DynamoDB writes", "DynamoDB reads",
        "Lambda time",
    }  # fmt: skip
    assert more["Secrets"] == 1
    assert more["S3 writes"] == (24 + 1) * 30  # the counted runs were of four companies
