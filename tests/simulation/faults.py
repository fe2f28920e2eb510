"""What goes wrong: vendors down, slow or garbled, AWS failing, functions killed, tokens dying."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

import poster
from odoo_qb.extraction.run import LEASE
from tests.simulation.neighbours import Neighbours
from tests.simulation.simulation import END, is_read

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from datetime import datetime

    from tests.simulation.simulation import Simulation

VENDORS: Final = ("odoo", "slack", "quickbooks")
# How often, of all steps: a function is killed there, AWS fails or repeats, a vendor misbehaves.
KILLED: Final = 0.004
AWS_FAILS: Final = 0.006
AWS_REPEATS: Final = 0.012
VENDOR_FAILS: Final = 0.03
OVERTAKEN: Final = 0.035  # something else happens meanwhile
CLOSED: Final = "6190"  # what QuickBooks says of a company whose subscription has ended
_PAGE: Final = b"<html><h1>Down for maintenance</h1></html>"
_BAD_GATEWAY: Final = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" + _PAGE
)
_MODES: Final = {
    "request_id": (
        "replay_all",
        "replay_success_only",
        "error600_on_payload_change",
        "forget_after_ttl",
    ),
    "request_id_hours": (1, 24),
    "request_id_on_upload": ("honoured", "ignored"),
    "rotation": ("sticky24h", "every_use"),
    "stale_refresh": ("immediate", "grace24h", "reuse_kills_family"),
    "tax_override": ("honoured", "honoured", "ignored"),
    "negative_line": ("accepted", "accepted", "refused"),
}


@dataclass(kw_only=True)
class FaultInjector:
    """Makes steps of a simulation fail at random; `events` counts them."""

    simulation: Simulation
    dice: random.Random
    events: Counter[str] = field(default_factory=Counter)
    meanwhile: Callable[[str], None] = lambda _running: None
    _down_until: dict[str, datetime] = field(default_factory=dict)
    _reconnect_at: dict[str, datetime] = field(default_factory=dict)
    _is_overtaking: bool = False
    neighbours: Neighbours = field(init=False)

    def __post_init__(self) -> None:
        self.neighbours = Neighbours(
            simulation=self.simulation, dice=self.dice, happens=self.happens
        )

    def begin(self) -> None:
        """From now on steps may fail; undocumented behaviour of Intuit is random, too."""
        modes = {name: self.dice.choice(kinds) for name, kinds in _MODES.items()}
        self.simulation.world.quickbooks.configure(modes=modes)
        self.simulation.on_step = self.on_step

    def end(self) -> None:
        """End all faults: every vendor answers, and every company is connected."""
        simulation = self.simulation
        simulation.on_step = type(simulation).on_step
        self.neighbours.end()
        self._down_until.clear()
        simulation.world.quickbooks.clear_faults()
        simulation.world.slack._faults.clear()
        simulation.errors.clear()
        simulation.clock.sleep(LEASE.total_seconds())  # of a run that was killed
        simulation.daily()
        simulation.hourly()  # a connection may have ended unnoticed; this mails it
        for company in sorted(self._broken()):
            self._reconnect(company)
        simulation.hourly()

    def on_step(self, step: str, work: Callable[[], Any]) -> Any:
        """Do a step, or let it fail at random."""
        name = step.partition(": ")[2]
        vendor = next((v for v in VENDORS if v in name), "")
        if self._is_down(vendor):
            raise ConnectionRefusedError(f"{vendor} is down")
        if name.endswith("Object") and self._is_down("S3"):
            raise _failure(step)
        if kind := self.neighbours.spell(vendor):
            done = self.dice.random() < 0.3
            return self.neighbours.no_answer(step, work, kind, done=done)
        luck = self.dice.random()
        if luck < KILLED:
            self.happens("a function was killed")
            self.simulation.die()
        if VENDOR_FAILS < luck < OVERTAKEN:
            self._overtake(step.partition(": ")[0])
        if name == END or luck > VENDOR_FAILS:
            return work()
        if not vendor:
            return self._aws_fails(step, work, luck)
        return self._vendor_fails(step, work, vendor)

    def _overtake(self, running: str) -> None:
        """Let something happen between two steps of a function."""
        if self._is_overtaking:
            return
        self._is_overtaking = True
        self.meanwhile(running)
        self._is_overtaking = False

    def _aws_fails(self, step: str, work: Callable[[], Any], luck: float) -> Any:
        if luck < AWS_FAILS:
            self.happens("AWS did not do as asked")
            raise _failure(step)
        if luck < AWS_REPEATS and not is_read(step):
            self.happens("AWS's answer got lost")
            return self.simulation.lose_answer(step, work)
        return work()

    def _vendor_fails(self, step: str, work: Callable[[], Any], vendor: str) -> Any:
        dice, neighbours = self.dice, self.neighbours
        match dice.choice(("lost", "garbage", "garbage after", "slow", "refused", "gateway")):
            case "lost":
                self.happens(f"{vendor}'s answer got lost")
                return self.simulation.lose_answer(step, work)
            case "garbage":
                self.happens(f"{vendor} answered garbage")
                return neighbours.no_answer(step, work, neighbours.garbage(vendor), done=False)
            case "garbage after":
                self.happens(f"{vendor} did it and answered garbage")
                return neighbours.no_answer(step, work, neighbours.garbage(vendor), done=True)
            case "gateway":
                self.happens(f"{vendor} was behind a bad gateway")
                return _BAD_GATEWAY
            case "slow":
                self.happens(f"{vendor} was slow")
                self.simulation.clock.sleep(dice.randint(2, 18))
                return work()
        self.happens(f"{vendor} could not be reached")
        raise ConnectionRefusedError(f"{vendor} could not be reached")

    def _is_down(self, name: str) -> bool:
        return self._down_until.get(name, self.simulation.clock.now) > self.simulation.clock.now

    def happens(self, event: str) -> None:
        self.events[event] += 1

    def changes(self) -> None:
        """Begin the faults of the next quarter of an hour."""
        dice, now = self.dice, self.simulation.clock.now
        self.neighbours.changes()
        slack, quickbooks = self.simulation.world.slack, self.simulation.world.quickbooks
        if dice.random() < 0.02:
            vendor = dice.choice((*VENDORS, "S3"))
            self.happens(f"{vendor} was down for an hour")
            self._down_until[vendor] = now + timedelta(hours=1)
        if dice.random() < 0.1:
            self.happens("Slack throttled")
            slack.fail("ratelimited", times=dice.randint(1, 3), retry_after=dice.randint(1, 30))
        if dice.random() < 0.1:
            self.happens("QuickBooks throttled")
            quickbooks.inject("throttle", times=dice.randint(1, 3))
        if dice.random() < 0.1:
            self.happens("QuickBooks ended an access token early")
            quickbooks.inject("unauthorized", path="/v3/", committed=dice.random() < 0.3)
        if dice.random() < 0.02:
            self._revoke()
        for company, at in list(self._reconnect_at.items()):
            if at <= now:
                self._reconnect(company)
        for company in self._broken() - self._reconnect_at.keys():
            self._reconnect_at[company] = now + timedelta(hours=dice.randint(0, 5))

    def _revoke(self) -> None:
        """Intuit ends a connection: our tokens are dead until a new seed is applied."""
        realm = self.dice.choice(list(self.simulation.world.quickbooks.realms.values()))
        self.happens("a connection to QuickBooks was revoked")
        self.simulation.world.quickbooks.connect(realm.id, "nobody's")

    def _broken(self) -> set[str]:
        """The companies somebody was mailed to connect again; one that is closed is connected."""
        table, realms = (
            self.simulation.world.table,
            self.simulation.world.quickbooks.realms.values(),
        )
        notes = {r.company_name: table.read_note(f"connection#{r.company_name}") for r in realms}
        return {
            company
            for company, n in notes.items()
            if n.get("state") == "NEEDS_RECONNECT" and n.get("code") != CLOSED
        }

    def _reconnect(self, company: str) -> None:
        """A person connects it, and an operator applies the refresh token."""
        self.happens("a company was connected again")
        self._reconnect_at.pop(company, None)
        realms = self.simulation.world.quickbooks.realms.values()
        realm = next(r for r in realms if r.company_name == company)
        token = f"by-hand-{self.events.total()}"
        self.simulation.world.quickbooks.connect(realm.id, token)
        self.simulation.reseed(company, token)
        self.simulation.invoke(poster, {"action": "check_connections", "company": company})


def _failure(step: str) -> ClientError:
    return ClientError({"Error": {"Code": "InternalServerError", "Message": "planned"}}, step)
