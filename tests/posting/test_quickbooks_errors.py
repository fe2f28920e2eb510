"""Every way QuickBooks may refuse or misbehave, through the poster, and what the bill comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from odoo_qb.bill.item import bill_of, content
from odoo_qb.bill.open_attempt import open_attempt
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.posting.document_diff import differences
from odoo_qb.posting.payload import posting
from odoo_qb.quickbooks.sync import load, sync
from sandbox.quickbooks.server import Modes
from tests.support.builders import a_bill, a_line, a_total
from tests.support.ledgers import read_one
from tests.support.posting_fixture import a_desk, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from tests.support.posting_fixture import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def warm(desk: Desk) -> None:
    """Snapshot, vendor and token are there: a posting is look, create, upload."""
    desk.post(desk.approve(replace(a_bill(odoo_id=1, bill_reference="INV-0"), documents=())))


# -- the table of errors, end to end ---------------------------------------------------------

AGAIN = "AGAIN: QuickBooks couldn't process the request right now"


@pytest.mark.parametrize(
    ("fault", "first", "then"),
    [
        # What passes by itself within one delivery or the next.
        ({"kind": "fault", "status": 400, "code": "130"}, "POSTED", "POSTED"),
        ({"kind": "fault", "status": 200, "code": "10000", "times": 2}, AGAIN, "POSTED"),
        ({"kind": "fault", "status": 503, "code": "150", "times": 2}, AGAIN, "POSTED"),
        ({"kind": "system_fault", "times": 2}, AGAIN, "POSTED"),
        ({"kind": "html", "status": 502, "times": 2}, AGAIN, "POSTED"),
        ({"kind": "throttle"}, "AGAIN: QuickBooks asks us to slow down.", "POSTED"),
        ({"kind": "throttle", "body": "xml"}, "AGAIN: QuickBooks asks us to slow down.", "POSTED"),
        # A token that ended, with the work done or not.
        ({"kind": "unauthorized"}, "POSTED", "POSTED"),
        ({"kind": "unauthorized", "committed": True}, "POSTED", "POSTED"),
        ({"kind": "fault", "status": 500, "code": "120"}, "POSTED", "POSTED"),
        # What somebody must do for the whole company.
        ({"kind": "unauthorized", "times": 2}, "WAITING", "POSTED"),
        ({"kind": "fault", "status": 403, "code": "3100"}, "WAITING", "POSTED"),
        ({"kind": "fault", "status": 403, "code": "3201"}, "WAITING", "POSTED"),
        ({"kind": "fault", "status": 400, "code": "6190"}, "WAITING", "POSTED"),
        # What a person must do for this bill, and a retry that finds it done.
        ({"kind": "fault", "status": 400, "code": "2020"}, "POST_FAILED", "POSTED"),
        ({"kind": "fault", "status": 400, "code": "5030"}, "POST_FAILED", "POSTED"),
        ({"kind": "fault", "status": 200, "code": "6000"}, "POST_FAILED", "POSTED"),
        ({"kind": "fault", "status": 400, "code": "6100"}, "POST_FAILED", "POSTED"),
        ({"kind": "fault", "status": 400, "code": "6140"}, "POST_FAILED", "POSTED"),
        ({"kind": "fault", "status": 400, "code": "6210"}, "POST_FAILED", "POSTED"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_each_error_of_a_create_ends_as_the_table_says_and_never_in_two_documents(
    fault: dict[str, Any], first: str, then: str, desk: Desk
) -> None:
    warm(desk)
    desk.quickbooks.inject(path="/bill", **fault)
    item = desk.approve()
    assert desk.post(item).startswith(first)
    if desk.stored()["status"] == "POST_FAILED":
        error = desk.stored()["error"]
        assert error["code"] == fault["code"]
        assert error["tid"]
        assert error["message"].endswith(f"(QuickBooks error {fault['code']})")
        item = desk.retry()
    desk.now += timedelta(minutes=1)
    assert desk.post(desk.stored(), "m2" if first == "WAITING" else "m1") == then
    assert len(documents(desk)) == 2
    assert len(desk.realm.attachables) == 1


@pytest.mark.parametrize("path", ["/preferences", "/query", "/vendor", "/bill", "/upload"])
@pytest.mark.parametrize("kind", ["throttle", "html", "reset", "truncated"])
def test_wherever_it_breaks_off_the_next_delivery_goes_on(kind: Any, path: str) -> None:
    with a_desk() as desk:
        desk.quickbooks.inject(kind, path=path, status=503, times=2)
        item = desk.approve()
        said = [desk.post(item) for _ in range(3)]
        is_seen_to_be_made = (kind, path) == ("truncated", "/bill")
        assert said[0].startswith("POSTED" if is_seen_to_be_made else "AGAIN")
        assert said[-1] == "POSTED"
        assert len(documents(desk)) == len(desk.realm.attachables) == 1


def test_no_token_and_no_traceback_is_in_what_is_kept(desk: Desk) -> None:
    warm(desk)
    desk.quickbooks.inject(
        "fault", path="/bill", code="6000", detail='{"Fault": "x"} at com.intuit'
    )
    desk.post(desk.approve())
    secret = desk.clients["secretsmanager"].get_secret_value(SecretId="token/north")
    tokens = json.loads(secret["SecretString"])
    text = json.dumps(desk.stored(), default=str)
    for word in (tokens["access_token"], tokens["refresh_token"], "Traceback", "Bearer"):
        assert word not in text


# -- each switch of the simulator: what Intuit does not say, either way -----------------------


@pytest.mark.parametrize("mode", ["610", "2500"])
def test_an_account_made_inactive_after_the_snapshot_is_named_once_it_was_read_again(
    mode: Any,
) -> None:
    with a_desk(Modes(inactive_reference=mode)) as desk:
        warm(desk)
        account = desk.realm.accounts[desk.realm.id_of("Account", "443000")]
        account["Active"] = False
        desk.company = replace(desk.company, default_account="")
        desk.now += timedelta(minutes=5)
        item = desk.approve()
        assert desk.post(item) == "POST_FAILED"
        assert "no account for 443000 Cash Discount Loss" in desk.stored()["error"]["message"]
        account["Active"] = True
        desk.now += timedelta(minutes=5)
        assert desk.post(desk.retry(), "m2") == "POSTED"
        assert [a["outcome"] for a in desk.stored()["attempts"]] == [mode, "created"]


def test_an_account_that_moved_since_the_snapshot_is_used_if_nothing_else_was_shown(
    desk: Desk,
) -> None:
    warm(desk)
    old = desk.realm.id_of("Account", "443000")
    desk.realm.accounts[old] |= {"Active": False, "AcctNum": ""}
    desk.realm.add_account("Discounts", desk.now, number="443000")
    desk.now += timedelta(minutes=5)
    assert desk.post(desk.approve()) == "POSTED"
    assert desk.quickbooks.calls["preferences"] == 2


def test_an_account_made_after_the_snapshot_is_found_before_the_bill_fails(desk: Desk) -> None:
    desk.company = replace(desk.company, default_account="")
    bill = replace(a_total("5.00"), lines=(a_line("5.00", account_code="777", account_name="New"),))
    assert desk.post(desk.approve(bill)) == "POST_FAILED"
    reads = desk.quickbooks.calls["preferences"]
    assert reads == 1, "a snapshot of this minute is not read again"
    desk.realm.add_account("New", desk.now, number="777")
    desk.now += timedelta(minutes=5)
    assert desk.post(desk.retry(), "m2") == "POSTED"


@pytest.mark.parametrize("mode", ["optional", "required"])
def test_the_first_bill_in_a_currency_names_the_account_that_opens_with_its_vendor(
    mode: Any,
) -> None:
    with a_desk(Modes(foreign_payable=mode)) as desk:
        bills = [
            replace(
                a_total("80.00", odoo_id=n, currency="CHF", bill_reference=f"C-{n}"),
                company_total=Decimal(90),
            )
            for n in (1, 2)
        ]
        assert [desk.post(desk.approve(b)) for b in bills] == ["POSTED", "POSTED"]
        for document in desk.realm.bills.values():
            assert document["APAccountRef"]["name"] == "Accounts Payable (A/P) - CHF"
            assert document["ExchangeRate"] == Decimal("1.125")
        assert desk.quickbooks.calls["preferences"] == 2


@pytest.mark.parametrize(("mode", "status"), [("accepted", "POSTED"), ("refused", "POST_FAILED")])
def test_a_negative_line_is_posted_or_told(mode: Any, status: str) -> None:
    with a_desk(Modes(negative_line=mode)) as desk:
        bill = replace(a_total("75.00"), lines=(a_line("85.00"), a_line("-10.00")))
        assert desk.post(desk.approve(bill)) == status
        assert len(documents(desk)) == (status == "POSTED")


@pytest.mark.parametrize(("mode", "status"), [("accepted", "POSTED"), ("refused", "POST_FAILED")])
def test_a_total_of_nothing_that_comes_this_far_is_posted_or_told(mode: Any, status: str) -> None:
    with a_desk(Modes(zero_total=mode)) as desk:
        cleared = a_line("-10.00", account_code="612000", account_name="Rent")
        bill = replace(a_total("0.00"), lines=(a_line("10.00"), cleared))
        assert desk.post(desk.approve(bill)) == status


@pytest.mark.parametrize("mode", ["per_vendor", "global"])
def test_a_number_of_another_vendor_stands_in_the_way_only_where_quickbooks_says_so(
    mode: Any,
) -> None:
    with a_desk(Modes(duplicates=mode)) as desk:
        warm(desk)
        [document] = desk.realm.bills.values()
        document |= {"DocNumber": "INV-1001", "VendorRef": {"value": "999"}, "PrivateNote": ""}
        status = desk.post(desk.approve())
        assert status == ("POSTED" if mode == "per_vendor" else "POST_FAILED")
        if mode == "global":
            assert "Link it if it is this one" in desk.stored()["error"]["message"]


@pytest.mark.parametrize("mode", ["exact", "ignored"])
def test_a_number_in_another_case_is_the_same_number(mode: Any) -> None:
    with a_desk(Modes(duplicate_case=mode)) as desk:
        warm(desk)
        [document] = desk.realm.bills.values()
        document |= {"DocNumber": "inv-1001", "PrivateNote": ""}
        assert desk.post(desk.approve()) == "POST_FAILED"
        assert "entered by someone else" in desk.stored()["error"]["message"]


def test_a_bill_typed_in_this_very_moment_is_for_a_person_and_a_retry_after_it_posts(
    desk: Desk,
) -> None:
    warm(desk)
    desk.quickbooks.inject("rival", path="/bill")
    assert desk.post(desk.approve()) == "POST_FAILED"
    assert "entered by someone else" in desk.stored()["error"]["message"]
    assert [a["outcome"] for a in desk.stored()["attempts"]] == ["6140"]
    typed = next(k for k, d in desk.realm.bills.items() if "PrivateNote" not in d)
    del desk.realm.bills[typed]
    assert desk.post(desk.retry(), "m2") == "POSTED"
    assert len(documents(desk)) == 2


@pytest.mark.parametrize("mode", ["allowed", "refused"])
@pytest.mark.parametrize("numbered", [True, False], ids=["our numbers", "QuickBooks' numbers"])
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
def test_a_credit_is_found_again_whoever_numbers_it(
    mode: Any, numbered: bool, committed: bool
) -> None:
    with a_desk(Modes(vendor_ref_on_vendor_credit=mode), custom_txn_numbers=numbered) as desk:
        desk.quickbooks.inject("reset", path="/vendorcredit", committed=committed, times=2)
        desk.quickbooks.inject("reset", path="/query", nth=6)
        item = desk.approve(a_total("30.00", move_type="in_refund"))
        for _ in range(4):
            if desk.post(item) == "POSTED":
                break
        assert desk.stored()["status"] == "POSTED"
        assert len(documents(desk)) == 1
        assert desk.stored()["quickbooks"]["doc_number"] == ("INV-1001" if numbered else "1001")


def test_a_credit_that_quickbooks_numbered_is_found_beside_one_that_has_the_number_it_was_sent(
    desk: Desk,
) -> None:
    desk.realm.custom_txn_numbers = False
    warm(desk)
    other = {"DisplayName": "Other", "Active": True, "CurrencyRef": {"value": "USD"}}
    vendor = desk.realm.add("Vendor", other, desk.now)
    stranger = {"DocNumber": "77", "TxnDate": "2026-01-01", "VendorRef": {"value": vendor["Id"]}}
    desk.realm.add("VendorCredit", stranger | {"TotalAmt": Decimal(5), "Line": []}, desk.now)
    credit = a_total("30.00", move_type="in_refund", bill_reference="77")
    item = desk.approve(credit)
    desk.quickbooks.inject("reset", path="/vendorcredit", committed=True)
    desk.quickbooks.inject("fault", path="/vendorcredit", code="600", status=400)
    assert desk.post(item) == "POSTED"
    ours = [d for d in documents(desk) if "[odoo-42]" in str(d.get("PrivateNote"))]
    assert [d["DocNumber"] for d in ours] == [desk.stored()["quickbooks"]["doc_number"]]


def copied(desk: Desk, **changes: Any) -> None:
    """A bookkeeper makes a Copy of the only bill in QuickBooks, memo and all."""
    [old] = desk.realm.bills.values()
    kept = {k: v for k, v in old.items() if k not in {"Id", "SyncToken", "MetaData"}}
    desk.realm.add("Bill", kept | changes, desk.now)


def test_a_copy_of_our_bill_that_a_person_numbered_anew_is_somebody_elses() -> None:
    with a_desk(duplicate_warning=False) as desk:
        warm(desk)
        copied(desk, DocNumber="INV-1001")
        assert desk.post(desk.approve()) == "POST_FAILED"
        assert "entered by someone else" in desk.stored()["error"]["message"]
        assert len(documents(desk)) == 2


@pytest.mark.parametrize("reference", ["INV-1001", "", "2026-INVOICE-000123456-REV1"])
def test_two_bills_of_one_number_that_were_both_approved_are_both_posted(reference: str) -> None:
    with a_desk(duplicate_warning=False) as desk:
        first = a_bill(odoo_id=1, bill_reference=reference, documents=())
        assert desk.post(desk.approve(first)) == "POSTED"
        assert desk.post(desk.approve(a_bill(bill_reference=reference)), "m2") == "POSTED"
        assert len(documents(desk)) == 2


def test_after_an_unanswered_try_a_number_taken_by_another_is_mended_by_another_reference(
    desk: Desk,
) -> None:
    warm(desk)
    desk.quickbooks.inject("reset", path="/bill", times=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    copied(desk, DocNumber="INV-1001", PrivateNote="typed by hand")
    desk.now += timedelta(minutes=5)
    assert desk.post(item) == "POST_FAILED"
    assert "correct the reference in Odoo" in desk.stored()["error"]["message"]
    amended = replace(desk_bill(desk), bill_reference="INV-1001-B")
    assert desk.post(approve_again(desk, **content(amended)), "m2") == "POSTED"
    assert desk.stored()["quickbooks"]["doc_number"] == "INV-1001-B"


@pytest.mark.parametrize(("code", "status"), [("6190", 400), ("120", 401), ("110", 401)])
@pytest.mark.parametrize("arrived", [True, False])
def test_what_a_repeat_is_refused_says_nothing_of_the_sending_before_it(
    arrived: bool, code: str, status: int, desk: Desk
) -> None:
    warm(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=arrived)
    desk.quickbooks.inject("fault", path="/bill", code=code, status=status, times=2)
    assert desk.post(desk.approve()) == "WAITING"
    assert open_attempt(desk.stored()), "QuickBooks may have it"
    desk.quickbooks.clear_faults()
    desk.now += timedelta(minutes=5)
    assert desk.post(desk.stored(), "m2") == "POSTED"
    assert len(documents(desk)) == 2
    outcomes = [a["outcome"] for a in desk.stored()["attempts"]]
    assert outcomes == (["created"] if arrived else [code, "created"])


def test_a_repeat_refused_while_the_first_sending_is_under_way_makes_no_second_document() -> None:
    with a_desk(duplicate_warning=False) as desk:
        warm(desk)
        desk.quickbooks.inject("late", path="/bill", seconds=100)
        desk.quickbooks.inject("fault", path="/bill", code="6190", status=400)
        assert desk.post(desk.approve()) == "WAITING"
        for seconds in (30, 100, 60):
            desk.now += timedelta(seconds=seconds)
            desk.quickbooks.finish_late()
            desk.post(desk.stored(), "m2")
        assert desk.stored()["status"] == "POSTED"
        assert len(documents(desk)) == 2


@pytest.mark.parametrize(
    "modes",
    [Modes(), Modes(backslash="literal"), Modes(query_charset="iso-8859-1")],
)
@pytest.mark.parametrize("reference", ["A\\B-1", "O'Neil's", "100% #1+2&3", "x' OR 1=1", "Größe"])
def test_a_bill_is_found_again_under_any_number(reference: str, modes: Modes) -> None:
    with a_desk(modes) as desk:
        item = desk.approve(a_bill(bill_reference=reference))
        assert desk.post(item) == "POSTED"
        again = desk.approve(a_bill(bill_reference=reference))
        assert desk.post(again, "m2") == "ALREADY_IN_QB"
        assert len(documents(desk)) == 1
        assert desk.quickbooks.violations == []


@pytest.mark.parametrize("number", ["RG-Ñ-1", "RG\\Ñ-1"])
def test_a_number_that_quickbooks_may_misread_is_found_where_somebody_entered_it(
    number: str,
) -> None:
    with a_desk(Modes(query_charset="iso-8859-1")) as desk:
        desk.realm.duplicate_warning = False
        warm(desk)
        (made,) = desk.realm.bills.values()
        by_hand = {k: v for k, v in made.items() if k not in {"Id", "PrivateNote"}}
        desk.realm.add("Bill", by_hand | {"DocNumber": number}, desk.now)
        item = desk.approve(a_bill(bill_reference=number))
        assert desk.post(item) == "POST_FAILED"
        assert "already has" in desk.stored()["error"]["message"]
        assert len(documents(desk)) == 2


@pytest.mark.parametrize("mode", ["wait", "error600"])
def test_a_try_that_is_still_under_way_is_not_made_again(mode: Any, desk: Desk) -> None:
    desk.quickbooks.configure(modes={"request_id_in_flight": mode})
    warm(desk)
    desk.quickbooks.inject("fault", path="/bill", code="600", times=2)
    item = desk.approve()
    assert desk.post(item) == "AGAIN: QuickBooks has already received this request (error 600)."
    assert desk.post(item) == "POSTED"
    assert len(documents(desk)) == 2


def test_a_try_that_quickbooks_knows_but_has_no_document_of_ends_with_a_person(desk: Desk) -> None:
    warm(desk)
    desk.quickbooks.inject("fault", path="/bill", code="600", times=4)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    desk.now += timedelta(minutes=5)
    assert desk.post(item) == "POST_FAILED"
    assert "has no document for it. Retry." in desk.stored()["error"]["message"]
    assert desk.post(desk.retry(), "m2") == "POSTED"
    assert len(documents(desk)) == 2


def test_a_request_id_that_is_forgotten_after_a_day_is_looked_for(desk: Desk) -> None:
    desk.quickbooks.configure(modes={"request_id": "forget_after_ttl", "request_id_hours": 24})
    warm(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    desk.now += timedelta(hours=30)
    assert desk.post(item, "sweep") == "POSTED"
    assert len(documents(desk)) == 2


@pytest.mark.parametrize("body", ["json", "xml"])
@pytest.mark.parametrize("seconds", [None, 5])
def test_a_full_meter_keeps_a_bill_waiting_and_spends_nothing(
    body: Any, seconds: int | None
) -> None:
    with a_desk(Modes(throttle_body=body, retry_after_seconds=seconds)) as desk:
        desk.quickbooks.configure(limits={"core_plus_per_month": 0})
        item = desk.approve()
        assert desk.post(item).startswith("AGAIN")
        desk.quickbooks.configure(limits={"core_plus_per_month": 500_000})
        assert desk.post(item) == "POSTED"


# -- what is no fault of a call --------------------------------------------------------------


def test_a_subscription_that_ended_keeps_the_bills_waiting(desk: Desk) -> None:
    warm(desk)
    desk.realm.subscription_ended = True
    assert desk.post(desk.approve()) == "WAITING"
    assert "This company's QuickBooks subscription has ended" in desk.alarms[0]
    desk.realm.subscription_ended = False
    assert desk.post(desk.stored(), "sweep") == "POSTED"


def test_a_company_that_is_configured_no_more_fails_with_its_name(desk: Desk) -> None:
    item = desk.approve()
    poster = replace(desk.poster(), companies={})
    assert poster.post(item["entry_id"], 1, "m1") == "POST_FAILED"
    assert (
        desk.stored()["error"]["message"]
        == "The company north is no longer configured. Tell the operator."
    )


def test_an_approval_of_another_content_asks_again(desk: Desk) -> None:
    item = desk.approve(approvals=[{"by": "U", "at": "x", "digest": "another"}])
    assert desk.post(item) == "READY_FOR_APPROVAL"
    assert desk.stored()["changes"] == [
        "The approved version is no longer the one that would be posted."
    ]
    assert not documents(desk)


@pytest.mark.parametrize("code", ["6200", "6210"])
def test_books_closed_in_between_fail_and_the_date_stays(code: Any) -> None:
    with a_desk(Modes(closed_period=code)) as desk:
        warm(desk)
        desk.realm.book_close_date = date(2026, 11, 30)
        assert desk.post(desk.approve()) == "POST_FAILED"
        assert desk.stored()["error"]["code"] == code
        assert "Open the period in QuickBooks" in desk.stored()["error"]["message"]
        desk.realm.book_close_date = None
        assert desk.post(desk.retry(), "m2") == "POSTED"
        assert {d["TxnDate"] for d in documents(desk)} == {"2026-11-02"}


def test_a_foreign_bill_is_not_posted_without_multicurrency() -> None:
    with a_desk(multicurrency=False) as desk:
        assert desk.post(desk.approve(a_total("5.00", currency="EUR"))) == "POST_FAILED"
        assert "Turn on Multicurrency" in desk.stored()["error"]["message"]
        assert desk.post(desk.approve(a_total("5.00", odoo_id=2), entry_id="odoo-2")) == "POSTED"
        assert not desk.realm.vendors or all(
            "EUR" not in str(v) for v in desk.realm.vendors.values()
        )


BRITISH: Final[dict[str, Any]] = {"country": "GB", "home_currency": "USD"}
TAXES: Final = {"20%": "20.0% S", "none": "Exempt"}


def a_british_bill(tax: str = "20.00") -> Bill:
    """100.00 at 20 %, of which Odoo booked the tax on its account for VAT."""
    vat = {"account_code": "131000", "account_name": "VAT", "account_type": "asset_current"}
    total = Decimal(100) + Decimal(tax)
    return a_bill(
        lines=(
            a_line("100.00", taxes=("20%",)),
            a_line(tax, kind="tax", text="20%", taxes=("20%",), **vat),
        ),
        amount_tax=Decimal(tax),
        amount_total=total,
        company_total=total,
    )


def test_a_bill_of_a_british_company_has_its_tax_codes() -> None:
    with a_desk(**BRITISH, company={"taxes": TAXES}) as desk:
        assert desk.post(desk.approve(a_british_bill())) == "POSTED"
        [document] = desk.realm.bills.values()
        assert document["TotalAmt"] == Decimal("120.00")
        assert document["TxnTaxDetail"]["TotalTax"] == Decimal("20.00")
        assert len(document["Line"]) == 1


@pytest.mark.parametrize(
    ("setting", "status", "total"),
    [("", "POST_FAILED", ""), ("override", "POSTED", "119.99"), ("quickbooks", "POSTED", "120.00")],
)
def test_tax_that_odoo_rounds_otherwise_is_posted_as_the_settings_say(
    setting: str, status: str, total: str
) -> None:
    with a_desk(**BRITISH, company={"taxes": TAXES, "tax": setting}) as desk:
        assert desk.post(desk.approve(a_british_bill("19.99"))) == status
        assert [str(d["TotalAmt"]) for d in desk.realm.bills.values()] == ([total] if total else [])


def test_a_tax_that_quickbooks_does_not_take_over_is_found_in_what_it_answers() -> None:
    """Whether it honours an override on bills Intuit does not say."""
    settings = {"taxes": TAXES, "tax": "override"}
    with a_desk(Modes(tax_override="ignored"), **BRITISH, company=settings) as desk:
        assert desk.post(desk.approve(a_british_bill("19.99"))) == "POST_FAILED"
        [made] = desk.realm.bills.values()
        error = desk.stored()["error"]
        assert error["document"] == f"Bill {made['Id']}"
        assert "with a total of 120.00 USD instead of 119.99 USD" in error["message"]
        # A person corrects it there, and the next try takes it for what it is.
        made["TotalAmt"] = Decimal("119.99")
        made["TxnTaxDetail"]["TotalTax"] = Decimal("19.99")
        made["TxnTaxDetail"]["TaxLine"][0]["Amount"] = Decimal("19.99")
        assert desk.post(desk.retry(), "m2") == "POSTED"
        assert len(desk.realm.bills) == 1


def test_tax_that_is_divided_otherwise_among_the_rates_is_found_though_the_total_is_right() -> None:
    """Of one rate QuickBooks computes a cent more than Odoo booked, of another a cent less."""
    bill = read_one(
        """
        product 611000 100.00 {20% S} "Heater"
        product 612000 50.00 {5% R} "Heating oil"
        tax VAT [19.99] of 20% S
        tax VAT [2.51] of 5% R
        """,
        "GB",
    )
    taxes = {"none": "No VAT", "20% S": "20.0% S", "5% R": "5.0% R"}
    settings = {"taxes": taxes, "tax": "override"}
    with a_desk(Modes(tax_override="ignored"), country="GB", company=settings) as desk:
        item = desk.approve(replace(bill, company="north", odoo_id=42))
        assert desk.post(item) == "POST_FAILED"
        [made] = desk.realm.bills.values()
        assert made["TotalAmt"] == bill.amount_total
        error = desk.stored()["error"]
        assert (error["code"], error["document"]) == ("tax", f"Bill {made['Id']}")
        assert desk.post(desk.retry(), "m2") == "POST_FAILED"
        for line, amount in zip(made["TxnTaxDetail"]["TaxLine"], ("19.99", "2.51"), strict=True):
            line["Amount"] = Decimal(amount)
        assert desk.post(desk.retry(), "m3") == "POSTED"
        assert len(desk.realm.bills) == 1


def test_a_long_bill_is_posted_with_all_its_lines(desk: Desk) -> None:
    lines = tuple(a_line("1.00", text=f"Line {n}") for n in range(250))
    bill = replace(a_total("250.00"), lines=lines)
    item = desk.approve(bill)
    assert item["lines_key"]
    desk.documents.keep_lines(bill, item["lines_key"])
    assert desk.post(item) == "POSTED"
    [document] = desk.realm.bills.values()
    assert len(document["Line"]) == 250


# -- the card said something else --------------------------------------------------------------


def shown(desk: Desk, **settings: Any) -> dict[str, Any]:
    snapshot = sync(desk.api(), desk.documents, "north", desk.now)
    desk.company = replace(desk.company, **settings)
    return plan_posting(a_bill(), desk.company, snapshot).shown()


def test_who_is_asked_again_is_shown_what_will_happen_now(desk: Desk) -> None:
    item = desk.approve(preflight=shown(desk))
    desk.company = replace(desk.company, accounts={"443000": "612000"})
    assert desk.post(item) == "READY_FOR_APPROVAL"
    assert desk.stored()["preflight"]["accounts"]["443000"]["name"] == "Rent"


def test_a_first_try_that_arrived_counts_although_the_mapping_changed_since(desk: Desk) -> None:
    warm(desk)
    item = desk.approve(preflight=shown(desk))
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    assert desk.post(item).startswith("AGAIN")
    desk.company = replace(desk.company, accounts={"443000": "612000"})
    assert desk.post(item) == "POSTED"
    assert len(documents(desk)) == 2


def test_nobody_is_asked_again_while_a_first_try_may_still_arrive(desk: Desk) -> None:
    warm(desk)
    item = desk.approve(preflight=shown(desk))
    desk.quickbooks.inject("reset", path="/bill", times=2)
    assert desk.post(item).startswith("AGAIN")
    desk.company = replace(desk.company, accounts={"443000": "612000"})
    assert desk.post(item) == "AGAIN: An earlier attempt may still be in progress."
    desk.now += timedelta(minutes=5)
    assert desk.post(item) == "READY_FOR_APPROVAL"
    # Approved as it now is shown, it is posted as it now is shown.
    asked = desk.stored()
    approval = {"by": "U", "at": "x", "digest": asked["digest"]}
    approved = desk.table.change(
        asked, to="APPROVED", actor="U", now=desk.now, values={"approvals": [approval]}
    )
    assert desk.post(approved, "m9") == "POSTED"
    document = desk.realm.bills[desk.stored()["quickbooks"]["id"]]
    accounts = {n["AccountBasedExpenseLineDetail"]["AccountRef"]["name"] for n in document["Line"]}
    assert accounts == {"Rent"}
    assert [a["outcome"] for a in desk.stored()["attempts"]] == ["absent", "created"]


def test_a_first_try_that_arrives_after_all_is_not_taken_for_the_second(desk: Desk) -> None:
    warm(desk)
    item = desk.approve(preflight=shown(desk))
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    assert desk.post(item).startswith("AGAIN")
    attempts = desk.stored()["attempts"]
    lines = (a_line("100.00", account_code="612000", taxes=("8.25%",)), a_bill().lines[1])
    amended = desk.approve(a_bill(lines=lines), revision=2, attempts=attempts)
    desk.now += timedelta(minutes=5)
    assert desk.post(amended, "m2") == "POST_FAILED"
    assert "before the bill was amended" in desk.stored()["error"]["message"]
    assert len(documents(desk)) == 2


def approve_again(desk: Desk, **values: Any) -> Item:
    """A person approves what is asked about now."""
    asked = desk.stored()
    approval = {"by": "U", "at": "x", "digest": values.get("digest", asked["digest"])}
    values |= {"approvals": [approval]}
    return desk.table.change(asked, to="APPROVED", actor="U", now=desk.now, values=values)


@pytest.mark.parametrize(
    ("settings", "reference", "name"),
    [
        ({"department": "South"}, "DepartmentRef", "South"),
        ({"payable_account": "A/P two"}, "APAccountRef", "A/P two"),
    ],
)
def test_after_an_unanswered_try_what_was_approved_since_is_posted_and_not_the_bytes_of_then(
    settings: dict[str, Any], reference: str, name: str
) -> None:
    with a_desk(company={"department": "North"}, department_tracking=True) as desk:
        for place in ("North", "South"):
            desk.realm.add("Department", {"Name": place, "Active": True}, desk.now)
        desk.realm.add_account(
            "A/P two", desk.now, "Accounts Payable", "AccountsPayable", currency="USD"
        )
        item = desk.approve(preflight=shown(desk))
        desk.quickbooks.inject("reset", path="/bill", times=2)
        assert desk.post(item).startswith("AGAIN")
        desk.company = replace(desk.company, **settings)
        desk.now += timedelta(seconds=200)
        assert desk.post(item) == "READY_FOR_APPROVAL"
        assert desk.post(approve_again(desk), "m2") == "POSTED"
        [document] = documents(desk)
        assert document[reference]["name"] == name
        assert [a["outcome"] for a in desk.stored()["attempts"]] == ["absent", "created"]


def test_a_first_try_that_arrives_late_is_no_answer_to_a_later_approval() -> None:
    with a_desk(company={"department": "North"}, department_tracking=True) as desk:
        for place in ("North", "South"):
            desk.realm.add("Department", {"Name": place, "Active": True}, desk.now)
        item = desk.approve(preflight=shown(desk))
        desk.quickbooks.inject("late", path="/bill", seconds=10_000)
        desk.quickbooks.inject("reset", path="/bill")
        assert desk.post(item).startswith("AGAIN")
        desk.company = replace(desk.company, department="South")
        desk.now += timedelta(seconds=200)
        assert desk.post(item) == "READY_FOR_APPROVAL"
        desk.now += timedelta(seconds=10_000)
        desk.quickbooks.finish_late()
        assert desk.post(approve_again(desk), "m2") == "POST_FAILED"
        assert "a different department" in desk.stored()["error"]["message"]
        assert len(documents(desk)) == 1


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"due_date": date(2026, 12, 9)}, "due date"),
        ({"bill_date": date(2026, 11, 3)}, "date"),
        ({"bill_reference": "INV-1001-B"}, "number"),
        (
            {"lines": (a_line("100.00", account_code="612000"), a_bill().lines[1])},
            "accounts or amounts",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_document_from_before_an_amendment_is_taken_once_it_was_corrected_as_told(
    change: dict[str, Any], differs: str, desk: Desk
) -> None:
    warm(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=True)
    desk.quickbooks.inject("fault", path="/bill", code="3100", status=403)
    assert desk.post(desk.approve()) == "WAITING"
    amended = replace(desk_bill(desk), **change)
    desk.table.change(
        desk.stored(),
        to="READY_FOR_APPROVAL",
        actor="extractor",
        now=desk.now,
        values={**content(amended), "revision": 2},
    )
    desk.now += timedelta(minutes=5)
    assert desk.post(approve_again(desk), "m2") == "POST_FAILED"
    error = desk.stored()["error"]
    [made] = [d for d in desk.realm.bills.values() if "[odoo-42]" in d["PrivateNote"]]
    assert (
        f"has Bill {made['Id']} for this bill, but with a different {differs}" in error["message"]
    )
    assert error["document"] == f"Bill {made['Id']}"
    wanted = desk.poster().companies["north"]
    snapshot = load(desk.documents, wanted)
    plan = plan_posting(amended, wanted, snapshot, desk.table.read_note("vendor#north#7"))
    made |= posting(amended, plan, plan.vendor_id).payload  # corrected there by hand
    assert desk.post(desk.retry(), "m3") == "POSTED"
    assert desk.stored()["quickbooks"]["id"] == made["Id"]
    assert len(documents(desk)) == 2


@pytest.mark.parametrize(
    ("realm", "bill"),
    [
        ({}, a_bill()),
        ({}, a_bill(currency="CHF", company_total=Decimal("121.78"))),
        ({"custom_txn_numbers": False}, a_total("30.00", move_type="in_refund")),
        (BRITISH, a_british_bill()),
        (BRITISH, a_british_bill("19.99")),
        ({"country": "GB", "home_currency": "USD", "using_sales_tax": False}, a_bill()),
    ],
    ids=["US", "foreign", "credit", "taxed", "overridden", "untaxed abroad"],
)
def test_what_quickbooks_makes_of_a_posting_does_not_differ_from_it(
    realm: dict[str, Any], bill: Bill
) -> None:
    with a_desk(company={"taxes": TAXES, "tax": "override"}, **realm) as desk:
        assert desk.post(desk.approve(replace(bill, documents=()))) == "POSTED"
        sync(desk.api(), desk.documents, "north", desk.now)
        snapshot = load(desk.documents, desk.company)
        note = desk.table.read_note("vendor#north#7")
        plan = plan_posting(bill, desk.company, snapshot, note)
        [made] = [*desk.realm.bills.values(), *desk.realm.vendor_credits.values()]
        wanted = posting(bill, plan, plan.vendor_id)
        assert differences(wanted, wanted.entity, made) == []
        other = made | {"VendorRef": {"value": "999"}, "ExchangeRate": Decimal(7)}
        rate = ["exchange rate"] if bill.currency != "USD" else []
        assert differences(wanted, wanted.entity, other) == ["vendor", *rate]


def desk_bill(desk: Desk) -> Bill:
    return bill_of(desk.stored())


def test_the_desk_uses_every_switch_of_the_simulator() -> None:
    """Each name below is varied by a test of posting, its tax, its files, vendors or tokens."""
    varied = {
        "request_id", "request_id_hours", "request_id_in_flight", "request_id_on_upload",
        "rotation", "stale_refresh", "concurrent_refresh", "upload", "throttle_body",
        "retry_after_seconds", "vendor_ref_on_vendor_credit", "backslash", "duplicates",
        "duplicate_case", "inactive_reference", "inactive_name", "negative_line", "zero_total",
        "foreign_payable", "query_charset", "closed_period", "tax_override", "total_tax_alone",
        "tax_account_line", "deleted_suffix", "deleted_name",
    }  # fmt: skip
    assert set(Modes.__slots__) == varied
