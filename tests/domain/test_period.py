"""Instants and months: every instant belongs to exactly one month, in every time zone."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.domain.period import (
    Month,
    check_timezone,
    epoch_ms,
    format_instant,
    from_epoch_ms,
    parse_instant,
    whole_milliseconds,
)

ZONES = st.sampled_from(files("tzdata").joinpath("zones").read_text().split())
INSTANTS = st.integers(0, epoch_ms(datetime(2037, 12, 31, tzinfo=UTC))).map(from_epoch_ms)
MONTHS = st.builds(Month, st.integers(1971, 2037), st.integers(1, 12))
TICK = timedelta(milliseconds=1)


def at(text: str) -> datetime:
    return parse_instant(text, "at")


@given(INSTANTS, ZONES)
@example(at("2009-11-01T02:45:00Z"), "America/St_Johns")
@example(at("2009-11-01T02:30:00Z"), "America/St_Johns")
def test_every_instant_belongs_to_exactly_one_month(instant: datetime, timezone: str) -> None:
    month = Month.of(instant, timezone)
    assert month.start(timezone) <= instant < month.end(timezone)


@given(MONTHS, ZONES)
@example(Month(2009, 11), "America/St_Johns")
@example(Month(1995, 1), "Pacific/Kiritimati")
@example(Month(2000, 10), "America/Asuncion")
def test_a_month_begins_where_the_one_before_ends(month: Month, timezone: str) -> None:
    start = month.start(timezone)
    assert month.previous().end(timezone) == start
    assert Month.of(start, timezone) == month
    assert Month.of(start - TICK, timezone) == month.previous()


@pytest.mark.parametrize(
    ("instant", "timezone", "month"),
    [
        ("2026-10-31T23:59:59.999Z", "UTC", "2026-10"),
        ("2026-11-01T00:00:00Z", "UTC", "2026-11"),
        ("2026-10-31T22:59:59.999Z", "Europe/Berlin", "2026-10"),
        ("2026-10-31T23:00:00Z", "Europe/Berlin", "2026-11"),
        ("2026-03-31T21:59:59.999Z", "Europe/Berlin", "2026-03"),
        ("2026-03-31T22:00:00Z", "Europe/Berlin", "2026-04"),
        ("2026-11-01T03:59:59.999Z", "America/New_York", "2026-10"),
        ("2026-11-01T04:00:00Z", "America/New_York", "2026-11"),
        ("2026-10-31T10:00:00Z", "Pacific/Kiritimati", "2026-11"),
        ("2026-11-01T11:59:59.999Z", "Etc/GMT+12", "2026-10"),
        ("2028-02-29T23:59:59.999Z", "UTC", "2028-02"),
        ("2027-02-28T23:59:59.999Z", "UTC", "2027-02"),
        ("2027-03-01T00:00:00Z", "UTC", "2027-03"),
        ("2026-10-25T00:30:00Z", "Europe/Berlin", "2026-10"),
        ("2026-10-25T01:30:00Z", "Europe/Berlin", "2026-10"),
        ("2026-10-31T18:29:59.999Z", "Asia/Kolkata", "2026-10"),
        ("2026-10-31T18:30:00Z", "Asia/Kolkata", "2026-11"),
    ],
)
def test_the_programs_time_zone_decides(instant: str, timezone: str, month: str) -> None:
    assert str(Month.of(at(instant), timezone)) == month


@pytest.mark.parametrize(
    ("month", "timezone", "hours"),
    [
        ("2026-02", "UTC", 28 * 24),
        ("2028-02", "UTC", 29 * 24),
        ("2100-02", "UTC", 28 * 24),
        ("2026-03", "Europe/Berlin", 31 * 24 - 1),
        ("2026-10", "Europe/Berlin", 31 * 24 + 1),
        ("2026-11", "America/New_York", 30 * 24 + 1),
        ("2026-10", "Asia/Tokyo", 31 * 24),
    ],
)
def test_months_are_as_long_as_clocks_and_leap_days_make_them(month: str, timezone: str, hours: int) -> None:
    named = Month.parse(month)
    assert named.end(timezone) - named.start(timezone) == timedelta(hours=hours)


@given(MONTHS)
def test_names_neighbours_and_order_of_months_agree(month: Month) -> None:
    assert Month.parse(str(month)) == month
    assert month.next().previous() == month
    assert month < month.next()
    assert str(month) < str(month.next())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-1",
        "2026-00",
        "2026-13",
        "26-10",
        "2026/10",
        "2026-10-",
        "2026-10-01",
        "2026-1０",
        "２０２６-10",
        " 2026-10",
        "2026-10\n",
        "-026-10",
        "+026-10",
        "1969-12",
        "0000-01",
        "2026--1",
        "2026-+1",
    ],
)
def test_anything_else_names_no_month(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Month.parse(text, "period")
    assert (refusal.value.code, refusal.value.field) == ("month_invalid", "period")


def test_months_begin_in_1970() -> None:
    assert Month.parse("1970-01") == Month(1970, 1)


@given(MONTHS, ZONES, st.integers(-5_000, 5_000))
@example(Month(2009, 11), "America/St_Johns", 0)
def test_a_day_of_a_month_lies_in_that_month(month: Month, timezone: str, minutes: int) -> None:
    day = month.day_of(month.start(timezone) + timedelta(minutes=minutes), timezone)
    assert day[:7] == str(month)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-10-15T23:30:00Z", "2026-10-16"),
        ("2026-09-01T00:00:00Z", "2026-10-01"),
        ("2026-12-24T00:00:00Z", "2026-10-31"),
    ],
)
def test_a_day_is_local_and_the_nearest_one_of_the_month(instant: str, day: str) -> None:
    assert Month(2026, 10).day_of(at(instant), "Europe/Berlin") == day


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/St_Johns", "Etc/GMT+12"])
def test_a_zone_of_the_database_is_one(name: str) -> None:
    assert check_timezone(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../UTC",
        "/etc/passwd",
        "../../../etc/passwd",
        "Europe",
        "Europe/",
        "Mars/Olympus",
        "+02:00",
        "UTC\x00",
        "UTC\n",
        " UTC",
        "Europe/Berlin/",
        "a" * 5000,
        "\ud800",
        "ＵＴＣ",
        "tzdata.zi",
        "zone.tab",
    ],
    ids=ascii,
)
def test_anything_else_is_no_zone(name: str) -> None:
    with pytest.raises(Invalid, match="timezone_unknown"):
        check_timezone(name)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01t00:00:00z", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01T01:00:00+01:00", "2026-11-01T00:00:00.000Z"),
        ("2026-10-31T18:30:00.5-05:30", "2026-11-01T00:00:00.500Z"),
        ("2026-11-01T00:00:00-00:00", "2026-11-01T00:00:00.000Z"),
        ("2026-11-01T00:00:00.123456789Z", "2026-11-01T00:00:00.123Z"),
        ("2026-11-01T00:00:00.9999Z", "2026-11-01T00:00:00.999Z"),
        ("2028-02-29T00:00:00Z", "2028-02-29T00:00:00.000Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("9998-12-31T23:59:59Z", "9998-12-31T23:59:59.000Z"),
    ],
)
def test_rfc_3339_is_read_in_utc_and_whole_milliseconds(text: str, instant: str) -> None:
    assert format_instant(at(text)) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "0",
        "1793491200",
        "2026-11-01",
        "2026-11-01T00:00:00",
        "2026-11-01 00:00:00Z",
        "2026-11-01T00:00Z",
        "20261101T000000Z",
        "2026-W44-7T00:00:00Z",
        "2026-305T00:00:00Z",
        "2026-11-01T00:00:00,5Z",
        "2026-11-01T00:00:00+0100",
        "2026-11-01T00:00:00+01",
        "2026-11-01T00:00:00+01:00:30",
        "2026-11-01T24:00:00Z",
        "2026-11-01T23:59:60Z",
        "2026-11-31T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-11-01T00:00:00+24:00",
        "2026-11-01T00:00:00Z\n",
        " 2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00ZZ",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "+2026-11-01T00:00:00Z",
        "２026-11-01T00:00:00Z",
        "2026-11-01T00:00:00.Z",
        "2026-11-01T00:00:00\x00Z",
        "T" * 41,
        "2026-11-01T00:00:00." + "1" * 5000 + "Z",
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_instant(text, "occurred_at")
    assert (refusal.value.code, refusal.value.field) == ("time_invalid", "occurred_at")


@given(INSTANTS, INSTANTS)
def test_written_instants_are_read_back_and_sort_as_they_happened(one: datetime, other: datetime) -> None:
    assert at(format_instant(one)) == one
    assert from_epoch_ms(epoch_ms(one)) == one
    assert (format_instant(one) < format_instant(other)) == (one < other)
    assert len(format_instant(one)) == 24


@given(st.datetimes(timezones=ZONES.map(ZoneInfo)).filter(lambda instant: 1970 < instant.year < 9998))
def test_cutting_to_milliseconds_never_leads_to_later(instant: datetime) -> None:
    cut = whole_milliseconds(instant)
    assert timedelta(0) <= instant - cut < TICK
    assert from_epoch_ms(epoch_ms(instant)) == cut.astimezone(UTC)
