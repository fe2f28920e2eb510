"""Turn Odoo's records into a Bill, or say why it cannot be read. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.digest_v1 import former_bill
from odoo_qb.bill.model import MOVE_TYPES, Author, Bill, Document, Instalment, money
from odoo_qb.odoo.lines import PAYABLE_ROW, line_of
from odoo_qb.odoo.values import (
    MalformedValueError,
    amount_of,
    date_of,
    id_of,
    moment_of,
    name_of,
    related,
    related_id,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from odoo_qb.odoo.lookup_tables import LookupTables
    from odoo_qb.odoo.values import Record

POSTED: Final = "posted"
ODOO_BOT: Final = 1  # Odoo's own user, which enters bills that arrive by e-mail
_BOTS: Final = frozenset({"__system__", "public"})  # by login
_STATES: Final = frozenset({"draft", POSTED, "cancel"})
_LOST_TAX: Final = "non_deductible_tax"  # for the private part, as Odoo 19 books it
_FILE_BYTES: Final = 30_000_000  # a larger file needs more memory than the function has
_FILE_TYPE: Final = re.compile(r"[A-Za-z0-9.+_-]{1,60}/[A-Za-z0-9.+_-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OdooDocument:
    """One document in Odoo: its state, and the bill if it can be read as one.

    `damage` is a sentence if not even its company can be read. `entered` is when it was created,
    "" if Odoo does not say; `former` is the bill in the form that version 1.0 would have stored.
    """

    odoo_id: int
    odoo_name: str
    odoo_company: str
    state: str
    bill: Bill | None = None
    former: Bill | None = None
    entered: str = ""
    damage: str = ""


def document_of(
    move: Record, lines: Sequence[Record], files: Sequence[Record], names: LookupTables
) -> OdooDocument:
    """The document in these records; if it cannot be read, its bill says why."""
    number = id_of(move, "id")
    try:
        company, state = related(move, "company_id", "company")[1], _state(move)
        bill = former = None
        if state == POSTED and company in names.company_keys:
            bill, former = _bill(move, lines, files, names)
    except MalformedValueError as malformed:
        return unreadable_document(number, move, names.company_keys, str(malformed))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        # Malformed data in one bill must not stop the others, and must be reported.
        why = "its lines or files are not valid"
        return unreadable_document(number, move, names.company_keys, why)
    return OdooDocument(
        odoo_id=number,
        odoo_name=text_of(move["name"]),
        odoo_company=company,
        state=state,
        bill=bill,
        former=former,
        entered=moment_of(move.get("create_date")),
    )


def unreadable_document(
    number: int, row: object, company_keys: Mapping[str, str], why: str
) -> OdooDocument:
    """A document that Odoo refused or that is malformed, from what can be read of it.

    No approval is requested for it, and no decision is reversed because of it: a state that cannot
    be read counts as posted.
    """
    move: Record = row if isinstance(row, dict) else {}
    company, name = name_of(move.get("company_id")), text_of(move.get("name"))
    state = text_of(move.get("state"))
    state = state if state in _STATES else POSTED
    asked = state == POSTED and company in company_keys
    return OdooDocument(
        odoo_id=number,
        odoo_name=name or f"document {number}",
        odoo_company=company,
        state=state,
        bill=_unreadable(number, move, company_keys[company], why) if asked else None,
        damage="" if company else f"it cannot be read ({why}). Open and check it in Odoo.",
    )


def _unreadable(number: int, move: Record, company_key: str, why: str) -> Bill:
    kind = move.get("move_type")
    return Bill(
        company=company_key,
        odoo_id=number,
        odoo_name=text_of(move.get("name")) or f"document {number}",
        move_type=kind if kind in MOVE_TYPES else "in_invoice",
        vendor=None,
        currency=name_of(move.get("currency_id")),
        amount_untaxed=Decimal(0),
        amount_tax=Decimal(0),
        amount_total=Decimal(0),
        bill_date=_date_or_none(move),
        unreadable=f"This bill cannot be read ({why}). Open and check it in Odoo.",
    )


def _state(move: Record) -> str:
    state = text_of(move["state"])
    if state not in _STATES:
        raise MalformedValueError(f"its state is {move['state']!s:.40}")
    return state


def _bill(
    move: Record, rows: Sequence[Record], files: Sequence[Record], names: LookupTables
) -> tuple[Bill, Bill | None]:
    """The bill from its journal entry, and in the form of version 1.0."""
    company_id, company = related(move, "company_id", "company")
    partner = names.visible_id("res.partner", move, "commercial_partner_id", "vendor")
    if partner and partner not in names.vendors:
        raise MalformedValueError("Odoo does not show its vendor")
    if move["move_type"] not in MOVE_TYPES:
        raise MalformedValueError(f"its type is {move['move_type']!s:.40}")
    terms, creator = (related(move, k, k) for k in ("invoice_payment_term_id", "create_uid"))
    sign = -1 if move["move_type"] == "in_refund" else 1
    ordered = sorted(rows, key=lambda row: (row["sequence"], row["id"]))
    booked = [
        (line_of(row, company_id, sign, names), row)
        for row in ordered
        if row["display_type"] != PAYABLE_ROW
    ]
    lines = tuple(line for line, _ in booked)
    # Like Odoo and the vendor's paper: non-deductible tax is tax, too.
    tax = sum(
        (n.amount for n, row in booked if n.kind == "tax" or row["display_type"] == _LOST_TAX),
        Decimal(0),
    )
    total = sum((n.amount for n in lines if n.carries_money), Decimal(0))
    bill = Bill(
        company=names.company_keys[company],
        odoo_id=id_of(move, "id"),
        odoo_name=text_of(move["name"]),
        move_type=move["move_type"],
        vendor=names.vendors.get(partner),
        currency=related(move, "currency_id", "currency")[1],
        amount_untaxed=money(total - tax),
        amount_tax=money(tax),
        amount_total=amount_of(move, "amount_total"),
        company_currency=names.currencies.get(company_id, ""),
        company_total=abs(amount_of(move, "amount_total_signed")),
        bill_reference=text_of(move["ref"]).strip(),
        bill_date=date_of(move, "invoice_date"),
        accounting_date=date_of(move, "date"),
        due_date=date_of(move, "invoice_date_due"),
        instalments=_instalments(move, [r for r in ordered if r["display_type"] == PAYABLE_ROW]),
        payment_terms=terms[1],
        payment_terms_id=terms[0],
        po_number=text_of(move["invoice_origin"]),
        entered_by=creator[1],
        entered_by_email=names.users.get(creator[0], ("", ""))[1],
        authors=_authors(move, names),
        # Odoo marks a total of zero as paid at once, which means nothing.
        payment_state=text_of(move.get("payment_state")) if move["amount_total"] else "",
        lines=lines,
        documents=_documents(move, files),
        unsupported=tuple(n for n in map(_not_kept, files) if n),
    )
    tax_names = {i: tax.name for i, tax in names.taxes.items()}
    stated = amount_of(move, "amount_untaxed"), amount_of(move, "amount_tax")
    return bill, former_bill(bill, booked, *stated, tax_names)


def _authors(move: Record, names: LookupTables) -> tuple[Author, ...]:
    """Who entered the document and who last wrote to it; bots do not count.

    Odoo does not say who posted it. Usually that is the last writer.
    """
    found: dict[int, Author] = {}
    for field in ("create_uid", "write_uid"):
        number, name = related({field: False} | move, field, field)
        login, email = names.users.get(number, ("", ""))
        if number not in {0, ODOO_BOT} and login not in _BOTS:
            found[number] = Author(name=name, login=login, email=email)
    return tuple(found.values())


def _instalments(move: Record, payables: Sequence[Record]) -> tuple[Instalment, ...]:
    """The parts of a bill that fall due on different days.

    Payments count for the earliest parts: a bill says how much is left, not of which part.
    """
    parts = sorted(
        (day, abs(amount_of(row, "amount_currency")))
        for row in payables
        if (day := date_of(row, "date_maturity"))
    )
    if len({day for day, _ in parts}) < 2:  # noqa: PLR2004 - on one day there is nothing to tell
        return ()
    paid = amount_of(move, "amount_total") - abs(amount_of(move, "amount_residual"))
    found = []
    for day, amount in parts:
        found.append(Instalment(due=day, amount=amount, is_open=paid < amount))
        paid -= amount
    return tuple(found)


def _documents(move: Record, files: Sequence[Record]) -> tuple[Document, ...]:
    """The files: Odoo's main attachment first, then PDFs, by id."""
    main_id = related_id(move, "message_main_attachment_id")

    def rank(file: Record) -> tuple[bool, bool, bool, int]:
        is_pdf = file["mimetype"] == "application/pdf"
        is_image = text_of(file["mimetype"]).startswith("image/")
        number = id_of(file, "id")
        return (not (is_pdf and number == main_id), not is_pdf, not is_image, number)

    return tuple(
        Document(
            odoo_id=id_of(file, "id"),
            name=text_of(file["name"]) or f"file {file['id']}",
            type=_file_type(file),
            size=int(file["file_size"]),
            checksum=text_of(file["checksum"]),
        )
        for file in sorted(files, key=rank)
        if not _not_kept(file)
    )


def _not_kept(file: Record) -> str:
    """Why a file is not passed on, with its name; empty if it is."""
    name = text_of(file["name"])
    if file["type"] != "binary":
        return f"{name} (a link)"
    if file["file_size"] > _FILE_BYTES:
        return f"{name} ({file['file_size'] / 1e6:.0f} MB)"
    return ""


def _file_type(file: Record) -> str:
    """The file's type as guessed or stated, if valid: it becomes a header in S3."""
    claimed = text_of(file["mimetype"])
    return claimed if _FILE_TYPE.fullmatch(claimed) else "application/octet-stream"


def _date_or_none(move: Record) -> date | None:
    try:
        return date_of(move, "invoice_date")
    except MalformedValueError:
        return None
