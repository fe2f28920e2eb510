"""Read vendor bills from Odoo in few calls: which ones changed, and what each of them says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.bill import MOVE_TYPES, Bill, Document, Line, LineKind, Vendor, money
from odoo_qb.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from odoo_qb.odoo import Odoo

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow
FILE_BYTES: Final = 30_000_000  # a larger file takes more memory than the function has

_MOVE_FIELDS: Final = (
    "name", "move_type", "state", "ref", "commercial_partner_id", "company_id", "currency_id",
    "invoice_date", "date", "invoice_date_due", "invoice_payment_term_id", "amount_untaxed",
    "amount_tax", "amount_total", "amount_total_signed", "invoice_origin", "create_uid",
    "message_main_attachment_id", "write_date",
)  # fmt: skip
_LINE_FIELDS: Final = (
    "move_id", "display_type", "name", "sequence", "account_id", "quantity", "price_unit",
    "price_subtotal", "tax_ids", "tax_line_id", "amount_currency",
)  # fmt: skip
_FILE_FIELDS: Final = (
    "name", "res_id", "mimetype", "file_size", "checksum", "type", "write_date",
)  # fmt: skip
# Odoo knows line_subsection from 19 on; older versions find nothing under an unknown value.
_KINDS: Final[dict[str, LineKind]] = {
    "product": "product",
    "tax": "tax",
    "rounding": "product",
    "line_section": "section",
    "line_subsection": "section",
    "line_note": "note",
}
# What stops a whole run; anything else that Odoo refuses may be one bill's own fault.
_OF_THE_CONNECTION: Final = ("AccessDenied", "AccessError", "OperationalError")
_UNREADABLE_AT_MOST: Final = 5  # more than that is not a few bills' own fault
_HIDDEN_AT_MOST: Final = 5  # vendors, accounts and taxes: more than that is a right we lack

_FILE_TYPE: Final = re.compile(r"[A-Za-z0-9.+_-]{1,60}/[A-Za-z0-9.+_-]{1,100}")

Record = dict[str, Any]


class _NonsenseError(ValueError):
    """A value that is none of its kind; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What Odoo says of one document: its state, and the bill where it can be read as one.

    `written` is Odoo's own time of the last change of it or of its files.
    """

    odoo_id: int
    odoo_name: str
    odoo_company: str
    state: str
    written: str
    bill: Bill | None = None


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
            written=_text(row["write_date"]),
            files=tuple(sorted(row["attachment_ids"])),
        )
        for row in rows
    ]


def companies(odoo: Odoo) -> list[str]:
    """The names of the companies that the user sees."""
    rows = odoo.call("res.company", "search_read", [], fields=["name"], order="name")
    return [_text(row["name"]) for row in rows]


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
        self._accounts: dict[tuple[int, int], tuple[str, str]] = {}
        self._vendors: dict[int, Vendor] = {}
        self._taxes: dict[int, str] = {}
        self._currencies: dict[int, str] = {}
        self._emails: dict[int, str] = {}  # of the users who enter bills
        self._hidden: set[tuple[str, int]] = set()  # what our user may not read, by its model
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
            return [self._unreadable_entry(m, refusal) for m in self._bare(ids)]

    def _bare(self, ids: Sequence[int]) -> list[Record]:
        fields = ("name", "company_id", "state", "write_date", "move_type", "currency_id")
        return self._read("account.move", ids, (*fields, "invoice_date"))

    def _unreadable_entry(self, move: Record, refusal: Refused) -> Entry:
        company = _name(move["company_id"])
        asked = move["state"] == "posted" and company in self._keys
        return Entry(
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            odoo_company=company,
            state=_text(move["state"]),
            written=_text(move["write_date"]),
            bill=self._unreadable(move, str(refusal)) if asked else None,
        )

    def _whole_page(self, ids: Sequence[int]) -> list[Entry]:
        moves = self._read("account.move", ids, _MOVE_FIELDS)
        wanted = [m for m in moves if _name(m["company_id"]) in self._keys]
        posted = [m["id"] for m in wanted if m["state"] == "posted"]
        lines = self._lines(posted)
        files = self._files(posted)
        self._learn(wanted, lines)
        found = {m["id"]: m for m in moves}
        return [self._entry(found[i], lines, files) for i in ids if i in found]

    def _lines(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["move_id", "in", list(ids)], ["display_type", "in", list(_KINDS)]]
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
        self._learn_emails({int(m["create_uid"][0]) for m in moves if m["create_uid"]})
        for move in moves:
            company = int(move["company_id"][0])
            companies.add(company)
            if move["commercial_partner_id"]:
                partners.add(int(move["commercial_partner_id"][0]))
            for line in lines.get(move["id"], ()):
                taxes.update(_taxes_of(line))
                if line["account_id"]:
                    accounts.setdefault(company, set()).add(int(line["account_id"][0]))
        for company, ids in accounts.items():
            self._learn_accounts(company, ids)
        new = sorted(partners - self._vendors.keys())
        for row in self._read_seen("res.partner", new, ("name", "email", "vat")):
            self._vendors[row["id"]] = Vendor(
                odoo_id=row["id"],
                name=_text(row["name"]),
                email=_text(row["email"]),
                tax_id=_text(row["vat"]),
            )
        for row in self._read_seen("account.tax", sorted(taxes - self._taxes.keys()), ("name",)):
            self._taxes[row["id"]] = _text(row["name"])
        for row in self._read_new("res.company", companies, self._currencies, ("currency_id",)):
            self._currencies[row["id"]] = _name(row["currency_id"])

    def _learn_emails(self, users: set[int]) -> None:
        """The addresses of who enters bills, where our user may see them."""
        try:
            rows = self._read_new("res.users", users, self._emails, ("email",))
        except Refused:
            rows = [{"id": i, "email": False} for i in users]
        self._emails |= {row["id"]: _text(row["email"]) for row in rows}

    def _learn_accounts(self, company: int, ids: set[int]) -> None:
        new = [i for i in sorted(ids) if (company, i) not in self._accounts]
        # From 18 on an account's code belongs to a company: it is false unless that company
        # comes first in the context.
        context = {"allowed_company_ids": [company]}
        for row in self._read_seen("account.account", new, ("code", "name"), context=context):
            self._accounts[company, row["id"]] = (_text(row["code"]), _text(row["name"]))

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

    def _seen(self, model: str, many2one: object, what: str) -> int:
        """The id that a many2one names, 0 for none; _NonsenseError if our user may not read it."""
        number = _id(many2one)
        if (model, number) in self._hidden:
            raise _NonsenseError(f"our Odoo user may not read its {what} {_name(many2one):.80}")
        return number

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

    def _entry(
        self, move: Record, lines: Mapping[int, list[Record]], files: Mapping[int, list[Record]]
    ) -> Entry:
        attached = files.get(move["id"], [])
        company = _name(move["company_id"])
        bill = None
        if move["state"] == "posted" and company in self._keys:
            try:
                bill = self._bill(move, lines.get(move["id"], []), attached)
            except _NonsenseError as nonsense:
                bill = self._unreadable(move, str(nonsense))
            except (KeyError, TypeError, ValueError, ArithmeticError):
                # Whatever one bill's data breaks must not stop its neighbours, nor be lost.
                bill = self._unreadable(move, "its lines or files make no sense")
        return Entry(
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            odoo_company=company,
            state=_text(move["state"]),
            written=max(_text(row["write_date"]) for row in (move, *attached)),
            bill=bill,
        )

    def _unreadable(self, move: Record, why: str) -> Bill:
        return Bill(
            company=self._keys[_name(move["company_id"])],
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            move_type=move["move_type"],
            vendor=None,
            currency=_name(move["currency_id"]),
            amount_untaxed=Decimal(0),
            amount_tax=Decimal(0),
            amount_total=Decimal(0),
            bill_date=_date_or_none(move),
            unreadable=f"This bill cannot be read ({why}): open and check it in Odoo.",
        )

    def _bill(self, move: Record, lines: Sequence[Record], files: Sequence[Record]) -> Bill:
        company_id = int(move["company_id"][0])
        partner = self._seen("res.partner", move["commercial_partner_id"], "vendor")
        rows = sorted(lines, key=lambda row: (row["sequence"], row["id"]))
        sign = -1 if move["move_type"] == "in_refund" else 1
        return Bill(
            company=self._keys[_name(move["company_id"])],
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            move_type=move["move_type"],
            vendor=self._vendors.get(partner),
            currency=_name(move["currency_id"]),
            amount_untaxed=_amount(move, "amount_untaxed"),
            amount_tax=_amount(move, "amount_tax"),
            amount_total=_amount(move, "amount_total"),
            company_currency=self._currencies.get(company_id, ""),
            company_total=abs(_amount(move, "amount_total_signed")),
            bill_reference=_text(move["ref"]).strip(),
            bill_date=_date(move, "invoice_date"),
            accounting_date=_date(move, "date"),
            due_date=_date(move, "invoice_date_due"),
            payment_terms=_name(move["invoice_payment_term_id"]),
            payment_terms_id=_id(move["invoice_payment_term_id"]),
            po_number=_text(move["invoice_origin"]),
            entered_by=_name(move["create_uid"]),
            entered_by_email=self._emails.get(_id(move["create_uid"]), ""),
            lines=tuple(self._line(row, company_id, sign) for row in rows),
            documents=_documents(move, files),
            unsupported=tuple(n for n in map(_not_kept, files) if n),
        )

    def _line(self, row: Record, company_id: int, sign: int) -> Line:
        # What rounds the total in cash is a line on its account, or goes to the largest tax.
        kind = "tax" if row["tax_line_id"] else _KINDS[row["display_type"]]
        account = self._seen("account.account", row["account_id"], "account")
        code, name = self._accounts[company_id, account] if account else ("", "")
        if any(("account.tax", i) in self._hidden for i in _taxes_of(row)):
            raise _NonsenseError(f"our Odoo user may not read a tax on {_text(row['name']):.80}")
        # These have no subtotal: what they add is their journal amount, negative in a refund.
        amount = (
            _amount(row, "amount_currency") * sign
            if row["display_type"] in {"tax", "rounding"}
            else _amount(row, "price_subtotal")
        )
        return Line(
            kind=kind,
            text=_text(row["name"]),
            account_code=code,
            account_name=name,
            quantity=_amount(row, "quantity"),
            unit_price=_amount(row, "price_unit"),
            amount=money(amount),
            taxes=tuple(self._taxes[i] for i in _taxes_of(row)),
            tax_ids=tuple(_taxes_of(row)),
        )


def _taxes_of(line: Record) -> list[int]:
    """The taxes on a line; of a tax row, the tax it is of."""
    own = line["tax_line_id"]
    return [int(own[0])] if own else list(line["tax_ids"] or ())


def _documents(move: Record, files: Sequence[Record]) -> tuple[Document, ...]:
    """The files, the one to look at first: Odoo's main attachment, else PDFs by id."""
    main = move["message_main_attachment_id"]
    main_id = int(main[0]) if main else 0

    def rank(file: Record) -> tuple[bool, bool, bool, int]:
        is_pdf = file["mimetype"] == "application/pdf"
        is_image = _text(file["mimetype"]).startswith("image/")
        return (not (is_pdf and file["id"] == main_id), not is_pdf, not is_image, file["id"])

    return tuple(
        Document(
            odoo_id=file["id"],
            name=_text(file["name"]) or f"file {file['id']}",
            type=_file_type(file),
            size=int(file["file_size"]),
            checksum=_text(file["checksum"]),
        )
        for file in sorted(files, key=rank)
        if not _not_kept(file)
    )


