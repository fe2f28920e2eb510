"""Bills that were written down row by row stand in the simulated Odoo as they were written."""

from __future__ import annotations

import json
from contextlib import ExitStack
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.http_server import serve
from sandbox.odoo.server import Odoo
from tests.support.entering import COMPANIES, company_of, enter
from tests.support.journal import Head, Journal, Row, parse, shapes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSIONS = (16, 17, 18, 19)
SHAPES = shapes()
RECORDED_BILLS = Path(__file__).parents[1] / "support" / "odoo-19-bills.json"
NO_MONEY = ("payment_term", "line_section", "line_subsection", "line_note")
TAXED = """
product 611000 100.00 {20% S} "Desk"
tax     VAT    [20.00]
"""

type Json = Any


class Reader:
    """An Odoo of one version that holds every shape it can, read over JSON-RPC."""

    def __init__(self, odoo: Odoo, url: str) -> None:
        self.odoo = odoo
        self.url = url
        self.bills: dict[str, int] = {}
        self.companies: dict[str, int] = {}
        for name, shape in SHAPES.items():
            if int(shape.head.since) <= odoo.version:
                company = company_of(odoo, shape.head.books.split(", ")[0])
                self.bills[name] = enter(odoo, shape, company=company)
                self.companies[name] = company

    def call(self, model: str, method: str, *args: object, **kwargs: object) -> Json:
        (user, *_) = self.odoo.users.values()
        who = (self.odoo.database, user.uid, user.api_key)
        params = {"service": "object", "method": "execute_kw"}
        body: Json = {"jsonrpc": "2.0", "method": "call", "id": 1}
        body["params"] = params | {"args": [*who, model, method, args, kwargs]}
        return requests.post(f"{self.url}/jsonrpc", json=body, timeout=10).json()["result"]

    def rows(self, name: str) -> list[Json]:
        domain = [["move_id", "in", [self.bills[name]]]]
        fields = ["display_type", "account_id", "price_subtotal", "tax_ids", "tax_line_id"]
        fields += ["amount_currency", "quantity", "price_unit", "balance", "name"]
        fields += ["date_maturity", "amount_residual_currency", "sequence"]
        company = {"allowed_company_ids": [self.companies[name]]}
        found: list[Json] = self.call(
            "account.move.line", "search_read", domain, fields, order="id", context=company
        )
        return found

    def names(self, model: str, ids: list[int]) -> list[str]:
        found = {row["id"]: row["name"] for row in self.call(model, "read", ids, ["name"])}
        return [found[number] for number in ids]


@pytest.fixture(scope="module")
def reader_of() -> Iterator[Callable[[int], Reader]]:
    with ExitStack() as stack:

        @cache
        def reader(version: int) -> Reader:
            odoo = Odoo(version=version)
            return Reader(odoo, stack.enter_context(serve(odoo)).url)

        yield reader


def _every_shape() -> list[Any]:
    return [
        pytest.param(version, name, id=f"{version}-{name}")
        for version in VERSIONS
        for name, shape in SHAPES.items()
        if int(shape.head.since) <= version
    ]


def _sign(journal: Journal) -> int:
    return -1 if journal.head.move_type == "in_refund" else 1


def _money(value: float) -> Decimal:
    return Decimal(str(value))


@pytest.mark.parametrize(("version", "name"), _every_shape())
def test_every_row_is_read_back_as_it_was_written(
    reader_of: Callable[[int], Reader], version: int, name: str
) -> None:
    reader, written = reader_of(version), SHAPES[name]
    rows = [row for row in reader.rows(name) if row["display_type"] != "payment_term"]

    assert len(rows) == len(written.rows) > 0
    for row, expected in zip(rows, written.rows, strict=True):
        assert row["display_type"] == expected.kind
        assert _money(row["price_subtotal"]) == expected.subtotal
        assert _money(row["amount_currency"]) == expected.amount * _sign(written)
        assert _money(row["quantity"]) == expected.quantity
        assert tuple(reader.names("account.tax", row["tax_ids"])) == expected.taxes
        if expected.account:
            code = written.account_named(expected.account)[0]
            assert row["account_id"][1].split()[0] == code
        else:
            assert row["account_id"] is False
        if expected.kind == "tax":
            assert row["tax_line_id"][1] == (expected.of or _only_tax(written))
        elif expected.kind == "product":
            assert row["tax_line_id"] is False


def _only_tax(journal: Journal) -> str:
    (name,) = {name for row in journal.rows for name in row.taxes}
    return name


