"""The whole product as somebody at a terminal meets it: applied, run, stopped, asked by hand.

One run directory serves all of it, in the order written. Whatever runs here is a process of its
own.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
import requests
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Request, Response

from sandbox.http_server import serve
from sandbox.odoo.server import Odoo
from sandbox.quickbooks.server import QuickBooks
from tests.e2e.terminal import PROJECT, VENDORS, Demo, Standing, demo, environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from tests.e2e.terminal import Json

STEPS: Final = ("setup", "extract", "approve", "post")
SECRETS: Final = (
    *("sandbox-odoo-key", "xoxb-sandbox", "sandbox-signing-secret", "sandbox-client-secret"),
    *("sandbox-refresh-", "sandbox-access-"),  # of each company, given and renewed
)
BILLS: Final = {
    "read": 98,
    "ready": 98,
    "posted": 86,
    "rejected": 8,
    "acknowledged": 4,
    "failed": 0,
    "waiting": 0,
}


def is_the_stated_outcome(report: Json) -> bool:
    counts = {k: report["quickbooks"][k] for k in ("bills", "vendor_credits", "duplicates")}
    expected = {"bills": 82, "vendor_credits": 4, "duplicates": 0}
    return (report["bills"], counts, report["dlq"]) == (BILLS, expected, 0)


def test_every_approved_bill_of_the_dataset_is_posted_once(first: Demo) -> None:
    assert first.status == 0, first.said
    assert is_the_stated_outcome(first.report)
    assert set(first.report) == {"bills", "quickbooks", "calls", "dlq", "seconds"}
    assert set(first.report["quickbooks"]) == {
        *("bills", "vendor_credits", "vendors", "attachments", "duplicates"),
    }
    assert all(first.report["seconds"][step] > 0 for step in STEPS)


def test_the_calls_counted_are_those_traced(first: Demo) -> None:
    calls = first.report["calls"]

    assert calls["odoo"] == len(first.trace["odoo"])
    for vendor in ("slack", "quickbooks"):
        assert sum(calls[vendor].values()) == len(first.trace[vendor])
    posts = [e["body"] for e in first.trace["slack"] if e["path"].endswith("/chat.postMessage")]
    assert sum("thread_ts" not in post for post in posts) == 98  # the others are replies
    assert calls["quickbooks"]["bill"] == 82


def test_a_person_reads_how_far_it_is_and_that_the_money_agrees(first: Demo) -> None:
    assert re.search(r"posted \d+ of \d+", first.said)
    assert re.search(r"^ *all +98 +86 +8 +4$", first.said, re.MULTILINE)
    assert first.said.count("agrees to the cent") == 8  # four companies in two currencies
    assert "PROBLEM" not in first.said
    assert first.said.rstrip().endswith("Every approved bill is in QuickBooks exactly once.")


def test_a_line_of_the_trace_says_what_was_asked_and_answered(first: Demo) -> None:
    for vendor in VENDORS:
        for line in first.trace[vendor]:
            assert list(line) == ["at", "method", "path", "query", "body", "status", "answer"]
            assert datetime.fromisoformat(line["at"]).tzinfo
            assert line["at"].endswith("Z")
    bills = [e for e in first.trace["quickbooks"] if e["path"].endswith("/bill")]
    assert all(bill["query"]["requestid"] and bill["status"] == 200 for bill in bills)
    assert {bill["answer"]["Bill"]["TotalAmt"] > 0 for bill in bills} == {True}
    uploads = [e for e in first.trace["quickbooks"] if e["path"].endswith("/upload")]
    files = [part for e in uploads for name, part in e["body"].items() if "content" in name]
    assert files
    assert all(set(part) == {"length", "sha256"} for part in files)


def test_no_secret_is_anywhere_but_in_the_secret_store(first: Demo, run_dir: Path) -> None:
    holders = {
        (str(file.relative_to(folder)), secret)
        for folder in (run_dir, first.folder)
        for file in folder.rglob("*")
        if file.is_file() and not file.is_symlink() and "providers" not in file.parts
        for secret in SECRETS
        if secret.encode() in file.read_bytes()
    }

    assert {name for name, _ in holders} == {"state/secretsmanager.json"}
    assert {secret for _, secret in holders} == set(SECRETS)  # so the search does find them
    assert not [secret for secret in SECRETS if secret in first.said]


@pytest.fixture(scope="module")
def second(first: Demo, run_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Another demo, with a few more bills, in which a third of the cards is decided."""
    assert first.status == 0
    folder = tmp_path_factory.mktemp("second")
    return demo(run_dir, folder, "--bills", "5", "--approve", "every:3")


