"""The uploaded zip behind the uploaded Swagger behind edge.yaml, asked as browsers and shops ask."""

import base64
import hashlib
import hmac
import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from moto.awslambda.models import lambda_backends
from moto.core import DEFAULT_ACCOUNT_ID

from infra.account import Account
from infra.build_zip import Package
from infra.deploy import run
from infra.deployment import Deployment
from infra.project import ROOT
from infra.rehearsal import Deployed, header
from local import template
from local.engine import Engine
from local.gateway import Answer, Request
from tests.infra import moto_account
from tests.infra.api_gateway import ApiGateway
from tests.infra.cloudfront import CloudFront, Unknown, Visit

STAGE, PREFIX, REGION = "front", "linkledger-front", "eu-west-1"
DOMAIN = "go.brand.example"
EDGE = template.load(ROOT / "infra" / "edge.yaml")
CHROME = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Encoding": "gzip, br",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}


@dataclass
class Uploaded:
    """What a deployment left in the account: the code, the API's description and answers, the variables."""

    code: bytes
    swagger: dict[str, Any]
    answers: dict[str, Any]
    variables: dict[str, str]


@pytest.fixture(scope="module")
def uploaded(tmp_path_factory: pytest.TempPathFactory) -> Uploaded:
    """A stage is deployed to the stand-in account, and taken out of it again as bytes."""
    with moto_account.account() as url, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        account = Account()
        target = Deployment(STAGE, account, {}, tmp_path_factory.mktemp("build"), say=[].append)
        run(target, ("check", "base", "keys", "app", "settings"))
        answers = account.client("apigateway").get_gateway_responses(restApiId=target.live().api)["items"]
        function = lambda_backends[DEFAULT_ACCOUNT_ID][REGION].get_function(PREFIX)
        variables = account.client("lambda").get_function_configuration(FunctionName=PREFIX)
        return Uploaded(
            function.code_bytes,
            moto_account.IMPORTED[-1],
            {one["responseType"]: one for one in answers},
            variables["Environment"]["Variables"],
        )


Check = Callable[["Outside"], None]


class Outside:
    """The whole way in: CloudFront, API Gateway, and the function in a process of its own."""

    def __init__(self, uploaded: Uploaded, deployed: Deployed, edge: Mapping[str, Any] = EDGE) -> None:
        assert deployed.api is not None
        self.deployed = deployed
        self.gateway = ApiGateway(uploaded.swagger, uploaded.answers, "api", deployed.api.invoke)
        parameters = {
            "Prefix": PREFIX,
            "Domain": DOMAIN,
            "Certificate": f"arn:aws:acm:us-east-1:{DEFAULT_ACCOUNT_ID}:certificate/1",
            "Origin": f"api.execute-api.{REGION}.amazonaws.com",
            "OriginSecret": uploaded.variables["ORIGIN_SECRET"],
        }
        self.edge = CloudFront(edge, parameters, self.gateway.ask)

    def visit(self, method: str, path: str, headers: Mapping[str, str] = CHROME, **more: Any) -> Answer:
        """Ask CloudFront over HTTPS."""
        return self.edge.visit(Visit(method, f"https://{DOMAIN}{path}", tuple(headers.items()), **more))

    def follow(self, headers: Mapping[str, str] = CHROME, **more: Any) -> str:
        """Follow the shop's link; the click's token."""
        location = header(self.visit("GET", f"/{self.deployed.code}", headers, **more), "Location")
        return location.partition("ll_click=")[2].partition("&")[0]

    def click(self, token: str) -> dict[str, Any]:
        """The click as it was kept."""
        return dict(self.call("GET", f"/v1/clicks/{token}")[1])

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """A JSON call through CloudFront, by the administrator where no headers are given."""
        given = headers or {"Authorization": f"Bearer {self.deployed.admin_key}"}
        sent = {name.replace("_", "-"): value for name, value in given.items()}
        text = b"" if body is None else json.dumps(body).encode()
        answer = self.visit(method, path, {"Content-Type": "application/json", **sent}, body=text)
        assert header(answer, "Content-Type") == "application/json", answer
        return answer.status, json.loads(answer.body)

    def reached(self, name: str) -> str | None:
        """What the last request that reached the API said in this header."""
        return dict(self.edge.asked[-1].headers).get(name)


