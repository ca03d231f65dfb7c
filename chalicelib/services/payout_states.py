"""After a batch was marked as paid: the rest of its payments, and the conversions that it paid.

A conversion is paid when every entry that made money of it payable stands in a month whose balance its
partner was paid. Which ones are covered is found by walking the journal's releases, page by page, with a
note of how far; each is settled again, which books nothing and says where it stands.
"""

import sys
from collections.abc import Sequence
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.journal import Account, Books, Kind
from chalicelib.domain.period import Month
from chalicelib.services.payouts import carry_on
from chalicelib.services.settle import Rules, settle_conversion
from chalicelib.storage.payouts import Mark, Request
from chalicelib.storage.stores import Stores


def finish_open(stores: Stores, rules: Rules, now: datetime) -> int:
    """Work off the program's open requests; how many conversions were looked at again.

    Raises:
        Unavailable: storage is away; the next run goes on from the last shard that was done.
    """
    looked_at = 0
    for request in stores.payouts.open_requests(rules.program.id):
        marks = carry_on(stores, rules.program, request, sys.maxsize, now).marks
        looked_at += _restate(stores, rules, request, marks, now)
        stores.payouts.reach(rules.program.id, request.id, None)
    return looked_at


def _restate(stores: Stores, rules: Rules, request: Request, marks: Sequence[Mark], now: datetime) -> int:
    paid = {(mark.partner, mark.currency): mark.after for mark in marks}
    if not paid:
        return 0
    program, books = rules.program, stores.journal.books(rules.program)
    month = min(_first_unpaid(after, books) for after in paid.values())
    looked_at = 0
    while month <= request.month:
        for shard in range(program.shards):
            place = f"{month}#{shard:03d}"
            if place <= request.reached:
                continue
            for entry in stores.journal.entries(program.id, month, shard):
                moves = entry.kind is Kind.RELEASE or entry.account is Account.PAYABLE
                if moves and entry.conversion and (entry.partner, entry.currency) in paid:
                    looked_at += 1
                    _settle(stores, rules, entry.conversion, now)
            stores.payouts.reach(program.id, request.id, place)
        month = month.next()
    return looked_at


def _settle(stores: Stores, rules: Rules, conversion: str, now: datetime) -> None:
    """One conversion that can't be settled must not keep the others from being paid."""
    try:
        settle_conversion(stores, rules, conversion, now)
    except Unavailable:
        raise
    except Exception:
        observe.error("state_not_refreshed", conversion=conversion)
        observe.count("state_not_refreshed")


def _first_unpaid(after: Month | None, books: Books) -> Month:
    return after.next() if after else books.opened
