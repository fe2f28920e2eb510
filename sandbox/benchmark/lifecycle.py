"""Count the requests of bills from Odoo to QuickBooks in one process, by kind.

Handlers, simulators and moto are those of the tests. Only the functions' requests are counted, not
those that simulate AWS's deliveries.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import notifier
import poster
from sandbox.benchmark.meter import Meter
from sandbox.in_process.chain import Context, a_world

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World
    from sandbox.slack.server import SignedRequest

BILLS: Final = 50  # ordinary ones: of known vendors, each with a PDF
PDF: Final = b"%PDF-1.7 " + b"x" * 50_000
PERSON: Final = "U-APPROVER"

Json = dict[str, Any]


def measure(say: Callable[[str], None]) -> Json:
    """Requests and units for the dataset's documents, ordinary bills and an idle run."""
    with _patches() as patches:
        patches.setenv("POWERTOOLS_METRICS_NAMESPACE", "OdooQuickBooks")
        for world in a_world(patches):
            life = Life(world)
            say("QuickBooks: reading the companies' lists")
            life.act("sync_reference")
            synced, sync = life.quickbooks(), life.lap()
            say("the dataset's documents: read, shown, decided, posted")
            life.whole()
            documents = [i for i in world.items().values() if i["status"] == "POSTED"]
            dataset, _ = life.quickbooks(), life.lap()
            say(f"{BILLS} ordinary bills: the same")
            life.add_ordinary()
            life.whole()
            posted = [i for i in world.items().values() if i["status"] == "POSTED"]
            ordinary_calls, ordinary = life.quickbooks(), life.lap()
            say("runs in which nothing has changed")
            life.age()
            life.extract()  # which learns that nothing is new
            life.age()
            world.restart()  # runs a quarter of an hour apart start cold
            life.lap()
            odoo_before = len(world.odoo.calls)
            life.extract()
            odoo_calls, idle = len(world.odoo.calls) - odoo_before, life.lap()
            life.act("check_connections")
            check, calls = life.lap(), world.quickbooks.calls
            companies = len(world.quickbooks.realms)
    bills = len(posted) - len(documents)
    return {
        "companies": companies,
        "bills": bills,
        "quickbooks": {
            "documents": len(documents),
            "calls": dict(sorted(dataset.items())),
            "calls_a_document": dataset.total() / len(documents),
            "calls_a_bill": ordinary_calls.total() / bills,
            "calls_a_sync": (synced.total() - synced["token"]) / companies,
            "discovery_calls": calls["discovery"],
            "tokens_a_company": calls["token"] / companies,
        },
        "bill": _told(ordinary, bills),
        "idle_run": _told(idle, 1) | {"odoo_calls": odoo_calls},
        "sync": _told(sync, 1),
        "check": _told(check, 1),
    }


