"""Odoo's answers: whether each has the shape that Odoo documents for its method. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from odoo_qb.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.odoo.values import Record


class Misshapen(Unavailable):
    """Some of the records of an answer are none; `records` are the others.

    Where there are no others, it is no answer at all.
    """

    def __init__(self, sentence: str, records: list[Record]) -> None:
        super().__init__(sentence)
        self.records = records

    def others(self) -> list[Record]:
        """The records that make sense; raises itself where there are none."""
        if not self.records:
            raise self
        return self.records


def whole_records(answer: object, fields: Collection[str]) -> list[Record] | None:
    """The records of an answer that have a number and all that was asked for; None if no list."""
    if not isinstance(answer, list):
        return None
    names = {"id", *fields}
    rows = [row for row in answer if isinstance(row, dict) and names <= row.keys()]
    return [row for row in rows if is_id(row["id"])]


def is_answer(answer: object, method: str, subject: object) -> bool:
    """Whether it is what a method that reads answers: ids, or records, each once.

    `read` leaves out what does not exist, and gives nothing that was not asked for.
    """
    if not isinstance(answer, list):
        return False
    if method == "search":
        return all(map(is_id, answer))
    ids = [row["id"] for row in answer]
    if len(set(ids)) < len(ids):
        return False
    return method != "read" or set(ids) <= set(cast("Collection[int]", subject))


def is_id(value: object) -> bool:
    """Whether it is an id of Odoo's: a whole number, of which false is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
