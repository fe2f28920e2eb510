"""What `make companions` compares and reports, and that no difference escapes it."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import Client

from odoo_qb.mirror.sync import BUSY, LEASE
from odoo_qb.odoo.client import OdooClient
from odoo_qb.odoo.source import OdooSource
from odoo_qb.store.attributes import attributes, plain
from sandbox.__main__ import main
from sandbox.companions import report
from sandbox.companions.comparison import Comparison, compare, simulated_ids, stored_ids
from sandbox.companions.mirror_runs import MirrorError, MirrorRuns
from sandbox.http_server import serve
from sandbox.in_process.mirror import a_mirror
from sandbox.odoo.server import Odoo
from sandbox.outage import Outage
from sandbox.recording import Recorder
from sandbox.vendors import LEDGER_PASSWORD, Vendors, mirror_variables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.in_process.mirror import MirrorDesk

Json = dict[str, Any]


@dataclass(kw_only=True)
class Desk:
    """A mirror that was loaded from an Odoo, whose items a test may spoil."""

    desk: MirrorDesk

    def compared(self) -> Comparison:
        """The mirror beside its Odoo, as the command compares them."""
        stored = stored_ids(self.desk.client, self.desk.table_name)
        ids = simulated_ids(self.desk.odoo)
        return compare("odoo", self.desk.source(), self.desk.table(), stored["odoo"], ids)

    def item(self, kind: str, source_id: int) -> Json:
        key = {"pk": {"S": f"odoo#{kind}#{0:07d}"}, "sk": {"S": f"{source_id:010d}"}}
        found: Json = self.desk.client.get_item(TableName=self.desk.table_name, Key=key)["Item"]
        return plain(found)

    def put(self, item: Json) -> None:
        self.desk.client.put_item(TableName=self.desk.table_name, Item=attributes(item))

    def delete(self, item: Json) -> None:
        key = {name: {"S": item[name]} for name in ("pk", "sk")}
        self.desk.client.delete_item(TableName=self.desk.table_name, Key=key)


@pytest.fixture(scope="module")
def loaded() -> Iterator[MirrorDesk]:
    with a_mirror() as made:
        made.sync()
        yield made


@pytest.fixture
def desk(loaded: MirrorDesk) -> Iterator[Desk]:
    restore = loaded.remember()
    yield Desk(desk=loaded)
    restore()


def test_a_mirror_that_was_loaded_is_equal_in_every_family(desk: Desk) -> None:
    result = desk.compared()

    assert result.sentences == []
    moves = desk.desk.odoo.records["account.move"].values()
    types = [row["move_type"] for row in moves]
    bills = result.families["bill"]
    assert bills.source == bills.mirrored == types.count("in_invoice") + types.count("in_receipt")
    assert bills.source > 90
    refunds = types.count("in_refund") + types.count("out_refund")
    assert result.families["refund"].mirrored == refunds > 0
    payments = desk.desk.odoo.records["account.payment"]
    assert result.families["payment"].source == len(payments) > 30
    assert all(not tally.different for tally in result.families.values())


def test_items_that_are_no_records_are_not_compared(desk: Desk) -> None:
    """Sums of closed periods, and numbers of another system's ids."""
    for pk in ("figures#odoo", "figures#odoo#company-1", "numbers#odoo#contact#0000001"):
        desk.put({"pk": pk, "sk": "n0000000001"})

    assert desk.compared().sentences == []


def test_one_field_that_differs_is_found_and_named(desk: Desk) -> None:
    bill = desk.item("move", 2)
    data = json.loads(bill["data"])
    desk.put(bill | {"data": json.dumps(data | {"ref": "another", "amount_total": "1.00"})})

    result = desk.compared()

    (sentence,) = result.sentences
    assert sentence.startswith("odoo: Document 2: amount_total is ")
    assert sentence.endswith(" in Odoo and '1.00' here, and 1 more fields differ.")
    assert result.families["bill"].different == {2}
    assert result.families["bill"].source == result.families["bill"].mirrored


def test_a_missing_record_is_found_even_if_the_counts_do_not_show_it(desk: Desk) -> None:
    contact = desk.item("contact", 14)
    desk.delete(contact)

    result = desk.compared()

    assert result.sentences[0] == "odoo: Contact 14 is in Odoo but is not mirrored."
    assert "the mirror counts 12 records of kind contact (all) and holds 11." in result.sentences[1]
    tally = result.families["contact"]
    assert (tally.source - tally.mirrored, tally.different) == (1, {14})


def test_a_record_that_no_count_knows_is_found(desk: Desk) -> None:
    contact = desk.item("contact", 14)
    desk.put(contact | {"pk": "odoo#contact#0000099", "sk": f"{99_001:010d}"})

    result = desk.compared()

    assert result.sentences[0] == "odoo: Contact 99001 is mirrored but is not in Odoo."
    assert result.families["contact"].different == {99_001}


