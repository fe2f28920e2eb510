"""The companions on the applied chain: `companions` as somebody at a terminal runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from sandbox.vendors import NEXT_WEBHOOK_SECRET, WEBHOOK_SECRET
from tests.e2e.terminal import Demo, to_its_end

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES: Final = ["contact", "invoice", "bill", "refund", "payment", "order", "account"]
SECRETS: Final = (
    *("sandbox-odoo-key", "sandbox-ledger-password", "session_id="),
    *("sandbox-api-token", "a-token-of-another-deployment"),
    *(WEBHOOK_SECRET, NEXT_WEBHOOK_SECRET, "whsec_"),
)
KINDS: Final = [
    *("customer invoices", "customer credit notes", "customer payments"),
    *("vendor bills", "vendor refunds", "vendor payments"),
]


@pytest.fixture(scope="module")
def trial(run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The command, once, and what it wrote."""
    folder = tmp_path_factory.mktemp("companions")
    return to_its_end("companions", ("odoo", "ledger", "webhook"), run_dir, folder)


def test_the_mirror_equals_both_odoos_after_changes_and_an_outage(trial: Demo) -> None:
    assert trial.status == 0, trial.said
    assert set(trial.report) == {
        *("mirror", "webhook", "api", "schedules", "intake"),
        *("calls", "seconds"),
    }
    assert list(trial.report["mirror"]) == ["odoo", "ledger"]
    for families in trial.report["mirror"].values():
        assert list(families) == FAMILIES
        for tally in families.values():
            assert tally["source"] == tally["mirrored"]
            assert tally["different"] == 0
    assert all(tally["source"] for tally in trial.report["mirror"]["ledger"].values())
    assert trial.report["mirror"]["odoo"]["bill"]["source"] > 100
    assert trial.report["mirror"]["ledger"]["invoice"]["source"] > 100
    assert "The mirror equals Odoo in every field" in trial.said.splitlines()[-1]
    assert "PROBLEM" not in trial.said


def test_every_change_reaches_the_webhooks_endpoint_signed_and_in_order(trial: Demo) -> None:
    found = trial.report["webhook"]
    assert list(found["kinds"]) == KINDS
    for tally in found["kinds"].values():
        assert tally["delivered"] == tally["changes"] >= 2  # one in each Odoo
    wrong = ("missing", "out_of_order", "different", "unverified", "from_first_load")
    assert {name: found[name] for name in (*wrong, "waiting", "dead_letters")} == dict.fromkeys(
        (*wrong, "waiting", "dead_letters"), 0
    )
    arrived = trial.trace["webhook"]
    assert found["requests"] == len(arrived)
    assert {one["body"]["connection"] for one in arrived} == {"odoo", "ledger"}


def test_the_webhook_outlasts_an_outage_and_another_secret_and_replays(trial: Demo) -> None:
    found, arrived = trial.report["webhook"], trial.trace["webhook"]
    assert [one["status"] for one in arrived].count(500) == found["outage"]["failed"] >= 3
    assert {one["status"] for one in arrived} == {200, 500}
    assert found["repeats"] >= found["outage"]["failed"]
    rotation, replay = found["rotation"], found["replay"]
    assert rotation["requests"] == rotation["verified_by_both"] >= 3
    assert replay["sent"] == replay["arrived"] > 100
    assert replay["different"] == 0
    assert [one["body"]["replayed"] for one in arrived].count(True) == replay["arrived"]


def test_a_change_arrives_soon_after_the_run_of_the_mirror_that_follows_it(trial: Demo) -> None:
    spread = trial.report["webhook"]["change_to_post"]
    assert spread["changes"] > 50
    # A second or so where nothing else runs; `make bench` has it with a run of the mirror a minute.
    assert spread["p50_seconds"] <= spread["p99_seconds"] < 60


def test_every_route_of_the_api_answers_as_its_contract_says(trial: Demo) -> None:
    routes = trial.report["api"]["routes"]
    assert len(routes) > 20
    public = {"GET /health", "GET /sign-in", "GET /assets/sign-in.css"}
    for name, statuses in routes.items():
        if name != "browser":
            assert (statuses["without_token"] == 401) == (name not in public), name
            assert statuses["without_token"] == statuses["wrong_token"]
    assert routes["GET /contacts/{id}"]["with_token"] == 200
    for connection in ("odoo", "ledger"):
        for tally in trial.report["api"]["records"][connection].values():
            assert tally["source"] == tally["listed"]
            assert tally["different"] == 0
    assert trial.report["api"]["records"]["ledger"]["/invoices"]["source"] > 100


def test_schedules_of_the_api_really_fire(trial: Demo) -> None:
    assert trial.report["schedules"].keys() == {"companions-test", "companions-accounts"}
    tested, accounts = trial.report["schedules"].values()
    assert tested["last_result"] == "Succeeded: the test task does nothing."
    assert tested["time_zone"] == "Europe/Paris"
    assert accounts["last_result"] == "Succeeded: nothing had changed."
    assert accounts["seconds"] < 120
    assert tested["deleted"]
    assert accounts["deleted"]


def test_each_odoo_failed_in_the_middle_of_a_run(trial: Demo) -> None:
    assert [e["status"] for e in trial.trace["odoo"]].count(502) == 3
    assert [e["status"] for e in trial.trace["ledger"]].count(None) == 3
    assert "outage: 2 runs failed" in trial.said


def test_the_mirrors_calls_are_counted_and_traced_without_a_secret(trial: Demo) -> None:
    calls = trial.report["calls"]

    assert calls["odoo"] == sum(len(trial.trace[name]) for name in ("odoo", "ledger"))
    assert calls["dynamodb"] > 100
    ways = {e["path"].rpartition("/call_kw/")[0] for e in trial.trace["ledger"]}
    assert "/web/dataset" in ways  # by session, never with a key
    assert not any(e["path"] == "/jsonrpc" for e in trial.trace["ledger"])
    for file in trial.folder.rglob("*.json*"):
        assert [s for s in SECRETS if s in file.read_text()] == []
