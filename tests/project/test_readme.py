"""What the README and the other documents show, list and quote is what there is."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import botocore.session
import pytest
from botocore import xform_name
from werkzeug.test import Client

import poster
from odoo_qb.mirror.request import sync_request
from odoo_qb.webhook.replay_request import replay_request
from odoo_qb.webhook.request import request_of
from odoo_qb.webhook.signing import keys_of
from sandbox.__main__ import main
from sandbox.odoo import http
from sandbox.quickbooks import faults
from sandbox.quickbooks.server import QuickBooks
from sandbox.slack import server
from sandbox.slack.server import Slack
from sandbox.webhook import failures
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.in_process.chain import World

PROJECT: Final = next(p for p in Path(__file__).parents if (p / "pyproject.toml").exists())
DOCUMENTS: Final = {
    str(path.relative_to(PROJECT)): path.read_text("utf-8")
    for path in (
        *PROJECT.glob("*.md"),
        *PROJECT.glob("docs/**/*.md"),
        PROJECT / "sandbox/README.md",
    )
}
OPERATORS: Final = DOCUMENTS["docs/operators.md"]
TROUBLESHOOTING: Final = DOCUMENTS["docs/troubleshooting.md"]
TERRAFORM: Final = "\n".join(path.read_text("utf-8") for path in PROJECT.glob("*.tf"))
ANYTHING: Final = "…"


def section(document: str, heading: str) -> str:
    return re.split(
        r"^#+ ", document.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE
    )[0]


def rows(document: str, heading: str) -> list[str]:
    """The first column of the section's tables."""
    found = re.findall(r"^\| (.+?) \|", section(document, heading), re.MULTILINE)
    assert len(found) > 3
    return found[1:]


def blocks(document: str, language: str = "") -> list[str]:
    """The fenced blocks of a document, in one language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


# -- places ----------------------------------------------------------------------------------------


def anchors(document: str) -> set[str]:
    without_code = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", without_code, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_place_a_document_points_to_is_there(name: str) -> None:
    here, missing = PROJECT / name, []
    for link in re.findall(r"\]\(([^)]+)\)", DOCUMENTS[name]):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        there = (here.parent / path).resolve() if path else here
        document = DOCUMENTS.get(str(there.relative_to(PROJECT)), "")
        if not there.exists() or (anchor and anchor not in anchors(document)):
            missing.append(link)
    assert missing == []


def test_every_document_is_reached_from_the_readme() -> None:
    found, new = set[Path](), {PROJECT / "README.md"}
    while new:
        found |= new
        links = {
            (page.parent / link.partition("#")[0]).resolve()
            for page in new
            for link in re.findall(r"\]\(([^)#][^)]*)\)", page.read_text("utf-8"))
            if not link.startswith("http")
        }
        indexes = {place / "README.md" if place.is_dir() else place for place in links}
        new = {place for place in indexes if place.suffix == ".md"} - found
    assert {str(place.relative_to(PROJECT)) for place in found} == set(DOCUMENTS)


# -- the folder tree -------------------------------------------------------------------------------


def tree() -> list[str]:
    """Each path that the README's tree names, from the project's folder on."""
    [drawn] = blocks(DOCUMENTS["README.md"], "text")
    found, folders = [], [""]
    for line in drawn.splitlines()[1:]:
        names = re.split(r" {3,}", line.strip())[0].split()
        folders[len(line) - len(line.lstrip()) :] = [""]
        parent = "".join(folders)
        found += [parent + name for name in names]
        folders += [names[0], ""] if names[0].endswith("/") else []
    return found


def test_each_folder_has_a_line_in_the_readmes_tree_and_each_line_its_folder() -> None:
    drawn = tree()
    there = {
        f"{root}/{folder.name}/"
        for root in ("lambda/odoo_qb", "sandbox", "tests")
        for folder in (PROJECT / root).iterdir()
        if any(f.is_file() and "__pycache__" not in f.parts for f in folder.rglob("*"))
    }
    assert {line for line in drawn if not list(PROJECT.glob(line.rstrip("/")))} == set()
    assert there - set(drawn) == set()
    assert len(drawn) == len(set(drawn))


# -- what is quoted --------------------------------------------------------------------------------


@cache
def sources() -> list[ast.Module]:
    return [ast.parse(p.read_text("utf-8")) for p in (PROJECT / "lambda").rglob("*.py")]


def text_of(node: ast.AST) -> str:
    """A text of the code as documents quote it, with … for what is put in; "" for no text."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.FormattedValue):
        return ANYTHING
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def texts() -> frozenset[str]:
    return frozenset(filter(None, (text_of(n) for tree in sources() for n in ast.walk(tree))))


