"""Every route that the served OpenAPI document describes, called with somebody else's ids.

A stranger's id must do what an id does that nobody has: the same status and the same bytes, on every route
and for every caller, and afterwards nothing is changed. A new route is walked without being named here;
where it needs a field that this walk has no value for, the walk fails and says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any

import pytest

from tests.contract.outside import NOVEMBER_10, Answer, Shop, Stack, path_part

PATH_PARAMETER = re.compile(r"\{(\w+)\}")
TERMS = {"commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1}]}
NO_TENANTS = {
    "limit",
    "cursor",
    "format",
    "state",
    "from",
    "to",
    "by",
    "kind",
    "event",
    "month",
    "source",
    "decision",
}
"""Query parameters that name nobody."""


@dataclass(frozen=True)
class Names:
    """What a tenant's things are called: in paths and queries, and in bodies."""

    program: str
    partner: str
    code: str
    click: str
    conversion: str
    secret: str
    job: str
    key: str
    coupon: str
    checkup: str
    webhook: str
    delivery: str
    application: str

    def in_path(self, name: str) -> str:
        values = {"erasure": self.job, "source": "shopify", "month": "2026-11"}
        value = values.get(name) or getattr(self, name, None)
        assert value, f"teach the walk what stands for {{{name}}} in a path"
        return path_part(value)

    def in_body(self, name: str, conversion: dict[str, Any]) -> Any:
        values = {
            "program": self.program,
            "partner": self.partner,
            "click_id": self.click,
            "clickId": self.click,
            "code": self.coupon,
            "id": self.partner,
            "conversion": self.conversion,
            "conversions": [conversion],
            "month": "2026-11",
            "terms": TERMS,
            "commissions": TERMS["commissions"],
            "order_id": "stolen-1",
            "event": "sale",
            "amount": 100,
            "currency": "EUR",
            "kind": "bonus",
            "reason": "stolen",
            "verdict": "bot",
            "decision": "reject",
            "finding": "robots.2026-11",
            "customer_id": "customer-1",
            "customerExternalId": "customer-1",
            "eventName": "sale",
            "scopes": ["merchant"],
            "accounts": [],
            "name": "Mallory",
            "email": "mallory@example.com",
            "domains": ["mallory.example"],
            "consent": "granted",
            "source": "shopify",
            "secret": "s" * 32,
            "url": "https://hooks.example.com/",
            "from": "2026-11-01",
            "to": "2026-11-30",
            "csv": f"partner,order_id,amount\n{self.partner},stolen-2,1.00\n",
        }
        assert name in values, f"teach the walk a value for the field {name}"
        return values[name]


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    described: dict[str, Any]
    schemas: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def requests(self, names: Names) -> Iterator[tuple[str, Any]]:
        """Path and body of each way to name the tenant: with every choice of query parameters."""
        path = PATH_PARAMETER.sub(lambda match: names.in_path(match[1]), self.path)
        told = [p["name"] for p in self.described["parameters"] if p["in"] == "query"]
        naming = [name for name in told if name not in NO_TENANTS]
        body = self.body(names)
        for chosen in chain.from_iterable(combinations(naming, n) for n in range(len(naming) + 1)):
            query = "&".join(f"{name}={names.in_path(name)}" for name in chosen)
            yield path + (f"?{query}" if query else ""), body

    def body(self, names: Names) -> Any:
        if "requestBody" not in self.described:
            return None
        media = self.described["requestBody"]["content"]["application/json"]["schema"]
        schema = self.schemas[media["$ref"].rpartition("/")[2]]
        wanted = set(schema.get("required", ())) | ({"program", "partner", "csv"} & set(schema["properties"]))
        order = {"program": names.program, "event": "sale", "order_id": "s", "amount": 1, "currency": "EUR"}
        body = {name: names.in_body(name, order) for name in wanted}
        if self.path.endswith("/adjustments"):
            body["kind"] = "refund"
        if self.path == "/v1/reconciliations":
            body["kind"] = "partner"
        if self.path == "/v1/reviews":
            body["conversions"] = [names.conversion]
        if self.path == "/v1/partners":
            body["id"] = names.partner
        return body


