"""Terms and coupons that arrive put what could not be attributed back into the queue."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.partner import Coupon
from chalicelib.domain.terms import Attribution, CommissionRule
from chalicelib.services import coupons, healing, terms
from chalicelib.storage.catalogue import Catalogue
from tests.capturing import NOW, a_program

RULES = (CommissionRule("sale", "flat", amount_minor=500),)


@pytest.fixture
def stores(stage: Any) -> Any:
    a_program(stage.stores)
    return stage.stores


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(healing, "wake_unattributed", lambda _stores, program, _now: found.append(program))
    return found


def test_new_terms_wake_what_is_unattributed_and_so_does_the_retry(stores: Any, woken: list[str]) -> None:
    published, created = terms.publish(stores, "acme", Attribution(), 30, RULES, NOW)
    assert (published.version, created) == (2, True)
    again, created = terms.publish(stores, "acme", Attribution(), 30, RULES, NOW + timedelta(1))
    assert (again, created) == (published, False)
    assert woken == ["acme", "acme"]


def test_a_new_coupon_wakes_what_is_unattributed_and_so_does_the_retry(stores: Any, woken: list[str]) -> None:
    for created in (True, False):
        assert coupons.create(stores, Coupon("acme", "ben", "BEN", NOW), NOW)[1] is created
    assert woken == ["acme", "acme"]


def test_rivals_get_versions_of_their_own(
    stores: Any, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Catalogue.add_terms_once
    rival = terms.Terms("acme", 2, NOW, Attribution(), 7, RULES)

    def beaten(self: Catalogue, wanted: terms.Terms) -> bool:
        monkeypatch.setattr(Catalogue, "add_terms_once", add)
        assert add(self, rival)
        return add(self, wanted)

    monkeypatch.setattr(Catalogue, "add_terms_once", beaten)
    published, created = terms.publish(stores, "acme", Attribution(), 14, RULES, NOW)
    assert (published.version, published.hold_days, created) == (3, 14, True)
    assert [version.hold_days for version in stores.catalogue.terms("acme")] == [30, 7, 14]


def test_the_same_terms_after_others_are_a_version_again(stores: Any, woken: list[str]) -> None:
    for days in (10, 20, 10):
        terms.publish(stores, "acme", Attribution(), days, RULES, NOW)
    assert [version.hold_days for version in stores.catalogue.terms("acme")] == [30, 10, 20, 10]
