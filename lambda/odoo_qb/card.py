"""A bill as a Slack message: what a person needs to decide, and what became of it. No I/O.

Text from Odoo goes into plain_text objects only, where Slack interprets nothing: a vendor
named `<!channel> & *Co*` is shown as just that. Our own words may be mrkdwn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from odoo_qb.bill import amount_text
from odoo_qb.blocks import (
    ESCAPED,
    FALLBACK,
    FIELD,
    LINE,
    NAMES,
    TEXT,
    Block,
    button,
    cut,
    escaped,
    fields,
    header,
    markdown,
    plain,
    section,
    when,
)
from odoo_qb.item import LINES_ON_CARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.item import Item, Raw

# A page, an object or a traceback, where a sentence was expected.
_FOREIGN: Final = re.compile(r"</?\w|<!DOCTYPE|[{}\n]|Traceback", re.IGNORECASE)
_CHANGED: Final = "This bill changed in Odoo after this card was posted: a newer card asks again."

_KIND: Final = {"in_invoice": "Bill", "in_refund": "Credit note", "in_receipt": "Receipt"}
_WAITING: Final = ("READY_FOR_APPROVAL",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent to Slack: `text` is what notifications and screen readers say.

    `ids` become the message's metadata, which any app in the workspace can read: ids only.
    """

    text: str
    blocks: list[Block]
    ids: dict[str, str]

    def content(self) -> dict[str, Any]:
        """The part of a message that posting and updating have in common."""
        return {"text": self.text, "blocks": self.blocks}


def approval_card(item: Item) -> Message:
    """The card of a bill in the state it is in."""
    title = _title(item)
    blocks: list[Block] = [header(title), *_outcome(item)]
    blocks += _why(item)
    blocks += _warnings(item)
    blocks += _facts(item)
    blocks += _lines(item)
    blocks += _files(item)
    blocks += _actions(item)
    return _message(item, blocks)


def retired_card(item: Item, why: str = _CHANGED) -> Message:
    """What a card says that is no longer its bill's: nothing can be decided there.

    `why` is mrkdwn of our own.
    """
    blocks = [header(_title(item)), markdown(why)]
    return _message(item, blocks, "Outdated: ")


def rejection_notice(item: Item, notice: Raw, users: Sequence[str]) -> Message:
    """The reply in the card's thread that tells `users` who rejected the bill, and why."""
    told = "".join(f"<@{user}> " for user in users)
    blocks = [
        markdown(f"{told}:no_entry: Rejected by <@{notice['by']}>."),
        section(f"Reason: {notice['reason']}"),
    ]
    text = escaped(cut(f"{summary(item)}: {notice['reason']}", FALLBACK, ESCAPED))
    return Message(text=f"{told}Rejected: {text}", blocks=blocks, ids=_ids(item))


def notices_of(item: Item) -> list[Raw]:
    """The replies owed or sent in the thread of the bill's card; `ts` is empty while owed."""
    return list(cast("Raw", item).get("notices") or ())


def button_value(item: Item) -> str:
    """What a button carries: which bill, and exactly which content of it."""
    return f"{item['entry_id']}|{item['digest']}"


def rejection_modal(item: Item, private_metadata: str) -> Block:
    """The modal that asks why a bill is rejected."""
    return {
        "type": "modal",
        "callback_id": "reject_reason",
        "private_metadata": private_metadata,
        "title": plain("Reject this bill"),
        "submit": plain("Reject"),
        "close": plain("Cancel"),
        "blocks": [
            {"type": "section", "text": plain(cut(summary(item), TEXT))},
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Why? The reason is shown on the card."),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "min_length": 3,
                    "max_length": 1000,
                },
            },
        ],
    }


def summary(item: Item) -> str:
    """The bill in one plain sentence part, for notifications, answers and mails."""
    reference = f", reference {item['bill_reference']}" if item["bill_reference"] else ""
    amount = amount_text(item["amount_total"], item["currency"])
    return (
        f"{_KIND[item['move_type']]} {item['odoo_name']} of {_vendor(item)}, {amount}"
        f"{reference} ({item['company']})"
    )


