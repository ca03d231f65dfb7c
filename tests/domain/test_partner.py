"""Promo codes are compared as people mean them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.partner import fold_coupon


@pytest.mark.parametrize(
    "code",
    [
        "SUMMER10",
        "summer10",
        " Summer10 ",
        "\tsummer10\n",
        "ＳＵＭＭＥＲ１０",
        "ⓢummer10",
        "ſummer10",
        "\u00a0SUMMER10\u3000",
    ],
)
def test_spellings_of_a_code_are_one_code(code: str) -> None:
    assert fold_coupon(code) == "summer10"


@pytest.mark.parametrize(
    ("one", "other"), [("STRASSE", "straße"), ("ΣΑΣ", "σας"), ("é", "e\u0301"), ("ﬁve", "FIVE")]
)
def test_case_and_composition_do_not_matter(one: str, other: str) -> None:
    assert fold_coupon(one) == fold_coupon(other)


@pytest.mark.parametrize("code", ["SАVE10", "SAVE1O", "SAVE 10", "SAVE-10", "ЅAVE10"], ids=ascii)
def test_letters_that_only_look_alike_make_another_code(code: str) -> None:
    assert fold_coupon(code) != fold_coupon("SAVE10")


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing(code: str) -> None:
    assert fold_coupon(fold_coupon(code)) == fold_coupon(code)
