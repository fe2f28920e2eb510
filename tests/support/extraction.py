"""What tests of the extraction share: runs of the real wiring, and bills in any status."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

import extractor
from odoo_qb.extraction.request import request_of
from odoo_qb.guarding import BadRecords

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World

COMPANY = "1MD"
WATERMARK = "watermark#odoo"
# How a bill gets into each status, from READY_FOR_APPROVAL.
PATHS: dict[Status, tuple[Status, ...]] = {
    "READY_FOR_APPROVAL": (),
    "VALIDATION_FAILED": ("VALIDATION_FAILED",),
    "APPROVED": ("APPROVED",),
    "POSTING": ("APPROVED", "POSTING"),
    "POSTED": ("APPROVED", "POSTING", "POSTED"),
    "ALREADY_IN_QB": ("APPROVED", "POSTING", "ALREADY_IN_QB"),
    "POST_FAILED": ("APPROVED", "POSTING", "POST_FAILED"),
    "ACKNOWLEDGED": ("ACKNOWLEDGED",),
    "REJECTED": ("REJECTED",),
    "WITHDRAWN": ("WITHDRAWN",),
}
DECIDED_FOR_GOOD: tuple[Status, ...] = ("POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED")
OPEN: tuple[Status, ...] = (
    "READY_FOR_APPROVAL",
    "VALIDATION_FAILED",
    "APPROVED",
    "POST_FAILED",
    "REJECTED",
)
WRITES = {
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "PutObject",
    "Publish",
    "SendMessage",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(world: World, *, now: datetime | None = None, **event: Any) -> dict[str, Any]:
    """A run of the real wiring, at any time, with pages of any size."""
    given = ("page_size", "seconds_left", "sleep", "watched_at_once")
    changed = {k: event.pop(k) for k in given if k in event}
    now = now or utc_now()
    extraction = replace(extractor.wired.run(lambda: 240.0, now, BadRecords()), **changed)
    report = extraction.run(request_of(event, extractor.wired.companies), now)
    del world
    return report.as_json()


def outcomes(report: dict[str, Any]) -> Counter[str]:
    """How many bills had which outcome."""
    total: Counter[str] = Counter()
    for counts in report["companies"].values():
        total.update(counts)
    return total


def put_in(world: World, number: int, status: Status) -> Item:
    """Bring a bill of the table into a status, as others would."""
    item = world.item(f"odoo-{number}")
    for step in PATHS[status]:
        values = {"decided_by": "U-1", "rejection_reason": "no", "problems": ["as it was"]}
        item = world.table.change(item, to=step, actor="tester", now=utc_now(), values=values)
    return item


def writes(world: World, start: int) -> list[tuple[str, Any]]:
    """The writing calls to AWS since the `start`-th call."""
    return [call for call in world.aws.calls[start:] if call[0] in WRITES]


def run_at(world: World, now: datetime) -> dict[str, Any]:
    """A run when it is `now` at Odoo, too."""
    world.odoo.ahead = now - utc_now()
    return run(world, now=now)


def written(world: World) -> str:
    """How far the watermark says that Odoo was read."""
    return str(world.table.read_note(WATERMARK).get("written", ""))


def changes_on_card(world: World, number: int) -> list[str]:
    """The changes that a bill's card shows."""
    return list(world.item(f"odoo-{number}").get("changes", ()))


def renamed_company(world: World, name: str) -> None:
    """Rename the first company in Odoo."""
    company = world.odoo.records["res.company"][1]
    company["name"] = company["display_name"] = name


def fails(world: World, **event: Any) -> str:
    """The sentence with which an extraction fails."""
    with pytest.raises(extractor.ExtractionFailed) as error:
        world.extract(**event)
    assert error.value.__suppress_context__
    return str(error.value)
