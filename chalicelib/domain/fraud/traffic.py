"""What the daily counts say of each partner, in the form in which the rules look at it."""

from collections.abc import Iterable, Mapping, Sequence

from chalicelib.domain.click import Verdict
from chalicelib.domain.counts import Addition, Cell
from chalicelib.domain.fraud.case import Tally, Traffic

_ROBOTS = frozenset({Verdict.BOT, Verdict.NO_AGENT})


def by_partner(
    cells: Iterable[Addition], last_day: str, orders: Mapping[str, Sequence[int]] | None = None
) -> list[Traffic]:
    """Each partner's traffic up to that day; `orders` are numeric ids that browsers told, by partner."""
    days: dict[str, dict[str, Tally]] = {partner: {} for partner in orders or {}}
    for cell, amounts in cells:
        if cell.partner:
            tally = days.setdefault(cell.partner, {}).setdefault(cell.day, Tally())
            tally.add(_tally(cell, amounts))
    own = {partner: _together(counted.values()) for partner, counted in days.items()}
    whole = _together(own.values())
    return [
        Traffic(
            partner,
            last_day,
            days[partner],
            own[partner],
            whole.less(own[partner]),
            (orders or {}).get(partner, ()),
        )
        for partner in sorted(days)
    ]


def _tally(cell: Cell, amounts: Mapping[str, int]) -> Tally:
    if cell.kind == "money":
        conversions = amounts.get("conversions", 0)
        return Tally(
            conversions=conversions,
            by_coupon=0 if cell.link else conversions,
            accruals=amounts.get("accruals", conversions),
            reversals=amounts.get("reversals", 0),
            chargebacks=amounts.get("chargebacks", 0),
        )
    clicks = amounts.get("clicks", 0)
    if cell.verdict == Verdict.HUMAN:
        return Tally(clicks=clicks, repeats=amounts.get("repeats", 0))
    if cell.verdict == Verdict.FORCED:
        return Tally(forced=clicks)
    return Tally(robots=clicks) if cell.verdict in _ROBOTS else Tally()


def _together(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole
