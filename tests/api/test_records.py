"""Lists and single records: the exact shapes of the contract, pages, filters and cursors."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.api.contract import load_contract
from odoo_qb.api.lists import Wanted, list_page
from odoo_qb.api.shapes import Shape
from odoo_qb.mirror.content import item_of
from odoo_qb.store.mirror_table import MirrorTable, Put

if TYPE_CHECKING:
    from odoo_qb.sources import Kind
    from sandbox.in_process.api import ApiDesk, Response

Json = dict[str, Any]

CONTACT: Final = [
    "id",
    "odoo_id",
    "name",
    "email",
    "phone",
    "write_date",
    "created_at",
    "updated_at",
]
INVOICE: Final = [
    "id",
    "odoo_id",
    "name",
    "move_type",
    "invoice_date",
    "partner_id",
    "partner_name",
    "amount_total",
    "amount_residual",
    "state",
    "currency_id",
    "currency_name",
    "write_date",
    "create_date",
    "created_at",
    "updated_at",
]
LISTS: Final[dict[str, Kind]] = {
    "/contacts": "contact",
    "/invoices": "move",
    "/api/erp/payments": "payment",
    "/api/erp/orders": "order",
    "/api/erp/accounts": "account",
}
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def ids(response: Response) -> list[int]:
    assert response.status == 200, response.text
    return [row["id"] for row in response.json]


def all_pages(api: ApiDesk, target: str) -> list[int]:
    """The ids of a list from page to page by cursor."""
    found, cursor = [], ""
    for _ in range(1_000):
        response = api.get(f"{target}&cursor={cursor}" if cursor else target)
        found += ids(response)
        cursor = response.headers.get("x-next-cursor", "")
        if not cursor:
            return found
    raise AssertionError(f"{target} has no end")


# -- shapes ----------------------------------------------------------------------------------------


def test_contacts_and_invoices_have_exactly_the_fields_of_the_service(api: ApiDesk) -> None:
    for route, fields in (("/contacts", CONTACT), ("/invoices", INVOICE)):
        rows = api.get(route).json
        assert rows
        assert {tuple(row) for row in rows} == {tuple(fields)}
        one = api.get(f"{route}/{rows[0]['id']}")
        assert one.json == rows[0]


@pytest.mark.parametrize(("route", "kind"), LISTS.items())
def test_values_are_the_mirrors_with_times_as_utc_text(
    api: ApiDesk, route: str, kind: Kind
) -> None:
    stored = api.desk.stored(kind)
    every = "&archived=true" if kind == "contact" else ""
    response = api.get(f"{route}?limit=1000{every}")
    rows = json.loads(response.text, parse_float=Decimal)
    assert [row["id"] for row in rows] == sorted(stored)
    for row in rows:
        data = stored[row["id"]]
        assert row["odoo_id"] == row["id"]
        assert row.get("active") is not False or data["active"] is False
        for name, value in row.items():
            if name in {"odoo_id", "created_at", "updated_at"}:
                continue
            if isinstance(value, str) and INSTANT.fullmatch(value):
                assert str(data[name]).ljust(19, " ")[:10] == value[:10]
                assert str(data[name])[11:] in {value[11:], ""}
            else:
                assert value == data[name], name
        assert INSTANT.fullmatch(row["created_at"])
        assert INSTANT.fullmatch(row["updated_at"])


def test_an_invoices_day_is_midnight_and_its_amounts_are_numbers(api: ApiDesk) -> None:
    paid = next(row for row in api.get("/invoices").json if row["invoice_date"])
    assert paid["invoice_date"].endswith("T00:00:00")
    assert isinstance(paid["amount_total"], float | int)
    assert '"amount_total":"' not in api.get("/invoices").text


def test_every_mirrored_field_comes_when_it_is_wanted(api: ApiDesk) -> None:
    row = api.get("/invoices?fields=all&limit=1").json[0]
    assert list(row)[: len(INVOICE)] == INVOICE
    assert row["invoice_lines"][0]["price_subtotal"]
    assert row["invoice_date_due"].endswith("T00:00:00")
    contact = api.get(f"/contacts/{row['partner_id']}?fields=all").json
    assert {"city", "vat", "active", "commercial_partner_id"} <= contact.keys()
    order = api.get("/api/erp/orders?fields=all").json[0]
    assert order["order_lines"]
    assert "order_lines" not in api.get("/api/erp/orders").json[0]


def test_what_is_not_there_is_404_in_a_sentence(api: ApiDesk) -> None:
    for route, title in (
        ("/contacts", "contact"),
        ("/invoices", "invoice"),
        ("/api/erp/orders", "order"),
    ):
        response = api.get(f"{route}/2147483647")
        assert (response.status, response.headers["content-type"]) == (
            404,
            "application/problem+json",
        )
        assert response.json == {
            "title": "Not Found",
            "status": 404,
            "detail": f"There is no {title} 2147483647.",
        }


# -- pages -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize(("skip", "limit"), [(0, 3), (2, 4), (7, 100), (10_001, 5)])
def test_skip_and_limit_cut_the_list_and_the_total_is_its_length(
    api: ApiDesk, route: str, skip: int, limit: int
) -> None:
    every = ids(api.get(f"{route}?limit=1000"))
    response = api.get(f"{route}?skip={skip}&limit={limit}")
    assert ids(response) == every[skip : skip + limit]
    assert response.headers["x-total-count"] == str(len(every))
    assert ("x-next-cursor" in response.headers) == (0 < len(every[skip:]) > limit)


@pytest.mark.parametrize(
    "query",
    ["", "state=posted", "move_type=in_invoice", "move_type=out_invoice&state=draft",
     "sort=-write_date", "sort=-write_date&state=posted", "company_id=1",
     "date_from=2025-01-01&date_to=2025-12-31", "company_id=2&state=posted&sort=-write_date"],
)  # fmt: skip
def test_a_list_is_the_same_by_cursor_by_skip_and_at_once(api: ApiDesk, query: str) -> None:
    at_once = ids(api.get(f"/invoices?limit=1000&{query}"))
    assert all_pages(api, f"/invoices?limit=3&{query}") == at_once
    by_skip = [i for skip in range(0, len(at_once) + 4, 4)
               for i in ids(api.get(f"/invoices?limit=4&skip={skip}&{query}"))]  # fmt: skip
    assert by_skip == at_once
    rows = api.desk.stored("move")
    named = dict(re.findall(r"(move_type|state|company_id)=(\w+)", query))
    expected = {i for i, row in rows.items() if all(str(row[n]) == v for n, v in named.items())}
    if "date" not in query.replace("write_date", ""):
        assert set(at_once) == expected


def test_newest_first_is_by_the_time_of_writing(api: ApiDesk) -> None:
    oldest = min(api.desk.stored("move"))
    api.desk.odoo.amend(oldest, ref="changed last")
    api.desk.sync("sync_invoices")
    rows = api.get("/invoices?sort=-write_date&limit=1000").json
    assert rows[0]["id"] == oldest
    times = [row["write_date"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert len(rows) == len(api.desk.stored("move"))


def test_the_documents_of_a_contact_are_found_by_its_index(api: ApiDesk) -> None:
    rows = api.desk.stored("move")
    partner = next(iter(rows.values()))["partner_id"]
    expected = sorted(i for i, row in rows.items() if row["partner_id"] == partner)
    response = api.get(f"/invoices?partner_id={partner}&limit=1")
    assert "x-total-count" not in response.headers
    assert all_pages(api, f"/invoices?partner_id={partner}&limit=1") == expected


def test_dates_are_the_documents_own(api: ApiDesk) -> None:
    rows = api.desk.stored("move")
    days = sorted(row["invoice_date"] for row in rows.values() if row["invoice_date"])
    low, high = days[2], days[-3]
    expected = sorted(
        i for i, row in rows.items() if row["invoice_date"] and low <= row["invoice_date"] <= high
    )
    assert ids(api.get(f"/invoices?date_from={low}&date_to={high}")) == expected
    orders = api.desk.stored("order")
    day = next(iter(orders.values()))["date_order"][:10]
    assert ids(api.get(f"/api/erp/orders?date_from={day}&date_to={day}"))


def test_an_account_belongs_to_each_of_its_companies(api: ApiDesk) -> None:
    rows = api.desk.stored("account")
    for company in (1, 2):
        expected = sorted(i for i, row in rows.items() if company in row["company_ids"])
        assert expected
        assert ids(api.get(f"/api/erp/accounts?company_id={company}")) == expected


def test_archived_contacts_are_left_out_unless_they_are_wanted(api: ApiDesk) -> None:
    in_use = ids(api.get("/contacts?limit=1000"))
    gone = in_use[3]
    api.desk.odoo.archive_contact(gone)
    api.desk.sync("sync_contacts")
    rows = api.desk.stored("contact")
    archived = {i for i, row in rows.items() if not row["active"]}
    left = api.get("/contacts?limit=1000")
    assert ids(left) == [i for i in in_use if i not in archived]
    assert gone in archived
    assert left.headers["x-total-count"] == str(len(rows) - len(archived))
    for skip in (2, 10, len(rows) - len(archived) - 1):
        assert ids(api.get(f"/contacts?skip={skip}&limit=2")) == ids(left)[skip : skip + 2]
    for sort in ("id", "-write_date"):
        assert set(all_pages(api, f"/contacts?limit=20&sort={sort}")) == rows.keys() - archived
    wanted = api.get("/contacts?archived=true&limit=1000")
    assert ids(wanted) == sorted(rows)
    assert wanted.headers["x-total-count"] == str(len(rows))
    assert {row["id"] for row in wanted.json if row.get("active") is False} == archived
    assert api.get(f"/contacts/{gone}").json["active"] is False


def test_a_far_skip_in_a_list_without_counts_is_refused_with_what_to_do(api: ApiDesk) -> None:
    for query in ("sort=-write_date", "company_id=1", "partner_id=31", "date_from=2026-01-01"):
        assert ids(api.get(f"/invoices?skip=10000&{query}")) == []
        response = api.get(f"/invoices?skip=10001&{query}")
        assert response.status == 422
        assert "skip goes up to 10000. Go on with cursor" in response.json["detail"]


def test_a_cursor_belongs_to_its_list(api: ApiDesk) -> None:
    cursor = api.get("/invoices?limit=2").headers["x-next-cursor"]
    assert ids(api.get(f"/invoices?limit=1&cursor={cursor}"))
    for target in (
        f"/invoices?state=posted&cursor={cursor}",
        f"/invoices?sort=-write_date&cursor={cursor}",
        f"/contacts?cursor={cursor}",
        f"/invoices?cursor={cursor[:-3]}",
        "/invoices?cursor=bm90aGluZw",
    ):
        response = api.get(target)
        assert response.status == 422, target
        assert "cursor" in response.json["detail"]
    both = api.get(f"/invoices?skip=1&cursor={cursor}")
    assert "Leave one of them out" in both.json["detail"]


def test_a_list_that_would_be_too_large_is_cut_and_says_so(api: ApiDesk) -> None:
    table = MirrorTable(api.desk.table(), "odoo", "order")
    before = ids(api.get("/api/erp/orders"))
    note = 'He said "pay \\ now" ' * 3_000
    puts = []
    for number in range(5_000, 5_080):
        data = {"client_order_ref": note, "write_date": "2026-11-28 08:00:00"}
        item = item_of(data, None, ("odoo", "order"), number, api.desk.now, 1)
        puts.append(Put(source_id=number, item=item, before=None))
    table.write(puts, {})
    response = api.get("/api/erp/orders?limit=1000")
    assert response.headers["x-truncated"] == "true"
    assert 3_000_000 < len(json.dumps(response.text)) < 6_000_000
    found = ids(response)
    assert 10 < len(found) < 80
    cursor = response.headers["x-next-cursor"]
    while cursor:
        response = api.get(f"/api/erp/orders?limit=1000&cursor={cursor}")
        found += ids(response)
        cursor = response.headers.get("x-next-cursor", "")
    assert found == [*before, *range(5_000, 5_080)]


def test_a_record_too_large_for_any_answer_is_refused_in_a_sentence(api: ApiDesk) -> None:
    data = {"order_lines": [{"name": "x" * 6_000_000}], "name": "S1"}
    item = item_of(data, None, ("odoo", "order"), 7_000, api.desk.now, 1)
    MirrorTable(api.desk.table(), "odoo", "order").write(
        [Put(source_id=7_000, item=item, before=None)], {}
    )
    assert api.get("/api/erp/orders/7000").json["name"] == "S1"
    for target in ("/api/erp/orders/7000?fields=all", "/api/erp/orders?fields=all"):
        response = api.get(target)
        assert response.status == 422
        assert "too large" in response.json["detail"]


# -- freshness -------------------------------------------------------------------------------------


def test_every_answer_of_the_mirror_says_how_old_it_is(api: ApiDesk) -> None:
    last = api.desk.now
    api.desk.sync()
    api.desk.sleep(140)
    for route in LISTS:
        one = api.get(route)
        for response in (one, api.get(f"{route}/{one.json[0]['id']}"), api.get(f"{route}/99999")):
            age = round((api.desk.now - last).total_seconds())
            assert response.headers["x-mirror-age"] == str(age)
            assert response.headers["x-mirror-state"] == "complete"


def test_lists_still_answer_while_odoo_is_down(api: ApiDesk) -> None:
    before = api.get("/invoices").text
    api.desk.odoo.fail("bad_gateway", times=1_000)
    api.desk.sync()
    response = api.get("/invoices")
    assert response.text == before
    assert int(response.headers["x-mirror-age"]) >= 60


def test_an_empty_mirror_and_one_that_is_loading_say_so(api: ApiDesk) -> None:
    api.desk.clear()
    response = api.get("/contacts")
    assert (response.status, response.json) == (200, [])
    assert response.headers["x-total-count"] == "0"
    assert response.headers["x-mirror-state"] == "empty"
    assert "x-mirror-age" not in response.headers
    api.desk.batch = 10
    api.desk.seconds_for_batches(2)
    api.desk.sync("sync_contacts")
    response = api.get("/contacts?limit=1000")
    assert 10 <= len(response.json) < 47
    assert response.headers["x-mirror-state"] == "loading"
    missing = api.get("/contacts/999999")
    assert missing.json["detail"].endswith("The mirror is still being filled: try again later.")
    assert api.get("/invoices").headers["x-mirror-state"] == "empty"


def test_transactions_that_are_not_mirrored_are_an_empty_list(api: ApiDesk) -> None:
    response = api.get("/api/erp/transactions")
    assert (response.status, response.json) == (200, [])
    assert response.headers["x-mirror-state"] == "empty"
    assert api.get("/api/erp/transactions/1").json["detail"] == (
        "There is no transaction 1. Records of this kind haven't been mirrored yet."
    )


def test_another_connection_has_its_own_records(api: ApiDesk) -> None:
    assert api.get("/contacts?connection=ledger").json == []
    item = item_of({"name": "Elsewhere"}, None, ("ledger", "contact"), 5, api.desk.now, 1)
    there = MirrorTable(api.desk.table(), "ledger", "contact")
    there.write([Put(source_id=5, item=item, before=None)], {})
    assert api.get("/contacts/5?connection=ledger").json["name"] == "Elsewhere"
    assert ids(api.get("/contacts?connection=ledger")) == [5]
    response = api.get("/contacts?connection=shop")
    assert response.status == 422
    assert response.json["detail"] == "There is no such connection. Connections: odoo, ledger."


def test_a_list_takes_a_request_to_the_table_and_one_for_each_thousand_ids(api: ApiDesk) -> None:
    table = api.wired.mirrored
    thousands = {number // 1_000 for number in api.desk.stored("move")}
    for target, expected in (
        ("/invoices", 1 + len(thousands)),
        ("/contacts", 2),
        ("/contacts?archived=true", 2),
        ("/invoices/1", 1),
    ):
        before = table.calls
        api.get(target)
        assert table.calls - before == expected, target


@pytest.mark.parametrize("noted", [True, False])
def test_months_without_records_are_passed_over(api: ApiDesk, *, noted: bool) -> None:
    times = {
        9_001: "2026-11-27 10:00:00", 9_002: "2026-11-26 10:00:00", 9_003: "2026-01-01 00:00:00",
        9_004: "2025-12-31 23:59:59", 9_005: "2025-02-01 00:00:00", 9_006: None,
    }  # fmt: skip
    table = MirrorTable(api.desk.table(), "ledger", "payment")
    puts = []
    for number, written in times.items():
        data = {"name": f"P{number}", "write_date": written, "state": "paid"}
        item = item_of(data, None, ("ledger", "payment"), number, api.desk.now, 1)
        puts.append(Put(source_id=number, item=item, before=None))
    table.write(puts, {}, noted={"oldest": "2025-02"} if noted else {})
    target = "/api/erp/payments?connection=ledger&sort=-write_date"
    before = api.wired.mirrored.calls
    assert ids(api.get(target)) == list(times)
    calls = api.wired.mirrored.calls - before
    assert calls < 40 if noted else calls > 200
    assert all_pages(api, f"{target}&limit=2") == list(times)
    assert ids(api.get(f"{target}&skip=4")) == [9_005, 9_006]


def test_a_request_goes_through_so_many_records_and_the_next_goes_on(api: ApiDesk) -> None:
    every = ids(api.get("/invoices?company_id=2&limit=1000"))
    table = MirrorTable(api.desk.table(), "odoo", "move")
    shape = Shape(load_contract().schema("Invoice"))
    values = {"skip": 2, "limit": 1_000, "sort": "id", "connection": "odoo", "company_id": 2}
    found: list[int] = []
    for _ in range(1_000):
        wanted = Wanted(values=values, shape=shape, now=api.desk.now, read_most=5)
        page = list_page(table, wanted)
        assert len(page.texts) <= 5
        found += [json.loads(text)["id"] for text in page.texts]
        values |= {"skip": 0, "cursor": page.cursor}
        if not page.cursor:
            break
    assert found == every[2:]
    assert len(every) > 7
