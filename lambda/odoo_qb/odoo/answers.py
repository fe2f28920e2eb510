"""Check Odoo's answers against the shape that Odoo documents for each method. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from odoo_qb.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from odoo_qb.odoo.failures import Failures
    from odoo_qb.odoo.question import Question
    from odoo_qb.odoo.values import Record


class MalformedRecords(Unavailable):
    """Some records of an answer lack their id or a field that was requested.

    `records` are the valid ones.
    """

    def __init__(self, sentence: str, records: list[Record]) -> None:
        super().__init__(sentence)
        self.records = records

    def valid(self) -> list[Record]:
        """The valid records; raises this error if there are none."""
        if not self.records:
            raise self
        return self.records


def checked(answer: object, question: Question, failures: Failures) -> object:
    """The answer, if its shape is right for the method.

    Raises MalformedRecords if only some of its records are, and Unavailable otherwise.
    """
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
    """Whether it can be a record's id: a whole number above zero (Odoo writes false for none)."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _records(answer: object, question: Question, failures: Failures) -> list[Record]:
    """The records of the answer, without duplicates.

    `read` may leave out records that no longer exist, but returns no others than those requested.
    """
    if not isinstance(answer, list):
        raise failures.no_answer()
    whole = _whole(answer, question.named.get("fields", ()))
    if len(whole) < len(answer):
        raise MalformedRecords(str(failures.no_answer()), whole)
    ids = {row["id"] for row in whole}
    if len(ids) < len(whole):
        raise failures.no_answer()
    if question.method == "read" and not ids <= set(cast("Collection[int]", question.subject)):
        raise failures.no_answer()
    return whole


def _whole(rows: list[Any], fields: Collection[str]) -> list[Record]:
    """The records that have an id and every requested field."""
    names = {"id", *fields}
    records = [row for row in rows if isinstance(row, dict) and names <= row.keys()]
    return [row for row in records if is_id(row["id"])]


def _are_fields(answer: object, question: Question) -> bool:
    """Whether these are descriptions of the requested fields, by name, each with its type."""
    if not isinstance(answer, dict) or not answer:
        return False
    named = cast("Collection[str] | None", question.subject)
    if named and not answer.keys() <= set(named):
        return False
    types = [field.get("type") if isinstance(field, dict) else None for field in answer.values()]
    return all(isinstance(kind, str) for kind in types)


def _are_groups(answer: object, named: dict[str, Any]) -> bool:
    """Whether each row has its groups and its sums: "balance" for read_group's "balance:sum"."""
    sums = named.get("aggregates") or [f.partition(":")[0] for f in named.get("fields") or ()]
    names = {*named.get("groupby", ()), *sums}
    return isinstance(answer, list) and all(
        isinstance(row, dict) and names <= row.keys() for row in answer
    )


def _is_nested(answer: object, named: dict[str, Any]) -> bool:
    """Whether this is a page of valid records with their total number."""
    if not isinstance(answer, dict):
        return False
    length, records = answer.get("length"), answer.get("records")
    if not isinstance(records, list) or not isinstance(length, int) or isinstance(length, bool):
        return False
    whole = _whole(records, named.get("specification", ()))
    return len({row["id"] for row in whole}) == len(records) <= length
