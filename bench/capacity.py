"""What a click and a conversion cost in DynamoDB's capacity units, as the engine itself counts them.

Both go through the app as API Gateway would call it, with everything warm; botocore's event hooks ask for
the consumed capacity of each call and add it up.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bench.measure import Measure, Measures
from chalicelib.storage import aws
from local import provision
from local.engine import REGION, Engine
from local.gateway import Answer, Request

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
BASE_URL = "https://go.example.com"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"


def measure(quick: bool) -> Measures:  # noqa: ARG001 - the same at any size
    """`click_wcu`, and `conversion_units` of a conversion by click id, reads and writes together."""
    with Engine() as engine:
        os.environ.update(engine.environment)
        os.environ.update(provision.stage(engine.client, prefix="bench", base_url=BASE_URL, region=REGION))
        os.environ.update({"POWERTOOLS_METRICS_DISABLED": "true", "POWERTOOLS_LOG_LEVEL": "WARNING"})
        aws.forget()
        meter = Meter()
        meter.attach()
        shop = Shop()
        shop.sell(shop.click())
        click = meter.of(shop.click)
        token = shop.click()
        conversion = meter.of(lambda: shop.sell(token))
    return {
        "click_wcu": Measure(click.writes, f"WCU in {click}"),
        "conversion_units": Measure(conversion.reads + conversion.writes, f"units in {conversion}"),
    }


@dataclass
class Meter:
    """Capacity units since it was last emptied, and the calls that took them."""

    reads: float = 0
    writes: float = 0
    calls: list[str] = field(default_factory=list)

    def attach(self) -> None:
        """Count every call of the shared session from now on."""
        session = aws.session()
        session.register("provide-client-params.dynamodb", _ask_for_capacity)
        session.register("after-call.dynamodb", self._add)

    def of(self, action: Callable[[], object]) -> "Meter":
        """What one action takes."""
        self.reads, self.writes, self.calls = 0, 0, []
        action()
        return Meter(self.reads, self.writes, list(self.calls))

    def __str__(self) -> str:
        return ", ".join(self.calls)

    def _add(self, model: Any, parsed: dict[str, Any], **_: object) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        units = sum(
            each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed])
        )
        self.calls.append(f"{model.name} {units:g}")
        if model.name in {"Query", "GetItem", "BatchGetItem", "TransactGetItems"}:
            self.reads += units
        else:
            self.writes += units


def _ask_for_capacity(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**params, "ReturnConsumedCapacity": "TOTAL"}


class Shop:
    """A program with one partner, driven through the app itself."""

    def __init__(self) -> None:
        from app import app
        from chalicelib import bootstrap
        from chalicelib.services import keys
        from local.functions import api_route

        bootstrap.stores.cache_clear()
        bootstrap.set_clock(lambda: NOON)
        self._route = api_route(app)
        self._key = keys.new_text()
        keys.bootstrap_admin(bootstrap.stores(), self._key, NOON)
        self._orders = 0
        program = {"id": "bench", "name": "Bench", "domains": ["shop.example"], "currency": "EUR"}
        self._call("/v1/programs", {**program, "consent": "granted"})
        self._call(
            "/v1/programs/bench/terms",
            {
                "attribution": {"model": "last", "window_days": 30},
                "hold_days": 14,
                "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
            },
        )
        self._call("/v1/partners", {"id": "anna", "name": "Anna", "email": "anna@example.com"})
        enrolled = self._call("/v1/programs/bench/enrollments", {"partner": "anna"})
        self._code = enrolled["link"]["code"]

    def click(self) -> str:
        """A new visitor's click; its token."""
        headers = [("User-Agent", BROWSER), ("Accept", "text/html"), ("Host", "go.example.com")]
        answer = self._send(Request("GET", f"/{self._code}", headers, b"", "203.0.113.7"), 302)
        location = next(value for name, value in answer.headers if name.lower() == "location")
        return location.partition("ll_click=")[2].partition("&")[0].partition("#")[0]

    def sell(self, token: str, **more: str) -> None:
        """A sale that carries the click, and whatever else is given."""
        self._orders += 1
        order = {"program": "bench", "event": "sale", "order_id": f"o{self._orders}", "amount": 1990}
        self._call("/v1/conversions", {**order, "currency": "EUR", "click_id": token, **more})

    def _call(self, path: str, body: dict[str, object]) -> Any:
        headers = [("Authorization", f"Bearer {self._key}"), ("Content-Type", "application/json")]
        return json.loads(
            self._send(Request("POST", path, headers, json.dumps(body).encode(), "::1"), 201).body
        )

    def _send(self, request: Request, expected: int) -> Answer:
        answer = self._route(request)
        if answer is None or answer.status != expected:
            raise RuntimeError(f"{request.method} {request.target}: {answer}")
        return answer
