"""Shops to buy in: pages on origins of their own, and a browser to open them with."""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from tests.contract.outside import BROWSER, Shop, wait_for

QUEUE = (
    "window.linkledger = window.linkledger || "
    "function () { (linkledger.q = linkledger.q || []).push(arguments); };"
)
BLOCKED = {"profile.default_content_setting_values.cookies": 2}
"""The preference by which Chromium keeps no cookie and no storage for anybody."""

Page = Callable[[Mapping[str, str]], str]


class Site:
    """A server of pages; `http://shop.localhost` and `http://other.localhost` are two sites on it."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[Page, dict[str, str]]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                page, headers = site.pages.get(parts.path, (lambda _: "", {}))
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                body = f"<!doctype html><title>shop</title>{page(query)}".encode()
                self.send_response(200)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str, host: str = "shop") -> str:
        """The address of a page."""
        return f"http://{host}.localhost:{self._server.server_address[1]}{path}"

    def page(self, path: str, page: str | Page, **headers: str) -> None:
        """Serve this HTML here; a function gets the query."""
        made = page if callable(page) else lambda _: page
        self.pages[path] = (made, {name.replace("_", "-"): value for name, value in headers.items()})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def tag(shop: Shop, attributes: str = "") -> str:
    """The script element that a shop embeds."""
    origin = f"http://127.0.0.1:{shop.stack.port}"
    return f'<script async src="{origin}/tag.js" data-program="{shop.id}" {attributes}></script>'


def calls(*given: tuple[object, ...]) -> str:
    """Calls of the tag, made before it has loaded."""
    lines = "".join(f"linkledger({', '.join(map(json.dumps, call))});" for call in given)
    return f"<script>{QUEUE}{lines}</script>"


def order(order_id: str, **fields: object) -> tuple[str, dict[str, object]]:
    """The call for a sale of 49.90 EUR."""
    return "convert", {"event": "sale", "order_id": order_id, "amount": 4990, "currency": "EUR", **fields}


class Browser:
    """A headless Chromium with a profile of its own, which says that it is none."""

    def __init__(self, preferences: Mapping[str, object] | None = None) -> None:
        options = ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        flags = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-dev-shm-usage"
        flags += " disable-background-networking disable-component-update disable-sync"
        for flag in flags.split():
            options.add_argument(f"--{flag}")
        options.add_argument(f"--user-agent={BROWSER}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if preferences:
            options.add_experimental_option("prefs", dict(preferences))
        self.driver = Chrome(options, Service("/usr/bin/chromedriver"))

    def open(self, url: str) -> str:
        """Go there; the address at which the browser ends."""
        self.driver.get(url)
        return self.address

    def leave(self, act: Callable[[], object]) -> None:
        """Do what leads to another page, and return once that page is there."""
        before = self.driver.find_element(By.TAG_NAME, "html")
        act()

        def arrived() -> bool:
            try:
                page = self.driver.find_element(By.TAG_NAME, "html")
                return page != before and self.run("return document.readyState") == "complete"
            except WebDriverException:  # Whoever asks between two pages is told of any of a dozen errors.
                return False

        wait_for(arrived)

    def press(self, text: str) -> None:
        """Press the button or follow the link with this text, and wait for the page that comes then."""
        found = self.driver.find_elements(By.CSS_SELECTOR, "main button, main a, header button")
        self.leave(next(one for one in found if one.text.strip() == text).click)

    def fill(self, name: str, text: str) -> None:
        """Type this into the field."""
        self.driver.find_element(By.NAME, name).send_keys(text)

    @property
    def words(self) -> str:
        """What stands on the page, without what frames it."""
        return str(self.driver.find_element(By.TAG_NAME, "main").text)

    @property
    def address(self) -> str:
        return str(self.driver.current_url)

    def run(self, script: str) -> Any:
        """What the script returns."""
        return self.driver.execute_script(script)

    def wait(self, script: str) -> None:
        """Return once the script returns something true."""
        wait_for(lambda: self.run(f"return {script}"))

    def cookies(self) -> dict[str, dict[str, Any]]:
        """Every cookie of every site, by name."""
        found = self.driver.execute_cdp_cmd("Network.getAllCookies", {})["cookies"]
        return {cookie["name"]: cookie for cookie in found}

    def forget(self) -> None:
        """Leave the page, then clear cookies and the storage of its origin."""
        origin = self.run("return location.origin")
        # A page that stays open would keep the click again when the answer to its request arrives.
        self.open("about:blank")
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})

    def errors(self) -> list[str]:
        """What the pages' scripts complained about."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def close(self) -> None:
        self.driver.quit()
