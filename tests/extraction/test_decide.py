"""What becomes of a bill, decided without a table: which outcome, and what is to be written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill.item import bill_of
from odoo_qb.extraction.background import Background
from odoo_qb.extraction.bill_writer import BillWriter
from odoo_qb.extraction.decide import Decider, withdraw
from odoo_qb.extraction.decision import ItemChange, NewItem
from odoo_qb.mapping.plan import PostingPlan
from odoo_qb.store.documents import Documents
from odoo_qb.store.table import Table
from tests.support.builders import NOW, a_bill, a_company, an_item

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from odoo_qb.extraction.decision import Decision

READ = PostingPlan(snapshot="2026-11-21", vendor_id="7", vendor_name="Acme Botanicals LLC")


def decided(bill: Bill, item: Item | None = None, plan: PostingPlan = READ) -> Decision:
    decider = Decider(companies={"north": a_company()}, full=False, now=NOW)
    return decider.decide(bill, item, Background(), plan, None, bill_of)


def test_a_new_bill_is_to_be_stored_and_owes_a_card() -> None:
    decision = decided(a_bill())
    assert decision.outcome.name == "ready"
    assert isinstance(decision.write, NewItem)
    assert decision.write.item["status"] == "READY_FOR_APPROVAL"
    assert decision.write.item["card_due"] == 1


def test_a_bill_that_is_blocked_owes_no_card() -> None:
    decision = decided(a_bill(), plan=replace(READ, problems=("There is no account 443000.",)))
    assert decision.outcome.name == "blocked"
    assert decision.outcome.problems == ["There is no account 443000."]
    assert isinstance(decision.write, NewItem)
    assert "card_due" not in decision.write.item


def test_what_did_not_change_is_not_written() -> None:
    bill = a_bill()
    decision = decided(bill, an_item(bill, preflight=READ.shown()))
    assert (decision.outcome.name, decision.write) == ("unchanged", None)


def test_an_amended_bill_is_asked_about_anew_without_the_approvals_given_before() -> None:
    item = an_item(preflight=READ.shown(), approvals=[{"by": "U-1"}], decided_by="U-1")
    decision = decided(a_bill(bill_reference="INV-1002"), item)
    assert isinstance(decision.write, ItemChange)
    assert decision.write.to == "READY_FOR_APPROVAL"
    assert decision.write.values["approvals"] == []
    assert decision.write.values["revision"] == 2
    assert "decided_by" in decision.write.remove


@pytest.mark.parametrize("status", ["POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"])
def test_what_is_decided_for_good_keeps_its_status_whatever_odoo_says(status: str) -> None:
    item = an_item(preflight=READ.shown(), status=status)
    for decision in (decided(a_bill(bill_reference="INV-1002"), item), withdraw(item, "cancel")):
        assert decision.outcome.name == "changed afterwards"
        assert isinstance(decision.write, ItemChange)
        assert decision.write.to is None


@pytest.mark.parametrize("item", [None, an_item(status="WITHDRAWN")])
def test_a_draft_that_nobody_was_asked_about_is_ignored(item: Item | None) -> None:
    decision = withdraw(item, "draft")
    assert (decision.outcome.reason, decision.write) == ("it is draft", None)


class Unreachable:
    """AWS where nobody may call it."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called")


def test_a_dry_run_tells_the_outcome_and_writes_nothing() -> None:
    nowhere: Any = Unreachable()
    table = Table(nowhere, "bills", retention=timedelta(days=400))
    writer = BillWriter(table=table, documents=Documents(nowhere, ""), dry_run=True, now=NOW)
    not_brought = replace(a_bill().documents[0], sha256="")
    decision = decided(a_bill(documents=(not_brought,)))
    assert writer.apply(decision).name == "ready"
    assert replace(writer, dry_run=False).apply(decision).name == "not stored"
    with pytest.raises(AssertionError):
        replace(writer, dry_run=False).apply(decided(a_bill()))
