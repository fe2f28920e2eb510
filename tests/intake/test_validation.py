"""What is wrong with an invoice is said at once, field by field, and without repeating it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.errors import Refused
from odoo_qb.intake.rules import Policy
from odoo_qb.intake.validation import read_validated, validate
from tests.intake.desk import an_invoice

if TYPE_CHECKING:
    from odoo_qb.intake.result import Result

TODAY = date(2026, 11, 28)
POLICY = Policy(maximum=Decimal(1000000), today=TODAY)


def validated(invoice: Any) -> Result:
    """As it arrives: written as JSON, read with the doubles that JSONata and Lambda have."""
    return validate({"invoice": json.loads(json.dumps(invoice))}, POLICY)


def problems(**changes: Any) -> dict[str, str]:
    return {p.field: p.message for p in validated(an_invoice(**changes)).problems}


def test_a_valid_invoice_has_no_problem_and_no_note() -> None:
    result = validated(an_invoice())

    assert (result.outcome, result.invoice_id) == ("valid", "A-1")
    assert (result.problems, result.notes) == ((), ())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    invoice = {
        "customerId": 7,
        "customerEmail": "nobody",
        "amount": 19.999,
        "dueDate": "2026-02-30",
        "description": ["x"],
        "items": [{"description": "Hours", "quantity": True}, "second"],
    }

    result = validated(invoice)

    assert (result.outcome, result.invoice_id) == ("invalid", "")
    assert [p.field for p in result.problems] == [
        *("invoiceId", "customerId", "customerEmail", "amount", "dueDate", "description"),
        *("items[0].rate", "items[0].quantity", "items[1]"),
    ]
    assert all(p.message.endswith(".") for p in result.problems)


def test_rules_apply_to_what_could_be_read_beside_what_could_not() -> None:
    found = problems(amount=-5, dueDate="2026-11-28", customerId=None, items=None)

    assert found == {
        "customerId": "This field is required.",
        "amount": "It must be more than 0.",
        "dueDate": "It must be after today, which is 2026-11-28.",
    }


@pytest.mark.parametrize(
    ("amount", "ok"),
    [
        (1500, True),
        (1500.0, True),
        ("1500.00", True),
        ("1500", True),
        (0.01, True),
        (999999.99, True),
        (1000000, True),
        ("1000000.01", False),
        (1000000.01, False),
        (0.1 + 0.2, False),
        ("0.30", True),
        (1e21, False),
        (1e15, False),
        ("1e3", False),
        (19.999, False),
        ("19.999", False),
        ("19.990", False),
        (0, False),
        ("0.00", False),
        (-0.0, False),
        (-1, False),
        ("-1.00", False),
        ("+1.00", False),
        ("1,500.00", False),
        (" 1500.00", False),
        ("1500.", False),
        (".50", False),
        ("١٢", False),
        ("NaN", False),
        ("Infinity", False),
        (True, False),
        ([1500], False),
        ({"amount": 1}, False),
        ("", False),
        (None, False),
        ("9" * 400, False),
    ],
    ids=str,
)
def test_money_is_exact_or_refused(amount: Any, *, ok: bool) -> None:
    result = validated(an_invoice(items=None) | {"amount": amount})

    assert [p.field for p in result.problems] == ([] if ok else ["amount"])


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_what_is_no_number_in_json_is_none_here(amount: float) -> None:
    assert validate({"invoice": an_invoice(amount=amount)}, POLICY).outcome == "invalid"


@pytest.mark.parametrize(
    ("due", "ok"),
    [
        ("2026-11-29", True),
        ("2028-02-29", True),
        ("9999-12-31", True),
        ("2026-11-28", False),
        ("2026-11-27", False),
        ("2027-02-29", False),
        ("2026-13-01", False),
        ("0000-01-01", False),
        ("2026-W49-1", False),
        ("20261201", False),
        ("2026-12-01T00:00:00", False),
        ("01.12.2026", False),
        (20261201, False),
        ("", False),
    ],
)
def test_a_due_date_is_a_day_of_the_calendar_after_today(due: Any, *, ok: bool) -> None:
    assert list(problems(dueDate=due)) == ([] if ok else ["dueDate"])


@pytest.mark.parametrize(
    ("address", "ok"),
    [
        ("ada@example.com", True),
        ("ada.lovelace+bills@mail.example.co.uk", True),
        ("o'brien@example.com", True),
        ("ada", False),
        ("ada@", False),
        ("@example.com", False),
        ("ada@localhost", False),
        ("ada@@example.com", False),
        ("ada@exa mple.com", False),
        ("ada@example.com\nBcc: eve@example.com", False),
        ("ada@example.com, eve@example.com", False),
        ("Ada <ada@example.com>", False),
        (".ada@example.com", False),
        ("ada..l@example.com", False),
        ("ada@-example.com", False),
        ("ada@example.1", False),
        (f"{'a' * 250}@example.com", False),
        (7, False),
        ("", False),
    ],
)
def test_an_address_is_plausible_or_refused_and_never_repeated(address: Any, *, ok: bool) -> None:
    found = problems(customerEmail=address)

    assert list(found) == ([] if ok else ["customerEmail"])
    assert not any("eve" in message for message in found.values())


@pytest.mark.parametrize("name", ["invoiceId", "customerId"])
@pytest.mark.parametrize(
    ("value", "ok"),
    [
        ("A-1", True),
        ("Ä/2026 № 7", True),
        ("x" * 100, True),
        ("x" * 101, False),
        (" A-1", False),
        ("A\n1", False),
        ("A\u202e1", False),
        ("\ud800", False),
        (7, False),
        ("", False),
    ],
)
def test_an_id_is_text_that_can_be_seen(name: str, value: Any, *, ok: bool) -> None:
    result = validate({"invoice": an_invoice(**{name: value})}, POLICY)

    assert [p.field for p in result.problems] == ([] if ok else [name])


@pytest.mark.parametrize(
    ("amount", "items", "ok"),
    [
        ("30.00", [("3", 10)], True),
        (30, [(1, 10), (2, 10)], True),
        ("29.99", [(3, 10)], False),
        (0.3, [(1, 0.1), (1, 0.2)], True),
        ("33.33", [(0.3333, 100)], True),
        ("0.03", [(1, "0.014"), (1, "0.014")], True),  # rounded at the end
        ("0.02", [(1, "0.014"), (1, "0.014")], True),  # rounded line by line
        ("0.04", [(1, "0.014"), (1, "0.014")], False),
        (90, [(1, 100), (1, -10)], True),
        ("999999.99", [(999999999999999, 999999999999999)], False),
        ("10.00", [], False),
        ("10.00", [(0.1234567, 81)], False),
    ],
)
def test_items_add_up_to_the_cent(amount: Any, items: list[Any], *, ok: bool) -> None:
    lines = [{"description": "x", "quantity": q, "rate": r} for q, r in items]

    result = validated(an_invoice(amount=amount, items=lines))

    assert (result.outcome == "valid") == ok
    assert all(p.field.startswith("items") for p in result.problems)


def test_what_the_items_add_up_to_is_said() -> None:
    assert problems(amount="1234.50") == {
        "items": "They add up to 1,500.00, and the amount is 1,234.50."
    }


def test_other_keys_are_noted_and_not_refused() -> None:
    lines = [{"description": "Hours", "quantity": 10, "rate": 150, "sku": "H"}]

    result = validated(an_invoice(poNumber="PO 7", project={"a": 1.50}, items=lines))

    assert result.outcome == "valid"
    assert result.notes == (
        "Kept as given, without a check: items[0].sku.",
        "Kept as given, without a check: poNumber, project.",
    )


def test_notes_and_problems_stay_readable_however_much_is_wrong() -> None:
    many = {f"key {n}\n": n for n in range(1000)}
    lines = [{"description": "x"} | {"y" * 300: 1}] * 400

    result = validated(an_invoice(items=lines) | many)

    assert len(json.dumps(result.as_answer())) < 40_000
    assert result.notes[-1].count("\n") == 0


def test_an_invoice_that_step_functions_could_not_pass_on_is_refused() -> None:
    result = validated(an_invoice(attachment="x" * 200_000))

    assert [p.field for p in result.problems] == ["invoice"]
    assert result.invoice_id == "A-1"
    assert validated(an_invoice(attachment="x" * 190_000)).outcome == "valid"


@pytest.mark.parametrize("event", [None, [], "x", 7, {}, {"invoice": None}, {"invoice": [1]}])
def test_an_event_without_an_invoice_is_invalid(event: Any) -> None:
    result = validate(event, POLICY)

    assert result.as_answer() == {
        "outcome": "invalid",
        "invoiceNumber": None,
        "invoiceId": None,
        "problems": [
            {"field": "invoice", "message": 'Give an object: {"invoice": {"invoiceId": …}}.'}
        ],
        "notes": [],
    }


def test_optional_fields_may_be_null() -> None:
    nulls = dict.fromkeys(("customerEmail", "description", "items"))

    assert validated(an_invoice() | nulls).outcome == "valid"


def test_what_was_not_validated_is_not_read() -> None:
    with pytest.raises(Refused, match="not validated: amount, dueDate"):
        read_validated({"invoice": an_invoice(amount=19.999, dueDate="soon")})


def test_a_validated_invoice_is_read_also_on_the_day_it_is_due() -> None:
    assert read_validated({"invoice": an_invoice(dueDate="2020-01-01")}).invoice_id == "A-1"
