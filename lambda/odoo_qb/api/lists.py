"""A page of a list: by skip and limit where the mirror counts, else by going through it.

Whole lists, and those by move_type and state, are counted: their pages are found at once, and their
length is known. Others are read from the beginning, or from a cursor, as far as a request may.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.api import walk
from odoo_qb.api.problem import Problem
from odoo_qb.exact_json import to_json
from odoo_qb.mirror.content import data_of
from odoo_qb.mirror.listing import held, page
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from odoo_qb.api.shapes import Shape
    from odoo_qb.exact_json import Json
    from odoo_qb.mirror.listing import Held
    from odoo_qb.store.mirror_table import MirrorTable

FARTHEST: Final = 10_000  # records that may be skipped in a list without counts
READ_MOST: Final = 10_000  # records that one request goes through
LARGEST: Final = 5_000_000  # bytes of an answer: Lambda takes 6 MB, with what surrounds them
_OTHER: Final = ("partner_id", "company_id", "account_id", "date_from", "date_to")
_DATES: Final = ("invoice_date", "date_order")  # by which a record is dated; else by its date
_LAST: Final = "9999-12-31"
_ID: Final = re.compile(r"[0-9]{10}")
_WRITTEN: Final = re.compile(r"([0-9]{4}-[0-9]{2}[0-9: -]*)?(#[0-9]{10}|~)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a list: the values of its parameters, and how its records are shown.

    A request without counts goes through `read_most` records.
    """

    values: Mapping[str, Any]
    shape: Shape
    now: datetime
    read_most: int = READ_MOST

    @property
    def exact(self) -> dict[str, str]:
        """The filters that the mirror counts by."""
        return {n: self.values[n] for n in keys.FILTERS if n in self.values}

    @property
    def other(self) -> Json:
        """The other filters."""
        return {n: self.values[n] for n in _OTHER if n in self.values}

    @property
    def newest_first(self) -> bool:
        """Whether what was written last comes first."""
        return bool(self.values["sort"] == "-write_date")

    @property
    def with_archived(self) -> bool:
        """Whether archived contacts are among them; other kinds' lists leave out none."""
        return bool(self.values.get("archived", True))

    def digest(self) -> str:
        """What tells this list from others: a cursor is refused in another one."""
        named = {**self.exact, **self.other, "sort": self.values["sort"]}
        told = [self.shape.name, self.values["connection"], self.with_archived, named]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(slots=True, kw_only=True)
class ListPage:
    """The shown records, the length of the list if it is known, and where to go on."""

    texts: list[str]
    state: Json
    total: int | None = None
    cursor: str = ""
    truncated: bool = False


def list_page(table: MirrorTable, wanted: Wanted) -> ListPage:
    """A page of a kind's records; Problem where skip or the cursor cannot be."""
    values = wanted.values
    skip, limit, cursor = values["skip"], values["limit"], values.get("cursor", "")
    if cursor and skip:
        raise _unfit("A list goes on by skip or by cursor. Leave one of them out.")
    counted = not wanted.other and not wanted.newest_first
    if skip > FARTHEST and not counted:
        raise _unfit(
            f"In a list that is sorted or filtered like this, skip goes up to {FARTHEST}."
            " Go on with cursor: each answer has the next one in X-Next-Cursor."
        )
    of = held(table, wanted.exact, with_archived=wanted.with_archived)
    found = ListPage(texts=[], state=of.state, total=None if wanted.other else of.total)
    if counted and not cursor:
        rows = page(table, wanted.exact, skip, limit, of=of).items
        _fill(found, wanted, ((str(row["sk"]), row) for row in rows), 0)
        if skip + len(found.texts) >= of.total:
            found.cursor = ""
        return found
    after, skip = _decode(wanted, cursor) if cursor else ("", skip)
    _fill(found, wanted, _walked(table, wanted, of, after), skip)
    return found


