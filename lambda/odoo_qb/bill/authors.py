"""Who entered and edited a bill in Odoo: those people may not approve it alone. No I/O.

Odoo names who created a document and who last wrote to it. The last writer is added as an author
only when the content is new: someone who saves a bill without changing it is not its author.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odoo_qb.bill.item import Item
    from odoo_qb.exact_json import Json

_KEPT: Final = 20
# Odoo's field takes several addresses, and names around them.
_ADDRESS: Final = re.compile(r"[^\s<>,;\"'()]+@[^\s<>,;\"'()]+")


def with_earlier(item: Item, authors: Sequence[Json]) -> list[Json]:
    """The authors of changed content: those of the content before it, then these."""
    before = [a for a in authors_of(item) if not any(_is_same(a, b) for b in authors)]
    return [*before, *authors][-_KEPT:]


def authors_of(item: Item) -> list[Json]:
    """The authors of a bill in the table; for a bill that 1.0 stored, who entered it."""
    if "authors" in item:
        return list(item["authors"])
    email = item.get("entered_by_email", "")
    return [{"name": item["entered_by"], "login": "", "email": email}] if email else []


def last_editor(item: Item) -> str:
    """Who last edited the bill, if that is not the person who entered it."""
    authors = authors_of(item)
    name = str(authors[-1]["name"]) if authors else ""
    return "" if name == item["entered_by"] else name


def is_author(item: Item, email: str) -> bool:
    """Whether the person with this Slack e-mail address entered or edited the bill."""
    texts = [item.get("entered_by_email", "")]
    texts += [str(a[k]) for a in authors_of(item) for k in ("login", "email")]
    return bool(set(_addresses(texts)) & set(_addresses([email])))


def _addresses(texts: Iterable[str]) -> list[str]:
    return [found.casefold() for text in texts for found in _ADDRESS.findall(text)]


def _is_same(one: Json, other: Json) -> bool:
    """Compared by login; 1.0 kept only names."""
    if one["login"] and other["login"]:
        return str(one["login"]).casefold() == str(other["login"]).casefold()
    return bool(one["name"] == other["name"])
