"""CSV that is safe to open: RFC 4180, and no cell that a spreadsheet takes for a formula.

A text that starts with one of the characters that spreadsheets act on (OWASP, "CSV Injection": `= + - @`,
tab, carriage return, and the full-width forms that some fold to them) gets an apostrophe before it.
"""

import csv
import io
from collections.abc import Sequence

_ACTIVE = frozenset("=+-@\t\r\n＝＋－＠")


def safe(text: str) -> str:
    """The text, made harmless as a cell; amounts and ids of our own don't need it."""
    lines = text.replace("\x00", "")
    stripped = lines.lstrip(" \u00a0\u3000")
    return f"'{lines}" if stripped and stripped[0] in _ACTIVE else lines


def line(cells: Sequence[str]) -> str:
    """One record, ended by CRLF; cells with a comma, a quote or a line break are quoted."""
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
