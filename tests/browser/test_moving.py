"""A shop that moved: old links and old cookies still mean the partner who has the code."""

from collections.abc import Callable

import pytest

from tests.browser.pages import Browser, Site
from tests.browser.test_shops import clicks_of
from tests.contract.outside import Shop, wait_for


@pytest.mark.parametrize("parameter", ["via", "fpr", "tap_a", "ps_partner_key"])
def test_an_old_parameter_means_the_partner_who_has_the_code(
    shop: Shop, site: Site, browser: Browser, parameter: str
) -> None:
    code = f"old-{shop.id}"
    shop.link(shop.partner(), code=code).expect(201)
    browser.open(site.url(f"/?{parameter}={code.upper()}&page=2"))
    browser.wait("document.cookie.includes('ll_click=')")
    assert browser.address == site.url("/?page=2")
    wait_for(lambda: clicks_of(shop) == 1)


def test_an_old_cookie_means_the_partner_once(
    a_shop: Callable[..., Shop], site: Site, browser: Browser
) -> None:
    shop = a_shop('data-old-cookies="nobody,_fprom_ref"')
    anna = shop.partner()
    site.page("/before", "<script>document.cookie = '_fprom_ref=" + anna.id + "'</script>")
    browser.open(site.url("/before"))
    for _ in range(2):
        browser.open(site.url("/"))
        browser.wait("document.cookie.includes('ll_click=')")
    wait_for(lambda: clicks_of(shop) == 1)
