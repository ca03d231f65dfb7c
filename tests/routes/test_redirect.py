"""`GET /{code}`: where it leads, what it carries, whom it counts, what it keeps."""

import json
import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from chalicelib.domain.click import Verdict
from chalicelib.domain.link import LinkState
from chalicelib.domain.program import Consent
from chalicelib.services import links
from chalicelib.services.links import Wanted
from chalicelib.storage import warm
from tests.visiting import BROWSER, NOW, Visitor, a_link, a_program, stored_clicks, the_stores


@pytest.fixture(autouse=True)
def at_noon(stage: Any, clock: Any) -> Any:
    clock.set(NOW)
    return clock


def the_click() -> Any:
    (click,) = stored_clicks(the_stores())
    return click


def follow(query: str = "", program: dict[str, Any] | None = None, **wanted: Any) -> Any:
    made = a_program(the_stores(), **(program or {}))
    link = a_link(the_stores(), made, **wanted)
    return Visitor().follow(link.code + query)


def test_a_click_is_one_uncached_hop_and_is_kept() -> None:
    visit = follow(campaign="spring", sub={"sub1": "blog"})
    assert visit.status == 302
    assert visit.headers["Cache-Control"] == "no-store"
    assert visit.headers["X-Robots-Tag"] == "noindex"
    assert visit.location.startswith("https://shop.example/?ll_click=")
    click = the_click()
    assert (click.verdict, click.reason, click.token) == (Verdict.HUMAN, "navigation", visit.token)
    assert (click.partner, click.campaign, click.sub) == ("anna", "spring", {"sub1": "blog"})
    assert (click.at, click.device, click.channel) == (NOW, "desktop", "partner")


def test_a_code_is_followed_in_any_case() -> None:
    link = a_link(the_stores(), a_program(the_stores()), code="summer-26")
    assert Visitor().follow(link.code.upper()).status == 302


@pytest.mark.parametrize(
    ("template", "link_utm", "destination", "incoming", "expected"),
    [
        ({"utm_source": "t-{partner}"}, {}, "", "", "t-anna"),
        ({"utm_source": "t"}, {}, "?utm_source=own", "", "own"),
        ({"utm_source": "t"}, {"utm_source": "link"}, "?utm_source=own", "", "link"),
        ({"utm_source": "t"}, {"utm_source": "link"}, "?utm_source=own", "?utm_source=in", "in"),
    ],
)
def test_the_nearest_to_the_visitor_sets_a_utm_and_none_stands_twice(
    template: dict[str, str], link_utm: dict[str, str], destination: str, incoming: str, expected: str
) -> None:
    visit = follow(
        incoming, {"utm": template}, utm=link_utm, destination=f"https://shop.example/p{destination}"
    )
    assert visit.query["utm_source"] == [expected]


def test_what_came_in_goes_on_undoubled_and_the_fragment_survives() -> None:
    visit = follow(
        "?gclid=a%26b&x=1&x=2&empty=&color=blue&ll_click=forged",
        destination="https://shop.example/p?color=red&size=m#reviews",
    )
    assert visit.query["gclid"] == ["a&b"]
    assert visit.query["x"] == ["1", "2"]
    assert visit.query["empty"] == [""]
    assert visit.query["color"] == ["blue"]
    assert visit.query["size"] == ["m"]
    assert visit.query["ll_click"] == [visit.token]
    assert visit.token != "forged"
    assert visit.location.endswith("#reviews")


def test_a_link_may_keep_the_query_to_itself() -> None:
    assert list(follow("?gclid=1", carry_query=False).query) == ["ll_click"]


def test_a_query_that_has_no_room_is_left_out_and_said_so() -> None:
    made = a_link(the_stores(), a_program(the_stores()))
    visit = Visitor().follow(f"{made.code}?a={quote('<' * 3000)}")
    assert list(visit.query) == ["ll_click"]
    assert "query_cut" in the_click().flags


def test_subs_come_in_under_the_vendors_names() -> None:
    follow("?aff_sub2=two&s3=three&sub1=mine", sub={"sub1": "link", "sub4": "four"})
    assert the_click().sub == {"sub1": "mine", "sub4": "four", "sub2": "two", "sub3": "three"}


