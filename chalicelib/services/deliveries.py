"""Reviewing a program's tracking set-up: what each method delivered last."""

from datetime import datetime, timedelta

from chalicelib.domain import counts
from chalicelib.domain.deliveries import RECENT_DAYS, Delivered
from chalicelib.domain.program import Method, Program
from chalicelib.storage.stores import Stores


def review(stores: Stores, program: Program, now: datetime) -> list[Delivered]:
    """What came by each method that the program uses, or used once, in order of their names."""
    today = counts.day_of(now)
    first = counts.day_of(now - timedelta(days=RECENT_DAYS - 1))
    by_method: dict[str, dict[str, int]] = {}
    by_method_today: dict[str, dict[str, int]] = {}
    for cell, amounts in stores.counts.cells(program.id, counts.DELIVERIES, first, today):
        for sums in (by_method, by_method_today) if cell.day == today else (by_method,):
            of_method = sums.setdefault(cell.channel, {})
            of_method[cell.verdict] = of_method.get(cell.verdict, 0) + amounts.get("delivered", 0)
    last = stores.counts.last_deliveries(program.id)
    return [
        Delivered(
            method,
            method in program.methods,
            last.get(method),
            by_method_today.get(method, {}),
            by_method.get(method, {}),
        )
        for method in sorted(program.methods | {Method(name) for name in last})
    ]
