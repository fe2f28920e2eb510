"""JSON-RPC as the sandbox's Odoo answers it: /jsonrpc and the web client's sessions.

https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import BadRequest, HTTPException, NotFound, UnsupportedMediaType

from sandbox.odoo.database import SERVERS
from sandbox.odoo.errors import EXPIRED, V16, V17, V19, OdooError, Unserialisable
from sandbox.odoo.http import envelope, error_body, json_response, page

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from sandbox.odoo.database import Database
    from sandbox.odoo.view import Json, User

PATHS: Final = (
    "/jsonrpc",
    "/web/dataset/call_kw",
    "/web/session/",
    "/web/webclient/version_info",
)
_SESSION_SECONDS: Final = {V16: 90 * 86_400, V17: 7 * 86_400}


def answer(odoo: Database, request: Request, body: object, refusal: OdooError | None) -> Response:
    """The answer to a request at one of `PATHS`; `refusal` is a planned error."""
    if request.method != "POST" or request.mimetype != "application/json":
        raise _wrong_type(odoo, request.path)
    if not isinstance(body, dict):
        return _not_an_object(odoo, body)
    try:
        if refusal:
            raise refusal
        return _rpc(odoo, request, body)
    except OdooError as error:
        return _refused(odoo, error, body.get("id"))
    except Unserialisable:
        return page("<h1>Internal Server Error</h1>", 500)


def _rpc(odoo: Database, request: Request, body: Json) -> Response:
    params = body.get("params") or {}
    match request.path:
        case "/jsonrpc":
            result = _service(odoo, params)
        case "/web/webclient/version_info":
            result = odoo.server()
        case "/web/session/authenticate":
            return _log_in(odoo, body)
        case "/web/session/get_session_info":
            result = _session_info(odoo, odoo.session_user(_session(request)))
        case "/web/session/destroy":
            odoo.session_user(_session(request))
            odoo.log_out(_session(request))
            result = None
        case path if path.startswith("/web/dataset/call_kw"):
            user = odoo.session_user(_session(request))
            kwargs = dict(params["kwargs"])
            result = odoo.run(user, params["model"], params["method"], params["args"], kwargs)
        case _:
            raise NotFound
    return envelope(body.get("id"), result)


def _service(odoo: Database, params: Json) -> object:
    missing = {"service", "method", "args"} - params.keys()
    if missing:
        kind = "JSONRPC" if odoo.version >= V19 else "RPC"
        raise OdooError(
            "builtins.TypeError",
            f"{kind}.jsonrpc() missing 3 required positional arguments: 'service', 'method',"
            " and 'args'",
        )
    service, method, args = params["service"], params["method"], params["args"]
    match service, method:
        case "common", "version":
            return odoo.server()
        case "common", "authenticate":
            return odoo.authenticate(*args[:3])
        case "db", "list":
            return [odoo.database]
        case "object", "execute_kw":
            database, uid, secret, model, name, values, *rest = args
            user = odoo.user(database, uid, secret)
            return odoo.run(user, model, name, values, dict(rest[0]) if rest else {})
    raise OdooError("builtins.KeyError", str(service))


def _refused(odoo: Database, error: OdooError, number: object) -> Response:
    expired = error.name == EXPIRED
    answer = {
        "code": 100 if expired else 0 if odoo.version >= V19 else 200,
        "message": "Odoo Session Expired" if expired else "Odoo Server Error",
        "data": error_body(error),
    }
    # Odoo finds a session expired before it has read the request's id.
    return json_response({"jsonrpc": "2.0", "id": None if expired else number, "error": answer})


def _not_an_object(odoo: Database, body: object) -> Response:
    """The answer to JSON that is broken (`body` None) or a batch."""
    if odoo.version > V16:
        kind = "JSON" if body is None else "JSON-RPC"
        return page(f"Invalid {kind} data", 400)
    if body is not None:
        return page("<h1>Internal Server Error</h1>", 500)
    return _refused(
        odoo,
        OdooError("werkzeug.exceptions.BadRequest", "400 Bad Request: Invalid JSON data"),
        None,
    )


def _wrong_type(odoo: Database, path: str) -> HTTPException:
    kind = "jsonrpc" if odoo.version >= V19 else "json"
    text = f"Request inferred type is compatible with ['http'] but '{path}' is type='{kind}'."
    return UnsupportedMediaType(text) if odoo.version >= V19 else BadRequest(text)


def _log_in(odoo: Database, body: Json) -> Response:
    params = body["params"]
    session, user = odoo.log_in(params["db"], params["login"], params["password"])
    response = envelope(body.get("id"), _session_info(odoo, user))
    seconds = _SESSION_SECONDS[min(odoo.version, V17)]
    response.set_cookie("session_id", session, max_age=seconds, httponly=True)
    return response


def _session_info(odoo: Database, user: User) -> Json:
    companies = {
        str(i): {"id": i, "name": odoo.records["res.company"][i]["name"]} for i in user.companies
    }
    return {
        "uid": user.uid,
        "is_admin": False,
        "is_system": False,
        "user_context": {"lang": "en_US", "tz": "America/New_York", "uid": user.uid},
        "db": odoo.database,
        "server_version": SERVERS[odoo.version],
        "server_version_info": odoo.server()["server_version_info"],
        "name": user.name,
        "username": user.login,
        "user_companies": {
            "current_company": user.companies[0],
            "allowed_companies": companies,
        },
    }


def _session(request: Request) -> str:
    return request.cookies.get("session_id", "")
