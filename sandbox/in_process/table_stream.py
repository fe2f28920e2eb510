"""Records of moto's table stream in the form in which Lambda gives them to a function."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


def is_let_through(record: Mapping[str, Any]) -> bool:
    """Whether the filters of the feed's mapping in webhook.tf let a record through."""
    image = "OldImage" if record["eventName"] == "REMOVE" else "NewImage"
    return "hash" in record["dynamodb"].get(image, {})


def lambda_form(record: Mapping[str, Any], now: float) -> Json:
    """A record of moto's stream as Lambda gives it to a function."""
    change = dict(record["dynamodb"]) | {"ApproximateCreationDateTime": now}
    for name in ("Keys", "OldImage", "NewImage"):
        if name in change:
            change[name] = {k: _attribute(v) for k, v in change[name].items()}
    return {**record, "dynamodb": change}


def _attribute(attribute: Any) -> Any:
    value = attribute.get("B")
    return {"B": base64.b64encode(value).decode()} if isinstance(value, bytes) else attribute
