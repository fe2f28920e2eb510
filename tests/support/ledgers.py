"""From Odoo's journal to QuickBooks' books, as the functions do it, without a network between.

Bills are written down (see journal.py) or recorded, read by the real reader, planned and posted by
the real code, and booked by QuickBooks' simulator.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.exact_json import to_json
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.reader import BillReader
from odoo_qb.posting.payload import posting
from odoo_qb.quickbooks.sync import sync
from sandbox.http_server import serve
from sandbox.odoo.server import Odoo
from sandbox.quickbooks.modes import Modes
from sandbox.quickbooks.opening import add_tax_code, add_tax_rate
from sandbox.quickbooks.validation import Books, check_shape, document
from tests.support.builders import a_company
from tests.support.entering import COMPANIES, company_of, enter
from tests.support.posting_fixture import a_desk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.mapping.plan import PostingPlan
    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.snapshot import Snapshot
    from sandbox.quickbooks.store import Json, Realm
    from tests.support.journal import Journal

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
# What operators set for the companies of `entering`; its taxes are named as those of the shapes.
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "US": {},
    "GB": {
        "taxes": {
            "none": "No VAT",
            "20% S": "20.0% S",
            "20% incl": "20.0% S",
            "21% incl": "21.0% S",
            "21% ND50": "10.5% ND50",
            "5% R": "5.0% R",
            "0% Z": "0% Z",
            "20% RC": "20.0% RC",
            "20% RC ND50": "20.0% RC ND50",
        },
        "accounts": {"252000": "Withheld Tax"},
    },
    "CA": {
        "taxes": {
            "none": "Out of Scope",
            "5% GST": "GST",
            "13% HST": "HST ON",
            "GST+PST": "GST",
            "GST+QST": "GST/QST QC",
        },
    },
}
# Codes that a bookkeeper added to those QuickBooks opened the books with: their purchase rates.
_CODES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "US": {},
    "GB": {"21.0% S": ("21",), "10.5% ND50": ("10.5",), "20.0% RC ND50": ("10", "-20")},
    "CA": {"HST 12": ("12",), "HST 15": ("15",), "HST 20": ("20",)},
}
_ACCOUNTS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "US": {
        "Prepayments": ("141000", "Other Current Asset"),
        "Foreign VAT": ("131000", "Other Current Asset"),
        "Foreign VAT Owed": ("251000", "Other Current Liability"),
        "Backup Withholding": ("252000", "Other Current Liability"),
    },
    "GB": {
        "Prepayments": ("141000", "Other Current Asset"),
        "Withheld Tax": ("", "Other Current Liability"),
        "Tax Differences": ("", "Other Current Liability"),
    },
    "CA": {
        "Prepayments": ("141000", "Other Current Asset"),
        "Tax Differences": ("", "Other Current Liability"),
    },
}


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was sent for a bill, and the document that QuickBooks keeps of it."""

    made: Posting
    kept: Json
    realm: Realm = field(repr=False)

    @property
    def total(self) -> Decimal:
        return Decimal(self.kept["TotalAmt"])

    @property
    def tax(self) -> Decimal:
        """The tax QuickBooks booked where it keeps tax itself."""
        return Decimal(self.kept.get("TxnTaxDetail", {}).get("TotalTax", 0))

    @property
    def accounts(self) -> dict[str, Decimal]:
        """What the lines come to on each account, and the tax; nothing where that is zero."""
        found: Counter[str] = Counter()
        for _, account, _, amount in self.lines:
            found[account] += amount  # type: ignore[assignment]  # a Counter adds up anything
        booked = {name: Decimal(amount) for name, amount in found.items() if amount}
        return booked | ({"tax": self.tax} if self.tax else {})

    @property
    def lines(self) -> list[tuple[str, str, str, Decimal]]:
        """Each line's text, account, tax code and amount."""
        return [self._line(line) for line in self.kept["Line"]]

    @property
    def rates(self) -> list[tuple[str, Decimal, bool]]:
        """What QuickBooks booked by rate, and whether that was given to it."""
        taxes = self.kept.get("TxnTaxDetail", {}).get("TaxLine", [])
        return [
            (
                self.realm.tax_rates[tax["TaxLineDetail"]["TaxRateRef"]["value"]]["Name"],
                Decimal(tax["Amount"]),
                "OverrideDeltaAmount" in tax["TaxLineDetail"],
            )
            for tax in taxes
        ]

    def _line(self, line: Json) -> tuple[str, str, str, Decimal]:
        detail = line["AccountBasedExpenseLineDetail"]
        code = detail.get("TaxCodeRef", {}).get("value", "")
        name = self.realm.tax_codes[code]["Name"] if code else ""
        text = str(line.get("Description", ""))
        return text, str(detail["AccountRef"]["name"]), name, Decimal(line["Amount"])


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """A company in QuickBooks, what its snapshot says, and its settings."""

    country: str
    realm: Realm = field(repr=False)
    snapshot: Snapshot = field(repr=False)
    company: Company

    def set(self, **settings: Any) -> Ledger:
        """With other settings; mappings are added to."""
        merged: dict[str, Any] = {
            name: {**getattr(self.company, name), **value} if isinstance(value, dict) else value
            for name, value in settings.items()
        }
        return replace(self, company=replace(self.company, **merged))

    def plan_posting(self, bill: Bill) -> PostingPlan:
        return plan_posting(bill, self.company, self.snapshot)

    def problems(self, bill: Bill) -> tuple[str, ...]:
        return self.plan_posting(bill).problems

    def post(self, bill: Bill, modes: Modes | None = None) -> Posted:
        """The payload as sent, and the document QuickBooks would keep; refused is an error."""
        plan = self.plan_posting(bill)
        assert not plan.problems
        made = posting(bill, plan, self._vendor(plan.vendor_name, bill.currency))
        sent = json.loads(to_json(made.payload), parse_float=Decimal)
        check_shape(f"{made.entity}Create", sent)
        books = Books(realm=self.realm, modes=modes or Modes(), now=NOW)
        return Posted(made=made, kept=document(made.entity, sent, books), realm=self.realm)

    def _vendor(self, name: str, currency: str) -> str:
        try:
            return self.realm.id_of("Vendor", name)
        except KeyError:
            vendor = {"DisplayName": name, "CurrencyRef": {"value": currency}, "Active": True}
            check_shape("VendorCreate", {"DisplayName": name, "CurrencyRef": {"value": currency}})
            return str(self.realm.add("Vendor", vendor, NOW)["Id"])


