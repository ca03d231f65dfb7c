"""The walk of a check-up: a test link, its landing, an order, the same order again, its refund.

The doctor of the stage and `cli doctor` walk the same way; they differ in how they reach the app.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.checkup import Mark, Stage, Step
from chalicelib.domain.diagnosis.link import check_click
from chalicelib.domain.diagnosis.order import check_conversion, check_refund, check_retry
from chalicelib.domain.diagnosis.page import check_landing, next_hop, tag_url
from chalicelib.domain.diagnosis.seen import Fetched, Subject, Told, read_click_id
from chalicelib.domain.program import Consent

MOST_HOPS = 5
"""Redirects of the shop's own that are followed."""

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "en",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}
"""What a visitor's browser sends: the firewall and bot protection on the way should treat it so."""


@dataclass(frozen=True, slots=True)
class Order:
    """The order that is told in a walk."""

    event: str
    order_id: str
    amount_minor: int
    currency: str
    click_id: str


class Hands(Protocol):
    """How a walk reaches the links, the shop and the app."""

    def fetch(self, url: str) -> Fetched:
        """One answer, its redirect not followed."""
        ...

    def convert(self, order: Order) -> Told:
        """What telling the order is answered."""
        ...

    def refund(self, conversion: str, adjustment_id: str) -> Told:
        """What refunding all of it is answered."""
        ...


def walk(
    url: str,
    subject: Subject,
    order: Order,
    before: Step,
    hands: Hands,
    tell: Callable[[tuple[Step, ...]], None],
) -> tuple[Step, ...]:
    """Every stage in turn; `tell` hears of each as it is known. A stage without its ground is skipped."""
    steps = _Steps(before, tell)
    if subject.consent is Consent.REQUIRED:
        url += "?ll_consent=granted"
    first = hands.fetch(url)
    again = first if first.trouble else hands.fetch(url)
    clicked = steps.add(check_click(first, again, subject))
    location = first.first("location")
    click_id = read_click_id(location, subject)
    if location and clicked.mark is not Mark.FAILED:
        steps.add(_land(location, subject, hands))
    else:
        steps.skip(Stage.LANDING)
    if click_id is None:
        return steps.skip(Stage.CONVERSION, Stage.RETRY, Stage.REFUND)
    order = Order(order.event, order.order_id, order.amount_minor, order.currency, click_id)
    told = hands.convert(order)
    if steps.add(check_conversion(told)).mark is Mark.FAILED and not told.is_test:
        return steps.skip(Stage.RETRY, Stage.REFUND)
    dearer = Order(order.event, order.order_id, order.amount_minor + 1, order.currency, click_id)
    steps.add(check_retry(told, hands.convert(order), hands.convert(dearer)))
    refunded = hands.refund(told.id, "doctor")
    steps.add(check_refund(refunded, hands.refund(told.id, "doctor")))
    return steps.all


def _land(location: str, subject: Subject, hands: Hands) -> Step:
    hops = [hands.fetch(location)]
    while len(hops) <= MOST_HOPS and (onward := next_hop(hops[-1], subject)):
        hops.append(hands.fetch(onward))
    tag = tag_url(hops[-1])
    return check_landing(hops, hands.fetch(tag) if tag else None, subject)


class _Steps:
    """The stages so far, and those that wait."""

    def __init__(self, before: Step, tell: Callable[[tuple[Step, ...]], None]) -> None:
        self._steps = {stage: Step(stage) for stage in Stage}
        self._tell = tell
        self.add(before)

    @property
    def all(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def add(self, step: Step) -> Step:
        self._steps[step.stage] = step
        self._tell(self.all)
        return step

    def skip(self, *stages: Stage) -> tuple[Step, ...]:
        for stage in stages:
            self.add(Step(stage, Mark.SKIPPED))
        return self.all


def verdict(steps: Sequence[Step]) -> Mark:
    """What the stages come to: `waiting` while one does, then the worst of them."""
    marks = {step.mark for step in steps}
    for mark in (Mark.WAITING, Mark.FAILED, Mark.WARNED):
        if mark in marks:
            return mark
    return Mark.PASSED if steps else Mark.WAITING
