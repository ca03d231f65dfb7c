"""Applies a resource of a template through its service's API, and reads it back in the template's words.

Each reader gives every property that its applier knows. A property that none knows is missing from what is
read back, so comparing the two fails on it.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from local import template

_GENERATED = "named-by-cloudformation"
"""How the name of a bucket begins to which the template gives none."""

REGION = "us-east-1"

Clients = Callable[[str], Any]
Properties = Mapping[str, Any]


def table(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    dynamodb, name = clients("dynamodb"), wanted["TableName"]
    plain = (
        "TableName",
        "BillingMode",
        "AttributeDefinitions",
        "KeySchema",
        "GlobalSecondaryIndexes",
        "Tags",
    )
    arguments = {key: wanted[key] for key in plain if key in wanted}
    if "StreamSpecification" in wanted:
        arguments["StreamSpecification"] = {"StreamEnabled": True, **wanted["StreamSpecification"]}
    if "SSESpecification" in wanted:
        arguments["SSESpecification"] = {"Enabled": wanted["SSESpecification"]["SSEEnabled"]}
    if "DeletionProtectionEnabled" in wanted:
        arguments["DeletionProtectionEnabled"] = wanted["DeletionProtectionEnabled"] == "true"
    made = dynamodb.create_table(**arguments)["TableDescription"]
    if "TimeToLiveSpecification" in wanted:
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=wanted["TimeToLiveSpecification"]
        )
    if "PointInTimeRecoverySpecification" in wanted:
        dynamodb.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification=wanted["PointInTimeRecoverySpecification"]
        )
    attributes = {"Ref": name, "Arn": made["TableArn"], "StreamArn": made.get("LatestStreamArn", "")}
    return attributes, lambda: _read_table(dynamodb, name)


def _read_table(dynamodb: Any, name: str) -> dict[str, Any]:
    found = dynamodb.describe_table(TableName=name)["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    read: dict[str, Any] = {
        "TableName": found["TableName"],
        "BillingMode": found["BillingModeSummary"]["BillingMode"],
        "AttributeDefinitions": found["AttributeDefinitions"],
        "KeySchema": found["KeySchema"],
        "SSESpecification": {"SSEEnabled": found.get("SSEDescription", {}).get("Status") == "ENABLED"},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery},
        "DeletionProtectionEnabled": json.dumps(found["DeletionProtectionEnabled"]),
        "Tags": dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"],
    }
    if found.get("GlobalSecondaryIndexes"):
        words = ("IndexName", "KeySchema", "Projection")
        read["GlobalSecondaryIndexes"] = [
            {word: index[word] for word in words} for index in found["GlobalSecondaryIndexes"]
        ]
    if found.get("StreamSpecification", {}).get("StreamEnabled"):
        read["StreamSpecification"] = {"StreamViewType": found["StreamSpecification"]["StreamViewType"]}
    if ttl["TimeToLiveStatus"] == "ENABLED":
        read["TimeToLiveSpecification"] = {"AttributeName": ttl["AttributeName"], "Enabled": True}
    return read


def bucket(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    s3, name = clients("s3"), wanted.get("BucketName") or f"{_GENERATED}-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=wanted.get("ObjectLockEnabled", False))
    if "VersioningConfiguration" in wanted:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=wanted["VersioningConfiguration"])
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=wanted["OwnershipControls"])
    s3.put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=wanted["PublicAccessBlockConfiguration"]
    )
    [rule] = wanted["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    s3.put_bucket_encryption(
        Bucket=name,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}]
        },
    )
    if "LifecycleConfiguration" in wanted:
        rules = [_rule(rule) for rule in wanted["LifecycleConfiguration"]["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in wanted:
        notices = [_notice(one) for one in wanted["NotificationConfiguration"]["QueueConfigurations"]]
        s3.put_bucket_notification_configuration(
            Bucket=name, NotificationConfiguration={"QueueConfigurations": notices}
        )
    if "ReplicationConfiguration" in wanted:
        replicated = wanted["ReplicationConfiguration"]
        rules = [{"ID": rule["Id"], **_but(rule, "Id")} for rule in replicated["Rules"]]
        s3.put_bucket_replication(
            Bucket=name, ReplicationConfiguration={"Role": replicated["Role"], "Rules": rules}
        )
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": wanted["Tags"]})
    attributes = {"Ref": name, "Arn": f"arn:aws:s3:::{name}", "DomainName": f"{name}.s3.amazonaws.com"}
    return attributes, lambda: _read_bucket(s3, name)


def _but(found: Properties, name: str) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != name}


def _notice(wanted: Properties) -> dict[str, Any]:
    """A notification in the words of the API."""
    rules = [{"Name": rule["Name"], "Value": rule["Value"]} for rule in wanted["Filter"]["S3Key"]["Rules"]]
    return {
        "QueueArn": wanted["Queue"],
        "Events": [wanted["Event"]],
        "Filter": {"Key": {"FilterRules": rules}},
    }


def _read_notice(found: Properties) -> dict[str, Any]:
    [event] = found["Events"]
    return {
        "Event": event,
        "Queue": found["QueueArn"],
        "Filter": {"S3Key": {"Rules": found["Filter"]["Key"]["FilterRules"]}},
    }


def _rule(wanted: Properties) -> dict[str, Any]:
    """A lifecycle rule in the words of the API, which differ from the template's in two places."""
    rule = {"ID": wanted["Id"], "Filter": {"Prefix": wanted["Prefix"]}, "Status": wanted["Status"]}
    for same in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if same in wanted:
            rule[same] = wanted[same]
    if "ExpirationInDays" in wanted:
        rule["Expiration"] = {"Days": int(wanted["ExpirationInDays"])}
    if "ExpiredObjectDeleteMarker" in wanted:
        rule["Expiration"] = {"ExpiredObjectDeleteMarker": wanted["ExpiredObjectDeleteMarker"]}
    return rule


