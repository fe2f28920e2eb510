"""A vendor's stand-in in front of a simulator: it answers some calls with what is no answer.

Whatever stands in an answer from here has the word FOREIGN in it, so that a test finds it wherever
it got to.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

FOREIGN: Final = "FOREIGN"
PAGE: Final = f"<html><head><title>{FOREIGN}</title></head><body>{FOREIGN}</body></html>"
_OTHER: Final = {"Id": "1", "Name": FOREIGN, "DisplayName": FOREIGN, "active": True}
_BODIES: Final[dict[str, object]] = {
    "an empty object": {},
    "an array": [],
    "an array of objects": [{}],
    "a number": 7,
    "null": None,
    "a text": FOREIGN,
    "a note": {"message": FOREIGN},
    "an empty fault": {"Fault": {}},
    "a fault without errors": {"Fault": {"Error": [], "type": FOREIGN}},
    "a lower-case fault": {"fault": {"error": [{}]}, "queryResponse": None},
    "no rows but null": {"QueryResponse": None, "result": None, "ok": None},
    "rows in an array": {"QueryResponse": [], "result": {}, "ok": []},
    "one row in place of rows": {
        "QueryResponse": dict.fromkeys(("Bill", "Vendor", "Account", "Term", "Attachable"), _OTHER),
        "result": {"id": 1},
        "ok": "yes",
    },
    "rows of null": {
        "QueryResponse": {n: [None] for n in ("Bill", "Vendor", "Account", "Term", "Attachable")},
        "AttachableResponse": [None, None],
        "result": [None],
        "ok": 1,
    },
    "rows without ids": {
        "QueryResponse": {n: [{}] for n in ("Bill", "Vendor", "Account", "Term", "Attachable")},
        "AttachableResponse": [{}, {}],
        "Bill": {},
        "Vendor": {},
        "result": [{}],
        "ok": True,
    },
    "another entity's": {
        "QueryResponse": {"Customer": [_OTHER], "maxResults": 1},
        "Customer": _OTHER,
        "result": [{"id": 999_999_999}],
        "ok": True,
    },
    "rows that are counted but not there": {
        "QueryResponse": {"startPosition": 1, "maxResults": 3},
        "result": [{"id": True}],
        "ok": True,
    },
    "a deleted document": {"Bill": {"status": "Deleted", "Id": "1"}, "result": 0, "ok": False},
}
_STATUSES: Final = {
    **{f"a redirect ({status})": status for status in (301, 302, 303, 307, 308)},
    "no content": 204,
    "created": 201,
}
KINDS: Final = (
    *_BODIES,
    *_STATUSES,
    "nothing",
    "a page",
    "a page that claims to be JSON",
    "half of the answer",
    "texts for numbers",
    "numbers for texts",
    "null everywhere",
    "nested without end",
    "a number without end",
    "bytes of no alphabet",
)
MADE_FROM_THE_TRUE: Final = (
    "half of the answer",
    "texts for numbers",
    "numbers for texts",
    "null everywhere",
)
# What Odoo never means. Values of a wrong type inside a record are that bill's own fault, not the
# answer's. And a bare array is what /json/2 says where there is none: nobody can tell it from that.
NOT_ODOOS: Final = tuple(k for k in KINDS if k not in {*MADE_FROM_THE_TRUE[1:], "an array"})


@dataclass(slots=True, kw_only=True)
class Rule:
    """Spoil the calls that have `part` in their path or body: the first `skip` not, then `times`.

    Where `done` the vendor does its work before.
    """

    part: str
    kind: str
    skip: int = 0
    times: int = 1_000
    done: bool = False
    struck: int = 0

    def strikes(self, asked: str) -> bool:
        if self.part not in asked or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        self.struck += 1
        return True


@dataclass
class Garbled:
    """The stand-in: a WSGI application; `asked` is what was asked, a line a call."""

    vendor: WSGIApplication
    elsewhere: str = "http://127.0.0.1:9"  # where its redirects point
    rules: list[Rule] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        data = request.get_data()
        environ["wsgi.input"] = io.BytesIO(data)  # for whoever reads it next
        body = data.decode("latin-1")
        asked = f"{request.method} {request.path} {body}"
        self.asked.append(asked)
        rule = next((r for r in self.rules if r.strikes(asked)), None)
        if rule is None:
            return self.vendor(environ, start_response)
        whole = self._true_answer(environ, rule)
        return spoilt(rule.kind, whole, self.elsewhere)(environ, start_response)

    def _true_answer(self, environ: WSGIEnvironment, rule: Rule) -> bytes:
        """What the vendor says; it is asked only where it is to do its work, or has none to do."""
        is_needed = rule.kind in MADE_FROM_THE_TRUE
        if not rule.done and not is_needed:
            return b""
        chunks, *_ = run_wsgi_app(self.vendor, environ)
        return b"".join(chunks)


def spoilt(kind: str, whole: bytes, elsewhere: str) -> Response:
    """An answer that is none; of some kinds made from the true one."""
    status, content_type, headers = _STATUSES.get(kind, 200), "application/json", {}
    body: bytes | str
    if kind in _BODIES:
        body = json.dumps(_BODIES[kind])
    elif kind in _STATUSES:
        body = b"" if kind == "no content" else "{}"
        headers = {"Location": f"{elsewhere}/v3/{FOREIGN}"} if "redirect" in kind else {}
    else:
        made: dict[str, bytes | str] = {
            "nothing": b"",
            "a page": PAGE,
            "a page that claims to be JSON": PAGE,
            "half of the answer": whole[: len(whole) // 2] or b"{",
            "texts for numbers": _changed(whole, {int: FOREIGN, float: FOREIGN, bool: FOREIGN}),
            "numbers for texts": _changed(whole, {str: 7}),
            "null everywhere": _changed(whole, dict.fromkeys((int, float, bool, str))),
            "nested without end": b"[" * 200_000,
            "a number without end": b'{"result": ' + b"9" * 50_000 + b"}",
            "bytes of no alphabet": b"\xff\xfe\x00" * 40,
        }
        body = made[kind]
        content_type = "text/html" if kind == "a page" else content_type
    return Response(body, status, headers, content_type=content_type)


def _changed(whole: bytes, by: dict[type, Any]) -> str:
    """The true answer with its values replaced by type; true and false stay what they are not."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: changed(v) for name, v in value.items()}
        if isinstance(value, list):
            return [changed(v) for v in value]
        return by.get(type(value), value)

    try:
        answer = json.loads(whole)
    except ValueError:  # what is no JSON cannot be changed as such
        answer = {"text": whole.decode("latin-1")}
    return json.dumps(changed(answer))


@dataclass
class Elsewhere:
    """Another host, to which nobody is to go: it keeps what came."""

    came: list[str] = field(default_factory=list)
    url: str = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        self.came.append(f"{request.method} {request.path} {dict(request.headers)}")
        return Response(json.dumps({"ok": True}), content_type="application/json")(
            environ, start_response
        )
