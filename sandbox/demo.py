"""The main job from end to end: extract, show, decide, post, and a table of what happened."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sandbox import chain
from sandbox.approver import Approver, rule
from sandbox.recording import matching

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.chain import Chain, Vendors

_QUIET_SECONDS: Final = 90.0  # nothing changed for so long: something is stuck, and is shown
_PROBLEMS: Final = 20  # lines about what went wrong, before a count serves better
_WAITING: Final = ("READY_FOR_APPROVAL", "APPROVED", "POSTING")
_FAILED: Final = ("POST_FAILED", "VALIDATION_FAILED")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What `demo` was asked for on the command line."""

    vendors: Vendors
    approve: str = "all"
    json_file: Path | None = None


def run(job: Job, say: Callable[[str], None]) -> int:
    """Run the job and report; 0 if every approved bill is in QuickBooks once, else 1."""
    wanted = rule(job.approve)
    seconds: dict[str, float] = {}
    started = time.monotonic()
    with chain.start(job.vendors, say) as running:
        seconds["setup"] = _lap(started)
        say("extracting")
        started = time.monotonic()
        extraction = _extract(running)
        seconds["extract"] = _lap(started)
        started = time.monotonic()
        approver = Approver(chain=running, wanted=wanted)
        items, approved_at = _work(running, approver, say)
        seconds["approve"] = round(approved_at - started, 1)
        seconds["post"] = round(time.monotonic() - approved_at, 1)
        report = _report(running, items, extraction, seconds)
        trouble = [*approver.trouble, *_trouble(running, items, report)]
    for line in _table(items, report):
        say(line)
    for line in trouble[:_PROBLEMS]:
        say(f"PROBLEM: {line}")
    if len(trouble) > _PROBLEMS:
        say(f"... and {len(trouble) - _PROBLEMS} more")
    if job.json_file:
        job.json_file.write_text(json.dumps(report, indent=2) + "\n")
    return 1 if trouble else 0


def _lap(started: float) -> float:
    return round(time.monotonic() - started, 1)


def _extract(running: Chain) -> Json:
    answer = running.emulator.client("lambda").invoke(
        FunctionName=running.outputs["lambda_function_names"]["extractor"], Payload=b"{}"
    )
    report: Json = json.loads(answer["Payload"].read())
    if "companies" not in report:
        raise RuntimeError(report.get("errorMessage") or report.get("error") or str(report))
    return report


def _work(
    running: Chain, approver: Approver, say: Callable[[str], None]
) -> tuple[list[Json], float]:
    """Decide what arrives and wait until nothing moves; the items, and when all was decided."""
    decided_at = changed_at = time.monotonic()
    last = ""
    while True:
        if approver.decide_new():
            decided_at = changed_at = time.monotonic()
        items = _items(running)
        now = ", ".join(f"{n} {s.lower()}" for s, n in sorted(_statuses(items).items()))
        if now != last:
            say(now)
            last, changed_at = now, time.monotonic()
        owed = sum("card_due" in i for i in items)
        moving = _statuses(items)["APPROVED"] + _statuses(items)["POSTING"] + owed
        undecided = sum(i["status"] == "READY_FOR_APPROVAL" and not i["cards"] for i in items)
        if not moving and not undecided and not approver.decide_new():
            return items, decided_at
        if time.monotonic() > changed_at + _QUIET_SECONDS:
            return items, decided_at
        time.sleep(0.5)


def _items(running: Chain) -> list[Json]:
    from odoo_qb.store import plain  # noqa: PLC0415 - boto3 is slow to import, and late enough here

    client = running.emulator.client("dynamodb")
    pages = client.get_paginator("scan").paginate(
        TableName=running.outputs["dynamodb_table"], ConsistentRead=True
    )
    rows = [plain(raw) for page in pages for raw in page["Items"]]
    return [row for row in rows if "status" in row]


def _statuses(items: list[Json]) -> Counter[str]:
    return Counter(str(i["status"]) for i in items)


def _report(running: Chain, items: list[Json], extraction: Json, seconds: Json) -> Json:
    statuses = _statuses(items)
    counts = Counter[str]()
    for company in extraction["companies"].values():
        counts.update(company)
    documents = _documents(running)
    return {
        "bills": {
            "read": counts["ready"] + counts["blocked"],
            "ready": counts["ready"],
            "posted": statuses["POSTED"] + statuses["ALREADY_IN_QB"],
            "rejected": statuses["REJECTED"],
            "acknowledged": statuses["ACKNOWLEDGED"],
            "failed": sum(statuses[s] for s in _FAILED),
            "waiting": sum(statuses[s] for s in _WAITING),
        },
        "quickbooks": {
            "bills": sum(kind == "Bill" for kind, _, _ in documents),
            "vendor_credits": sum(kind == "VendorCredit" for kind, _, _ in documents),
            "vendors": len(_created(running, "Vendor")),
            "attachments": _attachments(running),
            "duplicates": len(documents) - len({entry for _, _, entry in documents}),
        },
        "calls": {
            "odoo": len(running.recorders["odoo"].exchanges),
            "slack": _calls(running, "slack"),
            "quickbooks": _calls(running, "quickbooks"),
        },
        "dlq": _dead_letters(running),
        "seconds": seconds,
    }


