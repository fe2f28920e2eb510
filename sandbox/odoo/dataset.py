"""The real records of Odoo 18 that the sandbox's Odoo begins with, and a version's fields.

Two datasets: "odoo-18" are the vendor bills of four companies that the flow carries, with their
files; "ledger-18" are 20 months of books of two companies, with contacts, invoices, payments and
orders (and what PostgreSQL came to for them: expected-*.json).
"""

from __future__ import annotations

import json
import pickle
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from sandbox.odoo.query import Field, Record

type Dataset = Literal["odoo-18", "ledger-18"]

_DATA: Final = Path(__file__).parent / "data"
_UNRECORDED: Final = dict.fromkeys(
    ("create_date", "write_date"), datetime(2026, 11, 21, 1, 18, 22, 500_000, tzinfo=UTC)
)
_EMPTY: Final[dict[str, object]] = {"integer": 0, "float": 0.0, "monetary": 0.0}
# What every model has, besides what was recorded of it.
_COMMON: Final[dict[str, Field]] = {
    "id": {"type": "integer"},
    "display_name": {"type": "char", "store": False},
    "create_date": {"type": "datetime"},
    "create_uid": {"type": "many2one", "relation": "res.users"},
    "write_date": {"type": "datetime"},
    "write_uid": {"type": "many2one", "relation": "res.users"},
}
# Fields of the smaller models that came or went with a version.
_VERSIONED: Final[dict[str, dict[str, Field]]] = {
    "account.account": {
        "company_id": {"type": "many2one", "relation": "res.company", "versions": [16, 17]},
        "company_ids": {"type": "many2many", "relation": "res.company", "versions": [18, 19]},
    },
    # Not recorded: every tax that was is a percentage, and only a group has parts.
    "account.tax": {"children_tax_ids": {"type": "many2many", "relation": "account.tax"}},
    "res.company": {
        "tax_calculation_rounding_method": {
            "type": "selection",
            "selection": [
                ["round_per_line", "Round per Line"],
                ["round_globally", "Round Globally"],
            ],
        }
    },
    "res.users": {
        "groups_id": {"type": "many2many", "relation": "res.groups", "versions": [16, 17, 18]},
        "group_ids": {"type": "many2many", "relation": "res.groups", "versions": [19]},
        "company_id": {"type": "many2one", "relation": "res.company"},
        "company_ids": {"type": "many2many", "relation": "res.company"},
    },
}

# Fields that the view works out for a record that has no value of its own for them.
DERIVED: Final[dict[str, frozenset[str]]] = {
    "account.account": frozenset({"active", "internal_group", "reconcile"}),
    "account.journal": frozenset({"active"}),
    "account.move.line": frozenset(
        {"amount_residual", "amount_residual_currency", "deductible_amount", "reconciled"}
    ),
    "res.company": frozenset({"tax_calculation_rounding_method"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Fields by model, records by model and id, and names of records only pointed to.

    `codes` are an account's by company, where it belongs to several.
    """

    fields: dict[str, dict[str, Field]]
    records: dict[str, dict[int, Record]]
    names: dict[tuple[str, int], str]
    codes: dict[int, dict[int, str]]


def recorded(version: int, dataset: Dataset = "odoo-18") -> Recorded:
    """The records at the start, and the fields of that version; the caller's own to change.

    A model that is known but was not recorded has no records.
    """
    found: Recorded = pickle.loads(_read(version, dataset))  # noqa: S301 - what we dumped ourselves
    return found


@cache
def _read(version: int, dataset: Dataset) -> bytes:
    """What is on disk, read once: from a pickle it is copied in a tenth of the time."""
    found = Recorded(fields={}, records={}, names={}, codes={})
    files = [
        json.loads(path.read_text())
        for path in sorted((_DATA / dataset).glob("*.json"))
        if not path.name.startswith("expected-")
    ]
    by_model = {data["model"]: data for data in files}
    described = json.loads((_DATA / "odoo-fields.json").read_text())
    for model in sorted(by_model.keys() | described.keys()):
        data = by_model.get(model, {})
        fields = _COMMON | data.get("fields", {}) | _VERSIONED.get(model, {})
        for name, field in described.get(model, {}).items():
            fields[name] = fields.get(name, {}) | field
        found.fields[model] = {
            name: _of_version(field, version)
            for name, field in fields.items()
            if version in field.get("versions", [version])
        }
        rows = [_loaded(row, fields, found.names) for row in _rows(data)]
        found.records[model] = {row["id"]: _UNRECORDED | row for row in rows}
        for account, codes in data.get("codes_of_shared_accounts", {}).items():
            found.codes[int(account)] = {int(company): code for company, code in codes.items()}
    return pickle.dumps(found)


def _rows(data: dict[str, Any]) -> list[Record]:
    """The records of a file; where it names its columns once, each is a list of values."""
    if "columns" not in data:
        return list(data.get("records", []))
    return [dict(zip(data["columns"], values, strict=True)) for values in data["records"]]


def _of_version(field: Field, version: int) -> Field:
    rest = {k: v for k, v in field.items() if k not in ("versions", "variants")}
    for variant in field.get("variants", []):
        if version in variant["versions"]:
            rest |= {k: v for k, v in variant.items() if k != "versions"}
    return rest


def _loaded(row: Record, fields: dict[str, Field], names: dict[tuple[str, int], str]) -> Record:
    record = dict(row)
    for name, value in row.items():
        kind = fields[name]["type"]
        if kind == "many2one" and isinstance(value, list):
            record[name] = value[0]
            names[fields[name]["relation"], value[0]] = value[1]
        elif kind == "datetime" and value:
            # The fraction was not recorded: any will do, but rows of one transaction share it.
            # What people enter has none.
            is_stamp = name in ("create_date", "write_date")
            fraction = 1 + zlib.crc32(value.encode()) % 999_998 if is_stamp else 0
            record[name] = datetime.fromisoformat(f"{value}.{fraction:06}+00:00")
    return record


def empty(field: Field) -> object:
    """What Odoo answers for a field without a value: never null."""
    if field["type"] in ("one2many", "many2many"):
        return []
    return _EMPTY.get(field["type"], False)
