"""Odoo on one machine: `Odoo` answers over HTTP as versions 16 to 19 were seen to do.

It speaks /jsonrpc, the web client's session endpoints, /web/content and, as 19, /json/2. Methods:
read, search, search_read, search_count, fields_get, context_get, message_post, write, unlink, and
from 17 on web_read and web_search_read. A field that exists in the version but was not recorded
is empty. The protocols: https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
and https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
"""

from __future__ import annotations

import base64
import io
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from werkzeug.exceptions import BadRequest, HTTPException, NotFound, UnsupportedMediaType
from werkzeug.utils import send_file
from werkzeug.wrappers import Request, Response

from sandbox.http_server import Hold, hang_up
from sandbox.odoo.books import Books
from sandbox.odoo.calls import Call, is_on_model
from sandbox.odoo.errors import (
    V16,
    V17,
    V18,
    V19,
    OdooError,
    Unserialisable,
    access_error,
    no_right,
)
from sandbox.odoo.http import (
    Failure,
    Fault,
    called,
    envelope,
    json_body,
    json_response,
    not_found,
    page,
    told,
)
from sandbox.odoo.view import Json, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

_JSON_RPC: Final = (
    "/jsonrpc",
    "/web/dataset/call_kw",
    "/web/session/",
    "/web/webclient/version_info",
)
_SERVERS: Final = {16: "16.0+e-20230313", 17: "17.0", 18: "18.0-20250421", 19: "19.0"}
_CACHING: Final = (V17, V18)
_SESSION_SECONDS: Final = {V16: 90 * 86_400, V17: 7 * 86_400}
_EXPIRED: Final = "odoo.http.SessionExpiredException"
# The status /json/2 gives an exception; any other is a 500.
_STATUSES: Final = {
    "werkzeug.exceptions.Unauthorized": 401,
    "odoo.exceptions.AccessDenied": 401,
    "odoo.exceptions.AccessError": 403,
    "werkzeug.exceptions.NotFound": 404,
    "odoo.exceptions.MissingError": 404,
    "odoo.exceptions.UserError": 422,
    "werkzeug.exceptions.UnprocessableEntity": 422,
}


