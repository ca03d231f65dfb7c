"""CloudFront as `infra/edge.yaml` sets it up, in this process: behaviors by path, policies, cache, functions.

Follows what the developer guide says of requests to custom origins: which headers are dropped or replaced
(RequestAndResponseBehaviorCustomOrigin), what policies add, how long what is kept (Expiration), and that the
managed policy AllViewerExceptHostHeader carries no header that CloudFront itself makes. A property of the
template that is not known here raises.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dukpy

from local import template
from local.gateway import Answer, Headers, Request

Origin = Callable[[Request], Answer]

CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_VIEWER_EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
_SET_BY_CLOUDFRONT = {"host", "via", "x-amz-cf-id", "x-forwarded-for"}
_DROPPED = {"connection", "expect", "proxy-authorization", "te", "trailer", "upgrade", "x-real-ip"}
_KEPT_10_S = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
_KNOWN = {
    *("Comment", "Enabled", "HttpVersion", "IPV6Enabled", "Aliases", "WebACLId", "ViewerCertificate"),
    *("Logging", "Origins", "DefaultCacheBehavior", "CacheBehaviors", "CustomErrorResponses"),
}
_KNOWN_OF_A_BEHAVIOR = {
    *("PathPattern", "TargetOriginId", "ViewerProtocolPolicy", "AllowedMethods", "Compress"),
    *("CachePolicyId", "OriginRequestPolicyId", "ResponseHeadersPolicyId", "FunctionAssociations"),
}


class Unknown(Exception):
    """The template uses what this stand-in does not know."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a viewer sends: `url` is absolute; `address` and `country` are where it is."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    address: str = "203.0.113.9"
    country: str = "PT"


@dataclass(slots=True)
class _Kept:
    answer: Answer
    until: float


