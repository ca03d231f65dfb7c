"""Cells of spreadsheets and shops' exports: amounts and times as they are written there."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.currencies import DIGITS
from chalicelib.domain.errors import Invalid
from chalicelib.domain.money import parse_major

_LEAD = re.compile(r"^[\s\ufeff\u200b]*'?")

_EXPONENT = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+", re.ASCII)

_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:[ T](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})?",
    re.ASCII,
)

_AMERICAN = re.compile(
    r"(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})/(?P<year>[0-9]{4})"
    r"(?: (?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::[0-9]{2})?)?",
    re.ASCII,
)


def parse_amount(text: str, currency: str) -> int:
    """Minor units of an amount as shops and spreadsheets write it: `1,234.50`, `1.234,50 €`, `EUR 12`.

    Of one separator alone before three digits it can't be told what it means, and such an amount is
    refused; a full stop in a currency that has three digits begins those.

    Raises:
        Invalid: `amount_invalid`, `amount_ambiguous`.
    """
    bare = text.replace(currency, "").strip(" \u00a0\u202f\t€$£¥").replace("\u00a0", "").replace("\u202f", "")
    if "," in bare:
        bare = _without_commas(bare, currency)
    elif bare.count(".") > 1:
        bare = _ungrouped(bare, ".")
    elif bare[-4:-3] == "." and DIGITS[currency] != 3:
        raise _ambiguous(bare, currency)
    return parse_major(re.sub(r"^0+(?=[0-9])", "", bare), currency)


def _without_commas(bare: str, currency: str) -> str:
    comma, stop = bare.rfind(","), bare.rfind(".")
    if stop > comma:
        return _ungrouped(bare[:stop], ",") + bare[stop:]
    if stop >= 0:
        return _ungrouped(bare[:comma], ".") + "." + bare[comma + 1 :]
    if bare.count(",") > 1:
        return _ungrouped(bare, ",")
    if len(bare) - comma == 4:
        raise _ambiguous(bare, currency)
    return bare.replace(",", ".")


def _ambiguous(bare: str, currency: str) -> Invalid:
    return Invalid("amount_ambiguous", f"{bare[:40]} {currency} may be thousands or decimals")


def _ungrouped(text: str, separator: str) -> str:
    first, *groups = text.split(separator)
    if not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
        raise Invalid("amount_invalid", "amount must be a decimal such as 19.90")
    return first + "".join(groups)


def parse_time(text: str, timezone: str, *, american: bool = False) -> datetime:
    """The instant that a file tells; without a zone it is meant in this one.

    Raises:
        Invalid: `time_invalid`.
    """
    try:
        found = _ISO.fullmatch(text)
        if found:
            zone = (found["zone"] or "").replace("UTC", "Z").replace("GMT", "Z")
            instant = datetime.fromisoformat(f"{found['day']}T{found['time'] or '00:00'}{zone}")
        elif american and (month_first := _AMERICAN.fullmatch(text)):
            parts = {name: int(value or 0) for name, value in month_first.groupdict().items()}
            instant = datetime(**parts, tzinfo=ZoneInfo(timezone))
        else:
            raise ValueError
        local = instant if instant.tzinfo else instant.replace(tzinfo=ZoneInfo(timezone))
        utc = local.astimezone(UTC)
        if not 1970 <= utc.year <= 9998:
            raise ValueError
    except (ValueError, OverflowError):
        raise Invalid("time_invalid", "a time must be written such as 2026-11-01 13:00:00 +0100") from None
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def clean(cell: str) -> str:
    """The cell without blanks around it, and without the apostrophe by which a formula is made harmless."""
    return _LEAD.sub("", cell).strip()
