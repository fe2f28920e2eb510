"""python-quickbooks' client with our session and timeouts, and no redirects."""

from __future__ import annotations

from typing import Any, Final, cast

import requests
from quickbooks.client import QuickBooks
from urllib3.filepost import encode_multipart_formdata

from odoo_qb.errors import Unavailable
from odoo_qb.http_session import HttpSession
from odoo_qb.quickbooks.error_codes import body_of, refusal_of

_READ_SECONDS: Final = (3.05, 20.0)
_WRITE_SECONDS: Final = (3.05, 45.0)  # less than the function's two minutes
MINOR_VERSION: Final = 75


class Session(HttpSession):
    """Our HTTP session, with the access token where python-quickbooks expects it."""

    access_token = ""


class Transport(QuickBooks):  # type: ignore[misc]  # python-quickbooks has no types
    """python-quickbooks with a configurable address, timeouts, and errors with their status."""

    base = ""

    @classmethod
    def at(cls, api_url: str, realm_id: str) -> Transport:
        """A client without a token; each call sets one."""
        client = cls(company_id=realm_id, minorversion=MINOR_VERSION)
        client.base = api_url.rstrip("/").removesuffix("/v3")
        client.session = Session()
        return client

    @property
    def api_url(self) -> str:
        """The address of the accounting API."""
        return f"{self.base}/v3"

    def process_request(
        self,
        request_type: str,
        url: str,
        headers: Any = "",  # noqa: ANN401 - as the library
        params: Any = "",  # noqa: ANN401 - as the library
        data: Any = "",  # noqa: ANN401 - as the library
    ) -> requests.Response:
        """Send one request; an answer that is not a success is raised as an error."""
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
        """Send files as binary parts: the library's base64 arrives corrupted.

        The boundary comes from the request id, so that a repeat has the same bytes.
        """
        params = {"minorversion": MINOR_VERSION, "requestid": request_id}
        body, content_type = encode_multipart_formdata(parts, boundary=request_id)
        headers = {"Accept": "application/json", "Content-Type": content_type}
        response = self.process_request("POST", url, headers, params, body)
        return body_of(response.text)
