"""What a route is given, and what answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odoo_qb.api.answer import Answer
    from odoo_qb.api.request import Request
    from odoo_qb.exact_json import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that fits the contract: its parameters by name, its body, who sent it and when.

    `caller` is the token's name, "" where none is needed.
    """

    request: Request
    values: Mapping[str, Any]
    body: Json
    caller: str
    now: datetime


type Handler = Callable[[Call], Answer]
