"""Read vendor bills from Odoo in few calls: which ones changed, and what each of them says."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from aws_lambda_powertools import Logger

from odoo_qb.bill.model import MOVE_TYPES, Vendor, money
from odoo_qb.errors import Refused
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.client import Misshapen
from odoo_qb.odoo.records import (
    ODOO_BOT,
    PAYABLE_ROW,
    POSTED,
    Account,
    LookupTables,
    NonsenseError,
    Tax,
    all_taxes_of,
    entry_of,
    id_of,
    moment_of,
    name_of,
    positive,
    related_id,
    text_of,
    unreadable_entry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date

    from odoo_qb.guarding import Faults
    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.records import OdooDocument, Record

logger = Logger(child=True)

Stamp = tuple[int, str, str]  # of a file: its id, Odoo's text of its last write, its checksum

PAGE_SIZE: Final = 250  # bills; between 200 and 500 nothing more is gained, answers only grow

_MOVE_FIELDS: Final = (
    "name", "move_type", "state", "ref", "commercial_partner_id", "company_id", "currency_id",
    "invoice_date", "date", "invoice_date_due", "invoice_payment_term_id", "amount_untaxed",
    "amount_tax", "amount_total", "amount_total_signed", "amount_residual", "invoice_origin",
    "payment_state", "create_uid", "write_uid", "create_date", "message_main_attachment_id",
)  # fmt: skip
_LINE_FIELDS: Final = (
    "move_id", "display_type", "name", "sequence", "account_id", "quantity", "price_unit",
    "price_subtotal", "tax_ids", "tax_line_id", "amount_currency", "date_maturity",
)  # fmt: skip
_FILE_FIELDS: Final = ("name", "res_id", "mimetype", "file_size", "checksum", "type")
_OLDEST_FIRST: Final = "write_date, id"
_VENDOR_FIELDS: Final = ("name", "email", "vat")
# What stops a whole run; anything else that Odoo refuses may be one bill's own fault.
_OF_THE_CONNECTION: Final = ("AccessDenied", "AccessError", "OperationalError")
_UNREADABLE_AT_MOST: Final = 5  # more than that is not a few bills' own fault
_HIDDEN_AT_MOST: Final = 5  # vendors, accounts and taxes: more than that is a right we lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A document that a search found, as it was then: `written` is Odoo's text, in UTC.

    `stamps` are its files that changed lately: id, Odoo's text of when, and checksum, which tells
    when a file's bytes were replaced in place.
    """

    odoo_id: int
    written: str = ""
    files: tuple[int, ...] = ()
    stamps: tuple[Stamp, ...] = ()

    @property
    def changed(self) -> str:
        """When it or a file of it was last written; "" where Odoo told no such date."""
        return max((self.written, *(at for _, at, _ in self.stamps)))

    def since(self, start: str) -> Changed:
        """The same as a search from `start` on would find it."""
        return replace(self, stamps=tuple(s for s in self.stamps if s[1] >= start))


def search_changed(
    odoo: OdooClient,
    *,
    watermark: str,
    dated_from: date,
    also: Collection[int] = (),
    faults: Faults | None = None,
) -> list[Changed]:
    """Purchase documents changed since `watermark` (Odoo's UTC text), oldest change first.

    Without a watermark: all dated from `dated_from` on, or not dated yet. The state is not
    asked for, because a bill that was cancelled or reset would be hidden. One list of ids,
    read by id afterwards, loses nothing when rows move while the pages are read. Those `also`
    asked for are listed wherever they exist and our user sees them, changed or not. A row without
    a number, with which nothing can be done, is named in `faults`.
    """
    domain: list[object] = [["move_type", "in", list(MOVE_TYPES)]]
    if also:
        domain += ["|", ["id", "in", sorted(also)]]
    if watermark:
        # An attachment's change does not touch its bill's write_date.
        domain += ["|", ["write_date", ">=", watermark]]
        domain += [["attachment_ids.write_date", ">=", watermark]]
    else:
        domain += ["|", ["invoice_date", "=", False]]
        domain += [["invoice_date", ">=", dated_from.isoformat()]]
    fields = ["write_date", "attachment_ids"]
    try:
        rows = odoo.call("account.move", "search_read", domain, fields=fields, order=_OLDEST_FIRST)
    except Misshapen as misshapen:
        rows = misshapen.others()
        if faults:
            faults.note("Odoo", "it lists documents without a number, so they cannot be read.")
    return [
        Changed(
            odoo_id=number,
            written=moment_of(row["write_date"]),
            files=_numbers(row["attachment_ids"]),
        )
        for number, row in _by_id(rows).items()
    ]


