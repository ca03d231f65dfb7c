"""What a deployment will cost, said before it is made; the figures are those of docs/cost.md."""

import re
from collections.abc import Iterator
from pathlib import Path

_STANDS = re.compile(r"^\| ([^|]+) \| ([0-9.]+) \|$", re.MULTILINE)
_BY_VOLUME = "a GB"
_WITH_A_DOMAIN = "only with a domain"


def lines(root: Path, *, with_domain: bool) -> Iterator[str]:
    """What stands a month, and what traffic adds, in sentences.

    Raises:
        ValueError: the document says it in another way than is read here.
    """
    text = (root / "docs" / "cost.md").read_text()
    standing = a_month(text, with_domain=with_domain)
    headings = re.findall(r"^## (.+): about \$([0-9.]+)$", text, re.MULTILINE)
    if not headings:
        raise ValueError("docs/cost.md names no sum")
    yield f"About ${standing:.2f} a month stand (alarms, dashboard, metrics, secret), whatever comes; then"
    for what, dollars in headings:
        yield f"  {what}: about ${dollars}"
    yield "  and what is stored. List prices of us-east-1, worked out in docs/cost.md."


def a_month(text: str, *, with_domain: bool) -> float:
    """Dollars that a stage costs a month without any traffic."""
    rows = _STANDS.findall(text.partition("## What stands")[2])
    if not rows:
        raise ValueError("docs/cost.md does not say what stands")
    return sum(
        float(dollars)
        for what, dollars in rows
        if _BY_VOLUME not in what and (with_domain or _WITH_A_DOMAIN not in what)
    )
