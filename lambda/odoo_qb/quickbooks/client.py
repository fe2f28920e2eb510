"""QuickBooks Online: the calls.

python-quickbooks makes the calls. What it lacks is added here: timeouts, no redirects, no token
refresh per client, the HTTP status and intuit_tid of errors, and checks of each answer's shape.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from odoo_qb.errors import Disconnected, Unavailable
from odoo_qb.exact_json import to_json
from odoo_qb.quickbooks.answers import object_of, rows_of, uploaded
from odoo_qb.quickbooks.error_codes import TokenRejected
from odoo_qb.quickbooks.token_endpoint import NO_ACCESS, RECONNECT
from odoo_qb.quickbooks.transport import Transport
from odoo_qb.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from odoo_qb.quickbooks.connection import Connection
    from odoo_qb.quickbooks.types import Payload

_PAGE: Final = 1000  # the most a query returns
CALLS_PER_MINUTE: Final = 500.0  # Intuit's limit per company, which also keeps 10 a second
_NO_ACCESS: Final = "120"  # the token is valid, its user is not; sometimes only a glitch


@dataclass(frozen=True, slots=True)
class File:
    """A file to attach: name and content type as QuickBooks accepts them, and its bytes."""

    name: str
    type: str
    data: bytes


class QuickBooksClient:
    """One company (realm) in QuickBooks. Every call may raise Unavailable, Throttled or Refused.

    After Unavailable it is unknown whether a write was done: repeat it with the same request id and
    bytes, then look it up.
    """

    def __init__(
        self,
        *,
        connection: Connection,
        realm_id: str,
        api_url: str,
        calls_per_minute: float = CALLS_PER_MINUTE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.realm_id = realm_id
        self._connection = connection
        self._is_on_trial = False
        self._pace = Throttle(60 / calls_per_minute, sleep)
        self._client = Transport.at(api_url, realm_id)
        self._client.use_decimal = True
        self._base = f"{self._client.api_url}/company/{realm_id}"

    def begin_batch(self) -> Self:
        """Begin the next bill or list: another process may have called a moment ago.

        A company's bills are posted one after the other, but not always by the same process.
        """
        self._pace.last = time.monotonic()
        return self

    def is_broken(self) -> bool:
        """Whether the connection is known to be broken, so that a call would be useless.

        If only a write can tell, a successful one marks the company as open again.
        """
        standing = self._connection.standing()
        self._is_on_trial = standing == "on trial"
        return standing == "closed"

    def query(self, statement: str) -> list[Payload]:
        """The rows of a query, in which values were escaped by `quoted`."""
        return rows_of(self._do(lambda: self._client.query(statement)), statement)

    def query_all(self, entity: str, where: str = "") -> Iterator[Payload]:
        """All rows of an entity, a thousand per call."""
        condition = f" where {where}" if where else ""
        return self._pages(f"select * from {entity}{condition}")  # noqa: S608 - no SQL

    def _pages(self, statement: str) -> Iterator[Payload]:
        start = 1
        while True:
            rows = self.query(f"{statement} startposition {start} maxresults {_PAGE}")
            yield from rows
            if len(rows) < _PAGE:
                return
            start += _PAGE

    def preferences(self) -> Payload:
        """The company's preferences."""
        answer = self._do(lambda: self._client.get(f"{self._base}/preferences"))
        return object_of(answer, "Preferences")

    def company_info(self) -> Payload:
        """The company's name and country."""
        answer = self._do(lambda: self._client.get(f"{self._base}/companyinfo/{self.realm_id}"))
        return object_of(answer, "CompanyInfo")

    def read(self, entity: str, document_id: str) -> Payload:
        """One bill or vendor credit by its id; Refused (610) if there is none."""
        answer = self._do(lambda: self._client.get(f"{self._base}/{entity.lower()}/{document_id}"))
        return object_of(answer, entity, document_id)

    def create(self, entity: str, body: str, request_id: str) -> Payload:
        """Create a document from JSON text; the same `request_id` never creates a second."""
        answer = self._write(
            lambda: self._client.create_object(entity, body, request_id=request_id)
        )
        return object_of(answer, entity)

    def find_by_doc_number(
        self, entity: str, doc_number: str, day: str, *others: str
    ) -> list[Payload]:
        """Bills or vendor credits, of any vendor, that may have one of these numbers.

        If a number cannot be queried (what a backslash means in a query is undocumented), those of
        the day are returned instead; and in addition if the number may be misread (Intuit names
        ISO-8859-1 for US companies) or replaced (a company may let QuickBooks number its credits).
        The caller compares.
        """
        by_day = f"select * from {entity} where TxnDate = '{day}'"  # noqa: S608 - no SQL
        numbers = [doc_number, *others]
        if any("\\" in n for n in numbers):
            return list(self._pages(by_day))
        listed = ", ".join(f"'{quoted(n)}'" for n in numbers)
        condition = f"in ({listed})" if others else f"= {listed}"
        rows = self.query(
            f"select * from {entity} where DocNumber {condition} maxresults {_PAGE}"  # noqa: S608
        )
        is_plain = entity == "Bill" and all(n.isascii() for n in numbers)
        return rows if is_plain else [*rows, *self._pages(by_day)]

    def find_by_name(self, entity: str, name: str) -> list[Payload]:
        """Vendors, customers or employees of exactly this name, inactive ones too."""
        active = "Active IN (true, false)"
        if "\\" not in name:
            where = f"DisplayName = '{quoted(name)}' and {active}"
            rows = self.query(f"select * from {entity} where {where}")  # noqa: S608 - no SQL
            found = _of_name(rows, name)
            if found or name.isascii():
                return found
        # A name that may be misread is compared with all of them.
        return _of_name(self.query_all(entity, active), name)

    def attachments(self, entity: str, document_id: str) -> list[Payload]:
        """The files already attached to a document."""
        return self.query(
            "select * from Attachable where AttachableRef.EntityRef.Type ="  # noqa: S608
            f" '{entity.lower()}' and AttachableRef.EntityRef.value = '{document_id}'"
            f" maxresults {_PAGE}"
        )

    def attach(
        self,
        entity: str,
        document_id: str,
        files: Sequence[File],
        request_id: str,
    ) -> list[Payload]:
        """Upload files to a document in one request; returns the answer for each, in order."""
        parts: list[tuple[str, tuple[str, bytes | str, str]]] = []
        for number, file in enumerate(files, start=1):
            metadata = {
                "AttachableRef": [{"EntityRef": {"type": entity, "value": document_id}}],
                "FileName": file.name,
                "ContentType": file.type,
            }
            suffix = f"{number:02d}"
            parts.append((f"file_metadata_{suffix}", ("", to_json(metadata), "application/json")))
            # A header is ASCII; the real name is in the metadata.
            plain = "".join(c if c.isascii() and c.isprintable() else "_" for c in file.name)
            plain = plain.replace('"', "_").replace("\\", "_")
            parts.append((f"file_content_{suffix}", (plain, file.data, file.type)))
        answer = self._write(
            lambda: self._client.upload(f"{self._base}/upload", parts, request_id), repeatable=False
        )
        return uploaded(answer, len(files))

    def _write(self, call: Callable[[], object], *, repeatable: bool = True) -> object:
        """Write something: a company may refuse writes and still answer reads."""
        try:
            answer = self._do(call, repeatable=repeatable)
        except Disconnected as refusal:
            refusal.on_write = True
            raise
        if self._is_on_trial:
            self._connection.note_works(wrote=True)
            self._is_on_trial = False
        return answer

    def _do(self, call: Callable[[], object], *, repeatable: bool = True) -> object:
        """Call with a valid token; if it is rejected, renew it and repeat the call.

        A gateway may reject a token after the work was done. A create can be repeated safely with
        its request id; whether an upload can, Intuit does not document.
        """
        for last in (False, True):
            token = self._connection.access_token()
            self._client.session.access_token = token
            self._pace.wait()
            try:
                return call()
            except TokenRejected as rejected:
                if last:
                    message = NO_ACCESS if rejected.code == _NO_ACCESS else RECONNECT
                    raise Disconnected(message, code=rejected.code, tid=rejected.tid) from None
                self._connection.replace(token)
                if not repeatable:
                    raise Unavailable("QuickBooks rejected the token during an upload.") from None
        raise AssertionError  # the last try raises or returns


def _of_name(rows: Iterable[Payload], name: str) -> list[Payload]:
    """Compared again here: QuickBooks ignores case, and sometimes matches patterns."""
    wanted = name.casefold()
    return [r for r in rows if str(r.get("DisplayName", "")).casefold() == wanted]


def quoted(text: str) -> str:
    """A value for a query, with backslashes doubled and quotes escaped."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