def _created(running: Chain, entity: str) -> dict[tuple[str, str], Json]:
    """What QuickBooks created, by realm and id: an answer replayed is one document."""
    found = {}
    for exchange in matching(
        running.recorders["quickbooks"].exchanges,
        lambda e: e["method"] == "POST" and e["path"].endswith(f"/{entity.lower()}"),
    ):
        created = (exchange["answer"] or {}).get(entity)
        if created:
            found[exchange["path"].split("/")[3], str(created["Id"])] = created
    return found


def _documents(running: Chain) -> set[tuple[str, str, str]]:
    """Every bill and credit in QuickBooks as (entity, realm and id, entry_id of its marker)."""
    return {
        (entity, "/".join(where), _marked(created))
        for entity in ("Bill", "VendorCredit")
        for where, created in _created(running, entity).items()
    }


def _marked(created: Json) -> str:
    return str(created.get("PrivateNote", "")).partition("]")[0].removeprefix("[")


def _attachments(running: Chain) -> int:
    uploads = matching(
        running.recorders["quickbooks"].exchanges, lambda e: e["path"].endswith("/upload")
    )
    found = {
        (upload["path"].split("/")[3], str(row["Attachable"]["Id"]))
        for upload in uploads
        for row in upload["answer"].get("AttachableResponse", ())
        if "Attachable" in row
    }
    return len(found)


def _calls(running: Chain, vendor: str) -> dict[str, int]:
    words = Counter[str]()
    for exchange in running.recorders[vendor].exchanges:
        parts = [p for p in exchange["path"].split("/") if p]
        word = parts[-1] if parts else ""
        if vendor == "quickbooks":
            word = "token" if "bearer" in parts else parts[3] if len(parts) > 3 else word  # noqa: PLR2004
        if vendor == "slack" and "response" in parts:
            word = "response_url"
        words[word] += 1
    return dict(sorted(words.items()))


def _dead_letters(running: Chain) -> int:
    """Messages in every queue but the one that bills pass through."""
    sqs = running.emulator.client("sqs")
    urls = sqs.list_queues().get("QueueUrls", [])
    approved = running.outputs["sqs_queue_url"].rsplit("/", 1)[-1]
    attribute = "ApproximateNumberOfMessages"
    return sum(
        int(
            sqs.get_queue_attributes(QueueUrl=u, AttributeNames=[attribute])["Attributes"][
                attribute
            ]
        )
        for u in urls
        if u.rsplit("/", 1)[-1] != approved
    )


def _trouble(running: Chain, items: list[Json], report: Json) -> list[str]:
    """What the product promised and did not keep."""
    held = Counter(entry for _, _, entry in _documents(running))
    approved = [i for i in items if i["approvals"] and i["status"] not in {"REJECTED", "WITHDRAWN"}]
    found = [
        f"{i['odoo_name']} of {i['company']} was approved and is in QuickBooks"
        f" {held[i['entry_id']]} times ({i['status']}: {i.get('error', {}).get('message', '')})"
        for i in approved
        if held[i["entry_id"]] != 1
    ]
    found += [
        f"{entry} is in QuickBooks and was not approved"
        for entry in held.keys() - {i["entry_id"] for i in approved}
    ]
    if report["dlq"]:
        found.append(f"{report['dlq']} messages are in dead-letter queues")
    return found


def _table(items: list[Json], report: Json) -> list[str]:
    """The outcome as a table: a row a company, a column a status."""
    statuses = sorted({str(i["status"]) for i in items})
    companies = sorted({str(i["company"]) for i in items})
    widths = [max(len(s), 6) for s in statuses]
    first = max([len(c) for c in companies] + [7])
    heads = "  ".join(s.rjust(w) for s, w in zip(statuses, widths, strict=True))
    lines = ["", f"{'company'.ljust(first)}  {heads}"]
    for company in [*companies, "all"]:
        here = _statuses([i for i in items if company in {i["company"], "all"}])
        row = "  ".join(str(here[s]).rjust(w) for s, w in zip(statuses, widths, strict=True))
        lines.append(f"{company.ljust(first)}  {row}")
    quickbooks, calls = report["quickbooks"], report["calls"]
    lines += [
        "",
        "QuickBooks has {bills} bills and {vendor_credits} vendor credits of {vendors} vendors,"
        " {attachments} attachments, {duplicates} duplicates.".format(**quickbooks),
        (
            f"Calls: Odoo {calls['odoo']}; Slack {_pairs(calls['slack'])};"
            f" QuickBooks {_pairs(calls['quickbooks'])}."
        ),
        f"Dead letters: {report['dlq']}. Seconds: {_pairs(report['seconds'])}.",
    ]
    return lines


def _pairs(counts: Json) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
