"""What the page shows: the three vendors' simulators and the pipeline at one moment, as data.

Nothing here changes anything or knows HTML. AWS is behind the narrow interface `Aws`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from sandbox.page import mirror, odoo, quickbooks, webhook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.odoo.server import Odoo
    from sandbox.page.intake import Execution
    from sandbox.page.mirror import MirroredKind, OwnItems
    from sandbox.page.odoo import Editor, Row
    from sandbox.page.quickbooks import Books
    from sandbox.page.webhook import Endpoint
    from sandbox.quickbooks.server import QuickBooks
    from sandbox.slack.payloads import Message, Person, SignedRequest, View
    from sandbox.slack.server import Slack
    from sandbox.webhook.receiver import Receiver

Json = dict[str, Any]

STATUSES: Final = {
    "VALIDATION_FAILED": "blocked",
    "READY_FOR_APPROVAL": "to approve",
    "APPROVED": "approved",
    "POSTING": "being posted",
    "POSTED": "posted",
    "ALREADY_IN_QB": "already there",
    "POST_FAILED": "not posted",
    "ACKNOWLEDGED": "acknowledged",
    "REJECTED": "rejected",
    "WITHDRAWN": "withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a function did lately: `at` is the minute of its last run."""

    function: str
    times: int
    errors: int
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """An e-mail the pipeline sent."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The part of the chain that is in AWS; `items` are the table's bills, as far as shown.

    `mirror` are the mirror's own items: how far it is and what it counts. `executions` are the
    intake's, None while it is off.
    """

    items: Sequence[Mapping[str, Any]] = ()
    queues: Mapping[str, int] | None = None
    runs: Sequence[Run] = ()
    mails: Sequence[Mail] = ()
    mirror: OwnItems = field(default_factory=dict)
    executions: Sequence[Execution] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the Function URL or S3 answered, and after how long."""

    status: int
    body: bytes
    seconds: float = 0.0
    content_type: str = ""


class Aws(Protocol):
    """The parts of AWS that the page needs."""

    def look(self) -> Pipeline:
        """The pipeline's state, at most a second old."""

    def extract(self) -> Json:
        """Invoke the extractor and wait; its report, or what it said went wrong."""

    def deliver(self, request: SignedRequest) -> Reply:
        """Send what Slack would send to the Function URL."""

    def document(self, url: str) -> Reply:
        """Fetch what a link of the product leads to; ValueError if it leads elsewhere."""

    def is_document(self, url: str) -> bool:
        """Whether a link leads to the emulator, whose certificate no browser knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The running chain, as the page needs it."""

    odoo: Odoo
    slack: Slack
    quickbooks: QuickBooks
    companies: Mapping[str, str]  # company key -> its name in Odoo
    realms: Mapping[str, str]  # company key -> its id in QuickBooks
    aws: Aws
    places: Mapping[str, str]  # where the parts listen
    mirrored: Mapping[str, Odoo] = field(default_factory=dict)  # by the mirror's connection
    receiver: Receiver | None = None  # the webhook's endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A visitor's view, read from the page's address so that each window has its own."""

    person: str
    channel: str
    company: str = ""  # all of them
    status: str = ""  # of the bills listed; all of them
    bill: str = ""  # the one whose form is open

    def to(self, **changes: str) -> str:
        """The page's address with some of that changed."""
        given = {name: getattr(self, name) for name in self.__slots__} | changes
        return "/?" + urlencode({name: value for name, value in given.items() if value})

    def do(self, act: str) -> str:
        """The address for a form that does something and returns to this view."""
        return f"/{act}{self.to()[1:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message in a channel with its thread."""

    message: Message
    replies: list[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """All that the page shows."""

    look: Look
    rows: list[Row]
    editor: Editor | None
    vendors: list[tuple[int, str]]
    people: list[Person]
    channels: list[tuple[str, str, int]]
    names: dict[str, str]
    posts: list[Post]
    ephemerals: list[Message]
    modal: View | None
    books: list[Books]
    counts: list[tuple[str, int]]
    pipeline: Pipeline
    mirror: list[MirroredKind]
    webhook: Endpoint | None
    companies: list[str]
    places: Mapping[str, str]


def look(parts: Parts, given: Mapping[str, str]) -> Look:
    """Where a visitor looks; what does not exist is replaced by what does."""
    people = [person.id for person in clickers(parts.slack)]
    person = given.get("person", "")
    person = person if person in people else people[0]
    channels = [
        channel.id for channel in parts.slack.channels.values() if person in channel.members
    ]
    channel, company, status = (given.get(n, "") for n in ("channel", "company", "status"))
    return Look(
        person=person,
        channel=channel if channel in channels else next(iter(channels), ""),
        company=company if company in parts.companies else "",
        status=status if status in STATUSES else "",
        bill=given.get("bill", ""),
    )


def screen(parts: Parts, at: Look) -> Screen:
    """Everything on the page at this moment, for a visitor who looks there."""
    pipeline, slack = parts.aws.look(), parts.slack
    channel = slack.channels.get(at.channel)
    messages = list(channel.messages.values()) if channel else []
    ephemerals = list(channel.ephemerals[at.person]) if channel else []
    return Screen(
        look=at,
        rows=[
            row
            for row in odoo.rows(parts.odoo, parts.companies, pipeline.items)
            if at.company in {"", row.company} and (not at.status or row.status == at.status)
        ],
        editor=odoo.editor(parts.odoo, at.bill),
        vendors=odoo.vendors(parts.odoo),
        people=clickers(slack),
        channels=[
            (c.id, c.name, sum(m.thread_ts is None for m in list(c.messages.values())))
            for c in slack.channels.values()
            if at.person in c.members
        ],
        names={
            **{person.id: person.name for person in slack.people.values()},
            **{c.id: c.name for c in slack.channels.values()},
            **{group.id: group.handle for group in slack.groups.values()},
        },
        posts=[
            Post(message=m, replies=[r for r in messages if r.thread_ts == m.ts])
            for m in messages
            if m.thread_ts is None
        ],
        ephemerals=ephemerals,
        modal=open_modal(slack, at.person),
        books=[
            quickbooks.books(company, parts.quickbooks.realms[realm])
            for company, realm in parts.realms.items()
            if at.company in {"", company} and realm in parts.quickbooks.realms
        ],
        counts=[
            (status, sum(item["status"] == status for item in pipeline.items))
            for status in STATUSES
        ],
        pipeline=pipeline,
        mirror=mirror.rows(parts.mirrored, pipeline.mirror),
        webhook=webhook.endpoint(parts.receiver),
        companies=sorted(parts.companies),
        places=parts.places,
    )


def clickers(slack: Slack) -> list[Person]:
    """The people a visitor can act as."""
    return [p for p in slack.people.values() if not p.is_bot and not p.deleted]


def open_modal(slack: Slack, person: str) -> View | None:
    """The modal in front of a person."""
    theirs = [view for view in list(slack.views.values()) if view.person == person]
    covered = {view.previous for view in theirs}
    return next((view for view in reversed(theirs) if view.id not in covered), None)


def local_time(ts: str) -> datetime:
    """The instant of a Slack message, in this machine's time zone."""
    return datetime.fromtimestamp(float(ts), UTC).astimezone()
