"""Versions of the terms, each in force until the next one starts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.program import Method
from chalicelib.domain.terms import (
    CustomerKind,
    Lock,
    Terms,
    in_force,
    longest_window_days,
    look_at_customers,
)
from tests.domain.builders import BEGINNING, days, percent, some_terms

VERSIONS = [some_terms(version=number, starts_at=BEGINNING + days(10 * number)) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("after", "version"),
    [
        (days(0), 1),
        (days(10), 1),
        (days(20) - timedelta(milliseconds=1), 1),
        (days(20), 2),
        (days(30) - timedelta(milliseconds=1), 2),
        (days(30), 3),
        (days(3_000), 3),
    ],
)
def test_a_version_holds_from_its_start_until_the_next_and_the_first_also_before(
    after: timedelta, version: int
) -> None:
    found = in_force(VERSIONS, BEGINNING + after)
    assert found is not None
    assert found.version == version


def test_without_terms_none_are_in_force() -> None:
    assert in_force([], BEGINNING) is None


def test_two_versions_of_the_same_moment_leave_the_later_in_force() -> None:
    twins = [some_terms(version=1), some_terms(version=2)]
    assert in_force(twins, BEGINNING) is twins[1]


def test_windows_differ_by_method() -> None:
    attribution = some_terms(window_days=60, window_days_by_method={Method.PIXEL: 7}).attribution
    assert attribution.window_days_for(Method.PIXEL) == 7
    assert attribution.window_days_for(Method.API) == 60


def test_the_pixels_window_is_28_days_by_default() -> None:
    assert some_terms().attribution.window_days_for(Method.PIXEL) == 28


@pytest.mark.parametrize(
    ("versions", "longest"),
    [
        ([], 30),
        ([some_terms(window_days=7)], 28),
        ([some_terms(window_days=7, window_days_by_method={})], 7),
        ([some_terms(window_days=90), some_terms(version=2, window_days=7)], 90),
        ([some_terms(window_days_by_method={Method.TAG: 120})], 120),
    ],
)
def test_clicks_are_kept_for_the_longest_window_of_any_version_and_method(
    versions: list[Terms], longest: int
) -> None:
    assert longest_window_days(versions) == longest


@pytest.mark.parametrize(
    ("changes", "asks"),
    [
        ({}, False),
        ({"customer": CustomerKind.NEW}, True),
        ({"customer": CustomerKind.RETURNING}, True),
        ({"customer": CustomerKind.UNKNOWN}, False),
        ({"recurring_months": 12}, True),
    ],
)
def test_a_rule_asks_whose_the_order_is_where_it_pays_by_that(changes: dict[str, Any], asks: bool) -> None:
    rule = replace(percent(500), **changes)
    assert rule.asks_who is asks
    assert look_at_customers([some_terms(rule)]) is asks
    assert look_at_customers([some_terms(rule, lock=Lock())])
