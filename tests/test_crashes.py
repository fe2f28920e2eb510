"""Every function dies at every step of a bill's life, and each time all ends as if it had not.

A life is lived once. Before each step that changes something outside, the process forks: in the
copy the function dies there, and the life goes on from what is left of it. Dying just after a
step is dying before the next, and a step that only reads leaves nothing to tell the two apart, so
these are all the deaths there are. Steps are found by living: code that is new is covered.
"""

from __future__ import annotations

import gc
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import pytest

from copies import in_a_copy, split, tell
from life import END, Life, a_life, is_read
from promises import broken, spare_cards_decide_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
COMPANY = "1MD"
REALM = "9130350000000001"
PDF = b"%PDF-1.4 what the vendor sent"
SECOND = "U-SECOND"


def _a_bill(life: Life, reference: str, **fields: Any) -> str:
    """A bill with a PDF in Odoo, read and shown in peace; its entry_id."""
    with _peace(life):
        return _met(life, reference, **fields)


@contextmanager
def _peace(life: Life) -> Iterator[None]:
    """For what another life suffers already."""
    fate, life.fate = life.fate, Life.fate
    yield
    life.fate = fate


def _met(life: Life, reference: str, **fields: Any) -> str:
    number = life.world.odoo.new_bill(reference=reference, **fields)
    life.world.odoo.attach(number, f"{reference}.pdf", PDF + reference.encode(), main=True)
    life.settle()
    return f"odoo-{number}"


def an_ordinary_bill(life: Life) -> None:
    life.decide(_met(life, "INV-1"), "approve_invoice")
    life.settle()


def a_vendor_credit(life: Life) -> None:
    life.decide(_a_bill(life, "CREDIT-1", move_type="in_refund"), "approve_invoice")


def a_bill_of_a_vendor_quickbooks_does_not_have(life: Life) -> None:
    life.decide(_a_bill(life, "INV-1", vendor=21), "approve_invoice")


