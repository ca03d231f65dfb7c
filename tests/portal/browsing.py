"""A browser without scripts: it asks for pages of the whole app, sends forms, and keeps cookies."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from chalice import Chalice
from chalice.test import Client

from app import app
from chalicelib.services import keys
from chalicelib.storage.stores import Stores
from local.mail import Mailbox
from local.workers import QueueWorker


@dataclass(frozen=True)
class Page:
    """An answer: its status, its headers in lower case, and its text."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def text(self) -> str:
        return self.raw.decode()

    @property
    def words(self) -> str:
        """What a reader sees: without tags, blanks run together."""
        body = re.sub(r"<(script|svg)\b.*?</\1>", "", self.text, flags=re.DOTALL)
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)).replace("&#39;", "'").replace("&amp;", "&")

    @property
    def location(self) -> str:
        return self.headers.get("location", "")


class Reader:
    """Somebody with a browser."""

    def __init__(self, stores: Stores, now: Any, mailbox: Mailbox, worker: QueueWorker) -> None:
        self.stores = stores
        self.mailbox = mailbox
        self.worker = worker
        self.now = now
        self.cookies: dict[str, str] = {}
        self.headers = {"sec-fetch-site": "same-origin"}
        self._client = Client(app)

    def of(self, application: Chalice) -> "Reader":
        """The same person, with the same cookies, at another application."""
        same = self.another()
        same.cookies, same._client = self.cookies, Client(application)
        return same

    def another(self) -> "Reader":
        """Somebody else, with the same mail."""
        return Reader(self.stores, self.now, self.mailbox, self.worker)

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> Page:
        """One request; redirects are not followed."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self._client.http.request(method, path, headers=sent, body=body)
        got = {name.lower(): value for name, value in answer.headers.items()}
        if "set-cookie" in got:
            name, _, value = got["set-cookie"].split(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return Page(answer.status_code, got, answer.body)

    def get(self, path: str, **headers: str) -> Page:
        """Open a page."""
        return self.send("GET", path, **headers)

    def post(self, path: str, fields: Any = (), **headers: str) -> Page:
        """Send a form."""
        form = {"content_type": "application/x-www-form-urlencoded", **headers}
        return self.send("POST", path, urlencode(fields, doseq=True).encode(), **form)

    def ask_for_a_link(self, email: str, path: str = "/portal") -> str:
        """Ask for a link to sign in; what the page says."""
        return self.post("/portal/sign-in", {"email": email, "next": path}).words

    def mail(self) -> list[str]:
        """Let the worker send what waits; the links of all mails so far, newest first."""
        while self.worker.step():
            pass
        assert not self.worker.failing
        texts = [message["text"] for message in self.mailbox.messages]
        return [link for text in texts for link in re.findall(r"https://\S+", text)]

    def sign_in(self, partner: str, path: str = "/portal") -> Page:
        """Sign in to the portal as this partner, whose address is its id at example.com."""
        self.ask_for_a_link(f"{partner}@example.com", path)
        token = self.mail()[0].split("token=")[1]
        return self.post("/portal/enter", {"token": token})

    def sign_in_with_a_key(self, *, program: str | None = None) -> Page:
        """Sign in to the console with a fresh key: an administrator's, or a merchant's of that program."""
        if program is None:
            key = keys.new_text()
            keys.bootstrap_admin(self.stores, key, self.now)
        else:
            _, key = keys.create(self.stores, frozenset({keys.Scope.MERCHANT}), program, None, self.now)
        return self.post("/console/sign-in", {"key": key})
