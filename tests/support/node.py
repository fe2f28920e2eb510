"""Node.js, for what the documents show in JavaScript."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache


@cache
def node() -> str:
    """The program, installed first where that is needed and allowed."""
    said = ""
    for command in (["update"], ["install", "-y", "--no-install-recommends", "nodejs"]):
        if _found() or os.geteuid() != 0 or not shutil.which("apt-get"):
            break
        done = subprocess.run(
            ["apt-get", "-qq", *command],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        said = " ".join([said, *done.stderr.split()]) if done.returncode else said
    found = _found()
    assert found, f"There is no Node.js: install nodejs, 18 or later.{said}"
    return found


def _found() -> str | None:
    return shutil.which("node") or shutil.which("nodejs")
