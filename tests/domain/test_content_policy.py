"""Whether a page's policy lets it load the tag."""

import pytest

from chalicelib.domain.content_policy import allows

TAG = "https://go.brand.com/tag.js"
PAGE = "https://www.brand.com/shoes"


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ("", True),
        ("img-src 'none'", True),
        ("script-src https://go.brand.com", True),
        ("script-src go.brand.com", True),
        ("script-src https://go.brand.com:443", True),
        ("script-src https://go.brand.com:8443", False),
        ("script-src https://*.brand.com", True),
        ("script-src https://go.brand.com/tag.js", True),
        ("script-src https://go.brand.com/js/", False),
        ("script-src https:", True),
        ("script-src http://go.brand.com", True),
        ("SCRIPT-SRC *", True),
        ("script-src 'self'", False),
        ("default-src 'self'", False),
        ("default-src 'self'; script-src https://go.brand.com", True),
        ("script-src-elem 'self'; script-src *", False),
        ("script-src 'none'", False),
        ("script-src", False),
        ("script-src 'self' 'nonce-abc'", False),
        ("script-src 'strict-dynamic' 'nonce-abc' https:", False),
        ("script-src 'self'; script-src *", False),
        (";;; script-src  *.other.com ; ", False),
    ],
)
def test_of_a_script(policy: str, allowed: bool) -> None:
    assert allows([policy], "script-src-elem", TAG, PAGE) is allowed


def test_every_policy_has_to_agree() -> None:
    assert not allows(["script-src *", "default-src 'self'"], "script-src-elem", TAG, PAGE)


def test_a_nonce_is_trusted_to_be_the_right_one() -> None:
    assert allows(["script-src 'nonce-abc'"], "script-src-elem", TAG, PAGE, nonce=True)
    assert not allows(["script-src 'self'"], "script-src-elem", TAG, PAGE, nonce=True)


def test_a_page_of_the_link_domain_itself_is_self() -> None:
    assert allows(["connect-src 'self'"], "connect-src", "https://go.brand.com/v1/collect", TAG)
