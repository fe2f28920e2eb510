"""The whole chain on this machine: three vendors, the emulator, the infrastructure applied."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo.client import OdooClient
from sandbox.aws import emulator as aws
from sandbox.http_server import Ports, Server, serve
from sandbox.odoo.server import Odoo
from sandbox.quickbooks.server import QuickBooks
from sandbox.recording import Recorder, forward
from sandbox.slack.server import Slack
from sandbox.terraform import Terraform, TerraformError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PROJECT: Final = Path(__file__).resolve().parent.parent
TERRAFORM_VERSION: Final = (1, 11)  # write-only arguments

BOT_TOKEN: Final = "xoxb-sandbox"  # noqa: S105 - the sandbox's own, known to all
SIGNING_SECRET: Final = "sandbox-signing-secret"  # noqa: S105 - as above
CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 - as above
CHANNEL: Final = "C-SANDBOX"
TOKEN_PATH: Final = "/oauth2/v1/tokens/bearer"  # noqa: S105 - a path
RESPONSE_PATH: Final = "/response/"
FIRST_REALM: Final = 9130350000000001


class SetupError(RuntimeError):
    """The chain cannot be started on this machine; the sentence says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """Which vendors take part: the simulators unless an address is given."""

    odoo_url: str = ""
    odoo_db: str = "odoo"
    odoo_user: str = "ap-bot@example.com"
    odoo_api_key: str = "sandbox-odoo-key"
    slack_url: str = ""
    quickbooks_url: str = ""
    quickbooks_oauth_url: str = ""
    trace: Path | None = None
    copies: int = 0


@dataclass(slots=True, kw_only=True)
class Chain:
    """A running chain. A simulator is None where the real vendor (or a stand-in) takes part."""

    emulator: aws.Emulator
    outputs: dict[str, Any]
    odoo: Odoo | None
    slack: Slack | None
    quickbooks: QuickBooks | None
    recorders: dict[str, Recorder]
    addresses: dict[str, str]
    companies: dict[str, str]  # company key -> its name in Odoo
    realms: dict[str, str]  # company key -> its id in QuickBooks
    _stack: ExitStack = field(repr=False)

    def close(self) -> None:
        """Stop everything that was started."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_dir() -> Path:
    """Where all of a sandbox is kept; SANDBOX_RUN_DIR names another place than `.run`."""
    return Path(os.environ.get("SANDBOX_RUN_DIR") or PROJECT / ".run").absolute()


def start(vendors: Vendors, progress: Callable[[str], None]) -> Chain:
    """Start the vendors and the emulator, and apply the infrastructure to it.

    What an earlier run built stands; its data is forgotten.
    """
    check_tools()
    kept = run_dir()
    kept.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        held = aws.hold(kept, progress)
        stack.callback(os.close, held)
        progress("building the functions' packages")
        build()
        parts = _start_vendors(vendors, kept, stack)
        companies = _companies(vendors, parts)
        realms = {key: str(FIRST_REALM + n) for n, key in enumerate(sorted(companies))}
        if parts.quickbooks:
            for key, realm in realms.items():
                token = f"sandbox-refresh-{key}"
                parts.quickbooks.add_realm(realm, companies[key], refresh_token=token)
        progress("starting the AWS emulator")
        emulator = aws.start(kept, held=held, say=progress)
        stack.callback(aws.stop, emulator)
        terraform = Terraform(PROJECT, kept, emulator.environment())
        terraform.init()
        known = _known_outputs(terraform)
        if known:
            progress("forgetting the data of the last run")
            try:
                aws.forget(emulator, table=known["dynamodb_table"], bucket=known["s3_bucket"])
            except ClientError as error:
                raise SetupError(
                    f"What an earlier run built is gone ({error}): remove {kept} and start again."
                ) from error
        progress(
            "terraform apply: of what an earlier run built, only what changed"
            if known
            else "terraform apply: about a minute and a half the first time"
        )
        terraform.apply(
            _variables(vendors, parts, companies, realms),
            lambda line: progress(f"terraform: {line}"),
        )
        return Chain(
            emulator=emulator,
            outputs=terraform.output(),
            odoo=parts.odoo,
            slack=parts.slack,
            quickbooks=parts.quickbooks,
            recorders=parts.recorders,
            addresses={name: server.url for name, server in parts.servers.items()},
            companies=companies,
            realms=realms,
            _stack=stack.pop_all(),
        )
    raise AssertionError  # the stack swallows nothing


def check_tools() -> None:
    """SetupError in a sentence if this machine lacks a program the sandbox starts."""
    for program, what in {
        "bash": "bash, which runs build.sh",
        "openssl": "openssl, with which the AWS emulator makes its certificate",
        "terraform": f"Terraform {TERRAFORM_VERSION[0]}.{TERRAFORM_VERSION[1]} or later",
    }.items():
        if not shutil.which(program):
            raise SetupError(f"{program} was not found on the PATH: install {what}.")
    done = subprocess.run(
        ["terraform", "version", "-json"],
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r'"terraform_version": *"(\d+)\.(\d+)', done.stdout)
    if not found:
        raise SetupError(
            f"terraform does not run: {' '.join((done.stderr or done.stdout).split())}"
        )
    if (int(found[1]), int(found[2])) < TERRAFORM_VERSION:
        needed = ".".join(map(str, TERRAFORM_VERSION))
        raise SetupError(f"This is Terraform {found[1]}.{found[2]}: install {needed} or later.")


def invoked(running: Chain, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Call a function by hand, as the AWS CLI does; what it answered, or its error."""
    answer = running.emulator.client("lambda").invoke(
        FunctionName=running.outputs["lambda_function_names"][function],
        Payload=json.dumps(payload).encode(),
    )
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    return report


