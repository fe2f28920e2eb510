"""The sandbox's page, without a browser: what it draws, what it does, whom it refuses.

The chain behind it is real but for AWS, which is moto behind the page's own narrow interface.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError
from standardwebhooks import Webhook
from werkzeug.test import Client

from sandbox.in_process.chain import APPROVER, CHANNEL
from sandbox.page.actions import a_pdf
from sandbox.page.app import Page
from sandbox.page.intake import Execution, execution_of
from sandbox.page.mrkdwn import Reader
from sandbox.page.state import Mail, Parts, Pipeline, Reply, Run
from sandbox.webhook.failures import FAILURES
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from sandbox.in_process.chain import World
    from sandbox.slack.payloads import SignedRequest

HOSTILE: Final = '<!channel> & *Co* <script>alert("1")</script>'
HERE: Final = {"base_url": "http://127.0.0.1:8700"}

Json = dict[str, Any]


@dataclass
class WorldsAws:
    """AWS as `World` plays it: the stream and the queue deliver whenever somebody clicked."""

    world: World
    replies: list[Reply] = field(default_factory=list)
    ended: bool = False
    queues: dict[str, int] = field(default_factory=lambda: {"odoo-approved-invoices": 0})
    mirror: dict[tuple[str, str], Json] = field(default_factory=dict)
    executions: list[Execution] | None = None

    def look(self) -> Pipeline:
        self.there()
        mails = [Mail(to="a@example.com", subject="Held", text=m) for m in self.world.mails()]
        return Pipeline(
            items=[dict(item) for item in self.world.items().values()],
            queues=self.queues,
            runs=[Run(function="extractor", times=3, errors=1, at=None)],
            mails=mails,
            mirror=self.mirror,
            executions=self.executions,
        )

    def there(self) -> None:
        if self.ended:
            raise EndpointConnectionError(endpoint_url="https://127.0.0.1:4566")

    def extract(self) -> Json:
        self.there()
        report = self.world.extract()
        self.world.show()
        return report

    def deliver(self, request: SignedRequest) -> Reply:
        if self.replies:
            return self.replies.pop()
        answer = self.world.request(request)
        self.world.post()
        self.world.show()
        return Reply(status=answer["statusCode"], body=answer["body"].encode())

    def document(self, url: str) -> Reply:
        if not self.is_document(url):
            raise ValueError("elsewhere")
        return Reply(status=200, body=b"%PDF-1.4 a bill", content_type="application/pdf")

    def is_document(self, url: str) -> bool:
        return ".amazonaws.com/" in url


@dataclass
class Visitor:
    """A browser without a script."""

    page: Page
    world: World
    client: Client
    at: str = "/"

    def see(self, at: str = "") -> str:
        """The page, as HTML."""
        self.at = at or self.at
        answer = self.client.get(self.at, **HERE)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def do(self, act: str, at: str = "", **form: object) -> str:
        """Send a form and follow to the page it leads to."""
        query = urlsplit(at or self.at).query
        answer = self.client.post(f"/{act}?{query}", data=form, **HERE)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return self.see(answer.headers["Location"])

    def click(self, card: str, action: str) -> str:
        return self.do("slack/click", channel=CHANNEL, ts=card, action_id=action)


@pytest.fixture
def visitor(world: World) -> Visitor:
    names = sorted(str(row["name"]) for row in world.odoo.records["res.company"].values())
    realms = {realm.company_name: realm.id for realm in world.quickbooks.realms.values()}
    parts = Parts(
        odoo=world.odoo,
        slack=world.slack,
        quickbooks=world.quickbooks,
        companies={name: name for name in names},
        realms=realms,
        aws=WorldsAws(world),
        places={"slack": "http://127.0.0.1:8069"},
    )
    page = Page(parts=parts)
    return Visitor(page=page, world=world, client=Client(page))


@pytest.fixture
def asked(visitor: Visitor) -> Visitor:
    """A visitor where one bill was asked about: 100.00 USD of Acme, reference N-1."""
    visitor.world.forget_old_bills()
    visitor.do("odoo/new", company="1MD", vendor="14", reference="N-1", text="Boxes", amount="100")
    visitor.do("odoo/extract")
    return visitor


def the_card(visitor: Visitor) -> str:
    """The ts of the newest message in the channel."""
    top = [m for m in visitor.world.slack.channels[CHANNEL].messages.values() if not m.thread_ts]
    return top[-1].ts


def text(html: str) -> str:
    """What a reader of the HTML sees, in one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def drawn(html: str, element: str) -> str:
    """The part of the page with this id, up to the next message, bill or section."""
    start = html.index(f'id="{element}"')
    ends = [html.find(mark, start + 1) for mark in ('<div class="message"', "<article", "</main>")]
    return html[start : min(end for end in ends if end > 0)]


