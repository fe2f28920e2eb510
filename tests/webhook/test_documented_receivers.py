"""What docs/webhook.md shows a receiver: its tables and bodies are true, its programs run.

UPDATE_DOCS=1 writes the bodies anew.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from standardwebhooks import Webhook

from odoo_qb.webhook.body import FAMILIES, MODELS
from tests.support.node import node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE: Final = Path(__file__).parent
DOCUMENT: Final = HERE.parents[1] / "docs/webhook.md"
BODIES: Final = [
    json.loads(line) for line in (HERE / "golden/odoo-18.jsonl").read_text().splitlines()
]
INVOICE: Final = next(b for b in BODIES if b["type"].startswith("invoice."))
PAYMENT: Final = next(b for b in BODIES if b["type"].startswith("vendor_payment."))
NEW: Final = "whsec_" + base64.b64encode(b"a new secret of thirty-two bytes").decode()
OLD: Final = "whsec_" + base64.b64encode(b"an old secret of thirty-two byte").decode()
LATE: Final = 301  # seconds
WITHIN: Final = 60.0

Json = dict[str, Any]


def blocks(language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def table(first: str) -> list[list[str]]:
    """The rows of the tables whose first heading is this, their cells without backticks."""
    found = []
    for one in re.findall(r"^\| [^\n]+\n(?:\|[^\n]+\n)+", DOCUMENT.read_text(), re.MULTILINE):
        heading, _, *rows = one.splitlines()
        if heading.startswith(f"| {first} |"):
            found += [[c.strip().strip("`") for c in row.strip("|").split(" | ")] for row in rows]
    return found


# -- tables and examples ---------------------------------------------------------------------------


def test_the_examples_are_bodies_that_are_sent() -> None:
    shown = [json.dumps(body, indent=2) + "\n" for body in (INVOICE, PAYMENT)]
    if os.environ.get("UPDATE_DOCS"):
        there = iter(shown)
        text = re.sub(
            r"^```json\n.*?^```$",
            lambda _: f"```json\n{next(there)}```",
            DOCUMENT.read_text("utf-8"),
            flags=re.MULTILINE | re.DOTALL,
        )
        DOCUMENT.write_text(text, "utf-8")
    assert blocks("json") == shown


def test_every_type_is_listed_with_what_tells_it_apart() -> None:
    field = {"move": "move_type", "payment": "partner_type"}
    types = [
        (word, MODELS[kind], f"{field[kind]}` is `{value}")
        for (kind, value), word in FAMILIES.items()
    ]

    listed = [(row[0], row[2], row[3].strip(" `")) for row in table("`type` begins with")]

    assert sorted(listed) == sorted(types)


def test_every_key_is_described_and_no_other() -> None:
    beside = [row[0] for row in table("Key")]
    lines = [row[0] for row in table("Key of a line")]
    data = [row[0] for row in table("Key of `data`")]

    assert sorted(beside) == sorted(INVOICE)
    assert sorted(lines) == sorted(INVOICE["data"]["invoice_lines"][0])
    assert set(data) == INVOICE["data"].keys() | PAYMENT["data"].keys()
    move = data[: data.index("invoice_lines") + 1]
    assert sorted(move) == sorted(INVOICE["data"])
    shared = {name for name in move if name.startswith(("partner_", "currency_"))}
    assert set(data[len(move) :]) == PAYMENT["data"].keys() - shared
    assert shared <= PAYMENT["data"].keys()


# -- verifying -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is POSTed, and whether it is ours."""

    body: str
    headers: dict[str, str]
    is_ours: bool


