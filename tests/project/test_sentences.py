"""What a person reads is written as a colleague in finance would write it."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.project.sentences import FILLED_IN, texts

# What reads as translated, or leaves open who it is or what to do.
AVOIDED: Final = re.compile(
    r"asked about|asks? again|is told|are told|\bmended\b|comes? of (?:it|that)|came of|by itself"
    r"|by themselves|anybody|nobody|somebody|everybody|but for|whoever runs|otherwise now"
    r"|posted otherwise|(?:is|are) to be|yet to come|changed past|sent us on"
    r"|something else than|set right|in some minutes|not known here|just being|makes? no sense"
    r"|our user|any more|at the same moment|taken for",
    re.IGNORECASE,
)
LONGEST: Final = 40  # words of one sentence
NOTED: Final = frozenset(
    # Kept in a bill's history or in its warnings; not for an eye that reads sentences.
    {"stored by version 1.0, and posted otherwise now", "{…} is yet to come"}
)
# What answers a machine's request, or a record: its words go on the line of a log.
MACHINES: Final = frozenset({"approval/interaction.py"})
READ: Final = [t for t in texts() if t.words not in NOTED]


def sentences(words: str) -> list[str]:
    return re.split(r"(?<=[.?!]) +(?=[A-Z*])", words.strip())


def test_there_are_hundreds_of_them() -> None:
    assert len(READ) > 500
    assert sum(t.of_error for t in READ) > 100


@pytest.mark.parametrize(
    ("words", "is_avoided"),
    [
        ("Tell whoever runs this.", True),
        ("This bill is asked about again.", True),
        ("It was not decided by Somebody.", True),
        ("This bill is awaiting a decision. Use the buttons on its card.", False),
    ],
)
def test_what_sounds_translated_is_recognised(words: str, *, is_avoided: bool) -> None:
    assert bool(AVOIDED.search(words)) == is_avoided


def test_none_sounds_translated() -> None:
    assert [t for t in READ if AVOIDED.search(t.words)] == []


def test_none_is_too_long_to_read_at_once() -> None:
    long = [(t.place, s) for t in READ for s in sentences(t.words) if len(s.split()) > LONGEST]
    assert long == []


def test_what_an_error_says_begins_and_ends_as_a_sentence() -> None:
    errors = [t for t in READ if t.of_error and t.place not in MACHINES]
    names = r"audit|export|since|entry_ids|company_settings|allowed_private_networks"
    names += r"|(api|erp|figures|intake|webhook)_\w+"
    begins = re.compile(rf"[A-Z*]|{re.escape(FILLED_IN)}|{names}")  # parameters in lower case
    assert [t for t in errors if not begins.match(t.words)] == []
    assert [t for t in errors if not t.words.endswith((".", "?", FILLED_IN))] == []
