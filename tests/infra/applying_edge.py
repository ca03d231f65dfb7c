"""Applies the resources of `infra/edge.yaml` through the APIs of CloudFront and WAF, and reads them back.

Names and shapes are those of the services' own published models, as botocore has them: a property that a
service does not know raises, and whatever it keeps otherwise than it was sent differs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.infra.applying import Clients, Properties

Applied = tuple[dict[str, str], Callable[[], dict[str, Any]]]


class UnknownProperty(Exception):
    """The service's API has no such setting."""


_OTHERWISE_NAMED = {"IPV6Enabled": "IsIPV6Enabled", "OriginCustomHeaders": "CustomHeaders"}
_BESIDE = {
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443},
    "AllowedMethods": {"CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]}},
}
"""What the API wants said, and CloudFormation says for a template that does not."""


def _sent(shape: Any, value: Any, name: str = "") -> Any:
    """The template's value in the words of the API."""
    if shape.type_name == "structure":
        items = shape.members.get("Items")
        if items is not None and isinstance(value, list):
            made = {"Quantity": len(value), "Items": [_sent(items.member, one) for one in value]}
            return made | _BESIDE.get(name, {})
        if not isinstance(value, Mapping):
            raise UnknownProperty(f"{name} is no single value")
        return {
            (member := _member(shape, inner, name)): _sent(shape.members[member], one, inner)
            for inner, one in value.items()
        } | _BESIDE.get(name, {})
    if shape.type_name == "list":
        return [_sent(shape.member, one) for one in value]
    return {"integer": int, "long": int, "double": float}.get(shape.type_name, lambda same: same)(value)


def _read(shape: Any, found: Any, like: Any, name: str = "") -> Any:
    """What the API answered, in the words of the template, as far as the template speaks of it."""
    if shape.type_name == "structure" and isinstance(like, list):
        items = found.get("Items", [])
        assert found["Quantity"] == len(items), name
        return _read_all(shape.members["Items"].member, items, like)
    if shape.type_name == "structure":
        members = {inner: _member(shape, inner, name) for inner in like}
        return {
            inner: _read(shape.members[member], found[member], like[inner], inner)
            for inner, member in members.items()
            if member in found
        }
    if shape.type_name == "list":
        return _read_all(shape.member, found, like)
    return found


def _read_all(shape: Any, found: list[Any], like: list[Any]) -> list[Any]:
    """Each of a list; of one too many everything, so that it is seen."""
    return [_read(shape, one, like[at]) if at < len(like) else one for at, one in enumerate(found)]


def _member(shape: Any, name: str, within: str) -> str:
    wanted = _OTHERWISE_NAMED.get(name, name).lower()
    known = [member for member in shape.members if member.lower() == wanted]
    if not known:
        raise UnknownProperty(f"{within}: {name}")
    return str(known[0])


def _policy(kind: str) -> Callable[[Clients, Properties], Applied]:
    """The applier of a kind of policy, as `CachePolicy`."""
    word = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind)

    def apply(clients: Clients, wanted: Properties) -> Applied:
        cloudfront, config = clients("cloudfront"), f"{kind}Config"
        shape = cloudfront.meta.service_model.operation_model(f"Create{kind}").input_shape.members[config]
        sent = _sent(shape, wanted[config])
        made = getattr(cloudfront, f"create{word}")(**{config: sent})[kind]["Id"]

        def read() -> dict[str, Any]:
            found = getattr(cloudfront, f"get{word}_config")(Id=made)[config]
            return {config: _read(shape, found, wanted[config])}

        return {"Ref": made, "Id": made}, read

    return apply


def function(clients: Clients, wanted: Properties) -> Applied:
    cloudfront, name = clients("cloudfront"), wanted["Name"]
    made = cloudfront.create_function(
        Name=name, FunctionConfig=wanted["FunctionConfig"], FunctionCode=wanted["FunctionCode"].encode()
    )
    if wanted["AutoPublish"]:
        cloudfront.publish_function(Name=name, IfMatch=made["ETag"])
    arn = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]

    def read() -> dict[str, Any]:
        found = cloudfront.describe_function(Name=name)["FunctionSummary"]
        code = cloudfront.get_function(Name=name)["FunctionCode"].read().decode()
        return {
            "Name": found["Name"],
            "AutoPublish": found["FunctionMetadata"]["Stage"] == "LIVE",
            "FunctionConfig": found["FunctionConfig"],
            "FunctionCode": code,
        }

    return {"Ref": arn, "FunctionARN": arn}, read


def web_acl(clients: Clients, wanted: Properties) -> Applied:
    waf = clients("wafv2")
    shape = waf.meta.service_model.operation_model("CreateWebACL").input_shape
    made = waf.create_web_acl(**_sent(shape, wanted))["Summary"]

    def read() -> dict[str, Any]:
        found = waf.get_web_acl(Name=made["Name"], Id=made["Id"], Scope=wanted["Scope"])["WebACL"]
        tags = waf.list_tags_for_resource(ResourceARN=found["ARN"])["TagInfoForResource"]["TagList"]
        scope = "CLOUDFRONT" if ":global/" in found["ARN"] else "REGIONAL"
        return _read(shape, found | {"Tags": tags, "Scope": scope}, wanted)

    return {"Ref": made["Id"], "Arn": made["ARN"]}, read


def distribution(clients: Clients, wanted: Properties) -> Applied:
    cloudfront, config = clients("cloudfront"), wanted["DistributionConfig"]
    operation = cloudfront.meta.service_model.operation_model("CreateDistribution")
    shape = operation.input_shape.members["DistributionConfig"]
    sent = _sent(shape, config) | {"CallerReference": "applied"}
    made = cloudfront.create_distribution_with_tags(
        DistributionConfigWithTags={"DistributionConfig": sent, "Tags": {"Items": wanted["Tags"]}}
    )["Distribution"]

    def read() -> dict[str, Any]:
        found = cloudfront.get_distribution_config(Id=made["Id"])["DistributionConfig"]
        tags = cloudfront.list_tags_for_resource(Resource=made["ARN"])["Tags"]["Items"]
        return {"DistributionConfig": _read(shape, found, config), "Tags": tags}

    return {"Ref": made["Id"], "DomainName": made["DomainName"]}, read


EDGE_APPLIERS: dict[str, Callable[[Clients, Properties], Applied]] = {
    **{
        f"AWS::CloudFront::{kind}": _policy(kind)
        for kind in ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy")
    },
    "AWS::CloudFront::Function": function,
    "AWS::CloudFront::Distribution": distribution,
    "AWS::WAFv2::WebACL": web_acl,
}
