"""Drives the app's functions through their main paths, in this process, as Lambda would call them."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import app
from chalicelib import bootstrap
from chalicelib.services import keys
from infra.rehearsal import BROWSER, a_schedule, header
from local.functions import Context, Functions, StreamSource
from local.gateway import Answer, Request, Resources, answer_of, event_of
from local.workers import Progress, StreamWorker
from tests.conftest import Clock, Stage
from tests.infra.calls import Recorder

OCTOBER_10 = datetime(2026, 10, 10, 12, tzinfo=UTC)
PROGRAM = {
    "id": "acme",
    "name": "Acme",
    "domains": ["shop.example.com"],
    "currency": "EUR",
    "consent": "exempt",
    "trust_browser": True,
}
TERMS = {
    "attribution": {"model": "last", "window_days": 30},
    "hold_days": 3,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}
HOOK_SECRET = "shared-with-the-shop"


class Driver:
    """One stage, its functions, and what was asked of them; `visited` names the views that answered well."""

    def __init__(self, stage: Stage, clock: Clock, engine: Any, recorder: Recorder) -> None:
        self._stage = stage
        self._clock = clock
        self._engine = engine
        self._recorder = recorder
        self._functions = Functions(app.app)
        self._resources = Resources(app.app.routes)
        self._admin_key = keys.new_text()
        self.visited: set[str] = set()
        clock.set(OCTOBER_10)
        keys.bootstrap_admin(bootstrap.stores(), self._admin_key, OCTOBER_10)

    def everything(self) -> None:
        """A program's life from its first link to its second closed month."""
        self._set_up()
        click = self._click()
        self._sell(click)
        self._job("reconcile")
        self._correct(click)
        self._sell_one("settled by the stream", click)
        self._streams()
        self._sell_one("settled and released by reconcile", click)
        self._later(days=10)
        self._job("reconcile")
        self._sell_one("settled by the close", click)
        self._later(days=25)
        self._job("close_month")
        self._sell_one("in the next month", click)
        self._job("reconcile")
        self._streams()
        self._look()
        self._take_back()

    def _set_up(self) -> None:
        self._call("POST", "/v1/programs", PROGRAM)
        self._call("PATCH", "/v1/programs/acme", {"name": "Acme & Sons"})
        self._call("POST", "/v1/programs/acme/terms", TERMS)
        self._call("POST", "/v1/partners", {"id": "ada", "name": "Ada", "email": "ada@example.com"})
        link = self._call("POST", "/v1/programs/acme/enrollments", {"partner": "ada"})["link"]
        self._code = link["code"]
        self._call("POST", "/v1/coupons", {"program": "acme", "partner": "ada", "code": "ADA10"})
        self._key = self._call("POST", "/v1/keys", {"scopes": ["merchant"], "program": "acme"})["id"]
        self._secret = self._call("POST", "/v1/programs/acme/secrets", {})["id"]
        self._call("POST", "/v1/programs/acme/hooks", {"source": "woocommerce", "secret": HOOK_SECRET})
        self._token = self._call("GET", "/v1/programs/acme")["postback_token"]

    def _click(self) -> str:
        self._http("HEAD", f"/{self._code}")
        self._http("GET", "/nobody-has-this", expect=404)
        answer = self._http("GET", f"/{self._code}")
        return header(answer, "Location").split("ll_click=")[1].split("&")[0]

    def _sell(self, click: str) -> None:
        sale = {"program": "acme", "event": "sale", "amount": 5000, "currency": "EUR"}
        self._sale = self._call(
            "POST", "/v1/conversions", {**sale, "order_id": "1", "click_id": click, "customer_id": "c1"}
        )["id"]
        self._call("POST", "/v1/conversions", {**sale, "order_id": "1", "click_id": click, "coupon": "ADA10"})
        batch = [{**sale, "order_id": "2", "coupon": "ADA10"}, {**sale, "order_id": "3", "customer_id": "c1"}]
        self._call("POST", "/v1/conversions/batch", {"conversions": batch})
        common = "event=sale&amount=50.00&currency=EUR"
        self._http("GET", f"/p.gif?program=acme&order_id=4&{common}&click_id={click}")
        self._http("GET", f"/postback/acme?token={self._token}&order_id=5&{common}&click_id={click}")
        self._http("GET", "/tag.js")
        event = {"program": "acme", "order_id": "6", "amount": "50.00", "event": "sale", "currency": "EUR"}
        for sent in (
            {"program": "acme", "type": "click", "partner": "ada"},
            {**event, "type": "convert", "click_id": click},
            {"program": "acme", "type": "identify", "click_id": click, "customer_id": "c2"},
        ):
            self._http("POST", "/v1/collect", json.dumps(sent).encode(), {"Content-Type": "text/plain"})
        self._hook()
        self._call("POST", "/v1/identities", {"program": "acme", "customer_id": "c3", "click_id": click})

    def _sell_one(self, order_id: str, click: str) -> None:
        sale = {"program": "acme", "event": "sale", "amount": 5000, "currency": "EUR"}
        self._call("POST", "/v1/conversions", {**sale, "order_id": order_id, "click_id": click})

    def _hook(self) -> None:
        order = {"id": 7, "total": "50.00", "currency": "EUR", "status": "completed", "line_items": []}
        body = json.dumps(order).encode()
        digest = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Signature": base64.b64encode(digest).decode(),
        }
        self._http("POST", "/hooks/woocommerce/acme", body, headers)

    def _correct(self, click: str) -> None:
        path = f"/v1/conversions/{self._sale}/adjustments"
        self._call("POST", path, {"id": "r1", "kind": "refund", "amount": 1000, "reason": "one returned"})
        self._call("POST", "/v1/identities", {"program": "acme", "customer_id": "c4", "click_id": click})

    def _look(self) -> None:
        for path in (
            *("/v1/programs", "/v1/programs/acme/terms", "/v1/programs/acme/enrollments"),
            *("/v1/programs/acme/secrets", "/v1/partners", "/v1/partners/ada", "/v1/coupons?program=acme"),
            *("/v1/keys", "/v1/conversions?program=acme", f"/v1/conversions/{self._sale}"),
            *(f"/v1/conversions/{self._sale}/receipt", "/v1/ledgers?program=acme"),
            *("/v1/ledgers/acme/2026-10", "/v1/ledgers/acme/2026-11", "/v1/openapi.json"),
        ):
            self._call("GET", path)

    def _take_back(self) -> None:
        self._call("DELETE", f"/v1/keys/{self._key}")
        self._call("DELETE", f"/v1/programs/acme/secrets/{self._secret}")
        self._call("DELETE", "/v1/programs/acme/hooks/woocommerce")

    def _later(self, days: int) -> None:
        self._clock.set(self._clock() + timedelta(days=days))

    def _http(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        expect: int = 399,
    ) -> Answer:
        match = self._resources.match(target.split("?")[0])
        assert match is not None, target
        pairs = tuple((BROWSER if headers is None else headers).items())
        self._recorder.doing = "api_handler"
        event = event_of(Request(method, target, pairs, body, "198.51.100.7"), match)
        answer = answer_of(app.app(event, Context("api", timeout_s=29)))
        self._recorder.doing = None
        assert answer.status <= expect, f"{method} {target}: {answer}"
        self.visited.add(app.app.routes[match.resource][method].view_name)
        return answer

    def _call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._admin_key}", "Content-Type": "application/json"}
        answer = self._http(method, path, b"" if body is None else json.dumps(body).encode(), headers)
        return json.loads(answer.body) if answer.body else None

    def _job(self, function: str) -> None:
        self._recorder.doing = function
        self._functions.invoke(function, a_schedule(function))
        self._recorder.doing = None

    def _streams(self) -> None:
        """Feed every function that a stream feeds with all that there is."""
        for source in self._functions.sources():
            if not isinstance(source, StreamSource):
                continue
            table = source.stream_arn.split("/")[1].rpartition("-")[2]
            real = replace(source, stream_arn=self._stage.environment[f"{table.upper()}_STREAM_ARN"])
            self._recorder.doing = source.function
            worker = StreamWorker(self._engine, real, Progress(self._engine), self._functions.invoke)
            while worker.step():
                pass
            assert not worker.failing, f"{source.function} fails on the stream of {table}"
            self._recorder.doing = None
