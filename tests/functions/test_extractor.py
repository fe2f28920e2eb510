"""The extractor's handler: readable answers, one mail a problem, failures the alarm sees."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import extractor
import poster
from odoo_qb.errors import Misconfigured
from odoo_qb.extraction.answer import answer_to
from odoo_qb.extraction.request import request_of
from odoo_qb.guarding import BadRecords
from odoo_qb.operations.audit_trail import story
from odoo_qb.timestamps import stamp
from odoo_qb.wiring.extractor import ALERTS_NOTE
from sandbox.in_process.chain import Context
from tests.support import stored_bills
from tests.support.builders import a_document
from tests.support.extraction import WRITES, fails, outcomes, put_in, utc_now
from tests.support.stored_bills import an_asked, moved

if TYPE_CHECKING:
    from sandbox.in_process.chain import World
    from sandbox.odoo.http import Failure

KEY = "sandbox-odoo-key"


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet, and nobody waits before a retry."""
    world.forget_old_bills()
    extractor.wired.use(sleep=lambda _seconds: None)
    return world


# -- answers -------------------------------------------------------------------------------


def test_an_answer_counts_by_company_and_lists_what_needs_somebody(books: World) -> None:
    books.odoo.new_bill(company=1, reference="A")
    blocked = books.odoo.new_bill(company=2, reference="B")
    books.odoo.amend(blocked, amount_total=1.0)
    answer = books.extract()
    other = str(books.odoo.records["res.company"][2]["name"])
    assert answer["companies"] == {"1MD": {"ready": 1}, other: {"blocked": 1}}
    assert [b["entry_id"] for b in answer["bills"]] == [f"odoo-{blocked}"]
    assert answer["bills_not_listed"] == answer["not_yet_read"] == 0
    assert answer["seconds"] >= 0
    json.dumps(answer)  # as Lambda does


def test_a_long_answer_ends_with_a_count(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(5)]
    request = request_of({"dry_run": True}, extractor.wired.companies)
    run = extractor.wired.run(lambda: 240.0, utc_now(), BadRecords())
    answer = answer_to(request, run.run(request, utc_now()), room=700)
    assert 0 < len(answer["bills"]) < 5
    assert len(answer["bills"]) + answer["bills_not_listed"] == len(numbers)
    assert len(json.dumps(answer["bills"])) <= 800


@pytest.mark.parametrize("event", [[], "all", 7, {"compny": "1MD"}, {"company": "nobody"}])
def test_a_wrong_request_is_answered_with_one_sentence_and_nothing_is_done(
    books: World, event: object
) -> None:
    books.odoo.new_bill()
    start = len(books.aws.calls)
    answer = extractor.lambda_handler(event, Context())
    assert list(answer) == ["error"]
    assert answer["error"].endswith((".", "}"))
    assert len(answer["error"]) < 200
    assert [c for c in books.aws.calls[start:] if c[0] in WRITES] == []
    assert books.odoo.calls == []


# -- failures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("denied", "Odoo refused the user"),
        ("no_right", "lacks a right"),
        ("bad_gateway", "HTTP status 502"),
        ("html", "HTTP status 200 and no data"),
        ("cut", "broke off in its answer"),
        ("reset", "cannot be reached"),
        ("database", "is not available just now"),
    ],
)
def test_an_outage_fails_the_function_and_is_mailed_once(
    books: World, kind: Failure, sentence: str
) -> None:
    number = books.odoo.new_bill()
    books.odoo.fail(kind, times=1000)
    assert sentence in fails(books)
    assert sentence in fails(books)
    (mail,) = books.mails()
    assert mail.startswith("No bills could be read from Odoo\n")
    assert sentence in mail
    assert "Traceback" not in mail
    assert KEY not in mail
    books.odoo.faults.clear()
    books.extract()
    books.extract()
    assert len(books.mails()) == 2
    assert books.mails()[1].startswith("Bills can be read from Odoo again\n")
    assert "Recovered. The problem began at 20" in books.mails()[1]
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_another_problem_is_another_mail(books: World) -> None:
    books.odoo.fail("bad_gateway", times=1000)
    fails(books)
    books.odoo.faults.clear()
    books.odoo.fail("denied", times=1000)
    fails(books)
    fails(books)
    assert ["HTTP status 502" in m for m in books.mails()] == [True, False]


