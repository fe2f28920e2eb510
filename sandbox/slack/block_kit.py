"""What Slack would refuse in a message or a modal, found without Slack.

The tables follow https://docs.slack.dev/reference/block-kit and speak as Slack does: a sentence
and a JSON pointer. Where Slack accepts what would harm a person, they are stricter: a message needs
`text` (screen readers read nothing else), `<!channel>` is not allowed, and only what is in the
tables may appear at all.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from sandbox.slack.checks import (
    CONTROL,
    instance_of,
    list_of,
    mrkdwn,
    object_with,
    objects_in,
    one_of,
    problem_at,
    string,
    typed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.slack.checks import Check

MOST_MESSAGE_BLOCKS = 50
MOST_VIEW_BLOCKS = 100
MOST_MARKDOWN = 12_000
# Not documented: near 13,200 in https://github.com/slackapi/bolt-js/issues/2509, so stay below.
MOST_SERIALISED = 13_000
MOST_VIEW_BYTES = 250_000


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
        yield problem_at("/text", "missing: notifications and screen readers read only `text`")
    elif CONTROL.search(text):
        yield problem_at("/text", "must not call people with a control sequence")
    if message.get("attachments"):
        yield problem_at("/attachments", "not used: only blocks are checked")
    yield from list_of(_BLOCK, MOST_MESSAGE_BLOCKS, least=0)(blocks, "/blocks")
    yield from _together(blocks, "/blocks")
    if (size := serialised_length(blocks)) > MOST_SERIALISED:
        yield problem_at(
            "/blocks", f"must be less than {MOST_SERIALISED + 1} characters, is {size}"
        )


def _view(view: Mapping[str, Any]) -> Iterator[str]:
    yield from _MODAL(view, "/view")
    blocks = view.get("blocks", [])
    yield from _together(blocks, "/view/blocks")
    for place, block in objects_in(blocks):
        if block.get("type") == "input" and "submit" not in view:
            yield problem_at(
                f"/view/blocks/{place}/input",
                "must define `submit` to use an `input` block in modals",
            )
    if (size := len(json.dumps(view, ensure_ascii=False).encode())) > MOST_VIEW_BYTES:
        yield problem_at("/view", f"must be less than {MOST_VIEW_BYTES + 1} bytes, is {size}")


def _together(blocks: object, at: str) -> Iterator[str]:
    """Problems that only show when all blocks are compared."""
    found = list(objects_in(blocks))
    ids = Counter(str(block["block_id"]) for _, block in found if "block_id" in block)
    for name in (name for name, times in ids.items() if times > 1):
        yield problem_at(at, f'`block_id` : "{name}" already exists')
    markdown = [str(block.get("text")) for _, block in found if block.get("type") == "markdown"]
    if sum(map(len, markdown)) > MOST_MARKDOWN:
        yield problem_at(
            at, f"must be less than {MOST_MARKDOWN + 1} characters of markdown in total"
        )
    for place, block in found:
        yield from _alone(block, f"{at}/{place}")


def _alone(block: Mapping[str, Any], at: str) -> Iterator[str]:
    """Problems of one block that a table of fields cannot express."""
    if block.get("type") == "section" and "text" not in block and "fields" not in block:
        yield problem_at(at, "must define either `text` or `fields`")
    if block.get("type") != "actions":
        return
    elements = [element for _, element in objects_in(block.get("elements"))]
    ids = Counter(str(element["action_id"]) for element in elements if "action_id" in element)
    for name in (name for name, times in ids.items() if times > 1):
        yield problem_at(f"{at}/elements", f'`action_id` "{name}" already exists in this block')
    if sum(element.get("style") == "primary" for element in elements) > 1:
        yield problem_at(f"{at}/elements", "must have one primary button at most")


_FLAG, _NUMBER = instance_of(bool, "true or false"), instance_of(int, "a whole number")
_ID = string(255)


def _plain(most: int) -> Check:
    return typed({"plain_text": object_with({"text": string(most)}, {"emoji": _FLAG})})


def _text(most: int) -> Check:
    return typed(
        {
            "plain_text": object_with({"text": string(most)}, {"emoji": _FLAG}),
            "mrkdwn": object_with({"text": mrkdwn(most)}, {"verbatim": _FLAG}),
        }
    )


_CONFIRM = object_with(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)},
    {"style": one_of("primary", "danger")},
)
_OPTION = object_with({"text": _plain(75), "value": string(150)}, {"description": _plain(75)})
_ROW = object_with({"text": _text(75), "value": string(150)}, {"description": _text(75)})
_ACTION = {"action_id": _ID, "confirm": _CONFIRM}
_MENU = {**_ACTION, "placeholder": _plain(150), "focus_on_load": _FLAG}

_BUTTON = object_with(
    {"text": _plain(75)},
    {
        **_ACTION,
        "value": string(2000),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
    },
)
_SELECT = object_with({"options": list_of(_OPTION, 100)}, {**_MENU, "initial_option": _OPTION})
_USERS_SELECT = object_with({}, {**_MENU, "initial_user": string(255)})
_OVERFLOW = object_with({"options": list_of(_OPTION, 5)}, _ACTION)
_CHECKBOXES = object_with(
    {"options": list_of(_ROW, 10)},
    {**_ACTION, "initial_options": list_of(_ROW, 10), "focus_on_load": _FLAG},
)
_RADIO = object_with(
    {"options": list_of(_ROW, 10)}, {**_ACTION, "initial_option": _ROW, "focus_on_load": _FLAG}
)
_DATEPICKER = object_with({}, {**_MENU, "initial_date": string(10, 10)})
_TEXT_INPUT = object_with(
    {},
    {
        "action_id": _ID,
        "placeholder": _plain(150),
        "focus_on_load": _FLAG,
        "initial_value": string(3000),
        "multiline": _FLAG,
        "min_length": _NUMBER,
        "max_length": _NUMBER,
    },
)
_PICTURE = {"alt_text": string(2000), "image_url": string(3000)}

_PICKERS = {
    "static_select": _SELECT,
    "users_select": _USERS_SELECT,
    "checkboxes": _CHECKBOXES,
    "radio_buttons": _RADIO,
    "datepicker": _DATEPICKER,
}
_IN_ACTIONS = {"button": _BUTTON, "overflow": _OVERFLOW, **_PICKERS}
_IN_SECTION = {**_IN_ACTIONS, "image": object_with(_PICTURE)}
_IN_INPUT = {"plain_text_input": _TEXT_INPUT, **_PICKERS}
_IN_CONTEXT = {
    "plain_text": object_with({"text": string(3000)}, {"emoji": _FLAG}),
    "mrkdwn": object_with({"text": mrkdwn(3000)}, {"verbatim": _FLAG}),
    "image": object_with(_PICTURE),
}

_STYLE = {"style": object_with({}, dict.fromkeys(("bold", "italic", "strike", "code"), _FLAG))}
# Not here: `broadcast`, the `<!channel>` of rich text.
_INLINE = typed(
    {
        "text": object_with({"text": string(3000)}, _STYLE),
        "link": object_with({"url": string(3000)}, {"text": string(3000), **_STYLE}),
        "user": object_with({"user_id": string(255)}, _STYLE),
        "emoji": object_with({"name": string(255)}, _STYLE),
        "date": object_with(
            {"timestamp": _NUMBER, "format": string(255)}, {"fallback": string(255), **_STYLE}
        ),
    }
)
_RICH_LINE = object_with({"elements": list_of(_INLINE, 1000, least=0)})
_RICH = typed(
    {
        "rich_text_section": _RICH_LINE,
        "rich_text_preformatted": _RICH_LINE,
        "rich_text_quote": _RICH_LINE,
        "rich_text_list": object_with(
            {
                "style": one_of("bullet", "ordered"),
                "elements": list_of(typed({"rich_text_section": _RICH_LINE}), 1000),
            },
            {"indent": _NUMBER},
        ),
    }
)


def _block(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return object_with(required, {"block_id": _ID, **(optional or {})})


_BLOCK = typed(
    {
        "header": _block({"text": _plain(150)}),
        "section": _block(
            {},
            {
                "text": _text(3000),
                "fields": list_of(_text(2000), 10),
                "accessory": typed(_IN_SECTION),
                "expand": _FLAG,
            },
        ),
        "context": _block({"elements": list_of(typed(_IN_CONTEXT), 10)}),
        "actions": _block({"elements": list_of(typed(_IN_ACTIONS), 25)}),
        "divider": _block({}),
        "image": _block(_PICTURE, {"title": _plain(2000)}),
        "input": _block(
            {"label": _plain(2000), "element": typed(_IN_INPUT)},
            {"hint": _plain(2000), "optional": _FLAG, "dispatch_action": _FLAG},
        ),
        "rich_text": _block({"elements": list_of(_RICH, 1000)}),
        "markdown": _block({"text": mrkdwn(MOST_MARKDOWN)}),
    }
)
_MODAL = typed(
    {
        "modal": object_with(
            {"title": _plain(24), "blocks": list_of(_BLOCK, MOST_VIEW_BLOCKS)},
            {
                "submit": _plain(24),
                "close": _plain(24),
                "private_metadata": string(3000, 0),
                "callback_id": string(255, 0),
                "external_id": string(255, 0),
                "clear_on_close": _FLAG,
                "notify_on_close": _FLAG,
                "submit_disabled": _FLAG,
            },
        )
    }
)
