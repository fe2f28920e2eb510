"""What real Odoo does to a reader: each habit that was met, against the whole extractor."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

import extractor
import poster
from odoo_qb.bill.checks import problems
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.extraction.request import request_of
from odoo_qb.guarding import BadRecords
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.reader import BillReader
from sandbox.http_server import serve
from sandbox.in_process.chain import a_world
from sandbox.odoo.server import Odoo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from sandbox.in_process.chain import World
    from sandbox.odoo.http import Failure
    from sandbox.odoo.view import User

COMPANY: Final = "1MD"
WATERMARK: Final = "watermark#odoo"
ACME: Final = 14


@pytest.fixture
def books(world: World) -> World:
    """A world where Odoo has no bill since go-live yet."""
    world.forget_old_bills()
    return world


@pytest.fixture(params=[18, 19])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The same over /jsonrpc and over /json/2."""
    for world in a_world(monkeypatch, version=request.param):
        world.forget_old_bills()
        yield world


def run(**given: Any) -> Json:
    """A plain run of the real wiring, with pages of any size and as much time as a test wants."""
    extraction = extractor.wired.run(lambda: 240.0, datetime.now(UTC), BadRecords())
    return replace(extraction, **given).run(request_of({}, {}), datetime.now(UTC)).as_json()


def outcomes(report: Json) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in report["companies"].values():
        total.update(counts)
    return total


def run_hastily() -> Json:
    """A run whose client does not pause between its tries."""
    extractor.wired.use(sleep=lambda _seconds: None)
    return run()


def approve_all(world: World) -> None:
    world.show()
    for entry_id, item in sorted(world.items().items()):
        if item["status"] == "READY_FOR_APPROVAL":
            world.click(entry_id, "approve_invoice")
    world.post()


# -- transactions and seconds --------------------------------------------------------------


def test_what_commits_later_than_any_look_back_is_found_by_the_daily_run(books: World) -> None:
    books.odoo.new_bill(reference="A")
    books.extract()
    late = books.odoo.new_bill(reference="B", at=datetime.now(UTC) - timedelta(minutes=40))
    books.extract()
    assert f"odoo-{late}" not in books.items()
    books.extract(full=True)
    assert books.item(f"odoo-{late}")["status"] == "READY_FOR_APPROVAL"


def test_bills_of_one_second_are_all_read_by_runs_that_are_short_of_time(books: World) -> None:
    at = datetime.now(UTC) - timedelta(hours=2)
    numbers = [books.odoo.new_bill(reference=f"A-{n}", at=at) for n in range(90)]
    found = []
    for _ in range(3):
        start = len(books.aws.calls)

        def seconds_left(start: int = start) -> float:
            stored = sum(operation == "PutItem" for operation, _ in books.aws.calls[start:])
            return 240.0 - 8 * stored

        run(page_size=10, seconds_left=seconds_left)
        found.append(len(books.items()))
    assert found == [30, 60, 90]
    assert set(books.items()) == {f"odoo-{n}" for n in numbers}


class Hurried(Odoo):
    """A bookkeeper amends a bill just when its lines are about to be read."""

    amended: int = 0

    def run(
        self, user: User, model: str, method: str, args: list[Any], kwargs: dict[str, Any]
    ) -> object:
        if model == "account.move.line" and self.amended:
            number, self.amended = self.amended, 0
            self.amend(number, lines=[("More", "70.00")])
        return super().run(user, model, method, args, kwargs)


def test_a_bill_amended_between_two_calls_is_not_asked_about_half_old_half_new() -> None:
    simulator = Hurried()
    number = simulator.new_bill()
    name = str(simulator.records["res.company"][1]["name"])
    (user,) = simulator.users.values()
    with serve(simulator) as server:
        odoo = OdooClient(
            url=server.url, database="odoo", username=user.login, api_key=user.api_key
        )
        simulator.amended = number
        (mixed,), (whole,) = (BillReader(odoo, {name: COMPANY}).page([number]) for _ in range(2))
    assert mixed.bill
    assert whole.bill
    assert problems(mixed.bill)[0].startswith("Its journal items add up to 70.00 USD, not to")
    assert problems(whole.bill) == ()


# -- renamed vendors -----------------------------------------------------------------------


