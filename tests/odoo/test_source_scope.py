"""Whose records a mirror reads from Odoo, and what is not there or hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from odoo_qb.errors import Refused
from odoo_qb.odoo.scope import lacks_model
from tests.support.odoo_clients import DOORS
from tests.support.odoo_sources import (
    MODELS,
    SOME_DOORS,
    a_source,
    ids_of,
    ledger,
    records_of,
    user,
    whole,
)

if TYPE_CHECKING:
    from odoo_qb.sources import Kind

HOWEVER = pytest.mark.parametrize(("version", "way"), DOORS)
SOMEHOW = pytest.mark.parametrize(("version", "way"), SOME_DOORS)


def which(version: int, way: str, kind: Kind, **fields: object) -> list[int]:
    """The ids of the records that are served with these values."""
    records = records_of(version, way, kind).items()
    return [number for number, record in records if all(record[n] == v for n, v in fields.items())]


# -- whose ---------------------------------------------------------------------------------


@SOMEHOW
@pytest.mark.parametrize("companies", [(2,), ("Tailspin Trgovina d.o.o.",)], ids=["id", "name"])
def test_only_the_records_of_the_companies_are_read(
    version: int, way: str, companies: tuple[int | str, ...]
) -> None:
    with a_source(ledger(version), way, companies) as source:
        for kind in ("move", "payment", "order"):
            expected = which(version, way, kind, company_id=2)
            assert expected
            assert ids_of(source, kind) == expected
            assert source.count(kind) == len(expected)
        contacts = which(version, way, "contact", company_id=2)
        contacts += which(version, way, "contact", company_id=None)
        assert ids_of(source, "contact") == sorted(contacts)
        first_companys, *_ = which(version, way, "move", company_id=1)
        assert source.read("move", [first_companys]).records == {}
        accounts = whole(source, "account").records
        assert {*records_of(version, way, "account")} > {*accounts}
        if version >= 18:
            (shared,) = ledger().codes
            assert accounts[shared]["codes"] == {"2": "288000"}
            assert accounts[shared]["code"] == "288000"
        assert source.test_connection().companies == ("Tailspin Trgovina d.o.o.",)


@HOWEVER
def test_a_company_that_the_user_does_not_have_is_named(version: int, way: str) -> None:
    simulator = ledger(version)
    with a_source(simulator, way, ("Fabrikam",)) as source, pytest.raises(Refused) as refused:
        source.count("move")
    assert str(refused.value) == (
        "The Odoo user ap-bot@example.com has no access to the company Fabrikam, only to Northwind"
        " Supply Co, Tailspin Trgovina d.o.o.: check the companies of this connection."
    )
    simulator.admit(replace(user(simulator), companies=(1,)))
    with a_source(simulator, way, (2,)) as source, pytest.raises(Refused) as refused:
        source.count("move")
    assert "has no access to a company of this connection" in str(refused.value)


@HOWEVER
def test_who_answers_is_told(version: int, way: str) -> None:
    with a_source(ledger(version), way) as source:
        info = source.test_connection()
        assert source.now() is not None
    assert info.version.startswith(f"{version}.0")
    assert (info.database, info.user) == ("odoo", "AP Extractor Bot (ap-bot@example.com)")
    assert info.companies == ("Northwind Supply Co", "Tailspin Trgovina d.o.o.")


# -- what is not there, or not for us ------------------------------------------------------


@HOWEVER
def test_a_kind_that_odoo_has_no_app_for_is_empty(version: int, way: str) -> None:
    simulator = ledger(version)
    del simulator.fields["sale.order"]
    with a_source(simulator, way) as source:
        assert list(source.changes("order", "")) == []
        before = source.calls
        assert ids_of(source, "order") == []
        assert source.count("order") == 0
        assert source.read("order", [1]).records == {}
        assert source.pointing_at("order", [9]) == []
        assert source.calls == before, "it is remembered"
        assert source.notes == {
            "order": "Odoo has no sale.order: install its app in Odoo, or leave this kind out of"
            " the connection."
        }
        with pytest.raises(Refused, match=r"Odoo has no sale\.order"):
            source.gone("order", [1])


@SOMEHOW
@pytest.mark.parametrize("kind", ["move", "payment", "order", "transaction"])
def test_a_right_that_the_user_lacks_is_named_with_the_group(
    version: int, way: str, kind: Kind
) -> None:
    simulator = ledger(version)
    simulator.admit(replace(user(simulator), reads_accounting=False))
    with a_source(simulator, way) as source:
        for ask in (
            source.count,
            lambda k: list(source.changes(k, "")),
            lambda k: source.gone(k, [1]),
        ):
            with pytest.raises(Refused) as refused:
                ask(kind)
            assert str(refused.value).startswith(
                f"The Odoo user ap-bot@example.com may not read {MODELS[kind]}: add the group Show"
                " Accounting Features - Readonly"
            )


@SOMEHOW
@pytest.mark.parametrize("kind", ["contact", "move", "payment", "order", "account"])
def test_what_was_deleted_is_told_from_what_is_hidden(version: int, way: str, kind: Kind) -> None:
    simulator = ledger(version)
    first, second, third, *_ = records_of(version, way, kind)
    del simulator.records[MODELS[kind]][second]
    with a_source(simulator, way) as source:
        assert source.gone(kind, [first, second, third, 999_999]) == {second, 999_999}
        simulator.admit(replace(user(simulator), hidden=frozenset({(MODELS[kind], third)})))
        assert third not in ids_of(source, kind)
        assert source.read(kind, [first, third]).records.keys() == {first}
        with pytest.raises(Refused) as refused:
            source.gone(kind, [first, second, third])
    assert str(refused.value) == (
        f"The Odoo user ap-bot@example.com may not see some records of {MODELS[kind]}: check this"
        " user's companies and the record rules in Odoo."
    )


@HOWEVER
def test_what_left_our_companies_is_gone_and_what_we_may_not_see_is_not(
    version: int, way: str
) -> None:
    simulator = ledger(version)
    ours, *_ = which(version, way, "move", company_id=1)
    others, *_ = which(version, way, "move", company_id=2)
    archived, *_ = which(version, way, "contact", active=False, company_id=None)
    of_second, *_ = which(version, way, "contact", company_id=2)
    with a_source(simulator, way, (1,)) as source:
        assert source.gone("move", [ours, others]) == {others}
        assert source.gone("contact", [9, archived, of_second]) == {of_second}
        simulator.admit(replace(user(simulator), companies=(1,)))
        assert source.gone("move", [ours]) == set()
        with pytest.raises(Refused):
            source.gone("move", [ours, others])


def test_a_journal_entry_is_no_document() -> None:
    with a_source(ledger()) as source:
        assert source.read("move", [6, 306]).records.keys() == {306}
        assert source.gone("move", [6, 306]) == {6}


@SOMEHOW
def test_who_names_a_contact_is_found(version: int, way: str) -> None:
    with a_source(ledger(version), way) as source:
        for kind in ("payment", "order", "move"):
            expected = which(version, way, kind, partner_id=8)
            expected += which(version, way, kind, partner_id=10)
            assert expected
            assert source.pointing_at(kind, [8, 10]) == sorted(expected)
        children = which(version, way, "contact", parent_id=8)
        assert children
        assert source.pointing_at("contact", [8]) == children
        assert source.pointing_at("account", [8]) == []
        before = source.calls
        assert source.pointing_at("payment", []) == []
        assert source.calls == before


@pytest.mark.parametrize(
    ("code", "message", "is_lacking"),
    [
        ("odoo.exceptions.UserError", "Object sale.order doesn't exist", True),
        ("werkzeug.exceptions.NotFound", "the model 'sale.order' does not exist", True),
        ("werkzeug.exceptions.NotFound", "404 Not Found: The requested URL was not found", True),
        ("builtins.KeyError", "'sale.order'", True),
        ("builtins.KeyError", "'currency_id'", False),
        ("werkzeug.exceptions.NotFound", "The method 'sale.order.read' does not exist", False),
        ("odoo.exceptions.UserError", "Object sale.report doesn't exist", False),
        ("odoo.exceptions.AccessError", "You are not allowed to access 'Sales Order'", False),
    ],
)
def test_every_version_and_way_has_its_own_words_for_a_missing_model(
    code: str, message: str, *, is_lacking: bool
) -> None:
    refused = Refused(f"Odoo refused the request: {message}", code=code)
    assert lacks_model(refused, "sale.order") == is_lacking
