"""A thousand random invoices: what becomes of each is what another program says."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.oracle import Oracle, some_invoice, wrong_fields
from tests.intake.test_validation import validated

if TYPE_CHECKING:
    from tests.intake.desk import Desk

Json = dict[str, Any]


def fields_of(answer: Json) -> set[str]:
    return {problem["field"].partition("[")[0] for problem in answer["problems"]}


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_the_validation_of_any_invoice_agrees_with_the_oracle(seed: int) -> None:
    invoice = some_invoice(Random(seed))  # noqa: S311 - to be the same each time

    answer = validated(invoice).as_answer()

    assert fields_of(answer) == wrong_fields(invoice)
    assert (answer["outcome"] == "valid") == (wrong_fields(invoice) == set())


def test_a_thousand_invoices_one_after_the_other_agree_with_the_oracle(desk: Desk) -> None:
    random = Random(17)  # noqa: S311 - to be the same each time
    oracle, outcomes = Oracle(), Counter[str]()
    known: list[Json] = []
    for _ in range(1000):
        invoice = some_invoice(random, ids=100)
        if known and random.random() < 0.2:
            invoice = random.choice(known)  # given twice
        known.append(invoice)
        given = json.loads(json.dumps(invoice))

        answer = desk.validate(given)
        if answer["outcome"] == "valid":
            answer = desk.process(given)

        outcome, number, fields = oracle.judge(invoice)
        assert (answer["outcome"], answer["invoiceNumber"]) == (outcome, number), invoice
        assert fields_of(answer) == fields, invoice
        outcomes[outcome] += 1
    assert min(outcomes[o] for o in ("processed", "duplicate", "conflict", "invalid")) > 40
    assert len(desk.rows("invoice#")) == outcomes["processed"]
