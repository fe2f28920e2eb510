"""AWS on this machine: start and stop the emulator, and talk to it.

All its files (data, certificate, log) are in one run directory, so that a second start finds what
the first one built.
"""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config

from sandbox.aws.run_directory import SAVED, STOP_WITHIN, EmulatorError, hold, is_held, prepare
from sandbox.http_server import Ports

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT: Final = Path(__file__).parents[2]
REGION: Final = "us-west-2"
START_WITHIN: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account in a running emulator: its address, certificate and credentials."""

    url: str
    ca_bundle: Path
    region: str = REGION
    account: str = "000000000000"
    access_key: str = "test"
    secret_key: str = "test"  # noqa: S105 - MiniStack's own, worth nothing elsewhere
    run_dir: Path

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """A client of `service` that sees none of this machine's AWS settings or proxies."""
        nothing: dict[str, tuple[None, list[str], str | None, None]] = {
            name: (None, [], value, None)
            for name, value in {
                "profile": None,
                "config_file": os.devnull,
                "credentials_file": os.devnull,
            }.items()
        }
        return botocore.session.Session(session_vars=nothing).create_client(
            service,
            endpoint_url=self.url,
            verify=str(self.ca_bundle),
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                proxies={},
                s3={"addressing_style": "path"},
                connect_timeout=5,
                read_timeout=330,  # a function may take five minutes to answer
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        )

    def environment(self) -> dict[str, str]:
        """The environment in which Terraform, the AWS CLI and boto3 reach this emulator alone.

        The region has both its names: boto3 and version 1 of the CLI read AWS_DEFAULT_REGION only.
        """
        return _clean_environment() | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.ca_bundle),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def function_url(self, url_id_or_full_url: str, path: str = "/") -> str:
        """The local address of a Function URL (or its id), whose host name does not exist."""
        host = urlsplit(url_id_or_full_url).hostname or url_id_or_full_url
        return f"{self.url}/_aws/lambda-url/{host.partition('.')[0]}/{path.lstrip('/')}"

    @property
    def outbox(self) -> Path:
        """The e-mails the account sent: a JSON object (to, subject, message) a line."""
        return self.run_dir / "outbox.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator(Account):
    """A running emulator that this process has started."""

    process: subprocess.Popen[bytes]


def running(run_dir: Path) -> Account | None:
    """The account of the emulator that another process runs on this directory, if one does."""
    port = Ports(run_dir / "ports.json").last("aws")
    if not port or not is_held(run_dir):
        return None
    certificate = run_dir / "tmp" / "ministack-tls" / "server.crt"
    return Account(url=f"https://127.0.0.1:{port}", ca_bundle=certificate, run_dir=run_dir)


def start(
    run_dir: Path,
    *,
    port: int = 0,
    held: int | None = None,
    stream_shards: int = 1,
    runs: int = 0,
    module: str = "sandbox.aws.ministack",
    say: Callable[[str], None] = lambda _: None,
) -> Emulator:
    """Start the emulator on `run_dir`, with what an earlier one saved there.

    `port` 0 takes the port of last time, else a free one. The addresses of queues hold the port:
    on another one the emulator starts empty, and Terraform builds again. The same happens after
    an end that left things half done. `held` is the descriptor from `hold`, if that was called.
    `stream_shards` readers read a table's stream at the same moment. The account may have so many
    `runs` of functions at once, or 0 for the usual number. `module` "ministack" is the
    emulator as released, without our fixes.
    """
    run_dir = run_dir.absolute()
    for folder in ("tmp", "state"):
        (run_dir / folder).mkdir(parents=True, exist_ok=True)
    lock = hold(run_dir, say) if held is None else held
    try:
        port = prepare(run_dir, port, say)
        for left in (run_dir / "tmp").glob("ministack-lambda-*"):
            shutil.rmtree(left, ignore_errors=True)
        certificate = run_dir / "tmp" / "ministack-tls" / "server.crt"
        environment = _clean_environment() | {
            "HOME": str(run_dir),
            "TMPDIR": str(run_dir / "tmp"),
            "AUTH": "true",  # permissions are enforced
            "USE_SSL": "1",  # the policies that refuse plain HTTP allow us
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AWS_CA_BUNDLE": str(certificate),  # for the functions
            "PERSIST_STATE": "1",
            "STATE_DIR": str(run_dir / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(run_dir / "state" / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "SANDBOX_OUTBOX": str(run_dir / "outbox.jsonl"),
            "SANDBOX_SAVED": str(run_dir / SAVED),
            "SANDBOX_STREAM_SHARDS": str(stream_shards),
            **({"LAMBDA_ACCOUNT_CONCURRENCY": str(runs)} if runs else {}),
        }
        with (run_dir / "emulator.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,  # when it closes, the emulator knows that we have ended
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that only we handle Ctrl-C
                pass_fds=[lock],
            )
    finally:
        if held is None:
            os.close(lock)
    emulator = Emulator(
        url=f"https://127.0.0.1:{port}", ca_bundle=certificate, run_dir=run_dir, process=process
    )
    try:
        _wait_until_ready(emulator)
    except BaseException:
        stop(emulator)
        raise
    return emulator


def stop(emulator: Emulator) -> None:
    """Let the emulator save its state, then end it and all it started."""
    process = emulator.process
    with suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(STOP_WITHIN)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


def _clean_environment() -> dict[str, str]:
    """The environment for a tool, without credentials, endpoints or proxies."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _wait_until_ready(emulator: Emulator) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not _is_ready(emulator):
        if emulator.process.poll() is not None or time.monotonic() > deadline:
            said = (emulator.run_dir / "emulator.log").read_text(errors="replace").splitlines()
            raise EmulatorError("The AWS emulator did not start: " + " | ".join(said[-5:]))
        time.sleep(0.1)


def _is_ready(emulator: Emulator) -> bool:
    try:
        trust = ssl.create_default_context(cafile=emulator.ca_bundle)
        direct = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        with direct.open(f"{emulator.url}/_ministack/ready", timeout=2):
            return True
    except (URLError, OSError):
        return False
