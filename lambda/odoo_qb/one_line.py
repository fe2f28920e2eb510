"""A value of anybody's as one line of text: what a mail, a log or a story says must be ours."""

from __future__ import annotations

from typing import Final

NAME: Final = 120  # characters of a name: a longer one pushes out what is said of it
LINE: Final = 500  # of a whole sentence


def one_line(text: str, length: int = LINE) -> str:
    """The text in one line of at most `length` characters.

    Line breaks become spaces. What nobody sees is left out, and so is what turns the direction of
    writing: with either, a vendor's name could pass for a paragraph of ours.
    """
    spaced = " ".join(text.split())  # of every kind: str.split knows Unicode's line breaks
    clean = "".join(c for c in spaced if c.isprintable())
    return clean if len(clean) <= length else f"{clean[: length - 1].rstrip()}…"
