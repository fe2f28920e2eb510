"""Odoo's records as a Bill, and what makes one unreadable. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill import Author, Bill, Document, Instalment, Line, LineKind, Vendor, money
from odoo_qb.digest_v1 import former_bill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

_FILE_BYTES: Final = 30_000_000  # a larger file takes more memory than the function has
_FILE_TYPE: Final = re.compile(r"[A-Za-z0-9.+_-]{1,60}/[A-Za-z0-9.+_-]{1,100}")
_TEXTS: Final[dict[str, LineKind]] = {
    "line_section": "section",
    "line_subsection": "section",
    "line_note": "note",
}
_ROUNDING: Final = "rounding"
_LOST_TAX: Final = "non_deductible_tax"  # of the private part, as Odoo 19 books it
_BOTS: Final = frozenset({"__system__", "public"})  # by login
ODOO_BOT: Final = 1  # the user that Odoo itself is: whatever comes in by mail is entered by it
PAYABLE_ROW: Final = "payment_term"  # the rows that say what is owed, and when

Record = dict[str, Any]


class _NonsenseError(ValueError):
    """A value that is none of its kind; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What Odoo says of one document: its state, and the bill where it can be read as one.

    `written` is Odoo's own time of the last change of it or of its files; `former` is the bill in
    the form that version 1.0 would have stored.
    """

    odoo_id: int
    odoo_name: str
    odoo_company: str
    state: str
    written: str
    bill: Bill | None = None
    former: Bill | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of Odoo's chart, as its company calls it."""

    code: str
    name: str
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax of Odoo's: a group has `parts`, a tax by percent its `percent`."""

    name: str
    percent: Decimal | None = None
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What bills refer to, as far as it was read; `hidden` is what our user may not read."""

    company_keys: Mapping[str, str]  # Odoo's company name -> our key
    accounts: Mapping[tuple[int, int], Account]  # by company and id
    vendors: Mapping[int, Vendor]
    taxes: Mapping[int, Tax]
    currencies: Mapping[int, str]  # by company
    users: Mapping[int, tuple[str, str]]  # login and address of those who enter and edit bills
    hidden: AbstractSet[tuple[str, int]]  # by model and id


def entry_of(move: Record, lines: Sequence[Record], files: Sequence[Record], names: Names) -> Entry:
    """What a document's records say; one that cannot be read is a bill that says why."""
    company = name_of(move["company_id"])
    bill = former = None
    if move["state"] == "posted" and company in names.company_keys:
        try:
            bill, former = _bill(move, lines, files, names)
        except _NonsenseError as nonsense:
            bill = _unreadable(move, names.company_keys[company], str(nonsense))
        except (KeyError, TypeError, ValueError, ArithmeticError):
            # Whatever one bill's data breaks must not stop its neighbours, nor be lost.
            why = "its lines or files make no sense"
            bill = _unreadable(move, names.company_keys[company], why)
    return Entry(
        odoo_id=move["id"],
        odoo_name=text_of(move["name"]),
        odoo_company=company,
        state=text_of(move["state"]),
        written=max(text_of(row["write_date"]) for row in (move, *files)),
        bill=bill,
        former=former,
    )


def unreadable_entry(move: Record, company_keys: Mapping[str, str], why: str) -> Entry:
    """A document that Odoo refused to give, from what can be read of it."""
    company = name_of(move["company_id"])
    asked = move["state"] == "posted" and company in company_keys
    return Entry(
        odoo_id=move["id"],
        odoo_name=text_of(move["name"]),
        odoo_company=company,
        state=text_of(move["state"]),
        written=text_of(move["write_date"]),
        bill=_unreadable(move, company_keys[company], why) if asked else None,
    )


def _unreadable(move: Record, company_key: str, why: str) -> Bill:
    return Bill(
        company=company_key,
        odoo_id=move["id"],
        odoo_name=text_of(move["name"]),
        move_type=move["move_type"],
        vendor=None,
        currency=name_of(move["currency_id"]),
        amount_untaxed=Decimal(0),
        amount_tax=Decimal(0),
        amount_total=Decimal(0),
        bill_date=_date_or_none(move),
        unreadable=f"This bill cannot be read ({why}): open and check it in Odoo.",
    )


