"""What every source of deliveries reads: texts, instants and the click in a URL, and nothing beyond."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.services.carts.delivery import click_in_url, instant, text_of


@pytest.mark.parametrize("text", ["a", "a" * 500, "\ud7ff", "\ue000", "0"])
def test_text_is_read_as_it_is(text: str) -> None:
    assert text_of(text) == text


@pytest.mark.parametrize("text", ["a" * 501, "a\x00", "\ud800", "a\udfff"])
def test_text_that_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        text_of(text, "id")
    assert (refused.value.code, refused.value.field) == ("text_invalid", "id")


def test_seconds_are_those_since_1970_up_to_the_year_9998() -> None:
    assert instant(0, "at") == datetime(1970, 1, 1, tzinfo=UTC)
    assert instant(253_370_764_799, "at") == datetime(9998, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [-1, 253_370_764_800, True, 1.0, "0", None])
def test_anything_else_is_no_instant(seconds: object) -> None:
    with pytest.raises(Invalid) as refused:
        instant(seconds, "at")
    assert refused.value.code == "time_invalid"


def test_a_click_is_read_from_a_url_of_bounded_length_and_number_of_fields() -> None:
    def asked(length: int = 60, fields: int = 1) -> str | None:
        url = "https://shop.example.com/?" + "x=1&" * (fields - 1) + "ll_click=token#"
        return click_in_url(url.ljust(length, "-"), ["ll_click"])

    assert [asked(length) for length in (60, 4_096, 4_097)] == ["token", "token", None]
    assert [asked(fields=fields) for fields in (99, 100, 101)] == ["token", "token", None]
