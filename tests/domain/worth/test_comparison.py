"""Partners and channels side by side, over sales that one can reckon in one's head."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.conversion import Touch
from chalicelib.domain.worth import markov
from chalicelib.domain.worth.comparison import COMPARED, MICROS, OTHERS, Comparison, Row
from tests.domain.builders import SOLD, a_coupon, a_report, a_touch, days, some_terms

MODELS = (*COMPARED, "markov", "shapley")


def a_comparison(*sales: tuple[int, tuple[Touch, ...]]) -> Comparison:
    comparison = Comparison(some_terms(window_days=30))
    for number, (amount, touches) in enumerate(sales):
        comparison.add(a_report(amount, order_id=str(number)), touches, ())
    return comparison


def by_name(rows: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


def ago(partner: str | None, count: float, channel: str = "partner") -> Touch:
    return a_touch(partner, SOLD - days(count), channel=channel)


def test_each_model_divides_every_sale() -> None:
    rows = by_name(a_comparison((9_000, (ago("anna", 3), ago(None, 2, "search"), ago("ben", 1)))).partners())
    assert [(row.name, row.is_partner) for row in rows.values()] == [
        ("anna", True),
        ("ben", True),
        ("search", False),
    ]
    earned = {model: [rows[name].revenue["EUR"][model] for name in rows] for model in MODELS}
    assert earned["first"] == [9_000, 0, 0]
    assert earned["last"] == [0, 9_000, 0]
    assert earned["linear"] == earned["markov"] == earned["shapley"] == [3_000, 3_000, 3_000]
    assert earned["position"] == [3_600, 3_600, 1_800]
    assert earned["time_decay"] == sorted(earned["time_decay"], key=earned["time_decay"].index)
    assert earned["time_decay"][1] > earned["time_decay"][2] > earned["time_decay"][0]


def test_a_code_that_nobody_has_or_whose_time_is_over_is_no_touch() -> None:
    comparison = Comparison(some_terms())
    comparison.add(a_report(500), (), (a_coupon(None), replace(a_coupon("carla"), ends_at=SOLD)))
    assert comparison.partners() == []


def test_shares_of_different_parts_add_up() -> None:
    anna, ben, carla = ago("anna", 3), ago("ben", 2), ago("carla", 1)
    rows = by_name(a_comparison((9_000, (anna, ben, carla)), (9_000, (anna, ben))).partners())
    fair = {name: rows[name].conversions["shapley"] for name in rows}
    assert fair == {"anna": 833_334, "ben": 833_333, "carla": 333_333}
    assert sum(fair.values()) == 2 * MICROS


def test_all_partners_are_one_channel() -> None:
    rows = by_name(a_comparison((100, (ago("anna", 3), ago("ben", 2), ago(None, 1, "email")))).channels())
    assert set(rows) == {"partner", "email"}
    assert rows["partner"].conversions["linear"] == round(MICROS * 2 / 3)
    assert rows["partner"].conversions["shapley"] == MICROS // 2


def test_a_code_without_a_click_is_a_touch_of_its_partner() -> None:
    comparison = Comparison(some_terms())
    comparison.add(a_report(500), (), (a_coupon("carla"),))
    comparison.add(a_report(500, order_id="2"), (ago("carla", 1),), (a_coupon("carla"),))
    (row,) = comparison.partners()
    assert (row.name, row.part.alone, comparison.lengths()) == ("carla", 2, {1: 2})


def test_a_sale_without_a_touch_belongs_to_nobody() -> None:
    comparison = a_comparison((100, ()), (100, (ago("anna", 31),)), (100, (ago("anna", -1),)))
    assert (comparison.sales, comparison.without_path, comparison.partners()) == (3, 3, [])
    assert comparison.revenue() == {}


def test_lags_are_whole_days_from_the_first_touch() -> None:
    hour = timedelta(hours=1)
    comparison = Comparison(some_terms())
    for number, before in enumerate((days(2) - hour, days(2), days(2) + hour)):
        comparison.add(a_report(order_id=str(number)), (a_touch(at=SOLD - before),), ())
    assert comparison.lags() == {1: 1, 2: 2}


def test_too_many_names_for_removal_effects_are_taken_as_one() -> None:
    many = markov.MAX_CHANNELS + 5
    rows = by_name(a_comparison(*((100, (ago(f"p{number}", 1),)) for number in range(many))).partners())
    assert rows[OTHERS].conversions["markov"] == 6 * MICROS
    assert rows[OTHERS].conversions["shapley"] == 0
    assert sum(row.conversions["shapley"] for row in rows.values()) == many * MICROS


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10_000),
            st.lists(st.tuples(st.sampled_from(["anna", "ben", "carl"]), st.integers(0, 29)), max_size=5),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_every_model_gives_all_that_was_sold(sales: list[tuple[int, list[tuple[str, int]]]]) -> None:
    comparison = a_comparison(
        *((amount, tuple(ago(*touch) for touch in set(path))) for amount, path in sales)
    )
    sold = comparison.revenue().get("EUR", 0)
    for rows in (comparison.partners(), comparison.channels()):
        for model in MODELS:
            assert sum(row.revenue["EUR"][model] for row in rows) == sold
            assert sum(row.conversions[model] for row in rows) == MICROS * (
                comparison.sales - comparison.without_path
            )
