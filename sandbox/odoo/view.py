"""The records of the sandbox's Odoo as one user sees them in one context."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from sandbox.odoo.dataset import DERIVED, empty
from sandbox.odoo.errors import (
    V16,
    V17,
    V18,
    V19,
    Unserialisable,
    access_error,
    for_version,
    user_error,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox.odoo.query import Field, Record
    from sandbox.odoo.records import Records

type Json = dict[str, Any]

_DRAFTS: Final = {
    "in_invoice": "Draft Bill",
    "in_refund": "Draft Vendor Credit Note",
    "in_receipt": "Draft Purchase Receipt",
    "out_invoice": "Draft Invoice",
    "out_refund": "Draft Credit Note",
}

# A journal row's fields that are another record's: by which relation, of which model, its name.
_OF_ANOTHER: Final = {
    "account_type": ("account_id", "account.account", "account_type"),
    "company_currency_id": ("company_id", "res.company", "currency_id"),
    "invoice_date": ("move_id", "account.move", "invoice_date"),
    "journal_id": ("move_id", "account.move", "journal_id"),
    "move_type": ("move_id", "account.move", "move_type"),
    "ref": ("move_id", "account.move", "ref"),
}
# What Odoo gives a new record, and the recorded ones had.
_DEFAULTS: Final = {
    "active": True,  # of an account; 19 closes one by this
    "deductible_amount": 100.0,  # percent
    "tax_calculation_rounding_method": "round_per_line",  # 19 rounds new companies globally
}
# What 18 called what other versions call something else: records are kept as 18's.
_KEPT_AS: Final = {
    ("account.move", "payment_id"): "origin_payment_id",  # 16, 17
    ("account.payment", "ref"): "memo",  # 16, 17
    ("sale.order.line", "tax_ids"): "tax_id",  # 19
}
_ACCOUNT_VALUES: Final = frozenset(
    {"active", "code", "company_id", "company_ids", "placeholder_code"}
)
_COMPUTED: Final = frozenset({"account_code", "display_name", "move_name", "name", *_OF_ANOTHER})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account that calls: which companies, and whether it may read and write accounting."""

    uid: int
    name: str
    login: str
    api_key: str
    password: str
    companies: tuple[int, ...] = (1, 2, 3, 4)
    reads_accounting: bool = True
    writes_accounting: bool = False
    refused: frozenset[str] = frozenset()  # models that no group of theirs opens
    hidden: frozenset[tuple[str, int]] = frozenset()  # records that a rule keeps from them


@cache
def _is_only_kept(model: str, name: str, version: int) -> bool:
    """Whether no `case` of View.value is about the field: it is what the record has."""
    if name == "display_name" or (model, name) in _KEPT_AS:
        return False
    computed: dict[str, Collection[str]] = {
        "account.account": _ACCOUNT_VALUES,
        "account.move": {"name", "company_currency_id"},
        "account.move.line": _COMPUTED,
        "account.payment.method.line": {"name"},
        "ir.attachment": {"raw"},
    }
    return name not in computed.get(model, ()) and not (
        model == "account.payment" and version < V18
    )


