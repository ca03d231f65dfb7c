"""Whoever tries out promo codes from a browser is slowed down; customers with odd codes are not."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.errors import RateLimited
from chalicelib.services.guessing import MAX_UNKNOWN, check
from chalicelib.storage import table
from chalicelib.storage.stores import Stores
from tests import capturing
from tests.capturing import NOW


def exhaust(stores: Stores, source: str = "home") -> None:
    for number in range(MAX_UNKNOWN):
        check(stores, "acme", source, f"guess-{number}", NOW)


def is_let_on(stores: Stores, coupon: str, source: str = "home", at: Any = NOW) -> bool:
    try:
        check(stores, "acme", source, coupon, at)
    except RateLimited:
        return False
    return True


def test_too_many_unknown_codes_from_one_place_are_refused_for_the_hour(stage: Any) -> None:
    capturing.a_program(stage.stores)
    exhaust(stage.stores)
    with pytest.raises(RateLimited, match="coupon_guessing") as refused:
        check(stage.stores, "acme", "home", "one more", NOW + timedelta(minutes=59))
    assert refused.value.retry_after_s == 60
    assert is_let_on(stage.stores, "one more", at=NOW + timedelta(hours=1))
    assert is_let_on(stage.stores, "one more", source="elsewhere")


def test_then_a_code_that_exists_is_refused_as_well(stage: Any) -> None:
    capturing.a_program(stage.stores)
    exhaust(stage.stores)
    assert not is_let_on(stage.stores, "ANNA10")
    assert is_let_on(stage.stores, "ANNA10", source="elsewhere")


def test_one_unknown_code_counts_once_however_often_and_however_written(stage: Any) -> None:
    capturing.a_program(stage.stores)
    for number in range(MAX_UNKNOWN + 1):
        assert is_let_on(stage.stores, "newsletter" if number % 2 else " NewsLetter")
    exhaust_but_one = [is_let_on(stage.stores, f"guess-{number}") for number in range(MAX_UNKNOWN)]
    assert exhaust_but_one == [True] * (MAX_UNKNOWN - 1) + [False]
    assert is_let_on(stage.stores, "newsletter")


def test_codes_that_exist_write_nothing(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    capturing.a_program(stage.stores)
    calls, real = [], table.call

    def call(operation: str, **arguments: Any) -> Any:
        calls.append(operation)
        return real(operation, **arguments)

    monkeypatch.setattr(table, "call", call)
    check(stage.stores, "acme", "home", "ANNA10", NOW)
    assert calls == ["get_item", "get_item"]
    calls.clear()
    check(stage.stores, "acme", "home", "guess", NOW)
    assert calls == ["get_item", "get_item", "update_item"]


def test_rivals_cannot_slip_in_more_than_the_limit(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    capturing.a_program(stage.stores)
    check(stage.stores, "acme", "home", "first", NOW)
    monkeypatch.setattr(stage.stores.guesses, "replace", lambda *_: False)
    assert not is_let_on(stage.stores, "second")
    assert is_let_on(stage.stores, "first")
