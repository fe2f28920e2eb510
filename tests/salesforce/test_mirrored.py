"""A mirror of Salesforce is equal to it after loads, changes, deletions and interruptions."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from moto import mock_aws

from odoo_qb.mirror.content import data_of
from odoo_qb.mirror.request import sync_request
from odoo_qb.mirror.sync import Syncing
from odoo_qb.salesforce.mapping import parse_mapping
from odoo_qb.salesforce.source import SalesforceSource
from odoo_qb.store.mirror_table import MirrorTable
from odoo_qb.store.sorted_table import SortedTable
from odoo_qb.store.source_numbers import SourceNumbers
from sandbox.companions.comparison import compare, stored_ids
from sandbox.companions.crm import org_ids, org_source
from sandbox.http_server import serve
from sandbox.in_process.aws import REGION
from sandbox.in_process.mirror import TABLE, make_mirror_table
from sandbox.salesforce.mapping import MAPPING
from sandbox.salesforce.server import Salesforce
from tests.support.salesforce_org import Counted, client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odoo_qb.exact_json import Json
    from odoo_qb.mirror.report import Report
    from odoo_qb.sources import Kind

OBJECTS: Final[dict[Kind, str]] = {
    "contact": "Account",
    "move": "Invoice__c",
    "payment": "Payment__c",
    "order": "Opportunity",
}


@dataclass
class Desk:
    """A mirror of one org; time is the test's."""

    url: str
    aws: Any
    org: Salesforce = field(init=False)
    numbering: Counted | None = None
    now: datetime = datetime(2026, 11, 28, 8, tzinfo=UTC)

    def clock(self) -> datetime:
        return self.now

    def source(self) -> SalesforceSource:
        # moto copies all its tables for each transaction, of which numbering many takes many.
        numbering = self.numbering or SourceNumbers(self.table(), "crm")
        return SalesforceSource(client(url=self.url), parse_mapping(MAPPING), numbering)

    def table(self) -> SortedTable:
        return SortedTable(self.aws, TABLE, sleep=lambda _: None)

    def sync(self, **more: Any) -> dict[Kind, Report]:
        source = self.source()
        syncing = Syncing(
            table=self.table(),
            source=lambda _: source,
            connections=("crm",),
            clock=self.clock,
            seconds_left=lambda: 240.0,
        )
        reports = syncing.sync(sync_request({"task": "sync_all", **more}, ("crm",)))
        source._client._session.close()
        self.now += timedelta(minutes=1)
        assert [report.error for report in reports if report.error] == []
        return {report.kind: report for report in reports}

    def mirrored(self, kind: Kind) -> dict[str, Json]:
        """What is stored, by Salesforce's ids."""
        table = MirrorTable(self.table(), "crm", kind)
        rows = [data_of(row) for row in table.every(table.counts.read())]
        return {row["salesforce_id"]: row for row in rows}

    def assert_equal(self) -> None:
        for kind, name in OBJECTS.items():
            held = {row["Id"]: row for row in self.org.held(name)}
            stored = self.mirrored(kind)
            assert stored.keys() == held.keys()
            for number, row in held.items():
                assert stored[number]["name"] == row["Name"]
                if kind != "contact":
                    owner = row.get("AccountId") or row.get("Account__c") or ""
                    account = self.org.objects["Account"].get(owner, {})
                    assert stored[number]["partner_name"] == account.get("Name")


@contextmanager
def a_desk(*, records: bool = True) -> Iterator[Desk]:
    desks: list[Desk] = []
    begin = datetime(2026, 11, 28, tzinfo=UTC)
    org = Salesforce(clock=lambda: desks[0].now if desks else begin, records=records)
    with mock_aws(), serve(org) as server:
        aws: Any = boto3.client("dynamodb", region_name=REGION)
        make_mirror_table(aws)
        desks.append(Desk(server.url, aws))
        desks[0].org = org
        yield desks[0]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        made.numbering = Counted()
        made.sync()
        made.now += timedelta(hours=1)
        made.sync()
        yield made


