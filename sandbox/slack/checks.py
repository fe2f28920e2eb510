"""Checks for tables of fields: each yields what Slack would refuse, and where."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

type Check = Callable[[object, str], Iterator[str]]

CONTROL = re.compile(r"<!(?!date\^)")


def problem_at(pointer: str, sentence: str) -> str:
    """A problem as Slack states it: a sentence, and where."""
    return f"{sentence} [json-pointer:{pointer}]"


def objects_in(values: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in a list, with their places; whatever else is there is reported elsewhere."""
    if isinstance(values, list):
        yield from ((place, value) for place, value in enumerate(values) if isinstance(value, dict))


def string(most: int, least: int = 1) -> Check:
    """Text of `least` to `most` characters."""

    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield problem_at(at, "must be a string")
        elif len(value) < least:
            yield problem_at(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            yield problem_at(at, f"must be less than {most + 1} characters")

    return check


def mrkdwn(most: int) -> Check:
    """Text without control sequences that mention people."""

    def check(value: object, at: str) -> Iterator[str]:
        yield from string(most)(value, at)
        if isinstance(value, str) and CONTROL.search(value):
            yield problem_at(at, "must not call people with a control sequence")

    return check


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: object, at: str) -> Iterator[str]:
        if value not in allowed:
            yield problem_at(at, f"must be one of {', '.join(allowed)}")

    return check


def instance_of(kind: type, noun: str) -> Check:
    """A value of exactly this type."""

    def check(value: object, at: str) -> Iterator[str]:
        if type(value) is not kind:
            yield problem_at(at, f"must be {noun}")

    return check


def list_of(each: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` things that each pass a check."""

    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield problem_at(at, "must be an array")
            return
        if len(value) < least:
            yield problem_at(at, f"must provide at least {least} items")
        if len(value) > most:
            yield problem_at(at, f"no more than {most} items allowed")
        for place, item in enumerate(value):
            yield from each(item, f"{at}/{place}")

    return check


def object_with(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None
) -> Check:
    """An object with these fields and no others."""
    fields = {**required, **(optional or {})}

    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield problem_at(at, "must be an object")
            return
        for name in (name for name in required if name not in value):
            yield problem_at(at, f"missing required field: {name}")
        for name, content in value.items():
            if name in fields:
                yield from fields[name](content, f"{at}/{name}")
            elif name != "type":
                yield problem_at(at, f"invalid additional property: {name}")

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` decides which check it must pass."""

    def check(value: object, at: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in kinds:
            yield from kinds[kind](value, at)
        else:
            yield problem_at(f"{at}/type", f"unsupported type: {kind}")

    return check
