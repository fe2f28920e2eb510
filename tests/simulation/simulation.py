"""Simulate the functions with AWS and people in virtual time.

The stream and the queue deliver in order and again where a function died or failed, the schedule
runs every quarter of an hour, a person clicks what the channel shows. Each call of a function to
the outside is a step; `on_step` does it or makes it fail.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.sqs import models as sqs

import approval_handler
import extractor
import notifier
import poster
from odoo_qb.approval.interaction import MODAL_FIELDS
from odoo_qb.approval.policy import FIRST_OF_TWO, RULES
from sandbox.in_process.aws import REGION
from sandbox.in_process.chain import APPROVER, CHANNEL, Context
from tests.simulation.clock import START, Clock
from tests.support.garbage import Elsewhere
from tests.support.stored_bills import buttons

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from botocore.client import BaseClient

    from odoo_qb.bill.item import Item
    from sandbox.in_process.chain import World
    from sandbox.slack.payloads import Message
    from sandbox.slack.server import SignedRequest

FUNCTIONS: Final = (approval_handler, extractor, notifier, poster)
QUARTER: Final = timedelta(minutes=15)
DAY: Final = timedelta(days=1)
END: Final = "its end"  # the step after the last one: done, but AWS does not learn of it
_BATCH: Final = 20  # as slack.tf and posting.tf have it, like what follows
_STREAM_TRIES: Final = 6
_VISIBILITY: Final = 720
_RECEIVES: Final = 5
_PATIENCE: Final = 24  # quarters of an hour until all must be quiet
_VENDORS: Final = ("odoo", "slack", "GET quickbooks", "POST quickbooks")
_READS: Final = ("Get", "BatchGet", "Query", "GET ", "odoo", "slack users.", "slack conv")
_READ_PATHS: Final = ("/query",)

Json = dict[str, Any]


class Killed(BaseException):
    """The function's process ended here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A person was told that this is done, about the content their card showed."""

    entry_id: str
    action_id: str
    person: str
    digest: str


