"""Makes a stage in the embedded engine from `infra/base.yaml`: tables, bucket, queues and the secret.

What is there already stays as it is. TTL is left out: the engine would sweep by its own clock, while the
local stack sweeps by the clock that `/_local/clock` moves. So are encryption, back-ups, policies, alarms and
log groups, which say nothing here.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local import template

BASE_TEMPLATE = Path(__file__).parent.parent / "infra" / "base.yaml"

Clients = Callable[[str], Any]
"""Gives the botocore client of a service."""

_TABLE_PROPERTIES = (
    "TableName",
    "BillingMode",
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "StreamSpecification",
)
_MEANINGLESS_HERE = frozenset(
    {
        "AWS::Athena::NamedQuery",
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::Glue::Database",
        "AWS::Glue::Table",
        "AWS::IAM::Policy",
        "AWS::Logs::LogGroup",
        "AWS::Logs::MetricFilter",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SNS::Topic",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueuePolicy",
    }
)


@lru_cache(maxsize=1)
def _base() -> dict[str, Any]:
    return template.load(BASE_TEMPLATE)


def stage(clients: Clients, *, prefix: str, base_url: str, region: str, shards: int = 4) -> dict[str, str]:
    """Make the stage `prefix` where it is not there; the environment variables that its functions get.

    The variables are the template's outputs, as a deployment gives them to the functions.
    """
    parameters = {
        "Prefix": prefix,
        "BaseUrl": base_url,
        "LedgerShards": str(shards),
        "DeletionProtection": "false",
    }
    resolver = template.Resolver(_base(), parameters, region)
    waiting = {
        name: resource
        for name, resource in _base()["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }
    while waiting:
        made = [name for name, resource in waiting.items() if _made(clients, resolver, name, resource)]
        if not made:
            raise ValueError(f"these wait for one another: {', '.join(waiting)}")
        for name in made:
            del waiting[name]
    outputs = _base().get("Outputs", {})
    return {
        template.environment_name(name): str(resolver.value(output["Value"]))
        for name, output in outputs.items()
        if _resolvable(resolver, output["Value"])
    }


def expiring_tables(prefix: str, base_url: str, region: str) -> Iterator[tuple[str, str]]:
    """The tables with a TTL, as (table name, attribute of epoch seconds)."""
    resolver = template.Resolver(_base(), {"Prefix": prefix, "BaseUrl": base_url}, region)
    for resource in _base()["Resources"].values():
        declared = resource.get("Properties", {}).get("TimeToLiveSpecification")
        if declared and declared.get("Enabled"):
            yield str(resolver.value(resource["Properties"]["TableName"])), str(declared["AttributeName"])


def _resolvable(resolver: template.Resolver, value: object) -> bool:
    try:
        resolver.value(value)
    except template.Unresolved:
        return False
    return True


def _made(clients: Clients, resolver: template.Resolver, name: str, resource: Mapping[str, Any]) -> bool:
    """Make the resource; False where it must wait for another one."""
    kind = resource["Type"]
    if kind in _MEANINGLESS_HERE:
        return True
    if kind not in _MAKERS:
        raise ValueError(f"the local stack cannot make {name}, a {kind}")
    try:
        properties = resolver.value(resource.get("Properties", {}))
    except template.Unresolved:
        return False
    resolver.known[name] = _MAKERS[kind](clients, properties)
    return True


def _make_table(clients: Clients, properties: Mapping[str, Any]) -> dict[str, str]:
    arguments = {name: properties[name] for name in _TABLE_PROPERTIES if name in properties}
    if "StreamSpecification" in arguments:
        arguments["StreamSpecification"] = {"StreamEnabled": True, **arguments["StreamSpecification"]}
    dynamodb = clients("dynamodb")
    try:
        described = dynamodb.create_table(**arguments)["TableDescription"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise
        described = dynamodb.describe_table(TableName=properties["TableName"])["Table"]
    return {
        "Ref": described["TableName"],
        "Arn": described["TableArn"],
        "StreamArn": described.get("LatestStreamArn", ""),
    }


def _make_bucket(clients: Clients, properties: Mapping[str, Any]) -> dict[str, str]:
    s3, name = clients("s3"), properties["BucketName"]
    try:
        s3.head_bucket(Bucket=name)
    except ClientError:
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=bool(properties.get("ObjectLockEnabled")))
        s3.put_bucket_versioning(
            Bucket=name, VersioningConfiguration=properties.get("VersioningConfiguration", {})
        )
    told = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"QueueConfigurations": [_notice(one) for one in told]}
    )
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}


def _notice(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A notification in the words of the API, which differ from the template's."""
    rules = wanted["Filter"]["S3Key"]["Rules"]
    return {
        "QueueArn": wanted["Queue"],
        "Events": [wanted["Event"]],
        "Filter": {"Key": {"FilterRules": [dict(rule) for rule in rules]}},
    }


def _make_queue(clients: Clients, properties: Mapping[str, Any]) -> dict[str, str]:
    attributes = {
        name: json.dumps(value) if isinstance(value, dict) else str(value)
        for name, value in properties.items()
        if name in {"VisibilityTimeout", "MessageRetentionPeriod", "RedrivePolicy"}
    }
    sqs, name = clients("sqs"), properties["QueueName"]
    try:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    except ClientError:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return {"Ref": url, "QueueUrl": url, "QueueName": name, "Arn": arn}


def _make_secret(clients: Clients, properties: Mapping[str, Any]) -> dict[str, str]:
    """The secret, with keys drawn where it is new: a first deployment draws them in the same shape."""
    value = {
        "token_keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "token_key": "1",
        "customer_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    manager, name = clients("secretsmanager"), properties["Name"]
    try:
        arn = manager.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
        arn = manager.describe_secret(SecretId=name)["ARN"]
    return {"Ref": arn, "Id": arn}


_MAKERS: dict[str, Callable[[Clients, Mapping[str, Any]], dict[str, str]]] = {
    "AWS::DynamoDB::Table": _make_table,
    "AWS::S3::Bucket": _make_bucket,
    "AWS::SQS::Queue": _make_queue,
    "AWS::SecretsManager::Secret": _make_secret,
}
