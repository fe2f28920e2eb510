"""python-quickbooks' client with our session, our patience and no redirects."""

from __future__ import annotations

from typing import Any, Final, cast

import requests
from quickbooks.client import QuickBooks
from urllib3.filepost import encode_multipart_formdata

from odoo_qb.errors import Unavailable
from odoo_qb.http_session import HttpSession
from odoo_qb.quickbooks.error_codes import body_of, refusal_of

_READ_SECONDS: Final = (3.05, 20.0)
_WRITE_SECONDS: Final = (3.05, 45.0)  # within the function's own two minutes
MINOR_VERSION: Final = 75


class Session(HttpSession):
    """What python-quickbooks calls a session: ours, with the token beside it."""

    access_token = ""


class Transport(QuickBooks):  # type: ignore[misc]  # python-quickbooks has no types
    """python-quickbooks with an address of ours, timeouts, and errors that keep their status."""

    base = ""

    @classmethod
    def at(cls, api_url: str, realm_id: str) -> Transport:
        """A client that has no token yet; each call is given one."""
        client = cls(company_id=realm_id, minorversion=MINOR_VERSION)
        client.base = api_url.rstrip("/").removesuffix("/v3")
        client.session = Session()
        return client

    @property
    def api_url(self) -> str:
        """Where the accounting API lives."""
        return f"{self.base}/v3"

    def process_request(
        self,
        request_type: str,
        url: str,
        headers: Any = "",  # noqa: ANN401 - as the library
        params: Any = "",  # noqa: ANN401 - as the library
        data: Any = "",  # noqa: ANN401 - as the library
    ) -> requests.Response:
        """Send one request; an answer that is not a success is raised as what it means."""
        reading = request_type == "GET" or url.endswith("/query")
        try:
            response = self.session.request(
                request_type,
                url,
                headers={**headers, "Authorization": f"Bearer {self.session.access_token}"},
                params=params,
                data=data or None,
                timeout=_READ_SECONDS if reading else _WRITE_SECONDS,
            )
        except requests.RequestException as error:
            raise Unavailable("QuickBooks did not answer.") from error
        refusal = refusal_of(response.status_code, response.headers, response.text)
        if refusal:
            raise refusal
        return cast("requests.Response", response)

    def upload(self, url: str, parts: Any, request_id: str) -> object:  # noqa: ANN401 - as urllib3
        """Send files as binary parts: base64, as the library sends them, arrives broken.

        The boundary is the request id's, so that a repeat has the same bytes.
        """
        params = {"minorversion": MINOR_VERSION, "requestid": request_id}
        body, content_type = encode_multipart_formdata(parts, boundary=request_id)
        headers = {"Accept": "application/json", "Content-Type": content_type}
        response = self.process_request("POST", url, headers, params, body)
        return body_of(response.text)
