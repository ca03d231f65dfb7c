"""How numbers, amounts and dates look to a reader, by `Accept-Language`.

The marks and orders are those of CLDR 48, of which only these few are needed: Babel brings 33 MB of it, three
times what the whole deployment may have. `tests/portal/test_locales.py` compares each line with Babel.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.money import format_major

_TAG = re.compile(
    r"\s*([A-Za-z]{2,3})(?:-[A-Za-z]{4})?(?:-([A-Za-z]{2}))?[A-Za-z0-9-]*\s*(?:;\s*q=([0-9.]+))?\s*"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST_TAGS = 20


@dataclass(frozen=True, slots=True)
class Locale:
    """The marks of one language or region. `code_first` says whether EUR goes before its amount."""

    tag: str
    decimal: str
    group: str
    code_first: bool
    date_order: str

    def number(self, value: int) -> str:
        """An integer, its thousands set apart."""
        return f"{value:,}".replace(",", self.group)

    def money(self, amount_minor: int, currency: str) -> str:
        """An amount with its currency's code, which no two currencies share as they do signs."""
        whole, _, cents = format_major(abs(amount_minor), currency).partition(".")
        text = self.number(int(whole)) + (self.decimal + cents if cents else "")
        sign = "\u2212" if amount_minor < 0 else ""
        return f"{sign}{currency}\u00a0{text}" if self.code_first else f"{sign}{text}\u00a0{currency}"

    def percent(self, rate_bp: int) -> str:
        """Basis points in percent: 1250 is 12.5%."""
        whole, rest = divmod(rate_bp, 100)
        part = f"{rest:02d}".rstrip("0")
        return self.number(whole) + (self.decimal + part if part else "") + "%"

    def day(self, value: date) -> str:
        """A date, with the year in full."""
        return self.date_order.format(
            d=value.day, m=value.month, y=value.year, dd=f"{value.day:02d}", mm=f"{value.month:02d}",
            name=_MONTHS[value.month - 1],
        )  # fmt: skip

    def short_day(self, value: date) -> str:
        """A date without its year, for the axis of a chart."""
        return f"{value.day} {_MONTHS[value.month - 1]}" if self.tag.startswith("en") else self._short(value)

    def _short(self, value: date) -> str:
        """The locale's own order without the year and the marks around it."""
        return self.day(value).replace(f"{value.year}", "").strip(" .-/")

    def instant(self, value: datetime, timezone: str) -> str:
        """Date and time of an instant there, to the minute."""
        local = value.astimezone(ZoneInfo(timezone))
        return f"{self.day(local.date())}, {local:%H:%M}"


def _all(*lines: Locale) -> Mapping[str, Locale]:
    return {line.tag: line for line in lines}


LOCALES = _all(
    Locale("en", ".", ",", True, "{name} {d}, {y}"),
    Locale("en-GB", ".", ",", True, "{d} {name} {y}"),
    Locale("en-AU", ".", ",", True, "{d} {name} {y}"),
    Locale("en-IE", ".", ",", True, "{d} {name} {y}"),
    Locale("en-NZ", ".", ",", True, "{d} {name} {y}"),
    Locale("cs", ",", "\u00a0", False, "{d}. {m}. {y}"),
    Locale("da", ",", ".", False, "{d}.{m}.{y}"),
    Locale("de", ",", ".", False, "{d}.{m}.{y}"),
    Locale("de-AT", ",", ".", True, "{d}.{m}.{y}"),
    Locale("de-CH", ".", "\u2019", True, "{d}.{m}.{y}"),
    Locale("el", ",", ".", False, "{d}/{m}/{y}"),
    Locale("es", ",", ".", False, "{d}/{m}/{y}"),
    Locale("es-MX", ".", ",", True, "{d}/{m}/{y}"),
    Locale("fi", ",", "\u00a0", False, "{d}.{m}.{y}"),
    Locale("fr", ",", "\u202f", False, "{dd}/{mm}/{y}"),
    Locale("fr-CA", ",", "\u00a0", False, "{y}-{mm}-{dd}"),
    Locale("fr-CH", ",", "\u202f", False, "{dd}.{mm}.{y}"),
    Locale("hu", ",", "\u00a0", False, "{y}. {mm}. {dd}."),
    Locale("it", ",", ".", False, "{dd}/{mm}/{y}"),
    Locale("ja", ".", ",", True, "{y}/{m}/{d}"),
    Locale("ko", ".", ",", True, "{y}. {m}. {d}."),
    Locale("nb", ",", "\u00a0", False, "{d}.{m}.{y}"),
    Locale("nl", ",", ".", True, "{d}-{m}-{y}"),
    Locale("pl", ",", "\u00a0", False, "{d}.{mm}.{y}"),
    Locale("pt", ",", ".", True, "{dd}/{mm}/{y}"),
    Locale("pt-PT", ",", "\u00a0", False, "{dd}/{mm}/{y}"),
    Locale("ro", ",", ".", False, "{dd}.{mm}.{y}"),
    Locale("ru", ",", "\u00a0", False, "{dd}.{mm}.{y}"),
    Locale("sv", ",", "\u00a0", False, "{y}-{mm}-{dd}"),
    Locale("tr", ",", ".", True, "{dd}.{mm}.{y}"),
    Locale("uk", ",", "\u00a0", False, "{dd}.{mm}.{y}"),
    Locale("zh", ".", ",", True, "{y}/{m}/{d}"),
)

DEFAULT = LOCALES["en-GB"]
"""For whoever asks for nothing that is here; its dates can be read only one way."""


def preferred(accept_language: str) -> Locale:
    """The locale that the reader likes most of those there are (RFC 9110, section 12.5.4)."""
    wanted: list[tuple[float, int, Locale]] = []
    for position, part in enumerate(accept_language[:500].split(",")[:_MOST_TAGS]):
        match = _TAG.fullmatch(part)
        if match is None:
            continue
        language, region = match[1].lower(), (match[2] or "").upper()
        found = LOCALES.get(f"{language}-{region}") or LOCALES.get(language)
        quality = _quality(match[3])
        if found is not None and quality > 0:
            wanted.append((-quality, position, found))
    return min(wanted, key=lambda one: one[:2])[2] if wanted else DEFAULT


def _quality(text: str | None) -> float:
    try:
        return 1.0 if text is None else min(float(text), 1.0)
    except ValueError:
        return 0.0
