"""Every promise names tests that there are, and what was measured."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+) \| (.+?) \|$", (ROOT / "docs/promises.md").read_text(), re.MULTILINE
)
NAMED = sorted({name for row in ROWS for name in re.findall(r"`(tests/[^`]+)`", row[2])})


def test_all_twenty_promises_have_tests_and_a_figure() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 21))
    assert [row[0] for row in ROWS if "`tests/" not in row[2] or not row[3].strip()] == []


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    path, *inside = name.split("::")
    body = ast.parse((ROOT / path).read_text()).body
    for part in inside:
        found = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part]
        assert found, name
        body = found[0].body