def test_a_second_demo_finds_what_stands_and_starts_with_empty_books(second: Demo) -> None:
    """The third, with vendors outside, ends again as the first did."""
    assert second.status == 0, second.said
    made, calls = second.report["quickbooks"], second.report["calls"]["quickbooks"]
    assert (second.report["bills"]["read"], made["duplicates"]) == (98 + 5, 0)
    assert made["bills"] == calls["bill"] > 0  # nothing is left of the first
    assert second.report["dlq"] == 0
    assert "terraform apply: only what changed since the last run" in second.said
    assert not re.search(r"terraform: \d+ of \d+ resources", second.said)  # nothing did


def test_only_the_cards_somebody_decides_go_on(second: Demo) -> None:
    bills = second.report["bills"]
    assert (bills["read"], bills["failed"]) == (103, 0)
    assert bills["posted"] + bills["rejected"] + bills["acknowledged"] == 35
    assert bills["waiting"] == 68
    posted = second.report["quickbooks"]
    assert posted["bills"] + posted["vendor_credits"] == bills["posted"]


class BareSlack:
    """The least that can stand in for Slack: it keeps no modals and knows no response URLs."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.calls: Counter[str] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        method = request.path.rpartition("/")[2]
        self.calls[method] += 1
        answer: Json = {"ok": False, "error": "unknown_method"}
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            answer = {"ok": False, "error": "invalid_auth"}
        elif method in {"chat.postMessage", "chat.update"}:
            given = request.get_json()
            ts = given.get("ts") or f"1700000000.{self.calls.total():06d}"
            answer = {"ok": True, "channel": given["channel"], "ts": ts}
        elif method == "views.open":
            answer = {"ok": False, "error": "invalid_trigger_id"}
        return Response(json.dumps(answer), mimetype="application/json")(environ, start_response)


def below(prefix: str, application: WSGIApplication) -> WSGIApplication:
    return DispatcherMiddleware(NotFound(), {prefix: application})


def test_vendors_outside_are_served_as_the_simulators_are(
    first: Demo, run_dir: Path, tmp_path: Path
) -> None:
    assert first.status == 0
    odoo = Odoo(database="books", login="reader@example.org", api_key="outside-odoo-key")
    slack, quickbooks = BareSlack("xoxb-sandbox"), QuickBooks()
    for number, company in enumerate(sorted(first_companies(first))):
        token = f"sandbox-refresh-{company}"
        quickbooks.add_realm(str(9130350000000001 + number), company, refresh_token=token)
    # A broken connection has to reach the poster as one: the bill is there, the answer is not.
    quickbooks.inject("reset", method="POST", path="/bill", nth=3, committed=True)
    with ExitStack() as servers:
        outside = {
            "--odoo-url": servers.enter_context(serve(odoo)).url + "/",
            "--slack-url": servers.enter_context(serve(below("/slack", slack))).url + "/slack",
            "--quickbooks-url": servers.enter_context(serve(below("/qb", quickbooks))).url + "/qb/",
            "--quickbooks-oauth-url": servers.enter_context(serve(quickbooks)).url,
        }
        known = ("--odoo-db", "books", "--odoo-user", "reader@example.org")
        options = [*known, "--odoo-api-key", "outside-odoo-key"]
        run = demo(run_dir, tmp_path, *options, *(w for pair in outside.items() for w in pair))

    assert run.status == 0, run.said
    assert is_the_stated_outcome(run.report)
    assert sum(len(realm.bills) for realm in quickbooks.realms.values()) == 82
    assert sum(len(realm.vendor_credits) for realm in quickbooks.realms.values()) == 4
    assert quickbooks.violations == []
    assert [e["status"] for e in run.trace["quickbooks"]].count(None) == 1
    assert len(run.trace["quickbooks"]) == quickbooks.calls.total()
    asked = Counter(e["path"].rpartition("/")[2] for e in run.trace["slack"])
    assert {method: asked[method] for method in slack.calls} == slack.calls
    for file in tmp_path.rglob("*.json*"):
        assert "outside-odoo-key" not in file.read_text()


def first_companies(first: Demo) -> list[str]:
    """The companies the demo's table named."""
    table = first.said.split("company ", 1)[1].split("\n\n", 1)[0].splitlines()[1:-1]
    return [line.split()[0] for line in table]


