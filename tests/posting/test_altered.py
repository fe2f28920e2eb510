"""What was changed past this system, in the table or the bucket, is not posted, and is told of."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.bill import digest_v1
from odoo_qb.bill.item import bill_of, content, lines_text
from odoo_qb.bill.open_attempt import open_attempt
from tests.support.builders import a_bill, a_line, a_total
from tests.support.posting_fixture import a_desk, a_file, documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.bill.item import Item
    from tests.support.posting_fixture import Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def alter(desk: Desk, item: Item, path: str, value: Any) -> None:
    """Somebody with a console changes the item in the table."""
    named = re.sub("[a-z_]+", lambda word: f"#{word[0]}", path)
    desk.clients["dynamodb"].update_item(
        TableName="bills",
        Key={"entry_id": {"S": item["entry_id"]}},
        UpdateExpression=f"SET {named} = :v",
        ExpressionAttributeNames={f"#{word}": word for word in re.findall("[a-z_]+", path)},
        ExpressionAttributeValues={":v": value},
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("amount_total", {"N": "9108.25"}),
        ("lines[0].amount", {"N": "9100"}),
        ("lines[0].account_code", {"S": "612000"}),
        ("bill_reference", {"S": "INV-1002"}),
        ("bill_date", {"S": "2026-11-03"}),
        ("vendor.odoo_id", {"N": "8"}),
        ("currency", {"S": "EUR"}),
        ("documents", {"L": []}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_content_changed_by_hand_after_its_approval_is_not_posted(
    path: str, value: Any, desk: Desk
) -> None:
    item = desk.approve()
    alter(desk, item, path, value)
    assert desk.post(item) == "POST_FAILED"
    assert not documents(desk)
    assert not desk.quickbooks.calls, "nothing was sent, nothing looked for"
    error = desk.stored()["error"]
    assert error["code"] == "altered"
    assert error["reason"].startswith("The content of this bill is not what was approved")
    assert desk.stored()["attempts"] == []
    [mail] = desk.mails
    assert mail.startswith("north: a bill was modified outside this system\n")
    assert "BILL/2026/11/0042 (odoo-42)" in mail


def test_a_content_changed_by_hand_and_back_is_posted_by_a_retry(desk: Desk) -> None:
    item = desk.approve()
    alter(desk, item, "amount_total", {"N": "9108.25"})
    assert desk.post(item) == "POST_FAILED"
    alter(desk, item, "amount_total", {"N": "108.25"})
    assert desk.post(desk.retry(), "m2") == "POSTED"
    assert len(desk.mails) == 1


def test_the_lines_of_a_long_bill_are_judged_by_what_s3_has(desk: Desk) -> None:
    lines = tuple(a_line("1.00", text=f"Line {n}") for n in range(250))
    bill = replace(a_total("250.00"), lines=lines)
    item = desk.approve(bill)
    other = replace(bill, lines=(*lines[:-1], replace(lines[-1], account_code="612000")))
    desk.documents.write(item["lines_key"], lines_text(other))
    assert desk.post(item) == "POST_FAILED"
    assert desk.stored()["error"]["code"] == "altered"
    assert not documents(desk)
    assert len(desk.mails) == 1
    desk.documents.keep_lines(bill, item["lines_key"])
    assert desk.post(desk.retry(), "m2") == "POSTED"


@pytest.mark.parametrize("altered", [True, False])
@pytest.mark.parametrize("vendor_is_known", [True, False])
def test_a_bill_of_version_1_0_is_judged_by_its_own_digest(
    altered: bool, vendor_is_known: bool, desk: Desk
) -> None:
    digest = digest_v1.digest(a_bill(documents=()), vendor_is_known=vendor_is_known)
    approval = {"by": "U", "at": "x", "digest": digest}
    item = desk.approve(a_bill(documents=()), digest=digest, approvals=[approval], form=2)
    if altered:
        alter(desk, item, "amount_tax", {"N": "8.26"})
    assert desk.post(item) == ("POST_FAILED" if altered else "POSTED")


def test_the_bytes_of_an_unclear_try_are_not_sent_again_once_they_were_changed(desk: Desk) -> None:
    desk.quickbooks.inject("reset", path="/bill", times=2)
    item = desk.approve()
    assert desk.post(item).startswith("AGAIN")
    body = desk.stored()["attempts"][0]["body"].replace('"Amount":100', '"Amount":9100')
    alter(desk, item, "attempts[0].body", {"S": body})
    creates = desk.quickbooks.calls["bill"]
    assert desk.post(item) == "AGAIN: An earlier attempt may still be in progress."
    desk.now += timedelta(minutes=5)
    assert desk.post(item) == "POST_FAILED"
    assert desk.quickbooks.calls["bill"] == creates
    assert open_attempt(desk.stored()), "QuickBooks may have it, and closing it says so"
    assert "number INV-1001" in desk.stored()["error"]["remedy"]
    assert len(desk.mails) == 1


def test_a_file_with_other_bytes_than_were_approved_is_not_attached(desk: Desk) -> None:
    item = desk.approve(a_bill(documents=(a_file("a.pdf", 1), a_file("b.pdf", 2))))
    key = item["documents"][1]["key"]
    put = desk.clients["s3"].put_object(Bucket="documents", Key=key, Body=b"%PDF-1.4 another")
    kept = {**item["documents"][1], "version_id": put["VersionId"]}
    bill = bill_of(item)
    assert content(bill)["digest"] == item["digest"]
    desk.table.change(
        item, actor="somebody", now=desk.now, values={"documents": [item["documents"][0], kept]}
    )
    assert desk.post(item) == "POSTED"
    posted = desk.stored()["quickbooks"]
    assert posted["attachments"] == ["a.pdf"]
    [told] = posted["not_attached"]
    assert told.startswith("b.pdf could not be attached in QuickBooks: its copy in S3 is not the")
    assert [a["FileName"] for a in desk.realm.attachables.values()] == ["a.pdf"]
    [mail] = desk.mails
    assert "b.pdf is not the file that was approved." in mail


def test_a_bill_that_nobody_touched_is_posted_without_a_mail(desk: Desk) -> None:
    assert desk.post(desk.approve(a_bill(documents=(a_file("a.pdf"),)))) == "POSTED"
    assert desk.mails == []
