"""What the extractor is built from."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Final

from odoo_qb import settings
from odoo_qb.bill.retention import kept_since
from odoo_qb.extraction.run import ExtractionRun
from odoo_qb.odoo.client import OdooClient
from odoo_qb.wiring.base import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.guarding import BadRecords
    from odoo_qb.store.alerts import Alerts

ALERTS_NOTE: Final = "mail#extractor"


class ExtractorWiring(Wiring):
    """The parts of the extractor."""

    @cached_property
    def odoo(self) -> OdooClient:
        """Odoo, as the configured user."""
        secret = self.secret("ODOO_SECRET_ARN")
        return OdooClient(
            url=settings.environment("ODOO_API_URL"),
            database=secret["database"],
            username=secret["username"],
            api_key=secret["api_key"],
            sleep=self.wait,
        )

    @cached_property
    def mails(self) -> Alerts:
        """The extractor's e-mails to the operator."""
        return self.alerts(ALERTS_NOTE)

    def run(
        self, seconds_left: Callable[[], float], now: datetime, bad_records: BadRecords
    ) -> ExtractionRun:
        """A run with this many seconds left; it reports what it cannot process in `bad_records`."""
        return ExtractionRun(
            odoo=self.odoo,
            table=self.table,
            documents=self.documents,
            companies=self.companies,
            extract_since=date.fromisoformat(settings.environment("EXTRACT_SINCE")),
            kept_since=kept_since(now, settings.retention()),
            seconds_left=seconds_left,
            sleep=self.wait,
            bad_records=bad_records,
        )
