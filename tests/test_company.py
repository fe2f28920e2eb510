"""The companies as a function reads them, also while an upgrade is being applied."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from odoo_qb.errors import Misconfigured
from odoo_qb.store.companies import load_companies

if TYPE_CHECKING:
    from sandbox.in_process.chain import World

SETTINGS = "settings-of-their-own"


@pytest.fixture
def moved(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Terraform stored the companies in their own table, and among the bills is what 1.0 left."""
    dynamodb = world.clients["dynamodb"]
    dynamodb.create_table(
        TableName=SETTINGS,
        KeySchema=[{"AttributeName": "entry_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "entry_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store(world, {"new": {}})
    world.table.write_note("settings", {"companies": json.dumps({"old": {}})})
    monkeypatch.setenv("SETTINGS_TABLE", SETTINGS)
    return world


def store(world: World, companies: dict[str, Any]) -> None:
    item = {"entry_id": {"S": "settings"}, "companies": {"S": json.dumps(companies)}}
    world.clients["dynamodb"].put_item(TableName=SETTINGS, Item=item)


def refuse(world: World, code: str) -> None:
    """Let AWS refuse to read the settings' table."""

    def performs(call: Any, client: Any, operation: str, arguments: Any) -> Any:
        if arguments.get("TableName") == SETTINGS:
            raise ClientError({"Error": {"Code": code}}, operation)
        return call(client, operation, arguments)

    world.aws.performs = performs


def test_the_companies_are_those_of_the_table_that_no_function_may_write(moved: World) -> None:
    assert set(load_companies(moved.table, os.environ.get("SETTINGS_TABLE", ""))) == {"new"}


def test_what_a_function_writes_beside_the_bills_counts_for_nothing(moved: World) -> None:
    moved.clients["dynamodb"].delete_item(TableName=SETTINGS, Key={"entry_id": {"S": "settings"}})
    with pytest.raises(Misconfigured):
        load_companies(moved.table, os.environ.get("SETTINGS_TABLE", ""))


def test_a_function_that_is_not_told_of_the_new_table_yet_reads_the_old_item(
    moved: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETTINGS_TABLE")
    assert set(load_companies(moved.table, os.environ.get("SETTINGS_TABLE", ""))) == {"old"}


def test_a_role_that_may_not_read_the_new_table_yet_reads_the_old_item(moved: World) -> None:
    refuse(moved, "AccessDeniedException")
    assert set(load_companies(moved.table, os.environ.get("SETTINGS_TABLE", ""))) == {"old"}


def test_a_table_that_does_not_answer_is_no_reason_to_believe_another(moved: World) -> None:
    refuse(moved, "InternalServerError")
    with pytest.raises(ClientError):
        load_companies(moved.table, os.environ.get("SETTINGS_TABLE", ""))
