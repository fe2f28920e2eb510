"""What the page shows: the three vendors' simulators and the pipeline at one moment, as data.

Nothing here changes anything or knows HTML. AWS is behind the narrow interface `Aws`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlencode

from odoo_qb.bill import amount_text
from sandbox.outcome import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.odoo import Odoo
    from sandbox.quickbooks import QuickBooks, Realm
    from sandbox.slack import Slack
    from sandbox.slack_payloads import Message, Person, SignedRequest, View

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
KINDS: Final = {"in_invoice": "Bill", "in_refund": "Credit note", "in_receipt": "Receipt"}


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
    """The part of the chain that is in AWS; `items` are the table's bills, as far as shown."""

    items: Sequence[Mapping[str, Any]] = ()
    queues: Mapping[str, int] | None = None
    runs: Sequence[Run] = ()
    mails: Sequence[Mail] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the Function URL or S3 answered, and after how long."""

    status: int
    body: bytes
    seconds: float = 0.0
    content_type: str = ""


class Aws(Protocol):
    """What the page needs of AWS."""

    def look(self) -> Pipeline:
        """How the pipeline stands, a second ago at most."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Where a browser looks: read from its address, so that each window has its own."""

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
        """Where a form goes that does something and comes back to here."""
        return f"/{act}{self.to()[1:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A bill in Odoo, and what became of it."""

    id: int
    name: str
    kind: str
    company: str
    vendor: str
    reference: str
    date: str
    amount: str
    state: str
    files: int
    status: str = ""
    trouble: str = ""
    channel: str = ""
    card: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """A bill's form: what a bookkeeper may change."""

    id: int
    state: str
    reference: str
    date: str
    due: str
    lines: list[tuple[str, str]]
    files: list[tuple[int, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message in a channel with its thread."""

    message: Message
    replies: list[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A bill or vendor credit in QuickBooks."""

    id: str
    anchor: str
    kind: str
    number: str
    vendor: str
    date: str
    due: str
    total: str
    note: str
    lines: list[tuple[str, str, str]]
    files: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A company in QuickBooks."""

    company: str
    realm: str
    documents: list[Document]
    vendors: list[tuple[str, str]]
    loose_files: list[tuple[str, str]]

    @property
    def told(self) -> str:
        """How much is in the books, in a few words."""
        bills = sum(document.kind == "Bill" for document in self.documents)
        credit = len(self.documents) - bills
        return ", ".join(
            counted(number, word)
            for number, word in ((bills, "bill"), (credit, "credit"))
            if number
        )


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
    told: list[Message]
    modal: View | None
    books: list[Books]
    counts: list[tuple[str, int]]
    pipeline: Pipeline
    companies: list[str]
    places: Mapping[str, str]


def look(parts: Parts, given: Mapping[str, str]) -> Look:
    """Where somebody looks; what does not exist gives way to what does."""
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
    """Everything at this moment, for somebody who looks there."""
    pipeline, slack = parts.aws.look(), parts.slack
    channel = slack.channels.get(at.channel)
    messages = list(channel.messages.values()) if channel else []
    told = list(channel.ephemerals[at.person]) if channel else []
    return Screen(
        look=at,
        rows=_rows(parts, at, pipeline),
        editor=_editor(parts.odoo, at.bill),
        vendors=_vendors(parts.odoo),
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
        told=told,
        modal=open_modal(slack, at.person),
        books=[
            _books(company, parts.quickbooks.realms[realm])
            for company, realm in parts.realms.items()
            if at.company in {"", company} and realm in parts.quickbooks.realms
        ],
        counts=[
            (status, sum(item["status"] == status for item in pipeline.items))
            for status in STATUSES
        ],
        pipeline=pipeline,
        companies=sorted(parts.companies),
        places=parts.places,
    )


def clickers(slack: Slack) -> list[Person]:
    """Who can be acted as."""
    return [p for p in slack.people.values() if not p.is_bot and not p.deleted]


def open_modal(slack: Slack, person: str) -> View | None:
    """The modal in front of somebody."""
    theirs = [view for view in list(slack.views.values()) if view.person == person]
    covered = {view.previous for view in theirs}
    return next((view for view in reversed(theirs) if view.id not in covered), None)


def product_lines(odoo: Odoo, bill: int) -> list[tuple[str, str]]:
    """A bill's lines as (text, amount)."""
    rows = odoo.records["account.move.line"]
    move = odoo.records["account.move"][bill]
    lines = [rows[number] for number in move["invoice_line_ids"]]
    return [
        (str(line["name"] or ""), f"{Decimal(str(line['price_subtotal'])):.2f}")
        for line in lines
        if line["display_type"] == "product"
    ]


def _rows(parts: Parts, at: Look, pipeline: Pipeline) -> list[Row]:
    key_of = {name: key for key, name in parts.companies.items()}
    items = {item["entry_id"]: item for item in pipeline.items}
    with parts.odoo.lock:
        moves = [m for m in parts.odoo.records["account.move"].values() if m["move_type"] in KINDS]
        rows = [_row(parts.odoo, move, key_of, items) for move in moves]
    shown = [
        row
        for row in rows
        if at.company in {"", row.company} and (not at.status or row.status == at.status)
    ]
    return sorted(shown, key=lambda row: -row.id)


def _row(
    odoo: Odoo, move: Json, key_of: Mapping[str, str], items: Mapping[str, Mapping[str, Any]]
) -> Row:
    records, number = odoo.records, int(move["id"])
    company = str(records["res.company"][move["company_id"]]["name"])
    vendor = records["res.partner"].get(move["partner_id"])
    currency = str(records["res.currency"][move["currency_id"]]["name"])
    item = items.get(f"odoo-{number}", {})
    card: Mapping[str, str] = next(reversed(item.get("cards") or ()), {})
    trouble = (item.get("error") or {}).get("message", "")
    return Row(
        id=number,
        name=str(move["name"] or "Draft"),
        kind=KINDS[move["move_type"]],
        company=key_of.get(company, company),
        vendor=str(vendor["name"]) if vendor else "(no vendor)",
        reference=str(move["ref"] or ""),
        date=str(move["invoice_date"] or ""),
        amount=amount_text(Decimal(str(move["amount_total"])), currency),
        state=str(move["state"]),
        files=len(move["attachment_ids"]),
        status=item.get("status", ""),
        trouble=trouble or " ".join(item.get("problems") or ()),
        channel=card.get("channel", ""),
        card=card.get("ts", ""),
        document=_anchor(item.get("company", ""), item.get("quickbooks") or {}),
    )


def _editor(odoo: Odoo, bill: str) -> Editor | None:
    with odoo.lock:
        move = odoo.records["account.move"].get(int(bill)) if bill.isdecimal() else None
        if move is None or move["move_type"] not in KINDS:
            return None
        files = odoo.records["ir.attachment"]
        return Editor(
            id=int(move["id"]),
            state=str(move["state"]),
            reference=str(move["ref"] or ""),
            date=str(move["invoice_date"] or ""),
            due=str(move["invoice_date_due"] or ""),
            lines=product_lines(odoo, int(move["id"])),
            files=[(n, str(files[n]["name"])) for n in move["attachment_ids"] if n in files],
        )


def _vendors(odoo: Odoo) -> list[tuple[int, str]]:
    with odoo.lock:
        partners = odoo.records["res.partner"].values()
        return [(int(p["id"]), str(p["name"])) for p in partners if p.get("supplier_rank")]


def _books(company: str, realm: Realm) -> Books:
    vendors = {str(v["Id"]): str(v["DisplayName"]) for v in list(realm.vendors.values())}
    files: dict[tuple[str, str], list[tuple[str, str]]] = {}
    loose = []
    for attachable in list(realm.attachables.values()):
        file = (str(attachable["Id"]), str(attachable["FileName"]))
        owners = [ref["EntityRef"] for ref in attachable.get("AttachableRef", ())]
        for owner in owners:
            files.setdefault((owner["type"].lower(), owner["value"]), []).append(file)
        if not owners:
            loose.append(file)
    return Books(
        company=company,
        realm=realm.id,
        documents=[
            _document(company, kind, record, vendors, files)
            for kind, table in (("Bill", realm.bills), ("VendorCredit", realm.vendor_credits))
            for record in reversed(list(table.values()))
        ],
        vendors=sorted(vendors.items(), key=lambda pair: pair[1].casefold()),
        loose_files=loose,
    )


def _document(
    company: str,
    kind: str,
    record: Json,
    vendors: Mapping[str, str],
    files: Mapping[tuple[str, str], list[tuple[str, str]]],
) -> Document:
    key, currency = str(record["Id"]), record.get("CurrencyRef", {}).get("value", "USD")
    return Document(
        id=key,
        anchor=_anchor(company, {"type": kind, "id": key}),
        kind="Bill" if kind == "Bill" else "Vendor credit",
        number=str(record.get("DocNumber", "")),
        vendor=vendors.get(str(record["VendorRef"]["value"]), ""),
        date=str(record.get("TxnDate", "")),
        due=str(record.get("DueDate", "")),
        total=amount_text(Decimal(record.get("TotalAmt", 0)), currency),
        note=str(record.get("PrivateNote", "")),
        lines=[_line(line, currency) for line in record.get("Line", ())],
        files=files.get((kind.lower(), key), []),
    )


def _line(line: Json, currency: str) -> tuple[str, str, str]:
    detail = line.get("AccountBasedExpenseLineDetail", {})
    account = detail.get("AccountRef", {})
    return (
        str(line.get("Description", "")),
        str(account.get("name") or account.get("value", "")),
        amount_text(Decimal(line.get("Amount", 0)), currency),
    )


def _anchor(company: str, quickbooks: Mapping[str, Any]) -> str:
    """The id of a QuickBooks document on the page; empty if there is none."""
    if not quickbooks.get("id"):
        return ""
    return f"qb-{company}-{quickbooks['type']}-{quickbooks['id']}".lower()


def local_time(ts: str) -> datetime:
    """The instant of a Slack message, in this machine's time zone."""
    return datetime.fromtimestamp(float(ts), UTC).astimezone()