def test_every_card_of_the_dataset_is_drawn_whole(visitor: Visitor) -> None:
    html = visitor.do("odoo/extract")

    messages = visitor.world.slack.channels[CHANNEL].messages.values()
    assert len(messages) == 98
    assert "is not drawn here" not in html
    assert "The extractor read" in html
    for message in messages:
        card = drawn(html, f"m{message.ts}")
        seen = text(card)
        for wanted in plain_texts(list(message.blocks)):
            assert " ".join(wanted.split()) in seen
        buttons = [e for b in message.blocks if b["type"] == "actions" for e in b["elements"]]
        assert [e["action_id"] for e in buttons] == re.findall(
            r'name="action_id" value="(\w+)"', card
        )


def plain_texts(value: object) -> list[str]:
    """Every plain_text within blocks that is no part of a dialogue still to open."""
    if isinstance(value, dict):
        if value.get("type") == "plain_text":
            return [str(value["text"])]
        return [t for name, v in value.items() if name != "confirm" for t in plain_texts(v)]
    return [t for v in value for t in plain_texts(v)] if isinstance(value, list) else []


def test_an_approved_bill_appears_in_quickbooks_with_a_link_to_it(asked: Visitor) -> None:
    html = asked.click(the_card(asked), "approve_invoice")

    assert Counter(i["status"] for i in asked.world.items().values()) == {"POSTED": 1}
    anchor = re.search(r'href="[^"]*#(qb-[^"]+)"', html)
    assert anchor
    assert "N-1" in drawn(html, anchor[1])
    assert "100.00 USD" in drawn(html, anchor[1])
    assert "1 bill" in text(html)
    assert "<b>1</b> posted" in html


def test_a_rejection_passes_through_the_modal_of_the_person_acting(asked: Visitor) -> None:
    html = asked.click(the_card(asked), "reject_invoice")
    view = re.search(r'id="modal-(V-\d+)"', html)
    assert view
    assert "<dialog" not in asked.see("/?person=U-SECOND")

    html = asked.do("slack/submit", f"/?person={APPROVER}", view=view[1], reason="Too dear")

    assert "<dialog" not in html
    assert "Too dear" in text(drawn(html, f"m{the_card(asked)}"))


def test_what_a_modal_refuses_stays_written_in_it(asked: Visitor) -> None:
    html = asked.click(the_card(asked), "reject_invoice")
    view = re.search(r'id="modal-(V-\d+)"', html)
    assert view
    errors = {"response_action": "errors", "errors": {"reason": "Not <now>."}}
    aws = asked.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.replies.append(Reply(status=200, body=json.dumps(errors).encode()))

    html = asked.do("slack/submit", view=view[1], reason="Too <dear>")

    assert "Too &lt;dear&gt;</textarea>" in html
    assert "Not &lt;now&gt;." in html
    aws.replies.append(Reply(status=200, body=b"", seconds=4))
    assert "We had some trouble" in asked.do("slack/submit", view=view[1], reason="Too dear")
    assert "must be filled in" in asked.do("slack/submit", view=view[1], reason="")


def test_a_closed_modal_is_gone_and_nothing_is_decided(asked: Visitor) -> None:
    html = asked.click(the_card(asked), "reject_invoice")
    view = re.search(r'id="modal-(V-\d+)"', html)
    assert view

    html = asked.do("slack/close", view=view[1])

    assert "<dialog" not in html
    assert "that modal is closed" in asked.do("slack/close", view=view[1])
    assert [i["status"] for i in asked.world.items().values()] == ["READY_FOR_APPROVAL"]


def test_an_ephemeral_is_shown_to_its_person_until_dismissed(asked: Visitor) -> None:
    asked.click(the_card(asked), "approve_invoice")
    told = asked.world.slack.channels[CHANNEL].ephemerals[APPROVER][-1]

    assert f'id="e{told.ts}"' in asked.see()
    assert "Only visible to" not in asked.see("/?person=U-SECOND")
    assert "Only visible to" not in asked.do("slack/dismiss", f"/?person={APPROVER}", ts=told.ts)


