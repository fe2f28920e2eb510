"""Debian's Chromium without a window, installed first where that is needed and allowed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Final

from selenium import webdriver

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES: Final = ("chromium", "chromium-driver")
FONTS: Final = ("fonts-noto-color-emoji",)  # or the pictures have empty boxes
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,800",
)


def a_browser(profile: Path, **logs: str) -> webdriver.Chrome:
    """A browser with an empty profile; `logs` are kept beside that of its pages."""
    browser, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", **logs})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def programs() -> tuple[str, str]:
    """The browser and its driver, installed first where that is needed and allowed."""
    said = ""
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES, *FONTS]):
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
    assert found, f"There is no browser: install {' and '.join(PACKAGES)}.{said}"
    return found


def _found() -> tuple[str, str] | None:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None