def says(quoted: str, text: str) -> bool:
    """Whether a quotation, with … or *name* for what is left out, is what a text says."""
    parts = re.split(rf"{ANYTHING}|\*\w+\*", quoted)
    return re.search(".*".join(re.escape(p.strip()) for p in parts), text, re.DOTALL) is not None


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("docs/troubleshooting.md", "A bill was not posted"),
        ("docs/approvers.md", "Before you decide"),
        ("docs/approvers.md", "The buttons"),
        ("docs/approvers.md", "What the card says"),
    ],
)
def test_the_messages_it_quotes_are_the_products(name: str, heading: str) -> None:
    separator = " / " if " / " in section(DOCUMENTS[name], heading) else ", "
    quoted = [q for row in rows(DOCUMENTS[name], heading) for q in row.split(separator)]

    assert [q for q in quoted if not any(says(q, text) for text in texts())] == []


def mail_subjects() -> set[str]:
    """The subjects of all mails, as the calls that send them have them."""
    found = set()
    for node in (n for tree in sources() for n in ast.walk(tree)):
        match node:
            case ast.Assign(targets=[ast.Name(id="subject")]):
                found.add(text_of(node.value))
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in {
                *("mail_if_new", "mail_recovery", "mail", "alarm", "_alarm"),
            }:
                found.add(next((t for t in map(text_of, node.args) if " " in t), ""))
    return {subject for subject in found if subject}


def test_every_mail_is_explained_and_no_other() -> None:
    subjects, explained = mail_subjects(), rows(TROUBLESHOOTING, "The e-mails")

    assert len(subjects) > 15
    unexplained = {s for s in subjects if not any(says(s, e) or says(e, s) for e in explained)}
    assert unexplained == set()
    assert [e for e in explained if not any(says(s, e) or says(e, s) for s in subjects)] == []


def alarms() -> set[str]:
    """The names of all alarms in a deployment called `prod`."""
    queues: dict[str, Any] = dict(
        re.findall(r'resource "aws_sqs_queue" "(\w+)" \{[^}]*?\n  name += "(.+)"', TERRAFORM)
    )
    [names] = re.findall(r"^  names = \{(.*?)^  \}", TERRAFORM, re.MULTILINE | re.DOTALL)
    named = dict(re.findall(r'^  (\w+) += "(.+)"$', TERRAFORM, re.MULTILINE))
    functions = dict(re.findall(r'(\w+) += "(.+)"', names))

    def resolved(text: str) -> str:
        text = re.sub(r"\$\{local\.names\.(\w+)\}", lambda m: str(functions[m[1]]), text)
        text = re.sub(
            r'\$\{aws_sqs_queue\.(\w+)(?:\["(\w+)"\])?\.name\}',
            lambda m: str(queues[m[1]]).replace("${each.key}", m[2] or ""),
            text,
        )
        text = re.sub(r"\$\{local\.(\w+)\}", lambda m: str(named[m[1]]), text)
        return text.replace("${var.environment}", "prod")

    files = (path.read_text("utf-8") for path in sorted(PROJECT.glob("*.tf")))
    pattern = r'^ {6}name += "(.+)"$|^ {2}alarm_name += "(.+)"$'
    found = [pair for text in files for pair in re.findall(pattern, text, re.MULTILINE)]
    return {resolved(a or b) for a, b in found}


def test_every_alarm_is_explained_and_no_other() -> None:
    assert len(alarms()) > 13 + 3 + 3 + 6
    assert set(rows(TROUBLESHOOTING, "The alarms")) == alarms()


