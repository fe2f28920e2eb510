"""A bill as a Slack message: what a person needs to decide, and what became of it. No I/O.

Text from Odoo goes into plain_text objects only, where Slack interprets nothing: a vendor
named `<!channel> & *Co*` is shown as just that. Our own words may be mrkdwn.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from odoo_qb.bill import amount_text
from odoo_qb.item import LINES_ON_CARD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odoo_qb.item import Item, Raw

# Block Kit's limits, https://docs.slack.dev/reference/block-kit, with room to spare.
_HEADER: Final = 150
_FIELD: Final = 300
_TEXT: Final = 2900
_LINE: Final = 240
_NAMES: Final = 400

Block = dict[str, Any]

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
    blocks: list[Block] = [_header(title), *_outcome(item)]
    blocks += _warnings(item)
    blocks += _facts(item)
    blocks += _lines(item)
    blocks += _files(item)
    blocks += _actions(item)
    return _message(item, blocks)


def retired_card(item: Item) -> Message:
    """What an older card says once its bill has changed: nothing can be decided there."""
    blocks = [
        _header(_title(item)),
        _section("This bill changed in Odoo after this card was posted. A newer card asks again."),
    ]
    return _message(item, blocks, "Outdated: ")


def button_value(item: Item) -> str:
    """What a button carries: which bill, and exactly which content of it."""
    return f"{item['entry_id']}|{item['digest']}"


def rejection_modal(item: Item, private_metadata: str) -> Block:
    """The modal that asks why a bill is rejected."""
    return {
        "type": "modal",
        "callback_id": "reject_reason",
        "private_metadata": private_metadata,
        "title": _plain("Reject this bill"),
        "submit": _plain("Reject"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "section", "text": _plain(_cut(summary(item), _TEXT))},
            {
                "type": "input",
                "block_id": "reason",
                "label": _plain("Why? The reason is shown on the card."),
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
    warnings = f" Warning: {' '.join(item['warnings'])}" if item["warnings"] else ""
    state = _STATE_WORDS[item["status"]]
    text = escaped(_cut(f"{prefix}{state}: {summary(item)}.{warnings}", _TEXT))
    ids = {"entry_id": item["entry_id"], "digest": item["digest"]}
    return Message(text=text, blocks=blocks, ids=ids)


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
    when = _when(item.get("decided_at", ""))
    found: list[Block] = []
    if status in {"APPROVED", "POSTING"}:
        found.append(_markdown(f":white_check_mark: Approved by {who}{when}. Posting follows."))
    elif status in {"POSTED", "ALREADY_IN_QB"}:
        word = "Posted to" if status == "POSTED" else "Already in"
        quickbooks = item["quickbooks"]
        link = f"<{quickbooks['url']}|{quickbooks['type']} {quickbooks['id']}>"
        found.append(_markdown(f":ledger: {word} QuickBooks as {link}. Approved by {who}{when}."))
    elif status == "POST_FAILED":
        found.append(_markdown(f":x: *Not posted.* Approved by {who}{when}."))
        found.append(_section(_failure(item["error"])))
    elif status == "REJECTED":
        found.append(_markdown(f":no_entry: Rejected by {who}{when}."))
        found.append(_section(f"Reason: {item['rejection_reason']}"))
    elif status == "ACKNOWLEDGED":
        found.append(_markdown(f":ballot_box_with_check: Acknowledged by {who}{when}."))
    elif status == "WITHDRAWN":
        found.append(
            _markdown(":leftwards_arrow_with_hook: No longer posted in Odoo: nothing to do.")
        )
    elif status == "VALIDATION_FAILED":
        found.append(_section("Blocked: " + " ".join(item["problems"])))
    if item.get("amended_after"):
        found.append(
            _markdown(
                ":warning: *Changed in Odoo after this.* QuickBooks was left as it is: compare"
                " the two by hand."
            )
        )
    return found


def _failure(error: Raw) -> str:
    trace = f" (Intuit trace id {error['tid']})" if error.get("tid") else ""
    return f"{error['message']}{trace}"


def _warnings(item: Item) -> list[Block]:
    if item["status"] not in _WAITING:
        return []
    rows = [f"⚠ {w}" for w in item["warnings"]]
    if item["nothing_to_post"]:
        rows.insert(0, f"ⓘ {item['nothing_to_post']}")
    return [_section("\n".join(rows))] if rows else []


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
    return [_fields(given[i : i + 5]) for i in range(0, len(given), 5)]


def _lines(item: Item) -> list[Block]:
    currency = item["currency"]
    products = [n for n in item["lines"] if n["kind"] == "product"]
    shown = [_line_text(n, currency) for n in products[:LINES_ON_CARD]]
    hidden = int(item["line_count"]) - len(item["lines"]) + len(products) - len(shown)
    if hidden > 0:
        shown.append(f"… and {hidden} more lines")
    totals = f"Untaxed {amount_text(item['amount_untaxed'], currency)}"
    if item["amount_tax"]:
        totals += f" + tax {amount_text(item['amount_tax'], currency)}"
    totals += f" = {amount_text(item['amount_total'], currency)}"
    return [{"type": "divider"}, _section("\n".join([*shown, totals]))]


def _line_text(line: Raw, currency: str) -> str:
    account = " ".join(p for p in (line["account_code"], line["account_name"]) if p)
    taxes = f" ({', '.join(line['taxes'])})" if line["taxes"] else ""
    text = " ".join(str(line["text"]).split())
    return _cut(f"{amount_text(line['amount'], currency)}  {text} → {account}{taxes}", _LINE)


def _files(item: Item) -> list[Block]:
    names = ", ".join(str(d["name"]) for d in item["documents"])
    if not names:
        return []
    return [{"type": "context", "elements": [_plain(_cut(f"📎 {names}", _NAMES))]}]


def _actions(item: Item) -> list[Block]:
    value = button_value(item)
    buttons: list[Block] = []
    if item["status"] in _WAITING:
        if item["nothing_to_post"]:
            buttons.append(_button("Acknowledge", "acknowledge_intercompany", value, "primary"))
        else:
            buttons.append(_button("Approve", "approve_invoice", value, "primary"))
        buttons.append(_button("Reject", "reject_invoice", value, "danger"))
    if item["pdf_key"]:
        buttons.append(_button("View PDF", "view_pdf", value))
    return [{"type": "actions", "elements": buttons}] if buttons else []


def _button(label: str, action_id: str, value: str, style: str = "") -> Block:
    button = {"type": "button", "action_id": action_id, "text": _plain(label), "value": value}
    return {**button, "style": style} if style else button


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(_cut(text, _HEADER))}


def _section(text: str) -> Block:
    return {"type": "section", "text": _plain(_cut(text, _TEXT))}


def _markdown(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _fields(rows: Sequence[tuple[str, str]]) -> Block:
    fields: list[Block] = []
    for label, value in rows:
        fields.append({"type": "mrkdwn", "text": f"*{label}*"})
        fields.append(_plain(_cut(value, _FIELD)))
    return {"type": "section", "fields": fields}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Foreign text for a place that Slack parses: nothing in it can mention or link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, length: int) -> str:
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in text)
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def _when(instant: str) -> str:
    """` <!date...>`: Slack shows it in the reader's own time zone."""
    if not instant:
        return ""
    seconds = int(datetime.fromisoformat(instant).timestamp())
    return f" <!date^{seconds}^{{date_short_pretty}} {{time}}|{instant}>"
