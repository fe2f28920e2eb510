"""Two days of bad weather: everything that can go wrong does, by the dice, and then clears up.

Bills of four companies arrive, change and are cancelled at any moment, also late; vendors are
down, slow, throttling or answer garbage; tokens die; functions are killed; what AWS delivers
comes twice; people click late and twice. One seed is one story, the same every time.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

import poster
from asked import buttons
from life import DAY, END, QUARTER, is_read
from odoo_qb.interaction import MODAL_FIELDS
from odoo_qb.story import story
from promises import IN_QUICKBOOKS, broken, documents
from world import CHANNEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from life import Life
    from sandbox.slack import SignedRequest
    from sandbox.slack_payloads import Message

DAYS: Final = 2
COMPANIES: Final = (1, 2, 3, 4)
VENDORS: Final = (14, 15, 16, 17, 18, 19, 20, 21)
EURO: Final = 125
DOLLAR: Final = 1
PEOPLE: Final = ("U-APPROVER", "U-SECOND")
SETTINGS: Final = {"two_approvals_above": 5000, "reminder_hours": 6}
PDF: Final = b"%PDF-1.4 "
_PAGE: Final = b"<html><h1>Down for maintenance</h1></html>"
_GARBAGE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + _PAGE,
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + _PAGE,
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b'{"tru',
)
_MODES: Final = {
    "request_id": (
        "replay_all",
        "replay_success_only",
        "error600_on_payload_change",
        "forget_after_ttl",
    ),
    "request_id_hours": (1, 24),
    "request_id_on_upload": ("honoured", "ignored"),
    "rotation": ("sticky24h", "every_use"),
    "stale_refresh": ("immediate", "grace24h", "reuse_kills_family"),
}
_ROUNDS: Final = 12  # of people deciding once the weather is good

Json = dict[str, Any]


@dataclass(kw_only=True)
class Weather:
    """The storm over a life; `events` counts what happened."""

    life: Life
    dice: random.Random
    events: Counter[str] = field(default_factory=Counter)
    _down_until: dict[str, datetime] = field(default_factory=dict)
    _late: list[SignedRequest] = field(default_factory=list)
    _reconnect_at: dict[str, datetime] = field(default_factory=dict)

    # -- what goes wrong -----------------------------------------------------------------------

    def fate(self, step: str, work: Callable[[], Any]) -> Any:
        """A step in the storm: mostly it is done."""
        name = step.partition(": ")[2]
        vendor = next((v for v in ("odoo", "slack", "quickbooks") if v in name), "")
        if self._down_until.get(vendor, self.life.clock.now) > self.life.clock.now:
            raise ConnectionRefusedError(f"{vendor} is down")
        luck = self.dice.random()
        if luck < 0.004:
            self.happens("a function was killed")
            self.life.die()
        if name == END or luck > 0.03:
            return work()
        if not vendor:
            return self._aws_fails(step, work, luck)
        return self._vendor_fails(step, work, vendor)

    def _aws_fails(self, step: str, work: Callable[[], Any], luck: float) -> Any:
        if luck < 0.006:
            self.happens("AWS did not do as asked")
            error = {"Code": "InternalServerError", "Message": "planned"}
            raise ClientError({"Error": error}, step)
        if luck < 0.012 and not is_read(step):
            self.happens("AWS's answer got lost")
            return self.life.lose_answer(step, work)
        return work()

    def _vendor_fails(self, step: str, work: Callable[[], Any], vendor: str) -> Any:
        match self.dice.choice(("lost", "garbage", "garbage after", "slow", "refused")):
            case "lost":
                self.happens(f"{vendor}'s answer got lost")
                return self.life.lose_answer(step, work)
            case "garbage":
                self.happens(f"{vendor} answered garbage")
                return self.dice.choice(_GARBAGE)
            case "garbage after":
                self.happens(f"{vendor} did it and answered garbage")
                self.life.mishaps.append(step)
                work()
                return self.dice.choice(_GARBAGE)
            case "slow":
                self.happens(f"{vendor} was slow")
                self.life.clock.sleep(self.dice.randint(2, 18))
                return work()
        self.happens(f"{vendor} could not be reached")
        raise ConnectionRefusedError(f"{vendor} could not be reached")

    def happens(self, event: str) -> None:
        self.events[event] += 1

    def changes(self) -> None:
        """What the next quarter of an hour brings besides."""
        dice, now = self.dice, self.life.clock.now
        slack, quickbooks = self.life.world.slack, self.life.world.quickbooks
        if dice.random() < 0.02:
            vendor = dice.choice(("odoo", "slack", "quickbooks"))
            self.happens(f"{vendor} was down for an hour")
            self._down_until[vendor] = now + timedelta(hours=1)
        if dice.random() < 0.1:
            self.happens("Slack throttled")
            slack.fail("ratelimited", times=dice.randint(1, 3), retry_after=dice.randint(1, 30))
        if dice.random() < 0.1:
            self.happens("QuickBooks throttled")
            quickbooks.inject("throttle", times=dice.randint(1, 3))
        if dice.random() < 0.1:
            self.happens("QuickBooks ended an access token early")
            quickbooks.inject("unauthorized", committed=dice.random() < 0.3)
        if dice.random() < 0.02:
            self._revoke()
        for company, at in list(self._reconnect_at.items()):
            if at <= now:
                self._reconnect(company)
        for company in self._broken() - self._reconnect_at.keys():
            self._reconnect_at[company] = now + timedelta(hours=dice.randint(0, 5))

    def _revoke(self) -> None:
        """Intuit ends a connection: our tokens are dead until a new seed is applied."""
        realm = self.dice.choice(list(self.life.world.quickbooks.realms.values()))
        self.happens("a connection to QuickBooks was revoked")
        self.life.world.quickbooks.connect(realm.id, "nobody's")

    def _broken(self) -> set[str]:
        """The companies somebody was mailed to connect again."""
        table, realms = self.life.world.table, self.life.world.quickbooks.realms.values()
        notes = {r.company_name: table.read_note(f"connection#{r.company_name}") for r in realms}
        return {company for company, n in notes.items() if n.get("state") == "NEEDS_RECONNECT"}

    def _reconnect(self, company: str) -> None:
        """A person connects it, and an operator applies the refresh token."""
        self.happens("a company was connected again")
        self._reconnect_at.pop(company, None)
        realms = self.life.world.quickbooks.realms.values()
        realm = next(r for r in realms if r.company_name == company)
        token = f"by-hand-{self.events.total()}"
        self.life.world.quickbooks.connect(realm.id, token)
        self.life.reseed(company, token)
        self.life.invoke(poster, {"action": "check_connections", "company": company})

    # -- what people do ------------------------------------------------------------------------

    def bill_arrives(self) -> None:
        """Somebody enters a bill in Odoo; its transaction may have begun a while ago."""
        dice, books = self.dice, self.life.world.odoo
        at = self.life.clock.now
        if dice.random() < 0.2:
            self.happens("Odoo committed late")
            at -= timedelta(minutes=dice.randint(1, 12))
        count = dice.randint(1, 4)
        top = 400_000 if dice.random() < 0.1 else 90_000
        lines = [(f"Item {n}", f"{Decimal(dice.randint(1, top)) / 100}") for n in range(count)]
        if dice.random() < 0.03:
            lines = [("Boxes", "10.00"), ("Boxes returned", "-10.00")]
        number = books.new_bill(
            reference=f"INV-{dice.randint(1000, 9999)}-{self.events['bills']}",
            lines=lines,
            company=dice.choice(COMPANIES),
            vendor=dice.choice(VENDORS),
            move_type=dice.choice(["in_invoice"] * 8 + ["in_refund", "in_receipt"]),
            state="draft" if dice.random() < 0.1 else "posted",
            currency=EURO if dice.random() < 0.1 else DOLLAR,
            at=at,
        )
        self.happens("bills")
        for n in range(dice.choice((0, 1, 1, 1, 2))):
            content = PDF + f"{number} {n}".encode()
            books.attach(number, f"{number}-{n}.pdf", content, main=n == 0, at=at)

    def bill_changes(self) -> None:
        """Somebody does something to one of the bills, whatever became of it meanwhile."""
        dice, books = self.dice, self.life.world.odoo
        known = [m for m in books.records["account.move"].values() if self._is_ours(m)]
        if not known:
            return
        move = dice.choice(known)
        number, state = int(move["id"]), str(move["state"])
        what = dice.choice(("amended", "paid", "attached", "cancelled", "redrafted", "touched"))
        if state == "draft":
            books.post(number)
            what = "posted"
        elif state == "cancel":
            books.reset_to_draft(number)
            what = "redrafted"
        elif what == "amended":
            amount = f"{Decimal(dice.randint(1, 90_000)) / 100}"
            books.amend(number, lines=[("Amended", amount)])
        elif what == "paid":
            books.pay(number)
        elif what == "attached":
            count = len(move["attachment_ids"])
            books.attach(number, f"{number}-late-{count}.pdf", PDF + f"{count}".encode())
        elif what == "cancelled":
            books.cancel(number)
        elif what == "redrafted":
            books.reset_to_draft(number)
        else:
            books.amend(number)
        self.happens(f"bills {what}")

    def _is_ours(self, move: Json) -> bool:
        return bool(move["move_type"].startswith("in_") and str(move["ref"]).startswith("INV-"))

    def people_click(self, share: float) -> None:
        """Some of the cards that offer a decision get one, perhaps late, perhaps twice."""
        dice, slack = self.dice, self.life.world.slack
        for message in list(slack.channels[CHANNEL].messages.values()):
            offered = [b for b in buttons(message) if b != "view_pdf"]
            if not offered or dice.random() > share:
                continue
            action, person = self._chosen(offered), dice.choice(PEOPLE)
            request = slack.click(person, CHANNEL, message.ts, action)
            if dice.random() < 0.1:
                self.happens("a click came late")
                self._late.append(request)
                continue
            self.happens("clicks")
            if dice.random() < 0.1:
                self.happens("a click came twice")
                self.life.send(request)
            self._clicked(message, action, person, request)

    def _clicked(self, message: Message, action: str, person: str, request: SignedRequest) -> None:
        ids = (message.metadata or {})["event_payload"]
        if action in MODAL_FIELDS:
            self.life.typed(ids["entry_id"], action, person, request, self._typed(action))
        else:
            self.life.clicked(ids["entry_id"], action, person, request)

    def _chosen(self, offered: list[str]) -> str:
        weights = {"approve_invoice": 12, "retry_posting": 8, "reopen_invoice": 1, "take_back": 1}
        weights |= {"close_invoice": 0, "link_existing": 0, "acknowledge_intercompany": 6}
        found = [weights.get(action, 1) for action in offered]
        return self.dice.choices(offered, found)[0]

    def _typed(self, action: str) -> str:
        return "Not ordered" if action == "reject_invoice" else "1"

    def late_clicks_arrive(self) -> None:
        late, self._late = self._late, []
        for request in late:
            self.life.send(request)

    # -- two days, and the calm after them -----------------------------------------------------

    def rage(self, bills: int) -> None:
        """The storm, in which so many bills arrive."""
        life, dice = self.life, self.dice
        life.world.quickbooks.configure(modes=self._undocumented())
        life.fate = self.fate
        quarters = int(DAYS * DAY / QUARTER)
        arrivals = Counter(dice.randrange(quarters - 8) for _ in range(bills))
        for quarter in range(quarters):
            self.changes()
            for _ in range(arrivals[quarter]):
                self.bill_arrives()
            if dice.random() < bills / quarters / 2:
                self.bill_changes()
            if quarter % 96 == 60:
                life.daily()
            if quarter % 4 == 0:
                life.hourly()
            life.quarter()
            self._deliveries()
            self.people_click(0.15)
            self._deliveries()
            life.clock.sleep(240)
            self.late_clicks_arrive()
            self._deliveries()

    def _undocumented(self) -> Json:
        """How this seed's QuickBooks behaves where Intuit does not say."""
        return {name: self.dice.choice(kinds) for name, kinds in _MODES.items()}

    def _deliveries(self) -> None:
        if self.dice.random() < 0.2:
            self.happens("AWS delivered twice")
            self.life.repeat_deliveries()
        self.life.flow()

    def clear_up(self) -> None:
        """Good weather: all vendors are there, people decide what is left."""
        life = self.life
        life.fate = type(life).fate
        self._down_until.clear()
        life.world.quickbooks.forgive()
        life.world.slack._faults.clear()
        life.errors.clear()
        life.daily()
        for company in sorted(self._broken()):
            self._reconnect(company)
        life.hourly()
        life.settle()
        for _ in range(_ROUNDS):
            if not self._decided_the_rest():
                return
            life.settle()
        raise AssertionError("people could not decide all bills")

    def _decided_the_rest(self) -> int:
        """Approve what waits and try again what failed; how many of them there were."""
        left = 0
        for entry_id, item in self.life.world.items().items():
            action = {"READY_FOR_APPROVAL": "approve_invoice", "POST_FAILED": "retry_posting"}
            wanted = action.get(item["status"], "")
            if item["nothing_to_post"] and wanted == "approve_invoice":
                wanted = "acknowledge_intercompany"
            if wanted:
                left += 1
                for person in PEOPLE:
                    self.life.decide(entry_id, wanted, person)
        return left


