"""The whole chain on this machine: the vendors, the emulator, the infrastructure applied."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from sandbox.aws import emulator as aws
from sandbox.aws.emptying import forget
from sandbox.aws.run_directory import hold
from sandbox.prerequisites import PROJECT, SetupError, build, check_tools
from sandbox.terraform import Terraform, TerraformError
from sandbox.vendors import (
    BOT_TOKEN,
    CHANNEL,
    CLIENT_SECRET,
    INTAKE_SENDER,
    SIGNING_SECRET,
    WEBHOOK_SECRET,
    api_variables,
    companies_of,
    intake_variables,
    mirror_variables,
    oauth_path,
    path_of,
    start_vendors,
    webhook_variables,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox.odoo.server import Odoo
    from sandbox.outage import Outage
    from sandbox.quickbooks.server import QuickBooks
    from sandbox.recording import Recorder
    from sandbox.salesforce.server import Salesforce
    from sandbox.slack.server import Slack
    from sandbox.vendors import RunningVendors, Vendors
    from sandbox.webhook.receiver import Receiver

FIRST_REALM: Final = 9130350000000001


@dataclass(slots=True, kw_only=True)
class Chain:
    """A running chain. A simulator is None if an external vendor is used instead."""

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
    _terraform: Terraform = field(repr=False)
    _variables: dict[str, Any] = field(repr=False)
    ledger: Odoo | None = None  # the second Odoo, there while the mirror is on
    crm: Salesforce | None = None  # an org that is mirrored too
    receiver: Receiver | None = None  # the webhook's endpoint, there while the mirror is on
    outages: dict[str, Outage] = field(default_factory=dict)  # by mirrored Odoo

    def apply(
        self,
        changes: Mapping[str, Any],
        progress: Callable[[str], None],
        *,
        only: Iterable[str] = (),
    ) -> None:
        """Apply the infrastructure, or `only` some of it, with variables changed, also secrets."""
        version = self._variables["secrets_version"] + 1
        self._variables |= {**changes, "secrets_version": version}
        self._terraform.apply(
            self._variables, lambda line: progress(f"terraform: {line}"), only=only
        )

    def close(self) -> None:
        """Stop everything that was started."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_dir() -> Path:
    """The directory with all of a sandbox's files: SANDBOX_RUN_DIR, or `.run`."""
    return Path(os.environ.get("SANDBOX_RUN_DIR") or PROJECT / ".run").absolute()


def start(vendors: Vendors, progress: Callable[[str], None]) -> Chain:
    """Start the vendors and the emulator, and apply the infrastructure to it.

    What an earlier run built is kept; its data is deleted.
    """
    check_tools()
    kept = run_dir()
    kept.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        held = hold(kept, progress)
        stack.callback(os.close, held)
        progress("building the functions' packages")
        build()
        parts = start_vendors(vendors, kept, stack)
        companies = companies_of(vendors, parts)
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
            progress("deleting the data of the last run")
            try:
                forget(
                    emulator,
                    table=known["dynamodb_table"],
                    bucket=known["s3_bucket"],
                    mirror=known.get("mirror_table") if vendors.mirror_rate else None,
                    intake=known.get("intake_table") if vendors.mirror_rate else None,
                )
            except ClientError as error:
                raise SetupError(
                    f"What an earlier run built is missing ({error})."
                    f" Remove {kept} and start again."
                ) from error
        progress(
            "terraform apply: only what changed since the last run"
            if known
            else "terraform apply: about a minute and a half the first time"
        )
        if vendors.mirror_rate:
            _verify_domain(emulator, INTAKE_SENDER.partition("@")[2])
        variables = _variables(vendors, parts, companies, realms)
        terraform.apply(variables, lambda line: progress(f"terraform: {line}"))
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
            ledger=parts.ledger,
            crm=parts.crm,
            receiver=parts.receiver,
            outages=parts.outages,
            _stack=stack.pop_all(),
            _terraform=terraform,
            _variables=variables,
        )
    raise AssertionError  # the stack swallows nothing