def test_a_link_to_a_document_is_opened_by_the_page_and_no_other_link_is(asked: Visitor) -> None:
    bill = asked.world.odoo.new_bill(reference="N-2", company=1)
    asked.do("odoo/attach", bill=bill)
    asked.do("odoo/extract")
    html = asked.click(the_card(asked), "view_pdf")

    link = re.search(r'href="(/slack/document\?[^"]+)"', html)

    assert link
    answer = asked.client.get(unescape(link[1]), **HERE)
    assert answer.get_data().startswith(b"%PDF")
    elsewhere = asked.client.get("/slack/document?url=https://example.com/", **HERE)
    assert elsewhere.status_code == 403


def test_a_bill_is_amended_as_far_as_its_form_was_changed(asked: Visitor) -> None:
    (entry_id,) = asked.world.items()
    bill = int(entry_id.removeprefix("odoo-"))
    html = asked.see(f"/?bill={bill}")
    form = html[html.index(f'id="amend-{bill}"') :]
    values = dict(re.findall(r'name="(reference|date|due)" value="([^"]*)"', form))
    before = asked.world.odoo.records["account.move"][bill]["line_ids"]

    same = asked.do("odoo/amend", bill=bill, text="Boxes", amount="100.00", **values)
    assert "Nothing was changed" in same
    assert asked.world.odoo.records["account.move"][bill]["line_ids"] == before
    old = the_card(asked)
    asked.do("odoo/amend", bill=bill, text="Boxes", amount="120.50", **values)
    html = asked.do("odoo/extract")

    assert "120.50 USD" in text(drawn(html, f"m{the_card(asked)}"))
    assert 'name="action_id"' not in drawn(html, f"m{old}")
    assert "has no button approve_invoice" in asked.click(old, "approve_invoice")