def test_a_standing_sandbox_says_where_everything_is(stand: Standing) -> None:
    assert set(stand.addresses) >= {"page", *VENDORS, "aws", "clicks", "e-mails"}
    assert stand.exports["AWS_DEFAULT_REGION"] == stand.exports["AWS_REGION"]
    page = requests.get(stand.addresses["page"], timeout=10)
    assert stand.addresses["slack"] in page.text
    for vendor in VENDORS:
        assert requests.get(stand.addresses[vendor], timeout=10).status_code < 500


def test_a_dry_run_by_hand_shows_the_bills_and_writes_nothing(stand: Standing) -> None:
    answer, failed = stand.invoke({"company": "1MD", "since": "2026-01-01", "dry_run": True})

    assert not failed
    assert answer["dry_run"] == "nothing was written"
    assert list(answer["companies"]) == ["1MD"]
    assert answer["companies"]["1MD"]["ready"] == 32
    assert all(bill["bill"] and bill["total"] for bill in answer["bills"])
    table = stand.client("dynamodb").scan(TableName="odoo-qb-invoices-sandbox")["Items"]
    assert [item["entry_id"]["S"] for item in table if "status" in item] == []


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"company": "Nobody"}, "There is no company Nobody"),
        ({"since": "last week"}, "since must be a bill date like 2026-01-31, not last week."),
        ({"dry_run": "yes"}, "dry_run must be true or false."),
        ({"bills": 3}, "bills is not an option"),
    ],
)
def test_a_wrong_request_by_hand_gets_one_sentence(
    stand: Standing, payload: Json, sentence: str
) -> None:
    answer, failed = stand.invoke(payload)

    told = answer.get("error") or answer["errorMessage"]
    assert told.startswith(sentence)
    assert "\n" not in told
    assert "stackTrace" not in answer
    assert failed in {"", "Unhandled"}


@pytest.mark.parametrize("body", [b"", b"payload=%7B%7D", b"\xff\x00", b"{}"])
def test_an_unsigned_request_from_outside_is_refused_without_a_word(
    stand: Standing, body: bytes
) -> None:
    answer = requests.post(
        stand.addresses["clicks"], data=body, verify=stand.exports["AWS_CA_BUNDLE"], timeout=30
    )

    assert answer.status_code in {400, 401}
    assert answer.content == b""


def test_a_wrong_odoo_password_is_one_failed_run_one_sentence_and_one_mail(
    stand: Standing,
) -> None:
    secrets, name = stand.client("secretsmanager"), "odoo-qb-integration/odoo-credentials-sandbox"
    right = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(
        SecretId=name, SecretString=json.dumps(json.loads(right) | {"api_key": "wrong"})
    )
    functions, function = stand.client("lambda"), "odoo-extractor-sandbox"
    functions.update_function_configuration(FunctionName=function, Timeout=299)  # starts it cold

    try:
        for _ in range(2):  # the second time says the same, and so sends no mail
            answer, failed = stand.invoke({})
            assert failed == "Unhandled"
            assert "Odoo" in answer["errorMessage"]
            assert "Traceback" not in json.dumps(answer)
            assert len(answer["errorMessage"]) < 300
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=right)
        functions.update_function_configuration(FunctionName=function, Timeout=300)

    (mail,) = stand.mails("No bills could be read")
    assert mail["to"] == "finance-ops@example.com"
    assert answer["errorMessage"] in mail["message"]
    assert "wrong" not in mail["message"].split()


def test_ctrl_c_stops_all_of_a_standing_sandbox(stand: Standing) -> None:
    assert stand.process.pid in stand.processes()

    stand.process.send_signal(signal.SIGINT)
    stand.process.send_signal(signal.SIGINT)  # an impatient person's
    status = stand.process.wait(timeout=60)

    assert status == 130
    until = time.monotonic() + 5
    while stand.processes() and time.monotonic() < until:
        time.sleep(0.1)
    assert stand.processes() == set()
    for address in (stand.addresses["odoo"], stand.addresses["aws"]):
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://{urlsplit(address).netloc}", timeout=5)


def test_ctrl_c_while_terraform_applies_leaves_no_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "demo", "--json", str(tmp_path / "counts.json")],
        cwd=PROJECT,
        env=environment(tmp_path / "run"),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        applies = any(
            re.search(r"terraform: \d+ of \d+ resources", line) for line in process.stdout or ()
        )
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)

    left = Standing(process=process, addresses={}, exports={}, run_dir=tmp_path / "run")
    assert applies
    assert process.returncode == 130
    assert said.rstrip().endswith("stopped")
    assert json.loads((tmp_path / "counts.json").read_text())["error"] == "stopped"
    assert left.processes() == set()
