"""A mirrored record as the contract shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.mirror.content import data_of

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

_LOCAL: Final = "date-time-local"  # OpenAPI's name for 2026-01-28T10:00:00
_SECONDS: Final = 19  # characters of that


class Shape:
    """The form of a kind's records, by a schema: what it requires is always shown."""

    def __init__(self, schema: Json) -> None:
        self.name: str = schema["title"]
        self._usual: tuple[str, ...] = tuple(schema["required"])
        self._every: tuple[str, ...] = tuple(schema["properties"])
        self._times = frozenset(
            name for name, one in schema["properties"].items() if one.get("format") == _LOCAL
        )

    def of(self, item: Json, *, every_field: bool) -> Json:
        """A stored item as an answer shows it, with every field or the usual ones."""
        data = data_of(item)
        data |= {
            "id": int(item["sk"]),
            "odoo_id": int(item["sk"]),
            "created_at": item.get("created_at"),
            "updated_at": item.get("updated_at"),
        }
        names = self._every if every_field else self._usual
        shown = {name: data.get(name) for name in names}
        if "active" in self._every and data.get("active") is False:
            shown["active"] = False
        for name in self._times & shown.keys():
            shown[name] = _local(shown[name])
        return shown


def _local(value: object) -> str | None:
    """A day, or an instant of the source's or ours, without zone and fraction."""
    if not value:
        return None
    text = str(value)
    return f"{text[:10]}T{text[11:_SECONDS] or '00:00:00'}"
