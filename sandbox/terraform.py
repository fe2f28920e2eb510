"""Terraform on this machine: the project's own files applied to the emulator, and what it says.

It keeps everything in the run directory and ends with its parent. If it kept running, it would hold
the state lock and change what the next start builds.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_STATE: Final = "terraform.tfstate"
_LOCK: Final = f".{_STATE}.lock.info"
_UNDER_WAY: Final = (
    "terraform.under-way"  # exists during a change, and after one that was interrupted
)
# How rarely Terraform and its provider, which live for seconds, look for memory to free: by default
# that is a quarter of their work, and so it is a tenth, for a hundred megabytes more.
GOGC: Final = "400"
_CHILD_PROCESS: Final = Path(__file__).parent / "aws" / "child_process.py"


class TerraformError(RuntimeError):
    """Terraform refused or could not finish; the sentence has its own diagnostics."""


def was_cut_off(run_dir: Path) -> bool:
    """Whether a change was interrupted: what it created is then in no state file."""
    return (run_dir / _UNDER_WAY).exists()


def forget(run_dir: Path) -> None:
    """Let the next apply build from nothing."""
    for name in (_STATE, f"{_STATE}.backup", _LOCK, _UNDER_WAY):
        (run_dir / name).unlink(missing_ok=True)


class Terraform:
    """Applies the project's Terraform files from a folder of its own.

    That folder in the run directory links to the project's files but leaves out the operator's
    `terraform.tfvars`, backend and state: the sandbox must neither read nor touch them.
    """

    def __init__(self, root: Path, run_dir: Path, environment: Mapping[str, str]) -> None:
        self._root = root.absolute()
        self._run_dir = run_dir.absolute()
        self._folder = self._run_dir / "terraform"
        self._under_way = self._run_dir / _UNDER_WAY
        self._environment = {
            **environment,
            "TF_DATA_DIR": str(self._run_dir / "terraform.data"),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "GOGC": GOGC,
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
            # Only downloading the provider needs these variables.
            {name: value for name, value in os.environ.items() if _concerns_downloads(name)},
        )
        stamp.write_text(digest)

    def apply(
        self,
        variables: Mapping[str, object],
        progress: Callable[[str], None],
        *,
        only: Iterable[str] = (),
    ) -> None:
        """Apply the files to the emulator, reporting to `progress` how far it is.

        Variables, including secrets, are passed in a file that only this user can read. `only`
        limits it to these resources and what they need, which is quicker.
        """
        self._change(["apply", *(f"-target={one}" for one in only)], variables, progress)

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
        backend = {"terraform": {"backend": {"local": {"path": str(self._run_dir / _STATE)}}}}
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
        self._under_way.touch()
        try:
            with self._start([*command, f"-var-file={values}"]) as process:
                try:
                    for line in process.stdout or ():
                        report.read(line)
                except BaseException:
                    os.killpg(process.pid, signal.SIGINT)  # Terraform then saves what it has done
                    _ended(process)
                    raise
            self._under_way.unlink()
        finally:
            values.unlink()
        if process.returncode:
            raise self._failed(report.failure())

    def _run(self, arguments: list[str], more: Mapping[str, str] | None = None) -> str:
        with self._start(arguments, more) as process:
            said = _ended(process)
        if process.returncode:
            raise self._failed(f"terraform {arguments[0]} failed: {' '.join(said.split())}")
        return said

    def _failed(self, why: str) -> TerraformError:
        return TerraformError(
            f"{why} (If it fails again, remove {self._run_dir}: everything is then built again.)"
        )

    def _start(
        self, arguments: list[str], more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = ["terraform", f"-chdir={self._folder}", arguments[0], "-no-color", *arguments[1:]]
        return subprocess.Popen(
            [sys.executable, "-I", str(_CHILD_PROCESS), *command],
            env={**(more or {}), **self._environment},
            stdin=subprocess.PIPE,  # when it closes, the child process knows that we are gone
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _ended(process: subprocess.Popen[str]) -> str:
    """Its output until it ends; `communicate` would close its input and end it."""
    said = process.stdout.read() if process.stdout else ""
    process.wait()
    return said


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
            return  # reading a data source changes nothing
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
