"""Bills whose data would break a stage: each is refused in a sentence or handled to the end.

All of them go through one chain together, with sound bills among them, as one run meets them.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

import poster
from odoo_qb.bill.changes import changes
from odoo_qb.bill.history import verify_history
from odoo_qb.bill.model import Vendor
from odoo_qb.extraction.duplicates import reference_ids
from odoo_qb.mapping.plan import PostingPlan
from odoo_qb.mapping.preflight import LINES, plan_posting
from odoo_qb.quickbooks.snapshot import Snapshot
from sandbox.http_server import serve
from sandbox.in_process.chain import a_world
from sandbox.odoo.server import Odoo
from tests.support.builders import a_bill as a_read_bill
from tests.support.builders import a_company, a_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Bill
    from sandbox.in_process.chain import World

pytestmark = pytest.mark.xdist_group("poison")  # they share one chain

PDF: Final = b"%PDF-1.4 a bill\n%%EOF"
LONG: Final = 10_000  # characters
ACME: Final = 14
SOUND_AFTER: Final = 10  # poison bills
LAMBDA: Final = Path(__file__).parents[2] / "lambda"
# What a program says to a programmer.
RAW: Final = re.compile(
    r"Traceback|\b[A-Za-z]+(Error|Exception)\b|InvalidOperation|<class '|object at 0x|Decimal\("
)
TOO_LONG: Final = "Its texts are too long to store"
DECIMALS: Final = "QuickBooks keeps two decimals, but"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """How a bill is made and in which status it ends ("": nobody is asked); what its card says."""

    make: Callable[[Odoo], int]
    ends: str = "POSTED"
    says: str = ""


def a_bill(odoo: Odoo, *, pdf: bytes = PDF, **given: Any) -> int:
    """A bill with a PDF; what is not a part of entering it is written into it afterwards."""
    entered = ("lines", "vendor", "reference", "bill_date", "currency", "move_type", "company")
    number = odoo.new_bill(
        **{"reference": f"P-{max(odoo.records['account.move'])}"}
        | {k: given.pop(k) for k in entered if k in given}
    )
    if pdf:
        odoo.attach(number, given.pop("file", "bill.pdf"), pdf, main=True)
    if given:
        odoo.amend(number, **given)
    return number


def a_vendor(odoo: Odoo, name: str, **fields: Any) -> int:
    number = max(odoo.records["res.partner"]) + 1
    like = odoo.records["res.partner"][ACME]
    own = {"id": number, "commercial_partner_id": number, "name": name, "display_name": name}
    odoo.records["res.partner"][number] = like | own | fields
    return number


def a_currency(odoo: Odoo, name: str, places: int) -> int:
    number = max(odoo.records["res.currency"]) + 1
    like = odoo.records["res.currency"][1]
    own = {"id": number, "name": name, "decimal_places": places, "rounding": 10.0**-places}
    odoo.records["res.currency"][number] = like | own
    return number


def everywhere(odoo: Odoo, text: str, length: int = 0) -> int:
    """A bill with a text wherever a person can type one."""
    text = (text * (length // len(text) + 1))[:length] if length else text
    terms = max(odoo.records["account.payment.term"]) + 1
    odoo.records["account.payment.term"][terms] = {"id": terms, "name": text, "active": True}
    return a_bill(
        odoo,
        vendor=a_vendor(odoo, text, email=text, vat=text),
        reference=text,
        lines=[(text, "12.00"), (text, "13.00")],
        file=f"{text}.pdf",
        invoice_origin=text,
        invoice_payment_term_id=terms,
    )


def many_files(odoo: Odoo, count: int, name: str) -> int:
    number = a_bill(odoo)
    for n in range(count):
        odoo.attach(number, f"{n}{name}.pdf", b"%PDF " + str(n).encode())
    return number


def without_account_code(odoo: Odoo) -> int:
    number = a_bill(odoo)
    line = odoo.records["account.move.line"][odoo.records["account.move"][number]["line_ids"][0]]
    account = max(odoo.records["account.account"]) + 1
    like = odoo.records["account.account"][line["account_id"]]
    odoo.records["account.account"][account] = like | {"id": account, "code": False}
    line["account_id"] = account
    return number


def of_many_accounts(odoo: Odoo, count: int) -> int:
    number = a_bill(odoo, lines=[(f"Item {n}", "1.00") for n in range(count)])
    rows = odoo.records["account.move.line"]
    like = odoo.records["account.account"][
        rows[odoo.records["account.move"][number]["invoice_line_ids"][0]]["account_id"]
    ]
    for line in odoo.records["account.move"][number]["invoice_line_ids"]:
        row = odoo.records["account.move.line"][line]
        account = max(odoo.records["account.account"]) + 1
        own = {"id": account, "code": f"9{account:07}", "name": f"Account {account} " * 50}
        odoo.records["account.account"][account] = like | own
        row["account_id"] = account
    return number


def with_file_of_type(odoo: Odoo, kind: str, *, name: str = "bill.pdf") -> int:
    number = a_bill(odoo, file=name)
    (file,) = odoo.records["account.move"][number]["attachment_ids"]
    odoo.records["ir.attachment"][file]["mimetype"] = kind
    return number


def of_lines(count: int, text: str) -> list[tuple[str, str]]:
    return [(f"{text} {n}", "1.10") for n in range(count)]


def amounts(odoo: Odoo, value: float) -> int:
    number = a_bill(odoo, lines=[("x", "1.00")])
    line = odoo.records["account.move.line"][odoo.records["account.move"][number]["line_ids"][0]]
    line |= {"price_subtotal": value, "price_unit": value, "amount_currency": value}
    odoo.amend(number, amount_untaxed=value, amount_total=value, amount_total_signed=value)
    return number


def large_file(odoo: Odoo, size: int) -> int:
    return a_bill(odoo, pdf=b"%PDF" + b"x" * (size - 4))


def empty_file(odoo: Odoo) -> int:
    number = a_bill(odoo, pdf=b"")
    odoo.attach(number, "bill.pdf", b"", main=True)
    return number


def foreign(odoo: Odoo, name: str, places: int, amount: str, at_home: float) -> int:
    currency = a_currency(odoo, name, places)
    return a_bill(odoo, currency=currency, lines=[("x", amount)], amount_total_signed=-at_home)


SHALOM, MARHABA = "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"
CONTROLS: Final = "".join(map(chr, [*range(1, 32), 0x7F, 0x85, 0x2028]))
CASES: Final[Mapping[str, Poison]] = {
    "a PDF of 40 MB": Poison(make=lambda odoo: large_file(odoo, 40_000_000)),
    "1,500 lines": Poison(make=lambda odoo: a_bill(odoo, lines=of_lines(1500, "Item"))),
    "400 accounts of long names": Poison(
        make=lambda odoo: of_many_accounts(odoo, 400), says="… and 390 more."
    ),
    "lines of 5,000 characters": Poison(
        make=lambda odoo: a_bill(odoo, lines=of_lines(120, "x" * 5000))
    ),
    "10,000 letters": Poison(make=lambda odoo: everywhere(odoo, "Name ", LONG)),
    "10,000 emoji": Poison(
        make=lambda odoo: everywhere(odoo, "📦", LONG), ends="VALIDATION_FAILED", says=TOO_LONG
    ),
    "10,000 quotes": Poison(make=lambda odoo: everywhere(odoo, "\"'\\", LONG)),
    "control characters": Poison(make=lambda odoo: everywhere(odoo, f"a{CONTROLS}")),
    "nothing but control characters": Poison(make=lambda odoo: everywhere(odoo, CONTROLS)),
    "NUL": Poison(make=lambda odoo: everywhere(odoo, "a\0b")),
    "emoji and mark-up": Poison(
        make=lambda odoo: everywhere(odoo, "📦👩‍👩‍👧 <b>&amp;</b> <!channel> :bomb: @here")
    ),
    "right to left": Poison(
        make=lambda odoo: everywhere(odoo, f"\u202e{SHALOM}\u202c {MARHABA} \u2066x")
    ),
    "a lone surrogate": Poison(make=lambda odoo: everywhere(odoo, "a\ud800b\udfff")),
    "10^13": Poison(
        make=lambda odoo: amounts(odoo, 1e13),
        ends="VALIDATION_FAILED",
        says="QuickBooks only accepts amounts below 10,000,000,000",
    ),
    "the largest amount": Poison(make=lambda odoo: amounts(odoo, 9_999_999_999.99)),
    "10^25": Poison(
        make=lambda odoo: amounts(odoo, 1e25),
        ends="VALIDATION_FAILED",
        says="This bill cannot be read (amount_currency is 1E+25)",
    ),
    "no number": Poison(
        make=lambda odoo: amounts(odoo, float("nan")),
        ends="VALIDATION_FAILED",
        says="This bill cannot be read (amount_currency is nan)",
    ),
    "infinite": Poison(
        make=lambda odoo: amounts(odoo, float("inf")),
        ends="VALIDATION_FAILED",
        says="This bill cannot be read (amount_currency is inf)",
    ),
    "a hundredth of a cent": Poison(
        make=lambda odoo: amounts(odoo, 0.0001), ends="VALIDATION_FAILED", says=DECIMALS
    ),
    "negative zero": Poison(make=lambda odoo: amounts(odoo, -0.0), ends="ACKNOWLEDGED"),
    "a negative line": Poison(
        make=lambda odoo: a_bill(odoo, lines=[("x", "10.00"), ("discount", "-4.00")])
    ),
    "the year 1900": Poison(make=lambda odoo: a_bill(odoo, bill_date="1900-01-01"), ends=""),
    "due in 1900": Poison(make=lambda odoo: a_bill(odoo, invoice_date_due="1900-01-01")),
    "the year 9999": Poison(
        make=lambda odoo: a_bill(odoo, bill_date="9999-12-31", invoice_date_due="9999-12-31"),
        says="The bill date 9999-12-31 is in the future.",
    ),
    "no date": Poison(
        make=lambda odoo: a_bill(odoo, invoice_date=False),
        ends="VALIDATION_FAILED",
        says="It has no bill date",
    ),
    "a date that is none": Poison(
        make=lambda odoo: a_bill(odoo, date="2026-02-30"),
        ends="VALIDATION_FAILED",
        says="This bill cannot be read (date is 2026-02-30)",
    ),
    "no lines": Poison(make=lambda odoo: a_bill(odoo, lines=[]), ends="ACKNOWLEDGED"),
    "no lines but a total": Poison(
        make=lambda odoo: a_bill(odoo, lines=[], amount_total=5.0, amount_untaxed=5.0),
        ends="VALIDATION_FAILED",
        says="Its journal items add up to 0.00 USD",
    ),
    "no currency": Poison(
        make=lambda odoo: a_bill(odoo, currency_id=False),
        ends="VALIDATION_FAILED",
        says="It has no currency",
    ),
    "a text near the limit of an item": Poison(
        make=lambda odoo: a_bill(odoo, invoice_origin="x" * 395_000),
        ends="VALIDATION_FAILED",
        says=TOO_LONG,
    ),
    "files that fill an item": Poison(
        make=lambda odoo: many_files(odoo, 60, "x" * LONG),
        ends="VALIDATION_FAILED",
        says=TOO_LONG,
    ),
    "an account without code": Poison(
        make=without_account_code,
        ends="VALIDATION_FAILED",
        says="Cash Discount Loss has no account number in Odoo",
    ),
    "a currency without decimals": Poison(make=lambda odoo: foreign(odoo, "JPY", 0, "1000", 6.5)),
    "a currency of three decimals": Poison(
        make=lambda odoo: foreign(odoo, "KWD", 3, "1.234", 4.02),
        ends="VALIDATION_FAILED",
        says=f"{DECIMALS} 1.234 KWD has more",
    ),
    "three decimals that are two": Poison(make=lambda odoo: foreign(odoo, "BHD", 3, "1.230", 3.26)),
    "a file with slashes and newlines": Poison(
        make=lambda odoo: a_bill(odoo, file='../../etc\\a/b\r\nX-Evil: 1\n"c".pdf')
    ),
    "a file with a name of 10,000": Poison(
        make=lambda odoo: a_bill(odoo, file="é" * LONG + ".pdf")
    ),
    "a file without a name": Poison(
        make=lambda odoo: with_file_of_type(odoo, "application/pdf", name="")
    ),
    "a file of an odd type": Poison(
        make=lambda odoo: with_file_of_type(odoo, "image/тип\r\nX-Evil: 1")
    ),
    "a file of a long type": Poison(make=lambda odoo: with_file_of_type(odoo, "a/" + "b" * LONG)),
    "a PDF that is none": Poison(
        make=lambda odoo: a_bill(odoo, pdf=b"<html>Log in</html>"), says="No PDF"
    ),
    "an empty file": Poison(
        make=empty_file, says="bill.pdf will not be attached in QuickBooks: it is empty."
    ),
    "60 attachments": Poison(make=lambda odoo: many_files(odoo, 60, "")),
    "a reference of spaces": Poison(
        make=lambda odoo: a_bill(odoo, reference="  \n"), says="No vendor reference"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What became of them: `numbers` by the name of the case, the sound ones beside them."""

    world: World
    numbers: Mapping[str, int]
    sound: list[int]
    items: Mapping[str, Item]
    reports: list[dict[str, Any]]
    batches: list[dict[str, Any]]

    def item(self, name: str) -> Item | None:
        return self.items.get(f"odoo-{self.numbers[name]}")


