"""What each of QuickBooks' refusals means for us. This table decides; nothing else does."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from odoo_qb.connection import THROTTLE_SECONDS
from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
GONE: Final = frozenset({"610", "2500"})  # what is referred to: an old snapshot may explain it
_AGAIN: Final = frozenset({"130", "140", "150"})
_SYSTEM: Final = 10_000  # from here on it is QuickBooks' own trouble
_KNOWN_ID: Final = "600"
_RENEW: Final = frozenset({"100", "110", "120", "3200"})
_COMPANY: Final = {  # nothing of this company can be posted until somebody acts
    "3100": "The app may not use this QuickBooks company: check qb_realm_ids, and that the"
    " company was connected with keys of the same kind (production or sandbox).",
    "3201": "The app may not use this QuickBooks company: check that it was connected with keys"
    " of the same kind (production or sandbox).",
    "6190": "The QuickBooks subscription of this company has ended: renew it; its bills wait.",
}
# Only a fault of this program gets these.
_OURS: Final = frozenset(
    {"500", "1050", "2010", "2020", "2030", "2040", "2050", "2170", "4000", "4001", "6080"}
)
_REMEDIES: Final = {
    "610": "Something this bill refers to was deleted or made inactive in QuickBooks: make it"
    " active again, then retry.",
    "2500": "An account or vendor this bill refers to is inactive or deleted in QuickBooks: make"
    " it active again, then retry.",
    "5010": "Somebody changed this document in QuickBooks at the same moment: retry.",
    "5020": "The QuickBooks plan or user may not do this: ask the company's QuickBooks admin.",
    "5030": "The QuickBooks plan does not include what this bill needs: ask the company's"
    " QuickBooks admin.",
    "6030": "The files are more than QuickBooks takes at once: attach them there by hand.",
    "6040": "QuickBooks could not read what the files are: attach them there by hand.",
    "6050": "QuickBooks attaches no files to this: keep them in Odoo.",
    "6070": "QuickBooks found that a line's amount is not its quantity times its price: correct"
    " the line in Odoo.",
    "6100": "QuickBooks wants another tax code on a line: check taxes in company_settings.",
    "6140": "QuickBooks already has a bill with this number: link it if it is this one, else"
    " correct the reference in Odoo.",
    "6210": "The books are closed for this date: open the period in QuickBooks and retry, or"
    " change the date in Odoo, which asks again.",
    "6240": "QuickBooks already has a customer, vendor or employee of this name: create the"
    " vendor there by hand and map it in company_settings.",
}
# A gateway may answer in XML whatever was asked for.
_XML_CODE: Final = re.compile(r"""<Error\b[^>]*?\bcode\s*=\s*["'](\w+)["']""", re.IGNORECASE)
# No word of a sentence is so long: it may be a token that is repeated to us.
_LONG_WORD: Final = re.compile(r"\S{40,}")
# A page, an object or a traceback, where a sentence was expected.
_FOREIGN: Final = re.compile(
    r"<(?:!doctype|/?(?:html|head|body|title|div|span|p|pre|h[1-6]|table|script))\b"
    r"|\{\s*[\"'}]|Traceback \(|\bat (?:com|java)\.",
    re.IGNORECASE,
)
_XML_DETAIL: Final = re.compile(r"<Detail>([^<]*)</Detail>", re.IGNORECASE)


class RequestKnown(Unavailable):
    """QuickBooks has met this request id before and does not say what came of it: look."""


class TokenRejected(Exception):  # noqa: N818 - quickbooks renews the token and never lets it out
    """The access token was not accepted: a new one may be."""

    def __init__(self, code: str, tid: str) -> None:
        super().__init__(code)
        self.code = code
        self.tid = tid


def refusal_of(status: int, headers: Mapping[str, str], text: str) -> Exception | None:
    """What an answer of QuickBooks means when it is not a success; None when it is.

    A Fault may come with HTTP 200; gateways write `fault` in lower case, XML or HTML.
    """
    tid = str(headers.get("intuit_tid", ""))
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    code, detail = _first_error(body, text)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "3001" or _is_throttle(status, text):
        wait = str(headers.get("Retry-After", ""))
        seconds = int(wait) if wait.isdecimal() else THROTTLE_SECONDS
        refusal: Exception | None = Throttled("QuickBooks asks us to slow down.", seconds)
    elif status == HTTPStatus.UNAUTHORIZED or code in _RENEW:
        refusal = TokenRejected(code or str(status), tid)
    elif code in _COMPANY or (status == HTTPStatus.FORBIDDEN and code):
        known = code if code in _COMPANY else "3100"
        refusal = Disconnected(_COMPANY[known], code=known, tid=tid)
    elif code == _KNOWN_ID:
        refusal = RequestKnown("QuickBooks has met this try before (error 600).")
    elif code and (code in _OURS or not _is_passing(code, status)):
        refusal = Refused(_sentence(code, detail), code=code, tid=tid)
    elif code or not isinstance(body, dict) or status >= HTTPStatus.BAD_REQUEST:
        what = f"error {code}" if code else f"HTTP status {status}"
        refusal = Unavailable(f"QuickBooks could not do it just now ({what}).")
    else:
        refusal = None
    return refusal


def _sentence(code: str, detail: str) -> str:
    """What a bookkeeper reads: what is wrong, and what to do about it."""
    why = reason_of(detail)
    sentence = _REMEDIES.get(code)
    if code in _OURS:
        sentence = (
            f"QuickBooks did not understand the bill: {why}. Nothing in Odoo is wrong; tell"
            " whoever runs this integration."
        )
    if not sentence:
        sentence = f"QuickBooks refused: {why}. Mend that in Odoo or in QuickBooks, then retry."
    return f"{sentence} (QuickBooks error {code})"


def reason_of(detail: str) -> str:
    """Why, in QuickBooks' words where they are words: a page or a traceback tells nobody."""
    words = " ".join(detail.split())
    if _FOREIGN.search(words):
        return "it gave no reason that can be read"
    return _LONG_WORD.sub("***", words)[:200].rstrip(".") or "it gave no reason"


def _is_throttle(status: int, text: str) -> bool:
    """Whether a gateway asks for a pause under another status: some say 403."""
    return status >= HTTPStatus.BAD_REQUEST and "ThrottleExceeded" in text


def _is_passing(code: str, status: int) -> bool:
    of_the_system = code.isdecimal() and int(code) >= _SYSTEM
    return code in _AGAIN or of_the_system or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _first_error(body: object, text: str) -> tuple[str, str]:
    """The code and detail of the first error, both empty when there is none."""
    if body is None and text.lstrip().startswith("<"):
        code, detail = _XML_CODE.search(text), _XML_DETAIL.search(text)
        return (code[1] if code else ""), (detail[1] if detail else "")
    envelope = body if isinstance(body, dict) else {}
    fault = envelope.get("Fault") or envelope.get("fault")
    if not isinstance(fault, dict):
        # The newer gateway's: {"code": "AuthorizationFailed", "type": "INPUT", "detail": …}
        is_gateways = isinstance(envelope.get("code"), str) and "type" in envelope
        return (envelope["code"], str(envelope.get("detail") or "")) if is_gateways else ("", "")
    rows = fault.get("Error") or fault.get("error")
    error = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    named = {k.lower(): v for k, v in error.items()}
    return str(named.get("code") or "unknown"), str(named.get("detail") or "")