def _bill(
    move: Record, rows: Sequence[Record], files: Sequence[Record], names: Names
) -> tuple[Bill, Bill | None]:
    """The bill as its journal has it, and in the form of version 1.0."""
    company_id = int(move["company_id"][0])
    partner = _seen(names, "res.partner", move["commercial_partner_id"], "vendor")
    sign = -1 if move["move_type"] == "in_refund" else 1
    ordered = sorted(rows, key=lambda row: (row["sequence"], row["id"]))
    booked = [
        (_line(row, company_id, sign, names), row)
        for row in ordered
        if row["display_type"] != PAYABLE_ROW
    ]
    lines = tuple(line for line, _ in booked)
    # As Odoo itself counts, and as the vendor's paper has it: what is not deductible is tax, too.
    tax = sum(
        (n.amount for n, row in booked if n.kind == "tax" or row["display_type"] == _LOST_TAX),
        Decimal(0),
    )
    total = sum((n.amount for n in lines if n.carries_money), Decimal(0))
    bill = Bill(
        company=names.company_keys[name_of(move["company_id"])],
        odoo_id=move["id"],
        odoo_name=text_of(move["name"]),
        move_type=move["move_type"],
        vendor=names.vendors.get(partner),
        currency=name_of(move["currency_id"]),
        amount_untaxed=money(total - tax),
        amount_tax=money(tax),
        amount_total=_amount(move, "amount_total"),
        company_currency=names.currencies.get(company_id, ""),
        company_total=abs(_amount(move, "amount_total_signed")),
        bill_reference=text_of(move["ref"]).strip(),
        bill_date=_date(move, "invoice_date"),
        accounting_date=_date(move, "date"),
        due_date=_date(move, "invoice_date_due"),
        instalments=_instalments(move, [r for r in ordered if r["display_type"] == PAYABLE_ROW]),
        payment_terms=name_of(move["invoice_payment_term_id"]),
        payment_terms_id=_id(move["invoice_payment_term_id"]),
        po_number=text_of(move["invoice_origin"]),
        entered_by=name_of(move["create_uid"]),
        entered_by_email=names.users.get(_id(move["create_uid"]), ("", ""))[1],
        authors=_authors(move, names),
        payment_state=text_of(move.get("payment_state")),
        lines=lines,
        documents=_documents(move, files),
        unsupported=tuple(n for n in map(_not_kept, files) if n),
    )
    tax_names = {i: tax.name for i, tax in names.taxes.items()}
    stated = _amount(move, "amount_untaxed"), _amount(move, "amount_tax")
    return bill, former_bill(bill, booked, *stated, tax_names)


def _authors(move: Record, names: Names) -> tuple[Author, ...]:
    """Who entered the document and who last wrote to it; what a bot did nobody did.

    Odoo does not say who posted it: that is its last writer, unless somebody wrote to it since.
    """
    found: dict[int, Author] = {}
    for user in (move["create_uid"], move.get("write_uid")):
        login, email = names.users.get(_id(user), ("", ""))
        if _id(user) not in {0, ODOO_BOT} and login not in _BOTS:
            found[_id(user)] = Author(name=name_of(user), login=login, email=email)
    return tuple(found.values())


def _line(row: Record, company_id: int, sign: int, names: Names) -> Line:
    account = _seen(names, "account.account", row["account_id"], "account")
    of_account = names.accounts[company_id, account] if account else Account(code="", name="")
    if any(("account.tax", i) in names.hidden for i in all_taxes_of(row)):
        raise _NonsenseError(f"our Odoo user may not read a tax on {text_of(row['name']):.80}")
    amount = money(_amount(row, "amount_currency") * sign)
    taxes = sorted((names.taxes[i].name, i) for i in taxes_of(row))
    own = names.taxes[taxes[0][1]] if row["tax_line_id"] else None
    further = sorted((names.taxes[i].name, i) for i in row["tax_ids"] or ()) if own else []
    return Line(
        kind=_kind(row, amount),
        text=text_of(row["name"]),
        account_code=of_account.code,
        account_name=of_account.name,
        account_type=of_account.type,
        quantity=_amount(row, "quantity"),
        unit_price=_amount(row, "price_unit"),
        amount=amount,
        taxes=tuple(name for name, _ in taxes),
        tax_ids=tuple(i for _, i in taxes),
        tax_parts=tuple(names.taxes[i].parts or (i,) for _, i in taxes),
        percent=own.percent if own else None,
        further_taxes=tuple(name for name, _ in further),
        further_parts=tuple(names.taxes[i].parts or (i,) for _, i in further),
        is_rounding=own is not None and row["display_type"] == _ROUNDING,
    )


