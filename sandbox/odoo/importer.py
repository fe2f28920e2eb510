"""More records for the sandbox's Odoo: companies, their charts and taxes, and whole journals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.records import CLERKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sandbox.odoo.query import Record
    from sandbox.odoo.server import Odoo

# What the web client shows as a document's lines; Odoo adds the other rows.
_VISIBLE: Final = ("product", "line_section", "line_subsection", "line_note")
_CURRENCY_DIGITS: Final = {"JPY": 0}  # where it is not 2
# The first digits of a code in Odoo's generic chart, the longest that fits first.
_ACCOUNT_TYPES: Final = {
    "121": "asset_receivable",
    "141": "asset_prepayments",
    "211": "liability_payable",
    "1": "asset_current",
    "2": "liability_current",
    "3": "equity",
    "4": "income",
}


class Importer:
    """Adds records to an Odoo, all written at one moment; what is there already is used again."""

    def __init__(self, odoo: Odoo, *, at: datetime | None = None) -> None:
        self.odoo = odoo
        self.at = at or odoo.clock()

    def currency(self, name: str) -> int:
        """A currency by its ISO code."""
        for row in self.odoo.records["res.currency"].values():
            if row["name"] == name:
                return int(row["id"])
        digits = _CURRENCY_DIGITS.get(name, 2)
        values = {"name": name, "symbol": name, "decimal_places": digits, "active": True}
        return self._add("res.currency", values | {"rounding": 10.0**-digits})

    def company(self, name: str, currency: str, **fields: object) -> int:
        """A company of that name with a journal for bills, open to everybody who may call."""
        number = self.currency(currency)
        for row in self.odoo.records["res.company"].values():
            if row["name"] == name:
                if row["currency_id"] != number:
                    raise ValueError(f"{name} keeps its books in another currency than {currency}")
                row.update(fields)
                return int(row["id"])
        partner = self.vendor(name)
        values = {"name": name, "currency_id": number, "partner_id": partner}
        company = self._add("res.company", values | fields)
        journal = {"name": "Vendor Bills", "code": "BILL", "type": "purchase"}
        self._add("account.journal", journal | {"company_id": company})
        for user in list(self.odoo.users.values()):
            self.odoo.admit(replace(user, companies=(*user.companies, company)))
        return company

    def account(self, company: int, code: str, name: str = "", account_type: str = "") -> int:
        """The company's account with this code, under the name that is given, if one is."""
        for row in self.odoo.records["account.account"].values():
            if row["code"] == code and company in row["company_ids"]:
                row["name"] = name or row["name"]
                row["account_type"] = account_type or row["account_type"]
                return int(row["id"])
        values = {"name": name or f"Account {code}", "code": code, "company_ids": [company]}
        kind = account_type or _account_type(code)
        return self._add("account.account", values | {"account_type": kind})

    def tax(self, company: int, name: str, amount: float, **fields: Any) -> int:  # noqa: ANN401 - any field's
        """A purchase tax, a percentage unless `amount_type` says otherwise."""
        values = {"name": name, "amount": amount, "amount_type": "percent", "active": True}
        values |= {"type_tax_use": "purchase", "company_id": company}
        return self._add("account.tax", values | fields)

    def vendor(self, name: str, **fields: object) -> int:
        """The company of this name among the contacts."""
        for row in self.odoo.records["res.partner"].values():
            if row["name"] == name and not row["parent_id"]:
                row.update(fields)
                return int(row["id"])
        values = {"name": name, "display_name": name, "is_company": True, "active": True}
        number = self._add("res.partner", values | {"supplier_rank": 1} | fields)
        self.odoo.records["res.partner"][number]["commercial_partner_id"] = number
        return number

    def terms(self, name: str) -> int:
        """Payment terms of this name, for all companies."""
        for row in self.odoo.records["account.payment.term"].values():
            if row["name"] == name:
                return int(row["id"])
        return self._add("account.payment.term", {"name": name, "active": True})

    def document(self, header: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
        """A document with these journal rows, posted unless the header has another `state`.

        Both are in Odoo's fields, with ids for relations. A row needs its display_type,
        amount_currency and balance; what all rows of a document share comes from the header.
        """
        with self.odoo.lock:
            move = self._header(header)
            lines = [self._line(move, row) for row in rows]
            move["line_ids"] = [line["id"] for line in lines]
            visible = [line["id"] for line in lines if line["display_type"] in _VISIBLE]
            move["invoice_line_ids"] = visible
            return int(move["id"])

    def _header(self, header: Mapping[str, Any]) -> Record:
        company = header["company_id"]
        journals = self.odoo.records["account.journal"].values()
        journal = next(
            row["id"]
            for row in journals
            if row["type"] == "purchase" and row["company_id"] == company
        )
        total = header["amount_total"]
        values = {
            "move_type": "in_invoice",
            "state": "posted",
            "payment_state": "not_paid",
            "journal_id": journal,
            "partner_id": header["commercial_partner_id"],
            "payment_reference": header["ref"],
            "date": header["invoice_date"],
            "invoice_date_due": header["invoice_date"],
            "create_uid": min(CLERKS),
        } | dict(header)
        values.setdefault("amount_residual", 0.0 if values["payment_state"] == "paid" else total)
        move = self.odoo.add("account.move", self.odoo.blank("account.move") | values, self.at)
        if move["state"] == "posted" and not move["name"]:
            move["name"] = self.odoo.next_name(move)
        return move

    def _line(self, move: Record, row: Mapping[str, Any]) -> Record:
        balance = row["balance"]
        shared = {
            "move_id": move["id"],
            "parent_state": move["state"],
            "debit": max(balance, 0.0),
            "credit": max(-balance, 0.0),
        }
        for name in ("company_id", "currency_id", "partner_id", "date"):
            shared[name] = move[name]
        blank = self.odoo.blank("account.move.line")
        return self.odoo.add("account.move.line", blank | shared | dict(row), self.at)

    def _add(self, model: str, values: Mapping[str, object]) -> int:
        with self.odoo.lock:
            record = self.odoo.add(model, self.odoo.blank(model) | dict(values), self.at)
            return int(record["id"])


def load_bills(odoo: Odoo, document: Mapping[str, Any], *, at: datetime | None = None) -> list[int]:
    """Add recorded companies, taxes and documents, in their order; the ids they have here.

    The document is what Odoo's API said: `companies`, `taxes` and `moves`, each move with its
    `lines`; a many2one is [id, name]. Companies, vendors and accounts that are here already are
    used again, so ids are others than in the document. Numbers and references stay.
    """
    importer = Importer(odoo, at=at)
    companies = {
        row["id"]: importer.company(
            row["name"],
            row["currency_id"][1],
            tax_calculation_rounding_method=row["tax_calculation_rounding_method"],
        )
        for row in document["companies"]
    }
    taxes = {
        row["id"]: importer.tax(
            companies[row["company_id"][0]],
            row["name"],
            row["amount"],
            amount_type=row["amount_type"],
            price_include=row["price_include"],
        )
        for row in document["taxes"]
    }
    loaded = []
    for move in document["moves"]:
        company = companies[move["company_id"][0]]
        terms = move["invoice_payment_term_id"]
        header = {name: value for name, value in move.items() if name not in ("id", "lines")}
        header |= {
            "company_id": company,
            "currency_id": importer.currency(move["currency_id"][1]),
            "commercial_partner_id": importer.vendor(move["commercial_partner_id"][1]),
            "invoice_payment_term_id": terms and importer.terms(terms[1]),
            "invoice_currency_rate": _rate(move["lines"]),
        }
        rows = [_row(importer, company, taxes, move, line) for line in move["lines"]]
        loaded.append(importer.document(header, rows))
    return loaded


def _row(
    importer: Importer,
    company: int,
    taxes: Mapping[int, int],
    move: Mapping[str, Any],
    line: Mapping[str, Any],
) -> Record:
    """A recorded row in the ids of here."""
    skipped = ("id", "move_id", "account_code")
    row = {name: value for name, value in line.items() if name not in skipped}
    row["tax_ids"] = [taxes[number] for number in line["tax_ids"]]
    if line["tax_line_id"]:
        row["tax_line_id"] = taxes[line["tax_line_id"][0]]
    if line["account_id"]:
        code, _, name = line["account_id"][1].partition(" ")
        row["account_id"] = importer.account(company, code, name)
    if line["display_type"] == "payment_term":  # not among the recorded fields
        row.setdefault("date_maturity", move["invoice_date_due"])
    return row


def _rate(lines: Iterable[Mapping[str, Any]]) -> float:
    """What a unit of the company's currency is in the document's, from its largest row."""
    largest = max(lines, key=lambda line: abs(line["balance"]))
    if not largest["balance"]:
        return 1.0
    return float(round(largest["amount_currency"] / largest["balance"], 6))


def _account_type(code: str) -> str:
    fitting = (prefix for prefix in _ACCOUNT_TYPES if code.startswith(prefix))
    return _ACCOUNT_TYPES.get(next(fitting, ""), "expense")
