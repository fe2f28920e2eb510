"""Text that QuickBooks accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from odoo_qb.bill.model import Vendor


VENDOR_NAME_LENGTH: Final = 500


def vendor_name(vendor: Vendor, currency: str, home_currency: str) -> str:
    """A vendor's name by QuickBooks' rules, with its currency: a vendor there has only one."""
    name = " ".join(basic(vendor.name).replace(":", "-").split())
    name = name or f"Odoo vendor {vendor.odoo_id}"
    suffix = "" if currency == home_currency else f" ({currency})"
    return name[: VENDOR_NAME_LENGTH - len(suffix)] + suffix


def basic(text: str) -> str:
    """The text without control characters and those beyond U+FFFF, which may get lost."""
    spaced = "".join(" " if c.isspace() else c for c in text)
    return "".join(c for c in spaced if c.isprintable() and ord(c) <= 0xFFFF).strip()  # noqa: PLR2004