@dataclass(kw_only=True)
class Simulation:
    """A world with AWS and people; `on_step` does a step, fails it or kills the function."""

    world: World
    clock: Clock
    on_step: Callable[[str, Callable[[], Any]], Any] = lambda _step, work: work()
    steps: Counter[str] = field(default_factory=Counter)
    promises: list[Promise] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)  # which invariants, how often
    errors: list[str] = field(default_factory=list)
    mishaps: list[str] = field(default_factory=list)  # killed functions and lost answers
    dead_letters: int = 0
    subject: str = ""  # the bill that was read or written last
    disconnected: set[str] = field(default_factory=set)  # companies that wait to be connected
    strangers: set[str] = field(default_factory=set)  # items that somebody made by hand
    elsewhere: Elsewhere = field(default_factory=Elsewhere)  # where redirects point
    _running: str = ""
    _is_dead: bool = False
    _stream: list[str] = field(default_factory=list)
    _stream_tries: int = 0
    _last_batch: list[str] = field(default_factory=list)
    _last_message: Json = field(default_factory=dict)
    _next_run: datetime = START
    _in_order: bool = False  # whether the last run read Odoo, and nobody died since

    # -- the functions -------------------------------------------------------------------------

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """A call to the outside; a dead function makes none, not even to tidy up."""
        if not self._running:
            return work()
        if self._is_dead:
            raise Killed
        name = f"{self._running}: {name}"
        self.steps[name] += 1
        return self.on_step(name, work)

    def perform(self, call: Any, client: BaseClient, operation: str, given: Json) -> Json:
        """A call to AWS; a write of a bill that owes a card enters the stream."""

        self.subject = _bill_in(given) or self.subject

        def work() -> Json:
            answer: Json = call(client, operation, given)
            if operation in {"PutItem", "UpdateItem"}:
                self._notice((given.get("Item") or given["Key"])["entry_id"]["S"])
            return answer

        done: Json = self.step(operation, work)
        return done

    def call(self, host: str, method: str, path: str, work: Callable[[], bytes]) -> bytes:
        """A call to a vendor; one to anybody else is no step of ours."""
        if host.startswith("elsewhere"):
            return work()
        answer: bytes = self.step(_called(host, method, path), work)
        return answer

    def _notice(self, entry_id: str) -> None:
        backend, key = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION], {"entry_id": {"S": entry_id}}
        item = backend.get_item(self.world.names["table"], key)
        if entry_id.startswith("odoo-") and item and "card_due" in item.attrs:
            self._stream.append(entry_id)

    def invoke(self, function: ModuleType, event: Json) -> Any:
        """Run a function; None when it died or failed, as AWS sees it."""
        self.clock.sleep(1)
        outer = self._running, self._is_dead  # of a function that is overtaken
        self._running, self._is_dead = function.__name__, False
        try:
            with redirect_stdout(io.StringIO()):  # its log
                answer = function.lambda_handler(event, Context())
            self.step(END, lambda: None)
        except Killed:
            self.mishaps.append(self._running)
            self._start_cold(function)
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is ends the invocation
            self.errors.append(f"{self._running}: {type(error).__name__}: {error}")
            return None
        finally:
            self._running, self._is_dead = outer
        return answer

    def die(self) -> None:
        """End the function that runs: nothing it does from now on counts."""
        self._is_dead = True
        raise Killed

    def lose_answer(self, step: str, work: Callable[[], Any]) -> Any:
        """Do the step, but let its answer get lost; AWS's own client then asks again."""
        self.mishaps.append(step)
        work()
        if step.partition(": ")[2].startswith(_VENDORS):
            raise ConnectionResetError("the answer got lost")
        return work()

    def _start_cold(self, function: ModuleType) -> None:
        function.wired.forget()

    # -- AWS -----------------------------------------------------------------------------------

    def deliver(self) -> None:
        """The stream and the queue deliver what is there now; after a death, until it is mended."""
        before = len(self.mishaps)
        self.flow()
        if len(self.mishaps) > before:
            self.settle()

    def flow(self) -> None:
        """The stream and the queue deliver what is there now."""
        while self.show() or self.post():
            pass

    def repeat_deliveries(self) -> None:
        """AWS delivers what it delivered last once more: at least once is all it promises."""
        self._stream[:0] = self._last_batch
        if self._last_message:
            self.invoke(poster, {"Records": [self._last_message]})

    def settle(self) -> None:
        """Quarter by quarter until Odoo was read and nothing is under way or owed."""
        self._in_order = False
        for _ in range(_PATIENCE):
            self.flow()
            if self._in_order and not self.under_way():
                return
            self.quarter()
        raise AssertionError(f"not quiet after {_PATIENCE} runs: {self.under_way()}")

    def quarter(self) -> None:
        """The schedule's next run."""
        self.clock.until(self._next_run)
        self._next_run = self.clock.now + QUARTER
        answer = self.invoke(extractor, {})
        self._in_order = bool(answer) and "companies" in answer

    def hourly(self) -> None:
        """The schedule's look at what QuickBooks consists of."""
        self.invoke(poster, {"action": "sync_reference"})

    def daily(self) -> None:
        """The schedule's comparison with all of Odoo, and the look at the connections."""
        self.invoke(extractor, {"full": True})
        self.invoke(poster, {"action": "check_connections"})

    def bills(self) -> dict[str, Item]:
        """The items of the table, without those that somebody made by hand."""
        return {k: i for k, i in self.world.items().items() if k not in self.strangers}

    def under_way(self) -> list[str]:
        """What is on its way through AWS, or owed."""
        found = [f"message {m.body}" for m in _queue()._messages]
        found += [f"stream {i}" for i in self._stream if i not in self.strangers]
        for entry_id, item in self.bills().items():
            waits = item["company"] in self.disconnected and item["status"] == "APPROVED"
            if item["status"] in {"APPROVED", "POSTING"} and not waits:
                found.append(f"{entry_id} is {item['status']}")
            if "card_due" in item:
                found.append(f"{entry_id} owes a card")
            if "attach" in item and item["company"] not in self.disconnected:
                found.append(f"{entry_id} has files to be attached")
        return found

    def show(self) -> bool:
        """One batch of the stream to the notifier; False if there is none."""
        if not self._stream:
            return False
        batch = self._last_batch = self._stream[:_BATCH]
        records = [
            {"dynamodb": {"Keys": {"entry_id": {"S": i}}, "SequenceNumber": str(n)}}
            for n, i in enumerate(batch)
        ]
        answer = self.invoke(notifier, {"Records": records})
        failures = (answer or {}).get("batchItemFailures", [])
        failed = [int(f["itemIdentifier"]) for f in failures]
        done = 0 if answer is None else min(failed, default=len(batch))
        del self._stream[:done]
        self._stream_tries = 0 if done else self._stream_tries + 1
        if self._stream_tries == _STREAM_TRIES:  # given up: the sweep's to find
            del self._stream[: len(batch)]
            self._stream_tries = 0
        return True

    def post(self) -> bool:
        """One message to the poster; False if none can be received now."""
        if not _queue()._messages:
            return False
        client, url = self.world.clients["sqs"], self.world.names["queue"]
        received = client.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=1,
            VisibilityTimeout=_VISIBILITY,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        for message in received.get("Messages", ()):
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
            }
            self._last_message = record
            count = int(message["Attributes"]["ApproximateReceiveCount"])
            answer = self.invoke(poster, {"Records": [record]})
            is_done = answer is not None and not answer["batchItemFailures"]
            if is_done or count == _RECEIVES:
                self.dead_letters += not is_done
                client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return True
        return False

    def reseed(self, company: str, token: str) -> None:
        """An operator applies a company's new refresh token: every function starts again."""
        client = self.world.clients["secretsmanager"]
        known = json.loads(client.get_secret_value(SecretId="quickbooks")["SecretString"])
        known["refresh_tokens"][company] = token
        client.put_secret_value(SecretId="quickbooks", SecretString=json.dumps(known))
        for function in FUNCTIONS:
            self._start_cold(function)

    # -- people --------------------------------------------------------------------------------

    def cards(self, entry_id: str) -> list[Message]:
        """The messages of the channel that show a bill, the oldest first."""
        everything = self.world.slack.channels[CHANNEL].messages.values()
        return [
            m
            for m in everything
            if m.metadata and m.metadata["event_payload"]["entry_id"] == entry_id
            if m.thread_ts is None
        ]

    def decide(
        self, entry_id: str, action_id: str, person: str = APPROVER, typed: str = ""
    ) -> None:
        """A person clicks what the newest card offers; after an error again, if it still does."""
        for _ in range(3):
            offering = [m for m in self.cards(entry_id) if action_id in buttons(m)]
            if not offering or self._is_answered(action_id, person, offering[-1], typed):
                break
            self.settle()
        self.deliver()

    def _is_answered(self, action_id: str, person: str, message: Message, typed: str) -> bool:
        request = self.world.slack.click(person, CHANNEL, message.ts, action_id)
        promise = promise_of(message, action_id, person)
        return self.typed(promise, request, typed) if typed else self.clicked(promise, request)

    def clicked(self, promise: Promise, request: SignedRequest) -> bool:
        """A click arrives; False if it was not answered. What the person is told is remembered."""
        action_id, person = promise.action_id, promise.person
        said = self.world.slack.channels[CHANNEL].ephemerals[person]
        before = len(said)
        answer = self.send(request)
        done = RULES[action_id].done, FIRST_OF_TWO.done
        if any(m.text.startswith(done) for m in said[before:]):
            self.promises.append(promise)
        return answer is not None

    def typed(self, promise: Promise, request: SignedRequest, text: str) -> bool:
        """A click opens a modal, which the person fills in and sends."""
        slack = self.world.slack
        if self.send(request) is None:
            return False
        view = next(reversed(slack.views), "")
        values: dict[str, dict[str, str | None]] = {MODAL_FIELDS[promise.action_id]: {"text": text}}
        sent = slack.submit(promise.person, view, values) if view else None
        answer = self.send(sent) if sent else {"body": "no modal"}
        slack.views.clear()  # whatever it says, the person looks at the card
        if answer and not answer["body"]:
            self.promises.append(promise)
        return answer is not None

    def send(self, request: SignedRequest) -> Any:
        """Slack's request to the Function URL; None if it got no answer."""
        headers = {k.lower(): v for k, v in request.headers.items()}
        event = {"headers": headers, "body": request.body.decode(), "isBase64Encoded": False}
        return self.invoke(approval_handler, event)


def promise_of(message: Message, action_id: str, person: str) -> Promise:
    """What a click on a card is about."""
    elements = (e for b in message.blocks if b["type"] == "actions" for e in b["elements"])
    value = next(str(e["value"]) for e in elements if e["action_id"] == action_id)
    entry_id, _, digest = value.partition("|")
    return Promise(entry_id=entry_id, action_id=action_id, person=person, digest=digest)


def _bill_in(given: Json) -> str:
    key = given.get("Key")
    entry_id = key["entry_id"]["S"] if isinstance(key, dict) else ""  # S3's keys are texts
    return entry_id if entry_id.startswith("odoo-") else ""


def _queue() -> Any:
    return sqs.sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues["approved.fifo"]


def is_read(step: str) -> bool:
    """Whether a step leaves everything outside as it is."""
    name = step.partition(": ")[2]
    return name.startswith(_READS) or name.endswith(_READ_PATHS)


def _called(host: str, method: str, path: str) -> str:
    vendor, last = host.partition(".")[0], path.rpartition("/")[2]
    if path.startswith("/response/"):
        last = "response_url"
    return f"{vendor} {last}" if vendor != "quickbooks" else f"{method} quickbooks /{last}"
