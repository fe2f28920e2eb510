"""Send a batch of changes: each record's in order, different records side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger

from odoo_qb.guarding import OF_AWS, of_aws
from odoo_qb.webhook.parcel import by_group, is_record, parcel_of
from odoo_qb.webhook.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from odoo_qb.webhook.answers import Answer
    from odoo_qb.webhook.delivery import Delivery, Outcome
    from odoo_qb.webhook.parcel import Parcel
    from odoo_qb.webhook.state import StateStore

logger = Logger(child=True)

RESERVE: Final = 40.0  # seconds that a POST and what follows it may take
# Seconds over which those that wait for a probe come back. Records that failed come back after the
# others, or they would be the ones that probe, and five that always fail would hold up all.
_SPREAD: Final = 20.0
_SPREAD_OF_FAILED: Final = 10.0
_REMEMBERED: Final = 100  # records that failed, of a long outage


@dataclass(slots=True)
class _Run:
    """A batch at work: what is known of the endpoint, and what became of each parcel."""

    state: State
    seconds_left: Callable[[], float]
    done: set[str] = field(default_factory=set)  # ids in the queue
    answers: list[tuple[Parcel, Answer]] = field(default_factory=list)
    is_gone: Event = field(default_factory=Event)

    def note(self, parcel: Parcel, outcome: Outcome) -> bool:
        """Remember an outcome; whether the next change of the record may follow."""
        if outcome.is_done:
            self.done.add(parcel.queue_id)
        if outcome.answer:
            self.answers.append((parcel, outcome.answer))
            if outcome.answer.verdict == "gone":
                self.is_gone.set()
        return outcome.is_done

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be sent."""
        return self.is_gone.is_set() or self.seconds_left() < RESERVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Sends batches. `count` writes a metric; `gone` mails that the endpoint is gone."""

    delivery: Delivery
    states: StateStore
    count: Callable[[str, float], None]
    gone: Callable[[], None]
    at_once: int = 10

    def send(self, records: Iterable[object], seconds_left: Callable[[], float]) -> list[str]:
        """Send what a batch of the queue holds; the ids of the messages that must come again."""
        self.delivery.keys()  # a wrong secret stops all, before anything is sent
        now = self.delivery.clock()
        parcels = [parcel_of(record, now) for record in records if is_record(record)]
        self.delivery.endpoint.begin()
        run = _Run(self._known(), seconds_left)
        if run.state.paused_url:
            self.count("WebhookPaused", 1)
            self._all_wait(parcels, run, self.delivery.wait_paused)
        elif run.state.probe_at is None:
            self._send_all(parcels, run)
        else:
            self._send_while_down(parcels, run)
        refused = sum(answer.verdict == "refused" for _, answer in run.answers)
        if refused:
            self.count("WebhookRefused", refused)
        return [p.queue_id for p in parcels if p.queue_id not in run.done]

    def _known(self) -> State:
        """The state; a pause ends where the address is another one now."""
        state = self.states.load()
        if state.paused_url and state.paused_url != self.delivery.endpoint.url_hash:
            self.states.resume(self.delivery.clock())
            return self.states.load()
        return state

    # -- while the endpoint is up ----------------------------------------------------------------

    def _send_all(self, parcels: Sequence[Parcel], run: _Run) -> None:
        groups = by_group(parcels)
        with ThreadPoolExecutor(self.at_once) as threads:
            work = [threads.submit(self._send_group, group, run) for group in groups]
        for one in work:
            one.result()
        self._learn(run)

    def _send_group(self, parcels: Sequence[Parcel], run: _Run) -> None:
        """Send a record's changes, up to the first that fails: while it is hidden, all wait."""
        for number, parcel in enumerate(parcels):
            if run.is_over:
                self._release(parcels[number:])
                return
            outcome = self.delivery.deliver(parcel, run.state.resumed_at)
            if not run.note(parcel, outcome):
                self._release(parcels[number + 1 :])
                return

    def _learn(self, run: _Run) -> None:
        """Note for the next batches whether the endpoint is up, down or gone.

        What is not noted is found out again by a later batch: this one is done with its changes.
        """
        now, answers = self.delivery.clock(), [answer for _, answer in run.answers]
        try:
            if run.is_gone.is_set():
                if self.states.pause(self.delivery.endpoint.url_hash, now):
                    self.count("WebhookPaused", 1)
                    self.gone()
            elif any(answer.is_alive for answer in answers):
                if run.state.failing or run.state.probe_at:
                    self.states.recovered()
                    run.state = State(resumed_at=run.state.resumed_at)
            elif answers:
                asked = max((answer.asked or 0.0 for answer in answers), default=0.0)
                self.states.failed({parcel.group for parcel, _ in run.answers}, now, asked)
        except OF_AWS as error:
            logger.warning("the endpoint's state was not noted", reason=of_aws(error))

    # -- while the endpoint is down --------------------------------------------------------------

    def _send_while_down(self, parcels: Sequence[Parcel], run: _Run) -> None:
        """Try the endpoint with one change if that is due; once it works, send the others too."""
        now = self.delivery.clock()
        if run.state.probe_at and run.state.probe_at <= now and not run.is_over:
            claimed = self.states.claim_probe(run.state, now)
            run.state = claimed or self.states.load()
            if claimed:
                self._probe(parcels, run)
        rest = [parcel for parcel in parcels if parcel.queue_id not in run.done]
        if run.is_gone.is_set():
            self._all_wait(rest, run, self.delivery.wait_paused)
        elif run.state.probe_at is None:
            self._send_all(rest, run)
        else:
            self._all_wait(rest, run, lambda parcel: self._wait_for_probe(parcel, run.state))

    def _probe(self, parcels: Sequence[Parcel], run: _Run) -> None:
        """Try changes until one tells whether the endpoint works, those that are new first."""
        heads = [group[0] for group in by_group(parcels)]
        for parcel in sorted(heads, key=lambda p: p.received):
            outcome = self.delivery.deliver(parcel, run.state.resumed_at, is_probe=True)
            run.note(parcel, outcome)
            if outcome.answer is None:
                continue
            if outcome.answer.verdict == "later":
                self._go_on_waiting(run, parcel, outcome.answer)
            else:
                self._learn(run)
            return

    def _go_on_waiting(self, run: _Run, parcel: Parcel, answer: Answer) -> None:
        now = self.delivery.clock()
        try:
            if len(run.state.failing) < _REMEMBERED:
                self.states.failed({parcel.group}, now, answer.asked)
            run.state = self.states.probe_failed(run.state, now, answer.asked)
        except OF_AWS as error:
            logger.warning("the probe was not noted", reason=of_aws(error))

    def _wait_for_probe(self, parcel: Parcel, state: State) -> Outcome:
        """Hide a change until the next probe is due, or the running one has ended."""
        now = self.delivery.clock()
        is_probing = state.probing_until is not None and state.probing_until > now
        until = (state.probing_until if is_probing else state.probe_at) or now
        wait = max((until - now).total_seconds(), 0.0)
        spread = _SPREAD * self.delivery.at_random()
        if parcel.group in state.failing:
            spread = _SPREAD + _SPREAD_OF_FAILED * self.delivery.at_random()
        seconds = int(wait + 1 + spread)
        return self.delivery.wait_down(parcel, state.resumed_at, seconds)

    # -- waiting ---------------------------------------------------------------------------------

    def _all_wait(
        self, parcels: Sequence[Parcel], run: _Run, wait: Callable[[Parcel], Outcome]
    ) -> None:
        """Let each record's first change wait, and with it those behind."""
        for group in by_group(parcels):
            for number, parcel in enumerate(group):
                if not run.note(parcel, wait(parcel)):
                    self._release(group[number + 1 :])
                    break

    def _release(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            self.delivery.hide(parcel, 0)
