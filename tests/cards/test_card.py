"""Cards: valid in every status, honest in what they say, harmless whatever Odoo holds."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo_qb.bill.changes import changes
from odoo_qb.bill.item import Item, bill_of
from odoo_qb.bill.model import Bill, Vendor
from odoo_qb.bill.status import Status
from odoo_qb.bill.summary import summary
from odoo_qb.cards.card import approval_card, retired_card
from odoo_qb.cards.modals import link_modal, rejection_modal
from odoo_qb.cards.replies import rejection_notice, reminder
from odoo_qb.errors import Refused
from odoo_qb.mapping.preflight import plan_posting
from odoo_qb.quickbooks.snapshot import Account, KnownVendor, Snapshot, TaxCode
from sandbox.slack.block_kit import problems, serialised_length
from tests.support.builders import a_bill, a_company, a_document, a_line, a_total, an_item
from tests.support.stored_bills import buttons, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.slack.message import Message
    from sandbox.in_process.chain import World

STATUSES = get_args(Status)
GOLDEN: Final = Path(__file__).parents[1] / "cards" / "golden"
AT: Final = "2026-11-21T09:30:00.000Z"
DIGEST: Final = "d1" * 32
FREIGHT: Final = Account(id="7", number="52130", name="Freight In", full_name="COGS:Freight In")
OTHER: Final = Account(id="8", name="Uncategorized Expense", full_name="Uncategorized Expense")
SNAPSHOT: Final = Snapshot(
    taken_at=AT,
    company_name="North Trading Inc.",
    home_currency="USD",
    multicurrency=True,
    accounts=(FREIGHT, OTHER),
    vendors=(KnownVendor(id="31", name="Acme Botanicals LLC", currency="USD"),),
)
HOSTILE = "<!channel> & *Co*"


def in_status(item: Item, status: str, text: str = "Entered twice.") -> Item:
    """The item with what its status needs besides."""
    more: dict[str, Any] = {
        "status": status,
        "decided_by": "U-APPROVER",
        "decided_at": "2026-11-21T09:30:00.000Z",
    }
    if status not in {"READY_FOR_APPROVAL", "WITHDRAWN"}:
        more["approvals"] = [an_approval(item)]
    if status in {"POSTED", "ALREADY_IN_QB"}:
        more["quickbooks"] = {"type": "Bill", "id": "145", "url": "https://qbo.example/app/bill"}
    if status == "POST_FAILED":
        more["error"] = {"code": "6140", "message": text, "tid": "1-abc"}
    if status == "REJECTED":
        more["rejection_reason"] = text
    if status == "VALIDATION_FAILED":
        more["problems"] = [text]
    return cast("Item", {**item, **more})


def an_approval(item: Item, by: str = "U-APPROVER") -> dict[str, str]:
    return {"by": by, "at": AT, "digest": item["digest"]}


def sent(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": message.blocks}


def test_every_bill_of_the_dataset_gives_a_valid_card_in_every_status(world: World) -> None:
    world.extract()
    items = world.items().values()
    assert len(items) == 98
    for item in items:
        for status in STATUSES:
            message = approval_card(in_status(item, status))
            assert problems(sent(message)) == [], (item["entry_id"], status)
        assert problems(sent(retired_card(item))) == []
        assert problems(rejection_modal(item)) == []
        assert problems(link_modal(item)) == []


def test_a_card_says_what_a_person_needs_to_decide() -> None:
    bill = replace(
        a_bill(), payment_terms="30 days", po_number="PO-7", entered_by="Cleo", currency="EUR"
    )
    item = an_item(bill, warnings=["Possible duplicate: BILL/1."])
    seen = words(approval_card(item))
    for fact in (
        *("Bill of Acme Botanicals LLC", "108.25 EUR = 108.25 USD", "north", "INV-1001"),
        *("2026-11-02", "2026-12-02 · 30 days", "BILL/2026/11/0042", "PO-7", "Cleo"),
        *("100.00 EUR  Boxes → 443000 Cash Discount Loss (8.25%)", "bill.pdf"),
        *("Untaxed 100.00 EUR + tax 8.25 EUR = 108.25 EUR", "⚠ Possible duplicate: BILL/1."),
    ):
        assert fact in seen


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "8.00 EUR = 9.00 USD"), ("USD", "8.00 USD")]
)
def test_the_companys_own_currency_stands_beside_another_one(currency: str, amount: str) -> None:
    bill = replace(a_total("8"), currency=currency, company_total=Decimal(9))
    cells = [f["text"] for b in approval_card(an_item(bill)).blocks for f in b.get("fields", [])]
    assert cells[cells.index("*Amount*") + 1] == amount


def shown_with(bill: Any, snapshot: Snapshot = SNAPSHOT, **company: Any) -> str:
    """The words of a waiting bill's card after its preflight."""
    plan = plan_posting(bill, a_company(**company), snapshot)
    return words(approval_card(an_item(bill, preflight=plan.shown())))