def a_sale(**fields: Any) -> dict[str, Any]:
    """A sale of 50 EUR with an order number that nobody had."""
    return {
        "program": "acme",
        "event": "sale",
        "order_id": f"order-{next(_orders)}",
        "amount": 5000,
        "currency": "EUR",
        **fields,
    }


_orders = count(1)


def a_link_leads_on(out: Outside) -> None:
    answer = out.visit("GET", f"/{out.deployed.code}?utm_source=news")
    assert answer.status == 302
    assert header(answer, "Location").startswith("https://shop.example.com/")
    assert "utm_source=news" in header(answer, "Location")
    assert header(answer, "Set-Cookie").startswith("ll_id=")
    assert header(answer, "Cache-Control") == "no-store"


def a_link_is_followed_anew_each_time(out: Outside) -> None:
    assert out.follow() != out.follow()


def a_visitor_with_a_cookie_stays_the_same(out: Outside) -> None:
    cookie = header(out.visit("GET", f"/{out.deployed.code}"), "Set-Cookie").partition(";")[0]
    assert cookie.startswith("ll_id=")
    answer = out.visit("GET", f"/{out.deployed.code}", {**CHROME, "Cookie": cookie})
    assert header(answer, "Set-Cookie").partition(";")[0] == cookie


def a_click_knows_its_country_and_device(out: Outside) -> None:
    click = out.click(out.follow(country="JP"))
    assert (click["country"], click["verdict"], click["device"]) == ("JP", "human", "desktop")


def a_country_that_the_viewer_claims_is_not_believed(out: Outside) -> None:
    claimed = {**CHROME, "CloudFront-Viewer-Country": "CH", "x-linkledger-origin": "guessed"}
    assert out.click(out.follow(claimed, country="JP"))["country"] == "JP"


def an_older_prefetch_leaves_no_cookie(out: Outside) -> None:
    answer = out.visit("GET", f"/{out.deployed.code}", {**CHROME, "X-Moz": "prefetch"})
    assert header(answer, "Set-Cookie") == ""


def head_leads_on_without_a_body_or_cookie(out: Outside) -> None:
    answer = out.visit("HEAD", f"/{out.deployed.code}")
    assert (answer.status, answer.body, header(answer, "Set-Cookie")) == (302, b"", "")


def a_picture_that_accepts_nothing_is_a_picture(out: Outside) -> None:
    query = urlencode({**a_sale(amount="50.00"), "click_id": out.follow()})
    agent = {"User-Agent": CHROME["User-Agent"], "Sec-Fetch-Dest": "image"}
    answer = out.visit("GET", f"/p.gif?{query}", agent)
    assert (answer.status, header(answer, "Content-Type")) == (200, "image/gif")
    assert (len(answer.body), answer.body[:6]) == (43, b"GIF89a")


def a_caller_with_a_key_gets_through(out: Outside) -> None:
    sale = a_sale(click_id=out.follow())
    status, made = out.call("POST", "/v1/conversions", sale)
    assert status == 201
    assert out.call("GET", f"/v1/conversions/{made['id']}")[1]["order_id"] == sale["order_id"]
    assert out.call("GET", "/v1/conversions?program=acme&limit=1")[1]["next_cursor"]


def a_signature_over_headers_and_body_holds(out: Outside) -> None:
    secret = out.call("POST", "/v1/programs/acme/secrets", {})[1]["secret"]
    sale, at = a_sale(), str(int(time.time()))
    signed = f"msg_1.{at}.{json.dumps(sale)}".encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    names = {"webhook_id": "msg_1", "webhook_timestamp": at, "webhook_signature": f"v1,{signature}"}
    assert out.call("POST", "/v1/conversions", sale, **names)[0] == 201


