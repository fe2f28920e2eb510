"""QuickBooks Online: tokens, calls, and which error means what.

python-quickbooks and intuit-oauth carry the calls. What they lack is added here: timeouts,
no discovery request, no refresh per client, the HTTP status and intuit_tid of an error.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Self, cast

import requests
from botocore.exceptions import ClientError
from intuitlib.client import AuthClient
from intuitlib.exceptions import AuthClientError
from quickbooks.client import QuickBooks

from odoo_qb.errors import Disconnected, Refused, Throttled, Unavailable
from odoo_qb.item import stamp
from odoo_qb.ledger import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from odoo_qb.bill import Document
    from odoo_qb.ledger import Payload, Posting

_READ_SECONDS: Final = (3.05, 30.0)
_WRITE_SECONDS: Final = (3.05, 60.0)  # QuickBooks itself gives up after 120
_TOKEN_SECONDS: Final = (3.05, 20.0)
_EARLY: Final = timedelta(minutes=10)  # a token is renewed before it ends in mid-posting
_PAGE: Final = 1000  # the most a query returns
CALLS_PER_MINUTE: Final = 500.0  # Intuit's limit for a company; its 10 a second is within it
THROTTLE_SECONDS: Final = 60  # what Intuit asks to wait after a 429
MINOR_VERSION: Final = 75
UPLOAD_BYTES: Final = 100_000_000

# https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable
UPLOAD_TYPES: Final = frozenset(
    {"ai", "csv", "doc", "docx", "eps", "gif", "jpeg", "jpg", "ods", "pdf", "png", "rtf"}
    | {"tif", "tiff", "txt", "xls", "xlsx", "xml"}
)

_AGAIN_LATER: Final = {"130", "140", "150", "600", "10000"}
_RECONNECT: Final = {"100", "110", "120", "3200"}
# What a bookkeeper is to do, by QuickBooks' error code;
# https://developer.intuit.com/app/developer/qbo/docs/develop/troubleshooting/error-codes
_REMEDIES: Final = {
    "610": "Something this bill refers to was deleted or made inactive in QuickBooks: make it"
    " active again, then retry.",
    "2500": "An account or vendor this bill refers to is inactive or deleted in QuickBooks: make"
    " it active again, then retry.",
    "3100": "The app may not use this QuickBooks company: check qb_realm_ids, and that the"
    " company was connected with the production keys.",
    "5020": "The QuickBooks plan does not include what this bill needs.",
    "5030": "The QuickBooks plan does not include what this bill needs.",
    "6070": "QuickBooks found that a line's amount is not its quantity times its price.",
    "6140": "QuickBooks already has a bill with this number: link it if it is this one, else"
    " correct the reference in Odoo.",
    "6190": "The QuickBooks subscription has ended: renew it, then retry.",
    "6210": "The books are closed for this date: open the period in QuickBooks and retry, or"
    " change the date in Odoo, which asks again.",
    "6240": "QuickBooks already has a customer, vendor or employee of this name.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A company's tokens as its secret keeps them; `seed` is the fingerprint of Terraform's."""

    seed: str
    refresh_token: str
    previous: str = ""
    access_token: str = ""
    expires_at: str = ""


