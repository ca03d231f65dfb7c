"""Enrolment under rivals: one enrolment, one default link."""

from typing import Any

import pytest

from chalicelib.domain.link import LinkState
from chalicelib.domain.partner import Partner
from chalicelib.services import partners
from chalicelib.storage.catalogue import Catalogue
from tests.capturing import NOW, a_program


@pytest.fixture
def stores(stage: Any) -> Any:
    a_program(stage.stores)
    partners.create(stage.stores, Partner("cleo", "Cleo", "cleo@example.com", NOW))
    return stage.stores


def test_who_is_enrolled_stays_so_even_where_the_link_was_deleted(stores: Any) -> None:
    enrollment, link, created = partners.enroll(stores, "acme", "cleo", NOW)
    assert created
    partners.links.delete(stores, link, NOW)
    again, same, created = partners.enroll(stores, "acme", "cleo", NOW)
    assert (again, same.code, created) == (enrollment, link.code, False)


def test_of_two_rivals_one_link_stays(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add = Catalogue.add_enrollment_once
    codes: list[str] = []

    def beaten(self: Catalogue, enrollment: Any) -> bool:
        monkeypatch.setattr(Catalogue, "add_enrollment_once", add)
        codes.append(enrollment.link_code)
        codes.append(partners.enroll(stores, "acme", "cleo", NOW)[1].code)
        return add(self, enrollment)

    monkeypatch.setattr(Catalogue, "add_enrollment_once", beaten)
    enrollment, link, created = partners.enroll(stores, "acme", "cleo", NOW)
    assert (created, link.code, enrollment.link_code) == (False, codes[1], codes[1])
    assert stores.links.find(codes[0]).state is LinkState.DELETED


def test_an_answer_that_was_lost_loses_no_enrolment(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    add = Catalogue.add_enrollment_once
    monkeypatch.setattr(
        Catalogue, "add_enrollment_once", lambda self, enrollment: add(self, enrollment) and False
    )
    enrollment, link, created = partners.enroll(stores, "acme", "cleo", NOW)
    assert created
    assert stores.catalogue.find_enrollment("acme", "cleo") == enrollment
    assert stores.links.find(link.code).state is LinkState.ACTIVE
