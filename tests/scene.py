"""A small merchant to play on: one program, two partners with a link and a promo code each, ten percent."""

import itertools
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.domain import ids
from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.conversion import Content
from chalicelib.domain.incoming import Incoming
from chalicelib.domain.link import Link
from chalicelib.domain.partner import Coupon
from chalicelib.domain.program import Method, Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.domain.token import Token, sign, visitor_text
from chalicelib.services import capture
from chalicelib.storage.stores import Stores

MONTH_START = datetime(2026, 9, 1, tzinfo=UTC)
AFTER_GRACE = datetime(2026, 10, 2, 1, tzinfo=UTC)

PARTNERS = ("anna", "ben")

_orders = itertools.count(1)


@dataclass(frozen=True)
class Scene:
    """The program, and what is needed to sell in it."""

    program: Program
    links: dict[str, Link]

    def click(
        self,
        stores: Stores,
        at: datetime,
        partner: str = "anna",
        visitor: str | None = None,
        verdict: Verdict = Verdict.HUMAN,
        kept: bool = True,
    ) -> Click:
        """A click on the partner's link; `kept` False is one whose row was lost."""
        link = self.links[partner]
        visitor = visitor or visitor_text(secrets.token_bytes(10))
        nonce = secrets.token_hex(3)
        key_id = stores.secrets.token_key
        token = sign(Token(key_id, at, visitor, nonce, link.id), stores.secrets.token_keys[key_id])
        click = Click(
            self.program.id, visitor, at, nonce, link.id, link.code, partner, verdict, "test", token
        )
        if kept:
            stores.clicks.put(click, at + timedelta(days=33))
        return click

    def sell(self, stores: Stores, at: datetime, amount: int = 10_000, code: str = "ANNA") -> capture.Reply:
        """An order of 100.00 with a promo code, told by the server; worth 10.00 to the partner."""
        return self.report(stores, f"order-{next(_orders)}", at, amount, code)

    def report(
        self, stores: Stores, order_id: str, at: datetime, amount: int = 10_000, code: str = "ANNA"
    ) -> capture.Reply:
        """One report of this order."""
        incoming = Incoming("sale", order_id, Content(amount, "EUR"), Method.API, coupon=code, occurred_at=at)
        return capture.record(stores, self.program, incoming, at)


def make(stores: Stores, shards: int = 2, hold_days: int = 14, **program: object) -> Scene:
    """A new merchant in this stage; `program` overrides its settings."""
    made = Program(
        **{
            "id": f"shop-{uuid.uuid4().hex[:8]}",
            "name": "Shop",
            "domains": ("shop.example.com",),
            "currency": "EUR",
            "default_url": "https://shop.example.com/",
            "created_at": MONTH_START,
            "postback_token": "token",
            "shards": shards,
            **program,
        }
    )
    stores.catalogue.add_program_once(made)
    rules = (CommissionRule("sale", "percent", rate_bp=1000),)
    stores.catalogue.add_terms_once(Terms(made.id, 1, MONTH_START, Attribution(), hold_days, rules))
    links = {}
    for partner in PARTNERS:
        stores.catalogue.add_coupon_once(Coupon(made.id, partner, partner.upper(), MONTH_START))
        link_id = ids.from_bytes("lnk", secrets.token_bytes(8))
        links[partner] = Link(link_id, f"{partner}-{made.id}", made.id, partner, MONTH_START)
        stores.links.create(links[partner])
    return Scene(made, links)