def test_every_quotation_about_the_upgrade_is_the_products() -> None:
    quoted = re.findall(
        r"(?<!\*)\*([A-Z][^*]+\.)\*(?!\*)", section(OPERATORS, "Upgrading from 1.0")
    )

    assert quoted
    assert [q for q in quoted if q not in texts()] == []


def test_every_setting_it_shows_is_one() -> None:
    [names] = re.findall(
        r"company_setting_names = \{(.*?)^  \}", TERRAFORM, re.MULTILINE | re.DOTALL
    )
    [of_a_connection, *_] = re.findall(r'\["type", .*?\]', TERRAFORM)
    known = set(re.findall(r'"(\w+)"', names + of_a_connection))
    known |= set(re.findall(r'variable "(\w+)"', TERRAFORM))
    shown = {
        name
        for block in blocks(OPERATORS, "hcl")
        for name in re.findall(r"^ *(\w+) +=", block, re.MULTILINE)
    }

    assert len(shown) > 10
    assert shown - known == {"north", "ledger"}  # a company, a connection


# -- what can be run -------------------------------------------------------------------------------


def test_the_answer_it_shows_is_the_one_that_comes(world: World) -> None:
    (shown,) = blocks(OPERATORS, "json")
    poster.lambda_handler({"action": "sync_reference"}, None)

    answer = world.extract(entry_ids=["odoo-2"], dry_run=True)

    assert json.loads(shown) | {"seconds": 0} == json.loads(json.dumps(answer)) | {"seconds": 0}


def test_every_payload_it_lists_is_answered_as_asked(world: World) -> None:
    listed = section(OPERATORS, "Calling a function by hand")
    payloads = re.findall(r"^\| (extractor|poster) \| `(.+?)` \|", listed, re.MULTILINE)
    world.forget_old_bills()
    world.odoo.amend(2, invoice_date="2026-11-02")  # the one that the payloads name

    answers = [
        world.extract(**json.loads(text))
        if function == "extractor"
        else poster.lambda_handler(json.loads(text), None)
        for function, text in payloads
    ]

    assert len(answers) == 8
    assert [answer for answer in answers if "error" in answer] == []
    wrong = re.findall(r'`(\{"error": .+?\})`', listed)
    assert [json.loads(text) for text in wrong] == [world.extract(since="last week")]


def test_every_payload_it_lists_for_the_mirror_is_understood() -> None:
    payloads = re.findall(r"^\| `(\{.+?\})` \|", section(OPERATORS, "The mirror"), re.MULTILINE)

    assert len(payloads) == 6
    assert all(sync_request(json.loads(text), ["odoo"]).kinds for text in payloads)


def test_every_payload_it_lists_for_the_webhook_is_understood() -> None:
    listed = section(OPERATORS, "The webhook")
    payloads = re.findall(r"^\| (odoo-webhook\S*)-prod \| `(\{.+?\})` \|", listed, re.MULTILINE)

    asked = {(function, *json.loads(text)) for function, text in payloads}
    assert asked == {
        *(("odoo-webhook", name) for name in ("retry_refused", "resume", "task")),
        ("odoo-webhook-feed", "replay"),
    }
    for function, text in payloads:
        event = json.loads(text)
        if function == "odoo-webhook":
            assert request_of(event) in {"retry_refused", "resume", "digest"}
        else:
            assert replay_request(event["replay"], ["move", "payment"], ["odoo"], "id").kinds


def commands() -> Iterator[str]:
    """Each command that a document shows, a line each, without its comment."""
    for document in DOCUMENTS.values():
        for block in blocks(document):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                yield re.split(r"\s+#\s", line)[0].strip()
        prose = re.sub(r"^```.*?^```$", "", document, flags=re.MULTILINE | re.DOTALL)
        for code in re.findall(r"`([^`]+)`", prose):
            if (
                re.match(r"(make|aws|terraform|git|python3?|\.venv/bin/python|curl) [^.=]", code)
                or "./" in code[:2]
            ):
                yield " ".join(code.split())


COMMANDS: Final = sorted(set(commands()))