def test_a_line_says_which_account_in_quickbooks_it_goes_to() -> None:
    rows = (
        a_line("60", text="Sea", account_code="52130", account_name="Freight"),
        a_line("40", text="Tape", account_code="600000", account_name="Expenses"),
    )
    seen = shown_with(replace(a_total("100"), lines=rows), default_account="Uncategorized Expense")
    assert "60.00 USD  Sea → 52130 Freight → COGS:Freight In\\n" in seen
    assert "40.00 USD  Tape → 600000 Expenses → Uncategorized Expense (default)" in seen


def test_a_line_says_which_tax_code_it_gets() -> None:
    abroad = replace(
        SNAPSHOT,
        country="GB",
        tax_codes=(TaxCode(id="3", name="20.0% S"), TaxCode(id="4", name="No VAT")),
    )
    rows = (a_line("60", text="Sea", taxes=("VAT 20%",)), a_line("40", text="Tape"))
    bill = replace(a_total("100"), lines=rows)
    seen = shown_with(bill, abroad, taxes={"VAT 20%": "20.0% S", "none": "No VAT"})
    assert "443000 Cash Discount Loss (VAT 20% → 20.0% S)" in seen
    assert "443000 Cash Discount Loss (no tax → No VAT)" in seen


def test_the_card_names_quickbooks_company_and_whether_it_knows_the_vendor() -> None:
    seen = shown_with(a_total("8"))
    assert "North Trading Inc." in seen
    assert '"*QuickBooks vendor*"}, {"type": "plain_text", "text": "Acme Botanicals LLC",' in seen
    new = shown_with(a_total("8", vendor=Vendor(odoo_id=9, name="Beta")))
    assert "Beta (will be created)" in new


@pytest.mark.parametrize("status", ["POSTED", "ALREADY_IN_QB"])
def test_a_bill_that_quickbooks_has_names_its_vendor_as_one_that_is_there(status: str) -> None:
    bill = a_total("8", vendor=Vendor(odoo_id=9, name="Beta"))
    plan = plan_posting(bill, a_company(), SNAPSHOT)
    item = an_item(bill, preflight=plan.shown())
    assert "Beta (will be created)" in words(approval_card(in_status(item, "APPROVED")))
    seen = words(approval_card(in_status(item, status)))
    assert '"text": "Beta"' in seen
    assert "will be created" not in seen


def test_before_the_first_snapshot_nothing_is_said_of_quickbooks() -> None:
    plan = plan_posting(a_bill(), a_company(), None)
    assert "QuickBooks" not in words(approval_card(an_item(preflight=plan.shown())))


def test_an_amended_bill_says_what_changed_while_it_waits() -> None:
    item = an_item(
        changes=["The total changed from 8.00 USD to 9.00 USD.", "The file b was added."]
    )
    message = approval_card(item)
    assert (
        "Changed since approval was last requested:\\n• The total changed from 8.00 USD"
        in words(message)
    )
    assert "Changed: The file b was added." in message.text
    assert "changed from" not in words(approval_card(in_status(item, "APPROVED")))


def test_what_the_vendor_billed_before_stands_beside_a_bill_that_waits() -> None:
    recent = [
        {"entry_id": "odoo-1", "date": "2026-10-02", "total": Decimal("99.5"), "currency": "USD"},
        {"entry_id": "odoo-0", "date": "2026-09-01", "total": Decimal(100), "currency": "USD"},
    ]
    seen = "Earlier bills: 99.50 USD on 2026-10-02 · 100.00 USD on 2026-09-01"
    assert seen in words(approval_card(an_item(), recent))
    assert "Before" not in words(approval_card(in_status(an_item(), "APPROVED"), recent))


