"""What each of QuickBooks' errors means for us. Only this table decides that."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.quickbooks.refused_fields import CODES, refused
from odoo_qb.quickbooks.token_endpoint import THROTTLE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

# https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
GONE: Final = frozenset(
    {"610", "2500"}
)  # a reference that no longer exists; an old snapshot may explain it
_AGAIN: Final = frozenset({"130", "140", "150"})
_SYSTEM: Final = 10_000  # from this code on the failure is QuickBooks' own
_KNOWN_ID: Final = "600"
_RENEW: Final = frozenset({"100", "110", "120", "3200"})
_COMPANY: Final = {  # nothing can be posted for this company until a person acts
    "3100": (
        "The app has no access to this QuickBooks company. Check qb_realm_ids, and that the"
        " company was connected with keys of the same kind (production or sandbox)."
    ),
    "3201": (
        "The app has no access to this QuickBooks company. Check that it was connected with keys"
        " of the same kind (production or sandbox)."
    ),
    "6190": "This company's QuickBooks subscription has ended. Renew it; bills wait until then.",
}
# Only a bug of ours causes these; errors about a bill's data are in `refused_fields`.
_OURS: Final = frozenset({"500", "1050", "2010", "4000", "4001"})
_CLOSED: Final = (
    "The books are closed for this date.",
    (
        "Open the period in QuickBooks and retry, or change the date in Odoo; approval will"
        " then be requested again."
    ),
)
REACTIVATE: Final = "Make that vendor active again in QuickBooks, then retry."
# The reason and the remedy.
_SENTENCES: Final = {
    "610": (
        "Something this bill refers to was deleted or made inactive in QuickBooks.",
        "Make it active again there, then retry.",
    ),
    "2290": (
        "QuickBooks accepts no negative amount on a line of this document.",
        (
            "Move that line to a credit note of its own in Odoo; approval will then be"
            " requested again. Or enter the bill in QuickBooks by hand and link it."
        ),
    ),
    "2500": (
        "An account or vendor this bill refers to is inactive or deleted in QuickBooks.",
        "Make it active again there, then retry.",
    ),
    "5010": (
        "Someone else changed this document in QuickBooks at the same time.",
        "Check it there, then retry.",
    ),
    "5020": (
        "The QuickBooks plan or user does not allow this.",
        "Ask the company's QuickBooks admin, then retry.",
    ),
    "5030": (
        "The QuickBooks plan does not include what this bill needs.",
        "Ask the company's QuickBooks admin, then retry.",
    ),
    "6030": (
        "The files exceed what QuickBooks accepts at once.",
        "Attach them there by hand, or keep them in Odoo.",
    ),
    "6040": (
        "QuickBooks could not read the details of the files.",
        "Attach them there by hand, or keep them in Odoo.",
    ),
    "6041": (
        "QuickBooks does not accept this file's type or content.",
        "Open it, save it as a PDF, and attach that in QuickBooks by hand.",
    ),
    "6050": ("QuickBooks accepts no files on this document.", "Keep them in Odoo."),
    "6070": (
        "QuickBooks found that a line's amount is not its quantity times its price.",
        "Correct the line in Odoo; approval will then be requested again.",
    ),
    "6100": (
        "QuickBooks requires another tax code on a line.",
        "Check taxes in company_settings, then retry.",
    ),
    "6140": (
        (
            "QuickBooks already has a bill with this number, and its settings allow each number"
            " only once."
        ),
        (
            "Look at the other bill there. Link it if it is this one; otherwise correct the"
            " reference in Odoo."
        ),
    ),
    "6170": (
        "This bill's taxes do not fit the company's tax settings in QuickBooks.",
        (
            "Check the tax settings there and taxes in company_settings, run sync_reference, then"
            " retry."
        ),
    ),
    "6200": _CLOSED,
    "6210": _CLOSED,
    "6240": (
        "QuickBooks already has a customer, vendor or employee of this name.",
        "Create the vendor there under another name, map it in company_settings, then retry.",
    ),
    "6430": (
        "QuickBooks does not accept one of this bill's accounts: it has the wrong type.",
        (
            "Map the account in Odoo to one for expenses, costs, assets or liabilities (accounts in"
            " company_settings), then retry."
        ),
    ),
}
_ABOUT_FILES: Final = frozenset({"6030", "6040", "6041", "6050"})
_CALCULATING_TAX: Final = re.compile(
    r"calculating\b.{0,20}\btax|reselect.{0,20}\btax", re.IGNORECASE
)
_INACTIVE: Final = re.compile(r"\binactive\b|\bdeleted\b", re.IGNORECASE)
# A gateway may answer in XML although JSON was requested.
_XML_CODE: Final = re.compile(r"""<Error\b[^>]*?\bcode\s*=\s*["'](\w+)["']""", re.IGNORECASE)
# No word of a sentence is this long; it may be a token.
_LONG_WORD: Final = re.compile(r"\S{40,}")
# A page, an object or a traceback instead of a sentence.
_FOREIGN: Final = re.compile(
    r"<(?:!doctype|/?(?:html|head|body|title|div|span|p|pre|h[1-6]|table|script))\b"
    r"|\{\s*[\"'}]|Traceback \(|\bat (?:com|java)\.",
    re.IGNORECASE,
)
_XML_ELEMENT: Final = re.compile(
    r"""<Error\b[^>]*?\belement\s*=\s*["']([\w.\[\]]+)["']""", re.IGNORECASE
)
_CODE: Final = re.compile(r"\w{1,60}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,6}")
_FAULTS: Final = frozenset({"Fault", "fault"})
_XML_DETAIL: Final = re.compile(r"<Detail>([^<]*)</Detail>", re.IGNORECASE)


class _Error(NamedTuple):
    """The first error in an answer; all fields empty if there is none."""

    code: str = ""
    element: str = ""
    detail: str = ""
    message: str = ""


class RequestKnown(Unavailable):
    """QuickBooks has seen this request id but does not say with which result: look it up."""


class TokenRejected(Exception):  # noqa: N818 - quickbooks renews the token and never lets it out
    """The access token was rejected; a new one may be accepted."""

    def __init__(self, code: str, tid: str) -> None:
        super().__init__(code)
        self.code = code
        self.tid = tid


def refusal_of(status: int, headers: Mapping[str, str], text: str) -> Exception | None:
    """The error in an answer from QuickBooks; None if it is a success.

    A Fault may come with HTTP 200; gateways send `fault` in lower case, XML or HTML.
    """
    tid = str(headers.get("intuit_tid", ""))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return Unavailable(
            "QuickBooks redirected us to another address. Nothing was sent there. Check"
            " quickbooks_api_url."
        )
    body = body_of(text)
    error = _first_error(body, text, status)
    code = error.code
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "3001" or _is_throttle(status, text):
        wait = str(headers.get("Retry-After", ""))
        seconds = int(wait) if _SECONDS.fullmatch(wait) else THROTTLE_SECONDS
        refusal: Exception | None = Throttled("QuickBooks asks us to slow down.", seconds)
    elif status == HTTPStatus.UNAUTHORIZED or code in _RENEW:
        refusal = TokenRejected(code or str(status), tid)
    elif code in _COMPANY or (status == HTTPStatus.FORBIDDEN and code):
        known = code if code in _COMPANY else "3100"
        refusal = Disconnected(_COMPANY[known], code=known, tid=tid)
    elif code == _KNOWN_ID:
        refusal = RequestKnown("QuickBooks has already received this request (error 600).")
    elif code and (code in _OURS | CODES or not _is_passing(code, status)):
        reason, remedy = _sentences(error)
        source = f"QuickBooks error {code}"
        refusal = Refused(reason, remedy=remedy, source=source, code=code, tid=tid)
    elif code or status != HTTPStatus.OK or not isinstance(body, dict) or _FAULTS & body.keys():
        what = f"error {code}" if code else f"HTTP status {status}"
        refusal = Unavailable(f"QuickBooks couldn't process the request right now ({what}).")
    else:
        refusal = None
    return refusal


def body_of(text: str) -> object:
    """The JSON of an answer, with fractions as Decimal; None if it cannot be parsed."""
    try:
        body: object = json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return body


def _sentences(error: _Error) -> tuple[str, str]:
    """The reason and the remedy, for a bookkeeper."""
    code, why = error.code, reason_of(error.detail)
    if code in _OURS:
        reason = f"QuickBooks could not read the request: {why}. Nothing is wrong in Odoo."
        return reason, "Tell the operator."
    if code in CODES:
        return refused(code, error.element, error.detail, why)
    if code == "6000" and _CALCULATING_TAX.search(error.detail):
        return (
            "QuickBooks could not calculate the tax of this bill.",
            (
                "Check the tax rate there and taxes in company_settings, run sync_reference, then"
                " retry."
            ),
        )
    if code == "6240" and _INACTIVE.search(error.detail):
        return "An inactive vendor in QuickBooks has this vendor's name.", REACTIVATE
    known = _SENTENCES.get(code)
    general = "Correct that in Odoo or in QuickBooks, then retry."
    return known or (f"QuickBooks refused: {why}.", general)


def fault_of_file(answer: Mapping[str, Any]) -> str:
    """Why a file was refused: its Fault comes inside an HTTP 200. Empty if it was accepted."""
    error = _first_error(answer)
    if error.code in _ABOUT_FILES:
        return " ".join(_sentences(error))
    return f"{reason_of(error.detail or error.message)}." if error.code else ""


def reason_of(detail: str) -> str:
    """The reason in QuickBooks' words, unless they are a page or a traceback."""
    words = " ".join(detail.split())
    if _FOREIGN.search(words):
        return "it gave no readable reason"
    return _LONG_WORD.sub("***", words)[:200].rstrip(".") or "it gave no reason"


def _is_throttle(status: int, text: str) -> bool:
    """Whether a gateway throttles with another status than 429: some use 403."""
    return status >= HTTPStatus.BAD_REQUEST and "ThrottleExceeded" in text


def _is_passing(code: str, status: int) -> bool:
    of_the_system = code.isdecimal() and int(code) >= _SYSTEM
    return code in _AGAIN or of_the_system or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _first_error(body: object, text: str = "", status: int = HTTPStatus.OK) -> _Error:
    """The first error in an answer; empty if it has none of the documented shape."""
    if body is None and text.lstrip().startswith("<"):
        found = (p.search(text) for p in (_XML_CODE, _XML_ELEMENT, _XML_DETAIL))
        return _Error(*(f[1] if f else "" for f in found))
    envelope = body if isinstance(body, dict) else {}
    fault = envelope.get("Fault") or envelope.get("fault")
    if not isinstance(fault, dict):
        # The newer gateway's: {"code": "AuthorizationFailed", "type": "INPUT", "detail": …}
        code = envelope.get("code")
        is_gateways = isinstance(code, str) and "type" in envelope
        if not is_gateways or status < HTTPStatus.BAD_REQUEST or not _CODE.fullmatch(str(code)):
            return _Error()
        return _Error(code=str(code), detail=str(envelope.get("detail") or ""))
    rows = fault.get("Error") or fault.get("error")
    error = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    named = {str(name).lower(): value for name, value in error.items()}
    if not any(named.get(name) for name in ("code", "message", "detail")):
        return _Error()
    element, detail, message = (str(named.get(k) or "") for k in ("element", "detail", "message"))
    code = str(named.get("code") or "")
    return _Error(code if _CODE.fullmatch(code) else "unknown", element, detail, message)