class Connection:
    """The tokens of one company: read from its secret, renewed, persisted before use.

    `seed_token` is the refresh token Terraform was given: a new one takes over from whatever
    was rotated before.
    """

    def __init__(
        self,
        *,
        secrets: Any,  # noqa: ANN401 - boto3's Secrets Manager client
        secret_id: str,
        seed_token: str,
        client_id: str,
        client_secret: str,
        oauth_url: str,
    ) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._seed_token = seed_token
        self.seed = hashlib.sha256(seed_token.encode()).hexdigest()[:16]
        self._auth = _AuthClient(client_id, client_secret, oauth_url)
        self._tokens: Tokens | None = None

    def access_token(self, now: datetime) -> str:
        """A token that is good for some minutes; renews it when it must."""
        tokens = self._tokens or self._stored()
        if tokens.expires_at <= stamp(now + _EARLY):
            tokens = self._renewed(self._stored(), now)
        self._tokens = tokens
        return tokens.access_token

    def renew(self, rejected: str, now: datetime) -> None:
        """QuickBooks rejected an access token before its time: get another one."""
        tokens = self._stored()
        if tokens.access_token == rejected:
            tokens = self._renewed(tokens, now)
        self._tokens = tokens

    def _stored(self) -> Tokens:
        try:
            answer = self._secrets.get_secret_value(SecretId=self._secret_id)
            raw = json.loads(answer.get("SecretString") or "{}")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raw = {}  # Terraform makes the secret empty
        if raw.get("seed") != self.seed:
            return Tokens(seed=self.seed, refresh_token=self._seed_token)
        return Tokens(**raw)

    def _renewed(self, tokens: Tokens, now: datetime) -> Tokens:
        try:
            answer = self._auth.renewed(tokens.refresh_token)
        except Disconnected:
            if not tokens.previous:
                raise
            # Documents differ on how long the token before stays good: it gets one try.
            answer = self._auth.renewed(tokens.previous)
        rotated = str(answer["refresh_token"])
        fresh = Tokens(
            seed=self.seed,
            refresh_token=rotated,
            previous=tokens.refresh_token if rotated != tokens.refresh_token else tokens.previous,
            access_token=str(answer["access_token"]),
            expires_at=stamp(now + timedelta(seconds=int(answer["expires_in"]))),
        )
        # Kept before it is used: the old refresh token may be dead already.
        self._secrets.put_secret_value(
            SecretId=self._secret_id, SecretString=json.dumps(asdict(fresh))
        )
        return fresh


class QuickBooksCompany:
    """One company (realm) in QuickBooks. Every call raises Unavailable, Throttled or Refused.

    After Unavailable nobody knows whether a write was done: repeat it with the same
    request id and bytes, then look.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        realm_id: str,
        api_url: str,
        clock: Callable[[], datetime],
        calls_per_minute: float = CALLS_PER_MINUTE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._pace = _Pace(calls_per_minute, sleep)
        self._client = _Client.at(api_url, realm_id)
        self._base = f"{self._client.api_url}/company/{realm_id}"

    def take_over(self) -> Self:
        """Begin a piece of work: another process may have called a moment ago."""
        self._pace.last = time.monotonic()
        return self

    def query(self, statement: str) -> list[Payload]:
        """The rows of a query; values in it went through `quoted`."""
        answer = self._do(lambda: self._client.query(statement))
        rows = [v for v in answer.get("QueryResponse", {}).values() if isinstance(v, list)]
        return cast("list[Payload]", rows[0] if rows else [])

    def query_all(self, entity: str, where: str = "") -> Iterator[Payload]:
        """All rows of an entity, a thousand a call."""
        condition = f" where {where}" if where else ""
        start = 1
        while True:
            page = f" startposition {start} maxresults {_PAGE}"
            rows = self.query(f"select * from {entity}{condition}{page}")  # noqa: S608 - no SQL
            yield from rows
            if len(rows) < _PAGE:
                return
            start += _PAGE

    def preferences(self) -> Payload:
        """The company's preferences."""
        answer = self._do(lambda: self._client.get(f"{self._base}/preferences"))
        return cast("Payload", answer.get("Preferences", {}))

    def create(self, entity: str, body: str, request_id: str) -> Payload:
        """Create a document from JSON text; the same `request_id` never creates a second."""
        answer = self._do(lambda: self._client.create_object(entity, body, request_id=request_id))
        created = answer.get(entity)
        if not isinstance(created, dict):
            raise Unavailable("QuickBooks' answer has no document in it.")
        return created

    def find(self, posting: Posting) -> list[Payload]:
        """Documents that may be this one: of its number, or of its date where it has none."""
        number = quoted(str(posting.payload["DocNumber"]))
        rows = self.query(
            f"select * from {posting.entity} where DocNumber = '{number}'"  # noqa: S608
        )
        if rows or posting.entity == "Bill":
            return rows
        # A company that lets QuickBooks number vendor credits does not keep ours.
        day = posting.payload["TxnDate"]
        return self.query(
            f"select * from VendorCredit where TxnDate = '{day}' maxresults {_PAGE}"  # noqa: S608
        )

    def attachments(self, entity: str, document_id: str) -> list[Payload]:
        """What is attached to a document already."""
        return self.query(
            "select * from Attachable where AttachableRef.EntityRef.Type ="  # noqa: S608
            f" '{entity.lower()}' and AttachableRef.EntityRef.value = '{document_id}'"
        )

    def attach(
        self,
        entity: str,
        document_id: str,
        files: Sequence[tuple[Document, bytes]],
        request_id: str,
    ) -> list[Payload]:
        """Upload files to a document in one request; the answer for each, in their order."""
        parts: list[tuple[str, tuple[str, bytes | str, str]]] = []
        for number, (document, data) in enumerate(files, start=1):
            metadata = {
                "AttachableRef": [{"EntityRef": {"type": entity, "value": document_id}}],
                "FileName": document.name,
                "ContentType": document.type,
            }
            suffix = f"{number:02d}"
            parts.append((f"file_metadata_{suffix}", ("", to_json(metadata), "application/json")))
            # A header is ASCII; the real name is in the metadata.
            plain = "".join(c if c.isascii() and c.isprintable() else "_" for c in document.name)
            plain = plain.replace('"', "_").replace("\\", "_")
            parts.append((f"file_content_{suffix}", (plain, data, document.type)))
        answer = self._do(lambda: self._client.upload(f"{self._base}/upload", parts, request_id))
        return [row.get("Attachable", row) for row in answer.get("AttachableResponse", ())]

    def _do(self, call: Callable[[], Any]) -> Payload:
        for last in (False, True):
            token = self._connection.access_token(self._clock())
            self._client.session.access_token = token
            self._pace.wait()
            try:
                return cast("Payload", call())
            except Disconnected:
                if last:
                    raise
                self._connection.renew(token, self._clock())
        raise AssertionError  # the last try raises or returns


