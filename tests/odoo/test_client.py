"""The client of Odoo: every version reads alike, every failure is one clear sentence."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.wrappers import Request, Response

from odoo_qb.bill.checks import problems
from odoo_qb.bill.model import MOVE_TYPES, Bill
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo import reader, search
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.files import read_files
from sandbox.http_server import serve
from sandbox.odoo.errors import OdooError
from sandbox.odoo.server import Odoo as Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIApplication

    from odoo_qb.odoo.records import OdooDocument
    from sandbox.odoo.http import Failure
    from sandbox.odoo.view import User

VERSIONS = (16, 17, 18, 19)
KEY = "sandbox-odoo-key"
LOGIN = "ap-bot@example.com"


def client(url: str, **changed: Any) -> OdooClient:
    given: dict[str, Any] = {"url": url, "database": "odoo", "username": LOGIN, "api_key": KEY}
    return OdooClient(**given | {"sleep": lambda _seconds: None} | changed)


@contextmanager
def a_client(simulator: WSGIApplication, **changed: Any) -> Iterator[OdooClient]:
    with serve(simulator) as server:
        odoo = client(server.url, **changed)
        yield odoo
        odoo._session.close()


def company_keys(simulator: Simulator) -> dict[str, str]:
    names = [str(r["name"]) for r in simulator.records["res.company"].values()]
    return {name: name.lower() for name in names}


def posted_ids(simulator: Simulator) -> list[int]:
    return [
        row["id"]
        for row in simulator.records["account.move"].values()
        if row["move_type"] in MOVE_TYPES and row["state"] == "posted"
    ]


def read(simulator: Simulator, ids: list[int] | None = None) -> list[OdooDocument]:
    with a_client(simulator) as odoo:
        return reader.BillReader(odoo, company_keys(simulator)).page(ids or posted_ids(simulator))


@cache
def bills_of(version: int) -> dict[int, Bill]:
    entries = read(Simulator(version=version))
    return {e.odoo_id: e.bill for e in entries if e.bill}


def one_bill(simulator: Simulator, number: int) -> Bill:
    (entry,) = read(simulator, [number])
    assert entry.bill
    return entry.bill


# -- the bills of four versions ------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_tells_the_same_of_every_bill(version: int) -> None:
    assert len(bills_of(version)) == 98
    assert bills_of(version) == bills_of(18)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_bill_adds_up_and_has_nothing_to_mend(version: int) -> None:
    assert {i: problems(b) for i, b in bills_of(version).items() if problems(b)} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_line_has_the_account_code_of_its_own_company(version: int) -> None:
    simulator = Simulator(version=version)
    codes = {
        (company, str(account["code"]))
        for account in simulator.records["account.account"].values()
        for company in account["company_ids"]
    }
    names = {r["name"].lower(): r["id"] for r in simulator.records["res.company"].values()}
    seen = set()
    for bill in bills_of(version).values():
        for line in bill.lines:
            if line.kind in {"product", "tax"}:
                assert (names[bill.company], line.account_code) in codes
                seen.add(bill.company)
    assert seen == set(names)


def test_kinds_of_documents_and_of_lines_are_told_apart() -> None:
    bills = list(bills_of(18).values())
    kinds = {kind: [b for b in bills if b.move_type == kind] for kind in MOVE_TYPES}
    assert {kind: len(found) for kind, found in kinds.items()} == {
        "in_invoice": 90,
        "in_refund": 4,
        "in_receipt": 4,
    }
    assert all(b.amount_total >= 0 for b in bills)
    assert [b.is_credit for b in kinds["in_refund"]] == [True] * 4
    lines = {line.kind for b in bills for line in b.lines}
    assert lines == {"product", "tax", "section", "note"}
    taxed_credits = [b for b in kinds["in_refund"] if b.amount_tax]
    for bill in taxed_credits:
        assert sum(n.amount for n in bill.lines if n.kind == "tax") == bill.amount_tax


def test_the_vendor_is_the_company_not_its_contact_person() -> None:
    simulator = Simulator()
    partners = simulator.records["res.partner"]
    person = next(p for p in partners.values() if p["parent_id"])
    bill = one_bill(simulator, simulator.new_bill(vendor=person["id"]))
    assert bill.vendor
    assert bill.vendor.odoo_id == person["commercial_partner_id"] != person["id"]
    assert bill.vendor.name == partners[person["commercial_partner_id"]]["name"]


def test_an_archived_vendor_is_read_all_the_same() -> None:
    simulator = Simulator()
    simulator.records["res.partner"][14]["active"] = False
    bill = one_bill(simulator, simulator.new_bill(vendor=14))
    assert bill.vendor
    assert (bill.vendor.odoo_id, bill.vendor.name) == (14, "Acme Botanicals LLC")


def test_false_is_an_empty_text_and_no_date() -> None:
    simulator = Simulator()
    number = simulator.new_bill(reference="", lines=[("", "5.00")])
    simulator.amend(number, invoice_date_due=False, invoice_payment_term_id=False)
    bill = one_bill(simulator, number)
    assert (bill.bill_reference, bill.payment_terms, bill.po_number) == ("", "", "")
    assert bill.due_date is None
    assert bill.lines[0].text == ""


def test_text_comes_as_it_was_typed() -> None:
    typed = '<b>Boxes</b> & "tape" 📦\nsize 3'
    simulator = Simulator()
    assert one_bill(simulator, simulator.new_bill(lines=[(typed, "1")])).lines[0].text == typed


def test_money_never_passes_through_a_float() -> None:
    simulator = Simulator()
    number = simulator.new_bill(lines=[("a", "0.10"), ("b", "0.20")])
    simulator.amend(number, amount_untaxed=0.1 + 0.2, amount_total=317.84000000000003)
    bill = one_bill(simulator, number)
    assert (bill.amount_untaxed, bill.amount_total) == (Decimal("0.3"), Decimal("317.84"))


def test_a_bill_in_another_currency_keeps_both_totals() -> None:
    foreign = [b for b in bills_of(18).values() if b.currency != b.company_currency]
    assert foreign
    for bill in foreign:
        assert bill.company_total > 0
        assert bill.company_total != bill.amount_total
        assert sum(n.amount for n in bill.lines if n.kind == "product") == bill.amount_untaxed


# -- attachments ---------------------------------------------------------------------------


def names_of(simulator: Simulator, number: int) -> list[str]:
    return [d.name for d in one_bill(simulator, number).documents]


def test_the_main_attachment_comes_first_else_the_first_pdf_by_id() -> None:
    simulator = Simulator()
    number = simulator.new_bill()
    simulator.attach(number, "photo.png", b"png")
    simulator.attach(number, "terms.pdf", b"%PDF terms")
    chosen = simulator.attach(number, "bill.pdf", b"%PDF bill")
    assert names_of(simulator, number) == ["terms.pdf", "bill.pdf", "photo.png"]
    simulator.amend(number, message_main_attachment_id=chosen)
    assert names_of(simulator, number) == ["bill.pdf", "terms.pdf", "photo.png"]


def test_an_image_as_main_attachment_does_not_go_before_a_pdf() -> None:
    simulator = Simulator()
    number = simulator.new_bill()
    simulator.attach(number, "photo.png", b"png", main=True)
    simulator.attach(number, "bill.pdf", b"%PDF bill")
    assert names_of(simulator, number) == ["bill.pdf", "photo.png"]


def test_a_link_and_a_file_too_large_are_named_and_not_read() -> None:
    simulator = Simulator()
    number = simulator.new_bill()
    link = simulator.attach(number, "portal", b"")
    simulator.records["ir.attachment"][link]["type"] = "url"
    large = simulator.attach(number, "scan.pdf", b"%PDF")
    simulator.records["ir.attachment"][large]["file_size"] = 41_000_000
    bill = one_bill(simulator, number)
    assert bill.documents == ()
    assert bill.unsupported == ("portal (a link)", "scan.pdf (41 MB)")


def test_files_are_read_fifty_at_a_time_and_never_more_than_fits_one_answer() -> None:
    simulator = Simulator()
    number = simulator.new_bill()
    for n in range(120):
        simulator.attach(number, f"{n}.pdf", f"%PDF {n}".encode())
    bill = one_bill(simulator, number)
    with a_client(simulator) as odoo:
        batches = list(read_files(odoo, bill.documents))
        assert [len(batch) for batch in batches] == [50, 50, 20]
        read_data = [data for batch in batches for _, data in batch]
        assert read_data == [f"%PDF {n}".encode() for n in range(120)]
        large = [replace(d, size=5_000_000) for d in bill.documents[:3]]
        assert [len(batch) for batch in read_files(odoo, large)] == [1, 1, 1]


def test_a_file_that_odoo_lost_is_told_from_one_that_was_deleted() -> None:
    simulator = Simulator()
    number = simulator.new_bill()
    lost = simulator.attach(number, "lost.pdf", b"%PDF")
    deleted = simulator.attach(number, "deleted.pdf", b"%PDF")
    documents = one_bill(simulator, number).documents
    simulator.records["ir.attachment"][lost]["datas"] = False
    simulator.detach(deleted)
    with a_client(simulator) as odoo:
        (batch,) = read_files(odoo, documents)
    assert [(d.name, data) for d, data in batch] == [("lost.pdf", None)]


# -- searching -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_search_finds_every_state_and_what_has_no_date_yet(version: int) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator) as odoo:
        found = search.search_changed(odoo, watermark="", dated_from=date(2026, 1, 1))
        later = search.search_changed(odoo, watermark="", dated_from=date(2026, 11, 1))
        written = search.search_changed(
            odoo, watermark="2026-11-21 01:19:00", dated_from=date(2026, 1, 1)
        )
    assert len(found) == 130
    assert [c.written for c in found] == sorted(c.written for c in found)
    assert len(later) < 130
    assert 0 < len(written) < 130


def test_what_is_hidden_is_not_taken_for_gone() -> None:
    simulator = Simulator()
    ids = posted_ids(simulator)[:3]
    others = next(i for i in posted_ids(simulator) if _company(simulator, i) != 1)
    with a_client(simulator) as odoo:
        assert search.existing(odoo, [*ids, 99_999], 1) == set(ids)
        with pytest.raises(Refused):
            search.existing(odoo, [*ids, others], 1)


def _company(simulator: Simulator, number: int) -> int:
    return int(simulator.records["account.move"][number]["company_id"])


def test_a_company_that_the_user_does_not_see_is_none() -> None:
    simulator = Simulator()
    narrow = replace(simulator.users[6], companies=(2,))
    with a_client(simulator) as odoo:
        name = str(simulator.records["res.company"][1]["name"])
        assert search.company_id(odoo, name) == 1
        simulator.admit(narrow)
        assert search.company_id(odoo, name) is None


# -- a bill that cannot be read ------------------------------------------------------------


class Poisoned(Simulator):
    """An Odoo that fails on certain records, as a damaged one does."""

    poison: frozenset[int] = frozenset()

    def run(
        self, user: User, model: str, method: str, args: list[Any], kwargs: dict[str, Any]
    ) -> object:
        full = "line" in model or len(kwargs.get("fields", ())) > 8
        ids = args[0][0][2] if "line" in model else args[0] if method == "read" else []
        if full and self.poison.intersection(ids):
            raise OdooError("builtins.ValueError", "Expected singleton: account.move()")
        return super().run(user, model, method, args, kwargs)


def test_a_bill_that_odoo_cannot_give_does_not_stop_its_neighbours() -> None:
    simulator = Poisoned()
    ids = posted_ids(simulator)
    simulator.poison = frozenset(ids[7:9])
    entries = read(simulator, ids)
    assert [e.odoo_id for e in entries] == ids
    unreadable = [e.bill for e in entries if e.bill and e.bill.unreadable]
    assert [b.odoo_id for b in unreadable] == ids[7:9]
    assert unreadable[0].unreadable == (
        "This bill cannot be read (Odoo refused the request: Expected singleton:"
        " account.move()). Open and check it in Odoo."
    )


class Private(Simulator):
    """An Odoo that hides certain records from our user, as a record rule does."""

    hidden: frozenset[tuple[str, int]] = frozenset()

    def run(
        self, user: User, model: str, method: str, args: list[Any], kwargs: dict[str, Any]
    ) -> object:
        if method == "read" and any((model, i) in self.hidden for i in args[0]):
            raise OdooError("odoo.exceptions.AccessError", f"You may not read {model}.")
        return super().run(user, model, method, args, kwargs)


@pytest.mark.parametrize("model", ["res.partner", "account.account", "account.tax"])
def test_what_our_user_may_not_read_is_the_fault_of_the_bills_that_name_it(model: str) -> None:
    simulator = Private()
    bills = bills_of(18)
    (record,) = [min(_used(simulator, model))]
    simulator.hidden = frozenset({(model, record)})
    entries = read(simulator)
    unreadable = {e.odoo_id: e.bill.unreadable for e in entries if e.bill and e.bill.unreadable}
    assert 0 < len(unreadable) < len(bills)
    assert all("the Odoo user may not read" in said for said in unreadable.values())
    sound = {e.odoo_id: e.bill for e in entries if e.odoo_id not in unreadable}
    assert sound == {i: b for i, b in bills.items() if i not in unreadable}


def test_a_right_that_our_user_lacks_stops_the_run() -> None:
    simulator = Private()
    vendors = simulator.records["res.partner"]
    simulator.hidden = frozenset(("res.partner", i) for i in vendors)
    with pytest.raises(Refused, match="lacks a right"):
        read(simulator)
    assert len(simulator.calls) < 40


def _used(simulator: Simulator, model: str) -> set[int]:
    """The records of a model that some posted bills name, and not all of them."""
    if model == "res.partner":
        moves = simulator.records["account.move"]
        return {int(moves[i]["commercial_partner_id"]) for i in posted_ids(simulator)}
    rows = simulator.records["account.move.line"].values()
    ours = [r for r in rows if r["move_id"] in posted_ids(simulator)]
    if model == "account.tax":
        return {int(i) for r in ours for i in r["tax_ids"]}
    return {int(r["account_id"]) for r in ours if r["display_type"] == "product"}


def test_when_every_bill_is_refused_the_run_stops_soon() -> None:
    simulator = Poisoned()
    simulator.poison = frozenset(posted_ids(simulator))
    with pytest.raises(Refused, match="Odoo refused the request: Expected singleton"):
        read(simulator)
    assert len(simulator.calls) < 40


@pytest.mark.parametrize(
    "damage",
    [
        {"amount_total": "a lot"},
        {"currency_id": 5, "amount_total_signed": "much"},
        {"invoice_date": "yesterday"},
        {"amount_untaxed": 1e40},
    ],
    ids=str,
)
def test_data_that_makes_no_sense_is_told_as_a_problem(damage: dict[str, Any]) -> None:
    simulator = Simulator()
    damaged, sound = simulator.new_bill(reference="A"), simulator.new_bill(reference="B")
    simulator.amend(damaged, **damage)
    first, second = read(simulator, [damaged, sound])
    assert first.bill
    assert second.bill
    assert problems(first.bill)[0].startswith("This bill cannot be read (")
    assert problems(second.bill) == ()


# -- two protocols -------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_json_2_needs_no_login_and_older_versions_are_asked_for_it_once(version: int) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator) as odoo:
        for _ in range(2):
            assert odoo.call("account.move", "search", [["id", "=", 1]]) == [1]
    searches = ["account.move.search"] * 2
    expected = searches if version >= 19 else ["json.2", "common.authenticate", *searches]
    assert simulator.calls == expected
    assert odoo.calls == len(expected)


@pytest.mark.parametrize("version", VERSIONS)
def test_who_knows_what_a_server_speaks_asks_for_nothing_in_vain(version: int) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator) as odoo:
        odoo.protocol = "json-2" if version >= 19 else "json-rpc"
        assert odoo.call("account.move", "read", [1], fields=["ref"])[0]["ref"] == "1M-INV-1001"
    assert simulator.calls.count("json.2") == 0
    assert odoo.calls == (1 if version >= 19 else 2)


def test_both_protocols_tell_the_same_of_every_bill() -> None:
    simulator = Simulator(version=19)
    told = []
    with serve(simulator) as server:
        for speaks in ("json-2", "json-rpc"):
            odoo = client(server.url)
            odoo.protocol = speaks
            books = reader.BillReader(odoo, company_keys(simulator))
            told.append(books.page(posted_ids(simulator)))
            assert odoo.protocol == speaks
            assert "common.authenticate" in simulator.calls or speaks == "json-2"
    assert len(told[0]) == 98
    assert told[0] == told[1]


def test_a_password_opens_json_rpc_where_json_2_takes_keys_only() -> None:
    simulator = Simulator(version=19)
    with a_client(simulator, api_key="sandbox-odoo-password") as odoo:
        assert odoo.call("account.move", "search", [["id", "=", 1]]) == [1]
        assert odoo.protocol == "json-rpc"


def test_a_proxy_with_its_own_password_still_gets_through_by_json_rpc() -> None:
    simulator = Simulator(version=19)
    with serve(simulator) as server:
        odoo = client(server.url.replace("http://", "http://proxy:hush@"))
        assert odoo.call("account.move", "search", [["id", "=", 1]]) == [1]
        assert odoo.protocol == "json-rpc"


@pytest.mark.parametrize(
    ("method", "fields", "sentence"),
    [
        ("read", ["nonsense"], "Odoo refused the request: Invalid field 'nonsense'"),
        ("nonsense", [], "Odoo refused the request: The method 'account.move.nonsense'"),
    ],
)
def test_an_error_of_json_2_is_the_same_sentence(
    method: str, fields: list[str], sentence: str
) -> None:
    simulator = Simulator(version=19)
    with a_client(simulator) as odoo:
        for speaks in (None, "json-2"):
            odoo.protocol = speaks
            with pytest.raises(Refused) as error:
                odoo.call("account.move", method, [1], fields=fields)
            assert str(error.value).startswith(sentence)
    assert "common.authenticate" not in simulator.calls


class Upgraded(Simulator):
    """A server that was another version when it was asked last."""

    def become(self, version: int) -> None:
        self.version = version


def test_a_server_that_no_longer_speaks_json_2_is_asked_over_json_rpc() -> None:
    simulator = Upgraded(version=19)
    with a_client(simulator) as odoo:
        odoo.call("account.move", "search", [])
        assert "common.authenticate" not in simulator.calls
        simulator.become(18)  # restored from a backup, say
        simulator.admit(replace(simulator.users[5], uid=6))
        assert odoo.call("account.move", "search", [])
        assert odoo.protocol == "json-rpc"


@pytest.mark.parametrize("kind", ["bad_gateway", "html", "cut", "reset"])
def test_a_failure_proves_nothing_about_the_protocol(kind: Failure) -> None:
    simulator = Simulator(version=19)
    with a_client(simulator) as odoo:
        simulator.fail(kind, times=1)
        assert odoo.call("account.move", "search", [["id", "=", 1]]) == [1]
        odoo.protocol = "json-2"
        simulator.fail(kind, times=2)
        assert odoo.call("account.move", "search", [["id", "=", 1]]) == [1]
        assert odoo.protocol == "json-2"


# -- failures ------------------------------------------------------------------------------


def sentence_of(odoo: OdooClient) -> str:
    with pytest.raises((Refused, Unavailable)) as error:
        odoo.call("account.move", "search", [])
    text = str(error.value)
    assert KEY not in text
    assert "Traceback" not in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("version", VERSIONS)
def test_a_wrong_password_an_unknown_login_and_an_unknown_database(version: int) -> None:
    with serve(Simulator(version=version)) as server:
        denied = "Odoo refused the user ap-bot@example.com in the database odoo: check"
        assert sentence_of(client(server.url, api_key="wrong")).startswith(denied)
        if version < 19:  # from 19 on a key alone says whose it is
            unknown = sentence_of(client(server.url, username="nobody"))
            assert unknown.startswith("Odoo refused the user nobody")
        host = server.url.removeprefix("http://")
        assert sentence_of(client(server.url, database="prod")) == (
            f"Odoo at {host} has no database prod: check odoo_database."
        )


def test_a_key_that_expires_is_noticed_and_a_new_one_logs_in_again() -> None:
    simulator = Simulator()
    with a_client(simulator) as odoo:
        odoo.call("account.move", "search", [])
        user = simulator.users[6]
        simulator.admit(replace(user, api_key="rotated"))
        assert "an ordinary user's key ends after 90 days" in sentence_of(odoo)
        simulator.admit(user)
        odoo.call("account.move", "search", [])
        assert simulator.calls.count("common.authenticate") == 2


def test_a_server_that_is_not_there() -> None:
    with serve(Simulator()) as server:
        url = server.url
    assert sentence_of(client(url)) == (
        f"Odoo at {url.removeprefix('http://')} cannot be reached: check odoo_api_url, and that"
        " the server is up and open to this network."
    )


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("bad_gateway", "answered with HTTP status 502 and no data"),
        ("html", "answered with HTTP status 200 and no data"),
        ("cut", "broke off in its answer"),
        ("database", "is not available just now"),
        ("reset", "cannot be reached"),
    ],
)
@pytest.mark.parametrize("version", [18, 19])
def test_a_passing_failure_is_tried_three_times_and_then_told(
    version: int, kind: Failure, sentence: str
) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator) as odoo:
        odoo.call("account.move", "search", [])
        simulator.fail(kind, method="account.move.search", times=2)
        before = odoo.calls
        assert odoo.call("account.move", "search", [])
        assert odoo.calls == before + 3
        simulator.fail(kind, method="account.move.search", times=3)
        assert sentence in sentence_of(odoo)
        simulator.faults.clear()
        assert odoo.call("account.move", "search", [])


@pytest.mark.parametrize(
    ("version", "kind", "sentence"),
    [
        (18, "denied", "Odoo refused the user ap-bot@example.com in the database odoo"),
        (18, "no_right", "it needs read access to accounting in every configured company"),
        (18, "expired", "Odoo refused the request: Session expired"),
        (19, "no_right", "it needs read access to accounting in every configured company"),
        (19, "expired", "Odoo refused the request: Session expired"),
    ],
)
def test_a_refusal_is_not_tried_again(version: int, kind: Failure, sentence: str) -> None:
    simulator = Simulator(version=version)
    with a_client(simulator) as odoo:
        odoo.call("account.move", "search", [])
        simulator.fail(kind, method="account.move.search")
        before = odoo.calls
        assert sentence in sentence_of(odoo)
        assert odoo.calls == before + 1


def test_a_slow_answer_is_waited_for_and_one_too_slow_is_not_asked_for_again() -> None:
    simulator = Simulator()
    with a_client(simulator, answer_seconds=1.5) as odoo:
        odoo.call("account.move", "search", [])
        simulator.fail("slow", method="account.move.search", seconds=0.05)
        assert odoo.call("account.move", "search", [])
        hold = simulator.fail("slow", method="account.move.search", seconds=600.0)
        assert sentence_of(odoo).endswith("did not answer in time.")
        assert hold.lasts  # nobody waited for its end
        hold.let_go()


def answering(body: bytes, kind: str = "application/json", status: int = 200) -> WSGIApplication:
    @Request.application
    def application(_: Request) -> Response:
        headers = {"Location": "https://elsewhere.example/jsonrpc"}
        return Response(body, status, headers, content_type=kind)

    return application


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"[]", "sent an unexpected response"),
        (b"7", "sent an unexpected response"),
        (b"", "broke off in its answer"),
        (b'{"result": "\xff', "broke off in its answer"),
        (b'{"error": "no"}', "sent an unexpected response"),
        (b'{"error": {}}', "sent an unexpected response"),
        (b'{"error": {"data": "none"}}', "sent an unexpected response"),
        (b'{"jsonrpc": "2.0", "id": 1}', "sent an unexpected response"),
        (b'{"result": [true]}', "sent an unexpected response"),
        (
            json.dumps({"error": {"data": {"name": "E", "message": f"bad {KEY}\nTrace"}}}).encode(),
            "Odoo refused the request: bad ***",
        ),
    ],
)
def test_an_answer_that_is_none_is_one_sentence_too(body: bytes, sentence: str) -> None:
    with a_client(answering(body)) as odoo:
        odoo.protocol = "json-rpc"
        assert sentence in sentence_of(odoo)


def test_a_redirect_is_not_followed_with_the_key() -> None:
    with a_client(answering(b"", status=308)) as odoo:
        assert "redirected us to another address, where nothing was sent" in sentence_of(odoo)
        assert "check odoo_api_url" in sentence_of(odoo)


def test_an_address_with_a_password_is_told_without_it() -> None:
    with serve(answering(b"", "text/html")) as server:
        url = server.url.replace("http://", "http://proxy:hush@")
        assert "hush" not in sentence_of(client(url))
