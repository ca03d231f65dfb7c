"""Webhooks and postbacks from outside: the stack tells a server of the merchant's what happened."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.outside import NOVEMBER_10, Answer, Shop, Stack, sign, wait_for
from tests.docs.blocks import snippet
from tests.shop import Received, Server, a_server


@pytest.fixture
def site() -> Iterator[Server]:
    with a_server() as server:
        yield server


def create(shop: Shop, url: str, *, key: str | None = None, **more: Any) -> Answer:
    return shop.stack.api("POST", "/v1/webhooks", {"program": shop.id, "url": url, **more}, key=key)


def deliveries(shop: Shop, webhook: str) -> list[dict[str, Any]]:
    return list(shop.stack.api("GET", f"/v1/webhooks/{webhook}/deliveries").expect(200).json["data"])


def heard(site: Server, *types: str) -> list[Received]:
    """What was told, once it is of all these types."""
    wait_for(lambda: {json.loads(one.body)["type"] for one in site.received} >= set(types))
    return site.received


def shape(value: Any) -> Any:
    """The fields and what they are, without what they say."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


def test_a_sale_is_told_as_it_goes_on_signed_as_the_standard_says(shop: Shop, site: Server) -> None:
    site.at("/hook")
    made = create(shop, site.url("/hook")).expect(201).json
    assert made["secret"].startswith("whsec_")
    assert "secret" not in shop.stack.api("GET", f"/v1/webhooks/{made['id']}").json
    partner = shop.partner()
    sale = shop.sell(click_id=shop.clicked(partner))
    heard(site, "conversion.recorded")
    shop.adjust(sale, "refund").expect(201)
    told = heard(site, "conversion.recorded", "conversion.reversed")
    for one in told:
        expected = sign(
            made["secret"],
            one.body,
            timestamp=int(one.headers["webhook-timestamp"]),
            id=one.headers["webhook-id"],
        )
        assert one.headers["webhook-signature"] == expected["webhook-signature"]
        assert json.loads(one.body)["data"]["id"] == sale
    sample = json.loads(snippet("docs/webhooks.md", "json"))
    assert shape(sample) == shape(json.loads(told[-1].body))
    wait_for(lambda: {one["state"] for one in deliveries(shop, made["id"])} == {"delivered"})


def test_a_closed_month_is_told(shop: Shop, site: Server) -> None:
    site.at("/hook")
    create(shop, site.url("/hook"), events=["ledger.published"]).expect(201)
    shop.sell(coupon="NOBODY")
    shop.close()
    [told] = [json.loads(one.body) for one in heard(site, "ledger.published")]
    assert (told["data"]["program"], told["data"]["month"]) == (shop.id, "2026-11")
    shop.stack.at(NOVEMBER_10)


def test_a_partner_sets_its_own_postback_and_hears_of_its_sales_alone(shop: Shop, site: Server) -> None:
    site.at("/postback")
    anna, ben = shop.partner("anna"), shop.partner("ben")
    body = {"scopes": ["partner"], "partner": anna.id}
    key = shop.stack.api("POST", "/v1/keys", body).expect(201).json["key"]
    url = site.url("/postback") + "?id={click_id}&tx={transaction_id}&payout={payout}&s={sub1}&st={status}"
    made = create(shop, url, key=key).expect(201).json
    assert (made["partner"], made["secret"]) == (anna.id, None)
    assert create(shop, url, key=key, partner=ben.id).refused(404) == "partner_unknown"
    click = shop.visitor().follow(f"/{anna.code}?sub1=ad%207").expect(302).click_id
    shop.sell(click_id=shop.clicked(ben))
    sale = shop.sell(click_id=click)
    wait_for(lambda: len(site.received) == 1)
    assert site.received[0].path == (f"/postback?id={click}&tx={sale}&payout=2.00&s=ad%207&st=pending"), (
        site.received
    )


def test_a_test_is_sent_and_a_failed_delivery_replayed(shop: Shop, site: Server, stack: Stack) -> None:
    site.at("/hook", status=500, body="no")
    site.at("/hook", status=200, body="yes")
    made = create(shop, site.url("/hook")).expect(201).json
    own = f"/v1/webhooks/{made['id']}"
    sent = stack.api("POST", f"{own}/test", {}).expect(202).json
    wait_for(lambda: deliveries(shop, made["id"])[0]["attempts"])
    [found] = deliveries(shop, made["id"])
    assert (found["state"], found["attempts"][0]["status"], found["attempts"][0]["told"]) == (
        "pending",
        500,
        "no",
    )
    assert stack.api("POST", f"{own}/deliveries/{sent['id']}/replay", {}).refused(409) == "delivery_pending"
    stack.at("2026-11-10T13:00:00Z")
    stack.reconcile()
    wait_for(lambda: deliveries(shop, made["id"])[0]["state"] == "delivered")
    stack.api("POST", f"{own}/deliveries/{sent['id']}/replay", {}).expect(202)
    wait_for(lambda: len(site.received) == 3)
    assert len({one.headers["webhook-id"] for one in site.received}) == 1
    stack.api("DELETE", own).expect(204)
    assert stack.api("GET", own).refused(404) == "webhook_unknown"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://2852039166/",
        "ftp://example.com/",
    ],
)
def test_our_own_addresses_are_refused_at_once(closed_shop: Shop, url: str) -> None:
    assert create(closed_shop, url).refused(422) in {"url_not_public", "url_invalid"}
