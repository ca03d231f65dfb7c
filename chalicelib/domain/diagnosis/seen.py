"""What a check-up is about, and what it gets to see."""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from chalicelib.domain.program import Consent, Method

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: where the links are, and what the program allows."""

    base_url: str
    program: str
    domains: tuple[str, ...]
    click_param: str
    methods: frozenset[Method]
    consent: Consent


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer, its redirect not followed; `trouble` says why there is none (status 0 then)."""

    url: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    trouble: str = ""

    def all(self, name: str) -> list[str]:
        """Every value of the header."""
        return [value for key, value in self.headers if key.lower() == name]

    def first(self, name: str) -> str:
        """The header's first value; empty without one."""
        return next(iter(self.all(name)), "")


@dataclass(frozen=True, slots=True)
class Told:
    """What a report or refund was answered; `error` is the code of a refusal."""

    status: int
    id: str = ""
    outcome: str = ""
    state: str = ""
    duplicate: bool = False
    is_test: bool = False
    error: str = ""


def read_click_id(url: str, subject: Subject) -> str | None:
    """The click id that a landing URL carries."""
    return parse_qs(urlsplit(url).query).get(subject.click_param, [None])[0]
