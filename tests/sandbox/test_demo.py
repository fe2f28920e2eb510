"""What a demo says of its outcome, and how it refuses what it cannot do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from standardwebhooks import Webhook
from werkzeug.wrappers import Request, Response

from odoo_qb.bill.status import TRANSITIONS
from odoo_qb.extraction import run
from sandbox import chain, demo, run_report, traffic
from sandbox import serve as serve_command
from sandbox.__main__ import main
from sandbox.approver import rule
from sandbox.aws.emulator import Emulator
from sandbox.aws.run_directory import EmulatorError
from sandbox.http_server import serve
from sandbox.recording import Recorder
from sandbox.slack.server import Slack
from sandbox.terraform import Terraform
from sandbox.traffic import Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIEnvironment

PROJECT: Final = Path(__file__).parents[2]
REALM: Final = "9130350000000001"

Json = dict[str, Any]

_ASKS_FOR_A_CLIENT: Final = """
import boto3
client = boto3.client("dynamodb")
key = client._request_signer._credentials.access_key
print(client.meta.endpoint_url, client.meta.region_name, key)
"""


def an_item(number: int = 42, status: str = "POSTED", **fields: Any) -> Json:
    item = {
        "entry_id": f"odoo-{number}",
        "odoo_id": number,
        "odoo_name": f"BILL/{number}",
        "company": "north",
        "status": status,
        "move_type": "in_invoice",
        "vendor": {"name": "Acme"},
        "currency": "USD",
        "amount_total": Decimal("108.25"),
        "quickbooks": {"type": "Bill", "id": "7"},
        "problems": [],
        "nothing_to_post": "",
    }
    return item | fields


def a_document(number: int = 42, **fields: Any) -> Document:
    given: Json = {"entity": "Bill", "realm": REALM, "id": "7", "entry_id": f"odoo-{number}"}
    return Document(**{**given, "total": Decimal("108.25"), "currency": "USD", **fields})


def an_exchange(word: str, answer: Json | None, method: str = "POST", **fields: Any) -> Json:
    path = f"/v3/company/{REALM}/{word}"
    return {"method": method, "path": path, "status": 200, "answer": answer, **fields}


def a_row(number: int = 42, id: str = "7", **fields: Any) -> Json:  # noqa: A002 - as QuickBooks
    note = f"[odoo-{number}] BILL/{number}"
    total = {"TotalAmt": 108.25, "CurrencyRef": {"value": "USD"}}
    return {"Id": id, "PrivateNote": note, **total, **fields}


def test_an_answer_replayed_is_one_document_and_two_documents_are_two() -> None:
    created = an_exchange("bill", {"Bill": a_row()})
    other = an_exchange("bill", {"Bill": a_row(id="8")})

    assert traffic.documents([created, created]) == [a_document()]
    assert traffic.documents([created, other]) == [a_document(), a_document(id="8")]


def test_a_document_whose_creation_was_never_answered_is_found_by_its_marker() -> None:
    lost = an_exchange("bill", None, status=None)
    refused = an_exchange("bill", {"Fault": {}}, status=400)
    rows = [a_row(), a_row(id="9", PrivateNote="somebody's own")]
    found = an_exchange("query", {"QueryResponse": {"Bill": rows}}, method="GET")

    assert traffic.documents([lost, refused, found]) == [a_document()]


def test_a_document_made_without_our_marker_is_not_overlooked() -> None:
    held = traffic.documents([an_exchange("bill", {"Bill": a_row(PrivateNote="")})])

    assert run_report.trouble([], held, 0) == [
        "A document without our marker is in QuickBooks and was not approved."
    ]


def test_calls_are_counted_below_any_path() -> None:
    below = "/proxy/v3/company/1/bill"
    paths = [below, "/v3/company/1/query", "/oauth2/v1/tokens/bearer", "/own/token/"]

    counted = traffic.calls("quickbooks", [{"path": p} for p in paths])

    assert counted == {"bill": 1, "query": 1, "token": 2}
    said = [{"path": p} for p in ("/api/chat.update", "/response/abc", "/response/def")]
    assert traffic.calls("slack", said) == {"chat.update": 1, "response_url": 2}


def test_once_and_only_once_is_no_trouble() -> None:
    items = [an_item(), an_item(43, "REJECTED"), an_item(44, "READY_FOR_APPROVAL")]

    assert run_report.trouble(items, [a_document()], 0) == []


@pytest.mark.parametrize(
    ("item", "held", "sentence"),
    [
        (an_item(42, "APPROVED"), [], "was approved and is in QuickBooks 0 times (approved,"),
        (
            an_item(42, "POST_FAILED", error={"message": "The books are closed."}),
            [],
            "was approved and is in QuickBooks 0 times (not posted: The books are closed).",
        ),
        (
            an_item(),
            [a_document(), a_document(id="8")],
            "BILL/42 of north was approved and is in QuickBooks 2 times (posted as bill 7).",
        ),
        (
            an_item(42, "READY_FOR_APPROVAL"),
            [a_document()],
            "odoo-42 is in QuickBooks and was not approved.",
        ),
    ],
)
def test_a_broken_promise_is_said(item: Json, held: list[Document], sentence: str) -> None:
    (told,) = run_report.trouble([item], held, 0)

    assert sentence in told


def test_dead_letters_are_trouble() -> None:
    assert run_report.trouble([], [], 2) == [
        "2 messages are in dead-letter queues: see the functions' logs."
    ]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "Slack did not answer."),
        ({"ok": False, "error": "channel_not_found"}, "Slack said channel_not_found."),
        ({"ok": True}, "Slack answered with HTTP 200, and the notifier's log says more."),
    ],
)
def test_bills_without_a_current_card_are_trouble_and_slack_says_why(
    answer: Json | None, told: str
) -> None:
    slack = Recorder(Slack())
    status = None if answer is None else 200
    slack.exchanges.append({"path": "/api/chat.postMessage", "status": status, "answer": answer})
    asked = an_item(45, "READY_FOR_APPROVAL", cards=[{"ts": "1"}])
    waiting = [an_item(n, "READY_FOR_APPROVAL", cards=[], card_due=1) for n in (42, 43)]
    stale = an_item(44, cards=[{"ts": "1"}], card_due=3)

    assert run_report.unshown([asked], slack) == []
    assert run_report.unshown([*waiting, asked, stale], slack) == [
        f"2 bills never got a card: {told}",
        f"1 card is out of date: {told}",
    ]


def test_a_slack_that_was_never_called_is_not_blamed() -> None:
    waiting = an_item(42, "READY_FOR_APPROVAL", cards=[])

    assert run_report.unshown([waiting], Recorder(Slack())) == [
        "1 bill never got a card: the notifier did not call Slack. Its log says why."
    ]


def test_a_run_that_read_nothing_is_no_success() -> None:
    (told,) = run_report.unshown([], Recorder(Slack()))

    assert told == "No bill was read in Odoo, so no card was sent and nothing was posted."


class Account:
    """As much of AWS as a demo asks by hand: what functions answer, and what a bucket holds."""

    def __init__(self, *answers: Json, kept: tuple[str, ...] = ()) -> None:
        self.answers = list(answers)
        self._kept = kept

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.endswith("/invocations"):
            answer = Response(json.dumps(self.answers.pop(0)), mimetype="application/json")
        else:
            keys = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in self._kept)
            listing = f"<ListBucketResult>{keys}</ListBucketResult>"
            answer = Response(listing, mimetype="application/xml")
        return answer(environ, start_response)


@contextmanager
def a_chain(account: Account, folder: Path) -> Iterator[chain.Chain]:
    with serve(account) as aws, subprocess.Popen(["true"]) as process:
        yield chain.Chain(
            emulator=Emulator(
                url=aws.url, ca_bundle=folder / "none.crt", run_dir=folder, process=process
            ),
            outputs={
                "lambda_function_names": {"extractor": "extractor", "poster": "poster"},
                "s3_bucket": "bills",
            },
            odoo=None,
            slack=None,
            quickbooks=None,
            recorders={},
            addresses={},
            companies={},
            realms={},
            _terraform=Terraform(folder, folder, {}),
            _variables={},
            _stack=ExitStack(),
        )


def test_a_demo_waits_for_an_extraction_that_is_under_way(tmp_path: Path) -> None:
    busy = {"skipped": "Another extraction is running. Try again in a few minutes.", "swept": {}}
    done: Json = {"companies": {}, "bills": [], "not_yet_read": 0, "read": 3}
    said: list[str] = []
    waited: list[float] = []

    with a_chain(Account(busy, busy, done), tmp_path) as running:
        lost = demo.extract(running, said.append, waited.append)

    assert (lost, len(waited)) == ([], 2)
    assert said == ["Another extraction is running. Waiting for it to end."]


def test_an_extraction_that_never_ends_ends_the_demo_in_its_own_sentence(tmp_path: Path) -> None:
    busy = {"skipped": "Another extraction is running. Try again in a few minutes.", "swept": {}}
    account = Account(*[busy] * 100)
    waited: list[float] = []

    with a_chain(account, tmp_path) as running, pytest.raises(demo.ExtractionError) as ended:
        demo.extract(running, lambda _: None, waited.append)

    assert str(ended.value) == busy["skipped"]
    assert timedelta(seconds=sum(waited)) > run.LEASE


def test_a_company_that_quickbooks_does_not_let_in_is_trouble(tmp_path: Path) -> None:
    said = {"north": "North Ltd: 12 accounts, 3 vendors", "south": "Authorise it again."}

    with a_chain(Account({"companies": said}, kept=("reference/north.json",)), tmp_path) as running:
        assert chain.read_quickbooks(running) == [
            "south could not be read in QuickBooks: Authorise it again."
        ]
    with a_chain(Account({"errorMessage": "It timed out."}), tmp_path) as running:
        assert chain.read_quickbooks(running) == ["QuickBooks could not be read: It timed out."]


def test_totals_are_compared_by_company_and_currency_and_credits_subtract() -> None:
    items = [
        an_item(),
        an_item(43, amount_total=Decimal("8.25"), move_type="in_refund"),
        an_item(44, amount_total=Decimal("0.10"), currency="EUR"),
        an_item(45, "REJECTED"),
    ]
    held = [
        a_document(),
        a_document(43, entity="VendorCredit", total=Decimal("8.25")),
        a_document(44, total=Decimal("0.11"), currency="EUR"),
    ]

    sums = run_report.totals(items, held, {"north": REALM})

    assert sums == {
        ("north", "EUR"): (Decimal("0.10"), Decimal("0.11")),
        ("north", "USD"): (Decimal("100.00"), Decimal("100.00")),
    }
    assert run_report.unequal(sums) == [
        "north: 0.10 EUR were approved, and QuickBooks has 0.11 EUR."
    ]


def test_every_status_has_a_column_and_a_word(every_status: list[Json]) -> None:
    report: Json = {
        "quickbooks": dict.fromkeys(
            ("bills", "vendor_credits", "vendors", "attachments", "duplicates"), 0
        ),
        "calls": {"odoo": 0, "slack": {}, "quickbooks": {}},
        "dlq": 0,
        "seconds": {},
    }

    lines = run_report.summary(every_status, report, run_report.totals(every_status, [], {}))

    everything = next(line for line in lines if line.startswith("all"))
    assert everything.split() == ["all", "10", "2", "1", "1", "1", "2", "1", "1", "1"]
    fates = "\n".join(lines)
    for word in ("already there as bill 7", "rejected: no", "being posted", "withdrawn in Odoo"):
        assert word in fates
    assert lines[-1] == "BLOCKED: BILL/9 of north: It has no vendor."
    assert "DIFFERS" in fates


@pytest.fixture
def every_status() -> list[Json]:
    more: dict[str, Json] = {
        "REJECTED": {"rejection_reason": "no"},
        "POST_FAILED": {"error": {"message": "Closed."}},
        "VALIDATION_FAILED": {"problems": ["It has no vendor."], "odoo_name": "BILL/9"},
    }
    return [
        an_item(number, status, **more.get(status, {}))
        for number, status in enumerate(TRANSITIONS, start=1)
    ]


@pytest.mark.parametrize(
    ("text", "decided"), [("all", [0, 1, 2, 3]), ("none", []), ("every:3", [0, 3])]
)
def test_the_approver_decides_the_cards_that_were_chosen(text: str, decided: list[int]) -> None:
    assert [n for n in range(4) if rule(text)(n)] == decided


def sandbox(
    *arguments: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=PROJECT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What the sandbox says of options it refuses, on its last line to a terminal."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    return said.err


def test_a_wrong_command_ends_the_program_with_one_sentence() -> None:
    done = sandbox("serves")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "invalid choice: 'serves'" in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--approve", "most"), "--approve is all, none or every:K, not most"),
        (("--approve", "every:0"), "--approve is all, none or every:K, not every:0"),
        (("--bills", "-1"), "-1 is not a whole number from 0"),
        (("--bills", "1.5"), "1.5 is not a whole number from 0"),
        (("--odoo-url", "odoo.example"), "odoo.example is not an address such as"),
        (("--odoo-url", "http://[::1"), "http://[::1 is not an address such as"),
        (("--odoo-url", "http://a:b"), "http://a:b is not an address such as"),
        (("--bills", "5", "--odoo-url", "http://127.0.0.1:1"), "does not go with --odoo-url"),
        (("--quickbooks-oauth-url", "http://127.0.0.1:1"), "belongs to --quickbooks-url"),
        (("--json", str(PROJECT)), "is a folder"),
        (("--json", f"{__file__}/counts.json"), "--json cannot be written: "),
        (("--trace", __file__), "is a file"),
        (("--colour",), "unrecognized arguments: --colour"),
    ],
)
def test_a_wrong_option_is_answered_with_one_sentence(
    options: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, "demo", *options)


@pytest.mark.parametrize("port", ["99999", "-1", "http"])
def test_what_is_no_port_is_answered_with_one_sentence(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "serve", "--port", port)

    assert "is not a port: a number up to 65535" in said or "expected one" in said


def a_machine(folder: Path, *, without: str = "", terraform: str = "") -> dict[str, str]:
    """A PATH of links to what is needed, less one; `terraform` is a stand-in's output."""
    folder.mkdir()
    for program in ("bash", "openssl", "terraform", "dirname"):
        if program != without:
            (folder / program).symlink_to(shutil.which(program) or "")
    if terraform:
        (folder / "terraform").unlink()
        (folder / "terraform").write_text(f"#!/bin/sh\necho '{terraform}'\n")
        (folder / "terraform").chmod(0o755)
    return {"PATH": str(folder), "SANDBOX_RUN_DIR": str(folder / "run")}


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ("terraform", "terraform was not found on the PATH: install Terraform 1.11 or later."),
        ("openssl", "openssl was not found on the PATH: install openssl"),
    ],
)
def test_a_program_missing_on_this_machine_is_named(
    tmp_path: Path, without: str, sentence: str
) -> None:
    counts = tmp_path / "new" / "counts.json"

    done = sandbox("demo", "--json", str(counts), env=a_machine(tmp_path / "bin", without=without))

    assert (done.returncode, done.stderr) == (1, "")
    assert sentence in done.stdout
    assert done.stdout.count("\n") == 1
    report = json.loads(counts.read_text())
    assert report["error"].startswith(without)
    assert report["bills"]["posted"] == 0


