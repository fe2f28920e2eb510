"""What QuickBooks and Intuit answer that is no answer: nothing is believed, nothing made twice."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

import poster
from odoo_qb.bill.model import Vendor
from odoo_qb.errors import Disconnected, Unavailable
from odoo_qb.quickbooks import sync
from sandbox.http_server import serve
from sandbox.in_process.chain import Context, a_world
from sandbox.quickbooks.server import QuickBooks
from tests.support.builders import ACME, a_bill
from tests.support.garbage import FOREIGN, KINDS, Elsewhere, Garbled, Rule
from tests.support.posting_fixture import a_desk, a_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odoo_qb.bill.item import Item
    from odoo_qb.quickbooks.client import QuickBooksClient
    from tests.support.posting_fixture import Desk

# What goes wrong in a posting, and in which of its calls; None is the kind under test.
SCENARIOS: Final[dict[str, list[dict[str, Any]]]] = {
    "look": [{"part": "from Bill", "times": 1}],
    "create that was not made": [{"part": "/bill ", "times": 1}],
    "create that was made": [{"part": "/bill ", "times": 1, "done": True}],
    "create and its repeat, which was made": [
        {"part": "/bill ", "times": 1},
        {"part": "/bill ", "times": 1, "done": True},
        {"part": "from Bill", "skip": 1, "times": 2},
    ],
    "create that was made, its repeat and every look": [
        {"part": "/bill ", "times": 2, "done": True},
        {"part": "from Bill", "skip": 1, "times": 2},
    ],
    "reading again what a repeat made": [
        {"part": "/bill ", "times": 1, "done": True},
        {"part": "/bill/", "times": 1},
    ],
    "upload that was not done": [{"part": "/upload ", "times": 1}],
    "upload that was done, and the look": [
        {"part": "/upload ", "times": 1, "done": True},
        {"part": "from Attachable", "times": 1},
    ],
    "vendor that was not made": [{"part": "/vendor ", "times": 1}],
    "vendor that was made": [{"part": "/vendor ", "times": 1, "done": True}],
    "look for a vendor whose name is taken": [{"part": "from Vendor where Disp", "times": 1}],
}


@contextmanager
def a_garbled_desk() -> Iterator[tuple[Desk, Garbled, Elsewhere]]:
    """A poster's desk with a stand-in in front of QuickBooks, and a host to which none is to go."""
    elsewhere = Elsewhere()
    with a_desk() as desk, serve(elsewhere) as other:
        garbled = Garbled(desk.quickbooks, other.url)
        with serve(garbled) as server:
            desk.url = server.url
            yield desk, garbled, elsewhere


def deliver(desk: Desk, item: Item, times: int) -> list[str]:
    """What the poster says, delivery by delivery, until the bill is done with."""
    said: list[str] = []
    for number in range(times):
        stored = desk.stored(item["entry_id"])
        if stored["status"] in {"POSTED", "ALREADY_IN_QB", "POST_FAILED"}:
            break
        said.append(desk.post(stored, f"m{number}"))
        desk.now += timedelta(seconds=300)
    return said


def mine(desk: Desk, item: Item) -> list[dict[str, Any]]:
    """The documents in QuickBooks that are this bill."""
    mark = f"[{item['entry_id']}]"
    return [d for d in desk.realm.bills.values() if mark in str(d.get("PrivateNote"))]


