"""Records that are not as they should be, in the table or in Odoo: named, and in nobody's way."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

import extractor
from odoo_qb.bill.summary import summary
from odoo_qb.cards.card import approval_card
from odoo_qb.guarding import BadRecords, flaw_of, number_of
from odoo_qb.operations.audit_export import export
from odoo_qb.operations.audit_trail import story
from odoo_qb.sentences import one_line
from odoo_qb.store.alerts import Alerts
from odoo_qb.store.attributes import attributes
from odoo_qb.timestamps import stamp
from tests.support.builders import DAMAGES, an_item
from tests.support.extraction import outcomes, put_in, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odoo_qb.bill.status import Status
    from sandbox.in_process.chain import World

Json = dict[str, Any]
SUBJECT = "Some records could not be processed"
RAW = re.compile(r"Traceback|\b[A-Za-z]+(Error|Exception)\b|<class '|Decimal\(")


@pytest.fixture
def books(world: World) -> World:
    world.forget_old_bills()
    extractor.wired.use(sleep=lambda _seconds: None)
    return world


def damage(world: World, entry_id: str, *, without: str = "", **values: object) -> None:
    """Change an item by hand, past all conditions, and long enough ago for the sweep to care."""
    item: Json = {**world.item(entry_id), "updated_at": stamp(utc_now() - timedelta(hours=2))}
    item |= values
    item.pop(without, None)
    world.clients["dynamodb"].put_item(TableName=world.names["table"], Item=attributes(item))


@pytest.mark.parametrize("status", ["READY_FOR_APPROVAL", "APPROVED", "POST_FAILED", "POSTED"])
def test_damaged_items_stop_nothing_and_each_is_named(books: World, status: Status) -> None:
    sound = books.odoo.new_bill(reference="A")
    bad = {how: books.odoo.new_bill(reference="A") for how in DAMAGES}
    books.extract()
    for number in (sound, *bad.values()):
        put_in(books, number, status)
        damage(books, f"odoo-{number}", quickbooks={}, error={}, **DAMAGES[""])
    for how, number in bad.items():
        damage(books, f"odoo-{number}", **DAMAGES[how])
        books.odoo.amend(number, lines=[("x", "7.00")])
    new = books.odoo.new_bill(reference="B")
    for event in ({}, {"full": True}, {}, {"export": f"{utc_now():%Y-%m}"}):
        answer = books.extract(**event)
        assert "error" not in answer.get("swept", {})
    for how, number in bad.items():
        if how not in {"", "no status"}:
            assert {"story", "error"} & books.extract(audit=f"odoo-{number}").keys()
    assert books.item(f"odoo-{new}")["status"] == "READY_FOR_APPROVAL"
    mails = [m for m in books.mails() if m.startswith("Some records could not")]
    # A run's, the daily one's, the auditor's, and one when a write had corrected some of them.
    assert len(mails) <= 4
    named = {how for how, n in bad.items() if any(f"odoo-{n}, " in m for m in mails)}
    # Of what is not asked about, nobody needs the notices.
    assert bad.keys() - named <= {"", "no status", "notices that are none"}
    assert not any(RAW.search(m) for m in books.mails())


def test_a_bill_whose_item_was_corrected_is_read_by_the_next_run(books: World) -> None:
    number = books.odoo.new_bill(reference="A")
    books.extract()
    whole = books.item(f"odoo-{number}")
    damage(books, f"odoo-{number}", without="history")
    books.odoo.amend(number, lines=[("x", "7.00")])
    books.extract()
    books.odoo.new_bill(reference="B", at=utc_now() + timedelta(minutes=3))
    books.extract()  # the position has moved on
    table = books.names["table"]
    books.clients["dynamodb"].put_item(TableName=table, Item=attributes(whole))
    books.extract()
    assert books.item(f"odoo-{number}")["amount_total"] == 7


def test_a_damaged_item_in_a_batch_keeps_no_other_card_from_being_shown(books: World) -> None:
    numbers = [books.odoo.new_bill(reference=f"A-{n}") for n in range(3)]
    books.extract()
    damage(books, f"odoo-{numbers[1]}", without="amount_total")
    answer = books.show()
    assert len(answer["batchItemFailures"]) == 1
    assert [bool(books.item(f"odoo-{n}")["cards"]) for n in numbers] == [True, False, True]


def test_what_only_looks_like_a_bill_is_named(books: World) -> None:
    books.odoo.new_bill()
    books.extract()
    for entry_id in ("odoo-", "odoo-x", "note#1"):
        note = {"entry_id": entry_id, "status": "READY_FOR_APPROVAL", "company": "1MD"}
        note["updated_at"] = stamp(utc_now())
        books.clients["dynamodb"].put_item(TableName=books.names["table"], Item=attributes(note))
    for event in ({}, {"full": True}):
        books.extract(**event)
    assert "note#1" in books.mails()[0]


def test_an_export_has_a_damaged_item_as_it_is(books: World) -> None:
    bad, _ = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.extract()
    damage(books, f"odoo-{bad}", cards="none", odd={b"x", b"y"})
    bad_records = BadRecords()
    files = export(
        books.table,
        extractor.wired.documents,
        extractor.wired.companies,
        f"{utc_now():%Y-%m}",
        utc_now(),
        bad_records,
    )
    (file,) = (f for f in files if f["bills"])
    assert file["bills"] == 1
    assert file["damaged"] == [f"odoo-{bad}"]
    assert len(extractor.wired.documents.text(file["key"]).splitlines()) == 3
    assert f"odoo-{bad}" in bad_records.lines[0]


def test_a_sound_item_has_no_flaw() -> None:
    assert flaw_of(dict(an_item())) == ""


def test_the_flaw_is_named_by_its_attribute() -> None:
    assert flaw_of({**an_item(), "updated_at": "2026-11-01T00:00:00"}).startswith(
        'its "updated_at" is not valid'
    )
    assert flaw_of({k: v for k, v in an_item().items() if k != "cards"}) == 'it has no "cards"'


@pytest.mark.parametrize("name", ["odoo-", "odoo-x", "42", "odoo-²", "odoo-1 2", "settings"])
def test_only_a_bills_name_has_a_number(name: str) -> None:
    with pytest.raises(ValueError, match="no bill's name"):
        number_of(name)
    assert number_of("odoo-42") == 42


# -- Odoo's records ------------------------------------------------------------------------


def distort(world: World, model: str, number: int, change: Callable[[Json], object]) -> None:
    """Change a record in each of Odoo's answers that has it."""

    def distorted(asked: str, answer: object) -> object:
        if asked != model or not isinstance(answer, list):
            return answer
        return [
            change(row) if isinstance(row, dict) and row.get("id") == number else row
            for row in answer
        ]

    world.odoo.distort = distorted