def test_with_an_old_terraform_the_needed_version_is_named(tmp_path: Path) -> None:
    env = a_machine(tmp_path / "bin", terraform='{"terraform_version": "1.9.8"}')

    done = sandbox("demo", env=env)

    assert done.returncode == 1
    assert "This is Terraform 1.9: install 1.11 or later." in done.stdout


def test_with_another_python_the_needed_version_is_named() -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 11, 9, 'final', 0);"
        "runpy.run_module('sandbox', run_name='__main__')"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("The sandbox needs Python 3.12")
    assert done.stderr.count("\n") == 1


def test_without_the_packages_the_way_to_get_them_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "sandbox", "demo"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "is not installed here: run `make venv`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = sandbox("serve", "--port", str(port))

    assert done.returncode == 1
    assert f"Port {port} is taken by another program: choose another one with" in done.stdout


def test_what_a_running_sandbox_prints_is_all_that_boto3_needs(tmp_path: Path) -> None:
    url = "https://127.0.0.1:4566"
    with subprocess.Popen(["true"]) as process:
        emulator = Emulator(
            url=url, ca_bundle=tmp_path / "ca.pem", run_dir=tmp_path, process=process
        )
        printed = serve_command.exports(emulator)

    found = subprocess.run(
        [sys.executable, "-c", _ASKS_FOR_A_CLIENT],
        env=dict(line.removeprefix("export ").split("=", 1) for line in printed),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert found == [url, "us-west-2", "test"]


def test_a_running_sandbox_prints_what_the_examples_of_the_companions_read(tmp_path: Path) -> None:
    with a_chain(Account(), tmp_path) as running:
        assert serve_command.companion_exports(running) == []  # neither API nor webhook is on
        assert "api" not in serve_command.addresses(on(running, {}))

        companions = on(running, {"api_url": "https://abc.execute-api.us-west-2.amazonaws.com"})
        printed = dict(
            line.removeprefix("export ").split("=", 1)
            for line in serve_command.companion_exports(companions)
        )
        shown = serve_command.addresses(companions)

    api = f"{running.emulator.url}/_aws/execute-api/abc"
    assert printed["ADDRESS"] == api
    assert (shown["api"], shown["api token"]) == (f"{api}/docs", printed["TOKEN"])
    assert printed["STATE_MACHINE"] == "arn:machine"
    assert printed["CURL_CA_BUNDLE"] == printed["REQUESTS_CA_BUNDLE"] == str(tmp_path / "none.crt")
    Webhook(printed["WEBHOOK_SECRET"])  # a secret that receivers take


def on(running: chain.Chain, outputs: Json) -> chain.Chain:
    """The chain with what Terraform puts out where the companions are on."""
    address = "https://def.lambda-url.us-west-2.on.aws/"
    given = {"approval_handler_url": address, "intake_state_machine_arn": "arn:machine"}
    return replace(running, outputs={**running.outputs, **given, **outputs})


def test_a_running_sandbox_ends_with_its_emulator(tmp_path: Path) -> None:
    with a_chain(Account(), tmp_path) as running, pytest.raises(EmulatorError) as ended:
        serve_command.watch(running.emulator)

    log = tmp_path / "emulator.log"
    assert str(ended.value) == (
        f"The AWS emulator stopped unexpectedly. See {log}, then start again."
    )


def test_an_odoo_that_does_not_answer_ends_the_demo_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"

        done = sandbox(
            "demo", "--odoo-url", address, env={"SANDBOX_RUN_DIR": str(tmp_path / "run")}
        )

    assert done.returncode == 1
    assert done.stderr == ""
    last = done.stdout.splitlines()[-1]
    assert "The sandbox stopped:" in last
    assert "Odoo" in last
