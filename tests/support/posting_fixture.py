"""A poster's desk: the real posting code on moto and the QuickBooks simulator, one company.

Time is the test's: `desk.now` moves only when somebody waits or the test moves it.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
from moto import mock_aws

from odoo_qb.errors import Unavailable
from odoo_qb.posting.poster import Poster
from odoo_qb.quickbooks.client import QuickBooksClient
from odoo_qb.quickbooks.connection import Connection
from odoo_qb.store.attributes import attributes
from odoo_qb.store.documents import Documents
from odoo_qb.store.table import Table
from odoo_qb.timestamps import stamp
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION, make_table
from sandbox.quickbooks.server import Limits, Modes, QuickBooks, Realm
from tests.support.builders import a_bill, a_company, a_document, an_item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill, Document
    from odoo_qb.company import Company

REALM: Final = "9130350000000001"


@dataclass
class Desk:
    """The poster with everything around it."""

    quickbooks: QuickBooks
    url: str
    clients: dict[str, Any]
    company: Company
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    seed_token: str = "sandbox-refresh-north"
    waited: float = 0.0
    alarms: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)

    @property
    def realm(self) -> Realm:
        return self.quickbooks.realms[self.company.realm_id]

    @property
    def table(self) -> Table:
        return Table(self.clients["dynamodb"], "bills", retention=timedelta(days=2555))

    @property
    def documents(self) -> Documents:
        return Documents(self.clients["s3"], "documents")

    def clock(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waited += seconds
        self.now += timedelta(seconds=seconds)

    def connection(self, **given: Any) -> Connection:
        """As a cold function makes it, from parts of its own or those that are `given`."""
        parts: dict[str, Any] = {
            "company": "north",
            "table": self.table,
            "secrets": self.clients["secretsmanager"],
            "secret_id": "token/north",
            "seed_token": self.seed_token,
            "client_id": "sandbox-client",
            "client_secret": "sandbox-client-secret",
            "oauth_url": f"{self.url}/oauth2/v1/tokens/bearer",
            "clock": self.clock,
            "sleep": self.sleep,
        }
        return Connection(**parts | given)

    def api(self, url: str = "") -> QuickBooksClient:
        """A client of QuickBooks, or of what answers at another url in its place."""
        return QuickBooksClient(
            connection=self.connection(),
            realm_id=self.company.realm_id,
            api_url=url or self.url,
            calls_per_minute=1_000_000,
            sleep=self.sleep,
        )

    def poster(self) -> Poster:
        """As a cold function makes it."""
        api = self.api()
        return Poster(
            table=self.table,
            documents=self.documents,
            companies={"north": self.company},
            quickbooks=lambda _: api,
            disconnected=lambda _, refusal: self.alarms.append(str(refusal)),
            alarm=lambda subject, text: self.mails.append(f"{subject}\n{text}"),
            web_url="https://qbo.intuit.com",
            clock=self.clock,
        )

    def reconnect(self) -> None:
        """A person connects the company again and applies its new refresh token."""
        self.seed_token = f"reconnected-{self.now.timestamp()}"
        self.quickbooks.connect(REALM, self.seed_token)

    def approve(self, bill: Bill | None = None, **fields: Any) -> Item:
        """Put an approved bill into the table, with the bytes of its documents in S3."""
        bill = bill or a_bill()
        kept = tuple(
            self.documents.keep(bill, d, file_bytes(d.name), main=n == 0)
            for n, d in enumerate(bill.documents)
        )
        bill = replace(bill, documents=kept)
        approval = {"by": "U-APPROVER", "at": "2026-11-21T09:00:00.000Z", "digest": bill.digest()}
        item = an_item(bill, **{"status": "APPROVED", "approvals": [approval]} | fields)
        self.clients["dynamodb"].put_item(TableName="bills", Item=attributes(item))
        return item

    def post(self, item: Item, message_id: str = "m1", **arguments: Any) -> str:
        """Deliver one message; what the function would answer."""
        poster = self.poster()
        try:
            return poster.post(item["entry_id"], int(item["revision"]), message_id, **arguments)
        except Unavailable as error:
            return f"AGAIN: {error}"

    def retry(self, entry_id: str = "odoo-42") -> Item:
        """A person clicks Retry."""
        return self.table.change(
            self.stored(entry_id), to="APPROVED", actor="U-APPROVER", now=self.now
        )

    def decide(self, entry_id: str = "odoo-42") -> Item:
        """A person approves what is asked about."""
        item = self.stored(entry_id)
        approval = {"by": "U-APPROVER", "at": stamp(self.now), "digest": item["digest"]}
        return self.table.change(
            item,
            to="APPROVED",
            actor="U-APPROVER",
            now=self.now,
            values={"approvals": [approval]},
        )

    def stored(self, entry_id: str = "odoo-42") -> Item:
        found = self.table.get(entry_id)
        assert found
        return found


@contextmanager
def a_desk(
    modes: Modes | None = None, company: dict[str, Any] | None = None, **realm: Any
) -> Iterator[Desk]:
    """One US company unless `realm` says otherwise, nothing posted yet."""
    with mock_aws():
        desk: Desk
        holder: list[Desk] = []
        quickbooks = QuickBooks(
            modes=modes or Modes(),
            limits=Limits(enforced=False),
            clock=lambda: holder[0].now if holder else datetime(2026, 11, 21, tzinfo=UTC),
        )
        quickbooks.add_realm(REALM, "North Ltd", refresh_token="sandbox-refresh-north", **realm)
        clients: dict[str, Any] = {
            n: boto3.client(n, region_name=REGION) for n in ("dynamodb", "s3", "secretsmanager")
        }
        make_table(clients["dynamodb"])
        clients["s3"].create_bucket(
            Bucket="documents", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        clients["s3"].put_bucket_versioning(
            Bucket="documents", VersioningConfiguration={"Status": "Enabled"}
        )
        clients["secretsmanager"].create_secret(Name="token/north")
        with serve(quickbooks) as server:
            settings = {"default_account": "Uncategorized Expense"} | (company or {})
            desk = Desk(
                quickbooks=quickbooks,
                url=server.url,
                clients=clients,
                company=a_company(realm_id=REALM, **settings),
            )
            holder.append(desk)
            yield desk


def file_bytes(name: str) -> bytes:
    """What is in a file: a PDF, another one under another name."""
    return b"%PDF-1.4 " + name.encode()


def a_file(name: str, number: int = 501) -> Document:
    """A document as Odoo lists it; `approve` stores its bytes."""
    return a_document(name, odoo_id=number, size=len(file_bytes(name)))


def documents(desk: Desk) -> list[dict[str, Any]]:
    """Every bill and credit in QuickBooks."""
    found = [*desk.realm.bills.values(), *desk.realm.vendor_credits.values()]
    return [json.loads(json.dumps(d, default=str)) for d in found]
