"""Compare a document in QuickBooks with the one that would be made of a bill. No I/O."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill.model import money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.posting.payload import Posting
    from odoo_qb.quickbooks.types import Payload

# If these differ, it is another bill, or a copy that someone made of ours.
IDENTITY: Final = frozenset({"kind", "vendor", "date", "number"})
# What QuickBooks fills in if it is not sent.
_FILLED_IN: Final = {"currency": "CurrencyRef", "accounts payable account": "APAccountRef"}
_CENT: Final = Decimal("0.01")


def differences(posting: Posting, found_entity: str, found: Mapping[str, Any]) -> list[str]:
    """How a document in QuickBooks differs from the one that would be made, in words.

    Texts, terms and the order of lines are not compared, nor the number of a credit, which
    QuickBooks may have assigned, nor a number that it may not keep as sent. The caller compares the
    total, to the cent.
    """
    payload = posting.payload
    number = str(payload["DocNumber"])
    is_kept = posting.entity == "Bill" and number.isascii()
    there = str(found.get("DocNumber") or "")
    agreeing = {
        "kind": found_entity == posting.entity,
        "vendor": _id(found, "VendorRef") == _id(payload, "VendorRef"),
        "date": str(found.get("TxnDate", "")) == payload.get("TxnDate"),
        "number": not is_kept or there.casefold() == number.casefold(),
        "due date": "DueDate" not in payload or str(found.get("DueDate")) == payload["DueDate"],
        "accounts or amounts": _booked(found, payload) == _booked(payload, payload),
        "tax": is_tax(posting, found),
        "exchange rate": _at_home(found, payload) == _at_home(payload, payload),
        "department": _id(found, "DepartmentRef") == _id(payload, "DepartmentRef"),
        **{
            what: name not in payload or _id(found, name) == _id(payload, name)
            for what, name in _FILLED_IN.items()
        },
    }
    return [what for what, agrees in agreeing.items() if not agrees]


def is_tax(posting: Posting, found: Mapping[str, Any]) -> bool:
    """Whether a document has the tax that was sent, if any; by rate if the document states rates.

    Two rates may be off by a cent in opposite directions, which the total does not show.
    """
    payload = posting.payload
    if "TxnTaxDetail" not in payload:
        return True
    there = _by_rate(found)
    sent = _by_rate(payload)  # 1.0 sent only a total if it could not tell the rates apart
    return _tax(found) == _tax(payload) and (not sent or there in ({}, sent))


def _id(holder: Mapping[str, Any], reference: str) -> str:
    return str((holder.get(reference) or {}).get("value", ""))


def _booked(document: Mapping[str, Any], payload: Payload) -> Counter[tuple[str, ...]]:
    """The cents booked on each account, class and tax code."""
    # If no tax codes are sent, QuickBooks may answer with its own for each line.
    is_taxed = payload.get("GlobalTaxCalculation") == "TaxExcluded"
    booked: Counter[tuple[str, ...]] = Counter()
    for line in document.get("Line", ()):
        detail = line.get("AccountBasedExpenseLineDetail") or {}
        code = _id(detail, "TaxCodeRef") if is_taxed else ""
        where = (_id(detail, "AccountRef"), _id(detail, "ClassRef"), code)
        booked[where] += int(money(str(line.get("Amount", 0))) * 100)
    return booked


def _tax(document: Mapping[str, Any]) -> Decimal:
    """All tax of a document: stated as one amount, or by rate."""
    detail = document.get("TxnTaxDetail") or {}
    if "TotalTax" in detail:
        return money(str(detail["TotalTax"]))
    return sum((money(str(row["Amount"])) for row in detail.get("TaxLine", ())), Decimal(0))


def _by_rate(document: Mapping[str, Any]) -> dict[str, Decimal]:
    """The tax of each rate, without zeros; {} if no line names a rate."""
    found: dict[str, Decimal] = {}
    for row in (document.get("TxnTaxDetail") or {}).get("TaxLine", ()):
        rate = _id(row.get("TaxLineDetail") or {}, "TaxRateRef")
        found[rate] = found.get(rate, Decimal(0)) + money(str(row["Amount"]))
    return {rate: amount for rate, amount in found.items() if rate and amount}


def _at_home(document: Mapping[str, Any], payload: Payload) -> Decimal:
    """The lines' amounts in the company's currency, to the cent."""
    rate = Decimal(str(document.get("ExchangeRate", 1))) if "ExchangeRate" in payload else 1
    whole = sum((Decimal(str(n["Amount"])) for n in payload["Line"]), Decimal(0))
    return (whole * rate).quantize(_CENT)
