"""Verdicts: what a hit was, and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from crawlerdetect import CrawlerDetect

from chalicelib.domain import agents
from chalicelib.domain.click import TOUCHES, Verdict
from chalicelib.domain.link import Link, LinkState
from chalicelib.domain.screening import DIRECT_RULES, RULES, Hit, Ruling, screen

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)

BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36 Edg/126.0.0.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
]
OTHER_BROWSERS = [
    "Mozilla/5.0 (Linux; Android 13; SM-S901B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 "
    "Mobile Safari/537.36 Instagram 320.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 [FBAN/FBIOS;FBAV/460.0]",
    "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/90.0 Mobile "
    "Safari/537.36",
]
ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.23.20.0 A",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Go-http-client/2.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 "
    "Safari/537.36",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79 Safari/537.36 bot",
]


def a_link(**changes: Any) -> Link:
    return Link(**({"id": "l", "code": "c", "program": "p", "partner": "a", "created_at": NOW} | changes))


def ruling(link: Link | None, method: str = "GET", rules: Any = None, **headers: str) -> tuple[Verdict, str]:
    named = {name.replace("_", "-"): value for name, value in {"user_agent": BROWSERS[0], **headers}.items()}
    found = screen(Hit(method, named, NOW), link, rules)
    return found.verdict, found.reason


@pytest.mark.parametrize("agent", BROWSERS + OTHER_BROWSERS)
def test_a_persons_navigation_is_human(agent: str) -> None:
    assert ruling(a_link(), user_agent=agent) == (Verdict.HUMAN, "navigation")
    navigation = {"sec_fetch_dest": "document", "sec_fetch_mode": "navigate"}
    assert ruling(a_link(), user_agent=agent, **navigation) == (Verdict.HUMAN, "navigation")


@pytest.mark.parametrize("agent", ROBOTS)
def test_a_robot_is_named(agent: str) -> None:
    verdict, reason = ruling(a_link(), user_agent=agent)
    assert verdict is Verdict.BOT
    assert reason.startswith("agent_")


@pytest.mark.parametrize("agent", BROWSERS)
def test_browsers_recognised_at_once_are_in_no_list_of_crawlers(agent: str) -> None:
    assert agents._BROWSERS.fullmatch(agent)
    assert not CrawlerDetect(user_agent=agent).is_crawler()


@pytest.mark.parametrize("agent", ROBOTS + OTHER_BROWSERS)
def test_nothing_else_is_recognised_at_once(agent: str) -> None:
    assert not agents._BROWSERS.fullmatch(agent)


@pytest.mark.parametrize(
    ("link", "method", "headers", "expected"),
    [
        (None, "GET", {}, (Verdict.UNKNOWN_CODE, "no_such_code")),
        (a_link(), "HEAD", {}, (Verdict.HEAD, "method_head")),
        (a_link(), "GET", {"sec_purpose": "prefetch"}, (Verdict.PREFETCH, "prefetch")),
        (a_link(), "GET", {"sec_purpose": "prefetch;prerender"}, (Verdict.PREFETCH, "prerender")),
        (a_link(), "GET", {"purpose": "prefetch"}, (Verdict.PREFETCH, "prefetch")),
        (a_link(), "GET", {"x_purpose": "preview"}, (Verdict.PREFETCH, "prefetch")),
        (a_link(), "GET", {"x_moz": "prefetch"}, (Verdict.PREFETCH, "prefetch")),
        (a_link(state=LinkState.DELETED), "GET", {}, (Verdict.DELETED, "link_deleted")),
        (a_link(state=LinkState.PAUSED), "GET", {}, (Verdict.PAUSED, "link_paused")),
        (a_link(expires_at=NOW), "GET", {}, (Verdict.EXPIRED, "link_expired")),
        (a_link(expires_at=NOW + timedelta(seconds=1)), "GET", {}, (Verdict.HUMAN, "navigation")),
        (a_link(), "GET", {"user_agent": " "}, (Verdict.NO_AGENT, "agent_missing")),
        (a_link(), "GET", {"sec_fetch_dest": "image"}, (Verdict.FORCED, "loaded_as_image")),
        (a_link(), "GET", {"sec_fetch_dest": "iframe"}, (Verdict.FORCED, "loaded_as_iframe")),
        (a_link(), "GET", {"sec_fetch_dest": "<x>"}, (Verdict.FORCED, "loaded_as_other")),
        (a_link(), "GET", {"sec_fetch_mode": "cors"}, (Verdict.FORCED, "not_a_navigation")),
    ],
)
def test_every_rule_has_its_verdict_and_reason(
    link: Link | None, method: str, headers: dict[str, str], expected: tuple[Verdict, str]
) -> None:
    assert ruling(link, method, **headers) == expected


def test_every_verdict_but_those_of_touches_has_one_rule() -> None:
    assert sorted(verdict for verdict, _ in RULES) == sorted(set(Verdict) - TOUCHES)


def test_the_tags_request_is_no_forced_load_but_may_be_a_robots() -> None:
    sent = {"sec_fetch_dest": "empty", "sec_fetch_mode": "cors"}
    assert ruling(a_link(), rules=DIRECT_RULES, **sent)[0] is Verdict.HUMAN
    assert ruling(a_link(), rules=DIRECT_RULES, **sent | {"user_agent": ROBOTS[0]})[0] is Verdict.BOT


def test_the_tags_request_is_a_forced_load_from_a_frame_or_where_no_script_sends_it() -> None:
    framed = Hit("POST", {"user-agent": BROWSERS[0], "sec-fetch-dest": "empty"}, NOW, is_framed=True)
    assert screen(framed, a_link(), DIRECT_RULES) == Ruling(Verdict.FORCED, "page_in_a_frame")
    image = {"sec_fetch_dest": "image", "sec_fetch_mode": "no-cors"}
    assert ruling(a_link(), rules=DIRECT_RULES, **image) == (Verdict.FORCED, "loaded_as_image")


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (BROWSERS[0], "desktop"),
        (BROWSERS[5], "mobile"),
        (BROWSERS[6], "mobile"),
        ("curl/8", None),
        ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Mobile/1", "tablet"),
        ("Mozilla (Android 13)", "tablet"),
    ],
)
def test_the_device_is_told_by_the_agent(agent: str, expected: str | None) -> None:
    assert agents.device(agent) == expected


def test_a_huge_agent_costs_no_time() -> None:
    assert ruling(a_link(), user_agent="Mozilla/5.0 " + "x" * 100_000)[0] is Verdict.HUMAN
