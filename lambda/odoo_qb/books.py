"""Read vendor bills from Odoo in few calls: which ones changed, and what each of them says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.bill import MOVE_TYPES, Vendor, money
from odoo_qb.errors import Refused
from odoo_qb.records import (
    ODOO_BOT,
    PAYABLE_ROW,
    Account,
    Names,
    Tax,
    all_taxes_of,
    entry_of,
    name_of,
    text_of,
    unreadable_entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from odoo_qb.odoo import Odoo
    from odoo_qb.records import Entry, Record

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow

_MOVE_FIELDS: Final = (
    "name", "move_type", "state", "ref", "commercial_partner_id", "company_id", "currency_id",
    "invoice_date", "date", "invoice_date_due", "invoice_payment_term_id", "amount_untaxed",
    "amount_tax", "amount_total", "amount_total_signed", "amount_residual", "invoice_origin",
    "payment_state", "create_uid", "write_uid", "message_main_attachment_id", "write_date",
)  # fmt: skip
_LINE_FIELDS: Final = (
    "move_id", "display_type", "name", "sequence", "account_id", "quantity", "price_unit",
    "price_subtotal", "tax_ids", "tax_line_id", "amount_currency", "date_maturity",
)  # fmt: skip
_FILE_FIELDS: Final = (
    "name", "res_id", "mimetype", "file_size", "checksum", "type", "write_date",
)  # fmt: skip
# What stops a whole run; anything else that Odoo refuses may be one bill's own fault.
_OF_THE_CONNECTION: Final = ("AccessDenied", "AccessError", "OperationalError")
_UNREADABLE_AT_MOST: Final = 5  # more than that is not a few bills' own fault
_HIDDEN_AT_MOST: Final = 5  # vendors, accounts and taxes: more than that is a right we lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A document that a search found, as it was then: `written` is Odoo's text, in UTC."""

    odoo_id: int
    written: str = ""
    files: tuple[int, ...] = ()


def search_changed(odoo: Odoo, *, watermark: str, dated_from: date) -> list[Changed]:
    """Purchase documents changed since `watermark` (Odoo's UTC text), oldest change first.

    Without a watermark: all dated from `dated_from` on, or not dated yet. The state is not
    asked for, because a bill that was cancelled or reset would be hidden. One list of ids,
    read by id afterwards, loses nothing when rows move while the pages are read.
    """
    domain: list[object] = [["move_type", "in", list(MOVE_TYPES)]]
    if watermark:
        # An attachment's change does not touch its bill's write_date.
        domain += ["|", ["write_date", ">=", watermark]]
        domain += [["attachment_ids.write_date", ">=", watermark]]
    else:
        domain += ["|", ["invoice_date", "=", False]]
        domain += [["invoice_date", ">=", dated_from.isoformat()]]
    fields = ["write_date", "attachment_ids"]
    rows = odoo.call("account.move", "search_read", domain, fields=fields, order="write_date, id")
    return [
        Changed(
            odoo_id=row["id"],
            written=text_of(row["write_date"]),
            files=tuple(sorted(row["attachment_ids"])),
        )
        for row in rows
    ]


def companies(odoo: Odoo) -> list[str]:
    """The names of the companies that the user sees."""
    rows = odoo.call("res.company", "search_read", [], fields=["name"], order="name")
    return [text_of(row["name"]) for row in rows]


def company_id(odoo: Odoo, name: str) -> int | None:
    """Odoo's id of a company; None if the user has no access to one of this name."""
    rows = odoo.call("res.company", "search_read", [["name", "=", name]], fields=["name"])
    return int(rows[0]["id"]) if rows else None


def existing(odoo: Odoo, ids: Sequence[int], company: int) -> set[int]:
    """Which of a company's documents exist; Refused where the user may not see one of them.

    Odoo leaves out what does not exist and refuses what is hidden, so an id that is left out
    of an answer is gone for certain.
    """
    found: set[int] = set()
    context = {"allowed_company_ids": [company]}
    for start in range(0, len(ids), PAGE_SIZE):
        batch = list(ids[start : start + PAGE_SIZE])
        rows = odoo.call("account.move", "read", batch, fields=["state"], context=context)
        found.update(row["id"] for row in rows)
    return found