def listed(odoo: OdooClient, ids: Sequence[int]) -> set[int]:
    """Which of these documents exist and are not hidden from our user."""
    domain = [["id", "in", list(ids)]]
    return set(_by_id(_some(odoo, "account.move", domain, ("state",))))


def entered_late(odoo: OdooClient, since: date) -> list[int]:
    """Posted documents that were entered since a day but are dated before it."""
    domain = [["move_type", "in", list(MOVE_TYPES)], ["state", "=", POSTED]]
    domain += [["invoice_date", "<", since.isoformat()], ["create_date", ">=", since.isoformat()]]
    return list(_by_id(_some(odoo, "account.move", domain, ("state",))))


def changed_files(odoo: OdooClient, ids: Sequence[int], since: str) -> dict[int, tuple[Stamp, ...]]:
    """The files of these documents that were written since (Odoo's UTC text), by document."""
    domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
    domain += [["write_date", ">=", since]]
    fields = ("res_id", "write_date", "checksum")
    found: dict[int, tuple[Stamp, ...]] = {}
    for number, row in _by_id(_some(odoo, "ir.attachment", domain, fields)).items():
        stamp = (number, moment_of(row["write_date"]), text_of(row["checksum"]))
        with suppress(NonsenseError):  # whose it is shows when the documents are read
            document = id_of(row, "res_id")
            found[document] = (*found.get(document, ()), stamp)
    return found


def companies(odoo: OdooClient) -> list[str]:
    """The names of the companies that the user sees."""
    names = [text_of(row["name"]) for row in _some(odoo, "res.company", [], ("name",))]
    return sorted(name for name in names if name)


def company_id(odoo: OdooClient, name: str) -> int | None:
    """Odoo's id of a company; None if the user has no access to one of this name."""
    rows = _some(odoo, "res.company", [["name", "=", name]], ("name",))
    return next(iter(_by_id(rows)), None)


def existing(odoo: OdooClient, ids: Sequence[int], company: int) -> set[int]:
    """Which of a company's documents exist; Refused where the user may not see one of them.

    Odoo leaves out what does not exist and refuses what is hidden, so an id that is left out
    of an answer is gone for certain. Refused, too, where a row of the answer makes no sense: then
    nothing is.
    """
    found: set[int] = set()
    context = {"allowed_company_ids": [company]}
    for start in range(0, len(ids), PAGE_SIZE):
        batch = list(ids[start : start + PAGE_SIZE])
        try:
            rows = odoo.call("account.move", "read", batch, fields=["state"], context=context)
        except Misshapen as misshapen:
            raise Refused(str(misshapen)) from misshapen
        found.update(row["id"] for row in rows)
    return found


def _some(odoo: OdooClient, model: str, domain: object, fields: Sequence[str]) -> list[Record]:
    """The records that a search finds, without those that make no sense."""
    try:
        rows = odoo.call(model, "search_read", domain, fields=list(fields), order="id")
    except Misshapen as misshapen:
        return misshapen.others()
    return cast("list[Record]", rows)