def a_postback_is_answered_in_its_own_way(out: Outside) -> None:
    token = out.call("GET", "/v1/programs/acme")[1]["postback_token"]
    query = urlencode({**a_sale(amount="50.00"), "token": token, "click_id": out.follow()})
    answer = out.visit("GET", f"/postback/acme?{query}", {})
    assert (answer.status, answer.body) == (200, b"OK")


def the_tag_may_tell_from_any_shop(out: Outside) -> None:
    asked = {"Origin": "https://shop.example.com", "Access-Control-Request-Method": "POST"}
    assert header(out.visit("OPTIONS", "/v1/collect", asked), "Access-Control-Allow-Origin")
    told = json.dumps({"program": "acme", "type": "view"}).encode()
    beacon = {"Origin": "https://shop.example.com", "Content-Type": "text/plain;charset=UTF-8"}
    assert out.visit("POST", "/v1/collect", beacon | {"User-Agent": "x"}, body=told).status == 202


def the_tag_is_kept_and_nothing_is_lost(out: Outside) -> None:
    first, second = out.visit("GET", "/tag.js"), out.visit("GET", "/tag.js")
    assert first.body.strip() == second.body.strip() != b""
    assert "javascript" in header(second, "Content-Type")
    assert header(second, "X-Cache") == "Hit from cloudfront"


def qr_codes_are_kept_by_their_looks(out: Outside) -> None:
    path = f"/qr/{out.deployed.code}.png"
    small, large = out.visit("GET", f"{path}?size=120"), out.visit("GET", f"{path}?size=600")
    assert small.body[:8] == large.body[:8] == b"\x89PNG\r\n\x1a\n"
    assert len(large.body) > len(small.body)
    again = out.visit("GET", f"{path}?size=120&utm_source=x")
    assert (header(again, "X-Cache"), again.body) == ("Hit from cloudfront", small.body)


def a_code_that_comes_later_is_found_at_once(out: Outside) -> None:
    code = f"later-{next(_orders)}"
    assert out.visit("GET", f"/{code}").status == 404
    assert out.call("POST", "/v1/links", {"program": "acme", "partner": "ada", "code": code})[0] == 201
    assert out.visit("GET", f"/{code}").status == 302


def a_route_that_is_not_there_is_refused_in_our_shape(out: Outside) -> None:
    status, body = out.call("GET", "/v1/no/such/route")
    assert (status, body["error"]["code"]) == (403, "no_such_route")


def a_refusal_of_ours_gets_through(out: Outside) -> None:
    status, body = out.call("POST", "/v1/conversions", a_sale(), Authorization="Bearer nobody")
    assert (status, body["error"]["code"]) == (401, "unauthenticated")


def the_viewer_is_told_by_the_edge_alone(out: Outside) -> None:
    lies = {**CHROME, "X-Linkledger-Viewer": "192.0.2.66", "CloudFront-Viewer-Address": "192.0.2.66:1"}
    for path in (f"/{out.deployed.code}", "/v1/openapi.json"):
        out.visit("GET", path, lies, address="198.51.100.20")
        assert out.reached("x-linkledger-viewer") == "198.51.100.20"
        assert "192.0.2.66" not in str(out.reached("cloudfront-viewer-address"))


def browsers_are_kept_to_https(out: Outside) -> None:
    plain = out.edge.visit(Visit("GET", f"http://{DOMAIN}/{out.deployed.code}"))
    assert (plain.status, header(plain, "Location")) == (301, f"https://{DOMAIN}/{out.deployed.code}")
    assert out.edge.visit(Visit("POST", f"http://{DOMAIN}/v1/conversions", body=b"{}")).status == 403
    answer = out.visit("GET", f"/{out.deployed.code}")
    assert header(answer, "Strict-Transport-Security").startswith("max-age=31536000")
    assert header(answer, "X-Content-Type-Options") == "nosniff"


