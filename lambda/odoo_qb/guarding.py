"""One bad record never stops the others: it is reported to the operator, and the run continues."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

logger = Logger(child=True)

# What a malformed record raises: something is missing, or has another type.
DAMAGE: Final = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
OF_AWS: Final = (BotoCoreError, ClientError)
UNKNOWN: Final = "it could not be processed. The function's log says why."
_RESTORE: Final = "Compare its item in the table with the table's backup, and correct it."
_PREFIX: Final = "odoo-"

_INSTANTS: Final = ("created_at", "updated_at")
_TEXTS: Final = (
    "company", "odoo_name", "move_type", "status", "digest", "currency", "bill_reference",
    "bill_date", "accounting_date", "due_date", "payment_terms", "lines_key", "pdf_key",
    "nothing_to_post",
)  # fmt: skip
_NUMBERS: Final = (
    "odoo_id", "revision", "version", "amount_untaxed", "amount_tax", "amount_total",
    "company_total", "line_count",
)  # fmt: skip
_PARTS: Final = ("preflight", "quickbooks", "error", "link", "claim")  # optional
# Lists, and the keys of their rows; None if the rows are text.
_ROWS: Final[Mapping[str, tuple[str, ...] | None]] = {
    "lines": ("kind", "text", "amount", "taxes"),
    "documents": ("odoo_id", "name", "type", "size", "sha256"),
    "approvals": ("by", "digest"),
    "cards": ("channel", "ts", "digest", "retired"),
    "attempts": ("number", "outcome"),
    "history": ("at", "from", "to", "digest", "prev"),
    "problems": None,
    "warnings": None,
}


class BadRecords:
    """The records that could not be processed in a run; `guard` and `each` continue after one."""

    def __init__(self) -> None:
        self._found: dict[str, str] = {}

    def note(self, about: str, what: str) -> None:
        """Report a record; the first report about it is kept."""
        self._found.setdefault(one_line(about, NAME), one_line(what))

    @property
    def lines(self) -> list[str]:
        """The reports, a line each, for an e-mail."""
        return sorted(f"{about}: {what}" for about, what in self._found.items())

    def guard[T](self, record: object, act: Callable[[], T], otherwise: T) -> T:
        """What `act` returns; `otherwise` if the record, or AWS for this record, makes it fail."""
        try:
            return act()
        except DAMAGE:
            logger.exception("a record could not be processed", entry_id=entry_id_of(record))
            self.note(label(record), complaint(record))
        except OF_AWS as error:
            self.note(label(record), f"{of_aws(error)}. The next run tries again.")
        return otherwise

    def each[R, T](self, records: Iterable[R], act: Callable[[R], T]) -> Iterator[T]:
        """What `act` returns for each record, without those that make it fail."""
        for record in records:
            none: tuple[T, ...] = ()
            yield from self.guard(record, partial(_one, act, record), none)

    def where[R](self, records: Iterable[R], question: Callable[[R], object]) -> list[R]:
        """The records for which `question` is true."""
        return [r for r, yes in self.each(records, lambda r: (r, question(r))) if yes]

    def numbers(self, entry_ids: Iterable[str]) -> list[int]:
        """The Odoo ids of bills, without items that only look like a bill."""
        return list(self.each(entry_ids, number_of))


def _one[R, T](act: Callable[[R], T], record: R) -> tuple[T, ...]:
    return (act(record),)


def number_of(entry_id: str) -> int:
    """The Odoo id in an entry_id: "odoo-42" -> 42; ValueError if it is not one."""
    prefix, number = entry_id[: len(_PREFIX)], entry_id[len(_PREFIX) :]
    if prefix != _PREFIX or not (number.isascii() and number.isdecimal()):
        raise ValueError("no bill's name")
    return int(number)


def of_aws(error: Exception) -> str:
    """AWS's error code."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    return f"AWS: {code or type(error).__name__}"


def complaint(record: object) -> str:
    """What is wrong with a record and what to do, if that is known."""
    if not isinstance(record, dict):
        return UNKNOWN
    flaw = flaw_of(record)
    return f"{flaw}. {_RESTORE}" if flaw else UNKNOWN


def flaw_of(item: Mapping[str, Any]) -> str:
    """The first flaw in a bill's item; "" if none is found."""
    for name in (*_TEXTS, *_INSTANTS, *_NUMBERS, *_ROWS, "vendor"):
        if name not in item:
            return f'it has no "{name}"'
    wrong = [n for n in (*_TEXTS, *_INSTANTS) if not isinstance(item[n], str)]
    wrong += [n for n in _NUMBERS if not isinstance(item[n], int | Decimal)]
    wrong += [n for n in _INSTANTS if n not in wrong and not _is_instant(item[n])]
    wrong += [n for n in _PARTS if not isinstance(item.get(n) or {}, dict)]
    wrong += [n for n, keys in _ROWS.items() if not _are_rows(item[n], keys)]
    wrong += (
        [] if item["vendor"] is None or _has(item["vendor"], ("odoo_id", "name")) else ["vendor"]
    )
    if not wrong:
        return ""
    value = one_line(json.dumps(item[wrong[0]], default=str), 40)
    return f'its "{wrong[0]}" is not valid ({value})'


def label(record: object) -> str:
    """A record by the names people know: Odoo's number, entry_id, company."""
    if isinstance(record, str):
        return one_line(record, NAME)
    name, entry_id, company = (_part(record, k) for k in ("odoo_name", "entry_id", "company"))
    known = ", ".join(p for p in (entry_id, company) if p)
    return f"{name} ({known})" if name and known else name or known or "a record without a name"


def _part(record: object, name: str) -> str:
    value = record.get(name) if isinstance(record, dict) else getattr(record, name, "")
    return one_line(value, NAME) if isinstance(value, str) else ""


def entry_id_of(record: object) -> str:
    """A bill's id, for the log; "" if the record has none."""
    return record if isinstance(record, str) else _part(record, "entry_id")


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _are_rows(value: object, keys: tuple[str, ...] | None) -> bool:
    if not isinstance(value, list):
        return False
    return all(isinstance(v, str) if keys is None else _has(v, keys) for v in value)


def _has(value: object, keys: tuple[str, ...]) -> bool:
    return isinstance(value, dict) and all(k in value for k in keys)
