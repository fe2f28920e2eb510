"""A bill in the form of version 1.0, to compare with what 1.0 stored until Odoo changes it.

1.0 read a line's `price_subtotal`, the tax rows, and Odoo's untaxed amount and tax; it ignored
other journal rows. Its digests are bare SHA-256; later versions begin theirs with "v2-" and so on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import Bill, Line, LineKind, iso, money, plain, sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from odoo_qb.bill.journal import Booking

_PLUS: Final = " + "
# The rows 1.0 read, by Odoo's display_type.
_KINDS: Final[dict[str, LineKind]] = {
    "product": "product",
    "tax": "tax",
    "rounding": "product",
    "line_section": "section",
    "line_subsection": "section",
    "line_note": "note",
}


def is_former(digest: str) -> bool:
    """Whether a digest was made by 1.0."""
    return bool(digest) and "-" not in digest


def former_bill(
    bill: Bill,
    rows: Sequence[tuple[Line, Mapping[str, Any]]],
    untaxed: Decimal,
    tax: Decimal,
    names: Mapping[int, str],
) -> Bill | None:
    """The bill as 1.0 read it; None if 1.0 could not have read it.

    `rows` are its lines with Odoo's records of them.
    """
    lines = [_line(line, row, names) for line, row in rows if row["display_type"] in _KINDS]
    if any(n is None for n in lines):
        return None
    return replace(
        bill,
        lines=tuple(n for n in lines if n),
        amount_untaxed=untaxed,
        amount_tax=tax,
        instalments=(),
    )


def _line(line: Line, row: Mapping[str, Any], names: Mapping[int, str]) -> Line | None:
    kind: LineKind = "tax" if row["tax_line_id"] else _KINDS[row["display_type"]]
    # A tax row and cash rounding have no subtotal: 1.0 took their journal amount.
    amount = line.amount
    if row["display_type"] not in {"tax", "rounding"}:
        try:
            amount = money(row["price_subtotal"])
        except (TypeError, ValueError, ArithmeticError):
            return None
    taxes = line.taxes
    if not row["tax_line_id"]:  # 1.0 kept Odoo's order
        taxes = tuple(names[i] for i in row["tax_ids"] or ())
    ids = line.tax_ids if row["tax_line_id"] else tuple(row["tax_ids"] or ())
    return replace(line, kind=kind, amount=amount, taxes=taxes, tax_ids=ids)


def digest(bill: Bill, *, vendor_is_known: bool = False) -> str:
    """1.0's digest of this content."""
    return sha256(
        {
            "company": bill.company,
            "move_type": bill.move_type,
            "vendor": bill.payee(vendor_is_known=vendor_is_known),
            "reference": bill.bill_reference,
            "dates": [iso(d) for d in (bill.bill_date, bill.accounting_date, bill.due_date)],
            "currency": bill.currency,
            "totals": [
                plain(a)
                for a in (
                    bill.amount_untaxed,
                    bill.amount_tax,
                    bill.amount_total,
                    bill.company_total,
                )
            ],
            "terms": bill.payment_terms,
            "lines": [
                [n.kind, n.account_code, n.account_name, plain(n.amount), list(n.taxes), n.text]
                for n in bill.lines
            ],
            "documents": sorted(d.sha256 for d in bill.documents),
        }
    )


def booking(bill: Bill, preflight: Mapping[str, Any]) -> Booking | None:
    """What 1.0 would have posted for a bill it stored, by the preflight on its card.

    None if the card showed none, or an account or tax code is missing.
    """
    accounts = preflight.get("accounts") or {}
    codes = {_any_order(k): v for k, v in (preflight.get("tax_codes") or {}).items()}
    booked: Counter[tuple[str, str]] = Counter()
    for line in bill.lines:
        if line.kind not in {"product", "tax"} or not line.amount or (codes and line.kind == "tax"):
            continue
        account = accounts.get(line.account_code)
        code = codes.get(_any_order(_PLUS.join(line.taxes) or "none")) if codes else {"id": ""}
        if account is None or code is None:
            return None
        booked[str(account["id"]), str(code["id"])] += int(line.amount * 100)
    tax = int(bill.amount_tax * 100) if codes else 0
    return {k: v for k, v in booked.items() if v}, tax


def _any_order(taxes: str) -> str:
    """The taxes of a line as one name: 1.0 kept Odoo's order, later versions sort by name."""
    return _PLUS.join(sorted(taxes.split(_PLUS)))
