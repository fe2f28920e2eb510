"""The two companies of the fixture: what the operator configured, and their books in Odoo."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo_records import empty

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.odoo import Odoo

Json = dict[str, Any]

USD, EUR, GBP = 1, 125, 143  # Odoo's ids of the currencies
CURRENCIES: Final = {"USD": USD, "EUR": EUR, "GBP": GBP}
PAYABLE: Final = "211000"
THIRTY_DAYS: Final = 4  # Odoo's id of the payment terms
# Of the records that the simulator begins with, the currencies, terms and users are kept.
_EMPTIED: Final = (
    "account.account",
    "account.journal",
    "account.move",
    "account.move.line",
    "account.payment",
    "account.tax",
    "ir.attachment",
    "res.company",
    "res.partner",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A purchase tax of Odoo's; a group has children in place of a percentage of its own."""

    id: int
    name: str
    percent: str = "0"
    price_include: bool = False
    children: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """A company: Odoo's id and accounts, QuickBooks' realm, and what the operator configured."""

    key: str
    name: str
    odoo_id: int
    currency: str
    country: str
    country_id: int  # Odoo's
    realm_id: str
    accounts: dict[str, tuple[str, str]]  # code -> name and account_type
    taxes: tuple[Tax, ...]
    first_bill: int  # Odoo's id
    settings: Json = field(default_factory=dict)

    def account_id(self, code: str) -> int:
        """Odoo's id of an account."""
        return 100 * self.odoo_id + list(self.accounts).index(code)

    def tax(self, name: str) -> Tax:
        """The tax of this name."""
        return next(t for t in self.taxes if t.name == name)


_EXPENSES: Final = {
    PAYABLE: ("Account Payable", "liability_payable"),
    "443000": ("Cash Discount Loss", "expense"),
    "611000": ("Purchase of Equipments", "expense"),
    "612000": ("Rent", "expense"),
    "613500": ("Packaging", "expense"),  # not in QuickBooks under this number or name
    "642000": ("Cash Difference Loss", "expense"),
    "962000": ("Sales Expenses", "expense"),
}
CASCADE: Final = Firm(
    key="cascade",
    name="Cascade Supply Inc",
    odoo_id=1,
    currency="USD",
    country="US",
    country_id=233,
    realm_id="9130350000000101",
    accounts={**_EXPENSES, "131000": ("Tax Paid", "asset_current")},
    taxes=(
        Tax(id=5, name="State 6%", percent="6"),
        Tax(id=6, name="City 2%", percent="2"),
        Tax(id=7, name="Sales Tax 8.25%", percent="8.25"),
        Tax(id=8, name="VAT 21% incl.", percent="21", price_include=True),
        Tax(id=9, name="VAT 19% incl.", percent="19", price_include=True),
    ),
    first_bill=1001,
    settings={
        "default_account": "Uncategorized Expense",
        "two_approvals_above": 5000,
        "intercompany_vendors": ["Thames Trading Ltd"],
        "terms": {"30 Days": "Net 30"},
        "accounts": {"642000": "Cash Difference Loss"},
    },
)
THAMES: Final = Firm(
    key="thames",
    name="Thames Trading Ltd",
    odoo_id=2,
    currency="GBP",
    country="GB",
    country_id=231,
    realm_id="9130350000000202",
    accounts={
        **_EXPENSES,
        "131100": ("Input VAT", "asset_current"),
        "251100": ("Output VAT", "liability_current"),
        "252000": ("Withholding Tax", "liability_current"),
    },
    taxes=(
        Tax(id=15, name="20% S", percent="20"),
        Tax(id=16, name="0% Z", percent="0"),
        Tax(id=17, name="5% R", percent="5"),
        Tax(id=18, name="20% ND50", percent="20"),  # half of it can be reclaimed
        Tax(id=19, name="20% cost", percent="20"),  # nothing of it can be reclaimed
        Tax(id=20, name="20% RC", percent="20"),  # reverse charge
        Tax(id=21, name="VAT + Levy", children=(22, 23)),
        Tax(id=22, name="VAT 20%", percent="20"),
        Tax(id=23, name="Levy 5%", percent="5"),
        Tax(id=24, name="-15% WHT", percent="-15"),
        Tax(id=25, name="2% Levy", percent="2"),
        Tax(id=26, name="20% incl.", percent="20", price_include=True),
        Tax(id=27, name="20% RC old", percent="20"),  # mapped to a plain code by mistake
    ),
    first_bill=2001,
    settings={
        "approvers": ["S-APPROVERS"],
        "two_approvals_above": 5000,
        "intercompany_vendors": ["Cascade Supply Inc"],
        "accounts": {"6135*": "Uncategorized Expense"},
        "terms": {"30 Days": "Net 30"},
        "taxes": {
            "none": "Exempt",
            "20% S": "20.0% S",
            "5% R": "5.0% R",
            "20% ND50": "20.0% S",
            "20% cost": "20.0% S",
            "20% RC": "20.0% RC",
            "20% RC old": "20.0% S",
            "VAT + Levy": "25.0% VAT and levy",
            "20% S + -15% WHT": "20.0% S",
            "20% S + 2% Levy": "22.0% S and levy",
            "20% incl.": "20.0% S",
        },
    },
)
FIRMS: Final = {firm.key: firm for firm in (CASCADE, THAMES)}

