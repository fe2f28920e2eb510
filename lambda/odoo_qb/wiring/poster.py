"""What the poster is built from."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from odoo_qb import settings
from odoo_qb.operations.connections import Connections
from odoo_qb.posting.messages import MessageConsumer
from odoo_qb.posting.poster import Poster
from odoo_qb.quickbooks.client import CALLS_PER_MINUTE, QuickBooksClient
from odoo_qb.quickbooks.connection import Connection
from odoo_qb.wiring.base import Wiring

_ALERTS_NOTE: Final = "mail#poster"


class PosterWiring(Wiring):
    """The parts of the poster."""

    @cached_property
    def credentials(self) -> dict[str, Any]:
        """The app's id and secret, and the refresh tokens given to Terraform."""
        return self.secret("QB_SECRET_ARN")

    @cached_property
    def _connections(self) -> dict[str, Connection]:
        return {}

    @cached_property
    def _quickbooks(self) -> dict[str, QuickBooksClient]:
        return {}

    def connection(self, company: str) -> Connection:
        """A company's connection."""
        if company not in self._connections:
            self._connections[company] = Connection(
                company=company,
                table=self.table,
                secrets=self.client("secretsmanager"),
                secret_id=settings.environment("QB_TOKEN_SECRET_PREFIX") + company,
                seed_token=self.credentials["refresh_tokens"].get(company, ""),
                client_id=self.credentials["client_id"],
                client_secret=self.credentials["client_secret"],
                oauth_url=settings.environment("QB_OAUTH_URL"),
                clock=self.now,
                sleep=self.wait,
            )
        return self._connections[company]

    def quickbooks(self, company: str) -> QuickBooksClient:
        """A company's QuickBooks client, ready for the next bill or list."""
        if company not in self._quickbooks:
            self._quickbooks[company] = QuickBooksClient(
                connection=self.connection(company),
                realm_id=self.companies[company].realm_id,
                api_url=settings.environment("QB_API_URL"),
                calls_per_minute=float(
                    settings.optional("QB_CALLS_PER_MINUTE") or CALLS_PER_MINUTE
                ),
                sleep=self.wait,
            )
        return self._quickbooks[company].begin_batch()

    @cached_property
    def poster(self) -> Poster:
        """The poster of bills."""
        sandbox = "sandbox-" in settings.environment("QB_API_URL")
        return Poster(
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            quickbooks=self.quickbooks,
            disconnected=self.connections.note_broken,
            alarm=self._alarm,
            web_url=f"https://{'sandbox.' if sandbox else ''}qbo.intuit.com",
            clock=self.now,
        )

    @cached_property
    def consumer(self) -> MessageConsumer:
        """The consumer of queue messages."""
        return MessageConsumer(poster=lambda: self.poster, queue=self.queue)

    @cached_property
    def connections(self) -> Connections:
        """The connections of all companies."""
        return Connections(
            companies=self.companies,
            documents=self.documents,
            connection=self.connection,
            quickbooks=self.quickbooks,
            alarm=self._alarm,
            count=self.count,
            clock=self.now,
        )

    def _alarm(self, subject: str, text: str) -> None:
        """Mail what is urgent for the operator; the rest is in the extractor's e-mails."""
        self.alerts(_ALERTS_NOTE).mail(subject, [text])
