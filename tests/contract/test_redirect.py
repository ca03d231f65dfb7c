"""`GET /{code}` and `HEAD`: where it leads, what it carries, whom it counts."""

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.contract.outside import BROWSER, NAVIGATION, wait_for


def test_a_click_is_one_uncached_hop_that_search_engines_leave_alone(shop):
    answer = shop.visitor().follow(shop.partner())
    answer.expect(302)
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Robots-Tag") == "noindex"
    assert urlsplit(answer.location).netloc == "shop.example"


def test_the_destination_gets_the_click_token(shop):
    anna = shop.partner()
    token = shop.visitor().follow(anna).click_id
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token)


def test_a_program_names_the_parameter_of_the_token(a_shop):
    shop = a_shop(click_param="cid")
    answer = shop.visitor().follow(shop.partner())
    assert "ll_click" not in answer.query
    conversion = shop.sell(click_id=answer.query["cid"][0])
    assert len(shop.credits(conversion)) == 1


def test_the_links_utms_reach_the_destination_without_doubling_its_own(shop):
    anna = shop.partner()
    link = shop.link(
        anna,
        destination="https://shop.example/p?color=red&utm_medium=kept",
        utm={"utm_source": "anna", "utm_campaign": "spring 2026"},
    )
    query = shop.visitor().follow(link.expect(201).json["code"]).query
    assert query["utm_source"] == ["anna"]
    assert query["utm_campaign"] == ["spring 2026"]
    assert len(query["utm_medium"]) == 1
    assert query["color"] == ["red"]


def test_the_query_that_came_in_goes_on(shop):
    answer = shop.visitor().follow(shop.partner(), "?gclid=a%26b&x=1&x=2&empty=")
    assert answer.query["gclid"] == ["a&b"]
    assert answer.query["x"] == ["1", "2"]
    assert answer.query["empty"] == [""]


def test_a_token_that_came_in_is_replaced_and_not_doubled(shop):
    anna = shop.partner()
    answer = shop.visitor().follow(anna, "?ll_click=forged")
    assert len(answer.query["ll_click"]) == 1
    assert answer.click_id != "forged"


def test_a_fragment_survives(shop):
    link = shop.link(shop.partner(), destination="https://shop.example/p?a=1#reviews").expect(201).json
    location = shop.visitor().follow(link["code"], "?b=2").location
    assert location.endswith("#reviews")
    assert parse_qs(urlsplit(location).query)["b"] == ["2"]


def test_url_and_path_deep_link_inside_the_allowed_domains(shop):
    anna = shop.partner()
    full = shop.visitor().follow(anna, f"?url={quote('https://shop.example/p/7?size=m#top', safe='')}")
    assert full.expect(302).location.startswith("https://shop.example/p/7?")
    assert full.query["size"] == ["m"]
    assert full.location.endswith("#top")
    path = shop.visitor().follow(anna, f"?path={quote('/p/8?size=l', safe='')}")
    assert path.expect(302).location.startswith("https://shop.example/p/8?")
    assert path.query["size"] == ["l"]
    for answer in (full, path):
        assert answer.click_id
        assert "url" not in answer.query
        assert "path" not in answer.query


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "https:evil.example",
        "https:/evil.example",
        "https:///evil.example",
        "https:\\\\evil.example\\",
        "https://shop.example@evil.example/",
        "https://shop.example:pass@evil.example/",
        "https://evil.example\\@shop.example/",
        "https://evil.example#@shop.example/",
        "https://evil.example?@shop.example/",
        "https://shop.example.evil.example/",
        "https://evilshop.example/",
        "https://shop.example%2eevil.example/",
        "https://shop.example%00.evil.example/",
        "https://shop.example\t.evil.example/",
        "ht\ttps://evil.example/",
        " https://evil.example/",
        "\x00https://evil.example/",
        "https://evil。example/",
        "https://ⓔvil.example/",
        "https://[::1]/",
        "https://0x7f.1/",
        "javascript:alert(1)//shop.example/",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example\r\nLocation: https://evil.example/",
        "https://shop.example:99999/",
        "https://",
        "",
    ],
)
@pytest.mark.parametrize("name", ["url", "path"])
def test_a_deep_link_that_leads_elsewhere_gets_400_or_the_links_own_destination(a_stranger, name, target):
    answer = a_stranger(f"?{name}={quote(target, safe='')}")
    answer.expect(302, 400)
    if answer.status == 302:
        assert browser_host(answer.location) == "shop.example"
    assert not answer.header("Set-Cookie").startswith("a=b")


@pytest.fixture
def a_stranger(stack, closed_shop, anna_of_closed_shop):
    """Follow the same link with some query."""
    return lambda query: closed_shop.visitor().follow(anna_of_closed_shop, query)


def browser_host(location):
    """The host as a browser would read it, for the plain form that every Location must have."""
    match = re.fullmatch(r"https?://([a-z0-9.-]+)(?:[/?#][\x21-\x7e]*)?", location)
    assert match, location
    assert "\\" not in location
    return match[1]


