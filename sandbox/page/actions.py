"""What a person does on the page: in Odoo as a bookkeeper, in Slack by signed requests.

Each act returns the sentence to tell, empty if what is seen says it; ActError is one that failed.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from sandbox.page import webhook
from sandbox.page.odoo import product_lines
from sandbox.page.state import open_modal
from sandbox.run_report import counted
from sandbox.slack.payloads import ScreenError
from sandbox.slack.screen import ANSWER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import FileStorage, MultiDict

    from sandbox.page.state import Json, Look, Parts
    from sandbox.slack.payloads import View
    from sandbox.webhook.receiver import Receiver

_MOST: Final = Decimal(10) ** 12


class ActError(Exception):
    """Something could not be done; the sentence is for the person at the page."""


def new_bill(parts: Parts, form: MultiDict[str, str]) -> int:
    """Enter a bill and post it; its number."""
    company = parts.companies.get(form.get("company", ""))
    companies = parts.odoo.records["res.company"]
    numbers = [n for n, row in companies.items() if row["name"] == company]
    vendor = form.get("vendor", "")
    known = vendor.isdecimal() and int(vendor) in parts.odoo.records["res.partner"]
    if not numbers or not known:
        raise ActError("A bill needs a company and a vendor.")
    lines = _lines(form)
    if not lines:
        raise ActError("A bill needs a line.")
    try:
        return parts.odoo.new_bill(
            reference=form.get("reference", ""),
            lines=lines,
            company=numbers[0],
            vendor=int(vendor),
            bill_date=str(_day(form, "date") or f"{datetime.now(UTC):%Y-%m-%d}"),
        )
    except ValueError as error:
        raise ActError(f"Odoo: {error}.") from error


def amend(parts: Parts, form: MultiDict[str, str]) -> str:
    """Write what was changed in a bill's form, and nothing else."""
    with parts.odoo.lock:
        bill = _bill(parts, form)
        move = parts.odoo.records["account.move"][bill]
        fields: Json = {"ref": form.get("reference", "") or False}
        fields |= {"invoice_date": _day(form, "date"), "invoice_date_due": _day(form, "due")}
        changes: Json = {name: value for name, value in fields.items() if value != move[name]}
        lines = _lines(form)
        if form.getlist("text") and not lines:
            raise ActError("A bill needs a line.")
        if move["state"] == "posted" and not fields["invoice_date"]:
            raise ActError("Odoo: a posted bill keeps a date.")
        if lines == [(text, Decimal(amount)) for text, amount in product_lines(parts.odoo, bill)]:
            lines = []
        if not changes and not lines:
            return "Nothing was changed."
        new = [(text, str(amount)) for text, amount in lines] or None
        try:
            parts.odoo.amend(bill, lines=new, **changes)
        except ValueError as error:
            raise ActError(f"Odoo: {error}.") from error
        return f"{_name(move)} was changed in Odoo."


def move_on(parts: Parts, form: MultiDict[str, str]) -> str:
    """Post, cancel or reset a bill to draft."""
    moves = {
        "post": (parts.odoo.post, "posted"),
        "cancel": (parts.odoo.cancel, "cancelled"),
        "draft": (parts.odoo.reset_to_draft, "reset to draft"),
    }
    to = form.get("to", "")
    if to not in moves:
        raise ActError("A bill is posted, cancelled or reset to draft.")
    act, word = moves[to]
    bill = _bill(parts, form)
    try:
        act(bill)
    except ValueError as error:
        raise ActError(f"Odoo: {error}.") from error
    return f"{_name(parts.odoo.records['account.move'][bill])} was {word} in Odoo."