@pytest.mark.parametrize(
    ("query", "start"),
    [
        ("?url=https%3A%2F%2Fshop.example%2Fp%3Fa%3D1%23top", "https://shop.example/p?a=1&ll_click="),
        ("?url=https%3A%2F%2Fwww.shop.example%2Fp", "https://www.shop.example/p?ll_click="),
        ("?path=%2Fp%2F8%3Fa%3D1", "https://shop.example/p/8?a=1&ll_click="),
        ("?path=p", "https://shop.example/p?ll_click="),
    ],
)
def test_a_deep_link_inside_the_domains_is_followed(query: str, start: str) -> None:
    assert follow(query).location.startswith(start)
    assert "deep_link" in the_click().flags


HOSTILE = [
    "https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "https:evil.example",
    "https://shop.example@evil.example/", "https://evil.example\\@shop.example/", "https://u:p@shop.example/",
    "https://shop.example.evil.example/", "https://evilshop.example/", "https://shop.example%2eevil.example/",
    "https://shop.example%00.evil.example/", "https://shop.example\t.evil.example/", " https://evil.example",
    "https://evil。example/", "https://[::1]/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
    "https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example:99999/", "https://", "", "\x00",
    "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", ["url", "path"])
def test_a_deep_link_that_leads_elsewhere_goes_to_the_links_own_page(name: str) -> None:
    made = a_link(the_stores(), a_program(the_stores()), destination="https://shop.example/own")
    for target in HOSTILE:
        encoded = quote(target.encode("utf-8", "surrogatepass"), safe="")
        visit = Visitor().follow(f"{made.code}?{name}={encoded}")
        assert visit.status == 302, target
        assert re.fullmatch(r"https://shop\.example/[\x21-\x7e]*", visit.location), target


def test_a_destination_that_the_program_no_longer_allows_is_not_led_to() -> None:
    stores = the_stores()
    made = a_program(stores, domains=("shop.example", "old.example"))
    link = a_link(stores, made, destination="https://old.example/")
    stores.catalogue.replace_program(made, a_program(domains=("shop.example",)))
    assert urlsplit(Visitor().follow(link.code).location).netloc == "shop.example"


