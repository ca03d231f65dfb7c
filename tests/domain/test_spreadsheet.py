"""CSV that every reader gets back, and that no spreadsheet takes for a formula."""

import csv
import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import spreadsheet

NO_NUL = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
PAYLOADS = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", '=HYPERLINK("http://evil.example","x")', "=1,2"]
LEADS = [
    "",
    " ",
    "   ",
    "\t",
    "\r",
    "\n",
    "\r\n",
    " \t",
    "\x00",
    " \x00",
    "\x00 \x00",
    "\u00a0",
    "\u3000",
    "\u2003",
    "\u2028",
    "\u0085",
    "\x0b",
    "\x0c",
    "\x1f",
    "\u200b",
    "\ufeff",
    "\u202e",
    "\u00ad",
]
FULL_WIDTH = ["＝1+1", "＋1", "－1", "＠SUM(A1)", "﹦1", "﹢1", "﹣1", "﹫a", "−1"]


@pytest.mark.parametrize("lead", LEADS, ids=ascii)
@pytest.mark.parametrize("payload", PAYLOADS + FULL_WIDTH, ids=ascii)
def test_no_spelling_of_a_formula_stays_one(lead: str, payload: str) -> None:
    assert spreadsheet.safe(lead + payload).startswith("'")


@pytest.mark.parametrize("text", ["\tone", "\rone", "\none", " \tone", "\x00\tone"], ids=ascii)
def test_tabs_and_line_breaks_never_come_first(text: str) -> None:
    assert spreadsheet.safe(text).startswith("'")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1001",
        "A-1",
        "a=b",
        "purchase",
        "1+1",
        "order @home",
        "#1001",
        "'=1",
        "ß",
        " spaced",
        "1\n=2",
    ],
)
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert spreadsheet.safe(text) == text


@given(st.text())
def test_a_safe_text_starts_with_nothing_active_however_it_is_folded(text: str) -> None:
    safe = spreadsheet.safe(text)
    folded = unicodedata.normalize("NFKC", safe).lstrip()
    assert folded[:1] not in set("=+-@\t\r\n")
    assert "\x00" not in safe
    assert safe.removeprefix("'") == text.replace("\x00", "").removeprefix("'")


@given(st.lists(NO_NUL, min_size=1))
def test_a_record_is_read_back_as_it_was_written(cells: list[str]) -> None:
    line = spreadsheet.line(cells)
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [cells]


@given(st.lists(st.lists(NO_NUL, min_size=3, max_size=3), max_size=5))
def test_records_do_not_run_into_one_another(rows: list[list[str]]) -> None:
    text = "".join(map(spreadsheet.line, rows))
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["a", "b"], "a,b\r\n"),
        (["a,b", ""], '"a,b",\r\n'),
        (['say "hi"', "x"], '"say ""hi""",x\r\n'),
        (["a\nb", "c\rd", "e\r\nf"], '"a\nb","c\rd","e\r\nf"\r\n'),
        ([" a ", "ß"], " a ,ß\r\n"),
        (["", ""], ",\r\n"),
    ],
)
def test_records_are_those_of_rfc_4180(cells: list[str], line: str) -> None:
    assert spreadsheet.line(cells) == line
