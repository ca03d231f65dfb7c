"""A customer's other orders: read where they decide on one, and decided again where one changes.

A conversion that was told, or of which more was told, stays in the queue until its customer's later orders
have been woken. Those are decided again from its facts as they are then. So the same facts come to the same
end in whatever order they arrive; nothing of it rests on an index.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.conversion import Signal
from chalicelib.domain.customer import Win
from chalicelib.domain.earning import arms_for, win_of
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud import duplicate_customer
from chalicelib.domain.fraud.settings import Policy
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Terms, look_at_customers
from chalicelib.services import healing, uses
from chalicelib.storage.conversion_records import Conversion
from chalicelib.storage.customers import Ordered
from chalicelib.storage.stores import Stores


def informed(stores: Stores, versions: Sequence[Terms], policy: Policy, facts: Facts) -> Facts:
    """The facts with what earlier orders decide on it, under these terms and fraud rules.

    That is how often its promo code was used, and its customer's own orders. Of those only as many are read:
    until the first order of the same event is found, one that holds the customer, and as many as a fraud rule
    asks for.
    """
    if _asks_who(versions, policy, facts):
        facts = _with_earlier(facts, versions, policy, _before(stores, facts), _reader(stores))
    return uses.counted(stores, facts)


def _asks_who(versions: Sequence[Terms], policy: Policy, facts: Facts) -> bool:
    return facts.customer is not None and (look_at_customers(versions) or _counted(policy, facts) > 0)


def _counted(policy: Policy, facts: Facts) -> int:
    return arms_for(facts, policy).earlier_for(facts.effective.event)


def _before(stores: Stores, facts: Facts) -> list[Ordered]:
    orders = stores.customers.orders(facts.report.program, facts.customer) if facts.customer else []
    return [ordered for ordered in orders if _place(ordered) < facts.place]


def _with_earlier(
    facts: Facts,
    versions: Sequence[Terms],
    policy: Policy,
    orders: Sequence[Ordered],
    read: Callable[[str], Facts | None],
) -> Facts:
    looks, counted = look_at_customers(versions), _counted(policy, facts)
    locks = any(terms.attribution.lock for terms in versions)
    kept: list[Facts] = []
    changed: list[datetime] = []
    first_is_known, standing, openings = False, None, 0
    for ordered in orders:
        may_be_first = looks and not first_is_known and ordered.event == facts.report.event
        may_hold = locks and not (standing and standing.holds(ordered.occurred_at))
        needed = may_be_first or may_hold or len(changed) - openings < counted
        earlier = read(ordered.conversion) if needed else None
        if earlier is None:
            continue
        earlier = _counting(earlier, _counted(policy, earlier), len(changed), openings)
        changed.append(earlier.changed_at)
        openings += earlier.report.is_opening
        win = _locking(earlier, versions, policy) if may_hold else None
        if earlier.stands and (may_be_first or win):
            first_is_known = first_is_known or may_be_first
            standing = win or standing
            kept.append(earlier)
    told = replace(facts, earlier=tuple(kept), informed_at=max(changed, default=None))
    return _counting(told, counted, len(changed), openings)


def _counting(facts: Facts, asked: int, before: int, openings: int) -> Facts:
    """The facts with the signals of how many of its customer's conversions were before it."""
    counts = {
        duplicate_customer.SIGNAL: min(asked, before - openings),
        duplicate_customer.WITH_OPENINGS: min(asked, before),
    }
    counted = (Signal(name, None, str(count)) for name, count in counts.items() if count)
    return replace(facts, signals=(*facts.signals, *counted))


def _locking(earlier: Facts, versions: Sequence[Terms], policy: Policy) -> Win | None:
    win = win_of(earlier, versions, policy)
    return win if win and win.terms.attribution.lock else None


def _reader(stores: Stores) -> Callable[[str], Facts | None]:
    def read(conversion: str) -> Facts | None:
        found = stores.conversions.find(conversion)
        return uses.counted(stores, found.facts) if found else None

    return read


def _place(ordered: Ordered) -> tuple[datetime, str]:
    return ordered.occurred_at, ordered.conversion


def as_was_known(stores: Stores, versions: Sequence[Terms], policy: Policy, facts: Facts) -> Iterator[Facts]:
    """The facts with the earlier orders as they were known at some time, for every time; at least once."""
    yield from uses.as_may_have_been(facts)
    if not _asks_who(versions, policy, facts):
        return
    before = _before(stores, facts)
    for moment in sorted({at for o in before for at in stores.conversions.moments(o.conversion)}):
        yield from uses.as_may_have_been(
            _with_earlier(
                facts, versions, policy, before, functools.partial(stores.conversions.as_told, until=moment)
            )
        )


def shown(versions: Sequence[Terms], policy: Policy, facts: Facts) -> int | None:
    """How much is known of an order by which its customer's later ones are decided; None where none are.

    Below nothing where its promo code's limit was reached before it: then it holds the customer otherwise.
    """
    if not facts.customers or not (look_at_customers(versions) or policy.looks_at_customers):
        return None
    return -facts.told if facts.is_over_limit else facts.told


def wake_later(stores: Stores, program: Program, found: Conversion, now: datetime) -> None:
    """Put the customer's later orders back into the queue, so that they are decided by what is known now.

    Raises:
        Unavailable: others kept changing one of them; the order itself stays in the queue.
    """
    since = min(found.facts.report.occurred_at, found.facts.effective.occurred_at)
    for customer in found.facts.customers:
        for ordered in stores.customers.orders(program.id, customer):
            if ordered.conversion != found.facts.id and ordered.occurred_at >= since:
                healing.wake(stores, program, ordered.conversion, now)