def test_the_cookie_is_first_party_and_lasts_for_the_window() -> None:
    cookie = follow(program={"window_days": 45}).cookie
    assert cookie is not None
    value, *attributes = cookie.split("; ")
    assert re.fullmatch(r"ll_id=[A-Za-z0-9_-]{36}", value)
    assert attributes == [f"Max-Age={45 * 86400}", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"]


def test_a_returning_visitor_goes_on_with_its_journey() -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    visitor = Visitor()
    visitor.follow(link.code)
    visitor.follow(link.code)
    first, second = stored_clicks(the_stores())
    assert first.visitor == second.visitor
    assert {first.flags, second.flags} == {(), ("returning",)}


@pytest.mark.parametrize(
    ("cookie", "flag"),
    [
        ("ll_id=", "cookie_invalid"),
        ("ll_id=" + "A" * 36, "cookie_invalid"),
        ("ll_id=" + "a" * 5000, "cookie_invalid"),
        ("ll_id={0}; ll_id={0}", "cookie_doubled"),
        ("ll_id=x; ll_id={0}", "cookie_doubled"),
    ],
)
def test_a_cookie_that_is_not_ours_is_ignored_and_flagged(cookie: str, flag: str) -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    visitor = Visitor()
    visitor.follow(link.code)
    assert visitor.follow(link.code, cookie=cookie.format(visitor.cookie)).token
    one, two = stored_clicks(the_stores())
    assert one.visitor != two.visitor
    assert flag in one.flags + two.flags


@pytest.mark.parametrize(
    ("consent", "query", "headers", "allowed"),
    [
        (Consent.GRANTED, "", {"sec_gpc": "1"}, False),
        (Consent.EXEMPT, "?ll_consent=granted", {"sec_gpc": "1"}, False),
        (Consent.REQUIRED, "", {}, False),
        (Consent.REQUIRED, "?ll_consent=granted", {}, True),
        (Consent.REQUIRED, "", {"cookie": "ll_consent=granted"}, True),
        (Consent.GRANTED, "?ll_consent=denied", {}, False),
        (Consent.REQUIRED, "?ll_consent=granted&ll_consent=denied", {}, False),
        (Consent.REQUIRED, "", {"cookie": "ll_consent=granted; ll_consent=denied"}, False),
        (Consent.GRANTED, "", {}, True),
    ],
)
def test_without_consent_there_is_neither_cookie_nor_token_and_the_click_counts(
    consent: Consent, query: str, headers: dict[str, str], allowed: bool
) -> None:
    link = a_link(the_stores(), a_program(the_stores(), consent=consent))
    visit = Visitor().follow(link.code + query, **headers)
    assert (visit.cookie is not None, visit.token is not None) == (allowed, allowed)
    assert "ll_consent" not in visit.query
    click = the_click()
    assert click.verdict is Verdict.HUMAN
    assert (click.token is not None, "anonymous" in click.flags) == (allowed, not allowed)


def test_an_identifier_that_was_set_before_is_not_used_under_gpc() -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    visitor = Visitor()
    visitor.follow(link.code)
    visitor.follow(link.code, sec_gpc="1")
    one, two = stored_clicks(the_stores())
    assert one.visitor != two.visitor


@pytest.mark.parametrize(
    ("method", "headers", "verdict", "status"),
    [
        ("HEAD", {}, Verdict.HEAD, 302),
        ("GET", {"user_agent": ""}, Verdict.NO_AGENT, 302),
        ("GET", {"user_agent": "Googlebot/2.1"}, Verdict.BOT, 302),
        ("GET", {"sec_purpose": "prefetch;prerender"}, Verdict.PREFETCH, 503),
        ("GET", {"purpose": "prefetch"}, Verdict.PREFETCH, 503),
        ("GET", {"x_moz": "prefetch"}, Verdict.PREFETCH, 503),
        ("GET", {"sec_fetch_dest": "image"}, Verdict.FORCED, 302),
        ("GET", {"sec_fetch_mode": "no-cors"}, Verdict.FORCED, 302),
    ],
)
def test_hits_of_no_person_are_kept_and_get_no_identifier(
    method: str, headers: dict[str, str], verdict: Verdict, status: int
) -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    visit = Visitor().follow(link.code, method, **headers)
    assert (visit.status, visit.token, visit.cookie) == (status, None, None)
    click = the_click()
    assert (click.verdict, click.token) == (verdict, None)


def test_a_prefetch_is_not_answered_from() -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    visit = Visitor().follow(link.code, sec_purpose="prefetch")
    assert (visit.location, visit.headers["Cache-Control"]) == ("", "no-store")


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"state": LinkState.PAUSED}, Verdict.PAUSED),
        ({"expires_at": NOW}, Verdict.EXPIRED),
        ({"state": LinkState.DELETED}, Verdict.DELETED),
    ],
)
@pytest.mark.parametrize("fallback", [None, "https://shop.example/gone", "https://evil.example/"])
def test_a_dead_link_leads_to_the_fallback_or_says_so(
    change: dict[str, Any], verdict: Verdict, fallback: str | None
) -> None:
    made = a_program(the_stores(), fallback_url=fallback)
    link = a_link(the_stores(), made)
    links.change(the_stores(), made, link, Wanted(**change), NOW)
    visit = Visitor().follow(link.code)
    if fallback and "shop" in fallback:
        assert (visit.status, visit.location) == (302, fallback)
    else:
        assert visit.status == 404
        assert b"<h1>This link" in visit.body
    assert visit.cookie is None
    assert the_click().verdict is verdict


def test_an_unknown_code_gets_a_page_and_is_kept() -> None:
    visit = Visitor().follow("no-such-code")
    assert visit.status == 404
    assert visit.headers["Content-Type"].startswith("text/html")
    click = the_click()
    assert (click.program, click.code, click.verdict) == ("-", "no-such-code", Verdict.UNKNOWN_CODE)


