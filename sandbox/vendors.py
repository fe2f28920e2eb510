"""The vendors of a chain, simulated or external, each behind a recorder.

With the mirror on there is a second Odoo, the ledger, which it signs in to with a password, and the
endpoint of the webhook.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.odoo.client import OdooClient
from sandbox.http_server import Ports, Server, serve
from sandbox.odoo.server import Odoo
from sandbox.outage import Outage
from sandbox.prerequisites import SetupError
from sandbox.quickbooks.server import QuickBooks
from sandbox.recording import Recorder, forward
from sandbox.salesforce import server as salesforce
from sandbox.salesforce.mapping import MAPPING
from sandbox.salesforce.server import Salesforce
from sandbox.slack.server import Slack
from sandbox.webhook.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import ExitStack
    from pathlib import Path
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

BOT_TOKEN: Final = "xoxb-sandbox"  # noqa: S105 - the sandbox's own, known to all
SIGNING_SECRET: Final = "sandbox-signing-secret"  # noqa: S105 - as above
CLIENT_SECRET: Final = "sandbox-client-secret"  # noqa: S105 - as above
CHANNEL: Final = "C-SANDBOX"
TOKEN_PATH: Final = "/oauth2/v1/tokens/bearer"  # noqa: S105 - a path
RESPONSE_PATH: Final = "/response/"
EVERY_MINUTE: Final = "rate(1 minute)"
LEDGER: Final = "ledger"  # the second Odoo's connection and database
LEDGER_USER: Final = "mirror@example.com"
LEDGER_PASSWORD: Final = "sandbox-ledger-password"  # noqa: S105 - the sandbox's own, known to all
WEBHOOK: Final = "webhook"
WEBHOOK_SECRET: Final = "whsec_c2FuZGJveCB3ZWJob29rIHNlY3JldCwgdGhlIGZpcnN0"  # noqa: S105 - as above
NEXT_WEBHOOK_SECRET: Final = "whsec_c2FuZGJveCB3ZWJob29rIHNlY3JldCwgdGhlIG5leHQu"  # noqa: S105 - as above
API_TOKEN: Final = "sandbox-api-token-0123456789abcdefghij"  # noqa: S105 - as above
INVOICES: Final = "C-INVOICES"  # the channel of the intake, there while the mirror is on
INTAKE_SENDER: Final = "billing@example.com"
CRM: Final = "crm"  # the connection to Salesforce
SESSION: Final = "session"  # an external Odoo's second connection, which opens a session


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    """The vendors to use: simulators unless an address is given.

    `mirror_rate` is how often the mirror runs; while it is "" the mirror is off, and there is
    neither a ledger nor a webhook. With `by_session` the API key is a password, and the mirror
    opens a session with it too. With `salesforce` it mirrors an org as well. Without `schedules`
    functions that have one run only by hand.
    """

    odoo_url: str = ""
    odoo_db: str = "odoo"
    odoo_user: str = "ap-bot@example.com"
    odoo_api_key: str = "sandbox-odoo-key"
    by_session: bool = False
    mirror_rate: str = ""
    salesforce: bool = False
    schedules: bool = True
    slack_url: str = ""
    quickbooks_url: str = ""
    quickbooks_oauth_url: str = ""
    trace: Path | None = None
    copies: int = 0


@dataclass(slots=True, kw_only=True)
class RunningVendors:
    """What was started; a simulator is None if an external vendor is used."""

    odoo: Odoo | None
    slack: Slack | None
    quickbooks: QuickBooks | None
    ledger: Odoo | None = None
    crm: Salesforce | None = None
    receiver: Receiver | None = None
    outages: dict[str, Outage] = field(default_factory=dict)
    recorders: dict[str, Recorder] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)


def start_vendors(vendors: Vendors, kept: Path, stack: ExitStack) -> RunningVendors:
    """Start each vendor behind a recorder, on the last run's ports, which Terraform knows."""
    parts = RunningVendors(
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
    if vendors.mirror_rate:
        if parts.slack:
            parts.slack.add_channel(INVOICES, "invoices", parts.slack.people)
        parts.ledger = Odoo(
            dataset="ledger-18", database=LEDGER, login=LEDGER_USER, password=LEDGER_PASSWORD
        )
        parts.outages = {
            "odoo": Outage(applications["odoo"], "bad_gateway"),
            LEDGER: Outage(parts.ledger, "reset"),
        }
        if vendors.salesforce:
            applications[CRM] = parts.crm = Salesforce()
        parts.receiver = Receiver({"current": WEBHOOK_SECRET})
        applications |= parts.outages | {WEBHOOK: parts.receiver}
    ports = Ports(kept / "ports.json")
    secrets = [
        *(vendors.odoo_api_key, BOT_TOKEN, SIGNING_SECRET, CLIENT_SECRET, LEDGER_PASSWORD),
        *(WEBHOOK_SECRET, NEXT_WEBHOOK_SECRET, salesforce.CLIENT_SECRET),
    ]
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
    token_path = oauth_path(vendors)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        vendor = oauth if environ["PATH_INFO"].rstrip("/") == token_path else api
        return vendor(environ, start_response)

    return application


def oauth_path(vendors: Vendors) -> str:
    """The path of the token endpoint: Intuit's, or that of an external stand-in."""
    return path_of(vendors.quickbooks_oauth_url) or TOKEN_PATH


def mirror_variables(vendors: Vendors, address: Mapping[str, str]) -> dict[str, Any]:
    """Terraform's variables for the mirror; none while it is off. `address` is by vendor."""
    if not vendors.mirror_rate:
        return {}
    ledger = {"url": address[LEDGER], "database": LEDGER, "username": LEDGER_USER}
    connections, credentials = {LEDGER: ledger}, {LEDGER: LEDGER_PASSWORD}
    if vendors.by_session:
        connections[SESSION] = {
            "url": address["odoo"] + path_of(vendors.odoo_url),
            "database": vendors.odoo_db,
            "username": vendors.odoo_user,
        }
        credentials[SESSION] = vendors.odoo_api_key
    configured: dict[str, Any] = {
        name: {"type": "odoo", "auth": "session", **connection}
        for name, connection in connections.items()
    }
    if vendors.salesforce:
        crm = {"type": "salesforce", "client_id": salesforce.CLIENT_ID, "mapping": MAPPING}
        configured[CRM] = crm | {"url": address[CRM]}
        credentials[CRM] = salesforce.CLIENT_SECRET
    return {
        "mirror_enabled": True,
        "mirror_rate": vendors.mirror_rate,
        "erp_connections": configured,
        "erp_credentials": credentials,
        "allowed_private_networks": ["127.0.0.0/8"],
    }


def webhook_variables(vendors: Vendors, address: Mapping[str, str]) -> dict[str, Any]:
    """Terraform's variables for the webhook; none while the mirror is off."""
    if not vendors.mirror_rate:
        return {}
    return {"webhook_url": f"{address[WEBHOOK]}/odoo", "webhook_secret": WEBHOOK_SECRET}


def api_variables(vendors: Vendors) -> dict[str, Any]:
    """Terraform's variables for the API; none while the mirror is off."""
    if not vendors.mirror_rate:
        return {}
    return {"api_enabled": True, "api_tokens": {"sandbox": API_TOKEN}}


def intake_variables(vendors: Vendors) -> dict[str, Any]:
    """Terraform's variables for the intake, which is on where the mirror is."""
    if not vendors.mirror_rate:
        return {}
    return {
        "intake_enabled": True,
        "intake_slack_channel_id": INVOICES,
        "intake_mails_customers": True,
        "intake_sender": INTAKE_SENDER,
    }


def companies_of(vendors: Vendors, parts: RunningVendors) -> dict[str, str]:
    """Odoo's companies by a key made from their names; this call is not recorded."""
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


def path_of(url: str) -> str:
    """`/odoo` of https://example.com/odoo/; empty if there is none."""
    return urlsplit(url).path.rstrip("/")


def _origin(url: str) -> str:
    """Scheme and host: the path travels with each request."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
