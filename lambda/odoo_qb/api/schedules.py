"""Schedules by API: create, list and delete what EventBridge fires at the times of a cron."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aws_lambda_powertools import Logger

from odoo_qb.api.cron import parse_cron
from odoo_qb.api.cron_times import next_run, zone_of
from odoo_qb.api.problem import Problem
from odoo_qb.errors import Conflict, Misconfigured, Refused, Unavailable
from odoo_qb.mirror.request import kinds_of
from odoo_qb.sentences import one_line
from odoo_qb.store.schedule_items import ScheduleItem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from odoo_qb.exact_json import Json
    from odoo_qb.store import schedules as store

logger = Logger(child=True)

MOST: Final = 100
_NAME: Final = re.compile(r"(?!\.\.?$)[A-Za-z0-9._-]{1,64}")  # clients cut . and .. from addresses
_SHOWN: Final = 64  # characters of a name, in a sentence
_REQUIRED: Final = ("cron", "task_name", "task_path")
_BODY: Final = (*_REQUIRED, "time_zone")
_INSTANT: Final = len("2026-01-28T10:00:00")
_DOWN: Final = {"Retry-After": "60"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """The schedules of this deployment. Every method first repairs what a crash left behind."""

    kept: store.Schedules
    clock: Callable[[], datetime]

    def create(self, body: object) -> Json:
        """A new schedule from {"cron", "task_name", "task_path"} and perhaps "time_zone".

        Problem: 409 where the name is taken, 422 with what to change, 503 if EventBridge is down.
        """
        item = _wanted(body)
        self._repair()
        if sum(one.stands for one in self.kept.items.every()) >= MOST:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"There are {MOST} schedules, which is the limit. Delete one first.",
            )
        self._add(item)
        try:
            self.kept.settle(item.name)
        except (Refused, Unavailable, Misconfigured) as error:
            self._withdraw(item)
            raise _problem(error) from error
        return self._answer(item)

    def list(self) -> list[Json]:
        """All schedules by name, each with its last run and that run's result, or null."""
        self._repair()
        return [
            self._answer(item)
            | {
                "last_run": item.last_run[:_INSTANT] or None,
                "last_result": item.last_result or None,
            }
            for item in self.kept.items.every()
            if item.stands
        ]

    def delete(self, task_name: str) -> Json:
        """Delete a schedule; from then on no run of it begins. Problem: 404.

        If EventBridge is down, its schedule stays until a later call and starts nothing.
        """
        item = self.kept.items.get(task_name) if _NAME.fullmatch(task_name) else None
        try:
            if item and item.stands:
                self.kept.items.mark_deleting(item)
            else:
                item = None  # it is not listed: it was deleted, or could not be made
        except Conflict:
            item = None
        self._repair()
        if not item:
            name = one_line(task_name, _SHOWN)
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no schedule {name}.")
        return {"deleted": task_name}

    def _add(self, item: ScheduleItem) -> None:
        try:
            self.kept.items.add(item, self.clock())
        except Conflict:
            sentence = (
                f"There is a schedule {item.name} already. Choose another name, or delete it."
            )
            taken = Problem(HTTPStatus.CONFLICT, sentence)
            before = self.kept.items.get(item.name)
            if before and before.stands:
                raise taken from None
            try:  # of one that was deleted, EventBridge still has the schedule
                self.kept.settle(item.name)
                self.kept.items.add(item, self.clock())
            except Conflict:
                raise taken from None
            except (Unavailable, Misconfigured) as error:
                raise _problem(error) from error

    def _withdraw(self, item: ScheduleItem) -> None:
        """Take back a schedule that could not be made; what can't be is deleted later."""
        try:
            self.kept.items.mark_deleting(item)
            self.kept.settle(item.name)
        except (Conflict, Unavailable, Misconfigured):
            logger.warning("a schedule that failed is removed later", schedule=item.name)

    def _repair(self) -> None:
        """Repair what can be; the list itself does not depend on EventBridge."""
        try:
            trouble = self.kept.repair()
        except (Unavailable, Misconfigured) as error:
            trouble = [str(error)]
        for sentence in trouble:
            logger.error("schedules not repaired", reason=sentence)

    def _answer(self, item: ScheduleItem) -> Json:
        try:
            found = next_run(parse_cron(item.cron), zone_of(item.time_zone), self.clock())
        except Refused:  # a newer release of time zones may lack a name
            found = None
        return {
            "task_name": item.name,
            "cron": item.cron,
            "task_path": item.task_path,
            "time_zone": item.time_zone,
            "next_run": found.isoformat()[:_INSTANT] if found else None,
        }


def _wanted(body: object) -> ScheduleItem:
    """The schedule that a body describes; Problem 422 where it describes none."""
    try:
        texts = _texts(body)
        kinds_of(texts["task_path"])
        cron, zone_name = texts["cron"], texts.get("time_zone", "UTC")
        expression = parse_cron(cron).expression
        zone_of(zone_name)
    except Refused as refusal:
        raise _problem(refusal) from refusal
    return ScheduleItem(
        name=texts["task_name"],
        schedule_id=uuid4().hex,
        cron=" ".join(cron.split()),
        time_zone=zone_name,
        task_path=texts["task_path"],
        expression=expression,
    )


def _texts(body: object) -> dict[str, str]:
    if not isinstance(body, dict):
        raise Refused("The body must be a JSON object with cron, task_name and task_path.")
    if unknown := sorted(one_line(str(name), _SHOWN) for name in body.keys() - set(_BODY)):
        raise Refused(f"Unknown in the body: {', '.join(unknown)}. It may have {', '.join(_BODY)}.")
    given = {name: value for name, value in body.items() if value is not None}
    for name in _REQUIRED:
        if name not in given:
            raise Refused(f"The body has no {name}. Add it.")
    for name, value in given.items():
        if not isinstance(value, str):
            raise Refused(f"The value of {name} must be a text.")
    if not _NAME.fullmatch(given["task_name"]):
        raise Refused(
            "The task_name must be 1 to 64 letters from A to Z, digits, dots, hyphens or"
            " underscores, and not only one or two dots. Choose another."
        )
    return given


def _problem(error: Exception) -> Problem:
    if isinstance(error, Refused):
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=_DOWN)