def operations(stack: Stack) -> list[Operation]:
    """What the document describes and a key is needed for."""
    document = stack.http("GET", "/v1/openapi.json").expect(200).json
    return [
        Operation(method.upper(), path, described, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, described in methods.items()
        if described.get("security")
    ]


@dataclass(frozen=True)
class Tenants:
    """A program of the caller's, another one, and the names of both one's things and nobody's."""

    here: Shop
    there: Shop
    own: Names
    theirs: Names
    nobodys: Names

    @property
    def tells(self) -> set[bytes]:
        """What no answer to anybody else may hold."""
        theirs = self.theirs
        return {
            text.encode()
            for text in (
                theirs.code,
                theirs.conversion,
                theirs.secret,
                theirs.job,
                theirs.checkup,
                theirs.webhook,
                theirs.application,
            )
        }


def names_of(stack: Stack, shop: Shop) -> Names:
    partner = shop.partner()
    shop.coupon(partner, f"SAVE-{shop.id}").expect(201)
    click = shop.clicked(partner)
    started = stack.api(
        "POST", "/v1/reconciliations", {"program": shop.id, "csv": "order_id,amount,currency\nx,1.00,EUR\n"}
    ).expect(202)
    hook = {"program": shop.id, "url": "http://127.0.0.1:9/hook"}
    webhook = stack.api("POST", "/v1/webhooks", hook).expect(201).json["id"]
    delivery = stack.api("POST", f"/v1/webhooks/{webhook}/test", {}).expect(202).json["id"]
    applicant = {"name": "Eve", "email": f"eve@{shop.id}.example"}
    applied = stack.api("POST", f"/v1/programs/{shop.id}/applications", applicant).expect(201).json
    return Names(
        program=shop.id,
        partner=partner.id,
        code=partner.code,
        click=click,
        conversion=shop.sell(click_id=click),
        secret=stack.api("POST", f"/v1/programs/{shop.id}/secrets", {}).expect(201).json["id"],
        job=started.json["job"],
        key=merchant_key(stack, shop)[0],
        coupon=f"SAVE-{shop.id}",
        checkup=stack.api("POST", f"/v1/programs/{shop.id}/doctor", {"walk": False}).expect(202).json["id"],
        webhook=webhook,
        delivery=delivery,
        application=applied["id"],
    )


def merchant_key(stack: Stack, shop: Shop) -> tuple[str, str]:
    made = stack.api("POST", "/v1/keys", {"scopes": ["merchant"], "program": shop.id}).expect(201).json
    return made["id"], made["key"]


def partner_key(stack: Stack, partner: str, **bound: str) -> str:
    body = {"scopes": ["partner"], "partner": partner, **bound}
    return str(stack.api("POST", "/v1/keys", body).expect(201).json["key"])


@pytest.fixture(scope="module")
def tenants(running_stack: Stack) -> Tenants:
    stack = running_stack
    stack.at(NOVEMBER_10)
    here, there = Shop(stack), Shop(stack)
    own, theirs = names_of(stack, here), names_of(stack, there)
    stack.reconcile()  # What is told later than it is looked at is no leak.
    nobodys = Names(
        program="shop0-000000",
        partner="nobody-shop0-000000",
        code="zzzzzzzz",
        click=theirs.click[:-2] + ("AA" if theirs.click[-2:] != "AA" else "BA"),
        conversion="cnv_" + "a" * (len(theirs.conversion) - 4),
        secret="sec_" + "a" * (len(theirs.secret) - 4),
        job="job_" + "a" * (len(theirs.job) - 4),
        key="key_" + "a" * (len(theirs.key) - 4),
        coupon="SAVE-shop0-000000",
        checkup="chk_" + "a" * (len(theirs.checkup) - 4),
        webhook="whk_" + "a" * (len(theirs.webhook) - 4),
        delivery="dlv_" + "a" * (len(theirs.delivery) - 4),
        application="apl_" + "a" * (len(theirs.application) - 4),
    )
    return Tenants(here, there, own, theirs, nobodys)


def snapshot(stack: Stack, tenants: Tenants) -> list[bytes]:
    """All that an administrator reads about the other tenant."""
    theirs = tenants.theirs
    paths = [
        f"/v1/programs/{theirs.program}",
        f"/v1/programs/{theirs.program}/terms",
        f"/v1/programs/{theirs.program}/secrets",
        f"/v1/programs/{theirs.program}/enrollments",
        f"/v1/programs/{theirs.program}/applications",
        f"/v1/programs/{theirs.program}/payout-settings",
        f"/v1/partners/{theirs.partner}",
        f"/v1/partners/{theirs.partner}/payout",
        f"/v1/links?program={theirs.program}",
        f"/v1/links/{theirs.code}/history",
        f"/v1/coupons?program={theirs.program}",
        f"/v1/clicks/{theirs.click}",
        f"/v1/conversions?program={theirs.program}",
        f"/v1/conversions/{theirs.conversion}/receipt",
    ]
    return [stack.api("GET", path).expect(200).body for path in paths]


def told(answer: Answer, names: Names) -> bytes:
    """The answer without the names that the caller gave itself."""
    body = answer.body
    for name in sorted((names.program, names.partner, names.code, names.coupon), key=len, reverse=True):
        body = body.replace(name.encode(), b"?")
    return body


def walk(stack: Stack, tenants: Tenants, key: str, strangers: Names, nobodys: Names) -> list[str]:
    """What is wrong with the answers to this caller."""
    wrong = []
    for operation in operations(stack):
        asked = zip(operation.requests(strangers), operation.requests(nobodys), strict=True)
        for (path, body), (missing_path, missing_body) in asked:
            answer = stack.api(operation.method, path, body, key=key)
            if str(operation) == "POST /v1/partners":
                assert answer.status in {403, 409}, "a taken id stays taken, nobody's would be given"
                continue
            missing = stack.api(operation.method, missing_path, missing_body, key=key)
            alike = (answer.status, told(answer, strangers)) == (missing.status, told(missing, nobodys))
            if not alike or answer.status >= 500 or any(text in answer.body for text in tenants.tells):
                wrong.append(f"{operation.method} {path} {body}: {answer}, but of nobody's {missing}")
    return wrong


def test_a_merchant_meets_another_program_nowhere(stack, tenants):
    before = snapshot(stack, tenants)
    _, key = merchant_key(stack, tenants.here)
    assert walk(stack, tenants, key, tenants.theirs, tenants.nobodys) == []
    assert snapshot(stack, tenants) == before


@pytest.mark.parametrize("bound", [True, False], ids=["of one program", "of any program"])
def test_a_partner_meets_a_program_that_it_is_not_in_nowhere(stack, tenants, bound):
    before = snapshot(stack, tenants)
    key = partner_key(stack, tenants.own.partner, **({"program": tenants.here.id} if bound else {}))
    assert walk(stack, tenants, key, tenants.theirs, tenants.nobodys) == []
    assert snapshot(stack, tenants) == before


def test_a_partner_meets_another_partner_of_its_program_nowhere(stack, tenants):
    ben = tenants.there.partner("ben")
    before = snapshot(stack, tenants)
    nobodys = Names(**{**vars_of(tenants.nobodys), "program": tenants.there.id})
    key = partner_key(stack, ben.id, program=tenants.there.id)
    assert walk(stack, tenants, key, tenants.theirs, nobodys) == []
    assert snapshot(stack, tenants) == before


def vars_of(names: Names) -> dict[str, str]:
    return {name: getattr(names, name) for name in Names.__dataclass_fields__}


def test_a_withdrawn_key_opens_nothing(stack, tenants):
    id, key = merchant_key(stack, tenants.here)
    stack.api("DELETE", f"/v1/keys/{id}").expect(204)
    for operation in operations(stack):
        for path, body in operation.requests(tenants.own):
            stack.api(operation.method, path, body, key=key).refused(401)


def test_what_a_caller_may_not_set_is_refused(stack, tenants):
    _, key = merchant_key(stack, tenants.here)
    grabbed = {
        "owner": tenants.there.id,
        "created_at": NOVEMBER_10,
        "postback_token": "mine",
        "shards": 1,
        "version": 9,
        "state": "approved",
        "outcome": "recorded",
        "confirmed": True,
        "trusted": True,
        "method": "pixel",
    }
    for operation in operations(stack):
        body = operation.body(tenants.own)
        if body is None or "merchant" not in operation.described["x-scopes"]:
            continue
        path = next(operation.requests(tenants.own))[0]
        schema = str(operation.described["requestBody"])
        for field, value in grabbed.items():
            if field in known_fields(operation, schema):
                continue
            answer = stack.api(operation.method, path, {**body, field: value}, key=key)
            assert answer.refused(422) == "field_unknown", (str(operation), field)


def known_fields(operation: Operation, described: str) -> set[str]:
    name = re.search(r"#/components/schemas/(\w+)", described)
    assert name
    return set(operation.schemas[name[1]]["properties"])