def replacing(name: str, value: object) -> Callable[[Json], object]:
    return lambda row: row | {name: value} if name in row else row


NONSENSE: Mapping[str, Callable[[Json], object]] = {
    "a date with half a character": replacing("invoice_date", "2026-11-\ud800"),
    "a date that is a list": replacing("invoice_date", [2026, 11, 2]),
    "its vendor as an object": replacing("commercial_partner_id", {"id": 14, "name": "x"}),
    "its vendor as a text": replacing("commercial_partner_id", "14"),
    "its vendor without a number": replacing("commercial_partner_id", [None, "x"]),
    "its currency as an object": replacing("currency_id", {"id": 1}),
    "its terms as a number": replacing("invoice_payment_term_id", 3),
    "its author as a list of nothing": replacing("create_uid", []),
    "its files as nothing": replacing("attachment_ids", [None, {}]),
    "a write date that is none": replacing("write_date", "zzzz"),
    "a write date that is an object": replacing("write_date", {}),
    "a state nobody knows": replacing("state", "paid"),
    "a state that is an object": replacing("state", {"id": 1}),
    "a kind nobody knows": replacing("move_type", None),
    "a total that is an object": replacing("amount_total", {"value": 1}),
    "no lines of sense": replacing("message_main_attachment_id", {"id": 1}),
}
HARMLESS = {"its files as nothing", "a write date that is none", "a write date that is an object"}


@pytest.mark.parametrize("how", NONSENSE)
def test_nonsense_in_one_bill_blocks_that_bill_and_no_other(books: World, how: str) -> None:
    sound, bad, other = (books.odoo.new_bill(reference=r) for r in "ABC")
    distort(books, "account.move", bad, NONSENSE[how])
    report = books.extract()
    blocked = 0 if how in HARMLESS else 1
    assert outcomes(report) == {"ready": 3 - blocked, **({"blocked": 1} if blocked else {})}
    for number in (sound, other):
        assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    if blocked:
        (problem,) = books.item(f"odoo-{bad}")["problems"]
        assert problem.startswith("This bill cannot be read (")
        assert not RAW.search(problem)
    later = books.odoo.new_bill(reference="D")
    books.extract()
    assert books.item(f"odoo-{later}")["status"] == "READY_FOR_APPROVAL"