@pytest.mark.parametrize("path", ["%00", "-", "a%2Fb", "%F0%9F%92%A5", "x" * 300])
def test_what_can_be_no_code_is_unknown(path: str) -> None:
    assert Visitor().follow(path).status == 404


def test_a_plus_shows_where_the_link_goes_and_follows_nothing() -> None:
    link = a_link(the_stores(), a_program(the_stores()), destination="https://shop.example/p?a=1&b=<2>")
    visit = Visitor().follow(link.code + "+")
    assert visit.status == 200
    assert b"https://shop.example/p?a=1&amp;b=%3C2%3E" in visit.body
    assert visit.cookie is None
    assert stored_clicks(the_stores()) == []


def test_an_edit_is_seen_by_the_next_visitor() -> None:
    made = a_program(the_stores())
    link = a_link(the_stores(), made)
    visitor = Visitor()
    visitor.follow(link.code)
    links.change(the_stores(), made, link, Wanted(destination="https://shop.example/new"), NOW)
    assert visitor.follow(link.code).location.startswith("https://shop.example/new")


def test_the_country_counts_only_with_the_secret_of_the_edge(monkeypatch: Any) -> None:
    from chalicelib import bootstrap

    monkeypatch.setenv("ORIGIN_SECRET", "s" * 32)
    bootstrap.stores.cache_clear()
    link = a_link(the_stores(), a_program(the_stores()))
    edge = {"cloudfront_viewer_country": "DE"}
    Visitor().follow(link.code, **edge, x_linkledger_origin="s" * 31)
    Visitor().follow(link.code, **edge, x_linkledger_origin="s" * 32)
    assert sorted(click.country or "" for click in stored_clicks(the_stores())) == ["", "DE"]


def test_the_network_counts_only_with_the_secret_of_the_edge(monkeypatch: Any) -> None:
    from chalicelib import bootstrap

    monkeypatch.setenv("ORIGIN_SECRET", "s" * 32)
    bootstrap.stores.cache_clear()
    link = a_link(the_stores(), a_program(the_stores()))
    for secret in ("s" * 31, "s" * 32):
        Visitor().follow(link.code, cloudfront_viewer_asn="16509", x_linkledger_origin=secret)
    assert sorted(click.marks for click in stored_clicks(the_stores())) == [(), ("asn:16509",)]


@pytest.mark.parametrize(
    ("query", "referer", "marks"),
    [
        ("?gclid=abc", "https://www.google.com/", ("gclid",)),
        ("?msclkid=1&gclid=2", "", ("gclid", "msclkid")),
        ("?path=/checkout/pay", "", ("checkout",)),
        ("?path=/checkouts-explained", "", ()),
        ("", "https://shop.example/cart", ("own_site",)),
        ("", "https://www.shop.example/", ("own_site",)),
        ("", "https://notshop.example/", ()),
    ],
)
def test_a_click_keeps_what_fraud_rules_want_to_know(
    query: str, referer: str, marks: tuple[str, ...]
) -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    Visitor().follow(link.code + query, **({"referer": referer} if referer else {}))
    assert the_click().marks == marks


def test_the_referrers_channel_is_kept_and_not_its_address() -> None:
    link = a_link(the_stores(), a_program(the_stores()))
    Visitor().follow(link.code, referer="https://www.google.de/search?q=private")
    assert the_click().referrer == "search"


def test_a_click_is_kept_for_the_window_and_its_late_days(stage: Any) -> None:
    from chalicelib.storage import aws

    follow(program={"window_days": 40, "late_days": 5})
    (item,) = aws.client("dynamodb").scan(TableName=stage.settings.table("clicks"))["Items"]
    assert int(item["expires_at"]["N"]) == int((NOW + timedelta(days=45)).timestamp())