def invoke(running: Chain, function: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Call a function by hand, as the AWS CLI does; its answer, or its error."""
    answer = running.emulator.client("lambda").invoke(
        FunctionName=function_names(running.outputs)[function],
        Payload=json.dumps(payload).encode(),
    )
    report: dict[str, Any] = json.loads(answer["Payload"].read())
    return report


def function_names(outputs: Mapping[str, Any]) -> dict[str, str]:
    """The functions' names by role, with those of what is on beside the flow."""
    names: dict[str, str] = dict(outputs["lambda_function_names"])
    mirror = outputs.get("mirror_function_name")
    names |= {"mirror": mirror} if mirror else {}
    names |= outputs.get("webhook_function_names") or {}
    return names | (outputs.get("intake_function_names") or {})


def api_address(running: Chain) -> str:
    """Where the emulator serves the API, whose own address is a name of AWS's; "" if it is off."""
    host = urlsplit(running.outputs.get("api_url") or "").hostname or ""
    api_id = host.partition(".")[0]
    return f"{running.emulator.url}/_aws/execute-api/{api_id}" if api_id else ""


def read_quickbooks(running: Chain) -> list[str]:
    """Read the reference data, as the schedule does hourly, so that cards show the accounts.

    Returns a sentence for each company that could not be read.
    """
    report = invoke(running, "poster", {"action": "sync_reference"})
    if "companies" not in report:
        return [
            f"QuickBooks could not be read: {report.get('errorMessage') or report.get('error')}"
        ]
    listed = running.emulator.client("s3").list_objects_v2(
        Bucket=running.outputs["s3_bucket"], Prefix="reference/"
    )
    read = {kept["Key"] for kept in listed.get("Contents", ())}
    return [
        f"{company} could not be read in QuickBooks: {said}"
        for company, said in report["companies"].items()
        if f"reference/{company}.json" not in read
    ]


def _variables(
    vendors: Vendors, parts: RunningVendors, companies: dict[str, str], realms: dict[str, str]
) -> dict[str, Any]:
    address = {name: server.url for name, server in parts.servers.items()}
    secrets = {
        "odoo_api_key": vendors.odoo_api_key,
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SIGNING_SECRET,
        "qb_client_secret": CLIENT_SECRET,
        "qb_refresh_tokens": {key: f"sandbox-refresh-{key}" for key in realms},
    }
    return {
        **secrets,
        **mirror_variables(vendors, address),
        **intake_variables(vendors),
        **webhook_variables(vendors, address),
        **api_variables(vendors),
        "environment": "sandbox",
        "schedules_enabled": vendors.schedules,
        "alert_email": "finance-ops@example.com",
        "secrets_version": _version([secrets, vendors.odoo_db, vendors.odoo_user, WEBHOOK_SECRET]),
        "odoo_api_url": address["odoo"] + path_of(vendors.odoo_url),
        "odoo_database": vendors.odoo_db,
        "odoo_username": vendors.odoo_user,
        "extract_since": "2026-01-01",
        "slack_channel_id": CHANNEL,
        "slack_api_url": address["slack"] + (path_of(vendors.slack_url) or "/api") + "/",
        "slack_messages_per_second": 20,
        "qb_client_id": "sandbox-client",
        "qb_realm_ids": realms,
        "quickbooks_api_url": address["quickbooks"] + path_of(vendors.quickbooks_url),
        "quickbooks_oauth_url": address["quickbooks"] + oauth_path(vendors),
        "company_settings": {
            key: {"odoo_company": companies[key], "default_account": "Uncategorized Expense"}
            for key in realms
        },
    }


def _version(secrets: object) -> int:
    """A number that changes with the secrets, which Terraform does not store to compare."""
    digest = hashlib.sha256(json.dumps(secrets, sort_keys=True).encode()).hexdigest()
    return 1 + int(digest[:6], 16)


def _verify_domain(emulator: aws.Emulator, domain: str) -> None:
    """Verify a domain in SES, as an operator does before mail is sent from it."""
    mails = emulator.client("sesv2")
    with suppress(mails.exceptions.AlreadyExistsException):
        mails.create_email_identity(EmailIdentity=domain)


def _known_outputs(terraform: Terraform) -> dict[str, Any]:
    """What an earlier run applied, if there was one."""
    try:
        outputs = terraform.output()
    except TerraformError:
        return {}
    return outputs if "dynamodb_table" in outputs else {}
