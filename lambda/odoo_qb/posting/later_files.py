"""Attach files in QuickBooks that were added in Odoo after posting, if a person asked to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from odoo_qb.bill.item import bill_of, document_of
from odoo_qb.bill.status import IN_QUICKBOOKS
from odoo_qb.errors import Conflict, Throttled, Unavailable
from odoo_qb.posting.attachments import attach_all
from odoo_qb.timestamps import stamp

if TYPE_CHECKING:
    from odoo_qb.bill.item import Item
    from odoo_qb.bill.model import Document
    from odoo_qb.bill.status import Status
    from odoo_qb.exact_json import Json
    from odoo_qb.posting.context import PostingContext

ACTOR: Final = "poster"
_CLAIM: Final = timedelta(minutes=3)  # longer than the function may run
_TRIES: Final = 5


def attach_as_asked(
    context: PostingContext, item: Item, message_id: str, *, last_try: bool
) -> Status:
    """Attach the files that a person saw and requested; returns the bill's unchanged status.

    Raises Unavailable if the message must come again: after an unclear upload the next delivery
    looks first. A simultaneous delivery waits, because two would send a file twice.
    """
    item = _claimed(context, item, message_id)
    files = [document_of(d) for d in item["attach"]["files"]]
    attached, trouble = _attached(context, item, files, last_try=last_try)
    for _ in range(_TRIES):
        try:
            done = context.table.change(
                item,
                actor=ACTOR,
                now=context.clock(),
                values=_written(item, files, attached, trouble),
                remove=["attach"],
                note=f"attached {', '.join(f.name for f in files)}" if not trouble else trouble[0],
            )
        except Conflict:
            item = _again(context, item)
        else:
            return done["status"]
    raise Unavailable("The bill kept changing while its files were being attached.")


def _claimed(context: PostingContext, item: Item, message_id: str) -> Item:
    now, asked = context.clock(), item["attach"]
    if asked.get("until", "") > stamp(now) and asked.get("message_id") != message_id:
        raise Throttled("Another run is attaching these files.", int(_CLAIM.total_seconds()))
    claim = {**asked, "message_id": message_id, "until": stamp(now + _CLAIM)}
    try:
        return context.table.change(
            item, actor=ACTOR, now=now, values={"attach": claim}, show=False
        )
    except Conflict as error:
        raise Unavailable("The bill changed while its files were being attached.") from error


def _attached(
    context: PostingContext, item: Item, files: list[Document], *, last_try: bool
) -> tuple[list[str], list[str]]:
    """The names attached, and sentences about the others."""
    company, posted = context.companies.get(item["company"]), item["quickbooks"]
    realms = {str(a["realm"]) for a in item.get("attempts", ())[-1:]}
    if company is None or (realms and company.realm_id not in realms):
        where = f"{posted['type']} {posted['id']}"
        why = (
            f"the company is connected to another QuickBooks company now. Attach it to {where}"
            " by hand."
        )
        return [], [f"{f.name} was not attached: {why}" for f in files]
    before = (document_of(d) for d in [*item["documents"], *item.get("attached_later", ())])
    bill = replace(bill_of(item, []), documents=tuple(files))
    return attach_all(
        bill,
        (str(posted["type"]), str(posted["id"])),
        context.quickbooks(company.key),
        context.documents,
        beside=tuple(before),
        fresh=False,
        last_try=last_try,
        altered=partial(context.mail_alteration, item),
    )


def _written(item: Item, files: list[Document], attached: list[str], trouble: list[str]) -> Json:
    """The bill afterwards; files added meanwhile still need a request."""
    done, posted = {f.sha256 for f in files}, item["quickbooks"]
    rest = [d for d in item.get("added_files", ()) if d["sha256"] not in done]
    asked = item["attach"]["files"]
    is_settled = bool(item.get("added_files")) and not rest
    return {
        "quickbooks": {
            **posted,
            "attachments": [*posted["attachments"], *attached],
            "not_attached": [*posted["not_attached"], *trouble],
        },
        "attached_later": [*item.get("attached_later", ()), *asked],
        "added_files": rest,
        **({"amended_after": "", "amended_changes": []} if is_settled else {}),
    }


def _again(context: PostingContext, item: Item) -> Item:
    """The bill as it is now, if this delivery still holds it."""
    found = context.table.get(item["entry_id"])
    asked = (found or {}).get("attach") or {}
    is_ours = asked.get("message_id") == item["attach"]["message_id"]
    if found is None or found["status"] not in IN_QUICKBOOKS or not is_ours:
        raise Unavailable("Another run is attaching this bill's files.")
    return found
