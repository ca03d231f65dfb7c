"""The mail of the local stack: nothing is sent; it is told in the log, and on the page `/_local/mail`."""

import html
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from botocore.session import Session

from chalicelib.domain.period import format_instant
from local.front import json_answer
from local.gateway import Answer

SENDER = "Linkledger <partners@example.com>"
_MOST = 100
_URL = re.compile(r"https?://\S+")


class Mailbox:
    """Takes the calls of SES of a session, and keeps the newest messages, newest first."""

    def __init__(self, clock: Callable[[], datetime], tell: Callable[[str], None] = print) -> None:
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._messages: deque[dict[str, str]] = deque(maxlen=_MOST)

    def attach(self, session: Session) -> None:
        """From now on clients of this session send into this box."""
        session.register("before-call.ses.SendEmail", self._keep)

    @property
    def messages(self) -> list[dict[str, str]]:
        """Each with `at`, `to`, `subject` and `text`; newest first."""
        with self._lock:
            return list(self._messages)

    def answer(self, *, as_json: bool) -> Answer:
        """The messages as a page, or as JSON."""
        if as_json:
            return json_answer({"data": self.messages})
        shown = "".join(map(_message, self.messages)) or "<p>No mail was sent yet.</p>"
        page = f'<!doctype html><html lang="en"><title>Local mail</title><h1>Local mail</h1>{shown}</html>'
        return Answer(200, [("Content-Type", "text/html; charset=utf-8")], page.encode())

    def _keep(self, params: Mapping[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, str]]:
        sent = params["body"]
        message = {
            "at": format_instant(self._clock()),
            "to": sent["Destination.ToAddresses.member.1"],
            "subject": sent["Message.Subject.Data"],
            "text": sent["Message.Body.Text.Data"],
        }
        with self._lock:
            self._messages.appendleft(message)
        self._tell(f"Mail to {message['to']}: {message['subject']}\n{message['text']}")
        return SimpleNamespace(status_code=200), {"MessageId": "local"}


def _message(message: Mapping[str, str]) -> str:
    text = _URL.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html.escape(message["text"]))
    head = f"{message['subject']}, to {message['to']}, {message['at']}"
    return f'<h2>{html.escape(head)}</h2><pre style="white-space:pre-wrap">{text}</pre>'