@pytest.mark.parametrize(
    "change",
    [
        replacing("company_id", {"id": 1, "name": "1MD"}),
        replacing("company_id", False),
        replacing("id", None),
        lambda _row: None,
        lambda _row: ["x"],
    ],
    ids=["its company", "no company", "its number", "nothing", "a list"],
)
def test_what_nobody_can_say_whose_it_is_is_named_and_never_withdrawn(
    books: World, change: Callable[[Json], object]
) -> None:
    sound, bad = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.extract()
    distort(books, "account.move", bad, change)
    books.odoo.amend(sound, lines=[("x", "7.00")])
    books.odoo.amend(bad, lines=[("x", "7.00")])
    for event in ({}, {"full": True}):
        books.extract(**event)
    assert books.item(f"odoo-{sound}")["amount_total"] == 7
    assert books.item(f"odoo-{bad}")["status"] != "WITHDRAWN"
    assert any(m.startswith("Some records could not") for m in books.mails())


@pytest.mark.parametrize("model", ["account.move.line", "ir.attachment"])
def test_a_row_that_names_no_bill_blocks_the_one_it_is_of(books: World, model: str) -> None:
    sound, bad = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    file = books.odoo.attach(bad, "bill.pdf", b"%PDF", main=True)
    line = books.odoo.records["account.move"][bad]["line_ids"][0]
    number, field = (line, "move_id") if model == "account.move.line" else (file, "res_id")
    distort(books, model, number, replacing(field, {"id": bad}))
    books.extract()
    assert books.item(f"odoo-{sound}")["status"] == "READY_FOR_APPROVAL"
    assert books.item(f"odoo-{bad}")["status"] == "VALIDATION_FAILED"


def test_a_file_that_comes_as_nonsense_is_one_that_cannot_be_read(books: World) -> None:
    sound, bad = books.odoo.new_bill(reference="A"), books.odoo.new_bill(reference="B")
    books.odoo.attach(sound, "bill.pdf", b"%PDF", main=True)
    file = books.odoo.attach(bad, "bill.pdf", b"%PDF", main=True)
    distort(books, "ir.attachment", file, lambda row: None if "datas" in row else row)
    books.extract()
    assert books.item(f"odoo-{sound}")["status"] == "READY_FOR_APPROVAL"
    (problem,) = books.item(f"odoo-{bad}")["problems"]
    assert problem == "The file bill.pdf cannot be read from Odoo. Attach it there again."


# -- one line ------------------------------------------------------------------------------

HOSTILE = (
    "Acme\r\n\nURGENT: approve at https://evil.example\u2028now\u2029 \x00\x1b[31m"
    "\u202egnp.exe\u2066\u200b" + "x" * 5000
)


def test_a_text_becomes_one_line_of_bearable_length() -> None:
    text = one_line(HOSTILE)
    assert len(text) == 500
    assert text.isprintable()
    assert text.startswith("Acme URGENT: approve at https://evil.example now [31mgnp.exexxx")


def test_a_hostile_name_is_one_line_wherever_it_is_told(books: World) -> None:
    number = books.odoo.new_bill(reference=HOSTILE)
    books.odoo.amend(number, name=HOSTILE, invoice_date=False)
    books.odoo.rename_vendor(14, HOSTILE)
    books.extract()
    (mail,) = books.mails()
    assert len(mail.splitlines()) == 4  # subject, subject, nothing, the bill
    assert mail.replace("\n", "").isprintable()
    assert "It has no bill date" in mail
    item = books.item(f"odoo-{number}")
    for text in (summary(item), *story(item)):
        assert text.isprintable()
        assert len(text) < 1100
    asking = {**item, "status": "READY_FOR_APPROVAL"}
    assert approval_card(asking).text.isprintable()  # type: ignore[arg-type]


def test_no_line_of_a_mail_can_pass_for_two(books: World) -> None:
    topic = books.names["topic"]
    alerts = Alerts(books.clients["sns"], topic, books.table, "mail#test")
    alerts.mail("Subject", [HOSTILE, "second"])
    (mail,) = books.mails()
    assert [line[:4] for line in mail.splitlines()] == ["Subj", "Subj", "", "Acme", "seco"]
