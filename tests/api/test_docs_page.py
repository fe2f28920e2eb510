"""A person at the API's pages in a real browser: signs in, reads, tries a route, signs out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By

from sandbox.http_server import serve
from sandbox.in_process.api import TOKEN
from tests.support.browser import a_browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium import webdriver

    from sandbox.in_process.api import ApiDesk

WITHIN: Final = 120.0  # seconds: what takes longer hangs, however slow the machine
CONTACTS: Final = "#operations-Records-listContacts"


@pytest.fixture
def chrome(api: ApiDesk, tmp_path: Any) -> Iterator[webdriver.Chrome]:
    """A browser at the documentation, which wants a token first."""
    browser = a_browser(tmp_path)
    try:
        with serve(api) as server:
            browser.get(f"{server.url}/docs")
            yield browser
    finally:
        browser.quit()


def see(what: Callable[[], object], told: str) -> None:
    """Wait until something is true."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        try:
            if what():
                return
        except WebDriverException:
            pass
        time.sleep(0.1)
    raise AssertionError(f"never seen: {told}")


def press(chrome: webdriver.Chrome, css: str) -> None:
    def pressed() -> bool:
        chrome.find_element(By.CSS_SELECTOR, css).click()
        return True

    see(pressed, css)


def sign_in(chrome: webdriver.Chrome, token: str) -> None:
    chrome.find_element(By.NAME, "token").send_keys(token)
    press(chrome, "form button")


def test_a_person_signs_in_tries_a_route_and_signs_out(chrome: webdriver.Chrome) -> None:
    assert "/sign-in" in chrome.current_url
    sign_in(chrome, "wrong")
    see(lambda: "isn't one of ours" in chrome.page_source, "what is wrong")
    sign_in(chrome, TOKEN)
    see(lambda: len(chrome.find_elements(By.CLASS_NAME, "opblock")) > 20, "every route")
    assert chrome.current_url.endswith("/docs")
    for css in (f"{CONTACTS} button", f"{CONTACTS} .try-out__btn", f"{CONTACTS} .execute"):
        press(chrome, css)
    answer = f"{CONTACTS} .live-responses-table"
    see(
        lambda: "Northwind Supply Co" in chrome.find_element(By.CSS_SELECTOR, answer).text,
        "the API's answer",
    )
    logs: list[dict[str, str]] = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    faults = [log for log in logs if log["level"] == "SEVERE"]
    assert [log for log in faults if "401" not in log["message"]] == []  # of the wrong token
    press(chrome, "form[action='sign-out'] button")
    see(lambda: chrome.current_url.endswith("/sign-in"), "the form")
    chrome.get(chrome.current_url.replace("/sign-in", "/docs"))
    assert "/sign-in" in chrome.current_url
