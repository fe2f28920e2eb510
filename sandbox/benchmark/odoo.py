"""Bills with PDFs out of Odoo: calls, seconds and memory, beside a naive reader's.

Odoo is the simulator in this process, answering each call after 50 ms; AWS is the emulator in
another; who reads is a process of its own, whose memory is all its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sandbox.aws import emulator as aws
from sandbox.http_server import serve
from sandbox.in_process.aws import make_table
from sandbox.odoo.server import Odoo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATENCY_SECONDS: Final = 0.05
SIZES: Final = (1000, 5000)
NAIVE_BILLS: Final = 200  # read one by one, and scaled: thousands would take half an hour
PDF: Final = b"%PDF-1.7 " + bytes(range(256)) * 781  # 200 kB

Json = dict[str, Any]


def measure(project: Path, sizes: tuple[int, ...], say: Callable[[str], None]) -> Json:
    """Calls, seconds and peak memory for so many bills, each with a PDF of 200 kB."""
    results: Json = {"latency_seconds": LATENCY_SECONDS, "pdf_bytes": len(PDF), "runs": []}
    for bills in sizes:
        with _stage(project) as stage:
            add_bills(stage.odoo, bills)
            say(f"{NAIVE_BILLS} of {bills:,} bills, one by one")
            naive = stage.run("naive", NAIVE_BILLS)
            say(f"{bills:,} bills, as the extractor reads them")
            read = stage.run("read", bills)
            say(f"{bills:,} bills, read and stored")
            stored = stage.run("extract", bills)
            idle = stage.run("extract", 0)
        times = bills / naive["bills"]
        one_by_one = {
            "measured_bills": naive["bills"],
            "calls": round(naive["calls"] * times),
            "seconds": round(naive["seconds"] * times, 1),
        }
        results["runs"].append(
            {
                "bills": read["bills"],
                "naive": one_by_one,
                "reading": read,
                "extraction": stored,
                "idle_calls": idle["calls"] - 1,  # a new process signs in once
                "fewer_calls": round(one_by_one["calls"] / stored["calls"], 1),
                "faster": round(one_by_one["seconds"] / read["seconds"], 1),
            }
        )
    return results


def add_bills(odoo: Odoo, count: int) -> None:
    """So many bills, entered an hour ago, and nothing else; they share the bytes of one PDF."""
    before = odoo.clock() - timedelta(days=900)
    for move in odoo.records["account.move"].values():
        move |= {"write_date": before, "invoice_date": f"{before:%Y-%m-%d}"}
    odoo.ahead = -timedelta(hours=1)
    text = base64.b64encode(PDF).decode()
    checksum = hashlib.sha1(PDF, usedforsecurity=False).hexdigest()
    for bill in odoo.add_copies(count):
        move = odoo.records["account.move"][bill]
        move["invoice_date"] = move["date"] = "2026-11-02"
        for file in list(move["attachment_ids"]):
            odoo.detach(file)
        file = odoo.attach(bill, "bill.pdf", b"", main=True)
        same = {"datas": text, "file_size": len(PDF), "checksum": checksum}
        odoo.records["ir.attachment"][file] |= same
    odoo.ahead = timedelta()


class Stage:
    """Odoo and AWS, and processes that read from one into the other."""

    def __init__(self, project: Path, odoo: Odoo, environment: dict[str, str]) -> None:
        self.odoo = odoo
        self._project = project
        self._environment = environment

    def run(self, way: str, count: int) -> Json:
        """Start a reader and wait for it; what it says of itself."""
        command = [sys.executable, "-m", "sandbox.benchmark.reading", way, str(count)]
        done = subprocess.run(
            command,
            cwd=self._project,
            env=self._environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{way} failed: {done.stderr[-2000:]}")
        said: Json = json.loads(done.stdout.splitlines()[-1])
        return said


@contextmanager
def _stage(project: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        emulator = aws.start(folder)
        stack.callback(aws.stop, emulator)
        odoo = Odoo(latency_seconds=LATENCY_SECONDS)
        server = stack.enter_context(serve(odoo))
        environment = emulator.environment() | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(project / "lambda"),
            "AWS_DEFAULT_REGION": aws.REGION,
            "POWERTOOLS_LOG_LEVEL": "ERROR",
            "ODOO_API_URL": server.url,
            "RECORD_RETENTION_DAYS": "2555",
            "EXTRACT_SINCE": "2026-01-01",
        }
        yield Stage(project, odoo, environment | _account(emulator, odoo))


def _account(emulator: aws.Emulator, odoo: Odoo) -> dict[str, str]:
    """What the extractor finds in AWS, and the environment that says where."""
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    make_table(dynamodb)
    companies = {
        str(row["name"]): {
            "realm_id": str(9130350000000001 + n),
            "default_account": "Uncategorized Expense",
        }
        for n, row in enumerate(odoo.records["res.company"].values())
    }
    settings = {"entry_id": {"S": "settings"}, "companies": {"S": json.dumps(companies)}}
    dynamodb.put_item(TableName="bills", Item=settings)
    location = {"LocationConstraint": aws.REGION}
    s3.create_bucket(Bucket="documents", CreateBucketConfiguration=location)
    s3.put_bucket_versioning(Bucket="documents", VersioningConfiguration={"Status": "Enabled"})
    key = {"database": odoo.database, "username": "ap-bot@example.com"}
    secret = emulator.client("secretsmanager").create_secret(
        Name="odoo", SecretString=json.dumps(key | {"api_key": "sandbox-odoo-key"})
    )
    queue = emulator.client("sqs").create_queue(
        QueueName="approved.fifo", Attributes={"FifoQueue": "true"}
    )
    return {
        "DYNAMODB_TABLE": "bills",
        "S3_BUCKET": "documents",
        "SQS_QUEUE_URL": queue["QueueUrl"],
        "SNS_ALERT_TOPIC": emulator.client("sns").create_topic(Name="alerts")["TopicArn"],
        "ODOO_SECRET_ARN": secret["ARN"],
    }