def _fill(found: ListPage, wanted: Wanted, rows: Iterable[walk.Placed], skip: int) -> None:
    """Show as many records as are asked for, fit into an answer, and can be gone through."""
    size, last = 0, ""
    for number, (place, item) in enumerate(rows, 1):
        if item is not None and _matches(item, wanted):
            if skip:
                skip -= 1
            else:
                text = shown(wanted, item)
                size += sent_size(text)
                if size > LARGEST and found.texts:
                    found.truncated = True
                    found.cursor = _encode(wanted, last, skip)
                    return
                found.texts.append(text)
        last = place
        if len(found.texts) == wanted.values["limit"] or number == wanted.read_most:
            found.cursor = _encode(wanted, last, skip)
            return


def shown(wanted: Wanted, item: Json) -> str:
    """A record as JSON; Problem where it alone is too large for an answer."""
    text = to_json(wanted.shape.of(item, every_field=wanted.values.get("fields") == "all"))
    if sent_size(text) > LARGEST:
        raise _unfit(
            f"The record {int(item['sk'])} is too large to be sent with every field."
            " Leave out fields=all."
        )
    return text


def sent_size(text: str) -> int:
    """The bytes of a JSON text within Lambda's answer, which is JSON itself."""
    return len(text) + text.count('"') + text.count("\\")


def _walked(table: MirrorTable, wanted: Wanted, of: Held, after: str) -> Iterator[walk.Placed]:
    limit = wanted.values["limit"]
    if not of.counts:
        return iter(())
    if wanted.newest_first:
        # A day ahead: where the source's clock may already be.
        last = f"{wanted.now + timedelta(days=1):%Y-%m}"
        return walk.newest_first(table, (last, str(of.state.get("oldest", ""))), after, limit)
    if "partner_id" in wanted.other:
        return walk.of_partner(table, wanted.other["partner_id"], after)
    return walk.by_id(table, of.counts, after, None if wanted.other else limit)


def _matches(item: Json, wanted: Wanted) -> bool:
    """Whether a record is one of the list's."""
    if not wanted.with_archived and item.get("state") == keys.ARCHIVED:
        return False
    if any(item.get(name) != value for name, value in wanted.exact.items()):
        return False
    filters = wanted.other
    if not filters:
        return True
    data = data_of(item)
    same = all(data.get(n) == filters[n] for n in ("partner_id", "account_id") if n in filters)
    ours = "company_id" not in filters or filters["company_id"] in _companies(data)
    return same and ours and _in_time(data, filters)


def _in_time(data: Json, filters: Json) -> bool:
    """Whether a record is dated within date_from and date_to; one without a date is not."""
    if "date_from" not in filters and "date_to" not in filters:
        return True
    dated = next((name for name in _DATES if name in data), "date")
    day = str(data.get(dated) or "")[:10]
    return bool(day) and filters.get("date_from", "") <= day <= filters.get("date_to", _LAST)


def _companies(data: Json) -> Collection[int]:
    """The companies a record belongs to; an account may belong to several."""
    companies = data.get("company_ids")
    return companies if isinstance(companies, list) else (data.get("company_id") or 0,)


# -- cursors ---------------------------------------------------------------------------------------


def _encode(wanted: Wanted, place: str, skip: int) -> str:
    text = json.dumps([place, skip, wanted.digest()], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(wanted: Wanted, cursor: str) -> tuple[str, int]:
    """The place in a cursor, and how many records are still to be skipped after it."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place, skip, digest = json.loads(text)
        fits = digest == wanted.digest() and bool(_place(wanted).fullmatch(place))
        if fits and isinstance(skip, int) and 0 <= skip <= FARTHEST:
            return place, skip
    except (binascii.Error, ValueError, TypeError):
        pass
    raise _unfit(
        "This cursor does not belong to this list. Take X-Next-Cursor from an answer with the same"
        " parameters, or start without a cursor."
    )


def _place(wanted: Wanted) -> re.Pattern[str]:
    return _WRITTEN if wanted.newest_first else _ID


def _unfit(sentence: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence)
