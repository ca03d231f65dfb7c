"""`/v1/.../payout`, `payout-settings`, `payouts` and `entries`: shapes, rights, refusals."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.services.close import close_program
from chalicelib.services.reconcile import reconcile
from tests.routes.api import TERMS, Api

IBAN = "DE89370400440532013000"
ACCOUNTS = {"accounts": [{"method": "paypal", "details": {"email": "anna@example.com"}}]}
BONUS = {
    "id": "b-1",
    "partner": "anna",
    "kind": "bonus",
    "amount": 500,
    "currency": "EUR",
    "reason": "thanks",
}


@pytest.fixture
def shop(api: Api) -> Api:
    """The program acme with its partner anna, whom its merchant brought in."""
    assert api.program().status == 201
    assert api.post("/v1/programs/acme/terms", TERMS).status == 201
    assert api.partner(key=api.key("merchant", program="acme")).status == 201
    assert api.enroll().status == 201
    return api


def test_accounts_are_answered_as_they_are_kept(shop: Api) -> None:
    sepa = {
        "method": "sepa",
        "currency": "EUR",
        "details": {"name": "Anna Å", "iban": f"{IBAN[:4]} {IBAN[4:]}"},
    }
    answer = shop.post("/v1/partners/anna/payout", {"accounts": [*ACCOUNTS["accounts"], sepa]})
    assert answer.status == 200
    assert answer.json == shop.get("/v1/partners/anna/payout").json
    assert answer.json["accounts"][0] == {
        "method": "paypal",
        "currency": None,
        "details": {"email": "anna@example.com"},
    }
    assert answer.json["accounts"][1]["details"] == {"name": "Anna A", "iban": IBAN}


def test_only_the_partner_and_who_brought_it_in_may_see_or_change_where_it_is_paid(shop: Api) -> None:
    shop.program("other", domains=["other.example.com"])
    shop.partner("ben")
    shop.enroll("other", "anna")
    allowed = [shop.key("partner", partner="anna"), shop.key("merchant", program="acme"), shop.admin_key]
    strangers = [shop.key("partner", partner="ben"), shop.key("merchant", program="other")]
    for key in allowed:
        assert shop.post("/v1/partners/anna/payout", ACCOUNTS, key).status == 200
        assert shop.get("/v1/partners/anna/payout", key).status == 200
    for key in strangers:
        shop.post("/v1/partners/anna/payout", ACCOUNTS, key).refused(404, "partner_unknown", "partner")
        shop.get("/v1/partners/anna/payout", key).refused(404, "partner_unknown", "partner")


@pytest.mark.parametrize(
    ("account", "code", "field"),
    [
        ({"method": "cash", "details": {}}, "method_unknown", "accounts[0].method"),
        ({"method": "paypal", "details": {}}, "payout_details_invalid", "accounts[0].details.email"),
        (
            {"method": "paypal", "currency": "XXX", "details": {"email": "a@example.com"}},
            "currency_unknown",
            "accounts[0].currency",
        ),
        (
            {"method": "sepa", "details": {"name": "Anna", "iban": "DE00"}},
            "iban_invalid",
            "accounts[0].details.iban",
        ),
    ],
)
def test_accounts_that_cannot_be_right_are_refused(
    shop: Api, account: dict[str, Any], code: str, field: str
) -> None:
    shop.post("/v1/partners/anna/payout", {"accounts": [account]}).refused(422, code, field)
    assert shop.get("/v1/partners/anna/payout").json["accounts"] == []


def test_one_currency_has_one_account_and_a_partner_at_most_ten(shop: Api) -> None:
    twice = {"accounts": ACCOUNTS["accounts"] * 2}
    shop.post("/v1/partners/anna/payout", twice).refused(422, "account_repeated", "accounts[1].currency")
    many = {"accounts": ACCOUNTS["accounts"] * 11}
    shop.post("/v1/partners/anna/payout", many).refused(422, "too_many_accounts", "accounts")


def test_settings_are_answered_as_they_are_kept(shop: Api) -> None:
    assert shop.get("/v1/programs/acme/payout-settings").json == {
        "program": "acme",
        "minimums": {},
        "payer": None,
    }
    wanted = {"minimums": {"EUR": 5000}, "payer": {"name": "Acme", "iban": IBAN.lower()}}
    answer = shop.post("/v1/programs/acme/payout-settings", wanted)
    assert answer.json["payer"] == {"name": "Acme", "iban": IBAN, "bic": None}
    assert answer.json == shop.get("/v1/programs/acme/payout-settings").json
    bad = {"minimums": {"XXX": 1, "EUR": -1}, "payer": {"name": "Acme", "iban": "no"}}
    refusal = shop.post("/v1/programs/acme/payout-settings", bad)
    assert refusal.status == 422
    assert all(word in refusal.error["message"] for word in ("minimums", "minimums.EUR", "payer.iban"))


def test_a_program_is_paid_by_its_own_merchant_alone(shop: Api) -> None:
    shop.program("other", domains=["other.example.com"])
    stranger = shop.key("merchant", program="other")
    partner = shop.key("partner", partner="anna")
    payout = {"id": "p-1", "month": "2026-09"}
    for path, body in (("payout-settings", {}), ("payouts", payout), ("entries", BONUS)):
        shop.post(f"/v1/programs/acme/{path}", body, stranger).refused(404, "program_unknown", "program")
        shop.post(f"/v1/programs/acme/{path}", body, partner).refused(403, "scope_missing")


def test_a_paid_batch_is_answered_with_its_payments(shop: Api, clock: Any) -> None:
    shop.post("/v1/partners/anna/payout", ACCOUNTS)
    shop.post("/v1/programs/acme/entries", BONUS)
    shop.partner("ben")
    shop.enroll(partner="ben")
    shop.post("/v1/programs/acme/entries", {**BONUS, "id": "b-2", "partner": "ben", "amount": 300})
    clock.set(datetime(2026, 11, 2, 1, tzinfo=UTC))
    reconcile(shop.stores, clock())
    close_program(shop.stores, "acme", clock())
    wanted = {"id": "p-1", "month": "2026-10", "method": "paypal"}
    answer = shop.post("/v1/programs/acme/payouts", wanted)
    assert answer.status == 200
    (payment,) = answer.json["payments"]
    assert payment["amount"] == {"amount": 500, "currency": "EUR"}
    assert payment["entry"].startswith("ent_")
    assert shop.post("/v1/programs/acme/payouts", wanted).json == answer.json
    shop.post("/v1/programs/acme/payouts", {**wanted, "method": None}).refused(409, "payout_conflict", "id")

    shop.post("/v1/programs/acme/payouts", {**wanted, "id": "p-2"})
    marked = [(one["id"], one["month"], one["open"]) for one in shop.listed("/v1/programs/acme/payouts")]
    assert [(id, month) for id, month, _ in marked] == [("p-1", "2026-10"), ("p-2", "2026-10")]
    batch = shop.listed("/v1/programs/acme/payouts/2026-10")
    assert [(one["partner"], one["paid"], one["entry"]) for one in batch] == [
        ("anna", payment["amount"], payment["entry"])
    ]
    booked = shop.listed("/v1/programs/acme/entries")
    assert [(one["id"], one["partner"], one["amount"]["amount"]) for one in booked] == [
        ("b-1", "anna", 500),
        ("b-2", "ben", 300),
    ]
    ledgers = [(one["month"], one["status"]) for one in shop.listed("/v1/ledgers?program=acme")]
    assert ledgers == [("2026-10", "published"), ("2026-11", "draft")]
    shop.program("other")
    stranger = shop.key("merchant", program="other")
    for path in ("payouts", "payouts/2026-10", "entries"):
        shop.get(f"/v1/programs/acme/{path}", stranger).refused(404, "program_unknown", "program")


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"id": "p-1", "month": "2026-09"}, 404, "batch_unknown", "month"),
        ({"id": "p-1", "month": "September"}, 422, "month_invalid", "month"),
        ({"id": "p 1", "month": "2026-09"}, 422, "id_invalid", "id"),
        ({"id": "p-1", "month": "2026-09", "method": "cash"}, 422, "method_unknown", "method"),
    ],
)
def test_a_batch_that_cannot_be_marked_is_refused(
    shop: Api, body: dict[str, str], status: int, code: str, field: str
) -> None:
    shop.post("/v1/programs/acme/payouts", body).refused(status, code, field)


def test_a_bonus_says_who_booked_it_and_why(shop: Api) -> None:
    merchant = shop.key("merchant", program="acme")
    first = shop.post("/v1/programs/acme/entries", BONUS, merchant)
    again = shop.post("/v1/programs/acme/entries", BONUS)
    assert (first.status, again.status) == (201, 200)
    assert first.json == again.json
    assert first.json["reason"].startswith("bonus b-1: thanks; by key_")
    other = {**BONUS, "amount": 501}
    shop.post("/v1/programs/acme/entries", other).refused(409, "entry_conflict", "id")
    unknown = {**BONUS, "id": "b-2", "conversion": "cnv_none"}
    shop.post("/v1/programs/acme/entries", unknown).refused(404, "conversion_unknown", "conversion")
