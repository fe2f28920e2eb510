"""Foreign values as one line of text, so that they cannot pass for our own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence


NAME: Final = 120  # characters of a name: a longer one would crowd out the rest
LINE: Final = 500  # of a whole sentence


def one_line(text: str, length: int = LINE) -> str:
    """The text in one line of at most `length` characters.

    Line breaks become spaces. Invisible characters and those that reverse the writing direction
    are removed: with them a vendor's name could pass for a paragraph of ours.
    """
    spaced = " ".join(text.split())  # str.split knows all of Unicode's line breaks
    clean = "".join(c for c in spaced if c.isprintable())
    return clean if len(clean) <= length else f"{clean[: length - 1].rstrip()}…"


_SENTENCES: Final = 25
_SENTENCE: Final = 500  # characters


def shorten(sentences: Sequence[str], most: int = _SENTENCES) -> list[str]:
    """As many sentences, and as much of each, as a person reads and an item can hold."""
    found = [s if len(s) <= _SENTENCE else f"{s[: _SENTENCE - 1]}…" for s in sentences[:most]]
    more = len(sentences) - len(found)
    return [*found, f"… and {more} more."] if more else found
