"""A person at the sandbox's page, in a real browser: approves, rejects, amends, is refused.

The browser is Debian's chromium, installed here first where that is needed and allowed; without
one these tests fail. Screenshots are left in artefacts/. Nothing is waited for by the clock: what
is expected is looked for until it is there, and a redraw is brought about by changing something.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests
from selenium.common.exceptions import (
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.e2e.terminal import PROJECT, standing
from tests.support.browser import a_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from tests.e2e.terminal import Standing

ARTEFACTS: Final = PROJECT / "artefacts"
_NOT_YET: Final = (  # or just redrawn
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
WITHIN: Final = 300.0  # seconds: what takes longer hangs, however slow the machine


@dataclass(kw_only=True)
class Person:
    """Somebody at the page, who waits until things are as expected."""

    driver: webdriver.Chrome
    addresses: dict[str, str]
    numbers: Iterator[int]

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
                (ARTEFACTS / "failed.html").write_text(self.driver.page_source)
                strip = " ".join(self.text(".strip").split())
                raise AssertionError(f"never seen at {self.driver.current_url}: {told} ({strip})")
            time.sleep(0.1)

    def do(self, css: str, act: Callable[[WebElement], object], told: str) -> None:
        """Do something with an element, again if it was redrawn at that moment."""

        def done() -> bool:
            act(self.driver.find_element(By.CSS_SELECTOR, css))
            return True

        self.see(done, f"{css} to {told}")

    def text(self, css: str) -> str:
        """A thing's text; empty if it is not there now."""
        script = "return document.querySelector(arguments[0])?.innerText ?? ''"
        return str(self.driver.execute_script(script, css))

    def number(self, css: str) -> int:
        """How many there are of something."""
        return len(self.driver.find_elements(By.CSS_SELECTOR, css))

    def link(self, css: str) -> str:
        """Where a link leads, once it is there."""
        script = "return document.querySelector(arguments[0])?.href ?? ''"
        return str(self.see(lambda: self.driver.execute_script(script, css), css))

    def reads(self, css: str, words: str) -> None:
        self.see(lambda: words in self.text(css), f"{words!r} in {css}")

    def press(self, css: str) -> None:
        """Press a button or a link by Enter: what moves while it is aimed at cannot be missed."""
        self.do(css, lambda thing: thing.send_keys(Keys.ENTER), "press")

    def act_as(self, name: str) -> None:
        self.do("#person", lambda thing: Select(thing).select_by_visible_text(name), "choose from")

    def write(self, css: str, words: str) -> None:
        def written(thing: WebElement) -> None:
            thing.send_keys(Keys.CONTROL, "a")
            thing.send_keys(words)

        self.do(css, written, "write in")

    def meanwhile(self) -> None:
        """Somebody else does something in Odoo, and this page was redrawn to show it."""
        page, name = self.addresses["page"], f"note-{next(self.numbers)}.pdf"
        draft = re.search(r'is-draft" id="bill-(\d+)"', requests.get(page, timeout=WITHIN).text)
        assert draft, "no draft, which nobody is asked about"
        file = {"file": (name, b"%PDF-1.4", "application/pdf")}
        given = {"bill": draft[1]}
        requests.post(f"{page}/odoo/attach", data=given, files=file, timeout=WITHIN)
        self.reads("#said", f"{name} was attached in Odoo.")

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
        target = self.link(chip).partition("#")[2]
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
def stand(run_dir: Path) -> Iterator[Standing]:
    """The chain with the mirror on, as `make sandbox` starts it."""
    with standing(run_dir) as started:
        yield started


@pytest.fixture(scope="module")
def person(stand: Standing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    chrome = a_browser(tmp_path_factory.mktemp("browser"), performance="ALL")
    try:
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(1280))
        chrome.get(stand.addresses["page"])
        yield Person(driver=chrome, addresses=stand.addresses, numbers=count(1))
    finally:
        chrome.quit()


