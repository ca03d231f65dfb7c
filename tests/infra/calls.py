"""The AWS calls that code makes, and the IAM permissions that they need."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.session import Session

Permission = tuple[str, str]
"""An action and a resource, as in a policy file."""

TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


@dataclass(frozen=True, slots=True)
class Names:
    """How a stage's things are called here, and in the policy files."""

    prefix: str
    bucket: str
    policy_prefix: str
    policy_bucket: str

    def table(self, name: str) -> str:
        """The ARN of a table as policies name it."""
        return f"arn:aws:dynamodb:*:*:table/{name.replace(self.prefix, self.policy_prefix, 1)}"

    def objects(self, key: str) -> str:
        """The ARN of the folder in which an object lies."""
        return f"arn:aws:s3:::{self.policy_bucket}/{key.split('/')[0]}/*"


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the service, the operation and its parameters."""

    service: str
    operation: str
    parameters: Mapping[str, Any]

    def permissions(self, names: Names) -> Iterator[Permission]:
        """What IAM asks for this call.

        Raises:
            ValueError: it isn't known for this operation.
        """
        match self.service, self.operation:
            case "dynamodb", "TransactWriteItems" | "TransactGetItems":
                for wrapped in self.parameters["TransactItems"]:
                    ((kind, action),) = wrapped.items()
                    yield f"dynamodb:{TRANSACTION_ACTIONS[kind]}", names.table(action["TableName"])
            case "dynamodb", "BatchGetItem" | "BatchWriteItem":
                for table in self.parameters["RequestItems"]:
                    yield f"dynamodb:{self.operation}", names.table(table)
            case "dynamodb", operation:
                index = self.parameters.get("IndexName")
                below = f"/index/{index}" if index else ""
                yield f"dynamodb:{operation}", names.table(self.parameters["TableName"]) + below
            case "s3", _:
                yield from self._of_s3(names)
            case "secretsmanager", operation:
                yield (
                    f"secretsmanager:{operation}",
                    f"arn:aws:secretsmanager:*:*:secret:{names.policy_prefix}/keys-*",
                )
            case "sqs", operation:
                name = str(self.parameters.get("QueueName") or self.parameters["QueueUrl"].rpartition("/")[2])
                renamed = name.replace(names.prefix, names.policy_prefix, 1)
                yield f"sqs:{operation}", f"arn:aws:sqs:*:*:{renamed}"
            case "sns" | "ses", _:
                yield from self._of_messages(names)
            case _:
                raise ValueError(f"which permission does {self.service} {self.operation} need?")

    def _of_messages(self, names: Names) -> Iterator[Permission]:
        match self.service, self.operation:
            case "ses", "SendEmail":
                yield "ses:SendEmail", "arn:aws:ses:*:*:identity/*"
            case "sns", "Publish":
                topic = self.parameters["TopicArn"].rpartition(":")[2]
                renamed = topic.replace(names.prefix, names.policy_prefix, 1)
                yield "sns:Publish", f"arn:aws:sns:*:*:{renamed}"
            case _:
                raise ValueError(f"which permission does {self.service} {self.operation} need?")

    def _of_s3(self, names: Names) -> Iterator[Permission]:
        """Reading what may be missing needs ListBucket: S3 answers 403 for 404 without it."""
        bucket = f"arn:aws:s3:::{names.policy_bucket}"
        match self.operation:
            case "ListObjectsV2":
                yield "s3:ListBucket", bucket
            case "GetObject" | "HeadObject":
                yield "s3:GetObject", names.objects(self.parameters["Key"])
                yield "s3:ListBucket", bucket
            case "PutObject" | "DeleteObject":
                yield f"s3:{self.operation}", names.objects(self.parameters["Key"])
                if "ObjectLockMode" in self.parameters:
                    yield "s3:PutObjectRetention", names.objects(self.parameters["Key"])
            case _:
                raise ValueError(f"which permission does s3 {self.operation} need?")


class Recorder:
    """Keeps the calls of a session's clients, by what was being done (`doing`) when they were made.

    Made before the session's first client: a client copies its session's hooks.
    """

    def __init__(self, session: Session) -> None:
        self.doing: str | None = None
        self.calls: dict[str, list[Call]] = {}
        session.register("before-parameter-build", self._keep)

    def of(self, function: str) -> list[Call]:
        """The calls made while `doing` was this."""
        return self.calls.get(function, [])

    def _keep(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if self.doing is not None:
            call = Call(model.service_model.service_name, model.name, dict(params))
            self.calls.setdefault(self.doing, []).append(call)


def granted(policy: Mapping[str, Any]) -> set[Permission]:
    """Every action on every resource that the policy allows."""
    return {
        (action, resource)
        for statement in policy["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