def signed(
    body: str, *secrets: str, message_id: str = "msg_odoo_move_306_2", late: int = 0
) -> dict[str, str]:
    at = int(time.time()) - late
    when = datetime.fromtimestamp(at, UTC)
    signatures = [Webhook(secret).sign(message_id, when, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(signatures),
    }


def the_requests() -> dict[str, Request]:
    body = json.dumps(INVOICE)
    ours = signed(body, NEW)
    more = body.replace("1896.43", "9896.43")
    assert more != body

    def forged(headers: dict[str, str], body: str = body) -> Request:
        return Request(body=body, headers=headers, is_ours=False)

    return {
        "signed": Request(body=body, headers=ours, is_ours=True),
        "while a secret is replaced": Request(
            body=body, headers=signed(body, OLD, NEW), is_ours=True
        ),
        "signed with another secret": forged(signed(body, OLD)),
        "a changed amount": forged(ours, more),
        "another id": forged(ours | {"webhook-id": "msg_odoo_move_306_3"}),
        "an old request": forged(signed(body, NEW, late=LATE)),
        "a request of tomorrow": forged(signed(body, NEW, late=-LATE - 30)),
        "a later time for an old one": forged(
            signed(body, NEW, late=LATE) | {"webhook-timestamp": str(int(time.time()))}
        ),
        "no signature": forged({}),
        "nonsense": forged(ours | {"webhook-signature": "v1,nonsense v2, \xe4 ,"}),
        "a time that is none": forged(ours | {"webhook-timestamp": "now"}),
    }


CASES: Final = sorted(the_requests())


@pytest.fixture(scope="module")
def by_hand() -> Callable[[str, dict[str, str], bytes], bool]:
    """The ten lines of Python."""
    [_, source] = blocks("python")
    names: Json = {}
    exec(compile(source, str(DOCUMENT), "exec"), names)  # noqa: S102 - our own document
    verify: Callable[[str, dict[str, str], bytes], bool] = names["verify"]
    return verify


@pytest.mark.parametrize("case", CASES)
def test_the_lines_of_python_know_what_is_ours(
    case: str, by_hand: Callable[[str, dict[str, str], bytes], bool]
) -> None:
    request = the_requests()[case]

    assert by_hand(NEW, request.headers, request.body.encode()) is request.is_ours


def test_the_lines_of_javascript_know_what_is_ours(tmp_path: Path) -> None:
    [_, source] = blocks("js")
    (tmp_path / "verify.mjs").write_text(source)
    (tmp_path / "cases.mjs").write_text(
        'import { readFileSync } from "node:fs";\n'
        'import { verify } from "./verify.mjs";\n'
        "const cases = JSON.parse(readFileSync(0));\n"
        "const found = cases.map((c) => verify(c.secret, c.headers, Buffer.from(c.body)));\n"
        "console.log(JSON.stringify(found));\n"
    )
    cases = the_requests()
    given = [{"secret": NEW, "headers": c.headers, "body": c.body} for c in cases.values()]

    done = subprocess.run(
        [node(), "cases.mjs"],
        cwd=tmp_path,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
        timeout=WITHIN,
    )

    found = dict(zip(cases, json.loads(done.stdout), strict=True))
    assert found == {name: c.is_ours for name, c in cases.items()}


# -- whole receivers -------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Running:
    """A receiver of the document that runs, and the file it prints to."""

    url: str
    printed: Path

    def post(self, request: Request) -> int:
        with requests.Session() as session:
            session.trust_env = False
            headers = {n: v.encode("latin-1") for n, v in request.headers.items()}
            answer = session.post(self.url, request.body, headers=headers, timeout=WITHIN)
        return answer.status_code

    def lines(self) -> list[str]:
        return self.printed.read_text().splitlines()


@contextmanager
def running(program: list[str], folder: Path) -> Iterator[Running]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    printed = folder / "printed"
    environment = {"WEBHOOK_SECRET": NEW, "PORT": str(port), "PATH": os.environ["PATH"]}
    with (
        printed.open("w") as out,
        (folder / "log").open("w") as log,
        subprocess.Popen(program, cwd=folder, env=environment, stdout=out, stderr=log) as process,
    ):
        try:
            until = time.monotonic() + WITHIN
            while not listens(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "it does not listen"
                time.sleep(0.05)
            yield Running(url=f"http://127.0.0.1:{port}/odoo", printed=printed)
        finally:
            process.kill()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["python", "js"])
def receiver(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp(request.param)
    [source, _] = blocks(request.param)
    if request.param == "python":
        (folder / "receiver.py").write_text(source)
        program = [sys.executable, "receiver.py"]
    else:
        shutil.copytree(HERE / "npm", folder / "node_modules")
        (folder / "receiver.mjs").write_text(source)
        program = [node(), "receiver.mjs"]
    with running(program, folder) as started:
        yield started


@pytest.mark.parametrize("case", CASES)
def test_the_receiver_takes_in_what_is_ours_and_nothing_else(case: str, receiver: Running) -> None:
    request = the_requests()[case]
    before = len(receiver.lines())

    assert receiver.post(request) == (204 if request.is_ours else 401)

    printed = receiver.lines()[before:]
    assert len(printed) == request.is_ours
    assert all("invoice.updated odoo account.move 306 2" in line for line in printed)


def test_the_receiver_leaves_out_what_is_older_than_what_it_has(receiver: Running) -> None:
    statuses, before = [], len(receiver.lines())
    for sequence in (5, 6, 5, 6, 7):
        body = json.dumps(PAYMENT | {"sequence": sequence})
        statuses.append(receiver.post(Request(body=body, headers=signed(body, NEW), is_ours=True)))

    assert statuses == [204] * 5
    assert [line.split()[-1] for line in receiver.lines()[before:]] == ["5", "6", "6", "7"]


@pytest.mark.parametrize(("secret", "status"), [(NEW, 204), (OLD, 401)])
def test_the_request_to_try_an_endpoint_with_is_ours_to_the_receivers(
    secret: str, status: int, receiver: Running
) -> None:
    [commands] = blocks("sh")
    environment = {"WEBHOOK_SECRET": secret, "ENDPOINT": receiver.url, "PATH": os.environ["PATH"]}

    done = subprocess.run(
        ["sh", "-euc", commands.replace("curl -i", "curl -i --noproxy '*'")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=WITHIN,
    )

    assert done.stdout.split()[1] == str(status)
