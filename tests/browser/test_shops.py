"""Visitors in real browsers: they click, wander, buy, and refuse; what counts is what is stored of it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.browser.pages import BLOCKED, QUEUE, Browser, Site, calls, order, tag
from tests.contract.outside import Shop, wait_for


def only_order(shop: Shop) -> dict[str, Any]:
    """The one conversion of the shop, as soon as there is one; its receipt."""
    wait_for(shop.conversions)
    (conversion,) = shop.conversions()
    return shop.receipt(conversion["id"]) | {"id": conversion["id"], "state": conversion["state"]}


def credited(receipt: dict[str, Any]) -> dict[str, str]:
    return {credit["partner"]: credit["share"] for credit in receipt["credits"]}


def clicks_of(shop: Shop) -> int:
    answer = shop.stack.api("GET", f"/v1/stats?program={shop.id}").expect(200)
    return int(answer.json["totals"]["clicks"])


def landed(browser: Browser) -> None:
    """Wait until the tag has caught the click of the landing page."""
    browser.wait("document.cookie.includes('ll_click=') && !location.search.includes('ll_click')")


def test_click_and_buy(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/thanks", calls(order("A1", coupon="NONE")) + tag(shop))
    assert browser.open(anna.url).startswith(site.url("/"))
    landed(browser)
    assert urlsplit(browser.address).query == ""
    own = browser.cookies()["ll_id"]
    assert (own["httpOnly"], own["secure"], own["sameSite"]) == (True, True, "Lax")
    browser.open(site.url("/thanks"))
    receipt = only_order(shop)
    assert receipt["state"] == "held"
    assert credited(receipt) == {anna.id: "1/1"}
    assert browser.errors() == []


def test_the_pixel_with_the_click_from_the_session(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/", "")
    pixel = f"http://127.0.0.1:{shop.stack.port}/p.gif?program={shop.id}&event=sale&order_id=P1&amount=49.90"
    site.page("/thanks", lambda query: f'<img src="{pixel}&currency=EUR&click_id={query["session"]}">')
    address = browser.open(anna.url)
    browser.open(site.url(f"/thanks?session={address.split('ll_click=')[1]}"))
    receipt = only_order(shop)
    assert credited(receipt) == {anna.id: "1/1"}
    browser.wait("document.images[0].naturalWidth === 1")


def test_what_the_set_up_offers_works_as_pasted(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    offered = shop.stack.api("GET", f"/v1/programs/{shop.id}/setup").expect(200).json["snippets"]
    on_every_page, confirmation = [one["text"] for one in offered if one["method"] == "tag"]
    (pixel,) = [one["text"] for one in offered if one["method"] == "pixel"]
    site.page("/", on_every_page)
    site.page("/thanks", confirmation + on_every_page)
    site.page("/picture", pixel)
    browser.open(anna.url)
    landed(browser)
    browser.open(site.url("/thanks"))
    receipt = only_order(shop)
    assert credited(receipt) == {anna.id: "1/1"}
    browser.open(site.url("/picture"))
    browser.wait("document.images[0].naturalWidth === 1")
    assert only_order(shop)["id"] == receipt["id"]
    assert browser.errors() == []


def test_ten_clicks_are_ten_clicks(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    for _ in range(10):
        browser.open(anna.url)
    wait_for(lambda: clicks_of(shop) == 10)


def test_cookies_cleared_and_the_click_in_the_shops_session(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/thanks", lambda query: calls(order("A1", click_id=query["session"])) + tag(shop))
    browser.open(anna.url)
    landed(browser)
    session = browser.run("return document.cookie.split('~')[1].slice(0, 59)")
    browser.forget()
    assert "ll_click" not in browser.cookies()
    browser.open(site.url(f"/thanks?session={session}"))
    assert credited(only_order(shop)) == {anna.id: "1/1"}


def test_cookies_cleared_and_nothing_left(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/thanks", calls(order("A1")) + tag(shop))
    browser.open(anna.url)
    landed(browser)
    browser.forget()
    browser.open(site.url("/thanks"))
    receipt = only_order(shop)
    assert credited(receipt) == {}


def test_cookies_and_storage_blocked(shop: Shop, site: Site, a_browser: Callable[..., Browser]) -> None:
    anna = shop.partner()
    browser = a_browser(BLOCKED)
    browser.open(anna.url)
    browser.wait("!location.search.includes('ll_click')")
    assert browser.cookies() == {}
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A1', amount: '49.90'})")
    assert credited(only_order(shop)) == {anna.id: "1/1"}
    assert browser.errors() == []


def test_the_last_of_two_partners_earns(shop: Shop, site: Site, browser: Browser) -> None:
    anna, ben = shop.partner(), shop.partner("ben")
    site.page("/thanks", calls(order("A1")) + tag(shop))
    browser.open(anna.url)
    landed(browser)
    shop.stack.at("2026-11-10T13:00:00Z")
    browser.open(ben.url)
    landed(browser)
    shop.stack.at("2026-11-10T14:00:00Z")
    browser.open(site.url("/thanks"))
    receipt = only_order(shop)
    assert credited(receipt) == {ben.id: "1/1"}
    assert [touch["partner"] for touch in receipt["path"]] == [anna.id, ben.id]


def test_a_click_on_the_phone_and_a_purchase_on_the_laptop(
    shop: Shop, site: Site, a_browser: Callable[..., Browser]
) -> None:
    anna = shop.partner()
    site.page("/login", calls(("identify", {"customer_id": "customer-7"})) + tag(shop))
    site.page("/thanks", calls(order("A1", customer_id="customer-7")) + tag(shop))
    phone, laptop = a_browser(), a_browser()
    phone.open(anna.url)
    landed(phone)
    laptop.open(site.url("/thanks"))
    assert credited(only_order(shop)) == {}
    phone.open(site.url("/login"))
    wait_for(lambda: credited(only_order(shop)) == {anna.id: "1/1"})


def test_a_single_page_shop(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    router = "<script>history.replaceState({}, '', '/start');</script>"
    site.page("/", router + tag(shop))
    browser.open(anna.url)
    browser.wait("document.cookie.includes('ll_click=')")
    assert urlsplit(browser.address).path == "/start"
    browser.run("history.pushState({}, '', '/thanks');")
    browser.run(f"{QUEUE} linkledger('convert', {{event: 'sale', order_id: 'A1', amount: 4990}})")
    assert credited(only_order(shop)) == {anna.id: "1/1"}


def test_a_direct_link_inside_a_single_page_shop(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    browser.open(site.url("/"))
    browser.wait("window.linkledger && linkledger.live")
    browser.run(f"history.pushState({{}}, '', '/thanks?ref={anna.id}&page=2#top');")
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A1', amount: 4990})")
    assert credited(only_order(shop)) == {anna.id: "1/1"}
    assert browser.address == site.url("/thanks?page=2#top")


def test_a_direct_link(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/thanks", calls(order("A1")) + tag(shop))
    browser.open(site.url(f"/?ref={anna.id}&utm_campaign=spring2026"))
    browser.wait("document.cookie.includes('ll_click=')")
    assert browser.address == site.url("/?utm_campaign=spring2026")
    browser.open(site.url("/thanks"))
    assert credited(only_order(shop)) == {anna.id: "1/1"}
    assert clicks_of(shop) == 1


def test_a_direct_link_in_a_hidden_frame(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/stuffed", f'<iframe hidden src="/?ref={anna.id}"></iframe>')
    browser.open(site.url("/stuffed"))
    wait_for(lambda: shop.stats(by="verdict")["rows"])
    assert [row["verdict"] for row in shop.stats(by="verdict")["rows"]] == ["forced"]
    assert "ll_click" not in browser.cookies()


def test_a_parameter_that_means_nobody_stays(shop: Shop, site: Site, browser: Browser) -> None:
    browser.open(site.url("/?ref=newsletter"))
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A1', amount: 1})")
    only_order(shop)
    assert browser.address == site.url("/?ref=newsletter")
    assert "ll_click" not in browser.cookies()


def test_consent_denied_and_then_granted(a_shop: Callable[..., Shop], site: Site, browser: Browser) -> None:
    shop = a_shop(consent="required")
    anna = shop.partner()
    browser.open(site.url(f"/?ref={anna.id}"))
    browser.wait("window.linkledger && linkledger.live")
    browser.run(
        "linkledger('consent', 'denied'); linkledger('convert', {event: 'sale', order_id: 'A1', amount: 1})"
    )
    assert credited(only_order(shop)) == {}
    assert "ll_click" not in browser.cookies()
    browser.run("linkledger('consent', 'granted')")
    browser.wait("document.cookie.includes('ll_click=')")
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A2', amount: 1})")
    wait_for(lambda: len(shop.conversions()) == 2)
    (second,) = [found for found in shop.conversions() if found["order_id"] == "A2"]
    assert credited(shop.receipt(second["id"])) == {anna.id: "1/1"}


def test_a_click_waits_for_the_consent_of_the_page(
    a_shop: Callable[..., Shop], site: Site, browser: Browser
) -> None:
    shop = a_shop('data-consent="required"')
    anna = shop.partner()
    browser.open(anna.url)
    browser.wait("window.linkledger && linkledger.live")
    assert "ll_click=" in browser.address
    assert "ll_click" not in browser.cookies()
    browser.run("linkledger('consent', 'granted')")
    landed(browser)
    browser.run("linkledger('consent', 'denied')")
    assert "ll_click" not in browser.cookies()
    assert browser.run("return localStorage.length") == 0


def test_global_privacy_control(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    shop.coupon(anna, "ANNA10").expect(201)
    signal = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });"
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": signal})
    browser.driver.execute_cdp_cmd("Network.enable", {})
    browser.driver.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {"Sec-GPC": "1"}})
    assert browser.open(anna.url) == site.url("/")
    browser.wait("window.linkledger && linkledger.live")
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A1', amount: 4990, coupon: 'ANNA10'})")
    assert credited(only_order(shop)) == {anna.id: "1/1"}
    assert browser.cookies() == {}


def test_a_reload_of_the_confirmation_page_is_one_conversion(
    shop: Shop, site: Site, browser: Browser
) -> None:
    site.page("/thanks", calls(order("A1")) + tag(shop) + tag(shop))
    for _ in range(3):
        browser.open(site.url("/thanks"))
    site.page("/thanks", calls(order("A2")) + tag(shop))
    browser.open(site.url("/thanks"))
    wait_for(lambda: len(shop.conversions()) == 2)
    assert {found["order_id"] for found in shop.conversions()} == {"A1", "A2"}


def test_two_shops_share_nothing(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    site.page("/thanks", calls(order("A1")) + tag(shop))
    browser.open(anna.url)
    landed(browser)
    browser.open(site.url("/thanks", "other"))
    assert credited(only_order(shop)) == {}


def test_a_strict_content_security_policy(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    origin = f"http://127.0.0.1:{shop.stack.port}"
    policy = f"default-src 'none'; script-src {origin} 'nonce-n1'; connect-src {origin};"
    policy += " require-trusted-types-for 'script'"
    site.page("/", tag(shop), Content_Security_Policy=policy)
    buy = calls(order("A1")).replace("<script>", '<script nonce="n1">')
    site.page("/thanks", buy + tag(shop), Content_Security_Policy=policy)
    browser.open(anna.url)
    landed(browser)
    browser.open(site.url("/thanks"))
    assert credited(only_order(shop)) == {anna.id: "1/1"}
    assert browser.errors() == []


def test_a_page_goes_on_whatever_it_tells_the_tag(shop: Shop, site: Site, browser: Browser) -> None:
    site.page("/", tag(shop) + "<script>window.after = 1</script>")
    browser.open(site.url("/"))
    browser.wait("window.linkledger && linkledger.live")
    odd = "linkledger(); linkledger('nothing'); linkledger('convert'); linkledger('convert', null);"
    odd += "linkledger('identify'); linkledger('consent'); linkledger('constructor');"
    browser.run(odd + "linkledger('convert', {event: 'sale', order_id: 'A1', amount: 4990})")
    assert only_order(shop)["state"] in {"held", "unattributed"}
    assert browser.run("return window.after") == 1
    assert browser.errors() == []


def test_the_whole_path_with_its_other_channels(
    a_shop: Callable[..., Shop], site: Site, browser: Browser
) -> None:
    shop = a_shop("data-views")
    anna = shop.partner()
    site.page("/thanks", calls(order("A1")) + tag(shop, "data-views"))
    browser.open(anna.url)
    landed(browser)
    shop.stack.at("2026-11-10T13:00:00Z")
    first = browser.cookies()["ll_click"]["value"]
    browser.open(site.url("/?utm_source=october&utm_medium=email"))
    wait_for(lambda: browser.cookies()["ll_click"]["value"] != first)
    shop.stack.at("2026-11-10T14:00:00Z")
    browser.open(site.url("/thanks"))
    receipt = only_order(shop)
    assert credited(receipt) == {anna.id: "1/1"}
    assert [(touch["partner"], touch["reason"]) for touch in receipt["path"]] == [
        (anna.id, "credited"),
        (None, "other_channel"),
    ]


def test_an_order_that_is_told_while_the_page_is_left(shop: Shop, site: Site, browser: Browser) -> None:
    anna = shop.partner()
    browser.open(anna.url)
    landed(browser)
    browser.run(
        "linkledger('convert', {event: 'sale', order_id: 'A1', amount: 4990}); location.href = '/elsewhere';"
    )
    assert credited(only_order(shop)) == {anna.id: "1/1"}


def test_a_refused_order_is_told_on_the_console(shop: Shop, site: Site, browser: Browser) -> None:
    browser.open(site.url("/"))
    browser.wait("window.linkledger && linkledger.live")
    browser.run("window.told = []; console.warn = (...words) => told.push(JSON.stringify(words));")
    browser.run("linkledger('convert', {event: 'sale', order_id: 'A1', amount: 49.9})")
    browser.wait("told.length")
    assert "number_invalid" in browser.run("return told[0]")
    assert shop.conversions() == []