def test_the_stuck_goes_on_although_odoo_is_down(books: World) -> None:
    number = books.odoo.new_bill()
    books.extract()
    item = put_in(books, number, "APPROVED")
    ago = {"updated_at": stamp(utc_now() - timedelta(minutes=20))}
    books.table.write_note(item["entry_id"], ago)
    books.odoo.fail("bad_gateway", times=1000)
    fails(books)
    assert [json.loads(m["body"])["entry_id"] for m in books.messages()] == [f"odoo-{number}"]


def test_odoo_is_read_although_the_sweep_fails(books: World) -> None:
    number = books.odoo.new_bill()
    books.aws.refuses = lambda operation, _: operation == "Query"
    with pytest.raises(Exception, match="InternalServerError"):
        books.extract()  # the table's list of what is stuck cannot be mailed either
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"


def test_a_missing_setting_is_named(books: World, monkeypatch: pytest.MonkeyPatch) -> None:
    books.table.write_note("settings", {"companies": ""})
    with pytest.raises(Misconfigured, match="The table has no company settings"):
        books.extract()
    monkeypatch.delenv("ODOO_API_URL")
    books.restart()
    books.table.write_note("settings", {"companies": json.dumps({"1MD": {}})})
    assert fails(books).startswith("The environment variable ODOO_API_URL is not set")


def test_a_time_zone_that_does_not_exist_is_mailed_once(books: World) -> None:
    """It has the form of one, so Terraform took it; quiet hours would be another country's."""
    books.forget_old_bills()
    everyone = json.loads(str(books.table.read_note("settings")["companies"]))
    everyone["1MD"]["time_zone"] = "Europe/Pariss"
    books.table.write_note("settings", {"companies": json.dumps(everyone)})
    books.restart()
    books.extract()
    books.extract()
    [mail] = [m for m in books.mails() if "time zone" in m]
    assert "1MD: Europe/Pariss is not a time zone in the tz database" in mail


def test_a_dry_run_that_fails_writes_and_mails_nothing(books: World) -> None:
    books.odoo.fail("bad_gateway", times=1000)
    start = len(books.aws.calls)
    fails(books, dry_run=True)
    assert [c for c in books.aws.calls[start:] if c[0] in WRITES] == []
    assert books.mails() == []


def test_a_person_whose_run_must_wait_too_long_is_told_without_a_mail(
    books: World,
) -> None:
    until = stamp(utc_now() + timedelta(minutes=5))
    books.table.write_note("watermark#odoo", {"lease_until": until})
    assert fails(books, company="1MD").startswith("Another extraction is running")
    assert books.mails() == []


# -- mails about bills ---------------------------------------------------------------------


def test_blocked_failed_and_unstored_bills_are_one_mail_when_the_set_changes(
    books: World,
) -> None:
    blocked, failed = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.odoo.amend(blocked, amount_total=1.0)
    books.extract()
    assert len(books.mails()) == 1
    item = put_in(books, failed, "POST_FAILED")
    books.table.change(
        item,
        actor="tester",
        now=utc_now(),
        values={"error": {"code": "6140", "message": "The number is taken."}},
    )
    lost = books.odoo.new_bill(reference="C")
    books.aws.refuses = lambda operation, _: operation == "PutItem"
    books.extract()
    books.extract()
    assert len(books.mails()) == 2
    mail = books.mails()[1]
    assert mail.startswith("3 bills need attention\n")
    assert f"(odoo-{blocked}, 1MD): blocked: Its journal items add up to" in mail
    assert f"(odoo-{failed}, 1MD): not posted: The number is taken." in mail
    assert f"(odoo-{lost}): AWS: InternalServerError. The next run tries again." in mail
    books.aws.refuses = lambda _operation, _arguments: False
    books.odoo.amend(blocked, amount_total=100.0)
    books.odoo.cancel(failed)
    books.extract()
    assert len(books.mails()) == 2  # nothing waits any more, and that needs nobody
    books.odoo.amend(blocked, amount_total=1.0)
    books.extract()
    assert len(books.mails()) == 3


