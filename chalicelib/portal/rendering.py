"""Templates: loaded from this package, in the zip as on a developer's machine, with filters for a locale.

Filters: `number`, `money(currency)`, `percent`, `day`, `instant(timezone)`; for amounts as the books write
them `major(currency)`, and `bare(currency)` without its code; `iso` for `<time datetime>`, and `read` for
such a text; `plain` for texts of the books.
"""

import hashlib
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from chalicelib.domain.money import parse_signed_major
from chalicelib.domain.period import format_instant, parse_instant
from chalicelib.domain.token import LENGTH
from chalicelib.portal import charts
from chalicelib.portal.locales import DEFAULT, Locale

ASSETS = Path(__file__).parent / "assets"
_TEMPLATES = Path(__file__).parent / "templates"
_BASIS_POINTS = re.compile(r"\b([0-9]{1,6}) bp\b")
_TOKEN = re.compile(rf"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{{{LENGTH}}}(?![A-Za-z0-9_-])")
_locale: ContextVar[Locale] = ContextVar("locale", default=DEFAULT)


def render(template: str, locale: Locale, values: Mapping[str, Any]) -> bytes:
    """The page of that template. Everything is escaped; a value that is missing is a mistake, not a gap."""
    token = _locale.set(locale)
    try:
        return bytes(_environment().get_template(template).render(**values), "utf-8")
    finally:
        _locale.reset(token)


@lru_cache(maxsize=1)
def asset_names() -> dict[str, str]:
    """The name under which each asset is served, with a hash of its content, so that it may be kept."""
    names = {}
    for path in sorted(ASSETS.iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        names[path.name] = f"{path.stem}.{digest}{path.suffix}"
    return names


def _plain(text: str) -> str:
    """A text of the books as people say it: basis points in percent, a click's token by its end."""
    percent = _BASIS_POINTS.sub(lambda found: _locale.get().percent(int(found[1])), text)
    return _TOKEN.sub(lambda found: f"…{found[0][-6:]}", percent)


def _major(text: str, currency: str) -> str:
    """A decimal amount as the books write it, such as 1234.50, as the reader's locale does."""
    return _locale.get().money(parse_signed_major(text, currency), currency)


def _bare(text: str, currency: str) -> str:
    """The same without the currency's code, which stands beside it."""
    return _major(text, currency).replace(f"{currency}\u00a0", "").replace(f"\u00a0{currency}", "")


@lru_cache(maxsize=1)
def _environment() -> Any:
    """Jinja, imported here: a redirect never needs it. Not optimised, because that computes filters of
    constants once and for every reader."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,
    )
    made.filters |= {
        "number": lambda value: _locale.get().number(value),
        "money": lambda amount_minor, currency: _locale.get().money(amount_minor, currency),
        "major": _major,
        "bare": _bare,
        "percent": lambda rate_bp: _locale.get().percent(rate_bp),
        "day": lambda value: _locale.get().day(value),
        "instant": lambda value, timezone="UTC": _locale.get().instant(value, timezone),
        "iso": format_instant,
        "read": lambda text: parse_instant(text, "at"),
        "plain": _plain,
    }
    made.globals |= {
        "asset": lambda name: f"/assets/{asset_names()[name]}",
        "chart": charts.columns,
    }
    return made
