"""Pictures of the pages for README and docs: `python -m tests.browser.screenshots` writes docs/images anew.

It starts a stack of its own with the demo's data, signs in, and opens each page on the last day of the demo's
month.
"""

import base64
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium.webdriver.common.by import By

from tests.browser.pages import Browser
from tests.contract.outside import ROOT, Stack, wait_for

WIDTH = 1100
IMAGES = ROOT / "docs" / "images"
PORTAL = {
    "portal-overview": "?show=commission",
    "portal-links": "/links",
    "portal-sale": "/conversions",
    "portal-statement": "/statements",
    "portal-rules": "/rules",
}
CONSOLE = {"console-program": "", "console-ledgers": "/ledgers", "console-terms": "/terms"}
FIRST_LINK = frozenset({"portal-sale", "portal-statement"})
"""Pages of a list of which the first line is followed."""


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _stack(Path(folder)) as stack:
        browser = Browser()
        try:
            _take_all(stack, browser)
        finally:
            browser.close()


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder / "data", demo=True)
    try:
        wait_for(lambda: "is up" in stack.output.read_text(), seconds=120)
        yield stack
    finally:
        stack.stop()


def _take_all(stack: Stack, browser: Browser) -> None:
    months = stack.api("GET", "/v1/ledgers?program=acme").expect(200).json["data"]
    stack.at(f"{months[0]['month']}-28T12:00:00Z")
    url = f"http://127.0.0.1:{stack.port}"
    browser.open(f"{url}/portal/sign-in")
    _take(browser, "sign-in", height=420)
    browser.driver.find_element(By.NAME, "email").send_keys("anna@example.com\n")
    wait_for(lambda: json.loads(stack.http("GET", "/_local/mail.json").body)["data"])
    mail = json.loads(stack.http("GET", "/_local/mail.json").body)["data"][0]["text"]
    browser.open(re.findall(r"http://\S+", mail)[0])
    browser.driver.find_element(By.CSS_SELECTOR, "main button").click()
    wait_for(lambda: browser.address.endswith("/acme"))
    for name, path in PORTAL.items():
        _open(browser, f"{url}/portal/programs/acme{path}", follow=name in FIRST_LINK)
        _take(browser, name)
    browser.open(f"{url}/console/sign-in")
    browser.driver.find_element(By.NAME, "key").send_keys(f"{stack.admin_key}\n")
    wait_for(lambda: browser.address.endswith("/console"))
    for name, path in CONSOLE.items():
        _open(browser, f"{url}/console/acme{path}")
        _take(browser, name)


def _open(browser: Browser, url: str, *, follow: bool = False) -> None:
    browser.open(url)
    if follow:
        rows = browser.driver.find_elements(By.CSS_SELECTOR, "tbody a:not([download])")
        rows[-1 if "statements" in url and len(rows) < 2 else 0].click()


def _take(browser: Browser, name: str, height: int = 1000) -> None:
    size = {"width": WIDTH, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 0.7}
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
    (IMAGES / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
    print(f"docs/images/{name}.png")


if __name__ == "__main__":
    main()
