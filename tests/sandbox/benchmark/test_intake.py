"""What the bench counts of an invoice of the intake, and what docs/intake.md says it costs."""

from __future__ import annotations

import re
from pathlib import Path

from sandbox.benchmark import intake

COSTS = (Path(__file__).parents[3] / "docs" / "intake.md").read_text().split("## What it costs")[1]


def test_the_document_has_the_costs_that_are_counted() -> None:
    counted = intake.measure(lambda _line: None)

    [dollars] = re.findall(r"cost about \$([0-9.]+)", COSTS)
    assert f"{counted['costs']['thousand_invoices']:.2f}" == dollars
    assert counted["transitions"] == 5
    assert counted["writes"] == 6


def test_a_state_more_on_the_way_is_a_transition_more() -> None:
    choice = {"Type": "Choice", "Choices": [{"Next": "C"}]}
    states = {"A": {"Type": "Task", "Next": "B"}, "B": choice, "C": {"Type": "Succeed"}}

    assert intake.transitions({"StartAt": "A", "States": states}) == 4
