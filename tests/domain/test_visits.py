"""By which channel a visitor came, where no partner brought them."""

import pytest

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
