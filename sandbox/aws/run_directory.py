"""The directory of one sandbox: used by one emulator at a time, without unusable state."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import time
from typing import TYPE_CHECKING, Final

from sandbox import terraform
from sandbox.http_server import Ports, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STOP_WITHIN: Final = 45.0  # seconds; the emulator saves its state first
SAVED: Final = "saved"  # names the files of a completely saved state


class EmulatorError(RuntimeError):
    """The emulator did not start; the sentence quotes its log."""


def hold(run_dir: Path, say: Callable[[str], None]) -> int:
    """A descriptor that locks the run directory for one sandbox; its emulator inherits it.

    An emulator that is still saving holds the lock: starting now would lose what it saves.
    """
    lock = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline, has_said = time.monotonic() + STOP_WITHIN, False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise EmulatorError(
                    f"Another sandbox is running in {run_dir}. Stop it, or set SANDBOX_RUN_DIR to"
                    " another folder."
                ) from None
            if not has_said:
                say(f"another sandbox uses {run_dir}: waiting up to {STOP_WITHIN:.0f} s")
                has_said = True
            time.sleep(0.2)
        else:
            return lock


def is_held(run_dir: Path) -> bool:
    """Whether a sandbox uses this directory now."""
    try:
        lock = os.open(run_dir / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def prepare(run_dir: Path, wanted: int, say: Callable[[str], None]) -> int:
    """The port to listen on; drops earlier state that cannot be used any longer."""
    ports = Ports(run_dir / "ports.json")
    last = ports.last("aws")
    if wanted and (why_not := refused(wanted)):
        raise EmulatorError(f"Port {wanted} {why_not}.")
    port = wanted or ports.free("aws") or _any_free()
    state = run_dir / "state"
    if lost := _lost(run_dir, kept_port=port == last):
        shutil.rmtree(state)
        state.mkdir()
        terraform.forget(run_dir)
        if last:
            say(f"{lost}: building everything again")
    ports.remember("aws", port)
    (run_dir / SAVED).unlink(missing_ok=True)  # until it is saved again
    return port


def _lost(run_dir: Path, *, kept_port: bool) -> str:
    """Why earlier state cannot be used; empty if it can."""
    if not kept_port:
        return "last time's port is taken, and the addresses of queues contain it"
    if terraform.was_cut_off(run_dir):
        return "the last start did not finish"
    saved = run_dir / SAVED
    names = saved.read_text().split() if saved.exists() else []
    if not names or not all((run_dir / "state" / name).exists() for name in names):
        return "the saved state is incomplete"
    return ""


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
