"""Write what a deployment left behind as the fixture's files: text, the same at every run."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from quick import rows
from sandbox.odoo_records import empty
from world import REGION

from upgrade.making.companies import FIRMS
from upgrade.making.plan import SITUATIONS
from upgrade.making.realms import seed_token

if TYPE_CHECKING:
    from pathlib import Path

    from life import Life
    from odoo_qb.item import Item

    from sandbox.odoo import Odoo
    from sandbox.quickbooks import QuickBooks, Realm
    from upgrade.making.plan import Planned

Json = dict[str, Any]

_NOT_OF_THE_BOOKS: Final = ("account.payment",)  # the simulator's, and empty here
# What a journal row has from its bill or its balance, and is not written again for each.
_DERIVED: Final = frozenset(
    {
        "company_id",
        "create_date",
        "credit",
        "currency_id",
        "date",
        "debit",
        "parent_state",
        "partner_id",
        "write_date",
    }
)
# What later simulators may lack, and these records have.
_MORE_FIELDS: Final = (
    ("account.tax", "children_tax_ids"),
    ("account.move.line", "deductible_amount"),
)


def keep(life: Life, bills: dict[str, Planned], folder: Path) -> None:
    """Write all files of the fixture into a folder."""
    world = life.world
    items = world.items()
    files = {
        "bills": {i: _index(p, items[i]["digest"]) for i, p in bills.items()},
        "table": _table(world.names["table"]),
        "objects": _objects(world.names["bucket"]),
        "odoo": _odoo(world.odoo),
        "quickbooks": _quickbooks(world.quickbooks, _closed(items)),
        "slack": _slack(life),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(f"{_text(content, _DEPTHS[name])}\n", "utf-8")


_DEPTHS: Final = {"bills": 1, "table": 1, "objects": 1, "odoo": 3, "quickbooks": 4, "slack": 3}


def _index(planned: Planned, digest: str) -> Json:
    return {
        "company": planned.company,
        "kind": planned.kind,
        "state": SITUATIONS[planned.situation],
        "situation": planned.situation,
        "case": planned.case,
        "why": planned.why,
        "digest": digest,
    }


def _table(name: str) -> list[Json]:
    found = [_sorted(attributes) for attributes in rows(REGION, name)]
    return sorted(found, key=lambda item: str(item["entry_id"]["S"]))


def _sorted(value: Any) -> Any:
    """Maps and sets have no order: here they get one."""
    if isinstance(value, dict):
        sets = {k: sorted(v) for k, v in value.items() if k in {"SS", "NS"}}
        return {k: _sorted(v) for k, v in sorted((value | sets).items())}
    return [_sorted(v) for v in value] if isinstance(value, list) else value


def _objects(bucket: str) -> list[Json]:
    """Every version that a bill may name; of a snapshot of QuickBooks the last one counts."""
    keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys
    found = []
    for key in sorted(keys):
        versions = keys.getlist(key)
        for version in versions[-1:] if key.startswith("reference/") else versions:
            kept = {"key": key, "version_id": version.version_id}
            kept["content_type"] = version.metadata.get("Content-Type", "binary/octet-stream")
            kept |= _content(version.value)
            found.append(kept)
    return found


def _content(data: bytes) -> Json:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _odoo(odoo: Odoo) -> Json:
    more: Json = {}
    for model, name in _MORE_FIELDS:
        more.setdefault(model, {})[name] = odoo.fields[model][name]
    records = {
        model: [_record(odoo, model, row) for _, row in sorted(found.items())]
        for model, found in odoo.records.items()
        if model not in _NOT_OF_THE_BOOKS
    }
    return {"fields": more, "records": records}


def _record(odoo: Odoo, model: str, row: Json) -> Json:
    """What is not empty of a record."""
    described = odoo.fields[model]
    left_out = _DERIVED if model == "account.move.line" else ()
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
        if name not in left_out
        if name == "id" or name not in described or value != empty(described[name])
    }


def _closed(items: dict[str, Item]) -> set[str]:
    """The request ids of tries whose end is known: they are never sent again."""
    attempts = [a for item in items.values() for a in item["attempts"]]
    return {str(a["request_id"]) for a in attempts if a["outcome"]}


def _quickbooks(quickbooks: QuickBooks, closed: set[str]) -> Json:
    answered = []
    for (realm_id, request_id), known in quickbooks._request_ids._known.items():
        if known.answer is None or request_id in closed:
            continue
        answer = asdict(known.answer)
        answered.append(
            {
                "realm": realm_id,
                "request_id": request_id,
                "fingerprint": known.fingerprint,
                "at": known.at.isoformat(),
                **answer,
            }
        )
    return {
        "seed_tokens": {firm.realm_id: seed_token(firm) for firm in FIRMS.values()},
        "realms": {key: _realm(realm) for key, realm in quickbooks.realms.items()},
        "answered": answered,
    }


def _realm(realm: Realm) -> Json:
    kept = {f.name: getattr(realm, f.name) for f in fields(realm)}
    kept["files"] = {k: base64.b64encode(v).decode() for k, v in realm.files.items()}
    return kept


def _slack(life: Life) -> Json:
    channels = {}
    for key, channel in life.world.slack.channels.items():
        channels[key] = {
            "name": channel.name,
            "members": sorted(channel.members),
            "private": channel.private,
            "messages": [asdict(message) for message in channel.messages.values()],
        }
    return {"channels": channels}


def _text(value: Any, depth: int) -> str:
    """JSON with exact decimals, one line for everything that is deeper."""
    if isinstance(value, dict) and (depth > 0 or value):
        parts = [f"{_quoted(str(k))}: {_text(v, depth - 1)}" for k, v in value.items()]
        return _joined("{}", parts, depth)
    if isinstance(value, list | tuple):
        return _joined("[]", [_text(v, depth - 1) for v in value], depth)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return _quoted(value.isoformat())
    return _quoted(value)


def _joined(brackets: str, parts: list[str], depth: int) -> str:
    if depth <= 0 or not parts:
        return f"{brackets[0]}{','.join(parts)}{brackets[1]}"
    return f"{brackets[0]}\n{',\n'.join(parts)}\n{brackets[1]}"


def _quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