def told(life: Life, trouble: list[str]) -> list[str]:
    """The trouble, and the story of the first bill it is about."""
    bills = [word for t in trouble for word in t.split() if word.startswith("odoo-")]
    items = life.world.items()
    first = next((i for b in bills if (i := items.get(b.strip(":,."))) is not None), None)
    return [*trouble[:20], *(f"    {line}" for line in (story(first) if first else ()))]


def unequal(life: Life) -> list[str]:
    """Where Odoo, the table and QuickBooks do not have the same total, to the cent."""
    sums: dict[tuple[str, str], list[Decimal]] = {}
    held = documents(life.world)
    for entry_id, item in life.world.items().items():
        if item["status"] not in IN_QUICKBOOKS:
            continue
        sign = -1 if item["move_type"] == "in_refund" else 1
        move = life.world.odoo.records["account.move"][int(item["odoo_id"])]
        in_odoo = Decimal(str(move["amount_total"])).quantize(Decimal("0.01"))
        if item.get("amended_after"):
            in_odoo = item["amount_total"]  # Odoo has another content by now, as the card says
        amounts = (in_odoo, item["amount_total"], sum(d["TotalAmt"] for _, d in held[entry_id]))
        total = sums.setdefault((item["company"], item["currency"]), [Decimal(0)] * 3)
        for n, amount in enumerate(amounts):
            total[n] += sign * amount
    return [
        f"{company} {currency}: Odoo {a}, the table {b}, QuickBooks {c}"
        for (company, currency), (a, b, c) in sorted(sums.items())
        if not a == b == c
    ]


def weathered(life: Life, seed: int, bills: int) -> Json:
    """One seed: how much happened, how the bills ended, and what was not as promised."""
    life.settle()
    weather = Weather(life=life, dice=random.Random(seed))  # noqa: S311 - the same every time
    trouble: list[str] = []
    try:
        weather.rage(bills)
        weather.clear_up()
    except AssertionError as error:
        trouble = [str(error)]
    trouble += [*broken(life), *unequal(life), *life.errors]
    return {
        "seed": seed,
        "events": weather.events,
        "steps": life.steps.total(),
        "ends": Counter(item["status"] for item in life.world.items().values()),
        "trouble": told(life, trouble),
    }
