"""The records of the sandbox's Odoo as one user sees them in one context."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from sandbox.odoo_errors import (
    V16,
    V17,
    V18,
    V19,
    Unserialisable,
    access_error,
    for_version,
    user_error,
)
from sandbox.odoo_records import empty

if TYPE_CHECKING:
    from sandbox.odoo_books import Books
    from sandbox.odoo_query import Field, Record

type Json = dict[str, Any]

_DRAFTS: Final = {
    "in_invoice": "Draft Bill",
    "in_refund": "Draft Vendor Credit Note",
    "in_receipt": "Draft Purchase Receipt",
    "out_invoice": "Draft Invoice",
    "out_refund": "Draft Credit Note",
}


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


class View:
    """What a user may see, and how it is shown: by company and by version."""

    def __init__(self, books: Books, user: User, context: Json) -> None:
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

    def value(self, model: str, record: Record, name: str) -> Any:  # noqa: ANN401, PLR0911 - any field's value, a line each
        """A field's value, computed where it depends on version or company."""
        match model, name:
            case _, "display_name":
                return self.name_of(model, record["id"])
            case "account.account", "code":
                return record["code"] if self._has_code(record) else False
            case "account.account", "company_id":
                return record["company_ids"][0]
            case "account.move", "name" if self.version < V18:
                return record["name"] or "/"
            case "account.move", "company_currency_id":
                return self.rows("res.company")[record["company_id"]]["currency_id"]
            case "account.move.line", "account_code" | "move_name" | "name":
                return self._line_value(record, name)
            case "account.payment", "ref" | "state" if self.version < V18:
                return self._old_payment_value(record, name)
            case "ir.attachment", "raw":
                return self._raw(record)
        if name in record:
            return record[name]
        return empty(self.books.fields[model][name])

    def _line_value(self, line: Record, name: str) -> str | Literal[False]:
        if name == "account_code":
            account = self.rows("account.account").get(line["account_id"])
            return cast("str", account["code"]) if account and self._has_code(account) else False
        move = self.rows("account.move")[line["move_id"]]
        if name == "move_name":
            return cast("str", move["name"])
        if line["display_type"] != "payment_term":
            return cast("str", line["name"])
        texts = {V16: line["name"] or "", V17: line["name"], V19: move["ref"]}
        return for_version(texts, self.version)

    def _old_payment_value(self, payment: Record, name: str) -> str | Literal[False]:
        """A payment was itself a move before 18, with the states of one and a `ref`."""
        if name == "ref":
            return cast("str", payment["memo"])
        states = {"in_process": "posted", "paid": "posted", "canceled": "cancel"}
        return cast("str", states.get(payment["state"], payment["state"]))

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
        if model == "account.account" and self._has_code(row):
            return f"{row['code']} {row['name']}"
        if model == "res.partner" and row["parent_id"]:
            return f"{self.name_of(model, row['parent_id'])}, {row['name']}"
        return str(row["name"])

    def _move_name(self, move: Record) -> str:
        parts = [_DRAFTS.get(move["move_type"], "Draft Entry")] if move["state"] == "draft" else []
        parts += [text for text in (move["name"], move["ref"] and f"({move['ref']})") if text]
        return " ".join(parts)

    def _has_code(self, account: Record) -> bool:
        """From 18 on a code belongs to a company: only the first one of the context counts."""
        return self.version < V18 or self.companies[0] in account["company_ids"]

    def sees(self, model: str, row: Record) -> bool:
        """Whether the record belongs to a company of this context and to a right of the user."""
        if model == "ir.attachment" and row["res_model"] == "account.move":
            if not self.user.reads_accounting:
                return False
            return self.sees("account.move", self.rows("account.move")[row["res_id"]])
        if model == "account.account":
            return not set(row["company_ids"]).isdisjoint(self.companies)
        company = row["id"] if model == "res.company" else row.get("company_id")
        return model == "res.users" or not company or company in self.companies
