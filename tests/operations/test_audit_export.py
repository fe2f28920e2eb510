"""A month for the auditor: every bill to which something happened, once, with its whole story."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from odoo_qb.company import companies
from odoo_qb.errors import Refused
from odoo_qb.operations.audit_export import export, month_of
from odoo_qb.store.documents import Documents
from tests.support.builders import NOW, a_bill, a_line, an_item
from tests.support.stored_bills import COMPANY, a_stored, an_asked

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json
    from sandbox.in_process.chain import World

KEYS = companies('{"1MD": {}, "TruAlchemy": {}}')


def exported(world: World, month: str, now: datetime = NOW) -> dict[str, list[Any]]:
    """The files that were written, by company: their lines."""
    documents = Documents(world.clients["s3"], world.names["bucket"])
    files = export(world.table, documents, KEYS, month, now)
    return {
        f["company"]: [
            json.loads(line, parse_float=Decimal) for line in documents.text(f["key"]).splitlines()
        ]
        for f in files
    }


def a_posted(world: World) -> Json:
    entry_id = an_asked(world)
    world.click(entry_id, "approve_invoice")
    world.post()
    item = world.item(entry_id)
    assert item["status"] == "POSTED"
    return dict(item)


@pytest.mark.parametrize(
    ("asked", "month"),
    [("2026-11", "2026-11"), ("2026-01", "2026-01"), ("last", "2026-10")],
)
def test_a_month_is_named_or_the_last_one(asked: str, month: str) -> None:
    assert month_of(asked, NOW) == month
    assert month_of("last", datetime(2027, 1, 31, tzinfo=UTC)) == "2026-12"


@pytest.mark.parametrize("asked", ["2026-12", "2026-13", "2026-1", "", None, 202610, ["last"]])
def test_what_is_no_month_or_yet_to_come_is_refused(asked: object) -> None:
    with pytest.raises(Refused):
        month_of(asked, NOW)


def test_a_bill_is_in_the_months_in_which_something_happened_to_it(world: World) -> None:
    entry_id = a_stored(world)  # in November
    december = datetime(2026, 12, 3, tzinfo=UTC)
    item = world.item(entry_id)
    world.table.change(item, to="WITHDRAWN", actor="extractor", now=december, note="is cancelled")
    later = datetime(2027, 2, 1, tzinfo=UTC)
    in_month = {
        month: [bill["entry_id"] for bill in exported(world, month, later)[COMPANY][1:]]
        for month in ("2026-10", "2026-11", "2026-12", "2027-01")
    }
    assert in_month == {"2026-10": [], "2026-11": [entry_id], "2026-12": [entry_id], "2027-01": []}


def test_a_line_tells_the_bill_its_decision_its_document_and_its_story(world: World) -> None:
    item = a_posted(world)
    month = f"{datetime.now(UTC):%Y-%m}"
    summary, line = exported(world, month, datetime.now(UTC))[item["company"]]
    assert line["entry_id"] == item["entry_id"]
    assert line["amount_total"] == item["amount_total"]
    assert line["approvals"][0]["by"] == "U-APPROVER"
    assert line["quickbooks"]["id"] == item["quickbooks"]["id"]
    assert line["history"] == json.loads(json.dumps(item["history"]))
    assert line["story"][-1].startswith("The history is complete")
    assert line["history_is_whole"]
    assert not {"card_due", "claim", "expires_at"} & line.keys()
    assert summary["in_status"] == {"POSTED": 1}
    posted = {"bills": 1, "total": item["amount_total"]}
    assert summary["posted_in_month"] == {item["currency"]: posted}
    assert not summary["is_over"]


def test_the_dataset_adds_up_in_every_company_and_currency(world: World) -> None:
    world.extract()
    world.show()
    for entry_id, item in sorted(world.items().items()):
        if not item["nothing_to_post"]:
            world.click(entry_id, "approve_invoice")
    world.post()
    answer = world.extract(export=f"{datetime.now(UTC):%Y-%m}")
    in_quickbooks = {
        realm.company_name: sum(d["TotalAmt"] for d in realm.bills.values())
        - sum(d["TotalAmt"] for d in realm.vendor_credits.values())
        for realm in world.quickbooks.realms.values()
    }
    exported_totals = {
        f["company"]: sum(Decimal(p["total"]) for p in f["posted_in_month"].values())
        for f in answer["files"]
    }
    assert exported_totals == in_quickbooks
    assert sum(f["bills"] for f in answer["files"]) == len(world.items())


def test_a_company_in_which_nothing_happened_has_a_file_that_says_so(world: World) -> None:
    [summary] = exported(world, "2026-11")["TruAlchemy"]
    assert summary["bills"] == 0


def test_a_long_bill_is_exported_with_all_its_lines(world: World) -> None:
    bill = a_bill(company=COMPANY, lines=tuple(a_line(f"{n}.00") for n in range(1, 150)))
    item = an_item(bill)
    Documents(world.clients["s3"], world.names["bucket"]).keep_lines(bill, item["lines_key"])
    world.table.put_new(item, "")
    [_, line] = exported(world, "2026-11")[COMPANY]
    assert [row["amount"] for row in line["lines"]] == [n.amount for n in bill.lines]


def test_a_long_bill_whose_lines_are_gone_is_told_and_costs_no_other_bill_its_line(
    world: World,
) -> None:
    lines = tuple(a_line(f"{n}.00") for n in range(1, 150))
    for bill in (a_bill(company=COMPANY), a_bill(odoo_id=77, company=COMPANY, lines=lines)):
        world.table.put_new(an_item(bill), "")
    [summary, whole, lost] = exported(world, "2026-11")[COMPANY]
    assert summary["broken_histories"] == [lost["entry_id"]]
    assert lost["story"][-1].startswith("The bill's lines are gone from S3. Restore lines/")
    assert (whole["entry_id"], whole["history_is_whole"]) == ("odoo-42", True)


def test_a_history_that_was_tampered_with_is_told_by_mail_and_in_the_file(world: World) -> None:
    item = a_posted(world)
    world.clients["dynamodb"].update_item(
        TableName=world.names["table"],
        Key={"entry_id": {"S": item["entry_id"]}},
        UpdateExpression="SET history[0].actor = :other",
        ExpressionAttributeValues={":other": {"S": "somebody"}},
    )
    answer = world.extract(export=f"{datetime.now(UTC):%Y-%m}")
    broken = {f["company"]: f["broken_histories"] for f in answer["files"]}
    assert broken[item["company"]] == [item["entry_id"]]
    assert any("modified outside this system" in mail for mail in world.mails())
    assert not world.extract(audit=item["entry_id"])["whole"]


def test_a_month_that_is_none_is_answered_with_a_sentence(world: World) -> None:
    assert world.extract(export="October") == {
        "error": 'export takes a month like "2026-10", or "last".'
    }
