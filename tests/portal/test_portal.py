"""The partner portal, page by page: what it shows, and that it shows nothing of others."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.partner import Coupon, Partner
from chalicelib.domain.period import Month
from chalicelib.domain.terms import Attribution, CommissionRule, Terms, Tier
from chalicelib.portal import money
from chalicelib.portal.overview import MEASURES
from chalicelib.services import close, mails, partners, reconcile
from tests import scene
from tests.portal.browsing import Reader
from tests.scene import Scene

NOON = datetime(2026, 9, 10, 12, tzinfo=UTC)


@pytest.fixture
def shop(reader: Reader, clock) -> Scene:
    """A shop with anna and ben in it."""
    made = scene.make(reader.stores)
    for partner in ("anna", "ben"):
        told = Partner(partner, partner.title(), f"{partner}@example.com", reader.now)
        partners.create(reader.stores, told)
        partners.enroll(reader.stores, made.program.id, partner, reader.now)
    return made


@pytest.fixture
def anna(reader: Reader, shop: Scene) -> Reader:
    assert reader.sign_in("anna").status == 303
    return reader


def pages_of(shop: Scene) -> list[str]:
    root = f"/portal/programs/{shop.program.id}"
    names = ("", "/links", "/coupons", "/conversions", "/statements", "/rules", "/missing", "/postbacks")
    return [*(root + name for name in names), "/portal/settings"]


def at(shop: Scene, rest: str = "") -> str:
    return f"/portal/programs/{shop.program.id}{rest}"


def test_the_only_program_is_opened_at_once(anna: Reader, shop: Scene) -> None:
    assert anna.get("/portal").location == at(shop)


def test_a_partner_of_two_programs_chooses(anna: Reader, shop: Scene) -> None:
    other = scene.make(anna.stores, name="Another")
    partners.enroll(anna.stores, other.program.id, "anna", anna.now)
    assert "Another" in anna.get("/portal").words


def test_a_partner_of_none_reads_what_to_do(reader: Reader) -> None:
    partners.create(reader.stores, Partner("carl", "Carl", "carl@example.com", reader.now))
    reader.sign_in("carl")
    assert "You are in no programme yet" in reader.get("/portal").words


def test_every_page_is_there_before_anything_happened(anna: Reader, shop: Scene) -> None:
    for path in pages_of(shop):
        answer = anna.get(path)
        assert answer.status == 200, (path, answer.words)
        assert len(answer.raw) < 100_000


def test_every_page_asks_who_it_is(reader: Reader, shop: Scene) -> None:
    for path in pages_of(shop):
        assert reader.get(path).location.startswith("/portal/sign-in?next=")


def test_a_program_of_others_is_as_unknown_as_none(anna: Reader, shop: Scene) -> None:
    other = scene.make(anna.stores)
    for path in pages_of(shop)[:-1]:
        theirs = anna.get(path.replace(shop.program.id, other.program.id))
        nobodys = anna.get(path.replace(shop.program.id, "shop-00000000"))
        assert (theirs.status, nobodys.status) == (404, 404)
        assert theirs.words == nobodys.words


def test_the_overview_shows_what_was_earned(anna: Reader, shop: Scene, stage, clock) -> None:
    shop.sell(anna.stores, anna.now)
    reconcile.reconcile(anna.stores, anna.now)
    words = anna.get(at(shop)).words
    assert "Pending EUR 10.00" in words
    assert "Approved EUR 0.00" in words
    assert "Clicks by day" in words
    for by in ("week", "month"):
        for show in ("clicks", "conversions", "commission"):
            page = anna.get(at(shop, f"?by={by}&show={show}"))
            assert f"{MEASURES[show]} by {by}" in page.words
    assert anna.get(at(shop, "?by=year&show=secrets")).status == 200


def test_numbers_follow_the_readers_language(anna: Reader, shop: Scene) -> None:
    shop.sell(anna.stores, anna.now, amount=12_345_670)
    reconcile.reconcile(anna.stores, anna.now)
    assert "12.345,67 EUR" in anna.get(at(shop), accept_language="de").words
    assert "EUR 12,345.67" in anna.get(at(shop), accept_language="en-GB").words


def test_a_link_is_made_for_one_page_under_a_name(anna: Reader, shop: Scene) -> None:
    fields = {
        "destination": "https://shop.example.com/tents",
        "code": "Tents",
        "campaign": "summer",
        "utm_source": "blog",
        "sub1": "footer",
    }
    answer = anna.post(at(shop, "/links"), fields)
    assert answer.location == at(shop, "/links/tents?done=link_made")
    page = anna.get(answer.location)
    assert "The link is there." in page.words
    assert "/qr/tents.svg" in page.text
    assert "/qr/tents.png" in page.text
    link = anna.stores.links.find("tents")
    assert link is not None
    assert (link.partner, link.utm, link.sub) == ("anna", {"utm_source": "blog"}, {"sub1": "footer"})


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"destination": "https://evil.example/"}, "destination", "outside the program"),
        ({"destination": "shop"}, "destination", "full http or https URL"),
        ({"code": "portal"}, "code", "reserved"),
        ({"code": "p0rtal"}, "code", "reserved"),
        ({"code": "taken"}, "code", "taken"),
        ({"code": "taren", "utm_source": "x" * 101}, "utm_source", "100 bytes"),
    ],
)
def test_what_is_wrong_with_a_link_stands_beside_its_field(
    anna: Reader, shop: Scene, fields: dict[str, str], field: str, sentence: str
) -> None:
    assert anna.post(at(shop, "/links"), {"code": "taken"}).status == 303
    answer = anna.post(at(shop, "/links"), fields)
    assert answer.status in {409, 422}
    assert f'id="e-{field}"' in answer.text
    assert f'href="#f-{field}"' in answer.text
    assert sentence in answer.words


def test_a_link_can_be_checked_before_it_is_made(anna: Reader, shop: Scene) -> None:
    query = "?destination=https%3A%2F%2Fshop.example.com%2Fa&code=fresh"
    told = json.loads(anna.get(at(shop, f"/link-check{query}")).raw)
    assert told["problems"] == {}
    assert told["notes"] == {
        "destination": "leads to https://shop.example.com/a",
        "code": "https://go.example.com/fresh is free",
    }
    assert told["looked"] is None
    without_script = anna.post(at(shop, "/links"), {"code": "fresh", "check": "yes"})
    assert "is free" in without_script.words
    assert anna.stores.links.find("fresh") is None
    told = json.loads(anna.get(at(shop, "/link-check?destination=https://evil.example&code=portal")).raw)
    assert set(told["problems"]) == {"destination", "code"}


def test_a_page_that_is_odd_is_told_of_and_stops_nobody(anna: Reader, shop: Scene) -> None:
    page = {"destination": "http://shop.example.com/a"}  # Here only https may be called.
    told = json.loads(anna.get(at(shop, "/link-check?look=yes&destination=http://shop.example.com/a")).raw)
    said = "Only https pages can be looked at from here. You can make the link all the same."
    assert told["looked"] == {"text": said, "is_fine": False}
    assert (
        "You can make the link all the same." in anna.post(at(shop, "/links"), page | {"check": "yes"}).words
    )
    assert anna.post(at(shop, "/links"), page).status == 303


def test_a_link_is_paused_resumed_changed_and_deleted(anna: Reader, shop: Scene) -> None:
    anna.post(at(shop, "/links"), {"code": "mine"})
    path = at(shop, "/links/mine")
    for act, state in (("paused", "paused"), ("active", "active")):
        assert anna.post(path, {"act": act}).status == 303
        assert str(anna.stores.links.find("mine").state) == state
    anna.post(path, {"destination": "https://shop.example.com/x", "campaign": "c"})
    assert anna.stores.links.find("mine").destination == "https://shop.example.com/x"
    anna.post(path, {"act": "delete"})
    assert anna.get(path).status == 404


def test_links_of_others_are_unknown(anna: Reader, shop: Scene) -> None:
    code = shop.links["ben"].code
    assert anna.get(at(shop, f"/links/{code}")).status == 404
    assert anna.post(at(shop, f"/links/{code}"), {"act": "delete"}).status == 404
    assert code not in anna.get(at(shop, "/links")).text


def test_promo_codes_are_the_partners_own(anna: Reader, shop: Scene) -> None:
    stores = anna.stores
    ended = Coupon(shop.program.id, "anna", "OLD", anna.now, ends_at=anna.now - timedelta(days=1))
    stores.catalogue.add_coupon_once(ended)
    words = anna.get(at(shop, "/coupons")).words
    assert "ANNA" in words
    assert "ended" in words
    assert "BEN" not in words


def test_sales_are_filtered_on_the_server(anna: Reader, shop: Scene) -> None:
    first = shop.report(anna.stores, "A-1", anna.now)
    shop.report(anna.stores, "B-2", anna.now - timedelta(days=3))
    shop.report(anna.stores, "X-9", anna.now, code="BEN")
    reconcile.reconcile(anna.stores, anna.now)
    words = anna.get(at(shop, "/conversions")).words
    assert ("A-1" in words, "B-2" in words, "X-9" in words) == (True, True, False)
    assert "B-2" not in anna.get(at(shop, "/conversions?order=a-")).words
    day = f"{anna.now:%Y-%m-%d}"
    words = anna.get(at(shop, f"/conversions?from={day}&to={day}&state=pending")).words
    assert ("A-1" in words, "B-2" in words) == (True, False)
    assert "No sale fits" in anna.get(at(shop, "/conversions?state=paid")).words
    assert anna.get(at(shop, "/conversions?from=nonsense&state=x")).status == 200
    page = anna.get(at(shop, f"/conversions/{first.id}"))
    assert "You earn EUR 10.00" in page.words
    assert "By the rule" in page.words


def test_long_lists_have_pages(anna: Reader, shop: Scene) -> None:
    for number in range(53):
        shop.report(anna.stores, f"order-{number:03d}", anna.now)
    reconcile.reconcile(anna.stores, anna.now)
    seen, path = set(), at(shop, "/conversions?state=pending")
    for _ in range(3):
        page = anna.get(path)
        seen |= {word for word in page.words.split() if word.startswith("order-")}
        if 'rel="next"' not in page.text:
            break
        path = page.text.split('" rel="next"')[0].rsplit('href="', 1)[1].replace("&amp;", "&")
    assert len(seen) == 53
    other = anna.another()
    other.sign_in("ben")
    assert other.get(path).status == 422


def test_a_receipt_names_nobody_else(anna: Reader, shop: Scene) -> None:
    shop.click(anna.stores, anna.now - timedelta(hours=2), visitor=None)
    sold = shop.report(anna.stores, "X-9", anna.now, code="BEN")
    reconcile.reconcile(anna.stores, anna.now)
    assert anna.get(at(shop, f"/conversions/{sold.id}")).status == 404
    assert anna.get(at(shop, "/conversions/cnv_aaaaaaaaaaaaaaaaaaaaaaaaaa")).status == 404


def test_a_published_statement_proves_itself(anna: Reader, shop: Scene, clock) -> None:
    shop.sell(anna.stores, NOON)
    reconcile.reconcile(anna.stores, NOON + timedelta(days=20))
    clock.set(scene.AFTER_GRACE)
    reconcile.reconcile(anna.stores, clock())
    close.close_months(anna.stores, clock())
    assert "published" in anna.get(at(shop, "/statements")).words
    page = anna.get(at(shop, "/statements/2026-09"))
    assert "A draft as of" not in page.words
    body = anna.get(at(shop, "/statements/2026-09/csv"))
    assert hashlib.sha256(body.raw).hexdigest() in page.text
    assert "names this very hash" in page.words
    assert body.headers["content-disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(body.text, newline="")))
    assert {row["partner"] for row in rows} == {"anna"}
    assert "EUR 10.00" in page.words
    assert anna.get(at(shop, "/statements/2026-09/html")).status == 200
    assert anna.get(at(shop, "/statements/2026-09/payouts.csv")).status == 404
    assert anna.get(at(shop, "/statements/2020-01")).status == 404
    assert anna.get(at(shop, "/statements/nonsense")).status == 422


def test_a_long_statement_has_pages(anna: Reader, shop: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        shop.sell(anna.stores, anna.now)
    reconcile.reconcile(anna.stores, anna.now)
    monkeypatch.setattr(money, "ROWS", 2)
    first = anna.get(at(shop, f"/statements/{anna.now:%Y-%m}"))
    assert "A draft as of" in first.words
    onwards = first.text.split('" rel="next"')[0].rsplit('href="', 1)[1]
    second = anna.get(onwards)
    assert [page.words.count(" accrual ") for page in (first, second)] == [2, 1]
    assert 'rel="next"' not in second.text


def test_the_manifest_of_others_balances_is_not_given_out(anna: Reader, shop: Scene, clock) -> None:
    shop.sell(anna.stores, anna.now)
    shop.sell(anna.stores, anna.now, code="BEN")
    reconcile.reconcile(anna.stores, anna.now)
    month = f"{anna.now:%Y-%m}"
    assert "ben" not in anna.get(at(shop, f"/statements/{month}")).text
    assert anna.get(at(shop, f"/statements/{month}/manifest")).status == 404


def test_the_rules_are_said_in_words_with_their_changes(anna: Reader, shop: Scene) -> None:
    rules = (
        CommissionRule("sale", "tiered", tiers=(Tier(0, 500), Tier(10_000, 800))),
        CommissionRule("sale", "percent", rate_bp=2000, partner="ben"),
        CommissionRule("lead", "flat", amount_minor=250, cap_minor=250),
    )
    attribution = Attribution(model="linear", window_days=60, groups={"vip": ("ben",)}, priority=("vip",))
    newer = Terms(shop.program.id, 2, anna.now - timedelta(days=1), attribution, 30, rules)
    anna.stores.catalogue.add_terms_once(newer)
    words = anna.get(at(shop, "/rules")).words
    assert "5 % from 0.00 EUR, 8 % from 100.00 EUR" in words
    assert "For each lead: 2.50 EUR." in words
    assert "in the 60 days after it" in words
    assert "pending for 30 days" in words
    assert "No longer: For each sale: 10 % of the order." in words
    assert "20 %" not in words
    assert "vip" not in words


def test_a_missing_sale_is_looked_up_at_once(anna: Reader, shop: Scene) -> None:
    shop.report(anna.stores, "A-1", anna.now)
    shop.report(anna.stores, "X-9", anna.now, code="BEN")
    reconcile.reconcile(anna.stores, anna.now)
    for order in ("A-1", "X-9", "never"):
        assert anna.post(at(shop, "/missing"), {"order_id": order}).status == 303
    assert "Being looked up." in anna.get(at(shop, "/missing")).words
    anna.mail()
    words = anna.get(at(shop, "/missing")).words
    assert "The sale is here, and credited to you." in words
    assert words.count("No order with this id is known") == 2
    told, _ = anna.stores.claims.of_program(shop.program.id, 10, None)
    assert [one.order_id for one in told] == ["never", "X-9", "A-1"] or len(told) == 3


@pytest.mark.parametrize(
    "fields",
    [{"order_id": ""}, {"order_id": "a", "amount": "1e3"}, {"order_id": "a", "currency": "XXX"}],
)
def test_a_case_that_says_nothing_is_refused(anna: Reader, shop: Scene, fields: dict[str, str]) -> None:
    assert anna.post(at(shop, "/missing"), fields).status == 422


def test_where_to_be_paid_is_set_checked_and_told(anna: Reader, shop: Scene) -> None:
    path = "/portal/settings/accounts"
    wrong = anna.post(path, {"method": "sepa", "name": "Anna", "iban": "DE00", "currency": "EUR"})
    assert wrong.status == 422
    assert 'id="e-sepa-iban"' in wrong.text
    fine = {"method": "sepa", "name": "Anna", "iban": "DE89 3704 0044 0532 0130 00", "currency": "eur"}
    assert anna.post(path, fine).status == 303
    assert anna.post(path, {"method": "paypal", "email": "anna@example.com", "currency": ""}).status == 303
    words = anna.get("/portal/settings").words
    assert "DE89370400440532013000" in words
    anna.mail()
    assert anna.mailbox.messages[0]["subject"] == "Where you are paid was changed"
    assert anna.post(path, {"remove": "any"}).status == 303
    assert [one.method for one in anna.stores.payouts.accounts("anna")] == ["sepa"]


def test_a_token_is_shown_once_works_and_ends(anna: Reader, shop: Scene) -> None:
    made = anna.post("/portal/settings/tokens")
    token = made.text.split('data-copy="llk_')[1].split('"')[0]
    bearer = {"authorization": f"Bearer llk_{token}"}
    stats = anna.send("GET", f"/v1/stats?program={shop.program.id}", **bearer)
    assert stats.status == 200
    page = anna.get("/portal/settings")
    assert token not in page.text
    [key] = anna.stores.credentials.keys_of("anna")
    other = anna.another()
    other.sign_in("ben")
    assert other.post("/portal/settings/tokens", {"withdraw": key.id}).status == 404
    assert anna.post("/portal/settings/tokens", {"withdraw": key.id}).status == 303
    assert anna.send("GET", f"/v1/stats?program={shop.program.id}", **bearer).status == 401


def test_settings_list_the_places_where_one_is_signed_in(anna: Reader, shop: Scene) -> None:
    other = anna.another()
    other.sign_in("anna")
    assert anna.get("/portal/settings").text.count("<td><time") >= 2
    anna.post("/portal/sign-out", {"everywhere": "yes"})
    assert other.get("/portal/settings").status == 303


def test_a_published_statement_is_told_by_mail_once_unless_it_is_not_wanted(
    anna: Reader, shop: Scene, clock
) -> None:
    shop.sell(anna.stores, NOON)
    shop.sell(anna.stores, NOON, code="BEN")
    ben = anna.another()
    ben.sign_in("ben")
    assert ben.post("/portal/settings/mail").status == 303
    clock.set(scene.AFTER_GRACE)
    reconcile.reconcile(anna.stores, clock())
    close.close_months(anna.stores, clock())
    mails.announce_statements(anna.stores, shop.program.id, Month(2026, 9))
    anna.mail()
    told = [one for one in anna.mailbox.messages if "statement" in one["subject"]]
    assert [(one["to"], one["subject"]) for one in told] == [
        ("anna@example.com", "Your statement 2026-09 of Shop")
    ]
    assert at(shop, "/statements/2026-09") in told[0]["text"]


def test_a_postback_is_added_tried_and_removed(anna: Reader, shop: Scene) -> None:
    path = at(shop, "/postbacks")
    url = "https://tracker.example/?id={sub1}&payout={payout}"
    for wrong in ("http://127.0.0.1/", "https://10.0.0.1/{sub1}", "https://tracker.example/{secret}", ""):
        answer = anna.post(path, {"url": wrong})
        assert (answer.status, 'id="e-url"' in answer.text) == (422, True), wrong
    assert anna.post(path, {"url": url, "events": ["conversion.recorded", "ledger.published"]}).status == 303
    [kept] = anna.stores.webhooks.of(shop.program.id)
    assert (kept.partner, kept.url, kept.events) == ("anna", url, {"conversion.recorded"})
    assert anna.post(path, {"test": kept.id}).status == 303
    page = anna.get(path)
    assert ("pending" in page.words, "tracker.example" in page.words) == (True, True)
    ben = anna.another()
    ben.sign_in("ben")
    assert "tracker.example/?" not in ben.get(path).text
    for act in ("test", "remove"):
        ben.post(path, {act: kept.id})
    assert anna.stores.webhooks.find(kept.id) == kept
    assert anna.post(path, {"remove": kept.id}).status == 303
    assert anna.stores.webhooks.find(kept.id) is None
