"""Make the fixture of version 1.0: run at the commit of 1.0, and only there.

It runs 1.0's own extractor, notifier, handler and poster against the simulators for two
companies, and writes what they left behind into `v1_0/`: the table (`table.json`), the bucket
(`objects.json`), Odoo's records (`odoo.json`), QuickBooks (`quickbooks.json`), Slack
(`slack.json`), and of each bill what it is for (`bills.json`). Later versions cannot run it,
because their code leaves something else behind; they load the files with `upgrade.fixture`.

    PYTHONPATH=lambda:.:tests .venv/bin/python -m upgrade.make_fixture [folder]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "v1_0"


def main(folder: Path = FOLDER) -> None:
    """Write the fixture's files into a folder."""
    _keep_to_yourself()
    from upgrade.making.deployment import a_deployment  # noqa: PLC0415 - after that
    from upgrade.making.fates import live  # noqa: PLC0415 - as above
    from upgrade.making.keeping import keep  # noqa: PLC0415 - as above

    with a_deployment() as life:
        bills = live(life)
        keep(life, bills, folder)
    print(f"{len(bills)} bills in {folder}")  # noqa: T201 - it talks to a person at a terminal


def _keep_to_yourself() -> None:
    """Nothing may reach a real account or go through a proxy."""
    for name in [n for n in os.environ if n.startswith("AWS_") or n.lower().endswith("_proxy")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
