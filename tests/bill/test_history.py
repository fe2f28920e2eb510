"""A bill's history: whatever is changed in the chain shows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from odoo_qb.bill.history import history_entry, verify_history
from tests.support.builders import NOW


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("tamper", ["change", "remove", "insert", "swap"])
def test_a_tampered_history_is_noticed(position: int, tamper: str) -> None:
    history: list[dict[str, Any]] = []
    for n in range(4):
        now = NOW + timedelta(minutes=n)
        history.append(history_entry(history, now, f"U-{n}", "A", "B", "digest", "note"))
    assert verify_history(history)
    if tamper == "change":
        history[position] = {**history[position], "actor": "U-EVIL"}
    elif tamper == "remove":
        if position == 0:
            del history[1]
        else:
            del history[position]
    elif tamper == "insert":
        history.insert(position + 1, history_entry([], NOW, "U-EVIL", "A", "B", "digest"))
    else:
        history[position], history[position + 1] = history[position + 1], history[position]
    assert not verify_history(history)
