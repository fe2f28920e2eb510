"""Health: which connection is up to date, which is not, and nothing that is secret."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from odoo_qb.sources import Kind
    from sandbox.in_process.api import ApiDesk

PROJECT = Path(__file__).parents[2]
KINDS: Final[tuple[Kind, ...]] = ("contact", "account", "move", "payment", "order")


def both_are_mirrored(api: ApiDesk) -> None:
    """The second connection as good as the first."""
    for kind in KINDS:
        state = MirrorTable(api.desk.table(), "odoo", kind).own("state")
        values = {name: state[name] for name in ("since", "last_success_at", "last_error", "held")}
        MirrorTable(api.desk.table(), "ledger", kind).set_own("state", values)


def test_a_current_mirror_is_healthy(api: ApiDesk) -> None:
    both_are_mirrored(api)
    response = api.get("/health", token=None)
    assert response.status == 200
    assert response.json.keys() == {"status", "version", "environment", "connections"}
    assert response.json["status"] == "healthy"
    odoo = response.json["connections"][0]
    assert (odoo["id"], odoo["status"]) == ("odoo", "current")
    assert odoo["mirrors"]["contact"] == {"status": "complete", "age_seconds": 60}


def test_the_version_is_the_projects(api: ApiDesk) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert api.get("/health").json["version"] == project["version"]


def test_a_connection_that_fails_is_named_at_once_and_unhealthy_after_a_while(
    api: ApiDesk,
) -> None:
    both_are_mirrored(api)
    api.desk.odoo.fail("bad_gateway", times=1_000)
    api.desk.sync()
    response = api.get("/health")
    assert (response.status, response.json["status"]) == (200, "healthy")
    assert {c["id"]: c["status"] for c in response.json["connections"]} == {
        "odoo": "failing",
        "ledger": "current",
    }
    api.desk.sleep(900)
    response = api.get("/health")
    assert (response.status, response.json["status"]) == (503, "unhealthy")
    assert response.json["reason"] == (
        "The mirror of odoo has not been brought up to date for 17 minutes."
    )
    assert "127.0.0.1" not in response.text


def test_a_mirror_that_is_loading_for_the_first_time_is_no_fault(api: ApiDesk) -> None:
    response = api.get("/health")
    assert response.status == 200
    ledger = response.json["connections"][1]
    assert (ledger["id"], ledger["status"]) == ("ledger", "loading")
    assert ledger["mirrors"]["contact"] == {"status": "empty", "age_seconds": None}


def test_a_mirror_that_was_never_filled_is_unhealthy_once_it_has_failed_for_a_while(
    api: ApiDesk,
) -> None:
    both_are_mirrored(api)
    table = MirrorTable(api.desk.table(), "odoo", "order")
    key = api.desk.table().key(table.home, "state")
    api.desk.client.delete_item(TableName=api.desk.table_name, Key=key)
    api.desk.odoo.fail("bad_gateway", times=1_000)
    api.desk.sync("sync_orders")
    assert api.get("/health").status == 200
    api.desk.sleep(900)
    for name in ("odoo", "ledger"):
        for kind in KINDS if name == "ledger" else KINDS[:-1]:
            now = {"last_success_at": stamp(api.desk.now)}
            MirrorTable(api.desk.table(), name, kind).set_own("state", now)
    response = api.get("/health")
    assert response.status == 503
    assert response.json["reason"].startswith("The mirror of odoo has not been brought up to date")


def test_without_schedules_no_age_is_too_old(
    api: ApiDesk, changed: Callable[[str, str], None]
) -> None:
    changed("MIRROR_STALE_SECONDS", "0")
    api.desk.sleep(10 * 86_400)
    response = api.get("/health")
    assert response.status == 200
    assert json.loads(response.text)["connections"][0]["mirrors"]["move"]["age_seconds"] > 800_000