def _read_rule(rule: Properties) -> dict[str, Any]:
    read = {"Id": rule["ID"], "Prefix": rule["Filter"]["Prefix"], "Status": rule["Status"]}
    for same in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if same in rule:
            read[same] = rule[same]
    expiration = dict(rule.get("Expiration", {}))
    if "Days" in expiration:
        read["ExpirationInDays"] = expiration.pop("Days")
    return read | expiration


def _read_bucket(s3: Any, name: str) -> dict[str, Any]:
    encryption = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    return _read_of_some(s3, name) | {
        "OwnershipControls": s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"],
        "PublicAccessBlockConfiguration": s3.get_public_access_block(Bucket=name)[
            "PublicAccessBlockConfiguration"
        ],
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "ServerSideEncryptionByDefault": {
                        "SSEAlgorithm": rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
                    }
                }
                for rule in encryption["Rules"]
            ]
        },
        "Tags": s3.get_bucket_tagging(Bucket=name)["TagSet"],
    }


def _read_of_some(s3: Any, name: str) -> dict[str, Any]:
    """What not every bucket has: a name of ours, versions, a lock, a lifecycle, notices, a replica."""
    read: dict[str, Any] = {} if name.startswith(_GENERATED) else {"BucketName": name}
    if "Status" in (versioning := s3.get_bucket_versioning(Bucket=name)):
        read["VersioningConfiguration"] = {"Status": versioning["Status"]}
    with suppress(s3.exceptions.ClientError):
        lock = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
        assert "Rule" not in lock, "drafts must stay replaceable"
        read["ObjectLockEnabled"] = lock["ObjectLockEnabled"] == "Enabled"
    notices = s3.get_bucket_notification_configuration(Bucket=name).get("QueueConfigurations", [])
    if notices:
        read["NotificationConfiguration"] = {"QueueConfigurations": [_read_notice(one) for one in notices]}
    with suppress(s3.exceptions.ClientError):
        rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        read["LifecycleConfiguration"] = {"Rules": [_read_rule(rule) for rule in rules]}
    with suppress(s3.exceptions.ClientError):
        found = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]
        read["ReplicationConfiguration"] = {
            "Role": found["Role"],
            "Rules": [_read_replication(name, rule) for rule in found["Rules"]],
        }
    return read


def _read_replication(name: str, rule: Properties) -> dict[str, Any]:
    """A rule of replication. moto answers an empty filter always, so that one is what it was told."""
    told = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_bucket_replication(name)["Rule"]
    [filtered] = [one["Filter"] for one in told if one["ID"] == rule["ID"]]
    return {"Id": rule["ID"], **_but(rule, "ID"), "Filter": dict(filtered), "Priority": int(rule["Priority"])}


