"""The facts behind a month's payouts: as they stand now for a draft, frozen by the close for ever.

Freezing is one write that is made where there is none: of rival closers the first one's facts count.
"""

import hashlib
import io
from collections.abc import Callable, Mapping

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.ledger import Key
from chalicelib.domain.payout import batch
from chalicelib.domain.payout.batch import Facts
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.services.folders import RETENTION, published_folder
from chalicelib.storage.bucket import Differs
from chalicelib.storage.stores import Stores

NAME = "payouts.json"

Source = Callable[[Stores, Program, Month, Mapping[Key, int]], Facts]
"""Gives a month's facts, for these payable balances."""


def known(stores: Stores, program: Program, month: Month, payables: Mapping[Key, int]) -> Facts:
    """The facts that were frozen for the month; where none were, those that stand now.

    Raises:
        Unavailable: `ledger_damaged`, what is frozen can't be read.
    """
    return _frozen(stores, program, month) or _standing(stores, program, payables)


def frozen(stores: Stores, program: Program, month: Month, payables: Mapping[Key, int]) -> Facts:
    """The facts of the month, frozen now unless they were before.

    Raises:
        Unavailable: as `known`.
    """
    before = _frozen(stores, program, month)
    if before is not None:
        return before
    facts = _standing(stores, program, payables)
    body = batch.facts_json(program.id, month, facts)
    until = month.end(program.timezone) + RETENTION
    digest = hashlib.sha256(body).hexdigest()
    try:
        stores.bucket.publish(_key(program, month), io.BytesIO(body), digest, "application/json", until)
    except Differs:
        return known(stores, program, month, payables)
    return facts


def _frozen(stores: Stores, program: Program, month: Month) -> Facts | None:
    body = stores.bucket.find(_key(program, month))
    if body is None:
        return None
    try:
        return batch.read_facts(body)
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("ledger_damaged", f"{NAME} of {month} can't be read") from error


def _standing(stores: Stores, program: Program, payables: Mapping[Key, int]) -> Facts:
    settings = stores.payouts.settings(program.id)
    partners = batch.worth_asking(settings, payables)
    found = {partner: stores.payouts.accounts(partner) for partner in partners}
    accounts = {partner: accounts for partner, accounts in found.items() if accounts}
    return Facts(program.currency, settings, accounts)


def _key(program: Program, month: Month) -> str:
    return f"{published_folder(program.id, month)}{NAME}"
