"""A company's settings, as Terraform wrote them. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, cast

from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping


TaxSetting = Literal["", "override", "quickbooks", "lines"]
DueDate = Literal["first_open", "last"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One company: a key in the table, a name in Odoo, a realm in QuickBooks.

    `extract_since` is its go-live day, if it has its own. `two_approvals_above` is a total in the
    company's currency, `quiet_hours` are like "18:00-08:00" in `time_zone`; without a value the
    rule does not apply. `tax` says how to post a bill for which QuickBooks would compute another
    tax; `country` is used if QuickBooks states none for the company.
    """

    key: str
    odoo_company: str
    realm_id: str
    extract_since: date | None = None
    slack_channel_id: str = ""
    approvers: tuple[str, ...] = ()
    two_approvals_above: Decimal | None = None
    reminder_hours: float = 0
    escalation_hours: float = 0
    escalation_approvers: tuple[str, ...] = ()
    time_zone: str = "UTC"
    quiet_hours: str = ""
    intercompany_vendors: tuple[str, ...] = ()
    accounts: Mapping[str, str] = field(default_factory=dict)
    default_account: str = ""
    payable_account: str = ""
    taxes: Mapping[str, str] = field(default_factory=dict)
    tax: TaxSetting = ""
    tax_on_lines: bool = False
    country: str = ""
    due_date: DueDate = "first_open"
    terms: Mapping[str, str] = field(default_factory=dict)
    vendors: Mapping[str, str] = field(default_factory=dict)
    class_name: str = ""
    department: str = ""
    books_close_day: int = 0


def companies(document: str) -> dict[str, Company]:
    """The companies by key, from the JSON text of the table's settings item."""
    try:
        raw: dict[str, dict[str, Any]] = json.loads(document, parse_float=Decimal)
    except ValueError as error:
        raise Misconfigured(
            "The company settings are not valid JSON. Apply Terraform again."
        ) from error
    return {key: _company(key, value) for key, value in raw.items()}


def _company(key: str, raw: Mapping[str, Any]) -> Company:
    above = raw.get("two_approvals_above")
    return Company(
        key=key,
        odoo_company=raw.get("odoo_company") or key,
        realm_id=str(raw.get("realm_id") or ""),
        extract_since=date.fromisoformat(raw["extract_since"])
        if raw.get("extract_since")
        else None,
        slack_channel_id=raw.get("slack_channel_id") or "",
        approvers=tuple(raw.get("approvers") or ()),
        two_approvals_above=None if above is None else Decimal(above),
        reminder_hours=float(raw.get("reminder_hours") or 0),
        escalation_hours=float(raw.get("escalation_hours") or 0),
        escalation_approvers=tuple(raw.get("escalation_approvers") or ()),
        time_zone=raw.get("time_zone") or "UTC",
        quiet_hours=raw.get("quiet_hours") or "",
        intercompany_vendors=tuple(raw.get("intercompany_vendors") or ()),
        accounts=dict(raw.get("accounts") or {}),
        default_account=raw.get("default_account") or "",
        payable_account=raw.get("payable_account") or "",
        taxes=dict(raw.get("taxes") or {}),
        tax=cast("TaxSetting", raw.get("tax") or ""),
        tax_on_lines=bool(raw.get("tax_on_lines")),
        country=raw.get("country") or "",
        due_date=cast("DueDate", raw.get("due_date") or "first_open"),
        terms=dict(raw.get("terms") or {}),
        vendors=dict(raw.get("vendors") or {}),
        class_name=raw.get("class") or "",
        department=raw.get("department") or "",
        books_close_day=int(raw.get("books_close_day") or 0),
    )
