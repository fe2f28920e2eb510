"""A click as a decision needs it, and what it is answered with. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A person's wish about a bill as it was shown: `digest` names that content.

    `revision` is as which it was shown; None where that is not said. `teams` are the workspaces
    that Slack names, the person's own among them; none where it does not name enough.
    `organisation` is the one that Slack names (Enterprise Grid), `app` is whose button it is.
    """

    person: str
    action_id: str
    entry_id: str
    digest: str
    revision: int | None = None
    reason: str = ""
    document: str = ""  # the id in QuickBooks of the bill this one is
    realm: str = ""  # the company in QuickBooks that the person's link to it names
    teams: frozenset[str] = frozenset()
    organisation: str = ""
    app: str = ""
    first_file: int = 1  # with which the links to its files begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to the person, and the bill as it then stands (None: there is no such bill).

    `is_outdated` says that the card they clicked shows content that is no longer the bill's.
    """

    text: str
    item: Item | None = None
    is_done: bool = False
    is_outdated: bool = False
    next_file: int = 0  # the first that had no room; 0 if there is none