@pytest.mark.parametrize(
    ("act", "form", "sentence"),
    [
        ("odoo/new", {"company": "Nobody", "vendor": "14"}, "needs a company and a vendor"),
        ("odoo/new", {"company": "1MD", "vendor": "999"}, "needs a company and a vendor"),
        ("odoo/new", {"company": "1MD", "vendor": "14"}, "needs a line"),
        ("odoo/new", {"company": "1MD", "vendor": "14", "text": "A", "amount": "x"}, "x is not an"),
        (
            "odoo/new",
            {"company": "1MD", "vendor": "14", "text": "A", "amount": "NaN"},
            "NaN is not",
        ),
        ("odoo/amend", {"bill": "0"}, "Odoo has no such bill"),
        ("odoo/amend", {"bill": "1", "date": "soon"}, "soon is not a date"),
        ("odoo/move", {"bill": "1", "to": "post"}, "it cannot become posted"),
        ("odoo/move", {"bill": "8", "to": "cancel"}, "is cancelled: it cannot become cancelled."),
        ("odoo/amend", {"bill": "1", "text": "", "amount": ""}, "A bill needs a line."),
        ("odoo/amend", {"bill": "1", "date": ""}, "Odoo: a posted bill keeps a date."),
        (
            "odoo/amend",
            {"bill": "1", "date": "2026-11-02", "text": "x", "amount": "-1"},
            "Odoo: You cannot validate a document with a negative total amount.",
        ),
        (
            "odoo/new",
            {"company": "1MD", "vendor": "14", "text": "x", "amount": "-1"},
            "Odoo: You cannot validate a document with a negative total amount.",
        ),
        ("odoo/move", {"bill": "1", "to": "heaven"}, "posted, cancelled or reset"),
        ("odoo/attach", {"bill": "x"}, "Odoo has no such bill"),
        ("slack/click", {"channel": "C-NONE", "ts": "1", "action_id": "a"}, "is not in C-NONE"),
        ("slack/close", {"view": "V-1"}, "that modal is closed"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    visitor: Visitor, act: str, form: dict[str, str], sentence: str
) -> None:
    html = visitor.do(act, **form)

    said = re.search(r'<p id="said"[^>]*class="bad">([^<]*)</p>', html)
    assert said
    assert sentence in unescape(said[1])


def test_a_click_that_slack_would_not_have_waited_for_is_told(asked: Visitor) -> None:
    aws = asked.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.replies = [Reply(status=200, body=b"", seconds=12.2), Reply(status=200, body=b"")]

    assert "app took" not in asked.click(the_card(asked), "approve_invoice")
    html = asked.click(the_card(asked), "approve_invoice")

    assert "Slack would have shown an error: the app took 12 s to answer" in unescape(html)


def test_a_page_without_its_emulator_is_an_error_and_no_old_picture(asked: Visitor) -> None:
    aws = asked.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.ended = True

    seen = asked.client.get("/", **HERE)
    done = asked.client.post("/odoo/extract", **HERE)
    aws.ended = False

    assert (seen.status_code, done.status_code) == (503, 303)
    assert seen.text.startswith("The AWS emulator does not answer")
    assert "AWS: Could not connect to the endpoint URL" in text(asked.see())


def test_bills_move_between_draft_posted_and_cancelled(asked: Visitor) -> None:
    (entry_id,) = asked.world.items()
    bill = entry_id.removeprefix("odoo-")
    move = asked.world.odoo.records["account.move"][int(bill)]

    states = []
    for to in ("cancel", "draft", "post"):
        asked.do("odoo/move", bill=bill, to=to)
        states.append(move["state"])

    assert states == ["cancel", "draft", "posted"]


def test_a_draft_without_a_number_is_called_a_draft(visitor: Visitor) -> None:
    draft = visitor.world.odoo.new_bill(state="draft")

    html = visitor.do("odoo/move", bill=draft, to="cancel")

    assert "The draft was cancelled in Odoo." in text(html)


def test_an_attached_file_is_the_one_given_or_a_readable_pdf(asked: Visitor) -> None:
    (entry_id,) = asked.world.items()
    bill = entry_id.removeprefix("odoo-")
    asked.do("odoo/attach", bill=bill)
    asked.do("odoo/attach", bill=bill, file=(io.BytesIO(b"%PDF-1.4 mine"), "mine.pdf"))
    html = asked.see(f"/?bill={bill}")

    files = re.findall(r'href="(/odoo/file/\d+)"', html)

    given, made = (asked.client.get(file, **HERE) for file in files)
    assert given.get_data() == b"%PDF-1.4 mine"
    assert made.get_data().startswith(b"%PDF-1.4\n1 0 obj")
    assert made.mimetype == "application/pdf"


def test_a_made_pdf_says_where_its_objects_are() -> None:
    pdf = a_pdf("A (small) \\ bill")

    places = [int(p) for p in re.findall(rb"(\d{10}) 00000 n", pdf)]
    assert [pdf[p : p + 7] for p in places] == [b"%d 0 obj" % n for n in range(1, 6)]
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    assert pdf[start:].startswith(b"xref")
    assert rb"A \(small\) \\ bill" in pdf


def test_nothing_a_vendor_is_named_is_more_than_a_name(asked: Visitor) -> None:
    asked.world.odoo.rename_vendor(14, HOSTILE)
    asked.do("odoo/new", company="1MD", vendor="14", reference=HOSTILE, text=HOSTILE, amount="7")
    asked.do("odoo/extract")
    html = asked.click(the_card(asked), "approve_invoice")
    (bill,) = (r for r in asked.world.odoo.records["account.move"].values() if r["ref"] == HOSTILE)
    html += asked.see(f"/?bill={bill['id']}&person={APPROVER}") + asked.see("/?bill=new")
    html += asked.see(f"/?bill={HOSTILE}&channel={HOSTILE}&company={HOSTILE}&person={HOSTILE}")

    assert HOSTILE in unescape(html)
    assert "<script>" not in html
    assert "<strong>Co</strong>" not in html
    assert 'class="mention">@channel' not in html
    scripts = set(re.findall(r"<script[^>]*>", html))
    assert all("src=" in script for script in scripts)


LINKED: Final = (
    '<strong><a href="https://e.org/?a=1&amp;b=2" target="_blank" rel="noreferrer">'
    "the &lt;b&gt;</a></strong>"
)


@pytest.mark.parametrize(
    ("mrkdwn", "html"),
    [
        (
            "*bold* _it_ ~no~ `a*b*`",
            "<strong>bold</strong> <em>it</em> <s>no</s> <code>a*b*</code>",
        ),
        ("2*3*4 a_b_c", "2*3*4 a_b_c"),
        ("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;"),
        ("a\nb", "a<br>b"),
        ("<@U-1>, <@U-9>", '<span class="mention">@Ada</span>, <span class="mention">@U-9</span>'),
        ("<!channel>", '<span class="mention">@channel</span>'),
        ("<!subteam^S-1>", '<span class="mention">@team</span>'),
        ("<!date^x^{date}|some day>", "some day"),
        (":x: :unheard_of:", "❌ :unheard_of:"),
        ("```*a*\n<https://e.org>```", "<pre>*a*\n&lt;https://e.org&gt;</pre>"),
        (
            "*<https://e.org/?a=1&amp;b=2|the &lt;b&gt;>*",
            LINKED,
        ),
        ("<javascript:alert(1)|here>", "here"),
        ("\x000\x00", "0"),
    ],
)
def test_mrkdwn_is_drawn_as_slack_draws_it(mrkdwn: str, html: str) -> None:
    assert str(Reader(names={"U-1": "Ada", "S-1": "team"}).html(mrkdwn)) == html


def test_a_date_is_written_in_the_form_asked_for() -> None:
    written = str(Reader(names={}).html("<!date^1795218600^{date_num} at {time}|then>"))

    assert re.fullmatch(r"2026-11-2[01] at \d\d:\d\d", written)


EVERY_BLOCK: Final[list[Json]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "A :memo: title"}},
    {"type": "divider"},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "by *us*"}]},
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*Which?*"},
        "accessory": {
            "type": "button",
            "action_id": "beside",
            "text": {"type": "plain_text", "text": "Beside"},
        },
    },
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": "<b>", "style": {"bold": True}},
                            {"type": "user", "user_id": APPROVER},
                            {"type": "link", "url": "https://e.org/", "text": "there"},
                        ],
                    }
                ],
            }
        ],
    },
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "shut",
                "text": {"type": "plain_text", "text": "Shut"},
                "style": "danger",
                "confirm": {
                    "title": {"type": "plain_text", "text": "Really?"},
                    "text": {"type": "plain_text", "text": "For good."},
                    "confirm": {"type": "plain_text", "text": "Yes"},
                    "deny": {"type": "plain_text", "text": "No"},
                },
            },
            {
                "type": "button",
                "action_id": "out",
                "url": "https://e.org/out",
                "text": {"type": "plain_text", "text": "Out"},
            },
        ],
    },
]


