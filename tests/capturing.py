"""What tests of capture share: a small programme in a fresh stage, clicks, and a caller of its routes."""

import json
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from chalice.test import Client, HTTPResponse

from app import app
from chalicelib import bootstrap
from chalicelib.domain import token
from chalicelib.domain.click import Click, Verdict
from chalicelib.domain.conversion import Content
from chalicelib.domain.facts import Facts
from chalicelib.domain.ids import conversion_id
from chalicelib.domain.link import Link
from chalicelib.domain.partner import Coupon, Enrollment, Partner
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Attribution, CommissionRule, Terms
from chalicelib.storage.stores import Stores

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)
TOKEN = "postback-token-of-acme"


def a_program(stores: Stores, **changes: Any) -> Program:
    """`acme`, with the partners `anna` and `ben`, their links and Anna's coupon `ANNA10`."""
    program = Program(
        "acme", "Acme", ("shop.example.com",), "EUR", "https://shop.example.com/", LONG_AGO, TOKEN
    )
    program = replace(program, **changes)
    stores.catalogue.add_program_once(program)
    rule = CommissionRule("sale", "percent", rate_bp=1000)
    stores.catalogue.add_terms_once(Terms(program.id, 1, LONG_AGO, Attribution(), 30, (rule,)))
    for partner in ("anna", "ben"):
        stores.catalogue.add_partner_once(
            Partner(partner, partner.title(), f"{partner}@example.com", LONG_AGO)
        )
        stores.catalogue.add_enrollment_once(Enrollment(program.id, partner, partner, LONG_AGO))
        link = Link(token.link_id(secrets.token_bytes(8)), partner, program.id, partner, LONG_AGO)
        stores.links.create(link)
    stores.catalogue.add_coupon_once(Coupon(program.id, "anna", "ANNA10", LONG_AGO))
    return program


def a_click(
    stores: Stores, partner: str = "anna", at: datetime | None = None, visitor: str | None = None
) -> str:
    """The token of a click on the partner's link, an hour ago."""
    link = stores.links.find(partner)
    assert link is not None
    at = at or NOW - timedelta(hours=1)
    visitor = visitor or token.visitor_text(secrets.token_bytes(10))
    key_id = stores.secrets.token_key
    said = token.Token(key_id, at, visitor, secrets.token_hex(3), link.id)
    text = token.sign(said, stores.secrets.token_keys[key_id])
    click = Click(
        link.program, visitor, at, said.nonce, link.id, link.code, partner, Verdict.HUMAN, "human", token=text
    )
    stores.clicks.put(click, NOW + timedelta(days=30))
    return text


def known(order_id: str, event: str = "sale", program: str = "acme") -> Facts:
    """What is stored of an order."""
    found = bootstrap.stores().conversions.find(conversion_id(program, event, order_id))
    assert found is not None, f"no order {order_id}"
    return found.facts


def is_known(order_id: str, event: str = "sale", program: str = "acme") -> bool:
    """Whether anything is stored of an order."""
    return bootstrap.stores().conversions.find(conversion_id(program, event, order_id)) is not None


def euros(amount_minor: int) -> Content:
    """The content of an order of so many cents."""
    return Content(amount_minor, "EUR")


@dataclass(frozen=True)
class Caller:
    """Calls routes as API Gateway does."""

    client: Client

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> HTTPResponse:
        target = f"{path}?{urlencode(query)}" if query else path
        return self.client.http.get(target, headers=headers or {})

    def post(self, path: str, body: bytes | object, **headers: str) -> HTTPResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.http.post(path, body=raw, headers={"content-type": "application/json"} | named)


def calling() -> Caller:
    """A caller of the application."""
    return Caller(Client(app))
