"""Run a command (`leash.py terraform apply`) that ends when the pipe to this process does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Run the command line's words; the status is the command's."""
    # What is sent to the group is for the command, which gets it too.
    signal.signal(signal.SIGINT, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    return command.wait()


def _end_with_parent() -> None:
    """End the whole group at once: nobody is left to whom an orderly end would matter."""
    os.read(sys.stdin.fileno(), 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
