"""Signing in to the portal by a link."""

from datetime import timedelta

import pytest

from chalicelib import bootstrap
from chalicelib.domain import ids
from chalicelib.domain.credentials import NOBODY
from chalicelib.domain.partner import Partner
from chalicelib.services import erasures, partners, sign_in_links
from tests import scene
from tests.portal.browsing import Reader


@pytest.fixture(autouse=True)
def anna(reader: Reader) -> Partner:
    made, _ = partners.create(reader.stores, Partner("anna", "Anna", "Anna@Example.com", reader.now))
    return made


def token_of(reader: Reader, path: str = "/portal") -> str:
    reader.ask_for_a_link("anna@example.com", path)
    return reader.mail()[0].split("token=")[1]


def test_a_link_signs_in_once_a_button_is_pressed(reader: Reader) -> None:
    token = token_of(reader)
    page = reader.get(f"/portal/enter?token={token}")
    assert (page.status, "Sign in as Anna" in page.words) == (200, True)
    assert reader.cookies == {}
    answer = reader.post("/portal/enter", {"token": token})
    assert (answer.status, answer.location) == (303, "/portal")
    assert set(reader.cookies) == {"__Host-ll_portal"}


def test_the_mail_opens_links_and_spends_none(reader: Reader) -> None:
    token = token_of(reader)
    for _ in range(3):
        assert reader.get(f"/portal/enter?token={token}").status == 200
    assert reader.post("/portal/enter", {"token": token}).status == 303


def test_a_link_works_once(reader: Reader) -> None:
    token = token_of(reader)
    reader.post("/portal/enter", {"token": token})
    other = reader.another()
    assert other.get(f"/portal/enter?token={token}").status == 401
    assert other.post("/portal/enter", {"token": token}).status == 401
    assert other.cookies == {}


def test_a_link_in_another_spelling_is_the_same_link(reader: Reader) -> None:
    token = token_of(reader)
    spellings = {token + "=", token[:-1] + chr(ord(token[-1]) + 1), token.replace("-", "+")}
    reader.post("/portal/enter", {"token": token})
    for spelling in spellings:
        assert reader.another().post("/portal/enter", {"token": spelling}).status == 401


def test_a_partner_that_buys_by_its_own_link_on_the_day_it_signed_in_is_found(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORIGIN_SECRET", "s" * 32)
    bootstrap.stores.cache_clear()
    reader.stores = bootstrap.stores()
    shop = scene.make(reader.stores)
    reader.post("/portal/enter", {"token": token_of(reader)})
    home = {"x_linkledger_origin": "s" * 32, "x_linkledger_viewer": "81.2.69.142"}
    assert reader.send("GET", "/portal", **home).status == 200
    order = f"/p.gif?program={shop.program.id}&event=sale&amount=9.00&currency=EUR&coupon=ANNA"
    found = []
    for number, address in enumerate(("81.2.69.142", "81.2.69.143")):
        browser = {**home, "x_linkledger_viewer": address}
        assert reader.send("GET", f"{order}&order_id={number}", **browser).status == 200
        sale = reader.stores.conversions.find(ids.conversion_id(shop.program.id, "sale", str(number)))
        found.append([signal.name for signal in sale.facts.signals])
    assert found == [["self_address"], []]


def test_a_link_of_a_partner_that_was_erased_since_opens_nothing(reader: Reader) -> None:
    token = token_of(reader)
    erasures.erase_partner(reader.stores, NOBODY, "anna", reader.now)
    assert reader.post("/portal/enter", {"token": token}).status == 401


def test_a_link_ends_after_a_quarter_of_an_hour(reader: Reader, clock) -> None:
    token = token_of(reader)
    clock.set(clock() + sign_in_links.LIFE - timedelta(seconds=1))
    assert reader.get(f"/portal/enter?token={token}").status == 200
    clock.set(clock() + timedelta(seconds=1))
    assert reader.post("/portal/enter", {"token": token}).status == 401


@pytest.mark.parametrize("token", ["", "x", "A" * 100, "é", "A" * 5000])
def test_nobody_makes_a_link(reader: Reader, token: str) -> None:
    answer = reader.post("/portal/enter", {"token": token})
    assert answer.status == 401
    assert reader.cookies == {}


def test_a_link_that_was_changed_is_none(reader: Reader) -> None:
    token = token_of(reader)
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert reader.another().post("/portal/enter", {"token": changed}).status == 401


def test_the_form_says_the_same_to_everybody(reader: Reader) -> None:
    known = reader.ask_for_a_link("anna@example.com")
    unknown = reader.ask_for_a_link("nobody@example.com")
    assert known.replace("anna", "nobody") == unknown
    assert len(reader.mail()) == 1


def test_the_link_leads_back_to_the_page_that_was_asked_for(reader: Reader) -> None:
    token = token_of(reader, "/portal/settings")
    assert reader.post("/portal/enter", {"token": token}).location == "/portal/settings"


def test_the_link_leads_to_no_other_site(reader: Reader) -> None:
    token = token_of(reader, "https://evil.example/")
    assert reader.post("/portal/enter", {"token": token}).location == "/portal"


def test_an_address_of_two_partners_gets_a_link_for_each(reader: Reader) -> None:
    partners.create(reader.stores, Partner("anna-2", "Anna Two", "anna@example.com", reader.now))
    reader.ask_for_a_link("ANNA@example.com")
    first, second = reader.mail()
    assert "Sign in as Anna " in reader.get(f"/portal/enter?{first.split('?')[1]}").words
    assert "Sign in as Anna Two" in reader.get(f"/portal/enter?{second.split('?')[1]}").words


def test_an_address_gets_only_so_many_mails_in_an_hour_and_nobody_is_told(reader: Reader) -> None:
    said = {reader.ask_for_a_link("anna@example.com") for _ in range(sign_in_links.MOST_TO_ONE_ADDRESS + 2)}
    assert len(said) == 1
    assert len(reader.mail()) == sign_in_links.MOST_TO_ONE_ADDRESS


def test_one_place_asks_only_so_often(reader: Reader) -> None:
    for number in range(sign_in_links.MOST_FROM_ONE_PLACE):
        reader.ask_for_a_link(f"nobody{number}@example.com")
    answer = reader.post("/portal/sign-in", {"email": "anna@example.com"})
    assert (answer.status, reader.mail()) == (429, [])


@pytest.mark.parametrize("email", ["", "anna", "a@b\n.com", "<script>@x.y"])
def test_what_is_no_address_is_said_beside_the_field(reader: Reader, email: str) -> None:
    answer = reader.post("/portal/sign-in", {"email": email})
    assert answer.status == 422
    assert "must be an address" in answer.words
    assert "<script>@" not in answer.text


def test_a_session_of_the_portal_is_none_of_the_console(reader: Reader) -> None:
    reader.sign_in("anna")
    reader.cookies["__Host-ll_console"] = reader.cookies["__Host-ll_portal"]
    assert reader.get("/console").status == 303


def test_signing_in_again_ends_the_session_before(reader: Reader) -> None:
    reader.sign_in("anna")
    before = reader.another()
    before.cookies = dict(reader.cookies)
    reader.sign_in("anna")
    assert before.get("/portal").status == 303
