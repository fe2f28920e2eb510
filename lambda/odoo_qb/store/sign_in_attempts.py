"""How often somebody tried to sign in lately: an item for each address and quarter of an hour."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from odoo_qb.store.sorted_table import SortedTable

PREFIX: Final = "api#sign-in#"
WINDOW: Final = 15 * 60  # seconds
_IPV6_SITE: Final = 64  # bits: whoever has one address of these has them all
_KEPT: Final = 24 * 60 * 60


class SignInAttempts:
    """Attempts in the mirror's table, which forgets them after a day."""

    def __init__(self, table: SortedTable) -> None:
        self._table = table

    def count(self, source_ip: str, now: datetime) -> int:
        """Count one more; how many there were from this address in the window."""
        window = int(now.timestamp()) // WINDOW
        answer = self._table.ask(
            "update_item",
            TableName=self._table.name,
            Key=self._table.key(f"{PREFIX}{_site(source_ip)}", f"{window}"),
            UpdateExpression="ADD attempts :one SET expires_at = :end",
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":end": {"N": str((window + 1) * WINDOW + _KEPT)},
            },
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["attempts"]["N"])

    def seconds_left(self, now: datetime) -> int:
        """How long the window lasts."""
        return WINDOW - int(now.timestamp()) % WINDOW


def _site(source_ip: str) -> str:
    """An address as attempts are counted by; of IPv6 the network."""
    try:
        address = ip_address(source_ip)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_SITE), strict=False).network_address)
    return str(address)
