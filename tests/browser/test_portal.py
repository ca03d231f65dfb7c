"""A partner in a real browser: signs in by mail, shares a link, sees its sale, and reads every page."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser.pages import Browser, Site
from tests.browser.reading import faults
from tests.contract.outside import Partner, Shop, Stack, wait_for

NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}
PAGES = ("", "/links", "/coupons", "/conversions", "/statements", "/rules", "/missing", "/postbacks")
NOON = "2026-11-10T12:00:00Z"


@pytest.fixture(scope="module")
def stack(running_stack: Stack) -> Stack:
    running_stack.at(NOON)
    return running_stack


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Shop:
    return Shop(stack, domains=["shop.example"])


@pytest.fixture(scope="module")
def anna(shop: Shop) -> Partner:
    """A partner with a sale in last month's books and one of today."""
    anna = shop.partner()
    shop.coupon(anna, "ANNA10").expect(201)
    shop.tell(shop.order(coupon="ANNA10", occurred_at="2026-10-20T12:00:00Z")).expect(201)
    shop.tell(shop.order(order_id="ORDER-1", click_id=shop.clicked(anna))).expect(201)
    shop.stack.reconcile()
    shop.stack.close_month()
    return anna


def url(stack: Stack, path: str) -> str:
    return f"http://127.0.0.1:{stack.port}{path}"


def newest_link(stack: Stack) -> str:
    """The link in the newest mail, as soon as there is one."""

    def texts() -> list[str]:
        return [m["text"] for m in json.loads(stack.http("GET", "/_local/mail.json").body)["data"]]

    wait_for(texts)
    return re.findall(r"http://\S+", texts()[0])[0]


def sign_in(browser: Browser, stack: Stack, path: str = "/portal") -> None:
    before = len(json.loads(stack.http("GET", "/_local/mail.json").body)["data"])
    browser.open(url(stack, path))
    browser.leave(lambda: browser.fill("email", "anna@example.com" + Keys.ENTER))
    assert "Look into your mail" in browser.words
    wait_for(lambda: len(json.loads(stack.http("GET", "/_local/mail.json").body)["data"]) > before)
    browser.open(newest_link(stack))
    browser.press("Sign in")
    wait_for(lambda: "/portal/programs/" in browser.address)


def test_from_the_mail_to_a_link_a_sale_and_its_receipt(
    stack: Stack, shop: Shop, anna: Partner, browser: Browser
) -> None:
    root = f"/portal/programs/{shop.id}"
    sign_in(browser, stack, f"{root}/links")
    assert browser.address.endswith(f"{root}/links")
    assert browser.cookies()["__Host-ll_portal"]["httpOnly"]
    browser.fill("destination", "https://evil.example/")
    browser.wait("document.getElementById('n-destination').textContent.includes('outside')")
    browser.driver.find_element(By.NAME, "destination").clear()
    browser.fill("destination", "https://shop.example/tents")
    browser.fill("code", "tents")
    browser.wait("document.getElementById('n-code').textContent.includes('is free')")
    browser.press("Make the link")
    assert "The link is there." in browser.words
    assert browser.run("return document.querySelector('[data-copy]').hidden") is False
    assert browser.run("return document.querySelector('img.qr').naturalWidth") > 0
    token = shop.visitor().follow("tents").expect(302).click_id
    shop.tell(shop.order(order_id="TENT-1", click_id=token)).expect(201)
    stack.reconcile()
    browser.open(url(stack, f"{root}/conversions?order=TENT"))
    browser.leave(browser.driver.find_element(By.CSS_SELECTOR, "tbody a").click)
    assert "You earn" in browser.words
    assert "the last touch that counts earns the whole" in browser.words
    browser.press("Sign out")
    assert "You are signed out." in browser.words
    assert browser.open(url(stack, root)).startswith(url(stack, "/portal/sign-in"))


def test_every_page_reads_well_for_everybody(
    stack: Stack, shop: Shop, anna: Partner, browser: Browser
) -> None:
    root = f"/portal/programs/{shop.id}"
    wrong: dict[str, list[str]] = {}
    browser.open(url(stack, "/portal/sign-in"))
    wrong["sign-in"] = faults(browser)
    browser.open(url(stack, f"/portal/apply/{shop.id}"))
    wrong["apply"] = faults(browser)
    sign_in(browser, stack)
    receipt = shop.conversions()[0]["id"]
    more = (f"/links/{anna.code}", f"/conversions/{receipt}", "/statements/2026-10")
    for path in (*(root + page for page in (*PAGES, *more)), "/portal/settings"):
        browser.open(url(stack, path))
        wrong[path] = faults(browser)
    assert {path: found for path, found in wrong.items() if found} == {}


def test_it_works_by_keyboard_alone(stack: Stack, shop: Shop, anna: Partner, browser: Browser) -> None:
    sign_in(browser, stack, f"/portal/programs/{shop.id}/missing")

    def keys(*pressed: str) -> Any:
        for key in pressed:
            browser.driver.switch_to.active_element.send_keys(key)
        return browser.driver.switch_to.active_element

    browser.driver.refresh()
    assert keys(Keys.TAB).text == "Skip to the content"
    assert keys(Keys.ENTER).get_attribute("id") == "main"
    assert keys(Keys.TAB).get_attribute("name") == "order_id"
    browser.leave(lambda: keys("ORDER-1", Keys.ENTER))
    assert "done=case_opened" in browser.address

    def answered() -> bool:
        browser.driver.refresh()
        return "credited to you" in browser.words

    wait_for(answered)
    browser.fill("order_id", "X" + Keys.TAB)
    browser.leave(lambda: keys("1e9", Keys.ENTER))
    assert "That did not work" in browser.words
    assert "problems" in browser.driver.switch_to.active_element.get_attribute("class")


def test_it_works_without_scripts(
    stack: Stack, shop: Shop, anna: Partner, a_browser: Callable[..., Browser]
) -> None:
    browser = a_browser(NO_SCRIPTS)
    sign_in(browser, stack, f"/portal/programs/{shop.id}/links")
    browser.fill("code", "portal")
    browser.press("Check it first")
    assert "reserved" in browser.words
    browser.driver.find_element(By.NAME, "code").clear()
    browser.fill("code", "plain")
    browser.press("Make the link")
    assert "The link is there." in browser.words
    browser.press("Pause")
    assert "paused" in browser.words
    for page in (*PAGES, "/conversions?state=pending"):
        browser.open(url(stack, f"/portal/programs/{shop.id}{page}"))
        assert browser.driver.find_element(By.TAG_NAME, "h1").text


def test_what_is_wrong_with_a_page_would_be_noticed(site: Site, browser: Browser) -> None:
    site.page("/", '<img src="/none"><p style="width: 3000px; color: #eee; background: #fff">pale</p>')
    browser.open(site.url("/"))
    said = " ".join(faults(browser))
    for word in ("image-alt", "color-contrast", "html-has-lang", "pixels wider"):
        assert word in said