def post(visitor: Visitor, **message: object) -> str:
    """Let the app post a message; its ts."""
    client = Client(visitor.world.slack)
    answer = client.post(
        "/api/chat.postMessage",
        json={"channel": CHANNEL, "text": "Told", **message},
        headers={"Authorization": "Bearer xoxb-sandbox"},
    )
    said = answer.get_json()
    assert said["ok"], said
    return str(said["ts"])


def test_every_kind_of_block_is_drawn(visitor: Visitor) -> None:
    ts = post(visitor, blocks=EVERY_BLOCK)

    card = drawn(visitor.see(), f"m{ts}")

    assert "<h3>A 📝 title</h3>" in card
    assert "<hr>" in card
    assert "by <strong>us</strong>" in card
    assert "<li><strong>&lt;b&gt;</strong>" in card
    assert '<span class="mention">@Ada Approver</span>' in card
    assert 'href="https://e.org/out" target="_blank" rel="noreferrer">Out</a>' in card
    asked = re.search(r'popovertarget="([^"]+)">Shut', card)
    assert asked
    assert f'popover id="{asked[1]}"' in card
    assert card.count('name="action_id" value="shut"') == 1  # only within what asks again
    assert 'name="action_id" value="beside"' in card
    assert "is not drawn here" not in card


def test_replies_stand_under_the_message_they_answer(visitor: Visitor) -> None:
    first, second = post(visitor, text="First"), post(visitor, text="Second")
    reply = post(visitor, text="*Reply*", thread_ts=first)

    html = visitor.see()

    order = [html.index(f'id="m{ts}"') for ts in (first, reply, second)]
    assert order == sorted(order)
    assert "<strong>Reply</strong>" in drawn(html, f"m{reply}")


def test_a_modal_draws_each_input_slack_can_fill_in(visitor: Visitor) -> None:
    options = [
        {"text": {"type": "plain_text", "text": name}, "value": name} for name in ("one", "two")
    ]
    label = {"type": "plain_text", "text": "Which"}

    def an_input(name: str, **element: object) -> Json:
        return {
            "type": "input",
            "block_id": name,
            "label": label,
            "element": {"action_id": "a", **element},
        }

    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Link a bill"},
        "submit": {"type": "plain_text", "text": "Link"},
        "blocks": [
            an_input("chosen", type="static_select", options=options),
            an_input("ticked", type="radio_buttons", options=options, initial_option=options[1]),
            an_input("said", type="plain_text_input", max_length=9, initial_value="so"),
        ],
    }
    ts = post(visitor, blocks=EVERY_BLOCK)
    trigger = json.loads(
        parse_qs(visitor.world.slack.click(APPROVER, CHANNEL, ts, "beside").body.decode())[
            "payload"
        ][0]
    )["trigger_id"]
    answer = Client(visitor.world.slack).post(
        "/api/views.open",
        json={"trigger_id": trigger, "view": view},
        headers={"Authorization": "Bearer xoxb-sandbox"},
    )
    assert answer.get_json()["ok"], answer.get_json()

    html = visitor.see()

    dialog = html[html.index("<dialog") :]
    assert re.search(r'<select id="in-chosen" name="chosen" required>', dialog)
    assert re.search(r'type="radio" name="ticked" value="two" required checked', dialog)
    assert re.search(r'<input id="in-said" name="said" required maxlength="9" value="so">', dialog)


