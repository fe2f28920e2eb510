"""Vendor bill numbers: which spellings are the same number, and how one may be typed. No I/O."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Letters of other scripts that look like Latin ones, in upper or lower case.
_LOOK_ALIKES: Final = str.maketrans(
    "асеіјорѕухвнкмтαοριτυχβηκμνεζ", "aceijopsyxbhkmtaopityxbhkmnez", "\u115f\u1160\u3164\uffa0"
)
_SEPARATORS: Final = ("", "-", "/", " ", ".", "_")
_GROUP: Final = re.compile(r"[A-Za-z0-9]+")
_LETTERS_OR_DIGITS: Final = re.compile(r"[A-Za-z]+|[0-9]+")


def normalised(reference: str) -> str:
    """A number without case, spaces, punctuation, invisible characters and look-alike letters.

    "RE 2026-1", "re2026/1" and one with full-width digits or a zero-width space are one number.
    A number of punctuation only stays as it is.
    """
    text = unicodedata.normalize("NFKC", reference).casefold().translate(_LOOK_ALIKES)
    bare = (_digit(c) for c in unicodedata.normalize("NFKD", text) if c.isalnum())
    return "".join(bare) or "".join(text.split())


def as_in_1_0(reference: str) -> str:
    """The number as version 1.0 compared it: without case and spaces."""
    return "".join(reference.casefold().split())


def spellings(number: str, longest: int) -> list[str]:
    """Other spellings of a number to search for; QuickBooks ignores case.

    The same groups, or runs of letters and of digits, joined by each usual separator or by none.
    """
    seen = (c for c in unicodedata.normalize("NFKD", number) if unicodedata.category(c) != "Cf")
    plain = "".join(_digit(c) if c.isalnum() else " " for c in seen if not unicodedata.combining(c))
    if not plain.isascii():
        return []
    found = [
        separator.join(pattern.findall(plain))
        for pattern in (_GROUP, _LETTERS_OR_DIGITS)
        for separator in _SEPARATORS
    ]
    return [n for n in dict.fromkeys(found) if n and n != number and len(n) <= longest]


def _digit(character: str) -> str:
    """A digit of any script as 0 to 9."""
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)
