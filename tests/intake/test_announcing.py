"""Each outcome is announced once a channel, and a failed announcement undoes nothing."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from odoo_qb.errors import Refused, Unavailable
from sandbox.in_process.aws import REGION
from tests.intake.desk import a_desk, an_invoice

if TYPE_CHECKING:
    from tests.intake.desk import Desk

Json = dict[str, Any]

PERSONAL = ("ada", "C-9", "1,500", "1500", "Consulting")


def a_result(outcome: str, **more: Any) -> Json:
    return {
        "outcome": outcome,
        "invoiceNumber": None,
        "invoiceId": "A-1",
        "problems": [],
        "notes": [],
    } | more


def test_a_processed_invoice_is_announced_everywhere_and_mailed_to_its_customer(
    desk: Desk,
) -> None:
    result = desk.process(an_invoice())

    assert desk.announce(result) == {"announced": ["SNS", "Slack", "customer"]}

    [published] = desk.published()
    assert published["subject"] == "Invoice A-1 was stored as INV-2026-000001"
    assert published["outcome"] == "processed"
    assert desk.posted() == ["Invoice A-1 was stored as INV-2026-000001"]
    [mail] = desk.mailed()
    assert mail.source == "billing@example.com"
    assert mail.destinations["ToAddresses"] == ["ada@example.com"]
    assert mail.subject == "Invoice INV-2026-000001"
    assert mail.body == (
        "Invoice INV-2026-000001 over 1,500.00 is due on 2026-12-28.\nOur reference: A-1."
    )


@pytest.mark.parametrize(
    ("result", "subject", "line"),
    [
        (
            a_result("duplicate", invoiceNumber="INV-2026-000001"),
            "Invoice A-1 arrived again",
            "It is already stored as INV-2026-000001, with the same content.",
        ),
        (
            a_result("conflict", problems=[{"field": "invoiceId", "message": "It differs."}]),
            "Invoice A-1 differs from the stored one",
            "invoiceId: It differs.",
        ),
        (
            a_result(
                "invalid", problems=[{"field": "amount", "message": "It must be more than 0."}]
            ),
            "Invoice A-1 is invalid",
            "amount: It must be more than 0.",
        ),
        (
            a_result("invalid", invoiceId=None, notes=["Kept as given, without a check: x."]),
            "Invoice without an id is invalid",
            "Kept as given, without a check: x.",
        ),
        (
            a_result("failed"),
            "Invoice A-1 could not be processed",
            "Once the cause is fixed, start an execution with the same input.",
        ),
    ],
    ids=lambda value: value["outcome"] if isinstance(value, dict) else "",
)
def test_every_other_outcome_says_what_to_do_and_is_no_matter_of_the_customer(
    desk: Desk, result: Json, subject: str, line: str
) -> None:
    desk.process(an_invoice())

    desk.announce(result)

    [published] = desk.published()
    assert (published["subject"], published["outcome"]) == (subject, result["outcome"])
    assert line in published["text"].splitlines()
    assert desk.posted() == [subject]
    assert desk.mailed() == []


def test_a_channel_that_is_off_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_desk(monkeypatch, slack=False, mails=False) as desk:
        assert desk.announce(desk.process(an_invoice())) == {"announced": ["SNS"]}
        assert (desk.posted(), desk.mailed()) == ([], [])


def test_an_invoice_without_an_address_is_mailed_to_nobody(desk: Desk) -> None:
    desk.announce(desk.process(an_invoice(customerEmail=None)))

    assert desk.mailed() == []


def test_a_retry_announces_only_where_it_failed_before(desk: Desk) -> None:
    result, execution = desk.process(an_invoice()), desk.execution()
    desk.slack.fail("http_500", method="chat.postMessage")

    with pytest.raises(Unavailable, match=r"stands, but it could not be announced\. Slack: "):
        desk.announce(result, execution)
    assert len(desk.published()) == len(desk.mailed()) == 1
    assert desk.posted() == []

    assert desk.announce(result, execution) == {"announced": ["Slack"]}
    assert desk.announce(result, execution) == {"announced": []}
    assert desk.published() == []
    assert (len(desk.posted()), len(desk.mailed())) == (1, 1)
    assert desk.rows("invoice#")[0]["number"] == result["invoiceNumber"]


def test_what_sns_and_ses_refuse_is_tried_again_by_name_and_tells_no_address(desk: Desk) -> None:
    result = desk.process(an_invoice())
    boto3.client("sns", region_name=REGION).delete_topic(TopicArn=desk.topic)
    boto3.client("sesv2", region_name=REGION).delete_email_identity(
        EmailIdentity="billing@example.com"
    )

    with pytest.raises(Unavailable) as failed:
        desk.announce(result)

    said = str(failed.value)
    assert "SNS: SNS did not take it (NotFound)." in said
    assert "customer: SES did not take the mail (MessageRejected" in said
    assert "ada" not in said


def test_the_note_of_what_was_announced_outlives_a_redrive_and_not_a_year(desk: Desk) -> None:
    desk.announce(a_result("invalid"))

    [note] = desk.rows("execution#")
    days = (int(note["expires_at"]) - desk.now.timestamp()) / 86400
    assert note["channels"] == {"SNS", "Slack"}
    assert 90 < days < 365


@pytest.mark.parametrize("result", [None, {}, {"outcome": "lost"}, "processed"])
def test_what_is_no_outcome_is_refused(desk: Desk, result: Any) -> None:
    with pytest.raises(Refused, match="no such outcome"):
        desk.announce(result)


def test_neither_the_log_nor_what_is_announced_tells_of_persons_or_money(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "intake")
    invoice = an_invoice()

    assert desk.validate(invoice)["outcome"] == "valid"
    wrong = desk.validate(invoice | {"customerEmail": "ada@example", "customerId": "C-9 "})
    for result in (desk.process(invoice), wrong, desk.process(invoice | {"poNumber": 1})):
        desk.announce(result)

    told = capsys.readouterr().out + json.dumps([desk.published(), desk.posted(), wrong])
    assert "processed" in told
    assert [word for word in PERSONAL if word in told] == []
