"""Clicks in their table: small, read consistently, never when expired."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.click import Click, Verdict, fit_subs
from chalicelib.storage.clicks import MAX_JOURNEY, of_item, to_item

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=30)


def a_click(**changes: Any) -> Click:
    click = Click(
        program="acme",
        visitor="abcdefghijklmnop",
        at=NOW,
        nonce="00ff00",
        link_id="lnk_aaaaaaaaaaaaa",
        code="summer",
        partner="anna",
        verdict=Verdict.HUMAN,
        reason="navigation",
    )
    return replace(click, **changes)


FULL = a_click(
    program="p" * 48,
    code="c" * 64,
    partner="a" * 48,
    reason="agent_" + "x" * 32,
    token="t" * 59,
    campaign="é" * 50,
    country="DE",
    device="desktop",
    referrer="assistant",
    origin="h" * 100,
    sub=fit_subs({f"sub{number}": "x" * 100 for number in range(1, 11)})[0],
    flags=("cookie_doubled", "sub_cut", "deep_link_refused", "query_cut"),
)


def test_a_click_is_read_back_whole() -> None:
    for click in (a_click(), FULL):
        assert of_item(to_item(click, LATER)) == click


def test_the_largest_click_takes_one_write_unit() -> None:
    """Sizes as DynamoDB reckons them (developer guide, "DynamoDB item sizes and formats")."""

    def size(value: Any) -> int:
        if isinstance(value, dict):
            return 3 + sum(len(key) + size(element) + 1 for key, element in value.items())
        if isinstance(value, list | tuple):
            return 3 + sum(size(element) + 1 for element in value)
        return len(str(value).encode())

    item = to_item(FULL, LATER)
    assert sum(len(name) + size(value) for name, value in item.items()) <= 1024


def test_the_journey_holds_both_ends_and_nothing_beyond(stage: Any) -> None:
    times = [NOW + timedelta(milliseconds=offset) for offset in (-1, 0, 1, 2)]
    for number, at in enumerate(times):
        stage.stores.clicks.put(a_click(at=at, nonce=f"{number:06x}"), LATER)
    stage.stores.clicks.put(a_click(visitor="ponmlkjihgfedcba"), LATER)
    journey = stage.stores.clicks.journey("acme", "abcdefghijklmnop", times[1], times[2], NOW)
    assert [click.at for click in journey] == times[1:3]


def test_an_expired_click_is_not_read_though_it_is_still_there(stage: Any) -> None:
    stage.stores.clicks.put(a_click(), NOW + timedelta(seconds=1))
    key = ("acme", "abcdefghijklmnop")
    assert len(stage.stores.clicks.journey(*key, NOW, NOW, NOW)) == 1
    assert stage.stores.clicks.journey(*key, NOW, NOW, NOW + timedelta(seconds=1)) == []
    assert stage.stores.clicks.find(*key, NOW, "00ff00", NOW + timedelta(seconds=1)) is None


def test_every_verdict_is_in_the_journey(stage: Any) -> None:
    stage.stores.clicks.put(a_click(verdict=Verdict.BOT, reason="agent_curl"), LATER)
    (click,) = stage.stores.clicks.journey("acme", "abcdefghijklmnop", NOW, NOW, NOW)
    assert click.verdict is Verdict.BOT


def test_a_long_journey_keeps_its_newest_clicks(stage: Any, monkeypatch: Any) -> None:
    from chalicelib.storage import clicks

    monkeypatch.setattr(clicks, "MAX_JOURNEY", 3)
    for number in range(5):
        stage.stores.clicks.put(a_click(at=NOW + timedelta(seconds=number)), LATER)
    journey = stage.stores.clicks.journey("acme", "abcdefghijklmnop", NOW, LATER, NOW)
    assert [click.at.second for click in journey] == [2, 3, 4]
    assert MAX_JOURNEY == 500


def test_a_click_is_written_once(stage: Any) -> None:
    assert stage.stores.clicks.put_once(a_click(), LATER)
    assert not stage.stores.clicks.put_once(a_click(partner="ben"), LATER)
    assert stage.stores.clicks.find("acme", "abcdefghijklmnop", NOW, "00ff00", NOW).partner == "anna"