def test_the_strip_tells_of_dead_letters_runs_and_mails(visitor: Visitor) -> None:
    aws = visitor.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.queues = {"odoo-approved-invoices": 2, "odoo-approved-invoices-dlq": 3}
    topic = visitor.world.names["topic"]
    visitor.world.clients["sns"].publish(TopicArn=topic, Subject="Held", Message="A <bill> waits.")

    html = visitor.see()

    assert "queue 2 dead letters 3" in text(html)
    assert "A &lt;bill&gt; waits." in html
    assert re.search(r"extractor\s*not yet\s*3\s*1", text(html))
    assert "http://127.0.0.1:8069" in html


def test_only_what_was_chosen_is_listed(asked: Visitor) -> None:
    all_bills = asked.see().count("<article class=")

    one = asked.see("/?company=TruAlchemy").count("<article class=")
    waiting = asked.see("/?status=READY_FOR_APPROVAL").count("<article class=")

    assert 0 < one < all_bills
    assert waiting == 1


def test_an_unchanged_page_is_not_sent_again(asked: Visitor) -> None:
    first = asked.client.get("/", **HERE)

    again = asked.client.get("/", headers={"If-None-Match": first.headers["ETag"]}, **HERE)
    post(asked, text="News")
    changed = asked.client.get("/", headers={"If-None-Match": first.headers["ETag"]}, **HERE)

    assert (again.status_code, changed.status_code) == (304, 200)


def refused(visitor: Visitor, path: str = "/", method: str = "GET", **headers: str) -> bool:
    answer = visitor.client.open(
        path, method=method, headers=headers, base_url="http://127.0.0.1:8700"
    )
    return answer.status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8700", "127.0.0.1.evil.example", ""]
)
def test_another_hosts_name_is_refused(visitor: Visitor, host: str) -> None:
    assert refused(visitor, Host=host)
    assert not refused(visitor, Host="localhost:8700")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:8700"]
)
def test_another_origin_is_refused(visitor: Visitor, origin: str) -> None:
    before = len(visitor.world.odoo.records["account.move"])

    assert refused(visitor, "/odoo/new", "POST", Origin=origin)
    assert refused(visitor, "/", "GET", Origin=origin)
    assert not refused(visitor, "/odoo/new", "POST", Origin="http://127.0.0.1:8700")
    assert len(visitor.world.odoo.records["account.move"]) == before


def test_every_answer_forbids_the_browser_to_ask_elsewhere(visitor: Visitor) -> None:
    for path in ("/", "/static/sandbox.js", "/nowhere"):
        headers = visitor.client.get(path, **HERE).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert not re.search(r"\sstyle=|\son\w+=|<style", visitor.see())


@pytest.mark.parametrize(
    "path",
    [
        *("/nowhere", "/static/../page.py", "/odoo/file/x", "/odoo/file/999999"),
        *("/quickbooks/file/1/2", "/odoo/new", "/slack/nothing"),
    ],
)
def test_there_is_nothing_else_to_find(visitor: Visitor, path: str) -> None:
    assert visitor.client.get(path, **HERE).status_code == 404
    assert visitor.client.post("/slack/nothing", **HERE).status_code == 404


def test_a_file_that_is_no_document_is_saved_and_not_shown(asked: Visitor) -> None:
    (entry_id,) = asked.world.items()
    number = asked.world.odoo.attach(
        int(entry_id.removeprefix("odoo-")), 'a"b.html', b"<script>alert(1)</script>"
    )

    answer = asked.client.get(f"/odoo/file/{number}", **HERE)

    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=a_b.html"


# -- the intake ------------------------------------------------------------------------------------


def test_with_the_intake_off_the_page_does_not_mention_it(visitor: Visitor) -> None:
    assert "intake" not in visitor.see().lower()


