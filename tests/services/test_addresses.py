"""Where requests come from: kept as digests of one day, behind the edge from the viewer's address."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from chalicelib.services.addresses import address_of, household_of, mark_of
from chalicelib.storage.stores import Stores
from tests.capturing import NOW


def test_a_household_is_an_address_and_of_ipv6_a_network() -> None:
    addresses = ("198.51.100.7", "198.51.100.8", "2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "")
    households = [household_of(address) for address in addresses]
    assert households[2] == households[3]
    assert len(set(households)) == 5


def test_a_mark_holds_for_a_day_and_is_nobodys_afterwards(stage: Any) -> None:
    today, elsewhere = mark_of(stage.stores, "198.51.100.7", NOW), mark_of(stage.stores, "198.51.100.8", NOW)
    assert today != elsewhere
    other_process = Stores(stage.settings)
    assert mark_of(other_process, "198.51.100.7", NOW + timedelta(hours=1)) == today
    assert mark_of(stage.stores, "198.51.100.7", NOW + timedelta(days=1)) != today


def test_the_key_of_a_day_is_deleted_after_it(stage: Any) -> None:
    today = mark_of(stage.stores, "198.51.100.7", NOW)
    assert stage.stores.daily_keys.forget_past(NOW) == 0
    assert stage.stores.daily_keys.forget_past(NOW + timedelta(days=2)) == 1
    assert mark_of(Stores(stage.settings), "198.51.100.7", NOW) != today


def test_only_our_edge_says_for_whom_it_speaks(stage: Any) -> None:
    stores = Stores(replace(stage.stores.settings, origin_secret="s" * 32))
    told = {"x-linkledger-viewer": "203.0.113.9"}
    edge = told | {"x-linkledger-origin": "s" * 32}
    assert address_of(stores, told, "198.51.100.7") == "198.51.100.7"
    assert address_of(stores, edge, "198.51.100.7") == "203.0.113.9"
    assert address_of(stores, edge | {"x-linkledger-viewer": ""}, "198.51.100.7") == "198.51.100.7"