@pytest.mark.parametrize(("version", "name"), _every_shape())
def test_the_rows_but_the_payable_add_up_to_the_total(
    reader_of: Callable[[int], Reader], version: int, name: str
) -> None:
    reader, written = reader_of(version), SHAPES[name]
    fields = ["amount_untaxed", "amount_tax", "amount_total", "amount_total_signed"]
    (move,) = reader.call("account.move", "read", [reader.bills[name]], fields)
    rows = reader.rows(name)

    booked = sum(
        _money(row["amount_currency"]) for row in rows if row["display_type"] not in NO_MONEY
    )
    assert booked * _sign(written) == _money(move["amount_total"]) >= 0
    assert _money(move["amount_untaxed"]) + _money(move["amount_tax"]) == _money(
        move["amount_total"]
    )
    assert sum(_money(row["balance"]) for row in rows) == 0
    payable = [row for row in rows if row["display_type"] == "payment_term"]
    assert sum(_money(row["amount_currency"]) for row in payable) == -booked
    assert sum(_money(row["balance"]) for row in payable) == _money(move["amount_total_signed"])


@pytest.mark.parametrize("name", [n for n, s in SHAPES.items() if s.head.move_type == "in_invoice"])
def test_any_bill_can_be_entered_as_its_credit_note(name: str) -> None:
    odoo = Odoo(version=19)
    company = company_of(odoo, SHAPES[name].head.books.split(", ")[0])
    bill, credit = (
        _stored(odoo, enter(odoo, SHAPES[name], company=company, move_type=kind))
        for kind in ("in_invoice", "in_refund")
    )
    assert [row["amount_currency"] for row in credit] == [-row["amount_currency"] for row in bill]
    assert [row["balance"] for row in credit] == [-row["balance"] for row in bill]
    assert [row["price_subtotal"] for row in credit] == [row["price_subtotal"] for row in bill]


def _stored(odoo: Odoo, bill: int) -> list[dict[str, Any]]:
    lines = odoo.records["account.move.line"]
    return [lines[number] for number in odoo.records["account.move"][bill]["line_ids"]]


@pytest.mark.parametrize("version", VERSIONS)
def test_instalments_have_their_days_and_what_is_open_of_each(
    reader_of: Callable[[int], Reader], version: int
) -> None:
    reader = reader_of(version)
    due = [
        (row["date_maturity"], row["amount_currency"], row["amount_residual_currency"])
        for row in reader.rows("instalments-thirds")
        if row["display_type"] == "payment_term"
    ]
    assert due == [
        ("2026-11-02", -33.33, 0.0),
        ("2026-12-02", -33.33, -13.33),
        ("2027-01-02", -33.34, -33.34),
    ]
    fields = ["invoice_date_due", "payment_state", "amount_residual"]
    bill = reader.bills["instalments-thirds"]
    assert reader.call("account.move", "read", [bill], fields) == [
        {
            "id": bill,
            "invoice_date_due": "2027-01-02",
            "payment_state": "partial",
            "amount_residual": 46.67,
        }
    ]


def test_a_group_has_its_parts_and_its_rows_are_of_them() -> None:
    odoo = Odoo(version=18)
    bill = enter(odoo, SHAPES["group-gst-pst"], company=company_of(odoo, "CA"))
    product, gst, pst, _payable = _stored(odoo, bill)
    taxes = odoo.records["account.tax"]
    (group,) = product["tax_ids"]
    assert (taxes[group]["amount_type"], taxes[group]["name"]) == ("group", "GST+PST")
    assert taxes[group]["children_tax_ids"] == [gst["tax_line_id"], pst["tax_line_id"]]
    assert [taxes[row["tax_line_id"]]["amount"] for row in (gst, pst)] == [5.0, 7.0]
    assert gst["group_tax_id"] == pst["group_tax_id"] == group


@pytest.mark.parametrize(
    ("name", "amount", "kind", "included"),
    [
        ("20% S", 20.0, "percent", False),
        ("-15% WHT", -15.0, "percent", False),
        ("21% incl", 21.0, "percent", True),
        ("QST 9.975%", 9.975, "percent", False),
        ("Eco fee = 1.50 each", 1.5, "fixed", False),
        ("Margin = 12% included", 12.0, "percent", True),
    ],
)
def test_a_tax_is_what_its_name_or_its_definition_says(
    name: str, amount: float, kind: str, included: bool
) -> None:
    odoo = Odoo()
    head = f"tax: {name}\n" if "=" in name else ""
    short = name.partition(" =")[0]
    bill = enter(odoo, f"{head}product 611000 100.00 {{{short}}}")
    (number,) = _stored(odoo, bill)[0]["tax_ids"]
    tax = odoo.records["account.tax"][number]
    assert (tax["name"], tax["amount"], tax["amount_type"]) == (short, amount, kind)
    assert tax["price_include"] is included


