"""The preflight: which account, tax code, terms and vendor are used, and what stands against."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.mapping.accounts import mapped
from odoo_qb.mapping.preflight import NO_SNAPSHOT, plan_posting
from odoo_qb.posting.payload import posting
from odoo_qb.quickbooks.snapshot import Account, KnownVendor, Listed, Snapshot, TaxCode, TaxRate
from odoo_qb.store.vendor_notes import to_remember
from tests.support.builders import ACME, NOW, a_bill, a_company, a_document, a_line, a_total

if TYPE_CHECKING:
    from odoo_qb.mapping.plan import PostingPlan

REALM = "9130350000000001"
PAYABLE = Account(id="1", name="A/P", full_name="A/P", kind="Accounts Payable", currency="USD")
FREIGHT = Account(id="9", name="Freight In", full_name="Cost of Goods Sold:Freight In")
CASH = Account(id="2", number="443000", name="Cash Discounts", full_name="Cash Discounts")


def a_snapshot(**fields: Any) -> Snapshot:
    given: dict[str, Any] = {
        "taken_at": "2026-11-21T09:00:00.000Z",
        "realm_id": REALM,
        "company_name": "North Ltd",
        "country": "US",
        "home_currency": "USD",
        "multicurrency": True,
        "accounts": (PAYABLE, CASH, FREIGHT),
        "vendors": (KnownVendor(id="70", name="acme botanicals llc", currency="USD"),),
        "terms": (Listed(id="3", name="Net 30"),),
    }
    return Snapshot(**given | fields)


# -- accounts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "entry"),
    [
        ("52130", "exact"),
        ("52131", "longest"),
        ("52200", "shorter"),
        ("52300", "longer"),
        ("53000", ""),
        ("5213", "longest"),
        ("", ""),
    ],
)
def test_a_code_is_mapped_exactly_else_by_its_longest_prefix(code: str, entry: str) -> None:
    assert (
        mapped(
            code,
            {"52130": "exact", "5213": "longest", "52*": "shorter", "523": "longer", "*": "all"},
        )
        == entry
    )


@pytest.mark.parametrize(
    ("line", "settings", "account", "how"),
    [
        ({"account_code": "443000"}, {"accounts": {"443000": "Freight In"}}, "9", "mapped"),
        (
            {"account_code": "52130"},
            {"accounts": {"52": "cost of goods sold:freight in"}},
            "9",
            "mapped",
        ),
        ({"account_code": "52130"}, {"accounts": {"521": "443000"}}, "2", "mapped"),
        ({"account_code": "443000", "account_name": "Freight In"}, {}, "2", "number"),
        ({"account_code": "1", "account_name": "cash discounts"}, {}, "2", "name"),
        ({"account_code": "1", "account_name": "Freight In"}, {}, "9", "name"),
        ({"account_code": "1", "account_name": "?"}, {"default_account": "443000"}, "2", "default"),
    ],
)
def test_an_account_is_the_mapped_one_else_of_that_number_else_of_that_name_else_the_default(
    line: dict[str, str], settings: dict[str, Any], account: str, how: str
) -> None:
    bill = replace(a_total("5.00"), lines=(a_line("5.00", **line),))
    plan = plan_posting(bill, a_company(**settings), a_snapshot())
    target = plan.accounts[line["account_code"]]
    assert (target.id, target.how) == (account, how)
    assert plan.problems == ()
    assert any("no account of its own" in w for w in plan.warnings) == (how == "default")


def test_a_name_that_two_accounts_have_below_others_is_neither() -> None:
    other = Account(id="10", name="Freight In", full_name="Expenses:Freight In")
    bill = replace(
        a_total("5.00"), lines=(a_line("5.00", account_code="1", account_name="Freight In"),)
    )
    plan = plan_posting(bill, a_company(), a_snapshot(accounts=(FREIGHT, other)))
    [problem] = plan.problems
    assert problem == (
        "QuickBooks has no account for 1 Freight In. Map it in company_settings, or create"
        " an account with that number there."
    )


@pytest.mark.parametrize(
    "settings", [{"accounts": {"443": "Nowhere"}}, {"default_account": "Nowhere"}]
)
def test_a_mapping_that_leads_nowhere_blocks_and_names_both_ends(settings: dict[str, Any]) -> None:
    inactive = Account(id="11", name="Nowhere", full_name="Nowhere", active=False)
    plan = plan_posting(a_total("5.00"), a_company(**settings), a_snapshot(accounts=(inactive,)))
    [problem] = plan.problems
    assert "Nowhere" in problem
    assert "443000 Cash Discount Loss" in problem


def test_a_line_whose_account_has_no_number_blocks() -> None:
    bill = replace(a_total("5.00"), lines=(a_line("5.00", account_code="", account_name="Misc"),))
    plan = plan_posting(bill, a_company(default_account="443000"), a_snapshot())
    assert plan.problems == ("Misc has no account number in Odoo. Give it one there.",)


@pytest.mark.parametrize(
    ("account", "sentence"),
    [
        ({"currency": "EUR"}, "is kept in EUR, but this bill is in GBP"),
        (
            {"kind": "Accounts Payable"},
            "is an accounts payable account, which cannot be used on a bill",
        ),
        (
            {"kind": "Accounts Receivable"},
            "is an accounts receivable account, which cannot be used",
        ),
        ({"currency": "GBP"}, ""),
        ({"currency": "USD"}, ""),
    ],
)
def test_an_account_no_line_of_the_bill_can_go_to_blocks(
    account: dict[str, Any], sentence: str
) -> None:
    snapshot = a_snapshot(accounts=(replace(CASH, **account),), vendors=())
    plan = plan_posting(a_total("5.00", currency="GBP"), a_company(), snapshot)
    said = f"Cash Discounts in QuickBooks (used for 443000 Cash Discount Loss) {sentence}"
    assert [p.startswith(said) for p in plan.problems] == ([True] if sentence else [])


def test_each_missing_account_is_told_once() -> None:
    bill = a_bill(lines=(a_line("50.00", account_code="1"), a_line("58.25", account_code="1")))
    assert len(plan_posting(bill, a_company(), a_snapshot()).problems) == 1


# -- taxes and terms ------------------------------------------------------------------------


def a_rate(number: str, percent: str) -> TaxRate:
    """A rate that always holds."""
    return TaxRate(id=number, periods=(("", "", percent),))


STANDARD = TaxCode(id="5", name="20.0% S", rates=(a_rate("6", "20"),))
EXEMPT = TaxCode(id="7", name="Exempt", rates=(a_rate("8", "0"),))
REDUCED = TaxCode(id="9", name="8.25%", rates=(a_rate("10", "8.25"),))
VAT = {"kind": "tax", "account_code": "131000", "account_type": "asset_current"}


def a_british_snapshot(**fields: Any) -> Snapshot:
    return a_snapshot(country="GB", tax_codes=(STANDARD, EXEMPT, REDUCED), **fields)


def test_outside_the_us_each_combination_of_taxes_has_its_code() -> None:
    bill = a_bill(
        lines=(
            a_line("60.00", taxes=("20.0% s",)),
            a_line("20.00", taxes=("VAT", "Duty")),
            a_line("20.00"),
            a_line("12.00", taxes=("20.0% s",), **VAT),
            a_line("4.00", taxes=("VAT",), **VAT),
        )
    )
    company = a_company(taxes={"VAT + Duty": "20.0% S", "none": "exempt"})
    plan = plan_posting(bill, company, a_british_snapshot())
    assert plan.tax_codes is not None
    found = {name: (t.id, t.how) for name, t in plan.tax_codes.items()}
    expected = {"20.0% s": ("5", "name"), "Duty + VAT": ("5", "mapped"), "none": ("7", "mapped")}
    assert found == expected
    assert not plan.problems


def test_outside_the_us_a_bill_of_tax_alone_blocks_where_quickbooks_keeps_that_tax() -> None:
    tax = a_line("20.00", text="import VAT", taxes=("20.0% S",), **VAT)
    bill = a_bill(lines=(tax,), amount_total=Decimal("20.00"), amount_tax=Decimal("20.00"))
    plan = plan_posting(bill, a_company(), a_british_snapshot())
    assert [p.partition(";")[0] for p in plan.problems] == [
        (
            "Odoo booked tax that belongs to no line (import VAT on 131000): 0.00 USD of tax"
            " in QuickBooks, 20.00 USD in Odoo. QuickBooks only computes tax on lines. Put"
            " the tax on a line in Odoo, or map that account under accounts in"
            " company_settings so that it becomes a line itself."
        ),
        "This bill contains only tax",
    ]
    mapped = a_company(accounts={"131000": "443000"}, taxes={"none": "Exempt"})
    for company, snapshot in ((mapped, a_british_snapshot()), (mapped, a_snapshot())):
        plan = plan_posting(bill, company, snapshot)
        assert not plan.problems
        assert [n.row.amount for n in plan.tax.rows] == [Decimal("20.00")]


def test_a_tax_without_a_code_blocks_and_says_which() -> None:
    bill = a_bill(lines=(a_line("50.00", taxes=("VAT 7%",)), a_line("50.00")))
    plan = plan_posting(bill, a_company(), a_british_snapshot())
    assert [p.partition(":")[0] for p in plan.problems] == [
        "QuickBooks has no tax code for the tax VAT 7%",
        'QuickBooks has no tax code for lines without a tax ("none")',
    ]


def test_in_the_us_no_tax_code_is_asked_for_and_the_tax_row_needs_an_account() -> None:
    bill = a_bill(lines=(a_line("100.00"), a_line("8.25", kind="tax", account_code="99")))
    plan = plan_posting(bill, a_company(), a_snapshot())
    assert plan.tax_codes is None
    assert "QuickBooks has no account for 99" in plan.problems[0]


def test_a_code_for_no_tax_that_charges_tax_or_nothing_known_is_refused() -> None:
    unknown = TaxCode(id="11", name="Odd", rates=(TaxRate(id="12"),))
    for_sales = TaxCode(id="13", name="RCS")
    snapshot = a_british_snapshot()
    snapshot = replace(snapshot, tax_codes=(*snapshot.tax_codes, unknown, for_sales))
    said = [
        plan_posting(a_total("5.00"), a_company(taxes={"none": code}), snapshot).problems
        for code in ("Exempt", "20.0% S", "Odd", "RCS")
    ]
    charges = "The tax code 20.0% S stands for no tax (none), but it charges tax"
    unclear = "QuickBooks does not say what the tax code Odd charges on 2026-11-02"
    not_bought = "The tax code RCS has no rate for purchases in QuickBooks"
    way = "to another one under taxes in company_settings"
    assert said == [
        (),
        (f"{charges}. Map none to a code of zero percent under taxes in company_settings.",),
        (f"{unclear}. Map none {way}, or complete its rate in QuickBooks.",),
        (f"{not_bought}. Map none {way}.",),
    ]


@pytest.mark.parametrize(
    ("terms", "mapping", "term"),
    [
        ("net 30", {}, "3"),
        ("30 Days", {"30 Days": "Net 30"}, "3"),
        ("30 Days", {}, ""),
        ("", {}, ""),
    ],
)
def test_terms_are_those_mapped_else_of_that_name_else_left_to_the_due_date(
    terms: str, mapping: dict[str, str], term: str
) -> None:
    bill = a_total("5.00", payment_terms=terms)
    plan = plan_posting(bill, a_company(terms=mapping), a_snapshot())
    assert plan.term_id == term
    assert plan.warnings == ()


def test_mapped_terms_that_quickbooks_lacks_are_told() -> None:
    bill = a_total("5.00", payment_terms="30 Days")
    plan = plan_posting(bill, a_company(terms={"30 Days": "Net 31"}), a_snapshot())
    assert "no terms Net 31, meant for 30 Days" in plan.warnings[0]


# -- the company ----------------------------------------------------------------------------


def test_a_foreign_currency_needs_multicurrency() -> None:
    plan = plan_posting(
        a_total("5.00", currency="EUR"), a_company(), a_snapshot(multicurrency=False)
    )
    assert plan.problems[0] == (
        "The bill is in EUR, but QuickBooks keeps this company in USD only. Turn on"
        " Multicurrency there."
    )


def test_a_rate_that_loses_more_than_a_cent_is_told() -> None:
    for home, booked in (("5.43", ""), ("99999999999.99", "99,999,999,999.90 USD")):
        bill = replace(a_total("3.00", currency="EUR"), company_total=Decimal(home))
        plan = plan_posting(bill, a_company(), a_snapshot())
        assert [w for w in plan.warnings if "exchange rate" in w] == [
            (f"At this exchange rate QuickBooks will book {said}; Odoo has 99,999,999,999.99 USD.")
            for said in [booked]
            if said
        ]


def test_a_company_abroad_that_keeps_no_tax_books_it_as_a_cost() -> None:
    bill = a_bill(lines=(a_line("100.00"), a_line("8.25", kind="tax", account_code="443000")))
    plan = plan_posting(bill, a_company(), a_british_snapshot(uses_tax=False))
    assert not plan.problems
    payload = posting(bill, plan, "70").payload
    assert payload["GlobalTaxCalculation"] == "NotApplicable"
    assert "TxnTaxDetail" not in payload
    assert [n["Amount"] for n in payload["Line"]] == [Decimal(100), Decimal("8.25")]


def test_class_and_department_of_the_settings_are_on_every_line_and_bill() -> None:
    snapshot = a_snapshot(
        tracks_classes=True,
        tracks_departments=True,
        classes=(Listed(id="21", name="Garden:Tools"),),
        departments=(Listed(id="31", name="North"),),
    )
    company = a_company(class_name="garden:tools", department="North")
    plan = plan_posting(a_total("5.00"), company, snapshot)
    assert not plan.problems
    payload = posting(a_total("5.00"), plan, "70").payload
    assert payload["DepartmentRef"] == {"value": "31"}
    refs = [n["AccountBasedExpenseLineDetail"]["ClassRef"] for n in payload["Line"]]
    assert refs == [{"value": "21"}]
    assert plan.changes(plan.shown()) == []
    assert replace(plan, class_id="22", class_name="Other").changes(plan.shown()) == [
        "The class is now Other."
    ]


@pytest.mark.parametrize(
    ("tracked", "said"),
    [
        (True, "QuickBooks has no active department West"),
        (False, "company_settings name the department West. Turn on location tracking"),
    ],
)
def test_a_department_that_cannot_be_set_blocks_and_says_why(tracked: bool, said: str) -> None:
    snapshot = a_snapshot(tracks_departments=tracked)
    plan = plan_posting(a_total("5.00"), a_company(department="West"), snapshot)
    assert plan.problems[0].startswith(said)


def test_without_multicurrency_no_currency_is_named() -> None:
    bill = a_total("5.00")
    plan = plan_posting(bill, a_company(), a_snapshot(multicurrency=False))
    assert not plan.problems
    assert "CurrencyRef" not in posting(bill, plan, "70").payload


def test_books_in_another_currency_than_odoos_block() -> None:
    plan = plan_posting(a_total("5.00"), a_company(), a_snapshot(home_currency="GBP"))
    assert any("no exchange rate fits both" in p for p in plan.problems)


def test_the_payable_account_is_that_of_the_bills_currency() -> None:
    euro = replace(PAYABLE, id="4", currency="EUR")
    snapshot = a_snapshot(accounts=(PAYABLE, CASH, euro))
    assert plan_posting(a_total("5.00", currency="EUR"), a_company(), snapshot).payable_id == "4"
    assert plan_posting(a_total("5.00"), a_company(), snapshot).payable_id == "1"
    assert plan_posting(a_total("5.00", currency="CHF"), a_company(), snapshot).payable_id == ""


@pytest.mark.parametrize(
    ("others", "settings", "payable"),
    [
        ((), {}, "1"),
        (("Accounts Payable (A/P)",), {}, "50"),
        (("Intercompany",), {}, ""),
        (("Intercompany",), {"payable_account": "intercompany"}, "50"),
        (("Intercompany", "Accounts Payable (A/P)"), {"payable_account": "A/P"}, "1"),
    ],
)
def test_of_several_payable_accounts_it_is_the_one_named_else_quickbooks_own_else_none(
    others: tuple[str, ...], settings: dict[str, str], payable: str
) -> None:
    more = [
        replace(PAYABLE, id=str(n), name=name, full_name=name) for n, name in enumerate(others, 50)
    ]
    snapshot = a_snapshot(accounts=(PAYABLE, CASH, *more))
    plan = plan_posting(a_total("5.00"), a_company(**settings), snapshot)
    assert plan.payable_id == payable
    said = "QuickBooks has several accounts payable accounts in USD (A/P, Intercompany). Name one"
    assert [p.startswith(said) for p in plan.problems] == ([] if payable else [True])


def test_the_payable_account_of_the_settings_is_not_asked_of_another_currency() -> None:
    euro = replace(PAYABLE, id="4", name="A/P - EUR", currency="EUR")
    snapshot = a_snapshot(accounts=(PAYABLE, CASH, euro), vendors=())
    company = a_company(payable_account="A/P")
    assert plan_posting(a_total("5.00", currency="EUR"), company, snapshot).payable_id == "4"


def test_a_payable_account_of_the_settings_that_is_none_blocks() -> None:
    plan = plan_posting(a_total("5.00"), a_company(payable_account="443000"), a_snapshot())
    assert plan.problems[0].startswith("The accounts payable account 443000 of company_settings")


def test_another_payable_account_is_a_change_and_the_first_of_a_currency_is_none() -> None:
    shown = plan_posting(a_total("5.00"), a_company(), a_snapshot()).shown()
    other = a_snapshot(accounts=(replace(PAYABLE, id="2", name="Other"), CASH))
    assert plan_posting(a_total("5.00"), a_company(), other).changes(shown) == [
        "The accounts payable account is now Other."
    ]
    none = plan_posting(a_total("5.00"), a_company(), a_snapshot(accounts=(CASH,))).shown()
    assert plan_posting(a_total("5.00"), a_company(), other).changes(none) == []


@pytest.mark.parametrize(
    ("day", "is_closed"), [(date(2026, 10, 31), True), (date(2026, 11, 1), False)]
)
def test_a_date_in_closed_books_blocks(day: date, is_closed: bool) -> None:
    bill = a_total("5.00", bill_date=day)
    plan = plan_posting(bill, a_company(), a_snapshot(book_close_date="2026-10-31"))
    assert any("books are closed through 2026-10-31" in p for p in plan.problems) == is_closed


def test_without_a_snapshot_it_says_so_and_nothing_blocks() -> None:
    plan = plan_posting(a_bill(), a_company(), None)
    assert plan.warnings == (NO_SNAPSHOT,)
    assert not plan.problems
    assert plan_posting(a_bill(), a_company(), a_snapshot()).changes(plan.shown()) == []


def test_what_was_approved_before_quickbooks_was_read_is_not_booked_where_nothing_matches() -> None:
    bill = replace(a_total("5.00"), lines=(a_line("5.00", account_code="1", account_name="?"),))
    company = a_company(default_account="443000")
    blind = plan_posting(bill, company, None).shown()
    (change,) = plan_posting(bill, company, a_snapshot()).changes(blind)
    assert change.startswith("The account for 1 now is ")


# -- the vendor -----------------------------------------------------------------------------


def vendor_in(
    *vendors: KnownVendor,
    settings: dict[str, Any] | None = None,
    remembered: dict[str, str] | None = None,
    **bill: Any,
) -> PostingPlan:
    return plan_posting(
        a_total("5.00", **bill),
        a_company(**settings or {}),
        a_snapshot(vendors=vendors),
        remembered,
    )


def used(
    vendor_id: str, name: str = "Acme", at: datetime = NOW, realm_id: str = REALM
) -> dict[str, str]:
    """The note of a vendor of whom a bill in USD was posted."""
    return to_remember(vendor_id, name, realm_id, "USD", at)


def known(name: str = ACME.name, **fields: Any) -> KnownVendor:
    return KnownVendor(**{"id": "70", "name": name, "currency": "USD"} | fields)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (vendor_in(known("ACME BOTANICALS LLC")), ("70", "ACME BOTANICALS LLC", "name")),
        (vendor_in(known("Acme Botanicals")), ("", ACME.name, "new")),
        (vendor_in(known("Acme Botanicals LLC (EUR)", currency="EUR")), ("", ACME.name, "new")),
        (vendor_in(known(), currency="EUR"), ("", f"{ACME.name} (EUR)", "new")),
        (vendor_in(known(currency="EUR"), currency="EUR"), ("70", ACME.name, "name")),
        (
            vendor_in(
                known(f"{ACME.name} (EUR)", currency="EUR", id="71"), known(), currency="EUR"
            ),
            ("71", f"{ACME.name} (EUR)", "name"),
        ),
        (
            vendor_in(known("Zeta"), settings={"vendors": {ACME.name: "zeta"}}),
            ("70", "Zeta", "mapped"),
        ),
        (
            vendor_in(known("Zeta"), settings={"vendors": {ACME.name: "zeta"}}, currency="EUR"),
            ("", f"{ACME.name} (EUR)", "new"),
        ),
        (vendor_in(known("Renamed"), remembered=used("70")), ("70", "Renamed", "remembered")),
        (
            vendor_in(known("Renamed"), remembered=used("70"), currency="EUR"),
            ("", f"{ACME.name} (EUR)", "new"),
        ),
        (
            vendor_in(
                known(),
                known("Zeta", id="71"),
                remembered=used("70"),
                settings={"vendors": {ACME.name: "Zeta"}},
            ),
            ("71", "Zeta", "mapped"),
        ),
        (
            vendor_in(remembered=used("99", "Made now")),
            ("99", "Made now", "remembered"),
        ),
        (
            vendor_in(known("Old", active=False), known(id="72"), remembered=used("70")),
            ("72", ACME.name, "name"),
        ),
        (
            vendor_in(known(f"{ACME.name} (deleted)", active=False), known(id="72")),
            ("72", ACME.name, "name"),
        ),
        (vendor_in(known(f"{ACME.name} (deleted)")), ("", ACME.name, "new")),
        (vendor_in(known(f"{ACME.name}(deleted) Ltd", active=False)), ("", ACME.name, "new")),
        (
            vendor_in(known(f"{ACME.name} (deleted)", active=False), currency="EUR"),
            ("", f"{ACME.name} (EUR)", "new"),
        ),
    ],
)
def test_the_vendor_is_the_mapped_one_else_the_remembered_else_of_exactly_that_name_else_new(
    plan: PostingPlan, expected: tuple[str, str, str]
) -> None:
    assert (plan.vendor_id, plan.vendor_name, plan.vendor_how) == expected
    assert plan.problems == ()
    assert any(w.startswith("New vendor") for w in plan.warnings) == (expected[2] == "new")


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        (vendor_in(known(active=False)), "is inactive in QuickBooks. Make it active again"),
        (
            vendor_in(known("Old (deleted)", active=False), remembered=used("70")),
            "is inactive",
        ),
        (
            vendor_in(known(f"{ACME.name} (deleted)", active=False)),
            "(deleted) is inactive in QuickBooks. Make it active again",
        ),
        (
            vendor_in(known(f"{ACME.name.upper()} (Deleted)", active=False)),
            "(Deleted) is inactive in QuickBooks. Make it active again",
        ),
        (
            vendor_in(
                known("Zeta (deleted)", active=False), settings={"vendors": {ACME.name: "Zeta"}}
            ),
            "The vendor Zeta (deleted) is inactive",
        ),
        (vendor_in(known(currency="EUR")), "is paid in EUR, but this bill is in USD"),
        (
            vendor_in(settings={"vendors": {ACME.name: "Zeta"}}),
            "Zeta, meant for Acme Botanicals LLC",
        ),
        (
            vendor_in(known("Zeta", active=False), settings={"vendors": {ACME.name: "Zeta"}}),
            "The vendor Zeta is inactive",
        ),
    ],
)
def test_a_vendor_that_cannot_be_used_blocks_with_what_to_do(
    plan: PostingPlan, sentence: str
) -> None:
    [problem] = plan.problems
    assert sentence in problem


def test_a_remembered_vendor_that_is_gone_is_told_before_another_is_made() -> None:
    plan = vendor_in(remembered=used("99", at=NOW - timedelta(days=9)))
    assert plan.vendor_how == "new"
    assert plan.warnings[0].startswith(
        "Earlier bills used the vendor Acme, which was merged or deleted"
    )


def test_a_vendor_that_was_used_in_another_realm_is_not_remembered_in_this_one() -> None:
    another = known("Somebody Else", id="70")
    plan = vendor_in(another, known(id="72"), remembered=used("70", realm_id="9130350000000099"))
    assert (plan.vendor_id, plan.vendor_how) == ("72", "name")


@pytest.mark.parametrize(
    ("vendors", "used", "warned"),
    [
        ((known("Zeta"), known("Zeta (EUR)", id="71", currency="EUR")), "Zeta (EUR)", False),
        ((known("Zeta"), known("Zeta (EUR)", id="71")), f"{ACME.name} (EUR)", True),
        ((known("Zeta"),), f"{ACME.name} (EUR)", True),
    ],
)
def test_a_mapped_vendor_of_another_currency_gives_way_to_its_own_or_it_is_told(
    vendors: tuple[KnownVendor, ...], used: str, warned: bool
) -> None:
    plan = vendor_in(*vendors, settings={"vendors": {ACME.name: "Zeta"}}, currency="EUR")
    assert plan.vendor_name == used
    said = "The vendor Zeta, meant for Acme Botanicals LLC, is paid in USD in QuickBooks"
    assert any(w.startswith(said) for w in plan.warnings) == warned


def test_a_bill_without_a_vendor_has_none() -> None:
    assert vendor_in(vendor=None).vendor_name == ""


# -- what changed since ---------------------------------------------------------------------


def test_what_was_shown_and_still_holds_is_no_change() -> None:
    plan = plan_posting(a_bill(), a_company(), a_snapshot())
    assert plan.changes(plan.shown()) == []


def test_another_realm_is_a_change_whatever_its_ids() -> None:
    shown = plan_posting(a_bill(), a_company(), a_snapshot()).shown()
    moved = a_snapshot(realm_id="9130350000000099", company_name="North Ltd (live)")
    assert plan_posting(a_bill(), a_company(), moved).changes(shown) == [
        "The QuickBooks company is now North Ltd (live)."
    ]


def test_each_change_of_account_tax_code_and_vendor_is_a_sentence() -> None:
    other_code = replace(REDUCED, id="11", name="8.25% again")
    snapshot = a_british_snapshot()
    snapshot = replace(snapshot, tax_codes=(*snapshot.tax_codes, other_code))
    bill = a_bill(lines=(a_line("100.00", taxes=("8.25%",)), a_line("8.25", **VAT)))
    company = a_company(taxes={"none": "Exempt"})
    shown = plan_posting(bill, company, snapshot).shown()
    other = replace(
        company,
        accounts={"443000": "Freight In"},
        taxes={"8.25%": "8.25% again"},
        vendors={ACME.name: "Zeta"},
    )
    now = plan_posting(
        bill, other, replace(snapshot, vendors=(*snapshot.vendors, known("Zeta", id="71")))
    )
    assert now.changes(shown) == [
        "The vendor in QuickBooks is now Zeta.",
        "The account for 443000 is now Cost of Goods Sold:Freight In.",
        "The tax code for 8.25% is now 8.25% again.",
    ]


@pytest.mark.parametrize(
    ("name", "is_change"), [(ACME.name, False), (f"{ACME.name} (vendor)", False), ("Zeta", True)]
)
def test_a_vendor_made_as_announced_is_no_change(name: str, is_change: bool) -> None:
    shown = vendor_in().shown()
    settings = {"vendors": {ACME.name: name}}
    assert bool(vendor_in(known(name), settings=settings).changes(shown)) == is_change


# -- files ----------------------------------------------------------------------------------


def test_files_that_quickbooks_does_not_take_are_named() -> None:
    bill = a_bill(
        documents=(
            a_document("a.pdf"),
            a_document("mail.eml", type="message/rfc822"),
            a_document("big.png", size=100_000_001, type="image/png"),
        )
    )
    assert plan_posting(bill, a_company(), a_snapshot()).warnings == (
        "mail.eml will not be attached in QuickBooks: it takes no files of this type.",
        "big.png will not be attached in QuickBooks: it takes no more than 100 MB.",
    )
