"""Turn a row of Odoo's journal into a line of a bill. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.bill.model import Line, LineKind, money
from odoo_qb.odoo.lookup_tables import Account
from odoo_qb.odoo.values import MalformedValueError, amount_of, positive, related_id, text_of

if TYPE_CHECKING:
    from decimal import Decimal

    from odoo_qb.odoo.lookup_tables import LookupTables
    from odoo_qb.odoo.values import Record

PAYABLE_ROW: Final = "payment_term"  # the rows with what is owed, and when
_ROUNDING: Final = "rounding"
_TEXTS: Final[dict[str, LineKind]] = {
    "line_section": "section",
    "line_subsection": "section",
    "line_note": "note",
}


def line_of(row: Record, company_id: int, sign: int, names: LookupTables) -> Line:
    """The line for a row of a company's journal; `sign` is -1 in a credit note."""
    account = names.visible_id("account.account", row, "account_id", "account")
    of_account = names.accounts[company_id, account] if account else Account(code="", name="")
    if any(("account.tax", i) in names.hidden for i in all_taxes_of(row)):
        raise MalformedValueError(f"the Odoo user may not read a tax on {text_of(row['name']):.80}")
    amount = money(amount_of(row, "amount_currency") * sign)
    taxes = sorted((names.taxes[i].name, i) for i in taxes_of(row))
    own = names.taxes[taxes[0][1]] if row["tax_line_id"] else None
    further = sorted((names.taxes[i].name, i) for i in row["tax_ids"] or ()) if own else []
    return Line(
        kind=_kind(row, amount),
        text=text_of(row["name"]),
        account_code=of_account.code,
        account_name=of_account.name,
        account_type=of_account.type,
        quantity=amount_of(row, "quantity"),
        unit_price=amount_of(row, "price_unit"),
        amount=amount,
        taxes=tuple(name for name, _ in taxes),
        tax_ids=tuple(i for _, i in taxes),
        tax_parts=tuple(names.taxes[i].parts or (i,) for _, i in taxes),
        percent=own.percent if own else None,
        further_taxes=tuple(name for name, _ in further),
        further_parts=tuple(names.taxes[i].parts or (i,) for _, i in further),
        is_rounding=own is not None and row["display_type"] == _ROUNDING,
    )


def taxes_of(line: Record) -> list[int]:
    """The taxes on a line; for a tax row, its own tax."""
    own = related_id(line, "tax_line_id")
    return [own] if own else [positive(i) for i in line["tax_ids"] or ()]


def all_taxes_of(line: Record) -> list[int]:
    """Those, and for a tax row also the taxes computed on it."""
    return list(dict.fromkeys([*taxes_of(line), *(positive(i) for i in line["tax_ids"] or ())]))


def _kind(row: Record, amount: Decimal) -> LineKind:
    """The kind of a row; whatever carries money is posted, also of kinds that are new in Odoo."""
    display_type = row["display_type"]
    if row["tax_line_id"]:
        return "tax"
    if display_type == "product":
        return "product"
    if amount:
        return "other"
    return _TEXTS.get(display_type, "note")