def test_an_approval_that_stays_unposted_is_mailed_once_with_the_time_it_was_given(
    books: World,
) -> None:
    number = books.odoo.new_bill(reference="A")
    books.extract()
    at = utc_now() - timedelta(hours=2)
    item = books.item(f"odoo-{number}")
    books.table.change(item, to="APPROVED", actor="U-1", now=at)
    first, second = books.extract(), books.extract()
    assert first["stuck"] == second["stuck"] == {"blocked": 0, "not_posted": 0, "unposted": 1}
    (mail,) = books.mails()
    assert mail.startswith("1 bill needs attention\n")
    assert f"(odoo-{number}, 1MD): approved at {stamp(at)} but not posted yet. It is tried" in mail


def test_bills_that_were_not_withdrawn_are_mailed_once(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(6)]
    books.extract()
    for number in numbers:
        books.odoo.reset_to_draft(number)
        books.odoo.delete(number)
    answer = books.extract(full=True)
    books.extract()
    books.extract(full=True)
    assert answer["kept"][0].startswith("1MD: 6 of 6 open bills are gone from Odoo")
    (mail,) = books.mails()
    assert mail.startswith("Bills disappeared from Odoo and were not withdrawn\n")
    assert "1MD: 6 of 6 open bills are gone from Odoo" in mail


def test_hundreds_of_blocked_bills_are_one_mail_of_bearable_length(books: World) -> None:
    for n in range(210):
        number = books.odoo.new_bill(reference=f"A-{n}")
        books.odoo.amend(number, amount_total=1.0)
    books.extract()
    (mail,) = books.mails()
    assert mail.startswith("210 bills need attention\n")
    assert mail.endswith("... and 10 more")
    assert len(mail.encode()) < 256_000


def test_a_persons_own_run_sends_no_mail_about_bills(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.amend(number, amount_total=1.0)
    answer = books.extract(company="1MD")
    assert outcomes(answer) == {"blocked": 1}
    assert books.mails() == []


def test_a_bill_that_changed_after_it_was_posted_is_mailed_with_what_to_do(books: World) -> None:
    poster.lambda_handler({"action": "sync_reference"}, Context())
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(3)]
    books.extract()
    books.show()
    for number in numbers[:2]:
        books.click(f"odoo-{number}", "approve_invoice")
    books.post()
    put_in(books, numbers[2], "ACKNOWLEDGED")
    books.odoo.amend(numbers[0], lines=[("x", "7.00")])
    books.odoo.cancel(numbers[1])
    books.odoo.amend(numbers[2], lines=[("x", "7.00")])
    books.extract()
    books.extract()
    (mail,) = books.mails()
    ids = [books.item(f"odoo-{n}").get("quickbooks", {}).get("id") for n in numbers]
    lines = {line.split(" in Odoo ")[1] for line in mail.splitlines()[3:]}
    change = (
        "The total changed from 100.00 USD to 7.00 USD. The line Supplies: amount 7.00 USD"
        " (was 100.00 USD), text x (was Supplies)."
    )
    to_enter = "It is not in QuickBooks; enter it there if it has to be paid."
    assert mail.startswith("Bills changed in Odoo after the decision\n")
    assert lines == {
        f"after it was posted. {change} Compare it with Bill {ids[0]} in QuickBooks.",
        f"after it was posted. Void or delete Bill {ids[1]} in QuickBooks.",
        f"after it was acknowledged. {to_enter} {change}",
    }


def test_a_company_that_is_not_found_in_odoo_is_mailed_once(books: World) -> None:
    books.odoo.records["res.company"][1]["name"] = "1MD Inc."
    books.odoo.new_bill()
    books.extract()
    books.extract(full=True)
    (mail,) = books.mails()
    assert mail.startswith("A company was not found in Odoo, so its bills are not read\n")
    assert '"1MD Inc."' in mail


def test_a_daily_run_that_had_too_little_time_is_mailed(
    books: World,
) -> None:
    for n in range(2):  # whose files are too large to be read at once
        number = books.odoo.new_bill(reference=f"A-{n}")
        books.odoo.attach(number, "scan.pdf", b"%PDF".ljust(5_000_000))
    answer = books.extract(full=True, seconds_left=30.0)
    assert answer["not_yet_read"] == 1
    (mail,) = books.mails()
    assert mail.startswith("The daily comparison with Odoo did not finish\n")


