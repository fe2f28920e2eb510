"""How the sandbox's Salesforce is mirrored: its custom objects as invoices and payments."""

from __future__ import annotations

from typing import Any, Final

MAPPING: Final[dict[str, Any]] = {
    "contact": {"fields": {"email": "Email__c"}},
    "move": {
        "object": "Invoice__c",
        "fields": {
            "move_type": "Type__c",
            "state": {"field": "Status__c", "values": {"Sent": "posted", "Paid": "posted"}},
            "payment_state": {"field": "Status__c", "values": {"Paid": "paid", "Sent": "not_paid"}},
            "amount_total": "Total__c",
            "amount_tax": "Tax__c",
            "amount_residual": "Open__c",
            "currency_name": "Currency__c",
            "partner_id": "Account__c",
            "invoice_date": "Date__c",
            "invoice_date_due": "Due__c",
        },
    },
    "payment": {
        "object": "Payment__c",
        "fields": {
            "amount": "Amount__c",
            "currency_name": "=USD",
            "partner_id": "Account__c",
            "move_id": "Invoice__c",
            "date": "Paid_On__c",
            "payment_method_name": "Method__c",
            "state": "=posted",
        },
    },
}
