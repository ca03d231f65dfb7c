"""A running stack, a site with shops, and browsers; nothing where the machine has no Chromium."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

collect_ignore_glob = [] if shutil.which("chromium") and shutil.which("chromedriver") else ["*"]

if not collect_ignore_glob:
    from tests.browser.pages import Browser, Site, tag
    from tests.contract.outside import Shop, Stack

NOON = "2026-11-10T12:00:00Z"


@pytest.fixture(scope="module")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stack]":
    stack = Stack(tmp_path_factory.mktemp("browser") / "data")
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def running_site() -> "Iterator[Site]":
    site = Site()
    yield site
    site.close()


@pytest.fixture
def site(running_site: "Site") -> "Site":
    """The site, without pages."""
    running_site.pages.clear()
    return running_site


@pytest.fixture
def a_shop(running_stack: "Stack", site: "Site") -> "Callable[..., Shop]":
    """Make a program for both shops of the site, with the tag on the landing page `/`."""
    running_stack.at(NOON)

    def make(attributes: str = "", **fields: Any) -> "Shop":
        domains = ["shop.localhost", "other.localhost"]
        shop = Shop(running_stack, domains=domains, default_url=site.url("/"), **fields)
        site.page("/", tag(shop, attributes))
        return shop

    return make


@pytest.fixture
def shop(a_shop: "Callable[..., Shop]") -> "Shop":
    return a_shop()


@pytest.fixture
def a_browser() -> "Iterator[Callable[..., Browser]]":
    """Make a browser with a fresh profile."""
    opened: list[Browser] = []

    def make(preferences: dict[str, object] | None = None) -> Browser:
        opened.append(Browser(preferences))
        return opened[-1]

    yield make
    for browser in opened:
        browser.close()


@pytest.fixture
def browser(a_browser: "Callable[..., Browser]") -> "Browser":
    return a_browser()
