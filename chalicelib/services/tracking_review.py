"""Reviewing a program's tracking set-up: what each method delivered last, and what that says."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain import counts
from chalicelib.domain.click import Verdict
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.period import local_day
from chalicelib.domain.program import Method, Program
from chalicelib.domain.tracking_review import (
    ENOUGH,
    RECENT_DAYS,
    Delivered,
    Hint,
    Mark,
    has_no_clicks,
    hints_of,
    hints_of_program,
    marks_and_currencies,
    unsigned_bp,
)
from chalicelib.storage.stores import Stores

_REPEATS_KEPT = timedelta(days=2 * RECENT_DAYS)


@dataclass(frozen=True, slots=True)
class Review:
    """What came by each method, with hints at what may be wrong; `hints` are of all methods together.

    `unsigned_bp` is the part of the orders that only a browser told, None where none came.
    """

    methods: tuple[tuple[Delivered, tuple[Hint, ...]], ...]
    hints: tuple[Hint, ...]
    unsigned_bp: int | None


def review(stores: Stores, program: Program, now: datetime) -> Review:
    """What the program's set-up delivered in the last 30 days, and what that says of it."""
    delivered = delivered_by(stores, program, now)
    is_clicked = any(has_no_clicks(one) for one in delivered) and _is_clicked(stores, program, now)
    hints = [
        hints_of(one, delivered, now, currency=program.currency, is_clicked=is_clicked) for one in delivered
    ]
    return Review(
        tuple((one, tuple(said)) for one, said in zip(delivered, hints, strict=True)),
        tuple(hints_of_program(delivered)),
        unsigned_bp(delivered),
    )


def delivered_by(stores: Stores, program: Program, now: datetime) -> list[Delivered]:
    """What came by each method that the program uses, or used once, in order of their names."""
    first, today = _recent(program, now)
    by_method: dict[str, dict[str, int]] = {}
    by_method_today: dict[str, dict[str, int]] = {}
    besides: dict[str, dict[str, int]] = {}
    for cell, amounts in stores.counts.cells(program.id, counts.DELIVERIES, first, today):
        for sums in (by_method, by_method_today) if cell.day == today else (by_method,):
            of_method = sums.setdefault(cell.channel, {})
            of_method[cell.verdict] = of_method.get(cell.verdict, 0) + amounts.get("delivered", 0)
        _add(besides.setdefault(cell.channel, {}), amounts)
    repeated_on: dict[str, str] = {}
    for day, method, amounts in stores.counts.repeats(program.id, first, today):
        _add(besides.setdefault(method, {}), amounts)
        repeated_on[method] = day
    last = stores.counts.last_deliveries(program.id)
    return [
        Delivered(
            method,
            method in program.methods,
            last.get(method),
            by_method_today.get(method, {}),
            by_method.get(method, {}),
            *marks_and_currencies(besides.get(method, {})),
            repeated_on.get(method),
        )
        for method in sorted(program.methods | {Method(name) for name in last.keys() | repeated_on.keys()})
    ]


def note_repeat(stores: Stores, program: Program, method: Method, mark: Mark, now: datetime) -> None:
    """Count a report of an order that was there; where storage does not answer, it is not counted."""
    day = counts.day_of(now, program.timezone)
    with suppress(Unavailable):
        stores.counts.note_repeat(program.id, method, day, mark, now + _REPEATS_KEPT)


def _is_clicked(stores: Stores, program: Program, now: datetime) -> bool:
    """Whether people clicked on the program's links lately; reads no further than it takes to know."""
    clicks = 0
    for cell, amounts in stores.counts.cells(program.id, "clicks", *_recent(program, now)):
        clicks += amounts.get("clicks", 0) if cell.verdict == Verdict.HUMAN else 0
        if clicks >= ENOUGH:
            return True
    return False


def _add(sums: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount


def _recent(program: Program, now: datetime) -> tuple[str, str]:
    """The first and the last of the recent days."""
    today = local_day(now, program.timezone)
    return (today - timedelta(days=RECENT_DAYS - 1)).isoformat(), today.isoformat()
