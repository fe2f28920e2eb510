"""The JSON of QuickBooks' documents, and their names."""

from __future__ import annotations

from typing import Any, Literal

Payload = dict[str, Any]
Entity = Literal["Bill", "VendorCredit"]
