"""Every outcome of the intake, walked on a running chain, and what must hold afterwards."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import plain
from sandbox.intake import MACHINE, execute, read
from sandbox.prerequisites import PROJECT
from sandbox.vendors import INVOICES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sandbox.chain import Chain

Json = dict[str, Any]

# By sample: the outcomes of its executions.
SAMPLES: Final = {
    "invoice": ("processed",),
    "duplicate": ("processed", "duplicate"),
    "conflict": ("processed", "conflict"),
    "invalid": ("invalid",),
    "failed": ("failed",),
}
ALARM_WITHIN: Final = 90.0  # seconds
OUTCOMES: Final = ("processed", "duplicate", "conflict", "invalid", "failed")


@dataclass(slots=True, kw_only=True)
class IntakeWalk:
    """Starts an execution for each sample; `counts` are by outcome, `trouble` what was wrong."""

    running: Chain
    say: Callable[[str], None]
    samples: Path = PROJECT / "samples"
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    trouble: list[str] = field(default_factory=list)

    def walk(self) -> None:
        """Walk all samples; one announcement in Slack fails the first time."""
        self.say("walking the intake: " + ", ".join(SAMPLES))
        if self.running.slack:
            self.running.slack.fail("http_500", method="chat.postMessage")
        for name, expected in SAMPLES.items():
            found = tuple(self._outcomes(name))
            if found != expected:
                self.trouble.append(
                    f"intake, samples/{name}.json: ended as {', '.join(found)},"
                    f" not as {', '.join(expected)}."
                )
        self._check_numbers()
        self._check_announcements()
        self._check_mails()
        done = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        self.say(f"the intake: {done}")

    def _outcomes(self, name: str) -> list[str]:
        found = []
        for sample in read(self.samples / f"{name}.json", datetime.now(UTC)):
            ended = execute(self.running.emulator, sample, lambda _line: None)
            outcome = str(ended.output["outcome"])
            self.counts[outcome] = self.counts.get(outcome, 0) + 1
            found.append(outcome)
        return found

    def _check_numbers(self) -> None:
        table = self.running.outputs["intake_table"]
        items = self.running.emulator.client("dynamodb").scan(TableName=table)["Items"]
        numbers = sorted(str(row["number"]) for row in map(plain, items) if "number" in row)
        expected = [f"{number:06}" for number in range(1, self.counts["processed"] + 1)]
        if [number[-6:] for number in numbers] != expected:
            self.trouble.append(f"intake: the numbers are {', '.join(numbers) or 'none'}.")

    def _check_announcements(self) -> None:
        """One message in Slack for each execution, also where it failed the first time."""
        slack, executions = self.running.slack, sum(self.counts.values())
        if slack is None:
            return
        texts = [message.text for message in slack.channels[INVOICES].messages.values()]
        if len(texts) != executions:
            found = dict(Counter(texts))
            self.trouble.append(f"intake: for {executions} executions Slack has {found}.")

    def _check_mails(self) -> None:
        """Mail to each customer and about what needs a person, and an alarm for what failed."""
        wanted = Counter(
            {
                "Invoice INV-": self.counts["processed"],
                "is invalid": self.counts["invalid"],
                "differs from the stored one": self.counts["conflict"],
                "could not be processed": self.counts["failed"],
                "fails": 1,
            }
        )
        deadline = time.monotonic() + ALARM_WITHIN
        while (found := self._mails(wanted)) != wanted and time.monotonic() < deadline:
            time.sleep(1)
        if found != wanted:
            self.trouble.append(f"intake: mailed was {dict(found)}, not {dict(wanted)}.")

    def _mails(self, parts: Iterable[str]) -> Counter[str]:
        """How many mails have these parts in their subjects, of the intake's own."""
        outbox = self.running.emulator.outbox
        lines = outbox.read_text("utf-8").splitlines() if outbox.exists() else []
        subjects = [str(json.loads(line)["subject"]) for line in lines]
        own = [s for s in subjects if s.startswith("Invoice") or MACHINE in s]
        return Counter({part: sum(part in subject for subject in own) for part in parts})
