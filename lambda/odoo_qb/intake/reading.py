"""The fields of an invoice from JSON, with a problem for each that has no valid form. No I/O.

A problem never repeats what was given: it is written into histories, logs and e-mails, and the
field may hold a person's name or address.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Final

from odoo_qb.intake.amounts import Inexact, exact
from odoo_qb.intake.invoice import Draft, Item, Problem
from odoo_qb.sentences import one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from odoo_qb.exact_json import Json

KNOWN: Final = (
    *("invoiceId", "customerId", "customerEmail", "amount", "dueDate", "description", "items"),
)
OF_AN_ITEM: Final = ("description", "quantity", "rate")
ID: Final = 100  # characters
TEXT: Final = 1000
ITEMS: Final = 500
WHOLE: Final = 200_000  # Step Functions passes on 262,144 bytes, an invoice with what we add
_PARTS_OF_A_CENT: Final = 6  # decimals of a quantity or a rate: 0.3333 hours, a tariff per kWh
_NAMES: Final = 10  # of unknown fields, in a note
_EMAIL_LENGTH: Final = 254
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# Plausible, not proven: what most servers deliver, without quotes and comments (RFC 5321, 4.1.2).
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_MISSING: Final = "This field is required."


class Reader:
    """Reads an invoice; `problems` and `notes` say what was found on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def read(self, event: object) -> Draft:
        """The fields of {"invoice": {…}} that have a valid form."""
        given = event.get("invoice") if isinstance(event, dict) else None
        if not isinstance(given, dict):
            self._wrong("invoice", 'Give an object: {"invoice": {"invoiceId": …}}.')
            return Draft()
        if len(json.dumps(given)) > WHOLE:
            self._wrong("invoice", f"It can have up to {WHOLE:,} characters as JSON.")
            return Draft(invoice_id=self._id("invoiceId", given))
        draft = Draft(
            invoice_id=self._id("invoiceId", given),
            customer_id=self._id("customerId", given),
            customer_email=self._email(given.get("customerEmail")),
            amount=self._amount(given.get("amount")),
            due_date=self._date(given.get("dueDate")),
            description=self._text("description", given.get("description")),
            items=self._items(given.get("items")),
            given=given,
        )
        self._note_unknown(given)
        return draft

    def _wrong(self, name: str, message: str) -> None:
        self.problems.append(Problem(field=name, message=message))

    def _id(self, name: str, given: Json) -> str | None:
        value = given.get(name)
        if value is None or value == "":
            self._wrong(name, _MISSING)
        elif not isinstance(value, str):
            self._wrong(name, "It must be text.")
        elif len(value) > ID or not value.isprintable() or value != value.strip():
            self._wrong(
                name,
                f"It can have up to {ID} characters, without line breaks, invisible characters or"
                " spaces around it.",
            )
        else:
            return value
        return None

    def _email(self, value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and len(value) <= _EMAIL_LENGTH and _EMAIL.fullmatch(value):
            return value
        self._wrong("customerEmail", "It must be an e-mail address, such as name@example.com.")
        return None

    def _amount(self, value: object) -> Decimal | None:
        if value is None or value == "":
            self._wrong("amount", _MISSING)
            return None
        return self._number("amount", value, decimals=2)

    def _number(self, name: str, value: object, *, decimals: int) -> Decimal | None:
        try:
            return exact(value, decimals=decimals)
        except Inexact as reason:
            self._wrong(name, str(reason))
            return None

    def _date(self, value: object) -> date | None:
        if value is None or value == "":
            self._wrong("dueDate", _MISSING)
            return None
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass  # 2026-02-30
        self._wrong("dueDate", "It must be a day of the calendar in the form YYYY-MM-DD.")
        return None

    def _text(self, name: str, value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, str) and len(value) <= TEXT:
            return value
        self._wrong(name, f"It must be text of up to {TEXT} characters.")
        return None

    def _items(self, value: object) -> tuple[Item, ...] | None:
        if value is None:
            return None
        if not isinstance(value, list) or not 0 < len(value) <= ITEMS:
            self._wrong("items", f"Give a list of 1 to {ITEMS} items, or leave it out.")
            return None
        read = [self._item(f"items[{n}]", item) for n, item in enumerate(value)]
        found = [item for item in read if item is not None]
        return tuple(found) if len(found) == len(read) else None

    def _item(self, place: str, given: object) -> Item | None:
        if not isinstance(given, dict):
            self._wrong(place, "An item is an object with description, quantity and rate.")
            return None
        for name in (n for n in OF_AN_ITEM if given.get(n) is None):
            self._wrong(f"{place}.{name}", _MISSING)
        description = self._text(f"{place}.description", given.get("description"))
        quantity, rate = (
            self._number(f"{place}.{name}", value, decimals=_PARTS_OF_A_CENT)
            if (value := given.get(name)) is not None
            else None
            for name in ("quantity", "rate")
        )
        self._note_unknown(given, f"{place}.")
        if description is None or quantity is None or rate is None:
            return None
        return Item(description=description, quantity=quantity, rate=rate)

    def _note_unknown(self, given: Json, place: str = "") -> None:
        known = OF_AN_ITEM if place else KNOWN
        unknown = [f"{place}{one_line(n, ID)}" for n in given if n not in known]
        if unknown:
            self.notes.append(f"Kept as given, without a check: {_listed(unknown)}.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(part.removesuffix(".") for part in shorten(list(names), _NAMES))
