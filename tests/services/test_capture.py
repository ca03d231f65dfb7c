"""Recording conversions: one order, one record, whatever is repeated, in whatever order it comes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.click import TOUCHES, Verdict
from chalicelib.domain.conversion import Content, Outcome, State
from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.services import additions, capture, conversions
from chalicelib.services.settle import rules_of, settle_conversion
from tests import scene
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10)


def an_order(**changes: object) -> Incoming:
    told = Incoming("sale", "order-1", Content(10_000, "EUR"), Method.API)
    return replace(told, **changes)


def test_an_order_with_a_click_is_recorded_for_the_partner_of_the_link(stage) -> None:
    shop = scene.make(stage.stores)
    click = shop.click(stage.stores, NOW - timedelta(days=1))
    reply = capture.record(stage.stores, shop.program, an_order(click_id=click.token), NOW)
    found = stage.stores.conversions.find(reply.id)
    assert (reply.outcome, reply.state, reply.duplicate) == (Outcome.RECORDED, State.PENDING, False)
    assert found.partners == ("anna",)
    assert [touch.evidence for touch in found.facts.touches] == ["click_id"]


def test_a_conversion_keeps_its_own_copy_of_the_whole_journey(stage) -> None:
    shop = scene.make(stage.stores)
    first = shop.click(stage.stores, NOW - timedelta(days=5), "ben")
    last = shop.click(stage.stores, NOW - timedelta(days=1), "anna", visitor=first.visitor)
    reply = capture.record(stage.stores, shop.program, an_order(click_id=last.token), NOW)
    touches = stage.stores.conversions.find(reply.id).facts.touches
    assert [(t.partner, t.evidence) for t in touches] == [("ben", "journey"), ("anna", "click_id")]


@pytest.mark.parametrize("verdict", sorted(set(Verdict) - TOUCHES))
def test_only_human_hits_become_touches(stage, verdict: Verdict) -> None:
    shop = scene.make(stage.stores)
    bot = shop.click(stage.stores, NOW - timedelta(days=1), verdict=verdict)
    human = shop.click(stage.stores, NOW - timedelta(hours=1), "ben", visitor=bot.visitor)
    reply = capture.record(stage.stores, shop.program, an_order(click_id=human.token), NOW)
    assert [t.partner for t in stage.stores.conversions.find(reply.id).facts.touches] == ["ben"]


def test_a_sale_is_credited_by_its_token_when_the_clicks_row_was_lost(stage) -> None:
    shop = scene.make(stage.stores)
    lost = shop.click(stage.stores, NOW - timedelta(days=1), kept=False)
    reply = capture.record(stage.stores, shop.program, an_order(click_id=lost.token), NOW)
    assert reply.outcome is Outcome.RECORDED
    assert stage.stores.conversions.find(reply.id).partners == ("anna",)


def test_a_click_of_another_program_is_no_evidence(stage) -> None:
    shop, other = scene.make(stage.stores), scene.make(stage.stores)
    foreign = other.click(stage.stores, NOW - timedelta(days=1))
    reply = capture.record(stage.stores, shop.program, an_order(click_id=foreign.token), NOW)
    assert reply.outcome is Outcome.UNATTRIBUTED


def test_a_forged_token_is_no_evidence(stage) -> None:
    shop = scene.make(stage.stores)
    token = shop.click(stage.stores, NOW - timedelta(days=1)).token
    forged = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
    reply = capture.record(stage.stores, shop.program, an_order(click_id=forged), NOW)
    assert reply.outcome is Outcome.UNATTRIBUTED


def test_the_same_order_again_is_the_same_conversion_with_the_same_outcome(stage) -> None:
    shop = scene.make(stage.stores)
    first = capture.record(stage.stores, shop.program, an_order(coupon="ANNA"), NOW)
    again = capture.record(stage.stores, shop.program, an_order(coupon="ANNA"), NOW + timedelta(days=300))
    assert again == replace(first, duplicate=True)


@pytest.mark.parametrize(
    "content", [Content(10_001, "EUR"), Content(10_000, "USD"), Content(0, "EUR")], ids=str
)
def test_the_same_order_with_other_figures_is_refused_and_changes_nothing(stage, content: Content) -> None:
    shop = scene.make(stage.stores)
    first = capture.record(stage.stores, shop.program, an_order(coupon="ANNA"), NOW)
    before = stage.stores.conversions.find(first.id)
    with pytest.raises(Conflict, match="order_conflict"):
        capture.record(stage.stores, shop.program, an_order(content=content), NOW)
    assert stage.stores.conversions.find(first.id) == before


def test_evidence_that_was_missing_is_added_and_decided_again(stage) -> None:
    shop = scene.make(stage.stores)
    assert capture.record(stage.stores, shop.program, an_order(), NOW).outcome is Outcome.UNATTRIBUTED
    click = shop.click(stage.stores, NOW - timedelta(days=1))
    told = capture.record(stage.stores, shop.program, an_order(click_id=click.token), NOW)
    assert (told.outcome, told.state, told.duplicate) == (Outcome.RECORDED, State.PENDING, True)


def test_a_browsers_conversion_is_held_until_an_authenticated_call_whose_figures_stand(stage) -> None:
    shop = scene.make(stage.stores)
    click = shop.click(stage.stores, NOW - timedelta(days=1))
    seen = an_order(method=Method.PIXEL, click_id=click.token, content=Content(9_000, "EUR"))
    held = capture.record(stage.stores, shop.program, seen, NOW)
    assert (held.outcome, held.state) == (Outcome.HELD, State.HELD)
    confirmed = capture.record(stage.stores, shop.program, an_order(), NOW + timedelta(hours=1))
    assert (confirmed.id, confirmed.state) == (held.id, State.PENDING)
    decision = conversions.explain(stage.stores, stage.stores.conversions.find(held.id))
    assert [(c.partner, c.commission_minor) for c in decision.credits] == [("anna", 1000)]


def test_pixel_and_server_end_in_the_same_decision_whichever_came_first(stage) -> None:
    shop = scene.make(stage.stores)
    click = shop.click(stage.stores, NOW - timedelta(days=1))
    at = NOW - timedelta(minutes=5)
    pixel = an_order(method=Method.PIXEL, click_id=click.token, content=Content(9_000, "EUR"), occurred_at=at)
    server = an_order(occurred_at=at)
    decisions = []
    for order_id, reports in (("a", (pixel, server)), ("b", (server, pixel))):
        for report in reports:
            reply = capture.record(stage.stores, shop.program, replace(report, order_id=order_id), NOW)
        found = stage.stores.conversions.find(reply.id)
        decisions.append((found.state, conversions.explain(stage.stores, found)))
    assert decisions[0] == decisions[1]


def test_a_browser_that_is_trusted_needs_no_confirmation(stage) -> None:
    shop = scene.make(stage.stores, trust_browser=True)
    seen = an_order(method=Method.PIXEL, coupon="anna")
    assert capture.record(stage.stores, shop.program, seen, NOW).state is State.PENDING


@pytest.mark.parametrize("told", ["anna", " Anna ", "ＡＮＮＡ", "ANNA"])
def test_promo_codes_are_compared_trimmed_and_folded(stage, told: str) -> None:
    shop = scene.make(stage.stores)
    assert capture.record(stage.stores, shop.program, an_order(coupon=told), NOW).outcome is Outcome.RECORDED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"event": ""}, "event_invalid"),
        ({"event": "sa\nle"}, "event_invalid"),
        ({"order_id": ""}, "order_id_invalid"),
        ({"order_id": " x"}, "order_id_invalid"),
        ({"order_id": "x" * 129}, "order_id_invalid"),
        ({"order_id": "a\x07b"}, "order_id_invalid"),
        ({"order_id": "a\ufffdb"}, "order_id_invalid"),
        ({"content": Content(-1, "EUR")}, "amount_invalid"),
        ({"content": Content(2**53, "EUR")}, "amount_invalid"),
        ({"content": Content(1, "XXX")}, "currency_unknown"),
        ({"coupon": "x" * 65}, "coupon_invalid"),
        ({"customer_id": "x" * 257}, "customer_id_invalid"),
        ({"occurred_at": NOW + timedelta(minutes=10, seconds=1)}, "time_in_future"),
        ({"occurred_at": NOW - timedelta(days=401)}, "time_too_old"),
    ],
)
def test_what_is_not_acceptable_is_refused_and_nothing_is_stored(stage, changes: dict, code: str) -> None:
    shop = scene.make(stage.stores)
    with pytest.raises(Invalid, match=code):
        capture.record(stage.stores, shop.program, an_order(**changes), NOW)
    listed, _ = conversions.list_page(stage.stores, conversions.Wanted(shop.program), 10, None, NOW)
    assert listed == []


def test_a_method_that_the_program_does_not_use_is_refused(stage) -> None:
    shop = scene.make(stage.stores, methods=frozenset({Method.POSTBACK}))
    with pytest.raises(Invalid, match="method_not_allowed"):
        capture.record(stage.stores, shop.program, an_order(), NOW)


def test_a_clock_that_is_ten_minutes_ahead_is_accepted(stage) -> None:
    shop = scene.make(stage.stores)
    ahead = an_order(occurred_at=NOW + timedelta(minutes=10), coupon="ANNA")
    assert capture.record(stage.stores, shop.program, ahead, NOW).outcome is Outcome.RECORDED


def test_a_browser_cannot_fill_an_order_with_clicks_and_those_that_are_vouched_for_still_count(stage) -> None:
    shop = scene.make(stage.stores)
    clicks = [shop.click(stage.stores, NOW - timedelta(hours=n + 1)) for n in range(30)]
    content = Content(10_000, "EUR")

    def tell(method: Method, click) -> capture.Reply:
        incoming = Incoming("sale", "order", content, method, click.token, occurred_at=NOW)
        return capture.record(stage.stores, shop.program, incoming, NOW)

    replies = [tell(Method.PIXEL, click) for click in clicks]
    sold = replies[0].id
    found = stage.stores.conversions.find(sold)
    assert found.told_later == (additions.MAX_TOLD_LATER, 0)
    assert len(found.facts.touches) == 1 + additions.MAX_TOLD_LATER
    assert {reply.id for reply in replies} == {sold}
    late = shop.click(stage.stores, NOW - timedelta(minutes=1), "ben")
    tell(Method.API, clicks[0])
    tell(Method.API, late)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), sold, NOW)
    assert stage.stores.conversions.find(sold).partners == ("ben",)
