"""What Slack would refuse in a message or a modal, found without Slack.

The tables follow https://docs.slack.dev/reference/block-kit and speak as Slack does: a sentence
and a JSON pointer. Where Slack is silent and a person would suffer, they are stricter: a message
needs `text` (a screen reader reads nothing else), nobody is called with `<!channel>`, and only
what stands in the tables may appear at all.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

type Check = Callable[[object, str], Iterator[str]]

MOST_MESSAGE_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_MARKDOWN = 12_000
# Not documented: near 13,200 in https://github.com/slackapi/bolt-js/issues/2509, so stay below.
MOST_SERIALISED = 13_000
MOST_VIEW_BYTES = 250_000

_CONTROL = re.compile(r"<!(?!date\^)")


def problems(message_or_view: Mapping[str, Any]) -> list[str]:
    """What Slack (or a reader) would not accept; nothing when it may be sent.

    A message is `{"text", "blocks"}` as for chat.postMessage; anything with a `title` or a `type`
    of its own is a view, as for views.open.
    """
    if message_or_view.get("type", "message") == "message" and "title" not in message_or_view:
        return list(_message(message_or_view))
    return list(_view(message_or_view))


def serialised_length(blocks: object) -> int:
    """Characters of the blocks as JSON, which Slack limits for a whole message."""
    return len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))


def _message(message: Mapping[str, Any]) -> Iterator[str]:
    text, blocks = message.get("text"), message.get("blocks", [])
    if not isinstance(text, str) or not text.strip():
        yield _at("/text", "missing: notifications and screen readers read only `text`")
    elif _CONTROL.search(text):
        yield _at("/text", "must not call people with a control sequence")
    if message.get("attachments"):
        yield _at("/attachments", "not used: only blocks are checked")
    yield from _list_of(_BLOCK, MOST_MESSAGE_BLOCKS, least=0)(blocks, "/blocks")
    yield from _together(blocks, "/blocks")
    if (size := serialised_length(blocks)) > MOST_SERIALISED:
        yield _at("/blocks", f"must be less than {MOST_SERIALISED + 1} characters, is {size}")


def _view(view: Mapping[str, Any]) -> Iterator[str]:
    yield from _MODAL(view, "/view")
    blocks = view.get("blocks", [])
    yield from _together(blocks, "/view/blocks")
    for place, block in _dicts(blocks):
        if block.get("type") == "input" and "submit" not in view:
            yield _at(
                f"/view/blocks/{place}/input",
                "must define `submit` to use an `input` block in modals",
            )
    if (size := len(json.dumps(view, ensure_ascii=False).encode())) > MOST_VIEW_BYTES:
        yield _at("/view", f"must be less than {MOST_VIEW_BYTES + 1} bytes, is {size}")


def _together(blocks: object, at: str) -> Iterator[str]:
    """What only shows when the blocks are seen side by side."""
    found = list(_dicts(blocks))
    ids = Counter(str(block["block_id"]) for _, block in found if "block_id" in block)
    for name in (name for name, times in ids.items() if times > 1):
        yield _at(at, f'`block_id` : "{name}" already exists')
    markdown = [str(block.get("text")) for _, block in found if block.get("type") == "markdown"]
    if sum(map(len, markdown)) > MOST_MARKDOWN:
        yield _at(at, f"must be less than {MOST_MARKDOWN + 1} characters of markdown in total")
    for place, block in found:
        yield from _alone(block, f"{at}/{place}")


def _alone(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """What a table of fields cannot say about one block."""
    if block.get("type") == "section" and "text" not in block and "fields" not in block:
        yield _at(at, "must define either `text` or `fields`")
    if block.get("type") != "actions":
        return
    elements = [element for _, element in _dicts(block.get("elements"))]
    ids = Counter(str(element["action_id"]) for element in elements if "action_id" in element)
    for name in (name for name, times in ids.items() if times > 1):
        yield _at(f"{at}/elements", f'`action_id` "{name}" already exists in this block')
    if sum(element.get("style") == "primary" for element in elements) > 1:
        yield _at(f"{at}/elements", "must have one primary button at most")


def _at(pointer: str, sentence: str) -> str:
    return f"{sentence} [json-pointer:{pointer}]"


def _dicts(values: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in a list, with their places; whatever else is there is reported elsewhere."""
    if isinstance(values, list):
        yield from ((place, value) for place, value in enumerate(values) if isinstance(value, dict))


