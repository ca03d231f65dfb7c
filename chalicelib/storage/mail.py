"""Sending e-mail, through SES."""

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.errors import Unavailable
from chalicelib.settings import Settings
from chalicelib.storage import aws


class Mail:
    """Plain text from the stage's address."""

    def __init__(self, settings: Settings) -> None:
        self._sender = settings.mail_from

    @property
    def is_there(self) -> bool:
        """Whether the stage sends mail."""
        return self._sender is not None

    def send(self, to: str, subject: str, text: str) -> None:
        """Send a message.

        Raises:
            Unavailable: the mail service is away or refuses, or the stage has no address to send from.
        """
        if self._sender is None:
            raise Unavailable("mail_missing", "this stage sends no mail: it has no MAIL_FROM")
        content = {"Subject": _utf8(subject), "Body": {"Text": _utf8(text)}}
        try:
            aws.client("ses").send_email(
                Source=self._sender, Destination={"ToAddresses": [to]}, Message=content
            )
        except (ClientError, BotoCoreError) as error:
            raise Unavailable("mail_unavailable", "the mail service does not answer; try again") from error


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