# Vendors in Odoo: id, name, e-mail, tax number, country.
ACME, FREIGHT, MUELLER, THAMES_VENDOR, CASCADE_VENDOR, HARTLEY, SEVERN = range(31, 38)
_VENDORS: Final = {
    ACME: ("Acme Botanicals LLC", "billing@acmebotanicals.example", "74-1234567", 233),
    FREIGHT: ("FastFreight Inc.", "invoices@fastfreight.example", "", 233),
    MUELLER: ("Müller Rohstoffe GmbH", "rechnung@mueller.example", "DE123456788", 57),
    THAMES_VENDOR: ("Thames Trading Ltd", "", "", 231),
    CASCADE_VENDOR: ("Cascade Supply Inc", "", "", 233),
    HARTLEY: ("Hartley & Sons Ltd", "accounts@hartley.example", "GB123456789", 231),
    SEVERN: ("Severn Packaging", "sales@severn.example", "", 231),
}
VENDOR_NAMES: Final = {number: row[0] for number, row in _VENDORS.items()}


def company_settings() -> dict[str, Json]:
    """What Terraform puts into the table for the two companies."""
    return {
        firm.key: {"odoo_company": firm.name, "realm_id": firm.realm_id, **firm.settings}
        for firm in FIRMS.values()
    }


def blank(odoo: Odoo, model: str, **values: Any) -> Json:
    """A record of a model: what is given, and everything else empty."""
    return {name: empty(field) for name, field in odoo.fields[model].items()} | values


def open_odoo(odoo: Odoo, now: datetime) -> None:
    """Put the two companies, their accounts, taxes and vendors in place of what was there."""
    for model in _EMPTIED:
        odoo.records[model].clear()
    odoo.fields["account.tax"]["children_tax_ids"] = {
        "type": "many2many",
        "relation": "account.tax",
    }
    odoo.fields["account.move.line"]["deductible_amount"] = {"type": "float"}
    for firm in FIRMS.values():
        _open_company(odoo, firm)
    for number, (name, email, vat, country) in _VENDORS.items():
        odoo.records["res.partner"][number] = blank(
            odoo,
            "res.partner",
            id=number,
            name=name,
            display_name=name,
            email=email or False,
            vat=vat or False,
            country_id=country,
            commercial_partner_id=number,
            is_company=True,
            active=True,
        )
    for user in odoo.records["res.users"].values():
        user |= {"company_id": 1, "company_ids": [1, 2]}
    for number, caller in odoo.users.items():
        odoo.users[number] = replace(caller, companies=(1, 2))
    for rows in odoo.records.values():
        for row in rows.values():
            row |= {"create_date": now, "write_date": now}


def _open_company(odoo: Odoo, firm: Firm) -> None:
    add = odoo.records
    add["res.company"][firm.odoo_id] = blank(
        odoo,
        "res.company",
        id=firm.odoo_id,
        name=firm.name,
        currency_id=CURRENCIES[firm.currency],
        country_id=firm.country_id,
    )
    add["account.journal"][firm.odoo_id] = blank(
        odoo,
        "account.journal",
        id=firm.odoo_id,
        name="Vendor Bills",
        code="BILL",
        type="purchase",
        company_id=firm.odoo_id,
    )
    for code, (name, kind) in firm.accounts.items():
        number = firm.account_id(code)
        add["account.account"][number] = blank(
            odoo,
            "account.account",
            id=number,
            name=name,
            code=code,
            account_type=kind,
            company_ids=[firm.odoo_id],
        )
    for tax in firm.taxes:
        add["account.tax"][tax.id] = blank(
            odoo,
            "account.tax",
            id=tax.id,
            name=tax.name,
            amount=float(tax.percent),
            amount_type="group" if tax.children else "percent",
            children_tax_ids=list(tax.children),
            price_include=tax.price_include,
            type_tax_use="purchase",
            company_id=firm.odoo_id,
            active=True,
        )