def test_the_intakes_executions_are_listed_with_what_became_of_them(visitor: Visitor) -> None:
    aws = visitor.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.executions = []
    assert "No invoice was taken in yet" in visitor.see()
    started = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
    described = {"name": "one", "startDate": started, "input": '{"invoice": {"invoiceId": "A-1"}}'}
    ended = {**described, "stopDate": started + timedelta(seconds=1.5)}
    output = {"outcome": "processed", "invoiceId": "A-1", "invoiceNumber": "INV-2026-000001"}
    wrong = {"outcome": "invalid", "problems": [{"field": "amount", "message": HOSTILE}]}
    aws.executions = [
        execution_of({**described, "status": "RUNNING"}),
        execution_of({**ended, "status": "SUCCEEDED", "output": json.dumps(output)}),
        execution_of({**ended, "status": "SUCCEEDED", "output": json.dumps(wrong)}),
        execution_of({**ended, "status": "FAILED", "error": "InvoiceFailed", "input": "[]"}),
    ]

    shown = visitor.see().partition('id="executions"')[2].partition("</table>")[0]
    rows = [" ".join(re.sub("<.*?>", " ", row).split()) for row in shown.split("<tr ")[1:]]

    assert [unescape(row.partition(" ")[2].partition(" ")[2]) for row in rows] == [
        "A-1 running none",
        "A-1 processed INV-2026-000001 1.5",
        f"A-1 amount: {HOSTILE} invalid none 1.5",
        "without an id InvoiceFailed failed none 1.5",
    ]
    assert shown.count('class="bad"') == 2


# -- the mirror ------------------------------------------------------------------------------------


def mirrored(visitor: Visitor, connection: str, kind: str) -> list[str]:
    """The cells of a kind's row in the mirror's section."""
    table = visitor.see().partition(f'id="mirror-{connection}"')[2].partition("</table>")[0]
    rows = [text(row) for row in table.split("<tr>")]
    return next(row.removeprefix(kind).split() for row in rows if row.startswith(kind))


@pytest.fixture
def mirroring(visitor: Visitor) -> Visitor:
    """A visitor of a sandbox with the mirror on, nothing mirrored yet."""
    visitor.page.parts = replace(visitor.page.parts, mirrored={"odoo": visitor.world.odoo})
    return visitor


def test_with_the_mirror_off_the_page_does_not_mention_it(visitor: Visitor) -> None:
    assert "mirror" not in visitor.see().lower()


