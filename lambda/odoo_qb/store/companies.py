"""Where the companies' settings are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odoo_qb import table_keys
from odoo_qb.company import Company, companies
from odoo_qb.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odoo_qb.store.table import Table


def load_companies(table: Table, settings_table: str) -> dict[str, Company]:
    """The companies by key, as Terraform stored them in a table that no function may write.

    `settings_table` is that table's name; "" if the function was not given it yet.

    Version 1.0 kept them in the bills' table. While an upgrade is applied, a function may have its
    new package before it has that name, or before its role may read that table. Only then is the
    old item used: any function may write to the bills' table.
    """
    note = _own_note(table.other(settings_table)) if settings_table else None
    document = (table.read_note(table_keys.SETTINGS) if note is None else note).get("companies")
    if not document:
        raise Misconfigured("The table has no company settings. Apply Terraform again.")
    return companies(str(document))


def _own_note(table: Table) -> Mapping[str, Any] | None:
    """The item in the settings table; None if the role may not read it yet."""
    try:
        return table.read_note(table_keys.SETTINGS)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return None
        raise