def test_a_failed_bill_says_what_each_remedy_is_for() -> None:
    seen = words(approval_card(in_status(an_item(), "POST_FAILED")))
    for remedy in ("*Retry* once", "*Link existing* if it's already in", "*Close* to leave"):
        assert remedy in seen


def test_a_link_that_is_being_compared_is_said_and_one_of_other_content_is_not() -> None:
    item = in_status(an_item(), "POST_FAILED")
    item["link"] = {**an_approval(item, "U-SECOND"), "id": "145"}
    assert "linked it to number 145. The two are being compared" in words(approval_card(item))
    item["link"]["digest"] = "0" * 64
    assert "145" not in words(approval_card(item))


def test_a_linked_bill_says_who_linked_it() -> None:
    item = in_status(an_item(), "ALREADY_IN_QB")
    item["link"] = {**an_approval(item, "U-SECOND"), "id": "145"}
    seen = words(approval_card(item))
    assert "Already in QuickBooks as <https://qbo.example/app/bill|Bill 145>." in seen
    assert "Linked by <@U-SECOND>" in seen
    assert "Approved by <@U-APPROVER>" in seen


def a_twin(document: str = "") -> Item:
    """An earlier bill with a live card, in QuickBooks if `document` says as what."""
    cards = [
        {"channel": "C-AP", "ts": "1763717400.000100", "digest": DIGEST, "retired": True},
        {"channel": "C-AP", "ts": "1763717400.000200", "digest": DIGEST, "retired": False},
    ]
    posted = {"type": "Bill", "id": document, "url": "https://qbo.example/app/bill?txnId=145"}
    return an_item(cards=cards, quickbooks=posted if document else {})


def test_a_possible_duplicate_links_to_the_earlier_bills_by_their_place_in_the_warnings() -> None:
    item = an_item(warnings=["One.", "Two.", "Three."], duplicates=["odoo-1", "odoo-2", "odoo-3"])
    twins = {"odoo-1": a_twin(), "odoo-2": an_item(), "odoo-3": a_twin("145")}
    card = "<https://slack.com/archives/C-AP/p1763717400000200|card>"
    there = "<https://qbo.example/app/bill?txnId=145|Bill 145 in QuickBooks>"
    message = approval_card(item, (), twins)
    assert f"To compare: 1. {card} · 3. {card}, {there}" in words(message)
    assert problems(sent(message)) == []
    assert "To compare" not in words(approval_card(item))
    assert "To compare" not in words(approval_card(in_status(item, "APPROVED"), (), twins))


def test_the_first_of_two_approvals_is_named_and_an_old_one_is_not() -> None:
    item = an_item()
    item["approvals"] = [an_approval(item)]
    assert "Approved by <@U-APPROVER>. A second approver" in words(approval_card(item))
    item["approvals"][0]["digest"] = "0" * 64
    assert "U-APPROVER" not in words(approval_card(item))


@pytest.mark.parametrize(
    ("rows", "rest"), [(10, ""), (11, "… and 1 more line"), (140, "… and 130")]
)
def test_ten_lines_are_shown_and_the_others_counted(rows: int, rest: str) -> None:
    lines = tuple(a_line("1.00", text=f"Row {n}") for n in range(rows))
    seen = words(approval_card(an_item(replace(a_total(str(rows)), lines=lines))))
    assert "Row 9" in seen
    assert "Row 10" not in seen
    assert rest in seen
    assert ("more line" in seen) == bool(rest)


def test_of_a_long_bill_the_lines_are_shown_and_counted_not_its_notes_and_taxes() -> None:
    notes = tuple(a_line("0", kind="note", text=f"note {n}", account_code="") for n in range(95))
    rows = tuple(a_line("10.00", text=f"thing {n}") for n in range(12))
    tax = a_line("8.25", kind="tax", text="8.25%")
    item = an_item(replace(a_total("128.25"), lines=(*notes, *rows, tax)))
    assert item["lines_key"]
    seen = words(approval_card(item))
    assert "thing 9" in seen
    assert "… and 2 more lines" in seen
    assert "note 0" not in seen


def test_a_credit_note_among_the_earlier_bills_is_called_one() -> None:
    credit = {"entry_id": "odoo-1", "date": "2026-10-02", "total": Decimal(8), "currency": "USD"}
    seen = words(approval_card(an_item(), [{**credit, "move_type": "in_refund"}]))
    assert "Earlier bills: credit note of 8.00 USD on 2026-10-02" in seen


