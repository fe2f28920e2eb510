"""Random weather for a mirror: whatever comes, a quiet run later it is equal to its source."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sandbox.odoo.changes import Changes
from tests.mirror.deaths import Death, Killed
from tests.mirror.small_ledger import wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.in_process.mirror import MirrorDesk
    from sandbox.odoo.http import Failure
    from sandbox.odoo.records import Transaction

ROUNDS: Final = 8
_FAULTS: Final[tuple[Failure, ...]] = ("bad_gateway", "cut", "html", "reset")
_WRONG_CLOCKS: Final = (timedelta(seconds=40), timedelta(minutes=20), timedelta(days=3))
_HIDDEN: Final = ("res.partner", "account.move", "account.payment")
_LEASE: Final = 7 * 60.0
_DAY: Final = 24 * 3600.0
Json = dict[str, Any]


@dataclass(kw_only=True)
class Weather:
    """A seed's weather over a mirror that is loaded; `events` counts what happened."""

    desk: MirrorDesk
    seed: int
    events: Counter[str] = field(default_factory=Counter)
    _late: list[tuple[Transaction, float]] = field(default_factory=list)
    _rights_were_lost: bool = False

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - the same for the same seed
        self.changes = Changes(self.desk.odoo, seed=self.seed)

    def run(self) -> Json:
        """Let it rage, then be quiet; what was wrong then, and what had happened."""
        for _ in range(ROUNDS):
            self._round()
        trouble = self._quiet()
        return {"seed": self.seed, "trouble": trouble, "events": dict(sorted(self.events.items()))}

    def _round(self) -> None:
        dice, desk = self.dice, self.desk
        for _ in range(dice.randint(0, 4)):
            self._change()
        if dice.random() < 0.3:
            self._late.append((desk.odoo.begin(), desk.now.timestamp()))
        if dice.random() < 0.25:
            self._rights()
        if dice.random() < 0.2:
            self._clock()
        if dice.random() < 0.3:
            self._happens("Odoo failed")
            kind = dice.choice(_FAULTS)
            desk.odoo.fail(kind, times=dice.randint(1, 5))
        self._sync()
        desk.odoo.faults.clear()
        self._commit(at_least=300.0 * dice.random())
        desk.sleep(dice.choice((0, 60, 240, 900, 3600)) if not self._late else dice.choice((0, 60)))

    def _sync(self) -> None:
        dice, desk = self.dice, self.desk
        number = dice.randrange(60) if dice.random() < 0.35 else -1
        death = Death(client=desk.client, number=number, halfway=dice.random() < 0.5)
        desk.on_step = self._watched(death)
        if dice.random() < 0.1:
            desk.seconds_for_batches(dice.randint(0, 4))
        try:
            desk.sync("sync_all", full=dice.random() < 0.05)
        except Killed:
            self._happens("a run was killed")
        desk.on_step = lambda _, work: work()
        desk.seconds_for_batches(10**6)

    def _watched(self, death: Death) -> Callable[[str, Callable[[], Any]], Any]:
        """Something may change in Odoo between any two calls of a run."""

        def on_step(step: str, work: Callable[[], Any]) -> Any:
            if step.startswith("odoo ") and self.dice.random() < 0.05:
                self._happens("Odoo changed during a run")
                self._change()
                self.desk.sleep(self.dice.randint(0, 3))
            return death.on_step(step, work)

        return on_step

    def _change(self) -> None:
        try:
            self._happens(f"changed: {self.changes.one().action}")
        except (LookupError, StopIteration):
            self._happens("nothing of the kind was there to be changed")

    def _rights(self) -> None:
        desk, dice = self.desk, self.dice
        if self._rights_were_lost and dice.random() < 0.6:
            desk.odoo.restore_rights()
            return
        self._rights_were_lost = True
        self._happens("rights were lost")
        model = dice.choice(_HIDDEN)
        if dice.random() < 0.5:
            desk.odoo.refuse(model)
        else:
            ids = sorted(desk.odoo.records[model])
            desk.odoo.hide(model, dice.sample(ids, min(3, len(ids))))

    def _clock(self) -> None:
        self._commit(at_least=0)  # what is begun before a jump ahead would not be looked for
        if self.desk.odoo.ahead:
            self._happens("Odoo's clock was set back")
            self.desk.odoo.ahead = timedelta()
        else:
            self._happens("Odoo's clock was ahead")
            self.desk.odoo.ahead = self.dice.choice(_WRONG_CLOCKS)

    def _commit(self, *, at_least: float) -> None:
        """Commit what began so many seconds ago; nothing takes longer than ten minutes."""
        now = self.desk.now.timestamp()
        for begun in list(self._late):
            if now - begun[1] >= min(at_least, 600):
                self._late.remove(begun)
                self._happens("Odoo committed late")
                with self.desk.odoo.committing(begun[0]):
                    self._change()

    def _quiet(self) -> list[str]:
        """Two runs later, or the next day where rights came and went, all is equal."""
        desk = self.desk
        self._commit(at_least=0)
        desk.odoo.restore_rights()
        desk.odoo.ahead = timedelta()
        desk.sleep(_DAY if self._rights_were_lost else _LEASE)
        reports = [*desk.sync().values(), *desk.sync().values()]
        errors = [f"{r.kind}: {r.error}" for r in reports if r.error]
        return [*errors, *wrong(desk)]

    def _happens(self, event: str) -> None:
        self.events[event] += 1
