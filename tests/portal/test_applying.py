"""Becoming a partner: the form, the merchant's decision, the mail, the first sign-in."""

import pytest

from chalicelib.domain.partner import Partner
from chalicelib.services import applications, partners
from tests import scene
from tests.portal.browsing import Reader

EVE = {"name": "Eve", "email": "Eve@example.com", "site": "https://eve.example", "note": "tents\nand more"}


@pytest.fixture
def program(reader: Reader) -> str:
    return scene.make(reader.stores).program.id


def decide(reader: Reader, program: str, decision: str, email: str = "eve@example.com"):
    merchant = reader.another()
    merchant.sign_in_with_a_key(program=program)
    form = {"application": applications.id_of(program, email), "decision": decision}
    return merchant.post(f"/console/{program}/requests", form)


def test_an_approved_applicant_signs_in_and_has_a_link(reader: Reader, program: str) -> None:
    assert reader.get(f"/portal/apply/{program}").status == 200
    assert "has your application" in reader.post(f"/portal/apply/{program}", EVE).words
    assert decide(reader, program, "approve").location.startswith(f"/console/{program}/partners/ptn_")
    reader.mail()
    assert reader.mailbox.messages[0]["subject"] == "You are a partner of Shop"
    reader.sign_in("eve")
    assert "Your link:" in reader.get(f"/portal/programs/{program}").words


def test_approving_twice_makes_one_partner(reader: Reader, program: str) -> None:
    reader.post(f"/portal/apply/{program}", EVE)
    assert decide(reader, program, "approve").location == decide(reader, program, "approve").location
    assert len(reader.stores.catalogue.partners_with("eve@example.com")) == 1


def test_what_is_declined_stays_declined_and_makes_nobody(reader: Reader, program: str) -> None:
    reader.post(f"/portal/apply/{program}", EVE)
    assert decide(reader, program, "decline").status == 303
    assert decide(reader, program, "approve").status == 409
    again = reader.post(f"/portal/apply/{program}", EVE)
    assert "has your application" in again.words
    assert decide(reader, program, "approve").status == 409
    assert reader.stores.catalogue.partners_with("eve@example.com") == []


def test_the_form_says_the_same_to_who_is_a_partner_already(reader: Reader, program: str) -> None:
    partners.create(reader.stores, Partner("eve", "Eve", "eve@example.com", reader.now, program))
    known = reader.post(f"/portal/apply/{program}", EVE)
    unknown = reader.post(f"/portal/apply/{program}", EVE | {"email": "x@example.com"})
    assert known.raw == unknown.raw
    decide(reader, program, "approve")
    assert [one.id for one in reader.stores.catalogue.partners_with("eve@example.com")] == ["eve"]


def test_a_merchant_decides_on_its_own_applications_only(reader: Reader, program: str) -> None:
    reader.post(f"/portal/apply/{program}", EVE)
    other = scene.make(reader.stores).program.id
    stranger = reader.another()
    stranger.sign_in_with_a_key(program=other)
    form = {"application": applications.id_of(program, "eve@example.com"), "decision": "approve"}
    assert stranger.post(f"/console/{program}/requests", form).status == 404
    assert stranger.post(f"/console/{other}/requests", form).status == 404
    assert "Eve" not in stranger.get(f"/console/{other}/requests").words


@pytest.mark.parametrize(
    ("change", "field"), [({"name": ""}, "name"), ({"email": "eve"}, "email"), ({"site": "x" * 101}, "site")]
)
def test_what_is_wrong_stands_beside_its_field(reader: Reader, program: str, change, field: str) -> None:
    answer = reader.post(f"/portal/apply/{program}", EVE | change)
    assert (answer.status, f'id="e-{field}"' in answer.text) == (422, True)


def test_one_place_applies_only_so_often(reader: Reader, program: str) -> None:
    for number in range(applications.MOST_FROM_ONE_PLACE):
        reader.post(f"/portal/apply/{program}", EVE | {"email": f"eve{number}@example.com"})
    assert reader.post(f"/portal/apply/{program}", EVE).status == 429


def test_there_is_no_form_for_a_program_that_there_is_not(reader: Reader) -> None:
    assert reader.get("/portal/apply/nobody").status == 404