@pytest.mark.parametrize("name", SCENARIOS)
def test_garbage_in_any_call_of_a_posting_costs_time_and_nothing_else(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with a_garbled_desk() as (desk, garbled, elsewhere):
        desk.poster().synced(desk.company, desk.api())
        for number, kind in enumerate(KINDS, start=1):
            said = f"{name}, {kind}"
            vendor = Vendor(odoo_id=number, name=f"Vendor {number}") if "vendor" in name else ACME
            bill = a_bill(odoo_id=number, bill_reference=f"INV-{number}", vendor=vendor)
            item = desk.approve(replace(bill, documents=(a_file(f"{number}.pdf", number),)))
            if "taken" in name:
                taken = {"DisplayName": vendor.name, "CurrencyRef": {"value": "USD"}}
                desk.realm.add("Vendor", taken | {"Active": True}, desk.now)
            garbled.rules = [Rule(kind=kind, **rule) for rule in SCENARIOS[name]]
            told = deliver(desk, item, 12)
            assert any(r.struck for r in garbled.rules), said
            stored = desk.stored(item["entry_id"])
            assert stored["status"] == "POSTED", f"{said}: {told}, {stored.get('error')}"
            assert len(mine(desk, item)) == 1, said
            names = [a["FileName"] for a in desk.realm.attachables.values()]
            assert names.count(f"{number}.pdf") == 1, said
            assert stored["quickbooks"]["not_attached"] == [], said
            vendors = [v["DisplayName"] for v in desk.realm.vendors.values()]
            assert vendors.count(vendor.name) == 1, said
            assert FOREIGN not in json.dumps([told, stored], default=str), said
        assert elsewhere.came == []
        assert desk.alarms == []
    assert FOREIGN not in caplog.text


@pytest.mark.parametrize("kind", ["an empty object", "a note", "a redirect (302)", "rows of null"])
def test_a_create_that_nobody_knows_of_is_never_made_again_under_another_content(
    kind: str,
) -> None:
    with a_garbled_desk() as (desk, garbled, _):
        item = desk.approve()
        garbled.rules = [
            Rule(part="/bill ", kind="nothing", done=True),
            Rule(part="from Bill", kind=kind, skip=1),
        ]
        said = deliver(desk, item, 3)
        assert all(s.startswith("AGAIN: QuickBooks") for s in said), said
        bill = a_bill(bill_reference="INV-2002")
        stored = desk.stored()
        desk.approve(
            bill,
            revision=int(stored["revision"]) + 1,
            version=int(stored["version"]) + 1,
            attempts=stored["attempts"],
            history=stored["history"],
        )
        said = deliver(desk, desk.stored(), 4)
        assert all(s.startswith("AGAIN: QuickBooks") for s in said), said
        assert len(mine(desk, item)) == 1
        garbled.rules.clear()
        deliver(desk, desk.stored(), 12)
        assert len(mine(desk, item)) == 1
        assert desk.stored()["status"] in {"POSTED", "ALREADY_IN_QB", "POST_FAILED"}
        if desk.stored()["status"] == "POST_FAILED":
            assert "QuickBooks has Bill" in desk.stored()["error"]["message"]


def calls_of_a_sync(desk: Desk, garbled: Garbled) -> list[str]:
    """What a reading of the company asks for, a part of each request that no other has."""
    garbled.asked.clear()
    sync.sync(desk.api(), desk.documents, "north", desk.now)
    parts = ["preferences", "companyinfo"]
    parts += [a.split("select * ")[1].split(" start")[0] for a in garbled.asked if "select" in a]
    return parts


def test_garbage_in_any_call_of_a_reading_leaves_the_last_reading_as_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with a_garbled_desk() as (desk, garbled, elsewhere):
        desk.realm.class_tracking = desk.realm.department_tracking = True
        desk.realm.country, desk.realm.using_sales_tax = "GB", True
        calls = calls_of_a_sync(desk, garbled)
        assert {"from TaxCode", "from TaxRate", "from Class", "from Department"} <= set(calls)
        before = desk.documents.find_text("reference/north.json")
        for part in calls:
            for kind in KINDS:
                garbled.rules = [Rule(part=part, kind=kind)]
                # A list that holds nothing has nothing in it that could be wrong.
                with suppress(Unavailable):
                    sync.sync(desk.api(), desk.documents, "north", desk.now)
                now = desk.documents.find_text("reference/north.json")
                assert now == before, (part, kind)
        assert elsewhere.came == []
    assert FOREIGN not in caplog.text


@pytest.mark.parametrize("action", ["sync_reference", "check_connections"])
def test_garbage_for_an_action_of_the_poster_is_one_sentence_a_company(
    action: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    doors: list[Garbled] = []

    def listen(simulator: Any) -> Any:
        if not isinstance(simulator, QuickBooks):
            return serve(simulator)
        doors.append(Garbled(simulator))
        return serve(doors[0])

    for world in a_world(monkeypatch, listen=listen):
        [door], companies = doors, len(world.quickbooks.realms)
        for part in ("/oauth2", "preferences", "companyinfo"):
            for kind in ("nothing", "a note", "null everywhere", "a page", "a redirect (302)"):
                world.restart()
                door.rules = [Rule(part=part, kind=kind)]
                told = poster.lambda_handler({"action": action}, Context())["companies"]
                assert len(told) == companies
                if door.rules[0].struck:
                    assert all(s.startswith(("QuickBooks", "Intuit")) for s in told.values())
                assert FOREIGN not in json.dumps(told), (part, kind)
        door.rules.clear()
        for said in poster.lambda_handler({"action": action}, Context())["companies"].values():
            assert "accounts" in said or "connected for" in said
        assert world.mails() == []
    assert FOREIGN not in caplog.text


def test_garbage_for_a_token_leaves_the_connection_as_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with a_garbled_desk() as (desk, garbled, elsewhere):
        # What is lost with an answer that nobody can read is Intuit's to forgive.
        desk.quickbooks.configure(modes={"stale_refresh": "grace24h"})
        desk.connection().access_token()
        for kind in KINDS:
            desk.now += timedelta(hours=2)
            garbled.rules = [Rule(part="/oauth2", kind=kind)]
            connection = desk.connection()
            with pytest.raises(Unavailable) as refused:
                connection.access_token()
            assert FOREIGN not in str(refused.value), kind
            assert not connection.is_broken(), kind
            garbled.rules.clear()
            assert connection.access_token(), kind
        assert elsewhere.came == []
    assert FOREIGN not in caplog.text


def test_a_tokens_answer_sets_nothing_but_tokens() -> None:
    """intuit-oauth's own client would send the next refresh token to the address it is told."""
    with a_garbled_desk() as (desk, garbled, elsewhere):
        garbled.vendor = _with_more(garbled.vendor, {"token_endpoint": garbled.elsewhere})
        for _ in range(3):
            assert desk.connection().access_token()
            connection = desk.connection()
            connection.access_token()
            desk.now += timedelta(hours=2)
            connection.access_token()
        assert elsewhere.came == []


def _with_more(vendor: Any, more: dict[str, str]) -> Any:
    def application(environ: Any, start_response: Any) -> Any:
        chunks, status, headers = run_wsgi_app(vendor, environ)
        body = b"".join(chunks)
        if "/oauth2" in environ["PATH_INFO"]:
            body = json.dumps(json.loads(body) | more).encode()
            headers.remove("Content-Length")
        return Response(body, status, headers)(environ, start_response)

    return application


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": "invalid_grant"}, Disconnected),
        ({"error": "invalid_client"}, Disconnected),
        ({"error": ["invalid_grant"]}, Unavailable),
        ({"message": "a page about invalid_grant"}, Unavailable),
        ("invalid_grant", Unavailable),
    ],
)
def test_only_intuits_own_word_ends_a_connection(body: object, error: type[Exception]) -> None:
    with a_garbled_desk() as (desk, garbled, _):
        garbled.vendor = Response(json.dumps(body), 400, content_type="application/json")
        with pytest.raises(error) as raised:
            desk.connection().access_token()
        assert type(raised.value) is error


