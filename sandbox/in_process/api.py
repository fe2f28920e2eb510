"""The API in one process: its real parts over a mirror in moto, called as API Gateway does."""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from http import HTTPStatus
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import boto3

from odoo_qb.wiring.api import ApiWiring
from sandbox.in_process.aws import REGION
from sandbox.in_process.schedules import TARGET, ScheduleDesk, beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

    from sandbox.in_process.mirror import MirrorDesk

Json = dict[str, Any]

TOKEN: Final = "sandbox-api-token-0123456789abcdefghij"  # noqa: S105 - made up
HOST: Final = "api.example.com"
_TEXT: Final = ("text/", "application/json", "application/xml", "application/javascript")
_NUMBERS: Final = count()


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a client of the API gets; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    cookies: tuple[str, ...] = ()

    @cached_property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass(kw_only=True)
class ApiDesk:
    """The API of a mirror, and its clients. Time is the mirror's desk's."""

    desk: MirrorDesk
    wired: ApiWiring
    secrets: Any
    secret_id: str
    schedules: ScheduleDesk
    source_ip: str = "192.0.2.1"
    seen: list[Response] = field(default_factory=list)
    _changed: bool = True

    def call(
        self,
        method: str,
        target: str,
        *,
        token: str | None = TOKEN,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Json | None = None,
    ) -> Response:
        """Send a request to a path with a query, with a token unless it is None."""
        path, _, query = target.partition("?")
        sent = {"host": HOST, "user-agent": "test"}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        if isinstance(body, dict):
            body, sent["content-type"] = json.dumps(body), "application/json"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        raw = body.encode() if isinstance(body, str) else body
        response = self._answered(event(method, path, query, sent, raw, self.source_ip))
        self.seen.append(response)
        return response

    def get(self, target: str, **more: Any) -> Response:
        """Get a path with a query."""
        return self.call("GET", target, **more)

    def _answered(self, given: Json) -> Response:
        answer = json.loads(json.dumps(self.wired.api.answer(given)))
        return Response(
            status=answer["statusCode"],
            headers={name.lower(): value for name, value in answer["headers"].items()},
            text=answer["body"],
            cookies=tuple(answer.get("cookies", ())),
        )

    def restart(self) -> None:
        """Forget all that the function has kept, as a cold start does."""
        self.wired.forget()

    def reset(self) -> None:
        """The one token again, if a test has given others."""
        self.source_ip = "192.0.2.1"
        self.schedules.clear()
        if self._changed:
            self.set_tokens({"tests": TOKEN})
            self.restart()
            self._changed = False

    def set_tokens(
        self, tokens: Mapping[str, str], previous: Mapping[str, str] | None = None
    ) -> None:
        """Put tokens into the secret, as Terraform does."""
        kept = json.dumps({"tokens": _hashed(tokens), "previous": _hashed(previous or {})})
        self.secrets.put_secret_value(SecretId=self.secret_id, SecretString=kept)
        self._changed = True

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Serve HTTP."""
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        response = self._answered(
            event(
                environ["REQUEST_METHOD"],
                path.replace("%", "%25"),
                environ.get("QUERY_STRING", ""),
                headers,
                body,
                environ.get("REMOTE_ADDR", ""),
            )
        )
        sent = [(name, value) for name, value in response.headers.items()]
        sent += [("set-cookie", value) for value in response.cookies]
        payload = response.text.encode()
        start(
            f"{response.status} {_phrase(response.status)}",
            [*sent, ("content-length", str(len(payload)))],
        )
        return [payload]


def event(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes | None,
    source_ip: str,
) -> Json:
    """An event of an HTTP API, payload format 2.0: only some types of bodies come as text."""
    given: Json = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(path.replace("%25", "%2525")),
        "rawQueryString": query,
        "headers": {name: value for name, value in headers.items() if name != "cookie"},
        "requestContext": {
            "domainName": headers.get("host", ""),
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": source_ip},
            "requestId": "test",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        given["cookies"] = [one.strip() for one in headers["cookie"].split(";")]
    if body:
        is_text = headers.get("content-type", "").startswith(_TEXT)
        given["body"] = (
            body.decode("utf-8", "replace") if is_text else base64.b64encode(body).decode()
        )
        given["isBase64Encoded"] = not is_text
    return given


@contextmanager
def an_api(
    desk: MirrorDesk,
    set_environment: Callable[[str, str], None],
    wiring: Callable[[], ApiWiring] = ApiWiring,
) -> Iterator[ApiDesk]:
    """The API of this mirror with one token; `set_environment` sets a variable for that long."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    name = f"api-tokens-{next(_NUMBERS)}"
    arn = secrets.create_secret(Name=name)["ARN"]
    ledger = {"type": "odoo", "url": "https://ledger.example.com", "database": "ledger",
              "username": "mirror", "auth": "api_key"}  # fmt: skip
    environment = {
        "ENVIRONMENT": "test",
        "MIRROR_TABLE": desk.table_name,
        "MIRROR_STALE_SECONDS": "900",
        "ERP_CONNECTIONS": json.dumps({"ledger": ledger}),
        "API_SECRET_ARN": arn,
        "TASK_SCHEDULES": json.dumps(asdict(TARGET)),
        "AWS_DEFAULT_REGION": REGION,
        "POWERTOOLS_SERVICE_NAME": "api",
    }
    for variable, value in environment.items():
        set_environment(variable, value)
    schedules = beside(desk.client, desk.table_name)
    wired = wiring()
    wired.use(clock=desk.clock, sleep=desk.sleep)
    made = ApiDesk(desk=desk, wired=wired, secrets=secrets, secret_id=name, schedules=schedules)
    made.reset()
    yield made


def _hashed(tokens: Mapping[str, str]) -> dict[str, str]:
    return {name: hashlib.sha256(token.encode()).hexdigest() for name, token in tokens.items()}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
