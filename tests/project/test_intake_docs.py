"""What docs/intake.md shows works: its invoice, its added rule, its added state."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import jsonata
import pytest
from statelint.config import Config
from statelint.linter import Linter

from odoo_qb.intake.reading import ITEMS, TEXT
from odoo_qb.intake.rules import RULES, Policy
from odoo_qb.intake.validation import validate
from sandbox.companions.intake_walk import OUTCOMES, SAMPLES
from tests.intake.documented import DOCUMENT, with_the_state
from tests.intake.stand import DEFINITION, PROJECT
from tests.project.test_readme import blocks, rows, section

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY: Final = Policy(maximum=Decimal(1000000), today=date(2026, 11, 28))

Json = dict[str, Any]


def shown_invoice() -> Json:
    found: Json = json.loads(blocks(section(DOCUMENT, "Giving it an invoice"), "json")[0])
    return found


def test_the_invoice_it_shows_is_valid() -> None:
    assert validate(shown_invoice(), POLICY).as_answer()["outcome"] == "valid"


def test_the_rule_it_adds_is_kept_to() -> None:
    (code,) = blocks(section(DOCUMENT, "Adding a rule"), "python")
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - of our own document
    rule = names["amount_is_within_the_customers_maximum"]

    def problems(**changes: Any) -> list[str]:
        given = {"invoice": shown_invoice()["invoice"] | {"items": None} | changes}
        return [p.message for p in validate(given, POLICY, (*RULES, rule)).problems]

    assert problems(amount=5000) == problems(amount=9000, customerId="C-7") == []
    assert problems(amount=5000.01) == ["It is over this customer's maximum of 5,000."]
    assert len(problems(amount=2_000_000)) == 2


def test_the_state_it_adds_is_sound_and_chooses_by_the_amount() -> None:
    definition = with_the_state()
    assert Linter.validate(definition, Config(evaluate_jsonata=True)) == []

    [choice] = definition["States"]["IsLarge"]["Choices"]
    condition = jsonata.Jsonata.jsonata(choice["Condition"][2:-2].strip())
    chosen = {
        amount: condition.evaluate(
            None, {"states": {"context": {"Execution": {"Input": {"invoice": {"amount": amount}}}}}}
        )
        for amount in ("50000.00", 50000, "50000.01", 60000.0)
    }
    assert list(chosen.values()) == [False, False, True, True]


def test_the_definition_is_sound() -> None:
    assert Linter.validate(DEFINITION, Config(evaluate_jsonata=True)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda definition: definition.update(StartAt="Nowhere"),
        lambda definition: definition["States"]["IsValid"].update(Default="Nowhere"),
        lambda definition: definition["States"].update(Lost={"Type": "Succeed"}),
        lambda definition: definition["States"]["ProcessInvoice"].pop("Next"),
    ],
)
def test_a_definition_that_is_not_is_told_apart(spoil: Callable[[Json], object]) -> None:
    definition = json.loads(DEFINITION)
    spoil(definition)

    assert Linter.validate(definition, Config(evaluate_jsonata=True))


def test_every_failure_of_a_function_is_retried_or_not_on_purpose_and_caught() -> None:
    states = json.loads(DEFINITION)["States"]
    tasks = {name: state for name, state in states.items() if state["Type"] == "Task"}

    for state in tasks.values():
        retried = [retrier["ErrorEquals"] for retrier in state["Retry"]]
        errors = Counter(error for some in retried for error in some)
        assert set(errors.values()) == {1}
        assert {"Lambda.TooManyRequestsException", "Conflict", "Unavailable"} <= set(errors)
        assert retried[-1] == ["States.ALL"]
        patient = [r for r in state["Retry"] if r["MaxAttempts"]]
        assert {r["JitterStrategy"] for r in patient} == {"FULL"}
    caught = {n: [c["ErrorEquals"] for c in s.get("Catch", ())] for n, s in tasks.items()}
    assert caught.pop("SendNotification") == []
    assert set(map(str, caught.values())) == {"[['States.ALL']]"}


def test_the_outcomes_fields_and_samples_are_those_there_are() -> None:
    outcomes = re.findall(r"^\| (\w+) \|", section(DOCUMENT, "The outcomes"), re.MULTILINE)
    assert [o for o in outcomes if o in OUTCOMES] == list(OUTCOMES)
    fields = " ".join(rows(DOCUMENT, "Giving it an invoice"))
    assert set(re.findall(r"`(\w+)`", fields)) == set(shown_invoice()["invoice"])
    assert f"1 to {ITEMS}," in DOCUMENT
    assert f"up to {TEXT:,} characters" in DOCUMENT
    samples = {path.stem for path in (PROJECT / "samples").glob("*.json")}
    assert samples == set(SAMPLES)
    listed = set(re.findall(r"`(\w+)\.json`", section(DOCUMENT, "Trying it")))
    assert listed == samples
