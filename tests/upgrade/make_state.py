"""Make Terraform's state of version 1.0: run at the commit of 1.0, after `./build.sh`.

It applies 1.0's own files to the emulator, for the two companies of the fixture and under the names
of production, and writes the state to `v1_0/state.json`. Later versions only read that file.

    PYTHONPATH=lambda:.:tests .venv/bin/python -m upgrade.make_state
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from sandbox import aws
from sandbox.terraform import Terraform
from upgrade import fixture

STATE: Final = fixture.FOLDER / "state.json"


def variables() -> dict[str, Any]:
    """What the operator of 1.0 gave Terraform. Secrets are placeholders: no state holds them."""
    companies: dict[str, dict[str, Any]] = json.loads(fixture.items()["settings"]["companies"])
    return {
        "alert_email": "bills@example.com",
        "odoo_api_url": "https://example.odoo.com",
        "odoo_database": "example",
        "odoo_username": "ap-bot@example.com",
        "odoo_api_key": "placeholder",
        "extract_since": "2026-01-01",
        "slack_channel_id": "C0123456789",
        "slack_bot_token": "xoxb-placeholder",
        "slack_signing_secret": "placeholder",
        "qb_client_id": "client",
        "qb_client_secret": "placeholder",
        "qb_realm_ids": {key: company["realm_id"] for key, company in companies.items()},
        "qb_refresh_tokens": dict.fromkeys(companies, "placeholder"),
        "company_settings": {
            key: {name: value for name, value in company.items() if name != "realm_id"}
            for key, company in companies.items()
        },
    }


def main() -> None:
    """Write the state that an apply to an empty account leaves."""
    with TemporaryDirectory() as folder:
        emulator = aws.start(Path(folder))
        try:
            terraform = Terraform(aws.PROJECT, Path(folder), emulator.environment())
            terraform.init()
            terraform.apply(variables(), print)
        finally:
            aws.stop(emulator)
        text = (Path(folder) / "terraform.tfstate").read_text()
    state = json.loads(
        text.replace(urlsplit(emulator.url).netloc, f"sqs.{aws.REGION}.amazonaws.com")
    )
    state |= {"lineage": "00000000-0000-0000-0000-000000000000", "check_results": None}
    STATE.write_text(json.dumps(state, indent=1) + "\n")


if __name__ == "__main__":
    main()
