"""Keys that no item can have."""

import pytest

from chalicelib.storage.table import Table
from tests.conftest import Stage


@pytest.mark.parametrize("pk", ["", "x" * 2049, "\u20ac" * 700])
def test_nothing_is_found_under_a_key_that_no_item_can_have(stage: Stage, pk: str) -> None:
    table = Table(stage.settings, "conversions")
    assert table.find(pk, "conversion") is None
    assert list(table.query(pk)) == []


@pytest.mark.parametrize("sk", ["", "x" * 1025])
def test_nothing_is_found_under_a_sort_key_that_no_item_can_have(stage: Stage, sk: str) -> None:
    table = Table(stage.settings, "conversions")
    assert table.find("cnv_1", sk) is None
    assert list(table.query("cnv_1", prefix=sk)) == []
