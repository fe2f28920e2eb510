"""Read what bills refer to from Odoo: accounts, vendors, taxes, currencies and users."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from odoo_qb.bill.model import Vendor, money
from odoo_qb.errors import Refused
from odoo_qb.guarding import DAMAGE
from odoo_qb.odoo.answers import MalformedRecords
from odoo_qb.odoo.lines import PAYABLE_ROW, all_taxes_of
from odoo_qb.odoo.lookup_tables import Account, LookupTables, Tax
from odoo_qb.odoo.records import ODOO_BOT
from odoo_qb.odoo.values import by_id, name_of, positive, related_id, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odoo_qb.odoo.client import OdooClient
    from odoo_qb.odoo.values import Record

_VENDOR_FIELDS: Final = ("name", "email", "vat")
_HIDDEN_AT_MOST: Final = 5  # vendors, accounts and taxes: with more, the user lacks a right


class LookupReader:
    """Reads each record once per run and remembers it."""

    def __init__(self, odoo: OdooClient, company_keys: Mapping[str, str]) -> None:
        self._odoo = odoo
        self._keys = company_keys
        self._accounts: dict[tuple[int, int], Account] = {}
        self._vendors: dict[int, Vendor] = {}
        self._taxes: dict[int, Tax] = {}
        self._currencies: dict[int, str] = {}
        self._users: dict[int, tuple[str, str]] = {}
        self._hidden: set[tuple[str, int]] = set()

    def learn(self, moves: Mapping[int, Record], lines: Mapping[int, list[Record]]) -> LookupTables:
        """Read the accounts, vendors, taxes and companies not yet read in this run.

        Returns everything read so far.
        """
        asked = _Referred()
        for number, move in moves.items():
            # A malformed value in a bill blocks only that bill, whose lookup will fail.
            with suppress(*DAMAGE):
                asked.add(move, lines.get(number, ()))
        self._learn_users(asked.users)
        for company, ids in asked.accounts.items():
            self._learn_accounts(company, ids)
        new = sorted(asked.partners - self._vendors.keys())
        for number, row in by_id(self._read_seen("res.partner", new, _VENDOR_FIELDS)).items():
            name, email, tax_id = (text_of(row.get(field)) for field in _VENDOR_FIELDS)
            vendor = Vendor(odoo_id=number, name=name, email=email, tax_id=tax_id)
            self._vendors[number] = vendor
        self._learn_taxes(asked.taxes)
        read = self._read_new("res.company", asked.companies, self._currencies, ("currency_id",))
        for number, row in by_id(read).items():
            self._currencies[number] = name_of(row.get("currency_id"))
        return self._known()

    def _known(self) -> LookupTables:
        return LookupTables(
            company_keys=self._keys,
            accounts=self._accounts,
            vendors=self._vendors,
            taxes=self._taxes,
            currencies=self._currencies,
            users=self._users,
            hidden=self._hidden,
        )

    def _learn_taxes(self, ids: set[int]) -> None:
        """Names and percentages, and the parts of tax groups."""
        new = sorted(ids - self._taxes.keys())
        rows = by_id(self._read_seen("account.tax", new, ("name", "amount", "amount_type")))
        groups = [number for number, row in rows.items() if row.get("amount_type") == "group"]
        read = by_id(self._read_seen("account.tax", groups, ("children_tax_ids",)))
        for number, row in rows.items():
            # A malformed tax blocks only the bills that use it.
            with suppress(*DAMAGE):
                children = read[number]["children_tax_ids"] if number in groups else ()
                self._taxes[number] = Tax(
                    name=text_of(row["name"]),
                    percent=money(row["amount"]) if row["amount_type"] == "percent" else None,
                    parts=tuple(positive(i) for i in children),
                )

    def _learn_users(self, users: set[int]) -> None:
        """Logins and e-mail addresses of the people who enter and edit bills, if visible to us.

        Odoo's own bot is left out: it may be hidden, and Odoo would then refuse all of them.
        """
        try:
            rows = self._read_new("res.users", users, self._users, ("login", "email"))
        except Refused:
            rows = [{"id": i, "login": False, "email": False} for i in users]
        for number, row in by_id(rows).items():
            self._users[number] = (text_of(row.get("login")), text_of(row.get("email")))

    def _learn_accounts(self, company: int, ids: set[int]) -> None:
        new = [i for i in sorted(ids) if (company, i) not in self._accounts]
        # From 18 on an account's code belongs to a company: it is false unless that company
        # comes first in the context.
        context = {"allowed_company_ids": [company]}
        fields = ("code", "name", "account_type")
        read = self._read_seen("account.account", new, fields, context=context)
        for number, row in by_id(read).items():
            code, name, kind = (text_of(row.get(field)) for field in fields)
            self._accounts[company, number] = Account(code=code, name=name, type=kind)

    def _read_seen(
        self, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
    ) -> list[Record]:
        """The records that our user may read; a hidden one blocks only the bills that need it.

        If too many are hidden, the user lacks a right, and the refusal is raised.
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
        """The well-formed records; bills that need another one are blocked."""
        try:
            return read_records(self._odoo, model, ids, fields, **kwargs)
        except MalformedRecords as malformed:
            return malformed.valid()


def read_records(
    odoo: OdooClient, model: str, ids: Sequence[int], fields: Sequence[str], **kwargs: object
) -> list[Record]:
    """The records with these ids; without ids nothing is called."""
    if not ids:
        return []
    rows = odoo.call(model, "read", list(ids), fields=list(fields), **kwargs)
    return cast("list[Record]", rows)


class _Referred:
    """The Odoo ids that a page of documents refers to."""

    def __init__(self) -> None:
        self.accounts: dict[int, set[int]] = {}
        self.partners: set[int] = set()
        self.taxes: set[int] = set()
        self.companies: set[int] = set()
        self.users: set[int] = set()

    def add(self, move: Record, lines: Iterable[Record]) -> None:
        """Add the ids that a document refers to."""
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
