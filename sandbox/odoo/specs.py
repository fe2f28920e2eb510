"""What a client groups records by and sums up, read from its spelling and refused as Odoo does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.odoo.aggregates import AGGREGATES
from sandbox.odoo.errors import V16, V17, V18, OdooError, user_error, value_error
from sandbox.odoo.periods import GRANULARITIES

if TYPE_CHECKING:
    from sandbox.odoo.query import Field
    from sandbox.odoo.reading import Reader

_NUMBERS: Final = frozenset({"integer", "float", "monetary"})
# Not stored, but found through a relation: 18 and 19 can group by them.
_RELATED: Final = frozenset({("account.move.line", "account_type")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """What is grouped by: "account_id", "date:month" or (19) "account_id.account_type"."""

    spec: str
    field: str
    type: str
    relation: str = ""
    through: str = ""  # the field of the record that `field` points to
    granularity: str = ""  # of a date

    @property
    def is_many2one(self) -> bool:
        """Whether a group is called after a record."""
        return self.type == "many2one" and not self.through

    @property
    def is_boolean(self) -> bool:
        """Whether False is a value as good as any."""
        return self.type == "boolean"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What is summed up: a field and a function, and the key it is answered under."""

    key: str
    field: str
    function: str


def grouping_of(reader: Reader, model: str, spec: str, *, formatted: bool = False) -> Grouping:
    """What "account_id", "date:month" and so on say; Odoo's error if that cannot be grouped by.

    Only formatted groups (19) go through a relation to a field of another record.
    """
    version = reader.version
    path, _, granularity = spec.partition(":")
    name, _, through = path.partition(".")
    if through and not formatted:
        raise _unknown_path(version, model, spec, through)
    field = _known(reader, model, name, spec)
    is_date = field["type"] in ("date", "datetime")
    if granularity and granularity not in GRANULARITIES:
        raise value_error(f"Invalid granularity specification {granularity!r}")
    if _is_computed(field) and not (version >= V18 and (model, name) in _RELATED):
        raise _not_groupable(version, model, name)
    kind = _known(reader, field["relation"], through, spec)["type"] if through else field["type"]
    return Grouping(
        spec=spec,
        field=name,
        type=kind,
        relation=field.get("relation", ""),
        through=through,
        granularity=granularity or ("month" if is_date else ""),
    )


def aggregate_of(reader: Reader, model: str, text: str, *, key: str = "") -> Aggregate | None:
    """What "balance:sum" says; None for a bare field that is not summed up by default."""
    name, _, function = text.partition(":")
    field = reader.view.field(model, name)
    if field is None:
        where = f"Invalid field '{name}' on model '{model}'"
        raise value_error(where if reader.version == V16 else f"{where} for '{text}'.")
    if not function:
        is_summed = field["type"] in _NUMBERS and not _is_computed(field) and name != "id"
        return Aggregate(key=name, field=name, function="sum") if is_summed else None
    if function not in AGGREGATES:
        if reader.version == V16:
            raise user_error(f"Invalid aggregation function '{function}'.")
        raise value_error(f"Invalid aggregate method '{function}' for '{text}'.")
    if _is_computed(field):
        raise _not_summable(reader.version, model, name)
    return Aggregate(key=key or name, field=name, function=function)


def numbers_of(reader: Reader, model: str) -> list[str]:
    """The fields that are summed up where a client names none."""
    fields = reader.books.fields[model].items()
    return [name for name, f in fields if f["type"] in _NUMBERS and not _is_computed(f)]


def _is_computed(field: Field) -> bool:
    return field.get("store") is False


def _known(reader: Reader, model: str, name: str, spec: str) -> Field:
    field = reader.view.field(model, name)
    if field is None:
        raise value_error(f"Invalid field '{spec}' on model '{model}'")
    return field


def _unknown_path(version: int, model: str, spec: str, through: str) -> OdooError:
    if version == V16:
        return value_error(f"Invalid field '{spec}' on model '{model}'")
    return value_error(f"Property name '{through}' has to be used on a property field.")


def _not_groupable(version: int, model: str, name: str) -> OdooError:
    if version == V16:
        return user_error(
            f"Field {model}.{name} is not a stored field, only stored fields (regular or"
            " many2many) are valid for the 'groupby' parameter"
        )
    return _not_stored(version, model, name)


def _not_summable(version: int, model: str, name: str) -> OdooError:
    if version == V16:
        return user_error(f"Cannot aggregate field '{name}'.")
    return _not_stored(version, model, name)


def _not_stored(version: int, model: str, name: str) -> OdooError:
    if version == V17:
        return value_error(f"Cannot convert field {model}.{name} to SQL")
    return value_error(f"Cannot convert {model}.{name} to SQL because it is not stored")
