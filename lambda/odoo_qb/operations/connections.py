"""The connections to QuickBooks: lists read again, tokens renewed, broken ones reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb.errors import Disconnected, Refused, Unavailable
from odoo_qb.quickbooks import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from odoo_qb.quickbooks.client import QuickBooksClient
    from odoo_qb.quickbooks.connection import Connection
    from odoo_qb.store.documents import Documents

logger = Logger(child=True)


class Count(Protocol):
    """A function that writes a CloudWatch metric."""

    def __call__(self, name: str, value: float, **about: str) -> None:
        """Write a metric; `about` goes beside it in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connections:
    """The connections of all companies; `alarm` mails a subject and text to the operator."""

    companies: Collection[str]
    documents: Documents
    connection: Callable[[str], Connection]
    quickbooks: Callable[[str], QuickBooksClient]
    alarm: Callable[[str, str], None]
    count: Count
    clock: Callable[[], datetime]

    def sync_reference(self, only: str) -> dict[str, Any]:
        """Read accounts, vendors and preferences again; a sentence for each company, or for one."""
        return self._each(self._sync, only)

    def check(self, only: str) -> dict[str, Any]:
        """Renew every token and count its days; a sentence for each company, or for one."""
        return self._each(self._check, only)

    def note_broken(self, company: str, refusal: Disconnected) -> None:
        """Mail the operator and record it, if this is the first to notice.

        In this order, so that a crash in between mails twice rather than never.
        """
        logger.error("not connected", company=company, reason=str(refusal))
        connection = self.connection(company)
        if not connection.knows(refusal):
            self.alarm(
                f"{company}: bills wait for a connection to QuickBooks",
                f"{company}: {refusal} Approved bills wait and are then posted automatically.",
            )
        connection.note_broken(refusal)

    def _each(self, do: Callable[[str], str], only: str) -> dict[str, Any]:
        """Do something for every company, or one; a failure of one does not stop the others."""
        answers: dict[str, str] = {}
        if only not in {"", *self.companies}:
            known = ", ".join(self.companies)
            return {"error": f"There is no company {only}. Use one of {known}."}
        for company in [only] if only else self.companies:
            try:
                answers[company] = do(company)
            except Disconnected as refusal:
                self.note_broken(company, refusal)
                answers[company] = str(refusal)
            except (Refused, Unavailable) as error:
                logger.warning("not done", company=company, reason=str(error))
                answers[company] = str(error)
            except (BotoCoreError, ClientError) as error:
                logger.exception("not done", company=company)
                answers[company] = f"A call to AWS failed: {type(error).__name__}."
        return {"companies": answers}

    def _sync(self, company: str) -> str:
        found = sync.sync(self.quickbooks(company), self.documents, company, self.clock())
        self.connection(company).note_works()
        accounts, vendors = len(found.accounts), len(found.vendors)
        return f"{found.company_name}: {accounts} accounts, {vendors} vendors"

    def _check(self, company: str) -> str:
        """Renew the token, which keeps it alive, and say how long it lasts.

        Also checks whether a company that was closed to us is open again.
        """
        connection = self.connection(company)
        days = connection.keep_alive()
        self.count("RefreshTokenDaysLeft", days, company=company)
        if connection.is_broken():
            self.quickbooks(company).company_info()
            connection.note_works()
        if connection.is_broken():
            return f"connected for {days} more days, but not open for posting; bills wait"
        return f"connected for {days} more days"
