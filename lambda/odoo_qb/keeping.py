"""What becomes of one bill in the table: stored, amended, withdrawn, or only compared."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from odoo_qb import checks
from odoo_qb.amendment import changes
from odoo_qb.bill import Bill, amount_text
from odoo_qb.duplicates import reference_id
from odoo_qb.errors import Conflict
from odoo_qb.item import bill_of, content, is_too_large, stamp
from odoo_qb.preflight import Preflight
from odoo_qb.store import history_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    from odoo_qb.checks import Earlier
    from odoo_qb.documents import Documents
    from odoo_qb.item import Item, Raw, Status
    from odoo_qb.settings import Company
    from odoo_qb.store import Table

ACTOR: Final = "extractor"
_NAME: Final = 100
_DONE: Final = frozenset({"POSTING", "POSTED", "ALREADY_IN_QB", "ACKNOWLEDGED"})
# What an earlier decision or failure left, and a new question must not show.
_DECISION: Final = ("decided_by", "decided_at", "rejection_reason", "error", "amended_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What keeping needs. `full` checks blocked bills again, `dry_run` writes nothing.

    Each method answers with an outcome: {"outcome": "ready"} and so on.
    """

    table: Table
    documents: Documents
    companies: Mapping[str, Company]
    full: bool
    dry_run: bool
    now: datetime

    def save(
        self, bill: Bill, item: Item | None, earlier: Sequence[Earlier], flight: Preflight
    ) -> Raw:
        """Store what is new or was amended in a posted bill, and ask about it.

        The vendor's name is part of what is approved only while QuickBooks has no such vendor:
        a renamed one must not have all its bills asked about again.
        """
        fields = content(bill, vendor_is_known=bool(flight.vendor_id))
        if is_too_large({**fields, "preflight": flight.shown()}):
            bill, flight = _without_texts(bill), Preflight()
            fields = content(bill)
        digests = {bill.digest(), fields["digest"]}
        if item is not None and flight.vendor_how == "remembered":  # whatever it was called then
            digests.add(_as_named_before(bill, item).digest())
        is_same = item is not None and item["digest"] in digests
        if is_same and item is not None:
            fields["digest"] = item["digest"]
        if item and item["status"] in _DONE:
            before = item.get("amended_after", "")  # which stands while Odoo cannot be read
            change = before if bill.unreadable else "" if is_same else str(fields["digest"])
            return self._compare(item, change)
        again = is_same and item is not None and item["status"] != "WITHDRAWN"
        if again and not (self.full and item and item["status"] == "VALIDATION_FAILED"):
            return {"outcome": "unchanged"}
        fields |= _checked(bill, earlier, flight, self.companies[bill.company], self.now.date())
        if again and item and fields["problems"] == item["problems"]:
            return {"outcome": "unchanged"}
        if not self.dry_run and not all(d.sha256 for d in bill.documents):
            return {"outcome": "not stored", "reason": "its files could not be stored"}
        if not self.dry_run:
            self._store(bill, fields, item, again=again)
        return {
            "outcome": "blocked" if fields["problems"] else "ready",
            "total": amount_text(bill.amount_total, bill.currency),
            "problems": fields["problems"],
            "warnings": fields["warnings"],
        }

    def withdraw(self, item: Item | None, state: str) -> Raw:
        """A draft, cancelled or deleted document: only one that was asked about is of interest."""
        if item is None or item["status"] == "WITHDRAWN":
            return {"outcome": "ignored"}
        if item["status"] in _DONE:
            return self._compare(item, state)
        if not self.dry_run:
            self.table.change(
                item,
                to="WITHDRAWN",
                actor=ACTOR,
                now=self.now,
                values={"approvals": []},
                note=f"is {state} in Odoo",
            )
        return {"outcome": "withdrawn"}

    def _store(self, bill: Bill, fields: Item, item: Item | None, *, again: bool) -> None:
        """Write a bill; `again` is one whose content was stored before, checked anew."""
        status: Status = "VALIDATION_FAILED" if fields["problems"] else "READY_FOR_APPROVAL"
        if fields["lines_key"]:
            self.documents.keep_lines(bill, fields["lines_key"])
        if item is None:
            self.table.put_new(_first(fields, bill, status, self.now), reference_id(bill))
            return
        anew: Item = {"revision": int(item["revision"]) + 1, "approvals": []}
        if not again:
            before = bill_of(item, self.documents.lines(item))
            anew["changes"] = checks.few(changes(before, bill))
        self.table.change(
            item,
            to=status,
            actor=ACTOR,
            now=self.now,
            values=fields if again else {**fields, **anew},
            remove=[] if again else [k for k in _DECISION if k in item],
            note="checked again" if again else "changed in Odoo",
            reference_id=reference_id(bill),
        )

    def _compare(self, item: Item, change: str) -> Raw:
        """Decided for good: say what it became in Odoo ("": what it was), and do no more."""
        if item.get("amended_after", "") == change:
            return {"outcome": "unchanged"}
        if not self.dry_run:
            self.table.change(
                item,
                actor=ACTOR,
                now=self.now,
                values={"amended_after": change},
                note="changed in Odoo afterwards" if change else "as it was in Odoo again",
            )
        return {"outcome": "changed afterwards"}