def read_quickbooks(running: Chain) -> list[str]:
    """As the schedule does every hour: the cards then say what will be booked.

    A sentence for each company of which nothing could be read.
    """
    report = invoked(running, "poster", {"action": "sync_reference"})
    if "companies" not in report:
        return [f"QuickBooks was not read: {report.get('errorMessage') or report.get('error')}"]
    listed = running.emulator.client("s3").list_objects_v2(
        Bucket=running.outputs["s3_bucket"], Prefix="reference/"
    )
    read = {kept["Key"] for kept in listed.get("Contents", ())}
    return [
        f"{company} was not read in QuickBooks: {said}"
        for company, said in report["companies"].items()
        if f"reference/{company}.json" not in read
    ]


def build() -> None:
    """Build the four packages; quick when nothing changed."""
    done = subprocess.run(["./build.sh"], cwd=PROJECT, check=False, capture_output=True, text=True)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise SetupError(f"build.sh failed: {said}")


@dataclass(slots=True, kw_only=True)
class _Parts:
    odoo: Odoo | None
    slack: Slack | None
    quickbooks: QuickBooks | None
    recorders: dict[str, Recorder] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)


def _start_vendors(vendors: Vendors, kept: Path, stack: ExitStack) -> _Parts:
    """Each vendor behind a recorder, on the ports of last time: Terraform changes nothing then."""
    parts = _Parts(
        odoo=None
        if vendors.odoo_url
        else Odoo(database=vendors.odoo_db, login=vendors.odoo_user, api_key=vendors.odoo_api_key),
        slack=None if vendors.slack_url else Slack(),
        quickbooks=None if vendors.quickbooks_url else QuickBooks(),
    )
    if parts.odoo and vendors.copies:
        parts.odoo.add_copies(vendors.copies)
    applications: dict[str, WSGIApplication] = {
        "odoo": parts.odoo or forward(_origin(vendors.odoo_url)),
        "slack": parts.slack or forward(_origin(vendors.slack_url), own_paths=RESPONSE_PATH),
        "quickbooks": parts.quickbooks or _outside_quickbooks(vendors),
    }
    ports = Ports(kept / "ports.json")
    secrets = [vendors.odoo_api_key, BOT_TOKEN, SIGNING_SECRET, CLIENT_SECRET]
    if vendors.trace:
        vendors.trace.mkdir(parents=True, exist_ok=True)
    for name, application in applications.items():
        trace = vendors.trace / f"{name}.jsonl" if vendors.trace else None
        recorder = Recorder(application, secrets=secrets, trace=trace)
        stack.callback(recorder.close)
        server = serve(recorder, ports.free(name))
        stack.callback(server.close)
        ports.remember(name, urlsplit(server.url).port or 0)
        parts.recorders[name], parts.servers[name] = recorder, server
    if parts.slack:
        parts.slack.public_url = parts.servers["slack"].url
    return parts


