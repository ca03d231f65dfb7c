"""Sessions, forms, headers and errors: what every page shares."""

from datetime import timedelta

import pytest

from chalicelib.domain.credentials import Scope
from chalicelib.domain.session import LIFE, Area
from chalicelib.services import keys, sessions
from tests.portal.browsing import Reader


def test_who_is_not_signed_in_is_led_there_and_back(reader: Reader) -> None:
    answer = reader.get("/console?by=day")
    assert (answer.status, answer.location) == (303, "/console/sign-in?next=%2Fconsole%3Fby%3Dday")
    assert reader.sign_in_with_a_key().location == "/console"
    assert reader.get("/console").status == 200


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/console?by=day", "/console?by=day"),
        ("https://evil.example", "/console"),
        ("//evil.example", "/console"),
        ("/\\evil.example", "/console"),
        ("/console/../v1/keys", "/console"),
        ("/portal", "/console"),
        ("/consolex", "/console"),
        ("/console/sign-out", "/console"),
        ("/console\r\nX: y", "/console"),
        ("javascript:alert(1)", "/console"),
    ],
)
def test_the_way_back_leads_inside_only(reader: Reader, wanted: str, led_to: str) -> None:
    key = keys.new_text()
    keys.bootstrap_admin(reader.stores, key, reader.now)
    assert reader.post("/console/sign-in", {"key": key, "next": wanted}).location == led_to


def test_the_cookie_is_of_this_host_and_no_script_reads_it(reader: Reader) -> None:
    said = reader.sign_in_with_a_key().headers["set-cookie"]
    assert said.startswith("__Host-ll_console=")
    assert said.split("; ")[1:] == ["Path=/", "Max-Age=43200", "Secure", "HttpOnly", "SameSite=Lax"]


def test_every_page_forbids_scripts_of_others_frames_and_copies(reader: Reader) -> None:
    reader.sign_in_with_a_key()
    for path in ("/console", "/console/sign-in"):
        headers = reader.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_does_nothing(reader: Reader, site: str) -> None:
    reader.sign_in_with_a_key()
    assert reader.post("/console/sign-out", sec_fetch_site=site).status == 403
    assert reader.get("/console").status == 200


def test_an_older_browser_says_where_a_form_comes_from_in_another_way(reader: Reader) -> None:
    reader.sign_in_with_a_key()
    reader.headers = {}
    assert reader.post("/console/sign-out", origin="https://evil.example").status == 403
    assert reader.post("/console/sign-out", origin="null").status == 403
    assert reader.post("/console/sign-out", origin="https://go.example.com").status == 303


@pytest.mark.parametrize("key", ["", "llk_" + "a" * 16 + "_" + "A" * 43, "nonsense", "\U0001f511"])
def test_a_wrong_key_opens_nothing_and_is_not_shown_again(reader: Reader, key: str) -> None:
    answer = reader.post("/console/sign-in", {"key": key})
    assert (answer.status, reader.cookies) == (401, {})
    assert "no key of a merchant" in answer.words
    assert not key or key not in answer.text


def test_a_partners_key_does_not_open_the_console(reader: Reader) -> None:
    from chalicelib.domain.partner import Partner

    reader.stores.catalogue.add_partner_once(Partner("anna", "Anna", "anna@example.com", reader.now))
    _, key = keys.create(reader.stores, frozenset({Scope.PARTNER}), None, "anna", reader.now)
    assert reader.post("/console/sign-in", {"key": key}).status == 401


def test_guessing_keys_ends_after_a_few_even_with_the_right_one(reader: Reader) -> None:
    for attempt in range(sessions.MAX_WRONG_KEYS):
        assert reader.post("/console/sign-in", {"key": f"wrong {attempt}"}).status == 401
    answer = reader.post("/console/sign-in", {"key": "wrong again"})
    assert (answer.status, "too many attempts" in answer.words.lower()) == (429, True)
    assert reader.sign_in_with_a_key().status == 429


def test_signing_out_ends_this_session_alone(reader: Reader, stage, clock) -> None:
    reader.sign_in_with_a_key()
    kept = dict(reader.cookies)
    assert reader.post("/console/sign-out").location == "/console/sign-in?done=signed_out"
    assert reader.cookies == {}
    reader.cookies = kept
    assert reader.get("/console").status == 303


def test_signing_out_everywhere_ends_every_session_of_the_key(reader: Reader) -> None:
    key = keys.new_text()
    keys.bootstrap_admin(reader.stores, key, reader.now)
    other, stranger = reader.another(), reader.another()
    stranger.sign_in_with_a_key()
    for one in (reader, other):
        one.post("/console/sign-in", {"key": key})
    reader.post("/console/sign-out", {"everywhere": "yes"})
    assert other.get("/console").status == 303
    assert stranger.get("/console").status == 200


def test_a_session_ends_with_its_key(reader: Reader) -> None:
    from tests import scene

    shop = scene.make(reader.stores)
    reader.sign_in_with_a_key(program=shop.program.id)
    assert shop.program.id in reader.get("/console").text
    [key] = [
        one for one in reader.stores.credentials.keys_page(10, None)[0] if one.program == shop.program.id
    ]
    keys.withdraw(reader.stores, key.id)
    assert reader.get("/console").status == 303


def test_a_session_is_renewed_by_the_hour_and_ends_however_busy(reader: Reader, clock) -> None:
    reader.sign_in_with_a_key()
    first = dict(reader.cookies)
    begun = clock()
    clock.set(begun + timedelta(minutes=90))
    assert reader.get("/console").status == 200
    assert reader.cookies != first
    late = reader.another()
    late.cookies = dict(first)
    assert late.get("/console").status == 200
    clock.set(begun + timedelta(minutes=92))
    late.cookies = dict(first)
    assert late.get("/console").status == 303
    for hours in range(2, 12):
        clock.set(begun + timedelta(hours=hours, minutes=30))
        assert reader.get("/console").status == 200
    clock.set(begun + LIFE[Area.CONSOLE])
    assert reader.get("/console").status == 303


def test_a_sentence_in_the_address_is_not_shown(reader: Reader) -> None:
    assert "You are signed out." in reader.get("/console/sign-in?done=signed_out").words
    assert "evil" not in reader.get("/console/sign-in?done=evil").words


@pytest.mark.parametrize("body", [b"\xff=1", b"a=%ff", b"&".join(b"a=1" for _ in range(600)), b"key=%00"])
def test_a_form_that_cannot_be_read_is_refused_on_a_page(reader: Reader, body: bytes) -> None:
    answer = reader.send("POST", "/console/sign-in", body, content_type="application/x-www-form-urlencoded")
    assert answer.status in {400, 422}
    assert "<h1>That did not work</h1>" in answer.text


def test_an_asset_may_be_kept_for_good_under_its_present_name(reader: Reader) -> None:
    page = reader.get("/console/sign-in").text
    path = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = reader.get(path)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert reader.get("/assets/style.0.css").status == 404


def test_what_merchants_write_is_no_markup(reader: Reader) -> None:
    from tests import scene

    scene.make(reader.stores, name="<script>alert(1)</script>")
    reader.sign_in_with_a_key()
    text = reader.get("/console").text
    assert "&lt;script&gt;alert" in text
    assert "<script>alert" not in text
