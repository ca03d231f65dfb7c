"""One history: a program with partners, visitors and a shop that act at random, and note what was answered.

What they note is all that the oracle knows. Nothing here looks into the system.
"""

import json
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from tests.contract.outside import NAVIGATION
from tests.histories.facts import Click, Evidence, Login, Order, Visitor
from tests.histories.world import Answer, World

PARTNERS = ("anna", "ben", "cara", "dora", "emil", "fritz", "gina", "hugo")
"""Partners know many programs: those of a history are some of these."""

CRAWLER = {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
PREFETCH = {**NAVIGATION, "Sec-Purpose": "prefetch"}
CURRENCIES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


class History:
    """A program and everybody around it, from one seed."""

    def __init__(self, world: World, number: int, times: Sequence[datetime], actions: int) -> None:
        """The history that this world's seed and the number give; it begins at one of the `times`."""
        self.world = world
        self.seed = f"{world.seed}/{number}"
        self.random = random.Random(self.seed)
        self.id = f"h{number}"
        self.problems: list[str] = []
        self._plan = self._planned(times, actions)
        self.currency = self.random.choice([*CURRENCIES, "EUR"])
        self.zone = self.random.choice(ZONES)
        self.model = self.random.choice(["last", "first", "linear", "position"])
        self.coupon_rule = self.random.choice(["beats_click", "if_no_click", "off"])
        self.window_days = self.random.choice([1, 14, 30])
        self.visitors: list[Visitor] = []
        self.orders: list[Order] = []
        self.logins: dict[str, list[Login]] = {}
        self.bonuses: dict[str, tuple[str, int]] = {}
        self.hits = {"answered": 0, "sent": 0}
        self.unseen = 0
        self.erased: set[str] = set()
        self.codes: dict[str, str] = {}
        self.paid_months: set[str] = set()
        self.now = times[0]

    def _planned(self, times: Sequence[datetime], actions: int) -> dict[datetime, int]:
        """At which times it acts, and how often at each: somewhere it begins, and later it may do nothing."""
        begins = self.random.randrange(len(times))
        return {times[begins]: actions} | {
            now: self.random.choice([0, actions // 2, actions]) for now in times[begins + 1 :]
        }

    @property
    def begins_at(self) -> datetime:
        """When it has nothing behind it."""
        return next(iter(self._plan))

    @property
    def happened(self) -> Counter[str]:
        """How much of what was acknowledged."""
        adjustments = sum(len(order.adjustments) for order in self.orders)
        return Counter(
            histories=1,
            clicks=self.hits["answered"],
            clicks_under_gpc=self.unseen,
            orders=len(self.orders),
            adjustments=adjustments,
            customers_erased=len(self.erased),
        )

    def begin(self) -> None:
        """Make the program, its terms, links and promo codes."""
        self.now = self.begins_at
        partners = self.random.sample(PARTNERS, self.random.choice([1, 2, 2, 3]))
        program = {
            "id": self.id,
            "name": "A history",
            "domains": ["shop.example"],
            "currency": self.currency,
            "timezone": self.zone,
            "consent": "granted",
        }
        self.token = self.api("POST", "/v1/programs", program).json["postback_token"]
        self.publish_terms()
        for partner in partners:
            enrolled = self.api("POST", f"/v1/programs/{self.id}/enrollments", {"partner": partner})
            self.codes[partner] = enrolled.json["link"]["code"]
        self.api("POST", "/v1/coupons", {"program": self.id, "partner": partners[0], "code": "SAVE"})

    def api(self, method: str, path: str, body: object = None) -> Answer:
        return self.world.api(method, path, body)

    def publish_terms(self) -> None:
        """A version with other rates; how credit is given stays the same over all versions.

        Told before anything else of its time, to the server whose clock is right: a version is in force from
        its instant on, and would price anew what was credited in that instant before it was told.
        """
        hold_days = self.random.choice([0, 5, 14])
        sale = {"event": "sale", "kind": "percent", "rate_bp": self.random.choice([333, 1000, 1250, 9999])}
        lead = {"event": "lead", "kind": "flat", "amount": self.random.choice([1, 250, 1001])}
        attribution = {
            "model": self.model,
            "window_days": self.window_days,
            "window_days_by_method": {},
            "coupon": self.coupon_rule,
        }
        body = {"attribution": attribution, "hold_days": hold_days, "commissions": [sale, lead]}
        self.world.api("POST", f"/v1/programs/{self.id}/terms", body, only=0)

    def act(self, now: datetime) -> None:
        """What it does at that time."""
        self.now = now
        actions = self._plan.get(now, 0)
        if actions and self.random.random() < 0.1:
            self.publish_terms()
        choices = {
            self.click: 30,
            self.click_unseen: 4,
            self.robot: 4,
            self.sell: 30,
            self.sell_twice: 10,
            self.repeat: 8,
            self.contradict: 4,
            self.add_evidence: 6,
            self.confirm: 6,
            self.adjust: 22,
            self.refund_early: 3,
            self.identify: 4,
            self.give_bonus: 2,
        }
        for action in self.random.choices([*choices], [*choices.values()], k=actions):
            action()

    def click(self) -> None:
        """Somebody follows a link; somebody new, or somebody who was here before."""
        if not self.visitors or self.random.random() < 0.5:
            self.visitors.append(Visitor())
        visitor = self.random.choice(self.visitors)
        partner = self.random.choice([*self.codes])
        headers = dict(NAVIGATION)
        if visitor.cookie:
            headers["Cookie"] = f"ll_id={visitor.cookie}"
        answer = self.world.call("GET", f"/{self.codes[partner]}", None, headers)
        self.hits["answered"] += 1
        self.hits["sent"] += answer.attempts
        if not visitor.cookie:
            visitor.cookie = answer.header("set-cookie").split(";")[0].removeprefix("ll_id=")
        else:
            visitor.unanswered += answer.attempts - 1
        if answer.status != 302 or not answer.token:
            self.problems.append(f"{self.id}: a click got {answer.status} without a token")
            return
        visitor.clicks.append(Click(answer.token, partner, answer.at, next(self.world.sequence)))

    def click_unseen(self) -> None:
        """Somebody's browser sends Global Privacy Control: counted, and given nothing to be known by."""
        code = self.random.choice([*self.codes.values()])
        answer = self.world.call("GET", f"/{code}", None, {**NAVIGATION, "Sec-GPC": "1"})
        self.hits["answered"] += 1
        self.hits["sent"] += answer.attempts
        self.unseen += 1
        if answer.status != 302 or answer.token or answer.header("set-cookie"):
            self.problems.append(f"under GPC: {answer.status} {answer.headers}")

    def robot(self) -> None:
        """A crawler or a browser that looks ahead: kept, and no touch."""
        headers = self.random.choice([CRAWLER, PREFETCH])
        code = self.random.choice([*self.codes.values()])
        answer = self.world.call("GET", f"/{code}", None, headers, put_off=True)
        if answer.token:
            self.problems.append(f"{self.id}: {headers['User-Agent']} got a token")

    def _order(self) -> tuple[Order, Evidence]:
        """A new order of some time before now, and what its shop knows of it."""
        before = self.random.choice([0, 0, 0, 1, 3600, 86_400])
        event, amount = self.random.choice([("sale", self.random.randrange(0, 9_000)), ("lead", 0)])
        number = len(self.orders)
        occurred_at = self.now - timedelta(seconds=before)
        order = Order(f"{self.id}-{number}", event, occurred_at, amount)
        self.orders.append(order)
        return order, self._evidence()

    def _evidence(self) -> Evidence:
        found = Evidence(next(self.world.sequence), self.now)
        if self.random.random() < 0.75:
            clicked = [visitor for visitor in self.visitors if visitor.clicks]
            if clicked:
                found.visitor = self.random.choice(clicked)
                found.token = self.random.choice(found.visitor.clicks).token
        if self.random.random() < 0.25:
            found.coupon = self.random.choice(["SAVE", " save ", "ＳＡＶＥ", "UNKNOWN"])
        if self.random.random() < 0.3:
            found.customer = f"c{self.random.randrange(4)}"
        return found

    def _body(self, order: Order, evidence: Evidence, amount_minor: int) -> dict[str, Any]:
        body: dict[str, Any] = {
            "program": self.id,
            "event": order.event,
            "order_id": order.id,
            "amount": amount_minor,
            "currency": self.currency,
            "occurred_at": _text(order.occurred_at),
        }
        told = {"click_id": evidence.token, "coupon": evidence.coupon, "customer_id": evidence.customer}
        return body | {name: value for name, value in told.items() if value}

    def _told(self, order: Order, evidence: Evidence, answer: Answer) -> None:
        order.evidence.append(evidence)
        order.acknowledged = True
        if answer.body.startswith(b"{") and "id" in answer.json:
            if order.conversion not in {None, answer.json["id"]}:
                self.problems.append(f"{order.id} has two conversions")
            order.conversion = answer.json["id"]

    def _tell(self, order: Order, evidence: Evidence, amount_minor: int) -> Answer:
        body = self._body(order, evidence, amount_minor)
        answer = self.api("POST", "/v1/conversions", body)
        if answer.status in {200, 201}:
            self._told(order, evidence, answer)
        else:
            self.problems.append(f"{order.id} was told and got {answer.status} {answer.body!r}")
        return answer

    def sell(self) -> None:
        """An order, by one of the ways in which orders are told."""
        order, evidence = self._order()
        way = self.random.choice(["api", "api", "batch", "postback", "tag"])
        if way == "api":
            self._tell(order, evidence, order.amount_minor)
        elif way == "batch":
            body = self._body(order, evidence, order.amount_minor)
            answer = self.api("POST", "/v1/conversions/batch", {"conversions": [body, body]})
            while any(result["status"] == 503 for result in answer.json["results"]):
                answer = self.api("POST", "/v1/conversions/batch", {"conversions": [body, body]})
            self._told(order, evidence, answer)
            order.conversion = answer.json["results"][0]["id"]
        elif way == "postback":
            self._postback(order, evidence)
        else:
            self._by_tag(order, evidence)

    def _postback(self, order: Order, evidence: Evidence, **more: str) -> None:
        body = self._body(order, evidence, order.amount_minor)
        del body["program"]
        query = body | {"token": self.token, "amount": self._major(order.amount_minor), **more}
        answer = self.world.call("GET", f"/postback/{self.id}?{urlencode(query)}")
        if answer.status != 200:
            self.problems.append(f"{order.id} by postback: {answer.status} {answer.body!r}")
        if "status" not in more:
            self._told(order, evidence, answer)

    def _by_tag(self, order: Order, evidence: Evidence) -> None:
        """Browsers' clocks are not believed: the order is of now."""
        order.from_browser = True
        body = self._body(order, evidence, order.amount_minor) | {"type": "convert"}
        del body["occurred_at"]
        body["amount"] = self._major(order.amount_minor)
        headers = {"Content-Type": "text/plain", "User-Agent": NAVIGATION["User-Agent"]}
        answer = self.world.call("POST", "/v1/collect", _json(body), headers)
        if answer.status != 202:
            self.problems.append(f"{order.id} by tag: {answer.status} {answer.body!r}")
        self._told(order, evidence, answer)
        listed = self.api("GET", f"/v1/conversions?program={self.id}&limit=200").json["data"]
        for one in listed:
            if one["order_id"] == order.id:
                order.conversion = one["id"]
                order.occurred_at = datetime.fromisoformat(one["occurred_at"])
        if order.occurred_at not in self.world.clocks:
            self.problems.append(f"{order.id} by tag occurred at {order.occurred_at}")

    def sell_twice(self) -> None:
        """Five deliveries of one order at the same time."""
        order, evidence = self._order()
        body = self._body(order, evidence, order.amount_minor)
        with ThreadPoolExecutor(5) as pool:
            answers = list(pool.map(lambda _: self.api("POST", "/v1/conversions", body), range(5)))
        for answer in answers:
            if answer.status not in {200, 201}:
                self.problems.append(f"{order.id} of five: {answer.status} {answer.body!r}")
            self._told(order, evidence, answer)

    def _some_order(self, **wanted: object) -> Order | None:
        fitting = [
            order
            for order in self.orders
            if order.conversion and all(getattr(order, name) == value for name, value in wanted.items())
        ]
        return self.random.choice(fitting) if fitting else None

    def repeat(self) -> None:
        """A delivery comes again, today or months later."""
        order = self._some_order(from_browser=False)
        if order:
            evidence = Evidence(next(self.world.sequence), self.now)
            if self._tell(order, evidence, order.amount_minor).status != 200:
                self.problems.append(f"{order.id} was told again and is not known")

    def contradict(self) -> None:
        """The same order with another amount is refused."""
        order = self._some_order(from_browser=False)
        if order:
            body = self._body(order, Evidence(0, self.now), order.amount_minor + 1)
            answer = self.api("POST", "/v1/conversions", body)
            if answer.status != 409:
                self.problems.append(f"{order.id} with another amount got {answer.status}")

    def add_evidence(self) -> None:
        """The shop learns more of an order, and tells it again."""
        order = self._some_order(from_browser=False)
        if order and self.now - order.occurred_at < timedelta(days=3):
            self._tell(order, self._evidence(), order.amount_minor)

    def confirm(self) -> None:
        """The server tells what the browser told, perhaps with other figures: those stand from then on."""
        browsers = [o for o in self.orders if o.from_browser and o.acknowledged]
        if not browsers:
            return
        order = self.random.choice(browsers)
        if order.confirmed_minor is None:
            order.confirmed_minor = self.random.choice([order.amount_minor, order.amount_minor + 137])
        body = self._body(order, Evidence(0, self.now), order.confirmed_minor)
        del body["occurred_at"]
        answer = self.api("POST", "/v1/conversions", body)
        if answer.status != 200:
            self.problems.append(f"{order.id} is confirmed and got {answer.status} {answer.body!r}")
        order.conversion = answer.json["id"]

    def adjust(self) -> None:
        """A refund, a void, a rejection or an approval; told once, twice, or again by mistake."""
        order = self._some_order()
        if order is None:
            return
        kind = self.random.choice(["refund", "refund", "refund", "void", "reject", "approve"])
        amount = None
        if kind == "refund" and order.amount_minor and self.random.random() < 0.8:
            amount = self.random.randrange(1, max(2, order.amount_minor))
        name = f"a{len(order.adjustments)}"
        body = {"id": name, "kind": kind, "reason": "=cmd|' /C calc'!A0"} | (
            {"amount": amount} if amount else {}
        )
        path = f"/v1/conversions/{order.conversion}/adjustments"
        times = self.random.choice([1, 1, 2])
        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(lambda _: self.api("POST", path, body), range(times)))
        statuses = {answer.status for answer in answers}
        if statuses <= {200, 201}:
            order.adjustments[name] = (kind, amount)
        elif len(statuses) > 1 or not statuses <= {409, 422}:
            self.problems.append(f"{order.id} {body}: {statuses}")

    def refund_early(self) -> None:
        """A refund overtakes its order."""
        order, evidence = self._order()
        amount = max(order.amount_minor // 3, 1) if order.amount_minor else None
        more = {"status": "refunded", "adjustment_id": "early"}
        kept, order.amount_minor = order.amount_minor, amount or 0
        if amount:
            self._postback(order, evidence, **more)
            order.adjustments["early"] = ("refund", amount)
        order.amount_minor = kept
        self._tell(order, evidence, order.amount_minor)

    def identify(self) -> None:
        """A customer logs in on a device."""
        visitors = [visitor for visitor in self.visitors if visitor.clicks]
        if not visitors:
            return
        visitor, customer = self.random.choice(visitors), f"c{self.random.randrange(4)}"
        last, sequence = visitor.clicks[-1], next(self.world.sequence)
        body = {"program": self.id, "customer_id": customer, "click_id": last.token}
        answer = self.api("POST", "/v1/identities", body)
        if answer.status not in {200, 201, 204}:
            self.problems.append(f"{self.id} identify: {answer.status} {answer.body!r}")
        self.logins.setdefault(customer, []).append(Login(visitor, sequence, self.now))

    def give_bonus(self) -> None:
        """Somebody books by hand, and presses the button twice."""
        name = f"bonus-{len(self.bonuses)}"
        partner, amount = self.random.choice([*self.codes]), self.random.randrange(1, 5000)
        body = {
            "id": name,
            "partner": partner,
            "kind": "bonus",
            "amount": amount,
            "currency": self.currency,
            "reason": "well done",
        }
        for _ in range(2):
            answer = self.api("POST", f"/v1/programs/{self.id}/entries", body)
            if answer.status not in {200, 201}:
                self.problems.append(f"{self.id} {name}: {answer.status} {answer.body!r}")
        self.bonuses[name] = (partner, amount)

    def erase(self) -> None:
        """Every customer of whom an order told asks to be forgotten."""
        for customer in sorted({e.customer for o in self.orders for e in o.evidence if e.customer}):
            self.api("POST", "/v1/erasures", {"program": self.id, "customer_id": customer})
            self.erased.add(customer)

    def pay(self, month: str) -> None:
        """The batch of a published month was paid; told twice."""
        body = {"id": f"paid-{month}", "month": month}
        for _ in range(2):
            answer = self.api("POST", f"/v1/programs/{self.id}/payouts", body)
            if answer.status in {200, 201}:
                self.paid_months.add(month)
            elif answer.status not in {404, 409}:
                self.problems.append(f"{self.id} pay {month}: {answer.status} {answer.body!r}")

    def _major(self, amount_minor: int) -> str:
        digits = CURRENCIES[self.currency]
        text = str(amount_minor).rjust(digits + 1, "0")
        return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
