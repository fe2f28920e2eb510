"""The main job from end to end: extract, show, decide, post, and a table of what happened."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox import chain, run_report, traffic
from sandbox.approver import Approver, rule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.chain import Chain
    from sandbox.vendors import Vendors

_QUIET_SECONDS: Final = 90.0  # after this long without a change, something is stuck
_PROGRESS_SECONDS: Final = 2.0
_BUSY_SECONDS, _BUSY_TRIES = 5.0, 80  # longer than an extraction holds its lease
_PROBLEMS: Final = 20  # lines about problems; the others are only counted

Json = dict[str, Any]


class ExtractionError(RuntimeError):
    """The extractor answered with an error, in these words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The options of `demo` from the command line."""

    vendors: Vendors
    approve: str = "all"
    json_file: Path | None = None


def run(job: Job, say: Callable[[str], None]) -> int:
    """Run the job and report; 0 if every approved bill is in QuickBooks once, else 1.

    The JSON file is always written; `error` is what stopped the run, if something did.
    """
    report: Json = {
        "bills": run_report.bills([]),
        "quickbooks": _in_quickbooks([], []),
        "calls": {"odoo": 0, "slack": {}, "quickbooks": {}},
        "dlq": 0,
        "seconds": {"setup": 0.0, "extract": 0.0, "approve": 0.0, "post": 0.0},
    }
    try:
        return _run(job, say, report)
    except BaseException as error:
        report["error"] = str(error) or "stopped"
        raise
    finally:
        if job.json_file:
            job.json_file.write_text(json.dumps(report, indent=2) + "\n")


def _run(job: Job, say: Callable[[str], None], report: Json) -> int:
    """Fill the report step by step; returns the exit status."""
    wanted, seconds = rule(job.approve), report["seconds"]
    started = time.monotonic()
    with chain.start(job.vendors, say) as running:
        seconds["setup"] = _lap(started)
        say("reading accounts and vendors in QuickBooks")
        unread = chain.read_quickbooks(running)
        say("reading the bills in Odoo")
        started = time.monotonic()
        unread += extract(running, say)
        seconds["extract"] = _lap(started)
        started = time.monotonic()
        approver = Approver(chain=running, wanted=wanted)
        items, approved_at = work(running, approver, say)
        seconds["approve"] = round(approved_at - started, 1)
        seconds["post"] = _lap(approved_at)
        exchanges = {name: recorder.exchanges for name, recorder in running.recorders.items()}
        held = traffic.documents(exchanges["quickbooks"])
        report["bills"] = run_report.bills(items)
        report["quickbooks"] = _in_quickbooks(held, exchanges["quickbooks"])
        report["calls"] = {
            "odoo": len(exchanges["odoo"]),
            "slack": traffic.calls("slack", exchanges["slack"]),
            "quickbooks": traffic.calls("quickbooks", exchanges["quickbooks"]),
        }
        report["dlq"] = dead_letters(running)
        sums = run_report.totals(items, held, running.realms)
        trouble = [*unread, *approver.trouble, *_undecided(approver, items)]
        trouble += run_report.unshown(items, running.recorders["slack"])
        trouble += [*run_report.trouble(items, held, report["dlq"]), *run_report.unequal(sums)]
        say("stopping")
    slow = [approver.slow_summary()] if approver.slow else []
    lines = [*run_report.summary(items, report, sums), *slow, *_verdict(trouble)]
    print(*lines, sep="\n", flush=True)
    return 1 if trouble else 0


def _verdict(trouble: list[str]) -> list[str]:
    if not trouble:
        return ["Every approved bill is in QuickBooks exactly once."]
    lines = [f"PROBLEM: {line}" for line in trouble[:_PROBLEMS]]
    if more := trouble[_PROBLEMS:]:
        lines.append(f"PROBLEM: {len(more)} more like these.")
    return lines


def _lap(started: float) -> float:
    return round(time.monotonic() - started, 1)


def _in_quickbooks(held: list[traffic.Document], exchanges: list[Json]) -> dict[str, int]:
    return {
        "bills": sum(d.entity == "Bill" for d in held),
        "vendor_credits": sum(d.entity == "VendorCredit" for d in held),
        "vendors": traffic.created(exchanges, "Vendor"),
        "attachments": traffic.attached(exchanges),
        "duplicates": len(held) - len({d.entry_id for d in held}),
    }


def extract(
    running: Chain, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Invoke the extractor until all is read; returns a sentence for each bill not stored.

    Waits for another extraction that is running, such as a scheduled one.
    """
    lost: dict[str, str] = {}
    patience = _BUSY_TRIES
    while True:
        report = chain.invoke(running, "extractor", {})
        if "skipped" in report and patience:
            if patience == _BUSY_TRIES:
                say("Another extraction is running. Waiting for it to end.")
            patience -= 1
            sleep(_BUSY_SECONDS)
            continue
        if "companies" not in report:
            said = report.get("errorMessage") or report.get("error") or report.get("skipped")
            raise ExtractionError(str(said or report))
        for bill in report["bills"]:
            lost.pop(bill["entry_id"], None)
            if bill["outcome"] == "not stored":
                lost[bill["entry_id"]] = f"{bill['bill']} was not stored: {bill['reason']}."
        if not report["not_yet_read"] or not report["read"]:
            return list(lost.values())


