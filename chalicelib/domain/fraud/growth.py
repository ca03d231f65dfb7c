"""How far the last days stand out from those before; shared by the rules about sudden growth."""

from collections.abc import Callable
from datetime import date, timedelta

from chalicelib.domain.fraud.case import Tally, Traffic


def recent_and_before(traffic: Traffic, days: int, count: Callable[[Tally], int]) -> tuple[int, int, int]:
    """The count in the last `days` days, that in the days before them, and how many days those are."""
    last = date.fromisoformat(traffic.last_day)
    recent = {(last - timedelta(days=back)).isoformat() for back in range(days)}
    before = [day for day in traffic.days if day not in recent]
    earlier_days = (last - date.fromisoformat(min(before))).days + 1 - days if before else 0
    now = sum(count(tally) for day, tally in traffic.days.items() if day in recent)
    return now, sum(count(traffic.days[day]) for day in before), max(0, earlier_days)
