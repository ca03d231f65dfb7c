"""A statement as a page: what it shows, and what it never lets through."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from chalicelib.domain import statement_page
from chalicelib.domain.journal import Kind
from chalicelib.domain.ledger import Tally
from chalicelib.domain.period import Month
from tests.domain.builders import an_entry

OCTOBER = Month(2026, 10)
HOSTILE = '"><script>alert(1)</script>&amp;'


class Reader(HTMLParser):
    """The page's elements, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data)


def a_page(**entry: object) -> str:
    made = an_entry(**entry)
    tally = Tally.opened_with({("anna", "EUR"): (500, 200), ("ben", "EUR"): (777, 0)})
    tally.add(made)
    parts = [
        statement_page.head("acme", OCTOBER, "anna", tally),
        statement_page.row(made),
        statement_page.tail(),
    ]
    return "".join(parts)


def test_the_page_shows_balances_and_entries_of_its_partner_alone() -> None:
    texts = Reader(a_page(commission=1_000)).texts
    assert "Statement 2026-10 of anna in acme" in texts
    assert texts[texts.index("EUR") :][:8] == [
        "EUR",
        "5.00",
        "10.00",
        "0.00",
        "0.00",
        "0.00",
        "15.00",
        "2.00",
    ]
    assert "10.00 EUR" in texts
    assert "purchase; click one; 1000 bp" in texts
    assert not any("ben" in text or "7.77" in text for text in texts)


def test_the_page_is_well_formed_and_can_be_read_aloud() -> None:
    reader = Reader(a_page())
    assert reader.open == []
    assert ("html", {"lang": "en"}) in reader.elements
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("h1") == tags.count("main") == 1
    assert tags.count("caption") == tags.count("table") == 2
    assert all(
        attributes.get("scope") in {"col", "row"} for tag, attributes in reader.elements if tag == "th"
    )


def test_whatever_an_order_is_called_stays_text() -> None:
    reader = Reader(a_page(order_id=HOSTILE, event=HOSTILE, cause=HOSTILE, kind=Kind.REVERSAL))
    assert "script" not in {tag for tag, _ in reader.elements}
    assert reader.texts.count(HOSTILE) == 2


def test_nothing_but_the_pages_own_style_may_be_loaded() -> None:
    page = a_page()
    style = re.search("<style>(.*)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(a["content"] for tag, a in Reader(page).elements if "http-equiv" in a)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert "@media print" in style
