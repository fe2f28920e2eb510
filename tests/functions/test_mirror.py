"""The mirror's function as AWS starts it: two connections, secrets, sessions, wrong requests."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

import mirror
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.in_process.chain import Context, utc_now
from sandbox.in_process.mirror import MODELS, TABLE, make_mirror_table
from sandbox.in_process.schedules import TARGET, beside
from sandbox.odoo.server import Odoo
from sandbox.salesforce.server import CLIENT_ID, CLIENT_SECRET, Salesforce
from tests.mirror.small_ledger import shrink

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


@dataclass
class Mirrored:
    """The function with the flow's Odoo and a second one, which is reached by session."""

    flow: Odoo
    ledger: Odoo
    secrets: Any

    def invoke(self, **event: Any) -> Json:
        return mirror.lambda_handler(event, Context())

    def restart(self) -> None:
        mirror.wired.forget()


@pytest.fixture
def mirrored(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrored]:
    flow, ledger = Odoo(), Odoo(dataset="ledger-18", database="ledger")
    with mock_aws(), serve(flow) as first, serve(ledger) as second:
        make_mirror_table(boto3.client("dynamodb", region_name=REGION))
        secrets = boto3.client("secretsmanager", region_name=REGION)
        odoo = {"database": flow.database, "username": "ap-bot@example.com"}
        given = {
            "odoo": odoo | {"api_key": "sandbox-odoo-key"},
            "erp": {"ledger": "sandbox-odoo-password"},
        }
        arns = {
            name: secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
            for name, value in given.items()
        }
        secrets.create_secret(Name="session/ledger")
        connection = {
            "type": "odoo", "url": second.url, "database": "ledger", "auth": "session",
            "username": "ap-bot@example.com",
        }  # fmt: skip
        environment = {
            "MIRROR_TABLE": TABLE,
            "ODOO_API_URL": first.url,
            "ODOO_SECRET_ARN": arns["odoo"],
            "ERP_SECRET_ARN": arns["erp"],
            "ERP_CONNECTIONS": json.dumps({"ledger": connection}),
            "ERP_SESSION_SECRET_PREFIX": "session/",
            "ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
            "POWERTOOLS_METRICS_NAMESPACE": "OdooQuickBooks/test",
            "AWS_DEFAULT_REGION": REGION,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        mirror.wired.forget()
        mirror.wired.use(sleep=lambda _seconds: None)
        yield Mirrored(flow, ledger, secrets)
        mirror.wired.forget()
        mirror.wired.use(clock=utc_now, sleep=time.sleep)


def test_both_connections_are_loaded_whole(mirrored: Mirrored) -> None:
    answer = mirrored.invoke(task="sync_all")
    runs = answer["runs"]
    assert answer["dynamodb_calls"] > 100
    assert {(run["connection"], run["kind"]) for run in runs} == {
        (connection, kind) for connection in ("odoo", "ledger") for kind in MODELS
    }
    assert all(run["complete"] and run["held"] == run["source"] for run in runs), runs
    assert sum(run["inserted"] for run in runs) > 900


def test_a_salesforce_is_mirrored_beside_them(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Salesforce(records=False)
    customer = org.add("Account", Name="Customer")
    org.add("Opportunity", Name="Deal", StageName="Closed Won", Amount=12.5, AccountId=customer)
    org.add("Invoice__c", Name="INV-1", Account__c=customer)
    fields = {"partner_id": "Account__c"}
    with serve(org) as server:
        crm = {
            "type": "salesforce", "url": server.url, "client_id": CLIENT_ID,
            "mapping": {"move": {"object": "Invoice__c", "fields": fields}},
        }  # fmt: skip
        monkeypatch.setenv("ERP_CONNECTIONS", json.dumps({"crm": crm}))
        secret = json.dumps({"crm": CLIENT_SECRET})
        mirrored.secrets.put_secret_value(SecretId="erp", SecretString=secret)
        mirrored.restart()
        runs = mirrored.invoke(task="sync_all", connection="crm")["runs"]
    assert [(run["kind"], run.get("error")) for run in runs if run["held"]] == [
        ("contact", None),
        ("move", None),
        ("order", None),
    ]
    assert org.calls.count("token") == 1


def test_a_salesforce_that_refuses_us_names_what_to_check(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Salesforce(records=False)) as server:
        crm = {"type": "salesforce", "url": server.url, "client_id": CLIENT_ID}
        monkeypatch.setenv("ERP_CONNECTIONS", json.dumps({"crm": crm}))
        secret = json.dumps({"crm": "a-wrong-secret"})
        mirrored.secrets.put_secret_value(SecretId="erp", SecretString=secret)
        mirrored.restart()
        (run,) = mirrored.invoke(task="sync_orders", connection="crm")["runs"]
    assert "check erp_connections.crm.client_id and erp_credentials.crm." in run["error"]
    assert "a-wrong-secret" not in run["error"]


def test_a_session_is_kept_in_its_secret_and_used_after_a_restart(mirrored: Mirrored) -> None:
    mirrored.invoke(task="sync_orders", connection="ledger")
    kept = mirrored.secrets.get_secret_value(SecretId="session/ledger")["SecretString"]
    assert kept
    assert mirrored.ledger.calls.count("web.session.authenticate") == 1
    mirrored.restart()
    (run,) = mirrored.invoke(task="sync_orders", connection="ledger")["runs"]
    assert "error" not in run
    assert mirrored.ledger.calls.count("web.session.authenticate") == 1
    mirrored.ledger.expire_sessions()
    (run,) = mirrored.invoke(task="sync_orders", connection="ledger")["runs"]
    assert "error" not in run
    assert mirrored.ledger.calls.count("web.session.authenticate") == 2


def test_a_connection_that_is_down_stops_no_other(mirrored: Mirrored) -> None:
    mirrored.flow.fail("bad_gateway", times=1_000)
    runs = mirrored.invoke(task="sync_orders")["runs"]
    assert [("error" in run, run["connection"]) for run in runs] == [
        (True, "odoo"),
        (False, "ledger"),
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ERP_SECRET_ARN", "odoo"), ("ALLOWED_PRIVATE_NETWORKS", "")],
    ids=["no credential", "a private address"],
)
def test_a_connection_that_is_set_up_wrong_is_a_sentence(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    (run,) = mirrored.invoke(task="sync_orders", connection="ledger")["runs"]
    assert run["error"].endswith("apply.")
    assert "Traceback" not in run["error"]
    assert mirrored.ledger.calls == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({}, "There is no such task. Tasks: sync_contacts,"),
        ({"task": "sync_everything"}, "There is no such task."),
        ({"task": ["sync_all"]}, "There is no such task."),
        ({"task": "sync_all", "full": "yes"}, "full must be true or false."),
        ({"task": "sync_all", "connection": "erp"}, "Connections: ledger, odoo."),
        ({"task": "sync_all", "ful": True}, "Unknown in the event: ful."),
    ],
)
def test_a_wrong_request_is_answered_in_one_sentence(
    mirrored: Mirrored, event: Json, said: str
) -> None:
    answer = mirrored.invoke(**event)
    assert answer.keys() == {"error"}
    assert said in answer["error"]
    assert mirrored.flow.calls == []


@pytest.mark.parametrize("event", [None, [], "sync_all", 7])
def test_what_is_no_object_is_answered_too(mirrored: Mirrored, event: object) -> None:
    assert "JSON object" in mirror.lambda_handler(event, Context())["error"]
    assert mirrored.flow.calls == []


def test_the_test_task_and_prefixed_tasks_work(mirrored: Mirrored) -> None:
    assert mirrored.invoke(task="app.tasks.test_task")["runs"] == []
    (run,) = mirrored.invoke(task="app.tasks.sync_invoices", connection="odoo")["runs"]
    assert (run["kind"], run["held"]) == ("move", run["source"])


def test_the_age_of_a_mirror_that_falls_behind_is_counted(
    mirrored: Mirrored, capsys: pytest.CaptureFixture[str]
) -> None:
    shrink(mirrored.ledger)
    now = mirror.wired.now()
    mirrored.invoke(task="sync_all")
    mirrored.ledger.fail("bad_gateway", times=1_000)
    capsys.readouterr()
    for minutes in (10, 20):
        mirror.wired.use(clock=partial(now.__add__, timedelta(minutes=minutes)))
        mirrored.invoke(task="sync_all")
        # Schedules of the API do these: they must not hide that other mirrors fall behind.
        mirrored.invoke(task="test_task")
        mirrored.invoke(task="sync_contacts", connection="odoo")
        mirrored.invoke(task="sync_all", connection="odoo")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    ages = [metric["MirrorAgeMinutes"] for metric in metrics]
    assert [round(age) for age in ages] == [10, 20]


def test_what_a_deleted_schedule_starts_runs_nothing(mirrored: Mirrored) -> None:
    schedules = beside(boto3.client("dynamodb", region_name=REGION), TABLE)
    schedules.create("orders", task_path="sync_orders")
    event = schedules.event("orders")
    assert len(mirrored.invoke(**event)["runs"]) == 2
    (shown,) = schedules.api().list()
    assert shown["last_result"].startswith("Succeeded: ")
    schedules.api().delete("orders")
    calls = list(mirrored.flow.calls)
    assert mirrored.invoke(**event) == {"runs": [], "skipped": "The schedule was deleted."}
    assert mirrored.flow.calls == calls


def test_the_daily_run_repairs_the_schedules_of_the_api(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedules = beside(boto3.client("dynamodb", region_name=REGION), TABLE)
    schedules.create("x")
    schedules.change("x", State="DISABLED")
    mirrored.invoke(task="test_task", full=True)  # where there is no API there is none to repair
    assert schedules.disagreements() == ["x differs"]
    monkeypatch.setenv("TASK_SCHEDULES", json.dumps(asdict(TARGET)))
    mirrored.invoke(task="test_task", full=True, dry_run=True)
    mirrored.invoke(task="test_task")
    assert schedules.disagreements() == ["x differs"]
    mirrored.invoke(task="test_task", full=True)
    assert schedules.disagreements() == []


def test_schedules_that_cannot_be_repaired_are_logged_and_stop_no_run(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for target in ({"group": "elsewhere"}, asdict(TARGET)):
        monkeypatch.setenv("TASK_SCHEDULES", json.dumps(target))
        monkeypatch.setenv("AWS_ENDPOINT_URL_SCHEDULER", "http://127.0.0.1:9")  # discards all
        assert len(mirrored.invoke(task="sync_orders", full=True)["runs"]) == 2
    reasons = [vars(r)["reason"] for r in caplog.records if r.message == "schedules not repaired"]
    assert reasons == [
        "TASK_SCHEDULES is not what Terraform sets. Apply Terraform again.",
        "EventBridge Scheduler didn't answer. Try again in a minute.",
    ]
