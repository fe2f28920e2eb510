"""Have records read again that changed with another one, of which their own times say nothing.

Odoo does not touch a payment when its partner is renamed, and nothing at all when it merges two
contacts: their invoices name the other one from then on.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from odoo_qb.mirror.state import CLOCKS, later
from odoo_qb.sources import KINDS
from odoo_qb.store import mirror_keys as keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odoo_qb.store.mirror_table import MirrorTable, Put


def may_differ(put: Put, since: str, latest: str) -> bool:
    """Whether something may show another name of a contact than it is about to be stored with.

    `since` is when contacts were last read, `latest` when anything else was. What was read before
    a contact was made cannot show it, and what was read before contacts were shows them as stored.
    """
    if put.before is None:
        return put.made_at <= later(latest, CLOCKS)
    return put.before.label != put.item.get("label", "") or later(latest, CLOCKS) >= since


class Dependents:
    """Notes them before the change is written: a crash in between must not forget them.

    `own` says whether some are of the kind itself, and so for this run to read.
    """

    def __init__(self, table: MirrorTable) -> None:
        self._table = table
        self.own = False

    def of_puts(self, puts: Sequence[Put]) -> None:
        """Of contacts about to be stored: what shows another name than theirs.

        Not of renamed ones only: one may have had another name for a while, or may not have been
        here when an invoice of it was.
        """
        if self._table.kind != "contact" or not puts:
            return
        states = [self._table.other(kind).own(keys.STATE) for kind in KINDS if kind != "contact"]
        latest = max(str(state.get("read_at", "")) for state in states)
        if not latest:  # there is nothing yet that shows a name
            return
        since = str(self._table.own(keys.STATE).get("since", ""))
        names = {
            p.source_id: str(p.item.get("label", "")) for p in puts if may_differ(p, since, latest)
        }
        expected: dict[keys.Key, str] = {}
        children: set[keys.Key] = set()
        for contact, name in names.items():
            for key in self._table.pointing_at(contact):
                if keys.kind_and_id(key)[0] == "contact":
                    children.add(key)
                else:
                    expected[key] = name
        shown = self._table.shown(expected)
        self._note([*children, *(key for key, name in expected.items() if shown.get(key) != name)])

    def of_removed(self, gone: Iterable[int]) -> None:
        """Of contacts about to be removed: all that names one, or one of its addresses.

        A merged contact's addresses keep their names, yet their documents get another company; and
        an order may be invoiced to an address of its customer's.
        """
        gone = set(gone)
        if self._table.kind != "contact":
            return
        found = {
            key
            for parent in self._table.parents(gone)
            for key in self._table.pointing_at(parent)
            if keys.kind_and_id(key)[0] == "order"
        }
        known, waiting = set[int](), gone
        while waiting:
            known |= waiting
            naming = {key for contact in waiting for key in self._table.pointing_at(contact)}
            found |= naming
            told = [keys.kind_and_id(key) for key in naming]
            waiting = {contact for kind, contact in told if kind == "contact"} - known
        self._note(found)

    def _note(self, found: Iterable[keys.Key]) -> None:
        by_kind: dict[str, set[int]] = defaultdict(set)
        for key in found:
            kind, source_id = keys.kind_and_id(key)
            by_kind[kind].add(source_id)
        for kind in KINDS:
            self._table.other(kind).note_to_reread(by_kind[kind])
        self.own = self.own or bool(by_kind["contact"])
