"""Terraform formats, validates and tests, and agrees with the code; without account or network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from odoo_qb import company
from odoo_qb.approval import publisher
from odoo_qb.extraction import run
from odoo_qb.mirror import sync
from odoo_qb.mirror.request import TASKS, sync_request
from odoo_qb.operations import sweep
from odoo_qb.posting import claim
from odoo_qb.posting.messages import LAST_RECEIVE
from sandbox.aws import emulator as aws
from sandbox.benchmark import costs
from sandbox.terraform import GOGC, plugin_mirror
from tests.simulation import simulation
from tests.support import limits

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

PROJECT: Final = Path(__file__).parents[2]
INFRA: Final = PROJECT / "tests" / "infra.tftest.hcl"
REFUSALS: Final = PROJECT / "tests" / "refusals.tftest.hcl"
VARIABLES: Final = ("variables.tf", "companion_variables.tf")
PROVIDER: Final = 'mock_provider "aws" {}\n'
SECRETS: Final = (
    *("odoo_api_key", "slack_bot_token", "slack_signing_secret"),
    *("qb_client_secret", "qb_refresh_token", "qb_refresh_tokens", "erp_credentials"),
    *("api_tokens", "api_previous_tokens"),
    *("webhook_secret", "webhook_previous_secret"),
)
# What an apply makes where nothing stands beside the flow: the addresses of its resources.
FLOW: Final = (Path(__file__).parent / "flow_resources.txt").read_text().splitlines()
LEDGER: Final[dict[str, object]] = {
    "mirror_enabled": True,
    "erp_connections": {
        "ledger": {
            "type": "odoo",
            "url": "https://ledger.example.com",
            "database": "ledger",
            "username": "mirror",
            "auth": "session",
        }
    },
    "erp_credentials": {"ledger": "password"},
}
COMPANIONS: Final = ("mirror", "api", "webhook", "intake")
API: Final[dict[str, object]] = {
    "api_enabled": True,
    "api_tokens": {"reporting": "reporting-0123456789-0123456789-0123456789"},
}
INTAKE: Final[dict[str, object]] = {
    "intake_enabled": True,
    "intake_slack_channel_id": "C0123456789",
    "intake_mails_customers": True,
    "intake_sender": "billing@example.com",
}
WEBHOOK: Final[dict[str, object]] = {
    **LEDGER,
    "webhook_url": "https://example.com/hooks/odoo",
    "webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
CONNECTIONS: Final = [f"a-connection-{'x' * 16}{number:02}" for number in range(9)]
LONG: Final = {"environment": "a-long-name-" + "x" * 4, "aws_region": "ap-southeast-2"}
# What is planned of the example, by run; more runs cost little, for one process plans them all.
EXAMPLES: Final[dict[str, dict[str, object]]] = {
    "plans_the_example": {},
    "plans_the_longest_names": {
        **LONG,
        "qb_realm_ids": {"k" * 100: "9130350000000001"},
        "qb_refresh_tokens": {"k" * 100: "token"},
        "company_settings": {},
    },
    "plans_the_longest_mirror": {
        **LONG,
        "mirror_enabled": True,
        "odoo_api_url": f"https://{'o' * 60}.example.com/{'o' * 20}",
        "erp_connections": {
            name: {
                **cast("dict[str, Json]", LEDGER["erp_connections"])["ledger"],
                "companies": ["C" * 77],
            }
            for name in CONNECTIONS
        },
        "erp_credentials": dict.fromkeys(CONNECTIONS, "password"),
        "allowed_private_networks": [f"fd12:3456:789a:bc{n:02}::/64" for n in range(10)],
        **API,
    },
    "plans_the_longest_intake": {
        **INTAKE,
        **LONG,
        "intake_time_zone": "America/Argentina/ComodRivadavia",
        "intake_maximum_amount": 999_999_999_999.99,
        "intake_sender": f"{'b' * 60}@{'c' * 60}.example.com",
    },
    "plans_the_longest_webhook": {**WEBHOOK, **LONG},
}
# What is turned on and off again in a deployment that stands, in this order.
SWITCHED: Final[dict[str, dict[str, object]]] = {
    "plans_on": LEDGER | API | INTAKE,
    "turns_on": LEDGER | API | INTAKE,
    "plans_to_send": WEBHOOK | API | INTAKE,
    "sends": WEBHOOK | API | INTAKE,
    "plans_to_send_no_longer": LEDGER | API | INTAKE,
    "plans_off": {},
}
NOT_THERE: Final = r"lambda/(\w+)\.zip is not there yet: run \./build\.sh first\."
EXAMPLE: Final = """
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}
"""


def terraform(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["terraform", f"-chdir={folder}", *arguments], capture_output=True, text=True, check=False
    )


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def text_of_variables() -> str:
    return "\n".join((PROJECT / name).read_text() for name in VARIABLES)


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the infrastructure with stand-ins for the zips, ready to be tested."""
    folder = tmp_path_factory.mktemp("terraform")
    for source in (*PROJECT.glob("*.tf"), *PROJECT.glob("*.asl.json")):
        shutil.copy2(source, folder)
    (folder / "tests").mkdir()
    shutil.copy2(INFRA, folder / "tests")
    shutil.copy2(PROJECT / "terraform.tfvars.example", folder / "example.tfvars")
    (folder / "lambda").mkdir()
    for function in ("extractor", "notifier", "approval_handler", "poster", *COMPANIONS):
        (folder / "lambda" / f"{function}.zip").write_bytes(b"a zip")
    mirror = plugin_mirror()
    plugins = [f"-plugin-dir={mirror}"] if mirror else []
    done = terraform(folder, "init", "-input=false", "-backend=false", *plugins)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def judging(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variables with what judges them: they need no provider, which takes seconds a run."""
    folder = tmp_path_factory.mktemp("variables")
    for source in (*VARIABLES, "company_settings.tf"):
        shutil.copy2(PROJECT / source, folder)
    (folder / "tests").mkdir()
    refusals = REFUSALS.read_text()
    assert refusals.count(PROVIDER) == 1  # for those who run the file in the project itself
    (folder / "tests" / REFUSALS.name).write_text(refusals.replace(PROVIDER, ""))
    (folder / "main.tf").write_text(
        'terraform {\n  required_version = ">= 1.11"\n}\n\noutput "companies" {\n'
        "  value = local.companies\n}\n"
    )
    return folder


type Plans = dict[str, dict[str, Json]]


@pytest.fixture(scope="module")
def example(initialised: Path) -> subprocess.CompletedProcess[str]:
    """What Terraform says to the variables of terraform.tfvars.example, and to EXAMPLES."""
    (initialised / "example").mkdir()
    text = EXAMPLE + runs_of(EXAMPLES)
    (initialised / "example" / "example.tftest.hcl").write_text(text)
    return answered(initialised, "example", "-var-file=example.tfvars")


@pytest.fixture(scope="module")
def plans(example: subprocess.CompletedProcess[str]) -> Plans:
    """What each of EXAMPLES' plans says of each resource, by run and address."""
    return {
        run: {address: change["after"] for address, change in changes.items()}
        for run, changes in changes_of(example).items()
    }


@pytest.fixture(scope="module")
def planned(plans: Plans) -> dict[str, Json]:
    """What the example's plan says of each resource, by address."""
    return plans["plans_the_example"]


def runs_of(variables: dict[str, dict[str, object]]) -> str:
    """Runs with their variables; one whose name begins with "plans" only plans."""
    return "".join(
        f'\nrun "{run}" {{\n  command = {"plan" if run.startswith("plans") else "apply"}\n'
        f"  variables {{\n"
        + "".join(f"    {name} = {json.dumps(value)}\n" for name, value in given.items())
        + "  }\n}\n"
        for run, given in variables.items()
    )


def answered(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What Terraform says to a folder of tests: its events, a JSON a line."""
    return terraform(folder, "test", "-json", "-verbose", f"-test-directory={tests}", *options)


def changes_of(done: subprocess.CompletedProcess[str]) -> Plans:
    """What each run's plan does to each resource, by run and address."""
    plans = {e["@testrun"]: e["test_plan"] for e in events(done) if e["type"] == "test_plan"}
    assert plans, done.stdout
    return {
        run: {c["address"]: c["change"] for c in plan["resource_changes"]}
        for run, plan in plans.items()
    }


@pytest.fixture(scope="module")
def switched(initialised: Path) -> Plans:
    """What becomes of each resource of a deployment where parts are replaced, turned on and off."""
    given = INFRA.read_text().split('\nrun "', 1)[0]
    (initialised / "switching").mkdir()
    (initialised / "switching" / "switching.tftest.hcl").write_text(
        f"""{given}
run "stands" {{}}

run "replaces" {{
  command = plan

  plan_options {{
    replace = [aws_lambda_function.approval_handler, aws_dynamodb_table_item.company_settings]
  }}
}}
{runs_of(SWITCHED)}"""
    )
    changes = changes_of(done := answered(initialised, "switching"))
    planned = {run for run in SWITCHED if run.startswith("plans")}
    assert changes.keys() == planned | {"replaces"}, done.stdout
    return changes


@pytest.fixture(scope="module")
def replaced(switched: Plans) -> dict[str, Json]:
    """What becomes of each resource where the approval handler and the settings are replaced."""
    return switched["replaces"]


def test_every_file_is_formatted() -> None:
    done = terraform(PROJECT, "fmt", "-check", "-recursive")

    assert (done.returncode, done.stdout) == (0, "")


def test_the_infrastructure_is_valid_without_a_warning(initialised: Path) -> None:
    answer = json.loads(terraform(initialised, "validate", "-json").stdout)

    assert (answer["valid"], answer["diagnostics"]) == (True, [])


def test_no_file_of_infrastructure_tests_is_left_out() -> None:
    assert set((PROJECT / "tests").glob("*.tftest.hcl")) == {INFRA, REFUSALS}


@pytest.mark.parametrize(
    ("file", "place"), [(INFRA, "initialised"), (REFUSALS, "judging")], ids=["infra", "refusals"]
)
def test_every_run_of_the_infrastructure_tests_passes(
    file: Path, place: str, request: pytest.FixtureRequest
) -> None:
    written = re.findall(r'^run "(\w+)"', file.read_text(), re.MULTILINE)

    told = events(terraform(request.getfixturevalue(place), "test", "-json"))

    runs = [e["test_run"] for e in told if e["type"] == "test_run"]
    ended = {run["run"]: run["status"] for run in runs if "status" in run}
    complaints = [e["diagnostic"]["summary"] for e in told if e["type"] == "diagnostic"]
    assert ended == dict.fromkeys(written, "pass"), complaints


def test_the_example_of_variables_is_complete(example: subprocess.CompletedProcess[str]) -> None:
    complaints = [e["diagnostic"] for e in events(example) if e["type"] == "diagnostic"]
    assert (example.returncode, complaints) == (0, [])


@pytest.mark.parametrize("variable", SECRETS)
def test_a_secret_is_in_neither_state_nor_plan(variable: str) -> None:
    text = text_of_variables()
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
    given |= {name: f"whsec_{'c0ffee' * 2 * n}" for n, name in enumerate(SECRETS[-2:], 3)}
    values |= {**WEBHOOK, "erp_credentials": {"ledger": given["erp_credentials"]}}
    values |= {name: given[name] for name in SECRETS[-2:]} | {"api_enabled": True}
    for name in ("api_tokens", "api_previous_tokens"):
        given[name] = f"given-{name}-c0ffee-0123456789-0123456789"
        values[name] = {"reporting": given[name]}
    (tmp_path / "given.tfvars.json").write_text(json.dumps(values))
    files = ["example.tfvars", str(tmp_path / "given.tfvars.json")]
    emulator = aws.start(tmp_path / "aws")
    try:
        done = subprocess.run(
            ["terraform", f"-chdir={initialised}", "plan", "-input=false", "-no-color"]
            + [f"-var-file={file}" for file in files]
            + [f"-out={tmp_path / 'plan'}"],
            env=emulator.environment() | {"CHECKPOINT_DISABLE": "1", "GOGC": GOGC},
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
    assert b"odoo-erp-credentials-prod" in kept
    assert b"odoo-api-tokens-prod" in kept
    assert b"odoo-webhook-secret-prod" in kept
    assert [name for name, value in given.items() if value.encode() in kept] == []


def missing(folder: Path, zips: set[str], on: dict[str, dict[str, object]]) -> dict[str, set[str]]:
    """Which zips Terraform misses where these are not there, by what is on."""
    for name in zips:
        (folder / "lambda" / f"{name}.zip").unlink()
    (folder / "zips").mkdir()
    for name, given in on.items():  # a file each: an error ends a file
        text = EXAMPLE + runs_of({"plans": given})
        (folder / "zips" / f"{name}.tftest.hcl").write_text(text)
    said: dict[str, set[str]] = {}
    for event in events(answered(folder, "zips", "-var-file=example.tfvars")):
        if event["type"] == "diagnostic":
            file = Path(event["@testfile"]).name.removesuffix(".tftest.hcl")
            sentence = event["diagnostic"]["detail"]
            zip_name = re.sub(NOT_THERE, r"\1", sentence)
            said.setdefault(file, set()).add(zip_name)
    return said


@pytest.fixture(scope="module")
def missed(initialised: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The same of most zips; the API's is looked for once those that it stands upon are there."""
    folder = tmp_path_factory.mktemp("zips")
    for name in ("most", "api"):
        shutil.copytree(initialised, folder / name, symlinks=True)
    most = {"off": {}, "mirror": LEDGER, "intake": INTAKE}
    return {
        **missing(folder / "most", {"poster", *COMPANIONS} - {"webhook"}, most),
        **missing(folder / "api", {"api"}, {"api": LEDGER | API}),
    }


def test_a_missing_zip_is_said_in_a_sentence(missed: dict[str, set[str]]) -> None:
    assert "poster" in missed["off"]


def test_a_companions_zip_is_missed_only_where_it_is_on(missed: dict[str, set[str]]) -> None:
    assert missed == {
        "off": {"poster"},
        "mirror": {"poster", "mirror"},
        "intake": {"poster", "intake"},
        "api": {"api"},
    }


@pytest.mark.parametrize("variable", ["odoo_api_url", "extract_since", "qb_realm_ids"])
def test_a_missing_variable_is_named(judging: Path, tmp_path: Path, variable: str) -> None:
    whole = (PROJECT / "terraform.tfvars.example").read_text()
    left_out = re.sub(rf"(?ms)^{variable} +=( {{.*?^}}|[^\n]*)", "", whole)
    assert left_out != whole
    example = tmp_path / "example.tfvars"
    example.write_text(left_out)

    told = events(terraform(judging, "plan", "-json", "-input=false", f"-var-file={example}"))

    said = [e["diagnostic"] for e in told if e["type"] == "diagnostic"]
    assert any(
        d["summary"] == "No value for required variable" and f'"{variable}"' in d["detail"]
        for d in said
    )


def test_each_validation_has_a_run_that_expects_its_variable_to_fail() -> None:
    """As many runs as a variable has validations: none is met only beside another."""
    text = text_of_variables()
    blocks = re.split(r'^variable "', text, flags=re.MULTILINE)[1:]
    written = {b.split('"', 1)[0]: b.split("\n}\n", 1)[0].count("  validation {") for b in blocks}
    expected = Counter(
        name
        for file in (INFRA, REFUSALS)
        for some in re.findall(r"expect_failures = \[([^\]]*)\]", file.read_text())
        for name in re.findall(r"var\.(\w+)", some)
    )

    assert [name for name, count in written.items() if expected[name] < count] == []
    assert set(expected) <= {name for name, count in written.items() if count}


type WaitsFor = Callable[[str], set[str]]


@pytest.fixture(scope="module")
def waits_for(initialised: Path) -> WaitsFor:
    """What Terraform makes or changes before a resource, directly or through something between."""
    graph = terraform(initialised, "graph").stdout
    waits: dict[str, set[str]] = {}
    for later, earlier in re.findall(r'"(\S+)" -> "(\S+)"', graph):
        waits.setdefault(later, set()).add(earlier)

    def before(resource: str) -> set[str]:
        direct = waits.get(resource, set())
        return direct.union(*map(before, direct))

    return before


def test_no_function_starts_again_before_the_new_secrets_are_stored(waits_for: WaitsFor) -> None:
    stored = {f"aws_secretsmanager_secret_version.{s}" for s in ("odoo", "slack", "quickbooks")}
    assert waits_for("aws_lambda_function.function") >= stored
    assert waits_for("aws_lambda_function.approval_handler") >= stored
    assert waits_for("aws_lambda_function.mirror") >= {
        *("aws_secretsmanager_secret_version.odoo", "aws_iam_role_policy.mirror"),
        "aws_secretsmanager_secret_version.erp_credentials",
    }
    assert waits_for("aws_lambda_function.webhook") >= {
        *("aws_secretsmanager_secret_version.webhook", "aws_iam_role_policy.webhook"),
    }


# -- what stands beside the flow -----------------------------------------------------------------


@pytest.fixture(scope="module")
def mirrored(plans: Plans) -> dict[str, Json]:
    """What the plan says of each resource where the mirror is on, with the longest names."""
    return plans["plans_the_longest_mirror"]


def test_aws_takes_the_mirror_also_with_the_longest_names(
    mirrored: dict[str, Json],
) -> None:
    assert limits.refusals(mirrored) == []
    assert sum(address.startswith("aws_secretsmanager_secret.erp") for address in mirrored) == 10


def test_aws_takes_the_intake_also_with_the_longest_names(plans: Plans) -> None:
    assert limits.refusals(plans["plans_the_longest_intake"]) == []


def test_the_mirrors_schedules_ask_for_what_it_does_and_a_lease_outlasts_a_run(
    mirrored: dict[str, Json],
) -> None:
    targets = {a: t for a, t in mirrored.items() if a.startswith("aws_cloudwatch_event_target.mi")}
    requests = {a: sync_request(json.loads(t["input"]), ()) for a, t in targets.items()}

    assert sorted(r.wanted.full for r in requests.values()) == [False, True]
    assert {r.kinds for r in requests.values()} == {TASKS["sync_all"]}
    assert timedelta(seconds=mirrored["aws_lambda_function.mirror[0]"]["timeout"]) < sync.LEASE


def test_with_the_companions_off_exactly_the_flow_is_made(
    planned: dict[str, Json],
) -> None:
    assert sorted(planned) == FLOW


def test_turning_the_companions_on_and_off_again_leaves_the_flow_as_it_is(
    switched: Plans,
) -> None:
    """No-op: each environment, policy and alarm of the flow stays byte for byte the same."""
    flow = dict.fromkeys(FLOW, "no-op")
    for plan, done in (("plans_on", "create"), ("plans_off", "delete")):
        actions = {a: " ".join(change["actions"]) for a, change in switched[plan].items()}
        beside = dict.fromkeys(actions.keys() - flow.keys(), done)

        assert actions == flow | beside
        assert sum(".mirror" in address for address in beside) > 10
        assert sum(".intake" in address for address in beside) > 15


def test_turning_the_webhook_on_and_off_again_leaves_flow_and_mirror_as_they_are(
    switched: Plans,
) -> None:
    there = dict.fromkeys(switched["plans_on"].keys(), "no-op")
    for plan, done in (("plans_to_send", "create"), ("plans_to_send_no_longer", "delete")):
        actions = {a: " ".join(change["actions"]) for a, change in switched[plan].items()}
        of_the_webhook = dict.fromkeys(actions.keys() - there.keys(), done)

        assert actions == there | of_the_webhook
        assert len(of_the_webhook) > 20


def test_aws_takes_the_webhook_also_with_the_longest_names(plans: Plans) -> None:
    sending = plans["plans_the_longest_webhook"]

    assert limits.refusals(sending) == []
    assert sum(".webhook" in address for address in sending) > 20


# -- what the code takes for granted of the infrastructure --------------------------------------


def timeout_of(planned: dict[str, Json], function: str) -> timedelta:
    return timedelta(seconds=planned[f'aws_lambda_function.function["{function}"]']["timeout"])


def receives_of_a_message() -> int:
    """The plan does not know it yet: it stands beside the other queue's ARN."""
    (count,) = re.findall(r"maxReceiveCount += (\d+)", (PROJECT / "posting.tf").read_text())
    return int(count)


def test_nobody_takes_over_from_a_function_that_may_still_run(
    planned: dict[str, Json],
) -> None:
    hidden = timedelta(seconds=planned["aws_sqs_queue.approved"]["visibility_timeout_seconds"])

    assert timeout_of(planned, "poster") < claim.CLAIM
    assert timeout_of(planned, "extractor") < run.LEASE
    assert max(hidden, claim.CLAIM) < sweep.POSTED_WITHIN


def test_the_poster_gives_up_before_the_queue_does() -> None:
    assert receives_of_a_message() - 1 == LAST_RECEIVE


def test_a_batch_of_cards_is_shown_within_the_notifiers_time(
    planned: dict[str, Json],
) -> None:
    batch = planned["aws_lambda_event_source_mapping.notifier"]["batch_size"]
    per_second = 1  # Slack's limit, and the variable's default

    shown = timedelta(seconds=batch / per_second + publisher.ENOUGH_SECONDS)

    assert shown < timeout_of(planned, "notifier")


def test_what_a_company_may_be_told_is_what_the_functions_read() -> None:
    text = (PROJECT / "company_settings.tf").read_text()
    names = text.split("company_setting_names = {", 1)[1].split("\n  }\n", 1)[0]
    told = set(re.findall(r'"(\w+)"', names))

    read = {"class" if f.name == "class_name" else f.name for f in fields(company.Company)}

    assert told == read - {"key", "realm_id"}


def test_the_tests_own_aws_delivers_as_the_real_one_is_told_to(
    planned: dict[str, Json],
) -> None:
    mapping = planned["aws_lambda_event_source_mapping.notifier"]
    queue = planned["aws_sqs_queue.approved"]

    assert mapping["batch_size"] == simulation._BATCH
    assert mapping["maximum_retry_attempts"] + 1 == simulation._STREAM_TRIES
    assert queue["visibility_timeout_seconds"] == simulation._VISIBILITY
    assert receives_of_a_message() == simulation._RECEIVES


def test_the_costs_are_of_what_terraform_makes(planned: dict[str, Json]) -> None:
    of_kind = Counter(address.split(".")[0] for address in planned)
    companies = 2  # of the example
    minutes = {"rate(15 minutes)": 15, "rate(1 hour)": 60, "rate(1 day)": 24 * 60}
    month = 30 * 24 * 60  # of cron's first day
    runs = {
        address.split('"')[1]: 24 * 60 / minutes.get(rule["schedule_expression"], month)
        for address, rule in planned.items()
        if address.startswith("aws_cloudwatch_event_rule.")
    }

    assert runs == costs.RUNS_A_DAY
    assert of_kind["aws_secretsmanager_secret"] == costs.GIVEN_SECRETS + companies
    assert {
        name: planned[f"aws_lambda_function.{resource}"]["memory_size"] / 1024
        for name, resource in {
            **{n: f'function["{n}"]' for n in ("extractor", "notifier", "poster")},
            "approval_handler": "approval_handler",
        }.items()
    } == costs.GIGABYTES


# -- what AWS takes, of names, lengths and forms -------------------------------------------------


def test_aws_takes_every_name_and_number_also_of_the_longest_names(plans: Plans) -> None:
    assert limits.refusals(plans["plans_the_example"]) == []
    assert limits.refusals(plans["plans_the_longest_names"]) == []
    assert "aws_secretsmanager_secret.quickbooks_token" in " ".join(
        plans["plans_the_longest_names"]
    )


def test_a_name_too_long_or_ill_formed_is_caught() -> None:
    """So that the test above can fail."""
    planned: dict[str, Json] = {
        "aws_sqs_queue.long": {"name": "q" * 76 + ".fifo"},
        "aws_sqs_queue.dotted": {"name": "queue.of.bills"},
        "aws_cloudwatch_event_rule.long": {"name": "r" * 65, "state": "ON"},
        "aws_lambda_function.long": {"function_name": "f" * 65, "timeout": 901},
        "aws_cloudwatch_metric_alarm.silent": {"alarm_name": "", "alarm_description": "d" * 1025},
        "aws_iam_role.spaced": {"name": "a role"},
        "aws_s3_bucket.loud": {"bucket": "Bills"},
        "aws_secretsmanager_secret.spaced": {"name": "a secret"},
    }

    assert Counter(r.partition(":")[0] for r in limits.refusals(planned)) == {
        "aws_sqs_queue.long": 2,
        "aws_sqs_queue.dotted": 1,
        "aws_cloudwatch_event_rule.long": 2,
        "aws_lambda_function.long": 2,
        "aws_cloudwatch_metric_alarm.silent": 2,
        "aws_iam_role.spaced": 1,
        "aws_s3_bucket.loud": 1,
        "aws_secretsmanager_secret.spaced": 1,
    }
    assert limits.complaints(
        "sns", "Publish", {"TopicArn": "arn", "Message": "m", "Subject": "s" * 100}
    ) == [f"Subject is 100, more than 99: {'s' * 60}"]


# -- replacing ------------------------------------------------------------------------------------


def test_a_new_function_gets_a_new_url_and_the_stack_its_permission_anew(
    replaced: dict[str, Json],
) -> None:
    """The function takes its policy with it; the stack alone does not see that."""
    url = replaced["aws_lambda_function_url.approval_handler"]
    stack = replaced["aws_cloudformation_stack.approval_url"]

    assert replaced["aws_lambda_function.approval_handler"]["actions"] == ["delete", "create"]
    assert url["actions"] == ["delete", "create"]
    assert stack["actions"] == ["update"]
    assert stack["after_unknown"]["template_body"] is True  # until the new URL is known


def test_settings_are_deleted_only_after_what_depends_on_them_has_changed(
    replaced: dict[str, Json],
) -> None:
    """Terraform keeps to that too where an upgrade from 1.0 is undone: no function finds none."""
    assert replaced["aws_dynamodb_table_item.company_settings"]["actions"] == ["create", "delete"]


def test_the_stack_waits_for_the_url(waits_for: WaitsFor) -> None:
    """Of two permissions that are added at once AWS refuses one, and the apply ends half-way."""
    assert "aws_lambda_function_url.approval_handler" in waits_for(
        "aws_cloudformation_stack.approval_url"
    )


def test_no_function_starts_before_it_may_read_what_it_is_told_of(waits_for: WaitsFor) -> None:
    for function in ("function", "approval_handler"):
        assert waits_for(f"aws_lambda_function.{function}") >= {
            "aws_dynamodb_table_item.company_settings",
            "aws_dynamodb_table_item.settings",
            "aws_iam_role_policy.function",
        }