def test_numbers_of_the_table_serve_a_mirror() -> None:
    with a_desk(records=False) as desk:
        parent = desk.org.add("Account", Name="Parent")
        desk.org.add("Account", Name="Office", ParentId=parent)
        invoice = desk.org.add("Invoice__c", Name="INV-1", Type__c="out_invoice", Account__c=parent)
        desk.sync()
        desk.assert_equal()
        contacts, moves = desk.mirrored("contact"), desk.mirrored("move")
        assert moves[invoice]["partner_id"] == contacts[parent]["id"] == 1
        stored = stored_ids(desk.aws, TABLE)["crm"]
        result = compare(
            "crm",
            org_source(desk.url, desk.table(), "crm"),
            desk.table(),
            stored,
            org_ids(desk.org, desk.table(), "crm"),
        )
        assert result.sentences == []
        assert (result.families["contact"].mirrored, result.families["invoice"].mirrored) == (2, 1)
        desk.org.delete("Account", parent)
        third = desk.org.add("Account", Name="Third")
        desk.sync()
        assert desk.mirrored("contact")[third]["id"] == 3
        assert parent not in desk.mirrored("contact")


def test_all_of_it_is_mirrored_and_a_quiet_run_costs_a_call_a_kind(desk: Desk) -> None:
    desk.assert_equal()
    reports = desk.sync()
    assert {kind: report.calls for kind, report in reports.items()} == {
        "contact": 2,  # one to sign in
        "account": 0,
        "move": 1,
        "payment": 1,
        "order": 1,
    }
    assert all(report.is_quiet for report in reports.values())


def test_a_change_is_in_the_next_run(desk: Desk) -> None:
    invoice = desk.org.held("Invoice__c")[4]["Id"]
    desk.org.change("Invoice__c", invoice, Open__c=12.5)
    new = desk.org.add("Account", Name="Just arrived")
    reports = desk.sync()
    assert (reports["move"].updated, reports["contact"].inserted) == (1, 1)
    assert f"{desk.mirrored('move')[invoice]['amount_residual']}" == "12.5"
    assert desk.mirrored("contact")[new]["name"] == "Just arrived"


def test_a_deletion_alone_and_one_beside_a_new_record_are_seen(desk: Desk) -> None:
    """Counts tell of the one; the other leaves them as they were."""
    alone, beside = (row["Id"] for row in desk.org.held("Opportunity")[5:7])
    desk.org.delete("Opportunity", alone)
    assert desk.sync()["order"].deleted == 1
    desk.org.delete("Opportunity", beside)
    desk.org.add("Opportunity", Name="In its place", StageName="Prospecting")
    reports = desk.sync()
    assert (reports["order"].deleted, reports["order"].inserted) == (1, 1)
    desk.assert_equal()


def test_a_renamed_customer_is_renamed_wherever_it_is_named(desk: Desk) -> None:
    desk.org.change("Account", desk.org.held("Account")[3]["Id"], Name="Renamed Ltd")
    desk.sync()
    desk.assert_equal()
    assert "Renamed Ltd" in {row["partner_name"] for row in desk.mirrored("move").values()}


def test_a_token_that_ends_and_a_page_that_is_cut_cost_nothing(desk: Desk) -> None:
    desk.org.page = 10
    desk.org.add("Account", Name="Late")
    desk.org.end_sessions()
    desk.org.fail("cut", call="query")
    desk.sync(full=True)
    desk.assert_equal()


@pytest.mark.parametrize("seed", range(3))
def test_after_random_changes_one_quiet_run_makes_it_equal(desk: Desk, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - which changes is no secret
    for _ in range(6):
        for _ in range(chance.randint(1, 6)):
            _change_something(desk.org, chance)
        desk.sync()
    desk.sync()
    desk.assert_equal()


def _change_something(org: Salesforce, chance: random.Random) -> None:
    name = chance.choice([*OBJECTS.values()])
    rows = org.held(name)
    row = chance.choice(rows)
    match chance.choice(["add", "change", "delete", "purge", "restore"]):
        case "add":
            new = org.add(name, Name=f"New {chance.random()}")
            if name == "Invoice__c":
                org.change(name, new, Type__c="out_invoice")
        case "change":
            org.change(name, row["Id"], Name=f"Changed {chance.random()}")
        case "delete" if len(rows) > 10:
            org.delete(name, row["Id"])
        case "purge" if len(rows) > 10:
            org.delete(name, row["Id"])
            org.purge(name, row["Id"])
        case "restore":
            for deleted in [r for r in org.objects[name].values() if r["IsDeleted"]][:1]:
                org.restore(name, deleted["Id"])
