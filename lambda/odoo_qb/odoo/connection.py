"""HTTP to one Odoo server: requests are counted, and only JSON is accepted as an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import requests

from odoo_qb.http_session import HttpSession

if TYPE_CHECKING:
    from odoo_qb.odoo.failures import Failures
    from odoo_qb.odoo.values import Record

ANSWER_SECONDS: Final = 60.0  # Odoo's own limit is 120
_CONNECT_SECONDS: Final = 5.0


class Connection:
    """One server, for every protocol; `calls` and `clock` are as of the last request."""

    def __init__(
        self, *, url: str, failures: Failures, session: HttpSession | None, answer_seconds: float
    ) -> None:
        self.failures = failures
        self.session = session or HttpSession()
        self.calls = 0
        self.clock: datetime | None = None
        self._base = url
        self._timeout = (_CONNECT_SECONDS, answer_seconds)

    def post(
        self, path: str, body: Record, headers: dict[str, str] | None = None
    ) -> requests.Response:
        """Send JSON; Unavailable if there is no answer."""
        self.calls += 1
        try:
            response = self.session.post(
                f"{self._base}{path}", json=body, headers=headers, timeout=self._timeout
            )
        except requests.Timeout as error:
            raise self.failures.silent() from error
        except ValueError:  # an invalid address or header, which the message would repeat
            raise self.failures.unreachable() from None
        except requests.RequestException as error:
            raise self.failures.unreachable() from error
        self.clock = _date_of(response)
        return response

    def json(self, response: requests.Response) -> Any:  # noqa: ANN401 - Odoo's JSON
        """The JSON of an answer, with exact decimals; Unavailable if there is none."""
        if "json" not in response.headers.get("Content-Type", ""):
            raise self.failures.no_data(response.status_code)
        try:
            return json.loads(response.content, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise self.failures.broken_off() from error


def _date_of(response: requests.Response) -> datetime | None:
    try:
        date = parsedate_to_datetime(response.headers.get("Date", ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
