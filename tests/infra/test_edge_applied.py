"""edge.yaml's settings exist and are kept by the services, as `test_base.py` shows of base.yaml's."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session
from moto import mock_aws

from infra.project import ROOT
from local import template
from tests.infra.applying import APPLIERS, REGION, apply, ordered
from tests.infra.applying_edge import EDGE_APPLIERS, UnknownProperty
from tests.infra.cloudfront_api import CloudFrontApi

EDGE = template.load(ROOT / "infra" / "edge.yaml")
PARAMETERS = {
    "Domain": "go.brand.example",
    "Certificate": "arn:aws:acm:us-east-1:123456789012:certificate/1",
    "Origin": "api.execute-api.eu-west-1.amazonaws.com",
    "OriginSecret": "s" * 40,
}


Readers = Mapping[str, tuple[dict[str, Any], Callable[[], dict[str, Any]]]]


class Account:
    """An empty account: moto's WAF and S3, and a CloudFront that keeps what it is sent."""

    def __init__(self) -> None:
        self._session = Session()
        self._session.set_credentials("test", "test")
        self.cloudfront = CloudFrontApi()
        self._clients: dict[str, Any] = {"cloudfront": self.cloudfront.client(self._session)}
        self._stacks = count(1)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.create_client(service, region_name=REGION)
        return self._clients[service]

    def apply(self, edge: dict[str, Any] = EDGE) -> Readers:
        """Apply the template under a name that nothing has; what reads it."""
        name = f"linkledger-go{next(self._stacks)}"
        return apply(self.client, edge, edge["Resources"], name, APPLIERS | EDGE_APPLIERS, **PARAMETERS)


def faults(made: Readers) -> list[str]:
    """The resources that are not read back as they were declared."""
    return [name for name, (wanted, read) in made.items() if ordered(read()) != ordered(wanted)]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with mock_aws():
        yield Account()


@pytest.fixture(scope="module")
def made(account: Account) -> Readers:
    """The template as it is, applied."""
    return account.apply()


def test_every_setting_is_read_back_as_declared(made: Readers) -> None:
    assert made.keys() == EDGE["Resources"].keys()
    assert faults(made) == []


def _properties(edge: dict[str, Any], name: str) -> Any:
    return edge["Resources"][name]["Properties"]


def _misspell_the_security_headers(edge: dict[str, Any]) -> None:
    config = _properties(edge, "SecurityHeaders")["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    config["StrictTransport"] = config.pop("StrictTransportSecurity")


def _misspell_the_least_time(edge: dict[str, Any]) -> None:
    _properties(edge, "StaticCache")["CachePolicyConfig"]["MinimumTTL"] = 0


def _put_the_headers_where_cookies_are(edge: dict[str, Any]) -> None:
    config = _properties(edge, "LinkHeaders")["OriginRequestPolicyConfig"]
    config["CookiesConfig"] = config["HeadersConfig"]


def _misspell_a_behavior(edge: dict[str, Any]) -> None:
    _properties(edge, "Distribution")["DistributionConfig"]["DefaultCacheBehavior"]["CachePolicy"] = "none"


def _misspell_the_firewall(edge: dict[str, Any]) -> None:
    _properties(edge, "Firewall")["Rules"][0]["Statement"]["RateBasedStatement"]["PerMinutes"] = 5


@pytest.mark.parametrize(
    "plant",
    [
        _misspell_the_security_headers,
        _misspell_the_least_time,
        _put_the_headers_where_cookies_are,
        _misspell_a_behavior,
        _misspell_the_firewall,
    ],
)
def test_a_setting_that_its_service_does_not_have_is_noticed(
    account: Account, plant: Callable[[dict[str, Any]], None]
) -> None:
    planted = deepcopy(EDGE)
    plant(planted)
    with pytest.raises(UnknownProperty):
        account.apply(planted)


@pytest.mark.parametrize(
    ("kind", "kept", "instead", "resource"),
    [
        ("cache-policy", "<MinTTL>0</MinTTL>", "<MinTTL>1</MinTTL>", "StaticCache"),
        ("origin-request-policy", "<Name>Sec-GPC</Name>", "<Name>Sec-CH</Name>", "LinkHeaders"),
        (
            "response-headers-policy",
            "<Override>true</Override>",
            "<Override>false</Override>",
            "SecurityHeaders",
        ),
        ("distribution", "https-only", "match-viewer", "Distribution"),
        ("distribution", "go.brand.example", "go.other.example", "Distribution"),
        ("tagging", "linkledger-go", "linkledger-no", "Distribution"),
    ],
)
def test_a_setting_that_is_kept_otherwise_is_noticed(
    account: Account, made: Readers, kind: str, kept: str, instead: str, resource: str
) -> None:
    account.cloudfront.damage = (kind, kept.encode(), instead.encode())
    try:
        assert faults(made) == [resource]
    finally:
        account.cloudfront.damage = None


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ("CachePolicyId", "NoSuchCachePolicy"),
        ("OriginRequestPolicyId", "NoSuchOriginRequestPolicy"),
        ("ResponseHeadersPolicyId", "NoSuchResponseHeadersPolicy"),
    ],
)
def test_a_distribution_names_only_what_is_there(account: Account, where: str, word: str) -> None:
    planted = deepcopy(EDGE)
    _properties(planted, "Distribution")["DistributionConfig"]["DefaultCacheBehavior"][where] = "gone"
    with pytest.raises(ClientError, match=word):
        account.apply(planted)


def test_a_function_that_is_not_published_is_noticed(account: Account) -> None:
    planted = deepcopy(EDGE)
    _properties(planted, "CallViewer")["AutoPublish"] = False
    with pytest.raises(ClientError, match="InvalidFunctionAssociation"):
        account.apply(planted)


def test_a_firewall_that_is_kept_otherwise_is_noticed(account: Account) -> None:
    events, name = account.client("wafv2").meta.events, "before-parameter-build.wafv2.CreateWebACL"
    events.register(name, _loosen)
    try:
        assert faults(account.apply()) == ["Firewall"]
    finally:
        events.unregister(name, _loosen)


def _loosen(params: dict[str, Any], **_: Any) -> None:
    params["Rules"] = params["Rules"][:1]
