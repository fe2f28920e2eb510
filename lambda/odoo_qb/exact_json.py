"""JSON with exact decimals, and its type once parsed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


def to_json(value: object) -> str:
    """JSON in pure ASCII with exact decimals: the standard encoder would go through float."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(to_json(v) for v in value) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value)
