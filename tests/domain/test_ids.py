"""Identifiers: derived from their cause alone, and chosen ones that are safe anywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import ids
from chalicelib.domain.errors import Invalid

PARTS = st.lists(st.text(max_size=20), max_size=4)


@given(PARTS, PARTS)
def test_the_same_parts_give_the_same_id_and_no_others(one: list[str], other: list[str]) -> None:
    assert (ids.derive("ent", *one) == ids.derive("ent", *other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        (("a",), ("a", "")),
        (("a", "b"), ("b", "a")),
        (("a",), ("A",)),
        ((), ("",)),
    ],
)
def test_where_parts_end_matters(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert ids.derive("ent", *one) != ids.derive("ent", *other)


@given(PARTS)
def test_ids_are_prefixed_lower_case_and_safe_in_urls(parts: list[str]) -> None:
    assert re.fullmatch(r"ent_[a-z2-7]{26}", ids.derive("ent", *parts))


def test_an_orders_id_never_changes() -> None:
    assert ids.conversion_id("acme", "purchase", "1001") == "cnv_4snsiqch5emgbbi4o3zcmpavfu"


@given(st.text(), st.integers(1, 64))
def test_a_conversion_has_one_shard(conversion: str, shards: int) -> None:
    shard = ids.shard_of(conversion, shards)
    assert 0 <= shard < shards
    assert ids.shard_of(conversion, shards) == shard


def test_shards_are_filled_evenly() -> None:
    filled = [0] * 4
    for number in range(4_000):
        filled[ids.shard_of(ids.conversion_id("acme", "purchase", str(number)), 4)] += 1
    assert all(900 < count < 1_100 for count in filled)


@pytest.mark.parametrize("text", ["a", "0", "acme", "acme-eu_2", "a" * 48, "a--b"])
def test_a_slug_may_be_chosen(text: str) -> None:
    assert ids.check_slug(text, "id") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-a",
        "a-",
        "_a",
        "a_",
        "A",
        "a b",
        "a.b",
        "a/b",
        "a#b",
        "a\n",
        "a\x00",
        "ä",
        "а",
        "a" * 49,
        "..",
        "=a",
    ],
    ids=ascii,
)
def test_anything_else_is_no_slug(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        ids.check_slug(text, "partner")
    assert (refusal.value.code, refusal.value.field) == ("id_invalid", "partner")
