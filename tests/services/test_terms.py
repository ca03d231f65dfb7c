"""Terms and coupons that arrive put what could not be attributed back into the queue."""

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


def test_new_terms_wake_what_is_unattributed(stores: Any, woken: list[str]) -> None:
    assert terms.publish(stores, "acme", Attribution(), 30, RULES, NOW).version == 2
    assert woken == ["acme"]


def test_an_answer_that_was_lost_publishes_nothing_twice(
    stores: Any, woken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add = Catalogue.add_terms_once
    monkeypatch.setattr(Catalogue, "add_terms_once", lambda self, wanted: add(self, wanted) and False)
    assert terms.publish(stores, "acme", Attribution(), 30, RULES, NOW).version == 2
    assert len(stores.catalogue.terms("acme")) == 2


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
    published = terms.publish(stores, "acme", Attribution(), 14, RULES, NOW)
    assert (published.version, published.hold_days) == (3, 14)
    assert [version.hold_days for version in stores.catalogue.terms("acme")] == [30, 7, 14]


def test_each_publication_is_a_version(stores: Any, woken: list[str]) -> None:
    for days in (10, 10, 20):
        terms.publish(stores, "acme", Attribution(), days, RULES, NOW)
    assert [version.hold_days for version in stores.catalogue.terms("acme")] == [30, 10, 10, 20]