class Odoo(Books):
    """A WSGI application: one database, its users in `users`, what was called in `calls`.

    `calls` holds "account.move.search_read", "common.authenticate", "web.content" and so on.
    """

    def __init__(
        self,
        *,
        version: int = 18,
        database: str = "odoo",
        login: str = "ap-bot@example.com",
        api_key: str = "sandbox-odoo-key",
        password: str = "sandbox-odoo-password",  # noqa: S107 - the sandbox's own
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        latency_seconds: float = 0.0,
    ) -> None:
        super().__init__(version=version, clock=clock)
        self.database = database
        self.latency_seconds = latency_seconds
        self.users: dict[int, User] = {}
        self.calls: list[str] = []
        self.faults: list[Fault] = []
        self._sessions: dict[str, int] = {}
        self._cached: set[tuple[int, str]] = set()  # keys that were found to be good
        self.admit(
            User(
                uid=5 if version >= V19 else 6,
                name="AP Extractor Bot",
                login=login,
                api_key=api_key,
                password=password,
            )
        )

    def admit(self, user: User) -> None:
        """Let somebody call, or change what one who already may is allowed."""
        with self.lock:
            self._cached.clear()
            self.users[user.uid] = user
            self.add_user(user.uid, user.name, user.login)

    def revoke_keys(self) -> None:
        """Revoke every API key: 17 and 18 go on taking one from a cache, but for a login."""
        with self.lock:
            for uid, user in self.users.items():
                self.users[uid] = replace(user, api_key=secrets.token_hex())

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
        no_right, expired, database: Odoo's own errors. What is returned can end the wait.
        """
        fault = Fault(kind=kind, method=method, times=times, hold=Hold(seconds))
        with self.lock:
            self.faults.append(fault)
        return fault.hold

    def expire_sessions(self) -> None:
        """Forget all who logged in through the web client."""
        with self.lock:
            self._sessions.clear()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except HTTPException as error:
            response = Response.force_type(error.get_response(environ), environ)
        response.date = self.clock()
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        body = json_body(request)
        name = called(request.path, body if isinstance(body, dict) else {}, self.version)
        with self.lock:
            if name:
                self.calls.append(name)
            fault = self._next_fault(name)
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
            return self._routed(request, body, self._planned(fault.kind) if fault else None)

    def _planned(self, kind: Failure) -> OdooError | None:
        match kind:
            case "denied":
                return _denied()
            case "expired":
                return _expired()
            case "no_right":
                return no_right(self.version, "account.move", "access")
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
            server = self._server()
            info = server["server_version_info"]
            return json_response({"version_info": info, "version": server["server_version"]})
        if path.startswith("/json/2/") and self.version >= V19:
            return self._json2(request, body, refusal)
        if path.startswith("/json/") and self.version == V18:  # its own /json is for browsers
            text = f"Request inferred type is compatible with ['json'] but '{path}' is type='http'."
            raise BadRequest(text)
        if path.startswith("/web/content/") and request.method in ("GET", "HEAD"):
            return self._content(request)
        if path.startswith(_JSON_RPC):
            return self._json_rpc(request, body, refusal)
        raise NotFound

    # -- JSON-RPC ------------------------------------------------------------------------------

    def _json_rpc(self, request: Request, body: object, refusal: OdooError | None) -> Response:
        if request.method != "POST" or request.mimetype != "application/json":
            raise self._wrong_type(request.path)
        if not isinstance(body, dict):
            return self._not_an_object(body)
        try:
            if refusal:
                raise refusal
            return self._rpc(request, body)
        except OdooError as error:
            return self._refused(error, body.get("id"))
        except Unserialisable:
            return page("<h1>Internal Server Error</h1>", 500)

    def _rpc(self, request: Request, body: Json) -> Response:
        params = body.get("params") or {}
        match request.path:
            case "/jsonrpc":
                result = self._service(params)
            case "/web/webclient/version_info":
                result = self._server()
            case "/web/session/authenticate":
                return self._log_in(body)
            case "/web/session/get_session_info":
                result = self._session_info(self._session_user(request))
            case "/web/session/destroy":
                self._session_user(request)
                self._sessions.pop(request.cookies["session_id"])
                result = None
            case path if path.startswith("/web/dataset/call_kw"):
                user = self._session_user(request)
                kwargs = dict(params["kwargs"])
                result = self._run(user, params["model"], params["method"], params["args"], kwargs)
            case _:
                raise NotFound
        return envelope(body.get("id"), result)

    def _service(self, params: Json) -> object:
        missing = {"service", "method", "args"} - params.keys()
        if missing:
            kind = "JSONRPC" if self.version >= V19 else "RPC"
            raise OdooError(
                "builtins.TypeError",
                f"{kind}.jsonrpc() missing 3 required positional arguments: 'service', 'method',"
                " and 'args'",
            )
        service, method, args = params["service"], params["method"], params["args"]
        match service, method:
            case "common", "version":
                return self._server()
            case "common", "authenticate":
                return self._authenticate(*args[:3])
            case "db", "list":
                return [self.database]
            case "object", "execute_kw":
                database, uid, secret, model, name, values, *rest = args
                user = self._user(database, uid, secret)
                return self._run(user, model, name, values, dict(rest[0]) if rest else {})
        raise OdooError("builtins.KeyError", str(service))

    def _run(self, user: User, model: str, method: str, args: list[object], kwargs: Json) -> object:
        with self.lock:
            context = kwargs.pop("context", None) or {}
            return Call(self, user, context).run(model, method, args, kwargs)

    def _authenticate(self, database: str, login: str, secret: str) -> int | Literal[False]:
        self._check_database(database)
        for user in self.users.values():
            if user.login == login and secret in (user.api_key, user.password):
                return user.uid
        return False

    def _user(self, database: str, uid: int, secret: str) -> User:
        self._check_database(database)
        user = self.users.get(uid)
        is_cached = (uid, secret) in self._cached and self.version in _CACHING
        if user is None or not (is_cached or secret in (user.api_key, user.password)):
            raise _denied()
        self._cached.add((uid, secret))
        return user

    def _check_database(self, database: str) -> None:
        if database != self.database:
            raise OdooError(
                "psycopg2.OperationalError",
                'connection to server at "127.0.0.1", port 54328 failed: FATAL:  database'
                f' "{database}" does not exist\n',
            )

    def _refused(self, error: OdooError, number: object) -> Response:
        expired = error.name == _EXPIRED
        answer = {
            "code": 100 if expired else 0 if self.version >= V19 else 200,
            "message": "Odoo Session Expired" if expired else "Odoo Server Error",
            "data": told(error),
        }
        # Odoo finds a session expired before it has read the request's id.
        return json_response({"jsonrpc": "2.0", "id": None if expired else number, "error": answer})

    def _not_an_object(self, body: object) -> Response:
        """The answer to JSON that is broken (`body` None) or a batch."""
        if self.version > V16:
            kind = "JSON" if body is None else "JSON-RPC"
            return page(f"Invalid {kind} data", 400)
        if body is not None:
            return page("<h1>Internal Server Error</h1>", 500)
        return self._refused(
            OdooError("werkzeug.exceptions.BadRequest", "400 Bad Request: Invalid JSON data"), None
        )

    def _wrong_type(self, path: str) -> HTTPException:
        kind = "jsonrpc" if self.version >= V19 else "json"
        text = f"Request inferred type is compatible with ['http'] but '{path}' is type='{kind}'."
        return UnsupportedMediaType(text) if self.version >= V19 else BadRequest(text)

    def _server(self) -> Json:
        return {
            "server_version": _SERVERS[self.version],
            "server_version_info": [self.version, 0, 0, "final", 0, ""],
            "server_serie": f"{self.version}.0",
            "protocol_version": 1,
        }

    # -- sessions of the web client ------------------------------------------------------------

    def _log_in(self, body: Json) -> Response:
        params = body["params"]
        if params["db"] != self.database:
            raise access_error("Database not found.")
        for user in self.users.values():
            # An API key opens no session: only the password does.
            if (user.login, user.password) == (params["login"], params["password"]):
                break
        else:
            raise _denied()
        session = secrets.token_urlsafe(32)
        with self.lock:
            self._sessions[session] = user.uid
        response = envelope(body.get("id"), self._session_info(user))
        seconds = _SESSION_SECONDS[min(self.version, V17)]
        response.set_cookie("session_id", session, max_age=seconds, httponly=True)
        return response

    def _session_user(self, request: Request) -> User:
        uid = self._sessions.get(request.cookies.get("session_id", ""))
        if uid is None:
            raise _expired()
        return self.users[uid]

    def _session_info(self, user: User) -> Json:
        companies = {
            str(i): {"id": i, "name": self.records["res.company"][i]["name"]}
            for i in user.companies
        }
        return {
            "uid": user.uid,
            "is_admin": False,
            "is_system": False,
            "user_context": {"lang": "en_US", "tz": "America/New_York", "uid": user.uid},
            "db": self.database,
            "server_version": _SERVERS[self.version],
            "server_version_info": self._server()["server_version_info"],
            "name": user.name,
            "username": user.login,
            "user_companies": {
                "current_company": user.companies[0],
                "allowed_companies": companies,
            },
        }

    def _content(self, request: Request) -> Response:
        """A file for a session or for the file's own token; with its ETag and ranges."""
        number = request.path.removeprefix("/web/content/")
        file = self.records["ir.attachment"].get(int(number) if number.isdecimal() else 0)
        token = request.args.get("access_token")
        allowed = bool(token) and file is not None and token == file.get("access_token")
        if not allowed:
            try:
                Call(self, self._session_user(request), {}).read(
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

    # -- /json/2 -------------------------------------------------------------------------------

    def _json2(self, request: Request, body: object, refusal: OdooError | None) -> Response:
        try:
            if refusal:
                raise refusal
            return json_response(self._json2_result(request, body))
        except OdooError as error:
            status = _STATUSES.get(error.name, 500)
            answer = told(error)
            if error.name.startswith("werkzeug."):
                answer["arguments"] = [error.message, status]
            response = json_response(answer, status)
            if status == _STATUSES["werkzeug.exceptions.Unauthorized"]:
                response.headers["WWW-Authenticate"] = "Bearer "
            return response
        except Unserialisable:
            return page("<h1>Internal Server Error</h1>", 500)

    def _json2_result(self, request: Request, body: object) -> object:
        if request.headers.get("X-Odoo-Database", self.database) != self.database:
            raise NotFound(
                "No database is selected and the requested URL was not found in the server-wide"
                " controllers."
            )
        user = self._bearer(request)
        model, _, method = request.path.removeprefix("/json/2/").partition("/")
        if request.method != "POST":
            raise not_found("Did you mean POST /json/2/<model>/<method>?")
        if not isinstance(body, dict):
            raise BadRequest("could not parse the body as json")
        if model not in self.fields:
            raise not_found(f"the model '{model}' does not exist")
        on_model = is_on_model(method, self.version)
        if on_model is None:
            raise not_found(f"The method '{model}.{method}' does not exist")
        kwargs = dict(body)
        args = [] if on_model else [kwargs.pop("ids", [])]
        if on_model and "ids" in kwargs:
            raise OdooError(
                "werkzeug.exceptions.UnprocessableEntity", f"cannot call {model}.{method} with ids"
            )
        try:
            return self._run(user, model, method, args, kwargs)
        except OdooError as error:
            if error.name != "builtins.TypeError":
                raise
            raise OdooError("werkzeug.exceptions.UnprocessableEntity", error.message) from error

    def _bearer(self, request: Request) -> User:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise OdooError(
                "werkzeug.exceptions.Unauthorized",
                "User not authenticated, use an API Key with a Bearer Authorization header.",
            )
        for user in self.users.values():
            if user.api_key == key:
                return user
        raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")


def _denied() -> OdooError:
    return OdooError("odoo.exceptions.AccessDenied", "Access Denied")


def _expired() -> OdooError:
    return OdooError(_EXPIRED, "Session expired")
