"""What the functions send to AWS, against AWS's own limits; Terraform's is in test_terraform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import poster
from odoo_qb.errors import Disconnected
from odoo_qb.store.alerts import Alerts
from sandbox.in_process.chain import Context
from tests.sandbox.benchmark.test_costs import a_life
from tests.support import limits

if TYPE_CHECKING:
    from sandbox.in_process.chain import World


def refused(world: World) -> list[str]:
    """What AWS would have against the calls so far, which the emulators take."""
    services = {
        operation: name
        for name, client in world.clients.items()
        for operation in client.meta.service_model.operation_names
    }
    return [
        f"{operation}: {complaint}"
        for operation, arguments in world.aws.calls
        for complaint in limits.complaints(services[operation], operation, arguments)
    ]


def test_aws_takes_all_that_a_bill_sends_on_its_way(world: World) -> None:
    world.forget_old_bills()
    world.aws.calls.clear()
    poster.lambda_handler({"action": "sync_reference"}, Context())
    a_life(world, "INV-1")

    sent = {operation for operation, _ in world.aws.calls}
    assert sent >= {"SendMessage", "PutObject", "UpdateItem", "PutSecretValue"}
    assert refused(world) == []


def test_aws_takes_a_subject_however_long_it_was_to_be(world: World) -> None:
    alerts = Alerts(world.clients["sns"], world.names["topic"], world.table, "mails")
    world.aws.calls.clear()

    alerts.mail("Größe\n" * 40, ["A line."])
    poster.wired.connections.note_broken("k" * 100, Disconnected("It is closed."))

    subjects = [a["Subject"] for operation, a in world.aws.calls if operation == "Publish"]
    assert [len(subject) for subject in subjects] == [99, 99]
    assert refused(world) == []


def test_a_subject_of_a_hundred_characters_would_be_found(world: World) -> None:
    call: dict[str, Any] = {"TopicArn": world.names["topic"], "Message": "m", "Subject": "s" * 100}
    world.aws.calls.clear()
    world.clients["sns"].publish(**call)

    assert refused(world) == [f"Publish: Subject is 100, more than 99: {'s' * 60}"]
