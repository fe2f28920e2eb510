"""The sandbox's web page: Odoo, Slack and QuickBooks side by side, live, for people to click.

Requests become acts (`page_acts`), what there is to see is gathered (`page_state`) and drawn by a
template a thing. Everything is drawn here and works without a script; `sandbox.js` redraws.
"""

from __future__ import annotations

import base64
import hashlib
import mimetypes
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.odoo.books import STATES
from sandbox.page import actions as acts
from sandbox.page import mrkdwn, state, webhook
from sandbox.page.aws import EmulatedAws
from sandbox.page.mrkdwn import Reader
from sandbox.run_report import counted
from sandbox.vendors import LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from sandbox.chain import Chain
    from sandbox.page.state import Look, Parts

_HERE: Final = Path(__file__).parent
_HOSTS: Final = ("127.0.0.1", "localhost")
# Files that a browser may show; others it may only save.
_SHOWN: Final = ("application/pdf", "image/gif", "image/jpeg", "image/png", "text/plain")
_NO_AWS: Final = "The AWS emulator does not answer: stop this sandbox and start it again."
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def page(running: Chain, places: Mapping[str, str]) -> WSGIApplication:
    """The page of a running chain with its simulators; `places` say where its parts listen."""
    if not (running.odoo and running.slack and running.quickbooks):
        raise ValueError("the page shows the simulators, and one of them is not there")
    return Page(
        parts=state.Parts(
            odoo=running.odoo,
            slack=running.slack,
            quickbooks=running.quickbooks,
            companies=running.companies,
            realms=running.realms,
            aws=EmulatedAws(running),
            places=places,
            mirrored={"odoo": running.odoo, LEDGER: running.ledger} if running.ledger else {},
            receiver=running.receiver,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "emoji": mrkdwn.emoji,
        "time": lambda ts: f"{state.local_time(ts):%H:%M}",
        "initials": lambda name: "".join(word[0] for word in name.split()[:2]),
    }
    environment.globals |= {
        "STATUSES": state.STATUSES,
        "STATES": STATES,
        "FAILURES": webhook.LABELS,
        "TIMES": webhook.TIMES,
        "count": counted,
        "written": mrkdwn.written,
        "today": lambda: f"{datetime.now(UTC):%Y-%m-%d}",
    }
    return environment


@dataclass(slots=True, kw_only=True)
class Page:
    """A WSGI application; `said` is the sentence about the last action, shown to every visitor."""

    parts: Parts
    said: str = ""
    failed: bool = False
    typed: dict[str, dict[str, str]] = field(default_factory=dict)  # in modals, by view
    _templates: Environment = field(default_factory=_environment, repr=False)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of a browser on this machine, and of this page."""
        with Request(environ) as request:
            try:
                _refuse_strangers(request)
                response = self._answer(request)
            except HTTPException as error:
                response = Response(error.name, error.code or HTTPStatus.BAD_REQUEST)
            except (BotoCoreError, ClientError):
                response = Response(_NO_AWS, HTTPStatus.SERVICE_UNAVAILABLE)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        match request.method, request.path.strip("/").split("/"):
            case "GET", [""]:
                return self._drawn(request)
            case "GET", ["static", name]:
                return _static(name, request)
            case "GET", ["odoo", "file", number]:
                return self._odoo_file(number)
            case "GET", ["quickbooks", "file", realm, number]:
                return self._quickbooks_file(realm, number)
            case "GET", ["slack", "document"]:
                return self._document(request.args.get("url", ""))
            case "POST", [("odoo" | "slack" | "webhook") as where, act]:
                return self._act(f"{where}/{act}", request)
        raise NotFound

    def _drawn(self, request: Request) -> Response:
        at = state.look(self.parts, request.args)
        return _tagged(Response(self.html(at), mimetype="text/html"), request)

    def html(self, at: Look) -> str:
        """The page as a visitor who looks there sees it now."""
        seen = state.screen(self.parts, at)
        reader = Reader(names=seen.names, href=self._href)
        typed = self.typed.get(seen.modal.id, {}) if seen.modal else {}
        template = self._templates.get_template("page.html")
        return template.render(
            screen=seen, look=at, reader=reader, said=self.said, failed=self.failed, typed=typed
        )

    def _href(self, url: str) -> str:
        """Links to documents pass through here: no browser knows the emulator's certificate."""
        is_document = self.parts.aws.is_document(url)
        return f"/slack/document?{urlencode({'url': url})}" if is_document else url

    def _act(self, name: str, request: Request) -> Response:
        parts, form, at = self.parts, request.form, state.look(self.parts, request.args)
        todo: dict[str, Callable[[], str]] = {
            "odoo/amend": lambda: acts.amend(parts, form),
            "odoo/move": lambda: acts.move_on(parts, form),
            "odoo/attach": lambda: acts.attach(parts, form, request.files.get("file")),
            "odoo/extract": lambda: acts.extract(parts),
            "slack/click": lambda: acts.click(parts, at, form),
            "slack/submit": lambda: self._submit(at, form),
            "slack/close": lambda: acts.close(parts, at, form),
            "slack/dismiss": lambda: acts.dismiss(parts, at, form),
        }
        if parts.receiver:
            todo["webhook/fail"] = partial(acts.let_fail, parts.receiver, form)
            todo["webhook/recover"] = partial(webhook.recover, parts.receiver)
        if name != "odoo/new" and name not in todo:
            raise NotFound
        try:
            if name == "odoo/new":
                bill = acts.new_bill(parts, form)
                at = replace(at, bill=str(bill))
                said = f"{parts.odoo.records['account.move'][bill]['name']} was posted in Odoo."
            else:
                said = todo[name]()
        except acts.ActError as error:
            self.said, self.failed = str(error), True
        except (BotoCoreError, ClientError) as error:
            self.said, self.failed = f"AWS: {error}", True
        else:
            self.said, self.failed = said, False
        return redirect(at.to(), HTTPStatus.SEE_OTHER, Response)

    def _submit(self, at: Look, form: Mapping[str, str]) -> str:
        view = state.open_modal(self.parts.slack, at.person)
        if view:
            self.typed = {view.id: acts.typed(view, form)}
        return acts.submit(self.parts, at, form)

    def _odoo_file(self, number: str) -> Response:
        rows = self.parts.odoo.records["ir.attachment"]
        file = rows.get(int(number)) if number.isdecimal() else None
        if file is None or not file["datas"]:
            raise NotFound
        return _file(base64.b64decode(file["datas"]), str(file["mimetype"]), str(file["name"]))

    def _quickbooks_file(self, realm: str, number: str) -> Response:
        books = self.parts.quickbooks.realms.get(realm)
        if books is None or number not in books.files:
            raise NotFound
        about = books.attachables[number]
        kind = str(about.get("ContentType", ""))
        return _file(books.files[number], kind, str(about["FileName"]))

    def _document(self, url: str) -> Response:
        try:
            reply = self.parts.aws.document(url)
        except ValueError as error:
            raise Forbidden from error
        if reply.status != HTTPStatus.OK:
            return Response("The link has expired: click View PDF again.", reply.status)
        return _file(reply.body, reply.content_type, urlsplit(url).path.rpartition("/")[2])


def _refuse_strangers(request: Request) -> None:
    """Another site's page must not read or click here, under this host's name or its own."""
    host = request.headers.get("Host", "")
    if not host_is_trusted(host, _HOSTS):
        raise Forbidden
    if request.headers.get("Origin", f"http://{host}") != f"http://{host}":
        raise Forbidden
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and request.path != "/":
        raise Forbidden


def _static(name: str, request: Request) -> Response:
    """A file of the page itself, asked for again at each load: it may have been edited."""
    files = {file.name: file for file in (_HERE / "static").iterdir()}
    if name not in files:
        raise NotFound
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    return _tagged(Response(files[name].read_bytes(), mimetype=kind), request)


def _tagged(response: Response, request: Request) -> Response:
    """The response, or that the browser has it already."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    return response.make_conditional(request)


def _file(content: bytes, kind: str, name: str) -> Response:
    """A file from outside: shown where that is harmless, else saved."""
    kind = kind.partition(";")[0].strip()
    shown = kind in _SHOWN or content.startswith(b"%PDF-")
    response = Response(content, mimetype=kind if kind in _SHOWN else "application/octet-stream")
    if content.startswith(b"%PDF-"):
        response.mimetype = "application/pdf"
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name)
    how = "inline" if shown else "attachment"
    response.headers.set(
        "Content-Disposition", how, filename=safe.encode("ascii", "replace").decode()
    )
    # A PDF viewer brings its own styles, which the page's policy would refuse.
    response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
    return response
