"""The morning after an upgrade: what 1.0 left behind, and this version's functions to go on."""

from __future__ import annotations

import functools
import json
import logging
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

import extractor
import poster
from sandbox.in_process.chain import a_world
from sandbox.in_process.in_memory_network import InMemoryNetwork
from sandbox.in_process.quick import make_quick
from tests.simulation.clock import Clock
from tests.simulation.fork import in_a_copy
from tests.simulation.setup import _at_once
from tests.simulation.simulation import Simulation
from tests.support.stored_bills import buttons
from tests.upgrade import fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.quickbooks.server import Realm

Json = dict[str, Any]
SECOND: Final = "U-SECOND"
REALMS: Final = {"cascade": "9130350000000101", "thames": "9130350000000202"}


@contextmanager
def an_upgrade() -> Iterator[Simulation]:
    """This version's functions before their first call, on what 1.0 left.

    The queue is empty: the sweep sends what is approved.
    """
    make_quick()
    clock, network = Clock(fixture.NOW), InMemoryNetwork()
    logging.disable(logging.CRITICAL)
    try:
        with pytest.MonkeyPatch.context() as monkeypatch:
            network.install(monkeypatch)
            clock.install(monkeypatch)
            monkeypatch.setattr(ThreadPoolExecutor, "submit", _at_once)
            monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "upgrade")
            for world in a_world(monkeypatch, listen=network.serve, clock=clock, sleep=clock.sleep):
                for name in ("QB_CALLS_PER_MINUTE", "SLACK_MESSAGES_PER_SECOND"):
                    monkeypatch.setenv(name, "inf")  # a pause would depend on the machine
                simulation = Simulation(world=world, clock=clock, _next_run=clock.now)
                _fill(simulation)
                world.aws.performs = simulation.perform
                network.on_request = simulation.call
                yield simulation
    finally:
        logging.disable(logging.NOTSET)


def _fill(simulation: Simulation) -> None:
    world = simulation.world
    fixture.fill_table(world.clients["dynamodb"], world.names["table"])
    fixture.fill_bucket(world.clients["s3"], world.names["bucket"])
    fixture.fill_odoo(world.odoo)
    world.quickbooks.realms.clear()
    fixture.fill_quickbooks(world.quickbooks)
    fixture.fill_slack(world.slack)
    for company, realm in REALMS.items():
        world.clients["secretsmanager"].create_secret(Name=f"token/{company}")
        simulation.reseed(company, fixture.seed_tokens()[realm])


