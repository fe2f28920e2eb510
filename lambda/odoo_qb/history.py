"""A bill's history as a chain: each entry has the hash of the one before it. No I/O."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import TYPE_CHECKING

from odoo_qb.item import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from odoo_qb.item import Raw


def history_entry(
    history: Sequence[Raw],
    now: datetime,
    actor: str,
    before: str,
    after: str,
    digest: str,
    note: str = "",
) -> Raw:
    """The next link of a bill's history; `prev` is the hash of the link before."""
    entry = {"at": stamp(now), "actor": actor, "from": before, "to": after, "digest": digest}
    if note:
        entry["note"] = note
    return {**entry, "prev": _hash(history[-1]) if history else ""}


def verify_history(history: Sequence[Raw]) -> bool:
    """Whether no entry was changed, removed from the middle or put in later."""
    return all(later["prev"] == _hash(earlier) for earlier, later in pairwise(history))


def _hash(entry: Raw) -> str:
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