def _message(item: Item, blocks: list[Block], prefix: str = "") -> Message:
    words = [f"{prefix}{_STATE_WORDS[item['status']]}: {summary(item)}.", *_more_words(item)]
    text = escaped(cut(" ".join(w for w in words if w), FALLBACK, ESCAPED))
    return Message(text=text, blocks=blocks, ids=_ids(item))


def _more_words(item: Item) -> list[str]:
    """What a person who hears only the fallback text has to know besides."""
    match item["status"]:
        case "READY_FOR_APPROVAL":
            return [*(f"Warning: {w}" for w in item["warnings"]), item["nothing_to_post"]]
        case "VALIDATION_FAILED":
            return item["problems"]
        case "POST_FAILED":
            return [_failure(item["error"])]
        case "REJECTED":
            return [f"Reason: {item['rejection_reason']}"]
        case _:
            return []


def _ids(item: Item) -> dict[str, str]:
    return {"entry_id": item["entry_id"], "digest": item["digest"]}


_STATE_WORDS: Final = {
    "VALIDATION_FAILED": "Blocked",
    "READY_FOR_APPROVAL": "To approve",
    "APPROVED": "Approved",
    "POSTING": "Being posted",
    "POSTED": "Posted to QuickBooks",
    "ALREADY_IN_QB": "Already in QuickBooks",
    "POST_FAILED": "Not posted",
    "ACKNOWLEDGED": "Acknowledged",
    "REJECTED": "Rejected",
    "WITHDRAWN": "Withdrawn",
}


def _title(item: Item) -> str:
    kind = _KIND[item["move_type"]]
    return f"{kind} of {_vendor(item)}"


def _vendor(item: Item) -> str:
    vendor = item["vendor"]
    return str(vendor["name"]) if vendor else "(no vendor)"


def _outcome(item: Item) -> list[Block]:
    """Where the bill stands, once there is more to say than that it waits."""
    status = item["status"]
    who = f"<@{item['decided_by']}>" if item.get("decided_by") else "somebody"
    who += when(item.get("decided_at", ""))
    found: list[Block] = []
    if status in {"APPROVED", "POSTING"}:
        found.append(markdown(f":white_check_mark: Approved by {who}. Posting follows."))
    elif status in {"POSTED", "ALREADY_IN_QB"}:
        word = "Posted to" if status == "POSTED" else "Already in"
        quickbooks = item["quickbooks"]
        document = escaped(f"{quickbooks['type']} {quickbooks['id']}")
        link = f"<{escaped(quickbooks['url'])}|{document}>"
        found.append(markdown(f":ledger: {word} QuickBooks as {link}. Approved by {who}."))
    elif status == "POST_FAILED":
        found.append(markdown(f":x: *Not posted.* Approved by {who}."))
        found.append(section(_failure(item["error"])))
    elif status == "REJECTED":
        found.append(markdown(f":no_entry: Rejected by {who}."))
        found.append(section(f"Reason: {item['rejection_reason']}"))
    elif status == "ACKNOWLEDGED" and item.get("error"):
        found.append(markdown(f":ballot_box_with_check: Closed without posting by {who}."))
        found.append(section(_failure(item["error"])))
    elif status == "ACKNOWLEDGED":
        found.append(markdown(f":ballot_box_with_check: Acknowledged by {who}."))
    elif status == "WITHDRAWN":
        found.append(
            markdown(":leftwards_arrow_with_hook: No longer posted in Odoo: nothing to do.")
        )
    elif status == "VALIDATION_FAILED":
        found.append(section("Blocked: " + " ".join(item["problems"])))
    if item.get("amended_after"):
        found.append(
            markdown(
                ":warning: *Changed in Odoo after this.* QuickBooks was left as it is: compare"
                " the two by hand."
            )
        )
    return found


def _failure(error: Raw) -> str:
    """Our sentence about a failed posting; what another system threw at us stays in the log."""
    message = str(error["message"])
    if _FOREIGN.search(message):
        code = f" (error {error['code']})" if error.get("code") else ""
        message = f"The bill could not be posted{code}: the poster's log says more."
    trace = f" (Intuit trace id {error['tid']})" if error.get("tid") else ""
    return f"{message}{trace}"