def a_bill_rejected_and_reopened(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    life.decide(bill, "reject_invoice", typed="Not ordered")
    life.decide(bill, "reopen_invoice", SECOND)
    with _peace(life):
        life.decide(bill, "approve_invoice")


def a_bill_of_zero_acknowledged(life: Life) -> None:
    bill = _a_bill(life, "INV-1", lines=[("Boxes", "10.00"), ("Boxes returned", "-10.00")])
    life.decide(bill, "acknowledge_intercompany")


def a_bill_amended_while_it_waits(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    _amend(life, bill, "120.00")
    life.decide(bill, "approve_invoice")


def a_bill_amended_after_it_was_posted(life: Life) -> None:
    with _peace(life):
        bill = _a_bill(life, "INV-1")
        life.decide(bill, "approve_invoice")
    _amend(life, bill, "120.00")


def a_bill_withdrawn_and_posted_again(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    life.world.odoo.reset_to_draft(_number(bill))
    life.settle()
    life.world.odoo.post(_number(bill))
    life.settle()
    with _peace(life):
        life.decide(bill, "approve_invoice")


def a_bill_of_two_approvals(life: Life) -> None:
    bill = _a_bill(life, "INV-1", lines=[("A machine", "12000.00")])
    life.decide(bill, "approve_invoice")
    life.decide(bill, "approve_invoice", SECOND)


def a_bill_refused_and_tried_again(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    life.world.quickbooks.configure(realms={REALM: {"book_close_date": "2026-11-30"}})
    life.decide(bill, "approve_invoice")
    life.world.quickbooks.configure(realms={REALM: {"book_close_date": None}})
    life.decide(bill, "retry_posting")


def a_bill_linked_to_one_that_was_there(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    realm = life.world.quickbooks.realms[REALM]
    there = next(iter(realm.bills.values()))
    entered = {k: v for k, v in there.items() if k not in {"Id", "PrivateNote"}}
    by_hand = realm.add("Bill", entered | {"DocNumber": "INV-1"}, life.clock.now)
    life.decide(bill, "approve_invoice")
    life.decide(bill, "link_existing", typed=by_hand["Id"])


def a_company_disconnected_and_connected_again(life: Life) -> None:
    bill = _a_bill(life, "INV-1")
    life.world.quickbooks.connect(REALM, "by-hand")
    life.disconnected.add(COMPANY)
    life.decide(bill, "approve_invoice")
    assert len([m for m in life.world.mails() if "wait for a connection" in m]) >= 1
    life.reseed(COMPANY, "by-hand")
    life.disconnected.clear()
    life.settle()


def a_bill_cancelled_while_nobody_knows_what_became_of_it(life: Life) -> None:
    """QuickBooks takes it, but the connection ends with the answer; then Odoo cancels it."""
    bill, quickbooks = _a_bill(life, "INV-1"), life.world.quickbooks
    quickbooks.inject("unauthorized", path="/bill", committed=True)
    quickbooks.inject("oauth_error", path="/oauth2", code="invalid_grant", status=400, times=9)
    life.disconnected.add(COMPANY)
    with _peace(life):
        life.decide(bill, "approve_invoice")
    life.world.odoo.cancel(_number(bill))
    life.settle()
    quickbooks.forgive()
    quickbooks.connect(REALM, "by-hand")
    life.reseed(COMPANY, "by-hand")
    life.disconnected.clear()
    life.settle()


def a_page_of_bills(life: Life) -> None:
    """Five at once of four companies, read in one run and shown in one."""
    for company in (1, 2, 3, 4):
        life.world.odoo.new_bill(reference=f"INV-{company}", company=company)
    _met(life, "INV-5")


# Each life, and how its bills end.
LIVES: Final[dict[Callable[[Life], None], str]] = {
    an_ordinary_bill: "POSTED",
    a_vendor_credit: "POSTED",
    a_bill_of_a_vendor_quickbooks_does_not_have: "POSTED",
    a_bill_rejected_and_reopened: "POSTED",
    a_bill_of_zero_acknowledged: "ACKNOWLEDGED",
    a_bill_amended_while_it_waits: "POSTED",
    a_bill_amended_after_it_was_posted: "POSTED",
    a_bill_withdrawn_and_posted_again: "POSTED",
    a_bill_of_two_approvals: "POSTED",
    a_bill_refused_and_tried_again: "POSTED",
    a_bill_linked_to_one_that_was_there: "ALREADY_IN_QB",
    a_company_disconnected_and_connected_again: "POSTED",
    a_bill_cancelled_while_nobody_knows_what_became_of_it: "WITHDRAWN",
    a_page_of_bills: "READY_FOR_APPROVAL",
}


def _number(bill: str) -> int:
    return int(bill.removeprefix("odoo-"))


def _amend(life: Life, bill: str, amount: str) -> None:
    life.world.odoo.amend(_number(bill), lines=[("Supplies", amount)])
    life.settle()


@dataclass
class Mishaps:
    """Lets a life fork before each step that changes something; what the copies found."""

    life: Life
    tried: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    pipe: int = 0  # a copy's way to tell; the original has none

    def fate(self, step: str, work: Callable[[], Any]) -> Any:
        if self.pipe or is_read(step):
            return work()
        if self._happens(f"dead before {step}"):
            self.life.die()
        if not step.endswith(END) and self._happens(f"no answer from {step}"):
            return self.life.lose_answer(step, work)
        return work()

    def _happens(self, mishap: str) -> bool:
        """Whether this is the copy in which it does; the original hears what came of it."""
        self.pipe, said = split()
        if self.pipe:
            return True
        self.tried[mishap] += 1
        trouble = said if said is not None else ["the copy ended without a word"]
        self.found += [f"{mishap} ({self.tried[mishap]}): {t}" for t in trouble]
        return False


def _lived(life: Life, live: Callable[[Life], None]) -> Json:
    """Live a life and all its mishaps; how many there were and what was not as it should be."""
    bystanders = life.world.items().keys()
    mishaps = Mishaps(life)
    life.fate = mishaps.fate
    try:
        live(life)
        with _peace(life):
            life.settle()
            trouble = [*broken(life), *spare_cards_decide_nothing(life), *life.errors]
        ends = {i: item["status"] for i, item in life.world.items().items()}
        others = {s for i, s in ends.items() if i not in bystanders} - {LIVES[live]}
        trouble += [f"it ended as {end}" for end in others]
        trouble += ["a message ended as a dead letter"] * life.dead_letters
    except Exception:  # noqa: BLE001 - whatever it is, the original has to hear of it
        trouble = [traceback.format_exc()]
    if mishaps.pipe:
        tell(mishaps.pipe, trouble)
    name = live.__name__.replace("_", " ")
    found = [f"{name}: {t}" for t in (*trouble, *mishaps.found)]
    return {"life": name, "steps": life.steps, "tried": mishaps.tried, "trouble": found}


def _lives(names: list[str]) -> list[Json]:
    """Some of the lives, each in a copy of one morning, with a bill already posted beside it."""
    with pytest.MonkeyPatch.context() as patch, a_life(patch, two_approvals_above=10000) as life:
        life.decide(_met(life, "INV-0"), "approve_invoice")
        life.steps.clear()
        gc.collect()
        gc.freeze()  # a collection would copy every page that a fork shares
        mine = [live for live in LIVES if live.__name__ in names]
        return [in_a_copy(partial(_lived, life, live)) for live in mine]


def test_a_function_may_die_or_miss_an_answer_at_any_step() -> None:
    names = [live.__name__ for live in LIVES]
    # Processes of their own: this one has threads, and a fork takes only the one it is in.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        lives = [one for half in pool.map(_lives, (names[::2], names[1::2])) for one in half]
    steps = sum((Counter(one["steps"]) for one in lives), Counter[str]())
    tried = sum((Counter(one["tried"]) for one in lives), Counter[str]())
    trouble = [t for one in lives for t in one["trouble"]]
    assert not trouble, "\n".join(trouble)
    died = Counter(mishap.removeprefix("dead before ").partition(":")[0] for mishap in tried)
    assert {"extractor", "notifier", "approval_handler", "poster"} <= died.keys()
    assert tried.total() > 400
    print(f"{len(lives)} lives, {steps.total()} steps, {tried.total()} mishaps, all in order")  # noqa: T201 - shown with -s