def test_a_mirror_is_shown_from_its_first_load_to_a_change_in_odoo(mirroring: Visitor) -> None:
    aws = mirroring.page.parts.aws
    assert isinstance(aws, WorldsAws)
    contacts = len(mirroring.world.odoo.records["res.partner"])
    state, counts = ("odoo#contact", "state"), ("odoo#contact", "counts#")
    assert mirrored(mirroring, "odoo", "contacts") == [
        *(str(contacts), "0", "not", "yet", "not", "loaded", "yet")
    ]

    aws.mirror[state] = {"reading": "2026-11-28 08:00:00", "after": 7}
    aws.mirror[counts] = {"n0": contacts // 2}
    assert mirrored(mirroring, "odoo", "contacts")[-2:] == ["loading,", "50%"]

    aws.mirror[state] = {"since": "2026-11-28 08:00:00", "last_run_at": "2026-11-28T08:00:00Z"}
    aws.mirror[counts] = {"n0": contacts}
    number, copied, at, *progress = mirrored(mirroring, "odoo", "contacts")
    assert (number, copied, " ".join(progress)) == (str(contacts), str(contacts), "up to date")
    assert re.fullmatch(r"\d\d:\d\d:\d\d", at)

    mirroring.world.odoo.new_contact("Newcomer", email="n@example.com")
    assert mirrored(mirroring, "odoo", "contacts")[-5:] == ["changes", "in", "the", "next", "run"]
    moves = mirroring.world.odoo.records["account.move"].values()
    documents = sum(row["move_type"] != "entry" for row in moves)
    assert mirrored(mirroring, "odoo", "invoices, bills")[0] == str(documents)


def test_why_a_mirror_failed_is_shown_as_text(mirroring: Visitor) -> None:
    aws = mirroring.page.parts.aws
    assert isinstance(aws, WorldsAws)
    aws.mirror["odoo#order", "state"] = {
        "since": "2026-11-28 08:00:00",
        "last_run_at": "2026-11-28T08:00:00Z",
        "last_error": HOSTILE,
    }

    html = mirroring.see()

    assert "<script>alert" not in html
    assert HOSTILE in unescape(html.partition('id="mirror-odoo"')[2])
    assert '<div class="bad"><dt>mirrored</dt>' in html


# -- the webhook -----------------------------------------------------------------------------------

SECRET: Final = "whsec_" + base64.b64encode(b"the secret of the page's tests").decode()


@pytest.fixture
def receiving(visitor: Visitor) -> Visitor:
    """A visitor of a sandbox with the webhook on, nothing received yet."""
    receiver = Receiver({"current": SECRET})
    visitor.page.parts = replace(visitor.page.parts, receiver=receiver)
    return visitor


def receive(visitor: Visitor, number: int, secret: str = SECRET, **more: Any) -> int:
    """A change arrives at the endpoint; the status it answers."""
    body = json.dumps({"model": "account.move", "data": {"id": number}, **more})
    now = datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    receiver = visitor.page.parts.receiver
    assert receiver
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return Client(receiver).post("/odoo", data=body, headers=headers).status_code


def sheet(html: str) -> str:
    """What a reader sees of the webhook."""
    return text(html.partition('<section id="webhook"')[2].partition("</section>")[0])


def test_with_the_webhook_off_the_page_does_not_mention_it(visitor: Visitor) -> None:
    assert "webhook" not in visitor.see().lower()
    assert visitor.client.post("/webhook/recover", **HERE).status_code == 404


def test_what_arrived_is_shown_newest_first_with_what_verified_it(receiving: Visitor) -> None:
    assert "0 requests arrived at the endpoint. Let" in sheet(receiving.see())
    receive(receiving, 12, type="vendor_bill.created", sequence=1)
    receive(receiving, 12, type="vendor_bill.updated", sequence=2, changed=["ref", "amount_total"])
    receive(receiving, 7, secret="whsec_" + base64.b64encode(b"somebody else's").decode())

    html = receiving.see()

    assert "3 requests arrived at the endpoint, 1 with a signature that did not" in sheet(html)
    rows = re.findall(r'<tr id="arrival-(\d+)">(.*?)</tr>', html, re.DOTALL)
    assert [number for number, _ in rows] == ["3", "2", "1"]
    forged, second, first = (text(row) for _, row in rows)
    assert "not a change account.move/7; attempt 3 No matching signature found 401" in forged
    assert "vendor_bill.updated account.move/12; change 2; ref, amount_total" in second
    assert first.endswith("vendor_bill.created account.move/12; change 1 by the current secret 200")


def test_a_person_lets_the_endpoint_fail_for_one_record_and_work_again(receiving: Visitor) -> None:
    receive(receiving, 12)

    html = receiving.do("webhook/fail", kind="gone", times="", record="account.move/12")

    sentence = "The endpoint will answer 410, gone: until it works again, account.move/12."
    assert sentence in text(html)
    assert "It will answer 410, gone: until it works again, account.move/12." in sheet(html)
    assert [receive(receiving, n) for n in (12, 7, 12)] == [410, 200, 410]
    html = receiving.do("webhook/recover")
    assert "The endpoint works again." in text(html)
    assert "It will" not in sheet(html)
    assert receive(receiving, 12) == 200


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_can_be_chosen(receiving: Visitor, kind: str) -> None:
    html = receiving.do("webhook/fail", kind=kind, times="5", record="")

    assert f'<option value="{kind}">' in html
    assert ": 5 requests, any record." in sheet(html)
    receiver = receiving.page.parts.receiver
    assert receiver
    assert [(p.kind, p.times) for p in receiver.planned] == [(kind, 5)]


@pytest.mark.parametrize("form", [{"kind": "explode"}, {"kind": "gone", "times": "100"}, {}])
def test_a_failure_that_is_not_offered_is_told_in_a_sentence(
    receiving: Visitor, form: dict[str, str]
) -> None:
    html = receiving.do("webhook/fail", **form)

    assert "The endpoint can't fail in that way. Choose one from the list." in text(html)


def test_nothing_that_arrives_is_more_than_a_text(receiving: Visitor) -> None:
    receive(receiving, 12, type=HOSTILE, changed=[HOSTILE], connection=HOSTILE)
    receive(receiving, 12, type={"a": 1}, changed="x", sequence="many")
    receive(receiving, 12, changed=7, sequence=None)

    html = receiving.see()

    assert "<script>" not in html
    assert HOSTILE in unescape(html)


def test_only_the_last_fifty_are_drawn_and_all_are_counted(receiving: Visitor) -> None:
    for number in range(1, 53):
        receive(receiving, number)

    html = receiving.see()

    assert html.count('<tr id="arrival-') == 50
    assert "The last 50 requests, newest first" in sheet(html)
    assert "52 requests arrived at the endpoint, each with a signature that verified." in sheet(
        html
    )
