"""How the sandbox's Odoo answers with records: what a user may see, how each field is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sandbox.odoo.errors import (
    V16,
    V19,
    OdooError,
    unknown_field,
    unreadable_bill,
)
from sandbox.odoo.ordering import sort
from sandbox.odoo.query import domain_test, mentions
from sandbox.odoo.records import as_text
from sandbox.odoo.rights import hidden, no_right
from sandbox.odoo.view import Json, User, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.odoo.query import Record
    from sandbox.odoo.records import Records

# Not among the answers of `read` without fields: they are no data, or take a second each.
_NEVER_READ: Final = frozenset({"needed_terms", "payment_term_details", "quick_encoding_vals"})
# What anybody internal may read of accounting; the rest, and orders, need a group.
_OPEN: Final = frozenset({"account.account", "account.payment.method.line"})


class Reader:
    """The records as this user sees them in this context."""

    def __init__(self, books: Records, user: User, context: Json) -> None:
        self.books = books
        self.version = books.version
        self.user = user
        self.context = context
        self.view = View(books, user, context)

    def allow(self, model: str) -> None:
        """Raise Odoo's AccessError unless the user may read records of this model."""
        if model in self.user.refused:
            raise no_right(self.version, model, "access")
        if self.user.reads_accounting:
            return
        if model.startswith(("account.", "sale.")) and model not in _OPEN:
            raise no_right(self.version, model, "access")
        if model == "ir.attachment" and self.version >= V19:
            raise no_right(self.version, "account.move", "access")

    def found(
        self, model: str, domain: object, offset: object, limit: object, order: object
    ) -> list[Record]:
        """The records that a search finds, archived ones only where they were asked for."""
        self.allow(model)
        domain = list(domain) if isinstance(domain, tuple) else domain
        test = domain_test(self.view, model, domain)
        if isinstance(limit, str) and self.version == V16:
            raise OdooError("builtins.TypeError", "%d format: a real number is required, not str")
        hides_archived = (
            "active" in self.books.fields[model]
            and self.context.get("active_test", True)
            and not mentions(domain, "active")
        )
        hides_generated = model == "ir.attachment" and not any(
            mentions(domain, name) for name in ("id", "res_field")
        )
        found = [
            row
            for row in self.view.rows(model).values()
            if not (hides_archived and self._is_archived(model, row))
            and not (hides_generated and row["res_field"])
            and self.view.sees(model, row)
            and test(row)
        ]
        first = int(str(offset or 0))
        return sort(self.view, model, found, order)[first:][: int(str(limit or 0)) or None]

    def _is_archived(self, model: str, row: Record) -> bool:
        if model == "account.account":
            return not self.view.value(model, row, "active")
        return row.get("active") is False

    def records(self, model: str, ids: list[int] | int) -> list[Record]:
        """Those of the records with these ids that exist; AccessError if one may not be seen."""
        rows = self.view.rows(model)
        if model != "ir.attachment":
            self.allow(model)
        found = [rows[i] for i in ([ids] if isinstance(ids, int) else ids) if i in rows]
        for row in found:
            if not self.view.sees(model, row):
                record = f"{self.view.name_of(model, row['id'])} (id={row['id']})"
                user = f"{self.user.name} (id={self.user.uid})"
                raise hidden(self.version, model, record, user)
        return found

    def rendered(
        self, model: str, rows: list[Record], fields: list[str] | None, load: object
    ) -> list[Json]:
        """These fields of the records, as `read` shows them; without any, all there are."""
        if not fields:
            fields = self._all_fields(model)
        self.check(model, fields)
        return [
            {"id": row["id"]} | {f: self._cell(model, row, f, bool(load)) for f in fields}
            for row in rows
        ]

    def check(self, model: str, names: Iterable[str]) -> None:
        """Raise Odoo's ValueError unless the model has all of these fields."""
        for name in names:
            if name not in self.books.fields[model]:
                raise unknown_field(self.version, model, name)

    def _all_fields(self, model: str) -> list[str]:
        """A read without fields asks for all, which a reader of bills gets in 17 and 18 only."""
        if model == "account.move" and (error := unreadable_bill(self.version)):
            raise error
        return [name for name in self.books.fields[model] if name not in _NEVER_READ]

    def _cell(self, model: str, row: Record, name: str, with_names: bool) -> object:
        value = self.view.value(model, row, name)
        field = self.books.fields[model][name]
        if field["type"] == "many2one" and value and with_names:
            return [value, self.view.name_of(field["relation"], value)]
        if name == "datas" and self.context.get("bin_size"):
            return _human_size(row["file_size"])
        if name == "datas":
            return value or ""
        return as_text(value)

    def nested(self, model: str, row: Record, specification: Json) -> Json:
        """A record as the web client asks for it: a relation's own fields within it."""
        self.check(model, specification)
        answer: Json = {"id": row["id"]}
        for name, wanted in specification.items():
            field = self.books.fields[model][name]
            value = self._cell(model, row, name, with_names=False)
            if "fields" in wanted and isinstance(value, list):
                rows = [self.view.rows(field["relation"])[i] for i in value]
                value = [self.nested(field["relation"], r, wanted["fields"]) for r in rows]
            elif "fields" in wanted and value:
                value = self._nested_one(field["relation"], int(str(value)), wanted["fields"])
            answer[name] = value
        return answer

    def _nested_one(self, model: str, number: int, specification: Json) -> Json:
        if number in self.view.rows(model):
            return self.nested(model, self.view.rows(model)[number], specification)
        return {"id": number} | {name: self.view.name_of(model, number) for name in specification}


def _human_size(size: float) -> str:
    for unit in ("bytes", "Kb", "Mb"):
        if size < 1024:  # noqa: PLR2004 - bytes in a kilobyte
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} Gb"