def role(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    iam, name = clients("iam"), "replication"
    trusted = json.dumps(wanted["AssumeRolePolicyDocument"])
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted, Tags=wanted["Tags"])["Role"]
    for one in wanted["Policies"]:
        iam.put_role_policy(
            RoleName=name, PolicyName=one["PolicyName"], PolicyDocument=json.dumps(one["PolicyDocument"])
        )

    def read() -> dict[str, Any]:
        found = iam.get_role(RoleName=name)["Role"]
        policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
        return {
            "AssumeRolePolicyDocument": found["AssumeRolePolicyDocument"],
            "Policies": [
                {
                    "PolicyName": one,
                    "PolicyDocument": iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"],
                }
                for one in policies
            ],
            "Tags": found["Tags"],
        }

    return {"Ref": name, "Arn": made["Arn"]}, read


def bucket_policy(
    clients: Clients, wanted: Properties
) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    s3, name = clients("s3"), wanted["Bucket"]
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(wanted["PolicyDocument"]))
    return {}, lambda: {
        "Bucket": name,
        "PolicyDocument": json.loads(s3.get_bucket_policy(Bucket=name)["Policy"]),
    }


def queue(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    sqs, name = clients("sqs"), wanted["QueueName"]
    words = ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled", "RedrivePolicy")
    attributes = {
        word: wanted[word] if isinstance(wanted[word], str) else json.dumps(wanted[word])
        for word in words
        if word in wanted
    }
    tags = {tag["Key"]: tag["Value"] for tag in wanted["Tags"]}
    url = sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def read() -> dict[str, Any]:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {
            word: json.loads(found[word].lower() if word[0] == "S" else found[word]) for word in attributes
        }
        listed = sqs.list_queue_tags(QueueUrl=url)["Tags"]
        return {"QueueName": name, **kept, "Tags": [{"Key": k, "Value": v} for k, v in listed.items()]}

    return {"Ref": url, "Arn": arn, "QueueName": name}, read


def queue_policy(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    sqs, [url] = clients("sqs"), wanted["Queues"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(wanted["PolicyDocument"])})

    def read() -> dict[str, Any]:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        return {"Queues": [url], "PolicyDocument": json.loads(found["Policy"])}

    return {}, read


def secret(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    manager, name = clients("secretsmanager"), wanted["Name"]
    arn = manager.create_secret(Name=name, Description=wanted["Description"], Tags=wanted["Tags"])["ARN"]

    def read() -> dict[str, Any]:
        found = manager.describe_secret(SecretId=arn)
        return {word: found[word] for word in ("Name", "Description", "Tags")}

    return {"Ref": arn}, read


def topic(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    sns, name = clients("sns"), wanted["TopicName"]
    attributes = {"KmsMasterKeyId": wanted["KmsMasterKeyId"]} if "KmsMasterKeyId" in wanted else {}
    arn = sns.create_topic(Name=name, Attributes=attributes, Tags=wanted["Tags"])["TopicArn"]

    def read() -> dict[str, Any]:
        found = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        return {
            "TopicName": found["TopicArn"].rpartition(":")[2],
            **{word: found[word] for word in ("KmsMasterKeyId",) if word in found},
            "Tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"],
        }

    return {"Ref": arn}, read


def log_group(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    logs, name = clients("logs"), wanted["LogGroupName"]
    logs.create_log_group(logGroupName=name)
    logs.put_retention_policy(logGroupName=name, retentionInDays=int(wanted["RetentionInDays"]))

    def read() -> dict[str, Any]:
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        [group] = [group for group in found if group["logGroupName"] == name]
        return {"LogGroupName": name, "RetentionInDays": str(group["retentionInDays"])}

    return {"Ref": name}, read


_ALARM = (
    *(
        "AlarmName",
        "AlarmDescription",
        "AlarmActions",
        "OKActions",
        "ComparisonOperator",
        "EvaluationPeriods",
    ),
    *("Threshold", "TreatMissingData", "Namespace", "MetricName", "Dimensions", "Period"),
    *("Statistic", "ExtendedStatistic", "Metrics"),
)


def alarm(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    cloudwatch, name = clients("cloudwatch"), wanted["AlarmName"]
    given = {word: wanted[word] for word in _ALARM if word in wanted}
    cloudwatch.put_metric_alarm(**given, ActionsEnabled=wanted["ActionsEnabled"] == "true")

    def read() -> dict[str, Any]:
        [found] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        kept = {word: found[word] for word in _ALARM if found.get(word)}
        # A threshold of nothing is one, too.
        return {
            **kept,
            "Threshold": found["Threshold"],
            "ActionsEnabled": json.dumps(found["ActionsEnabled"]),
        }

    return {"Ref": name}, read


def dashboard(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    cloudwatch, name = clients("cloudwatch"), wanted["DashboardName"]
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=wanted["DashboardBody"])

    def read() -> dict[str, Any]:
        body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
        assert json.loads(body)["widgets"]
        return {"DashboardName": name, "DashboardBody": body}

    return {"Ref": name}, read


def database(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    glue, given = clients("glue"), wanted["DatabaseInput"]
    glue.create_database(CatalogId=wanted["CatalogId"], DatabaseInput=given)

    def read() -> dict[str, Any]:
        found = glue.get_database(Name=given["Name"])["Database"]
        return {
            "CatalogId": found["CatalogId"],
            "DatabaseInput": {word: found[word] for word in ("Name", "Description")},
        }

    return {"Ref": given["Name"]}, read


def glue_table(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    glue, given, base = clients("glue"), wanted["TableInput"], wanted["DatabaseName"]
    glue.create_table(DatabaseName=base, TableInput=given)

    def read() -> dict[str, Any]:
        found = glue.get_table(DatabaseName=base, Name=given["Name"])["Table"]
        words = ("Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor")
        return {
            "CatalogId": wanted["CatalogId"],
            "DatabaseName": found["DatabaseName"],
            "TableInput": {word: found[word] for word in words},
        }

    return {"Ref": given["Name"]}, read


def named_query(clients: Clients, wanted: Properties) -> tuple[dict[str, str], Callable[[], dict[str, Any]]]:
    athena = clients("athena")
    made = athena.create_named_query(**wanted)["NamedQueryId"]

    def read() -> dict[str, Any]:
        found = athena.get_named_query(NamedQueryId=made)["NamedQuery"]
        return {word: found[word] for word in ("Database", "Name", "Description", "QueryString")}

    return {"Ref": made}, read


APPLIERS: dict[str, Callable[..., tuple[dict[str, str], Callable[[], dict[str, Any]]]]] = {
    "AWS::DynamoDB::Table": table,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::IAM::Role": role,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": queue_policy,
    "AWS::SecretsManager::Secret": secret,
    "AWS::SNS::Topic": topic,
    "AWS::Logs::LogGroup": log_group,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::Dashboard": dashboard,
    "AWS::Glue::Database": database,
    "AWS::Glue::Table": glue_table,
    "AWS::Athena::NamedQuery": named_query,
}


def applied(
    clients: Clients, document: Properties, resources: Properties, prefix: str, **parameters: str
) -> dict[str, Any]:
    """Apply resources of the template; `{name: (wanted, read back)}`."""
    made = apply(clients, document, resources, prefix, **parameters)
    return {name: (wanted, read()) for name, (wanted, read) in made.items()}


def apply(
    clients: Clients,
    document: Properties,
    resources: Properties,
    prefix: str,
    appliers: Mapping[str, Callable[..., Any]] = APPLIERS,
    **parameters: str,
) -> dict[str, tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Apply resources of the template in the order of their references; what is wanted, and what reads it."""
    resolver = template.Resolver(document, {"Prefix": prefix, **parameters}, REGION)
    resolver.known["AWS::StackName"] = {"Ref": prefix}
    results = {}
    waiting = {
        name: one
        for name, one in resources.items()
        if "Condition" not in one or resolver.holds(one["Condition"])
    }
    while waiting:
        before = len(waiting)
        for name, resource in list(waiting.items()):
            try:
                wanted = resolver.value(resource["Properties"])
            except template.Unresolved:
                continue
            resolver.known[name], read = appliers[resource["Type"]](clients, wanted)
            results[name] = (wanted, read)
            del waiting[name]
        assert len(waiting) < before, f"these wait for one another: {list(waiting)}"
    return results


def ordered(value: Any) -> Any:
    """The value with its lists of named things in one order, and numbers as texts, as parameters are."""
    if isinstance(value, dict):
        return {name: ordered(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return sorted((ordered(inner) for inner in value), key=repr)
    return f"{value:.0f}" if type(value) in (int, float) and value == int(value) else value
