"""Every function dies at every step of a bill's life, and each time all ends as if it had not.

A life is lived once. Before each step that changes something outside, the process forks: in the
copy the function dies there, or the step's answer is lost, or somebody is faster; and the life
goes on from what is left of it. Dying just after a step is dying before the next, and a step that
only reads leaves nothing to tell the two apart, so these are all the deaths there are. Steps are
found by living: code that is new is covered.
"""

from __future__ import annotations

import gc
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import pytest

import extractor
from odoo_qb.approval.interaction import MODAL_FIELDS
from sandbox.in_process.chain import CHANNEL
from tests.simulation.fork import in_a_copy, split, tell
from tests.simulation.invariants import broken, spare_cards_decide_nothing
from tests.simulation.scenarios import (
    BRITISH_COMPANY,
    LIVES,
    OVERTAKEN,
    SETTINGS,
    VAT,
    met,
    number_of,
    peace,
)
from tests.simulation.setup import a_life
from tests.simulation.simulation import END, is_read, promise_of
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.simulation import Life

Json = dict[str, Any]
SOMEBODY_ELSE = "U-CONTROLLER"


@dataclass
class Mishaps:
    """Lets a life fork before each step that changes something; what the copies found."""

    life: Life
    is_overtaken: bool
    tried: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    pipe: int = 0  # a copy's way to tell; the original has none
    may_end_otherwise: bool = False

    def fate(self, step: str, work: Callable[[], Any]) -> Any:
        if self.pipe or is_read(step):
            return work()
        if self._happens(f"dead before {step}"):
            self.life.die()
        if step.endswith(END):
            return work()
        if self._happens(f"no answer from {step}"):
            return self.life.lose_answer(step, work)
        if self.is_overtaken and self._happens(f"clicked before {step}"):
            self._click(step)
        elif self.is_overtaken and self._happens(f"amended before {step}"):
            self._amend(step)
        return work()

    def _click(self, step: str) -> None:
        """Somebody clicks the card of the bill this step is about."""
        self.may_end_otherwise = True
        self.life.mishaps.append(step)
        for card in self.life.cards(self.life.subject)[-1:]:
            for action in [b for b in buttons(card) if b not in {"view_pdf", *MODAL_FIELDS}]:
                request = self.life.world.slack.click(SOMEBODY_ELSE, CHANNEL, card.ts, action)
                self.life.clicked(promise_of(card, action, SOMEBODY_ELSE), request)

    def _amend(self, step: str) -> None:
        """Somebody changes the bill in Odoo, and another run reads that."""
        self.may_end_otherwise = True
        self.life.mishaps.append(step)
        books = self.life.world.odoo
        if self.life.subject:
            books.amend(number_of(self.life.subject), lines=[("Amended meanwhile", "77.00")])
            self.life.invoke(extractor, {})

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
    mishaps = Mishaps(life, live in OVERTAKEN)
    life.fate = mishaps.fate
    try:
        live(life)
        with peace(life):
            life.settle()
            trouble = [*broken(life), *spare_cards_decide_nothing(life), *life.errors]
        ends = {i: item["status"] for i, item in life.world.items().items()}
        others = {s for i, s in ends.items() if i not in bystanders} - {LIVES[live]}
        if not mishaps.may_end_otherwise:
            trouble += [f"it ended as {end}" for end in others]
        trouble += ["a message ended as a dead letter"] * life.dead_letters
    except Exception:  # noqa: BLE001 - whatever it is, the original has to hear of it
        trouble = [traceback.format_exc()]
    if mishaps.pipe:
        tell(mishaps.pipe, trouble)
    name = live.__name__.replace("_", " ")
    found = [f"{name}: {t}" for t in (*trouble, *mishaps.found)]
    return {
        "steps": life.steps,
        "tried": mishaps.tried,
        "promises": len(life.promises),
        "trouble": found,
    }


def _lives(names: list[str]) -> list[Json]:
    """Some of the lives, each in a copy of one morning, with bills already posted beside it."""
    british = {BRITISH_COMPANY: SETTINGS}
    with (
        pytest.MonkeyPatch.context() as patch,
        a_life(patch, british, two_approvals_above=10000) as life,
    ):
        # Nobody is saved by QuickBooks' memory of request ids: it forgets them at once.
        forgets = {"request_id": "forget_after_ttl", "request_id_hours": 0}
        life.world.quickbooks.configure(modes=forgets)
        for journal in ("", VAT):
            life.decide(met(life, "INV-0", journal), "approve_invoice")
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
    assert tried.total() > 600
    assert sum(one["promises"] for one in lives) > len(lives)  # people were told that it is done
    print(f"{len(lives)} lives, {steps.total()} steps, {tried.total()} mishaps, all in order")  # noqa: T201 - shown with -s
