"""What Odoo answers that is no answer: nothing is taken for gone, and the next run reads it all."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pytest

import extractor
from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo import files, reader, search
from odoo_qb.odoo.client import OdooClient
from sandbox.http_server import serve
from sandbox.in_process.chain import World, a_world
from sandbox.odoo.server import Odoo
from tests.support.builders import a_document
from tests.support.garbage import FOREIGN, NOT_ODOOS, Elsewhere, Garbled, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with serve(host := Elsewhere()) as server:
        host.url = server.url
        yield host


def garbled_world(
    monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere, version: int
) -> Iterator[tuple[World, Garbled]]:
    doors: list[Garbled] = []

    def listen(simulator: Any) -> Any:
        if not isinstance(simulator, Odoo):
            return serve(simulator)
        doors.append(Garbled(simulator, elsewhere.url))
        return serve(doors[0])

    for world in a_world(monkeypatch, listen=listen, version=version):
        world.forget_old_bills()
        # What is tried again later is not waited for here.
        extractor.wired.use(sleep=lambda _seconds: None)
        yield world, doors[0]


ASKED: Final[dict[str, Callable[[OdooClient], object]]] = {
    "search_changed": lambda client: search.search_changed(
        client, watermark="2026-01-01 00:00:00", dated_from=date(2026, 1, 1)
    ),
    "companies": search.companies,
    "company_id": lambda client: search.company_id(client, "1MD"),
    "existing": lambda client: search.existing(client, [1, 2, 3], 1),
    "page": lambda client: reader.BillReader(client, {"1MD": "north"}).page([1, 2, 3]),
    "read_files": lambda client: list(files.read_files(client, [a_document()])),
}


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("version", [18, 19])
def test_garbage_in_place_of_any_answer_is_to_be_asked_for_again(
    version: int, name: str, elsewhere: Elsewhere, caplog: pytest.LogCaptureFixture
) -> None:
    door = Garbled(Odoo(version=version), elsewhere.url)
    # What is gone is one company's question: a refusal keeps its bills, and the run goes on.
    no_answer = (Unavailable, Refused) if name == "existing" else Unavailable
    with serve(door) as server:
        for kind in NOT_ODOOS:
            client = OdooClient(
                url=server.url,
                database="odoo",
                username="ap-bot@example.com",
                api_key="sandbox-odoo-key",
                sleep=lambda _: None,
            )
            door.rules = [Rule(part="", kind=kind)]
            for protocol in (None, client.protocol, "json-rpc"):
                client.protocol = protocol
                with pytest.raises(no_answer) as raised:
                    ASKED[name](client)
                assert FOREIGN not in str(raised.value), kind
            door.rules.clear()
            client.call("res.company", "search_read", [], fields=["name"])
            door.rules = [Rule(part="", kind=kind)]
            with pytest.raises(no_answer):  # as who is logged in already
                ASKED[name](client)
    assert elsewhere.came == []
    assert FOREIGN not in caplog.text


# In a whole run, one of each sort.
SORTS: Final = ("nothing", "a note", "rows without ids", "half of the answer", "a redirect (302)")


@pytest.mark.parametrize("version", [18, 19])
def test_garbage_in_any_call_of_a_run_changes_nothing_and_the_next_run_reads_it_all(
    version: int,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: Elsewhere,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for world, door in garbled_world(monkeypatch, elsewhere, version):
        known = world.odoo.new_bill(reference="KNOWN")
        world.extract()
        before = world.item(f"odoo-{known}")
        assert before["status"] == "READY_FOR_APPROVAL"
        for part in calls_of_a_run(world, door):
            for kind in SORTS:
                door.rules = [Rule(part=part, kind=kind)]
                said = run(world)
                assert door.rules[0].struck, (part, kind)
                assert FOREIGN not in said, (part, kind)
                now = world.item(f"odoo-{known}")
                assert now["status"] == "READY_FOR_APPROVAL", (part, kind, now["problems"])
                assert now["digest"] == before["digest"], (part, kind)
        door.rules.clear()
        new = world.odoo.new_bill(reference="NEW")
        world.extract()
        assert world.item(f"odoo-{new}")["status"] == "READY_FOR_APPROVAL"
        assert FOREIGN not in json.dumps([world.mails(), list(world.items().values())], default=str)
    assert elsewhere.came == []
    assert FOREIGN not in caplog.text


def run(world: World) -> str:
    """A whole run, with the comparison that looks for what was deleted."""
    world.restart()
    try:
        return json.dumps(world.extract(full=True))
    except extractor.ExtractionFailed as failure:
        return str(failure)


def calls_of_a_run(world: World, door: Garbled) -> list[str]:
    """What a whole run asks for: the models and, where it must log in, that."""
    door.asked.clear()
    run(world)
    models = (
        *("account.move.line", "account.move", "ir.attachment", "res.partner"),
        *("res.company", "account.account", "account.tax", "res.users"),
    )
    asked = [m for m in models if any(m in a for a in door.asked)]
    assert len(asked) >= 6, asked
    return asked + ["authenticate"] * any('"authenticate"' in a for a in door.asked)


@pytest.mark.parametrize("version", [18, 19])
def test_a_deleted_bill_is_believed_deleted_by_a_whole_answer_only(
    version: int, monkeypatch: pytest.MonkeyPatch, elsewhere: Elsewhere
) -> None:
    for world, door in garbled_world(monkeypatch, elsewhere, version):
        gone, left = (world.odoo.new_bill(reference=r) for r in ("GONE", "LEFT"))
        world.extract()
        del world.odoo.records["account.move"][gone]
        for kind in SORTS:
            door.rules = [Rule(part='"fields": ["state"]', kind=kind)]
            run(world)
            assert door.rules[0].struck, kind
            for number in (gone, left):
                assert world.item(f"odoo-{number}")["status"] == "READY_FOR_APPROVAL", kind
        door.rules.clear()
        run(world)
        assert world.item(f"odoo-{gone}")["status"] == "WITHDRAWN"
        assert world.item(f"odoo-{left}")["status"] == "READY_FOR_APPROVAL"
