"""Which objects and fields of Salesforce are served as which kind, and under which names. No I/O.

Accounts are contacts and opportunities are orders. Salesforce has no invoices or payments of its
own: these come from custom objects, as the operator maps them:

    {"move": {"object": "Invoice__c", "fields": {"amount_total": "Total__c", "partner_id":
     "Account__c", "state": {"field": "Status__c", "values": {"Paid": "posted"}}}}}

A value that begins with "=" is the same for every record: {"move_type": "=out_invoice"}.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.errors import Misconfigured
from odoo_qb.sources import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.exact_json import Json
    from odoo_qb.sources import Kind

Type = Literal["text", "amount", "flag", "day", "instant", "contact", "move"]

_PATH: Final = re.compile(r"[A-Za-z]\w{0,79}(\.[A-Za-z]\w{0,79}){0,3}", re.ASCII)
_OBJECT: Final = re.compile(r"[A-Za-z]\w{0,79}", re.ASCII)


def _each(kind: Type, names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), kind)


# What can be served of each kind, as it is of Odoo; what is not mapped is empty.
TYPES: Final[Mapping[Kind, Mapping[str, Type]]] = {
    "contact": {
        **_each("text", "name display_name email phone mobile vat street street2 city zip"),
        **_each("text", "country company_name"),
        **_each("flag", "active is_company"),
        **_each("contact", "parent_id commercial_partner_id"),
    },
    "move": {
        **_each("text", "name move_type state payment_state ref payment_reference"),
        **_each("text", "invoice_origin narration currency_name company_name journal_name"),
        **_each("amount", "amount_untaxed amount_tax amount_total amount_residual"),
        **_each("contact", "partner_id commercial_partner_id"),
        **_each("text", "partner_name"),
        **_each("day", "date invoice_date invoice_date_due"),
    },
    "payment": {
        **_each("text", "name state payment_type partner_type payment_reference memo"),
        **_each("text", "payment_method_name payment_method_code currency_name"),
        **_each("text", "company_name journal_name journal_code journal_type partner_name"),
        **_each("amount", "amount"),
        **_each("contact", "partner_id"),
        **_each("move", "move_id"),
        **_each("day", "date"),
    },
    "order": {
        **_each("text", "name state client_order_ref origin invoice_status partner_name"),
        **_each("text", "currency_name company_name"),
        **_each("amount", "amount_untaxed amount_tax amount_total"),
        **_each("contact", "partner_id partner_invoice_id"),
        **_each("day", "validity_date"),
        **_each("instant", "date_order"),
    },
}
# What only Odoo's records have; their readers expect the names.
EMPTY: Final[Mapping[Kind, Mapping[str, object]]] = {
    "contact": dict.fromkeys(("country_id", "company_id")),
    "move": {
        **dict.fromkeys(("currency_id", "currency_symbol", "currency_position")),
        **dict.fromkeys(("company_id", "journal_id")),
        "invoice_lines": [],
    },
    "payment": {
        **dict.fromkeys(("currency_id", "currency_symbol", "currency_position")),
        **dict.fromkeys(("company_id", "journal_id")),
    },
    "order": {
        **dict.fromkeys(("currency_id", "currency_symbol", "currency_position")),
        **dict.fromkeys(("company_id", "user_id")),
        "order_lines": [],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedField:
    """A served field: a field of Salesforce's ("Account.Name"), or the same `constant` for all.

    `values` are other words for what Salesforce says.
    """

    path: str = ""
    constant: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedKind:
    """The object that a kind's records come from, and its served fields by name."""

    object: str
    fields: Mapping[str, MappedField]

    @property
    def paths(self) -> list[str]:
        """The fields to read, each once."""
        return list(dict.fromkeys(f.path for f in self.fields.values() if f.path))


_DEFAULTS: Final[Mapping[Kind, Json]] = {
    "contact": {
        "object": "Account",
        "fields": {
            "name": "Name",
            "display_name": "Name",
            "phone": "Phone",
            "street": "BillingStreet",
            "city": "BillingCity",
            "zip": "BillingPostalCode",
            "country": "BillingCountry",
            "parent_id": "ParentId",
            "active": "=true",
            "is_company": "=true",
        },
    },
    "order": {
        "object": "Opportunity",
        "fields": {
            "name": "Name",
            "state": "StageName",
            "amount_total": "Amount",
            "partner_id": "AccountId",
            "date_order": "CloseDate",
        },
    },
    "move": {"fields": {"name": "Name", "move_type": "=out_invoice"}},
    "payment": {
        "fields": {"name": "Name", "payment_type": "=inbound", "partner_type": "=customer"}
    },
}


def parse_mapping(given: Json | None) -> dict[Kind, MappedKind]:
    """The mapped kinds: Salesforce's own, and those that a connection's `mapping` adds or changes.

    Misconfigured where that makes no sense; the sentence names the field.
    """
    given = {} if given is None else given
    if not isinstance(given, dict) or (given.keys() - TYPES.keys()):
        raise _wrong(f"It maps {', '.join(TYPES)}, and nothing else")
    found: dict[Kind, MappedKind] = {}
    for kind in (kind for kind in KINDS if kind in TYPES):
        row = given.get(kind) or {}
        if not isinstance(row, dict) or row.keys() - {"object", "fields"}:
            raise _wrong(f"{kind} has an object and fields, and nothing else")
        default = _DEFAULTS[kind]
        name = row.get("object") or default.get("object")
        if name is None:
            if row:
                raise _wrong(f"{kind} has no object")
            continue
        if not isinstance(name, str) or not _OBJECT.fullmatch(name):
            raise _wrong(f"The object of {kind} is not a name of Salesforce's")
        found[kind] = MappedKind(object=name, fields=_fields(kind, default, row))
    return found


def _fields(kind: Kind, default: Json, row: Json) -> dict[str, MappedField]:
    named = row.get("fields", {})
    if not isinstance(named, dict):
        raise _wrong(f"The fields of {kind} are no map")
    if unknown := sorted(named.keys() - TYPES[kind].keys()):
        raise _wrong(f"{kind} has no {unknown[0]}; it has {', '.join(sorted(TYPES[kind]))}")
    # Another object has none of the fields that ours has.
    own = row.get("object") in (None, default.get("object")) or "object" not in default
    merged = (default["fields"] if own else {}) | named
    fields = {name: _field(f"{kind}.{name}", value) for name, value in merged.items()}
    partner = fields.get("partner_id", MappedField()).path
    if partner and "partner_name" not in fields:
        fields["partner_name"] = MappedField(path=f"{_relationship(partner)}.Name")
    return fields


def _field(name: str, value: object) -> MappedField:
    if isinstance(value, str) and value.startswith("="):
        return MappedField(constant=value[1:])
    path, values = value, None
    if isinstance(value, dict) and value.keys() <= {"field", "values"}:
        path, values = value.get("field"), value.get("values")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise _wrong(f"{name} is not a field of Salesforce's")
    words = values or {}
    if not isinstance(words, dict) or not all(isinstance(v, str) for v in words.values()):
        raise _wrong(f"The values of {name} are no words")
    return MappedField(path=path, values=words)


def _relationship(reference: str) -> str:
    """The relationship of a reference: AccountId is Account, Account__c is Account__r."""
    if reference.endswith("__c"):
        return f"{reference[:-1]}r"
    return reference.removesuffix("Id")


def _wrong(what: str) -> Misconfigured:
    return Misconfigured(
        f"The mapping of a Salesforce connection cannot be used. {what}. Correct it in"
        " erp_connections and apply."
    )
