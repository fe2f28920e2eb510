"""What people do to contacts, payments, orders and accounts shows as in a real Odoo."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.odoo import truth
from sandbox.odoo.changes import ACTIONS, Changes
from sandbox.odoo.errors import OdooError
from sandbox.odoo.server import Odoo

type Json = Any

NOW = datetime(2026, 11, 28, 12, 0, 0, 250_000, tzinfo=UTC)
SINCE = [["write_date", ">=", "2026-11-28 12:00:00"]]
HARBOR, JANE, BLUE_FERN, ACME = 8, 31, 9, 22
VERSIONS = [16, 17, 18, 19]


def a_ledger(version: int = 18, now: datetime = NOW) -> Odoo:
    return Odoo(version=version, dataset="ledger-18", clock=lambda: now)


def ask(odoo: Odoo, model: str, method: str, *args: Json, **kwargs: Json) -> Json:
    return odoo.run(next(iter(odoo.users.values())), model, method, list(args), kwargs)


def changed(odoo: Odoo, model: str) -> list[int]:
    """What a reader who looks for later write dates finds, archived records too."""
    context = {"active_test": False}
    return list(ask(odoo, model, "search", SINCE, order="id", context=context))


def read(odoo: Odoo, model: str, number: int, *fields: str) -> Json:
    rows = ask(odoo, model, "read", [number], list(fields), load=False)
    return tuple(rows[0][field] for field in fields) if rows else None


# -- contacts ----------------------------------------------------------------------------------


def test_a_telephone_or_an_e_mail_touches_nothing_but_the_contact() -> None:
    odoo = a_ledger()
    odoo.amend_contact(HARBOR, phone="+1 206 555 0000", email="new@harbor.example")
    assert changed(odoo, "res.partner") == [HARBOR]
    assert changed(odoo, "account.move") == []


@pytest.mark.parametrize("version", VERSIONS)
def test_a_name_touches_the_addresses_and_all_documents_too(version: int) -> None:
    odoo = a_ledger(version)
    odoo.amend_contact(HARBOR, name="Harbor Holdings", phone="1")
    assert changed(odoo, "res.partner") == [8, 31, 32, 33]
    documents = ask(odoo, "account.move", "search", [["commercial_partner_id", "=", HARBOR]])
    assert changed(odoo, "account.move") == sorted(documents)
    assert len(documents) > 40
    assert read(odoo, "res.partner", JANE, "display_name") == (
        "Harbor Holdings, Jane Doe (AP dept)",
    )


def test_a_new_person_belongs_to_the_company_and_touches_nothing_else() -> None:
    odoo = a_ledger()
    person = odoo.new_contact("Ana Ruiz", parent=HARBOR, email="ana@harbor.example")
    assert read(odoo, "res.partner", person, "commercial_partner_id", "is_company") == (
        HARBOR,
        False,
    )
    assert person in ask(odoo, "res.partner", "search", [["id", "child_of", HARBOR]])
    assert changed(odoo, "res.partner") == [person]


def test_an_archived_contact_is_left_out_of_searches_and_comes_back() -> None:
    odoo = a_ledger()
    odoo.archive_contact(HARBOR)
    assert ask(odoo, "res.partner", "search", [["id", "=", HARBOR]]) == []
    assert read(odoo, "res.partner", HARBOR, "active") == (False,)
    odoo.restore_contact(HARBOR)
    assert ask(odoo, "res.partner", "search", [["id", "=", HARBOR]]) == [HARBOR]


def test_only_a_contact_that_nothing_refers_to_is_deleted_and_leaves_no_trace() -> None:
    odoo = a_ledger()
    with pytest.raises(ValueError, match="archive it"):
        odoo.delete_contact(HARBOR)
    company = odoo.new_contact("Shell Ltd")
    person = odoo.new_contact("Ben Okafor", parent=company)
    odoo.delete_contact(company)
    assert read(odoo, "res.partner", company, "name") is None
    assert read(odoo, "res.partner", person, "parent_id", "commercial_partner_id") == (
        False,
        person,
    )
    assert odoo.new_contact("Another") > person


def test_merged_contacts_documents_change_hands_and_no_write_date_of_theirs_tells() -> None:
    odoo = a_ledger()
    count = ask(odoo, "account.move", "search_count", [["partner_id", "child_of", [8, 9]]])
    odoo.merge_contacts(HARBOR, BLUE_FERN)
    for model in ("account.move", "account.move.line", "account.payment", "sale.order"):
        assert changed(odoo, model) == [], model
        assert ask(odoo, model, "search_count", [["partner_id", "=", HARBOR]]) == 0, model
    assert ask(odoo, "account.move", "search_count", [["partner_id", "child_of", [9]]]) == count
    assert changed(odoo, "res.partner") == [BLUE_FERN]
    assert read(odoo, "res.partner", HARBOR, "name") is None
    assert read(odoo, "res.partner", JANE, "parent_id", "commercial_partner_id") == (9, 9)


# -- documents ---------------------------------------------------------------------------------


def test_a_customers_invoice_is_booked_the_other_way_round_than_a_bill() -> None:
    odoo = a_ledger()
    invoice = odoo.new_invoice(HARBOR, lines=[("Boxes", "10.00")], bill_date="2026-08-03")
    bill = odoo.new_bill(vendor=ACME, lines=[("Boxes", "10.00")], bill_date="2026-08-03")
    assert read(odoo, "account.move", invoice, "name", "amount_total_signed") == (
        "INV/26-27/0014",
        10.0,
    )
    assert read(odoo, "account.move", bill, "name", "amount_total_signed") == (
        "BILL/26-27/08/0005",
        -10.0,
    )
    domain = [["move_id", "=", invoice]]
    rows = ask(odoo, "account.move.line", "search_read", domain, ["balance", "account_type"])
    assert [(row["balance"], row["account_type"]) for row in rows] == [
        (-10.0, "income"),
        (10.0, "asset_receivable"),
    ]


def test_what_happens_to_a_document_moves_its_rows_write_date() -> None:
    odoo = a_ledger()
    [invoice] = ask(odoo, "account.move", "search", [["name", "=", "INV/26-27/0012"]])
    lines = read(odoo, "account.move", invoice, "line_ids")[0]
    odoo.reset_to_draft(invoice)
    assert changed(odoo, "account.move.line") == sorted(lines)
    assert read(odoo, "account.move.line", lines[0], "parent_state") == ("draft",)


# -- payments ----------------------------------------------------------------------------------


def open_invoice(odoo: Odoo) -> int:
    domain: Json = [["move_type", "=", "out_invoice"], ["payment_state", "=", "not_paid"]]
    domain += [["state", "=", "posted"], ["company_id", "=", 1], ["currency_id", "=", 1]]
    return int(ask(odoo, "account.move", "search", domain, order="id", limit=1)[0])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_payment_settles_a_document_in_parts_and_in_full(version: int) -> None:
    odoo = a_ledger(version)
    invoice = open_invoice(odoo)
    total = Decimal(str(read(odoo, "account.move", invoice, "amount_total")[0]))
    first = odoo.pay_invoice(invoice, "100.00")
    assert read(odoo, "account.move", invoice, "payment_state", "amount_residual") == (
        "partial",
        float(total - 100),
    )
    second = odoo.pay_invoice(invoice)
    assert read(odoo, "account.move", invoice, "payment_state", "amount_residual") == ("paid", 0.0)
    states = ("posted", "posted") if version < 18 else ("in_process", "paid")
    assert tuple(read(odoo, "account.payment", i, "state")[0] for i in (first, second)) == states
    domain = [["move_id", "=", invoice], ["display_type", "=", "payment_term"]]
    [row] = ask(odoo, "account.move.line", "search_read", domain, ["amount_residual", "reconciled"])
    assert (row["amount_residual"], row["reconciled"]) == (0.0, True)
    assert set(changed(odoo, "account.payment")) == {first, second}
    assert invoice in changed(odoo, "account.move")


def test_a_payment_taken_back_opens_the_document_again() -> None:
    odoo = a_ledger()
    invoice = open_invoice(odoo)
    total = read(odoo, "account.move", invoice, "amount_total")[0]
    payment = odoo.pay_invoice(invoice)
    odoo.reset_payment(payment)
    assert read(odoo, "account.move", invoice, "payment_state", "amount_residual") == (
        "not_paid",
        total,
    )
    assert read(odoo, "account.payment", payment, "state", "reconciled_invoice_ids") == (
        "draft",
        [],
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_a_cancelled_payment_keeps_its_entry_before_18_only(version: int) -> None:
    odoo = a_ledger(version)
    payment = odoo.new_payment(HARBOR, "12.50", memo="On account")
    entry = read(odoo, "account.payment", payment, "move_id")[0]
    assert read(odoo, "account.move", entry, "state", "ref") == ("posted", "On account")
    odoo.cancel_payment(payment)
    if version < 18:
        assert read(odoo, "account.payment", payment, "state", "move_id") == ("cancel", entry)
        assert read(odoo, "account.move", entry, "state") == ("cancel",)
    else:
        assert read(odoo, "account.payment", payment, "state", "move_id") == ("canceled", False)
        assert read(odoo, "account.move", entry, "state") is None


@pytest.mark.parametrize(
    ("version", "has_entry"), [(16, True), (17, True), (18, False), (19, False)]
)
def test_a_draft_payment_is_an_entry_before_18(version: int, has_entry: bool) -> None:
    odoo = a_ledger(version)
    payment = odoo.new_payment(HARBOR, "12.50", state="draft")
    entry, name = read(odoo, "account.payment", payment, "move_id", "name")
    assert bool(entry) is has_entry
    assert name == ("/" if has_entry else False)
    odoo.delete_payment(payment)
    assert read(odoo, "account.payment", payment, "name") is None
    assert not has_entry or read(odoo, "account.move", entry, "name") is None


def test_before_18_a_payment_answers_the_fields_of_its_entry() -> None:
    odoo = a_ledger(17)
    payment = odoo.new_payment(HARBOR, "12.50", memo="On account")
    entry = read(odoo, "account.payment", payment, "move_id")[0]
    fields = ("ref", "line_ids", "amount_total", "move_type")
    assert read(odoo, "account.payment", payment, *fields) == read(
        odoo, "account.move", entry, *fields
    )


def test_a_row_that_is_settled_has_nothing_open_and_the_number_of_what_settled_it() -> None:
    odoo = a_ledger()
    invoice = open_invoice(odoo)
    payment = odoo.pay_invoice(invoice)
    entry = read(odoo, "account.payment", payment, "move_id")[0]
    domain = [["move_id", "in", [invoice, entry]], ["account_type", "=", "asset_receivable"]]
    fields = ["matching_number", "amount_residual", "reconciled"]

    def rows() -> Json:
        found = ask(odoo, "account.move.line", "search_read", domain, ["balance", *fields])
        return sorted((row["matching_number"], row["amount_residual"]) for row in found)

    assert rows() == [(str(10_000 + payment), 0.0)] * 2
    odoo.reset_payment(payment)
    total = read(odoo, "account.move", invoice, "amount_total")[0]
    assert rows() == [(False, -total), (False, total)]


def test_odoo_neither_overpays_a_document_nor_deletes_a_posted_payment() -> None:
    odoo = a_ledger()
    invoice = open_invoice(odoo)
    with pytest.raises(ValueError, match="cannot be paid"):
        odoo.pay_invoice(invoice, "99999999.00")
    payment = odoo.pay_invoice(invoice)
    with pytest.raises(ValueError, match="cannot be paid"):
        odoo.pay_invoice(invoice, "0.01")
    with pytest.raises(ValueError, match="not draft or canceled"):
        odoo.delete_payment(payment)


# -- orders and accounts -----------------------------------------------------------------------


def test_an_order_is_quoted_confirmed_cancelled_and_deleted_with_its_lines() -> None:
    odoo = a_ledger()
    order = odoo.new_order(HARBOR, [("Boxes", "3", "9.99"), ("Freight", "1", "5.00")])
    assert read(odoo, "sale.order", order, "state", "amount_total") == ("draft", 34.97)
    odoo.send_order(order)
    with pytest.raises(ValueError, match="must be cancelled first"):
        odoo.delete_order(order)
    odoo.confirm_order(order)
    assert read(odoo, "sale.order", order, "state", "date_order") == ("sale", "2026-11-28 12:00:00")
    lines = read(odoo, "sale.order", order, "order_line")[0]
    assert read(odoo, "sale.order.line", lines[0], "state", "price_subtotal") == ("sale", 29.97)
    odoo.cancel_order(order)
    odoo.delete_order(order)
    assert read(odoo, "sale.order", order, "name") is None
    assert ask(odoo, "sale.order.line", "read", lines, ["name"]) == []


def test_an_accounts_new_name_touches_no_item_and_a_closed_one_keeps_its_own() -> None:
    odoo = a_ledger(19)
    odoo.amend_account(27, name="Sales")
    odoo.close_account(28)
    assert changed(odoo, "account.account") == [27, 28]
    assert changed(odoo, "account.move.line") == []
    assert ask(odoo, "account.account", "search", [["id", "=", 28]]) == []
    assert ask(odoo, "account.move.line", "search_count", [["account_id", "=", 28]]) > 0
    with pytest.raises(ValueError, match="contains journal items"):
        odoo.delete_account(27)


def test_an_entry_must_be_balanced_and_moves_the_balances() -> None:
    odoo = a_ledger()
    before = truth.balances(odoo, 1, "2026-08-01", "2026-08-31")
    with pytest.raises(ValueError, match="not balanced"):
        odoo.new_entry([(27, "-5.00"), (45, "4.99")])
    odoo.new_entry([(27, "-5.00"), (45, "5.00")], date="2026-08-31")
    after = truth.balances(odoo, 1, "2026-08-01", "2026-08-31")
    assert {i: after[i] - before.get(i, 0) for i in (27, 45)} == {27: -500, 45: 500}


def test_a_clerk_deletes_over_the_api_what_odoo_lets_go() -> None:
    odoo = a_ledger()
    user = next(iter(odoo.users.values()))
    odoo.admit(replace(user, writes_accounting=True))
    contact, order = odoo.new_contact("Shell Ltd"), odoo.new_order(HARBOR)
    assert ask(odoo, "res.partner", "unlink", [contact]) is True
    assert ask(odoo, "sale.order", "unlink", [order]) is True
    assert read(odoo, "res.partner", contact, "name") is None
    assert read(odoo, "sale.order", order, "name") is None
    with pytest.raises(OdooError, match="archive it") as refused:
        ask(odoo, "res.partner", "unlink", [HARBOR])
    assert refused.value.name == "odoo.exceptions.UserError"


# -- transactions, clocks and rights -----------------------------------------------------------


def test_a_late_commit_has_the_write_date_and_the_ids_of_when_it_began() -> None:
    now = [NOW]
    odoo = Odoo(dataset="ledger-18", clock=lambda: now[0])
    slow = odoo.begin()
    now[0] += timedelta(seconds=90)
    quick = odoo.new_contact("Quick")
    with odoo.committing(slow):
        assert odoo.now() == NOW + timedelta(seconds=90)
        late = odoo.new_contact("Late")
        odoo.amend_contact(HARBOR, phone="1")
    assert late < quick
    assert read(odoo, "res.partner", late, "write_date") == ("2026-11-28 12:00:00",)
    assert read(odoo, "res.partner", HARBOR, "write_date") == ("2026-11-28 12:00:00",)
    assert odoo.new_contact("After") > quick


def test_a_clock_that_is_ahead_writes_dates_of_the_future() -> None:
    odoo = a_ledger()
    odoo.ahead = timedelta(hours=2)
    contact = odoo.new_contact("Early bird")
    assert read(odoo, "res.partner", contact, "write_date") == ("2026-11-28 14:00:00",)


def test_a_lost_right_refuses_a_model_or_hides_records_until_it_is_given_back() -> None:
    odoo = a_ledger()
    odoo.refuse("account.payment", "sale.order")
    for model in ("account.payment", "sale.order"):
        with pytest.raises(OdooError, match=f"not allowed to access .* \\({model}\\)") as refused:
            ask(odoo, model, "search", [])
        assert refused.value.name == "odoo.exceptions.AccessError"
    odoo.hide("res.partner", [HARBOR])
    assert ask(odoo, "res.partner", "search", [["id", "in", [HARBOR, 9]]]) == [9]
    with pytest.raises(OdooError, match="doesn't have 'read' access"):
        ask(odoo, "res.partner", "read", [HARBOR], ["name"])
    odoo.restore_rights()
    assert ask(odoo, "account.payment", "search_count", []) == 229
    assert read(odoo, "res.partner", HARBOR, "id") == (HARBOR,)


def test_a_user_of_one_company_sees_nothing_of_another() -> None:
    odoo = a_ledger()
    user = next(iter(odoo.users.values()))
    odoo.admit(replace(user, companies=(2,)))
    assert ask(odoo, "account.payment", "search_count", []) == 45
    with pytest.raises(OdooError, match="unauthorized or invalid companies"):
        ask(odoo, "account.move", "search", [], context={"allowed_company_ids": [1]})


# -- random changes and the truth --------------------------------------------------------------

FIELDS = {
    "res.partner": ["name", "email", "phone", "active", "parent_id", "commercial_partner_id"],
    "account.move": ["name", "state", "partner_id", "amount_total", "payment_state", "line_ids"],
    "account.move.line": ["move_id", "account_id", "balance", "parent_state", "matching_number"],
    "account.payment": ["name", "state", "partner_id", "amount", "move_id", "write_date"],
    "sale.order": ["name", "state", "partner_id", "amount_total", "order_line"],
    "account.account": ["name", "account_type", "write_date"],
}


@pytest.mark.parametrize("dataset", ["ledger-18", "odoo-18"])
@pytest.mark.parametrize("version", VERSIONS)
def test_after_random_changes_a_reader_of_everything_has_the_truth(
    version: int, dataset: Any
) -> None:
    odoo = Odoo(version=version, dataset=dataset, clock=lambda: NOW)
    made = Changes(odoo, seed=version).make(300)
    assert {change.action for change in made} == ACTIONS.keys()
    context = {"active_test": False}
    for model, fields in FIELDS.items():
        rows = ask(odoo, model, "search_read", [], fields, load=False, context=context)
        assert {row["id"]: row for row in rows} == truth.held(odoo, model, fields), model


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_open_of_each_row_is_kept_with_it(version: int) -> None:
    odoo = a_ledger(version)
    Changes(odoo, seed=version).make(300)
    fields = ["amount_residual", "reconciled", "write_date"]
    rows = ask(odoo, "account.move.line", "search_read", [], fields)
    assert {row["id"]: row for row in rows} == truth.held(odoo, "account.move.line", fields)
    for move in odoo.records["account.move"].values():
        lines = [odoo.records["account.move.line"][i] for i in move["line_ids"]]
        owed = [line for line in lines if line["display_type"] == "payment_term"]
        if owed and move["state"] == "posted":
            left = sum(Decimal(str(line["amount_residual"])) for line in owed)
            assert abs(left) == abs(Decimal(str(move["amount_residual_signed"]))), move["name"]


@pytest.mark.parametrize("version", VERSIONS)
def test_random_changes_leave_books_that_add_up(version: int) -> None:
    odoo = a_ledger(version)
    Changes(odoo, seed=100 + version).make(400)
    moves, lines = odoo.records["account.move"], odoo.records["account.move.line"]
    for move in moves.values():
        total = sum(Decimal(str(lines[i]["balance"])) for i in move["line_ids"])
        assert total == 0, move["name"]
        assert 0 <= move["amount_residual"] <= move["amount_total"], move["name"]
    assert {line["move_id"] for line in lines.values()} <= moves.keys()
    for line in lines.values():
        assert line["parent_state"] == moves[line["move_id"]]["state"]
    names = Counter((m["company_id"], m["name"]) for m in moves.values() if m["name"])
    assert max(names.values()) == 1


def test_the_same_seed_makes_the_same_changes() -> None:
    first, second, other = a_ledger(), a_ledger(), a_ledger()
    made = [Changes(first, seed=7).make(200), Changes(second, seed=7).make(200)]
    assert made[0] == made[1]
    assert first.records == second.records
    assert Changes(other, seed=8).make(200) != made[0]


def test_one_kind_of_change_can_be_asked_for_and_may_find_nothing_to_do() -> None:
    changes = Changes(a_ledger(), seed=1)
    assert changes.one("rename_account").model == "account.account"
    with pytest.raises(LookupError, match="no record to change"):
        changes.one("delete_account")


def test_the_truth_is_what_postgresql_had() -> None:
    odoo = a_ledger()
    assert truth.codes(odoo)[1, 127] == "188000"
    assert truth.codes(odoo)[2, 127] == "288000"
    assert truth.held(odoo, "account.payment", ["memo", "write_date"])[1] == {
        "id": 1,
        "memo": "INV/24-25/0001",
        "write_date": "2026-11-27 23:05:59",
    }
    with pytest.raises(KeyError):
        truth.held(odoo, "account.payment", ["ref"])  # 18 has none
    with pytest.raises(KeyError):
        truth.held(odoo, "account.move", ["display_name"])  # worked out, not kept
