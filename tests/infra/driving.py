"""Drives the app's functions through their main paths, in this process, as Lambda would call them."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

import app
from chalicelib import bootstrap
from chalicelib.portal.rendering import asset_names
from chalicelib.services import keys, month_files, reconcile
from chalicelib.storage import aws, web
from infra.rehearsal import BROWSER, a_schedule, header
from local.functions import Context, Functions, QueueSource, StreamSource
from local.gateway import Answer, Request, Resources, answer_of, event_of
from local.mail import Mailbox
from local.workers import Progress, QueueWorker, StreamWorker
from tests.conftest import Clock, Stage
from tests.infra import driving_console
from tests.infra.calls import Recorder

SEPTEMBER_20 = datetime(2026, 9, 20, 12, tzinfo=UTC)
PROGRAM = {
    "id": "acme",
    "name": "Acme",
    "domains": ["shop.example.com"],
    "currency": "EUR",
    "consent": "exempt",
    "trust_browser": True,
    "late_days": 30,
}
TERMS = {
    "attribution": {"model": "last", "window_days": 7},
    "hold_days": 3,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
HOOK_SECRET = "shared-with-the-shop"


class Crash(BaseException):
    """The process ends here."""


class Driver:
    """One stage, its functions, and what was asked of them; `visited` names the views that answered well."""

    def __init__(self, stage: Stage, clock: Clock, engine: Any, recorder: Recorder) -> None:
        self._stage = stage
        self._clock = clock
        self._stale_click = ""
        self._received = 0
        self._oldest = SEPTEMBER_20
        self._engine = engine
        self._recorder = recorder
        self._functions = Functions(app.app)
        self._resources = Resources(app.app.routes)
        self._admin_key = keys.new_text()
        self.visited: set[str] = set()
        self._mailbox = Mailbox(clock, lambda _: None)
        self._mailbox.attach(aws.session())
        clock.set(SEPTEMBER_20)
        keys.bootstrap_admin(bootstrap.stores(), self._admin_key, SEPTEMBER_20)

    def everything(self) -> None:
        """A program's life from its first link to its second closed month."""
        self._set_up()
        self._ask_public()
        click = self._click_after_a_stale_one()
        self._tell_outside()
        self._sell(click, "reconcile")
        self._job("reconcile")
        self._sell(click, "stream")
        released_later = self._sale
        self._write_late(click)
        self._streams()
        self._correct(click, "stream")
        self._streams()
        self._correct(click, "reconcile")
        self._later(days=10)
        self._job("reconcile")
        self._hand_on(click, released_later)
        click = self._click_after_a_stale_one()
        self._sell(click, "close")
        self._job("reconcile")
        self._correct(click, "close")
        refund = {"id": "r2", "kind": "refund", "amount": 100, "reason": "after its release"}
        self._call("POST", f"/v1/conversions/{released_later}/adjustments", refund)
        self._later(days=20)
        self._write_by_shard()
        with self._crash_at_the_manifest():
            self._job("close_month")
        self._job("close_month")
        self._sell(click, "next month")
        self._job("reconcile")
        self._pay()
        self._job("reconcile")
        self._compare_orders()
        self._simulate()
        self._check_up()
        self._look()
        self._open_pages()
        self._later(days=30)
        self._close_by_hand()
        self._job("close_month")
        self._streams()
        self._deliver()
        self._take_back()

    def _set_up(self) -> None:
        self._call("POST", "/v1/programs", PROGRAM)
        self._call("PATCH", "/v1/programs/acme", {"name": "Acme & Sons"})
        self._call("POST", "/v1/programs/acme/terms", TERMS)
        self._call("POST", "/v1/partners", {"id": "ada", "name": "Ada", "email": "ada@example.com"})
        link = self._call("POST", "/v1/programs/acme/enrollments", {"partner": "ada"})["link"]
        self._code = link["code"]
        own = {"program": "acme", "partner": "ada"}
        self._call("POST", "/v1/links", {**own, "code": "summer"})
        self._call("PATCH", "/v1/links/summer", {"campaign": "spring"})
        self._call("POST", "/v1/links", {**own, "code": "winter"})
        self._call("DELETE", "/v1/links/winter")
        self._call("POST", "/v1/programs/acme/links", {"csv": "partner,code\nada,autumn\n"})
        self._call("POST", "/v1/coupons", {"program": "acme", "partner": "ada", "code": "ADA10"})
        self._key = self._call("POST", "/v1/keys", {"scopes": ["merchant"], "program": "acme"})["id"]
        rotated = self._call("POST", f"/v1/keys/{self._key}/rotate", {"overlap_hours": 1})
        self._call("DELETE", f"/v1/keys/{rotated['id']}")
        self._secret = self._call("POST", "/v1/programs/acme/secrets", {})["id"]
        self._call("POST", "/v1/programs/acme/hooks", {"source": "woocommerce", "secret": HOOK_SECRET})
        paypal = {"method": "paypal", "details": {"email": "ada@example.com"}}
        self._call("POST", "/v1/partners/ada/payout", {"accounts": [paypal]})
        self._call("POST", "/v1/programs/acme/payout-settings", {"minimums": {"EUR": 1}})
        holding = {"velocity": {"action": "hold"}, "disposable_email": {"action": "hold"}}
        self._call("PUT", "/v1/programs/acme/fraud", {"rules": holding})
        self._call("POST", "/v1/partners", {"id": "mallory", "name": "Mal", "email": "mal@mailinator.com"})
        self._call("POST", "/v1/programs/acme/enrollments", {"partner": "mallory"})
        self._call("POST", "/v1/coupons", {"program": "acme", "partner": "mallory", "code": "MAL10"})
        self._token = self._call("GET", "/v1/programs/acme")["postback_token"]

    def _click_after_a_stale_one(self) -> str:
        """A click; `_stale_click` is one of another visitor that counts no more, but is kept still."""
        self._stale_click = self._click()
        self._later(days=8)
        return self._click()

    def _click(self) -> str:
        self._http("HEAD", f"/{self._code}")
        self._http("GET", "/nobody-has-this", expect=404)
        answer = self._http("GET", f"/{self._code}")
        cookie = header(answer, "Set-Cookie").split(";")[0]
        self._clock.set(self._clock() + timedelta(seconds=2))
        self._http("GET", f"/{self._code}", headers={**BROWSER, "Cookie": cookie})
        return header(answer, "Location").split("ll_click=")[1].split("&")[0]

    def _ask_public(self) -> None:
        self._http("GET", "/tag.js")
        self._http("GET", "/v1/docs")
        self._http("GET", f"/qr/{self._code}.svg")
        self._http("GET", f"/{self._code}+")

    def _sell(self, click: str, batch: str) -> None:
        """One sale by each way in; their order ids begin with the batch's name.

        One occurred in a month before all that was told so far, which opens that month.
        """
        sale = {"program": "acme", "event": "sale", "amount": 5000, "currency": "EUR"}
        by_click = {**sale, "order_id": f"{batch} click", "click_id": click}
        known = {"customer_id": "c1", "customer_email": "eve@example.com"}
        self._sale = self._call("POST", "/v1/conversions", {**by_click, **known})["id"]
        self._call("POST", "/v1/conversions", {**by_click, "coupon": "ADA10"})
        stranger = {"coupon": "UNKNOWN", "customer_id": f"{batch} stranger"}
        others = [
            {**sale, "order_id": f"{batch} coupon", "coupon": "ADA10"},
            {**sale, "order_id": f"{batch} customer", "customer_id": "c1"},
            {**sale, "order_id": f"{batch} stale", "click_id": self._stale_click, **stranger},
        ]
        self._oldest -= timedelta(days=31)
        told_late = {**sale, "order_id": f"{batch} late", "coupon": "ADA10"}
        others.append({**told_late, "occurred_at": f"{self._oldest:%Y-%m-%dT%H:%M:%SZ}"})
        self._call("POST", "/v1/conversions/batch", {"conversions": others})
        common = urlencode({"event": "sale", "amount": "50.00", "currency": "EUR", "click_id": click})
        pixel = urlencode({"program": "acme", "order_id": f"{batch} pixel"})
        self._http("GET", f"/p.gif?{pixel}&{common}")
        postback = urlencode({"token": self._token, "order_id": f"{batch} postback"})
        self._http("GET", f"/postback/acme?{postback}&{common}")
        tag = {"program": "acme", "click_id": click}
        for sent in (
            {"program": "acme", "type": "click", "partner": "ada"},
            {**tag, "type": "click"},
            {**tag, "type": "identify", "customer_id": f"{batch} c2"},
            {**sale, **tag, "type": "convert", "order_id": f"{batch} tag", "coupon": "NEWSLETTER"},
        ):
            self._http("POST", "/v1/collect", json.dumps(sent).encode(), {"Content-Type": "text/plain"})
        customer = {"customerExternalId": "c1", "clickId": click}
        self._call("POST", "/v1/track/lead?program=acme", {**customer, "eventName": f"{batch} lead"})
        tracked = {**customer, "eventName": "sale", "amount": 5000, "currency": "eur"}
        self._call("POST", "/v1/track/sale?program=acme", {**tracked, "invoiceId": f"{batch} tracked"})
        self._hook(batch)
        identity = {"program": "acme", "customer_id": f"{batch} c3", "click_id": click}
        self._call("POST", "/v1/identities", identity)
        self._call("DELETE", "/v1/identities", identity)
        self._call("DELETE", "/v1/identities", {"program": "acme", "customer_id": f"{batch} c2"})

    def _hook(self, batch: str) -> None:
        order = {
            "id": len(batch),
            "total": "50.00",
            "currency": "EUR",
            "status": "completed",
            "line_items": [],
        }
        body = json.dumps(order).encode()
        digest = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": "order.updated",
            "X-WC-Webhook-Signature": base64.b64encode(digest).decode(),
        }
        self._http("POST", "/hooks/woocommerce/acme", body, headers)

    def _correct(self, click: str, batch: str) -> None:
        """Confirm a sale; refund; tell evidence and terms late; and a sale that is stopped.

        New terms have the functions look again for what nobody was credited for, and find that a click's
        row was lost.
        """
        sale = {"program": "acme", "event": "sale", "amount": 4000, "currency": "EUR"}
        self._call("POST", "/v1/conversions", {**sale, "order_id": f"{batch} pixel", "customer_id": "c9"})
        self._call("POST", "/v1/conversions", {**sale, "order_id": f"{batch} stopped", "coupon": "MAL10"})
        self._call("POST", "/v1/programs/acme/terms", TERMS)
        self._call("GET", f"/v1/clicks/{click}")
        for verdict in ("bot", "human"):
            self._call("PATCH", f"/v1/clicks/{click}", {"verdict": verdict, "reason": "looked_at"})
        self._lose_the_stale_click()
        refund = {"id": "r1", "kind": "refund", "amount": 1000, "reason": "one returned"}
        self._call("POST", f"/v1/conversions/{self._sale}/adjustments", refund)
        self._call("POST", "/v1/identities", {"program": "acme", "customer_id": "c4", "click_id": click})

    def _pay(self) -> None:
        bonus = {"id": "b1", "partner": "ada", "kind": "bonus", "amount": 500, "currency": "EUR"}
        self._call("POST", "/v1/programs/acme/entries", {**bonus, "reason": "a thank-you"})
        self._call("POST", "/v1/programs/acme/payouts", {"id": "p1", "month": "2026-10"})
        listed = self._call("GET", "/v1/fraud/findings?program=acme")["data"]
        [found] = (one for one in listed if one["partner"] == "mallory" and one["rule"] == "disposable_email")
        dismissed = {"program": "acme", "finding": found["id"], "reason": "we know her"}
        self._call("POST", "/v1/fraud/dismissals", dismissed)
        # Nothing is due any more: the next draft has fewer files than the last one.
        self._call("POST", "/v1/programs/acme/payout-settings", {"minimums": {"EUR": 10**9}})

    def _compare_orders(self) -> None:
        """An export that confirms, refunds, voids and finds orders, sent, dropped and confirmed."""
        self._lose_the_stale_click()
        placed = f"{self._clock():%Y-%m-%d %H:%M:%S} UTC"
        rows = [
            "order_id,amount,status,refunded,date,coupon,customer_id,click_id",
            f"next month click,50.00,paid,20.00,{placed},,,",
            f"next month coupon,50.00,cancelled,,{placed},,,",
            f"next month tag,50.00,paid,,{placed},ADA10,,",
            f"next month pixel,40.00,paid,,{placed},,,",
            f"never told,50.00,paid,,{placed},ADA10,c1,{self._stale_click}",
        ]
        told = {"program": "acme", "csv": "\n".join(rows)}
        job = self._call("POST", "/v1/reconciliations", told)["job"]
        self._call("POST", "/v1/reconciliations", {"program": "acme", "upload": True})
        inbox = "inbox/acme/orders-1.csv"
        self._stage.stores.bucket.write(inbox, io.BytesIO(b"order_id,amount\n"), "text/csv")
        self._put_off_a_pixel()
        self._queue("run_job", "JOBS_QUEUE")
        self._call("POST", f"/v1/reconciliations/{job}/confirm", {})
        self._queue("run_job", "JOBS_QUEUE")
        self._call("GET", f"/v1/jobs/{job}")

    def _put_off_a_pixel(self) -> None:
        """What a pixel told while storage was away waits for the worker."""
        told = {"order_id": "put off", "event": "sale", "method": "pixel", "content": (5000, "EUR", ())}
        known = {"click_id": self._stale_click, "coupon": "ADA10", "customer_id": "c1"}
        now = f"{self._clock():%Y-%m-%dT%H:%M:%SZ}"
        reports = json.dumps([told | known])
        self._stage.stores.jobs.send({"late_order": "acme", "at": now, "reports": reports})

    def _simulate(self) -> None:
        rates = "date,base,quote,rate\n2026-10-15,EUR,USD,1.0842\n"
        self._call("POST", "/v1/programs/acme/rates", {"csv": rates, "source": "ecb"})
        rules = [{"event": "sale", "kind": "percent", "rate_bp": 1500}]
        draft = {"program": "acme", "month": "2026-10", "terms": {"commissions": rules}}
        job = self._call("POST", "/v1/simulations", draft)["job"]
        self._call("POST", "/v1/reports", {"program": "acme", "from": "2026-10"})
        self._call("POST", "/v1/fraud/trials", {"program": "acme", "month": "2026-10"})
        self._queue("run_job", "JOBS_QUEUE")
        self._call("GET", f"/v1/jobs/{job}")
        review = {"program": "acme", "decision": "approve", "conversions": [self._sale], "reason": "seen"}
        self._call("POST", "/v1/reviews", review)

    def _tell_outside(self) -> None:
        """A merchant's webhook and a partner's postback, of which the first is tried out."""
        wanted = {"program": "acme", "url": "https://hooks.example.com/acme"}
        self._webhook = self._call("POST", "/v1/webhooks", wanted)["id"]
        postback = {**wanted, "partner": "ada", "url": "https://ada.example.com/?c={click_id}&s={sub1}"}
        self._postback = self._call("POST", "/v1/webhooks", postback)["id"]
        own = f"/v1/webhooks/{self._webhook}"
        self._call("GET", own)
        self._call("GET", "/v1/webhooks?program=acme")
        self._call("PATCH", own, {"active": True})
        self._call("POST", f"{own}/secret", {})
        self._call("POST", f"{own}/test", {})

    def _deliver(self) -> None:
        """Everything that was announced, to receivers of whom one is gone."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(web.Web, "send", self._receiver)
            self._later(days=1)
            self._job("reconcile")
            self._queue("deliver", "OUTBOUND_QUEUE")
        own = f"/v1/webhooks/{self._webhook}"
        found = self._call("GET", f"{own}/deliveries")["data"]
        told = next(one["id"] for one in found if one["state"] == "delivered")
        self._call("GET", f"{own}/deliveries/{told}")
        self._call("POST", f"{own}/deliveries/{told}/replay", {})
        told = next(one["id"] for one in found if one["state"] == "delivered" and one["id"] != told)
        cookie = self._console_cookie()
        for method, path, fields in driving_console.webhook(self._webhook, told):
            self._http(method, f"/console/acme{path}", driving_console.encoded(fields), FORM | cookie)
        self._call("DELETE", f"/v1/webhooks/{self._postback}")

    def _receiver(self, _method: str, url: str, *_: Any, **__: Any) -> web.Answer:
        """What receivers answer: the partner's is gone, and the merchant's fails every other time."""
        self._received += 1
        status = 410 if "ada.example.com" in url else 200 if self._received % 2 else 500
        return web.Answer(status, (), b"no")

    def _check_up(self) -> None:
        """A check-up that walks, and one that watches what is done."""
        self._call("POST", "/v1/programs/acme/doctor", {"partner": "ada"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(web.Web, "send", self._network)
            self._queue("run_job", "JOBS_QUEUE")
        watching = self._call("POST", "/v1/programs/acme/doctor", {"walk": False})
        self._http("GET", "/" + watching["url"].rpartition("/")[2])
        answer = self._http("GET", "/" + watching["url"].rpartition("/")[2])
        click = header(answer, "Location").split("ll_click=")[1].split("&")[0]
        told = {"program": "acme", "type": "click", "click_id": click}
        self._http("POST", "/v1/collect", json.dumps(told).encode(), {"Content-Type": "text/plain"})
        order = {"program": "acme", "event": "sale", "order_id": "test", "amount": 100, "currency": "EUR"}
        test = self._call("POST", "/v1/conversions", {**order, "click_id": click})
        self._call("POST", "/v1/conversions", {**order, "click_id": click})
        refund = {"id": "t1", "kind": "refund", "reason": "a test"}
        self._call("POST", f"/v1/conversions/{test['id']}/adjustments", refund)
        self._call("GET", f"/v1/programs/acme/doctor/{watching['id']}")
        self._call("GET", "/v1/programs/acme/doctor")

    def _network(self, method: str, url: str, *_: Any, **__: Any) -> web.Answer:
        """The internet, on which nobody but the app itself answers."""
        base = self._stage.settings.base_url
        if not url.startswith(base):
            raise web.WebError("name_unknown", "the name can't be resolved")
        caller = self._recorder.doing
        answer = self._http(method, url.removeprefix(base))
        self._recorder.doing = caller
        return web.Answer(answer.status, tuple(answer.headers), answer.body)

    def _hand_on(self, click: str, released: str) -> None:
        """More than one pass of reconcile settles: shards are settled by others, of whom one has no time."""
        self._sell(click, "shards")
        self._settle_by_shard()
        self._correct(click, "shards")
        refund = {"id": "r3", "kind": "refund", "amount": 100, "reason": "after its release"}
        self._call("POST", f"/v1/conversions/{released}/adjustments", refund)
        self._later(days=4)
        self._settle_by_shard()

    def _settle_by_shard(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reconcile, "MOST_IN_ONE_PASS", 0)
            self._job("reconcile")
        self._begin("settle_shard")
        for shard in range(self._stage.settings.ledger_shards):
            event = {"Records": [{"body": json.dumps({"program": "acme", "shard": shard})}]}
            app.app.handler_map["settle_shard"](event, Context("settle_shard", timeout_s=0))
        self._queue("settle_shard", "RECONCILE_QUEUE")

    def _write_by_shard(self) -> None:
        """The month is too much for one run: its shards are written by others."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(month_files, "AT_ONCE", 0)
            self._job("close_month")
        stores = self._stage.stores
        month = stores.journal.books(stores.catalogue.program("acme")).closing
        self._begin("run_job")
        for shard in range(self._stage.settings.ledger_shards):
            piece = {"close": "acme", "month": str(month), "shard": str(shard)}
            event = {"Records": [{"body": json.dumps(piece)}]}
            app.app.handler_map["run_job"](event, Context("run_job", timeout_s=900))
        self._recorder.doing = None

    def _queue(self, function: str, queue: str) -> None:
        """Feed a function with all that waits in the queue of that variable."""
        source = QueueSource(function, self._stage.environment[queue], 1)
        worker = QueueWorker(self._engine, source, self._functions.invoke)
        self._begin(function)
        while worker.step():
            pass
        self._recorder.doing = None
        assert not worker.failing, f"{function} fails"

    def _write_late(self, click: str) -> None:
        """Another click of the same visitor, as `replay-clicks` writes it from a log."""
        dynamodb, table = self._engine.client("dynamodb"), f"{self._stage.environment['TABLE_PREFIX']}-clicks"
        items = dynamodb.scan(TableName=table)["Items"]
        item = next(item for item in items if item.get("t", {}).get("S") == click)
        earlier = f"{self._clock() - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000Z}#00beef"
        late = {**item, "sk": {"S": earlier}, "t": {"S": "late"}, "z": {"BOOL": True}}
        dynamodb.put_item(TableName=table, Item=late)

    def _lose_the_stale_click(self) -> None:
        dynamodb, table = self._engine.client("dynamodb"), f"{self._stage.environment['TABLE_PREFIX']}-clicks"
        stale = f"{self._clock() - timedelta(days=7):%Y-%m-%d}"
        for item in dynamodb.scan(TableName=table)["Items"]:
            if item["sk"]["S"] < stale:
                dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})

    def _look(self) -> None:
        for path in (
            *(
                "/v1/programs",
                "/v1/programs/acme/tracking",
                "/v1/programs/acme/setup",
                "/v1/programs/acme/terms",
                "/v1/programs/acme/enrollments",
            ),
            *("/v1/programs/acme/secrets", "/v1/partners", "/v1/partners/ada", "/v1/coupons?program=acme"),
            *("/v1/partners/ada/payout", "/v1/programs/acme/payout-settings"),
            *("/v1/links?program=acme", "/v1/links?program=acme&partner=ada", "/v1/links/summer"),
            *(
                "/v1/links/summer/history",
                "/v1/stats?program=acme&by=day",
                "/v1/stats?program=acme&by=partner",
            ),
            *("/v1/audit", "/v1/audit?program=acme"),
            *("/v1/programs/acme/fraud", "/v1/fraud/findings?program=acme", "/v1/reviews?program=acme"),
            *("/v1/keys", "/v1/conversions?program=acme", f"/v1/conversions/{self._sale}"),
            *(f"/v1/conversions/{self._sale}/receipt", "/v1/ledgers?program=acme"),
            *(f"/v1/conversions/{self._sale}/adjustments", "/v1/reconciliations?program=acme"),
            *("/v1/programs/acme/entries", "/v1/programs/acme/payouts"),
            *("/v1/programs/acme/payouts/2026-10",),
            *("/v1/ledgers/acme/2026-10", "/v1/ledgers/acme/2026-11", "/v1/openapi.json"),
            "/v1/collection.json",
        ):
            self._call("GET", path)

    def _open_pages(self) -> None:
        """Sign in to the console, look at its pages, and out again."""
        self._http("GET", f"/assets/{asset_names()['style.css']}", headers={})
        self._http("POST", "/console/sign-in", b"key=wrong", FORM, expect=401)
        self._http("GET", "/console/sign-in", headers={})
        cookie = self._console_cookie()
        self._http("GET", "/console", headers=cookie)
        new = {"id": "other", "name": "Other", "domains": "other.example.com", "currency": "EUR"}
        self._http("POST", "/console", driving_console.encoded(new), FORM | cookie)
        self._walk_console(cookie)
        self._clock.set(self._clock() + timedelta(hours=2))
        renewed = self._http("GET", "/console", headers=cookie)
        cookie = {"Cookie": header(renewed, "Set-Cookie").split(";")[0]}
        self._http("POST", "/console/sign-out", b"everywhere=yes", FORM | cookie)
        self._open_portal()

    def _open_portal(self) -> None:
        """Sign in by a link, look at every page, and do what each form does."""
        self._http("GET", "/portal/sign-in", headers={})
        self._http("POST", "/portal/sign-in", b"email=ada%40example.com", FORM)
        self._queue("run_job", "JOBS_QUEUE")
        token = self._mailbox.messages[0]["text"].split("token=")[1].split()[0]
        self._http("GET", f"/portal/enter?token={token}", headers={})
        cookie = {"Cookie": self._cookie("/portal/enter", f"token={token}")}
        self._http("GET", "/portal", headers=cookie)
        root = "/portal/programs/acme"
        sale = f"/conversions/{self._sale}"
        month = "/statements/2026-10"
        for page in ("", "/links", "/coupons", "/conversions", sale, "/statements", month, f"{month}/csv"):
            self._http("GET", root + page, headers=cookie)
        for page in (
            "/rules",
            "/missing",
            "/postbacks",
            "/links/summer",
            "/link-check?code=spring&destination=x",
        ):
            self._http("GET", root + page, headers=cookie)
        self._http("GET", "/portal/apply/acme", headers={})
        self._http("POST", "/portal/apply/acme", b"name=Eve&email=eve%40example.com", FORM)
        self._decide_on_requests()
        for path, fields in (
            (f"{root}/links", "code=spring"),
            (f"{root}/links/spring", "campaign=may"),
            (f"{root}/links/spring", "act=delete"),
            (f"{root}/missing", "order_id=lost"),
            ("/portal/settings/accounts", "method=paypal&email=ada%40example.com"),
            (f"{root}/postbacks", f"test={self._postback}"),
            (f"{root}/postbacks", "url=https%3A%2F%2Ftracker.example%2F%3Fid%3D%7Bsub1%7D"),
            ("/portal/settings/tokens", ""),
            ("/portal/settings/mail", "statements=yes"),
        ):
            self._http("POST", path, fields.encode(), FORM | cookie)
        self._queue("run_job", "JOBS_QUEUE")
        settings = self._http("GET", "/portal/settings", headers=cookie).body.decode()
        token = settings.split('name="withdraw" value="')[1].split('"')[0]
        self._http("POST", "/portal/settings/tokens", f"withdraw={token}".encode(), FORM | cookie)
        self._http("GET", f"{root}/missing", headers=cookie)
        self._http("POST", "/portal/sign-out", b"everywhere=yes", FORM | cookie)

    def _decide_on_requests(self) -> None:
        cookie = self._console_cookie()
        page = self._http("GET", "/console/acme/requests", headers=cookie).body.decode()
        application = page.split('name="application" value="')[1].split('"')[0]
        approval = f"application={application}&decision=approve".encode()
        self._http("POST", "/console/acme/requests", approval, FORM | cookie)
        self._queue("run_job", "JOBS_QUEUE")
        at = "/v1/programs/acme/applications"
        for name, decision in (("Fay", "approve"), ("Gus", "decline")):
            told = self._call("POST", at, {"name": name, "email": f"{name}@example.com"})
            self._call("POST", f"{at}/{told['id']}/{decision}", {})
            self._call("GET", f"{at}/{told['id']}")
        self._call("GET", f"{at}?decision=approved")
        self._queue("run_job", "JOBS_QUEUE")

    def _cookie(self, path: str, form: str) -> str:
        """Send a form that signs in; the cookie that it sets."""
        return header(self._http("POST", path, form.encode(), FORM), "Set-Cookie").split(";")[0]

    def _console_cookie(self) -> dict[str, str]:
        signed_in = self._http("POST", "/console/sign-in", f"key={self._admin_key}".encode(), FORM)
        return {"Cookie": header(signed_in, "Set-Cookie").split(";")[0]}

    def _walk_console(self, cookie: dict[str, str]) -> None:
        """Every page of the console and every form; what starts a job is waited for."""
        steps = [*driving_console.pages(self._sale), *driving_console.forms(self._sale)]
        started = []
        for method, path, fields in steps:
            at = f"/console/acme{path}"
            answer = self._http(method, at, driving_console.encoded(fields), FORM | cookie)
            started += [to for to in [header(answer, "Location")] if "/jobs/" in to or "/setup/" in to]
        body, media = driving_console.order_file()
        orders = self._http("POST", "/console/acme/orders", body, {"Content-Type": media} | cookie)
        compared = header(orders, "Location")
        self._queue("run_job", "JOBS_QUEUE")
        for job in [*started, compared]:
            self._http("GET", job, headers=cookie)
        self._http("POST", compared, b"", FORM | cookie)
        self._queue("run_job", "JOBS_QUEUE")

    def _close_by_hand(self) -> None:
        """Close from the console what the schedule would close, shard by shard, and that once more."""
        cookie = self._console_cookie()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(month_files, "AT_ONCE", 0)
            for _ in range(2):
                self._http("POST", "/console/acme/ledgers", b"do=close", FORM | cookie)
                self._queue("run_job", "JOBS_QUEUE")

    def _take_back(self) -> None:
        self._call("DELETE", f"/v1/keys/{self._key}")
        self._call("DELETE", f"/v1/programs/acme/secrets/{self._secret}")
        self._call("DELETE", "/v1/programs/acme/hooks/woocommerce")
        self._call("POST", "/v1/subjects", {"program": "acme", "customer_id": "c1"})
        erasure = self._call("POST", "/v1/erasures", {"program": "acme", "customer_id": "c1"})["id"]
        self._queue("run_job", "JOBS_QUEUE")
        assert self._call("GET", f"/v1/erasures/{erasure}")["state"] == "done"
        self._call("POST", "/v1/partners/ada/erase", {"despite_balance": True})
        self._call("PATCH", "/v1/coupons", {"program": "acme", "code": "ADA10", "starts_at": ""})
        self._call("DELETE", "/v1/coupons?program=acme&code=ADA10")

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
        self._begin("api_handler")
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

    @contextmanager
    def _crash_at_the_manifest(self) -> Iterator[None]:
        """The first write of a manifest does not happen, and ends what is being done."""

        def crash(params: dict[str, Any], **_: Any) -> None:
            if params["url_path"].endswith("manifest.json"):
                s3.meta.events.unregister("before-call.s3.PutObject", crash)
                raise Crash

        s3 = aws.client("s3")
        s3.meta.events.register("before-call.s3.PutObject", crash)
        try:
            yield
        except Crash:
            return
        raise AssertionError("no manifest was written")

    def _begin(self, function: str) -> None:
        """As in a fresh process, in which nothing is remembered that another function read."""
        bootstrap.stores.cache_clear()
        self._recorder.doing = function

    def _job(self, function: str) -> None:
        self._begin(function)
        self._functions.invoke(function, a_schedule(function))
        self._recorder.doing = None

    def _invoke_both_ways(self, function: str, event: dict[str, Any]) -> Any:
        """Once with the shard named, as with a tumbling window, and once more without."""
        self._functions.invoke(function, {**event, "shardId": "shard-1"})
        return self._functions.invoke(function, {k: v for k, v in event.items() if k != "shardId"})

    def _streams(self) -> None:
        """Feed every function that a stream feeds with all that there is."""
        for source in self._functions.sources():
            if not isinstance(source, StreamSource):
                continue
            table = source.stream_arn.split("/")[1].rpartition("-")[2]
            real = replace(source, stream_arn=self._stage.environment[f"{table.upper()}_STREAM_ARN"])
            self._begin(source.function)
            worker = StreamWorker(self._engine, real, Progress(self._engine), self._invoke_both_ways)
            while worker.step():
                pass
            assert not worker.failing, f"{source.function} fails on the stream of {table}"
            self._recorder.doing = None