class BillReader:
    """Turns ids into bills, PAGE_SIZE at a time; remembers names and accounts for one run."""

    def __init__(self, odoo: OdooClient, company_keys: Mapping[str, str]) -> None:
        self._odoo = odoo
        self._keys = company_keys  # Odoo's company name -> our key
        self._accounts: dict[tuple[int, int], Account] = {}
        self._vendors: dict[int, Vendor] = {}
        self._taxes: dict[int, Tax] = {}
        self._currencies: dict[int, str] = {}
        self._users: dict[int, tuple[str, str]] = {}
        self._hidden: set[tuple[str, int]] = set()
        self._unreadable_pages = 0

    def page(self, ids: Sequence[int]) -> list[OdooDocument]:
        """The documents in the order of `ids`; one that vanished meanwhile is left out.

        Where Odoo cannot give them, their halves are asked for, down to the bill to blame.
        """
        return self._page(ids, is_part=False)

    def _page(self, ids: Sequence[int], *, is_part: bool) -> list[OdooDocument]:
        try:
            return self._whole_page(ids)
        except Refused as refusal:
            if refusal.code.endswith(_OF_THE_CONNECTION):
                raise
            if len(ids) == 1:
                self._unreadable_pages += 1
                if self._unreadable_pages > _UNREADABLE_AT_MOST:
                    raise
                return self._unreadable(ids[0], str(refusal))
        except (Misshapen, *DAMAGE) as damage:
            # Only of a part of what Odoo does answer is it the bill's own fault.
            if isinstance(damage, Misshapen) and not is_part:
                damage.others()
            # Which of them makes no sense is not told by what it broke.
            if len(ids) == 1:
                logger.exception("a document could not be read", odoo_id=ids[0])
                return self._unreadable(ids[0], "what Odoo says of it makes no sense")
        half = len(ids) // 2
        return self._page(ids[:half], is_part=True) + self._page(ids[half:], is_part=True)

    def _unreadable(self, number: int, why: str) -> list[OdooDocument]:
        fields = ("name", "company_id", "state", "move_type", "currency_id", "invoice_date")
        try:
            rows = self._read("account.move", [number], fields)
        except Misshapen:
            rows = [{}]
        return [unreadable_entry(number, row, self._keys, why) for row in rows]

    def _whole_page(self, ids: Sequence[int]) -> list[OdooDocument]:
        moves = self._read("account.move", ids, _MOVE_FIELDS)
        found = {id_of(m, "id"): m for m in moves}
        wanted = {i: m for i, m in found.items() if name_of(m["company_id"]) in self._keys}
        posted = [i for i, m in wanted.items() if m["state"] == POSTED]
        lines = self._lines(posted)
        files = self._files(posted)
        self._learn(wanted, lines)
        names = self._names()
        return [
            entry_of(found[i], lines.get(i, []), files.get(i, []), names) for i in ids if i in found
        ]

    def _names(self) -> LookupTables:
        return LookupTables(
            company_keys=self._keys,
            accounts=self._accounts,
            vendors=self._vendors,
            taxes=self._taxes,
            currencies=self._currencies,
            users=self._users,
            hidden=self._hidden,
        )

    def _lines(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        # Every row of the journal: what kinds later versions will write is nobody's to know.
        domain = [["move_id", "in", list(ids)]]
        # "move_id" would sort by account.move's own order; "id" is cheap and grouped here.
        rows = self._odoo.call(
            "account.move.line", "search_read", domain, fields=_LINE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: related_id(row, "move_id"))

    def _files(self, ids: Sequence[int]) -> dict[int, list[Record]]:
        if not ids:
            return {}
        domain = [["res_model", "=", "account.move"], ["res_id", "in", list(ids)]]
        rows = self._odoo.call(
            "ir.attachment", "search_read", domain, fields=_FILE_FIELDS, order="id"
        )
        return _grouped(rows, lambda row: id_of(row, "res_id"))

    def _learn(self, moves: Mapping[int, Record], lines: Mapping[int, list[Record]]) -> None:
        """Read the accounts, vendors, taxes and companies not met before in this run."""
        asked = _Referred()
        for number, move in moves.items():
            # What makes no sense in one of them is told of that bill, where it is missed.
            with suppress(*DAMAGE):
                asked.add(move, lines.get(number, ()))
        self._learn_users(asked.users)
        for company, ids in asked.accounts.items():
            self._learn_accounts(company, ids)
        new = sorted(asked.partners - self._vendors.keys())
        for number, row in _by_id(self._read_seen("res.partner", new, _VENDOR_FIELDS)).items():
            name, email, tax_id = (text_of(row.get(field)) for field in _VENDOR_FIELDS)
            vendor = Vendor(odoo_id=number, name=name, email=email, tax_id=tax_id)
            self._vendors[number] = vendor
        self._learn_taxes(asked.taxes)
        read = self._read_new("res.company", asked.companies, self._currencies, ("currency_id",))
        for number, row in _by_id(read).items():
            self._currencies[number] = name_of(row.get("currency_id"))

    def _learn_taxes(self, ids: set[int]) -> None:
        """Names, percents, and of a group its parts; only a group is asked for them."""
        new = sorted(ids - self._taxes.keys())
        rows = _by_id(self._read_seen("account.tax", new, ("name", "amount", "amount_type")))
        groups = [number for number, row in rows.items() if row.get("amount_type") == "group"]
        read = _by_id(self._read_seen("account.tax", groups, ("children_tax_ids",)))
        for number, row in rows.items():
            # A tax that makes no sense is missed where a line has it.
            with suppress(*DAMAGE):
                children = read[number]["children_tax_ids"] if number in groups else ()
                self._taxes[number] = Tax(
                    name=text_of(row["name"]),
                    percent=money(row["amount"]) if row["amount_type"] == "percent" else None,
                    parts=tuple(positive(i) for i in children),
                )

    def _learn_users(self, users: set[int]) -> None:
        """Logins and addresses of who enters and edits bills, where our user may see them.

        Odoo's own bot is not asked for: it may be hidden, and with it all the others.
        """
        try:
            rows = self._read_new("res.users", users, self._users, ("login", "email"))
        except Refused:
            rows = [{"id": i, "login": False, "email": False} for i in users]
        for number, row in _by_id(rows).items():
            self._users[number] = (text_of(row.get("login")), text_of(row.get("email")))

    def _learn_accounts(self, company: int, ids: set[int]) -> None:
        new = [i for i in sorted(ids) if (company, i) not in self._accounts]
        # From 18 on an account's code belongs to a company: it is false unless that company
        # comes first in the context.
        context = {"allowed_company_ids": [company]}
        fields = ("code", "name", "account_type")
        read = self._read_seen("account.account", new, fields, context=context)
        for number, row in _by_id(read).items():
            code, name, kind = (text_of(row.get(field)) for field in fields)
            self._accounts[company, number] = Account(code=code, name=name, type=kind)

    def _read_seen(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        """Those of the records that our user may read; what is hidden is its bills' own fault.

        Too many of them are not: then the user lacks a right.
        """
        ids = [i for i in ids if (model, i) not in self._hidden]
        try:
            return self._whole(model, ids, fields, **kwargs)
        except Refused as refusal:
            if not refusal.code.endswith("AccessError"):
                raise
            if len(ids) > 1:
                half = len(ids) // 2
                first = self._read_seen(model, ids[:half], fields, **kwargs)
                return first + self._read_seen(model, ids[half:], fields, **kwargs)
            self._hidden.add((model, ids[0]))
            if len(self._hidden) > _HIDDEN_AT_MOST:
                raise
            return []

    def _read_new(
        self, model: str, ids: set[int], known: Mapping[int, object], fields: Sequence[str]
    ) -> list[Record]:
        return self._whole(model, sorted(ids - known.keys()), fields)

    def _whole(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        """The records that make sense; the others are missed by the bills that name them."""
        try:
            return self._read(model, ids, fields, **kwargs)
        except Misshapen as misshapen:
            return misshapen.others()

    def _read(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        if not ids:
            return []
        rows = self._odoo.call(model, "read", list(ids), fields=list(fields), **kwargs)
        return cast("list[Record]", rows)


class _Referred:
    """What a page of documents refers to, by Odoo's numbers."""

    def __init__(self) -> None:
        self.accounts: dict[int, set[int]] = {}
        self.partners: set[int] = set()
        self.taxes: set[int] = set()
        self.companies: set[int] = set()
        self.users: set[int] = set()

    def add(self, move: Record, lines: Iterable[Record]) -> None:
        """Learn what a document refers to."""
        company = related_id(move, "company_id")
        self.companies.add(company)
        users = {related_id(move, field) for field in ("create_uid", "write_uid")}
        self.users |= users - {0, ODOO_BOT}
        self.partners |= {related_id(move, "commercial_partner_id")} - {0}
        for line in lines:
            self.taxes.update(all_taxes_of(line))
            account = related_id(line, "account_id")
            if account and line["display_type"] != PAYABLE_ROW:
                self.accounts.setdefault(company, set()).add(account)


def _by_id(rows: Iterable[object]) -> dict[int, Record]:
    """The rows by their numbers; one without is missed where somebody refers to it."""
    found: dict[int, Record] = {}
    for row in rows:
        with suppress(NonsenseError):
            found[id_of(row, "id")] = cast("Record", row)
    return found


def _numbers(value: object) -> tuple[int, ...]:
    """A list of ids in their order, () where it is none."""
    try:
        return tuple(sorted(positive(i) for i in cast("list[object]", value or ())))
    except (NonsenseError, TypeError):
        return ()


def _grouped(rows: Iterable[Record], key: Callable[[Record], int]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups
