"""The path to a conversion: which touches it keeps, in which order, and which of them count."""

import random
from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction

import pytest

from chalicelib.domain.conversion import Touch
from chalicelib.domain.path import MAX_PARTNERS, NOTHING_REFUSED, Path, in_order, share_text, weigh
from chalicelib.domain.terms import CouponRule, Terms
from chalicelib.domain.token import Token, sign
from tests.domain.builders import CLICKED, SOLD, a_coupon, a_report, a_touch, days, some_terms

MANY = [a_touch(f"p{number}", SOLD - timedelta(minutes=200 - number)) for number in range(105)]
SECOND = timedelta(seconds=1)


def told(
    *touches: Touch, terms: Terms | None = None, refused: Mapping[str, str] = NOTHING_REFUSED, code: str = ""
) -> Path:
    coupon = a_coupon(code) if code else None
    return weigh(touches, coupon, a_report(), terms or some_terms(), refused)


def became(path: Path) -> list[tuple[bool, str]]:
    return [(step.counted, step.reason) for step in path.steps]


def clicked_at_once(nonce: str, partner: str) -> Touch:
    token = Token(1, CLICKED, "abcdefghijklmnop", nonce, "lnk_aaaaaaaaaaaba")
    return a_touch(partner, CLICKED, click_id=sign(token, bytes(32)))


@pytest.mark.parametrize("told", [1, 2, 99, 100])
def test_up_to_a_hundred_touches_are_all_kept_whatever_their_order(told: int) -> None:
    mixed = random.Random(told).sample(MANY[:told], told)
    assert in_order(mixed) == tuple(MANY[:told])


def test_of_more_the_oldest_and_the_newest_ninety_nine_are_kept() -> None:
    mixed = random.Random(1).sample(MANY, len(MANY))
    assert in_order(mixed) == (MANY[0], *MANY[-99:])


def test_it_is_all_the_same_whether_they_were_told_at_once_or_in_parts() -> None:
    assert in_order([*in_order(MANY[:101]), *MANY[101:]]) == in_order(MANY)


def test_clicks_of_one_instant_stand_as_they_were_made() -> None:
    made = [clicked_at_once(nonce, partner) for nonce, partner in (("00ffff", "b"), ("010000", "a"))]
    later = a_touch("c", CLICKED + SECOND)
    for touches in ([later, *made], [*made[::-1], later]):
        assert in_order(touches) == (*made, later)
    assert in_order(made[::-1]) == in_order(made) == tuple(made)


def test_of_a_click_told_twice_the_same_one_stands_in_whatever_order() -> None:
    for other in ({"code": None}, {"partner": None}, {"marks": ("checkout",)}, {"channel": "search"}):
        one, another = a_touch(click_id="c"), a_touch(**{"click_id": "c"} | other)
        assert in_order([one, another]) == in_order([another, one])


class TestWhatCounts:
    """Each touch counts or not, and says why."""

    def test_who_earns_counts_and_nobody_else_does(self) -> None:
        first, last = a_touch("anna", SOLD - days(3)), a_touch("ben", SOLD - days(2))
        late, search = a_touch("carla", SOLD + days(1)), a_touch(None, SOLD - days(1), channel="search")
        assert became(told(first, last, search, late)) == [
            (False, "model_gives_none"),
            (True, "credited"),
            (False, "other_channel"),
            (False, "after_conversion"),
        ]
        assert became(told(first, last, refused={last.click_id: "injected"})) == [
            (True, "credited"),
            (False, "injected"),
        ]

    def test_what_a_code_beats_does_not_count(self) -> None:
        beaten = told(a_touch("anna"), code="carla", terms=some_terms(coupon=CouponRule.BEATS_CLICK))
        assert became(beaten) == [(False, "coupon_beats_click")]
        assert (beaten.weights, beaten.first_credited_at) == ({"carla": 1}, None)

    @pytest.mark.parametrize(
        ("at", "shuts_out"),
        [
            (SOLD - days(30) - SECOND, False),
            (SOLD - days(30), True),
            (SOLD + SECOND - timedelta(milliseconds=1), True),
            (SOLD + SECOND, False),
        ],
    )
    def test_a_click_that_the_shop_told_outweighs_a_browsers_within_the_window(
        self, at: object, shuts_out: bool
    ) -> None:
        path = told(a_touch("browsers", trusted=False), a_touch("shops", at))  # type: ignore[arg-type]
        assert ((False, "untrusted_evidence") in became(path)) is shuts_out

    def test_ranks_ask_for_nobody_where_nobody_is_eligible(self) -> None:
        ranked = some_terms(groups={"best": ("anna",)}, priority=("best",))
        assert became(told(a_touch(None, channel="search"), terms=ranked)) == [(False, "other_channel")]

    def test_the_cap_of_partners_holds_within_a_rank(self) -> None:
        names = [f"p{number}" for number in range(MAX_PARTNERS + 1)]
        touches = [a_touch(name, SOLD - days(20 - n)) for n, name in enumerate([*names, "other"])]
        ranked = some_terms(groups={"best": tuple(names)}, priority=("best",), model="linear")
        reasons = [reason for _, reason in became(told(*touches, terms=ranked))]
        assert reasons == ["too_many_partners", *["credited"] * MAX_PARTNERS, "outranked"]
        capped = told(*touches[:MAX_PARTNERS], terms=some_terms(model="linear"))
        assert len(capped.weights) == MAX_PARTNERS


def test_a_partner_earns_by_the_touches_that_have_weight() -> None:
    early, late = a_touch("anna", SOLD - days(3)), a_touch("anna", SOLD - days(2), click_id="late")
    path = told(early, late, terms=some_terms(model="first"))
    assert (path.earning, path.weights) == ({"anna": [early]}, {"anna": 1})
    assert path.first_credited_at == early.at
    both = told(early, late, terms=some_terms(model="linear"))
    assert (both.earning, both.weights) == ({"anna": [early, late]}, {"anna": 2})
    assert [step.share for step in both.steps] == [Fraction(1, 2)] * 2


@pytest.mark.parametrize(
    ("weight", "whole", "text"),
    [(1, 3, "1/3"), (1, 2, "1/2"), (2, 6, "1/3"), (4, 6, "2/3"), (5, 5, "1"), (0, 1, "0"), (0, 7, "0")],
)
def test_a_share_is_written_as_the_shortest_fraction(weight: int, whole: int, text: str) -> None:
    assert share_text(weight, whole) == text
