"""How QuickBooks and the gateway in front of it word their answers, in JSON and in XML."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from sandbox.quickbooks.errors import FaultError
from sandbox.quickbooks.store import Json, timestamp, to_json

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.quickbooks.faults import Injection

_NAMESPACE: Final = "http://schema.intuit.com/finance/v3"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body: JSON that is written as XML to who does not ask for it, or text."""

    status: int
    body: Json | str
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


def service_fault(error: FaultError, now: datetime) -> Answer:
    """The envelope of the Accounting API: capital Fault."""
    return Answer(error.status, {"Fault": error.fault, "time": timestamp(now)})


def system_fault(now: datetime) -> Answer:
    """The 500 that says nothing about whether the work was done."""
    error = FaultError(
        "10000",
        "System Failure Error: Could not process the request",
        status=500,
        kind="SystemFault",
    )
    return service_fault(error, now)


def unauthorized(now: datetime) -> Answer:
    """The gateway's answer to a bearer token that is missing, unknown or expired."""
    detail = "Token expired or invalid"
    return _gateway(401, "AuthenticationFailed", "3200", detail, "AUTHENTICATION", now)


def forbidden(now: datetime) -> Answer:
    """The gateway's answer to a token of another company."""
    return _gateway(403, "ApplicationAuthorizationFailed", "3100", "", "AUTHORIZATION", now)


def throttled(now: datetime, kind: str = "json", retry_after: int | None = None) -> Answer:
    """The gateway's 429, as JSON or, whatever was asked for, as XML."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    detail = "The request limit was reached.  Try again later"
    if kind == "xml":
        error = {"Message": message, "Detail": detail, "code": "3001"}
        text = to_xml({"Fault": {"Error": [error], "type": "SERVICE"}, "time": timestamp(now)})
        return Answer(429, text, headers, "application/xml")
    fault = {"error": [{"message": message, "detail": detail, "code": "3001"}], "type": "SERVICE"}
    return Answer(429, {"fault": fault}, headers)


def injected(injection: Injection, now: datetime) -> Answer | None:
    """The answer an injected fault stands for; None where it only changes the right one."""
    answer = None
    match injection.kind:
        case "html":
            answer = html(injection.status or 502)
        case "system_fault":
            answer = system_fault(now)
        case "unauthorized":
            answer = unauthorized(now)
        case "throttle":
            answer = throttled(now, injection.body, injection.retry_after)
        case "oauth_error":
            answer = Answer(injection.status or 400, {"error": injection.code})
        case "fault":
            answer = service_fault(_named_fault(injection), now)
    return answer


def html(status: int) -> Answer:
    """A proxy's page instead of an answer."""
    page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
    return Answer(status, page, kind="text/html")


def to_xml(body: Json) -> str:
    """The XML form of a body: attributes for a fault's type and codes, elements for the rest."""
    time = quoteattr(str(body.get("time", "")))
    inner = "".join(_element(name, value) for name, value in body.items() if name != "time")
    start = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    return f'{start}<IntuitResponse xmlns="{_NAMESPACE}" time={time}>{inner}</IntuitResponse>'


def _element(name: str, value: object) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    if not isinstance(value, dict):
        text = value if isinstance(value, str) else to_json(value)
        return f"<{name}>{escape(text)}</{name}>"
    as_attributes = {"Fault": ("type",), "Error": ("code", "element")}.get(name, ())
    attributes = "".join(
        f" {key}={quoteattr(str(value[key]))}" for key in as_attributes if key in value
    )
    if name.endswith("Ref") and "value" in value:
        label = f" name={quoteattr(value['name'])}" if "name" in value else ""
        return f"<{name}{label}>{escape(str(value['value']))}</{name}>"
    inner = "".join(_element(k, item) for k, item in value.items() if k not in as_attributes)
    return f"<{name}{attributes}>{inner}</{name}>"


def _named_fault(injection: Injection) -> FaultError:
    kind = "AuthorizationFault" if injection.code == "120" else "ValidationFault"
    status = injection.status or 400
    return FaultError(injection.code, injection.detail, status=status, kind=kind)


def _gateway(status: int, message: str, code: str, detail: str, kind: str, now: datetime) -> Answer:
    error = {
        "message": f"message={message}; errorCode=00{code}; statusCode={status}",
        "detail": detail or None,
        "code": code,
        "element": None,
    }
    return Answer(
        status,
        {
            "warnings": None,
            "intuitObject": None,
            "fault": {"error": [error], "type": kind},
            "report": None,
            "queryResponse": None,
            "batchItemResponse": [],
            "attachableResponse": [],
            "syncErrorResponse": None,
            "requestId": None,
            "time": int(now.timestamp() * 1000),
            "status": None,
            "cdcresponse": [],
        },
    )
