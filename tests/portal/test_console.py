"""The console: what those who run a program see and do there."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import Content, State
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.link import LinkState
from chalicelib.domain.partner import Partner
from chalicelib.domain.program import Method
from chalicelib.domain.tracking_review import Hint
from chalicelib.portal import console_setup
from chalicelib.services import capture, partners, reconcile
from tests import scene
from tests.portal.browsing import Page, Reader
from tests.reconciling import work
from tests.scene import AFTER_GRACE, MONTH_START, Scene

DAY = timedelta(days=1)
PAGES = (
    *("", "/partners", "/partners/anna", "/links", "/coupons", "/conversions", "/orders", "/ledgers"),
    *("/reports", "/terms", "/setup", "/access", "/activity", "/review", "/fraud", "/webhooks"),
)
TERMS = '{"commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1500}]}'


def at(shop: Scene, path: str = "") -> str:
    return f"/console/{shop.program.id}{path}"


def hidden(page: Page, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found
    return found[1]


def follow(reader: Reader, answer: Page) -> Page:
    assert answer.status == 303, answer.words
    return reader.get(answer.location)


def carried_out(reader: Reader, engine: Any, stage: Any, answer: Page) -> Page:
    """The page of the job that a form started, before and after it is done."""
    assert "looks again by itself" in follow(reader, answer).words
    work(engine, stage)
    return reader.get(answer.location)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_for_its_own_merchant_and_for_no_other(
    shop: Scene, reader: Reader, path: str
) -> None:
    shown = reader.get(at(shop, path))
    assert shown.status == 200
    assert "<script>" not in shown.text
    assert "style=" not in shown.text
    rival = scene.make(reader.stores)
    stranger = reader.another()
    stranger.sign_in_with_a_key(program=rival.program.id)
    assert stranger.get(at(shop, path)).status == 404
    assert stranger.post(at(shop, path), {"do": "close", "reason": "x"}).status in {403, 404, 405}


def test_a_program_is_created_and_gets_its_first_terms(reader: Reader) -> None:
    reader.sign_in_with_a_key()
    assert "No program yet" in reader.get("/console").words
    fields = {"id": "acme", "name": "Acme", "domains": "shop.example.com"}
    created = reader.post("/console", fields | {"currency": "eur", "consent": "exempt"})
    assert "Publish its terms next" in follow(reader, created).words
    filled = reader.post("/console/acme/terms", {"do": "fill", "figure": "12.5", "window": "60"})
    draft = re.search(r"<textarea[^>]*>(.*?)</textarea>", filled.text, re.DOTALL)[1].replace("&#34;", '"')
    checked = reader.post("/console/acme/terms", {"do": "check", "terms": draft})
    assert "The draft is fine" in checked.words
    assert "12.5 %" in checked.words
    published = follow(reader, reader.post("/console/acme/terms", {"do": "publish", "terms": draft}))
    assert "Version 1" in published.words
    (terms,) = reader.stores.catalogue.terms("acme")
    assert (terms.commissions[0].rate_bp, terms.attribution.window_days) == (1250, 60)


def test_what_is_wrong_with_a_program_stands_beside_its_field(reader: Reader) -> None:
    reader.sign_in_with_a_key()
    refused = reader.post("/console", {"id": "Ä", "name": "", "domains": "", "currency": "XXX"})
    assert refused.status == 422
    assert refused.text.count('aria-invalid="true"') >= 3


def test_wrong_terms_are_refused_with_everything_that_is_wrong(shop: Scene, reader: Reader) -> None:
    wrong = '{"hold_days": -1, "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 20000}]}'
    refused = reader.post(at(shop, "/terms"), {"do": "publish", "terms": wrong})
    assert refused.status == 422
    assert "0 to 10000 basis points" in refused.words
    assert "20000" in refused.text
    assert len(reader.stores.catalogue.terms(shop.program.id)) == 1
    assert reader.post(at(shop, "/terms"), {"do": "check", "terms": "{"}).status == 400


def test_terms_are_tried_on_a_past_month(shop: Scene, reader: Reader, engine: Any, stage: Any) -> None:
    shop.sell(reader.stores, MONTH_START + DAY)
    asked = reader.post(at(shop, "/terms"), {"do": "simulate", "terms": TERMS, "month": "2026-09"})
    done = carried_out(reader, engine, stage, asked)
    assert "1 of 1 conversions would be paid otherwise" in done.words
    assert "EUR 15.00" in done.words.replace("\u00a0", " ")


def test_a_partner_is_invited_paused_and_given_a_key(shop: Scene, reader: Reader) -> None:
    fields = {"name": "Carla", "email": "carla@example.com", "id": "carla"}
    invited = follow(reader, reader.post(at(shop, "/partners"), fields))
    assert "Carla" in invited.words
    follow(reader, reader.post(at(shop, "/partners/carla"), {"do": "pause"}))
    (link,) = reader.stores.links.of_program(shop.program.id, 10, None, "carla")[0]
    assert link.state is LinkState.PAUSED
    assert "Resume all links" in reader.get(at(shop, "/partners/carla")).words
    follow(reader, reader.post(at(shop, "/partners/carla"), {"do": "resume"}))
    assert reader.stores.links.find(link.code).state is LinkState.ACTIVE
    assert "llk_" in reader.post(at(shop, "/partners/carla"), {"do": "key"}).text
    assert "llk_" not in reader.get(at(shop, "/partners/carla")).text
    refused = reader.post(at(shop, "/partners"), {"name": "X", "email": "nonsense"})
    assert refused.status == 422


def test_a_partner_is_found_by_the_beginning_of_its_id_or_its_address(shop: Scene, reader: Reader) -> None:
    for wanted, found in (("an", "Anna"), ("BEN@example.com", "Ben"), ("zoe", ""), ("zoe@example.com", "")):
        words = reader.get(at(shop, f"/partners?find={wanted}")).words
        assert [name for name in ("Anna", "Ben") if f"{name} {name.lower()}" in words] == [found][
            : len(found)
        ]


def test_a_link_is_made_changed_and_deleted(shop: Scene, reader: Reader) -> None:
    fields = {"partner": "anna", "code": "spring-sale", "destination": "https://shop.example.com/spring"}
    page = follow(reader, reader.post(at(shop, "/links"), fields | {"utm": "utm_source=news"}))
    assert "/spring-sale" in page.words
    changed = {"destination": "https://shop.example.com/may", "expires": "2026-12-01", "paused": "yes"}
    assert "Ended" not in follow(reader, reader.post(at(shop, "/links/spring-sale"), changed)).words
    link = reader.stores.links.find("spring-sale")
    assert (link.destination, link.state) == ("https://shop.example.com/may", LinkState.PAUSED)
    assert "https://shop.example.com/spring" in reader.get(at(shop, "/links/spring-sale")).words
    refused = reader.post(at(shop, "/links/spring-sale"), {"destination": "https://evil.example/"})
    assert refused.status == 422
    follow(reader, reader.post(at(shop, "/links/spring-sale"), {"do": "delete"}))
    assert reader.stores.links.find("spring-sale").state is LinkState.DELETED


def test_a_promo_code_is_given_and_ended(shop: Scene, reader: Reader, clock: Any) -> None:
    page = follow(
        reader, reader.post(at(shop, "/coupons"), {"partner": "anna", "code": "SPRING5", "max_uses": "40"})
    )
    assert "40" in page.words
    assert "SPRING5" in page.words
    taken = reader.post(at(shop, "/coupons"), {"partner": "ben", "code": "spring5"})
    assert taken.status == 409
    follow(reader, reader.post(at(shop, "/coupons"), {"do": "end", "code": "SPRING5"}))
    clock.set(AFTER_GRACE + timedelta(minutes=1))
    assert "over" in reader.get(at(shop, "/coupons")).words


def test_a_conversion_is_explained_and_refunded_once(shop: Scene, reader: Reader) -> None:
    sold = shop.sell(reader.stores, MONTH_START + DAY)
    path = at(shop, f"/conversions/{sold.id}")
    assert sold.id in reader.get(at(shop, "/conversions")).text
    for other in ("partner=ben", "order=nothing", "to=2026-01-01", "from=2027-01-01"):
        assert sold.id not in reader.get(at(shop, f"/conversions?{other}")).text
    page = reader.get(path)
    assert "the promo code earns the whole" in page.words
    form = {"id": hidden(page, "id"), "kind": "refund", "amount": "40.00", "reason": "one came back"}
    for _ in range(2):
        follow(reader, reader.post(path, form))
    found = reader.stores.conversions.find(sold.id)
    assert [one.amount_minor for one in found.facts.adjustments] == [4_000]
    refused = reader.post(path, form | {"id": "other", "amount": "9999"})
    assert (refused.status, "9999" in refused.text) == (422, True)
    assert reader.get(at(scene.make(reader.stores), f"/conversions/{sold.id}")).status == 404


def test_months_are_closed_verified_and_paid(shop: Scene, reader: Reader, engine: Any, stage: Any) -> None:
    shop.sell(reader.stores, MONTH_START + DAY)
    reconcile.reconcile(reader.stores, AFTER_GRACE)
    assert "draft" in reader.get(at(shop, "/ledgers")).words
    closed = carried_out(reader, engine, stage, reader.post(at(shop, "/ledgers"), {"do": "close"}))
    assert "2026-09" in closed.words
    month = reader.get(at(shop, "/ledgers/2026-09"))
    assert "published" in month.words
    assert ("ledger-00000.csv" in month.words, "statements/anna.csv" in month.words) == (True, False)
    own = reader.get(at(shop, "/ledgers/2026-09?partner=anna")).words
    assert ("statements/anna.csv" in own, "anna EUR 0.00 10.00" in own) == (True, True)
    assert "has nothing in this month" in reader.get(at(shop, "/ledgers/2026-09?partner=ben")).words
    verified = carried_out(reader, engine, stage, reader.post(at(shop, "/ledgers/2026-09"), {"do": "verify"}))
    assert "is what its facts say, to the byte" in verified.words
    paid = {"do": "paid", "id": hidden(month, "id"), "method": ""} if "Mark as paid" in month.words else None
    if paid:
        assert "marked as paid" in follow(reader, reader.post(at(shop, "/ledgers/2026-09"), paid)).words


def test_a_bonus_is_booked_by_hand_once(shop: Scene, reader: Reader) -> None:
    page = reader.get(at(shop, "/ledgers"))
    form = {"id": hidden(page, "id"), "kind": "bonus", "partner": "anna", "amount": "25.00"}
    form |= {"currency": "EUR", "reason": "thank you"}
    for _ in range(2):
        assert "The entry is booked" in follow(reader, reader.post(at(shop, "/ledgers"), form)).words
    refused = reader.post(at(shop, "/ledgers"), form | {"id": "other", "amount": "-25.00"})
    assert refused.status == 422


def test_an_order_file_is_compared_and_what_is_missing_recorded(
    shop: Scene, reader: Reader, engine: Any, stage: Any
) -> None:
    told = "never-told,50.00,EUR,paid,2026-09-10T10:00:00Z,ANNA"
    rows = f"order_id,amount,currency,status,occurred_at,coupon\n{told}\n"
    body = (
        '--x\r\nContent-Disposition: form-data; name="csv"; filename="orders.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{rows}\r\n--x--\r\n"
    ).encode()
    sent = reader.send("POST", at(shop, "/orders"), body, content_type="multipart/form-data; boundary=x")
    compared = carried_out(reader, engine, stage, sent)
    assert "never-told" in compared.words
    recovered = carried_out(reader, engine, stage, reader.post(sent.location))
    assert recovered.status == 200
    listed = reader.get(at(shop, "/conversions")).words
    assert "never-told" in listed
    assert "file" in reader.post(at(shop, "/orders"), {"partner": ""}).words.lower()


def test_a_report_sets_models_side_by_side(shop: Scene, reader: Reader, engine: Any, stage: Any) -> None:
    shop.sell(reader.stores, MONTH_START + DAY)
    shop.sell(reader.stores, MONTH_START + DAY, code="BEN")
    asked = reader.post(at(shop, "/reports"), {"from": "2026-09", "to": "2026-09"})
    done = carried_out(reader, engine, stage, asked)
    assert "Shapley" in done.words
    assert done.words.count("anna") >= 2
    assert reader.post(at(shop, "/reports"), {"from": "soon"}).status == 422
    for by in ("day", "partner", "link", "verdict", "channel", "campaign"):
        assert reader.get(at(shop, f"/reports?by={by}")).status == 200


def test_keys_and_secrets_are_shown_once_and_end_at_once(shop: Scene, reader: Reader) -> None:
    made = reader.post(at(shop, "/access"), {"do": "key"})
    assert "llk_" in made.text
    assert "llk_" not in reader.get(at(shop, "/access")).text
    key = hidden(made, "id")
    assert "llk_" in reader.post(at(shop, "/access"), {"do": "rotate-key", "id": key}).text
    follow(reader, reader.post(at(shop, "/access"), {"do": "end-key", "id": key}))
    assert reader.stores.credentials.find_key(key) is None
    secret = reader.post(at(shop, "/access"), {"do": "secret"})
    assert "whsec_" in secret.text
    (kept,) = reader.stores.credentials.secrets_of(shop.program.id)
    follow(reader, reader.post(at(shop, "/access"), {"do": "end-secret", "id": kept.id}))
    assert not reader.stores.credentials.secrets_of(shop.program.id)


def test_a_merchant_makes_no_keys(shop: Scene, reader: Reader) -> None:
    merchant = reader.another()
    merchant.sign_in_with_a_key(program=shop.program.id)
    assert "made by an administrator" in merchant.get(at(shop, "/access")).words
    assert merchant.post(at(shop, "/access"), {"do": "key"}).status == 403
    assert merchant.post("/console", {"id": "mine"}).status == 403


def test_settings_are_saved_and_stand_in_the_activity(shop: Scene, reader: Reader) -> None:
    fields = {
        "do": "settings",
        "name": "New name",
        "domains": "shop.example.com other.example.com",
        "default_url": "https://shop.example.com/",
        "late_days": "5",
        "methods": ["api", "pixel"],
    }
    follow(reader, reader.post(at(shop, "/access"), fields))
    program = reader.stores.catalogue.program(shop.program.id)
    assert (program.name, program.late_days, len(program.methods)) == ("New name", 5, 2)
    assert "New name" in reader.get(at(shop, "/activity")).text
    assert reader.post(at(shop, "/access"), fields | {"late_days": "many"}).status == 422


def test_what_is_held_is_approved_with_a_reason(shop: Scene, reader: Reader) -> None:
    incoming = Incoming(
        "sale", "told-by-pixel", Content(5_000, "EUR"), Method.PIXEL, coupon="ANNA", occurred_at=MONTH_START
    )
    held = capture.record(reader.stores, shop.program, incoming, MONTH_START)
    page = reader.get(at(shop, "/review"))
    assert "told-by-pixel" in page.words
    nothing = reader.post(at(shop, "/review"), {"do": "approve", "reason": "fine"})
    assert (nothing.status, "Tick what is to be decided" in nothing.words) == (422, True)
    silent = reader.post(at(shop, "/review"), {"do": "approve", "conversion": held.id})
    assert (silent.status, "checked" in silent.text) == (422, True)
    fields = {"do": "approve", "conversion": held.id, "reason": "the shop confirmed it"}
    assert "Nothing waits for you" in follow(reader, reader.post(at(shop, "/review"), fields)).words
    assert "the shop confirmed it" in reader.get(at(shop, f"/conversions/{held.id}")).words


def test_fraud_rules_are_set_and_tried(shop: Scene, reader: Reader, engine: Any, stage: Any) -> None:
    shop.sell(reader.stores, MONTH_START + DAY)
    fields = {"do": "publish", "injection": "hold", "injection.seconds": "20"}
    follow(reader, reader.post(at(shop, "/fraud"), fields))
    kept = reader.stores.fraud.policy(shop.program.id).current(AFTER_GRACE).rules
    assert (kept["injection"].action, kept["injection"].parameters["seconds"]) == ("hold", 20)
    wrong = reader.post(at(shop, "/fraud"), fields | {"injection.seconds": "99999999"})
    assert wrong.status == 422
    tried = reader.post(at(shop, "/fraud"), {"do": "try", "month": "2026-09", "velocity": "hold"})
    assert "0 of 1 conversions would have been stopped" in carried_out(reader, engine, stage, tried).words
    follow(reader, reader.post(at(shop, "/fraud"), {"do": "recommended"}))
    kept = reader.stores.fraud.policy(shop.program.id).current(AFTER_GRACE).rules
    assert kept["flooding"].action == "hold"
    eve = Partner("eve", "Eve", "eve@mailinator.com", reader.now)
    partners.create(reader.stores, eve)
    partners.enroll(reader.stores, shop.program.id, "eve", reader.now)
    (finding,) = reader.stores.fraud.findings(shop.program.id)
    fields = {"do": "dismiss", "finding": finding.key, "reason": "<b>known</b> to us"}
    page = follow(reader, reader.post(at(shop, "/fraud"), fields))
    assert "Dismissed by" in page.words
    assert "&lt;b&gt;known" in page.text
    assert reader.post(at(shop, "/fraud"), fields | {"reason": ""}).status == 422


def test_a_test_link_is_opened_and_its_stages_are_watched(shop: Scene, reader: Reader) -> None:
    page = follow(reader, reader.post(at(shop, "/setup"), {"do": "open", "partner": "anna"}))
    assert "Follow the link, buy something" in page.words
    assert "/~" in page.text
    assert "Landing" in page.words
    refused = reader.post(at(shop, "/setup"), {"do": "open", "destination": "https://evil.example/"})
    assert (refused.status, "evil.example" in refused.text) == (422, True)
    assert "Check-ups of the last seven days" in reader.get(at(shop, "/setup")).words
    assert "Check-ups of the last" not in reader.get(at(scene.make(reader.stores), "/setup")).words


def test_states_can_be_chosen(shop: Scene, reader: Reader) -> None:
    shop.sell(reader.stores, MONTH_START + DAY)
    for state in State:
        assert reader.get(at(shop, f"/conversions?state={state}")).status == 200
    assert reader.get(at(shop, "/conversions?state=nonsense")).status == 422


def test_the_set_up_shows_what_to_paste_filled_in(shop: Scene, reader: Reader) -> None:
    page = reader.get(at(shop, "/setup"))
    assert f'data-program="{shop.program.id}"' in html.unescape(page.words)
    assert f"/postback/{shop.program.id}?token=token&" in html.unescape(page.text)
    assert page.text.count("data-copy") >= len(shop.program.methods)


def test_every_hint_has_its_sentence(shop: Scene, reader: Reader) -> None:
    assert set(console_setup.WORDS) == set(Hint)
    assert console_setup.WORDS[Hint.NOTHING_YET] in reader.get(at(shop, "/setup")).words
