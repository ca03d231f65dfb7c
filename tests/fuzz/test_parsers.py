"""Whatever comes in, a parser reads it or refuses it in its own words, and nothing else ever comes out of it.

`FUZZ_EXAMPLES=20000` makes a night's work of it.
"""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain import (
    agents,
    channels,
    codes,
    cookies,
    money,
    partner,
    period,
    postback,
    token,
    visits,
)
from chalicelib.domain.cells import parse_amount
from chalicelib.domain.errors import LinkledgerError
from chalicelib.domain.orders import Reading, read_orders
from chalicelib.domain.payout import iban
from chalicelib.domain.rates import parse_rate
from chalicelib.domain.screening import Hit, screen
from chalicelib.routes import (
    adjustments,
    conversions,
    entries,
    links,
    payouts,
    programs,
    terms_bodies,
    wire,
)
from chalicelib.routes.collect import Collected
from chalicelib.services import rates, signatures
from chalicelib.services.carts.delivery import Delivery
from chalicelib.services.hooks import SOURCES
from tests.services.carts import test_apps, test_shopify, test_stripe, test_woocommerce

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
KEYS = {1: bytes(32)}
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))

fuzzed = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])

NASTY = (
    *("", " ", "\0", "\r\n", "\ud800", "NaN", "-0", "1e999", "0x10", "٣", "１９", "=1+1", "a" * 5000, "null"),
    *("19.90", "19,90", "1.234,56", "1'234.50", "2026-02-30", "2026-11-01T00:00:60Z", "EUR", "XXX", "whsec_"),
    *("\u202e", "ﷺ" * 20, "../..", "//evil.example", "javascript:alert(1)", "%00", "%zz", "{", "[[[[", '"'),
)
TEXTS = st.one_of(
    st.text(), st.sampled_from(NASTY), st.builds("".join, st.lists(st.sampled_from(NASTY), max_size=3))
)
RAW = st.one_of(st.binary(), TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**53, 2**63, 10**400, 0.1, -0.0, 1e308]),
    TEXTS,
    st.just([]),
    st.just({}),
    st.just([[{}]]),
)


def refuses_or_reads(parse: Callable[[], object]) -> None:
    refusals: list[LinkledgerError] = []
    try:
        parse()
    except LinkledgerError as refusal:
        refusals.append(refusal)
    assert all(refusal.code.isascii() for refusal in refusals)


TEXT_PARSERS: dict[str, Callable[[str], object]] = {
    "token": lambda text: token.read(text, KEYS),
    "cookie": lambda text: token.read_visitor(text, KEYS),
    "cookie header": lambda text: cookies.values(text, "ll_id"),
    "code": codes.fold,
    "vanity code": codes.check_vanity,
    "appearance": codes.appearance,
    "coupon": partner.fold_coupon,
    "amount in euros": lambda text: money.parse_major(text, "EUR"),
    "amount in dinars": lambda text: money.parse_major(text, "KWD"),
    "amount in a currency": lambda text: money.parse_major("1.00", text),
    "balance": lambda text: money.parse_signed_major(text, "JPY"),
    "amount in a file": lambda text: parse_amount(text, "EUR"),
    "rate": lambda text: parse_rate(text, "rate"),
    "rates": lambda text: rates.parse(text, "ecb"),
    "source of rates": lambda text: rates.parse("date,base,quote,rate\n", text),
    "month": period.Month.parse,
    "instant": lambda text: period.parse_instant(text, "at"),
    "time zone": period.check_timezone,
    "iban": lambda text: iban.check_iban(text, "iban"),
    "bic": lambda text: iban.check_bic(text, "bic"),
    "name": lambda text: iban.check_name(text, "name"),
    "crawler": agents.crawler,
    "device": agents.device,
    "referrer": channels.of_referrer,
    "visit": lambda text: visits.channel_of(text, text, {"utm_medium": text, "gclid": text}),
    "headers of a hit": lambda text: screen(
        Hit("GET", {"user-agent": text, "sec-fetch-dest": text, "sec-purpose": text}, NOW), None
    ),
    "signature": lambda text: signatures.verifies([], text, text, text, text.encode("utf-8", "replace"), NOW),
    "timestamp": lambda text: signatures.verifies([], "msg_1", text, "v1,AAAA", b"", NOW),
}


@pytest.mark.parametrize("name", TEXT_PARSERS)
@given(text=TEXTS)
@fuzzed
def test_any_text_is_read_or_refused(name: str, text: str) -> None:
    refuses_or_reads(lambda: TEXT_PARSERS[name](text))


@given(raw=RAW)
@fuzzed
def test_any_body_is_an_object_or_refused(raw: bytes) -> None:
    refuses_or_reads(lambda: wire.read_object(raw))


