"""The sandbox as somebody at a terminal meets it: a demo that ends, a chain that stands."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PROJECT: Final = Path(__file__).parents[2]
VENDORS: Final = ("odoo", "slack", "quickbooks")

Json = dict[str, Any]


def environment(run_dir: Path) -> dict[str, str]:
    return {**os.environ, "SANDBOX_RUN_DIR": str(run_dir), "PYTHONUNBUFFERED": "1"}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A demo that has ended: what it said, counted and traced."""

    status: int
    said: str
    report: Json
    trace: dict[str, list[Json]]
    folder: Path


def demo(run_dir: Path, folder: Path, *options: str) -> Demo:
    """Run a demo to its end; its files are in `folder`."""
    return to_its_end("demo", VENDORS, run_dir, folder, *options)


def to_its_end(
    name: str, traced: Iterable[str], run_dir: Path, folder: Path, *options: str
) -> Demo:
    """Run a command that writes counts and a trace of these vendors; its files are in `folder`."""
    command = [sys.executable, "-m", "sandbox", name, *options]
    done = subprocess.run(
        [*command, "--json", str(folder / "counts.json"), "--trace", str(folder / "trace")],
        cwd=PROJECT,
        env=environment(run_dir),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # a hang: no machine is that slow
    )
    assert done.stderr == ""
    return Demo(
        status=done.returncode,
        said=done.stdout,
        report=json.loads((folder / "counts.json").read_text()),
        trace={
            vendor: [
                json.loads(line)
                for line in (folder / "trace" / f"{vendor}.jsonl").read_text().split("\n")
                if line
            ]
            for vendor in traced
        },
        folder=folder,
    )


@dataclass(kw_only=True)
class Standing:
    """A sandbox that was started with `serve` and stands: nothing is extracted yet."""

    process: subprocess.Popen[str]
    addresses: dict[str, str]  # page, odoo, slack, quickbooks, aws, clicks, e-mails
    exports: dict[str, str]  # the AWS_… variables it names
    run_dir: Path
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **credentials: str) -> Any:
        """A client of the account's owner, or of whoever has these credentials."""
        if credentials or service not in self._clients:
            owner = {
                "aws_access_key_id": self.exports["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": self.exports["AWS_SECRET_ACCESS_KEY"],
            }
            session: Any = boto3.Session()
            made = session.client(
                service,
                endpoint_url=self.exports["AWS_ENDPOINT_URL"],
                verify=self.exports["AWS_CA_BUNDLE"],
                region_name=self.exports["AWS_REGION"],
                config=Config(
                    retries={"total_max_attempts": 1},
                    read_timeout=330,  # a function may take five minutes to answer
                    s3={"addressing_style": "path"},
                ),
                **(credentials or owner),
            )
            if credentials:
                return made
            self._clients[service] = made
        return self._clients[service]

    def invoke(self, payload: Json, function: str = "extractor") -> tuple[Json, str]:
        """Call a function by hand; its answer, and the error's kind if it failed."""
        answer = self.client("lambda").invoke(
            FunctionName=f"odoo-{function}-sandbox", Payload=json.dumps(payload).encode()
        )
        return json.loads(answer["Payload"].read()), answer.get("FunctionError", "")

    def mails(self, subject: str) -> list[Json]:
        outbox = Path(self.addresses["e-mails"])
        lines = outbox.read_text().splitlines() if outbox.exists() else []
        return [m for m in map(json.loads, lines) if m["subject"].startswith(subject)]

    def processes(self) -> set[int]:
        """Everything that runs on this run directory."""
        found = set()
        for name in Path("/proc").glob("[0-9]*/environ"):
            try:
                if str(self.run_dir).encode() in name.read_bytes():
                    found.add(int(name.parent.name))
            except OSError:
                continue  # it ended meanwhile, or is somebody else's
        return found


@contextmanager
def standing(run_dir: Path, *options: str) -> Iterator[Standing]:
    """A sandbox that stands, as `make sandbox` starts it, until it is left."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--port", "0", *options],
        cwd=PROJECT,
        env=environment(run_dir),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = []
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                if "Ctrl-C" in line:
                    break
            said = "\n".join(lines)
            assert "Ctrl-C" in said, said
            exports = (line.removeprefix("export ") for line in lines if line[:7] == "export ")
            yield Standing(
                process=process,
                addresses=dict(re.findall(r"^ *[0-9.]+  ([a-z-]+) +(\S+)$", said, re.MULTILINE)),
                exports=dict(line.split("=", 1) for line in exports),
                run_dir=run_dir,
            )
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=120)