def test_a_subdomain_of_an_allowed_domain_is_allowed(shop):
    anna = shop.partner()
    target = quote("https://www.shop.example/p", safe="")
    answer = shop.visitor().follow(anna, f"?url={target}").expect(302)
    assert browser_host(answer.location) in {"www.shop.example", "shop.example"}


def test_the_cookie_is_first_party_and_lasts_for_the_window(a_shop):
    shop = a_shop(terms={"window_days": 45})
    (cookie,) = shop.visitor().follow(shop.partner()).all("Set-Cookie")
    name, *attributes = [part.strip() for part in cookie.split(";")]
    assert name.startswith("ll_id=")
    lowered = {attribute.lower() for attribute in attributes}
    assert {"httponly", "secure", "samesite=lax", f"max-age={45 * 86400}"} <= lowered


def test_a_returning_visitor_keeps_its_journey(shop):
    anna, ben = shop.partner("anna"), shop.partner("ben")
    visitor = shop.visitor()
    visitor.follow(anna)
    visitor.follow(ben)
    conversion = shop.sell(click_id=visitor.click_id)
    assert [touch["partner"] for touch in shop.receipt(conversion)["path"]] == [anna.id, ben.id]


def test_ten_clicks_are_ten_clicks(shop):
    anna = shop.partner()
    visitor = shop.visitor()
    for _ in range(10):
        visitor.follow(anna).expect(302)
    shop.wait_for_clicks(10)


def test_under_gpc_there_is_neither_cookie_nor_token_and_the_click_counts(shop):
    answer = shop.visitor(Sec_GPC="1").follow(shop.partner()).expect(302)
    assert not answer.all("Set-Cookie")
    assert answer.click_id is None
    shop.wait_for_clicks(1)


def test_where_consent_is_required_and_absent_there_is_neither_cookie_nor_token(a_shop):
    shop = a_shop(consent="required")
    answer = shop.visitor().follow(shop.partner()).expect(302)
    assert not answer.all("Set-Cookie")
    assert answer.click_id is None
    shop.wait_for_clicks(1)


def test_head_answers_as_get_does_without_a_body_and_makes_no_touchpoint(shop):
    anna = shop.partner()
    visitor = shop.visitor()
    answer = visitor.follow(anna, method="HEAD").expect(302)
    assert answer.body == b""
    assert urlsplit(answer.location).netloc == "shop.example"
    assert_no_touchpoint(shop, anna, answer)


ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36",
]