@pytest.fixture(scope="module")
def aftermath() -> Iterator[Aftermath]:
    """Everything extracted, shown, looked at, approved, posted and shown again."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        for world in a_world(monkeypatch):
            world.forget_old_bills()
            poster.lambda_handler({"action": "sync_reference"}, None)
            numbers, sound = {}, [a_bill(world.odoo, reference="SOUND")]
            for place, (name, case) in enumerate(CASES.items(), start=1):
                numbers[name] = case.make(world.odoo)
                if place % SOUND_AFTER == 0 or place == len(CASES):
                    sound.append(a_bill(world.odoo, reference=f"SOUND-{place}"))
            reports, batches = [world.extract()], [world.show()]
            decide(world)
            batches += [*world.post(), world.show()]
            reports.append(world.extract(full=True))
            yield Aftermath(
                world=world,
                numbers=numbers,
                sound=sound,
                items=world.items(),
                reports=reports,
                batches=batches,
            )


def decide(world: World) -> None:
    """Look at each PDF, then approve what is to be posted and acknowledge the rest."""
    for entry_id, item in sorted(world.items().items()):
        if item["status"] == "READY_FOR_APPROVAL":
            if item["pdf_key"]:
                world.click(entry_id, "view_pdf")
            action = "acknowledge_intercompany" if item["nothing_to_post"] else "approve_invoice"
            world.click(entry_id, action)


@pytest.mark.parametrize("name", CASES)
def test_a_poison_bill_is_refused_in_a_sentence_or_posted(aftermath: Aftermath, name: str) -> None:
    item = aftermath.item(name)
    assert (item["status"] if item else "") == CASES[name].ends
    if item:
        blocked = item["status"] == "VALIDATION_FAILED"
        told = item["problems"] if blocked else item["warnings"]
        assert CASES[name].says in " ".join(told)
        assert all(len(sentence) <= 500 for sentence in (*item["problems"], *item["warnings"]))
        assert verify_history(item["history"])


def test_sound_bills_among_them_are_posted(aftermath: Aftermath) -> None:
    found = [aftermath.items[f"odoo-{n}"] for n in aftermath.sound]
    assert {item["status"] for item in found} == {"POSTED"}
    assert len(found) == 6


def test_neither_slack_nor_quickbooks_refused_anything(aftermath: Aftermath) -> None:
    world = aftermath.world
    requests = world.slack.requests
    assert [r["answer"] for r in requests if r["answer"].get("ok") is False] == []
    assert {r["status"] for r in requests} == {200}
    assert {a["statusCode"] for a in world.answers} == {200}
    assert world.quickbooks.violations == []


def test_what_was_posted_has_the_total_that_was_approved(aftermath: Aftermath) -> None:
    world = aftermath.world
    there = {
        str(bill["PrivateNote"]).partition("]")[0].removeprefix("["): bill["TotalAmt"]
        for realm in world.quickbooks.realms.values()
        for bill in realm.bills.values()
    }
    posted = {i: t["amount_total"] for i, t in aftermath.items.items() if t["status"] == "POSTED"}
    assert there == posted
    assert len(posted) > 25


def test_nothing_is_left_to_be_tried_for_ever(aftermath: Aftermath) -> None:
    assert [b for b in aftermath.batches if b["batchItemFailures"]] == []
    first, again = aftermath.reports
    assert [b for b in first["bills"] if b["outcome"] == "not stored"] == []
    outcomes = {o for counts in again["companies"].values() for o in counts}
    assert outcomes <= {"unchanged", "ignored"}
    assert again["not_yet_read"] == 0
    assert aftermath.world.messages() == []


def test_nobody_reads_what_a_program_says_to_programmers(aftermath: Aftermath) -> None:
    world = aftermath.world
    said = [r["arguments"] for r in world.slack.requests]
    items = [i.get("error", {}) for i in aftermath.items.values()]
    text = json.dumps([said, items, aftermath.reports, world.answers], default=str)
    for told in (text, *world.mails()):
        assert not RAW.search(told)


def test_links_to_pdfs_are_of_bearable_length(aftermath: Aftermath) -> None:
    links = [
        address
        for request in aftermath.world.slack.requests
        if request["method"] == "response_url"
        for address in re.findall(r"https://\S+?filename\S+?(?=[|>])", request["arguments"]["text"])
    ]
    assert len(links) > 20
    assert max(map(len, links)) < 3000


# -- what one bill is enough for -----------------------------------------------------------


def test_a_bill_with_more_lines_than_quickbooks_takes_is_blocked() -> None:
    lines = tuple(a_line("1.00", account_code="6110") for _ in range(LINES + 1))
    bill = a_read_bill(lines=lines)
    found = plan_posting(bill, a_company(), Snapshot(taken_at="2026-11-21", home_currency="USD"))
    assert (
        "QuickBooks accepts at most 10,000 lines; this bill has 10,001. Split it in Odoo."
        in found.problems
    )


def test_more_problems_than_anybody_reads_are_counted() -> None:
    lines = tuple(a_line("1.00", account_code=f"9{n}") for n in range(400))
    found = plan_posting(
        a_read_bill(lines=lines),
        a_company(),
        Snapshot(taken_at="2026-11-21", country="US", home_currency="USD"),
    )
    assert len(found.problems) == 11
    assert found.problems[-1] == "… and 390 more."


def repetitive(count: int, *texts: str) -> Bill:
    rows = (a_line("1.00", text=texts[n % len(texts)]) for n in range(count))
    return a_read_bill(lines=tuple(rows))


def test_hundreds_of_like_lines_are_compared_by_their_number() -> None:
    # Matching them row by row takes the cube of their number: ten minutes for 3,000.
    found = changes(repetitive(3000, "Boxes"), repetitive(2999, "Boxes", "Tape"))
    assert found == ["Many lines changed: 3000 before, 2999 now."]
    assert len(changes(repetitive(100, "Boxes"), repetitive(100, "Boxes", "Tape"))) == 6


def test_two_references_that_only_their_ends_tell_apart_are_no_duplicates() -> None:
    def note_ids(reference: str) -> list[str]:
        vendor = Vendor(odoo_id=7, name="é" * LONG)
        bill = a_read_bill(bill_reference=reference, vendor=vendor)
        return reference_ids(bill, PostingPlan(vendor_name=vendor.name), {}, a_company())

    first, second = (note_ids("x" * LONG + end) for end in "ab")
    assert not set(first) & set(second)
    assert all(len(i.encode()) < 2048 for i in first)
    assert first == note_ids("X" * LONG + " A")


READ_FILES: Final = """
import json, re, sys
from pathlib import Path

