"""Queues that hand work to other functions."""

import json
from collections.abc import Mapping

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable
from chalicelib.storage import aws

_MISSING = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}


class Queue:
    """One queue of the stage, by its name; None where the stage has none."""

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._url: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether the stage has this queue."""
        return self._name is not None

    def send(self, message: Mapping[str, str | int], delay_s: int = 0) -> None:
        """Hand a message to the queue's worker, which may get it more than once; not before `delay_s`.

        Raises:
            Unavailable: the queue is away, or there is none.
        """
        if self._name is None:
            raise Unavailable("queue_missing", "this stage has no queue for this")
        try:
            self._url = self._url or aws.client("sqs").get_queue_url(QueueName=self._name)["QueueUrl"]
            later = {"DelaySeconds": delay_s} if delay_s else {}
            aws.client("sqs").send_message(QueueUrl=self._url, MessageBody=json.dumps(message), **later)
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("queue_unavailable", "the queue does not answer; try again") from error

    def depth(self) -> int | None:
        """About how many messages wait, those being worked on included; None where there is no queue.

        Raises:
            Unavailable: the queue is away.
        """
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        try:
            url = aws.client("sqs").get_queue_url(QueueName=self._name)["QueueUrl"]
            found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _MISSING:
                return None
            raise Unavailable("queue_unavailable", "the queue does not answer; try again") from error
        return sum(int(found[name]) for name in names)
