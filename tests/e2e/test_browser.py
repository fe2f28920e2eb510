"""A person at the sandbox's page, in a real browser: approves, rejects, amends, is refused.

The browser is Debian's chromium. Where it is missing it is installed if that is allowed here;
in CI a missing browser is a failure. Screenshots are left in artefacts/.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from selenium import webdriver
from selenium.common.exceptions import (
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium.webdriver.remote.webelement import WebElement

PROJECT: Final = Path(__file__).parent.parent.parent
ARTEFACTS: Final = PROJECT / "artefacts"
PACKAGES: Final = ("chromium", "chromium-driver")
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
_NOT_YET: Final = (  # or just redrawn
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
WITHIN: Final = 60.0  # seconds in which anything here has happened


def programs() -> tuple[str, str]:
    """The browser and its driver, installed first where that is needed and allowed."""
    if not (shutil.which("chromium") and shutil.which("chromedriver")) and os.geteuid() == 0:
        for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            if shutil.which("apt-get"):
                subprocess.run(
                    ["apt-get", "-qq", *command],
                    env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                    stdout=subprocess.DEVNULL,
                    check=False,
                    timeout=600,
                )
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(found):
        told = f"There is no browser: install {' and '.join(PACKAGES)}."
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    return str(found[0]), str(found[1])


@contextmanager
def sandbox(run_dir: Path) -> Iterator[dict[str, str]]:
    """A sandbox as a person starts it; where its parts listen, by name."""
    with subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", "--port", "0"],
        cwd=PROJECT,
        env={**os.environ, "SANDBOX_RUN_DIR": str(run_dir), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            lines = []
            for line in process.stdout or ():
                lines.append(line[8:].rstrip("\n"))
                if "Ctrl-C" in line:
                    break
            said = "\n".join(lines)
            assert "Ctrl-C" in said, said
            yield dict(re.findall(r"^([a-z-]+) +(\S+)$", said, re.MULTILINE))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


@dataclass(kw_only=True)
class Person:
    """Somebody at the page, who waits until things are as expected."""

    driver: webdriver.Chrome
    addresses: dict[str, str]

    def see[T](self, what: Callable[[], T], told: str) -> T:
        """What becomes true within a while; the page redraws itself meanwhile."""
        until = time.monotonic() + WITHIN
        while True:
            try:
                if found := what():
                    return found
            except _NOT_YET:
                pass
            if time.monotonic() > until:
                self.picture("failed")
                raise AssertionError(f"never seen: {told}")
            time.sleep(0.1)

    def find(self, css: str) -> WebElement:
        return self.see(lambda: self.driver.find_element(By.CSS_SELECTOR, css), css)

    def text(self, css: str) -> str:
        """A thing's text; empty if it is not there now."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.driver.execute_script(script, css))

    def reads(self, css: str, words: str) -> None:
        self.see(lambda: words in self.text(css), f"{words!r} in {css}")

    def press(self, css: str) -> None:
        """Press a button or a link by Enter: what moves while it is aimed at cannot be missed."""

        def pressed() -> bool:
            self.driver.find_element(By.CSS_SELECTOR, css).send_keys(Keys.ENTER)
            return True

        self.see(pressed, f"{css} to press")

    def act_as(self, name: str) -> None:
        Select(self.find("#person")).select_by_visible_text(name)

    def write(self, css: str, words: str) -> None:
        thing = self.find(css)
        thing.send_keys(Keys.CONTROL, "a")
        thing.send_keys(words)

    def bill(self, name: str, company: str) -> int:
        """The number in Odoo of a bill."""
        self.driver.get(f"{self.addresses['page']}/?company={company}")
        script = (
            "return [...document.querySelectorAll('article.bill')]"
            ".find(row => row.innerText.includes(arguments[0]))?.id ?? ''"
        )
        found = self.see(lambda: self.driver.execute_script(script, name), f"the bill {name}")
        return int(str(found).removeprefix("bill-"))

    def card(self, bill: int) -> str:
        """The selector of a bill's last card, after jumping to it."""
        chip = f"#bill-{bill} a[title='Show its card']"
        target = str(self.find(chip).get_attribute("href")).partition("#")[2]
        self.press(chip)
        return f"[id='{target}']"

    def log(self, kind: str) -> list[str]:
        """What the browser noted: of its requests (`performance`) or of faults (`browser`)."""
        entries = self.driver.execute("getLog", {"type": kind})["value"]
        return [str(entry["message"]) for entry in entries]

    def picture(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.driver.save_screenshot(str(ARTEFACTS / f"{name}.png"))


def screen(width: int) -> dict[str, Any]:
    return {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    browser, driver = programs()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('browser')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    kept = os.environ.get("SANDBOX_RUN_DIR")  # saves the minute that the first start takes
    run_dir = Path(kept) if kept else tmp_path_factory.mktemp("run")
    with sandbox(run_dir) as addresses:
        chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        try:
            chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(1280))
            chrome.get(addresses["page"])
            yield Person(driver=chrome, addresses=addresses)
        finally:
            chrome.quit()


def test_extracting_brings_a_card_for_every_bill_without_a_reload(person: Person) -> None:
    assert "No bill has been asked about yet" in person.text(".slack")

    person.press("#extract button")

    person.reads("#said", "98 ready")
    person.reads(".count.is-READY_FOR_APPROVAL", "98")
    person.see(
        lambda: len(person.driver.find_elements(By.CSS_SELECTOR, ".messages > .message")) == 98,
        "98 cards",
    )
    person.picture("1-cards")
    runs = (
        "return [...document.querySelectorAll('#runs tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent.trim()).join(' ')).join('; ')"
    )
    ran = r"extractor \d\d:\d\d 1 0; notifier \d\d:\d\d [1-9]\d* 0;"
    person.see(lambda: re.search(ran, str(person.driver.execute_script(runs))), "what ran")


def test_an_approved_bill_is_seen_arriving_in_quickbooks(person: Person) -> None:
    bill = person.bill("1M-INV-1001", "1MD")
    card = person.card(bill)

    person.press(f"{card} button[value='approve_invoice']")

    person.reads(f"#bill-{bill} .chip", "posted")
    person.reads(card, "Posted to QuickBooks")
    person.press(f"#bill-{bill} a[title='Show it in QuickBooks']")
    person.reads(".document[open]", "1M-INV-1001")
    person.picture("2-approved")
    name = person.find(".document[open] .files a").get_attribute("href")
    assert requests.get(str(name), timeout=10).content.startswith(b"%PDF")


def test_a_rejection_needs_a_reason_and_shows_it(person: Person) -> None:
    bill = person.bill("1M-INV-1002", "1MD")
    card = person.card(bill)
    person.press(f"{card} button[value='reject_invoice']")
    person.find("dialog.modal textarea")
    focused = "return document.activeElement.tagName"
    person.see(lambda: person.driver.execute_script(focused) == "TEXTAREA", "the cursor in it")

    person.press("dialog.modal .slack-button.primary")  # without a reason
    time.sleep(1.5)  # a redraw or two later
    assert person.text("dialog.modal")
    person.write("dialog.modal textarea", "The price differs from the order.")
    time.sleep(1.5)  # redrawing leaves what is being typed
    person.picture("3-reason")
    person.press("dialog.modal .slack-button.primary")

    person.reads(f"#bill-{bill} .chip", "rejected")
    person.reads(card, "The price differs from the order.")
    assert not person.text("dialog.modal")


def test_escape_closes_a_modal_and_decides_nothing(person: Person) -> None:
    bill = person.bill("1M-INV-1003", "1MD")
    person.press(f"{person.card(bill)} button[value='reject_invoice']")

    person.find("dialog.modal textarea").send_keys(Keys.ESCAPE)

    person.see(lambda: not person.text("dialog.modal"), "the modal closed")
    assert "to approve" in person.text(f"#bill-{bill}")


def test_a_bill_amended_in_odoo_cannot_be_approved_on_its_old_card(person: Person) -> None:
    bill = person.bill("1M-INV-1003", "1MD")
    old = person.card(bill)
    person.press(f"#bill-{bill} .who")
    person.write(f"#amend-{bill} [name=amount]", "1234.56")
    person.press(f"button[form='amend-{bill}']")
    person.reads("#said", "was changed in Odoo")
    # Slack lets the news wait, so that the old card still has its buttons for a while.
    busy: dict[str, Any] = {"kind": "ratelimited", "method": "chat.update", "retry_after": 15}
    requests.post(f"{person.addresses['slack']}/_sim/fail", json=busy, timeout=10)
    person.press("#extract button")
    person.reads("#said", "The extractor read")

    person.press(f"{old} button[value='approve_invoice']")

    person.reads(old, "changed in Odoo")
    assert not person.driver.find_elements(By.CSS_SELECTOR, f"{old} button")
    person.picture("4-refused")
    assert "to approve" in person.text(f"#bill-{bill}")

    def newer() -> str:
        link = str(person.find(f"#bill-{bill} a.chip").get_attribute("href"))
        return "" if link.partition("#")[2] in old else link

    person.see(newer, "a newer card")
    new = person.card(bill)
    person.reads(new, "1,234.56")
    person.picture("5-asked-again")
    person.press(f"{new} button[value='approve_invoice']")
    person.reads(f"#bill-{bill} .chip", "posted")


def test_who_may_not_decide_is_told_so_and_nobody_else_is(person: Person) -> None:
    bill = person.bill("1M-INV-1004", "1MD")
    card = person.card(bill)
    person.act_as("Gus Guest (guest)")

    person.press(f"{card} button[value='approve_invoice']")

    person.reads(".told", "Only visible to Gus Guest")
    person.reads(".told", "You may not decide")
    person.picture("6-guest")
    assert "to approve" in person.text(f"#bill-{bill}")
    person.act_as("Ada Approver")
    person.see(lambda: "Gus" not in person.text(".slack .told"), "nothing of it for the approver")


def test_the_document_opens_from_the_link_only_the_viewer_sees(person: Person) -> None:
    bill = person.bill("FF-1-779", "1MD")
    person.press(f"{person.card(bill)} button[value='view_pdf']")

    link = str(person.find(".told a").get_attribute("href"))

    assert link.startswith(person.addresses["page"])
    assert requests.get(link, timeout=30).content.startswith(b"%PDF")


def test_the_page_can_be_used_from_the_keyboard(person: Person) -> None:
    bill = person.bill("FF-1-778", "1MD")
    person.find(f"#bill-{bill} .who").send_keys(Keys.ENTER)
    date = person.find(f"#amend-{bill} [name=reference]")
    date.click()
    date.send_keys(" ", Keys.TAB, Keys.TAB)
    time.sleep(2.5)  # redrawn twice: the focus stays where it was

    focused = str(person.driver.execute_script("return document.activeElement.form.id"))

    assert focused == f"amend-{bill}"


@pytest.mark.parametrize("width", [1280, 900])
def test_nothing_is_cut_off_at_the_widths_people_have(person: Person, width: int) -> None:
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(width))
    person.driver.get(person.addresses["page"])
    person.picture(f"7-width-{width}")

    wide = (
        "return [...document.querySelectorAll('html, .strip, .column, .head, .tabs, .body')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className || e.tagName)"
    )

    assert person.driver.execute_script(wide) == []
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(1280))


def test_the_browser_asked_nobody_else_and_found_no_fault(person: Person) -> None:
    log = person.log("performance")
    asked = {
        url
        for message in log
        if '"Network.requestWillBeSent"' in message
        for url in re.findall(r'"request":\{.*?"url":"([^"]+)"', message)
    }

    asked = {url for url in asked if re.match("(http|ws)s?:", url)}  # not the browser's own
    assert asked
    assert {url for url in asked if not url.startswith(person.addresses["page"])} == set()
    assert person.log("browser") == []
