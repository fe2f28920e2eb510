"""The kept fixture's Odoo and QuickBooks: what kind a bill is of shows in their figures.

Nothing here calls the functions' code: what is expected is worked out anew from the kept records.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest
from werkzeug.test import Client

from sandbox.odoo.server import Odoo
from sandbox.quickbooks.server import Limits, QuickBooks
from tests.upgrade import fixture

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

Json = dict[str, Any]

ITEMS: Final = fixture.items()
BILLS: Final = fixture.bills()
EVERY_BILL: Final = pytest.mark.parametrize("entry_id", sorted(BILLS))
OPEN: Final = ("approved, attempt open, ", "posting, attempt open, ")
WITH_OPEN_ATTEMPT: Final = pytest.mark.parametrize(
    "entry_id", sorted(i for i, bill in BILLS.items() if bill["situation"].startswith(OPEN))
)
WORDS: Final = ("line_section", "line_subsection", "line_note", "payment_term")
# What only a calculation of QuickBooks' own tells apart, not the rows.
BY_PERCENTAGE: Final = ("D4", "D reverse charge")
BY_THE_ROWS: Final = pytest.mark.parametrize(
    "entry_id", sorted(i for i, bill in BILLS.items() if bill["case"] not in BY_PERCENTAGE)
)


def rows_of(entry_id: str) -> list[Json]:
    move = int(entry_id.removeprefix("odoo-"))
    return [r for r in fixture.records()["account.move.line"] if r["move_id"] == move]


def move_of(entry_id: str) -> Json:
    number = int(entry_id.removeprefix("odoo-"))
    return next(m for m in fixture.records()["account.move"] if m["id"] == number)


def cents(value: Any) -> int:
    return round(Decimal(str(value)) * 100)


@EVERY_BILL
def test_the_journal_rows_but_the_payable_add_up_to_the_total(entry_id: str) -> None:
    move = move_of(entry_id)
    sign = -1 if move["move_type"] == "in_refund" else 1
    rows = [r for r in rows_of(entry_id) if r["display_type"] not in WORDS]
    total = sum(cents(r.get("amount_currency", 0)) for r in rows)
    assert total * sign == cents(move.get("amount_total", 0))


def as_1_0_posts(entry_id: str) -> Counter[Any]:
    """How much 1.0 would book on which account under which taxes."""
    item = ITEMS[entry_id]
    keeps_tax = item["company"] == "thames"
    booked: Counter[Any] = Counter()
    if item["nothing_to_post"].startswith("The total is zero"):
        return booked
    for line in fixture.lines_of(item):
        if line["kind"] == "tax" and keeps_tax:
            booked["tax"] += cents(line["amount"])
        elif line["kind"] in {"product", "tax"}:
            taxes = tuple(line["taxes"]) if keeps_tax else ()
            booked[line["account_code"], taxes] += cents(line["amount"])
    return booked


def as_booked(entry_id: str) -> Counter[Any]:
    """How much the journal has there: tax is what lies on an account of taxes."""
    accounts = {a["id"]: a for a in fixture.records()["account.account"]}
    taxes = {t["id"]: t["name"] for t in fixture.records()["account.tax"]}
    keeps_tax = BILLS[entry_id]["company"] == "thames"
    sign = -1 if move_of(entry_id)["move_type"] == "in_refund" else 1
    booked: Counter[Any] = Counter()
    for row in rows_of(entry_id):
        if row["display_type"] in WORDS:
            continue
        account = accounts.get(row.get("account_id"), {"code": "", "account_type": ""})
        amount = cents(row.get("amount_currency", 0)) * sign
        on_vat = "VAT" in account.get("name", "")
        if row.get("tax_line_id") and keeps_tax and on_vat:
            booked["tax"] += amount
        else:
            names = tuple(taxes[i] for i in row.get("tax_ids", ())) if keeps_tax else ()
            booked[account["code"], names] += amount
    return booked


@BY_THE_ROWS
def test_kind_s_is_booked_as_1_0_posts_it_and_kind_d_is_not(entry_id: str) -> None:
    is_same = nonzero(as_1_0_posts(entry_id)) == nonzero(as_booked(entry_id))
    assert is_same == (BILLS[entry_id]["kind"] == "S")


def nonzero(booked: Counter[Any]) -> dict[Any, int]:
    return {key: amount for key, amount in booked.items() if amount}


def test_a_bill_that_is_entered_later_takes_no_number_of_the_fixture() -> None:
    odoo = Odoo(clock=lambda: fixture.NOW)
    fixture.fill_odoo(odoo)
    before = {model: set(rows) for model, rows in odoo.records.items()}
    bill = odoo.new_bill(company=2, vendor=36, currency=143, reference="SI-NEW")
    file = odoo.attach(bill, "new.pdf", b"%PDF-1.4 new")
    assert bill not in before["account.move"]
    assert file not in before["ir.attachment"]
    assert odoo.records["account.move"][bill]["name"] == "BILL/2026/11/0043"


def test_odoos_records_load_into_its_simulator() -> None:
    odoo = Odoo()
    fixture.fill_odoo(odoo)
    assert {f"odoo-{i}" for i in odoo.records["account.move"]} == BILLS.keys()
    answer = Client(odoo).post(
        "/jsonrpc",
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "params": {
                "service": "object",
                "method": "execute_kw",
                "args": [
                    "odoo",
                    6,
                    "sandbox-odoo-key",
                    "account.move.line",
                    "search_read",
                    [[["display_type", "=", "non_deductible_product_total"]]],
                    {"fields": ["move_id", "account_id", "amount_currency", "parent_state"]},
                ],
            },
        },
    )
    rows = answer.get_json()["result"]
    with_private_part = {i for i, bill in BILLS.items() if bill["case"] in {"D2", "D2 blocked"}}
    assert {f"odoo-{row['move_id'][0]}" for row in rows} == with_private_part
    assert {row["account_id"][1] for row in rows} == {"962000 Sales Expenses"}


class Realms:
    """QuickBooks with 1.0's realms, asked as an integration asks it."""

    def __init__(self) -> None:
        self.quickbooks = QuickBooks(clock=lambda: fixture.NOW, limits=Limits(enforced=False))
        fixture.fill_quickbooks(self.quickbooks)
        self._client = Client(self.quickbooks)
        self._tokens = {realm: self._token(seed) for realm, seed in fixture.seed_tokens().items()}

    def _token(self, seed: str) -> str:
        answer = self._client.post(
            "/oauth2/v1/tokens/bearer",
            data={"grant_type": "refresh_token", "refresh_token": seed},
            auth=("sandbox-client", "sandbox-client-secret"),
        )
        return str(answer.get_json()["access_token"])

    def send(self, attempt: Json) -> TestResponse:
        """The bytes of an attempt, once more under its request id."""
        realm, entity = attempt["realm"], attempt["entity"].lower()
        body = attempt["body"] or fixture.data_at(attempt["body_key"])
        return self._client.post(
            f"/v3/company/{realm}/{entity}?requestid={attempt['request_id']}&minorversion=75",
            data=body,
            headers={
                "Authorization": f"Bearer {self._tokens[realm]}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )

    def documents(self, entry_id: str) -> list[Json]:
        """What QuickBooks has with the marker of a bill."""
        return [
            document
            for realm in self.quickbooks.realms.values()
            for document in (*realm.bills.values(), *realm.vendor_credits.values())
            if f"[{entry_id}]" in document.get("PrivateNote", "")
        ]


@cache
def untouched() -> Realms:
    return Realms()


@EVERY_BILL
def test_quickbooks_has_one_document_with_the_marker_where_1_0_made_one(entry_id: str) -> None:
    situation = BILLS[entry_id]["situation"]
    made = ("posted", "posted, changed since", "adopted", "failed, other total")
    is_made = situation in made or situation.endswith(", there")
    documents = untouched().documents(entry_id)
    assert len(documents) == is_made
    item = ITEMS[entry_id]
    if item["status"] == "POSTED":
        assert documents[0]["Id"] == item["quickbooks"]["id"]
        assert cents(documents[0]["TotalAmt"]) == cents(item["amount_total"])


@WITH_OPEN_ATTEMPT
def test_an_open_attempt_sent_again_as_it_was_makes_one_document_in_all(entry_id: str) -> None:
    realms, attempt = Realms(), ITEMS[entry_id]["attempts"][-1]
    before = realms.documents(entry_id)
    answer = realms.send(attempt)
    assert answer.status_code == 200
    after = realms.documents(entry_id)
    assert [d["Id"] for d in after] == [answer.get_json()[attempt["entity"]]["Id"]]
    assert [d["Id"] for d in before] in ([], [d["Id"] for d in after])
    assert realms.quickbooks.violations == []


def test_what_a_person_linked_is_there_without_our_marker() -> None:
    realms = untouched().quickbooks.realms
    linked = {i: ITEMS[i] for i, bill in BILLS.items() if bill["situation"] == "linked"}
    notes = {v["linked_to"]: k.split("#") for k, v in ITEMS.items() if k.startswith("linked#")}
    assert notes.keys() == linked.keys()
    for entry_id, (_, realm_id, entity, document_id) in notes.items():
        document = realms[realm_id].table(entity)[document_id]
        assert "PrivateNote" not in document
        assert document["DocNumber"] == linked[entry_id]["bill_reference"]