CHECKS = (
    a_link_leads_on,
    a_link_is_followed_anew_each_time,
    a_visitor_with_a_cookie_stays_the_same,
    a_click_knows_its_country_and_device,
    a_country_that_the_viewer_claims_is_not_believed,
    an_older_prefetch_leaves_no_cookie,
    head_leads_on_without_a_body_or_cookie,
    a_picture_that_accepts_nothing_is_a_picture,
    a_caller_with_a_key_gets_through,
    a_signature_over_headers_and_body_holds,
    a_postback_is_answered_in_its_own_way,
    the_tag_may_tell_from_any_shop,
    the_tag_is_kept_and_nothing_is_lost,
    qr_codes_are_kept_by_their_looks,
    a_code_that_comes_later_is_found_at_once,
    a_route_that_is_not_there_is_refused_in_our_shape,
    a_refusal_of_ours_gets_through,
    the_viewer_is_told_by_the_edge_alone,
    browsers_are_kept_to_https,
)


@pytest.fixture(scope="module")
def deployed(
    uploaded: Uploaded, tmp_path_factory: pytest.TempPathFactory, engine: Engine, ric: Path, package: Package
) -> Iterator[Deployed]:
    """The uploaded code, unpacked and running with a stage of the engine behind it."""
    folder = tmp_path_factory.mktemp("uploaded")
    with zipfile.ZipFile(io.BytesIO(uploaded.code)) as archive:
        archive.extractall(folder)
    stage = Deployed(package, folder, ric, engine)
    stage.environment["ORIGIN_SECRET"] = uploaded.variables["ORIGIN_SECRET"]
    with stage.function("APIHandler") as api:
        stage.api = api
        stage.open_shop()
        yield stage


def test_every_uploaded_route_leads_to_the_uploaded_function(uploaded: Uploaded, deployed: Deployed) -> None:
    assert Outside(uploaded, deployed).gateway.functions() == {PREFIX}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_from_outside(check: Check, uploaded: Uploaded, deployed: Deployed) -> None:
    check(Outside(uploaded, deployed))


def test_whoever_goes_around_the_edge_is_not_believed(uploaded: Uploaded, deployed: Deployed) -> None:
    out = Outside(uploaded, deployed)
    headers = (*CHROME.items(), ("CloudFront-Viewer-Country", "CH"), ("Host", "api.example.com"))
    answer = out.gateway.ask(Request("GET", f"/api/{deployed.code}", headers, b"", "192.0.2.1"))
    token = header(answer, "Location").partition("ll_click=")[2].partition("&")[0]
    assert out.click(token)["country"] is None


def _behavior(edge: dict[str, Any], pattern: str) -> dict[str, Any]:
    config = edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
    found: dict[str, Any] = next(one for one in config["CacheBehaviors"] if one["PathPattern"] == pattern)
    return found


def _config(edge: dict[str, Any]) -> Any:
    return edge["Resources"]["Distribution"]["Properties"]["DistributionConfig"]


def _headers(edge: dict[str, Any]) -> Any:
    return edge["Resources"]["LinkHeaders"]["Properties"]["OriginRequestPolicyConfig"]["HeadersConfig"][
        "Headers"
    ]


def _cache(edge: dict[str, Any]) -> Any:
    return edge["Resources"]["StaticCache"]["Properties"]["CachePolicyConfig"]


def _keep_links(edge: dict[str, Any]) -> None:
    _config(edge)["DefaultCacheBehavior"]["CachePolicyId"] = {"Ref": "StaticCache"}
    _cache(edge)["MinTTL"] = 1


