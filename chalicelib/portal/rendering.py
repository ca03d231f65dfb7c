"""Templates: loaded from this package, in the zip as on a developer's machine, with filters for a locale.

Filters: `number`, `money(currency)`, `percent`, `day`, `instant(timezone)` and `iso`, for `<time datetime>`.
"""

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from chalicelib.domain.period import format_instant
from chalicelib.portal import charts
from chalicelib.portal.locales import DEFAULT, Locale

ASSETS = Path(__file__).parent / "assets"
_TEMPLATES = Path(__file__).parent / "templates"
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
        "percent": lambda rate_bp: _locale.get().percent(rate_bp),
        "day": lambda value: _locale.get().day(value),
        "instant": lambda value, timezone="UTC": _locale.get().instant(value, timezone),
        "iso": format_instant,
    }
    made.globals |= {
        "asset": lambda name: f"/assets/{asset_names()[name]}",
        "chart": charts.columns,
    }
    return made