@pytest.mark.parametrize("wrong", ["", None, ["odoo-1"], "settings", "x" * 3000, "9" * 5000])
def test_an_audit_of_what_is_no_bill_is_answered_with_a_sentence(
    books: World, wrong: object
) -> None:
    assert books.extract(audit=wrong) == {"error": "audit takes an id like odoo-42."}


# -- secrets -------------------------------------------------------------------------------


def test_no_secret_is_in_logs_answers_mails_or_the_table(
    books: World, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    number = books.odoo.new_bill()
    books.odoo.attach(number, "bill.pdf", b"%PDF")
    told = [json.dumps(books.extract())]
    (user,) = books.odoo.users.values()
    books.odoo.admit(replace(user, api_key="another", password="another"))
    told += [fails(books), *books.mails()]
    rows = books.clients["dynamodb"].scan(TableName=books.names["table"])["Items"]
    told += [json.dumps(rows, default=str), "".join(capfd.readouterr())]
    told += [r.getMessage() + str(vars(r)) for r in caplog.records if "odoo" in r.name]
    assert len(told) > 4
    for text in told:
        assert KEY not in text
        assert "sandbox-odoo-password" not in text
        assert "Traceback" not in text


def test_the_alert_note_keeps_when_an_outage_began(books: World) -> None:
    books.odoo.fail("bad_gateway", times=1000)
    fails(books)
    began = books.table.read_note(ALERTS_NOTE)["outage_at"]
    books.odoo.faults.clear()
    books.odoo.fail("denied", times=1000)
    fails(books)
    assert books.table.read_note(ALERTS_NOTE)["outage_at"] == began
    assert began <= stamp(utc_now())


def test_a_bill_that_was_withdrawn_while_quickbooks_may_have_it_is_told_daily(books: World) -> None:
    entry_id = an_asked(books)
    item = books.item(entry_id)
    attempt = {"number": 1, "doc_number": "INV-1001", "day": "2026-11-02", "outcome": ""}
    books.table.change(
        item,
        to="WITHDRAWN",
        actor="extractor",
        now=utc_now(),
        values={"attempts": [attempt]},
    )
    books.extract(full=True)
    books.extract(full=True)
    [mail] = [m for m in books.mails() if m.startswith("QuickBooks may have bills")]
    assert "Look there for number INV-1001, dated 2026-11-02" in mail


def test_a_bill_that_was_closed_while_quickbooks_has_it_is_told_daily(books: World) -> None:
    entry_id = an_asked(books)
    for to in ("APPROVED", "POSTING"):
        moved(books, entry_id, to)
    error = {"code": "total", "message": "Another total.", "tid": "", "document": "Bill 22"}
    moved(books, entry_id, "POST_FAILED", error=error)
    moved(books, entry_id, "ACKNOWLEDGED")
    books.extract(full=True)
    [mail] = [m for m in books.mails() if m.startswith("QuickBooks may have bills")]
    assert "QuickBooks still has Bill 22. Delete it" in mail


def test_a_file_that_did_not_reach_quickbooks_is_told_daily_where_nobody_knew(
    books: World,
) -> None:
    at = stamp(utc_now())
    there = {"type": "Bill", "id": "145", "url": "https://qbo.example/", "posted_at": at}
    known = "a.zip will not be attached in QuickBooks: it takes no files of this type."
    lost = "bill.pdf could not be attached in QuickBooks: it did not answer."
    for missing in ([known], [known, lost]):
        entry_id = an_asked(books)
        documents = [asdict(a_document("a.zip", type="application/zip"))]
        for to in ("APPROVED", "POSTING"):
            moved(books, entry_id, to, documents=documents)
        moved(books, entry_id, "POSTED", quickbooks=there | {"not_attached": missing})
    books.extract(full=True)
    [mail] = [m for m in books.mails() if m.startswith("Files are missing")]
    assert lost in mail
    assert "a.zip" not in mail
    assert books.item(entry_id)["odoo_name"] in mail
    assert lost in story(books.item(entry_id))


def test_approvers_that_slack_does_not_know_are_told_once(books: World) -> None:
    stored_bills.settings(books, approvers=["S-GONE", "U-APPROVER"])
    an_asked(books)
    books.extract()
    books.extract()
    [mail] = [m for m in books.mails() if m.startswith("Some approvers could not")]
    assert "1MD, approver S-GONE: Slack has no such user group" in mail
