"""Slack's mrkdwn as HTML, as far as our messages use it; the rest is shown as written.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKEN: Final = re.compile(r"```(.+?)```|`([^`\n]+)`|<([^<>\n]+)>", re.DOTALL)
_HELD: Final = re.compile("\x00([0-9]+)\x00")
_STYLES: Final = [
    (re.compile(rf"(?<![\w{mark}]){mark}(?=\S)([^{mark}\n]+?)(?<=\S){mark}(?![\w{mark}])"), tag)
    for mark, tag in ((r"\*", "strong"), ("_", "em"), ("~", "s"))
]
_EMOJI_NAME: Final = re.compile(r":([a-z0-9_+-]+):")
_EMOJI: Final = {
    "ballot_box_with_check": "☑️",
    "bell": "🔔",
    "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️",  # noqa: RUF001 - the emoji is this letter
    "leftwards_arrow_with_hook": "↩️",
    "ledger": "📒",
    "memo": "📝",
    "no_entry": "⛔",
    "paperclip": "📎",
    "pencil2": "✏️",
    "rotating_light": "🚨",
    "warning": "⚠️",
    "white_check_mark": "✅",
    "x": "❌",
}
_DATE_PART: Final = re.compile(r"\{(\w+)\}")
_DATES: Final = {
    "date": "%B %-d, %Y",
    "date_long": "%A, %B %-d, %Y",
    "date_long_pretty": "%A, %B %-d, %Y",
    "date_num": "%Y-%m-%d",
    "date_pretty": "%B %-d, %Y",
    "date_short": "%b %-d, %Y",
    "date_short_pretty": "%b %-d, %Y",
    "time": "%H:%M",
    "time_secs": "%H:%M:%S",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Renders mrkdwn with the names behind these ids."""

    names: Mapping[str, str]
    href: Callable[[str], str] = str  # where a link leads from this page

    def html(self, text: str) -> Markup:
        """A mrkdwn text as HTML in which nothing is left to interpret."""
        held: list[Markup] = []

        def hold(match: re.Match[str]) -> str:
            block, code, angle = match.groups()
            if block:
                held.append(Markup("<pre>{}</pre>").format(_raw(block)))
            elif code:
                held.append(Markup("<code>{}</code>").format(_raw(code)))
            else:
                held.append(self._angle(angle))
            return f"\x00{len(held) - 1}\x00"

        rest = _raw(_TOKEN.sub(hold, text.replace("\x00", "")))
        html = str(escape(emoji(rest)))
        for pattern, tag in _STYLES:
            html = pattern.sub(rf"<{tag}>\1</{tag}>", html)
        html = html.replace("\n", "<br>")
        return Markup(_HELD.sub(lambda m: str(held[int(m[1])]), html))  # noqa: S704 - escaped above

    def name(self, thing: str) -> str:
        """A person's, channel's or group's name, or its id."""
        return self.names.get(thing, thing)

    def link(self, url: str, label: str) -> Markup:
        """A link without a referrer; only text if it is not a web address."""
        if not url.startswith(("https://", "http://", "mailto:")):
            return escape(label)
        html = Markup('<a href="{}" target="_blank" rel="noreferrer">{}</a>')
        return html.format(self.href(url), label)

    def _angle(self, inside: str) -> Markup:
        target, _, label = (_raw(part) for part in inside.partition("|"))
        if target[:1] in {"@", "#"}:
            name = label or self.name(target[1:])
            return _mention(target[0] + name)
        if target.startswith("!date^"):
            return escape(written(*target.split("^")[1:3], fallback=label))
        if target.startswith("!subteam^"):
            return _mention("@" + (label or self.name(target.removeprefix("!subteam^"))))
        if target.startswith("!"):
            return _mention("@" + target[1:])
        if ":" not in target:
            return escape(f"<{inside}>")
        return self.link(target, label or target)


def written(seconds: str, form: str = "{date_num} {time}", *, fallback: str) -> str:
    """A date as Slack writes it in this machine's time zone; the fallback if it is none."""
    try:
        instant = datetime.fromtimestamp(int(seconds), UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return fallback
    return _DATE_PART.sub(lambda m: instant.strftime(_DATES.get(m[1], "")) or m[0], form)


def emoji(text: str) -> str:
    """The text with the emoji that messages here use; others keep their names."""
    return _EMOJI_NAME.sub(lambda m: _EMOJI.get(m[1], m[0]), text)


def _mention(text: str) -> Markup:
    return Markup('<span class="mention">{}</span>').format(text)


def _raw(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
