"""/json/2 as Odoo 19 answers it.

https://www.odoo.com/documentation/19.0/developer/reference/external_api.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import BadRequest, NotFound

from sandbox.odoo.calls import is_on_model
from sandbox.odoo.errors import OdooError, Unserialisable
from sandbox.odoo.http import error_body, json_response, not_found, page

if TYPE_CHECKING:
    from werkzeug.wrappers import Request, Response

    from sandbox.odoo.database import Database
    from sandbox.odoo.view import User

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


def answer(odoo: Database, request: Request, body: object, refusal: OdooError | None) -> Response:
    """The answer to a request under /json/2; `refusal` is a planned error."""
    try:
        if refusal:
            raise refusal
        return json_response(_result(odoo, request, body))
    except OdooError as error:
        status = _STATUSES.get(error.name, 500)
        said = error_body(error)
        if error.name.startswith("werkzeug."):
            said["arguments"] = [error.message, status]
        response = json_response(said, status)
        if status == _STATUSES["werkzeug.exceptions.Unauthorized"]:
            response.headers["WWW-Authenticate"] = "Bearer "
        return response
    except Unserialisable:
        return page("<h1>Internal Server Error</h1>", 500)


def _result(odoo: Database, request: Request, body: object) -> object:
    if request.headers.get("X-Odoo-Database", odoo.database) != odoo.database:
        raise NotFound(
            "No database is selected and the requested URL was not found in the server-wide"
            " controllers."
        )
    user = _user(odoo, request)
    model, _, method = request.path.removeprefix("/json/2/").partition("/")
    if request.method != "POST":
        raise not_found("Did you mean POST /json/2/<model>/<method>?")
    if not isinstance(body, dict):
        raise BadRequest("could not parse the body as json")
    if model not in odoo.fields:
        raise not_found(f"the model '{model}' does not exist")
    on_model = is_on_model(method, odoo.version)
    if on_model is None:
        raise not_found(f"The method '{model}.{method}' does not exist")
    kwargs = dict(body)
    args = [] if on_model else [kwargs.pop("ids", [])]
    if on_model and "ids" in kwargs:
        raise OdooError(
            "werkzeug.exceptions.UnprocessableEntity", f"cannot call {model}.{method} with ids"
        )
    try:
        return odoo.run(user, model, method, args, kwargs)
    except OdooError as error:
        if error.name != "builtins.TypeError":
            raise
        complaint = error.message.partition("() ")[2] or error.message
        raise OdooError("werkzeug.exceptions.UnprocessableEntity", complaint) from error


def _user(odoo: Database, request: Request) -> User:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise OdooError(
            "werkzeug.exceptions.Unauthorized",
            "User not authenticated, use an API Key with a Bearer Authorization header.",
        )
    return odoo.key_user(key)
