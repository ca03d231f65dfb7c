"""A small merchant to play faults on: one program, two partners with a promo code each, ten percent."""

import itertools
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from chalicelib.domain.conversion import Content
from chalicelib.domain.partner import Coupon
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.services import capture
from chalicelib.storage.stores import Stores

MONTH_START = datetime(2026, 9, 1, tzinfo=UTC)
AFTER_GRACE = datetime(2026, 10, 2, 1, tzinfo=UTC)

_orders = itertools.count(1)


@dataclass(frozen=True)
class Scene:
    """The program, and what is needed to sell in it."""

    program: Program

    def sell(self, stores: Stores, at: datetime, amount: int = 10_000, code: str = "ANNA") -> capture.Reply:
        """An order of 100.00 with a promo code, told by the server; worth 10.00 to the partner."""
        return self.report(stores, f"order-{next(_orders)}", at, amount, code)

    def report(
        self, stores: Stores, order_id: str, at: datetime, amount: int = 10_000, code: str = "ANNA"
    ) -> capture.Reply:
        """One report of this order."""
        incoming = capture.Incoming(
            "sale", order_id, Content(amount, "EUR"), Method.API, coupon=code, occurred_at=at
        )
        return capture.record(stores, self.program, incoming, at)


def make(stores: Stores, shards: int = 2, hold_days: int = 14) -> Scene:
    """A new merchant in this stage."""
    program = Program(
        id=f"shop-{uuid.uuid4().hex[:8]}",
        name="Shop",
        domains=("shop.example.com",),
        currency="EUR",
        default_url="https://shop.example.com/",
        created_at=MONTH_START,
        postback_token="token",
        shards=shards,
    )
    stores.catalogue.add_program_once(program)
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    stores.catalogue.add_terms_once(Terms(program.id, 1, MONTH_START, Attribution(), hold_days, rules))
    for partner in ("anna", "ben"):
        stores.catalogue.add_coupon_once(Coupon(program.id, partner, partner.upper(), MONTH_START))
    return Scene(program)