def _string(most: int, least: int = 1) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield _at(at, "must be a string")
        elif len(value) < least:
            yield _at(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            yield _at(at, f"must be less than {most + 1} characters")

    return check


def _mrkdwn(most: int) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        yield from _string(most)(value, at)
        if isinstance(value, str) and _CONTROL.search(value):
            yield _at(at, "must not call people with a control sequence")

    return check


def _one_of(*allowed: str) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        if value not in allowed:
            yield _at(at, f"must be one of {', '.join(allowed)}")

    return check


def _a(kind: type, noun: str) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        if type(value) is not kind:
            yield _at(at, f"must be {noun}")

    return check


def _list_of(each: Check, most: int, least: int = 1) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield _at(at, "must be an array")
            return
        if len(value) < least:
            yield _at(at, f"must provide at least {least} items")
        if len(value) > most:
            yield _at(at, f"no more than {most} items allowed")
        for place, item in enumerate(value):
            yield from each(item, f"{at}/{place}")

    return check


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    fields = {**required, **(optional or {})}

    def check(value: object, at: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield _at(at, "must be an object")
            return
        for name in (name for name in required if name not in value):
            yield _at(at, f"missing required field: {name}")
        for name, content in value.items():
            if name in fields:
                yield from fields[name](content, f"{at}/{name}")
            elif name != "type":
                yield _at(at, f"invalid additional property: {name}")

    return check


def _typed(kinds: Mapping[str, Check]) -> Check:
    def check(value: object, at: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind in kinds:
            yield from kinds[kind](value, at)
        else:
            yield _at(f"{at}/type", f"unsupported type: {kind}")

    return check


_FLAG, _NUMBER = _a(bool, "true or false"), _a(int, "a whole number")
_ID = _string(255)


def _plain(most: int) -> Check:
    return _typed({"plain_text": _object({"text": _string(most)}, {"emoji": _FLAG})})


def _text(most: int) -> Check:
    return _typed(
        {
            "plain_text": _object({"text": _string(most)}, {"emoji": _FLAG}),
            "mrkdwn": _object({"text": _mrkdwn(most)}, {"verbatim": _FLAG}),
        }
    )


_CONFIRM = _object(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": _one_of("primary", "danger")},
)
_OPTION = _object({"text": _plain(75), "value": _string(150)}, {"description": _plain(75)})
_ROW = _object({"text": _text(75), "value": _string(150)}, {"description": _text(75)})
_ACTION = {"action_id": _ID, "confirm": _CONFIRM}
_MENU = {**_ACTION, "placeholder": _plain(150), "focus_on_load": _FLAG}

_BUTTON = _object(
    {"text": _plain(75)},
    {
        **_ACTION,
        "value": _string(2000),
        "url": _string(3000),
        "style": _one_of("primary", "danger"),
        "accessibility_label": _string(75),
    },
)
_SELECT = _object({"options": _list_of(_OPTION, 100)}, {**_MENU, "initial_option": _OPTION})
_USERS_SELECT = _object({}, {**_MENU, "initial_user": _string(255)})
_OVERFLOW = _object({"options": _list_of(_OPTION, 5)}, _ACTION)
_CHECKBOXES = _object(
    {"options": _list_of(_ROW, 10)},
    {**_ACTION, "initial_options": _list_of(_ROW, 10), "focus_on_load": _FLAG},
)
_RADIO = _object(
    {"options": _list_of(_ROW, 10)}, {**_ACTION, "initial_option": _ROW, "focus_on_load": _FLAG}
)
_DATEPICKER = _object({}, {**_MENU, "initial_date": _string(10, 10)})
_TEXT_INPUT = _object(
    {},
    {
        "action_id": _ID,
        "placeholder": _plain(150),
        "focus_on_load": _FLAG,
        "initial_value": _string(3000),
        "multiline": _FLAG,
        "min_length": _NUMBER,
        "max_length": _NUMBER,
    },
)
_PICTURE = {"alt_text": _string(2000), "image_url": _string(3000)}

_PICKERS = {
    "static_select": _SELECT,
    "users_select": _USERS_SELECT,
    "checkboxes": _CHECKBOXES,
    "radio_buttons": _RADIO,
    "datepicker": _DATEPICKER,
}
_IN_ACTIONS = {"button": _BUTTON, "overflow": _OVERFLOW, **_PICKERS}
_IN_SECTION = {**_IN_ACTIONS, "image": _object(_PICTURE)}
_IN_INPUT = {"plain_text_input": _TEXT_INPUT, **_PICKERS}
_IN_CONTEXT = {
    "plain_text": _object({"text": _string(3000)}, {"emoji": _FLAG}),
    "mrkdwn": _object({"text": _mrkdwn(3000)}, {"verbatim": _FLAG}),
    "image": _object(_PICTURE),
}

_STYLE = {"style": _object({}, dict.fromkeys(("bold", "italic", "strike", "code"), _FLAG))}
# Not here: `broadcast`, the `<!channel>` of rich text.
_INLINE = _typed(
    {
        "text": _object({"text": _string(3000)}, _STYLE),
        "link": _object({"url": _string(3000)}, {"text": _string(3000), **_STYLE}),
        "user": _object({"user_id": _string(255)}, _STYLE),
        "emoji": _object({"name": _string(255)}, _STYLE),
        "date": _object(
            {"timestamp": _NUMBER, "format": _string(255)}, {"fallback": _string(255), **_STYLE}
        ),
    }
)
_RICH_LINE = _object({"elements": _list_of(_INLINE, 1000, least=0)})
_RICH = _typed(
    {
        "rich_text_section": _RICH_LINE,
        "rich_text_preformatted": _RICH_LINE,
        "rich_text_quote": _RICH_LINE,
        "rich_text_list": _object(
            {
                "style": _one_of("bullet", "ordered"),
                "elements": _list_of(_typed({"rich_text_section": _RICH_LINE}), 1000),
            },
            {"indent": _NUMBER},
        ),
    }
)


def _block(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return _object(required, {"block_id": _ID, **(optional or {})})


_BLOCK = _typed(
    {
        "header": _block({"text": _plain(150)}),
        "section": _block(
            {},
            {
                "text": _text(3000),
                "fields": _list_of(_text(2000), 10),
                "accessory": _typed(_IN_SECTION),
                "expand": _FLAG,
            },
        ),
        "context": _block({"elements": _list_of(_typed(_IN_CONTEXT), 10)}),
        "actions": _block({"elements": _list_of(_typed(_IN_ACTIONS), 25)}),
        "divider": _block({}),
        "image": _block(_PICTURE, {"title": _plain(2000)}),
        "input": _block(
            {"label": _plain(2000), "element": _typed(_IN_INPUT)},
            {"hint": _plain(2000), "optional": _FLAG, "dispatch_action": _FLAG},
        ),
        "rich_text": _block({"elements": _list_of(_RICH, 1000)}),
        "markdown": _block({"text": _mrkdwn(MOST_MARKDOWN)}),
    }
)
_MODAL = _typed(
    {
        "modal": _object(
            {"title": _plain(24), "blocks": _list_of(_BLOCK, MOST_VIEW_BLOCKS)},
            {
                "submit": _plain(24),
                "close": _plain(24),
                "private_metadata": _string(3000, 0),
                "callback_id": _string(255, 0),
                "external_id": _string(255, 0),
                "clear_on_close": _FLAG,
                "notify_on_close": _FLAG,
                "submit_disabled": _FLAG,
            },
        )
    }
)