def test_a_renamed_vendor_rewrites_all_its_bills_and_changes_none(books: World) -> None:
    poster.lambda_handler({"action": "sync_reference"}, None)
    for n in range(6):
        books.odoo.new_bill(reference=f"A-{n}")
    books.extract()
    approve_all(books)  # while QuickBooks had no such vendor: its name was part of the question
    books.odoo.new_bill(reference="waiting")
    books.extract()
    before, calls = books.items(), len(books.odoo.calls)
    assert Counter(i["status"] for i in before.values()) == {"POSTED": 6, "READY_FOR_APPROVAL": 1}
    books.odoo.rename_vendor(ACME, "Acme Holdings")
    report = books.extract()
    assert outcomes(report)["unchanged"] == 7
    assert report["bills"] == []
    assert books.items() == before
    touched = sum(outcomes(report).values())
    assert touched > 7  # the drafts and cancelled ones, too
    # A search, one for files, then for the page: bills, lines, files, users, accounts, vendors,
    # taxes, companies.
    assert len(books.odoo.calls) - calls <= 2 + 7 + len(books.odoo.records["res.company"])


def test_a_vendor_that_quickbooks_does_not_know_yet_is_asked_about_under_its_new_name(
    books: World,
) -> None:
    number = books.odoo.new_bill()
    poster.lambda_handler({"action": "sync_reference"}, None)
    books.extract()
    books.show()
    books.odoo.rename_vendor(ACME, "Somebody Else Inc")
    books.extract()
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("READY_FOR_APPROVAL", 2)
    assert item["changes"] == ["The vendor changed from Acme Botanicals LLC to Somebody Else Inc."]
    assert "New vendor: Somebody Else Inc will be created in QuickBooks." in item["warnings"]


# -- attachments ---------------------------------------------------------------------------


def test_a_file_attached_to_a_posted_bill_is_told_and_not_passed_on_unasked(books: World) -> None:
    number = books.odoo.new_bill()
    books.odoo.attach(number, "bill.pdf", b"%PDF one", main=True)
    books.extract()
    approve_all(books)
    books.odoo.attach(number, "late.pdf", b"%PDF late")
    assert outcomes(books.extract()) == {"changed afterwards": 1}
    books.show()
    approve_all(books)
    item = books.item(f"odoo-{number}")
    assert (item["status"], item["revision"]) == ("POSTED", 1)
    assert item["amended_after"]
    assert item["quickbooks"]["attachments"] == ["bill.pdf"]
    card = books.slack.channels[item["cards"][-1]["channel"]].messages[item["cards"][-1]["ts"]]
    assert "was changed in Odoo after it was posted: a file was added: late.pdf." in str(
        card.blocks
    )


def test_files_of_the_chatter_are_the_bills_and_a_message_is_none(books: World) -> None:
    number = books.odoo.new_bill(at=datetime.now(UTC) - timedelta(days=1))
    books.extract()
    before = books.item(f"odoo-{number}")
    books.odoo.messages.append((number, "Paid on Friday"))
    books.extract()
    assert books.item(f"odoo-{number}") == before
    mail = books.odoo.attach(number, "mail.eml", b"From: vendor")
    books.extract()
    names = [d["name"] for d in books.item(f"odoo-{number}")["documents"]]
    assert (names, mail > 0) == (["mail.eml"], True)


def test_a_headline_of_19_is_a_section_like_any(monkeypatch: pytest.MonkeyPatch) -> None:
    for world in a_world(monkeypatch, version=19):
        world.forget_old_bills()
        number = world.odoo.new_bill(lines=[("Part one", "0.00"), ("Boxes", "5.00")])
        first = world.odoo.records["account.move"][number]["line_ids"][0]
        headline = {"display_type": "line_subsection", "account_id": False}
        world.odoo.records["account.move.line"][first] |= headline
        world.extract()
        item = world.item(f"odoo-{number}")
        assert [n["kind"] for n in item["lines"]] == ["section", "product"]
        approve_all(world)
        assert world.item(f"odoo-{number}")["status"] == "POSTED"


# -- keys, rights and answers --------------------------------------------------------------