@dataclass
class CloudFront:
    """One distribution before one origin; its clock stands. `asked` is what the origin got."""

    document: Mapping[str, Any]
    parameters: Mapping[str, str]
    origin: Origin
    now: float = 0.0
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        resolver = template.Resolver(self.document, self.parameters, "us-east-1")
        resolver.known["AWS::StackName"] = {"Ref": "linkledger-stage-edge"}
        resources = self.document["Resources"]
        for name in resources:
            resolver.known[name] = dict.fromkeys(("Ref", "Arn", "FunctionARN", "DomainName"), name)
        self._resources = {
            name: resolver.value(resource["Properties"]) for name, resource in resources.items()
        }
        self._config = self._resources["Distribution"]["DistributionConfig"]
        _refuse_unknown(self._config, _KNOWN)
        for one in (*self._config["CacheBehaviors"], self._config["DefaultCacheBehavior"]):
            _refuse_unknown(one, _KNOWN_OF_A_BEHAVIOR)
        self._cache: dict[tuple[object, ...], _Kept] = {}
        self._functions: dict[str, dukpy.JSInterpreter] = {}

    def visit(self, visit: Visit) -> Answer:
        """The answer that the viewer gets."""
        parts = urlsplit(visit.url)
        if parts.hostname not in self._config["Aliases"]:
            return Answer(403, [("Server", "CloudFront")], b"no such alias")
        behavior = self._behavior(parts.path or "/")
        if parts.scheme == "http":
            if behavior["ViewerProtocolPolicy"] != "redirect-to-https":
                return Answer(403, [("Server", "CloudFront")], b"https only")
            return Answer(301, [("Location", visit.url.replace("http:", "https:", 1))], b"")
        if visit.method not in behavior["AllowedMethods"] or (visit.body and visit.method == "GET"):
            return Answer(403, [("Server", "CloudFront")], b"method not allowed")
        headers = self._through_function(behavior, visit)
        answer = self._kept_or_fetched(behavior, visit, headers)
        answer = replace(answer, headers=self._with_security(behavior, answer.headers))
        return replace(answer, body=b"") if visit.method == "HEAD" else answer

    def _behavior(self, path: str) -> dict[str, Any]:
        for one in self._config["CacheBehaviors"]:
            pattern = re.escape("/" + one["PathPattern"].lstrip("/")).replace(r"\*", ".*").replace(r"\?", ".")
            if re.fullmatch(pattern, path):
                return dict(one)
        return dict(self._config["DefaultCacheBehavior"])

    def _through_function(self, behavior: Mapping[str, Any], visit: Visit) -> dict[str, str]:
        """The viewer's headers by their lower-case names, after the behavior's function."""
        parts = urlsplit(visit.url)
        headers = {"host": parts.netloc}
        for name, value in visit.headers:
            joined = f"{headers[name.lower()]},{value}" if name.lower() in headers else value
            headers[name.lower()] = joined
        for association in behavior.get("FunctionAssociations", ()):
            function = self._resources[association["FunctionARN"]]
            request = {
                "method": visit.method,
                "uri": parts.path,
                "headers": {name: {"value": value} for name, value in headers.items() if name != "cookie"},
            }
            event = {"version": "1.0", "viewer": {"ip": visit.address}, "request": request}
            changed = self._run(association["FunctionARN"], function["FunctionCode"], event)
            cookie = {"cookie": headers["cookie"]} if "cookie" in headers else {}
            headers = {name: one["value"] for name, one in changed["headers"].items()} | cookie
        return headers

    def _run(self, name: str, code: str, event: Mapping[str, Any]) -> dict[str, Any]:
        if name not in self._functions:
            self._functions[name] = dukpy.JSInterpreter()
            self._functions[name].evaljs(code)
        made: dict[str, Any] = self._functions[name].evaljs("handler(dukpy.event)", event=event)
        return made

    def _kept_or_fetched(
        self, behavior: Mapping[str, Any], visit: Visit, headers: Mapping[str, str]
    ) -> Answer:
        cache = self._cache_policy(behavior)
        key = self._key(visit, cache)
        kept = self._cache.get(key)
        if visit.method in ("GET", "HEAD") and kept is not None and kept.until > self.now:
            return replace(kept.answer, headers=[*kept.answer.headers, ("X-Cache", "Hit from cloudfront")])
        request = self._origin_request(behavior, visit, headers, cache)
        self.asked.append(request)
        answer = self.origin(request)
        seconds = self._seconds(answer, cache)
        if visit.method == "GET" and seconds > 0:
            self._cache[key] = _Kept(answer, self.now + seconds)
        return replace(answer, headers=[*answer.headers, ("X-Cache", "Miss from cloudfront")])

    def _cache_policy(self, behavior: Mapping[str, Any]) -> dict[str, Any]:
        if behavior["CachePolicyId"] == CACHING_DISABLED:
            return {"MinTTL": 0, "DefaultTTL": 0, "MaxTTL": 0, "Queries": [], "Encodings": False}
        policy = self._resources[behavior["CachePolicyId"]]["CachePolicyConfig"]
        sent = policy["ParametersInCacheKeyAndForwardedToOrigin"]
        if (sent["HeadersConfig"], sent["CookiesConfig"]) != (
            {"HeaderBehavior": "none"},
            {"CookieBehavior": "none"},
        ):
            raise Unknown("a cache by headers or cookies")
        return {
            **{name: policy[name] for name in ("MinTTL", "DefaultTTL", "MaxTTL")},
            "Queries": sent["QueryStringsConfig"].get("QueryStrings", []),
            "Encodings": sent["EnableAcceptEncodingGzip"] or sent["EnableAcceptEncodingBrotli"],
        }

    def _key(self, visit: Visit, cache: Mapping[str, Any]) -> tuple[object, ...]:
        parts = urlsplit(visit.url)
        query = tuple(pair for pair in parse_qsl(parts.query) if pair[0] in cache["Queries"])
        return (parts.netloc, parts.path, query)

    def _seconds(self, answer: Answer, cache: Mapping[str, Any]) -> float:
        """How long the answer is kept: never shorter than the least, whatever it says itself."""
        if answer.status in _KEPT_10_S:
            told = {
                one["ErrorCode"]: one["ErrorCachingMinTTL"] for one in self._config["CustomErrorResponses"]
            }
            return float(told.get(answer.status, 10))
        said = next((value for name, value in answer.headers if name.lower() == "cache-control"), "")
        if found := re.search(r"(?:s-maxage|max-age)=(\d+)", said):
            wanted = float(found[1])
        else:
            wanted = 0.0 if re.search("no-store|no-cache|private", said) else float(cache["DefaultTTL"])
        return max(float(cache["MinTTL"]), min(wanted, float(cache["MaxTTL"])))

    def _origin_request(
        self, behavior: Mapping[str, Any], visit: Visit, headers: Mapping[str, str], cache: Mapping[str, Any]
    ) -> Request:
        [origin] = [one for one in self._config["Origins"] if one["Id"] == behavior["TargetOriginId"]]
        sent, query = self._passed(behavior, visit, headers, cache)
        forwarded = [value for name, value in visit.headers if name.lower() == "x-forwarded-for"]
        sent |= {
            "host": origin["DomainName"],
            "via": "2.0 stand-in.cloudfront.net (CloudFront)",
            "x-amz-cf-id": "stand-in",
            "x-forwarded-for": ", ".join([*forwarded, visit.address]),
        }
        sent |= {
            one["HeaderName"].lower(): one["HeaderValue"] for one in origin.get("OriginCustomHeaders", ())
        }
        path = origin.get("OriginPath", "") + (urlsplit(visit.url).path or "/")
        target = f"{path}?{query}" if query else path
        return Request(visit.method, target, tuple(sent.items()), visit.body, "130.176.0.1")

    def _passed(
        self, behavior: Mapping[str, Any], visit: Visit, headers: Mapping[str, str], cache: Mapping[str, Any]
    ) -> tuple[dict[str, str], str]:
        """The viewer's headers and query that go on, with what CloudFront adds where it was asked to."""
        usable = {name: value for name, value in headers.items() if name not in _DROPPED | _SET_BY_CLOUDFRONT}
        raw = urlsplit(visit.url).query
        always = {name: usable[name] for name in ("content-type", "content-length") if name in usable}
        if cache["Encodings"] and "accept-encoding" in usable:
            always["accept-encoding"] = usable["accept-encoding"]
        policy = behavior.get("OriginRequestPolicyId")
        if policy == ALL_VIEWER_EXCEPT_HOST:
            return usable, raw
        if policy is None:
            if visit.method not in ("GET", "HEAD") and "authorization" in usable:
                always["authorization"] = usable["authorization"]
            keyed = "&".join(part for part in raw.split("&") if part.split("=")[0] in cache["Queries"])
            return always | {"user-agent": "Amazon CloudFront"}, keyed
        return always | self._whitelisted(policy, visit, usable), raw

    def _whitelisted(self, policy: str, visit: Visit, usable: Mapping[str, str]) -> dict[str, str]:
        config = self._resources[policy]["OriginRequestPolicyConfig"]
        headers = config["HeadersConfig"]
        cookies, queries = config["CookiesConfig"], config["QueryStringsConfig"]
        if (*cookies.values(), *queries.values(), headers["HeaderBehavior"]) != ("all", "all", "whitelist"):
            raise Unknown("an origin request policy of another kind")
        named = [name.lower() for name in headers["Headers"]]
        if "authorization" in named or len(named) > 10:
            raise Unknown("CloudFront refuses this list of headers")
        own = {
            "cloudfront-viewer-country": visit.country,
            "cloudfront-viewer-asn": "3320",
            "cloudfront-viewer-address": f"{visit.address}:40000",
        }
        sent = {name: usable[name] for name in named if name in usable and name not in own}
        sent |= {name: own[name] for name in named if name in own}
        sent.setdefault("user-agent", "Amazon CloudFront")
        return sent | ({"cookie": usable["cookie"]} if "cookie" in usable else {})

    def _with_security(self, behavior: Mapping[str, Any], headers: Headers) -> Headers:
        policy = self._resources[behavior["ResponseHeadersPolicyId"]]["ResponseHeadersPolicyConfig"]
        config = policy["SecurityHeadersConfig"]
        transport = config["StrictTransportSecurity"]
        made = {
            "Strict-Transport-Security": f"max-age={transport['AccessControlMaxAgeSec']}",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": config["ReferrerPolicy"]["ReferrerPolicy"],
        }
        if set(config) != {"StrictTransportSecurity", "ContentTypeOptions", "ReferrerPolicy"}:
            raise Unknown("other security headers")
        override = {"Strict-Transport-Security", "X-Content-Type-Options"}
        given = {name.lower() for name, _ in headers}
        added = [(n, v) for n, v in made.items() if n in override or n.lower() not in given]
        replaced = {name.lower() for name, _ in added}
        return [*((n, v) for n, v in headers if n.lower() not in replaced), *added]


def _refuse_unknown(found: Mapping[str, Any], known: set[str]) -> None:
    if others := set(found) - known:
        raise Unknown(", ".join(sorted(others)))