def test_extracting_brings_a_card_for_every_bill_without_a_reload(person: Person) -> None:
    assert "No approval has been requested yet" in person.text(".slack")

    person.press("#extract button")

    person.reads("#said", "98 ready")
    person.reads(".count.is-READY_FOR_APPROVAL", "98")
    cards = (".messages > .message", "#odoo-body a[title='Show its card']")
    person.see(lambda: [person.number(each) for each in cards] == [98, 98], "98 cards and links")
    person.picture("1-cards")
    runs = (
        "return [...document.querySelectorAll('#runs tr')]"
        ".map(row => [...row.cells].map(cell => cell.textContent.trim()).join(' ')).join('; ')"
    )
    ran = r"extractor \d\d:\d\d [1-9]\d* 0; notifier \d\d:\d\d [1-9]\d* \d+;"
    person.see(lambda: re.search(ran, str(person.driver.execute_script(runs))), "what ran")


def test_an_approved_bill_is_seen_arriving_in_quickbooks(person: Person) -> None:
    bill = person.bill("1M-INV-1001", "1MD")
    card = person.card(bill)

    person.press(f"{card} button[value='approve_invoice']")

    person.reads(f"#bill-{bill} .chip", "posted")
    person.reads(card, "Posted to QuickBooks")
    assert "Approve" not in person.text(f"{card} .actions")  # which is still in focus
    person.press(f"#bill-{bill} a[title='Show it in QuickBooks']")
    person.reads(".document[open]", "1M-INV-1001")
    person.picture("2-approved")
    name = person.link(".document[open] .files a")
    assert requests.get(name, timeout=WITHIN).content.startswith(b"%PDF")


def test_a_rejection_needs_a_reason_and_shows_it(person: Person) -> None:
    bill = person.bill("1M-INV-1002", "1MD")
    card = person.card(bill)
    person.press(f"{card} button[value='reject_invoice']")
    focused = "return document.activeElement.tagName"
    person.see(lambda: person.driver.execute_script(focused) == "TEXTAREA", "the cursor in it")

    person.press("dialog.modal .slack-button.primary")  # without a reason
    person.meanwhile()
    assert person.text("dialog.modal")
    person.write("dialog.modal textarea", "The price differs from the order.")
    person.meanwhile()  # redrawing leaves what is being typed
    person.picture("3-reason")
    person.press("dialog.modal .slack-button.primary")

    person.reads(f"#bill-{bill} .chip", "rejected")
    person.reads(card, "The price differs from the order.")
    person.see(lambda: not person.text("dialog.modal"), "the modal closed")


def test_escape_closes_a_modal_and_decides_nothing(person: Person) -> None:
    bill = person.bill("1M-INV-1003", "1MD")
    person.press(f"{person.card(bill)} button[value='reject_invoice']")

    person.do("dialog.modal textarea", lambda thing: thing.send_keys(Keys.ESCAPE), "leave")

    person.see(lambda: not person.text("dialog.modal"), "the modal closed")
    person.meanwhile()
    assert "to approve" in person.text(f"#bill-{bill}")


def test_a_bill_amended_in_odoo_cannot_be_approved_on_its_old_card(person: Person) -> None:
    bill = person.bill("1M-INV-1003", "1MD")
    old = person.card(bill)
    person.press(f"#bill-{bill} .who")
    person.write(f"#amend-{bill} [name=amount]", "1234.56")
    person.press(f"button[form='amend-{bill}']")
    person.reads("#said", "was changed in Odoo")
    # Slack lets the news wait, so that the old card still has its buttons for a while.
    busy: dict[str, Any] = {"kind": "ratelimited", "method": "chat.update"}
    fail = f"{person.addresses['slack']}/_sim/fail"
    requests.post(fail, json={**busy, "times": 100_000}, timeout=WITHIN)
    person.press("#extract button")
    person.reads("#said", "The extractor read")

    person.press(f"{old} button[value='approve_invoice']")

    person.reads(old, "changed in Odoo")
    assert person.number(f"{old} button") == 0
    person.picture("4-refused")
    assert "to approve" in person.text(f"#bill-{bill}")
    requests.post(fail, json={**busy, "times": 0}, timeout=WITHIN)

    def newer() -> bool:
        return person.link(f"#bill-{bill} a.chip").partition("#")[2] not in old

    person.see(newer, "A newer card")
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
    person.reads(".told", "You aren't an approver")
    person.picture("6-guest")
    assert "to approve" in person.text(f"#bill-{bill}")
    person.act_as("Ada Approver")
    person.see(lambda: "Gus" not in person.text(".slack .told"), "nothing of it for the approver")