def test_a_key_that_ends_within_a_run_loses_nothing(either: World) -> None:
    world = either
    numbers = [world.odoo.new_bill(reference=f"A-{n}") for n in range(6)]
    (user,) = world.odoo.users.values()

    def ends(operation: str, _: Any) -> bool:
        if operation == "PutItem":  # the first page is being stored
            world.odoo.admit(replace(user, api_key="rotated", password="rotated"))
        return False

    world.aws.refuses = ends
    with pytest.raises(Refused, match="an ordinary user's key ends after 90 days"):
        run(page_size=2)
    world.aws.refuses = lambda _operation, _arguments: False
    assert len(world.items()) == 2
    note = world.table.read_note(WATERMARK)
    assert "lease_until" not in note
    world.odoo.admit(user)  # the operator put a new key into the secret
    world.restart()
    assert outcomes(run(page_size=2)) == {"unchanged": 2, "ready": 4}
    assert set(world.items()) == {f"odoo-{n}" for n in numbers}


@pytest.mark.parametrize("kind", ["bad_gateway", "html", "cut", "reset", "database"])
def test_whatever_answer_fails_the_next_run_has_it_all(either: World, kind: Failure) -> None:
    world = either
    world.odoo.new_bill(reference="first")
    world.extract()
    number = world.odoo.new_bill()
    world.odoo.attach(number, "bill.pdf", b"%PDF one", main=True)
    for method in ("account.move.search_read", "account.move.line.search_read"):
        before = world.items()
        world.odoo.fail(kind, method=method, times=3)
        with pytest.raises(Unavailable):
            run_hastily()
        world.odoo.faults.clear()
        assert world.items() == before
    assert outcomes(world.extract())["ready"] == 1
    assert world.item(f"odoo-{number}")["pdf_key"]


def test_a_company_that_was_hidden_stops_neither_the_others_nor_its_own_return(
    either: World,
) -> None:
    world = either
    blocked, other = world.odoo.new_bill(company=1), world.odoo.new_bill(company=2)
    world.odoo.amend(blocked, amount_total=1.0)
    world.extract()
    (user,) = world.odoo.users.values()
    world.odoo.admit(replace(user, companies=(2, 3, 4)))
    poster.lambda_handler({"action": "sync_reference"}, None)  # blocked bills are looked at again
    world.odoo.amend(other, lines=[("x", "7.00")])
    report = world.extract()
    assert outcomes(report) == {"ready": 1}
    assert report["checked_again"] == 0
    assert world.item(f"odoo-{blocked}")["status"] == "VALIDATION_FAILED"
    assert not [m for m in world.mails() if "No bills could be read" in m]
    world.odoo.admit(user)
    world.odoo.amend(blocked, amount_total=100.0)
    world.extract()
    assert world.item(f"odoo-{blocked}")["status"] == "READY_FOR_APPROVAL"


# -- two protocols -------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "first", "idle"), [(16, 3, 2), (18, 3, 2), (19, 1, 1)])
def test_a_function_that_starts_anew_knows_what_odoo_speaks(
    monkeypatch: pytest.MonkeyPatch, version: int, first: int, idle: int
) -> None:
    for world in a_world(monkeypatch, version=version):
        world.forget_old_bills()
        assert world.extract()["odoo_calls"] == first
        world.restart()
        assert world.extract()["odoo_calls"] == idle
        assert world.extract()["odoo_calls"] == 1


def test_an_upgrade_is_noticed_by_the_daily_run(books: World) -> None:
    books.extract()
    assert books.table.read_note(WATERMARK)["speaks"] == "json-rpc"
    books.odoo.version = 19
    books.extract()
    assert books.table.read_note(WATERMARK)["speaks"] == "json-rpc"
    books.extract(full=True)
    assert books.table.read_note(WATERMARK)["speaks"] == "json-2"
    books.odoo.version = 18  # restored from a backup
    number = books.odoo.new_bill()
    books.extract()
    assert books.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL"
    assert books.table.read_note(WATERMARK)["speaks"] == "json-rpc"


def test_a_bill_goes_the_whole_way_from_odoo_19(monkeypatch: pytest.MonkeyPatch) -> None:
    for world in a_world(monkeypatch, version=19):
        world.forget_old_bills()
        world.odoo.add_copies(4)
        world.extract()
        approve_all(world)
        statuses = Counter(i["status"] for i in world.items().values())
        assert "common.authenticate" not in world.odoo.calls
        assert statuses["POSTED"] == sum(statuses.values())
        assert world.quickbooks.violations == []