def open_ledger(country: str, **realm: Any) -> Ledger:
    """New books of a company of that country; `realm` says what is special about them."""
    with a_desk(country=country, **realm) as desk:
        for code, percents in _CODES[country].items():
            rates = [add_tax_rate(desk.realm, f"{code} {p}", Decimal(p), NOW) for p in percents]
            add_tax_code(desk.realm, code, rates, NOW)
        for name, (number, kind) in _ACCOUNTS[country].items():
            desk.realm.add_account(name, NOW, kind, number=number)
        return Ledger(
            country=country,
            realm=desk.realm,
            snapshot=sync(desk.api(), desk.documents, "north", desk.now),
            company=a_company(**SETTINGS[country]),
        )


@cache
def ledger(country: str) -> Ledger:
    """The books of a company of that country: they are only looked at."""
    return open_ledger(country)


def read(journals: Mapping[str, Journal | str], country: str, version: int = 19) -> dict[str, Bill]:
    """Written bills, entered into Odoo in a company of that country, as our reader reads them."""
    odoo = Odoo(version=version)
    company = company_of(odoo, country)
    ids = {name: enter(odoo, journal, company=company) for name, journal in journals.items()}
    found = read_from(odoo, list(ids.values()), {COMPANIES[country][0]: country})
    return {name: found[number] for name, number in ids.items()}


def read_one(journal: Journal | str, country: str, version: int = 19) -> Bill:
    """One written bill, read."""
    return read({"": journal}, country, version)[""]


def read_from(odoo: Odoo, ids: Sequence[int], companies: Mapping[str, str]) -> dict[int, Bill]:
    """Documents of the simulator by id, as our reader reads them."""
    with client_of(odoo) as client:
        entries = BillReader(client, companies).page(ids)
    return {entry.odoo_id: entry.bill for entry in entries if entry.bill}


@contextmanager
def client_of(odoo: Odoo) -> Iterator[OdooClient]:
    """Our client of a simulator, while it is served."""
    with serve(odoo) as server:
        client = OdooClient(
            url=server.url,
            database="odoo",
            username="ap-bot@example.com",
            api_key="sandbox-odoo-key",
        )
        yield client
        client._session.close()
