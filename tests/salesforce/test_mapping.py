"""Which objects and fields are served, as the operator maps them."""

from __future__ import annotations

from typing import Any

import pytest

from odoo_qb.errors import Misconfigured
from odoo_qb.salesforce.mapping import MappedField, parse_mapping
from sandbox.salesforce.mapping import MAPPING


def test_without_a_mapping_there_are_accounts_and_opportunities() -> None:
    found = parse_mapping(None)
    assert {kind: mapped.object for kind, mapped in found.items()} == {
        "contact": "Account",
        "order": "Opportunity",
    }
    assert found["order"].fields["partner_name"] == MappedField(path="Account.Name")


def test_custom_objects_are_invoices_and_payments() -> None:
    found = parse_mapping(MAPPING)
    assert list(found) == ["contact", "move", "payment", "order"]
    assert found["move"].fields["partner_name"].path == "Account__r.Name"
    assert found["move"].fields["name"].path == "Name"
    assert found["payment"].fields["payment_type"].constant == "inbound"
    assert found["contact"].fields["email"].path == "Email__c"
    assert found["contact"].fields["phone"].path == "Phone"


def test_another_object_has_only_the_fields_that_are_mapped() -> None:
    found = parse_mapping({"order": {"object": "Deal__c", "fields": {"name": "Name"}}})
    assert found["order"].object == "Deal__c"
    assert [*found["order"].fields] == ["name"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "It maps contact, move, payment, order, and nothing else"),
        ({"account": {}}, "It maps contact, move, payment, order, and nothing else"),
        ({"move": {"table": "Invoice__c"}}, "move has an object and fields, and nothing else"),
        ({"move": {"fields": {"name": "Name"}}}, "move has no object"),
        ({"move": {"object": "Invoice__c; x"}}, "The object of move is not a name"),
        ({"move": {"object": "I__c", "fields": []}}, "The fields of move are no map"),
        ({"move": {"object": "I__c", "fields": {"total": "T__c"}}}, "move has no total; it has "),
        ({"order": {"fields": {"name": "Name FROM User"}}}, "order.name is not a field of"),
        ({"order": {"fields": {"name": "a.b.c.d.e"}}}, "order.name is not a field of"),
        ({"order": {"fields": {"name": {"path": "Name"}}}}, "order.name is not a field of"),
        ({"order": {"fields": {"name": 7}}}, "order.name is not a field of"),
        (
            {"order": {"fields": {"state": {"field": "StageName", "values": {"Won": 1}}}}},
            "The values of order.state are no words",
        ),
    ],
)
def test_a_mapping_that_makes_no_sense_names_what_to_correct(given: Any, sentence: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        parse_mapping(given)
    assert sentence in str(refused.value)
    assert "Correct it in erp_connections and apply." in str(refused.value)
