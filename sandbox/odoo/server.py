"""Odoo on one machine: `Odoo` answers over HTTP as versions 16 to 19 were seen to do.

It speaks /jsonrpc, the web client's session endpoints, /web/content and, as 19, /json/2. Methods:
read, search, search_read, search_count, read_group, fields_get, context_get, message_post, write,
unlink, web_search_read, from 17 on web_read, and in 19 formatted_read_group and
formatted_read_grouping_sets. It begins with the records of a dataset (dataset.py), which people
change by the methods of `Books`, or changes.py at random; truth.py says what it then holds. A field
that exists in the version but was not recorded is empty. The protocols:
https://www.odoo.com/documentation/18.0/developer/reference/external_api.html and
https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
"""

from __future__ import annotations

import base64
import io
import time
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from sandbox.http_server import Hold, hang_up
from sandbox.odoo import json2, jsonrpc
from sandbox.odoo.calls import Call
from sandbox.odoo.database import Database
from sandbox.odoo.errors import V18, V19, OdooError, denied, expired
from sandbox.odoo.http import Failure, Fault, called, json_body, json_response, page
from sandbox.odoo.rights import no_right

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


class Odoo(Database):
    """A WSGI application: one database, its users in `users`, what was called in `calls`.

    `calls` holds "account.move.search_read", "common.authenticate", "web.content" and so on.
    """

    def __init__(self, *, latency_seconds: float = 0.0, **given: Any) -> None:  # noqa: ANN401 - as Database takes them
        super().__init__(**given)
        self.latency_seconds = latency_seconds
        self.calls: list[str] = []
        self.faults: list[Fault] = []

    def fail(
        self,
        kind: Failure,
        *,
        method: str = "*",
        times: int = 1,
        seconds: float = 0.0,
    ) -> Hold:
        """Plan a failure for the next `times` calls of a method such as "account.move.read".

        reset: no answer, the connection closes after `seconds`. cut: half an answer. bad_gateway:
        a proxy's 502. html: a page with status 200. slow: answered after `seconds`. denied,
        expired, database: Odoo's own errors. What is returned can end the wait.
        """
        fault = Fault(kind=kind, method=method, times=times, hold=Hold(seconds))
        with self.lock:
            self.faults.append(fault)
        return fault.hold

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except HTTPException as error:
            response = Response.force_type(error.get_response(environ), environ)
        response.date = self.now()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        body = json_body(request)
        name = called(request.path, body if isinstance(body, dict) else {}, self.version)
        with self.lock:
            if name:
                self.calls.append(name)
            fault = self._next_fault(name)
        if self.latency_seconds:  # to sleep for no time gives the processor away
            time.sleep(self.latency_seconds)
        if fault:
            fault.hold.wait()
        match fault.kind if fault else "":
            case "reset":
                hang_up(request.environ)
            case "cut":
                with self.lock:
                    whole = self._routed(request, body, None).get_data()
                return Response(whole[: len(whole) // 2], content_type="application/json")
            case "bad_gateway":
                return page("<h1>502 Bad Gateway</h1>", 502)
            case "html":
                return page("<h1>Down for maintenance</h1>", 200)
        with self.lock:
            planned = self._planned(fault.kind, name.rpartition(".")[0]) if fault else None
            return self._routed(request, body, planned)

    def _planned(self, kind: Failure, model: str) -> OdooError | None:
        match kind:
            case "denied":
                return denied()
            case "expired":
                return expired()
            case "no_right":
                return no_right(
                    self.version, model if model in self.fields else "account.move", "access"
                )
            case "database":
                text = "server closed the connection unexpectedly\n"
                return OdooError("psycopg2.OperationalError", text)
        return None

    def _next_fault(self, name: str) -> Fault | None:
        for fault in self.faults:
            if fault.method in ("*", name):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def _routed(self, request: Request, body: object, refusal: OdooError | None) -> Response:
        path = request.path
        if path == "/web/version" and self.version >= V19:
            server = self.server()
            info = server["server_version_info"]
            return json_response({"version_info": info, "version": server["server_version"]})
        if path.startswith("/json/2/") and self.version >= V19:
            return json2.answer(self, request, body, refusal)
        if path.startswith("/json/") and self.version == V18:  # its own /json is for browsers
            text = f"Request inferred type is compatible with ['json'] but '{path}' is type='http'."
            raise BadRequest(text)
        if path.startswith("/web/content/") and request.method in ("GET", "HEAD"):
            return self._content(request)
        if path.startswith(jsonrpc.PATHS):
            return jsonrpc.answer(self, request, body, refusal)
        raise NotFound

    def _content(self, request: Request) -> Response:
        """A file for a session or for the file's own token; with its ETag and ranges."""
        number = request.path.removeprefix("/web/content/")
        file = self.records["ir.attachment"].get(int(number) if number.isdecimal() else 0)
        token = request.args.get("access_token")
        allowed = bool(token) and file is not None and token == file.get("access_token")
        if not allowed:
            try:
                Call(self, self.session_user(request.cookies.get("session_id", "")), {}).read(
                    "ir.attachment", int(number), ["id"]
                )
            except (OdooError, ValueError):
                file = None
        if file is None or file["type"] != "binary":
            raise NotFound
        return send_file(
            io.BytesIO(base64.b64decode(file["datas"])),
            request.environ,
            mimetype=file["mimetype"],
            as_attachment="download" in request.args,
            download_name=file["name"],
            etag=file["checksum"],
            last_modified=file["write_date"],
            response_class=Response,
        )
