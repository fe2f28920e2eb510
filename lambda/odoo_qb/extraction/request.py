"""A run's request, parsed from an invocation's payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.sentences import NAME, one_line

if TYPE_CHECKING:
    from odoo_qb.company import Company

_KNOWN: Final = ("company", "dry_run", "entry_ids", "full", "since")
_LARGEST_ID: Final = 2**31 - 1  # PostgreSQL's limit for Odoo's ids
_DIGITS: Final = 100  # Python refuses to parse thousands of digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one run should do. Only a plain run (all defaults) moves the watermark."""

    company: str = ""
    since: date | None = None
    odoo_ids: tuple[int, ...] = ()
    full: bool = False
    dry_run: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether this is the scheduled run: everything since the last one."""
        return self == Request()

    @property
    def is_scheduled(self) -> bool:
        """Whether the run covers every company: the scheduled one, or the daily full one."""
        return self.is_plain or self == Request(full=True)

    @property
    def reports_all(self) -> bool:
        """Whether a person named the bills, and gets the outcome of each."""
        return bool(self.odoo_ids) and not self.full


def request_of(event: object, companies: Mapping[str, Company]) -> Request:
    """The request in a payload; null counts as missing. Refused if it is invalid."""
    if not isinstance(event, Mapping):
        raise Refused('Send an object like {"company": "1MD", "dry_run": true}.')
    given = {str(k): v for k, v in event.items() if v is not None}
    unknown = sorted(set(given) - set(_KNOWN))
    if unknown:
        name = one_line(unknown[0], NAME)
        raise Refused(f"{name} is not an option. Use {', '.join(_KNOWN)}.")
    company = given.get("company", "")
    if not isinstance(company, str) or company not in {"", *companies}:
        raise Refused(
            f"There is no company {one_line(str(company), NAME)}. Use one of"
            f" {', '.join(sorted(companies))}."
        )
    for flag in ("dry_run", "full"):
        if not isinstance(given.get(flag, False), bool):
            raise Refused(f"{flag} must be true or false.")
    return Request(
        company=company,
        since=_since(given.get("since")),
        odoo_ids=_ids(given.get("entry_ids")),
        full=bool(given.get("full")),
        dry_run=bool(given.get("dry_run")),
    )


def audited(value: object) -> str:
    """The id of the bill to audit; Refused if it is not one."""
    number = _number(value)
    if number is None or not isinstance(value, str):
        raise Refused("audit takes an id like odoo-42.")
    return f"odoo-{number}"


def _number(name: object) -> int | None:
    """The Odoo id in a name like odoo-42; None if it is not one."""
    if isinstance(name, int):
        return name if not isinstance(name, bool) and 0 <= name <= _LARGEST_ID else None
    digits = name.removeprefix("odoo-") if isinstance(name, str) else ""
    is_id = digits.isdecimal() and len(digits) <= _DIGITS and int(digits) <= _LARGEST_ID
    return int(digits) if is_id else None


def _since(value: object) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise Refused(
            f"since must be a bill date like 2026-01-31, not {one_line(str(value), NAME)}."
        ) from None


def _ids(value: object) -> tuple[int, ...]:
    if value is None:
        return ()
    names = value if isinstance(value, list) else [value]
    numbers = [_number(n) for n in names]
    if not numbers or None in numbers:
        raise Refused('entry_ids must be a list like ["odoo-42"].')
    return tuple(dict.fromkeys(n for n in numbers if n is not None))
