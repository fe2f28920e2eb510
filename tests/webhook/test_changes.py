"""What a record of the stream says: which record changed, how, and which fields of it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.webhook.changes import FILTERS, MALFORMED, Change, change_of, number_of
from tests.support.mirror_stream import a_stream_record, an_item

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

BILL: Json = {
    "id": 7,
    "name": "BILL/1",
    "move_type": "in_invoice",
    "amount_total": Decimal("110.10"),
    "partner_id": None,
    "write_date": "2026-11-28 09:59:00",
    "invoice_lines": [{"id": 1, "name": "Tea", "price_unit": Decimal("1.5")}],
}
KEYS: Json = {"pk": {"S": "odoo#move#0000000"}, "sk": {"S": "0000000007"}}


def change(old: Json | None, new: Json | None, **given: Any) -> Change:
    found = change_of(a_stream_record(old, new, **given))
    assert found
    return found


def updated(before: Json, after: Json) -> Change | None:
    return change_of(a_stream_record(an_item(before, 4), an_item(after, 5)))


def test_a_new_record_is_created_with_all_it_has() -> None:
    message = change(None, an_item(BILL)).message
    assert (message.connection, message.kind, message.source_id) == ("odoo", "move", 7)
    assert (message.event, message.sequence, message.changed) == ("created", 1, ())
    assert message.happened_at == "2026-11-28T10:00:00.000Z"
    assert message.data == BILL


def test_a_changed_record_says_which_fields_differ() -> None:
    after = BILL | {"amount_total": Decimal(90), "write_date": "2026-11-28 10:00:00"}
    found = updated(BILL, after)
    assert found
    assert found.message.event == "updated"
    assert found.message.sequence == 5
    assert found.message.changed == ("amount_total", "write_date")
    assert found.message.data == after


def test_a_changed_line_is_a_change_of_the_lines() -> None:
    line = BILL["invoice_lines"][0]
    for lines in ([line | {"price_unit": Decimal(2)}], [line, line], []):
        found = updated(BILL, BILL | {"invoice_lines": lines})
        assert found
        assert found.message.changed == ("invoice_lines",)


def test_a_removed_record_is_deleted_as_it_was_last_with_the_next_number() -> None:
    message = change(an_item(BILL, 4), None).message
    assert (message.event, message.sequence, message.changed) == ("deleted", 5, ())
    assert message.data == BILL
    assert message.happened_at == "2026-11-28T10:00:00.000Z", "when the stream says"


def test_what_is_stored_anew_with_the_same_content_is_no_change() -> None:
    item = an_item(BILL, 4)
    assert change_of(a_stream_record(item, item | {"state": "archived"})) is None
    assert change_of(a_stream_record(item, item | {"updated_at": "later"})) is None


def test_a_field_that_is_served_from_this_release_on_is_no_change() -> None:
    """Else the first full run after an upgrade would send every record."""
    served_now = BILL | {
        "incoterm": "EXW",
        "invoice_lines": [line | {"sku": "T-1"} for line in BILL["invoice_lines"]],
    }
    assert updated(BILL, served_now) is None
    assert updated(served_now, BILL) is None, "nor is one that is no longer served"
    found = updated(BILL, served_now | {"name": "BILL/2"})
    assert found
    assert found.message.changed == ("name",)


def test_a_large_record_is_unpacked() -> None:
    large = BILL | {"narration": "x" * 150_000}
    item = an_item(large, 2)
    assert "packed" in item
    assert change(None, item).message.data == large
    found = updated(large, large | {"narration": "y" * 150_000})
    assert found
    assert found.message.changed == ("narration",)


def test_what_a_first_load_found_says_so_until_it_changes() -> None:
    loaded = an_item(BILL, first_load=True)
    assert change(None, loaded).of_first_load
    assert not change(None, an_item(BILL)).of_first_load
    assert not change(loaded, an_item(BILL | {"name": "BILL/2"}, 2)).of_first_load
    assert not change(loaded, None).of_first_load


def test_the_connection_may_have_any_name_a_connection_may_have() -> None:
    found = change(None, an_item(BILL, connection="a_b-c"), connection="a_b-c", kind="payment")
    assert (found.message.connection, found.message.kind) == ("a_b-c", "payment")


def test_items_that_are_no_records_are_none() -> None:
    for item in ({"sequence": 3}, {"writing": [1], "since": "x"}, {"n1": 5}, {"ids": [1]}):
        assert change_of(a_stream_record(None, item)) is None
        assert change_of(a_stream_record(item, item | {"more": 1})) is None
        assert change_of(a_stream_record(item, None)) is None


def hcl(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {hcl(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(hcl, value)) + "]"
    return json.dumps(value)


def test_terraform_has_these_filters_and_no_other() -> None:
    text = Path(__file__).parents[2].joinpath("webhook.tf").read_text()
    found = re.findall(r"filter \{\s+pattern = jsonencode\((.+)\)", text)
    assert found == [hcl(pattern) for pattern in FILTERS]


def test_the_mapping_lets_through_records_and_what_was_removed_of_them() -> None:
    """As https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html has it."""
    exists = {"hash": {"S": [{"exists": True}]}}
    new, gone = FILTERS
    assert new == {"dynamodb": {"NewImage": exists}}
    assert gone == {"eventName": ["REMOVE"], "dynamodb": {"OldImage": exists}}
    assert a_stream_record(an_item(BILL), None)["eventName"] == "REMOVE"
    assert set(a_stream_record(None, an_item(BILL))["dynamodb"]["NewImage"]["hash"]) == {"S"}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"dynamodb": {}},
        {"dynamodb": {"Keys": {}, "NewImage": {"hash": {"S": "x"}}}},
        {"dynamodb": {"Keys": {"pk": {"S": "odoo"}, "sk": {"S": "x"}},
                      "NewImage": {"hash": {"S": "x"}, "data": {"S": "{}"}}}},
        {"dynamodb": {"Keys": KEYS, "NewImage": {"hash": {"S": "x"}, "data": {"S": "{"}}}},
        {"dynamodb": {"Keys": KEYS, "NewImage": {"hash": {"S": "x"}, "packed": {"B": "eA=="}}}},
        {"dynamodb": {"Keys": KEYS, "NewImage": "x"}},
        {"dynamodb": None},
        None,
        "x",
    ],
)  # fmt: skip
def test_a_malformed_record_is_recognised(broken: Any) -> None:
    with pytest.raises(MALFORMED):
        change_of(broken)
    assert number_of(broken) == ""


@pytest.mark.parametrize("name", ["sequence", "updated_at", "data"])
def test_an_item_that_lacks_something_is_malformed(name: str) -> None:
    item = an_item(BILL)
    del item[name]
    with pytest.raises(MALFORMED):
        change_of(a_stream_record(None, item))


VALUES = st.none() | st.booleans() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
FIELDS = st.sampled_from(["name", "state", "ref", "amount_total", "narration", "date"])
RECORDS = st.dictionaries(FIELDS, VALUES).map(lambda row: {"id": 7, **row})


@settings(max_examples=60, deadline=None)
@given(before=RECORDS, after=RECORDS)
def test_fields_that_both_have_are_named_if_they_differ_and_only_then(
    before: Json, after: Json
) -> None:
    different = {n for n in before.keys() & after.keys() if before[n] != after[n]}
    found = updated(before, after)
    assert (set(found.message.changed) if found else set()) == different
