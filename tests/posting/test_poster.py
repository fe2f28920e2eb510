"""Posting: once, as approved, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill.history import verify_history
from odoo_qb.errors import Unavailable
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.quickbooks.sync import load, sync
from sandbox.quickbooks.server import Modes
from tests.support.builders import a_bill, a_line, a_total
from tests.support.posting_fixture import a_desk, a_file, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.posting_fixture import Desk

REQUEST_ID_MODES = [
    Modes(request_id="replay_all"),
    Modes(request_id="replay_success_only"),
    Modes(request_id="error600_on_payload_change"),
    Modes(request_id="forget_after_ttl"),
]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def test_an_approved_bill_is_posted_with_its_pdf_in_three_calls(desk: Desk) -> None:
    desk.post(desk.approve(replace(a_bill(odoo_id=1), documents=(a_file("a.pdf", 1),))))
    before = desk.quickbooks.calls.copy()
    item = desk.approve(a_bill(bill_reference="INV-2", documents=(a_file("b.pdf", 2),)))
    assert desk.post(item) == "POSTED"
    assert desk.quickbooks.calls - before == {"query": 1, "bill": 1, "upload": 1}
    assert desk.quickbooks.violations == []
    posted = desk.stored()
    assert posted["quickbooks"]["attachments"] == ["b.pdf"]
    assert posted["quickbooks"]["url"] == (
        f"https://qbo.intuit.com/app/login?pagereq=bill%3FtxnId%3D{posted['quickbooks']['id']}"
        f"&deeplinkcompanyid={desk.realm.id}"
    )
    assert verify_history(posted["history"])


def test_the_document_is_the_bill(desk: Desk) -> None:
    desk.post(desk.approve())
    [bill] = documents(desk)
    assert bill["DocNumber"] == "INV-1001"
    assert bill["TxnDate"] == "2026-11-02"
    assert bill["DueDate"] == "2026-12-02"
    assert bill["TotalAmt"] == "108.25"
    assert bill["PrivateNote"] == "[odoo-42] BILL/2026/11/0042 INV-1001"
    assert [line["Description"] for line in bill["Line"]] == ["Boxes", "Tax: 8.25%"]


def test_abroad_without_tax_in_quickbooks_the_tax_is_a_cost_and_the_total_the_bills() -> None:
    with a_desk(country="GB", using_sales_tax=False) as desk:
        bill = a_bill(currency="GBP", company_currency="GBP")
        assert desk.post(desk.approve(bill)) == "POSTED"
        [posted] = documents(desk)
        assert posted["GlobalTaxCalculation"] == "NotApplicable"
        assert posted["TotalAmt"] == "108.25"
        assert desk.quickbooks.violations == []


def test_class_and_department_reach_the_document() -> None:
    company = {"class_name": "Tools", "department": "North"}
    with a_desk(company=company, class_tracking=True, department_tracking=True) as desk:
        tools = desk.realm.add("Class", {"Name": "Tools", "Active": True}, desk.now)
        north = desk.realm.add("Department", {"Name": "North", "Active": True}, desk.now)
        assert desk.post(desk.approve()) == "POSTED"
        [posted] = documents(desk)
        assert posted["DepartmentRef"]["value"] == north["Id"]
        details = [n["AccountBasedExpenseLineDetail"] for n in posted["Line"]]
        assert {d["ClassRef"]["value"] for d in details} == {tools["Id"]}


def test_a_credit_note_becomes_a_vendor_credit_of_positive_amounts(desk: Desk) -> None:
    assert desk.post(desk.approve(a_total("30.00", move_type="in_refund"))) == "POSTED"
    [credit] = desk.realm.vendor_credits.values()
    assert credit["TotalAmt"] == Decimal("30.00")
    assert "DueDate" not in credit
    assert not desk.realm.bills


def test_the_same_message_twice_posts_once(desk: Desk) -> None:
    item = desk.approve()
    assert [desk.post(item), desk.post(item), desk.post(item, "m2")] == ["POSTED"] * 3
    assert len(documents(desk)) == 1
    assert len(desk.realm.attachables) == 1


def test_a_message_of_an_earlier_revision_does_nothing(desk: Desk) -> None:
    item = desk.approve()
    desk.approve(revision=2)
    assert desk.post(item) == "OUTDATED"
    assert not documents(desk)


@pytest.mark.parametrize("modes", REQUEST_ID_MODES, ids=lambda m: m.request_id)
@pytest.mark.parametrize("committed", [True, False], ids=["committed", "not committed"])
@pytest.mark.parametrize("kind", ["reset", "timeout", "truncated", "html", "system_fault"])
def test_a_lost_answer_never_makes_two_documents(kind: Any, committed: bool, modes: Modes) -> None:
    with a_desk(modes) as desk:
        desk.quickbooks.inject(kind, path="/bill", committed=committed, status=503, seconds=0.1)
        item = desk.approve()
        for _ in range(3):
            if desk.post(item) == "POSTED":
                break
            desk.now += timedelta(minutes=1)
        assert desk.stored()["status"] == "POSTED"
        assert len(documents(desk)) == 1
        assert len(desk.realm.attachables) == 1


def test_after_a_change_of_realm_nothing_is_posted_by_the_ids_of_the_old_one(desk: Desk) -> None:
    a_warm_desk(desk)
    [vendor_id] = desk.realm.vendors
    shown = plan_posting(a_bill(), desk.company, load(desk.documents, desk.company)).shown()
    item = desk.approve(preflight=shown)
    desk.company = replace(desk.company, realm_id="9130350000000099")
    desk.seed_token = "of-the-other-realm"
    desk.quickbooks.add_realm("9130350000000099", "North (live)", refresh_token=desk.seed_token)
    stranger = {"Id": vendor_id, "DisplayName": "Somebody Else", "Active": True}
    desk.realm.vendors[vendor_id] = {**stranger, "CurrencyRef": {"value": "USD"}}
    desk.now += timedelta(minutes=30)
    assert desk.post(item) == "READY_FOR_APPROVAL"
    asked = desk.stored()
    assert asked["changes"] == ["The QuickBooks company is now North (live)."]
    approval = {"by": "U", "at": "2026-11-21T10:00:00.000Z", "digest": asked["digest"]}
    values = {"approvals": [approval]}
    again = desk.table.change(asked, to="APPROVED", actor="U", now=desk.now, values=values)
    assert desk.post(again, "m2") == "POSTED"
    [document] = documents(desk)
    payee = desk.realm.vendors[document["VendorRef"]["value"]]
    assert payee["DisplayName"] == "Acme Botanicals LLC"


def a_warm_desk(desk: Desk) -> None:
    """Snapshot, vendor and token are there: a posting is look, create, upload."""
    desk.post(desk.approve(replace(a_bill(odoo_id=1, bill_reference="INV-0"), documents=())))


def test_a_bill_is_found_again_by_the_next_delivery(desk: Desk) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    assert len(documents(desk)) == 2
    assert desk.stored()["attempts"][0]["outcome"] == ""
    assert desk.post(item) == "POSTED"
    assert len(documents(desk)) == 2
    assert len(desk.stored()["attempts"]) == 1


def test_a_definitive_refusal_fails_with_a_remedy_and_a_retry_is_a_new_attempt(desk: Desk) -> None:
    item = desk.approve()
    desk.quickbooks.inject("fault", path="/bill", status=400, code="6000", detail="Something else")
    assert desk.post(item) == "POST_FAILED"
    failed = desk.stored()
    assert "Something else" in failed["error"]["message"]
    assert failed["error"]["tid"]
    assert [a["outcome"] for a in failed["attempts"]] == ["6000"]
    desk.table.change(failed, to="APPROVED", actor="U", now=desk.now)
    assert desk.post(desk.stored(), "m2") == "POSTED"
    ids = [a["request_id"] for a in desk.stored()["attempts"]]
    assert len(set(ids)) == 2


def test_a_bill_somebody_typed_is_never_taken_for_ours(desk: Desk) -> None:
    first = desk.approve(replace(a_bill(odoo_id=7), bill_reference="INV-7"))
    desk.post(first)
    [document] = desk.realm.bills.values()
    document["PrivateNote"] = "typed by hand"
    document["DocNumber"] = "INV-1001"
    assert desk.post(desk.approve(), "m2") == "POST_FAILED"
    assert "entered by someone else" in desk.stored()["error"]["message"]
    assert len(documents(desk)) == 1


@pytest.mark.parametrize("number", ["INV1001", "inv/1001", "INV 1001", "inv.1001"])
def test_a_bill_somebody_typed_with_another_separator_is_found_in_the_same_look(
    desk: Desk, number: str
) -> None:
    desk.post(desk.approve(replace(a_bill(odoo_id=7), bill_reference="INV-7")))
    [document] = desk.realm.bills.values()
    document |= {"PrivateNote": "typed by hand", "DocNumber": number}
    reads = desk.quickbooks.calls["query"]
    assert desk.post(desk.approve(), "m2") == "POST_FAILED"
    assert desk.quickbooks.calls["query"] == reads + 1
    assert f"with the number {number} of this vendor" in desk.stored()["error"]["message"]
    assert len(documents(desk)) == 1


def test_one_of_another_total_is_asked_about_once_and_then_posted_beside(desk: Desk) -> None:
    desk.post(desk.approve(replace(a_bill(odoo_id=7), bill_reference="INV-7")))
    [document] = desk.realm.bills.values()
    document |= {"PrivateNote": "typed by hand", "DocNumber": "INV1001", "TotalAmt": Decimal(90)}
    assert desk.post(desk.approve(), "m2") == "READY_FOR_APPROVAL"
    asked = desk.stored()
    assert asked["changes"] == [
        (
            f"QuickBooks already has Bill {document['Id']} with the number INV1001 of this vendor,"
            " for 90.00 USD: check that it is another bill."
        )
    ]
    assert len(documents(desk)) == 1
    approval = {"by": "U-APPROVER", "at": "", "digest": asked["digest"]}
    desk.table.change(
        asked, to="APPROVED", actor="U", now=desk.now, values={"approvals": [approval]}
    )
    assert desk.post(desk.stored(), "m3") == "POSTED"
    assert len(documents(desk)) == 2


def test_our_own_bill_of_another_spelling_stands_in_nobodys_way(desk: Desk) -> None:
    desk.post(desk.approve(replace(a_bill(odoo_id=7), bill_reference="INV 1001")))
    assert desk.post(desk.approve(), "m2") == "POSTED"


def test_a_bill_somebody_typed_under_the_beginning_of_its_long_number_is_found(desk: Desk) -> None:
    number = "2026-INVOICE-000123456-REV1"
    desk.post(desk.approve(replace(a_bill(odoo_id=7), bill_reference="INV-7")))
    [document] = desk.realm.bills.values()
    document |= {"PrivateNote": "typed by hand", "DocNumber": number[:21]}
    reads = desk.quickbooks.calls["query"]
    assert desk.post(desk.approve(a_bill(bill_reference=number)), "m2") == "POST_FAILED"
    assert desk.quickbooks.calls["query"] == reads + 1
    error = desk.stored()["error"]["message"]
    assert f"Bill {document['Id']} with the number {number[:21]} of this vendor" in error
    assert len(documents(desk)) == 1


def test_our_own_document_is_adopted_when_no_attempt_of_ours_is_known(desk: Desk) -> None:
    item = desk.approve()
    desk.post(item)
    desk.approve()  # as if the table had been restored from before the posting
    assert desk.post(item, "m2") == "ALREADY_IN_QB"
    assert len(documents(desk)) == 1
    assert len(desk.realm.attachables) == 1


def test_a_document_changed_by_hand_is_shown_to_a_person(desk: Desk) -> None:
    item = desk.approve()
    desk.post(item)
    [document] = desk.realm.bills.values()
    document["TotalAmt"] = Decimal("99.00")
    desk.approve()
    assert desk.post(item, "m2") == "POST_FAILED"
    assert "99.00 USD instead of 108.25 USD" in desk.stored()["error"]["message"]


def test_a_total_that_differs_by_a_cent_is_said(desk: Desk) -> None:
    desk.quickbooks.inject("wrong_total", path="/bill")
    assert desk.post(desk.approve()) == "POST_FAILED"
    assert "108.26 USD instead of 108.25 USD" in desk.stored()["error"]["message"]
    assert len(documents(desk)) == 1


def test_an_amended_bill_whose_first_try_arrived_after_all_is_not_made_twice(desk: Desk) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    assert desk.post(desk.approve()).startswith("AGAIN")
    attempts = desk.stored()["attempts"]
    amended = a_bill(bill_reference="INV-1001-B", bill_date=date(2026, 11, 3))
    desk.approve(amended, revision=2, attempts=attempts)
    desk.now += timedelta(minutes=5)
    assert desk.post(desk.stored(), "m2") == "POST_FAILED"
    assert "before the bill was amended" in desk.stored()["error"]["message"]
    assert len(documents(desk)) == 2


def test_another_content_waits_until_quickbooks_cannot_be_working_on_the_first(desk: Desk) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill", times=2)
    assert desk.post(desk.approve()).startswith("AGAIN")
    attempts = desk.stored()["attempts"]
    desk.approve(a_bill(bill_reference="INV-1001-B"), revision=2, attempts=attempts)
    assert desk.post(desk.stored(), "m2") == "AGAIN: An earlier attempt may still be in progress."
    desk.now += timedelta(minutes=5)
    assert desk.post(desk.stored(), "m2") == "POSTED"
    assert len(documents(desk)) == 2


def test_of_two_deliveries_that_look_at_the_same_time_only_one_creates(desk: Desk) -> None:
    item = desk.approve()
    slow, rival = desk.poster(), list[str]()
    look = slow.quickbooks("north").find_by_doc_number

    def look_while_the_other_posts(
        entity: str, doc_number: str, day: str, *others: str
    ) -> list[dict[str, Any]]:
        found = look(entity, doc_number, day, *others)
        rival.append(desk.post(item, "m2"))
        return found

    slow.quickbooks("north").find_by_doc_number = look_while_the_other_posts  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="changed while it was being claimed"):
        slow.post(item["entry_id"], 1, "m1")
    assert rival == ["POSTED"]
    assert desk.post(item, "m1") == "POSTED"
    assert len(documents(desk)) == 1
    assert desk.quickbooks.calls["bill"] == 1


def test_a_claim_is_respected_until_it_ends(desk: Desk) -> None:
    item = desk.approve()
    claimed = desk.table.change(
        item,
        to="POSTING",
        actor="poster",
        now=desk.now,
        show=False,
        values={"claim": {"message_id": "m1", "until": "2026-11-21T09:33:00.000Z"}},
    )
    assert desk.post(claimed, "m2").startswith("AGAIN")
    assert not documents(desk)
    desk.now += timedelta(minutes=4)
    assert desk.post(claimed, "m2") == "POSTED"


def test_the_holder_of_a_claim_may_enter_it_again(desk: Desk) -> None:
    item = desk.approve()
    claimed = desk.table.change(
        item,
        to="POSTING",
        actor="poster",
        now=desk.now,
        show=False,
        values={"claim": {"message_id": "m1", "until": "2026-11-21T09:33:00.000Z"}},
    )
    assert desk.post(claimed, "m1") == "POSTED"


def test_a_throttled_company_is_asked_again_after_a_minute(desk: Desk) -> None:
    desk.quickbooks.inject("throttle", path="/query")
    item = desk.approve()
    assert desk.post(item) == "AGAIN: QuickBooks asks us to slow down."
    assert desk.stored() == item, "nothing was tried, so nothing is written"
    assert desk.post(item) == "POSTED"


def test_closed_books_fail_and_the_date_is_not_moved(desk: Desk) -> None:
    sync(desk.api(), desk.documents, "north", desk.now)
    desk.realm.book_close_date = date(2026, 11, 30)
    assert desk.post(desk.approve()) == "POST_FAILED"
    assert "books are closed" in desk.stored()["error"]["message"]
    assert not documents(desk)


def test_a_mapping_changed_after_the_approval_asks_again(desk: Desk) -> None:
    snapshot = sync(desk.api(), desk.documents, "north", desk.now)
    bill = a_bill()
    shown = plan_posting(bill, desk.company, snapshot).shown()
    item = desk.approve(bill, preflight=shown)
    desk.company = replace(desk.company, accounts={"443000": "612000"})
    assert desk.post(item) == "READY_FOR_APPROVAL"
    asked = desk.stored()
    assert asked["changes"] == ["The account for 443000 is now Rent."]
    assert asked["approvals"] == []
    assert int(asked["revision"]) == int(item["revision"]) + 1
    assert not documents(desk)


def test_a_bill_that_is_asked_about_again_warns_of_what_would_be_done_now(desk: Desk) -> None:
    sync(desk.api(), desk.documents, "north", desk.now)
    plan = plan_posting(a_bill(), desk.company, load(desk.documents, desk.company))
    before = [w for w in plan.warnings if w.startswith("New vendor")]
    item = desk.approve(preflight=plan.shown(), warnings=["No PDF: look for it.", *before])
    desk.realm.accounts[desk.realm.id_of("Account", "443000")]["Active"] = False
    vendor = {"DisplayName": "Acme Botanicals LLC", "Active": True}
    desk.realm.add("Vendor", vendor | {"CurrencyRef": {"value": "USD"}}, desk.now)
    desk.now += timedelta(minutes=5)
    sync(desk.api(), desk.documents, "north", desk.now)
    assert desk.post(item) == "READY_FOR_APPROVAL"
    assert before
    assert desk.stored()["warnings"] == [
        "No PDF: look for it.",
        (
            "443000 Cash Discount Loss has no account of its own in QuickBooks; Uncategorized"
            " Expense will be used."
        ),
    ]


def test_what_stands_against_a_bill_is_said_before_what_changed(desk: Desk) -> None:
    snapshot = sync(desk.api(), desk.documents, "north", desk.now)
    item = desk.approve(preflight=plan_posting(a_bill(), desk.company, snapshot).shown())
    desk.company = replace(desk.company, accounts={"443000": "612000"})
    desk.realm.book_close_date = date(2026, 11, 30)
    sync(desk.api(), desk.documents, "north", desk.now)
    assert desk.post(item) == "POST_FAILED"
    assert "books are closed" in desk.stored()["error"]["message"]


def test_a_change_in_odoo_noted_meanwhile_does_not_stop_the_posting(desk: Desk) -> None:
    item = desk.approve()
    poster = desk.poster()
    make = poster.quickbooks("north").create

    def create_while_odoo_changes(entity: str, body: str, request_id: str) -> dict[str, Any]:
        if entity == "Bill":
            now = desk.stored()
            desk.table.change(now, actor="extractor", now=desk.now, values={"amended_after": "x"})
        return make(entity, body, request_id)

    poster.quickbooks("north").create = create_while_odoo_changes  # type: ignore[method-assign]
    assert poster.post(item["entry_id"], 1, "m1") == "POSTED"
    assert desk.stored()["amended_after"] == "x"


def amend(desk: Desk) -> None:
    """The extractor notes that Odoo has another content by now."""
    values = {"amended_after": "another digest"}
    desk.table.change(desk.stored(), actor="extractor", now=desk.now, values=values)


def test_of_a_bill_that_changed_in_odoo_while_its_try_was_unclear_nothing_is_made(
    desk: Desk,
) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill", times=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    amend(desk)
    creates = desk.quickbooks.calls["bill"]
    assert desk.post(item) == "AGAIN: An earlier attempt may still be in progress."
    desk.now += timedelta(seconds=200)
    assert desk.post(item) == "APPROVED"
    handed_back = desk.stored()
    assert [a["outcome"] for a in handed_back["attempts"]] == ["absent"]
    assert handed_back["amended_after"] == "another digest"
    calls = desk.quickbooks.calls.copy()
    assert desk.post(item, "sweep") == "AMENDED"
    assert desk.stored() == handed_back, "it waits for the extractor and costs nothing"
    assert desk.quickbooks.calls == calls
    assert desk.quickbooks.calls["bill"] == creates


def test_a_try_that_arrived_counts_although_the_bill_changed_in_odoo_since(desk: Desk) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.quickbooks.inject("reset", path="/query", nth=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    amend(desk)
    assert desk.post(item) == "POSTED"
    assert desk.stored()["amended_after"] == "another digest"
    assert ours(desk) == 1


def test_a_bill_that_failed_and_changed_in_odoo_is_not_posted_by_a_retry(desk: Desk) -> None:
    item = desk.approve()
    desk.quickbooks.inject("fault", path="/bill", status=400, code="6000")
    assert desk.post(item) == "POST_FAILED"
    amend(desk)
    assert desk.post(desk.retry(), "m2") == "AMENDED"
    assert not documents(desk)


def test_a_cancelled_bill_is_not_posted_when_its_company_is_connected_again(desk: Desk) -> None:
    a_warm_desk(desk)
    desk.quickbooks.inject("reset", path="/bill")
    desk.quickbooks.inject("fault", path="/bill", status=403, code="3100")
    item = desk.approve()
    assert desk.post(item) == "WAITING"
    amend(desk)
    desk.now += timedelta(minutes=30)
    assert desk.post(desk.stored(), "m2") == "APPROVED"
    assert desk.post(desk.stored(), "m3") == "AMENDED"
    assert ours(desk) == 0


def test_a_long_bill_whose_lines_are_gone_is_for_a_person(desk: Desk) -> None:
    bill = a_bill(lines=tuple(a_line("1.00", text=str(n)) for n in range(120)))
    item = desk.approve(bill)
    assert desk.post(item) == "POST_FAILED"
    assert f"Restore {item['lines_key']} there, then retry" in desk.stored()["error"]["message"]
    desk.documents.keep_lines(bill, item["lines_key"])
    desk.post(desk.retry(), "m2")
    assert desk.stored().get("error", {}).get("code") != "lines"


def test_a_refusal_is_logged_with_its_code_and_trace_and_nothing_foreign(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.quickbooks.inject("fault", path="/bill", status=400, code="6000", detail="{} Traceback")
    assert desk.post(desk.approve()) == "POST_FAILED"
    [logged] = [r.__dict__ for r in caplog.records if r.message == "refused"]
    error = desk.stored()["error"]
    assert (logged["entry_id"], logged["company"]) == ("odoo-42", "north")
    assert (logged["code"], logged["tid"]) == ("6000", error["tid"])
    assert logged["reason"] == error["message"]
    assert "Traceback" not in logged["reason"]


def test_a_dead_connection_leaves_the_bill_approved(desk: Desk) -> None:
    desk.quickbooks.inject("oauth_error", path="/oauth2", status=400, code="invalid_grant", times=9)
    item = desk.approve()
    assert desk.post(item) == "WAITING"
    assert desk.stored()["status"] == "APPROVED"
    assert not documents(desk)


# -- what QuickBooks does late, and what people delete there -----------------------------------


def ours(desk: Desk) -> int:
    return sum("[odoo-42]" in str(d["PrivateNote"]) for d in documents(desk))


@pytest.mark.parametrize("in_flight", ["error600", "wait"])
def test_a_repeat_that_quickbooks_does_late_is_waited_for_like_the_first(in_flight: Any) -> None:
    with a_desk(Modes(request_id_in_flight=in_flight), duplicate_warning=False) as desk:
        desk.quickbooks.inject("reset", path="/bill", times=2)
        item = desk.approve()
        assert desk.post(item).startswith("AGAIN")
        desk.now += timedelta(seconds=200)  # the first sending is long over, then it is repeated
        desk.quickbooks.inject("late", path="/bill", seconds=100)
        desk.post(item)
        for _ in range(4):
            desk.now += timedelta(seconds=60)
            desk.quickbooks.finish_late()
            if desk.stored()["status"] == "POST_FAILED":
                desk.retry()
            desk.post(desk.stored())
        assert desk.stored()["status"] == "POSTED"
        assert ours(desk) == 1


def test_a_refusal_after_an_unanswered_sending_is_believed_when_that_one_is_over() -> None:
    with a_desk(duplicate_warning=False) as desk:
        desk.quickbooks.inject("late", path="/bill", seconds=100)
        desk.quickbooks.inject("fault", path="/bill", code="6000", status=400)
        item = desk.approve()
        assert desk.post(item) == "AGAIN: An earlier attempt may still be in progress."
        assert desk.stored()["status"] == "POSTING"
        desk.now += timedelta(seconds=160)
        assert desk.post(item) == "POSTED"
        assert ours(desk) == 1


def test_a_refusal_is_final_once_every_sending_is_over(desk: Desk) -> None:
    desk.quickbooks.inject("reset", path="/bill")
    desk.quickbooks.inject("fault", path="/bill", code="6000", status=400, times=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    desk.now += timedelta(seconds=160)
    assert desk.post(item) == "POST_FAILED"
    assert desk.post(desk.retry(), "m2") == "POSTED"
    assert ours(desk) == 1


@pytest.mark.parametrize("modes", REQUEST_ID_MODES, ids=lambda m: str(m.request_id))
def test_a_document_that_was_deleted_there_is_not_posted_without_a_person(modes: Modes) -> None:
    with a_desk(modes) as desk:
        desk.quickbooks.inject("throttle", path="/upload")
        item = desk.approve(replace(a_bill(), documents=(a_file("a.pdf"),)))
        assert desk.post(item).startswith("AGAIN")
        [made] = desk.realm.bills
        desk.realm.delete("Bill", made, desk.now)
        desk.now += timedelta(minutes=5)
        status = desk.post(item)
        if status == "POST_FAILED":  # QuickBooks answered what it answered back then
            assert f"no longer has Bill {made}" in desk.stored()["error"]["message"]
            assert desk.post(desk.retry(), "m2") == "POSTED"
        assert desk.stored()["status"] == "POSTED"
        assert desk.stored()["quickbooks"]["id"] in desk.realm.bills
        assert ours(desk) == 1


def test_a_try_at_another_realm_is_for_a_person_to_look_at(desk: Desk) -> None:
    desk.quickbooks.inject("reset", path="/bill", times=2)
    item = desk.approve()
    desk.post(item)
    stored = desk.stored()
    other = [{**stored["attempts"][0], "realm": "123"}]
    desk.table.change(stored, to="POSTING", actor="test", now=desk.now, values={"attempts": other})
    assert desk.post(item) == "POST_FAILED"
    assert "went to another QuickBooks company (realm 123)" in desk.stored()["error"]["message"]
    assert desk.post(desk.retry(), "m2") == "POSTED"


def test_a_bill_of_thousands_of_long_lines_is_posted_from_the_bytes_kept_in_s3(desk: Desk) -> None:
    text = "A very long description of what was delivered. " * 8
    bill = a_bill(lines=tuple(a_line("1.00", text=f"{n} {text}") for n in range(2_500)))
    bill = replace(bill, amount_untaxed=Decimal(2500), amount_tax=Decimal(0))
    bill = replace(bill, amount_total=Decimal(2500), company_total=Decimal(2500))
    item = desk.approve(bill)
    desk.documents.keep_lines(bill, item["lines_key"])
    desk.quickbooks.inject("reset", path="/bill", committed=True, times=2)
    desk.post(item)
    desk.now += timedelta(minutes=1)
    assert desk.post(item) == "POSTED"
    assert ours(desk) == 1
    [attempt] = desk.stored()["attempts"]
    assert attempt["outcome"] == "created"