def attach(parts: Parts, form: MultiDict[str, str], file: FileStorage | None) -> str:
    """Attach the file given, or a one-page PDF, and make it the bill's main one."""
    bill = _bill(parts, form)
    given = file.read() if file and file.filename else b""
    name = (file.filename if file and given else "") or f"bill-{bill}.pdf"
    content = given or a_pdf(f"Bill {bill}, attached at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
    parts.odoo.attach(bill, name, content, main=True)
    return f"{name} was attached in Odoo."


def extract(parts: Parts) -> str:
    """Run the extractor until it has read all."""
    while True:
        report = parts.aws.extract()
        if "companies" not in report:
            said = report.get("errorMessage") or report.get("error") or report.get("skipped")
            raise ActError(str(said or "The extractor gave no report."))
        if not report["not_yet_read"] or not report["read"]:
            return _read(report)


def click(parts: Parts, at: Look, form: Mapping[str, str]) -> str:
    """Click a button of a message."""
    try:
        request = parts.slack.click(
            at.person, form.get("channel", ""), form.get("ts", ""), form.get("action_id", "")
        )
    except ScreenError as error:
        raise ActError(f"Slack: {error}.") from error
    reply = parts.aws.deliver(request)
    if reply.status != HTTPStatus.OK:
        raise ActError(f"Slack: the app answered the click with status {reply.status}.")
    if reply.seconds > ANSWER_SECONDS:
        return (
            f"Slack would have shown an error: the app took {reply.seconds:.0f} s to answer the"
            f" click, and has {ANSWER_SECONDS:.0f}. What it decided counts all the same."
        )
    return ""


def typed(view: View, form: Mapping[str, str]) -> dict[str, str]:
    """What stands in a modal's fields, by block id."""
    inputs = (b["block_id"] for b in view.content["blocks"] if b["type"] == "input")
    return {name: form[name] for name in inputs if name in form}


def submit(parts: Parts, at: Look, form: Mapping[str, str]) -> str:
    """Submit the modal in front of the person; what the app answers is done with it."""
    view = _modal(parts, at, form)
    inputs = {b["block_id"]: b["element"] for b in view.content["blocks"] if b["type"] == "input"}
    # A browser ends lines as forms do; Slack's client does not.
    values: dict[str, dict[str, str | None]] = {
        name: {inputs[name]["action_id"]: text.replace("\r\n", "\n")}
        for name, text in typed(view, form).items()
    }
    try:
        request = parts.slack.submit(at.person, view.id, values)
    except ScreenError as error:
        raise ActError(f"Slack: {error}.") from error
    reply = parts.aws.deliver(request)
    parts.slack.apply_submit_answer(view.id, reply.status, reply.body, seconds=reply.seconds)
    return ""


def close(parts: Parts, at: Look, form: Mapping[str, str]) -> str:
    """Close the modal in front of the person."""
    parts.slack.views.pop(_modal(parts, at, form).id, None)
    return ""


def dismiss(parts: Parts, at: Look, form: Mapping[str, str]) -> str:
    """Take a message that only one person sees from their sight."""
    channel = parts.slack.channels.get(at.channel)
    if channel:
        ephemerals = channel.ephemerals[at.person]
        ephemerals[:] = [message for message in ephemerals if message.ts != form.get("ts")]
    return ""


def let_fail(receiver: Receiver, form: Mapping[str, str]) -> str:
    """Let the webhook's endpoint fail as was chosen."""
    try:
        return webhook.fail(receiver, form)
    except ValueError as error:
        raise ActError(str(error)) from error


def a_pdf(text: str) -> bytes:
    """A PDF of one page with one line of ASCII."""
    words = re.sub(r"([\\()])", r"\\\1", text).encode("ascii", "replace")
    drawn = b"BT /F 14 Tf 72 770 Td (%s) Tj ET" % words
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page + b" /Resources << /Font << /F 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    pdf, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(pdf))
        pdf += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    pdf += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    end = pdf.rindex(b"xref\n0 ")
    return pdf + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, end)


def _read(report: Json) -> str:
    counts: dict[str, int] = {}
    for company in report["companies"].values():
        for outcome, number in company.items():
            counts[outcome] = counts.get(outcome, 0) + number
    outcomes = ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number)
    return (
        f"The extractor read {counted(report['read'], 'bill')}{': ' if outcomes else ''}{outcomes}."
    )


def _bill(parts: Parts, form: Mapping[str, str]) -> int:
    number = form.get("bill", "")
    if not number.isdecimal() or int(number) not in parts.odoo.records["account.move"]:
        raise ActError("Odoo has no such bill.")
    return int(number)


def _name(move: Json) -> str:
    return str(move["name"] or "The draft")


def _modal(parts: Parts, at: Look, form: Mapping[str, str]) -> View:
    view = open_modal(parts.slack, at.person)
    if view is None or view.id != form.get("view"):
        raise ActError("Slack: that modal is closed.")
    return view


def _lines(form: MultiDict[str, str]) -> list[tuple[str, Any]]:
    """The lines of a form as (text, amount); an empty row is none."""
    found = []
    for text, amount in zip(form.getlist("text"), form.getlist("amount"), strict=False):
        if not text.strip() and not amount.strip():
            continue
        try:
            value = Decimal(amount.strip().replace(",", ""))
        except InvalidOperation as error:
            raise ActError(f"{amount or 'Nothing'} is not an amount.") from error
        if not value.is_finite() or abs(value) > _MOST:
            raise ActError(f"{amount} is not an amount.")
        found.append((text.strip(), value))
    return found


def _day(form: Mapping[str, str], name: str) -> str | bool:
    text = form.get(name, "")
    try:
        return date.fromisoformat(text).isoformat() if text else False
    except ValueError as error:
        raise ActError(f"{text} is not a date.") from error
