"""Odoo as a mirror's source: every version by every way says the same of the same books."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from odoo_qb.sources import KINDS
from tests.support.odoo_clients import DOORS, VERSIONS
from tests.support.odoo_sources import (
    SOME_DOORS,
    a_source,
    ids_of,
    ledger,
    records_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind
    from sandbox.odoo.server import Odoo as Simulator

HOWEVER = pytest.mark.parametrize(("version", "way"), DOORS)
SOMEHOW = pytest.mark.parametrize(("version", "way"), SOME_DOORS)
MOST: tuple[Kind, ...] = ("contact", "move", "payment", "order", "account")
KINDWISE = pytest.mark.parametrize("kind", KINDS)


# -- the same of every version -------------------------------------------------------------


@HOWEVER
def test_changes_ids_and_count_tell_of_the_same_records(version: int, way: str) -> None:
    with a_source(ledger(version), way) as source:
        for kind, count in {"contact": 47, "move": 319, "payment": 229, "order": 30}.items():
            ids = ids_of(source, kind)  # type: ignore[arg-type]
            assert len(ids) == count
            assert ids == sorted(ids)
            pages = list(source.changes(kind, ""))  # type: ignore[arg-type]
            assert [written.source_id for page in pages for written in page] == ids
            assert source.count(kind) == count  # type: ignore[arg-type]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", MOST)
def test_each_way_reads_the_same(version: int, kind: Kind) -> None:
    first, *others = [way for v, way in DOORS if v == version]
    for other in others:
        assert records_of(version, other, kind) == records_of(version, first, kind)


@KINDWISE
def test_each_version_reads_the_same_but_for_odoos_own_words(kind: Kind) -> None:
    """A state or the name of an address is what that version of Odoo calls it.

    Before 18 a payment that is cancelled keeps its move, and that its journal items; an account
    is of one company, so that what two share there are two.
    """
    own = {
        "payment": {"state", "payment_method_name", "name", "move_id"},
        "contact": {"mobile", "display_name", "name"},
        "move": {"partner_name"},
        "order": {"partner_name"},
        "transaction": {"partner_name", "name", "move_name", "account_id"},
        "account": {"company_ids"},
    }[kind]

    # Before 18 an account was one company's, so those items have other accounts.
    shared = {
        n for n, r in records_of(18, "session", "transaction").items() if r["account_id"] == 127
    }

    def common(version: int) -> dict[int, Json]:
        records = records_of(version, dict(SOME_DOORS)[version], kind)
        everywhere = records_of(18, dict(SOME_DOORS)[18], kind)
        return {
            number: {name: value for name, value in record.items() if name not in own}
            for number, record in records.items()
            if number in everywhere and not (kind == "transaction" and number in shared)
        }

    def names(version: int) -> set[frozenset[str]]:
        return {
            frozenset(record)
            for record in records_of(version, dict(SOME_DOORS)[version], kind).values()
        }

    for version in (16, 17, 19):
        if kind == "account" and version < 18:  # an account was one company's
            continue
        assert common(version) == common(18)
    assert len({*names(16), *names(17), *names(18), *names(19)}) == 1


@HOWEVER
def test_a_document_is_served_with_its_lines(version: int, way: str) -> None:
    move = dict(records_of(version, way, "move")[306])
    partner = move.pop("partner_name")
    assert partner == "Harbor Retail Group Inc, Jane Doe (AP dept)"
    assert move == {
        "id": 306,
        "name": "INV/24-25/0001",
        "move_type": "out_invoice",
        "state": "posted",
        "payment_state": "paid",
        "ref": "PO-1-0000",
        "payment_reference": "INV/24-25/0001",
        "invoice_origin": None,
        "narration": None,
        "amount_untaxed": Decimal("1751.9"),
        "amount_tax": Decimal("144.53"),
        "amount_total": Decimal("1896.43"),
        "amount_residual": Decimal(0),
        "partner_id": 31,
        "commercial_partner_id": 8,
        "currency_id": 1,
        "currency_name": "USD",
        "currency_symbol": "$",
        "currency_position": "before",
        "company_id": 1,
        "company_name": "Northwind Supply Co",
        "journal_id": 1,
        "journal_name": "Customer Invoices",
        "date": "2025-01-01",
        "invoice_date": "2025-01-01",
        "invoice_date_due": "2026-11-27",
        "write_date": "2026-11-27 23:05:59",
        "create_date": "2026-11-27 23:05:48",
        "invoice_lines": [
            {
                "id": 673,
                "name": "Supplements, case A",
                "display_type": "product",
                "quantity": Decimal(18),
                "price_unit": Decimal("102.45"),
                "discount": Decimal(5),
                "price_subtotal": Decimal("1751.9"),
                "price_total": Decimal("1896.43"),
                "product_id": None,
                "account_id": 27,
                "tax_ids": [5],
            }
        ],
    }


@HOWEVER
def test_a_payment_is_served_with_its_journal_and_method(version: int, way: str) -> None:
    payment = dict(records_of(version, way, "payment")[1])
    assert payment.pop("payment_method_name") == ("Manual Payment" if version >= 18 else "Manual")
    assert payment.pop("state") == ("paid" if version >= 18 else "posted")
    assert payment == {
        "id": 1,
        "name": "PBNK1/24-25/0001",
        "payment_type": "inbound",
        "partner_type": "customer",
        "payment_reference": None,
        "memo": "INV/24-25/0001",
        "payment_method_code": "manual",
        "amount": Decimal("1896.43"),
        "partner_id": 8,
        "partner_name": "Harbor Retail Group Inc",
        "currency_id": 1,
        "currency_name": "USD",
        "currency_symbol": "$",
        "currency_position": "before",
        "company_id": 1,
        "company_name": "Northwind Supply Co",
        "journal_id": 6,
        "journal_name": "Bank",
        "journal_code": "BNK1",
        "journal_type": "bank",
        "move_id": 563,
        "date": "2025-02-03",
        "write_date": "2026-11-27 23:05:59",
        "create_date": "2026-11-27 23:05:59",
    }


@HOWEVER
def test_an_order_is_served_with_its_lines(version: int, way: str) -> None:
    order = records_of(version, way, "order")[1]
    assert (order["name"], order["state"], order["date_order"], order["validity_date"]) == (
        "S00001",
        "sale",
        "2025-01-15 14:13:00",
        "2026-12-27",
    )
    assert order["amount_total"] == Decimal("7614.75")
    assert [(line["quantity"], line["tax_ids"]) for line in order["order_lines"]] == [
        (Decimal(40), [1]),
        (Decimal(32), [1]),
    ]
    assert str(order["order_lines"][0]["quantity"]) == "40"


@HOWEVER
def test_a_code_is_the_companys_that_gave_it(version: int, way: str) -> None:
    accounts = records_of(version, way, "account")
    (number,) = ledger().codes  # the account of both companies
    shared = accounts[number]
    if version >= 18:
        assert shared["company_ids"] == [1, 2]
        assert shared["codes"] == {"1": "188000", "2": "288000"}
        assert shared["code"] == "188000"
    for account in accounts.values():
        assert [*account["codes"]] == [str(company) for company in account["company_ids"]]
    closed = [account["codes"] for account in accounts.values() if not account["active"]]
    assert closed == [{"1": "616000"}, {"2": "616000"}]


@HOWEVER
def test_a_contact_is_served_whole_and_archived_ones_too(version: int, way: str) -> None:
    contacts = records_of(version, way, "contact")
    blue = contacts[9]
    assert blue == {
        "id": 9,
        "name": "Blue Fern Wellness, LLC",
        "display_name": "Blue Fern Wellness, LLC",
        "email": "Accounts@BlueFern.example",
        "phone": "(503) 555-0111",
        "mobile": None,
        "vat": None,
        "street": "88 NW Couch St",
        "street2": None,
        "zip": "97209",
        "city": "Portland",
        "country_id": 233,
        "country": "United States",
        "active": True,
        "is_company": True,
        "parent_id": None,
        "commercial_partner_id": 9,
        "company_id": None,
        "company_name": None,
        "write_date": "2026-11-27 23:05:36",
        "create_date": "2026-11-27 23:05:36",
    }
    assert sum(not contact["active"] for contact in contacts.values()) > 0
    assert all(contact["name"] for contact in contacts.values()), "also an address without one"


@SOMEHOW
@KINDWISE
def test_every_amount_is_a_decimal_and_nothing_is_false_but_a_flag(
    version: int, way: str, kind: Kind
) -> None:
    flags = {"active", "is_company", "reconcile", "non_trade", "reconciled"}

    def values(record: Json) -> Iterator[tuple[str, object]]:
        for name, value in record.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                for line in value:
                    yield from values(line)
            else:
                yield name, value

    for record in records_of(version, way, kind).values():
        for name, value in values(record):
            assert not isinstance(value, float), name
            assert isinstance(value, bool) == (name in flags), name
            assert value != "", name


def test_lines_are_in_the_order_of_the_document() -> None:
    simulator = ledger()
    move = next(
        m
        for m in simulator.records["account.move"].values()
        if m["move_type"] != "entry" and len(m["invoice_line_ids"]) > 2
    )
    shown = [i for i in move["invoice_line_ids"] if _is_shown(simulator, i)]
    for place, line in enumerate(reversed(shown)):
        simulator.records["account.move.line"][line]["sequence"] = place
    with a_source(simulator) as source:
        (record,) = source.read("move", [move["id"]]).records.values()
    assert [line["id"] for line in record["invoice_lines"]] == [*reversed(shown)]


def _is_shown(simulator: Simulator, line: int) -> bool:
    kind = simulator.records["account.move.line"][line]["display_type"]
    return kind in ("product", "line_section", "line_note")


@pytest.mark.parametrize("version", [16, 17])
def test_a_draft_has_no_number_yet(version: int) -> None:
    drafts = [m for m in records_of(version, "json-rpc", "move").values() if m["state"] == "draft"]
    assert {m["name"] for m in drafts} == {None}
