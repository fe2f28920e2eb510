"""Records of the ledger that the mirror's tests change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.in_process.mirror import MirrorDesk


def some_contact(desk: MirrorDesk) -> int:
    """A contact that invoices and payments name."""
    payments = desk.odoo.records["account.payment"].values()
    return min(int(p["partner_id"]) for p in payments if p["partner_id"])
