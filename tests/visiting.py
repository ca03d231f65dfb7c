"""What tests of links share: a programme with a partner's link, and a visitor who follows it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalice.test import Client

from app import app
from chalicelib import bootstrap
from chalicelib.domain.click import Click
from chalicelib.domain.link import Link
from chalicelib.domain.period import parse_instant
from chalicelib.domain.program import Program
from chalicelib.domain.terms import Attribution, Terms
from chalicelib.services import links
from chalicelib.storage import aws
from chalicelib.storage.clicks import of_item
from chalicelib.storage.codec import decode_item
from chalicelib.storage.stores import Stores

NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
NAVIGATION = {"user-agent": BROWSER, "sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}


def a_program(stores: Stores | None = None, window_days: int = 30, **changes: Any) -> Program:
    """The program `acme`; stored, with one version of terms, where stores are given."""
    program = Program(
        "acme", "Acme", ("shop.example",), "EUR", "https://shop.example/", NOW - timedelta(days=9), "secret"
    )
    program = replace(program, **changes)
    if stores is not None:
        assert stores.catalogue.add_program_once(program)
        terms = Terms(program.id, 1, NOW, Attribution(window_days=window_days), 30, ())
        stores.catalogue.add_terms_once(terms)
    return program


def a_link(stores: Stores, program: Program, **wanted: Any) -> Link:
    """A link of anna's."""
    return links.create(stores, program, wanted.pop("partner", "anna"), now=NOW, **wanted)


def stored_clicks(stores: Stores) -> list[Click]:
    """Every click that is stored, in order of time."""
    answer = aws.client("dynamodb").scan(TableName=stores.settings.table("clicks"), ConsistentRead=True)
    return sorted((of_item(decode_item(item)) for item in answer["Items"]), key=lambda click: click.at)


@dataclass
class Visitor:
    """A browser that keeps its cookie."""

    headers: dict[str, str] = field(default_factory=lambda: dict(NAVIGATION))
    cookie: str | None = None

    def __post_init__(self) -> None:
        self._client = Client(app)

    def follow(self, path: str, method: str = "GET", **headers: str) -> "Visit":
        """Ask for a path; keyword names are headers with `_` for `-`."""
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie and "cookie" not in sent:
            sent["cookie"] = f"ll_id={self.cookie}"
        answer = self._client.http.request(method, f"/{path.removeprefix('/')}", headers=sent)
        visit = Visit(answer.status_code, dict(answer.headers), answer.body)
        if visit.cookie:
            self.cookie = visit.cookie.split(";")[0].removeprefix("ll_id=")
        return visit


@dataclass(frozen=True)
class Visit:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.location).query, keep_blank_values=True)

    @property
    def token(self) -> str | None:
        return self.query.get("ll_click", [None])[0]

    @property
    def cookie(self) -> str | None:
        return self.headers.get("Set-Cookie")


def instant(text: str) -> datetime:
    """An instant from RFC 3339."""
    return parse_instant(text, "at")


def the_stores() -> Stores:
    """The stores of this test's stage."""
    return bootstrap.stores()
