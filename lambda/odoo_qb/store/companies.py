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
    """The companies by key, as Terraform stored them: in a table that no function may write.

    `settings_table` is that table's name, "" where the function does not know it yet.

    Version 1.0 had them among the bills. While an upgrade is being applied a function may have the
    new package before it knows that table, or before its role may read it, and the old item is
    still there. Any function may write beside bills: at any other time nothing is taken from there.
    """
    note = _own_note(table.other(settings_table)) if settings_table else None
    document = (table.read_note(table_keys.SETTINGS) if note is None else note).get("companies")
    if not document:
        raise Misconfigured("The table has no company settings. Apply Terraform again.")
    return companies(str(document))


def _own_note(table: Table) -> Mapping[str, Any] | None:
    """The item in the settings' own table; None where the role may not read it yet."""
    try:
        return table.read_note(table_keys.SETTINGS)
    except ClientError as error:
        if error.response["Error"]["Code"] == "AccessDeniedException":
            return None
        raise
