"""Notices to finance, over an SNS topic where the stage has one."""

import json

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage import aws


class Notices:
    """The finance topic of the stage."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.finance_topic

    @property
    def wanted(self) -> bool:
        """Whether there is a topic."""
        return self._topic is not None

    def publish(self, subject: str, content: dict[str, str]) -> None:
        """Tell everybody who subscribed; the content is JSON.

        Raises:
            Unavailable: it may not have been sent.
        """
        try:
            aws.client("sns").publish(
                TopicArn=self._topic, Subject=subject, Message=json.dumps(content, sort_keys=True)
            )
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            raise Unavailable("notice_not_sent", "the notice could not be sent") from error
