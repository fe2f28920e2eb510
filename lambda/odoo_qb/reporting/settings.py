"""How a company's accounts are read where Odoo has no account type for it, as Terraform has it.

No I/O. `figures_settings` is a map by connection and, within it, by the company's id in Odoo; "*"
stands for all companies that are not named:

    {"odoo": {"*": {"inventory": ["110"], "interest": ["671"], "income_tax": ["691"]}}}
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, get_args

from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

DpoBasis = Literal["cogs", "cogs_and_expenses"]
OTHERS: Final = "*"  # the companies that are not named

_PREFIXES: Final = ("inventory", "interest", "income_tax")


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSettings:
    """Prefixes of a company's account codes, and what its payables are compared with.

    None: nobody said whether there are such accounts. Empty: there are none.
    """

    inventory: tuple[str, ...] | None = None
    interest: tuple[str, ...] | None = None
    income_tax: tuple[str, ...] | None = None
    dpo_basis: DpoBasis = "cogs"

    @property
    def digest(self) -> str:
        """Another text for other settings: sums made with others are not used."""
        values = [getattr(self, field.name) for field in fields(self)]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllFigureSettings:
    """The settings of every connection and company."""

    by_connection: dict[str, dict[str, FigureSettings]]

    def of(self, connection: str, company_id: int) -> FigureSettings:
        """A company's own settings, else those of its connection's other companies."""
        companies = self.by_connection.get(connection, {})
        others = companies.get(OTHERS, FigureSettings())
        return companies.get(str(company_id), others)


def parse_figure_settings(text: str) -> AllFigureSettings:
    """Terraform's figures_settings ("" for none); Misconfigured where they make no sense."""
    try:
        given: Json = json.loads(text or "{}")
        return AllFigureSettings(
            by_connection={
                connection: {str(company): _parsed(row) for company, row in companies.items()}
                for connection, companies in given.items()
            }
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Misconfigured(
            "The variable figures_settings cannot be read. Apply Terraform again."
        ) from None


def _parsed(row: Json) -> FigureSettings:
    if unknown := row.keys() - {*_PREFIXES, "dpo_basis"}:
        raise ValueError(unknown)
    basis: DpoBasis = row.get("dpo_basis") or "cogs"
    if basis not in get_args(DpoBasis):
        raise ValueError(basis)
    found = {name: _prefixes(row[name]) for name in _PREFIXES if row.get(name) is not None}
    # An account that is both would be taken out of the operating result twice.
    for prefix in found.get("interest", ()):
        for other in found.get("income_tax", ()):
            if prefix.startswith(other) or other.startswith(prefix):
                raise Misconfigured(
                    f"The variable figures_settings names accounts {prefix} as interest and"
                    f" {other} as income tax. Name each account once."
                )
    return FigureSettings(**found, dpo_basis=basis)


def _prefixes(given: list[str]) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(p, str) and p.strip() for p in given):
        raise TypeError(given)
    return tuple(given)
