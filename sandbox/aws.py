"""AWS on this machine: start and stop the emulator, talk to it, apply the infrastructure to it.

Everything it keeps (data, certificate, log, Terraform's state) is in one run directory, so that
a second start finds what the first one built.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import socket
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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PROJECT: Final = Path(__file__).parent.parent
REGION: Final = "us-west-2"
TERRAFORM_STATE: Final = "terraform.tfstate"
STOP_WITHIN: Final = 45.0  # seconds; the emulator saves its state first
START_WITHIN: Final = 60.0
EMPTY: Final = "{}"  # a token secret in which the poster finds nothing, so it starts from its seed


class EmulatorError(RuntimeError):
    """The emulator did not start; the sentence says what its log says."""


class TerraformError(RuntimeError):
    """Terraform refused or could not finish; the sentence is made of its own diagnostics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """A running emulator of one account: where it listens and what it believes."""

    url: str
    ca_bundle: Path
    region: str = REGION
    account: str = "000000000000"
    access_key: str = "test"
    secret_key: str = "test"  # noqa: S105 - MiniStack's own, worth nothing elsewhere
    run_dir: Path
    process: subprocess.Popen[bytes]

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
        """The environment in which Terraform and the AWS CLI reach this emulator alone."""
        return _clean_environment() | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_CA_BUNDLE": str(self.ca_bundle),
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def function_url(self, url_id_or_full_url: str, path: str = "/") -> str:
        """Where a Function URL (or its id) is reached here: its own host name does not exist."""
        host = urlsplit(url_id_or_full_url).hostname or url_id_or_full_url
        return f"{self.url}/_aws/lambda-url/{host.partition('.')[0]}/{path.lstrip('/')}"

    @property
    def outbox(self) -> Path:
        """The e-mails the account sent: a JSON object (to, subject, message) a line."""
        return self.run_dir / "outbox.jsonl"


def start(run_dir: Path, *, port: int = 0) -> Emulator:
    """Start the emulator on `run_dir`, with what an earlier one saved there.

    `port` 0 takes the port of last time, else a free one. The addresses of queues hold the port:
    on another one than last time the emulator starts empty, and Terraform builds again.
    """
    run_dir = run_dir.absolute()
    for folder in ("tmp", "state"):
        (run_dir / folder).mkdir(parents=True, exist_ok=True)
    lock = _lock(run_dir)
    try:
        port = _settle_port(run_dir, port)
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
        }
        with (run_dir / "emulator.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.ministack"],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,  # its end tells the emulator that we are gone
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle
                pass_fds=[lock],
            )
    finally:
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
    """Let the emulator save its state and end, with all it started."""
    process = emulator.process
    with suppress(subprocess.TimeoutExpired):
        process.terminate()
        process.wait(STOP_WITHIN)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin:
        process.stdin.close()


def forget(emulator: Emulator, *, table: str, bucket: str) -> None:
    """Empty the account of a demo's data and leave its infrastructure and settings.

    Items, documents in all versions, messages, QuickBooks tokens and e-mails go.
    """
    dynamodb, s3 = emulator.client("dynamodb"), emulator.client("s3")
    sqs, secrets = emulator.client("sqs"), emulator.client("secretsmanager")
    for url in sqs.list_queues().get("QueueUrls", ()):
        sqs.purge_queue(QueueUrl=url)
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table, ProjectionExpression="entry_id"
    )
    keys = [item for page in pages for item in page["Items"] if item["entry_id"]["S"] != "settings"]
    for some in _chunks(keys, 25):
        deletions = [{"DeleteRequest": {"Key": key}} for key in some]
        while deletions:
            answer = dynamodb.batch_write_item(RequestItems={table: deletions})
            deletions = answer.get("UnprocessedItems", {}).get(table)
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for kind in ("Versions", "DeleteMarkers")
            for version in page.get(kind, ())
        ]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    for page in secrets.get_paginator("list_secrets").paginate():
        for secret in page["SecretList"]:
            if secret["Name"].startswith("odoo-qb-integration/quickbooks-token-"):
                secrets.put_secret_value(SecretId=secret["ARN"], SecretString=EMPTY)
    emulator.outbox.unlink(missing_ok=True)


