"""Set up the webhook in one process: moto, an Odoo and its mirror, the queues and the endpoint."""

from __future__ import annotations

import base64
import json
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
from standardwebhooks import Webhook, WebhookVerificationError

import webhook
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION, Aws, one_call_at_a_time
from sandbox.in_process.fifo_queue import FifoQueue
from sandbox.in_process.in_memory_network import InMemoryNetwork
from sandbox.in_process.mirror import a_mirror
from sandbox.in_process.webhook import (
    FAILURES,
    FUNCTIONS,
    HOST,
    MOST_RECEIVES,
    VISIBILITY,
    WebhookPath,
)
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from sandbox.in_process.mirror import MirrorDesk

SECRET: Final = "whsec_" + base64.b64encode(b"a secret for the functions' tests").decode()
_PORT: Final = 8080

Json = dict[str, Any]


@contextmanager
def a_webhook(
    patches: pytest.MonkeyPatch,
    *,
    kinds: str = "move,payment",
    in_virtual_time: bool = True,
    **odoo: Any,
) -> Iterator[WebhookPath]:
    """An Odoo, an empty mirror of it, and all that brings its changes to an endpoint.

    With `in_virtual_time` there is no network and no thread, and the sender's clock is the desk's.
    """
    network = InMemoryNetwork()
    if in_virtual_time:
        network.install(patches)
        patches.setattr(ThreadPoolExecutor, "submit", _at_once)
    logging.disable(logging.CRITICAL)
    with a_mirror(listen=network.serve if in_virtual_time else serve, **odoo) as desk:
        clock = desk.clock if in_virtual_time else _utc_now
        view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        desk.client.update_table(TableName=desk.table_name, StreamSpecification=view)
        dead = FifoQueue(clock=clock, url="https://sqs.us-west-2.amazonaws.com/1/dead.fifo")
        queue = FifoQueue(
            clock=clock,
            visibility=VISIBILITY,
            most_receives=MOST_RECEIVES,
            dead_letters=dead,
        )
        receiver = Receiver({"current": SECRET}, clock=clock, verify=_verify_at(clock))
        listening = (
            network.serve(receiver, host=HOST, port=_PORT) if in_virtual_time else serve(receiver)
        )
        with listening as address:
            names = _make_names(desk, queue, dead, kinds, address.url)
            for name, value in names.items():
                patches.setenv(name, value)
            aws = Aws()
            one_call_at_a_time(patches, aws)
            path = WebhookPath(desk=desk, receiver=receiver, queue=queue, dead=dead, names=names)
            aws.performs, network.on_request = path.perform, path.call
            yield from _wired(path, clock, desk.sleep if in_virtual_time else time.sleep)


def _wired(
    path: WebhookPath, clock: Callable[[], datetime], sleep: Callable[[float], None]
) -> Iterator[WebhookPath]:
    for function in FUNCTIONS:
        function.wired.forget()
        function.wired.use(clock=clock, sleep=sleep)
    webhook.wired.use(at_random=lambda: 0.5)
    try:
        yield path
    finally:
        logging.disable(logging.NOTSET)
        for function in FUNCTIONS:
            function.wired.forget()
            function.wired.use(clock=_utc_now, sleep=time.sleep)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _make_names(
    desk: MirrorDesk, queue: FifoQueue, dead: FifoQueue, kinds: str, url: str
) -> dict[str, str]:
    """The functions' environment, and in moto what it names."""
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secret = json.dumps({"current": SECRET, "previous": ""})
    topic = boto3.client("sns", region_name=REGION).create_topic(Name="alerts")
    return {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "MIRROR_TABLE": desk.table_name,
        "POWERTOOLS_METRICS_NAMESPACE": "OdooQuickBooks/test",
        "SNS_ALERT_TOPIC": topic["TopicArn"],
        "WEBHOOK_CONNECTIONS": "odoo",
        "WEBHOOK_DEAD_QUEUE_URL": dead.url,
        "WEBHOOK_FAILURES_URL": FAILURES,
        "WEBHOOK_FIRST_LOAD": "false",
        "WEBHOOK_KINDS": kinds,
        "WEBHOOK_QUEUE_URL": queue.url,
        "WEBHOOK_SECRET_ARN": secrets.create_secret(
            Name=f"webhook-{desk.table_name}", SecretString=secret
        )["ARN"],
        "WEBHOOK_URL": f"{url}/odoo",
    }


def _verify_at(
    clock: Callable[[], datetime],
) -> Callable[[str, bytes, Mapping[str, str]], object]:
    """What standardwebhooks verifies, at another time than this machine's."""

    def verify(secret: str, body: bytes, headers: Mapping[str, str]) -> None:
        given = {name.lower(): value for name, value in headers.items()}
        at = datetime.fromtimestamp(int(given["webhook-timestamp"]), UTC)
        if abs(clock() - at) > timedelta(minutes=5):
            raise WebhookVerificationError(f"it was signed at {at}")
        expected = Webhook(secret).sign(given["webhook-id"], at, body.decode())
        if expected not in given["webhook-signature"].split():
            raise WebhookVerificationError("No matching signature found")

    return verify


def _at_once(_pool: ThreadPoolExecutor, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
    """Run submitted work at once: steps can be counted only if they have an order."""
    future: Future[Any] = Future()
    try:
        future.set_result(work(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - the pool gives it to whoever asks for the result
        future.set_exception(error)
    return future
