"""Terraform formats, validates and tests, without an account or a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox import aws
from sandbox.aws import plugin_mirror

PROJECT: Final = Path(__file__).parent.parent
SECRETS: Final = (
    *("odoo_api_key", "slack_bot_token", "slack_signing_secret"),
    *("qb_client_secret", "qb_refresh_token", "qb_refresh_tokens"),
)


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments], capture_output=True, text=True, check=False
    )


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def plan_of_example(folder: Path) -> subprocess.CompletedProcess[str]:
    """What Terraform says to a plan with the variables of terraform.tfvars.example."""
    return terraform(folder, "test", "-json", "-test-directory=example", "-var-file=example.tfvars")


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the infrastructure with stand-ins for the zips, ready to be tested."""
    folder = tmp_path_factory.mktemp("terraform")
    for source in PROJECT.glob("*.tf"):
        shutil.copy2(source, folder)
    (folder / "tests").mkdir()
    shutil.copy2(PROJECT / "tests" / "infra.tftest.hcl", folder / "tests")
    shutil.copy2(PROJECT / "terraform.tfvars.example", folder / "example.tfvars")
    (folder / "lambda").mkdir()
    for function in ("extractor", "notifier", "approval_handler", "poster"):
        (folder / "lambda" / f"{function}.zip").write_bytes(b"a zip")
    (folder / "example").mkdir()
    (folder / "example" / "example.tftest.hcl").write_text(
        'mock_provider "aws" {}\nrun "plans" {\n  command = plan\n}\n'
    )
    mirror = plugin_mirror()
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    done = terraform(folder, "init", "-input=false", "-backend=false", *plugins)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_file_is_formatted() -> None:
    done = terraform(PROJECT, "fmt", "-check", "-recursive")

    assert (done.returncode, done.stdout) == (0, "")


def test_the_infrastructure_is_valid_without_a_warning(initialised: Path) -> None:
    answer = json.loads(terraform(initialised, "validate", "-json").stdout)

    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_every_run_of_the_infrastructure_tests_passes(initialised: Path) -> None:
    text = (PROJECT / "tests" / "infra.tftest.hcl").read_text()
    written = re.findall(r'^run "(\w+)"', text, re.MULTILINE)

    told = events(terraform(initialised, "test", "-json"))

    runs = [e["test_run"] for e in told if e["type"] == "test_run"]
    ended = {run["run"]: run["status"] for run in runs if "status" in run}
    complaints = [e["diagnostic"]["summary"] for e in told if e["type"] == "diagnostic"]
    assert ended == dict.fromkeys(written, "pass"), complaints


def test_the_example_of_variables_is_complete(initialised: Path) -> None:
    done = plan_of_example(initialised)

    complaints = [e["diagnostic"] for e in events(done) if e["type"] == "diagnostic"]
    assert (done.returncode, complaints) == (0, [])


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_in_neither_state_nor_plan(variable: str) -> None:
    text = (PROJECT / "variables.tf").read_text()
    block = text.split(f'variable "{variable}" {{', 1)[1].split("\n}\n", 1)[0]

    assert re.search(r"^  ephemeral += true$", block, re.MULTILINE)
    assert re.search(r"^  sensitive += true$", block, re.MULTILINE)


def test_a_saved_plan_holds_no_secret_and_everything_else(
    initialised: Path, tmp_path: Path
) -> None:
    given = {name: f"given-{name}-c0ffee" for name in SECRETS if name != "qb_refresh_token"}
    given["slack_bot_token"] = "xoxb-c0ffee"
    values: dict[str, object] = {**given, "qb_refresh_token": ""}
    values["qb_refresh_tokens"] = {"north": given["qb_refresh_tokens"]}
    values |= {"qb_realm_ids": {"north": "9130350000000001"}, "company_settings": {}}
    (tmp_path / "given.tfvars.json").write_text(json.dumps(values))
    files = ["example.tfvars", str(tmp_path / "given.tfvars.json")]
    emulator = aws.start(tmp_path / "aws")
    try:
        done = subprocess.run(
            ["terraform", f"-chdir={initialised}", "plan", "-input=false", "-no-color"]
            + [f"-var-file={file}" for file in files]
            + [f"-out={tmp_path / 'plan'}"],
            env=emulator.environment() | {"CHECKPOINT_DISABLE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        aws.stop(emulator)

    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "plan") as plan:
        kept = b"".join(plan.read(name) for name in plan.namelist()) + done.stdout.encode()
    assert b"odoo-qb-integration/slack-config-prod" in kept  # so the search does find what is there
    assert [name for name, value in given.items() if value.encode() in kept] == []


def test_a_missing_zip_is_said_in_a_sentence(initialised: Path, tmp_path: Path) -> None:
    shutil.copytree(initialised, tmp_path / "copy", symlinks=True)
    (tmp_path / "copy" / "lambda" / "poster.zip").unlink()

    told = events(plan_of_example(tmp_path / "copy"))

    details = {e["diagnostic"]["detail"] for e in told if e["type"] == "diagnostic"}
    assert "lambda/poster.zip is not there yet: run ./build.sh first." in details


@pytest.mark.parametrize("variable", ["odoo_api_url", "extract_since", "qb_realm_ids"])
def test_a_missing_variable_is_named(initialised: Path, tmp_path: Path, variable: str) -> None:
    shutil.copytree(initialised, tmp_path / "copy", symlinks=True)
    example = tmp_path / "copy" / "example.tfvars"
    left_out = re.sub(rf"(?ms)^{variable} +=( {{.*?^}}|[^\n]*)", "", example.read_text())
    assert left_out != example.read_text()
    example.write_text(left_out)

    told = events(plan_of_example(tmp_path / "copy"))

    said = [e["diagnostic"] for e in told if e["type"] == "diagnostic"]
    assert any(
        d["summary"] == "No value for required variable" and f'"{variable}"' in d["detail"]
        for d in said
    )


def test_every_refusal_of_a_value_is_tried() -> None:
    """Each variable with a validation is met by a run that expects it to fail."""
    text = (PROJECT / "variables.tf").read_text()
    blocks = re.split(r'^variable "', text, flags=re.MULTILINE)[1:]
    validated = {b.split('"', 1)[0] for b in blocks if "  validation {" in b.split("\n}\n", 1)[0]}
    tests = (PROJECT / "tests" / "infra.tftest.hcl").read_text()
    expected = " ".join(re.findall(r"expect_failures = \[([^\]]*)\]", tests))

    assert validated == set(re.findall(r"var\.(\w+)", expected))