def test_a_credit_note_says_so_and_in_whose_favour() -> None:
    seen = words(approval_card(an_item(a_bill(move_type="in_refund"))))
    assert "Credit note of Acme Botanicals LLC" in seen
    assert "108.25 USD in our favour" in seen


def test_a_bill_with_nothing_to_post_says_why_and_offers_no_approval() -> None:
    why = "The total is zero: there is nothing to post."
    item = an_item(nothing_to_post=why)
    message = approval_card(item)
    assert why in words(message)
    assert why in message.text
    assert buttons(cast("Any", message)) == [
        "acknowledge_intercompany",
        "reject_invoice",
        "view_pdf",
    ]
    assert why in words(approval_card(in_status(item, "ACKNOWLEDGED")))


@pytest.mark.parametrize(
    ("status", "actions"),
    [
        ("READY_FOR_APPROVAL", ["approve_invoice", "reject_invoice"]),
        ("APPROVED", ["take_back"]),
        ("REJECTED", ["reopen_invoice"]),
        ("POST_FAILED", ["retry_posting", "link_existing", "close_invoice"]),
        *((s, []) for s in ("POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED", "WITHDRAWN")),
        ("VALIDATION_FAILED", []),
    ],
)
def test_each_status_offers_what_can_be_done_in_it(status: str, actions: list[str]) -> None:
    message = approval_card(in_status(an_item(), status))
    assert buttons(cast("Any", message)) == [*actions, "view_pdf"]


def test_a_bill_without_a_pdf_offers_none() -> None:
    message = approval_card(an_item(a_bill(documents=())))
    assert "view_pdf" not in buttons(cast("Any", message))


def test_every_button_carries_the_bill_and_its_content_and_nothing_else() -> None:
    item = an_item()
    for status in STATUSES:
        for block in approval_card(in_status(item, status)).blocks:
            for element in block.get("elements", []):
                if element["type"] == "button":
                    assert element["value"] == f"odoo-42|{item['digest']}"


ATTEMPT: Final = {"number": 1, "doc_number": "INV-1001", "day": "2026-11-02", "outcome": ""}
WRONG: Final = {
    "code": "total",
    "message": "QuickBooks has Bill 22 for this bill with a total of 9.00 USD instead of 108.25"
    " USD: correct it there by hand, then retry.",
    "document": "Bill 22",
}


@pytest.mark.parametrize("status", ["WITHDRAWN", "REJECTED", "ACKNOWLEDGED"])
def test_a_bill_that_ended_before_its_try_was_clear_says_what_to_look_for(status: Any) -> None:
    item = in_status(an_item(attempts=[ATTEMPT]), status)
    said = "QuickBooks may have this bill from an earlier attempt. Look there for number INV-1001"
    assert said in words(approval_card(item))
    assert said in approval_card(item).text
    assert "Nothing to do" not in words(approval_card(item))
    item["attempts"] = [{**ATTEMPT, "outcome": "6000"}]
    assert "may have" not in words(approval_card(item))
    assert ("Nothing to do" in words(approval_card(item))) == (status == "WITHDRAWN")


@pytest.mark.parametrize("attempts", [[], [ATTEMPT]])
def test_closing_a_bill_that_quickbooks_has_says_what_to_delete_there(attempts: list[Any]) -> None:
    item = in_status(an_item(attempts=attempts, error=WRONG), "POST_FAILED")
    item["error"] = WRONG
    assert "QuickBooks has Bill 22. Delete it there first." in words(approval_card(item))
    closed = in_status(item, "ACKNOWLEDGED")
    message = approval_card(closed)
    there = (
        "QuickBooks still has Bill 22 (number INV-1001, dated 2026-11-02). Delete it"
        if attempts
        else "QuickBooks still has Bill 22. Delete it, or it may be paid."
    )
    assert there in words(message)
    assert there in message.text
    assert "with a total of 9.00 USD instead of 108.25 USD." in words(message)
    assert "retry" not in words(message)


def test_closing_a_bill_with_an_open_try_says_where_to_look_first() -> None:
    item = in_status(an_item(attempts=[ATTEMPT]), "POST_FAILED")
    said = "QuickBooks may have it. Look there for number INV-1001 first, and delete it."
    assert said in words(approval_card(item))


