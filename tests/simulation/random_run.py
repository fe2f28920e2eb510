"""Two days of bad weather: everything that can go wrong does, by the dice, and then clears up.

Bills of four companies arrive, change and are cancelled at any moment, also late, while people
click late and twice and AWS delivers twice. Two of the companies are British. One seed is one
story, the same every time.
"""

from __future__ import annotations

import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import extractor
from odoo_qb.approval.interaction import MODAL_FIELDS
from odoo_qb.operations.audit_trail import story
from sandbox.in_process.chain import CHANNEL
from tests.simulation.faults import Storm
from tests.simulation.invariants import broken, broken_at_any_time
from tests.simulation.setup import companies, settle
from tests.simulation.simulation import QUARTER, promise_of
from tests.support.booked import correct_by_hand
from tests.support.drawn import BRITISH, BRITISH_BY_LINES, a_journal
from tests.support.entering import change, enter
from tests.support.journal import parse
from tests.support.reconciliation import realm_of
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.bill.item import Item
    from sandbox.slack.payloads import Message
    from sandbox.slack.server import SignedRequest
    from tests.simulation.simulation import Life
    from tests.support.journal import Journal

Json = dict[str, Any]
COMPANIES: Final = {1: "US", 2: "US", 3: "GB", 4: "GB"}
UNDECIDED: Final = "TruAlchemy"  # how its bills of another cent of tax are posted, the dice say
SETTINGS_BRITISH: Final[dict[str, Json]] = {
    "EssentialElements": BRITISH | {"tax": "override"},
    UNDECIDED: BRITISH_BY_LINES,
}
PEOPLE: Final = ("U-APPROVER", "U-SECOND")
OVERTAKER: Final = "U-CONTROLLER"
SETTINGS: Final = {"two_approvals_above": 5000, "reminder_hours": 6}
PDF: Final = b"%PDF-1.4 "
_ROUNDS: Final = 12  # of people deciding once the weather is good
_BOXES: Final = """
product 611000 10.00 "Boxes"
product 611000 -10.00 "Boxes returned"
"""


