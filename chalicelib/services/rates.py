"""Daily exchange rates: taken from a file, and what waited for one is decided again."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from chalicelib.domain.decision import Decision, decide
from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.domain.facts import Facts
from chalicelib.domain.money import check_currency
from chalicelib.domain.program import Program
from chalicelib.domain.rates import NO_RATES, Rate, Rates, news, parse_rate
from chalicelib.domain.review import Review, refuse
from chalicelib.domain.terms import Terms
from chalicelib.services import customers, healing
from chalicelib.storage.rates import BATCH
from chalicelib.storage.stores import Stores
from chalicelib.storage.table import ConditionFailed

MAX_ROWS = 10_000
COLUMNS = ("date", "base", "quote", "rate")

_ATTEMPTS = 5
_SOURCE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._:/-]{0,62}[A-Za-z0-9])?", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Added:
    """What a file came to: rates that are new, that were known, and conversions that are looked at again."""

    added: int
    known: int
    woken: int


def decide_now(stores: Stores, program: Program, facts: Facts) -> Decision:
    """The decision under the program's terms, rates and fraud rules as they are stored."""
    return decide_under(stores, program, stores.catalogue.terms(program.id), facts)


def decide_under(stores: Stores, program: Program, versions: Sequence[Terms], facts: Facts) -> Decision:
    """The same under these versions of the terms, which were read already."""
    rates = rates_for(stores, program, facts.effective.content.currency)
    policy = stores.fraud.policy(program.id)
    return decide(customers.informed(stores, versions, policy, facts), program, versions, rates, policy)


def rates_for(stores: Stores, program: Program, currency: str) -> Rates:
    """The rates that a sale in this currency may need; none are read where one currency does for all."""
    if currency == program.currency and program.settle_in in {None, currency}:
        return NO_RATES
    return stores.rates.of(program.id)


def publish(stores: Stores, program_id: str, text: str, source: str, now: datetime) -> Added:
    """Take a CSV of `date,base,quote,rate` (and `source` where it differs by line); all of it or nothing.

    Files of more than 90 new rates are added in several steps; where one fails, the same file may be sent
    again.

    Raises:
        NotFound: `program_unknown`.
        Refused: with everything that is wrong with the file.
        Conflict: `rate_conflict`, `rate_pair_reversed`, `rate_day_settled`.
        Unavailable: `storage_busy`, where others keep adding rates.
    """
    program = stores.catalogue.program(program_id)
    rates = parse(text, source)
    added = 0
    for _ in range(_ATTEMPTS + MAX_ROWS // BATCH):
        version = stores.rates.version(program.id)
        new = news(stores.rates.of(program.id), rates)[:BATCH]
        if not new:
            woken = healing.wake_for_rates(stores, program, now) if rates else 0
            return Added(added, len(rates) - added, woken)
        try:
            stores.rates.add(program.id, new, version, now)
            added += len(new)
        except ConditionFailed:
            continue
    raise Unavailable("storage_busy", "others are adding rates; try again")


def parse(text: str, source: str) -> list[Rate]:
    """The rates of a file, each day of a pair once.

    Raises:
        Refused: with everything that is wrong with it.
    """
    rows = list(csv.reader(text.removeprefix("\ufeff").splitlines()))
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if {*header, "source"} != {*COLUMNS, "source"} or len(set(header)) != len(header):
        raise Invalid("file_invalid", f"the first line names the columns {', '.join(COLUMNS)}")
    if len(rows) - 1 > MAX_ROWS:
        raise Invalid("file_invalid", f"a file may have {MAX_ROWS} rates")
    problems: list[Invalid] = []
    rates: dict[tuple[date, str, str], Rate] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        line = f"line {number}"
        if len(row) > len(header):
            problems.append(Invalid("row_invalid", "the line has more cells than the header", line))
            continue
        rate, wrong = _read(dict(zip(header, map(str.strip, row), strict=False)), source, line)
        problems += wrong
        if rate and rates.setdefault((rate.day, rate.base, rate.quote), rate).exact != rate.exact:
            problems.append(Invalid("rate_repeated", "this day has two rates", line))
    refuse(problems[:20])
    return list(rates.values())


def _read(row: dict[str, str], source: str, line: str) -> tuple[Rate | None, list[Invalid]]:
    """The row's rate, or else everything that is wrong with it."""
    base, quote, source = row.get("base", ""), row.get("quote", ""), row.get("source") or source
    review = Review()
    review.check(check_currency, base, f"{line}.base")
    review.check(check_currency, quote, f"{line}.quote")
    review.check(parse_rate, row.get("rate", ""), f"{line}.rate")
    review.check(_check_day, row.get("date", ""), f"{line}.date")
    review.check(_check_source, source, f"{line}.source")
    review.check(_check_pair, base, quote, line)
    if review.problems:
        return None, review.problems
    return Rate(date.fromisoformat(row["date"]), base, quote, row["rate"], source), []


def _check_day(text: str, field: str) -> str:
    try:
        if _DAY.fullmatch(text) and date.fromisoformat(text):
            return text
    except ValueError:
        pass
    raise Invalid("date_invalid", "a date is such as 2026-10-15", field)


def _check_source(text: str, field: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise Invalid("source_invalid", "a source is 1 to 64 letters, digits, spaces or ._:/-", field)
    return text


def _check_pair(base: str, quote: str, field: str) -> str:
    if base == quote:
        raise Invalid("currency_repeated", "a rate is between two currencies", field)
    return base