class View:
    """What a user may see, and how it is shown: by company and by version."""

    def __init__(self, books: Records, user: User, context: Json) -> None:
        self.books = books
        self.version = books.version
        self.user = user
        self.context = context
        asked = context.get("allowed_company_ids") or user.companies
        if not set(asked) <= set(user.companies):
            raise access_error("Access to unauthorized or invalid companies.")
        if self.version >= V18 and context.get("lang", "en_US") != "en_US":
            raise user_error(f"Invalid language code: {context['lang']}")
        self.companies = tuple(asked)

    def field(self, model: str, name: str) -> Field | None:
        """The field's description, or None if this version has no such field."""
        return self.books.fields.get(model, {}).get(name)

    def rows(self, model: str) -> dict[int, Record]:
        """All records of a model, whoever may see them."""
        return self.books.records.get(model, {})

    def value(self, model: str, record: Record, name: str) -> Any:  # noqa: ANN401, C901, PLR0911 - any field's value, a line each
        """A field's value, computed where it depends on version or company."""
        if name in record and _is_only_kept(model, name, self.version):
            return record[name]  # of a hundred thousand rows
        kept = _KEPT_AS.get((model, name), name)
        name = kept if kept in record else name
        match model, name:
            case _, "display_name":
                return self.name_of(model, record["id"])
            case "account.account", _ if name in _ACCOUNT_VALUES:
                return self._account_value(record, name)
            case "account.move" | "account.payment", "name" if self.version < V18:
                return record["name"] or "/"
            case "account.move", "company_currency_id":
                return self.rows("res.company")[record["company_id"]]["currency_id"]
            case "account.move.line", _ if name in _COMPUTED:
                return self._line_value(record, name)
            case "account.payment", _ if self.version < V18:
                return self._old_payment_value(record, name)
            case "account.payment.method.line", "name" if self.version < V18:
                return str(record["name"]).removesuffix(" Payment")
            case "ir.attachment", "raw":
                return self._raw(record)
        if name in record:
            return record[name]
        return self._not_recorded(model, record, name)

    def _account_value(self, account: Record, name: str) -> Any:  # noqa: ANN401 - any field's value
        """What of an account depends on who asks, and that 19 closes one by `active`."""
        match name:
            case "code":
                return self._code(account)
            case "placeholder_code":  # what its own company calls it
                named = (
                    f"{account['code']} ({self.name_of('res.company', account['company_ids'][0])})"
                )
                return False if self._code(account) else named
            case "company_id":
                return account["company_ids"][0]
            case "company_ids":
                return [i for i in account["company_ids"] if i in self.companies]
        return account.get("active", not account.get("deprecated", False))

    def _line_value(self, line: Record, name: str) -> Any:  # noqa: ANN401 - any field's value
        if name in _OF_ANOTHER:
            relation, model, named = _OF_ANOTHER[name]
            owner = self.rows(model).get(line[relation])
            return self.value(model, owner, named) if owner else False
        if name == "account_code":
            account = self.rows("account.account").get(line["account_id"])
            return self._code(account) if account else False
        move = self.rows("account.move")[line["move_id"]]
        if name == "move_name":
            return cast("str", move["name"])
        if line["display_type"] != "payment_term":
            return cast("str", line["name"])
        # From 17 on an instalment's name counts it; 19 names a whole payable after the bill.
        is_counted = "installment #" in str(line["name"])
        newest = line["name"] if is_counted else move["ref"]
        texts = {V16: line["name"] or "", V17: line["name"], V19: newest}
        return for_version(texts, self.version)

    def _not_recorded(self, model: str, record: Record, name: str) -> Any:  # noqa: ANN401 - any field's value
        if name not in DERIVED.get(model, ()):
            return empty(self.books.fields[model][name])
        if name in _DEFAULTS:
            return _DEFAULTS[name]
        if model == "account.account":
            kind = str(record["account_type"])
            if name == "reconcile":
                return kind in ("asset_receivable", "liability_payable")
            group = kind.partition("_")[0]
            return "off_balance" if group == "off" and self.version < V18 else group
        return self._unpaid(record, name)

    def _unpaid(self, line: Record, name: str) -> float | bool:
        """What is open of a row: only a payable has anything, the earliest one is paid first."""
        move = self.rows("account.move")[line["move_id"]]
        is_posted = move["state"] == "posted"
        is_payable = line["display_type"] == "payment_term"
        left = self._left_open(move, line) if is_payable and is_posted else Decimal(int(is_payable))
        if name == "reconciled":
            return is_payable and is_posted and not left
        amount = line["amount_currency" if name == "amount_residual_currency" else "balance"]
        return float(round(Decimal(str(amount)) * left, 2))

    def _left_open(self, move: Record, line: Record) -> Decimal:
        """The share of a payable row that no payment has covered yet."""
        if "amount_residual_currency" in line:
            own = (line["amount_residual_currency"], line["amount_currency"])
            left, whole = (Decimal(str(amount)) for amount in own)
            return left / whole if whole else whole
        rows = [self.rows("account.move.line")[i] for i in move["line_ids"]]
        payables = [row for row in rows if row["display_type"] == "payment_term"]
        paid = Decimal(str(move["amount_total"])) - Decimal(str(move["amount_residual"]))
        for row in sorted(payables, key=lambda row: (str(row["date_maturity"]), row["id"])):
            amount = abs(Decimal(str(row["amount_currency"])))
            covered = min(amount, paid)
            if row is line:
                return (amount - covered) / amount if amount else Decimal(0)
            paid -= covered
        return Decimal(0)

    def _old_payment_value(self, payment: Record, name: str) -> Any:  # noqa: ANN401 - any field's value
        """A payment was itself a move before 18, with the states and the fields of one."""
        if name == "state":
            states = {"in_process": "posted", "paid": "posted", "canceled": "cancel"}
            return states.get(payment["state"], payment["state"])
        if name in payment:
            return payment[name]
        move = self.rows("account.move").get(payment["move_id"])
        if move and self.field("account.move", name):
            return self.value("account.move", move, name)
        return self._not_recorded("account.payment", payment, name)

    def _raw(self, file: Record) -> str:
        if self.version >= V18:
            raise Unserialisable
        return base64.b64decode(file["datas"] or "").decode("latin-1")

    def name_of(self, model: str, number: int) -> str:
        """The display name, which for an account depends on the company that asks."""
        row = self.rows(model).get(number)
        if row is None:
            return self.books.names.get((model, number), f"{model},{number}")
        if model == "account.move":
            return self._move_name(row)
        if model == "account.account" and (code := self._code(row)):
            return f"{code} {row['name']}"
        if model == "res.partner" and row["parent_id"]:
            own = row["name"] or self._address_type(row)
            return f"{self.name_of(model, row['parent_id'])}, {own}"
        if model == "account.payment.method.line" and self.version >= V18 and row["journal_id"]:
            return f"{row['name']} ({self.name_of('account.journal', row['journal_id'])})"
        return str(self.value(model, row, "name"))

    def _address_type(self, contact: Record) -> str:
        """How an address without a name is called; 19 leaves the word away."""
        kinds = dict((self.field("res.partner", "type") or {})["selection"])
        name = str(kinds[contact["type"]])
        return name.removesuffix(" Address") if self.version >= V19 else name

    def _move_name(self, move: Record) -> str:
        parts = [_DRAFTS.get(move["move_type"], "Draft Entry")] if move["state"] == "draft" else []
        # 16 and 17 number what has no number by its id.
        unnumbered = f"(* {move['id']})" if self.version < V18 else ""
        parts += [move["name"] or unnumbered, f"({move['ref']})" if move["ref"] else ""]
        return " ".join(part for part in parts if part)

    def _code(self, account: Record) -> str | Literal[False]:
        """From 18 on a code belongs to a company: only the first one of the context counts."""
        company = self.companies[0]
        if self.version >= V18 and company not in account["company_ids"]:
            return False
        code = account["code"]
        if self.version >= V18:
            code = self.books.codes.get(account["id"], {}).get(company, code)
        return cast("str", code)

    def sees(self, model: str, row: Record) -> bool:
        """Whether the record belongs to a company of this context and to a right of the user."""
        if self.user.hidden and (model, row["id"]) in self.user.hidden:
            return False
        if model == "ir.attachment" and row["res_model"] == "account.move":
            if not self.user.reads_accounting:
                return False
            return self.sees("account.move", self.rows("account.move")[row["res_id"]])
        if model == "account.account":
            return not set(row["company_ids"]).isdisjoint(self.companies)
        company = row["id"] if model == "res.company" else row.get("company_id")
        return model == "res.users" or not company or company in self.companies
