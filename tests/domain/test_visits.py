"""By which channel a visitor came, where no partner brought them."""

import pytest

from chalicelib.domain.channels import host_of
from chalicelib.domain.visits import channel_of

PAGE = "https://shop.example.com/start"


@pytest.mark.parametrize(
    ("referrer", "parameters", "channel"),
    [
        ("https://www.google.com/", {}, "search"),
        ("https://www.google.com/", {"gclid": "x"}, "ads"),
        ("https://www.bing.com/", {"msclkid": "x"}, "ads"),
        ("", {"utm_source": "google", "utm_medium": "cpc"}, "ads"),
        ("", {"utm_source": "facebook", "utm_medium": "paid_social"}, "ads"),
        ("https://l.facebook.com/", {"fbclid": "x"}, "social"),
        ("", {"utm_source": "october", "utm_medium": "Email"}, "email"),
        ("", {"utm_source": "instagram"}, "social"),
        ("", {"utm_source": "flyer"}, "campaign"),
        ("https://blog.example.org/post", {}, "referral"),
    ],
)
def test_marks_in_the_url_go_before_the_referrer(
    referrer: str, parameters: dict[str, str], channel: str
) -> None:
    assert channel_of(PAGE, referrer, parameters) == channel


@pytest.mark.parametrize(
    "referrer", ["", "https://shop.example.com/basket", "https://SHOP.example.com/", "rubbish"]
)
def test_who_wanders_in_the_shop_or_just_comes_belongs_to_no_channel(referrer: str) -> None:
    assert channel_of(PAGE, referrer, {}) is None


@pytest.mark.parametrize(
    ("referrer", "host"),
    [
        ("https://Shop.example.com/checkout?a=1", "shop.example.com"),
        ("https://user@shop.example.com:8443/", "shop.example.com"),
        ("https://shop.example.com.", "shop.example.com"),
        ("android-app://com.example.app/", "com.example.app"),
        ("javascript:alert(1)", None),
        ("shop.example.com", None),
        ("", None),
        (f"https://{'h' * 101}/", None),
    ],
)
def test_the_host_of_a_referring_page_is_told_as_far_as_it_can_be_read(
    referrer: str, host: str | None
) -> None:
    assert host_of(referrer) == host
