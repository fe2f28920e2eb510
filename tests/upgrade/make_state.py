"""Make Terraform's state of version 1.0: run at the commit of 1.0, and only there.

After `./build.sh`, it applies 1.0's own files to the emulator with `v1_0_terraform/variables.json`:
the fixture's two companies under the names of production. It then writes `state.json` beside that,
with other generated ids each time. Later versions only read it.

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

FOLDER: Final = Path(__file__).parent / "v1_0_terraform"


def main() -> None:
    """Write the state that an apply to an empty account leaves."""
    with TemporaryDirectory() as folder:
        emulator = aws.start(Path(folder))
        try:
            terraform = Terraform(aws.PROJECT, Path(folder), emulator.environment())
            terraform.init()
            terraform.apply(json.loads((FOLDER / "variables.json").read_text()), print)
        finally:
            aws.stop(emulator)
        text = (Path(folder) / "terraform.tfstate").read_text()
    # On AWS a queue's address holds no port of this machine.
    text = text.replace(urlsplit(emulator.url).netloc, f"sqs.{aws.REGION}.amazonaws.com")
    state = json.loads(text)
    state |= {"lineage": "00000000-0000-0000-0000-000000000000", "check_results": None}
    (FOLDER / "state.json").write_text(one_resource_a_line(state))


def one_resource_a_line(state: dict[str, Any]) -> str:
    """The state as JSON that is short and still shows what differs."""
    resources = ",\n".join(json.dumps(resource) for resource in state["resources"])
    rest = json.dumps({**state, "resources": []})
    return rest.replace('"resources": []', f'"resources": [\n{resources}\n]') + "\n"


if __name__ == "__main__":
    main()
