"""From a request to an answer: find its route, see who calls, check what is given, answer."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from odoo_qb.api.answer import Answer, as_problem, see_other
from odoo_qb.api.problem import Problem
from odoo_qb.api.request import to_request
from odoo_qb.api.routing import Call
from odoo_qb.errors import Misconfigured, Unavailable
from odoo_qb.guarding import OF_AWS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odoo_qb.api.access import Access
    from odoo_qb.api.checks import Checks
    from odoo_qb.api.contract import Contract
    from odoo_qb.api.request import Request
    from odoo_qb.api.routing import Handler

logger = Logger(child=True)

_AGAIN: Final = {"Retry-After": "5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The API: `handlers` answer by the contract's operations."""

    contract: Contract
    checks: Checks
    access: Access
    handlers: Mapping[str, Handler]
    clock: Callable[[], datetime]

    def answer(self, event: object) -> dict[str, Any]:
        """The response to an event of an HTTP API; nothing that goes wrong is an exception."""
        try:
            request = to_request(event)
        except Problem as problem:
            return as_problem(problem).as_response()
        return self._answer(request).as_response(with_body=request.method != "HEAD")

    def _answer(self, request: Request) -> Answer:
        try:
            return self._answered(request)
        except Problem as problem:
            return as_problem(problem)
        except (*OF_AWS, Unavailable):
            logger.exception("AWS did not answer as it should")
            return as_problem(
                Problem(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "The API cannot answer right now. Try again in a moment.",
                    headers=_AGAIN,
                )
            )
        except Misconfigured:
            logger.exception("the API is not set up")
            return as_problem(
                Problem(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "The API is not set up correctly. Its operator finds the reason in the log.",
                    headers=_AGAIN,
                )
            )
        except Exception:
            logger.exception("an error of ours")
            return as_problem(
                Problem(
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                    "Something went wrong here. Try again; the log has the reason.",
                )
            )

    def _answered(self, request: Request) -> Answer:
        now = self.clock()
        route, places = self.contract.find(request.path)
        operation = self.contract.operation(route, request.method)
        caller = ""
        if operation is None or not operation.is_public:
            try:
                caller = self.access.caller(request, now)
            except Problem:
                if operation and operation.is_page and request.wants_page:
                    return see_other(f"sign-in?next={'/'.join(request.path)}")
                raise
        if operation is None:
            return self._no_operation(route, request.method)
        given = self.checks.check(operation, request, places)
        call = Call(request=request, values=given.values, body=given.body, caller=caller, now=now)
        return self.handlers[operation.operation_id](call)

    def _no_operation(self, route: str, method: str) -> Answer:
        if not route:
            raise Problem(
                HTTPStatus.NOT_FOUND, "There is no such route. /docs lists those that there are."
            )
        allow = {"Allow": self.contract.methods(route)}
        if method == "OPTIONS":
            return Answer(status=HTTPStatus.NO_CONTENT, headers=allow)
        taken = " and ".join(allow["Allow"].rsplit(", ", 1))
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, f"This route takes {taken}.", headers=allow)
