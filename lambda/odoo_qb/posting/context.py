"""What posting and linking need: the bill as approved, and the QuickBooks snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.bill.item import bill_of, digests
from odoo_qb.errors import Altered, Disconnected, Refused
from odoo_qb.quickbooks import deep_links, sync
from odoo_qb.store.vendor_notes import note_id
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.company import Company
    from odoo_qb.exact_json import Json
    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.quickbooks.snapshot import Snapshot
    from odoo_qb.store.documents import Documents
    from odoo_qb.store.table import Table


logger = Logger(child=True)

SNAPSHOT_AGE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingContext:
    """The stores and clients for posting; `quickbooks` returns the client for a company key.

    `disconnected` is called with a company that must be connected again and the refusal that showed
    it; `alarm` mails a subject and text to the operator.
    """

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    quickbooks: Callable[[str], QuickBooksClient]
    disconnected: Callable[[str, Disconnected], None]
    alarm: Callable[[str, str], None]
    web_url: str
    clock: Callable[[], datetime]

    def bill(self, item: Item) -> Bill:
        """The bill as approved, with all its lines; Altered if the stored content has changed.

        The digest is computed again, because a change of an amount in the table or of a line in S3
        leaves the stored digest and the approval as they were.
        """
        rows = self.documents.lines(item)
        if rows == []:
            raise Refused(
                "The lines of this bill are gone from S3.",
                remedy=f"Restore {item['lines_key']} there, then retry. Or enter the bill in"
                " QuickBooks by hand and close it here.",
                code="lines",
            )
        bill = bill_of(item, rows)
        if item["digest"] not in digests(bill, item["digest"]):
            raise Altered(
                "The content of this bill is not what was approved: it was changed outside"
                " Odoo and this system. Nothing was sent.",
                remedy="Tell the operator. Once the bill changes in Odoo, approval will be"
                " requested again. Or enter it in QuickBooks by hand and close it here.",
                code="altered",
            )
        return bill

    def snapshot(self, company: Company, quickbooks: QuickBooksClient) -> Snapshot:
        """The snapshot of QuickBooks, read again if it is too old."""
        now = self.clock()
        snapshot = sync.load(self.documents, company)
        if snapshot is None or snapshot.taken_at < stamp(now - SNAPSHOT_AGE):
            snapshot = self.synced(company, quickbooks)
        return snapshot

    def synced(self, company: Company, quickbooks: QuickBooksClient) -> Snapshot:
        """A new snapshot of QuickBooks."""
        now = self.clock()
        found = sync.sync(quickbooks, self.documents, company.key, now)
        return sync.with_country(found, company)

    def note_of(self, bill: Bill) -> Json:
        """What the table remembers about the bill's vendor."""
        return self.table.read_note(note_id(bill)) if bill.vendor else {}

    def shown(self, entity: str, found: Json, realm_id: str) -> Json:
        """A QuickBooks document as the card shows it."""
        return {
            "type": entity,
            "id": str(found["Id"]),
            "doc_number": str(found.get("DocNumber", "")),
            "url": deep_links.build(self.web_url, realm_id, entity, str(found["Id"])),
            "posted_at": stamp(self.clock()),
        }

    def mail_alteration(self, item: Item, reason: str) -> None:
        """Mail that a stored bill was changed outside this system."""
        logger.error("altered", entry_id=item["entry_id"], company=item["company"], reason=reason)
        self.alarm(
            f"{item['company']}: a bill was modified outside this system",
            f"{item['odoo_name']} ({item['entry_id']}): {reason} Check who can write to the"
            ' table and the bucket, and call the extractor with {"audit":'
            f' "{item["entry_id"]}"}} to see the bill\'s history.',
        )
