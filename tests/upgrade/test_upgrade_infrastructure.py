"""Applying this version over the infrastructure of 1.0 loses nothing that 1.0 made.

Terraform plans today's files over `v1_0_terraform/state.json`, the state that an apply of 1.0 left.
`make_state.py` made it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from sandbox.aws import emulator as aws
from sandbox.terraform import GOGC, plugin_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

GIVEN: Final = Path(__file__).parent / "v1_0_terraform"
STATE: Final = GIVEN / "state.json"
KEPT: Final = (["no-op"], ["update"])
LOST: Final[dict[str, str]] = {}  # address: why 1.0's resource has to go
ADDED: Final = {
    "aws_dynamodb_table.settings": "company settings in a table that no function may write",
    "aws_dynamodb_table_item.company_settings": "the settings in that table",
    "aws_cloudwatch_metric_alarm.all_clicks_refused": "a wrong signing secret is mailed",
}


class Deployment:
    """A folder with today's files and a state, and the emulator that says whose account it is."""

    def __init__(self, folder: Path, emulator: aws.Emulator) -> None:
        self._folder = folder
        self._environment = emulator.environment() | {"CHECKPOINT_DISABLE": "1", "GOGC": GOGC}

    def init(self) -> None:
        for source in (*aws.PROJECT.glob("*.tf"), *aws.PROJECT.glob("*.asl.json")):
            shutil.copy2(source, self._folder)
        (self._folder / "lambda").mkdir()
        for function in ("extractor", "notifier", "approval_handler", "poster"):
            (self._folder / "lambda" / f"{function}.zip").write_bytes(b"a newer zip")
        shutil.copy2(GIVEN / "variables.json", self._folder / "given.tfvars.json")
        mirror = plugin_mirror()
        self._terraform("init", *([f"-plugin-dir={mirror}"] if mirror else []))

    def changes(self, state: str, *more: str) -> dict[str, Json]:
        """What an apply over this state would do, by the address a resource has afterwards."""
        (self._folder / "terraform.tfstate").write_text(state)
        options = ["-refresh=false", "-var-file=given.tfvars.json", "-out=plan"]
        self._terraform("plan", *options, *more)
        plan = json.loads(self._terraform("show", "-json", "plan"))
        return {change["address"]: change for change in plan["resource_changes"]}

    def _terraform(self, command: str, *arguments: str) -> str:
        more = [] if command == "show" else ["-input=false"]
        done = subprocess.run(
            ["terraform", f"-chdir={self._folder}", command, *more, "-no-color", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    emulator = aws.start(tmp_path_factory.mktemp("aws"))
    try:
        deployment = Deployment(tmp_path_factory.mktemp("deployment"), emulator)
        deployment.init()
        yield deployment
    finally:
        aws.stop(emulator)


@pytest.fixture(scope="module")
def upgrade(deployment: Deployment) -> dict[str, Json]:
    """What the upgrade does to each resource."""
    return deployment.changes(STATE.read_text())


def of_1_0() -> set[str]:
    """The addresses of all resources that 1.0 made."""
    return {
        f"{resource['type']}.{resource['name']}"
        + (f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else "")
        for resource in json.loads(STATE.read_text())["resources"]
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }


def lost(changes: dict[str, Json]) -> dict[str, list[str]]:
    """What is destroyed, replaced or forgotten, by the address it had."""
    return {
        change.get("previous_address", address): change["change"]["actions"]
        for address, change in changes.items()
        if change["change"]["actions"] not in (*KEPT, ["create"], ["read"])
    }


def test_an_upgrade_destroys_replaces_and_forgets_nothing(upgrade: dict[str, Json]) -> None:
    stays = {
        change.get("previous_address", address)
        for address, change in upgrade.items()
        if change["change"]["actions"] in KEPT
    }

    assert lost(upgrade).keys() == LOST.keys()
    assert of_1_0() - stays == LOST.keys()


def test_an_upgrade_adds_only_what_it_is_meant_to(upgrade: dict[str, Json]) -> None:
    added = {a for a, change in upgrade.items() if change["change"]["actions"] == ["create"]}

    assert added == ADDED.keys()


def test_functions_of_1_0_find_their_settings_during_and_after_the_upgrade(
    upgrade: dict[str, Json],
) -> None:
    """A run may begin before its function is replaced, and the upgrade may be undone."""
    old, new = (
        upgrade[f"aws_dynamodb_table_item.{name}"]["change"]["after"]
        for name in ("settings", "company_settings")
    )

    assert old["table_name"] == upgrade["aws_dynamodb_table.bills"]["change"]["after"]["name"]
    assert old["item"] == new["item"]


def test_a_resource_without_its_address_would_be_noticed(deployment: Deployment) -> None:
    """So that the first test can fail: this is how a renamed resource looks."""
    state = json.loads(STATE.read_text())
    (renamed,) = (r for r in state["resources"] if r["name"] == "approved_dead")
    renamed["name"] = "approved_dead_letters"

    changes = deployment.changes(json.dumps(state), "-target=aws_sqs_queue.approved_dead_letters")

    assert lost(changes) == {"aws_sqs_queue.approved_dead_letters": ["delete"]}
