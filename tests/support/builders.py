"""Bills and items for tests: what matters is given, the rest is filled in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.bill.history import history_entry
from odoo_qb.bill.item import Item, content
from odoo_qb.bill.model import Bill, Document, Line, Vendor
from odoo_qb.company import Company
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
# What somebody's hand may make of an item: values it gets, or in "without" a part it lacks.
DAMAGES: Final[Mapping[str, dict[str, Any]]] = {
    "": {},  # a sound one
    "no cards": {"without": "cards"},
    "no history": {"without": "history"},
    "no digest": {"without": "digest"},
    "no status": {"without": "status"},
    "no version": {"without": "version"},
    "no vendor": {"without": "vendor"},
    "a naive instant": {"updated_at": "2026-11-01T00:00:00"},
    "an instant that is none": {"updated_at": "garbage"},
    "cards of another kind": {"cards": "none"},
    "cards that are none": {"cards": [None, 7]},
    "history of another kind": {"history": {"at": "x"}},
    "documents without keys": {"documents": [{"name": "x"}]},
    "a total that is none": {"amount_total": "a lot"},
    "a preflight that is none": {"preflight": ["x"]},
    "notices that are none": {"notices": [3]},
}
ACME = Vendor(odoo_id=7, name="Acme Botanicals LLC", email="ar@acme.example")


def a_line(amount: str = "100.00", **fields: Any) -> Line:
    given: dict[str, Any] = {"kind": "product", "text": "Boxes", "account_code": "443000"}
    given |= {"account_name": "Cash Discount Loss", "amount": Decimal(amount)}
    return Line(**cast("Any", given | fields))


def a_document(name: str = "bill.pdf", **fields: Any) -> Document:
    given = {
        "odoo_id": 501,
        "name": name,
        "type": "application/pdf",
        "size": 4,
        "checksum": "c0ffee",
        "sha256": "ab" * 32,
        "key": "pending/north/odoo-42.pdf",
        "version_id": "v1",
    }
    return Document(**cast("Any", given | fields))


def a_bill(**fields: Any) -> Bill:
    """A bill of 108.25 USD: one line of 100.00 and 8.25 of tax, with a PDF."""
    given: dict[str, Any] = {
        "company": "north",
        "odoo_id": 42,
        "odoo_name": "BILL/2026/11/0042",
        "move_type": "in_invoice",
        "vendor": ACME,
        "currency": "USD",
        "amount_untaxed": Decimal("100.00"),
        "amount_tax": Decimal("8.25"),
        "amount_total": Decimal("108.25"),
        "company_currency": "USD",
        "company_total": Decimal("108.25"),
        "bill_reference": "INV-1001",
        "bill_date": date(2026, 11, 2),
        "accounting_date": date(2026, 11, 2),
        "due_date": date(2026, 12, 2),
        "lines": (
            a_line("100.00", taxes=("8.25%",)),
            a_line("8.25", kind="tax", text="8.25%"),
        ),
        "documents": (a_document(),),
    }
    return Bill(**given | fields)


def a_total(total: str, **fields: Any) -> Bill:
    """A bill of one untaxed line."""
    amount = Decimal(total)
    return replace(
        a_bill(**fields),
        lines=(a_line(total),),
        amount_untaxed=amount,
        amount_tax=Decimal(0),
        amount_total=amount,
        company_total=amount,
    )


def an_item(bill: Bill | None = None, **fields: Any) -> Item:
    """The item of a bill that waits for approval."""
    bill = bill or a_bill()
    item: dict[str, Any] = {
        **content(bill),
        "entry_id": bill.entry_id,
        "status": "READY_FOR_APPROVAL",
        "revision": 1,
        "version": 1,
        "problems": [],
        "warnings": [],
        "nothing_to_post": "",
        "approvals": [],
        "cards": [],
        "attempts": [],
        "created_at": stamp(NOW),
        "updated_at": stamp(NOW),
        "history": [history_entry([], NOW, "extractor", "", "READY_FOR_APPROVAL", bill.digest())],
    }
    return cast("Item", item | fields)


def a_company(**fields: Any) -> Company:
    given: dict[str, Any] = {"key": "north", "odoo_company": "North Ltd", "realm_id": "1"}
    return Company(**given | fields)
