"""A click as a decision needs it, and the response to it. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """What a person wants to do with a bill, whose content as shown has the digest `digest`.

    `revision` is the one that was shown; None if the click does not say. `teams` are the workspaces
    that Slack names, including the person's own; empty if Slack does not name enough.
    `organisation` is the one that Slack names (Enterprise Grid), `app` is the button's app.
    """

    person: str
    action_id: str
    entry_id: str
    digest: str
    revision: int | None = None
    reason: str = ""
    document: str = ""  # the id of the QuickBooks document to link
    realm: str = ""  # the QuickBooks company in the person's link
    teams: frozenset[str] = frozenset()
    organisation: str = ""
    app: str = ""
    first_file: int = 1  # the first file to link, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The reply to the person, and the bill afterwards (None: there is no such bill).

    `is_outdated` if the clicked card shows content that has changed since.
    """

    text: str
    item: Item | None = None
    is_done: bool = False
    is_outdated: bool = False
    next_file: int = 0  # the first one without room; 0 if there is none
