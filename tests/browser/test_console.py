"""Somebody who runs a program, in a real browser: every page of the console reads well for everybody."""

import pytest

from tests.browser.pages import Browser
from tests.browser.reading import faults
from tests.contract.outside import Partner, Shop, Stack
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


def test_every_page_reads_well_for_everybody(
    running_stack: Stack, shop: Shop, anna: Partner, browser: Browser
) -> None:
    console = f"http://127.0.0.1:{running_stack.port}/console"
    browser.open(f"{console}/sign-in")
    wrong = {"sign-in": faults(browser)}
    browser.driver.find_element("name", "key").send_keys(running_stack.admin_key)
    browser.leave(browser.driver.find_element("css selector", "main button").click)
    assert browser.address.endswith("/console")
    wrong["programs"] = faults(browser)
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
    assert {path: found for path, found in wrong.items() if found} == {}