class _Session(requests.Session):
    """What python-quickbooks calls a session: requests' own, with the token beside it."""

    access_token = ""


class _AuthClient(AuthClient):  # type: ignore[misc]  # intuit-oauth has no types
    """intuit-oauth's client without the discovery request its constructor makes."""

    def __init__(self, client_id: str, client_secret: str, oauth_url: str) -> None:
        requests.Session.__init__(self)
        self.client_id = client_id
        self.client_secret = client_secret
        self.token_endpoint = oauth_url
        self.refresh_token = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - as requests
        """As requests, which would wait for ever, but not."""
        kwargs.setdefault("timeout", _TOKEN_SECONDS)
        return cast("requests.Response", super().request(*args, **kwargs))

    def renewed(self, refresh_token: str) -> Payload:
        """Intuit's answer to a refresh: access token, its seconds, the next refresh token."""
        try:
            self.refresh(refresh_token=refresh_token)
        except AuthClientError as error:
            raise _token_refusal(error) from None  # its text repeats the answer
        except (requests.RequestException, ValueError) as error:
            raise Unavailable("Intuit did not answer when the token was renewed.") from error
        return {k: getattr(self, k) for k in ("access_token", "refresh_token", "expires_in")}


def _token_refusal(error: AuthClientError) -> Refused | Unavailable:
    tid = str(error.intuit_tid or "")
    if error.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled("Intuit asks us to slow down.", THROTTLE_SECONDS)
    content = str(error.content)
    if "invalid_grant" in content:
        return Disconnected(
            "QuickBooks has ended the connection: connect the company again and apply its new"
            " refresh token (qb_refresh_tokens, then raise secrets_version).",
            code="invalid_grant",
            tid=tid,
        )
    if "invalid_client" in content:
        return Disconnected(
            "Intuit does not know these keys: check qb_client_id and qb_client_secret.",
            code="invalid_client",
            tid=tid,
        )
    return Unavailable("Intuit could not renew the token just now.")


