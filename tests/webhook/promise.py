"""What must hold of everything that the mirror's stream told: promise 2, and how it is broken."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import plain
from sandbox.in_process.aws import REGION
from sandbox.in_process.fast_dynamodb import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.in_process.webhook import WebhookPath
    from sandbox.webhook.receiver import Received

MODELS: Final = {"move": "account.move", "payment": "account.payment"}
REFUSED: Final = (302, 422)  # answers after which a change is not sent again

Json = dict[str, Any]
Change = tuple[str, int]  # record, as the endpoint names it, and sequence


@dataclass(kw_only=True)
class Found:
    """What became of the changes: taken in by the endpoint, or lying somewhere."""

    told: dict[Change, Json] = field(default_factory=dict)  # with the record's content then
    queued: set[Change] = field(default_factory=set)
    dead: set[Change] = field(default_factory=set)
    refused: set[Change] = field(default_factory=set)
    given_up: set[Change] = field(default_factory=set)  # by the stream's reader
    unread: set[Change] = field(default_factory=set)  # in the stream

    @property
    def lying(self) -> set[Change]:
        """What has not arrived, and is not lost."""
        return self.unread | self.queued | self.dead | self.refused | self.given_up


def look(path: WebhookPath) -> Found:
    """Where everything is now."""
    found = Found()
    for record in path.told():
        change, data, first_load = _change(record)
        if not first_load and change[0].split("/")[1] in MODELS.values():
            found.told[change] = data
    found.unread = {_change(record)[0] for record in path.unread()}
    found.queued = {_queued(kept.body) for kept in path.queue.messages.values()}
    found.dead = {_queued(kept.body) for kept in path.dead.messages.values()}
    found.refused = {
        (_name(*str(row["record"]).split("/")), int(row["sequence"]))
        for row in map(plain, rows(REGION, path.desk.table_name))
        if row["pk"] == "webhook#refused"
    }
    found.given_up = {_change(record)[0] for record in path.failures if "dynamodb" in record}
    return found


def broken(path: WebhookPath) -> list[str]:
    """Each way in which the promise is broken, as a sentence."""
    found, received = look(path), path.receiver.received
    verified = [one for one in received if one.verified_by]
    accepted = {_of(one) for one in verified if one.accepted and not one.body["replayed"]}
    trouble = [f"{one.message_id} did not verify: {one.problem}" for one in received
               if not one.verified_by]  # fmt: skip
    trouble += [f"something was sent elsewhere: {stray}" for stray in path.receiver.strays]
    trouble += [
        f"{change} is lost" for change in sorted(found.told.keys() - accepted - found.lying)
    ]
    trouble += [f"{change} never happened" for change in sorted(accepted - found.told.keys())]
    by_record: dict[str, list[Received]] = defaultdict(list)
    for one in verified:
        by_record[one.record].append(one)
    for record, requests in by_record.items():
        trouble += _overtaken(record, requests, found)
    trouble += [
        f"{one.message_id}: {name} is {one.body['data'].get(name)!r}"
        for one in verified
        for name in _different(one, found.told.get(_of(one)))
    ]
    return trouble


def _overtaken(record: str, requests: Iterable[Received], found: Found) -> Iterator[str]:
    """A change may be sent only once those before it were taken in, refused or given up."""
    due = sorted(number for name, number in found.told if name == record)
    settled = {number for name, number in found.dead | found.given_up if name == record}
    for one in requests:
        if one.body["replayed"]:
            continue
        before = [number for number in due if number < one.sequence and number not in settled]
        if before:
            yield f"{record}: change {one.sequence} was sent before {before}"
        if one.accepted or one.answer in REFUSED:
            settled.add(one.sequence)


def _different(one: Received, content: Json | None) -> list[str]:
    """The fields of a body that are not as the record was then; addresses are the contact's."""
    if content is None or one.body["replayed"]:
        return []
    data = one.body["data"]
    return [
        name
        for name, value in data.items()
        if name in content and name != "invoice_lines" and value != content[name]
    ]


def _change(record: Json) -> tuple[Change, Json, bool]:
    change = record["dynamodb"]
    is_gone = record["eventName"] == "REMOVE"
    item = plain(change["OldImage" if is_gone else "NewImage"])
    connection, kind, _ = str(item["pk"]).split("#")
    name = _name(connection, kind, str(int(item["sk"])))
    of_first_load = bool(item.get("first_load")) and not is_gone
    return (name, int(item["sequence"]) + is_gone), json.loads(item["data"]), of_first_load


def _queued(body: str) -> Change:
    row = json.loads(body)
    return _name(row["connection"], row["kind"], str(row["id"])), int(row["sequence"])


def _of(one: Received) -> Change:
    return one.record, one.sequence


def _name(connection: str, kind: str, number: str) -> str:
    return f"{connection}/{MODELS.get(kind, kind)}/{number}"
