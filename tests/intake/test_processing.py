"""An invoice is stored once, under the year's next number: without gaps, without doubles."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import intake
from odoo_qb.errors import Conflict, Refused, Unavailable
from odoo_qb.intake.processing import TRIES, Ledger, invoice_number
from odoo_qb.intake.validation import read_validated
from odoo_qb.store.intake_table import IntakeTable
from tests.intake.desk import TABLE, an_invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.intake.desk import Desk

Json = dict[str, Any]


def test_a_processed_invoice_has_the_next_number_and_is_stored_as_given(desk: Desk) -> None:
    invoice = an_invoice(amount=1500, poNumber="PO 7")

    first, second = desk.process(invoice), desk.process(an_invoice(invoiceId="A-2"))

    assert first == {
        "outcome": "processed",
        "invoiceNumber": "INV-2026-000001",
        "invoiceId": "A-1",
        "problems": [],
        "notes": [],
    }
    assert second["invoiceNumber"] == "INV-2026-000002"
    stored = next(r for r in desk.rows("invoice#") if r["pk"] == "invoice#A-1")
    assert json.loads(stored.pop("given")) == invoice
    assert len(stored.pop("digest")) == 64
    assert stored == {
        "pk": "invoice#A-1",
        "invoice_id": "A-1",
        "customer_id": "C-9",
        "customer_email": "ada@example.com",
        "amount": "1500.00",
        "due_date": "2026-12-28",
        "number": "INV-2026-000001",
        "execution": "arn:aws:states:us-west-2:123456789012:execution:intake:1",
        "stored_at": "2026-11-28T12:00:00.000Z",
    }


@pytest.mark.parametrize("text", ["Zoë 🧾", "\ud83e", "\x00"])
def test_any_text_is_stored_as_given(desk: Desk, text: str) -> None:
    invoice = an_invoice(description=text, remark={text: [text]})

    assert desk.process(invoice)["outcome"] == "processed"

    [stored] = desk.rows("invoice#")
    assert json.loads(stored["given"]) == invoice
    assert desk.process(invoice)["outcome"] == "duplicate"


@pytest.mark.parametrize(
    "again",
    [
        an_invoice(),
        an_invoice(amount="1500.00"),
        dict(reversed(an_invoice().items())),
        an_invoice(items=[{"rate": "150.0", "quantity": 10.0, "description": "Hours"}]),
        an_invoice() | {"note": None},
    ],
    ids=["the same", "as text", "in another order", "items as text", "with a null"],
)
def test_the_same_invoice_again_is_a_duplicate_with_its_first_number(
    desk: Desk, again: Json
) -> None:
    first = desk.process(an_invoice())

    second = desk.process(again)

    assert (second["outcome"], second["invoiceNumber"]) == ("duplicate", first["invoiceNumber"])
    assert len(desk.rows("invoice#")) == 1
    assert desk.process(an_invoice(invoiceId="A-2"))["invoiceNumber"] == "INV-2026-000002"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 1499.99, "items": None},
        {"customerEmail": None},
        {"dueDate": "2026-12-29"},
        {"description": "consulting"},
        {"poNumber": "PO 7"},
        {"items": [{"description": "Hours", "quantity": 5, "rate": 300.0}]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_content_under_the_same_id_is_a_conflict_and_nothing_is_stored(
    desk: Desk, changes: Json
) -> None:
    desk.process(an_invoice())
    before = desk.rows("")

    result = desk.process(an_invoice(**changes))

    assert (result["outcome"], result["invoiceNumber"]) == ("conflict", None)
    [problem] = result["problems"]
    assert problem["field"] == "invoiceId"
    assert "INV-2026-000001" in problem["message"]
    assert desk.rows("") == before


def test_an_execution_that_never_learned_of_its_success_gets_the_same_answer(desk: Desk) -> None:
    execution = desk.execution()

    answers = [desk.process(an_invoice(), execution) for _ in range(3)]

    assert {(a["outcome"], a["invoiceNumber"]) for a in answers} == {
        ("processed", "INV-2026-000001")
    }
    assert len(desk.rows("invoice#")) == 1


def test_numbers_begin_anew_when_the_year_does_where_the_firm_is(desk: Desk) -> None:
    desk.process(an_invoice())
    desk.now = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
    last = desk.process(an_invoice(invoiceId="A-2", dueDate="2027-02-01"))
    desk.now = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)  # midnight in Paris
    first = desk.process(an_invoice(invoiceId="A-3", dueDate="2027-02-01"))

    assert (last["invoiceNumber"], first["invoiceNumber"]) == ("INV-2026-000002", "INV-2027-000001")


def test_a_number_has_six_digits_and_more_from_a_million_on() -> None:
    assert invoice_number(2026, 999_999) == "INV-2026-999999"
    assert invoice_number(2026, 1_000_000) == "INV-2026-1000000"


class Table(IntakeTable):
    """The table, where others are faster or DynamoDB is busy as often as a test says."""

    def __init__(self, desk: Desk, taken: int = 0, refused: str = "") -> None:
        client: Any = Refusing(desk.dynamodb, refused) if refused else desk.dynamodb
        super().__init__(client, TABLE)
        self._desk, self._taken = desk, taken

    def add(self, invoice_id: str, values: Mapping[str, object], *, year: int, last: int) -> None:
        if self._taken:
            self._taken -= 1
            self._desk.process(an_invoice(invoiceId=f"other {self._taken}"))
        super().add(invoice_id, values, year=year, last=last)


class Refusing:
    """A client to which DynamoDB answers a transaction with an error, and its reasons."""

    def __init__(self, client: Any, refused: str) -> None:
        self._client = client
        self._code, *self._reasons = refused.split()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **_: object) -> None:
        answer: Any = {
            "Error": {"Code": self._code, "Message": "no"},
            "CancellationReasons": [{"Code": reason} for reason in self._reasons],
        }
        raise ClientError(answer, "TransactWriteItems")


def store(desk: Desk, table: IntakeTable) -> Json:
    ledger = Ledger(table, desk.now.tzinfo or UTC, desk.sleep)
    invoice = read_validated({"invoice": an_invoice()})
    return ledger.store(invoice, execution="arn:mine", now=desk.now).as_answer()


def test_a_number_that_another_took_first_is_not_taken_twice(desk: Desk) -> None:
    result = store(desk, Table(desk, taken=TRIES - 1))

    assert result["invoiceNumber"] == f"INV-2026-{TRIES:06}"
    assert sorted(row["number"] for row in desk.rows("invoice#")) == [
        f"INV-2026-{n + 1:06}" for n in range(TRIES)
    ]
    assert len(desk.waited) == TRIES - 1
    assert all(0 <= seconds < 0.5 for seconds in desk.waited)


def test_after_some_tries_the_state_machine_is_to_wait(desk: Desk) -> None:
    with pytest.raises(Conflict):
        store(desk, Table(desk, taken=TRIES))

    assert len(desk.rows("invoice#")) == TRIES  # the others'; there is no gap
    assert int(desk.rows("counter#")[0]["last"]) == TRIES


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("TransactionCanceledException ConditionalCheckFailed None", Conflict),
        ("TransactionCanceledException TransactionConflict None", Conflict),
        ("TransactionCanceledException ThrottlingError None", Unavailable),
        ("TransactionCanceledException None ValidationError", ClientError),
        ("TransactionInProgressException", Unavailable),
        ("ThrottlingException", Unavailable),
        ("InternalServerError", Unavailable),
        ("AccessDeniedException", ClientError),
    ],
)
def test_what_may_work_later_has_the_name_that_is_retried(
    desk: Desk, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        store(desk, Table(desk, refused=code))

    assert desk.rows("") == []


def test_ten_runs_at_once_leave_no_gap_and_no_double(desk: Desk) -> None:
    lock = threading.Lock()  # moto is not made for two at once

    class Serial:
        def __getattr__(self, name: str) -> Any:
            def call(**arguments: Any) -> Any:
                with lock:
                    return getattr(desk.dynamodb, name)(**arguments)

            return call

    client: Any = Serial()
    ledger = Ledger(IntakeTable(client, TABLE), UTC, time.sleep)

    def process(number: int) -> str:
        invoice = read_validated({"invoice": an_invoice(invoiceId=f"A-{number}")})
        while True:
            try:
                return ledger.store(invoice, execution=f"arn:{number}", now=desk.now).invoice_number
            except Conflict:
                continue  # as the state machine does

    with ThreadPoolExecutor(10) as runs:
        numbers = sorted(runs.map(process, range(40)))

    assert numbers == [f"INV-2026-{n + 1:06}" for n in range(40)]


def test_the_function_takes_only_what_the_state_machine_sends(desk: Desk) -> None:
    with pytest.raises(Refused, match="no execution"):
        intake.process_invoice({"invoice": an_invoice()}, None)
    with pytest.raises(Refused, match="not validated"):
        desk.process({"invoiceId": "A-1"})

    assert desk.rows("") == []