def work(
    running: Chain, approver: Approver, say: Callable[[str], None]
) -> tuple[list[Json], float]:
    """Decide cards until nothing changes; returns the items, and when all was decided."""
    decided_at = changed_at = said_at = time.monotonic()
    last: tuple[object, ...] = ()
    shown = ""
    while True:
        if approver.decide_new():
            decided_at = changed_at = time.monotonic()
        asked = time.monotonic()
        items = stored_items(running)
        of = run_report.statuses(items)
        owed = sum("card_due" in i for i in items)
        if (now := (of, owed)) != last:
            last, changed_at = now, time.monotonic()
        moving = of["APPROVED"] + of["POSTING"] + owed
        unseen = sum(i["status"] == "READY_FOR_APPROVAL" and not i["cards"] for i in items)
        settled = not moving and not unseen and not approver.decide_new()
        settled = settled or time.monotonic() > changed_at + _QUIET_SECONDS
        line = _progress(items, approver)
        if line != shown and (settled or time.monotonic() > said_at + _PROGRESS_SECONDS):
            say(line)
            shown, said_at = line, time.monotonic()
        if settled:
            return items, decided_at
        time.sleep(max(0.5, time.monotonic() - asked))  # watching must not slow the chain down


def _progress(items: list[Json], approver: Approver) -> str:
    of, done = run_report.statuses(items), approver.decided
    posted = sum(of[s] for s in run_report.IN_QUICKBOOKS)
    parts = [
        f"cards {approver.seen} of {len(items) - of['VALIDATION_FAILED']}",
        f"decided {done.total()}",
        f"posted {posted} of {done['approved']}",
    ]
    if failed := sum(of[s] for s in run_report.FAILED):
        parts.append(f"failed {failed}")
    return ", ".join(parts)


def _undecided(approver: Approver, items: list[Json]) -> list[str]:
    """Bills whose click was confirmed but whose decision is not in the table."""
    of = run_report.statuses(items)
    written = {
        "approved": sum(bool(i["approvals"]) for i in items),
        "rejected": of["REJECTED"],
        "acknowledged": of["ACKNOWLEDGED"],
    }
    return [
        f"The approver {word} {approver.decided[word]} bills, and the table has {count}."
        for word, count in written.items()
        if count != approver.decided[word]
    ]


def stored_items(running: Chain) -> list[Json]:
    """Every bill in the table, as it stands."""
    from odoo_qb.store.attributes import plain  # noqa: PLC0415 - as above

    client = running.emulator.client("dynamodb")
    pages = client.get_paginator("scan").paginate(
        TableName=running.outputs["dynamodb_table"], ConsistentRead=True
    )
    rows = [plain(raw) for page in pages for raw in page["Items"]]
    return [row for row in rows if "status" in row]


def dead_letters(running: Chain) -> int:
    """Messages in every queue but the one that bills pass through."""
    sqs = running.emulator.client("sqs")
    approved = running.outputs["sqs_queue_url"].rsplit("/", 1)[-1]
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(number)
        for url in sqs.list_queues().get("QueueUrls", [])
        if url.rsplit("/", 1)[-1] != approved
        for number in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)[
            "Attributes"
        ].values()
    )
