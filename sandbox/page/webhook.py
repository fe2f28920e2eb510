"""The page's view of the webhook's endpoint: what arrived there, and what goes wrong next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.run_report import counted
from sandbox.webhook.failures import FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.webhook.failures import Failure, Plan
    from sandbox.webhook.receiver import Received, Receiver

# What a person chooses from, in the order of the list.
LABELS: Final[dict[Failure, str]] = {
    "error": "answer 500, an error",
    "ratelimited": "answer 429, too many requests (Retry-After 20 s)",
    "gone": "answer 410, gone",
    "refused": "answer 422, refused",
    "redirect": "answer 302, a redirect",
    "slow": "answer after 35 s, which is too late",
    "garbage": "answer with what is no HTTP",
    "close": "close the connection without an answer",
    "lost": "take it in, and lose the answer",
}
TIMES: Final = {"1": "the next request", "5": "the next 5 requests", "": "until it works again"}
_SHOWN: Final = 50  # requests, and records to choose from
_SLOW: Final = 35.0  # seconds: the sender waits 30
_RETRY_AFTER: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request that arrived. `trouble` is why it did not verify, or ""."""

    number: int
    at: datetime
    what: str
    record: str
    about: str
    verified: str
    trouble: str
    answer: str
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The endpoint at one moment: its newest requests first, the records that have had some."""

    arrived: int
    unverified: int
    arrivals: list[Arrival]
    records: list[str]
    planned: list[str]


def endpoint(receiver: Receiver | None) -> Endpoint | None:
    """What there is to see of it; None while there is no webhook."""
    if receiver is None:
        return None
    received = list(receiver.received)
    names = dict.fromkeys(one.record for one in reversed(received) if one.record)
    return Endpoint(
        arrived=len(received),
        unverified=sum(not one.verified_by for one in received),
        arrivals=[_arrival(one) for one in reversed(received[-_SHOWN:])],
        records=list(names)[:_SHOWN],
        planned=[_planned(plan) for plan in receiver.planned],
    )


def fail(receiver: Receiver, form: Mapping[str, str]) -> str:
    """Plan what a person chose; ValueError with a sentence if that is nothing to choose."""
    kinds: dict[str, Failure] = {kind: kind for kind in FAILURES}
    kind, times = kinds.get(form.get("kind", "")), form.get("times", "1")
    if kind is None or times not in TIMES:
        raise ValueError("The endpoint can't fail in that way. Choose one from the list.")
    receiver.fail(
        kind,
        record=form.get("record", ""),
        times=int(times) if times else None,
        seconds=_SLOW if kind == "slow" else 0.0,
        retry_after=_RETRY_AFTER if kind == "ratelimited" else 0,
    )
    about = form.get("record") or "any record"
    return f"The endpoint will {LABELS[kind]}: {TIMES[times]}, {about}."


def recover(receiver: Receiver) -> str:
    """Forget what was planned."""
    receiver.recover()
    return "The endpoint works again."


def _arrival(one: Received) -> Arrival:
    about = [f"change {one.sequence}" if one.sequence else "", ", ".join(one.changed)]
    about += ["sent again on request"] if one.body.get("replayed") else []
    about += [f"attempt {one.attempt}"] if one.attempt > 1 else []
    answer = "closed without an answer" if one.answer is None else str(one.answer)
    return Arrival(
        number=one.number,
        at=one.at,
        what=str(one.body.get("type") or "not a change"),
        record=one.record,
        about="; ".join(part for part in about if part),
        verified=" and ".join(one.verified_by),
        trouble=one.problem,
        answer=answer,
        accepted=one.accepted,
    )


def _planned(plan: Plan) -> str:
    how_often = "until it works again" if plan.times is None else counted(plan.times, "request")
    return f"{LABELS[plan.kind]}: {how_often}, {plan.record or 'any record'}"
