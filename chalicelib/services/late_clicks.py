"""Clicks that were written after their moment: orders that came before them are looked at again."""

from collections.abc import Iterable
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.click import TOUCHES, Click
from chalicelib.services import identities
from chalicelib.storage.clicks import came_late, of_item
from chalicelib.storage.codec import Item
from chalicelib.storage.stores import Stores


def take_up(stores: Stores, items: Iterable[Item], now: datetime) -> int:
    """Look again at the orders to which clicks lead that were written late; how many there were.

    Raises:
        Unavailable: storage is away; the same clicks should come again.
    """
    looked_at = 0
    late = {(click.program, click.visitor) for item in items if (click := _late_touch(item))}
    for program_id, visitor in sorted(late):
        program = stores.catalogue.find_program(program_id)
        if program is not None:
            looked_at += identities.take_late_click(stores, program, visitor, now)
    if looked_at:
        observe.count("orders_looked_at_again", looked_at)
    return looked_at


def _late_touch(item: Item) -> Click | None:
    """The click of a stream's item, where it may lead to an order and was written after its moment."""
    if not came_late(item):
        return None
    click = of_item(item)
    return click if click.verdict in TOUCHES and click.token else None