@dataclass(kw_only=True)
class Weather:
    """A storm over a life, and what people do meanwhile."""

    life: Life
    storm: Storm
    dice: random.Random
    _late: list[SignedRequest] = field(default_factory=list)

    def bill_arrives(self) -> None:
        """Somebody enters a bill in Odoo; its transaction may have begun a while ago."""
        dice, books = self.dice, self.life.world.odoo
        at = books.clock()
        if dice.random() < 0.2:
            self.storm.happens("Odoo committed late")
            at -= timedelta(minutes=dice.randint(1, 12))
        company = dice.choice(list(COMPANIES))
        number = enter(
            books,
            self._drawn(company),
            company=company,
            move_type=dice.choice(["in_invoice"] * 8 + ["in_refund", "in_receipt"]),
            currency="EUR" if dice.random() < 0.1 else "",
            at=at,
        )
        if dice.random() < 0.1:
            books.reset_to_draft(number, at=at)
        self.storm.happens("bills")
        for n in range(dice.choice((0, 1, 1, 1, 2))):
            content = PDF + f"{number} {n}".encode()
            books.attach(number, f"{number}-{n}.pdf", content, main=n == 0, at=at)

    def _drawn(self, company: int) -> Journal:
        """A bill's rows; now and then they come to nothing."""
        partners = self.life.world.odoo.records["res.partner"]
        head = {
            "reference": f"INV-{self.dice.randint(1000, 9999)}-{self.storm.events['bills']}",
            "vendor": partners[self.dice.choice(self.storm.neighbours.vendors())]["name"],
        }
        if self.dice.random() < 0.03:
            return parse("\n".join(f"{key}: {value}" for key, value in head.items()) + _BOXES)
        return a_journal(self.dice, COMPANIES[company], **head)

    def bill_changes(self, among: list[Json] | None = None) -> None:
        """Somebody does something to one of the bills, whatever became of it meanwhile."""
        dice, books = self.dice, self.life.world.odoo
        known = among or [m for m in books.records["account.move"].values() if self._is_ours(m)]
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
            change(books, number, a_journal(dice, COMPANIES[move["company_id"]], text="Amended"))
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
        self.storm.happens(f"bills {what}")

    def _is_ours(self, move: Json) -> bool:
        return bool(move["move_type"].startswith("in_") and str(move["ref"]).startswith("INV-"))

    def meanwhile(self, running: str) -> None:
        """What may happen in the middle of a function's run, but for AWS's own order of things."""
        life = self.life
        acts: dict[str, Callable[[], object]] = {
            "its bill changed meanwhile": lambda: self.subject_changes(life.subject),
            "its bill was clicked meanwhile": lambda: self.clicks_on(life.cards(life.subject)),
            "the extractor ran meanwhile": lambda: life.invoke(extractor, {}),
            "the notifier ran meanwhile": life.show,
            "the poster ran meanwhile": life.post,
        }
        acts = {what: act for what, act in acts.items() if f"the {running} " not in what}
        what = self.dice.choice(list(acts))
        self.storm.happens(what)
        acts[what]()

    def subject_changes(self, entry_id: str) -> None:
        """The very bill a function is at is changed in Odoo, and that is read."""
        number = entry_id.removeprefix("odoo-")  # which a hand may have written
        moves = self.life.world.odoo.records["account.move"]
        if number.isdecimal() and (move := moves.get(int(number))):
            self.bill_changes([move])
            self.life.invoke(extractor, {})

    def clicks_on(self, messages: list[Message]) -> None:
        """Somebody else clicks on the very bill a function is at."""
        self._click_some(messages[-1:], 1.0, (OVERTAKER,))

    def people_click(self, share: float) -> None:
        """Some of the cards that offer a decision get one, perhaps late, perhaps twice."""
        messages = self.life.world.slack.channels[CHANNEL].messages
        self._click_some(list(messages.values()), share, PEOPLE)

    def _click_some(self, messages: list[Message], share: float, people: tuple[str, ...]) -> None:
        dice, slack = self.dice, self.life.world.slack
        for message in messages:
            offered = [b for b in buttons(message) if b != "view_pdf"]
            if not offered or dice.random() > share:
                continue
            action, person = self._chosen(offered), dice.choice(people)
            if promise_of(message, action, person).entry_id in self.life.strangers:
                continue  # nobody knows such a bill
            request = slack.click(person, CHANNEL, message.ts, action)
            if dice.random() < 0.1:
                self.storm.happens("a click came late")
                self._late.append(request)
                continue
            self.storm.happens("clicks")
            if dice.random() < 0.1:
                self.storm.happens("a click came twice")
                self.life.send(request)
            self._clicked(message, action, person, request)

    def _clicked(self, message: Message, action: str, person: str, request: SignedRequest) -> None:
        promise = promise_of(message, action, person)
        if action in MODAL_FIELDS:
            self.life.typed(promise, request, "Not ordered" if "reject" in action else "1")
        else:
            self.life.clicked(promise, request)

    def _chosen(self, offered: list[str]) -> str:
        weights = {"approve_invoice": 12, "retry_posting": 8, "reopen_invoice": 1, "take_back": 1}
        weights |= {"close_invoice": 0, "link_existing": 0, "acknowledge_intercompany": 6}
        found = [weights.get(action, 1) for action in offered]
        return self.dice.choices(offered, found)[0]

    def late_clicks_arrive(self) -> None:
        late, self._late = self._late, []
        for request in late:
            self.life.send(request)

    def rage(self, bills: int, hours: int) -> None:
        """The storm, for so many hours, in which so many bills arrive."""
        life, dice = self.life, self.dice
        quarters = int(timedelta(hours=hours) / QUARTER)
        arrivals = Counter(dice.randrange(quarters * 9 // 10) for _ in range(bills))
        british = {"tax": dice.choice(("", "quickbooks", "lines"))}
        american = {"tax_on_lines": dice.random() < 0.5}
        settle(life.world, {UNDECIDED: british, "LiveConscious": american})
        self.storm.meanwhile = self.meanwhile
        self.storm.begin()
        for quarter in range(quarters):
            self.storm.changes()
            for _ in range(arrivals[quarter]):
                self.bill_arrives()
            if dice.random() < bills / quarters / 2:
                self.bill_changes()
            if quarter % 96 == 30:
                life.daily()
            if quarter % 4 == 0:
                life.hourly()
            life.quarter()
            self.people_click(0.05)  # on cards that are outdated by now
            self._deliveries()
            self.people_click(0.15)
            self._deliveries()
            life.clock.sleep(240)
            self.late_clicks_arrive()
            self._deliveries()
            life.world.aws.calls.clear()
            if quarter % 4 == 0 and (trouble := broken_at_any_time(life)):
                raise AssertionError(" ".join(trouble))

    def _deliveries(self) -> None:
        if self.dice.random() < 0.2:
            self.storm.happens("AWS delivered twice")
            self.life.repeat_deliveries()
        self.life.flow()

    def clear_up(self) -> None:
        """Good weather, in which people decide what is left, and how VAT is posted."""
        self.storm.end()
        if not companies(self.life.world)[UNDECIDED]["tax"]:
            settle(self.life.world, {UNDECIDED: {"tax": "override"}})
        self.life.settle()
        for _ in range(_ROUNDS):
            if not self._decided_the_rest():
                self.storm.neighbours.leave()
                return
            self.life.settle()
        raise AssertionError("people could not decide all bills")

    def _decided_the_rest(self) -> int:
        """Approve what waits and try again what failed; how many of them there were."""
        left = 0
        for entry_id, item in self.life.bills().items():
            action = {"READY_FOR_APPROVAL": "approve_invoice", "POST_FAILED": "retry_posting"}
            wanted = action.get(item["status"], "")
            if item["nothing_to_post"] and wanted == "approve_invoice":
                wanted = "acknowledge_intercompany"
            left += bool(wanted)
            if wanted == "retry_posting" and not self._mend(item):
                continue
            if wanted:
                for person in PEOPLE:
                    self.life.decide(entry_id, wanted, person)
        return left

    def _mend(self, item: Item) -> bool:
        """Do what the card of a bill that failed says; whether it has to be tried again then."""
        world, code = self.life.world, item["error"]["code"]
        realm = realm_of(world, item)
        kind, _, key = item["error"].get("document", "").partition(" ")
        self.storm.happens(f"people mended what QuickBooks refused with {code}")
        if code in {"total", "tax"}:
            correct_by_hand(item, realm, realm.table(kind)[key])
        elif code == "different":  # it is of an earlier content
            realm.delete(kind, key, self.life.clock.now)
        elif code == "2290":  # a negative amount
            change(world.odoo, int(item["odoo_id"]), parse("product 611000 50.00"))
            self.life.settle()
            return False
        return True


def weathered(life: Life, seed: int, bills: int, hours: int) -> Json:
    """One seed: how much happened, how the bills ended, and what was not as promised."""
    dice = random.Random(seed)  # noqa: S311 - the same every time
    storm = Storm(life=life, dice=dice)
    weather = Weather(life=life, storm=storm, dice=dice)
    trouble: list[str] = []
    try:
        weather.rage(bills, hours)
        weather.clear_up()
    except AssertionError as error:
        trouble = [str(error)]
    except Exception:  # noqa: BLE001 - whatever it is, the original has to hear of it
        trouble = traceback.format_exc().splitlines()[-8:]
    trouble += [*broken(life), *life.errors]
    storm.events["people were told that it is done"] = len(life.promises)
    storm.events["messages that ended as dead letters"] = life.dead_letters
    return {
        "seed": seed,
        "events": storm.events,
        "steps": life.steps,
        "checked": life.checked,
        "ends": Counter(item["status"] for item in life.world.items().values()),
        "trouble": told(life, trouble),
    }


def told(life: Life, trouble: list[str]) -> list[str]:
    """The trouble, and the story of the first bill it is about."""
    words = [word.strip(":,.'\"[") for said in trouble for word in said.split()]
    items = life.world.items()
    first = next((items[word] for word in words if word in items), None)
    return [*trouble[:20], *(f"    {line}" for line in (story(first) if first else ()))]
