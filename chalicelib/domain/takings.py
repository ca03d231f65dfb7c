"""What adjustments took back of a sale: how much of it, and which part of a commission goes with that.

A refund names lines of the order, or just an amount. What a line's refund takes of a commission is that
line's own; what names no line takes its part of everything that is left. The same adjustments take the
same, in whatever order they came, and one more never takes less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from chalicelib.domain.commission.pricing import Price, line_shares
from chalicelib.domain.conversion import Adjustment, AdjustmentKind, Content, Returned
from chalicelib.domain.decision import Decision
from chalicelib.domain.facts import Facts
from chalicelib.domain.money import allot, apportion, round_half_away

TAKING = frozenset(
    {AdjustmentKind.REFUND, AdjustmentKind.CHARGEBACK, AdjustmentKind.VOID, AdjustmentKind.REJECT}
)
"""Kinds that take money back."""


@dataclass(frozen=True, slots=True)
class Takings:
    """What was taken back of an order, in minor units: of each of its lines, and without naming any.

    `values` is what each line comes to of the order's amount. It may be more than there is: a chargeback
    takes no notice of refunds.
    """

    content: Content
    values: tuple[int, ...]
    lines: tuple[int, ...]
    rest_minor: int
    whole: bool

    @property
    def total_minor(self) -> int:
        """All of it together."""
        return self.content.amount_minor if self.whole else sum(self.lines) + self.rest_minor

    @property
    def part(self) -> Fraction:
        """The part of the sale, from 0 to 1."""
        if self.whole:
            return Fraction(1)
        total = self.total_minor
        return Fraction(total, max(self.content.amount_minor, total)) if total else Fraction(0)

    def part_of(self, price: Price | None) -> Fraction:
        """The part of a commission of this price, from 0 to 1."""
        part = self.part
        if part == 1 or price is None or not any(self.lines):
            return part
        shares = line_shares(price, self.content.items)
        kept = shares[-1] + sum(
            (share * (1 - Fraction(taken, value)) if value else share)
            for share, taken, value in zip(shares, self.lines, self.values, strict=False)
        )
        left = self.content.amount_minor - sum(self.lines)
        return 1 - kept * Fraction(left - self.rest_minor, left)


def takings(facts: Facts, adjustments: Sequence[Adjustment]) -> Takings:
    """What these adjustments took back of the order as it now stands."""
    content = facts.effective.content
    values = line_values(content)
    quantities, amounts = [0] * len(values), [0] * len(values)
    plain = totals = repeated = 0
    whole = False
    for adjustment in adjustments:
        if adjustment.kind not in TAKING:
            continue
        lines = [position_of(returned, content) for returned in adjustment.items]
        if adjustment.amount_minor is None:
            whole = True
        elif lines and None not in lines:
            for line, returned in zip(lines, adjustment.items, strict=True):
                quantities[line or 0] += returned.quantity or 0
                amounts[line or 0] += returned.amount_minor or 0
        elif adjustment.of_total:
            totals += adjustment.amount_minor
        else:
            plain += adjustment.amount_minor
            repeated += adjustment.amount_minor if adjustment.repeats else 0
    taken = [
        min(value, round_half_away(Fraction(value * min(pieces, item.quantity), item.quantity)) + amount)
        for value, item, pieces, amount in zip(values, content.items, quantities, amounts, strict=True)
    ]
    return Takings(content, values, tuple(taken), plain + max(totals - repeated, 0), whole)


def reversed_part(facts: Facts, adjustments: Sequence[Adjustment]) -> Fraction:
    """How much of the sale these adjustments took back, from 0 to 1."""
    return takings(facts, adjustments).part


def kept_after(
    facts: Facts, decision: Decision, adjustments: Sequence[Adjustment]
) -> dict[str, tuple[int, int]]:
    """Sale and commission that each partner keeps after these adjustments, in minor units.

    The reversal of the whole is rounded once, then divided so that no part ever grows back.
    """
    taken = takings(facts, adjustments)
    sales = [credit.sale_minor for credit in decision.credits]
    sale_parts = apportion(int(taken.part * sum(sales)), sales)
    return {
        credit.partner: (credit.sale_minor - sale, credit.commission_minor - commission)
        for credit, sale, commission in zip(
            decision.credits, sale_parts, _commissions_back(decision, taken), strict=True
        )
    }


def _commissions_back(decision: Decision, taken: Takings) -> list[int]:
    """What goes back of each partner's commission.

    Where partners earn differently by line, what came back costs each of them another part: then each
    has its own, rounded by itself.
    """
    credits, exact = decision.credits, decision.commission_exact
    commissions = [credit.commission_minor for credit in credits]
    prices = [credit.price for credit in credits if credit.price is not None]
    if _are_alike(prices, taken.content):
        part = taken.part_of(prices[0] if prices else None)
        return apportion(min(round_half_away(part * exact), sum(commissions)), commissions)
    earned = [credit.share * price.exact for credit, price in zip(credits, prices, strict=True)]
    whole = sum(earned)
    parts = [taken.part_of(price) for price in prices]
    return [
        commission if part == 1 else min(round_half_away(part * exact * own / whole), commission)
        for commission, part, own in zip(commissions, parts, earned, strict=True)
    ]


def _are_alike(prices: Sequence[Price], content: Content) -> bool:
    """Whether every line of the order means the same part of the commission to all partners."""
    distinct = {id(price): price for price in prices}.values()
    return len({line_shares(price, content.items) for price in distinct}) <= 1


def line_values(content: Content) -> tuple[int, ...]:
    """What each line comes to: its amount; where the order came to less than its lines, its part of that."""
    amounts = [item.amount_minor for item in content.items]
    if sum(amounts) > content.amount_minor:
        return tuple(allot(content.amount_minor, amounts))
    return tuple(amounts)


def position_of(returned: Returned, content: Content) -> int | None:
    """Where the line stands now: in its place, or wherever its product is; None where it is no more."""
    places = [place for place, item in enumerate(content.items) if item.sku == returned.sku]
    return returned.line if returned.line in places else next(iter(places), None)
