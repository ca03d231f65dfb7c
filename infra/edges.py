"""The edges of a stage: one CloudFront distribution a domain, each a stack of its own, all before one API."""

import hashlib
from collections.abc import Iterator
from typing import Any

from infra import stacks
from infra.deployment import Deployment

REGION = "us-east-1"
"""Where CloudFront takes its certificates and its firewalls from, and so where its stacks are."""

_PARAMETERS = {"DOMAIN": "Domain", "CERTIFICATE": "Certificate", "LIMIT_PER_ADDRESS": "LimitPerAddress"}
_SLUG = 24
"""Letters of a domain that fit into the names of an edge's functions, which end at 64."""


def stack_name(prefix: str, domain: str) -> str:
    """The name of the domain's stack, and what begins the names in it."""
    slug = domain.replace("-", "--").replace(".", "-")
    if len(slug) > _SLUG:
        slug = f"{slug[: _SLUG - 9]}-{hashlib.sha256(domain.encode()).hexdigest()[:8]}"
    return f"{prefix}-edge-{slug}"


def deploy(target: Deployment) -> None:
    """Bring the edge of the domain that was given to its template, or where none was, every edge there is.

    Raises:
        DeployError: no app is deployed, or a stack failed.
    """
    cloudformation = target.account.client("cloudformation", REGION)
    given = target.parameters(_PARAMETERS)
    if "Domain" in given:
        names = [stack_name(target.prefix, given["Domain"])]
    else:
        names = sorted(of(cloudformation, target.prefix))
    if not names:
        target.say("  no DOMAIN and CERTIFICATE: the app answers at API Gateway's address only")
        return
    live = target.live()
    given |= {
        "Prefix": target.prefix,
        "Origin": f"{live.api}.execute-api.{target.account.region}.amazonaws.com",
        "OriginPath": f"/{live.api_stage}",
        "OriginSecret": target.environment["ORIGIN_SECRET"],
    }
    template = (target.root / "infra" / "edge.yaml").read_text()
    for name in names:
        made = stacks.deploy(cloudformation, name, template, given, target.say)
        target.say(f"  point {made['Domain']} (CNAME or alias) at {made['DistributionDomain']}")


def addresses(target: Deployment) -> Iterator[tuple[str, str]]:
    """Each of the stage's domains, and CloudFront's own address of its distribution."""
    cloudformation = target.account.client("cloudformation", REGION)
    for name in sorted(of(cloudformation, target.prefix)):
        made = stacks.outputs(cloudformation, name)
        yield made["Domain"], made["DistributionDomain"]


def of(cloudformation: Any, prefix: str) -> Iterator[str]:
    """The names of the stage's edges. A stage of a longer name may begin alike: the parameter tells."""
    for page in cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            given = {one["ParameterKey"]: one.get("ParameterValue") for one in stack.get("Parameters", [])}
            if stack["StackName"].startswith(f"{prefix}-edge-") and given.get("Prefix") == prefix:
                yield stack["StackName"]