EDGE_FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], Check]] = {
    "links are kept a second": (_keep_links, a_link_is_followed_anew_each_time),
    "links lose the country": (
        lambda edge: _headers(edge).remove("CloudFront-Viewer-Country"),
        a_click_knows_its_country_and_device,
    ),
    "links lose the browser": (
        lambda edge: _headers(edge).remove("User-Agent"),
        a_click_knows_its_country_and_device,
    ),
    "links lose cookies": (
        lambda edge: _config(edge)["DefaultCacheBehavior"].pop("OriginRequestPolicyId"),
        a_visitor_with_a_cookie_stays_the_same,
    ),
    "the origin's secret is not sent": (
        lambda edge: _config(edge)["Origins"][0].pop("OriginCustomHeaders"),
        a_click_knows_its_country_and_device,
    ),
    "links have no function": (
        lambda edge: _config(edge)["DefaultCacheBehavior"].pop("FunctionAssociations"),
        an_older_prefetch_leaves_no_cookie,
    ),
    "calls have no function": (
        lambda edge: _behavior(edge, "/v1/*").pop("FunctionAssociations"),
        the_viewer_is_told_by_the_edge_alone,
    ),
    "calls pass only what links pass": (
        lambda edge: _behavior(edge, "/v1/*").update(OriginRequestPolicyId={"Ref": "LinkHeaders"}),
        a_caller_with_a_key_gets_through,
    ),
    "calls are treated as links": (
        lambda edge: _config(edge)["CacheBehaviors"].remove(_behavior(edge, "/v1/*")),
        a_signature_over_headers_and_body_holds,
    ),
    "postbacks pass nothing": (
        lambda edge: _behavior(edge, "/postback/*").pop("OriginRequestPolicyId"),
        a_postback_is_answered_in_its_own_way,
    ),
    "the tag is not kept": (
        lambda edge: _cache(edge).update(MaxTTL=0),
        the_tag_is_kept_and_nothing_is_lost,
    ),
    "a QR code's looks are no part of its key": (
        lambda edge: _cache(edge)["ParametersInCacheKeyAndForwardedToOrigin"].update(
            QueryStringsConfig={"QueryStringBehavior": "none"}
        ),
        qr_codes_are_kept_by_their_looks,
    ),
    "failures are kept for ten seconds": (
        lambda edge: _config(edge).update(CustomErrorResponses=[]),
        a_code_that_comes_later_is_found_at_once,
    ),
    "plain HTTP goes on": (
        lambda edge: _behavior(edge, "/v1/*").update(ViewerProtocolPolicy="redirect-to-https"),
        browsers_are_kept_to_https,
    ),
}


@pytest.mark.parametrize("name", EDGE_FAULTS)
def test_a_fault_of_the_edge_is_noticed(name: str, uploaded: Uploaded, deployed: Deployed) -> None:
    plant, check = EDGE_FAULTS[name]
    planted = deepcopy(EDGE)
    plant(planted)
    with pytest.raises((AssertionError, KeyError)):
        check(Outside(uploaded, deployed, planted))


@pytest.mark.parametrize("name", ["OriginShield", "GeoRestriction"])
def test_a_setting_that_the_stand_in_does_not_know_is_noticed(
    name: str, uploaded: Uploaded, deployed: Deployed
) -> None:
    planted = deepcopy(EDGE)
    _config(planted)[name] = True
    with pytest.raises(Unknown, match=name):
        Outside(uploaded, deployed, planted)


def _no_binary(told: Uploaded) -> None:
    del told.swagger["x-amazon-apigateway-binary-media-types"]


def _no_head(told: Uploaded) -> None:
    del told.swagger["paths"]["/{code}"]["head"]


def _no_answers(told: Uploaded) -> None:
    told.answers.clear()


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (_no_binary, a_picture_that_accepts_nothing_is_a_picture),
        (_no_head, head_leads_on_without_a_body_or_cookie),
        (_no_answers, a_route_that_is_not_there_is_refused_in_our_shape),
    ],
)
def test_a_fault_of_the_api_is_noticed(
    plant: Callable[[Uploaded], None], check: Check, uploaded: Uploaded, deployed: Deployed
) -> None:
    planted = deepcopy(uploaded)
    plant(planted)
    with pytest.raises((AssertionError, KeyError)):
        check(Outside(planted, deployed))
