"""What the Block Kit validator finds, and that it finds nothing in what Slack accepts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.slack.block_kit import problems

if TYPE_CHECKING:
    from collections.abc import Callable

type Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def a_section(text: str = "Vendor", **more: object) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def a_button(**more: object) -> Json:
    return {"type": "button", "text": plain("Approve"), "action_id": "approve_invoice", **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def a_message(*blocks: Json, text: str = "A bill to approve") -> Json:
    return {"text": text, "blocks": list(blocks)}


def an_input(**element: object) -> Json:
    return {
        "type": "input",
        "block_id": "reason",
        "label": plain("Why?"),
        "element": {"type": "plain_text_input", "action_id": "text", **element},
    }


def a_view(*blocks: Json, **more: object) -> Json:
    return {
        "type": "modal",
        "title": plain("Reject"),
        "submit": plain("Reject"),
        "blocks": list(blocks or [an_input()]),
        **more,
    }


def options(number: int) -> list[Json]:
    return [{"text": plain(f"{n}"), "value": f"{n}"} for n in range(number)]


CARD = a_message(
    {"type": "header", "text": plain("Acme: 100.00 USD")},
    a_section(fields=[plain("Due"), mrkdwn("<!date^1700000000^{date_short}|14 Nov>")]),
    {"type": "divider"},
    {"type": "markdown", "text": "**Lines**"},
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [{"type": "text", "text": "Tea", "style": {"bold": True}}],
            }
        ],
    },
    {"type": "context", "elements": [mrkdwn("posted by Cleo"), plain("Odoo")]},
    {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "page 1"},
    actions(
        a_button(style="primary", value="odoo-1|abc"),
        a_button(
            action_id="reject_invoice",
            style="danger",
            confirm={
                "title": plain("Reject?"),
                "text": mrkdwn("It goes back."),
                "confirm": plain("Yes"),
                "deny": plain("No"),
            },
        ),
        {"type": "overflow", "action_id": "more", "options": options(5)},
    ),
)
MODAL = a_view(
    a_section(),
    an_input(multiline=True, min_length=3, max_length=500),
    {
        "type": "input",
        "label": plain("Which?"),
        "element": {"type": "static_select", "action_id": "bill", "options": options(100)},
    },
    close=plain("Cancel"),
    private_metadata="odoo-1|abc",
    callback_id="reject_reason",
)


@pytest.mark.parametrize("accepted", [CARD, MODAL, a_message(text="only text")])
def test_what_slack_accepts_has_no_problems(accepted: Json) -> None:
    assert problems(accepted) == []


def an_image(**more: object) -> Json:
    return {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "x", **more}


def a_confirmed_button(name: str, text: str) -> Json:
    confirm = {each: plain("x") for each in ("title", "text", "confirm", "deny")}
    return a_message(actions(a_button(confirm={**confirm, name: plain(text)})))


def an_overflow(*choices: Json) -> Json:
    return a_message(actions({"type": "overflow", "action_id": "more", "options": list(choices)}))


# How long a text may be, where it stands, and what it stands in.
LONGEST: list[tuple[int, str, Callable[[str], Json]]] = [
    (3000, "/blocks/0/text/text", lambda x: a_message(a_section(x))),
    (2000, "/blocks/0/fields/0/text", lambda x: a_message(a_section(fields=[plain(x)]))),
    (150, "/blocks/0/text/text", lambda x: a_message({"type": "header", "text": plain(x)})),
    (255, "/blocks/0/block_id", lambda x: a_message(a_section(block_id=x))),
    (2000, "/blocks/0/alt_text", lambda x: a_message(an_image(alt_text=x))),
    (3000, "/blocks/0/image_url", lambda x: a_message(an_image(image_url=x))),
    (255, "/blocks/0/elements/0/action_id", lambda x: a_message(actions(a_button(action_id=x)))),
    (75, "/blocks/0/elements/0/text/text", lambda x: a_message(actions(a_button(text=plain(x))))),
    (2000, "/blocks/0/elements/0/value", lambda x: a_message(actions(a_button(value=x)))),
    (3000, "/blocks/0/elements/0/url", lambda x: a_message(actions(a_button(url=x)))),
    *[
        (limit, f"/blocks/0/elements/0/confirm/{name}/text", partial(a_confirmed_button, name))
        for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30))
    ],
    (
        75,
        "/blocks/0/elements/0/options/0/text/text",
        lambda x: an_overflow({"text": plain(x), "value": "x"}),
    ),
    (
        150,
        "/blocks/0/elements/0/options/0/value",
        lambda x: an_overflow({"text": plain("x"), "value": x}),
    ),
    (24, "/view/title/text", lambda x: a_view(title=plain(x))),
    (24, "/view/submit/text", lambda x: a_view(submit=plain(x))),
    (24, "/view/close/text", lambda x: a_view(close=plain(x))),
    (3000, "/view/private_metadata", lambda x: a_view(private_metadata=x)),
    (255, "/view/callback_id", lambda x: a_view(callback_id=x)),
    (255, "/view/external_id", lambda x: a_view(external_id=x)),
    (2000, "/view/blocks/0/label/text", lambda x: a_view({**an_input(), "label": plain(x)})),
    (
        150,
        "/view/blocks/0/element/placeholder/text",
        lambda x: a_view(an_input(placeholder=plain(x))),
    ),
]

# How many there may be, where, and how to make so many.
MOST: list[tuple[int, str, Callable[[int], Json]]] = [
    (50, "/blocks", lambda n: a_message(*[a_section()] * n)),
    (100, "/view/blocks", lambda n: a_view(*[a_section()] * n)),
    (10, "/blocks/0/fields", lambda n: a_message(a_section(fields=[plain("x")] * n))),
    (
        25,
        "/blocks/0/elements",
        lambda n: a_message(actions(*[a_button(action_id=f"{i}") for i in range(n)])),
    ),
    (
        10,
        "/blocks/0/elements",
        lambda n: a_message({"type": "context", "elements": [plain("x")] * n}),
    ),
    (5, "/blocks/0/elements/0/options", lambda n: an_overflow(*options(n))),
    (
        100,
        "/blocks/0/elements/0/options",
        lambda n: a_message(actions({"type": "static_select", "options": options(n)})),
    ),
]


@pytest.mark.parametrize(("limit", "pointer", "make"), LONGEST)
def test_a_text_may_be_as_long_as_its_limit(
    limit: int, pointer: str, make: Callable[[str], Json]
) -> None:
    assert problems(make("x" * limit)) == []
    assert problems(make("x" * (limit + 1))) == [
        f"must be less than {limit + 1} characters [json-pointer:{pointer}]"
    ]


@pytest.mark.parametrize(("limit", "pointer", "make"), MOST)
def test_there_may_be_as_many_as_the_limit(
    limit: int, pointer: str, make: Callable[[int], Json]
) -> None:
    assert problems(make(limit)) == []
    assert problems(make(limit + 1)) == [
        f"no more than {limit} items allowed [json-pointer:{pointer}]"
    ]


def test_markdown_is_limited_over_all_its_blocks() -> None:
    half = {"type": "markdown", "text": "x" * 6000}
    longer = {"type": "markdown", "text": "x" * 6001}
    assert problems(a_message(half, half)) == []
    (problem,) = problems(a_message(half, longer))
    assert "12001 characters of markdown in total" in problem


def test_a_message_is_limited_as_a_whole_too() -> None:
    blocks = [a_section("x" * 2900) for _ in range(5)]
    (problem,) = problems(a_message(*blocks))
    assert "must be less than 13001 characters" in problem
    assert problems(a_view(*blocks)) == []


def test_a_view_is_limited_to_250_kb() -> None:
    view = a_view(*[a_section("é" * 1300)] * 100)
    (problem,) = problems(view)
    assert "250001 bytes" in problem


WRONG = [
    (a_message({"type": "table"}), "unsupported type: table [json-pointer:/blocks/0/type]"),
    (
        a_message({"type": "section"}),
        "must define either `text` or `fields` [json-pointer:/blocks/0]",
    ),
    (a_message({"type": "header"}), "missing required field: text [json-pointer:/blocks/0]"),
    (
        a_message({"type": "header", "text": mrkdwn("*x*")}),
        "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
    ),
    (
        a_message(a_section("")),
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
    ),
    (
        a_message(a_section(colour="red")),
        "invalid additional property: colour [json-pointer:/blocks/0]",
    ),
    (
        a_message(actions(a_button(style="default"))),
        "must be one of primary, danger [json-pointer:/blocks/0/elements/0/style]",
    ),
    (
        a_message(actions({"type": "plain_text_input", "action_id": "a"})),
        "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
    ),
    (
        a_message(a_section(block_id="same"), a_section(block_id="same")),
        '`block_id` : "same" already exists [json-pointer:/blocks]',
    ),
    (
        a_message(actions(a_button(), a_button())),
        (
            '`action_id` "approve_invoice" already exists in this block'
            " [json-pointer:/blocks/0/elements]"
        ),
    ),
    (
        a_message(actions(*[a_button(action_id=i, style="primary") for i in "ab"])),
        "must have one primary button at most [json-pointer:/blocks/0/elements]",
    ),
    (
        a_message(a_section("pay <!channel> now")),
        "must not call people with a control sequence [json-pointer:/blocks/0/text/text]",
    ),
    (
        a_message(text="<!subteam^S1> look"),
        "must not call people with a control sequence [json-pointer:/text]",
    ),
    (
        {"blocks": [a_section()]},
        "missing: notifications and screen readers read only `text` [json-pointer:/text]",
    ),
    (
        {**a_message(), "attachments": [{"text": "x"}]},
        "not used: only blocks are checked [json-pointer:/attachments]",
    ),
    (
        {"type": "modal", "title": plain("Reject"), "blocks": [an_input()]},
        (
            "must define `submit` to use an `input` block in modals"
            " [json-pointer:/view/blocks/0/input]"
        ),
    ),
    (a_view(type="home"), "unsupported type: home [json-pointer:/view/type]"),
    (
        {"type": "modal", "title": plain("Reject"), "submit": plain("Go")},
        "missing required field: blocks [json-pointer:/view]",
    ),
    (a_message(a_section(expand="no")), "must be true or false [json-pointer:/blocks/0/expand]"),
    (a_message(actions()), "must provide at least 1 items [json-pointer:/blocks/0/elements]"),
    (
        a_message(actions(a_button(confirm="sure?"))),
        "must be an object [json-pointer:/blocks/0/elements/0/confirm]",
    ),
    (
        a_message(actions(a_button(value=100))),
        "must be a string [json-pointer:/blocks/0/elements/0/value]",
    ),
    ({"text": "x", "blocks": ["none"]}, "unsupported type: None [json-pointer:/blocks/0/type]"),
    ({"text": "x", "blocks": "none"}, "must be an array [json-pointer:/blocks]"),
]


@pytest.mark.parametrize(("wrong", "problem"), WRONG)
def test_a_mistake_is_named_with_its_place(wrong: Json, problem: str) -> None:
    assert problems(wrong) == [problem]


def test_two_blocks_may_use_the_same_action_id() -> None:
    assert problems(a_message(actions(a_button()), actions(a_button()))) == []


def test_plain_text_may_say_anything() -> None:
    assert problems(a_message({"type": "header", "text": plain("<!channel> & Sons")})) == []


WORDS = st.sampled_from(["", "text", "section", "actions", "mrkdwn", "<!here>"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | WORDS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "blocks", "title", "block_id"]), inner
        )
        | st.builds(lambda more: {**more, "type": "section"}, st.dictionaries(WORDS, inner))
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["type", "text", "blocks", "title"]), ANYTHING))
def test_any_json_gets_an_answer(anything: Json) -> None:
    assert all(problem.endswith("]") for problem in problems(anything))
    if not isinstance(anything.get("blocks", []), list):
        assert problems(anything)
