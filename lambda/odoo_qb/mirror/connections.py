"""The ERPs that are mirrored, as Terraform configures them. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from odoo_qb.exact_json import Json

DEFAULT: Final = "odoo"  # the flow's own Odoo
SALESFORCE: Final = "salesforce"
Auth = Literal["api_key", "session"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErpConnection:
    """One ERP: where it is, who we are there, and (`companies`, none: all) what is mirrored.

    Of a Salesforce `client_id` says who we are, and `mapping` what is mirrored beside its own.
    """

    connection_id: str
    type: str
    url: str
    database: str = ""
    username: str = ""
    auth: Auth = "api_key"
    companies: tuple[int | str, ...] = ()
    client_id: str = ""
    mapping: Json | None = None


def parse_connections(text: str) -> dict[str, ErpConnection]:
    """Terraform's erp_connections, by id; Misconfigured where they make no sense."""
    try:
        given: Json = json.loads(text or "{}")
        return {name: _parsed(name, row) for name, row in sorted(given.items())}
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Misconfigured("erp_connections cannot be read. Apply Terraform again.") from None


def _parsed(name: str, row: Json) -> ErpConnection:
    if row["type"] == SALESFORCE:
        return ErpConnection(
            connection_id=name,
            type=SALESFORCE,
            url=str(row["url"]),
            client_id=str(row["client_id"]),
            mapping=row.get("mapping"),
        )
    auth: Auth = "session" if row.get("auth") == "session" else "api_key"
    return ErpConnection(
        connection_id=name,
        type=str(row["type"]),
        url=str(row["url"]),
        database=str(row["database"]),
        username=str(row["username"]),
        auth=auth,
        companies=tuple(row.get("companies") or ()),
    )
