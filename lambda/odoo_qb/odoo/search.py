"""Search Odoo: which bills changed, which exist, and which companies our user sees."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.bill.model import MOVE_TYPES
from odoo_qb.errors import Refused
from odoo_qb.odoo.answers import MalformedRecords
from odoo_qb.odoo.client import PAGE_SIZE
from odoo_qb.odoo.records import POSTED
from odoo_qb.odoo.values import MalformedValueError, by_id, id_of, moment_of, positive, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from odoo_qb.guarding import BadRecords
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.values import Record

Stamp = tuple[int, str, str]  # of a file: its id, the text of its last write, its checksum

_OLDEST_FIRST: Final = "write_date, id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A document found by a search, as it was then: `written` is Odoo's text, in UTC.

    `stamps` are its files that changed lately: id, time as Odoo's text, and checksum, which shows
    when a file's content was replaced in place.
    """

    odoo_id: int
    written: str = ""
    files: tuple[int, ...] = ()
    stamps: tuple[Stamp, ...] = ()

    @property
    def changed(self) -> str:
        """When it or one of its files was last written; "" if Odoo gave no valid date."""
        return max((self.written, *(at for _, at, _ in self.stamps)))

    def since(self, start: str) -> Changed:
        """The same document as a search from `start` on would find it."""
        return replace(self, stamps=tuple(s for s in self.stamps if s[1] >= start))


def search_changed(
    odoo: OdooClient,
    *,
    watermark: str,
    dated_from: date,
    also: Collection[int] = (),
    bad_records: BadRecords | None = None,
) -> list[Changed]:
    """Purchase documents changed since `watermark` (Odoo's UTC text), oldest change first.

    Without a watermark: all dated from `dated_from` on, or not dated yet. The search does not
    filter by state, which would hide a bill that was cancelled or reset. One list of ids, read by
    id afterwards, loses nothing if rows move while pages are read. The ids in `also` are listed if
    they exist and our user sees them, changed or not. Rows without an id go to `bad_records`.
    """
    domain: list[object] = [["move_type", "in", list(MOVE_TYPES)]]
    if also:
        domain += ["|", ["id", "in", sorted(also)]]
    if watermark:
        # An attachment's change does not touch its bill's write_date.
        domain += ["|", ["write_date", ">=", watermark]]
        domain += [["attachment_ids.write_date", ">=", watermark]]
    else:
        domain += ["|", ["invoice_date", "=", False]]
        domain += [["invoice_date", ">=", dated_from.isoformat()]]
    fields = ["write_date", "attachment_ids"]
    try:
        rows = odoo.call("account.move", "search_read", domain, fields=fields, order=_OLDEST_FIRST)
    except MalformedRecords as malformed:
        rows = malformed.valid()
        if bad_records:
            bad_records.note("Odoo", "it lists documents without an id, so they cannot be read.")
    return [
        Changed(
            odoo_id=number,
            written=moment_of(row["write_date"]),
            files=_numbers(row["attachment_ids"]),
        )
        for number, row in by_id(rows).items()
    ]


def listed(odoo: OdooClient, ids: Sequence[int]) -> set[int]:
    """Which of these documents exist and are visible to our user."""
    domain = [["id", "in", list(ids)]]
    return set(by_id(_some(odoo, "account.move", domain, ("state",))))


def entered_late(odoo: OdooClient, since: date) -> list[int]:
    """Posted documents that were entered on or after a day but are dated before it."""
    domain = [["move_type", "in", list(MOVE_TYPES)], ["state", "=", POSTED]]
    domain += [["invoice_date", "<", since.isoformat()], ["create_date", ">=", since.isoformat()]]
    return list(by_id(_some(odoo, "account.move", domain, ("state",))))


def changed_files(odoo: OdooClient, ids: Sequence[int], since: str) -> dict[int, tuple[Stamp, ...]]:
    """The files of these documents written since a time (Odoo's UTC text), by document."""
    domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
    domain += [["write_date", ">=", since]]
    fields = ("res_id", "write_date", "checksum")
    found: dict[int, tuple[Stamp, ...]] = {}
    for number, row in by_id(_some(odoo, "ir.attachment", domain, fields)).items():
        stamp = (number, moment_of(row["write_date"]), text_of(row["checksum"]))
        with suppress(MalformedValueError):  # reported when the documents themselves are read
            document = id_of(row, "res_id")
            found[document] = (*found.get(document, ()), stamp)
    return found


def companies(odoo: OdooClient) -> list[str]:
    """The names of the companies that the user sees."""
    names = [text_of(row["name"]) for row in _some(odoo, "res.company", [], ("name",))]
    return sorted(name for name in names if name)


def company_id(odoo: OdooClient, name: str) -> int | None:
    """Odoo's id of the company with this name; None if the user has no access to it."""
    rows = _some(odoo, "res.company", [["name", "=", name]], ("name",))
    return next(iter(by_id(rows)), None)


def existing(odoo: OdooClient, ids: Sequence[int], company: int) -> set[int]:
    """Which of a company's documents exist; Refused if the user may not see one of them.

    Odoo leaves out what does not exist and refuses what is hidden, so an id missing from an answer
    is certainly gone. A malformed row raises Refused too, because then nothing is certain.
    """
    found: set[int] = set()
    context = {"allowed_company_ids": [company]}
    for start in range(0, len(ids), PAGE_SIZE):
        batch = list(ids[start : start + PAGE_SIZE])
        try:
            rows = odoo.call("account.move", "read", batch, fields=["state"], context=context)
        except MalformedRecords as malformed:
            raise Refused(str(malformed)) from malformed
        found.update(row["id"] for row in rows)
    return found


def _some(odoo: OdooClient, model: str, domain: object, fields: Sequence[str]) -> list[Record]:
    """The well-formed records that a search finds."""
    try:
        rows = odoo.call(model, "search_read", domain, fields=list(fields), order="id")
    except MalformedRecords as malformed:
        return malformed.valid()
    return cast("list[Record]", rows)


def _numbers(value: object) -> tuple[int, ...]:
    """A list of ids, sorted; () if it is not one."""
    try:
        return tuple(sorted(positive(i) for i in cast("list[object]", value or ())))
    except (MalformedValueError, TypeError):
        return ()