def test_a_closed_bill_shows_the_reason_and_a_failed_one_the_remedy_besides() -> None:
    refusal = Refused("The date is wrong.", remedy="Open it, then retry.", source="error 1")
    item = in_status(an_item(), "POST_FAILED")
    item["error"] = refusal.as_error()
    assert "The date is wrong. Open it, then retry. (error 1)" in words(approval_card(item))
    closed = approval_card(in_status(item, "ACKNOWLEDGED"))
    assert "The date is wrong. (error 1)" in words(closed)
    assert "Open it" not in words(closed) + closed.text


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (
            (
                "The books are closed for this date: open the period in QuickBooks and retry, or"
                " change the date in Odoo, which asks again. (QuickBooks error 6210)"
            ),
            "The books are closed for this date. (QuickBooks error 6210)",
        ),
        (
            (
                "QuickBooks refused: a line has 1.5 of it. Mend that in Odoo or in QuickBooks,"
                " then retry. (QuickBooks error 6000)"
            ),
            "QuickBooks refused: a line has 1.5 of it. (QuickBooks error 6000)",
        ),
        (
            "The company north is no longer configured. Ask the operator about it.",
            "The company north is no longer configured. Ask the operator about it.",
        ),
    ],
)
def test_a_closed_bill_names_no_button_that_it_has_not(message: str, kept: str) -> None:
    item = in_status(in_status(an_item(), "POST_FAILED", message), "ACKNOWLEDGED")
    assert f"{kept} (Intuit trace id 1-abc)" in words(approval_card(item))
    assert f"{kept} (Intuit trace id 1-abc)" in approval_card(item).text


def test_a_file_that_is_not_in_quickbooks_is_said_on_the_card() -> None:
    item = in_status(an_item(), "POSTED")
    item["quickbooks"]["not_attached"] = ["bill.pdf could not be attached in QuickBooks: No."]
    for status in ("POSTED", "ALREADY_IN_QB"):
        message = approval_card({**item, "status": cast("Any", status)})
        assert "⚠ bill.pdf could not be attached in QuickBooks: No." in words(message)
        assert (
            "bill.pdf could not be attached in QuickBooks: No. Attach the missing" in message.text
        )


def test_the_metadata_that_any_app_can_read_holds_ids_only() -> None:
    item = an_item()
    assert approval_card(item).ids == {"entry_id": "odoo-42", "digest": item["digest"]}


def test_the_fallback_text_tells_a_screen_reader_what_the_card_shows() -> None:
    item = an_item(warnings=["No PDF: there is nothing to check the figures against."])
    assert approval_card(item).text == (
        "To approve: Bill BILL/2026/11/0042 of Acme Botanicals LLC, 108.25 USD, reference"
        " INV-1001 (north). Warning: No PDF: there is nothing to check the figures against."
    )
    for status in ("REJECTED", "POST_FAILED", "VALIDATION_FAILED"):
        assert "Entered twice." in approval_card(in_status(item, status)).text
    item["approvals"] = [an_approval(item)]
    first = "Approved by <@U-APPROVER>. A second approver must also approve it."
    assert approval_card(item).text.endswith(first)
    acknowledged = in_status(item, "ACKNOWLEDGED")
    assert approval_card(acknowledged).text.startswith("Acknowledged: ")
    closed = in_status(in_status(item, "POST_FAILED"), "ACKNOWLEDGED")
    assert approval_card(closed).text.startswith("Closed without posting: ")


def test_a_vendor_with_a_hostile_name_harms_nobody() -> None:
    bill = a_bill(
        vendor=Vendor(odoo_id=7, name=HOSTILE),
        bill_reference=HOSTILE,
        po_number=HOSTILE,
        entered_by="<@U-SECOND>",
        lines=(a_line(text=HOSTILE), a_line("8.25", kind="tax", text=HOSTILE)),
        documents=(a_document(name="<!here>.pdf"),),
    )
    item = an_item(bill, warnings=[HOSTILE], nothing_to_post=HOSTILE)
    notice = {"by": "U-APPROVER", "reason": "<!everyone> look"}
    messages = [approval_card(in_status(item, s, HOSTILE)) for s in STATUSES]
    for message in [*messages, retired_card(item), rejection_notice(item, notice, ["U-CLERK"])]:
        assert "<!" not in message.text
        assert problems(sent(message)) == []
        for text in texts(message.blocks):
            if text["type"] == "mrkdwn":
                assert "!" not in text["text"].replace("<!date^", "")
                assert "U-SECOND" not in text["text"]
    assert HOSTILE in words(messages[1])  # shown as it is written
    assert "&lt;!channel&gt; &amp; *Co*" in messages[1].text


