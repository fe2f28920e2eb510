"""Kill every function at every step of every scenario: each time all ends as if it had not died.

A scenario runs once. Before each step that changes something outside, the process forks. In the
copy a mishap happens: the function dies there, or the step's answer is lost, or someone else acts
first; then the copy continues to its end. Dying after a step is the same as dying before the next,
and a step that only reads changes nothing, so this covers all deaths. Steps are found by running
the code, so new code is covered.
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
    OVERTAKEN,
    SCENARIOS,
    SETTINGS,
    VAT,
    a_waiting_bill,
    number_of,
    without_mishaps,
)
from tests.simulation.setup import a_simulation
from tests.simulation.simulation import END, is_read, promise_of
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tests.simulation.simulation import Simulation

Json = dict[str, Any]
SOMEBODY_ELSE = "U-CONTROLLER"


@dataclass
class Mishaps:
    """Forks before each step that changes something, and collects what the copies found."""

    simulation: Simulation
    is_overtaken: bool
    tried: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    pipe: int = 0  # by which a copy tells; 0 in the original
    may_end_otherwise: bool = False

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        if self.pipe or is_read(step):
            return work()
        if self._happens(f"dead before {step}"):
            self.simulation.die()
        if step.endswith(END):
            return work()
        if self._happens(f"no answer from {step}"):
            return self.simulation.lose_answer(step, work)
        if self.is_overtaken and self._happens(f"clicked before {step}"):
            self._click(step)
        elif self.is_overtaken and self._happens(f"amended before {step}"):
            self._amend(step)
        return work()

    def _click(self, step: str) -> None:
        """Someone else clicks the card of this step's bill."""
        self.may_end_otherwise = True
        self.simulation.mishaps.append(step)
        for card in self.simulation.cards(self.simulation.subject)[-1:]:
            for action in [b for b in buttons(card) if b not in {"view_pdf", *MODAL_FIELDS}]:
                request = self.simulation.world.slack.click(SOMEBODY_ELSE, CHANNEL, card.ts, action)
                self.simulation.clicked(promise_of(card, action, SOMEBODY_ELSE), request)

    def _amend(self, step: str) -> None:
        """Someone changes the bill in Odoo, and another run reads that."""
        self.may_end_otherwise = True
        self.simulation.mishaps.append(step)
        books = self.simulation.world.odoo
        if self.simulation.subject:
            books.amend(number_of(self.simulation.subject), lines=[("Amended meanwhile", "77.00")])
            self.simulation.invoke(extractor, {})

    def _happens(self, mishap: str) -> bool:
        """Fork; True in the copy, in which the mishap happens. The original collects its result."""
        self.pipe, said = split()
        if self.pipe:
            return True
        self.tried[mishap] += 1
        trouble = said if said is not None else ["the copy ended without a word"]
        self.found += [f"{mishap} ({self.tried[mishap]}): {t}" for t in trouble]
        return False


def _run_with_mishaps(simulation: Simulation, scenario: Callable[[Simulation], None]) -> Json:
    """Run a scenario with all its mishaps; returns how many there were and what was violated."""
    bystanders = set(simulation.world.items())
    mishaps = Mishaps(simulation, scenario in OVERTAKEN)
    simulation.on_step = mishaps.on_step
    try:
        scenario(simulation)
        trouble = _violated(simulation)
        if not mishaps.may_end_otherwise:
            trouble += _ended_otherwise(simulation, bystanders, SCENARIOS[scenario])
    except Exception:  # noqa: BLE001 - the original must get any error
        trouble = [traceback.format_exc()]
    if mishaps.pipe:
        tell(mishaps.pipe, trouble)
    name = scenario.__name__.replace("_", " ")
    found = [f"{name}: {t}" for t in (*trouble, *mishaps.found)]
    return {
        "steps": simulation.steps,
        "tried": mishaps.tried,
        "promises": len(simulation.promises),
        "trouble": found,
    }


def _violated(simulation: Simulation) -> list[str]:
    """What is wrong once all deliveries and repeats have ended."""
    with without_mishaps(simulation):
        simulation.settle()
        return [
            *broken(simulation),
            *spare_cards_decide_nothing(simulation),
            *simulation.errors,
            *["a message ended as a dead letter"] * simulation.dead_letters,
        ]


def _ended_otherwise(simulation: Simulation, bystanders: Collection[str], end: str) -> list[str]:
    """The scenario's bills that ended in another status, whatever happened to the others."""
    items = simulation.world.items()
    ends = {item["status"] for entry_id, item in items.items() if entry_id not in bystanders}
    return [f"it ended as {status}" for status in ends - {end}]


def _run_scenarios(names: list[str]) -> list[Json]:
    """Run some scenarios, each in a copy of one simulation with bills already posted."""
    british = {BRITISH_COMPANY: SETTINGS}
    with (
        pytest.MonkeyPatch.context() as patch,
        a_simulation(patch, british, two_approvals_above=10000) as simulation,
    ):
        # QuickBooks forgets request ids at once, so that they save no one.
        forgets = {"request_id": "forget_after_ttl", "request_id_hours": 0}
        simulation.world.quickbooks.configure(modes=forgets)
        for journal in ("", VAT):
            simulation.decide(a_waiting_bill(simulation, "INV-0", journal), "approve_invoice")
        simulation.steps.clear()
        gc.collect()
        gc.freeze()  # a collection would copy every page that a fork shares
        mine = [scenario for scenario in SCENARIOS if scenario.__name__ in names]
        return [in_a_copy(partial(_run_with_mishaps, simulation, scenario)) for scenario in mine]


def test_a_function_may_die_or_miss_an_answer_at_any_step() -> None:
    names = [scenario.__name__ for scenario in SCENARIOS]
    # New processes, because this one has threads and a fork copies only its own.
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = [
            one for half in pool.map(_run_scenarios, (names[::2], names[1::2])) for one in half
        ]
    trouble = [t for one in results for t in one["trouble"]]
    assert not trouble, "\n".join(trouble)
    steps = sum((Counter(one["steps"]) for one in results), Counter[str]())
    tried = sum((Counter(one["tried"]) for one in results), Counter[str]())
    died = Counter(mishap.removeprefix("dead before ").partition(":")[0] for mishap in tried)
    assert {"extractor", "notifier", "approval_handler", "poster"} <= died.keys()
    assert tried.total() > 600
    assert sum(one["promises"] for one in results) > len(
        results
    )  # decisions were confirmed to people
    print(f"{len(results)} scenarios, {steps.total()} steps, {tried.total()} mishaps, all in order")  # noqa: T201 - shown with -s
