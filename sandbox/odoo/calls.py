"""One call to a model of the sandbox's Odoo: whose it is, what it may see, what it answers."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo import groups
from sandbox.odoo.errors import (
    V17,
    V19,
    OdooError,
    unknown_method,
    user_error,
    wrong_arguments,
)
from sandbox.odoo.reading import Reader
from sandbox.odoo.rights import no_right

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.odoo.books import Books
    from sandbox.odoo.query import Field
    from sandbox.odoo.rights import Act
    from sandbox.odoo.view import Json, User

_GROUPS: Final = frozenset({"formatted_read_group", "formatted_read_grouping_sets"})  # of 19
# Called without records; all others of ours take ids first.
_ON_MODELS: Final = frozenset(
    {
        "search",
        "search_count",
        "search_read",
        "web_search_read",
        "read_group",
        "fields_get",
        "context_get",
        *_GROUPS,
    }
)
_ON_RECORDS: Final = frozenset({"read", "web_read", "write", "unlink", "message_post"})


def is_on_model(method: str, version: int) -> bool | None:
    """Whether a method is called on a model (True) or on records (False); None: there is none."""
    if (method == "web_read" and version < V17) or (method in _GROUPS and version < V19):
        return None
    return method in _ON_MODELS if method in _ON_MODELS | _ON_RECORDS else None


class Call:
    """The records as this user sees them in this context, and the methods to ask for them."""

    def __init__(self, books: Books, user: User, context: Json) -> None:
        self.books = books
        self.version = books.version
        self.user = user
        self.reader = Reader(books, user, context)

    def run(self, model: str, method: str, args: Iterable[object], kwargs: Json) -> Any:  # noqa: ANN401 - any method's
        """Call a public method with Odoo's own arguments."""
        if model not in self.books.fields:
            raise user_error(f"Object {model} doesn't exist")
        if is_on_model(method, self.version) is None:
            raise unknown_method(self.version, model, method)
        is_old = method == "web_search_read" and self.version < V17
        function = getattr(self, "_web_search_read_16" if is_old else method)
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
        return [row["id"] for row in self.reader.found(model, domain, offset, limit, order)]

    def search_count(self, model: str, domain: object = (), limit: object = None) -> int:
        """How many `search` would find."""
        return len(self.reader.found(model, domain, 0, limit, "id"))

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
        rows = self.reader.found(model, domain, offset, limit, order)
        return self.reader.rendered(model, rows, fields, load)

    def read(
        self,
        model: str,
        ids: list[int] | int,
        fields: list[str] | None = None,
        load: object = "_classic_read",
    ) -> list[Json]:
        """The fields of these records; ids that do not exist are left out without a word."""
        return self.reader.rendered(model, self.reader.records(model, ids), fields, load)

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
        rows = self.reader.found(model, domain, offset, limit, order)
        return {
            "length": self.search_count(model, domain, count_limit),
            "records": [self.reader.nested(model, row, specification) for row in rows],
        }

    def _web_search_read_16(
        self,
        model: str,
        domain: object = (),
        fields: list[str] | None = None,
        offset: int = 0,
        limit: object = None,
        order: object = None,
        count_limit: object = None,
    ) -> Json:
        """The flat answer of 16, which knows no specification."""
        return {
            "length": self.search_count(model, domain, count_limit),
            "records": self.search_read(model, domain, fields, offset, limit, order),
        }

    def web_read(self, model: str, ids: list[int] | int, specification: Json) -> list[Json]:
        """The nested answer for these records (from 17 on)."""
        return [
            self.reader.nested(model, row, specification) for row in self.reader.records(model, ids)
        ]

    def read_group(
        self,
        model: str,
        domain: object,
        fields: Sequence[str],
        groupby: str | Sequence[str],
        offset: int = 0,
        limit: int | None = None,
        orderby: str | None = None,
        lazy: bool = True,
    ) -> list[Json]:
        """Records in groups with their sums; 19 would rather be asked for formatted ones."""
        page = groups.Page(order=orderby or "", offset=offset, limit=limit)
        return groups.read_group(self.reader, model, domain, fields, groupby, page, lazy=lazy)

    def formatted_read_group(
        self,
        model: str,
        domain: object,
        groupby: Sequence[str] = (),
        aggregates: Sequence[str] = (),
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Json]:
        """Records in groups with their sums, as 19 formats them."""
        [rows] = self.formatted_read_grouping_sets(
            model, domain, [groupby], aggregates, order, offset, limit
        )
        return rows

    def formatted_read_grouping_sets(
        self,
        model: str,
        domain: object,
        grouping_sets: Sequence[Sequence[str]],
        aggregates: Sequence[str] = (),
        order: str | None = None,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[list[Json]]:
        """The same records in several groupings at once."""
        page = groups.Page(order=order or "", offset=offset, limit=limit)
        return groups.formatted(self.reader, model, domain, grouping_sets, aggregates, page)

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
        self._allow_writing(model, "delete")
        delete = {
            "account.account": self.books.delete_account,
            "account.move": self.books.delete,
            "account.payment": self.books.delete_payment,
            "res.partner": self.books.delete_contact,
            "sale.order": self.books.delete_order,
        }[model]
        for row in self.reader.records(model, ids):
            try:
                delete(row["id"])
            except ValueError as error:
                raise user_error(str(error)) from error
        return True

    def message_post(self, model: str, ids: list[int] | int, body: str = "") -> int | list[int]:
        """Add to the chatter, which a reader may; the bill's write_date stays."""
        for row in self.reader.records(model, ids):
            self.books.messages.append((row["id"], body))
        number = len(self.books.messages)
        return [number] if self.version >= V19 else number

    def _allow_writing(self, model: str, act: Act = "modify") -> None:
        if not self.user.writes_accounting:
            raise no_right(self.version, model, act)

    def _described(self, name: str, field: Field) -> Field:
        label = name.removesuffix("_id").removesuffix("_ids").replace("_", " ").title()
        return {"readonly": False, "required": False, "store": True, "string": label} | field
