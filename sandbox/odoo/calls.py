"""One call to a model of the sandbox's Odoo: whose it is, what it may see, what it answers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.errors import (
    V16,
    V17,
    V19,
    OdooError,
    hidden,
    no_right,
    unknown_field,
    unknown_method,
    unreadable_bill,
    user_error,
    wrong_arguments,
)
from sandbox.odoo.query import domain_test, mentions, sort
from sandbox.odoo.records import as_text
from sandbox.odoo.view import Json, User, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.odoo.books import Books
    from sandbox.odoo.query import Field, Record

# Called without records; all others of ours take ids first.
_ON_MODELS: Final = frozenset(
    {"search", "search_count", "search_read", "web_search_read", "fields_get", "context_get"}
)
_ON_RECORDS: Final = frozenset({"read", "web_read", "write", "unlink", "message_post"})
# Not among the answers of `read` without fields: they are no data, or take a second each.
_NEVER_READ: Final = frozenset({"needed_terms", "payment_term_details", "quick_encoding_vals"})


def is_on_model(method: str, version: int) -> bool | None:
    """Whether a method is called on a model (True) or on records (False); None: there is none."""
    if method.startswith("web_") and version < V17:
        return None
    return method in _ON_MODELS if method in _ON_MODELS | _ON_RECORDS else None


class Call:
    """The records as this user sees them in this context, and the methods to ask for them."""

    def __init__(self, books: Books, user: User, context: Json) -> None:
        self.books = books
        self.version = books.version
        self.user = user
        self.context = context
        self.view = View(books, user, context)

    def run(self, model: str, method: str, args: Iterable[object], kwargs: Json) -> Any:  # noqa: ANN401 - any method's
        """Call a public method with Odoo's own arguments."""
        if model not in self.books.fields:
            raise user_error(f"Object {model} doesn't exist")
        if is_on_model(method, self.version) is None:
            raise unknown_method(self.version, model, method)
        function = getattr(self, method)
        signature = inspect.signature(function)
        if method == "search_read" and self.version >= V19:  # which swallows what it does not know
            kwargs = {name: v for name, v in kwargs.items() if name in signature.parameters}
        try:
            bound = signature.bind(model, *args, **kwargs)
        except TypeError as error:
            raise wrong_arguments(self.version, method, error) from error
        return function(*bound.args, **bound.kwargs)

    # -- the methods, with Odoo's names and arguments ------------------------------------------

    def search(
        self,
        model: str,
        domain: object = (),
        offset: int = 0,
        limit: object = None,
        order: object = None,
    ) -> list[int]:
        """Ids of the matching records that the user may see."""
        return [row["id"] for row in self._found(model, domain, offset, limit, order)]

    def search_count(self, model: str, domain: object = (), limit: object = None) -> int:
        """How many `search` would find."""
        return len(self._found(model, domain, 0, limit, "id"))

    def search_read(
        self,
        model: str,
        domain: object = (),
        fields: list[str] | None = None,
        offset: int = 0,
        limit: object = None,
        order: object = None,
        load: object = "_classic_read",
    ) -> list[Json]:
        """The fields of the records that `search` would find."""
        rows = self._found(model, domain, offset, limit, order)
        return self._rendered(model, rows, fields, load)

    def read(
        self,
        model: str,
        ids: list[int] | int,
        fields: list[str] | None = None,
        load: object = "_classic_read",
    ) -> list[Json]:
        """The fields of these records; ids that do not exist are left out without a word."""
        return self._rendered(model, self._records(model, ids), fields, load)

    def web_search_read(
        self,
        model: str,
        domain: object,
        specification: Json,
        offset: int = 0,
        limit: object = None,
        order: object = None,
        count_limit: object = None,
    ) -> Json:
        """A nested answer; `length` counts all that match (from 17 on)."""
        del count_limit  # only saves a real server time
        rows = self._found(model, domain, offset, limit, order)
        return {
            "length": self.search_count(model, domain),
            "records": [self._nested(model, row, specification) for row in rows],
        }

    def web_read(self, model: str, ids: list[int] | int, specification: Json) -> list[Json]:
        """The nested answer for these records (from 17 on)."""
        return [self._nested(model, row, specification) for row in self._records(model, ids)]

    def fields_get(
        self,
        model: str,
        allfields: list[str] | None = None,
        attributes: list[str] | None = None,
    ) -> Json:
        """The fields of a model in this version."""
        return {
            name: {
                key: value
                for key, value in self._described(name, field).items()
                if not attributes or key in attributes
            }
            for name, field in self.books.fields[model].items()
            if not allfields or name in allfields
        }

    def context_get(self, model: str) -> Json:
        """Who am I: the default context of the user."""
        del model
        return {"lang": "en_US", "tz": "America/New_York", "uid": self.user.uid}

    def write(self, model: str, ids: list[int] | int, vals: Json) -> bool:
        """Refused to those who only read, which is all that an integration should do."""
        self._allow_writing(model)
        for number in [ids] if isinstance(ids, int) else ids:
            if number not in self.books.records[model]:
                raise OdooError(
                    "odoo.exceptions.MissingError",
                    "Record does not exist or has been deleted.\n"
                    f"(Record: {model}({number},), User: {self.user.uid})",
                )
            self.books.records[model][number] |= vals | {"write_date": self.books.clock()}
        return True

    def unlink(self, model: str, ids: list[int] | int) -> bool:
        """Refused to those who only read."""
        self._allow_writing(model)
        for number in [ids] if isinstance(ids, int) else ids:
            self.books.delete(number)
        return True

    def message_post(self, model: str, ids: list[int] | int, body: str = "") -> int | list[int]:
        """Add to the chatter, which a reader may; the bill's write_date stays."""
        for row in self._records(model, ids):
            self.books.messages.append((row["id"], body))
        number = len(self.books.messages)
        return [number] if self.version >= V19 else number

    def _allow_reading(self, model: str) -> None:
        if self.user.reads_accounting:
            return
        if model.startswith("account."):
            raise no_right(self.version, model, "access")
        if model == "ir.attachment" and self.version >= V19:
            raise no_right(self.version, "account.move", "access")

    def _allow_writing(self, model: str) -> None:
        if not self.user.writes_accounting:
            raise no_right(self.version, model, "modify")

    # -- from records to answers ---------------------------------------------------------------

    def _found(
        self, model: str, domain: object, offset: object, limit: object, order: object
    ) -> list[Record]:
        self._allow_reading(model)
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
            if not (hides_archived and row.get("active") is False)
            and not (hides_generated and row["res_field"])
            and self.view.sees(model, row)
            and test(row)
        ]
        first = int(str(offset or 0))
        return sort(self.view, model, found, order)[first:][: int(str(limit or 0)) or None]

    def _records(self, model: str, ids: list[int] | int) -> list[Record]:
        rows = self.view.rows(model)
        if model != "ir.attachment":
            self._allow_reading(model)
        found = [rows[i] for i in ([ids] if isinstance(ids, int) else ids) if i in rows]
        for row in found:
            if not self.view.sees(model, row):
                record = f"{self.view.name_of(model, row['id'])} (id={row['id']})"
                user = f"{self.user.name} (id={self.user.uid})"
                raise hidden(self.version, model, record, user)
        return found

    def _rendered(
        self, model: str, rows: list[Record], fields: list[str] | None, load: object
    ) -> list[Json]:
        if not fields:
            fields = self._all_fields(model)
        self._check(model, fields)
        return [
            {"id": row["id"]} | {f: self._cell(model, row, f, bool(load)) for f in fields}
            for row in rows
        ]

    def _check(self, model: str, names: Iterable[str]) -> None:
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

    def _nested(self, model: str, row: Record, specification: Json) -> Json:
        self._check(model, specification)
        answer: Json = {"id": row["id"]}
        for name, wanted in specification.items():
            field = self.books.fields[model][name]
            value = self._cell(model, row, name, with_names=False)
            if "fields" in wanted and isinstance(value, list):
                rows = [self.view.rows(field["relation"])[i] for i in value]
                value = [self._nested(field["relation"], r, wanted["fields"]) for r in rows]
            elif "fields" in wanted and value:
                value = self._nested_one(field["relation"], int(str(value)), wanted["fields"])
            answer[name] = value
        return answer

    def _nested_one(self, model: str, number: int, specification: Json) -> Json:
        if number in self.view.rows(model):
            return self._nested(model, self.view.rows(model)[number], specification)
        return {"id": number} | {name: self.view.name_of(model, number) for name in specification}

    def _described(self, name: str, field: Field) -> Field:
        label = name.removesuffix("_id").removesuffix("_ids").replace("_", " ").title()
        return {"readonly": False, "required": False, "store": True, "string": label} | field


def _human_size(size: float) -> str:
    for unit in ("bytes", "Kb", "Mb"):
        if size < 1024:  # noqa: PLR2004 - bytes in a kilobyte
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} Gb"
