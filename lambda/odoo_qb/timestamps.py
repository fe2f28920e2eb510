"""Instants as the table keeps them: UTC text that sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def stamp(now: datetime) -> str:
    """An instant as the table keeps it: UTC, sortable, to the millisecond."""
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
