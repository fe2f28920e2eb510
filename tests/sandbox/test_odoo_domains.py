"""Domains over the ledger: trees of contacts, paths, and what only some versions know."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.odoo.errors import OdooError
from sandbox.odoo.server import Odoo

type Json = Any


def found(odoo: Odoo, model: str, domain: Json, **context: Json) -> Json:
    user = next(iter(odoo.users.values()))
    kwargs = {"order": "id", "context": context}
    return odoo.run(user, model, "search", [domain], kwargs)


@pytest.fixture(scope="module")
def ledger() -> Odoo:
    return Odoo(dataset="ledger-18")


@pytest.mark.parametrize(
    ("domain", "ids"),
    [
        ([["id", "child_of", 8]], [8, 31, 32, 33]),
        ([["id", "child_of", [31]]], [31]),
        ([["id", "parent_of", 31]], [8, 31]),
        ([["parent_id", "child_of", 8]], [31, 32, 33]),
        ([["id", "child_of", "Harbor Retail"]], [8, 31, 32, 33]),
        ([["ref", "=?", False], ["id", "<", 9], ["is_company", "=", True]], [1, 7, 8]),
        ([["ref", "=?", "C-0001"]], [8]),
        ([["child_ids.name", "like", "Jane"]], [8]),
        ([["parent_id", "any", [["name", "like", "Harbor"]]]], [31, 32, 33]),
        ([["parent_id", "not any", [["name", "like", "Harbor"]]], ["id", "in", [31, 8]]], [8]),
    ],
)
def test_contacts_are_found_along_their_relations(ledger: Odoo, domain: Json, ids: Json) -> None:
    assert found(ledger, "res.partner", domain) == ids


def test_16_knows_no_any() -> None:
    domain = [["parent_id", "any", [["name", "like", "Harbor"]]]]
    with pytest.raises(OdooError, match="Invalid leaf"):
        found(Odoo(version=16, dataset="ledger-18"), "res.partner", domain)


@pytest.mark.parametrize(
    ("version", "with_none"), [(16, True), (17, True), (18, True), (19, False)]
)
def test_lines_without_an_account_are_in_no_list_of_types_up_to_18(
    version: int, with_none: bool
) -> None:
    odoo = Odoo(version=version, dataset="ledger-18")
    sections = found(odoo, "account.move.line", [["account_id", "=", False]])
    others = found(odoo, "account.move.line", [["account_id.account_type", "!=", "income"]])
    assert sections
    assert (set(sections) <= set(others)) is with_none


def test_a_closed_account_is_hidden_by_19_only() -> None:
    domain = [["name", "like", "Recruiting"]]
    for version, hidden in ((16, False), (17, False), (18, False), (19, True)):
        odoo = Odoo(version=version, dataset="ledger-18")
        assert (found(odoo, "account.account", domain) == []) is hidden
        assert len(found(odoo, "account.account", domain, active_test=False)) == 2


def test_a_code_is_found_under_its_own_company_only(ledger: Odoo) -> None:
    for company, code, other in ((1, "188000", "288000"), (2, "288000", "188000")):
        context = {"allowed_company_ids": [company]}
        assert found(ledger, "account.account", [["code", "=", code]], **context) == [127]
        assert found(ledger, "account.account", [["code", "=", other]], **context) == []


def test_a_condition_on_an_amount_that_is_worked_out_is_dropped_up_to_18() -> None:
    for version in (16, 17, 18):
        odoo = Odoo(version=version, dataset="ledger-18")
        assert len(found(odoo, "account.payment", [["amount_signed", ">", 10**9]])) == 229
    with pytest.raises(OdooError, match="because it is not stored"):
        found(Odoo(version=19, dataset="ledger-18"), "account.payment", [["amount_signed", ">", 0]])