class Life:
    """A world in which every request of the functions is counted."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.meter = Meter()
        self._free = world.aws.performs
        self._lap = self.meter.copy()
        self._calls = world.quickbooks.calls.copy()

    def lap(self) -> Meter:
        """What was counted since the last time."""
        lap, self._lap = self.meter.since(self._lap), self.meter.copy()
        return lap

    def quickbooks(self) -> Counter[str]:
        """The calls QuickBooks got since the last time."""
        before, self._calls = self._calls, self.world.quickbooks.calls.copy()
        return self._calls - before

    def act(self, action: str) -> None:
        """What the schedule asks of the poster."""
        with self._counted():
            poster.lambda_handler({"action": action}, Context())

    def extract(self) -> None:
        """What the schedule asks of the extractor."""
        with self._counted():
            self.world.extract()

    def add_ordinary(self) -> None:
        """Bills of vendors that are known, each with one PDF, entered an hour ago."""
        odoo = self.world.odoo
        odoo.ahead = -timedelta(hours=1)
        for number, bill in enumerate(odoo.add_copies(BILLS)):
            for file in list(odoo.records["account.move"][bill]["attachment_ids"]):
                odoo.detach(file)
            odoo.attach(bill, "bill.pdf", PDF + str(number).encode(), main=True)
        odoo.ahead = timedelta()

    def age(self) -> None:
        """Date all items a day earlier, so that nothing has changed recently."""
        yesterday = {"S": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%S.000Z}"}
        for entry_id in self.world.items():
            self.world.clients["dynamodb"].update_item(
                TableName=self.world.names["table"],
                Key={"entry_id": {"S": entry_id}},
                UpdateExpression="SET updated_at = :yesterday",
                ExpressionAttributeValues={":yesterday": yesterday},
            )

    def whole(self) -> None:
        """Everything that is new in Odoo is read, shown, decided, shown, posted and shown."""
        known = self.world.items().keys()
        self.extract()
        self._show()
        for entry_id, item in sorted(self.world.items().items()):
            if entry_id not in known:
                self._decide(item)
        self._show()
        self.world.restart()  # a cold function finds the tokens where they are kept
        self._post()
        self._show()

    def _decide(self, item: Item) -> None:
        if item["nothing_to_post"]:
            self._click(item, "acknowledge_intercompany")
        elif any("Possible duplicate" in warning for warning in item["warnings"]):
            self._click(item, "reject_invoice")
            view = list(self.world.slack.views)[-1]
            self._send(self.world.slack.submit(PERSON, view, {"reason": {"text": "Twice"}}))
        else:
            self._click(item, "approve_invoice")

    def _click(self, item: Item, action: str) -> None:
        card = item["cards"][-1]
        self._send(self.world.slack.click(PERSON, card["channel"], card["ts"], action))

    def _send(self, request: SignedRequest) -> None:
        with self._counted():
            self.world.request(request)

    def _show(self) -> None:
        """Each bill that owes a card comes alone, as when nothing else happens."""
        for entry_id in [i for i, item in self.world.items().items() if "card_due" in item]:
            change = {"Keys": {"entry_id": {"S": entry_id}}, "SequenceNumber": "1"}
            with self._counted():
                notifier.lambda_handler({"Records": [{"dynamodb": change}]}, Context())

    def _post(self) -> None:
        while messages := self.world.messages():
            for message in messages:
                with self._counted():
                    poster.lambda_handler({"Records": [message]}, Context())
                self.world.clients["sqs"].delete_message(
                    QueueUrl=self.world.names["queue"], ReceiptHandle=message["receiptHandle"]
                )

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.world.aws.performs = self.meter.perform
        try:
            with self.meter.logging():
                yield
        finally:
            self.world.aws.performs = self._free


class Patches:
    """The part of pytest's monkeypatch that a world needs: sets attributes and restores them."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], object]] = []

    def setattr(self, thing: object, name: str, value: object) -> None:
        """Set an attribute for now."""
        before = getattr(thing, name)
        self._undo.append(lambda: setattr(thing, name, before))
        setattr(thing, name, value)

    def setenv(self, name: str, value: str) -> None:
        """Set a variable of the environment for now."""
        before = os.environ.get(name)
        put_back = (
            (lambda: os.environ.pop(name, None))
            if before is None
            else (lambda: os.environ.update({name: before}))
        )
        self._undo.append(put_back)
        os.environ[name] = value

    def undo(self) -> None:
        """Put everything back, the last thing first."""
        while self._undo:
            self._undo.pop()()


@contextmanager
def _patches() -> Iterator[Any]:
    patches = Patches()
    for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
        patches.setenv(name, "")  # nothing here may reach a real account
        del os.environ[name]
    try:
        yield patches
    finally:
        patches.undo()


def _told(meter: Meter, times: int) -> Json:
    """What was counted, for one of so many."""
    return {
        "requests": {name: n / times for name, n in sorted(meter.requests.items())},
        "writes": {kind: n / times for kind, n in sorted(meter.writes.items())},
        "write_units": meter.write_units / times,
        "read_units": meter.read_units / times,
        "shows": meter.shows / times,
        "logged_bytes": meter.logged_bytes / times,
    }
