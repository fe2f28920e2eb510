"""Which of Odoo's fields are served, under which names, and how they are converted. No I/O.

Only fields whose change updates their own record's write_date are served: a contact's e-mail is
served with the contact, not with its documents. Odoo sends false for an empty field, never null;
the field's type tells which is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from odoo_qb.odoo.values import (
    MalformedValueError,
    amount_of,
    moment_of,
    positive,
    related,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from odoo_qb.exact_json import Json
    from odoo_qb.odoo.values import Record

_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NO_NUMBER: Final = "/"  # the number in 16 and 17 of a document without one
_ONE: Final = Decimal(1)
_LARGEST: Final = 10**15  # above this, a double as Odoo sends has no exact cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A served field; `fields` are its names in Odoo, of which a version has one or none."""

    name: str
    fields: tuple[str, ...]
    value: Callable[[Record, str], object]


def _empty(value: object) -> bool:
    return value is False or value is None


def _text(row: Record, field: str) -> str | None:
    value = row[field]
    if _empty(value):
        return None
    if not isinstance(value, str):
        raise MalformedValueError(f"its {field} is {value!s:.40}")
    return text_of(value) or None


def _number(row: Record, field: str) -> str | None:
    """A document's number, if it has one."""
    name = _text(row, field)
    return None if name == _NO_NUMBER else name


def _amount(row: Record, field: str) -> Decimal | None:
    if _empty(row[field]):
        return None
    amount = amount_of(row, field)
    if abs(amount) >= _LARGEST:
        raise MalformedValueError(f"{field} is {row[field]!s:.40}")
    # money() shortens 40 to 4E+1, which str() would show.
    return amount.quantize(_ONE) if amount == amount.to_integral_value() else amount


def _flag(row: Record, field: str) -> bool:
    return not _empty(row[field])


def _open(row: Record, field: str) -> bool:
    """Whether an account is in use: 19 has `active`, earlier versions the opposite."""
    return _flag(row, field) == (field == "active")


def _day(row: Record, field: str) -> str | None:
    value = row[field]
    if _empty(value):
        return None
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise MalformedValueError(f"its {field} is {value!s:.40}")
    return value


def _instant(row: Record, field: str) -> str | None:
    value = row[field]
    if _empty(value):
        return None
    if not moment_of(value):
        raise MalformedValueError(f"its {field} is {value!s:.40}")
    return moment_of(value)


def _id(row: Record, field: str) -> int | None:
    return related(row, field, field)[0] or None


def _name(row: Record, field: str) -> str | None:
    return related(row, field, field)[1] or None


def _ids(row: Record, field: str) -> list[int]:
    value = row[field]
    if not isinstance(value, list):
        raise MalformedValueError(f"its {field} is {value!s:.40}")
    return [positive(number) for number in value]


def _companies(row: Record, field: str) -> list[int]:
    """An account's companies; before 18 it had only one."""
    if field == "company_ids":
        return sorted(_ids(row, field))
    company = _id(row, field)
    return [company] if company else []


def _each(value: Callable[[Record, str], object], names: str) -> list[Served]:
    """Fields of one type, with the same names as in Odoo."""
    return [Served(name=name, fields=(name,), value=value) for name in names.split()]


def _linked(*names: str) -> list[Served]:
    """References, each as id and name: "partner" as partner_id and partner_name."""
    found = []
    for name in names:
        found.append(Served(name=f"{name}_id", fields=(f"{name}_id",), value=_id))
        found.append(Served(name=f"{name}_name", fields=(f"{name}_id",), value=_name))
    return found


_WRITTEN: Final = _each(_instant, "write_date create_date")

CONTACT: Final = (
    *_each(_text, "name display_name email phone mobile vat street street2 zip city"),
    *_each(_flag, "active is_company"),
    *_each(_id, "parent_id commercial_partner_id country_id company_id"),
    Served(name="country", fields=("country_id",), value=_name),
    Served(name="company_name", fields=("company_id",), value=_name),
    # Not their ranks: posting raises those in SQL, of which no time tells, and nobody uses them.
    *_WRITTEN,
)
MOVE: Final = (
    *_each(_number, "name"),
    *_each(_text, "move_type state payment_state ref payment_reference invoice_origin narration"),
    *_each(_amount, "amount_untaxed amount_tax amount_total amount_residual"),
    *_linked("partner", "currency", "company", "journal"),
    *_each(_id, "commercial_partner_id"),
    *_each(_day, "date invoice_date invoice_date_due"),
    *_WRITTEN,
)
MOVE_LINE: Final = (
    *_each(_text, "name display_type"),
    *_each(_amount, "quantity price_unit discount price_subtotal price_total"),
    *_each(_id, "product_id account_id"),
    *_each(_ids, "tax_ids"),
)
PAYMENT: Final = (
    *_each(_number, "name"),
    *_each(_text, "state payment_type partner_type payment_reference"),
    Served(name="memo", fields=("memo", "ref"), value=_text),
    Served(name="payment_method_name", fields=("payment_method_line_id",), value=_name),
    # Its name and code are looked up, and it is left out again.
    Served(name="payment_method_id", fields=("payment_method_line_id",), value=_id),
    *_each(_amount, "amount"),
    *_linked("partner", "currency", "company", "journal"),
    *_each(_id, "move_id"),
    *_each(_day, "date"),
    *_WRITTEN,
)
ORDER: Final = (
    *_each(_text, "name state client_order_ref origin invoice_status"),
    *_each(_amount, "amount_untaxed amount_tax amount_total"),
    *_linked("partner", "currency", "company"),
    *_each(_id, "partner_invoice_id user_id"),
    *_each(_day, "validity_date"),
    *_each(_instant, "date_order"),
    *_WRITTEN,
)
ORDER_LINE: Final = (
    *_each(_text, "name display_type"),
    Served(name="quantity", fields=("product_uom_qty",), value=_amount),
    *_each(_amount, "price_unit discount price_subtotal price_total"),
    *_each(_id, "product_id"),
    Served(name="tax_ids", fields=("tax_ids", "tax_id"), value=_ids),
)
ACCOUNT: Final = (
    *_each(_text, "code name account_type internal_group"),
    *_each(_flag, "reconcile non_trade"),
    Served(name="active", fields=("active", "deprecated"), value=_open),
    Served(name="company_ids", fields=("company_ids", "company_id"), value=_companies),
    *_linked("currency"),
    *_WRITTEN,
)
TRANSACTION: Final = (
    *_each(_text, "name ref move_name display_type parent_state matching_number"),
    *_each(_amount, "debit credit balance amount_currency amount_residual"),
    *_linked("partner", "currency", "company", "journal"),
    *_each(_id, "move_id account_id tax_line_id"),
    *_each(_ids, "tax_ids"),
    *_each(_flag, "reconciled"),
    *_each(_day, "date date_maturity"),
    *_WRITTEN,
)


class Layout:
    """How one server names the served fields of a model; `fields` are those to read."""

    def __init__(self, served: Iterable[Served], existing: Collection[str] | None) -> None:
        """`existing` are the server's fields; None if they were not read."""
        self._chosen = {
            s: next((f for f in s.fields if existing is None or f in existing), "") for s in served
        }
        self.fields = tuple(dict.fromkeys(field for field in self._chosen.values() if field))

    def of(self, row: Record) -> Json:
        """The served fields of a row; MalformedValueError if a value has the wrong type."""
        return {s.name: s.value(row, field) if field else None for s, field in self._chosen.items()}


def all_fields(served: Iterable[Served]) -> list[str]:
    """Every name of these fields in any version."""
    return sorted({field for s in served for field in s.fields})