def test_who_looks_elsewhere_stays_there_when_an_act_is_answered_late(person: Person) -> None:
    bill = person.bill("1M-INV-1004", "1MD")
    card = person.card(bill)
    person.act_as("Gus Guest (guest)")
    person.see(lambda: "U-GUEST" in person.driver.current_url, "the guest's page")
    person.driver.execute_script(
        "const wire = window.fetch;"
        "window.fetch = async (...asked) => {"
        "  const answer = await wire(...asked);"
        "  if (asked[1].method === 'POST') await new Promise((go) => (window.letGo = go));"
        "  return answer;"
        "};"
    )
    person.press(f"{card} button[value='approve_invoice']")
    person.see(lambda: person.driver.execute_script("return 'letGo' in window"), "the answer held")
    person.act_as("Ada Approver")
    person.see(lambda: "U-GUEST" not in person.driver.current_url, "the approver's page")

    person.driver.execute_script("window.letGo()")

    person.meanwhile()
    assert "U-GUEST" not in person.driver.current_url
    assert "Gus" not in person.text(".slack .told")


def test_the_document_opens_from_the_link_only_the_viewer_sees(person: Person) -> None:
    bill = person.bill("FF-1-779", "1MD")
    person.press(f"{person.card(bill)} button[value='view_pdf']")

    link = person.link(".told a")

    assert link.startswith(person.addresses["page"])
    assert requests.get(link, timeout=WITHIN).content.startswith(b"%PDF")


def test_the_page_can_be_used_from_the_keyboard(person: Person) -> None:
    bill = person.bill("FF-1-778", "1MD")
    person.press(f"#bill-{bill} .who")
    keys = (" ", Keys.TAB, Keys.TAB)
    person.do(f"#amend-{bill} [name=reference]", lambda it: it.send_keys(*keys), "leave by Tab")
    person.meanwhile()  # redrawn: the focus stays where it was

    focused = str(person.driver.execute_script("return document.activeElement.form.id"))

    assert focused == f"amend-{bill}"


def test_the_mirror_is_seen_catching_up_with_both_odoos(person: Person) -> None:
    person.driver.get(person.addresses["page"])

    person.press("[popovertarget=mirror]")

    states = (
        "return [...document.querySelectorAll('#mirror tbody tr')]"
        ".map(row => row.cells[4].innerText)"
    )
    whole = ["up to date"] * 10  # five kinds of records in each Odoo
    person.see(lambda: person.driver.execute_script(states) == whole, "both Odoos mirrored")
    there, mirrored = person.text("#mirror-ledger tbody tr:nth-child(4)").split()[1:3]
    assert int(mirrored) == int(there) > 200
    person.picture("5-mirror")
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(390))
    widths = "const it = document.getElementById('mirror'); return [it.scrollWidth, it.clientWidth]"
    needed, shown = person.driver.execute_script(widths)
    person.picture("5-mirror-on-a-phone")
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(1280))
    assert needed <= shown
    person.do("body", lambda page: page.send_keys(Keys.ESCAPE), "close the sheet")


def test_a_change_is_seen_arriving_at_the_webhooks_endpoint_which_may_fail(person: Person) -> None:
    page, bill = person.addresses["page"], {"company": "1MD", "vendor": "14", "text": "Boxes"}
    requests.post(f"{page}/odoo/new", data={**bill, "amount": "12", "reference": "W-1"}, timeout=60)
    person.driver.get(page)

    person.press("[popovertarget=webhook]")

    person.reads("#arrivals", "vendor_bill.created")
    row = person.text("#arrivals tbody tr")
    assert "by the current secret" in row
    assert row.endswith("200")
    person.do("#webhook-fail [name=kind]", lambda it: Select(it).select_by_value("error"), "choose")
    person.do("#webhook-fail [name=times]", lambda it: Select(it).select_by_value("5"), "choose")
    person.press("#webhook-fail button")
    person.reads(".planned", "It will answer 500, an error: 5 requests, any record.")
    person.picture("6-webhook")
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(390))
    widths = (
        "const it = document.getElementById('webhook'); return [it.scrollWidth, it.clientWidth]"
    )
    needed, shown = person.driver.execute_script(widths)
    person.picture("6-webhook-on-a-phone")
    person.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(1280))
    assert needed <= shown
    person.press("#webhook-recover button")
    person.see(lambda: person.number(".planned") == 0, "nothing planned")
    person.do("body", lambda page: page.send_keys(Keys.ESCAPE), "close the sheet")


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