def test_the_documents_show_commands_of_every_kind() -> None:
    assert len(COMMANDS) > 25
    kinds = {command.split()[0] for command in COMMANDS}
    assert kinds >= {"make", "aws", "terraform", "git", "python3", "curl", "./build.sh"}
    assert ".venv/bin/python" in kinds  # the sandbox needs its packages


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_can_be_run(command: str) -> None:
    if re.fullmatch(r"[A-Z]+=\S+", command) or command == "git pull":
        return
    match shlex.split(command):
        case ["make", *words]:
            _is_made(words)
        case [".venv/bin/python", "-m", "sandbox", *words, ">", _]:
            _is_understood(words)
        case [".venv/bin/python", "-m", "sandbox", *words]:
            _is_understood(words)
        case ["python3", "-c", code]:
            made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            secret = made.stdout.decode().strip()
            assert keys_of({"current": secret}) if "whsec_" in code else len(secret) > 40
        case ["./build.sh"]:
            assert (PROJECT / "build.sh").stat().st_mode & 0o111
        case ["terraform", *words]:
            _is_terraforms(words)
        case ["aws", service, operation, *options]:
            _is_awss(service, operation, options)
        case ["curl", *words]:
            assert _is_simulated(words) < 300
        case _:
            pytest.fail(f"nobody knows whether this can be run: {command}")


def _is_made(words: list[str]) -> None:
    done = subprocess.run(
        ["make", "--dry-run", *words], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    [*_, arguments] = ["", *(w.removeprefix("ARGS=") for w in words if w.startswith("ARGS="))]
    run = {"demo": "demo", "sandbox": "serve", "load": "load"}.get(words[0])
    if run:
        _is_understood([run, *shlex.split(arguments)])


def _is_understood(words: list[str]) -> None:
    """What comes before --help is read first, and refused if it is wrong."""
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0


def _is_terraforms(words: list[str]) -> None:
    assert words[0] in {"init", "apply", "output", "import", "destroy", "providers"}
    if words[0] == "output" and words[1:]:
        assert f'output "{words[-1]}"' in TERRAFORM
    if words[0] == "import":
        kind, name = re.split(r"[.\[]", words[1])[:2]
        assert f'resource "{kind}" "{name}"' in TERRAFORM


def _is_awss(service: str, operation: str, options: list[str]) -> None:
    model = botocore.session.get_session().get_service_model(service)
    known = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(known[operation]).input_shape
    members = shape.members if shape else {}
    of_the_cli = {"cli-binary-format", "cli-read-timeout"}
    given = {option.removeprefix("--") for option in options if option.startswith("--")}
    switches = {xform_name(m, "-") for m, kind in members.items() if kind.type_name == "boolean"}
    of_the_cli |= {f"no-{switch}" for switch in switches}
    assert given - of_the_cli - {xform_name(member, "-") for member in members} == set()
    for option, value in pairwise(options):
        if option == "--payload":
            json.loads(value)
        if option == "--function-name":
            assert re.sub(r"-(prod|sandbox)$", "-${var.environment}", value) in TERRAFORM


def _is_simulated(words: list[str]) -> int:
    """The status that the simulator answers a `curl` with."""
    variable, path = words[-1].removeprefix("$").split("/", 1)
    simulators: dict[str, Any] = {
        "SLACK": Slack,
        "QUICKBOOKS": QuickBooks,
        "WEBHOOK": partial(Receiver, {}),
    }
    client = Client(simulators[variable]())
    if "-d" not in words:
        return client.get(f"/{path}").status_code
    body = words[words.index("-d") + 1]
    kind = "application/json" if "Content-Type: application/json" in words else None
    kind = kind or "application/x-www-form-urlencoded"  # as curl has it
    return client.post(f"/{path}", data=body, content_type=kind).status_code


def test_every_kind_of_fault_is_listed() -> None:
    listed = section(DOCUMENTS["sandbox/README.md"], "Making things fail")
    for name, kinds in (
        ("Slack", server.Failure),
        ("QuickBooks", faults.Kind),
        ("Odoo", http.Failure),
        ("The webhook's endpoint", failures.Failure),
    ):
        [row] = re.findall(rf"^\| {name} \| (.+) \|$", listed, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", row)) == set(get_args(kinds.__value__))
