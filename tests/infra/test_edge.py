"""The edge caches nothing that changes, and sends on what the app reads."""

from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any

import pytest

import app
from chalicelib.services.clicks import ORIGIN_HEADER
from chalicelib.services.qr import parse_style
from infra.edges import stack_name
from infra.project import ROOT
from local import template

EDGE = template.load(ROOT / "infra" / "edge.yaml")
RESOURCES = EDGE["Resources"]
CONFIG = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
NO_CACHE, ALL_BUT_HOST = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "b689b0a8-53d0-40ab-baf2-68738e2966ac"
STATIC = {"/tag.js", "/qr/*", "/assets/*"}
READ_BY_LINKS = {
    *("user-agent", "referer", "sec-fetch-dest", "sec-fetch-mode", "sec-purpose", "purpose", "sec-gpc"),
    *("cloudfront-viewer-country", "cloudfront-viewer-asn", "x-linkledger-viewer"),
}


def behavior(path: str, config: dict[str, Any] = CONFIG) -> dict[str, Any]:
    """What CloudFront does with the path: the first pattern that fits, or the default."""
    fitting = (one for one in config["CacheBehaviors"] if fnmatchcase(path, one["PathPattern"]))
    found: dict[str, Any] = next(fitting, config["DefaultCacheBehavior"])
    return found


def faults(config: dict[str, Any]) -> Iterator[str]:
    """What would break a route or keep an answer too long."""
    for route, methods in app.app.routes.items():
        chosen = behavior(route.replace("{", "x").replace("}", "x"), config)
        static = chosen.get("PathPattern") in STATIC
        if not static and chosen["CachePolicyId"] != NO_CACHE:
            yield f"{route} is cached"
        if missing := set(methods) - set(chosen["AllowedMethods"]):
            yield f"{route} lacks {missing}"
        public = route in {"/{code}", "/p.gif"} or static
        if not public and chosen.get("OriginRequestPolicyId") != ALL_BUT_HOST:
            yield f"{route} loses headers"
        if not static and not chosen.get("FunctionAssociations"):
            yield f"{route} does not know its viewer"


def test_every_route_gets_through_with_what_it_reads() -> None:
    assert list(faults(CONFIG)) == []


@pytest.mark.parametrize("pattern", ["/v1/*", "/hooks/*", "/postback/*"])
def test_a_route_without_its_behavior_is_noticed(pattern: str) -> None:
    planted = deepcopy(CONFIG)
    planted["CacheBehaviors"] = [one for one in CONFIG["CacheBehaviors"] if one["PathPattern"] != pattern]
    assert any("loses headers" in fault for fault in faults(planted))


def test_a_cached_answer_is_noticed() -> None:
    planted = deepcopy(CONFIG)
    planted["DefaultCacheBehavior"]["CachePolicyId"] = {"Ref": "StaticCache"}
    assert "/{code} is cached" in list(faults(planted))


def test_links_pass_on_what_screening_reads_and_no_more_than_ten() -> None:
    headers = RESOURCES["LinkHeaders"]["Properties"]["OriginRequestPolicyConfig"]["HeadersConfig"]["Headers"]
    assert {header.lower() for header in headers} == READ_BY_LINKS
    assert len(headers) <= 10
    assert "authorization" not in READ_BY_LINKS


def test_older_names_of_a_prefetch_arrive_as_one() -> None:
    code = RESOURCES["LinkViewer"]["Properties"]["FunctionCode"]
    assert "headers['x-purpose'] || headers['x-moz']" in code


def test_a_caller_says_nothing_for_cloudfront() -> None:
    code = RESOURCES["CallViewer"]["Properties"]["FunctionCode"]
    for name in ("cloudfront-viewer-address", "cloudfront-viewer-country", "cloudfront-viewer-asn"):
        assert f"delete headers['{name}']" in code


def test_the_app_learns_that_the_edge_sent_it() -> None:
    [origin] = CONFIG["Origins"]
    [header] = origin["OriginCustomHeaders"]
    assert header == {"HeaderName": ORIGIN_HEADER, "HeaderValue": {"Ref": "OriginSecret"}}
    assert EDGE["Parameters"]["OriginSecret"]["NoEcho"] is True


def test_failures_are_not_kept() -> None:
    kept = {one["ErrorCode"]: one["ErrorCachingMinTTL"] for one in CONFIG["CustomErrorResponses"]}
    assert set(kept.values()) == {0}
    assert {403, 404, 405, 500, 502, 503, 504} <= set(kept)
    cache = RESOURCES["StaticCache"]["Properties"]["CachePolicyConfig"]
    assert (cache["MinTTL"], cache["DefaultTTL"]) == (0, 0)


def test_every_look_of_a_qr_code_is_part_of_its_key() -> None:
    cache = RESOURCES["StaticCache"]["Properties"]["CachePolicyConfig"]
    known = cache["ParametersInCacheKeyAndForwardedToOrigin"]["QueryStringsConfig"]["QueryStrings"]
    looks = {"size": "500", "level": "H", "margin": "6", "color": "101010", "background": "fefefe"}
    assert set(known) == set(looks)
    style = parse_style(looks)
    for name in looks:
        assert parse_style({key: value for key, value in looks.items() if key != name}) != style, name


def test_accesses_are_logged_where_nobody_reads_them_and_go() -> None:
    assert CONFIG["Logging"]["Bucket"] == {"Fn::GetAtt": ["AccessLogs", "DomainName"]}
    logs = RESOURCES["AccessLogs"]["Properties"]
    assert set(logs["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = logs["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"Ref": "LogRetentionDays"}


def test_two_edges_of_a_stage_share_no_name() -> None:
    long = "a-rather-long-name-of-a-host.brand.example"
    domains = ("go.a.com", "go-a.com", f"1{long}", f"2{long}")
    names = {stack_name("linkledger-fourteen-signs", domain) for domain in domains}
    assert len(names) == len(domains)
    assert max(map(len, names)) + len("-link") <= 64
    for name, resource in RESOURCES.items():
        given = resource["Properties"]
        [inner] = [one for key, one in given.items() if key.endswith("PolicyConfig")] or [given]
        if "Name" in inner:
            assert "AWS::StackName" in str(inner["Name"]), name


def test_fifty_requests_a_second_from_one_address_get_through_and_more_with_a_key() -> None:
    parameters = EDGE["Parameters"]
    assert parameters["LimitPerAddress"]["Default"] >= 50 * 300
    assert parameters["LimitWithKey"]["Default"] > parameters["LimitPerAddress"]["Default"]
    rules = {rule["Name"]: rule for rule in RESOURCES["Firewall"]["Properties"]["Rules"]}
    without = rules["without-key"]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
    with_key = rules["with-key"]["Statement"]["RateBasedStatement"]["ScopeDownStatement"]
    assert without == {"NotStatement": {"Statement": with_key}}
    assert {rule["Action"]["Block"]["CustomResponse"]["ResponseCode"] for rule in rules.values()} == {429}