WRONG: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "a number for an id": lambda bill: bill | {"Id": 12},
    "no id": lambda bill: {k: v for k, v in bill.items() if k != "Id"},
    "an empty id": lambda bill: bill | {"Id": ""},
    "a text for a total": lambda bill: bill | {"TotalAmt": "108.25"},
    "a total beyond all books": lambda bill: bill | {"TotalAmt": 10**400},
    "true for a total": lambda bill: bill | {"TotalAmt": True},
    "no total": lambda bill: {k: v for k, v in bill.items() if k != "TotalAmt"},
    "a text for a vendor": lambda bill: bill | {"VendorRef": "7"},
    "a number for a memo": lambda bill: bill | {"PrivateNote": 7},
    "an object for lines": lambda bill: bill | {"Line": {}},
    "a line that is none": lambda bill: bill | {"Line": [None]},
    "a text for an amount": lambda bill: bill | {"Line": [{"Amount": "1"}]},
    "a rate of nothing": lambda bill: bill | {"ExchangeRate": 0},
    "an array": lambda bill: [bill],
}


CALLS: Final[dict[str, Callable[[QuickBooksClient, str], object]]] = {
    "query": lambda api, _: api.query("select * from Bill"),
    "read": lambda api, document_id: api.read("Bill", document_id),
    "create": lambda api, _: api.create("Bill", "{}", "r1"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("call", CALLS)
def test_a_document_is_believed_in_its_own_shape_only(call: str, name: str) -> None:
    with a_desk() as desk:
        made = desk.realm.add("Bill", {"TotalAmt": 5, "DocNumber": "1"}, desk.now)
        wrong = WRONG[name](json.loads(json.dumps(made, default=str)) | {"TotalAmt": 5})
        body = {"QueryResponse": {"Bill": [wrong]}} if call == "query" else {"Bill": wrong}
        answer = Response(json.dumps(body), content_type="application/json")
        with serve(answer) as server:
            api = desk.api(server.url)
            with pytest.raises(Unavailable, match="an unexpected response"):
                CALLS[call](api, made["Id"])


def test_null_is_as_good_as_nothing_said() -> None:
    with a_desk() as desk:
        bill = {"Id": "7", "TotalAmt": 5, "PrivateNote": None, "Line": None, "VendorRef": None}
        answer = Response(json.dumps({"Bill": bill}), content_type="application/json")
        with serve(answer) as server:
            api = desk.api(server.url)
            assert api.read("Bill", "7") == {"Id": "7", "TotalAmt": 5}
