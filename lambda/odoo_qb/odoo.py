"""Read vendor bills from Odoo 16-19 over /jsonrpc with an API key, in few calls."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import requests

from odoo_qb.bill import MOVE_TYPES, Bill, Document, Line, LineKind, Vendor, money
from odoo_qb.errors import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow
FILE_BATCH_BYTES: Final = 8_000_000  # an answer holds base64 text and bytes at once
FILE_BATCH_COUNT: Final = 50
_TIMEOUT: Final = (5.0, 60.0)  # seconds to connect, to answer; Odoo's own limit is 120
_PAUSES: Final = (1.0, 3.0)  # before a second and a third try of a read

_MOVE_FIELDS: Final = (
    "name", "move_type", "state", "ref", "commercial_partner_id", "company_id", "currency_id",
    "invoice_date", "date", "invoice_date_due", "invoice_payment_term_id", "amount_untaxed",
    "amount_tax", "amount_total", "amount_total_signed", "invoice_origin", "create_uid",
    "message_main_attachment_id", "write_date",
)  # fmt: skip
_LINE_FIELDS: Final = (
    "move_id", "display_type", "name", "sequence", "account_id", "quantity", "price_unit",
    "price_subtotal", "tax_ids", "amount_currency",
)  # fmt: skip
_FILE_FIELDS: Final = (
    "name", "res_id", "mimetype", "file_size", "checksum", "type", "write_date",
)  # fmt: skip
# Odoo knows line_subsection from 19 on; older versions find nothing under an unknown value.
_KINDS: Final[dict[str, LineKind]] = {
    "product": "product",
    "tax": "tax",
    "line_section": "section",
    "line_subsection": "section",
    "line_note": "note",
}

Record = dict[str, Any]


class Odoo:
    """One database on one Odoo server, as one user.

    `call` raises Unavailable when a later try may work, Refused when a person must act. Calls
    only read, so a lost answer is asked for again.
    """

    def __init__(
        self,
        *,
        url: str,
        database: str,
        username: str,
        api_key: str,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.database = database
        self._base = url.rstrip("/").removesuffix("/jsonrpc")
        self._username = username
        self._api_key = api_key
        self._session = session or requests.Session()
        self._sleep = sleep
        self._uid: int | None = None
        self.calls = 0

    def call(self, model: str, method: str, *args: object, **kwargs: object) -> Any:  # noqa: ANN401 - Odoo's JSON
        """Call a model's method; logs in first where this process has not yet."""
        if self._uid is None:
            self._uid = self._authenticate()
        who = [self.database, self._uid, self._api_key]
        return self._rpc("object", "execute_kw", [*who, model, method, list(args), kwargs])

    def _authenticate(self) -> int:
        who: list[object] = [self.database, self._username, self._api_key, {}]
        uid = self._rpc("common", "authenticate", who)
        if not isinstance(uid, int) or isinstance(uid, bool):
            raise Refused(self._denied())
        return uid

    def _rpc(self, service: str, method: str, args: list[object]) -> Any:  # noqa: ANN401 - Odoo's JSON
        params = {"service": service, "method": method, "args": args}
        request = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        for pause in (*_PAUSES, None):
            try:
                return self._answer(self._post(request))
            except Unavailable:
                if pause is None:
                    raise
                self._sleep(pause)
        raise AssertionError  # the last pause is None

    def _post(self, request: Record) -> requests.Response:
        self.calls += 1
        try:
            return self._session.post(f"{self._base}/jsonrpc", json=request, timeout=_TIMEOUT)
        except requests.Timeout as error:
            raise Unavailable(f"Odoo at {self._host} did not answer in time.") from error
        except requests.RequestException as error:
            raise Unavailable(
                f"Odoo at {self._host} cannot be reached: check odoo_api_url, and that the"
                " server is up and open to this network."
            ) from error

    def _answer(self, response: requests.Response) -> Any:  # noqa: ANN401 - Odoo's JSON
        kind = response.headers.get("Content-Type", "")
        if response.status_code != requests.codes.ok or "json" not in kind:
            raise Unavailable(
                f"Odoo at {self._host} answered with HTTP status {response.status_code} and"
                " no data: is it being restarted, or is odoo_api_url another kind of server?"
            )
        try:
            body = json.loads(response.text, parse_float=Decimal)
        except ValueError as error:
            raise Unavailable(f"Odoo at {self._host} broke off in its answer.") from error
        if "error" in body:
            raise self._refusal(body["error"])
        return body.get("result")

    def _refusal(self, error: Record) -> Refused | Unavailable:
        """Odoo's error as a sentence; `data.name` decides, its traceback is never repeated."""
        data = error.get("data") or {}
        name = str(data.get("name") or "")
        message = str(data.get("message") or error.get("message") or "").strip()
        first = message.splitlines()[0][:200] if message else name
        if name.endswith("AccessDenied"):
            self._uid = None  # a key may have been replaced: log in again next time
            return Refused(self._denied(), code=name)
        if name.endswith("OperationalError") and "does not exist" in message:
            return Refused(
                f"Odoo at {self._host} has no database {self.database}: check odoo_database.",
                code=name,
            )
        if name.startswith("psycopg2."):
            return Unavailable(f"Odoo's database at {self._host} is not available just now.")
        if name.endswith("AccessError"):
            return Refused(
                f"The Odoo user {self._username} lacks a right ({first}): it needs read access"
                " to accounting in every configured company.",
                code=name,
            )
        return Refused(f"Odoo refused the question: {first}", code=name)

    def _denied(self) -> str:
        return (
            f"Odoo refused the user {self._username} in the database {self.database}: check"
            " odoo_username and odoo_api_key (an ordinary user's key ends after 90 days)."
        )

    @property
    def _host(self) -> str:
        return urlsplit(self._base).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What Odoo says of one document: its state, and the bill where it can be read as one.

    `written` is Odoo's own time of the last change of it or of its files.
    """

    odoo_id: int
    odoo_name: str
    odoo_company: str
    state: str
    written: str
    bill: Bill | None = None


def search_changed(odoo: Odoo, *, watermark: str, dated_from: date) -> list[int]:
    """Ids of purchase documents changed since `watermark` (Odoo's UTC text), oldest first.

    Without a watermark: all dated from `dated_from` on. The state is not asked for, because a
    bill that was cancelled or reset would be hidden. One list of ids, read by id afterwards,
    loses nothing when rows move while the pages are read.
    """
    domain: list[object] = [["move_type", "in", list(MOVE_TYPES)]]
    if watermark:
        # An attachment's change does not touch its bill's write_date.
        domain += ["|", ["write_date", ">=", watermark]]
        domain += [["attachment_ids.write_date", ">=", watermark]]
    else:
        domain += [["invoice_date", ">=", dated_from.isoformat()]]
    ids: list[int] = odoo.call("account.move", "search", domain, order="write_date, id")
    return ids


class Books:
    """Turns ids into bills, a page at a time; remembers names and accounts for one run."""

    def __init__(self, odoo: Odoo, company_keys: Mapping[str, str]) -> None:
        self._odoo = odoo
        self._keys = company_keys  # Odoo's company name -> our key
        self._accounts: dict[tuple[int, int], tuple[str, str]] = {}
        self._vendors: dict[int, Vendor] = {}
        self._taxes: dict[int, str] = {}
        self._currencies: dict[int, str] = {}

    def pages(self, ids: Sequence[int]) -> Iterator[list[Entry]]:
        """The documents in the order of `ids`; one that vanished meanwhile is left out."""
        for start in range(0, len(ids), PAGE_SIZE):
            yield self._page(ids[start : start + PAGE_SIZE])

    def _page(self, ids: Sequence[int]) -> list[Entry]:
        moves = self._read("account.move", ids, _MOVE_FIELDS)
        wanted = [m for m in moves if _name(m["company_id"]) in self._keys]
        posted = [m["id"] for m in wanted if m["state"] == "posted"]
        lines = self._lines(posted)
        files = self._files(posted)
        self._learn(wanted, lines)
        found = {m["id"]: m for m in moves}
        return [self._entry(found[i], lines, files) for i in ids if i in found]

    def _lines(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["move_id", "in", list(ids)], ["display_type", "in", list(_KINDS)]]
        # "move_id" would sort by account.move's own order; "id" is cheap and grouped here.
        rows = self._odoo.call(
            "account.move.line", "search_read", domain, fields=_LINE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: int(row["move_id"][0]))

    def _files(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
        rows = self._odoo.call(
            "ir.attachment", "search_read", domain, fields=_FILE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: int(row["res_id"]))

    def _learn(self, moves: Iterable[Record], lines: Mapping[int, list[Record]]) -> None:
        """Read the accounts, vendors, taxes and companies not met before in this run."""
        accounts: dict[int, set[int]] = {}
        partners: set[int] = set()
        taxes: set[int] = set()
        companies: set[int] = set()
        for move in moves:
            company = int(move["company_id"][0])
            companies.add(company)
            if move["commercial_partner_id"]:
                partners.add(int(move["commercial_partner_id"][0]))
            for line in lines.get(move["id"], ()):
                taxes.update(line["tax_ids"])
                if line["account_id"]:
                    accounts.setdefault(company, set()).add(int(line["account_id"][0]))
        for company, ids in accounts.items():
            self._learn_accounts(company, ids)
        for row in self._read_new("res.partner", partners, self._vendors, ("name", "email", "vat")):
            self._vendors[row["id"]] = Vendor(
                odoo_id=row["id"],
                name=_text(row["name"]),
                email=_text(row["email"]),
                tax_id=_text(row["vat"]),
            )
        for row in self._read_new("account.tax", taxes, self._taxes, ("name",)):
            self._taxes[row["id"]] = _text(row["name"])
        for row in self._read_new("res.company", companies, self._currencies, ("currency_id",)):
            self._currencies[row["id"]] = _name(row["currency_id"])

    def _learn_accounts(self, company: int, ids: set[int]) -> None:
        new = [i for i in sorted(ids) if (company, i) not in self._accounts]
        # From 18 on an account's code belongs to a company: it is false unless that company
        # comes first in the context.
        context = {"allowed_company_ids": [company]}
        for row in self._read("account.account", new, ("code", "name"), context=context):
            self._accounts[company, row["id"]] = (_text(row["code"]), _text(row["name"]))

    def _read_new(
        self, model: str, ids: set[int], known: Mapping[int, object], fields: Sequence[str]
    ) -> list[Record]:
        return self._read(model, sorted(ids - known.keys()), fields)

    def _read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        if not ids:
            return []
        rows = self._odoo.call(model, "read", list(ids), fields=list(fields), **kwargs)
        return cast("list[Record]", rows)

    def _entry(
        self, move: Record, lines: Mapping[int, list[Record]], files: Mapping[int, list[Record]]
    ) -> Entry:
        attached = files.get(move["id"], [])
        company = _name(move["company_id"])
        bill = None
        if move["state"] == "posted" and company in self._keys:
            try:
                bill = self._bill(move, lines.get(move["id"], []), attached)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                # Whatever one bill's data breaks must not stop its neighbours, nor be lost.
                bill = self._unreadable(move, type(error).__name__)
        return Entry(
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            odoo_company=company,
            state=_text(move["state"]),
            written=max([move["write_date"], *(f["write_date"] for f in attached)]),
            bill=bill,
        )

    def _unreadable(self, move: Record, why: str) -> Bill:
        return Bill(
            company=self._keys[_name(move["company_id"])],
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            move_type=move["move_type"],
            vendor=None,
            currency=_name(move["currency_id"]),
            amount_untaxed=Decimal(0),
            amount_tax=Decimal(0),
            amount_total=Decimal(0),
            unreadable=f"Odoo's data of this bill cannot be read ({why}): open and check it there.",
        )

    def _bill(self, move: Record, lines: Sequence[Record], files: Sequence[Record]) -> Bill:
        company_id = int(move["company_id"][0])
        partner = move["commercial_partner_id"]
        rows = sorted(lines, key=lambda row: (row["sequence"], row["id"]))
        sign = -1 if move["move_type"] == "in_refund" else 1
        return Bill(
            company=self._keys[_name(move["company_id"])],
            odoo_id=move["id"],
            odoo_name=_text(move["name"]),
            move_type=move["move_type"],
            vendor=self._vendors.get(int(partner[0])) if partner else None,
            currency=_name(move["currency_id"]),
            amount_untaxed=money(move["amount_untaxed"]),
            amount_tax=money(move["amount_tax"]),
            amount_total=money(move["amount_total"]),
            company_currency=self._currencies.get(company_id, ""),
            company_total=abs(money(move["amount_total_signed"])),
            bill_reference=_text(move["ref"]).strip(),
            bill_date=_date(move["invoice_date"]),
            accounting_date=_date(move["date"]),
            due_date=_date(move["invoice_date_due"]),
            payment_terms=_name(move["invoice_payment_term_id"]),
            po_number=_text(move["invoice_origin"]),
            entered_by=_name(move["create_uid"]),
            lines=tuple(self._line(row, company_id, sign) for row in rows),
            documents=_documents(move, files),
            unsupported=tuple(_text(f["name"]) for f in files if f["type"] != "binary"),
        )

    def _line(self, row: Record, company_id: int, sign: int) -> Line:
        kind = _KINDS[row["display_type"]]
        account = row["account_id"]
        code, name = self._accounts[company_id, int(account[0])] if account else ("", "")
        # A tax row has no subtotal: what it adds is its journal amount, negative in a refund.
        amount = row["amount_currency"] * sign if kind == "tax" else row["price_subtotal"]
        return Line(
            kind=kind,
            text=_text(row["name"]),
            account_code=code,
            account_name=name,
            quantity=money(row["quantity"]),
            unit_price=money(row["price_unit"]),
            amount=money(amount),
            taxes=tuple(self._taxes[i] for i in row["tax_ids"]),
        )


def read_files(
    odoo: Odoo, documents: Iterable[Document]
) -> Iterator[tuple[Document, bytes | None]]:
    """The bytes of the documents, batched by size so that no answer gets large.

    None stands for a file that Odoo lists and does not have.
    """
    for batch in _batches(documents):
        ids = [d.odoo_id for d in batch]
        rows = odoo.call("ir.attachment", "read", ids, fields=["datas"])
        texts = {row["id"]: row["datas"] for row in rows}
        for document in batch:
            yield document, _decoded(document, texts.get(document.odoo_id))


def _decoded(document: Document, text: object) -> bytes | None:
    try:
        data = base64.b64decode(text if isinstance(text, str) else "", validate=True)
    except binascii.Error:
        return None
    return data if len(data) == document.size else None


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for document in documents:
        full = size + document.size > FILE_BATCH_BYTES or len(batch) == FILE_BATCH_COUNT
        if batch and full:
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += document.size
    if batch:
        yield batch


def _documents(move: Record, files: Sequence[Record]) -> tuple[Document, ...]:
    """The files, the one to look at first: Odoo's main attachment, else PDFs by id."""
    main = move["message_main_attachment_id"]
    main_id = int(main[0]) if main else 0

    def rank(file: Record) -> tuple[bool, bool, bool, int]:
        is_pdf = file["mimetype"] == "application/pdf"
        is_image = _text(file["mimetype"]).startswith("image/")
        return (not (is_pdf and file["id"] == main_id), not is_pdf, not is_image, file["id"])

    return tuple(
        Document(
            odoo_id=file["id"],
            name=_text(file["name"]),
            type=_text(file["mimetype"]) or "application/octet-stream",
            size=int(file["file_size"]),
            checksum=_text(file["checksum"]),
        )
        for file in sorted(files, key=rank)
        if file["type"] == "binary"
    )


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _text(value: object) -> str:
    """Odoo says false for an empty text."""
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    """The display name of a many2one: [id, name], or false."""
    return str(value[1]) if isinstance(value, list) else ""


def _date(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else None
