"""Odd neighbours: garbage instead of answers, closed companies, wrong clocks, manual edits.

Each trouble lasts for some hours and ends with the faults; only what was merged or deleted stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.store.attributes import attributes
from sandbox.quickbooks import tidying
from tests.simulation.setup import companies, settle
from tests.simulation.simulation import is_read
from tests.support.builders import DAMAGES
from tests.support.garbage import KINDS, MADE_FROM_THE_TRUE, NOT_ODOOS, spoilt

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from werkzeug.wrappers import Response

    from sandbox.quickbooks.server import Realm
    from sandbox.quickbooks.tidying import Entity
    from tests.simulation.simulation import Simulation

Json = dict[str, Any]
# How often in a quarter of an hour.
SPELL: Final = 0.03
CLOSED: Final = 0.02
WRONG_CLOCK: Final = 0.02
BY_HAND: Final = 0.05
MERGED_IN_ODOO: Final = 0.02
DELETED_IN_ODOO: Final = 0.03
RETIRED: Final = 0.06
MERGED: Final = 0.04
_SPELLS: Final = ("an empty object", "an empty object", "a redirect", "anything")
_REDIRECTS: Final = tuple(kind for kind in KINDS if "redirect" in kind)
_STRANGER: Final = 9_900_000  # no bill of Odoo has such a number
_AT_MOST: Final = 2  # of a company's bills are deleted: of too many at once it is not believed
_WATERMARK: Final = "watermark#odoo"
_NO_DATES: Final = ("garbage", "2026-11-21", "2999-01-01 00:00:00", 7, ["x"])
_ACCOUNTS: Final = ("611000", "612000", "642000")
_FROM: Final = "642000"
_INTO: Final = "641000"
_CALLED: Final = {"Vendor": "a vendor", "Account": "an account", "TaxCode": "a tax code"}


@dataclass(kw_only=True)
class Neighbours:
    """What they do to a simulation at random; `happens` is called with each event."""

    simulation: Simulation
    dice: random.Random
    happens: Callable[[str], None]
    _spells: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _ends: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    _deleted: dict[int, int] = field(default_factory=dict)
    _mapped: dict[str, dict[str, str]] = field(default_factory=dict)
    _inactive: set[tuple[str, str]] = field(default_factory=set)

    def changes(self) -> None:
        """What the next quarter of an hour brings."""
        for at, put_right in list(self._ends):
            if at <= self.simulation.clock.now:
                self._ends.remove((at, put_right))
                put_right()
        for rate, act in (
            (SPELL, self.a_spell),
            (CLOSED, self.a_company_is_closed),
            (WRONG_CLOCK, self.odoos_clock_is_wrong),
            (BY_HAND, self.somebody_writes_by_hand),
            (MERGED_IN_ODOO, self.vendors_are_merged_in_odoo),
            (DELETED_IN_ODOO, self.a_bill_is_deleted),
            (RETIRED, self.a_record_is_made_inactive),
            (MERGED, self.records_are_merged),
        ):
            if self.dice.random() < rate:
                act()

    def end(self) -> None:
        """Correct everything, except merges, deletions and manual edits."""
        self._spells.clear()
        for _, put_right in self._ends:
            put_right()
        self._ends.clear()
        for company, vendors in self._mapped.items():
            self.happens("an operator mapped a vendor that was merged in QuickBooks")
            known = companies(self.simulation.world)[company].get("vendors", {})
            settle(self.simulation.world, {company: {"vendors": known | vendors}})

    def leave(self) -> None:
        """Somebody deletes what was written by hand: it was in nobody's way."""
        client, table = (
            self.simulation.world.clients["dynamodb"],
            self.simulation.world.names["table"],
        )
        for entry_id in sorted(self.simulation.strangers):
            client.delete_item(TableName=table, Key={"entry_id": {"S": entry_id}})

    def _until_later(self, put_right: Callable[[], None], hours: int = 6) -> None:
        at = self.simulation.clock.now + timedelta(hours=self.dice.randint(1, hours))
        self._ends.append((at, put_right))

    # -- answers that are none -----------------------------------------------------------------

    def a_spell(self) -> None:
        """For an hour a vendor answers some calls with what is no answer, always the same."""
        vendor = self.dice.choice(("quickbooks", "quickbooks", "odoo", "slack"))
        what = self.dice.choice(_SPELLS)
        kind = self.dice.choice(_REDIRECTS) if what == "a redirect" else what
        kind = self.dice.choice(_kinds(vendor)) if what == "anything" else kind
        named = {"an empty object": "{}", "anything": "garbage"}.get(what, what)
        self.happens(f"{vendor} answered {named} for an hour")
        self._spells[vendor] = self.simulation.clock.now + timedelta(hours=1), kind

    def spell(self, vendor: str) -> str:
        """What a vendor answers at the moment in place of an answer; empty if it answers."""
        until, kind = self._spells.get(vendor, (self.simulation.clock.now, ""))
        is_struck = until > self.simulation.clock.now and self.dice.random() < 0.7
        return kind if is_struck else ""

    def garbage(self, vendor: str) -> str:
        """Any kind of what is no answer; often the empty object."""
        if self.dice.random() < 0.25:
            return "an empty object"
        return self.dice.choice(_kinds(vendor))

    def no_answer(self, step: str, work: Callable[[], bytes], kind: str, *, done: bool) -> bytes:
        """What is no answer, in bytes; the vendor does its work before if it is `done`."""
        self.happens(f"an answer was garbage: {kind}")
        # What is made of the true answer needs one, and asking for it is doing it.
        done = done or kind in MADE_FROM_THE_TRUE
        if done and not is_read(step):
            self.simulation.mishaps.append(step)
        whole = work() if done else b""
        return _in_bytes(
            spoilt(kind, whole.partition(b"\r\n\r\n")[2], self.simulation.elsewhere.url)
        )

    # -- states --------------------------------------------------------------------------------

    def a_company_is_closed(self) -> None:
        """Its subscription ended: QuickBooks lets it be read and takes nothing (6190)."""
        realm = self._realm()
        if realm.subscription_ended:
            return
        self.happens("a company in QuickBooks was read-only for a while")
        realm.subscription_ended = True

        def renewed() -> None:
            realm.subscription_ended = False

        self._until_later(renewed)

    def odoos_clock_is_wrong(self) -> None:
        """Its server is days ahead, until somebody puts its clock right."""
        odoo = self.simulation.world.odoo
        if odoo.ahead:
            return
        self.happens("Odoo's clock was days ahead")
        odoo.ahead = timedelta(days=self.dice.randint(1, 9), minutes=self.dice.randint(0, 600))

        def put_right() -> None:
            odoo.ahead = timedelta()

        self._until_later(put_right)

    # -- hands ---------------------------------------------------------------------------------

    def somebody_writes_by_hand(self) -> None:
        """An item of a bill that there is not, or a position that is no date."""
        world = self.simulation.world
        if self.dice.random() < 0.3:
            self.happens("the watermark's note was overwritten with what is no date")
            note: Json = {"written": self.dice.choice(_NO_DATES)}
            if self.dice.random() < 0.3:
                note["lease_until"] = "zzz"
            world.table.write_note(_WATERMARK, note)
            return
        items = [i for k, i in world.items().items() if k not in self.simulation.strangers]
        if not items or len(self.simulation.strangers) > 2:
            return
        entry_id = f"odoo-{_STRANGER + len(self.simulation.strangers)}"
        how = self.dice.choice([name for name in DAMAGES if name])
        if self.dice.random() < 0.2:
            entry_id, how = self.dice.choice(("odoo-", "odoo-x", "note#1")), "no cards"
        self.happens(f"an item was made by hand: {how}")
        damage: Json = dict(DAMAGES[how])
        item: Json = {**self.dice.choice(items), "entry_id": entry_id, "cards": []}
        item["odoo_id"] = _STRANGER
        item["status"] = self.dice.choice(("READY_FOR_APPROVAL", "POST_FAILED", "POSTED"))
        item.pop(damage.pop("without", ""), None)
        item.pop("attach", None)
        self.simulation.strangers.add(entry_id)
        world.clients["dynamodb"].put_item(
            TableName=world.names["table"], Item=attributes(item | damage)
        )

    # -- merged and deleted --------------------------------------------------------------------

    def vendors_are_merged_in_odoo(self) -> None:
        """Two contacts become one: the bills of the one are the other's."""
        odoo, vendors = self.simulation.world.odoo, self.vendors()
        if len(vendors) < 4:
            return
        gone, into = self.dice.sample(vendors, 2)
        self.happens("two vendors were merged in Odoo")
        odoo.merge_vendors(gone, into)

    def vendors(self) -> list[int]:
        """The contacts of Odoo from whom bills come."""
        return [n for n in range(14, 22) if n in self.simulation.world.odoo.records["res.partner"]]

    def a_bill_is_deleted(self) -> None:
        """Somebody deletes a bill in Odoo, whatever became of it."""
        odoo = self.simulation.world.odoo
        moves = [m for m in odoo.records["account.move"].values() if self._may_go(m)]
        if not moves:
            return
        move = self.dice.choice(moves)
        self._deleted[move["company_id"]] = self._deleted.get(move["company_id"], 0) + 1
        self.happens("bills deleted")
        if move["state"] != "draft":
            odoo.reset_to_draft(move["id"])
        odoo.delete(move["id"])

    def _may_go(self, move: Json) -> bool:
        is_bill = move["move_type"].startswith("in_") and str(move["ref"]).startswith("INV-")
        return is_bill and self._deleted.get(move["company_id"], 0) < _AT_MOST

    def a_record_is_made_inactive(self) -> None:
        """A vendor, account or tax code is deleted in QuickBooks, and made active again later."""
        realm, now = self._realm(), self.simulation.clock.now
        kind: Entity = self.dice.choice(("Vendor", "Account", "TaxCode"))
        names = {"Account": _ACCOUNTS, "TaxCode": ("5.0% R", "20.0% S", "TAX")}.get(kind, ())
        keys = [
            key
            for key, row in realm.table(kind).items()
            if row.get("Active", True) and (realm.id, key) not in self._inactive
            if not names or {row.get("AcctNum"), row.get("Name")} & set(names)
        ]
        if not keys:
            return
        key = self.dice.choice(keys)
        self._inactive.add((realm.id, key))
        self.happens(f"{_CALLED[kind]} in QuickBooks was inactive for a while")
        tidying.deactivate(realm, kind, key, now, marked=self.dice.random() < 0.5)

        def active() -> None:
            tidying.activate(realm, kind, key, self.simulation.clock.now)
            self._inactive.discard((realm.id, key))

        self._until_later(active)

    def records_are_merged(self) -> None:
        """Two vendors become one in QuickBooks, or two accounts: their documents move."""
        realm, now = self._realm(), self.simulation.clock.now
        if self.dice.random() < 0.3:
            accounts = {a.get("AcctNum"): a for a in realm.accounts.values()}
            gone, into = accounts[_FROM], accounts[_INTO]
            if gone["Active"] and into["Active"]:
                self.happens("two accounts were merged in QuickBooks")
                tidying.merge(realm, "Account", gone["Id"], into["Id"], now, stays=True)
            return
        active = [v for v in realm.vendors.values() if v["Active"]]
        pairs = [
            (v, w)
            for v in active
            for w in active
            if v is not w and v["CurrencyRef"] == w["CurrencyRef"]
        ]
        if not pairs or realm.company_name in self._mapped:
            return
        gone, into = self.dice.choice(pairs)
        self.happens("two vendors were merged in QuickBooks")
        name = str(gone["DisplayName"])
        # One that stays has to be mapped, which is by the name in Odoo, without a currency.
        stays = self.dice.random() < 0.5 and not name.endswith(")")
        tidying.merge(realm, "Vendor", gone["Id"], into["Id"], now, stays=stays)
        if stays:
            self._mapped[realm.company_name] = {name: str(into["DisplayName"])}

    def _realm(self) -> Realm:
        return self.dice.choice(list(self.simulation.world.quickbooks.realms.values()))


def _kinds(vendor: str) -> tuple[str, ...]:
    return NOT_ODOOS if vendor == "odoo" else KINDS


def _in_bytes(response: Response) -> bytes:
    """An answer as it goes over a line."""
    lines = [f"HTTP/1.1 {response.status}", *(f"{k}: {v}" for k, v in response.headers.items())]
    head = "\r\n".join([*lines, "Connection: close", "", ""])
    return head.encode("latin-1") + response.get_data()
