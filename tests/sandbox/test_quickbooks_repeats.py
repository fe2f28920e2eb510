"""Request ids and batches: the QuickBooks simulator does nothing twice."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.quickbooks.server import Modes
from tests.support.quickbooks_client import (
    GB,
    US,
    Client,
    Clock,
    a_bill,
    code,
    post_bill,
)

if TYPE_CHECKING:
    import requests

# Request ids.


def test_a_request_id_replays_the_first_answer_to_the_byte(client: Client, clock: Clock) -> None:
    bill = a_bill(client)
    first = client.post("bill", bill, "same")
    clock.now += timedelta(days=30)
    client.refresh()
    assert client.post("bill", bill, "same").content == first.content
    assert len(client.app.realms[US].bills) == 1
    assert client.app.violations == []


def test_a_request_id_belongs_to_one_company(client: Client) -> None:
    client.post("vendor", {"DisplayName": "A"}, "same")
    client.realm_id, client.token = GB, ""
    client.post("vendor", {"DisplayName": "B"}, "same")
    assert [v["DisplayName"] for v in client.app.realms[GB].vendors.values()] == ["B"]


def test_a_fault_is_replayed_too(client: Client) -> None:
    vendor = client.vendor()
    post_bill(client, a_bill(client, vendor))
    again = a_bill(client, vendor)
    assert code(client.post("bill", again, "same")) == "6140"
    client.app.realms[US].duplicate_warning = False
    assert code(client.post("bill", again, "same")) == "6140"


def test_only_a_success_may_be_replayed(client: Client) -> None:
    client.app.modes = Modes(request_id="replay_success_only")
    client.app.realms[US].book_close_date = date(2026, 12, 31)
    bill = a_bill(client)
    assert code(client.post("bill", bill, "same")) == "6210"
    client.app.realms[US].book_close_date = None
    first = client.post("bill", bill, "same")
    assert client.post("bill", bill, "same").content == first.content


def test_a_request_id_with_another_payload_replays_and_is_a_violation(client: Client) -> None:
    first = client.post("bill", a_bill(client), "same")
    assert client.post("bill", a_bill(client, PrivateNote="x"), "same").content == first.content
    assert client.app.violations == [f"realm {US}: bill used the request id of a different request"]


def test_another_payload_may_be_error_600(client: Client) -> None:
    client.app.modes = Modes(request_id="error600_on_payload_change")
    bill = a_bill(client)
    first = client.post("bill", bill, "same")
    assert client.post("bill", bill, "same").content == first.content
    assert code(client.post("bill", {**bill, "PrivateNote": "x"}, "same")) == "600"


def test_a_request_id_may_be_forgotten(client: Client, clock: Clock) -> None:
    client.app.modes = Modes(request_id="forget_after_ttl", request_id_hours=1)
    bill = a_bill(client, DocNumber=None)
    client.post("bill", bill, "same")
    clock.now += timedelta(minutes=59)
    client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == 1
    clock.now += timedelta(minutes=1)
    client.refresh()
    client.post("bill", bill, "same")
    assert len(client.app.realms[US].bills) == 2


@pytest.mark.parametrize(("mode", "second"), [("wait", 200), ("error600", 400)])
def test_a_second_request_waits_for_the_first_or_is_error_600(
    client: Client, mode: Any, second: int
) -> None:
    client.app.modes = Modes(request_id_in_flight=mode)
    bill = a_bill(client)
    client.app.inject("slow", path="/bill", seconds=0.4)
    arrived = threading.Event()

    def after_the_first() -> requests.Response:
        assert arrived.wait(5)
        return client.post("bill", bill, "same")

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(after_the_first)
        slow = pool.submit(client.post, "bill", bill, "same")
        threading.Timer(0.1, arrived.set).start()
        assert (slow.result().status_code, waiting.result().status_code) == (200, second)
    assert len(client.app.realms[US].bills) == 1


def test_a_request_id_has_fifty_characters_at_most(client: Client) -> None:
    assert client.post("vendor", {"DisplayName": "A"}, "x" * 50).ok
    assert code(client.post("vendor", {"DisplayName": "B"}, "x" * 51)) == "2050"


@pytest.mark.parametrize("path", ["bill", "vendor", "vendorcredit", "upload"])
def test_a_write_without_a_request_id_is_a_violation(client: Client, path: str) -> None:
    client.call("POST", path, data=b"{}", headers={"Content-Type": "application/json"})
    assert client.app.violations[0] == f"realm {US}: {path} was sent without a request id"


# Batches.


def vendor_items(*names: str) -> dict[str, Any]:
    items = [
        {"bId": f"b{n}", "operation": "create", "Vendor": {"DisplayName": name}}
        for n, name in enumerate(names)
    ]
    return {"BatchItemRequest": items}


def test_a_batch_answers_each_item_in_no_particular_order(client: Client) -> None:
    items = vendor_items("A", "B", "C", "C", "D:")["BatchItemRequest"]
    items.append({"bId": "q", "Query": "select * from Term"})
    items.append({"bId": "?", "operation": "create"})
    answer = client.post("batch", {"BatchItemRequest": items})
    assert answer.status_code == 200
    results = {item["bId"]: item for item in answer.json()["BatchItemResponse"]}
    assert list(results) != [item["bId"] for item in items]
    assert {results[b]["Vendor"]["DisplayName"] for b in ("b0", "b1")} == {"A", "B"}
    assert {"Fault", "Vendor"} == {*results["b2"], *results["b3"]} - {"bId"}
    assert results["b4"]["Fault"]["Error"][0]["code"] == "2050"
    assert results["?"]["Fault"]["Error"][0]["code"] == "500"
    assert len(results["q"]["QueryResponse"]["Term"]) == 4
    assert client.app.core_plus_calls == 1


def test_a_batch_item_can_delete(client: Client) -> None:
    keys = {"Id": post_bill(client)["Id"], "SyncToken": "0"}
    item = {"bId": "1", "operation": "delete", "Bill": keys}
    answer = client.post("batch", {"BatchItemRequest": [item]}).json()
    assert answer["BatchItemResponse"][0]["Bill"]["status"] == "Deleted"


def test_a_batch_item_is_replayed_if_both_ids_are_the_same(client: Client) -> None:
    first = client.post("batch", vendor_items("A"), "same").json()["BatchItemResponse"]
    assert client.post("batch", vendor_items("A"), "same").json()["BatchItemResponse"] == first
    other = client.post("batch", vendor_items("A"), "other").json()["BatchItemResponse"]
    assert other[0]["Fault"]["Error"][0]["code"] == "6240"


def test_a_batch_has_its_limits(client: Client) -> None:
    assert client.post("batch", vendor_items(*map(str, range(30)))).ok
    assert code(client.post("batch", vendor_items(*map(str, range(31))))) == "1040"
    assert code(client.post("batch", vendor_items("x"), "x" * 37)) == "2050"
    long = {"BatchItemRequest": [{"bId": "x" * 11, "Query": "select * from Term"}]}
    assert code(client.post("batch", long)) == "2050"
    assert code(client.post("batch", {"BatchItemRequest": "all"})) == "2010"
    twice = {"BatchItemRequest": [{"bId": "1", "Query": "select * from Term"}] * 2}
    assert code(client.post("batch", twice)) == "1000"


def test_a_batch_that_writes_needs_a_request_id(client: Client) -> None:
    headers = {"Content-Type": "application/json"}
    client.call("POST", "batch", data=json.dumps(vendor_items("A")), headers=headers)
    assert client.app.violations == [f"realm {US}: batch was sent without a request id"]
