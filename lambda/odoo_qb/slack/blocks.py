"""The parts of a Slack message: Block Kit's blocks, within Slack's limits. No I/O.

Foreign text goes only into plain_text objects, in which Slack interprets nothing.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Block = dict[str, Any]

# Slack's limits (https://docs.slack.dev/reference/block-kit) with room to spare: the longest card
# stays below the 13,000 characters of JSON that a message may have.
HEADER: Final = 150
FIELD: Final = 200
TEXT: Final = 1500
CONFIRM: Final = 250
LINE: Final = 220
LINE_TEXT: Final = 80  # of a line's text; the rest is for its accounts
LINES: Final = 2500  # ten lines, a count and the totals
NAMES: Final = 300
FALLBACK: Final = 3000  # chat.update takes 4,000

# How many more characters one takes, in JSON and if Slack requires it escaped.
IN_JSON: Final = {'"': 2, "\\": 2, "\n": 2}
ESCAPED: Final = {"&": 5, "<": 4, ">": 4}
_FORMATTING: Final = re.compile(r"[*_~`:|]")  # what Slack would interpret in a name


def button(label: str, action_id: str, value: str, style: str = "") -> Block:
    """A button; `style` is primary or danger."""
    button = {"type": "button", "action_id": action_id, "text": plain_text(label), "value": value}
    return {**button, "style": style} if style else button


def header(text: str) -> Block:
    """A title, truncated to Slack's limit."""
    return {"type": "header", "text": plain_text(truncate(text, HEADER))}


def section(text: str, length: int = TEXT) -> Block:
    """Foreign text, shown as it is."""
    return {"type": "section", "text": plain_text(truncate(text, length))}


def markdown(text: str) -> Block:
    """Our own text, in which Slack renders mentions, links and dates."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def fields(rows: Sequence[tuple[str, str]]) -> Block:
    """Up to five of our labels, with foreign values."""
    cells: list[Block] = []
    for label, value in rows:
        cells.append({"type": "mrkdwn", "text": f"*{label}*"})
        cells.append(plain_text(truncate(value, FIELD)))
    return {"type": "section", "fields": cells}


def plain_text(text: str) -> Block:
    """A text object in which Slack interprets nothing."""
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Foreign text for a place that Slack parses, escaped so that it cannot mention or link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def label(name: str, amount: str) -> str:
    """A bill's number and amount as mrkdwn, on one line and safe inside a link."""
    return escaped(f"{_FORMATTING.sub('', truncate(name, FIELD)).replace(chr(10), ' ')}, {amount}")


def truncate(text: str, length: int, costs: Mapping[str, int] = IN_JSON) -> str:
    """The text without invisible characters, at most `length` long once encoded."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    if not clean.strip():
        return "-"  # Slack refuses an empty text
    spent = 0
    for place, character in enumerate(clean):
        spent += costs.get(character, 1)
        if spent > length:
            return clean[: place - 1] + "…"
    return clean


def people(ids: Sequence[str]) -> str:
    """Users by name, in mrkdwn: "A", "A and B", "A, B and C"."""
    names = [f"<@{i}>" for i in ids]
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def timestamp(instant: str) -> str:
    """A space and an instant, in mrkdwn: Slack shows it in the reader's time zone."""
    if not instant:
        return ""
    seconds = int(datetime.fromisoformat(instant).timestamp())
    return f" <!date^{seconds}^{{date_short_pretty}} {{time}}|{instant}>"
