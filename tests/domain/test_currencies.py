"""The table of currencies is ISO 4217's."""

from iso4217 import raw_table

from chalicelib.domain.currencies import DIGITS


def test_the_table_agrees_with_the_published_list() -> None:
    counted = {code: row["CcyMnrUnts"] for code, row in raw_table.items() if code is not None}
    published = {code: int(digits) for code, digits in counted.items() if digits != "N.A."}
    assert published == DIGITS


def test_what_has_no_minor_units_is_left_out() -> None:
    assert {"XXX", "XTS", "XAU", "XAG", "XPT", "XPD", "XDR", "XUA", "XSU"} & DIGITS.keys() == set()
