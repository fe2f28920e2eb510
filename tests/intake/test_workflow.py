"""The state machine on the emulator: every outcome, and what fails once, always or too long."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import emulator as aws
from tests.intake.desk import an_invoice
from tests.intake.documented import with_the_state
from tests.intake.stand import FUNCTIONS, Stand

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

DUE = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%d}"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("intake")
    emulator = aws.start(folder / "aws")
    yield Stand(emulator, folder)
    aws.stop(emulator)


@pytest.fixture(scope="module")
def machine(stand: Stand) -> str:
    return stand.machine()


def invoice(name: str, **changes: Any) -> Json:
    return an_invoice(invoiceId=name, dueDate=DUE, **changes)


def test_an_invoice_is_processed_then_a_duplicate_then_a_conflict(
    stand: Stand, machine: str
) -> None:
    runs = [stand.run(machine, invoice("A-1", **more)) for more in ({}, {}, {"poNumber": "7"})]

    assert [run["status"] for run in runs] == ["SUCCEEDED"] * 3
    processed, duplicate, conflict = (run["output"] for run in runs)
    year = f"{datetime.now(UTC):%Y}"
    assert processed == {
        "outcome": "processed",
        "invoiceNumber": f"INV-{year}-000001",
        "invoiceId": "A-1",
        "problems": [],
        "notes": [],
    }
    assert duplicate == processed | {"outcome": "duplicate"}
    assert (conflict["outcome"], conflict["invoiceNumber"]) == ("conflict", None)
    assert [problem["field"] for problem in conflict["problems"]] == ["invoiceId"]
    assert conflict["notes"] == ["Kept as given, without a check: poNumber."]
    assert stand.states(runs[0]["executionArn"]) == [
        *("ValidateInvoice", "IsValid", "ProcessInvoice", "SendNotification"),
    ]
    assert stand.announced() == [
        "Invoice A-1 arrived again",
        "Invoice A-1 differs from the stored one",
        f"Invoice A-1 was stored as INV-{year}-000001",
    ]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"invoice": invoice("A-2", amount=0.1 + 0.2, items=None) | {"dueDate": "soon"}},
         ["amount", "dueDate"]),
        ({"invoice": {"invoiceId": "A-3"}}, ["customerId", "amount", "dueDate"]),
        ({"invoice": None}, ["invoice"]),
        ({}, ["invoice"]),
        ([], ["invoice"]),
        ("invoice", ["invoice"]),
    ],
)  # fmt: skip
def test_an_invalid_invoice_is_reported_and_not_processed(
    stand: Stand, machine: str, given: Any, fields: list[str]
) -> None:
    before = len(stand.rows())

    ended = stand.end(stand.start(machine, given))

    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert (output["outcome"], output["invoiceNumber"]) == ("invalid", None)
    assert [problem["field"] for problem in output["problems"]] == fields
    assert stand.states(ended["executionArn"]) == ["ValidateInvoice", "IsValid", "SendNotification"]
    assert len(stand.rows()) == before


def test_a_function_that_fails_once_is_tried_again(stand: Stand) -> None:
    functions = {name: stand.brittle(name).fail(1) for name in FUNCTIONS}

    run = stand.run(stand.machine(functions), invoice("A-4"))

    assert (run["status"], run["output"]["outcome"]) == ("SUCCEEDED", "processed")
    kinds = [event["type"] for event in stand.history(run["executionArn"])]
    assert kinds.count("TaskFailed") == len(FUNCTIONS)


@pytest.mark.parametrize(
    ("name", "timeout", "said"),
    [
        ("validate_invoice", 30, "ValidateInvoice failed: Broken."),
        ("process_invoice", 30, "ProcessInvoice failed: Broken."),
        ("process_invoice", 1, "ProcessInvoice failed: Sandbox.Timedout."),
    ],
)
def test_a_function_that_always_fails_is_announced_and_ends_the_execution_as_failed(
    stand: Stand, name: str, timeout: int, said: str
) -> None:
    stand.announced()
    arn = stand.brittle(name, timeout).fail(seconds=3 if timeout == 1 else 0)
    before = len(stand.rows())

    run = stand.run(stand.machine({name: arn}), invoice(f"{timeout} {name}"))

    assert (run["status"], run["error"], run["cause"]) == ("FAILED", "InvoiceFailed", said)
    assert stand.states(run["executionArn"])[-2:] == ["NotifyFailure", "Failed"]
    assert stand.announced() == [f"Invoice {timeout} {name} could not be processed"]
    assert len(stand.rows()) == before


def test_a_task_that_takes_too_long_is_a_failure_too(stand: Stand) -> None:
    arn = stand.brittle("validate_invoice").fail(seconds=4)

    def one_second(definition: Json) -> None:
        definition["States"]["ValidateInvoice"] |= {"TimeoutSeconds": 1, "Retry": []}

    run = stand.run(stand.machine({"validate_invoice": arn}, one_second), invoice("A-5"))

    assert run["cause"] == "ValidateInvoice failed: States.Timeout."


def test_a_failed_announcement_undoes_nothing_and_a_redrive_makes_up_for_it(stand: Stand) -> None:
    notifying = stand.brittle("send_notification")
    machine = stand.machine({"send_notification": notifying.fail()})

    failed = stand.run(machine, invoice("A-6"))
    assert (failed["status"], failed["error"]) == ("FAILED", "Broken")
    [stored] = [row for row in stand.rows() if row["invoice_id"] == "A-6"]

    notifying.mend()
    stand.client("stepfunctions").redrive_execution(executionArn=failed["executionArn"])
    redriven = stand.end(failed["executionArn"])

    assert (redriven["status"], redriven["redriveCount"]) == ("SUCCEEDED", 1)
    output = json.loads(redriven["output"])
    assert (output["outcome"], output["invoiceNumber"]) == ("processed", stored["number"])
    assert stand.states(failed["executionArn"]).count("ProcessInvoice") == 1
    assert f"Invoice A-6 was stored as {stored['number']}" in stand.announced()


def test_what_ended_in_failed_fails_again_and_is_started_again_instead(stand: Stand) -> None:
    processing = stand.brittle("process_invoice")
    machine = stand.machine({"process_invoice": processing.fail()})
    failed = stand.run(machine, invoice("A-7"))
    processing.mend()

    stand.client("stepfunctions").redrive_execution(executionArn=failed["executionArn"])
    redriven = stand.end(failed["executionArn"])
    again = stand.end(stand.start(machine, json.loads(failed["input"])))

    assert (redriven["status"], redriven["error"]) == ("FAILED", "InvoiceFailed")
    assert json.loads(again["output"])["outcome"] == "processed"
    with pytest.raises(ClientError, match="ExecutionNotRedrivable"):
        stand.client("stepfunctions").redrive_execution(executionArn=again["executionArn"])


def test_an_execution_that_takes_too_long_times_out_and_goes_on_when_redriven(
    stand: Stand,
) -> None:
    processing = stand.brittle("process_invoice")

    def five_seconds(definition: Json) -> None:
        definition["TimeoutSeconds"] = 5
        patient = {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 12, "MaxAttempts": 1}
        definition["States"]["ProcessInvoice"]["Retry"] = [patient]

    machine = stand.machine({"process_invoice": processing.fail()}, five_seconds)
    late = stand.run(machine, invoice("A-8"))
    assert (late["status"], late["error"]) == ("TIMED_OUT", "States.Timeout")

    processing.mend()
    stand.client("stepfunctions").redrive_execution(executionArn=late["executionArn"])

    output = json.loads(stand.end(late["executionArn"])["output"])
    assert output["outcome"] == "processed"
    assert stand.states(late["executionArn"]).count("ValidateInvoice") == 1


def test_a_start_under_the_same_name_is_one_execution(stand: Stand, machine: str) -> None:
    stand.start(machine, {"invoice": invoice("A-9")}, name="A-9")

    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        stand.start(machine, {"invoice": invoice("A-9", poNumber="7")}, name="A-9")


def test_outcomes_pass_from_state_to_state_without_personal_data(
    stand: Stand, machine: str
) -> None:
    for given in (invoice("A-10"), invoice("A-10", customerEmail="grace@example")):
        execution = stand.run(machine, given)["executionArn"]
        passed = [
            event[f"state{kind}EventDetails"]
            for event in stand.history(execution)[1:]
            for kind in ("Entered", "Exited")
            if f"state{kind}EventDetails" in event
        ]
        told = json.dumps(passed[1:])  # the first is the input itself
        assert "A-10" in told
        assert [w for w in ("ada@", "grace", "C-9", "Consulting", "1500") if w in told] == []


def test_executions_are_counted_for_the_alarms(stand: Stand, machine: str) -> None:
    found = stand.client("cloudwatch").list_metrics(
        Namespace="AWS/States", Dimensions=[{"Name": "StateMachineArn", "Value": machine}]
    )

    names = {metric["MetricName"] for metric in found["Metrics"]}
    assert names >= {"ExecutionsStarted", "ExecutionsSucceeded"}


def test_a_state_added_as_documented_takes_part(stand: Stand) -> None:
    states = with_the_state()["States"]

    def add(definition: Json) -> None:
        definition["States"]["IsLarge"] = states["IsLarge"]
        definition["States"]["IsValid"] = states["IsValid"]

    machine = stand.machine(change=add)
    large = stand.run(machine, invoice("A-11", amount=50001, items=None))
    small = stand.run(machine, invoice("A-12"))

    assert large["output"]["problems"] == [
        {"field": "amount", "message": "Invoices over 50,000 are entered by hand."}
    ]
    assert stand.states(large["executionArn"])[-2:] == ["IsLarge", "SendNotification"]
    assert small["output"]["outcome"] == "processed"
