"""Random weather over the way from the mirror to the endpoint."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

import webhook
import webhook_feed
from sandbox.in_process.webhook import END
from sandbox.odoo.changes import Changes
from tests.webhook.promise import broken, look

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.in_process.webhook import WebhookPath
    from sandbox.webhook.failures import Failure

ROUNDS: Final = 6
_KINDS: Final[tuple[Failure, ...]] = (
    *("error", "error", "close", "ratelimited", "lost"),
    *("refused", "redirect", "gone"),
)
_ACTIONS: Final = (
    *("new_document", "amend_document", "amend_document", "post_document", "cancel_document"),
    *("reset_document", "delete_document", "pay_document", "new_payment", "amend_payment"),
)
_PASSES: Final = (1.0, 20.0, 60.0, 240.0, 900.0, 3_600.0, 21_600.0)
_SLOW: Final = 30.0
_PLANNED: Final = ("ThrottlingException", "ReadTimeoutError")
_DAY: Final = 86_400.0

Json = dict[str, Any]


@dataclass(kw_only=True)
class Weather:
    """A seed's weather over a mirror that is loaded; `events` counts what happened."""

    path: WebhookPath
    seed: int
    events: Counter[str] = field(default_factory=Counter)
    _is_quiet: bool = False
    _is_down: bool = False  # SQS

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - the same for the same seed
        self.changes = Changes(self.path.desk.odoo, seed=self.seed)
        moves = self.path.desk.odoo.records["account.move"].values()
        documents = [row["id"] for row in moves if row["move_type"] != "entry"]
        self.hot = self.dice.sample(documents, 3)
        self.rage = self.dice.choice((0.0, 0.02, 0.06))  # how likely a step goes wrong

    def run(self) -> Json:
        """Let it rage, then be quiet; what was wrong, and what had happened."""
        path, trouble = self.path, list[str]()
        path.on_step = self._on_step
        path.queue.refuses = self._refuses
        for number in range(ROUNDS):
            self._round()
            trouble += [f"round {number}: {t}" for t in broken(path)]
        trouble += self._quiet()
        trouble += [e for e in path.errors if not any(planned in e for planned in _PLANNED)]
        return {"seed": self.seed, "trouble": trouble, "events": dict(sorted(self.events.items()))}

    def _round(self) -> None:
        dice, path = self.dice, self.path
        for _ in range(dice.randint(1, 3)):
            for _ in range(dice.randint(0, 3)):
                self._change()
            path.desk.sync("sync_invoices")
        if dice.random() < 0.5:
            path.desk.sync("sync_payments")
        for _ in range(dice.randint(3, 8)):
            self._endpoint()
            self._deliver()
            path.desk.sleep(dice.choice(_PASSES))
        self._operate()

    def _change(self) -> None:
        """Most often one of a few documents, so that changes of the same one wait together."""
        try:
            if self.dice.random() < 0.7:
                self.path.desk.odoo.amend(self.dice.choice(self.hot), ref=self.dice.random().hex())
            else:
                self.changes.one(*_ACTIONS)
        except LookupError:
            self._happens("nothing of the kind was there to be changed")

    def _endpoint(self) -> None:
        """The endpoint gets better, or worse in one way or another."""
        dice, receiver = self.dice, self.path.receiver
        if dice.random() < 0.3:
            receiver.recover()
        if dice.random() < 0.3:
            kind = dice.choice(_KINDS)
            self._happens(f"endpoint: {kind}")
            records = sorted({one.record for one in receiver.received})
            receiver.fail(
                kind,
                record=dice.choice(records) if records and dice.random() < 0.5 else "",
                times=dice.choice((1, 3, 10, None)),
                retry_after=dice.choice((0, 0, 1, 90, 7_200)),
            )

    def _deliver(self) -> None:
        """Stream and queue deliver something, now and then two batches at a time."""
        dice, path = self.dice, self.path
        self._is_down = dice.random() < 2 * self.rage
        if dice.random() < 0.6:
            path.feed()
        if dice.random() < 0.1 and (last := path.last_batch):
            self._happens("a batch of the stream came again")
            path.invoke(webhook_feed, {"Records": list(last)})
        events = [path.receive() for _ in range(dice.choice((0, 1, 1, 2)))]
        dice.shuffle(events)
        for event in events:
            if event["Records"]:
                path.deliver(event)

    def _operate(self) -> None:
        """An operator and the schedule do what they do now and then."""
        path = self.path
        for chance, what, function, event in (
            (0.3, "operator resumed", webhook, {"resume": True}),
            (0.3, "operator retried", webhook, {"retry_refused": True}),
            (0.3, "digest", webhook, {"task": "digest"}),
            (0.2, "replayed", webhook_feed, {"replay": {"from": "2026-11-27", "to": "2027-01-31"}}),
        ):
            if self.dice.random() < chance:
                self._happens(what)
                path.invoke(function, event)

    def _on_step(self, step: str, work: Callable[[], Any]) -> Any:
        """A step, most often done; what goes wrong depends on what it is."""
        path, dice, luck = self.path, self.dice, self.dice.random()
        if luck < self.rage:
            self._happens("a function was killed before a step")
            path.die()
        if step.endswith(END):
            if luck < 2 * self.rage:
                self._happens("a run's end was not noted")
                path.die()
            return work()
        if luck < 2 * self.rage:
            work()
            self._happens("a function was killed after a step")
            path.die()
        if step.endswith("POST"):
            return self._posted(work, late=luck < 3 * self.rage)
        if luck < 3 * self.rage:
            self._happens("AWS refused")
            error: Any = {"Code": "ThrottlingException", "Message": "planned"}
            raise ClientError({"Error": error}, step)
        if luck < 4 * self.rage:
            self._happens("an answer of AWS was lost")
            work()
            raise ReadTimeoutError(endpoint_url=dice.choice(("https://a", "https://b")))
        return work()

    def _posted(self, work: Callable[[], Any], *, late: bool) -> Any:
        if not late:
            return work()
        self._happens("the endpoint was late")
        if self.dice.random() < 0.5:
            work()
        self.path.desk.sleep(_SLOW)
        raise TimeoutError("no answer in time")

    def _refuses(self, _entry: Json) -> bool:
        likely = 1.0 if self._is_down else 3 * self.rage
        is_refused = not self._is_quiet and self.dice.random() < likely
        if is_refused:
            self._happens("SQS took a part of a batch")
        return is_refused

    def _quiet(self) -> list[str]:
        """Once all works and what was refused is sent again, only dead letters are left."""
        path = self.path
        self._is_quiet = True
        path.on_step = lambda _, work: work()
        path.receiver.recover()
        path.invoke(webhook, {"resume": True})
        path.settle(within=4 * _DAY)
        for _ in range(9):
            answer = path.invoke(webhook, {"retry_refused": True})
            path.settle(within=_DAY)
            if not answer["left"]:
                break
        found = look(path)
        left = {"in the queue": found.queued, "refused": found.refused}
        return [
            *broken(path),
            *(f"{change} is still {where}" for where, some in left.items() for change in some),
        ]

    def _happens(self, event: str) -> None:
        self.events[event] += 1