BODIES = (
    conversions.NewConversion,
    conversions.NewBatch,
    adjustments.NewAdjustment,
    links.NewLink,
    payouts.NewAccounts,
    entries.NewEntry,
    payouts.NewSettings,
    programs.ProgramSettings,
    terms_bodies.NewTerms,
    Collected,
)


@pytest.mark.parametrize("kind", BODIES, ids=lambda kind: kind.__name__)
@given(data=st.data())
@fuzzed
def test_any_object_has_the_shape_or_is_refused(kind: type, data: st.DataObject) -> None:
    names = st.one_of(st.sampled_from(kind.__struct_fields__), TEXTS)
    value = data.draw(st.dictionaries(names, ODD, max_size=8))
    refuses_or_reads(lambda: wire.shape(wire.read_object(json.dumps(value).encode()), kind))


@given(
    pairs=st.lists(st.tuples(st.one_of(st.sampled_from(["token", "TXID", "amount", "status"]), TEXTS), TEXTS))
)
@fuzzed
def test_any_query_is_a_postback_or_refused(pairs: list[tuple[str, str]]) -> None:
    refuses_or_reads(lambda: postback.understand(postback.gather(pairs), "EUR"))


HEADERS = (
    "order_id,amount,currency,date,status",
    "Name,Email,Financial Status,Total,Currency,Created at",
    "x",
)


@given(head=st.sampled_from(HEADERS), cells=st.lists(st.lists(TEXTS, max_size=6), max_size=5), raw=RAW)
@fuzzed
def test_any_file_is_a_list_of_orders_or_refused(head: str, cells: list[list[str]], raw: bytes) -> None:
    reading = Reading("EUR", "Europe/Berlin", {})
    lines = "\n".join([head, *(",".join(row) for row in cells)])
    refuses_or_reads(lambda: read_orders(lines.encode("utf-8", "surrogatepass"), reading))
    refuses_or_reads(lambda: read_orders(raw, reading))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, part in inside for place in places(part, (*path, name)))]


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The value with another one at that path."""
    if not path:
        return other
    copied = value.copy()
    copied[path[0]] = changed(value[path[0]], path[1:], other)
    return copied


def stripe(kind: str, subject: object) -> dict[str, Any]:
    return {"id": "evt_1", "type": kind, "data": {"object": subject, "previous_attributes": {}}}


DELIVERIES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "shopify order": ("shopify", {"x-shopify-topic": "orders/paid"}, test_shopify.ORDER),
    "shopify refund": ("shopify", {"x-shopify-topic": "refunds/create"}, test_shopify.REFUND),
    "shopify dispute": ("shopify", {"x-shopify-topic": "disputes/create"}, test_shopify.DISPUTE),
    "woocommerce": ("woocommerce", {"x-wc-webhook-topic": "order.updated"}, test_woocommerce.ORDER),
    "stripe session": ("stripe", {}, stripe("checkout.session.completed", test_stripe.SESSION)),
    "stripe charge": ("stripe", {}, stripe("charge.refunded", test_stripe.CHARGE)),
    "stripe dispute": ("stripe", {}, stripe("charge.dispute.closed", test_stripe.DISPUTE)),
    "appsflyer": ("appsflyer", {}, test_apps.APPSFLYER),
    "adjust": ("adjust", {}, test_apps.ADJUST),
    "branch": ("branch", {}, test_apps.BRANCH),
}


@pytest.mark.parametrize("name", DELIVERIES)
@given(data=st.data())
@fuzzed
def test_a_carts_sample_is_read_or_refused_whatever_stands_in_it(name: str, data: st.DataObject) -> None:
    source, headers, sample = DELIVERIES[name]
    for _ in range(data.draw(st.integers(1, 3))):
        sample = changed(sample, data.draw(st.sampled_from(places(sample))), data.draw(ODD))
    query = sample if name == "adjust" and isinstance(sample, dict) else {}
    body = json.dumps(sample).encode()
    texts = {str(key): str(value) for key, value in query.items()}
    refuses_or_reads(lambda: SOURCES[source].read(Delivery(headers, texts, body)))


@pytest.mark.parametrize("source", SOURCES)
@given(raw=RAW, text=TEXTS)
@fuzzed
def test_any_body_of_a_cart_is_read_or_refused_and_never_verified(source: str, raw: bytes, text: str) -> None:
    names = ("x-shopify-hmac-sha256", "x-wc-webhook-signature", "stripe-signature", "x-shopify-topic")
    delivery = Delivery(dict.fromkeys(names, text), {"token": text, "secret": text}, raw)
    refuses_or_reads(lambda: SOURCES[source].read(delivery))
    assert not SOURCES[source].verifies("whsec_" + "x" * 40, delivery, NOW)
