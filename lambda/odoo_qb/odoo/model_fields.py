"""Which of the served fields a server has: read when needed, and remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from odoo_qb.errors import Refused
from odoo_qb.odoo.client import JSON_2
from odoo_qb.odoo.served_fields import Layout, all_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from odoo_qb.odoo.scope import Scope
    from odoo_qb.odoo.served_kinds import ServedModel

_UNKNOWN: Final = "Invalid field"


class ModelFields:
    """The fields of each model; read in one call if their names differ by version."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._existing: dict[tuple[object, ...], frozenset[str]] = {}
        self._layouts: dict[tuple[object, ...], Layout] = {}

    def one_of(self, model: ServedModel, names: Collection[str]) -> str:
        """The first of these names that the server has; "" for none."""
        if len(names) == 1:
            return next(iter(names))
        existing = self._learned(model)
        return next((name for name in names if name in existing), "")

    def layout(self, model: ServedModel) -> Layout:
        """How this server names a model's served fields, as known so far."""
        key = _key(model)
        if key not in self._layouts:
            self._layouts[key] = Layout(model.served, self._assumed(model))
        return self._layouts[key]

    def with_layout[T](self, model: ServedModel, ask: Callable[[Layout], T]) -> T:
        """The result of `ask` with the fields of this server.

        Fields with the same name in all versions are assumed to exist, until Odoo refuses one.
        """
        key = _key(model)
        try:
            return ask(self.layout(model))
        except Refused as refused:
            if _UNKNOWN not in str(refused) or key in self._existing:
                raise
        self._layouts[key] = Layout(model.served, self._learned(model))
        return ask(self._layouts[key])

    def _assumed(self, model: ServedModel) -> Collection[str] | None:
        if any(len(served.fields) > 1 for served in model.served):
            return self._learned(model)
        if self._scope.odoo.protocol == JSON_2:  # 19 or later
            return {*all_fields(model.served)} - model.lost
        return None

    def _learned(self, model: ServedModel) -> frozenset[str]:
        key = _key(model)
        if key not in self._existing:
            names = sorted({*all_fields(model.served), *model.company})
            found = self._scope.call(
                model.model, "fields_get", names, group=model.group, attributes=["type"]
            )
            self._existing[key] = frozenset(found)
        return self._existing[key]


def _key(model: ServedModel) -> tuple[object, ...]:
    return model.model, model.served