def _chunks(things: list[Any], size: int) -> Iterable[list[Any]]:
    return (things[first : first + size] for first in range(0, len(things), size))


def _clean_environment() -> dict[str, str]:
    """What a tool needs of this machine; nobody's credentials, endpoints or proxies."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _lock(run_dir: Path) -> int:
    """A descriptor that holds the run directory for one emulator, which inherits it.

    An emulator that is still saving holds it: starting beside it would lose what it saves.
    """
    lock = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + STOP_WITHIN
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise EmulatorError(f"Another sandbox is running in {run_dir}.") from None
            time.sleep(0.2)
        else:
            return lock


def _settle_port(run_dir: Path, wanted: int) -> int:
    remembered = run_dir / "port"
    last = int(remembered.read_text()) if remembered.exists() else 0
    if wanted and not is_free(wanted):
        raise EmulatorError(f"Port {wanted} is taken by another program.")
    port = wanted or (last if last and is_free(last) else _any_free())
    if port != last:
        shutil.rmtree(run_dir / "state")
        (run_dir / "state").mkdir()
        remembered.write_text(str(port))
    if not any((run_dir / "state").glob("*.json")):  # Terraform would look for what is gone
        (run_dir / TERRAFORM_STATE).unlink(missing_ok=True)
    return port


def is_free(port: int) -> bool:
    """Whether a server can listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class Terraform:
    """Applies the project's Terraform files from a folder of its own.

    That folder in the run directory links to the project's files but leaves out the operator's
    `terraform.tfvars`, backend and state: the sandbox must neither read nor touch them.
    """

    def __init__(self, root: Path, run_dir: Path, environment: Mapping[str, str]) -> None:
        self._root = root.absolute()
        self._folder = run_dir.absolute() / "terraform"
        self._state = run_dir.absolute() / TERRAFORM_STATE
        self._environment = {
            **environment,
            "TF_DATA_DIR": str(run_dir.absolute() / "terraform.data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }

    def init(self) -> None:
        """Fetch the provider, from an unpacked mirror on this machine if there is one."""
        self._link()
        text = b"".join(file.read_bytes() for file in sorted(self._folder.glob("*.tf")))
        stamp, digest = self._folder / "initialised", hashlib.sha256(text).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        mirror = plugin_mirror()
        self._run(
            ["init", "-input=false", *([f"-plugin-dir={mirror}"] if mirror else [])],
            # What Terraform needs to download the provider is none of what it needs later.
            {name: value for name, value in os.environ.items() if _concerns_downloads(name)},
        )
        stamp.write_text(digest)

    def apply(self, variables: Mapping[str, object], progress: Callable[[str], None]) -> None:
        """Make the emulator what the files say, telling `progress` how far it is.

        Variables, secret ones too, go by a file only this user can read.
        """
        self._change(["apply"], variables, progress)

    def destroy(self, variables: Mapping[str, object], progress: Callable[[str], None]) -> None:
        """Remove everything `apply` made."""
        self._change(["apply", "-destroy"], variables, progress)

    def output(self) -> dict[str, Any]:
        """The outputs by name, as plain values."""
        answer: dict[str, dict[str, Any]] = json.loads(self._run(["output", "-json"]))
        return {name: output["value"] for name, output in answer.items()}

    def _link(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        ours = {
            source.name: source
            for source in self._root.iterdir()
            if not source.name.startswith(".") and not re.search(r"\.tf(vars|state)", source.name)
        }
        for link in self._folder.iterdir():
            if link.is_symlink() and ours.get(link.name) != link.readlink():
                link.unlink()
        for name, source in ours.items():
            if not (self._folder / name).is_symlink():
                (self._folder / name).symlink_to(source)
        backend = {"terraform": {"backend": {"local": {"path": str(self._state)}}}}
        (self._folder / "sandbox_override.tf.json").write_text(json.dumps(backend))

    def _change(
        self, command: list[str], variables: Mapping[str, object], progress: Callable[[str], None]
    ) -> None:
        values = self._folder / "sandbox.tfvars.json"
        values.unlink(missing_ok=True)
        with os.fdopen(os.open(values, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(dict(variables), file)
        command += ["-json", "-auto-approve", "-input=false", "-parallelism=30"]
        report = _Report(progress)
        try:
            with self._start([*command, f"-var-file={values}"]) as process:
                try:
                    for line in process.stdout or ():
                        report.read(line)
                except BaseException:
                    process.send_signal(signal.SIGINT)  # Terraform then saves what it has done
                    process.communicate()
                    raise
        finally:
            values.unlink()
        if process.returncode:
            raise TerraformError(report.failure())

    def _run(self, arguments: list[str], more: Mapping[str, str] | None = None) -> str:
        with self._start(arguments, more) as process:
            said, _ = process.communicate()
        if process.returncode:
            raise TerraformError(f"terraform {arguments[0]} failed: {' '.join(said.split())}")
        return said

    def _start(
        self, arguments: list[str], more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(
                ["terraform", f"-chdir={self._folder}", arguments[0], "-no-color", *arguments[1:]],
                env={**(more or {}), **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise TerraformError(
                "Terraform is not installed: the sandbox needs 1.11 or later."
            ) from None


class _Report:
    """Turns Terraform's JSON events into short lines for a person, at most two a second.

    https://developer.hashicorp.com/terraform/internals/machine-readable-ui
    """

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._began = self._last = time.monotonic()
        self._total = self._done = 0
        self._busy: dict[str, str] = {}  # address: kind, oldest first
        self._errors: list[str] = []
        self._other: list[str] = []

    def read(self, line: str) -> None:
        """Take in one line of Terraform's."""
        try:
            event = json.loads(line)
        except ValueError:
            self._other.append(line.strip())
            return
        kind, hook = event.get("type"), event.get("hook", {})
        resource = hook.get("resource", {})
        if hook.get("action") == "read":
            return  # looking something up changes nothing
        if kind == "change_summary" and event["changes"]["operation"] == "plan":
            self._total = sum(event["changes"][name] for name in ("add", "change", "remove"))
        elif kind == "apply_start":
            self._busy[resource["addr"]] = resource["resource_type"]
        elif kind in {"apply_complete", "apply_errored"}:
            self._busy.pop(resource["addr"], None)
            self._done += kind == "apply_complete"
        elif kind == "diagnostic" and event["diagnostic"]["severity"] == "error":
            problem = event["diagnostic"]
            where = f" ({problem['address']})" if problem.get("address") else ""
            detail = " ".join(problem.get("detail", "").split())
            self._errors.append(f"{problem['summary']}{where}{': ' if detail else ''}{detail}")
        if str(kind).startswith("apply_") and time.monotonic() > self._last + 0.5:
            self._last = time.monotonic()
            self._progress(self.line())

    def line(self) -> str:
        """How far it is, in one line."""
        words = next(iter(self._busy.values()), "").removeprefix("aws_").replace("_", " ")
        waiting = f"waiting for {words}, " if words else ""
        seconds = time.monotonic() - self._began
        return f"{self._done} of {self._total} resources, {waiting}{seconds:.0f} s"

    def failure(self) -> str:
        """Why it failed, in Terraform's words."""
        return "terraform apply failed: " + " | ".join(self._errors or self._other[-5:])


def plugin_mirror() -> Path | None:
    """A folder of unpacked providers, as `terraform init -plugin-dir` wants it."""
    home = Path.home() / ".terraform.d"
    places = [
        *(Path(os.environ[name]) for name in ("TF_PLUGIN_MIRROR",) if os.environ.get(name)),
        home / "plugins",
        home / "plugin-cache",
        Path("/usr/local/share/terraform/plugins"),
        Path("/usr/share/terraform/plugins"),
        *sorted(Path("/opt").glob("*")),
    ]
    wanted = "registry.terraform.io/hashicorp/aws"
    return next((place for place in places if (place / wanted).is_dir()), None)


def _concerns_downloads(name: str) -> bool:
    return name.upper() in {
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "TF_CLI_CONFIG_FILE",
        "TF_PLUGIN_CACHE_DIR",
    }
