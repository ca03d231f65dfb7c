"""The blocks of code that documents show, from which tests take what they run."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: the page below the root, its language (or none), its text."""

    page: str
    language: str
    text: str


def all_blocks() -> list[Block]:
    """Every block of every document."""
    return [
        Block(str(page.relative_to(ROOT)), language, text)
        for page in PAGES
        for language, text in _FENCED.findall(page.read_text())
    ]


def matching(page: str, language: str, containing: str = "") -> list[Block]:
    """The blocks of that language in the page that contain this."""
    return [
        block
        for block in all_blocks()
        if (block.page, block.language) == (page, language) and containing in block.text
    ]


def snippet(page: str, language: str, containing: str = "") -> str:
    """The text of the only such block."""
    (found,) = matching(page, language, containing)
    return found.text