from odoo_qb.extraction.files import FileStage
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.reader import BillReader


class Nowhere:
    def keep(self, bill, document, data, *, main):
        assert len(data) == document.size
        return document


def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s*(\\d+)", status)[1]) * 1024


key = {"username": "ap-bot@example.com", "api_key": "sandbox-odoo-key"}
odoo = OdooClient(url=sys.argv[1], database="odoo", **key)
entries = BillReader(odoo, {"1MD": "1MD"}).page(json.loads(sys.argv[2]))
files = FileStage([entry.bill for entry in entries], {})
before, wanted = peak(), files.missing()
files.bring(odoo, Nowhere(), lambda: True)
print(len(wanted), peak() - before)
"""


def test_the_largest_files_fit_the_functions_memory() -> None:
    simulator = Odoo()
    size = 29_000_000
    numbers = [large_file(simulator, size) for _ in range(2)]
    with serve(simulator) as server:
        read = subprocess.run(
            [sys.executable, "-c", READ_FILES, server.url, json.dumps(numbers)],
            env={"PYTHONPATH": str(LAMBDA)},
            capture_output=True,
            text=True,
            check=True,
        )
    files, grown = map(int, read.stdout.split())
    assert files == 2
    assert grown < 7 * size  # of 512 MB, of which a hundred are taken before