def _why(item: Item) -> list[Block]:
    """Why a bill is only to be acknowledged."""
    return [section(f"ⓘ {item['nothing_to_post']}")] if item["nothing_to_post"] else []


def _warnings(item: Item) -> list[Block]:
    if item["status"] not in _WAITING or not item["warnings"]:
        return []
    return [section("\n".join(f"⚠ {w}" for w in item["warnings"]))]


def _facts(item: Item) -> list[Block]:
    """Label and value side by side: a section shows its fields in two columns."""
    amount = amount_text(item["amount_total"], item["currency"])
    if item["company_currency"] not in {"", item["currency"]}:
        amount += f" = {amount_text(item['company_total'], item['company_currency'])}"
    if item["move_type"] == "in_refund":
        amount = f"{amount} in our favour"
    rows = [
        ("Amount", amount),
        ("Vendor", _vendor(item)),
        ("Company", item["company"]),
        ("Vendor's number", item["bill_reference"] or "none"),
        ("Bill date", item["bill_date"]),
        ("Due", " · ".join(p for p in (item["due_date"], item["payment_terms"]) if p)),
        ("In Odoo", item["odoo_name"]),
        ("Purchase order", item["po_number"]),
        ("Entered by", item["entered_by"]),
    ]
    given = [(label, value) for label, value in rows if value]
    return [fields(given[i : i + 5]) for i in range(0, len(given), 5)]


def _lines(item: Item) -> list[Block]:
    currency = item["currency"]
    products = [n for n in item["lines"] if n["kind"] == "product"]
    shown = [_line_text(n, currency) for n in products[:LINES_ON_CARD]]
    hidden = int(item["line_count"]) - len(item["lines"]) + len(products) - len(shown)
    if hidden > 0:
        shown.append(f"… and {hidden} more line{'s' if hidden > 1 else ''}")
    totals = f"Untaxed {amount_text(item['amount_untaxed'], currency)}"
    if item["amount_tax"]:
        totals += f" + tax {amount_text(item['amount_tax'], currency)}"
    totals += f" = {amount_text(item['amount_total'], currency)}"
    return [{"type": "divider"}, section("\n".join([*shown, cut(totals, FIELD)]))]


def _line_text(line: Raw, currency: str) -> str:
    account = " ".join(p for p in (line["account_code"], line["account_name"]) if p)
    taxes = f" ({', '.join(line['taxes'])})" if line["taxes"] else ""
    text = " ".join(str(line["text"]).split())
    return cut(f"{amount_text(line['amount'], currency)}  {text} → {account}{taxes}", LINE)


def _files(item: Item) -> list[Block]:
    names = ", ".join(str(d["name"]) for d in item["documents"])
    if not names:
        return []
    return [{"type": "context", "elements": [plain(cut(f"📎 {names}", NAMES))]}]


def _actions(item: Item) -> list[Block]:
    value = button_value(item)
    buttons: list[Block] = []
    if item["status"] in _WAITING:
        if item["nothing_to_post"]:
            buttons.append(button("Acknowledge", "acknowledge_intercompany", value, "primary"))
        else:
            buttons.append(button("Approve", "approve_invoice", value, "primary"))
        buttons.append(button("Reject", "reject_invoice", value, "danger"))
    elif item["status"] == "POST_FAILED":
        buttons.append(button("Retry", "retry_posting", value, "primary"))
        close = button("Close", "close_invoice", value)
        buttons.append({**close, "confirm": _CLOSE})
    elif item["status"] == "APPROVED":
        buttons.append(button("Take back", "take_back", value))
    elif item["status"] == "REJECTED":
        buttons.append(button("Reopen", "reopen_invoice", value))
    if item["pdf_key"]:
        buttons.append(button("View PDF", "view_pdf", value))
    return [{"type": "actions", "elements": buttons}] if buttons else []


_CLOSE: Final = {
    "title": plain("Close this bill?"),
    "text": plain("It will not be posted to QuickBooks, and cannot be opened again here."),
    "confirm": plain("Close it"),
    "deny": plain("Keep it open"),
    "style": "danger",
}