def test_accounts_have_the_code_the_name_and_the_kind_that_were_meant() -> None:
    odoo = Odoo(version=19)
    text = """
account: CUSTOMS = 139000 Import VAT clearing, asset_current
product 611000 1 "an expense that the company has"
product 141000 1 "an asset by its code"
product 620000 1 "an expense by its code"
product VATO 1
product CUSTOMS 1
"""
    company = company_of(odoo, "GB")
    rows = _stored(odoo, enter(odoo, text, company=company))
    accounts = [odoo.records["account.account"][row["account_id"]] for row in rows]
    assert [(a["code"], a["name"], a["account_type"]) for a in accounts] == [
        ("611000", "Purchase of Equipments", "expense"),
        ("141000", "Prepayments", "asset_prepayments"),
        ("620000", "Account 620000", "expense"),
        ("251000", "VATO", "liability_current"),
        ("139000", "Import VAT clearing", "asset_current"),
        ("211000", "Account Payable", "liability_payable"),
    ]
    assert {tuple(a["company_ids"]) for a in accounts} == {(company,)}


def test_what_is_there_already_is_used_again() -> None:
    odoo = Odoo()
    company = company_of(odoo, "GB")
    enter(odoo, SHAPES["half-deductible-vat"], company=company)
    models = ("account.account", "account.tax", "res.partner", "res.company", "res.currency")
    before = {model: len(odoo.records[model]) for model in models}
    enter(odoo, SHAPES["half-deductible-vat"], company=company_of(odoo, "GB"))
    assert {model: len(odoo.records[model]) for model in models} == before


@pytest.mark.parametrize("country", sorted(COMPANIES))
def test_a_bill_without_a_currency_is_in_the_companys_own(country: str) -> None:
    odoo = Odoo(version=19)
    move = odoo.records["account.move"][enter(odoo, TAXED, company=company_of(odoo, country))]
    currency = odoo.records["res.currency"][move["currency_id"]]["name"]
    assert currency == COMPANIES[country][1]
    assert (move["invoice_currency_rate"], move["amount_total_signed"]) == (1.0, -120.0)


def test_a_foreign_bill_is_booked_at_the_rate_that_was_written() -> None:
    odoo = Odoo(version=18)
    rows = _stored(odoo, enter(odoo, f"currency: JPY\nrate: 150\n{TAXED}"))
    assert [row["amount_currency"] for row in rows] == [100.0, 20.0, -120.0]
    assert [row["balance"] for row in rows] == [0.67, 0.13, -0.8]


def test_odoos_amounts_may_be_said_to_differ_from_the_rows() -> None:
    odoo = Odoo()
    bill = enter(odoo, f"amount_untaxed: 99.99\namount_tax: 20.01\n{TAXED}")
    move = odoo.records["account.move"][bill]
    assert (move["amount_untaxed"], move["amount_tax"]) == (99.99, 20.01)
    assert move["amount_total"] == 120.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("colour: red", "nobody knows what this is: colour: red"),
        ("product 611000 one hundred", "this is no row: product 611000 one hundred"),
        ("account: VAT = Input VAT", "not: VAT = Input VAT"),
        ("product 611000 100 {Standard}", "what is Standard?"),
        ("product BANK 100", "which account is BANK?"),
        ("product 611000 100 {5% A, 7% B}\ntax VAT [5]", "say which tax this is of"),
        ("product 611000 100\ntax VAT [5]", "say which tax this is of"),
        ("product 611000 100\ninstalment 2026-12-02 99", "the instalments are 99, the rows 100"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_line(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint.replace("?", r"\?")):
        enter(Odoo(), text)


def test_untaxed_and_tax_are_counted_as_a_real_odoo_counts_them() -> None:
    for move in json.loads(RECORDED_BILLS.read_text())["moves"]:
        sign = -1 if move["move_type"] == "in_refund" else 1
        rows = [
            Row(kind=line["display_type"], amount=sign * _money(line["amount_currency"]))
            for line in move["lines"]
            if line["display_type"] != "payment_term"
        ]
        journal = Journal(head=Head(), rows=tuple(rows))
        expected = [_money(move[name]) for name in ("amount_untaxed", "amount_tax", "amount_total")]
        assert [journal.untaxed, journal.tax, journal.total] == expected, move["ref"]


def test_a_remark_and_an_empty_line_say_nothing() -> None:
    assert parse("# a remark\n\nproduct 611000 5 # another\n") == parse("product 611000 5")


def test_every_shape_has_a_title_and_no_two_are_the_same() -> None:
    assert len({shape.head.title for shape in SHAPES.values()}) == len(SHAPES) > 60
    assert all(shape.head.title for shape in SHAPES.values())
    for shape in SHAPES.values():
        assert set(shape.head.books.split(", ")) <= COMPANIES.keys()
