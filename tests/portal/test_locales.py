"""Numbers, amounts and dates as CLDR has them, which Babel knows."""

from datetime import UTC, date, datetime

import pytest
from babel import Locale as Cldr
from babel.dates import format_skeleton
from babel.numbers import format_currency, format_decimal

from chalicelib.portal.locales import DEFAULT, LOCALES, Locale, preferred

ALL = sorted(LOCALES.values(), key=lambda locale: locale.tag)


@pytest.mark.parametrize("locale", ALL, ids=lambda locale: locale.tag)
def test_marks_and_orders_are_those_of_cldr(locale: Locale) -> None:
    cldr = Cldr.parse(locale.tag, sep="-")
    assert locale.number(12_345_678) == format_decimal(12_345_678, locale=cldr)
    pattern = cldr.currency_formats["standard"].pattern
    assert locale.code_first == pattern.startswith("¤")
    number = format_currency(12345.6, "EUR", "#,##0.00", locale=cldr)
    wanted = f"EUR\u00a0{number}" if locale.code_first else f"{number}\u00a0EUR"
    assert locale.money(1_234_560, "EUR") == wanted
    skeleton = "yMMMd" if locale.tag.startswith("en") else "yMd"
    assert locale.day(date(2026, 3, 4)) == format_skeleton(skeleton, date(2026, 3, 4), locale=cldr)


@pytest.mark.parametrize(
    ("header", "tag"),
    [
        ("", DEFAULT.tag),
        ("de", "de"),
        ("de-LI, fr;q=0.9", "de"),
        ("fr;q=0.5, de-CH;q=0.9", "de-CH"),
        ("xx, *;q=0.1", DEFAULT.tag),
        ("de;q=0, sv", "sv"),
        ("en-US,en;q=0.9", "en"),
        ("zh-Hans-CN", "zh"),
        ("de;q=x, it;q=0.2", "it"),
        ("," * 10_000, DEFAULT.tag),
    ],
)
def test_the_reader_gets_what_it_likes_most(header: str, tag: str) -> None:
    assert preferred(header).tag == tag


def test_amounts_have_their_currencys_digits_and_a_minus() -> None:
    assert DEFAULT.money(-1990, "EUR") == "\u2212EUR\u00a019.90"
    assert LOCALES["de"].money(1990, "JPY") == "1.990\u00a0JPY"
    assert LOCALES["de"].money(1990, "KWD") == "1,990\u00a0KWD"


def test_rates_are_percent() -> None:
    assert [DEFAULT.percent(rate) for rate in (1000, 1250, 1205, 5)] == ["10%", "12.5%", "12.05%", "0.05%"]


def test_an_instant_is_told_in_the_programs_zone() -> None:
    at = datetime(2026, 10, 31, 23, 30, tzinfo=UTC)
    assert DEFAULT.instant(at, "Europe/Berlin") == "1 Nov 2026, 00:30"
