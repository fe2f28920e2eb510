"""Run a command (`child_process.py terraform apply`) that ends when its parent does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the command line's words; the status is the command's."""
    # A signal to the group reaches the command, which handles it itself.
    signal.signal(signal.SIGINT, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return command.wait()


def _end_with_parent() -> None:
    """Kill the whole group when the parent is gone."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
