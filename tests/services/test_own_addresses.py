"""Whether a customer orders from where its partner is: compared within a day, and never kept."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import Content, State
from chalicelib.domain.errors import Invalid
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.program import Method
from chalicelib.services import capture, conversions, fraud, own_addresses
from chalicelib.services.settle import rules_of, settle_conversion
from chalicelib.storage import table
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import Table
from tests import scene
from tests.scene import MONTH_START

NOW = MONTH_START + timedelta(days=10, hours=9)
HOME, ELSEWHERE = "81.2.69.142", "81.2.69.143"
HOME_6, SAME_64, ELSEWHERE_6 = "2001:4860:4860:1::8888", "2001:4860:4860:1:aa::1", "2001:4860:4860:2::1"


def sold(stage: Any, shop: scene.Scene, address: str | None, at: Any = NOW, code: str = "ANNA") -> set[str]:
    """The checks of a sale told at that time, from that address."""
    order = Incoming(
        "sale", f"{address} {at} {code}", Content(10_000, "EUR"), Method.API, coupon=code, address=address
    )
    told = capture.record(stage.stores, shop.program, order, at)
    settle_conversion(stage.stores, rules_of(stage.stores, shop.program.id), told.id, at)
    found = stage.stores.conversions.find(told.id)
    names = {check.name for check in conversions.explain(stage.stores, found).checks}
    assert (found.state is State.HELD) is ("self_referral" in names)
    return names - {"confirmation"}


@pytest.fixture
def shop(stage: Any) -> scene.Scene:
    """A shop that holds self-referrals, whose partner anna was in the portal from home this morning."""
    made = scene.make(stage.stores)
    hold = {"self_referral": fraud.setting("self_referral", "hold", {})}
    fraud.publish(stage.stores, made.program, hold, MONTH_START)
    for address in (HOME, HOME_6):
        own_addresses.note_partner(stage.stores, "anna", {}, address, NOW - timedelta(hours=1))
    return made


def test_an_order_from_where_its_partner_is_waits(stage: Any, shop: scene.Scene) -> None:
    assert sold(stage, shop, HOME) == {"self_referral"}
    assert sold(stage, shop, SAME_64) == {"self_referral"}


@pytest.mark.parametrize("address", [ELSEWHERE, ELSEWHERE_6, None, "not an address"])
def test_an_order_from_elsewhere_does_not(stage: Any, shop: scene.Scene, address: str | None) -> None:
    assert sold(stage, shop, address) == set()


def test_only_the_partner_who_earns_and_only_the_same_day_counts(stage: Any, shop: scene.Scene) -> None:
    assert sold(stage, shop, HOME, code="BEN") == set()
    assert sold(stage, shop, HOME, NOW + timedelta(days=1)) == set()
    older = Incoming(
        *("sale", "yesterday", Content(1, "EUR"), Method.API),
        address=HOME,
        occurred_at=NOW - timedelta(days=1),
    )
    told = capture.record(stage.stores, shop.program, older, NOW)
    assert stage.stores.conversions.find(told.id).facts.signals == ()


def test_an_address_inside_a_network_says_nothing(stage: Any, shop: scene.Scene) -> None:
    for address in ("127.0.0.1", "10.0.0.7", "fd00::1"):
        own_addresses.note_partner(stage.stores, "anna", {}, address, NOW)
        assert sold(stage, shop, address) == set()


def test_where_a_partner_was_is_noted_once_and_kept_for_the_day_as_a_digest(stage: Any) -> None:
    for _ in range(3):
        own_addresses.note_partner(stage.stores, "anna", {}, HOME, NOW)
    items = table.call("scan", TableName=Table(stage.settings, "counts").name)["Items"]
    assert HOME not in json.dumps(items)
    (seen,) = (item for item in items if item["pk"]["S"].startswith("seen#"))
    assert int(seen["expires_at"]["N"]) == int((MONTH_START + timedelta(days=11)).timestamp())
    other_process = Stores(stage.settings)
    assert own_addresses.partners_there(other_process, HOME, NOW, NOW) == {"anna"}


@pytest.mark.parametrize("text", ["", "home", "1.2.3", "1.2.3.4/24", "x" * 5_000])
def test_what_a_shop_tells_is_an_address(text: str) -> None:
    with pytest.raises(Invalid, match="customer_ip_invalid"):
        own_addresses.check(text)
    assert own_addresses.check(HOME) == HOME