def tried(act: Callable[[], Raw]) -> Raw:
    """An outcome, whatever happens: one bill never stops the others."""
    try:
        return act()
    except Conflict:
        return {"outcome": "not stored", "reason": "it was being changed at the same moment"}
    except ClientError as error:
        return {"outcome": "not stored", "reason": f"AWS: {error.response['Error']['Code']}"}
    except BotoCoreError as error:
        return {"outcome": "not stored", "reason": f"AWS: {type(error).__name__}"}


def _checked(
    bill: Bill, earlier: Sequence[Earlier], flight: Preflight, company: Company, today: date
) -> Item:
    """What the checks and the preflight say of a bill; what is not posted needs no preflight."""
    reason = checks.nothing_to_post(bill, company)
    blocking = () if reason or bill.unreadable else flight.problems
    notable = () if reason else flight.warnings
    close_day = company.books_close_day
    found = checks.warnings(bill, earlier=earlier, today=today, books_close_day=close_day)
    return {
        "problems": checks.few([*checks.problems(bill), *blocking]),
        "warnings": checks.few([*found, *notable]),
        "duplicates": [e.entry_id for e in earlier[: checks.TWINS_NAMED]],
        "nothing_to_post": reason,
        "preflight": {} if reason else flight.shown(),
    }


def _as_named_before(bill: Bill, item: Item) -> Bill:
    """The bill as if its vendor still had the name that was asked about."""
    before = item["vendor"]
    if not before or bill.vendor is None or int(before["odoo_id"]) != bill.vendor.odoo_id:
        return bill
    return replace(bill, vendor=replace(bill.vendor, name=str(before["name"])))


def _without_texts(bill: Bill) -> Bill:
    """What is left to tell of a bill that the table cannot hold."""
    return Bill(
        company=bill.company,
        odoo_id=bill.odoo_id,
        odoo_name=bill.odoo_name[:_NAME],
        move_type=bill.move_type,
        vendor=None,
        currency=bill.currency,
        amount_untaxed=bill.amount_untaxed,
        amount_tax=bill.amount_tax,
        amount_total=bill.amount_total,
        bill_date=bill.bill_date,
        unreadable="Its texts are too long to be kept: shorten the names of its files, vendor,"
        " accounts and so on in Odoo.",
    )


def _first(fields: Item, bill: Bill, status: Status, now: datetime) -> Item:
    """A bill's item as it is first stored; only one that can be decided is owed a card."""
    item: Item = {
        **fields,
        "entry_id": bill.entry_id,
        "status": status,
        "revision": 1,
        "version": 1,
        "approvals": [],
        "cards": [],
        "attempts": [],
        "created_at": stamp(now),
        "updated_at": stamp(now),
        "history": [history_entry([], now, ACTOR, "", status, fields["digest"])],
    }
    if status == "READY_FOR_APPROVAL":
        item["card_due"] = 1
    return item