def _outside_quickbooks(vendors: Vendors) -> WSGIApplication:
    """Both of Intuit's addresses as one, so that one trace has all of its requests."""
    api = forward(_origin(vendors.quickbooks_url))
    oauth = forward(_origin(vendors.quickbooks_oauth_url or vendors.quickbooks_url))
    token_path = _token_path(vendors)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        vendor = oauth if environ["PATH_INFO"].rstrip("/") == token_path else api
        return vendor(environ, start_response)

    return application


def _token_path(vendors: Vendors) -> str:
    return _path(vendors.quickbooks_oauth_url) or TOKEN_PATH


def _companies(vendors: Vendors, parts: _Parts) -> dict[str, str]:
    """Odoo's companies by a key made of their names; asked past the recorder."""
    if parts.odoo:
        rows = [{"id": i, "name": r["name"]} for i, r in parts.odoo.records["res.company"].items()]
    else:
        client = OdooClient(
            url=vendors.odoo_url,
            database=vendors.odoo_db,
            username=vendors.odoo_user,
            api_key=vendors.odoo_api_key,
        )
        try:
            rows = client.call("res.company", "search_read", [], fields=["name"])
        except (Refused, Unavailable) as error:
            raise SetupError(str(error)) from None
    companies: dict[str, str] = {}
    for row in rows:
        key = re.sub(r"[^A-Za-z0-9_-]+", "-", str(row["name"])).strip("-")
        if not key or key in companies:
            key = f"{key}-{row['id']}".strip("-")
        companies[key] = str(row["name"])
    return companies


def _variables(
    vendors: Vendors, parts: _Parts, companies: dict[str, str], realms: dict[str, str]
) -> dict[str, Any]:
    address = {name: server.url for name, server in parts.servers.items()}
    secrets = {
        "odoo_api_key": vendors.odoo_api_key,
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SIGNING_SECRET,
        "qb_client_secret": CLIENT_SECRET,
        "qb_refresh_tokens": {key: f"sandbox-refresh-{key}" for key in realms},
    }
    return secrets | {
        "environment": "sandbox",
        "alert_email": "finance-ops@example.com",
        "secrets_version": _version([secrets, vendors.odoo_db, vendors.odoo_user]),
        "odoo_api_url": address["odoo"] + _path(vendors.odoo_url),
        "odoo_database": vendors.odoo_db,
        "odoo_username": vendors.odoo_user,
        "extract_since": "2026-01-01",
        "slack_channel_id": CHANNEL,
        "slack_api_url": address["slack"] + (_path(vendors.slack_url) or "/api") + "/",
        "slack_messages_per_second": 20,
        "qb_client_id": "sandbox-client",
        "qb_realm_ids": realms,
        "quickbooks_api_url": address["quickbooks"] + _path(vendors.quickbooks_url),
        "quickbooks_oauth_url": address["quickbooks"] + _token_path(vendors),
        "company_settings": {
            key: {"odoo_company": companies[key], "default_account": "Uncategorized Expense"}
            for key in realms
        },
    }


def _version(secrets: object) -> int:
    """A number that differs when the secrets do: Terraform cannot compare what it does not keep."""
    digest = hashlib.sha256(json.dumps(secrets, sort_keys=True).encode()).hexdigest()
    return 1 + int(digest[:6], 16)


def _path(url: str) -> str:
    """`/odoo` of https://example.com/odoo/; empty if there is none."""
    return urlsplit(url).path.rstrip("/")


def _origin(url: str) -> str:
    """Scheme and host: the path travels with each request."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _known_outputs(terraform: Terraform) -> dict[str, Any]:
    """What an earlier run applied, if there was one."""
    try:
        outputs = terraform.output()
    except TerraformError:
        return {}
    return outputs if "dynamodb_table" in outputs else {}