def test_a_deletion_in_odoo_that_was_not_mirrored_is_found(desk: Desk) -> None:
    odoo = desk.desk.odoo
    gone = odoo.new_contact("Nobody's", email="nobody@example.com")
    desk.desk.sync()
    odoo.delete_contact(gone)

    result = desk.compared()

    assert result.sentences == [
        f"odoo: Contact {gone} is mirrored but is not in Odoo.",
    ]


def test_what_differed_at_any_time_stays_in_the_counts(desk: Desk) -> None:
    first = desk.compared()
    second = deepcopy(first)
    first.families["bill"].different |= {2, 3}
    second.families["bill"].different |= {3, 4}

    counts = report.mirror([{"odoo": first}, {"odoo": second}])

    assert list(counts["odoo"]) == [
        *("contact", "invoice", "bill", "refund", "payment", "order", "account")
    ]
    assert counts["odoo"]["bill"] == {
        "source": first.families["bill"].source,
        "mirrored": first.families["bill"].mirrored,
        "different": 3,
    }
    assert counts["odoo"]["contact"]["different"] == 0


def a_report() -> Json:
    tally = {"source": 2, "mirrored": 2, "different": 0}
    return {
        "mirror": {"odoo": {"contact": tally, "bill": tally}},
        "calls": {"odoo": 30, "dynamodb": 40},
        "seconds": {"load": 3.0},
    }


def test_a_run_without_differences_says_after_what_it_was_equal() -> None:
    lines = report.summary(a_report(), ["after the first load", "after 9 changes"], [])

    assert "odoo        contacts        2         2          0" in lines
    assert "Calls of the mirror: 30 to Odoo, 40 to DynamoDB." in lines
    assert lines[-1] == (
        "The mirror equals Odoo in every field of 4 records of 1 connection: after the first load"
        " and after 9 changes."
    )


def test_the_walk_through_the_api_and_its_schedules_have_a_line_each() -> None:
    tally = {"source": 5, "listed": 5, "different": 0}
    walked = {
        "api": {
            "routes": {"GET /contacts": {}, "GET /invoices": {}},
            "records": {"odoo": {"/contacts": tally, "/invoices": tally}},
        },
        "schedules": {"hourly": {"last_result": "Succeeded: nothing had changed."}, "daily": {}},
    }
    lines = report.summary(a_report() | walked, ["after the first load"], [])

    assert "API: 2 routes walked, 10 records listed, 0 different." in lines
    assert "Schedule hourly: Succeeded: nothing had changed." in lines
    assert "Schedule daily: has not run" in lines


def test_ten_problems_are_shown_and_the_others_counted() -> None:
    trouble = [f"odoo: Contact {n} is in Odoo but is not mirrored." for n in range(12)]

    lines = report.summary(a_report(), ["after the first load"], trouble)

    assert lines[-11] == "PROBLEM: odoo: Contact 0 is in Odoo but is not mirrored."
    assert lines[-1] == "PROBLEM: 2 more like these."
    assert not any("equals" in line for line in lines)


# -- the runs --------------------------------------------------------------------------------------


def a_run(kind: str = "move", **fields: Any) -> Json:
    given = {"connection": "odoo", "kind": kind, "complete": True, "held": 9, "source": 9}
    return given | fields


def an_answer(*runs: Json) -> Json:
    return {"runs": list(runs), "dynamodb_calls": 7, "seconds": 1.0}


def the_runs(*answers: Json) -> tuple[MirrorRuns, list[Any]]:
    """Runs that are answered so, and what was asked, said and waited."""
    left, noted = list(answers), list[Any]()

    def invoke(event: Json) -> Json:
        noted.append(event)
        return left.pop(0) if len(left) > 1 else left[0]

    return MirrorRuns(invoke=invoke, say=noted.append, sleep=noted.append), noted


def test_a_load_over_several_runs_is_continued_and_says_how_far_it_is() -> None:
    some, whole = a_run(complete=False, held=5), a_run()
    runs, noted = the_runs(an_answer(a_run("contact"), some), an_answer(a_run("contact"), whole))

    assert runs.until_complete() == [a_run("contact"), whole]

    event = {"task": "sync_all", "full": False}
    assert noted == [event, "odoo move 5 of 9", event]
    assert runs.dynamodb_calls == 14


def test_a_run_that_is_under_way_is_waited_for_longer_than_its_lease() -> None:
    busy = a_run(complete=False, notes=[BUSY])
    runs, noted = the_runs(an_answer(busy))

    assert runs.until_complete() == [busy]

    assert sum(n for n in noted if isinstance(n, float)) > LEASE.total_seconds()