class _Client(QuickBooks):  # type: ignore[misc]  # python-quickbooks has no types
    """python-quickbooks with an address of ours, timeouts, and errors that keep their status."""

    base = ""

    @classmethod
    def at(cls, api_url: str, realm_id: str) -> _Client:
        """A client that has no token yet; each call is given one."""
        client = cls(company_id=realm_id, minorversion=MINOR_VERSION)
        client.base = api_url.rstrip("/").removesuffix("/v3")
        client.session = _Session()
        return client

    @property
    def api_url(self) -> str:
        """Where the accounting API lives."""
        return f"{self.base}/v3"

    def process_request(
        self,
        request_type: str,
        url: str,
        headers: Any = "",  # noqa: ANN401 - as the library
        params: Any = "",  # noqa: ANN401 - as the library
        data: Any = "",  # noqa: ANN401 - as the library
        files: Any = None,  # noqa: ANN401 - as requests
    ) -> requests.Response:
        """Send one request; an answer that is not a success is raised as what it means."""
        reading = request_type == "GET" or url.endswith("/query")
        try:
            response = self.session.request(
                request_type,
                url,
                headers={**headers, "Authorization": f"Bearer {self.session.access_token}"},
                params=params,
                data=data or None,
                files=files,
                timeout=_READ_SECONDS if reading else _WRITE_SECONDS,
            )
        except requests.RequestException as error:
            raise Unavailable("QuickBooks did not answer.") from error
        refusal = refusal_of(response.status_code, response.headers, response.text)
        if refusal:
            raise refusal
        return cast("requests.Response", response)

    def upload(self, url: str, parts: Any, request_id: str) -> Payload:  # noqa: ANN401 - as requests
        """Send files as binary parts: base64, as the library sends them, arrives broken."""
        params = {"minorversion": MINOR_VERSION, "requestid": request_id}
        headers = {"Accept": "application/json"}
        response = self.process_request("POST", url, headers, params, files=parts)
        return cast("Payload", json.loads(response.text, parse_float=Decimal))


def refusal_of(  # noqa: PLR0911 - one return for each meaning
    status: int, headers: Mapping[str, str], text: str
) -> Exception | None:
    """What an answer of QuickBooks means when it is not a success; None when it is.

    A Fault may come with HTTP 200; gateways write `fault` in lower case, XML or HTML.
    """
    tid = str(headers.get("intuit_tid", ""))
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    errors = _errors(body)
    code = str(errors[0].get("code") or "") if errors else ""
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == "3001" or "ThrottleExceeded" in text:
        return Throttled("QuickBooks asks us to slow down.", THROTTLE_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED or code in _RECONNECT:
        return Disconnected(
            "QuickBooks no longer accepts the connection: connect the company again and apply"
            " its new refresh token (qb_refresh_tokens, then raise secrets_version).",
            code=code or str(status),
            tid=tid,
        )
    if errors and (code in _AGAIN_LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR):
        return Unavailable(f"QuickBooks could not do it just now (error {code}).")
    if errors:
        detail = str(errors[0].get("Detail") or errors[0].get("detail") or "").strip()
        remedy = _REMEDIES.get(code)
        sentence = remedy or f"QuickBooks refused the bill: {_first_sentence(detail)}"
        return Refused(f"{sentence} (QuickBooks error {code})", code=code, tid=tid)
    if status == HTTPStatus.FORBIDDEN:
        return Refused(_REMEDIES["3100"], code=str(status), tid=tid)
    if body is None or status >= HTTPStatus.BAD_REQUEST:
        return Unavailable(f"QuickBooks answered with HTTP status {status} and no data.")
    return None


def _errors(body: object) -> list[dict[str, Any]]:
    if not isinstance(body, dict):
        return []
    fault = body.get("Fault") or body.get("fault") or {}
    rows = fault.get("Error") or fault.get("error") or []
    return [row for row in rows if isinstance(row, dict)]


def _first_sentence(detail: str) -> str:
    return " ".join(detail.split())[:200] or "it gave no reason."


class _Pace:
    """Keeps a company's calls apart, so that QuickBooks need not refuse us.

    A company's bills are posted one after the other, but not always by the same process: who
    takes over knows nothing of the last call and keeps its distance from the take-over.
    """

    def __init__(self, calls_per_minute: float, sleep: Callable[[float], None]) -> None:
        self._gap = 60 / calls_per_minute
        self._sleep = sleep
        self.last = time.monotonic()

    def wait(self) -> None:
        """Return when one more request is within the limit."""
        early = self.last + self._gap - time.monotonic()
        if early > 0:
            self._sleep(early)
        self.last = time.monotonic()


def quoted(text: str) -> str:
    """A value for a query: a backslash is doubled before a quote is escaped."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