def apart[**P](test: Callable[P, None]) -> Callable[P, None]:
    """Run a test in a copy of the process: what it does to the deployment is forgotten."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        def work() -> str:
            try:
                test(*args, **kwargs)
            except BaseException:  # noqa: BLE001 - nothing may come back into the test runner
                return traceback.format_exc()
            return "passed"

        said = in_a_copy(work)
        if said != "passed":
            pytest.fail(said or "the copy ended without a word", pytrace=False)

    return run


def lived(simulation: Simulation, *works: Callable[[Simulation], object]) -> list[Json]:
    """What is to be seen after each of these works, done one after the other in a copy."""

    def told() -> Json:
        found = []
        try:
            for work in works:
                work(simulation)
                found.append(seen(simulation))
        except BaseException:  # noqa: BLE001 - as above
            return {"failed": traceback.format_exc()}
        return {"seen": found}

    said = in_a_copy(told) or {"failed": "the copy ended without a word"}
    if "failed" in said:
        pytest.fail(said["failed"], pytrace=False)
    return list(said["seen"])


# -- what people, AWS and operators do ------------------------------------------------------------


def forget(simulation: Simulation, entry_id: str) -> None:
    """The table loses a bill."""
    key = {"entry_id": {"S": entry_id}}
    simulation.world.clients["dynamodb"].delete_item(
        TableName=simulation.world.names["table"], Key=key
    )


def only(simulation: Simulation, *entry_ids: str) -> None:
    """As if 1.0 had met no other bills."""
    world = simulation.world
    for entry_id in world.items().keys() - set(entry_ids):
        forget(simulation, entry_id)
    numbers = {int(i.removeprefix("odoo-")) for i in entry_ids}
    records = world.odoo.records
    for model, field in (
        ("account.move.line", "move_id"),
        ("ir.attachment", "res_id"),
        ("account.move", "id"),
    ):
        for key in [k for k, row in records[model].items() if row[field] not in numbers]:
            del records[model][key]


def configure(simulation: Simulation, company: str, **settings: Any) -> None:
    """The operator applies other settings of a company."""
    table = simulation.world.table
    known = json.loads(str(table.read_note("settings")["companies"]))
    known[company] |= settings
    table.write_note("settings", {"companies": json.dumps(known)})
    simulation.world.restart()


def extract(simulation: Simulation, **event: Any) -> Json:
    """Invoke the extractor by hand; what it answers."""
    answer = simulation.invoke(extractor, event)
    assert answer is not None, simulation.errors
    return dict(answer)


def deliver(simulation: Simulation, entry_id: str) -> Json:
    """The queue's message about one bill; what the poster answers."""
    item = simulation.world.item(entry_id)
    record = {
        "messageId": f"message-{entry_id}",
        "receiptHandle": f"receipt-{entry_id}",
        "body": json.dumps({"entry_id": entry_id, "revision": int(item["revision"])}),
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    answer = simulation.invoke(poster, {"Records": [record]})
    assert answer is not None, simulation.errors
    return dict(answer)


def approve_all(simulation: Simulation) -> None:
    """People approve all that is asked about, two where two are needed."""
    for entry_id, item in sorted(simulation.world.items().items()):
        if item["status"] != "READY_FOR_APPROVAL":
            continue
        action = "acknowledge_intercompany" if item["nothing_to_post"] else "approve_invoice"
        simulation.decide(entry_id, action)
        if simulation.world.item(entry_id)["status"] == "READY_FOR_APPROVAL":
            simulation.decide(entry_id, action, SECOND)


# -- what is to be seen ---------------------------------------------------------------------------


def seen(simulation: Simulation) -> Json:
    """The bills, their cards and documents, mails and errors, as JSON has it."""
    return {
        "bills": {i: _bill(simulation, i) for i in sorted(simulation.world.items())},
        "mails": simulation.world.mails(),
        "errors": [*simulation.errors, *simulation.mishaps],
        "dead_letters": simulation.dead_letters,
        "violations": list(simulation.world.quickbooks.violations),
        "strangers": _unclaimed(simulation),
    }


def _bill(simulation: Simulation, entry_id: str) -> Json:
    item = simulation.world.item(entry_id)
    audit = extractor.lambda_handler({"audit": entry_id}, None)
    kept = (
        "status", "revision", "version", "digest", "form", "problems", "amended_after",
        "nothing_to_post", "decided_by",
    )  # fmt: skip
    found: Json = {name: item.get(name, "") for name in kept}
    found |= {name: int(found[name]) for name in ("revision", "version")}
    return {
        **found,
        "form": int(found["form"] or 0),
        "changes": item.get("changes", []),
        "total": int(item["amount_total"] * 100),
        "currency": item["currency"],
        "approvals": [[a["by"], a["digest"]] for a in item["approvals"]],
        "attempts": [[int(a["number"]), a["outcome"], a["digest"]] for a in item["attempts"]],
        "cards": [[c["ts"], c["digest"], c["retired"]] for c in item["cards"]],
        "owes_card": "card_due" in item,
        "said": [[m.text, buttons(m), m.blocks] for m in simulation.cards(entry_id)],
        "documents": documents(simulation, entry_id),
        "whole": audit["whole"],
        "story": audit["story"],
    }


def documents(simulation: Simulation, entry_id: str) -> list[Json]:
    """What QuickBooks has of a bill: with its marker, or as which a person linked it."""
    item = simulation.world.item(entry_id)
    realm = simulation.world.quickbooks.realms[REALMS[item["company"]]]
    linked = item.get("quickbooks", {}).get("id") if item.get("link") else None
    return [
        {"id": d["Id"], "is_linked": d["Id"] == linked, **booked(realm, d)}
        for d in (*realm.bills.values(), *realm.vendor_credits.values())
        if f"[{entry_id}]" in str(d.get("PrivateNote", "")) or d["Id"] == linked
    ]


def booked(realm: Realm, document: Json) -> Json:
    """What a document books, in cents: by account and tax code, its tax, its total."""
    accounts, codes = realm.table("Account"), realm.table("TaxCode")
    places: Counter[str] = Counter()
    for line in document["Line"]:
        detail = line["AccountBasedExpenseLineDetail"]
        place = str(accounts[detail["AccountRef"]["value"]]["Name"])
        if realm.country != "US":
            place += f" ({codes[detail['TaxCodeRef']['value']]['Name']})"
        places[place] += cents(line["Amount"])
    tax = (document.get("TxnTaxDetail") or {}).get("TotalTax", 0)
    return {
        "places": {name: amount for name, amount in places.items() if amount},
        "tax": cents(tax),
        "total": cents(document["TotalAmt"]),
    }


def cents(value: Any) -> int:
    """An amount in cents."""
    return int(Decimal(str(value)) * 100)


def _unclaimed(simulation: Simulation) -> list[str]:
    """Documents with a marker of ours whose bill is not in the table."""
    items = simulation.world.items()
    return [
        str(d["PrivateNote"])
        for realm in simulation.world.quickbooks.realms.values()
        for d in (*realm.bills.values(), *realm.vendor_credits.values())
        if str(d.get("PrivateNote", "")).startswith("[odoo-")
        and str(d["PrivateNote"])[1:].partition("]")[0] not in items
    ]