def _not_kept(file: Record) -> str:
    """Why a file is not passed on, with its name; empty when it is."""
    name = _text(file["name"])
    if file["type"] != "binary":
        return f"{name} (a link)"
    if file["file_size"] > FILE_BYTES:
        return f"{name} ({file['file_size'] / 1e6:.0f} MB)"
    return ""


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _file_type(file: Record) -> str:
    """The type that was guessed or claimed, if it is one: it becomes a header of S3's."""
    claimed = _text(file["mimetype"])
    return claimed if _FILE_TYPE.fullmatch(claimed) else "application/octet-stream"


def _text(value: object) -> str:
    """Odoo says false for an empty text. A lone surrogate can be sent, but not stored."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def _name(value: object) -> str:
    """The display name of a many2one: [id, name], or false."""
    return _text(value[1]) if isinstance(value, list) else ""


def _id(value: object) -> int:
    """The id of a many2one: [id, name], or false."""
    return int(value[0]) if isinstance(value, list) else 0


def _amount(row: Record, name: str) -> Decimal:
    try:
        return money(row[name])
    except (TypeError, ValueError, ArithmeticError):
        raise _NonsenseError(f"{name} is {row[name]!s:.40}") from None


def _date(row: Record, name: str) -> date | None:
    try:
        return date.fromisoformat(row[name]) if isinstance(row[name], str) else None
    except ValueError:
        raise _NonsenseError(f"{name} is {row[name]:.40}") from None


def _date_or_none(move: Record) -> date | None:
    try:
        return _date(move, "invoice_date")
    except _NonsenseError:
        return None