def test_a_load_that_comes_no_further_is_given_up() -> None:
    some = a_run(complete=False, held=5)
    runs, noted = the_runs(an_answer(some))

    assert runs.until_complete() == [some]

    assert 2 < noted.count("odoo move 5 of 9") < 9


def test_an_error_of_a_kind_is_not_tried_over_and_over() -> None:
    failed = a_run(complete=False, error="Odoo is down.")
    runs, noted = the_runs(an_answer(failed))

    assert runs.until_complete() == [failed]
    assert len(noted) == 1


@pytest.mark.parametrize("answer", [{"errorMessage": "It timed out."}, {"error": "It timed out."}])
def test_a_function_that_fails_ends_the_command_in_its_own_words(answer: Json) -> None:
    runs, _ = the_runs(answer)

    with pytest.raises(MirrorError) as ended:
        runs.until_complete()

    assert str(ended.value) == "The mirror's function failed: It timed out."


# -- an outage -------------------------------------------------------------------------------------


def test_an_outage_begins_in_the_middle_and_ends() -> None:
    outage = Outage(Odoo(), "bad_gateway")
    client = Client(outage)
    outage.plan(after=1, requests=2)

    statuses = [client.get("/web/nothing").status_code for _ in range(4)]

    assert statuses == [404, 502, 502, 404]
    assert outage.refused == 2


def test_an_outage_fails_one_kind_and_the_next_run_catches_up(desk: Desk) -> None:
    here = desk.desk
    here.odoo.amend_contact(14, phone="+1 555 0100")
    outage = Outage(here.odoo, "reset")
    with serve(outage) as server:
        user: Json = here.user
        odoo = OdooClient(url=server.url, database="odoo", sleep=here.sleep, **user)
        source = OdooSource(odoo)
        outage.plan(after=4, requests=3)

        failed = [r.kind for r in here.sync(full=True, source=source).values() if r.error]

        assert failed == ["contact"]
        assert outage.refused == 3
        assert len(desk.compared().sentences) == 1
        assert [r.error for r in here.sync(source=source).values()] == [""] * 5
        assert desk.compared().sentences == []


# -- the command and its settings ------------------------------------------------------------------


def test_with_the_mirror_off_terraform_gets_the_flows_variables_alone() -> None:
    assert mirror_variables(Vendors(), {}) == {}


def test_an_external_odoo_with_a_password_is_mirrored_by_session_too() -> None:
    vendors = Vendors(
        odoo_url="https://example.com/odoo",
        odoo_db="books",
        odoo_user="bot",
        odoo_api_key="a password",
        by_session=True,
        mirror_rate="rate(1 day)",
    )

    given = mirror_variables(
        vendors, {"odoo": "http://127.0.0.1:1", "ledger": "http://127.0.0.1:2"}
    )

    assert given["erp_connections"]["session"] == {
        "type": "odoo",
        "auth": "session",
        "url": "http://127.0.0.1:1/odoo",
        "database": "books",
        "username": "bot",
    }
    assert given["erp_connections"]["ledger"]["url"] == "http://127.0.0.1:2"
    assert given["erp_credentials"] == {"ledger": LEDGER_PASSWORD, "session": "a password"}


def test_an_org_of_salesforce_is_mirrored_where_that_is_wanted() -> None:
    address = {
        "odoo": "http://127.0.0.1:1",
        "ledger": "http://127.0.0.1:2",
        "crm": "http://127.0.0.1:3",
    }

    given = mirror_variables(Vendors(mirror_rate="rate(1 day)", salesforce=True), address)

    assert given["erp_connections"]["crm"]["url"] == "http://127.0.0.1:3"
    assert given["erp_connections"]["crm"]["type"] == "salesforce"
    assert given["erp_connections"].keys() == given["erp_credentials"].keys()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--odoo-password", "secret"], "--odoo-password belongs to --odoo-url: give both"),
        (["--json", "."], "--json names a file to write, and . is a folder"),
        (["--bills", "3"], "unrecognized arguments: --bills 3"),
    ],
)
def test_a_wrong_option_gets_one_sentence(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["companions", *options])

    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_session_that_passes_leaves_no_secret_in_the_trace(tmp_path: Path) -> None:
    ledger = Odoo(password=LEDGER_PASSWORD)
    recorder = Recorder(ledger, secrets=[LEDGER_PASSWORD], trace=tmp_path / "ledger.jsonl")
    who = {"db": "odoo", "login": "ap-bot@example.com", "password": LEDGER_PASSWORD}
    Client(recorder).post("/web/session/authenticate", json={"params": who})
    recorder.close()

    traced = (tmp_path / "ledger.jsonl").read_text()
    assert "ap-bot@example.com" in traced
    assert LEDGER_PASSWORD not in traced
