"""How long a warm chain takes on the emulator: a card, a decision, a posting; and what stands.

Seconds depend on this machine as much as on our code, so none of them is a target. In production
the schedule adds a delay before the card, and the vendors are further away.
"""

from __future__ import annotations

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import requests

from sandbox import chain
from sandbox.vendors import Vendors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.chain import Chain
    from sandbox.recording import Exchange
    from sandbox.slack.server import SignedRequest

BILLS: Final = 20
WARMING: Final = 2  # bills before those, after which every function is warm
PERSON: Final = "U-APPROVER"
_LOOK_SECONDS: Final = 0.005
_STUCK_SECONDS: Final = 300.0

Json = dict[str, Any]


def measure(project: Path, say: Callable[[str], None]) -> Json:
    """Median and worst seconds of some twenty bills, and how much stands by the month."""
    os.environ.setdefault("SANDBOX_RUN_DIR", str(project / ".run" / "bench"))

    def say_less(line: str) -> None:
        if not line.startswith("terraform: "):  # which tells how far it is twice a second
            say(line)

    with chain.start(Vendors(), say_less) as running:
        say("reading QuickBooks' lists")
        chain.read_quickbooks(running)
        odoo = running.odoo
        if odoo is None or running.slack is None:
            raise AssertionError  # without addresses, the simulators take part
        before = odoo.clock() - timedelta(days=900)
        for move in odoo.records["account.move"].values():
            move |= {"write_date": before, "invoice_date": f"{before:%Y-%m-%d}"}
        say(f"{WARMING + BILLS} bills, one after the other")
        samples: dict[str, list[float]] = {}
        for number in range(WARMING + BILLS):
            took = _Bill(running, number).live()
            if number >= WARMING:
                for name, seconds in took.items():
                    samples.setdefault(name, []).append(seconds)
        say(f"{BILLS} bills posted")
        standing = _standing(running)
        say("stopping")
    return {
        "bills": BILLS,
        "seconds": {
            name: {"median": round(statistics.median(all_of), 3), "worst": round(max(all_of), 3)}
            for name, all_of in samples.items()
        },
        "standing": standing,
    }


class _Bill:
    """One bill on its way, and a look at each vendor to see where it is."""

    def __init__(self, running: Chain, number: int) -> None:
        if running.odoo is None:
            raise AssertionError
        self._chain = running
        self._table = running.emulator.client("dynamodb")
        odoo_id = running.odoo.new_bill(reference=f"BENCH-{number}")
        running.odoo.attach(odoo_id, "bill.pdf", b"%PDF-1.7 " + bytes(50_000), main=True)
        self.entry_id = f"odoo-{odoo_id}"

    def live(self) -> dict[str, float]:
        """From Odoo to QuickBooks; seconds of each way."""
        functions = self._chain.outputs["lambda_function_names"]
        client = self._chain.emulator.client("lambda")
        with ThreadPoolExecutor(1) as other:
            entered = time.monotonic()
            run = other.submit(client.invoke, FunctionName=functions["extractor"], Payload=b"{}")
            card = _awaited(self._card)
            shown = time.monotonic()
            run.result()
            clicked = time.monotonic()
            answer = other.submit(self._click, card)
            _awaited(lambda: self._status() != "READY_FOR_APPROVAL")
            decided = time.monotonic()
            _awaited(self._document)
            posted = time.monotonic()
            answered = answer.result()
        _awaited(lambda: self._status() == "POSTED" and "card_due" not in self._item())
        return {
            "a new bill is a card": shown - entered,
            "a click is a decision": decided - clicked,
            "a click is answered": answered - clicked,
            "an approved bill is in QuickBooks": posted - clicked,
        }

    def _card(self) -> Json | None:
        for exchange in reversed(self._chain.recorders["slack"].exchanges):
            body = exchange["body"]
            is_post = exchange["path"].endswith("chat.postMessage") and exchange["status"]
            if is_post and body["metadata"]["event_payload"]["entry_id"] == self.entry_id:
                return {**body, "ts": exchange["answer"]["ts"]}
        return None

    def _click(self, card: Json) -> float:
        """A click on Approve; when it was answered."""
        if self._chain.slack is None:
            raise AssertionError
        request = self._chain.slack.click(PERSON, card["channel"], card["ts"], "approve_invoice")
        self._send(request)
        return time.monotonic()

    def _send(self, request: SignedRequest) -> None:
        emulator = self._chain.emulator
        with requests.Session() as session:
            session.trust_env = False
            session.post(
                emulator.function_url(self._chain.outputs["approval_handler_url"]),
                data=request.body,
                headers=request.headers,
                verify=str(emulator.ca_bundle),
                timeout=60,
            ).raise_for_status()

    def _document(self) -> Exchange | None:
        mark = f"[{self.entry_id}]"
        for exchange in reversed(self._chain.recorders["quickbooks"].exchanges):
            made = exchange["path"].endswith("/bill") and exchange["status"] == requests.codes.ok
            if made and mark in str(exchange["body"].get("PrivateNote")):
                return exchange
        return None

    def _status(self) -> str:
        return str(self._item()["status"]["S"])

    def _item(self) -> Json:
        table, client = self._chain.outputs["dynamodb_table"], self._table
        key = {"entry_id": {"S": self.entry_id}}
        item: Json = client.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        return item


def _awaited[T](look: Callable[[], T | None]) -> T:
    """Wait until a look finds something; returns it."""
    until = time.monotonic() + _STUCK_SECONDS
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError("The chain stands still: see emulator.log in its run directory.")


def _standing(running: Chain) -> Json:
    """What AWS takes money for by the month, as it was applied."""
    cloudwatch = running.emulator.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(MaxRecords=100)["MetricAlarms"]
    watched = [sum("MetricStat" in m for m in alarm.get("Metrics") or ()) or 1 for alarm in alarms]
    return {
        "companies": len(running.companies),
        "secrets": len(running.emulator.client("secretsmanager").list_secrets()["SecretList"]),
        "alarms": sum(watched),
        "dashboards": len(cloudwatch.list_dashboards().get("DashboardEntries", ())),
    }
