"""CSV that is safe to open: RFC 4180, and no cell that a spreadsheet takes for a formula.

A text that starts with one of the characters that spreadsheets act on (OWASP, "CSV Injection": `= + - @`,
tab, carriage return, line feed, and the full-width forms that some fold to them) gets an apostrophe before
it, also behind blanks and invisible characters, which some readers drop.
"""

import re
import unicodedata
from collections.abc import Sequence

_ACTIVE = frozenset("=+-@\N{MINUS SIGN}")
_SPECIAL = re.compile(r'[,"\r\n]')
_LEAD = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]*")
"""Blanks, controls, and characters that are not seen."""


def safe(text: str) -> str:
    """The text, made harmless as a cell; amounts and ids of our own don't need it."""
    kept = text.replace("\x00", "")
    lead = _LEAD.match(kept)
    start = lead.end() if lead else 0
    breaks = not {"\t", "\r", "\n"}.isdisjoint(kept[:start])
    first = unicodedata.normalize("NFKC", kept[start : start + 1])[:1]
    return f"'{kept}" if breaks or first in _ACTIVE else kept


def line(cells: Sequence[str]) -> str:
    """One record, ended by CRLF; cells with a comma, a quote or a line break are quoted."""
    return (",".join(map(_quoted, cells)) or '""') + "\r\n"


def _quoted(cell: str) -> str:
    escaped = cell.replace('"', '""')
    return f'"{escaped}"' if _SPECIAL.search(cell) else cell
