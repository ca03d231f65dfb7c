"""CloudFront's API as far as `infra/edge.yaml` goes, in the hooks of a client: it keeps what it is sent.

moto has distributions without half of their settings, and no policies. Here the client's own words are kept:
the XML that botocore made of them by CloudFront's published model, which it reads again when asked. A
distribution may name only what is there, as at CloudFront.
"""

import re
from base64 import b64decode
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from botocore.awsrequest import AWSResponse
from botocore.session import Session

from tests.infra.cloudfront import ALL_VIEWER_EXCEPT_HOST, CACHING_DISABLED

_NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
_POLICIES = {
    "cache-policy": ("CachePolicy", "CachePolicyId"),
    "origin-request-policy": ("OriginRequestPolicy", "OriginRequestPolicyId"),
    "response-headers-policy": ("ResponseHeadersPolicy", "ResponseHeadersPolicyId"),
}
_AT = "<LastModifiedTime>2026-11-21T00:00:00Z</LastModifiedTime>"


class CloudFrontApi:
    """What was made, by kind and id."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.published: set[str] = set()
        self.damage: tuple[str, bytes, bytes] | None = None
        """A fault to plant: of what kind, which words are kept as which others."""

    def client(self, session: Session) -> Any:
        """A client whose calls end here."""
        made = session.create_client("cloudfront", region_name="us-east-1")
        made.meta.events.register("before-send.cloudfront", self._answer)
        return made

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        body = request.body or b""
        _, _, kind, *more = request.url.split("?")[0].removeprefix("https://").split("/")
        name = more[0] if more else ""
        if kind == "tagging":
            name = unquote(request.url).rpartition("/")[2]
        if request.method == "POST" and kind in _POLICIES:
            return self._make_policy(kind, body)
        if request.method == "POST" and kind == "distribution":
            return self._make_distribution(body)
        if request.method == "POST" and kind == "function":
            return self._make_function(body) if not name else self._publish(name)
        kept = self.kept.get((kind, name))
        if kept is not None and self.damage is not None and self.damage[0] == kind:
            kept = kept.replace(*self.damage[1:])
        if kept is None:
            return _refusal("NoSuchResource", name)
        if kind == "function" and more[1:] == ["describe"]:
            return _reply(self._summary(name))
        if kind == "function":
            return _reply(b64decode(_inner(kept, "FunctionCode")))
        return _reply(kept)

    def _make_policy(self, kind: str, body: bytes) -> AWSResponse:
        element, _ = _POLICIES[kind]
        made = f"{kind}-{len(self.kept) + 1}"
        self.kept[kind, made] = body
        return _reply(f"<{element}><Id>{made}</Id>{_AT}</{element}>".encode(), 201)

    def _make_function(self, body: bytes) -> AWSResponse:
        name = _inner(body, "Name")
        self.kept["function", name] = body
        return _reply(self._summary(name), 201, ETag="1")

    def _publish(self, name: str) -> AWSResponse:
        self.published.add(name)
        return _reply(self._summary(name))

    def _summary(self, name: str) -> bytes:
        body = self.kept["function", name]
        config = "".join(f"<{one}>{_inner(body, one)}</{one}>" for one in ("Comment", "Runtime"))
        metadata = (
            f"<FunctionMetadata><FunctionARN>{arn_of(name)}</FunctionARN>{_AT}"
            f"<Stage>{'LIVE' if name in self.published else 'DEVELOPMENT'}</Stage></FunctionMetadata>"
        )
        return (
            f"<FunctionSummary><Name>{name}</Name><FunctionConfig>{config}</FunctionConfig>{metadata}"
            "</FunctionSummary>"
        ).encode()

    def _make_distribution(self, body: bytes) -> AWSResponse:
        sent = ElementTree.fromstring(body)
        config = sent.find(f"{{{_NAMESPACE}}}DistributionConfig")
        assert config is not None
        for kind, (_, word) in _POLICIES.items():
            for named in {one.text or "" for one in config.iter(f"{{{_NAMESPACE}}}{word}")}:
                if named not in {CACHING_DISABLED, ALL_VIEWER_EXCEPT_HOST} and (kind, named) not in self.kept:
                    return _refusal(f"NoSuch{word.removesuffix('Id')}", named)
        live = {arn_of(name) for name in self.published}
        for named in {one.text or "" for one in config.iter(f"{{{_NAMESPACE}}}FunctionARN")}:
            if named not in live:
                return _refusal("InvalidFunctionAssociation", named)
        made = f"E{len(self.kept) + 1}"
        self.kept["distribution", made] = ElementTree.tostring(config)
        tags = sent.find(f"{{{_NAMESPACE}}}Tags")
        assert tags is not None
        self.kept["tagging", made] = ElementTree.tostring(tags)
        arn = f"<ARN>arn:aws:cloudfront::123456789012:distribution/{made}</ARN>"
        domain = f"<DomainName>{made.lower()}.cloudfront.net</DomainName>"
        return _reply(f"<Distribution><Id>{made}</Id>{arn}{domain}</Distribution>".encode(), 201)


def arn_of(name: str) -> str:
    """The ARN of a function."""
    return f"arn:aws:cloudfront::123456789012:function/{name}"


def _inner(body: bytes, element: str) -> str:
    found = re.search(rf"<{element}>(.*?)</{element}>", body.decode(), re.DOTALL)
    assert found, element
    return found[1]


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Any:
        yield self._body

    def read(self, *_: Any) -> bytes:
        body, self._body = self._body, b""
        return body


def _reply(body: bytes, status: int = 200, **headers: str) -> AWSResponse:
    return AWSResponse("https://cloudfront.amazonaws.com", status, headers, _Raw(body))  # type: ignore[arg-type]


def _refusal(code: str, about: str) -> AWSResponse:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{about}</Message></Error>"
    return _reply(f"<ErrorResponse>{error}</ErrorResponse>".encode(), 404)
