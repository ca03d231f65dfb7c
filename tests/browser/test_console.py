"""Somebody who runs a program, in a real browser: every page reads well, and a day's work is done on them."""

import pytest

from tests.browser.pages import Browser
from tests.browser.reading import faults
from tests.contract.outside import Partner, Shop, Stack, wait_for
from tests.portal.test_console import PAGES

NOON = "2026-11-10T12:00:00Z"


@pytest.fixture(scope="module")
def shop(running_stack: Stack) -> Shop:
    running_stack.at(NOON)
    return Shop(running_stack, domains=["shop.example"])


@pytest.fixture(scope="module")
def anna(shop: Shop) -> Partner:
    """A partner with a sale in a closed month, one of today, and one that waits for review."""
    anna = shop.partner()
    shop.coupon(anna, "ANNA15").expect(201)
    shop.tell(shop.order(coupon="ANNA15", occurred_at="2026-10-20T12:00:00Z")).expect(201)
    shop.tell(shop.order(order_id="ORDER-1", click_id=shop.clicked(anna))).expect(201)
    shop.pixel(shop.order(order_id="held", coupon="ANNA15") | {"amount": "20.00"})
    shop.stack.reconcile()
    shop.stack.close_month()
    return anna


@pytest.fixture
def console(running_stack: Stack, browser: Browser) -> str:
    """The console's address; the browser is signed in by the administrator's key."""
    address = f"http://127.0.0.1:{running_stack.port}/console"
    browser.open(f"{address}/sign-in")
    browser.fill("key", running_stack.admin_key)
    browser.leave(browser.driver.find_element("css selector", "main button").click)
    assert browser.address == address
    return address


def test_every_page_reads_well_for_everybody(
    running_stack: Stack, shop: Shop, anna: Partner, browser: Browser, console: str
) -> None:
    wrong = {"programs": faults(browser)}
    sale = shop.conversions()[0]["id"]
    partner = [page.replace("anna", anna.id) for page in PAGES]
    wanted = {"program": shop.id, "url": "https://hooks.example.com/"}
    webhook = running_stack.api("POST", "/v1/webhooks", wanted).expect(201).json["id"]
    running_stack.api("POST", f"/v1/webhooks/{webhook}/test", {}).expect(202)
    own = (f"/links/{anna.code}", f"/conversions/{sale}", f"/webhooks/{webhook}")
    for path in (*partner, *own, "/ledgers/2026-10"):
        browser.open(f"{console}/{shop.id}{path}")
        assert "went wrong" not in browser.driver.title
        wrong[path] = faults(browser)
    browser.open(console)
    browser.press("Sign out")
    browser.open(f"{console}/sign-in")
    wrong["sign-in"] = faults(browser)
    assert {path: found for path, found in wrong.items() if found} == {}


def test_terms_are_changed_a_sale_is_approved_and_refunded_and_a_month_verified(
    shop: Shop, anna: Partner, browser: Browser, console: str
) -> None:
    browser.open(f"{console}/{shop.id}/terms")
    browser.driver.find_element("css selector", "summary").click()
    browser.driver.find_element("name", "figure").clear()
    browser.fill("figure", "12.5")
    browser.press("Fill in the terms")
    browser.press("Check and explain")
    assert "The draft is fine" in browser.words
    browser.press("Publish")
    assert "12.5 %" in browser.words

    browser.open(f"{console}/{shop.id}/review")
    browser.driver.find_element("css selector", "[aria-label='Choose order held']").click()
    browser.fill("reason", "the parcel was sent")
    browser.press("Approve")
    assert "Nothing waits for you" in browser.words
    held = next(one for one in shop.conversions() if one["order_id"] == "held")
    assert held["state"] != "held"

    browser.open(f"{console}/{shop.id}/conversions/{held['id']}")
    browser.fill("reason", "it came back")
    browser.press("Adjust")
    assert "it came back" in browser.words
    assert shop.stack.api("GET", f"/v1/conversions/{held['id']}").json["state"] == "reversed"

    browser.open(f"{console}/{shop.id}/ledgers/2026-10")
    browser.press("Verify this month")
    wait_for(lambda: "2026-10 is what its facts say, to the byte" in browser.driver.page_source)
