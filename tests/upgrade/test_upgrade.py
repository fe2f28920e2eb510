"""An upgrade from 1.0: its bills go on under this version's functions, and nobody notices.

Who does notice is told why: a bill that would be posted otherwise than 1.0 showed it is asked
about once more. Nothing here loads 1.0's code; the fixture is what it left behind.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pytest

import poster
from sandbox.in_process.chain import APPROVER
from tests.upgrade import fixture
from tests.upgrade.upgraded import (
    SECOND,
    an_upgrade,
    apart,
    approve_all,
    cents,
    configure,
    deliver,
    extract,
    lived,
    only,
    seen,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.simulation import Simulation

Json = dict[str, Any]

ITEMS: Final = fixture.items()
BILLS: Final = fixture.bills()
ASKED: Final = ("waiting", "asked again", "reopened", "first of two approvals")
FINISHES: Final = ("approved, attempt open, ", "posting, attempt open, ")
LEFT_ALONE: Final = (
    "posted", "posted, changed since", "linked", "adopted", "failed, books closed",
    "failed, other total", "failed, number taken", "rejected", "acknowledged", "withdrawn",
)  # fmt: skip
# What QuickBooks would not make Odoo's tax of, until the settings say how.
BLOCKED_NOW: Final = ("D3", "D4", "D5", "D6", "D reverse charge")
FORM: Final = (
    "The bill itself has not changed, only how it is posted: QuickBooks now gets each row of"
    " Odoo's journal entry."
)
AGAIN: Final = "Earlier approvals no longer count."


def of(kind: str, *situations: str) -> list[str]:
    """The bills of a kind, S or D (or "SD"), that got this far under 1.0."""
    return [i for i, b in BILLS.items() if b["kind"] in kind and b["situation"] in situations]


def each(bills: list[str]) -> pytest.MarkDecorator:
    """A test for each of these bills."""
    assert bills
    return pytest.mark.parametrize("entry_id", bills)


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    """What 1.0 left; only copies of it go on."""
    with an_upgrade() as begun:
        yield begun


# -- as it comes: schedule, stream and queue -------------------------------------------------------


@pytest.fixture(scope="module")
def days(simulation: Simulation) -> list[Json]:
    """When all is quiet after the first runs with the settings of 1.0, and a day later."""
    return lived(simulation, lambda simulation: simulation.settle(), a_day)


@pytest.fixture(scope="module")
def settled(days: list[Json]) -> Json:
    """When all is quiet after the first runs."""
    return days[0]


@pytest.fixture(scope="module")
def again(days: list[Json]) -> Json:
    """The same, an hour and a daily run later."""
    return days[1]


def a_day(simulation: Simulation) -> None:
    """What the schedules do."""
    simulation.hourly()
    simulation.daily()
    simulation.flow()
    simulation.settle()


@each(of("S", *ASKED))
def test_who_was_asked_is_asked_as_before_where_nothing_is_posted_otherwise(
    settled: Json, entry_id: str
) -> None:
    item, now = ITEMS[entry_id], settled["bills"][entry_id]
    kept = ("status", "digest", "revision", "version")
    assert {k: now[k] for k in kept} == {k: item[k] for k in kept}
    assert now["approvals"] == [[a["by"], a["digest"]] for a in item["approvals"]]
    assert now["cards"] == [[c["ts"], c["digest"], c["retired"]] for c in item["cards"]]
    text, _, blocks = now["said"][-1]
    live = message(item["cards"][-1]["ts"])
    assert (text, words_of(blocks)) == (live["text"], words_of(live["blocks"]))
    assert now["form"] == 2


@cache
def message(ts: str) -> Json:
    """A message as 1.0 left it in Slack."""
    channels = json.loads((fixture.FOLDER / "slack.json").read_text("utf-8"))["channels"]
    found: Json = next(m for c in channels.values() for m in c["messages"] if m["ts"] == ts)
    return found


def words_of(blocks: list[Json]) -> list[str]:
    """What a card says and offers; what the vendor billed before is news in any version."""
    said = [json.dumps({k: v for k, v in b.items() if k != "block_id"}) for b in blocks]
    return [w for w in said if '"Before: ' not in w and '"Earlier bills: ' not in w]


@each([i for i in of("D", *ASKED, "approved") if BILLS[i]["case"] not in BLOCKED_NOW])
def test_who_would_post_it_otherwise_is_asked_again_once_and_told_why(
    again: Json, entry_id: str
) -> None:
    item, now = ITEMS[entry_id], again["bills"][entry_id]
    assert (now["status"], now["approvals"]) == ("READY_FOR_APPROVAL", [])
    assert now["digest"].startswith("v2-")
    assert now["revision"] == item["revision"] + 1
    assert [retired for _, _, retired in now["cards"]] == [*[True] * len(item["cards"]), False]
    assert now["cards"][-1][1] == now["digest"]
    first, *others = now["changes"]
    assert first == FORM
    assert others
    text, buttons, blocks = now["said"][-1]
    assert buttons == ["approve_invoice", "reject_invoice", "view_pdf"]
    shown = json.dumps(blocks, ensure_ascii=False)
    assert all(said in shown and said in text for said in now["changes"])
    assert (AGAIN in others) == bool(item["approvals"])
    outdated = now["said"][-2]
    assert outdated[1] == []
    assert "A newer card asks for approval and says why" in json.dumps(outdated[2])


@each([i for i in of("D", *ASKED, "approved") if BILLS[i]["case"] in BLOCKED_NOW])
def test_what_quickbooks_would_tax_otherwise_is_blocked_and_its_card_says_by_what(
    settled: Json, entry_id: str
) -> None:
    now = settled["bills"][entry_id]
    assert (now["status"], now["approvals"]) == ("VALIDATION_FAILED", [])
    [problem] = now["problems"]
    assert "of tax in QuickBooks" in problem
    text, buttons, _ = now["said"][-1]
    assert (buttons, problem in text) == (["view_pdf"], True)
    assert len(now["said"]) == len(ITEMS[entry_id]["cards"])
    [mail] = [m for m in settled["mails"] if entry_id in m][-1:]
    assert problem in mail


@each(of("D", "blocked"))
def test_what_1_0_blocked_and_is_fine_now_is_asked_about_once(again: Json, entry_id: str) -> None:
    now = again["bills"][entry_id]
    assert (now["status"], now["problems"]) == ("READY_FOR_APPROVAL", [])
    assert [(digest, retired) for _, digest, retired in now["cards"]] == [(now["digest"], False)]
    assert (now["changes"], len(now["said"])) == ([], 1)


def test_what_is_blocked_in_either_form_stays_so_and_says_why(settled: Json) -> None:
    [entry_id] = of("S", "blocked")
    now = settled["bills"][entry_id]
    assert (now["status"], now["said"]) == ("VALIDATION_FAILED", [])
    assert ITEMS[entry_id]["problems"] == [
        "A line has no account: choose one in Odoo.",
        "A line has no account number in Odoo: give it one there.",
    ]
    assert len(now["problems"]) == 2
    assert now["problems"][0] == "A line has no account. Choose one in Odoo."


@each(of("SD", *LEFT_ALONE))
def test_what_was_decided_is_left_as_it_is(again: Json, entry_id: str) -> None:
    item, now = ITEMS[entry_id], again["bills"][entry_id]
    kept = ("status", "digest", "revision", "version")
    assert {k: now[k] for k in kept} == {k: item[k] for k in kept}
    assert now["amended_after"] == item.get("amended_after", "")
    assert now["cards"] == [[c["ts"], c["digest"], c["retired"]] for c in item["cards"]]


def test_nothing_is_reported_as_changed_in_odoo(again: Json) -> None:
    assert [m for m in again["mails"] if m.startswith("Bills changed in Odoo after")] == []


@each(of("S", "approved"))
def test_an_approved_bill_is_posted_once_as_it_was_approved(settled: Json, entry_id: str) -> None:
    now = settled["bills"][entry_id]
    assert (now["status"], now["digest"]) == ("POSTED", ITEMS[entry_id]["digest"])
    assert [document["places"] for document in now["documents"]] == [promised(entry_id)[0]]
    assert [document["tax"] for document in now["documents"]] == [promised(entry_id)[1]]
    assert [number for number, _, _ in now["attempts"]] == [1]


@each([i for s in ("there", "absent") for i in of("SD", *(f + s for f in FINISHES))])
def test_a_try_that_was_under_way_ends_with_the_bytes_it_had(settled: Json, entry_id: str) -> None:
    item, now = ITEMS[entry_id], settled["bills"][entry_id]
    assert (now["status"], now["digest"]) == ("POSTED", item["digest"])
    assert now["attempts"] == [[1, "created", item["digest"]]]
    [document] = now["documents"]
    assert (document["places"], document["tax"]) == promised(entry_id)
    assert document["total"] == cents(item["amount_total"])


def promised(entry_id: str) -> tuple[Json, int]:
    """What 1.0 would book by the names on its card, and of tax."""
    item = ITEMS[entry_id]
    accounts, codes = item["preflight"]["accounts"], item["preflight"]["tax_codes"]
    places: Counter[str] = Counter()
    for line in fixture.lines_of(item):
        if line["kind"] not in {"product", "tax"} or (codes and line["kind"] == "tax"):
            continue
        place = str(accounts[line["account_code"]]["name"])
        if codes:
            place += f" ({codes[' + '.join(line['taxes']) or 'none']['name']})"
        places[place] += cents(line["amount"])
    tax = cents(item["amount_tax"]) if codes else 0
    return {name: amount for name, amount in places.items() if amount}, tax


def test_nothing_went_wrong_on_the_way(again: Json) -> None:
    silent = ("errors", "violations", "strangers")
    assert {name: again[name] for name in silent} == {name: [] for name in silent}
    assert again["dead_letters"] == 0
    assert [i for i, bill in again["bills"].items() if bill["owes_card"]] == []


@pytest.mark.parametrize("entry_id", sorted(BILLS))
def test_the_story_of_each_bill_is_whole_and_begins_in_1_0(again: Json, entry_id: str) -> None:
    bill, item = again["bills"][entry_id], ITEMS[entry_id]
    assert bill["whole"]
    assert bill["story"][-1].startswith("The history is complete")
    assert item["digest"][:12] in " ".join(bill["story"])


def test_a_second_day_changes_nothing(settled: Json, again: Json) -> None:
    assert again["bills"] == settled["bills"]


# -- to the end ------------------------------------------------------------------------------------


def decide_about_tax(simulation: Simulation) -> None:
    """The operator says what is posted where the two taxes differ, and mends a mapping."""
    known = json.loads(str(simulation.world.table.read_note("settings")["companies"]))
    taxes = known["thames"]["taxes"] | {"20% RC old": "20.0% RC"}
    configure(simulation, "thames", tax="override", taxes=taxes)


def _finish(simulation: Simulation) -> None:
    decide_about_tax(simulation)
    simulation.settle()
    approve_all(simulation)
    simulation.settle()


@pytest.fixture(scope="module")
def finished(simulation: Simulation) -> Json:
    """When everything that was asked about is approved; the operator had read what is new."""
    [end] = lived(simulation, _finish)
    return end


@pytest.fixture(scope="module")
def finished_late(simulation: Simulation) -> Json:
    """The same where the settings came when bills were blocked already."""
    _, end = lived(simulation, lambda simulation: simulation.settle(), _finish)
    return end


def to_be_posted() -> list[str]:
    decided = ("rejected", "acknowledged", "withdrawn")
    failed = ("failed, books closed", "failed, other total", "failed, number taken")
    return [
        i for i, b in BILLS.items() if b["situation"] not in (*decided, *failed)
        if b["case"] != "no account"
    ]  # fmt: skip


@each(to_be_posted())
def test_every_bill_is_in_quickbooks_once(finished: Json, entry_id: str) -> None:
    bill = finished["bills"][entry_id]
    assert bill["status"] in {"POSTED", "ALREADY_IN_QB"}
    [document] = bill["documents"]
    assert document["total"] == bill["total"]


@each([i for i in to_be_posted() if i in of("S", *ASKED)])
def test_a_bill_that_was_not_asked_about_again_is_posted_as_its_card_showed(
    finished: Json, entry_id: str
) -> None:
    bill = finished["bills"][entry_id]
    [document] = bill["documents"]
    assert (document["places"], document["tax"]) == promised(entry_id)
    assert {digest for _, digest in bill["approvals"]} == {ITEMS[entry_id]["digest"]}
    assert len(bill["attempts"]) == 1


@each([i for i in to_be_posted() if i in of("D", *ASKED, "approved", "blocked")])
def test_a_bill_that_was_asked_about_again_is_posted_as_odoo_booked_it(
    finished: Json, entry_id: str
) -> None:
    [document] = finished["bills"][entry_id]["documents"]
    there: Counter[str] = Counter()
    for place, amount in document["places"].items():
        there[place.partition(" (")[0]] += amount
    there["tax"] += document["tax"]
    assert {k: v for k, v in there.items() if v} == in_the_journal(entry_id)


def in_the_journal(entry_id: str) -> Json:
    """What Odoo booked, in cents by account; tax is what lies on the accounts of VAT."""
    move_id = int(entry_id.removeprefix("odoo-"))
    accounts = {a["id"]: a for a in fixture.records()["account.account"]}
    move = next(m for m in fixture.records()["account.move"] if m["id"] == move_id)
    sign = -1 if move["move_type"] == "in_refund" else 1
    booked: Counter[str] = Counter()
    for row in fixture.records()["account.move.line"]:
        if row["move_id"] != move_id or row["display_type"] == "payment_term":
            continue
        account = accounts.get(row.get("account_id"), {"code": "", "name": ""})
        name = "tax" if account["code"] in {"131100", "251100"} else account["name"]
        booked[name] += sign * cents(row.get("amount_currency", 0))
    return {name: amount for name, amount in booked.items() if amount}


def test_the_totals_of_each_company_are_the_same_in_odoo_here_and_in_quickbooks(
    finished: Json, finished_late: Json
) -> None:
    in_odoo = {
        f"odoo-{m['id']}": m.get("amount_total", 0) for m in fixture.records()["account.move"]
    }
    for end in (finished, finished_late):
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for entry_id, bill in end["bills"].items():
            if bill["status"] not in {"POSTED", "ALREADY_IN_QB"}:
                continue
            sign = -1 if ITEMS[entry_id]["move_type"] == "in_refund" else 1
            there = sum(document["total"] for document in bill["documents"])
            amounts = (cents(in_odoo[entry_id]), bill["total"], there)
            total = sums[BILLS[entry_id]["company"], bill["currency"]]
            for place, amount in enumerate(amounts):
                total[place] += sign * amount
        assert len(sums) == 4
        assert [who for who, (a, b, c) in sums.items() if not a == b == c] == []


def test_it_makes_no_difference_when_the_settings_came(finished: Json, finished_late: Json) -> None:
    for entry_id, bill in finished["bills"].items():
        late = finished_late["bills"][entry_id]
        assert late["status"] == bill["status"]
        booked = [(d["places"], d["tax"], d["total"]) for d in bill["documents"]]
        assert [(d["places"], d["tax"], d["total"]) for d in late["documents"]] == booked
        assert late["whole"]
    assert (finished_late["errors"], finished_late["violations"]) == ([], [])


# -- in whatever order -----------------------------------------------------------------------------


def _poster_first(simulation: Simulation) -> None:
    for entry_id in of("SD", "approved", *(f + s for f in FINISHES for s in ("there", "absent"))):
        deliver(simulation, entry_id)
    simulation.settle()


def _look_first(simulation: Simulation) -> None:
    """As operators.md has it: QuickBooks is read, a dry run, and then the daily run at once."""
    simulation.hourly()
    extract(simulation, full=True, dry_run=True)
    simulation.daily()
    simulation.settle()


def _manage_company_by_company(simulation: Simulation) -> None:
    for company in ("thames", "cascade"):
        extract(simulation, full=True, company=company)
    simulation.hourly()
    simulation.quarter()
    simulation.quarter()
    simulation.settle()


@pytest.mark.parametrize("order", [_poster_first, _look_first, _manage_company_by_company])
def test_the_order_of_the_first_calls_does_not_matter(
    simulation: Simulation, settled: Json, order: Any
) -> None:
    [end] = lived(simulation, order)
    for entry_id, bill in settled["bills"].items():
        assert _essence(end["bills"][entry_id]) == _essence(bill), entry_id
    assert (end["errors"], end["violations"], end["strangers"]) == ([], [], [])


def _essence(bill: Json) -> Json:
    names = ("status", "digest", "revision", "problems", "changes", "approvals", "whole")
    found = {name: bill[name] for name in names}
    found["documents"] = [(d["places"], d["tax"], d["total"]) for d in bill["documents"]]
    found["cards"] = [(digest, retired) for _, digest, retired in bill["cards"]]
    found["offers"] = [buttons for _, buttons, _ in bill["said"]]
    return found


@apart
def test_a_dry_run_tells_what_would_be_asked_and_writes_nothing(simulation: Simulation) -> None:
    simulation.hourly()  # else nothing is known of the British company
    before = (simulation.world.items(), _bucket(simulation))
    report = extract(simulation, full=True, dry_run=True)
    assert (simulation.world.items(), _bucket(simulation)) == before
    told = {bill["entry_id"]: bill["outcome"] for bill in report["bills"]}
    blocked = [i for i in of("D", *ASKED, "approved") if BILLS[i]["case"] in BLOCKED_NOW]
    assert {i for i, outcome in told.items() if outcome == "blocked"} == {
        *blocked,
        *of("S", "blocked"),
    }
    assert {i for i, outcome in told.items() if outcome == "ready"} == {
        i for i in of("D", *ASKED, "approved", "blocked") if i not in blocked
    }
    assert set(told.values()) == {"blocked", "ready"}


def _bucket(simulation: Simulation) -> list[str]:
    pages = simulation.world.clients["s3"].list_object_versions(
        Bucket=simulation.world.names["bucket"]
    )
    return [f"{v['Key']} {v['VersionId']}" for v in pages["Versions"]]


# -- the old look at QuickBooks --------------------------------------------------------------------


@apart
def test_the_snapshot_of_1_0_serves_in_the_us_and_is_read_anew_in_britain(
    simulation: Simulation,
) -> None:
    simulation.quarter()
    items = simulation.world.items()
    waiting = {i: items[i] for i in of("SD", *ASKED)}
    judged = {i for i, item in waiting.items() if item.get("form") or item["digest"][:3] == "v2-"}
    assert judged == {i for i in waiting if BILLS[i]["company"] == "cascade"}
    british = [i for i in BILLS if BILLS[i]["company"] == "thames"]
    assert all(items[i]["digest"] == ITEMS[i]["digest"] for i in british)
    [blocked] = [i for i in of("D", "blocked") if i in british]
    assert items[blocked]["status"] == "VALIDATION_FAILED"
    poster.lambda_handler({"action": "sync_reference", "company": "thames"}, None)
    simulation.settle()
    items = simulation.world.items()
    assert all(items[i].get("form") or items[i]["digest"][:3] == "v2-" for i in of("SD", *ASKED))
    assert [len(simulation.cards(i)) for i in (blocked, *of("S", "waiting"))] == [1] * 8 + [1] * 4


@apart
def test_nothing_is_posted_in_britain_before_quickbooks_was_read(simulation: Simulation) -> None:
    [entry_id] = [i for i in of("S", "approved") if BILLS[i]["company"] == "thames"]
    only(simulation, entry_id)
    simulation.world.quickbooks.inject("fault", code="3100", status=403, path="/query")
    deliver(simulation, entry_id)
    assert simulation.world.item(entry_id)["status"] == "APPROVED"
    simulation.quarter()
    assert seen(simulation)["bills"][entry_id]["documents"] == []
    simulation.hourly()
    simulation.settle()
    [document] = seen(simulation)["bills"][entry_id]["documents"]
    assert (document["places"], document["tax"]) == promised(entry_id)


# -- what refers to 1.0's bills --------------------------------------------------------------------


@apart
def test_a_new_bill_with_the_number_of_an_old_one_is_warned_of(simulation: Simulation) -> None:
    [old, *_] = of("S", "posted")
    [new] = [i for i in of("S", "waiting") if BILLS[i]["case"] == "headings"]  # of that vendor
    only(simulation, old, new)
    simulation.settle()
    simulation.world.odoo.amend(int(new.removeprefix("odoo-")), ref=ITEMS[old]["bill_reference"])
    simulation.settle()
    warnings = simulation.world.item(new)["warnings"]
    assert any(
        w.startswith("Possible duplicate") and ITEMS[old]["odoo_name"] in w for w in warnings
    )


@apart
def test_bills_of_a_company_that_has_another_key_now_are_not_reported_as_changed(
    simulation: Simulation,
) -> None:
    table = simulation.world.table
    known = json.loads(str(table.read_note("settings")["companies"]))
    known["cascade-inc"] = known.pop("cascade")
    table.write_note("settings", {"companies": json.dumps(known)})
    secrets = simulation.world.clients["secretsmanager"]
    secrets.create_secret(Name="token/cascade-inc")
    simulation.reseed("cascade-inc", fixture.seed_tokens()["9130350000000101"])
    closed = of("SD", "posted", "linked", "adopted")
    only(simulation, *closed)
    extract(simulation, full=True)
    assert [simulation.world.item(i).get("amended_after", "") for i in closed] == [""] * len(closed)


@apart
def test_people_decide_by_the_cards_that_1_0_posted(simulation: Simulation) -> None:
    entry_id = of("S", "waiting")[1]
    only(simulation, entry_id)
    simulation.settle()
    simulation.decide(entry_id, "approve_invoice")
    item = simulation.world.item(entry_id)
    assert [(a["by"], a["digest"]) for a in item["approvals"]] == [
        (APPROVER, BILLS[entry_id]["digest"])
    ]
    assert (item["status"], len(simulation.cards(entry_id))) == ("POSTED", 1)


@apart
@pytest.mark.parametrize("entry_id", of("S", "first of two approvals"))
def test_the_first_approval_given_to_1_0_counts(simulation: Simulation, entry_id: str) -> None:
    only(simulation, entry_id)
    simulation.hourly()
    simulation.settle()
    simulation.decide(entry_id, "approve_invoice", SECOND)
    item = simulation.world.item(entry_id)
    assert [a["by"] for a in item["approvals"]] == [APPROVER, SECOND]
    assert item["status"] == "POSTED"


@apart
def test_both_have_to_approve_again_what_is_posted_otherwise(simulation: Simulation) -> None:
    [entry_id, *_] = of("D", "first of two approvals")
    only(simulation, entry_id)
    simulation.settle()
    simulation.decide(entry_id, "approve_invoice", SECOND)
    assert simulation.world.item(entry_id)["status"] == "READY_FOR_APPROVAL"
    simulation.decide(entry_id, "approve_invoice", APPROVER)
    assert simulation.world.item(entry_id)["status"] == "POSTED"