@pytest.mark.parametrize(
    "headers",
    [
        *[{"User-Agent": agent} for agent in ROBOTS],
        {"User-Agent": ""},
        {**NAVIGATION, "Sec-Purpose": "prefetch"},
        {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"},
        {**NAVIGATION, "Purpose": "prefetch"},
        {**NAVIGATION, "X-Moz": "prefetch"},
        {"User-Agent": BROWSER, "Accept": "image/*", "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"User-Agent": BROWSER, "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"},
        {"User-Agent": BROWSER, "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors"},
    ],
)
def test_robots_prefetches_and_forced_loads_make_no_touchpoint(shop, stack, headers):
    anna = shop.partner()
    answer = stack.http("GET", f"/{anna.code}", None, headers)
    assert answer.status < 500 or answer.status == 503
    assert_no_touchpoint(shop, anna, answer)


def assert_no_touchpoint(shop, partner, answer):
    """The hit was kept, the one human click that followed it is the only click that counts."""
    human = shop.visitor().follow(partner).expect(302)
    shop.wait_for_clicks(1)
    assert human.click_id
    token = answer.click_id if answer.location else None
    conversion = shop.sell(**({"click_id": token} if token else {}))
    assert shop.credits(conversion) == {}


def test_an_agentless_request_without_the_header_makes_no_touchpoint(shop, stack):
    anna = shop.partner()
    assert_no_touchpoint(shop, anna, stack.http("GET", f"/{anna.code}").expect(302))


def test_a_hit_that_does_not_count_is_kept_with_its_verdict(shop, stack):
    anna = shop.partner()
    stack.http("GET", f"/{anna.code}", None, {"User-Agent": ROBOTS[0]})
    shop.visitor().follow(anna)
    shop.wait_for_clicks(1)
    wait_for(lambda: len(shop.stats(by="verdict")["rows"]) == 2)


def test_an_unknown_code_gets_a_page_that_says_so(stack):
    answer = stack.http("GET", "/no-such-code-here", None, NAVIGATION).expect(404)
    assert answer.header("Content-Type").startswith("text/html")
    assert not answer.location


def test_a_dead_code_gets_404_or_the_programs_fallback(a_shop, stack):
    plain, kind = a_shop(), a_shop(fallback_url="https://shop.example/gone")
    for shop in (plain, kind):
        link = shop.link(shop.partner()).expect(201).json
        stack.api("DELETE", f"/v1/links/{link['code']}").expect(200, 204)
        answer = shop.visitor().follow(link["code"])
        if shop is plain:
            answer.expect(404)
        else:
            assert answer.expect(302).location.startswith("https://shop.example/gone")
            assert not answer.click_id


def test_a_plus_shows_where_the_code_goes_and_follows_nothing(shop, stack):
    link = shop.link(shop.partner(), destination="https://shop.example/p?a=1&b=<2>").expect(201).json
    answer = stack.http("GET", f"/{link['code']}+", None, NAVIGATION).expect(200)
    assert b"shop.example/p" in answer.body
    assert b"<2>" not in answer.body
    assert not answer.all("Set-Cookie")
    assert shop.stats()["totals"]["clicks"] == 0


def test_a_qr_code_comes_as_png_and_svg_and_may_be_cached(shop, stack):
    anna = shop.partner()
    png = stack.http("GET", f"/qr/{anna.code}.png", None, {"Accept": "image/*"}).expect(200)
    assert png.header("Content-Type") == "image/png"
    assert png.body.startswith(b"\x89PNG\r\n\x1a\n")
    svg = stack.http("GET", f"/qr/{anna.code}.svg?size=400&level=H", None, NAVIGATION).expect(200)
    assert svg.header("Content-Type").startswith("image/svg+xml")
    assert b"<svg" in svg.body
    for answer in (png, svg):
        assert re.search(r"max-age=[1-9]", answer.header("Cache-Control"))


@pytest.mark.parametrize("query", ["size=0", "size=-1", "size=999999999", "size=x", "level=Z", "size=1e3"])
def test_a_qr_code_that_cannot_be_drawn_is_refused(stack, anna_of_closed_shop, query):
    answer = stack.http("GET", f"/qr/{anna_of_closed_shop.code}.png?{query}", None, NAVIGATION)
    assert answer.status in {200, 400, 422}


@pytest.mark.parametrize("file", ["nobody-has-this.png", "x.gif", "x", ".png", "..%2f.png"])
def test_a_qr_code_of_nothing_is_not_found(stack, file):
    assert stack.http("GET", f"/qr/{file}", None, NAVIGATION).status in {400, 403, 404, 422}


@pytest.mark.parametrize(
    "cookie",
    [
        "ll_id=",
        "ll_id=short",
        "ll_id=" + "a" * 5000,
        "ll_id=x; ll_id=y",
        'll_id="quoted"',
        "ll_id=%00%0d%0a",
        "ll_id=../../etc",
        "; ; =; ll_id",
        "a=b; " * 500,
    ],
)
def test_a_cookie_that_was_tampered_with_is_ignored(shop, stack, cookie):
    anna = shop.partner()
    answer = stack.http("GET", f"/{anna.code}", None, {**NAVIGATION, "Cookie": cookie}).expect(302)
    assert answer.click_id
    shop.wait_for_clicks(1)


def test_a_forged_host_changes_nothing(shop, stack):
    anna = shop.partner()
    request = (
        f"GET /{anna.code} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n"
        f"X-Forwarded-Proto: http\r\nUser-Agent: {BROWSER}\r\nConnection: close\r\n\r\n"
    )
    answer = stack.raw(request.encode())
    assert b" 302 " in answer.split(b"\r\n")[0]
    assert b"evil.example" not in answer


def test_links_may_be_read_changed_and_deleted(shop, stack):
    anna = shop.partner()
    made = shop.link(anna, code=f"summer-{shop.id}", campaign="spring", sub={"sub1": "blog"})
    code = made.expect(201).json["code"]
    assert code == f"summer-{shop.id}"
    assert made.json["url"].endswith(f"/{code}")
    read = stack.api("GET", f"/v1/links/{code}").expect(200).json
    assert read["campaign"] == "spring"
    changed = {"destination": "https://shop.example/new"}
    stack.api("PATCH", f"/v1/links/{code}", changed).expect(200)
    assert stack.api("GET", f"/v1/links/{code}").json["destination"] == "https://shop.example/new"
    stack.api("DELETE", f"/v1/links/{code}").expect(200, 204)
    assert shop.visitor().follow(code).status == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"destination": "https://evil.example/"},
        {"destination": "javascript:alert(1)"},
        {"destination": "not a url"},
        {"destination": 7},
        {"code": "v1"},
        {"code": "qr"},
        {"code": "portal"},
        {"code": "a/b"},
        {"code": "späti"},
        {"code": "x" * 500},
        {"code": "a b"},
        {"colour": "red"},
    ],
)
def test_a_link_that_cannot_be_right_is_refused(stack, closed_shop, anna_of_closed_shop, fields):
    closed_shop.link(anna_of_closed_shop, **fields).refused(409, 422)


def test_a_code_that_is_taken_says_so(shop):
    anna, ben = shop.partner("anna"), shop.partner("ben")
    shop.link(anna, code=f"mine-{shop.id}").expect(201)
    shop.link(ben, code=f"mine-{shop.id}").refused(409)


def test_a_link_needs_an_enrolled_partner(a_shop):
    here, there = a_shop(), a_shop()
    here.link(there.partner()).refused(404, 409, 422)
