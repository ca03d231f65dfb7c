"""Charts."""

import re

from chalicelib.portal.charts import columns


def drawn(values: list[int], label: str = "d") -> str:
    return columns([(f"{label}{place}", value, "") for place, value in enumerate(values)])


def test_a_chart_has_a_column_for_each_value_in_both_sizes() -> None:
    heights = [
        float(found)
        for found in re.findall(r'<rect [^>]*height="([0-9.]+)" fill="currentColor"', drawn([0, 5, 10]))
    ]
    assert len(heights) == 6
    assert heights[0] == 0
    assert abs(heights[1] * 2 - heights[2]) < 0.2


def test_nothing_in_it_needs_what_the_page_forbids() -> None:
    text = drawn(list(range(31)))
    assert "style" not in text
    assert "script" not in text
    assert len(text) < 12_000


def test_labels_are_escaped_and_not_too_many() -> None:
    text = drawn([1] * 31, "<b>")
    assert "<b>" not in text
    assert text.count("&lt;b&gt;") <= 18


def test_labels_keep_their_decimals() -> None:
    text = columns([("a", 1000, "")], lambda value: f"EUR {value / 100:.2f}")
    assert "EUR 10.00" in text


def test_a_chart_of_nothing_is_still_one() -> None:
    assert "<svg" in drawn([0, 0])
