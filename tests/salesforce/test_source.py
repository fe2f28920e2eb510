"""Salesforce as a mirror's source: what changed, what there is, what is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from odoo_qb.errors import Refused, Unavailable
from odoo_qb.sources import KINDS, ServerInfo
from sandbox.salesforce.server import Salesforce
from tests.support.salesforce_org import Counted, a_source, ids_of, records_of

OBJECTS = {
    "contact": "Account",
    "move": "Invoice__c",
    "payment": "Payment__c",
    "order": "Opportunity",
}
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def an_org() -> Salesforce:
    return Salesforce(clock=lambda: NOW)


@pytest.mark.parametrize("kind", OBJECTS)
def test_changes_ids_and_count_tell_of_the_same_records(kind: Any) -> None:
    org = an_org()
    with a_source(org) as source:
        held = org.held(OBJECTS[kind])
        written = [one for page in source.changes(kind, "") for one in page]
        assert [one.source_id for one in written] == list(range(1, len(held) + 1))
        assert ids_of(source, kind) == [one.source_id for one in written]
        assert source.count(kind) == source.summary(kind).count == len(held)
        assert source.summary(kind).last_written_at == max(one.written_at for one in written)
        assert source.count(kind, 5, 9) == len([n for n in ids_of(source, kind) if 5 <= n < 9]) == 4
        assert [one.source_id for p in source.changes(kind, "", 7) for one in p] == list(
            range(8, len(held) + 1)
        )


def test_a_quiet_look_takes_one_call_and_a_list_is_read_once() -> None:
    org = an_org()
    with a_source(org) as source:
        source.summary("contact")
        before = source.calls
        source.summary("contact")
        assert source.calls == before + 1
        for bounds in ((0, None), (5, 10), (10, None)):
            source.count("contact", *bounds)
            list(source.ids("contact", *bounds))
        assert source.calls == before + 2


def test_a_document_is_served_with_odoos_names() -> None:
    with a_source(an_org()) as source:
        found = records_of(source, "move")[5]
        assert found == {
            "id": 5,
            "salesforce_id": found["salesforce_id"],
            "name": "INV-0004",
            "move_type": "out_invoice",
            "state": "posted",
            "payment_state": "paid",
            "ref": None,
            "payment_reference": None,
            "invoice_origin": None,
            "narration": None,
            "currency_name": "USD",
            "company_name": None,
            "journal_name": None,
            "amount_untaxed": None,
            "amount_tax": Decimal(4),
            "amount_total": Decimal("290.4"),
            "amount_residual": Decimal(0),
            "partner_id": 5,
            "commercial_partner_id": None,
            "partner_name": "Customer 04",
            "date": None,
            "invoice_date": "2026-01-17",
            "invoice_date_due": "2026-02-16",
            "write_date": "2026-01-17 09:00:04",
            "create_date": "2026-01-17 09:00:04",
            "currency_id": None,
            "currency_symbol": None,
            "currency_position": None,
            "company_id": None,
            "journal_id": None,
            "invoice_lines": [],
        }


def test_a_payment_points_at_its_invoice_and_customer() -> None:
    with a_source(an_org()) as source:
        invoices = records_of(source, "move")
        payment = records_of(source, "payment")[2]
        invoice = invoices[payment["move_id"]]
        assert payment["partner_id"] == invoice["partner_id"]
        assert payment["partner_name"] == invoice["partner_name"]
        assert payment["amount"] == invoice["amount_total"]
        assert (payment["date"], payment["payment_method_name"]) == ("2026-01-17", "Wire")


def test_accounts_are_contacts_and_opportunities_orders() -> None:
    with a_source(an_org()) as source:
        contacts = records_of(source, "contact")
        assert contacts[1]["name"] == contacts[1]["display_name"] == "Customer 00 & Söhne"
        assert contacts[1]["email"] == "billing0@example.com"
        assert (contacts[1]["phone"], contacts[1]["active"]) == (None, True)
        assert contacts[10]["parent_id"] == 1
        orders = records_of(source, "order")
        assert (orders[2]["state"], orders[2]["amount_total"]) == ("Closed Won", Decimal("1012.35"))
        assert (orders[2]["date_order"], orders[2]["partner_id"]) == ("2026-01-08 00:00:00", 2)
        assert orders[1]["amount_total"] is None
        assert (orders[11]["partner_id"], orders[11]["partner_name"]) == (11, "Customer 10")
        assert (orders[1]["partner_id"], orders[1]["partner_name"]) == (None, None)


def test_what_changed_since_a_time_is_told_with_what_was_deleted() -> None:
    org = an_org()
    with a_source(org) as source:
        numbers = ids_of(source, "contact")
        changed, deleted, purged = (row["Id"] for row in org.held("Account")[3:6])
        org.change("Account", changed, Name="Renamed")
        org.delete("Account", deleted)
        org.delete("Account", purged)
        org.purge("Account", purged)
        since = f"{NOW - timedelta(minutes=10):%Y-%m-%d %H:%M:%S}"
        told = [w.source_id for page in source.changes("contact", since) for w in page]
        assert told == [4, 5]
        reading = source.read("contact", told)
        assert [*reading.records] == [4]
        assert reading.records[4]["name"] == "Renamed"
        assert source.gone("contact", numbers) == {5, 6}
        org.restore("Account", deleted)
        assert source.gone("contact", numbers) == {6}


def test_numbers_stay_and_new_records_get_the_next() -> None:
    org, numbering = an_org(), Counted()
    with a_source(org, numbering=numbering) as source:
        first = ids_of(source, "contact")
        org.delete("Account", org.held("Account")[0]["Id"])
        org.add("Account", Name="New")
        source.refresh()
        assert ids_of(source, "contact") == [*first[1:], 41]
    with a_source(org, numbering=numbering) as source:
        assert ids_of(source, "contact") == [*first[1:], 41]


def test_many_records_are_read_in_parts_that_an_address_holds() -> None:
    org = an_org()
    for n in range(1_200):
        org.add("Account", Name=f"More {n}")
    with a_source(org) as source:
        before = source.calls
        assert len(records_of(source, "contact")) == 1_240
        assert source.calls - before == 1 + 1 + 4  # to sign in, list, and read


def test_kinds_that_are_not_mapped_are_empty_and_say_so() -> None:
    with a_source(an_org(), mapping=None) as source:
        for kind in KINDS:
            is_mapped = kind in ("contact", "order")
            assert (kind in source.notes) != is_mapped
            assert bool(source.summary(kind).count) == is_mapped
            assert bool(ids_of(source, kind)) == is_mapped
            if not is_mapped:
                assert list(source.changes(kind, "")) == []
                assert source.read(kind, [1]).records == {}
                with pytest.raises(Refused, match="Salesforce has no object for"):
                    source.gone(kind, [1])


def test_a_record_that_makes_no_sense_is_named_and_stops_no_other() -> None:
    org = an_org()
    org.change("Invoice__c", org.held("Invoice__c")[2]["Id"], Type__c="proforma")
    org.change("Invoice__c", org.held("Invoice__c")[3]["Id"], Total__c="much")
    with a_source(org) as source:
        reading = source.read("move", ids_of(source, "move"))
    assert len(reading.records) == 58
    assert [fault.partition(" cannot")[2] for fault in reading.faults.values()] == [
        " be read: its move_type is proforma. Check it in Salesforce, and the mapping.",
        " be read: its amount_total is much. Check it in Salesforce, and the mapping.",
    ]


def test_a_number_without_its_id_is_no_proof_of_a_deletion() -> None:
    with a_source(an_org()) as source:
        ids_of(source, "contact")
        with pytest.raises(Refused, match="are no longer known, so none was removed"):
            source.gone("contact", [1, 99])


def test_the_connection_tells_who_answers() -> None:
    org = an_org()
    with a_source(org) as source:
        told = source.test_connection()
        assert source.calls == 4
    assert told == ServerInfo(
        version="Spring '25 (API 63.0)",
        database=org.held("Organization")[0]["Id"],
        user="Integration User (integration@northwind.example)",
        companies=("Northwind Sales",),
    )


def test_an_org_that_does_not_say_who_it_is_is_not_connected() -> None:
    org = an_org()
    org.objects["Organization"].clear()
    with a_source(org) as source, pytest.raises(Unavailable, match="did not say who it is"):
        source.test_connection()


def test_the_clock_is_salesforces() -> None:
    with a_source(an_org()) as source:
        assert source.now() is None
        source.summary("contact")
        assert source.now() == NOW


def test_another_mapping_reads_all_anew() -> None:
    org = an_org()
    with a_source(org) as one, a_source(org, mapping=None) as other:
        assert one.shown("contact") != other.shown("contact")
        assert one.shown("order") == other.shown("order")
        assert one.pointing_at("order", [1]) == []