class Books:
    """Turns ids into bills, PAGE_SIZE at a time; remembers names and accounts for one run."""

    def __init__(self, odoo: Odoo, company_keys: Mapping[str, str]) -> None:
        self._odoo = odoo
        self._keys = company_keys  # Odoo's company name -> our key
        self._accounts: dict[tuple[int, int], Account] = {}
        self._vendors: dict[int, Vendor] = {}
        self._taxes: dict[int, Tax] = {}
        self._currencies: dict[int, str] = {}
        self._users: dict[int, tuple[str, str]] = {}
        self._hidden: set[tuple[str, int]] = set()
        self._unreadable_pages = 0

    def page(self, ids: Sequence[int]) -> list[Entry]:
        """The documents in the order of `ids`; one that vanished meanwhile is left out.

        Where Odoo cannot give them, their halves are asked for, down to the bill to blame.
        """
        try:
            return self._whole_page(ids)
        except Refused as refusal:
            if refusal.code.endswith(_OF_THE_CONNECTION):
                raise
            if len(ids) > 1:
                half = len(ids) // 2
                return self.page(ids[:half]) + self.page(ids[half:])
            self._unreadable_pages += 1
            if self._unreadable_pages > _UNREADABLE_AT_MOST:
                raise
            return [unreadable_entry(m, self._keys, str(refusal)) for m in self._bare(ids)]

    def _bare(self, ids: Sequence[int]) -> list[Record]:
        fields = ("name", "company_id", "state", "write_date", "move_type", "currency_id")
        return self._read("account.move", ids, (*fields, "invoice_date"))

    def _whole_page(self, ids: Sequence[int]) -> list[Entry]:
        moves = self._read("account.move", ids, _MOVE_FIELDS)
        wanted = [m for m in moves if name_of(m["company_id"]) in self._keys]
        posted = [m["id"] for m in wanted if m["state"] == "posted"]
        lines = self._lines(posted)
        files = self._files(posted)
        self._learn(wanted, lines)
        found = {m["id"]: m for m in moves}
        names = self._names()
        return [
            entry_of(found[i], lines.get(i, []), files.get(i, []), names) for i in ids if i in found
        ]

    def _names(self) -> Names:
        return Names(
            company_keys=self._keys,
            accounts=self._accounts,
            vendors=self._vendors,
            taxes=self._taxes,
            currencies=self._currencies,
            users=self._users,
            hidden=self._hidden,
        )

    def _lines(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        # Every row of the journal: what kinds later versions will write is nobody's to know.
        domain = [["move_id", "in", list(ids)]]
        # "move_id" would sort by account.move's own order; "id" is cheap and grouped here.
        rows = self._odoo.call(
            "account.move.line", "search_read", domain, fields=_LINE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: int(row["move_id"][0]))

    def _files(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
        rows = self._odoo.call(
            "ir.attachment", "search_read", domain, fields=_FILE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: int(row["res_id"]))

    def _learn(self, moves: Iterable[Record], lines: Mapping[int, list[Record]]) -> None:
        """Read the accounts, vendors, taxes and companies not met before in this run."""
        accounts: dict[int, set[int]] = {}
        partners: set[int] = set()
        taxes: set[int] = set()
        companies: set[int] = set()
        self._learn_users(moves)
        for move in moves:
            company = int(move["company_id"][0])
            companies.add(company)
            if move["commercial_partner_id"]:
                partners.add(int(move["commercial_partner_id"][0]))
            for line in lines.get(move["id"], ()):
                taxes.update(all_taxes_of(line))
                if line["account_id"] and line["display_type"] != PAYABLE_ROW:
                    accounts.setdefault(company, set()).add(int(line["account_id"][0]))
        for company, ids in accounts.items():
            self._learn_accounts(company, ids)
        new = sorted(partners - self._vendors.keys())
        for row in self._read_seen("res.partner", new, ("name", "email", "vat")):
            self._vendors[row["id"]] = Vendor(
                odoo_id=row["id"],
                name=text_of(row["name"]),
                email=text_of(row["email"]),
                tax_id=text_of(row["vat"]),
            )
        self._learn_taxes(taxes)
        for row in self._read_new("res.company", companies, self._currencies, ("currency_id",)):
            self._currencies[row["id"]] = name_of(row["currency_id"])

    def _learn_taxes(self, ids: set[int]) -> None:
        """Names, percents, and of a group its parts; only a group is asked for them."""
        new = sorted(ids - self._taxes.keys())
        rows = self._read_seen("account.tax", new, ("name", "amount", "amount_type"))
        groups = [row["id"] for row in rows if row["amount_type"] == "group"]
        of_groups = self._read_seen("account.tax", groups, ("children_tax_ids",))
        parts = {row["id"]: tuple(row["children_tax_ids"]) for row in of_groups}
        for row in rows:
            is_percent = row["amount_type"] == "percent"
            self._taxes[row["id"]] = Tax(
                name=text_of(row["name"]),
                percent=money(row["amount"]) if is_percent else None,
                parts=parts.get(row["id"], ()),
            )

    def _learn_users(self, moves: Iterable[Record]) -> None:
        """Logins and addresses of who enters and edits bills, where our user may see them.

        Odoo's own bot is not asked for: it may be hidden, and with it all the others.
        """
        named = (m.get(field) for m in moves for field in ("create_uid", "write_uid"))
        users = {int(user[0]) for user in named if user} - {ODOO_BOT}
        try:
            rows = self._read_new("res.users", users, self._users, ("login", "email"))
        except Refused:
            rows = [{"id": i, "login": False, "email": False} for i in users]
        self._users |= {r["id"]: (text_of(r["login"]), text_of(r["email"])) for r in rows}

    def _learn_accounts(self, company: int, ids: set[int]) -> None:
        new = [i for i in sorted(ids) if (company, i) not in self._accounts]
        # From 18 on an account's code belongs to a company: it is false unless that company
        # comes first in the context.
        context = {"allowed_company_ids": [company]}
        fields = ("code", "name", "account_type")
        for row in self._read_seen("account.account", new, fields, context=context):
            self._accounts[company, row["id"]] = Account(
                code=text_of(row["code"]),
                name=text_of(row["name"]),
                type=text_of(row["account_type"]),
            )

    def _read_seen(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        """Those of the records that our user may read; what is hidden is its bills' own fault.

        Too many of them are not: then the user lacks a right.
        """
        ids = [i for i in ids if (model, i) not in self._hidden]
        try:
            return self._read(model, ids, fields, **kwargs)
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            if len(ids) > 1:
                half = len(ids) // 2
                first = self._read_seen(model, ids[:half], fields, **kwargs)
                return first + self._read_seen(model, ids[half:], fields, **kwargs)
            self._hidden.add((model, ids[0]))
            if len(self._hidden) > _HIDDEN_AT_MOST:
                raise
            return []

    def _read_new(
        self, model: str, ids: set[int], known: Mapping[int, object], fields: Sequence[str]
    ) -> list[Record]:
        return self._read(model, sorted(ids - known.keys()), fields)

    def _read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        if not ids:
            return []
        rows = self._odoo.call(model, "read", list(ids), fields=list(fields), **kwargs)
        return cast("list[Record]", rows)


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
