"""The webhook's part of a run: six kinds of changes, an outage, another secret, a replay."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from sandbox.companions.webhook_oracle import FAMILIES, Oracle
from sandbox.companions.webhook_replay import differences
from sandbox.run_report import counted
from sandbox.vendors import NEXT_WEBHOOK_SECRET, WEBHOOK_SECRET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.chain import Chain
    from sandbox.companions.mirror_runs import MirrorRuns
    from sandbox.companions.webhook_oracle import Verdict
    from sandbox.odoo.server import Odoo
    from sandbox.webhook.receiver import Received, Receiver

Json = dict[str, Any]
Document = tuple[str, int]  # connection and number

_PATIENCE: Final = 120.0  # seconds until what was changed must have arrived, on a busy machine
_PAUSE: Final = 0.2
# Changes during the outage: at the fifth record that fails, the endpoint counts as down, and is
# tried after half a minute only.
_DURING_OUTAGE: Final = 3
_SIGNING: Final = ("aws_secretsmanager_secret_version.webhook", "aws_lambda_function.webhook")


@dataclass(slots=True, kw_only=True)
class WebhookPart:
    """Notes what changes in the simulated Odoos, and compares what arrived; see `report`.

    `runs` are the mirror's, `invoke` calls a function by its role. Nobody changes an Odoo while
    the mirror runs.
    """

    running: Chain
    runs: MirrorRuns
    odoos: Mapping[str, Odoo]
    invoke: Callable[[str, Json], Json]
    say: Callable[[str], None]
    report: Json = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    _oracle: Oracle = field(init=False)
    _began: datetime = field(init=False)
    _made: list[Document] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._oracle = Oracle(odoos=self.odoos)
        self._began = _now()

    @property
    def _receiver(self) -> Receiver:
        if self.running.receiver is None:
            raise ValueError("without the mirror there is no webhook")
        return self.running.receiver

    def begin(self) -> None:
        """The mirror was loaded: from now on every change must arrive."""
        self._oracle.begin()

    def look(self, made_at: datetime, *, timed: bool = True) -> None:
        """Note what changed since the last look; the mirror runs next."""
        self._oracle.look(made_at, timed=timed)

    def walk(self) -> None:
        """Change all six kinds, fail, change the secret and replay; then compare everything."""
        self.say("webhook: a change of each of the six kinds")
        made_at = _now()
        for connection, odoo in self.odoos.items():
            self._made += [(connection, number) for number in _each_kind(odoo)]
        self._mirror(made_at)
        self._outage()
        self._rotation()
        self._replay()
        self._judge()

    # -- the steps -----------------------------------------------------------------------------

    def _outage(self) -> None:
        """The endpoint answers 500 while something changes, and is back at the first wait."""
        self.say("webhook: an outage of the endpoint")
        before = len(self._receiver.received)
        self._receiver.fail("error", times=None)
        self._amend("during the outage")
        self._mirror(_now(), timed=False, settle=False)
        failed = self._wait(lambda: len(self._since(before)) >= _DURING_OUTAGE)
        self._receiver.recover()
        started = time.monotonic()
        self._settle()
        refused = [one for one in self._since(before) if not one.accepted]
        self.report["outage"] = {
            "failed": len(refused),
            "seconds": round(time.monotonic() - started, 1),
        }
        if not failed:
            self.trouble.append("webhook: the outage did not meet the endpoint.")

    def _rotation(self) -> None:
        """Each request carries both signatures from the next apply on."""
        self.say("webhook: another secret")
        secrets = {"webhook_secret": NEXT_WEBHOOK_SECRET, "webhook_previous_secret": WEBHOOK_SECRET}
        started = time.monotonic()
        self.running.apply(secrets, self.say, only=_SIGNING)
        seconds = round(time.monotonic() - started, 1)
        self._receiver.secrets = {"current": NEXT_WEBHOOK_SECRET, "previous": WEBHOOK_SECRET}
        before = len(self._receiver.received)
        self._amend("with another secret")
        self._mirror(_now())
        arrived = self._since(before)
        both = [one for one in arrived if one.verified_by == ("current", "previous")]
        self.report["rotation"] = {
            "requests": len(arrived),
            "verified_by_both": len(both),
            "apply_seconds": seconds,
        }
        if not both or len(both) < len(arrived):
            self.trouble.append(
                f"webhook: of {counted(len(arrived), 'request')} after the secret was changed,"
                f" {len(both)} carried both signatures."
            )

    def _replay(self) -> None:
        """What was written since the beginning is sent again, as it is now."""
        self.say("webhook: a replay")
        before = len(self._receiver.received)
        span = {"from": self._began.isoformat(), "to": _now().isoformat()}
        answer = self.invoke("webhook_feed", {"replay": span})
        sent = int(answer.get("sent", 0))
        self._wait(lambda: len(self._replayed(before)) >= sent)
        arrived = self._replayed(before)
        wrong = differences(self.running, arrived)
        self.report["replay"] = {"sent": sent, "arrived": len(arrived), "different": len(wrong)}
        self.trouble += wrong
        if not sent or len(arrived) < sent:
            said = answer.get("error") or answer.get("errorMessage") or answer
            self.trouble.append(f"webhook: {len(arrived)} of {sent} replayed arrived: {said}")

    def _amend(self, text: str) -> None:
        for connection, number in islice(self._made, _DURING_OUTAGE):
            self.odoos[connection].amend(number, ref=text)

    def _mirror(self, made_at: datetime, *, timed: bool = True, settle: bool = True) -> None:
        self.look(made_at, timed=timed)
        self.runs.until_complete()
        if settle:
            self._settle()

    # -- waiting and comparing -----------------------------------------------------------------

    def _since(self, before: int) -> list[Received]:
        return self._receiver.received[before:]

    def _replayed(self, before: int) -> list[Received]:
        return [one for one in self._since(before) if one.body.get("replayed") and one.accepted]

    def _settle(self) -> None:
        """Wait until what changed has arrived and nothing is on its way."""
        self._wait(lambda: not self._verdict().missing and not self._waiting("waiting"))

    def _wait(self, is_so: Callable[[], bool]) -> bool:
        until = time.monotonic() + _PATIENCE
        while not is_so():
            if time.monotonic() > until:
                return False
            time.sleep(_PAUSE)
        return True

    def _verdict(self) -> Verdict:
        return self._oracle.verdict(list(self._receiver.received))

    def _waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.running.emulator.client("sqs").get_queue_attributes(
            QueueUrl=self.running.outputs["webhook_queue_urls"][queue], AttributeNames=names
        )
        return sum(map(int, found["Attributes"].values()))

    def _judge(self) -> None:
        verdict, received = self._verdict(), list(self._receiver.received)
        waiting, dead = self._waiting("waiting"), self._waiting("dead")
        self.report |= {
            "kinds": {
                family: {
                    "changes": verdict.changes[family],
                    "delivered": verdict.delivered[family],
                }
                for family in FAMILIES.values()
            },
            "requests": len(received),
            "repeats": len(received) - len({one.message_id for one in received}),
            "missing": verdict.missing,
            "out_of_order": verdict.out_of_order,
            "different": verdict.different,
            "unverified": verdict.unverified,
            "from_first_load": verdict.from_first_load,
            "waiting": waiting,
            "dead_letters": dead,
            "change_to_post": _spread(verdict.seconds),
        }
        self.trouble += [f"webhook: {sentence}" for sentence in verdict.sentences]
        self.trouble += [f"webhook: no change of {f} arrived." for f in FAMILIES.values()
                         if not verdict.delivered[f]]  # fmt: skip
        if waiting or dead:
            self.trouble.append(f"webhook: {waiting} are still queued, {dead} are dead letters.")
        if strays := self._receiver.strays:
            self.trouble.append(f"webhook: something was sent elsewhere: {', '.join(strays)}")
        self.say(
            f"webhook: {counted(verdict.changes.total(), 'change')},"
            f" {counted(len(received), 'request')}, {verdict.missing} missing"
        )


def _each_kind(odoo: Odoo) -> list[int]:
    """Enter one of each of the six kinds; the documents' numbers."""
    company = min(odoo.records["res.company"])
    currency = odoo.records["res.company"][company]["currency_id"]
    partner = next(
        row["id"]
        for row in odoo.records["res.partner"].values()
        if row["is_company"] and row["company_id"] in (False, company)
    )
    documents = [
        odoo.new_bill(
            reference=f"webhook {kind}",
            company=company,
            currency=currency,
            vendor=partner,
            move_type=kind,
        )
        for kind in ("out_invoice", "out_refund", "in_invoice", "in_refund")
    ]
    for direction in ("inbound", "outbound"):
        odoo.new_payment(partner, "12.50", payment_type=direction, company=company)
    return documents


def _spread(seconds: list[float]) -> Json:
    """From a change, with a run of the mirror right after it, to its first request."""
    if not seconds:
        return {"changes": 0}
    ordered = sorted(seconds)
    p50, p99 = (ordered[ceil(len(ordered) * part) - 1] for part in (0.5, 0.99))
    return {"changes": len(ordered), "p50_seconds": round(p50, 2), "p99_seconds": round(p99, 2)}


def _now() -> datetime:
    return datetime.now(UTC)
