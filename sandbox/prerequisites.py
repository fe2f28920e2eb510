"""What this machine needs before the chain can start: the programs, and the functions' packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
TERRAFORM_VERSION: Final = (1, 11)  # write-only arguments


class SetupError(RuntimeError):
    """The chain cannot be started on this machine; the sentence says what to do."""


def check_tools() -> None:
    """SetupError in a sentence if this machine lacks a program the sandbox starts."""
    for program, what in {
        "bash": "bash, which runs build.sh",
        "openssl": "openssl, with which the AWS emulator makes its certificate",
        "terraform": f"Terraform {TERRAFORM_VERSION[0]}.{TERRAFORM_VERSION[1]} or later",
    }.items():
        if not shutil.which(program):
            raise SetupError(f"{program} was not found on the PATH: install {what}.")
    done = subprocess.run(
        ["terraform", "version", "-json"],
        env={**os.environ, "CHECKPOINT_DISABLE": "1"},
        check=False,
        capture_output=True,
        text=True,
    )
    found = re.search(r'"terraform_version": *"(\d+)\.(\d+)', done.stdout)
    if not found:
        raise SetupError(
            f"terraform does not run: {' '.join((done.stderr or done.stdout).split())}"
        )
    if (int(found[1]), int(found[2])) < TERRAFORM_VERSION:
        needed = ".".join(map(str, TERRAFORM_VERSION))
        raise SetupError(f"This is Terraform {found[1]}.{found[2]}: install {needed} or later.")


def build() -> None:
    """Build the five packages; quick when nothing changed."""
    done = subprocess.run(["./build.sh"], cwd=PROJECT, check=False, capture_output=True, text=True)
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise SetupError(f"build.sh failed: {said}")
