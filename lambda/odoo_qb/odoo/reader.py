"""Read vendor bills from Odoo page by page, in few calls; a bill that fails stops no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.errors import Refused
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.answers import MalformedRecords
from odoo_qb.odoo.lookup_reader import LookupReader, read_records
from odoo_qb.odoo.records import POSTED, document_of, unreadable_document
from odoo_qb.odoo.values import id_of, name_of, related_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.records import OdooDocument
    from odoo_qb.odoo.values import Record

logger = Logger(child=True)

_MOVE_FIELDS: Final = (
    "name", "move_type", "state", "ref", "commercial_partner_id", "company_id", "currency_id",
    "invoice_date", "date", "invoice_date_due", "invoice_payment_term_id", "amount_untaxed",
    "amount_tax", "amount_total", "amount_total_signed", "amount_residual", "invoice_origin",
    "payment_state", "create_uid", "write_uid", "create_date", "message_main_attachment_id",
)  # fmt: skip
_LINE_FIELDS: Final = (
    "move_id", "display_type", "name", "sequence", "account_id", "quantity", "price_unit",
    "price_subtotal", "tax_ids", "tax_line_id", "amount_currency", "date_maturity",
)  # fmt: skip
_FILE_FIELDS: Final = ("name", "res_id", "mimetype", "file_size", "checksum", "type")
# These stop the whole run; any other refusal may concern only one bill.
_OF_THE_CONNECTION: Final = ("AccessDenied", "AccessError", "OperationalError")
_UNREADABLE_AT_MOST: Final = 5  # with more, it is not the bills that are wrong


class BillReader:
    """Turns ids into bills, a page at a time; remembers names and accounts for one run."""

    def __init__(self, odoo: OdooClient, company_keys: Mapping[str, str]) -> None:
        self._odoo = odoo
        self._keys = company_keys  # Odoo's company name -> our key
        self._lookups = LookupReader(odoo, company_keys)
        self._unreadable_pages = 0

    def page(self, ids: Sequence[int]) -> list[OdooDocument]:
        """The documents in the order of `ids`; one that was deleted meanwhile is left out.

        If Odoo refuses a page, its halves are read, down to the bill that causes it.
        """
        return self._page(ids, is_part=False)

    def _page(self, ids: Sequence[int], *, is_part: bool) -> list[OdooDocument]:
        try:
            return self._whole_page(ids)
        except Refused as refusal:
            if refusal.code.endswith(_OF_THE_CONNECTION):
                raise
            if len(ids) == 1:
                self._unreadable_pages += 1
                if self._unreadable_pages > _UNREADABLE_AT_MOST:
                    raise
                return self._unreadable(ids[0], str(refusal))
        except (MalformedRecords, *DAMAGE) as damage:
            # If Odoo answers other parts of the page, the fault is in this bill.
            if isinstance(damage, MalformedRecords) and not is_part:
                damage.valid()
            # The error does not say which bill is malformed.
            if len(ids) == 1:
                logger.exception("a document could not be read", odoo_id=ids[0])
                return self._unreadable(ids[0], "Odoo's record of it is not valid")
        half = len(ids) // 2
        return self._page(ids[:half], is_part=True) + self._page(ids[half:], is_part=True)

    def _unreadable(self, number: int, why: str) -> list[OdooDocument]:
        fields = ("name", "company_id", "state", "move_type", "currency_id", "invoice_date")
        try:
            rows = read_records(self._odoo, "account.move", [number], fields)
        except MalformedRecords:
            rows = [{}]
        return [unreadable_document(number, row, self._keys, why) for row in rows]

    def _whole_page(self, ids: Sequence[int]) -> list[OdooDocument]:
        moves = read_records(self._odoo, "account.move", ids, _MOVE_FIELDS)
        found = {id_of(m, "id"): m for m in moves}
        wanted = {i: m for i, m in found.items() if name_of(m["company_id"]) in self._keys}
        posted = [i for i, m in wanted.items() if m["state"] == POSTED]
        lines = self._lines(posted)
        files = self._files(posted)
        names = self._lookups.learn(wanted, lines)
        return [
            document_of(found[i], lines.get(i, []), files.get(i, []), names)
            for i in ids
            if i in found
        ]

    def _lines(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        # All rows of the journal: later versions of Odoo may write new kinds.
        domain = [["move_id", "in", list(ids)]]
        # "move_id" would sort by account.move's own order; "id" is cheap and grouped here.
        rows = self._odoo.call(
            "account.move.line", "search_read", domain, fields=_LINE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: related_id(row, "move_id"))

    def _files(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
        rows = self._odoo.call(
            "ir.attachment", "search_read", domain, fields=_FILE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: id_of(row, "res_id"))


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
