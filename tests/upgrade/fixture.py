"""Version 1.0 as a deployment left it: put into a test's table, bucket and simulators.

The files lie in `v1_0/`, and its README says what is in them. Everything here is plain data: no
code of the functions is used, so that what they are called by now does not matter.
"""

from __future__ import annotations

import base64
import json
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from boto3.dynamodb.types import TypeDeserializer
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import FakeKey, s3_backends

from sandbox.odoo.dataset import empty
from sandbox.quickbooks.calls import Remembered
from sandbox.quickbooks.responses import Answer
from sandbox.slack.payloads import Message

if TYPE_CHECKING:
    from sandbox.odoo.server import Odoo
    from sandbox.quickbooks.server import QuickBooks, Realm
    from sandbox.slack.server import Slack

Json = dict[str, Any]

FOLDER: Final = Path(__file__).parent / "v1_0"
_INSTANTS: Final = ("create_date", "write_date")
# What a journal row has from its bill: it is kept with the bill alone.
_OF_THE_MOVE: Final = ("company_id", "currency_id", "date", "partner_id", *_INSTANTS)
NOW: Final = datetime.fromisoformat("2026-11-22T09:00:00+00:00")  # all of it happened before


def bills() -> dict[str, Json]:
    """What each bill is for, by entry_id: company, kind (S or D), state, situation, case, why."""
    return cast("dict[str, Json]", _kept("bills"))


def table() -> list[Json]:
    """The table's items in DynamoDB's own JSON: the bills and the notes."""
    return cast("list[Json]", _kept("table"))


@cache
def items() -> dict[str, Json]:
    """The same as plain values, by entry_id: numbers are Decimal."""
    deserialize = TypeDeserializer().deserialize
    found = [{name: deserialize(value) for name, value in item.items()} for item in table()]
    return {item["entry_id"]: item for item in found}


def objects() -> list[Json]:
    """The bucket's objects: key, version_id, content_type, and text or base64."""
    return cast("list[Json]", _kept("objects"))


def records() -> dict[str, list[Json]]:
    """Odoo's records by model, without what is empty; a many2one is an id."""
    return cast("dict[str, list[Json]]", _kept("odoo")["records"])


def seed_tokens() -> dict[str, str]:
    """The refresh token with which each realm was connected, by realm id: the operator's secret."""
    return cast("dict[str, str]", _kept("quickbooks")["seed_tokens"])


def lines_of(item: Json) -> list[Json]:
    """All lines of a bill as 1.0 kept them, from the bucket where its item has only the first."""
    if not item["lines_key"]:
        return list(item["lines"])
    return cast("list[Json]", json.loads(data_at(item["lines_key"])))


def data_at(key: str) -> bytes:
    """The last version of an object of the bucket."""
    return data_of([kept for kept in objects() if kept["key"] == key][-1])


def data_of(kept: Json) -> bytes:
    """The bytes of an object of the bucket."""
    text = kept.get("text")
    return text.encode() if text is not None else base64.b64decode(kept["base64"])


def fill_table(dynamodb: Any, name: str) -> None:
    """Write all items with a low-level client of DynamoDB."""
    for item in table():
        dynamodb.put_item(TableName=name, Item=item)


def fill_bucket(s3: Any, bucket: str) -> None:
    """Store all objects in a versioned bucket of moto's, under the versions that bills name."""
    for kept in objects():
        s3.put_object(
            Bucket=bucket, Key=kept["key"], Body=data_of(kept), ContentType=kept["content_type"]
        )
        stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[bucket].keys.getlist(kept["key"])
        made = stored.pop()
        stored.append(_another_version(made, kept["version_id"]))


def _another_version(made: FakeKey, version_id: str) -> FakeKey:
    """The same object under another version."""
    key = FakeKey(
        name=made.name,
        value=made.value,
        account_id=made.account_id,
        region_name=made.region_name,
        is_versioned=True,
        version_id=version_id,
        bucket_name=made.bucket_name,
    )
    key.set_metadata(made.metadata)
    return key


def fill_odoo(odoo: Odoo) -> None:
    """Put 1.0's companies, bills and all that belongs to them in place of what is there."""
    for model, described in _kept("odoo")["fields"].items():
        for name, field in described.items():
            odoo.fields[model].setdefault(name, field)
    for model in ("account.payment", *records()):
        odoo.records[model].clear()
    for model, rows in records().items():
        blank = {name: empty(field) for name, field in odoo.fields[model].items()}
        for kept in rows:
            row = json.loads(json.dumps(blank | kept))
            for name in _INSTANTS:
                row[name] = datetime.fromisoformat(kept[name]) if name in kept else False
            odoo.records[model][row["id"]] = row
    odoo.count_from_records()
    moves = odoo.records["account.move"]
    for line in odoo.records["account.move.line"].values():
        move, balance = moves[line["move_id"]], line["balance"]
        line.update({name: move[name] for name in _OF_THE_MOVE}, parent_state=move["state"])
        line.update(debit=max(balance, 0.0), credit=max(-balance, 0.0))
    companies = tuple(odoo.records["res.company"])
    for number, user in odoo.users.items():
        odoo.users[number] = type(user)(**{**_slots(user), "companies": companies})
        odoo.add_user(user.uid, user.name, user.login)


def fill_quickbooks(quickbooks: QuickBooks) -> None:
    """Open 1.0's realms, connected by `seed_tokens`, with what was made in them.

    A request that 1.0 sent is answered as it was, if it comes again as it was.
    """
    kept = _kept("quickbooks", exact=True)
    for realm_id, values in kept["realms"].items():
        realm = quickbooks.add_realm(
            realm_id,
            values["company_name"],
            refresh_token=kept["seed_tokens"][realm_id],
            country=values["country"],
        )
        _fill_realm(realm, values)
    for known in kept["answered"]:
        answer = {name: known[name] for name in ("status", "body", "headers", "kind")}
        remembered = Remembered(
            fingerprint=known["fingerprint"],
            at=datetime.fromisoformat(known["at"]),
            answer=Answer(**answer),
        )
        quickbooks.request_ids.remember(known["realm"], known["request_id"], remembered)


def _fill_realm(realm: Realm, values: Json) -> None:
    closed = values["book_close_date"]
    changed = {
        "files": {key: base64.b64decode(data) for key, data in values["files"].items()},
        "book_close_date": date.fromisoformat(closed) if closed else None,
        "exchange_rates": {key: Decimal(rate) for key, rate in values["exchange_rates"].items()},
        "deleted": [(entity, record) for entity, record in values["deleted"]],
    }
    for name, value in (values | changed).items():
        setattr(realm, name, value)


def fill_slack(slack: Slack) -> None:
    """Put 1.0's channels with their messages into a workspace."""
    for key, kept in _kept("slack")["channels"].items():
        channel = slack.channels.get(key) or slack.add_channel(
            key, kept["name"], kept["members"], private=kept["private"]
        )
        channel.members.update(kept["members"])
        for message in json.loads(json.dumps(kept["messages"])):
            blocks = tuple(message["blocks"])
            channel.messages[message["ts"]] = Message(**{**message, "blocks": blocks})


def _slots(value: Any) -> Json:
    return {name: getattr(value, name) for name in value.__slots__}


def _kept(name: str, *, exact: bool = False) -> Any:
    """A file's content; `exact` has decimals where a number has a fraction, and is the caller's."""
    return _read(name) if not exact else json.loads(_text(name), parse_float=Decimal)


@cache
def _read(name: str) -> Any:
    return json.loads(_text(name))


@cache
def _text(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text("utf-8")
