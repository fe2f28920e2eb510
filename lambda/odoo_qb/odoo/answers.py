"""Odoo's answers: whether each has the shape that Odoo documents for its method. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from odoo_qb.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.odoo.failures import Failures
    from odoo_qb.odoo.question import Question
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


def checked(answer: object, question: Question, failures: Failures) -> object:
    """The answer, if it is what the question's method answers; else Unavailable, or Misshapen."""
    match question.method:
        case "search":
            is_sound = isinstance(answer, list) and all(map(is_id, answer))
        case "search_count":
            is_sound = isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0
        case "fields_get":
            is_sound = _are_fields(answer, question)
        case "context_get":
            is_sound = isinstance(answer, dict) and is_id(answer.get("uid"))
        case "read_group" | "formatted_read_group":
            is_sound = _are_groups(answer, question.named)
        case "web_search_read":
            is_sound = _is_nested(answer, question.named)
        case _:
            return _records(answer, question, failures)
    if not is_sound:
        raise failures.no_answer()
    return answer


def is_id(value: object) -> bool:
    """Whether it is an id of Odoo's: a whole number, of which false is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _records(answer: object, question: Question, failures: Failures) -> list[Record]:
    """Records, each once.

    `read` leaves out what does not exist, and gives nothing that was not asked for.
    """
    if not isinstance(answer, list):
        raise failures.no_answer()
    whole = _whole(answer, question.named.get("fields", ()))
    if len(whole) < len(answer):
        raise Misshapen(str(failures.no_answer()), whole)
    ids = {row["id"] for row in whole}
    if len(ids) < len(whole):
        raise failures.no_answer()
    if question.method == "read" and not ids <= set(cast("Collection[int]", question.subject)):
        raise failures.no_answer()
    return whole


def _whole(rows: list[Any], fields: Collection[str]) -> list[Record]:
    """The records that have a number and all that was asked for."""
    names = {"id", *fields}
    records = [row for row in rows if isinstance(row, dict) and names <= row.keys()]
    return [row for row in records if is_id(row["id"])]


def _are_fields(answer: object, question: Question) -> bool:
    """Descriptions of fields by name, each with its type: of those named, or of all."""
    if not isinstance(answer, dict) or not answer:
        return False
    named = cast("Collection[str] | None", question.subject)
    if named and not answer.keys() <= set(named):
        return False
    types = [field.get("type") if isinstance(field, dict) else None for field in answer.values()]
    return all(isinstance(kind, str) for kind in types)


def _are_groups(answer: object, named: dict[str, Any]) -> bool:
    """Rows with what they are grouped by, and the sums: "balance" of read_group's "balance:sum"."""
    sums = named.get("aggregates") or [f.partition(":")[0] for f in named.get("fields") or ()]
    names = {*named.get("groupby", ()), *sums}
    return isinstance(answer, list) and all(
        isinstance(row, dict) and names <= row.keys() for row in answer
    )


def _is_nested(answer: object, named: dict[str, Any]) -> bool:
    """A page of records and how many there are in all."""
    if not isinstance(answer, dict):
        return False
    length, records = answer.get("length"), answer.get("records")
    if not isinstance(records, list) or not isinstance(length, int) or isinstance(length, bool):
        return False
    whole = _whole(records, named.get("specification", ()))
    return len({row["id"] for row in whole}) == len(records) <= length