class TestWithStorageAway:
    """A warm link answers at once; the click is spilled, and written once when storage is back."""

    @pytest.fixture
    def warm_link(self) -> Any:
        link = a_link(the_stores(), a_program(the_stores()))
        assert the_stores().secrets.token_keys
        Visitor().follow(link.code)
        return link

    @pytest.fixture(params=["refused", "throttled", "frozen"])
    def away(self, request: Any, monkeypatch: Any) -> Any:
        import socket

        from botocore.awsrequest import AWSResponse
        from botocore.httpsession import URLLib3Session

        from chalicelib.storage import aws

        def throttle(self: Any, sent: Any) -> AWSResponse:
            body = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}'
            answer = AWSResponse(sent.url, 400, {}, None)
            answer._content = body
            return answer

        with socket.create_server(("127.0.0.1", 0)) as frozen:
            port = 1 if request.param == "refused" else frozen.getsockname()[1]
            with monkeypatch.context() as patch:
                if request.param == "throttled":
                    patch.setattr(URLLib3Session, "send", throttle)
                else:
                    patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
                    aws.forget()
                yield patch
            aws.forget()

    @pytest.mark.parametrize("age_s", [0.0, 60.0])
    def test_a_warm_redirect_answers_and_its_click_is_replayed_once(
        self, warm_link: Any, away: Any, age_s: float, capsys: Any, monkeypatch: Any
    ) -> None:
        from chalicelib.services import keeping

        monkeypatch.setattr(warm, "MAX_AGE_S", 10.0 - age_s)
        if age_s:
            target = the_stores().warm.find("link", warm_link.code)[0]
            the_stores().warm.keep("link", warm_link.code, target)
        visitor = Visitor()
        started = time.monotonic()
        visit = visitor.follow(warm_link.code)
        # The clients' own time-outs would take two seconds and more. How quick it is, the load's bench tells.
        assert time.monotonic() - started < 1.5
        assert visit.status == 302
        assert visit.token
        away.undo()
        from chalicelib.storage import aws

        aws.forget()
        lines = [line for line in capsys.readouterr().out.splitlines() if "click_spilled" in line]
        spilled = [line for line in lines if "_aws" not in line]
        assert len(spilled) == 1
        assert json.loads(spilled[0])["click"]["t"] == visit.token
        assert visit.token not in {click.token for click in stored_clicks(the_stores())}
        exported = [f"2026-10-15T12:00:00 {line}" for line in lines]
        assert keeping.replay(the_stores(), exported, NOW)["written"] == 1
        assert keeping.replay(the_stores(), exported, NOW)["known"] == 1
        assert keeping.drain(the_stores()) == 1
        assert [click.token for click in stored_clicks(the_stores())].count(visit.token) == 1

    def test_a_new_process_asks_for_its_keys_more_than_once(self, stage: Any, monkeypatch: Any) -> None:
        from chalicelib.domain.errors import Unavailable
        from chalicelib.storage import secrets

        link, read, answers = (
            a_link(the_stores(), a_program(the_stores())),
            secrets._read,
            iter([False, False]),
        )

        def slow(name: str) -> Any:
            if next(answers, True):
                return read(name)
            monkeypatch.setattr("chalicelib.services.keeping.RETRY_WITHIN_S", 0.0)
            raise Unavailable("secrets_unavailable", "too slow")

        the_stores().secrets._values = None
        monkeypatch.setattr(secrets, "_read", slow)
        assert Visitor().follow(link.code).token

    def test_a_cold_link_says_to_come_back(self, stage: Any, away: Any) -> None:
        visit = Visitor().follow("never-seen")
        assert visit.status == 503
        assert visit.headers["Retry-After"] == "1"


def test_a_click_that_was_spilled_is_written_with_the_next_one(monkeypatch: Any) -> None:
    from chalicelib.domain.errors import Unavailable
    from chalicelib.storage.clicks import Clicks

    link = a_link(the_stores(), a_program(the_stores()))

    def fail(*_: Any) -> None:
        raise Unavailable("storage_unavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(Clicks, "put_item", fail)
        lost = Visitor().follow(link.code).token
    assert stored_clicks(the_stores()) == []
    kept = Visitor().follow(link.code).token
    assert {click.token for click in stored_clicks(the_stores())} == {lost, kept}


def test_a_browsers_agent_is_the_one_of_these_tests() -> None:
    assert "Chrome" in BROWSER
