"""Which accounts are inventory, interest and income tax, as the operator says it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from odoo_qb.errors import Misconfigured
from odoo_qb.reporting.settings import FigureSettings, parse_figure_settings


def parsed(**connections: Any) -> Any:
    return parse_figure_settings(json.dumps(connections))


def test_a_company_has_its_own_settings_or_those_of_all_others() -> None:
    settings = parsed(
        odoo={
            "*": {"inventory": ["110"], "interest": ["671", "672"], "income_tax": ["691"]},
            "2": {"inventory": [], "dpo_basis": "cogs_and_expenses"},
        }
    )
    assert settings.of("odoo", 1) == FigureSettings(
        inventory=("110",), interest=("671", "672"), income_tax=("691",)
    )
    assert settings.of("odoo", 2) == FigureSettings(inventory=(), dpo_basis="cogs_and_expenses")
    assert settings.of("ledger", 1) == FigureSettings()
    assert parse_figure_settings("").of("odoo", 1).inventory is None


def test_other_settings_have_another_digest() -> None:
    every = [
        FigureSettings(),
        FigureSettings(inventory=()),
        FigureSettings(interest=("110",)),
        FigureSettings(income_tax=("110",)),
        FigureSettings(dpo_basis="cogs_and_expenses"),
    ]
    assert len({one.digest for one in every}) == len(every)
    assert FigureSettings(inventory=("1",)).digest == FigureSettings(inventory=("1",)).digest


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"odoo": []}',
        '{"odoo": {"1": []}}',
        '{"odoo": {"1": {"inventory": "110"}}}',
        '{"odoo": {"1": {"inventory": [110]}}}',
        '{"odoo": {"1": {"inventory": [""]}}}',
        '{"odoo": {"1": {"stock": ["110"]}}}',
        '{"odoo": {"1": {"dpo_basis": "revenue"}}}',
    ],
)
def test_settings_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="figures_settings cannot be read"):
        parse_figure_settings(text)


@pytest.mark.parametrize(("interest", "income_tax"), [("67", "671"), ("671", "67"), ("6", "6")])
def test_an_account_is_not_both_interest_and_income_tax(interest: str, income_tax: str) -> None:
    with pytest.raises(Misconfigured, match="Name each account once"):
        parsed(odoo={"*": {"interest": [interest], "income_tax": [income_tax]}})