def texts(value: Any) -> list[dict[str, Any]]:
    """Every text object in blocks."""
    if isinstance(value, list):
        return [t for v in value for t in texts(v)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("type") in {"mrkdwn", "plain_text"} else []
    return own + [t for v in value.values() for t in texts(v)]


def test_a_closed_bill_goes_on_saying_why_it_was_not_posted() -> None:
    item = in_status(in_status(an_item(), "POST_FAILED", "The books are closed."), "ACKNOWLEDGED")
    seen = words(approval_card(item))
    assert "Closed without posting by <@U-APPROVER>" in seen
    assert "The books are closed." in seen


def test_the_outcome_names_who_and_when() -> None:
    seen = words(approval_card(in_status(an_item(), "APPROVED")))
    assert "Approved by <@U-APPROVER> <!date^1795253400^{date_short_pretty} {time}|" in seen


@pytest.mark.parametrize(
    ("status", "change", "said"),
    [
        ("POSTED", "abc", "was changed in Odoo after it was posted. Compare it with Bill 145"),
        ("POSTED", "cancel", "was cancelled in Odoo after it was posted. Void or delete Bill 145"),
        ("ALREADY_IN_QB", "draft", "was reset to draft in Odoo after it was posted. Void or"),
        ("ACKNOWLEDGED", "abc", "It is not in QuickBooks; enter it there"),
        ("ACKNOWLEDGED", "deleted", "was deleted in Odoo after it was acknowledged. It is not in"),
        ("POST_FAILED", "abc", "Approval will be requested again shortly"),
        ("APPROVED", "cancel", "It will be withdrawn automatically"),
        ("POSTING", "abc", "was changed in Odoo while it was being posted. Its card will show"),
    ],
)
def test_what_a_change_in_odoo_means_depends_on_where_the_bill_stands(
    status: str, change: str, said: str
) -> None:
    message = approval_card(in_status(an_item(amended_after=change), status))
    assert f"⚠ It {said}" in words(message) or said in words(message)
    assert said in message.text
    assert "*Retry*" not in words(message)


def test_a_bill_that_quickbooks_may_have_is_never_said_not_to_be_there() -> None:
    tried = an_item(amended_after="abc", attempts=[ATTEMPT])
    for status in ("POST_FAILED", "APPROVED", "ACKNOWLEDGED"):
        text = approval_card(in_status(tried, status)).text
        assert "not in QuickBooks" not in text
        assert "in a few minutes" not in text
        assert "shortly" not in text


def test_a_retired_card_has_no_buttons_and_says_why() -> None:
    message = retired_card(an_item())
    assert buttons(cast("Any", message)) == []
    assert "A newer card asks for approval" in words(message)
    assert message.text.startswith("Outdated: ")


def test_a_rejections_reply_mentions_who_is_to_be_told_and_quotes_the_reason() -> None:
    notice = {"by": "U-APPROVER", "reason": "Wrong *amount* <!channel>"}
    message = rejection_notice(an_item(), notice, ["U-CLERK", "U-SECOND"])
    assert message.blocks[0]["text"]["text"].startswith("<@U-CLERK> <@U-SECOND> ")
    assert message.blocks[1]["text"]["text"] == "Reason: Wrong *amount* <!channel>"
    assert message.blocks[1]["text"]["type"] == "plain_text"
    assert message.text.startswith("<@U-CLERK> <@U-SECOND> Rejected: Bill BILL/2026/11/0042")


def test_the_summary_is_the_bill_in_one_sentence_part() -> None:
    assert summary(an_item()) == (
        "Bill BILL/2026/11/0042 of Acme Botanicals LLC, 108.25 USD, reference INV-1001 (north)"
    )


LONG = st.builds(
    lambda text, times: text * times,
    st.text(
        alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from('<>&"\\\n*'),
        max_size=12,
    ),
    st.sampled_from([1, 1, 40, 900]),
)
MONEY = st.decimals(min_value=-(10**15), max_value=10**15, places=6)
LINES = st.builds(
    lambda text, code, name, amount, tax: a_line(
        str(amount), text=text, account_code=code, account_name=name, taxes=(tax, tax)
    ),
    *(LONG, LONG, LONG, MONEY, LONG),
)


BILLS: Final = st.builds(
    a_bill,
    move_type=st.sampled_from(["in_invoice", "in_refund", "in_receipt"]),
    vendor=st.builds(Vendor, odoo_id=st.just(7), name=LONG),
    bill_reference=LONG,
    payment_terms=LONG,
    po_number=LONG,
    entered_by=LONG,
    currency=LONG.map(lambda text: text[:3]),
    odoo_name=LONG,
    amount_untaxed=MONEY,
    amount_tax=MONEY,
    amount_total=MONEY,
    company_total=MONEY,
    lines=st.lists(LINES, max_size=12).map(tuple),
    documents=st.lists(st.builds(a_document, name=LONG), max_size=4).map(tuple),
)


def a_plan(bill: Bill, text: str) -> dict[str, Any]:
    """A plan in which everything in QuickBooks has this name."""
    account = {"id": "1", "name": text, "how": "default"}
    tax_code = {"id": "1", "name": text, "how": "name"}
    return {
        "company_name": text,
        "vendor_name": text,
        "accounts": {line.account_code: account for line in bill.lines},
        "tax_codes": {" + ".join(line.taxes) or "none": tax_code for line in bill.lines},
    }


@settings(max_examples=300, deadline=None)
@given(
    bill=BILLS,
    in_quickbooks=LONG,
    nothing_to_post=LONG,
    reason=LONG,
    sentences=st.lists(LONG, max_size=6),
    status=st.sampled_from(STATUSES),
)
def test_any_bill_whatever_its_texts_gives_a_valid_card(
    bill: Bill,
    in_quickbooks: str,
    nothing_to_post: str,
    reason: str,
    sentences: list[str],
    status: str,
) -> None:
    more: Any = {"preflight": a_plan(bill, in_quickbooks), "changes": sentences}
    stored = an_item(bill, warnings=sentences, nothing_to_post=nothing_to_post, **more)
    item = in_status(stored, status, reason)
    notice = {"kind": "escalation", "by": "U-APPROVER", "reason": reason}
    earlier = {"total": bill.amount_total, "currency": bill.currency, "date": "2026-01-01"}
    for message in (
        approval_card(item, [earlier] * 3),
        retired_card(item),
        rejection_notice(item, notice, ["U-1"]),
        reminder(item, notice, ["U-1"] * 20),
    ):
        assert problems(sent(message)) == []
        assert len(message.blocks) <= 50
        assert serialised_length(message.blocks) < 13_000
        assert len(message.text) <= 4_000
    for modal in (rejection_modal(item), link_modal(item)):
        assert problems(modal) == []


def test_the_longest_texts_everywhere_at_once_still_fit() -> None:
    long = '"\\' * 5_000
    bill = a_bill(
        vendor=Vendor(odoo_id=7, name=long),
        bill_reference=long,
        payment_terms=long,
        po_number=long,
        entered_by=long,
        odoo_name=long,
        currency="EUR",
        lines=tuple(a_line(text=long, account_name=long, taxes=(long,)) for _ in range(12)),
        documents=tuple(a_document(name=long) for _ in range(5)),
    )
    target = {"id": "1", "name": long, "how": "default"}
    plan = {
        "company_name": long,
        "vendor_name": long,
        "accounts": {"443000": target},
        "tax_codes": {long: target},
    }
    more: Any = {"preflight": plan, "changes": [long] * 9, "amended_after": "abc"}
    item = an_item(bill, warnings=[long] * 5, nothing_to_post=long, **more)
    earlier = {"total": Decimal("1E+15"), "currency": "EUR", "date": "2026-01-01"}
    for status in STATUSES:
        message = approval_card(in_status(item, status, long), [earlier] * 3)
        assert problems(sent(message)) == [], status
        assert serialised_length(message.blocks) < 13_000, status


# -- telling bills of the dataset ---------------------------------------------------
#
# Each card is a file to read. After an intended change, write them again with
# UPDATE_GOLDEN=1 make test ARGS="tests/cards -k golden", and read what changed.

RECENT: Final = [
    {"entry_id": "odoo-1", "date": "2026-10-02", "total": Decimal("310.20"), "currency": "USD"},
    {"entry_id": "odoo-0", "date": "2026-09-01", "total": Decimal(298), "currency": "USD"},
]
NO_PDF: Final = "No PDF: there is nothing to check the figures against."
TWIN: Final = (
    "Possible duplicate: BILL/2026/10/0005 of this vendor has the same reference DUP-1 and"
    " 55.00 USD."
)


def _first_of_two(item: Item) -> Item:
    item["approvals"] = [an_approval(item)]
    return item


def _amended(item: Item) -> Item:
    bill = bill_of(item)
    before = replace(bill, amount_total=bill.amount_total - 10, bill_reference="OB&S <0>")
    item["changes"] = changes(before, bill)
    return item


def _two_approvers(item: Item) -> Item:
    item = in_status(item, "POSTED")
    item["approvals"] = [an_approval(item), an_approval(item, "U-SECOND")]
    return item


def _linked(item: Item) -> Item:
    item = in_status(item, "ALREADY_IN_QB")
    item["link"] = {**an_approval(item, "U-SECOND"), "id": "145"}
    return item


def _loose_ends(item: Item) -> Item:
    item = in_status(item, "POSTED")
    item["amended_after"] = "cancel"
    why = "INV.PDF could not be attached in QuickBooks: it is encrypted."
    item["quickbooks"]["not_attached"] = [why]
    return item


def _closed(item: Item) -> Item:
    item = in_status(item, "ACKNOWLEDGED")
    item["error"], item["attempts"] = WRONG, [ATTEMPT]
    return item


def _doubled(item: Item) -> Item:
    item["duplicates"] = ["odoo-20"]
    return item


def _failed(item: Item) -> Item:
    return in_status(item, "POST_FAILED", "The books are closed: open them.")


@dataclass(frozen=True, slots=True)
class Telling:
    """A bill of the dataset, what its card warns of, and what has become of it."""

    entry_id: str
    warnings: tuple[str, ...] = ()
    change: Callable[[Item], Item] = lambda item: item


TELLING: Final = {
    "long-with-files": Telling("odoo-2", ("Not sent to QuickBooks: portal link (a link).",)),
    "duplicate": Telling("odoo-22", (TWIN, NO_PDF), _doubled),
    "foreign-currency": Telling("odoo-94"),
    "credit-note": Telling("odoo-131"),
    "zero-total": Telling("odoo-135", (NO_PDF,)),
    "future-date": Telling("odoo-143", ("The bill date 2027-03-01 is in the future.",)),
    "receipt": Telling("odoo-153", (NO_PDF,)),
    "hostile-name-first-of-two": Telling("odoo-162", change=_first_of_two),
    "amended": Telling("odoo-97", (NO_PDF,), _amended),
    "posted-by-two": Telling("odoo-41", change=_two_approvers),
    "linked": Telling("odoo-12", change=_linked),
    "posted-with-loose-ends": Telling("odoo-2", change=_loose_ends),
    "closed-but-there": Telling("odoo-44", change=_closed),
    "post-failed": Telling("odoo-44", change=_failed),
}


def test_telling_bills_look_as_their_golden_cards_do(world: World) -> None:
    world.extract()
    company = a_company(default_account="Uncategorized Expense")
    twins = {"odoo-20": a_twin("145")}
    for name, telling in TELLING.items():
        bill = bill_of(world.item(telling.entry_id))
        plan = plan_posting(bill, company, SNAPSHOT).shown() if bill.amount_total else {}
        zero = "The total is zero: there is nothing to post." if not bill.amount_total else ""
        more: Any = {"preflight": plan, "digest": DIGEST, "nothing_to_post": zero}
        item = telling.change(an_item(bill, warnings=list(telling.warnings), **more))
        message = approval_card(item, RECENT, twins)
        assert problems(sent(message)) == [], name
        seen = json.dumps(sent(message), ensure_ascii=False, indent=1) + "\n"
        path = GOLDEN / f"{name}.json"
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(seen)
        assert seen == path.read_text(), name


def test_every_golden_card_is_one_of_a_telling_bill() -> None:
    assert {p.stem for p in GOLDEN.glob("*.json")} == set(TELLING)
