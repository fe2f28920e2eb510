"""A random run: everything that can go wrong does, then everything works again.

Bills of four companies, two of them British, arrive, change and are cancelled at any moment, also
late. People click late and twice, and AWS delivers twice. The same seed gives the same run.
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
from tests.simulation.faults import FaultInjector
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
    from tests.simulation.simulation import Simulation
    from tests.support.journal import Journal

Json = dict[str, Any]
COMPANIES: Final = {1: "US", 2: "US", 3: "GB", 4: "GB"}
UNDECIDED: Final = "TruAlchemy"  # how its bills with another cent of tax are posted is random
SETTINGS_BRITISH: Final[dict[str, Json]] = {
    "EssentialElements": BRITISH | {"tax": "override"},
    UNDECIDED: BRITISH_BY_LINES,
}
PEOPLE: Final = ("U-APPROVER", "U-SECOND")
OVERTAKER: Final = "U-CONTROLLER"
SETTINGS: Final = {"two_approvals_above": 5000, "reminder_hours": 6}
PDF: Final = b"%PDF-1.4 "
_ROUNDS: Final = 12  # of people deciding once the faults have ended
_BOXES: Final = """
product 611000 10.00 "Boxes"
product 611000 -10.00 "Boxes returned"
"""


@dataclass(kw_only=True)
class RandomRun:
    """A simulation with faults, and what people do meanwhile."""

    simulation: Simulation
    injector: FaultInjector
    dice: random.Random
    _late: list[SignedRequest] = field(default_factory=list)

    def bill_arrives(self) -> None:
        """Somebody enters a bill in Odoo; its transaction may have begun a while ago."""
        dice, books = self.dice, self.simulation.world.odoo
        at = books.clock()
        if dice.random() < 0.2:
            self.injector.happens("Odoo committed late")
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
        self.injector.happens("bills")
        for n in range(dice.choice((0, 1, 1, 1, 2))):
            content = PDF + f"{number} {n}".encode()
            books.attach(number, f"{number}-{n}.pdf", content, main=n == 0, at=at)

    def _drawn(self, company: int) -> Journal:
        """A bill's rows; now and then they come to nothing."""
        partners = self.simulation.world.odoo.records["res.partner"]
        head = {
            "reference": f"INV-{self.dice.randint(1000, 9999)}-{self.injector.events['bills']}",
            "vendor": partners[self.dice.choice(self.injector.neighbours.vendors())]["name"],
        }
        if self.dice.random() < 0.03:
            return parse("\n".join(f"{key}: {value}" for key, value in head.items()) + _BOXES)
        return a_journal(self.dice, COMPANIES[company], **head)

    def bill_changes(self, among: list[Json] | None = None) -> None:
        """Somebody does something to one of the bills, whatever became of it meanwhile."""
        dice, books = self.dice, self.simulation.world.odoo
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
        self.injector.happens(f"bills {what}")

    def _is_ours(self, move: Json) -> bool:
        return bool(move["move_type"].startswith("in_") and str(move["ref"]).startswith("INV-"))

    def meanwhile(self, running: str) -> None:
        """What may happen in the middle of a function's run, but for AWS's own order of things."""
        simulation = self.simulation
        acts: dict[str, Callable[[], object]] = {
            "its bill changed meanwhile": lambda: self.subject_changes(simulation.subject),
            "its bill was clicked meanwhile": lambda: self.clicks_on(
                simulation.cards(simulation.subject)
            ),
            "the extractor ran meanwhile": lambda: simulation.invoke(extractor, {}),
            "the notifier ran meanwhile": simulation.show,
            "the poster ran meanwhile": simulation.post,
        }
        acts = {what: act for what, act in acts.items() if f"the {running} " not in what}
        what = self.dice.choice(list(acts))
        self.injector.happens(what)
        acts[what]()

    def subject_changes(self, entry_id: str) -> None:
        """The very bill a function is at is changed in Odoo, and that is read."""
        number = entry_id.removeprefix("odoo-")  # which a hand may have written
        moves = self.simulation.world.odoo.records["account.move"]
        if number.isdecimal() and (move := moves.get(int(number))):
            self.bill_changes([move])
            self.simulation.invoke(extractor, {})

    def clicks_on(self, messages: list[Message]) -> None:
        """Somebody else clicks on the very bill a function is at."""
        self._click_some(messages[-1:], 1.0, (OVERTAKER,))

    def people_click(self, share: float) -> None:
        """Some of the cards that offer a decision get one, perhaps late, perhaps twice."""
        messages = self.simulation.world.slack.channels[CHANNEL].messages
        self._click_some(list(messages.values()), share, PEOPLE)

    def _click_some(self, messages: list[Message], share: float, people: tuple[str, ...]) -> None:
        dice, slack = self.dice, self.simulation.world.slack
        for message in messages:
            offered = [b for b in buttons(message) if b != "view_pdf"]
            if not offered or dice.random() > share:
                continue
            action, person = self._chosen(offered), dice.choice(people)
            if promise_of(message, action, person).entry_id in self.simulation.strangers:
                continue  # nobody knows such a bill
            request = slack.click(person, CHANNEL, message.ts, action)
            if dice.random() < 0.1:
                self.injector.happens("a click came late")
                self._late.append(request)
                continue
            self.injector.happens("clicks")
            if dice.random() < 0.1:
                self.injector.happens("a click came twice")
                self.simulation.send(request)
            self._clicked(message, action, person, request)

    def _clicked(self, message: Message, action: str, person: str, request: SignedRequest) -> None:
        promise = promise_of(message, action, person)
        if action in MODAL_FIELDS:
            self.simulation.typed(promise, request, "Not ordered" if "reject" in action else "1")
        else:
            self.simulation.clicked(promise, request)

    def _chosen(self, offered: list[str]) -> str:
        weights = {"approve_invoice": 12, "retry_posting": 8, "reopen_invoice": 1, "take_back": 1}
        weights |= {"close_invoice": 0, "link_existing": 0, "acknowledge_intercompany": 6}
        found = [weights.get(action, 1) for action in offered]
        return self.dice.choices(offered, found)[0]

    def late_clicks_arrive(self) -> None:
        late, self._late = self._late, []
        for request in late:
            self.simulation.send(request)

    def run_with_faults(self, bills: int, hours: int) -> None:
        """Run with faults for so many hours, in which so many bills arrive."""
        simulation, dice = self.simulation, self.dice
        quarters = int(timedelta(hours=hours) / QUARTER)
        arrivals = Counter(dice.randrange(quarters * 9 // 10) for _ in range(bills))
        british = {"tax": dice.choice(("", "quickbooks", "lines"))}
        american = {"tax_on_lines": dice.random() < 0.5}
        settle(simulation.world, {UNDECIDED: british, "LiveConscious": american})
        self.injector.meanwhile = self.meanwhile
        self.injector.begin()
        for quarter in range(quarters):
            self.injector.changes()
            for _ in range(arrivals[quarter]):
                self.bill_arrives()
            if dice.random() < bills / quarters / 2:
                self.bill_changes()
            if quarter % 96 == 30:
                simulation.daily()
            if quarter % 4 == 0:
                simulation.hourly()
            simulation.quarter()
            self.people_click(0.05)  # on cards that are outdated by now
            self._deliveries()
            self.people_click(0.15)
            self._deliveries()
            simulation.clock.sleep(240)
            self.late_clicks_arrive()
            self._deliveries()
            simulation.world.aws.calls.clear()
            if quarter % 4 == 0 and (trouble := broken_at_any_time(simulation)):
                raise AssertionError(" ".join(trouble))

    def _deliveries(self) -> None:
        if self.dice.random() < 0.2:
            self.injector.happens("AWS delivered twice")
            self.simulation.repeat_deliveries()
        self.simulation.flow()

    def run_without_faults(self) -> None:
        """Run without faults; people decide what is left, and how VAT is posted."""
        self.injector.end()
        if not companies(self.simulation.world)[UNDECIDED]["tax"]:
            settle(self.simulation.world, {UNDECIDED: {"tax": "override"}})
        self.simulation.settle()
        for _ in range(_ROUNDS):
            if not self._decided_the_rest():
                self.injector.neighbours.leave()
                return
            self.simulation.settle()
        raise AssertionError("people could not decide all bills")

    def _decided_the_rest(self) -> int:
        """Approve what waits and try again what failed; how many of them there were."""
        left = 0
        for entry_id, item in self.simulation.bills().items():
            action = {"READY_FOR_APPROVAL": "approve_invoice", "POST_FAILED": "retry_posting"}
            wanted = action.get(item["status"], "")
            if item["nothing_to_post"] and wanted == "approve_invoice":
                wanted = "acknowledge_intercompany"
            left += bool(wanted)
            if wanted == "retry_posting" and not self._mend(item):
                continue
            if wanted:
                for person in PEOPLE:
                    self.simulation.decide(entry_id, wanted, person)
        return left

    def _mend(self, item: Item) -> bool:
        """Do what the card of a bill that failed says; whether it has to be tried again then."""
        world, code = self.simulation.world, item["error"]["code"]
        realm = realm_of(world, item)
        kind, _, key = item["error"].get("document", "").partition(" ")
        self.injector.happens(f"people mended what QuickBooks refused with {code}")
        if code in {"total", "tax"}:
            correct_by_hand(item, realm, realm.table(kind)[key])
        elif code == "different":  # it is of an earlier content
            realm.delete(kind, key, self.simulation.clock.now)
        elif code == "2290":  # a negative amount
            change(world.odoo, int(item["odoo_id"]), parse("product 611000 50.00"))
            self.simulation.settle()
            return False
        return True


def run_seed(simulation: Simulation, seed: int, bills: int, hours: int) -> Json:
    """One seed: how much happened, how the bills ended, and what was not as promised."""
    dice = random.Random(seed)  # noqa: S311 - the same every time
    injector = FaultInjector(simulation=simulation, dice=dice)
    random_run = RandomRun(simulation=simulation, injector=injector, dice=dice)
    trouble: list[str] = []
    try:
        random_run.run_with_faults(bills, hours)
        random_run.run_without_faults()
    except AssertionError as error:
        trouble = [str(error)]
    except Exception:  # noqa: BLE001 - whatever it is, the original has to hear of it
        trouble = traceback.format_exc().splitlines()[-8:]
    trouble += [*broken(simulation), *simulation.errors]
    injector.events["people were told that it is done"] = len(simulation.promises)
    injector.events["messages that ended as dead letters"] = simulation.dead_letters
    return {
        "seed": seed,
        "events": injector.events,
        "steps": simulation.steps,
        "checked": simulation.checked,
        "ends": Counter(item["status"] for item in simulation.world.items().values()),
        "trouble": told(simulation, trouble),
    }


def told(simulation: Simulation, trouble: list[str]) -> list[str]:
    """The trouble, and the story of the first bill it is about."""
    words = [word.strip(":,.'\"[") for said in trouble for word in said.split()]
    items = simulation.world.items()
    first = next((items[word] for word in words if word in items), None)
    return [*trouble[:20], *(f"    {line}" for line in (story(first) if first else ()))]