def _kind(row: Record, amount: Decimal) -> LineKind:
    """What a row is to us: whatever carries money is posted, of a kind nobody knew yet, too."""
    display_type = row["display_type"]
    if row["tax_line_id"]:
        return "tax"
    if display_type == "product":
        return "product"
    if amount:
        return "other"
    return _TEXTS.get(display_type, "note")


def _instalments(move: Record, payables: Sequence[Record]) -> tuple[Instalment, ...]:
    """The parts of a bill that fall due on different days.

    What is paid of it counts for the first ones: a bill says how much is left, not of which.
    """
    parts = sorted(
        (day, abs(_amount(row, "amount_currency")))
        for row in payables
        if (day := _date(row, "date_maturity"))
    )
    if len({day for day, _ in parts}) < 2:  # noqa: PLR2004 - on one day there is nothing to tell
        return ()
    paid = _amount(move, "amount_total") - abs(_amount(move, "amount_residual"))
    found = []
    for day, amount in parts:
        found.append(Instalment(due=day, amount=amount, is_open=paid < amount))
        paid -= amount
    return tuple(found)


def _seen(names: Names, model: str, many2one: object, what: str) -> int:
    """The id that a many2one names, 0 for none; _NonsenseError if our user may not read it."""
    number = _id(many2one)
    if (model, number) in names.hidden:
        raise _NonsenseError(f"our Odoo user may not read its {what} {name_of(many2one):.80}")
    return number


def taxes_of(line: Record) -> list[int]:
    """The taxes on a line; of a tax row, the tax it is of."""
    own = line["tax_line_id"]
    return [int(own[0])] if own else list(line["tax_ids"] or ())


def all_taxes_of(line: Record) -> list[int]:
    """Those, and the taxes that are computed on a tax row, too."""
    return list(dict.fromkeys([*taxes_of(line), *(line["tax_ids"] or ())]))


def _documents(move: Record, files: Sequence[Record]) -> tuple[Document, ...]:
    """The files, the one to look at first: Odoo's main attachment, else PDFs by id."""
    main = move["message_main_attachment_id"]
    main_id = int(main[0]) if main else 0

    def rank(file: Record) -> tuple[bool, bool, bool, int]:
        is_pdf = file["mimetype"] == "application/pdf"
        is_image = text_of(file["mimetype"]).startswith("image/")
        return (not (is_pdf and file["id"] == main_id), not is_pdf, not is_image, file["id"])

    return tuple(
        Document(
            odoo_id=file["id"],
            name=text_of(file["name"]) or f"file {file['id']}",
            type=_file_type(file),
            size=int(file["file_size"]),
            checksum=text_of(file["checksum"]),
        )
        for file in sorted(files, key=rank)
        if not _not_kept(file)
    )


def _not_kept(file: Record) -> str:
    """Why a file is not passed on, with its name; empty when it is."""
    name = text_of(file["name"])
    if file["type"] != "binary":
        return f"{name} (a link)"
    if file["file_size"] > _FILE_BYTES:
        return f"{name} ({file['file_size'] / 1e6:.0f} MB)"
    return ""


def _file_type(file: Record) -> str:
    """The type that was guessed or claimed, if it is one: it becomes a header of S3's."""
    claimed = text_of(file["mimetype"])
    return claimed if _FILE_TYPE.fullmatch(claimed) else "application/octet-stream"


def text_of(value: object) -> str:
    """Odoo says false for an empty text. A lone surrogate can be sent, but not stored."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def name_of(value: object) -> str:
    """The display name of a many2one: [id, name], or false."""
    return text_of(value[1]) if isinstance(value, list) else ""


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
