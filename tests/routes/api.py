"""A caller of the JSON routes, with an administrator's key unless it says otherwise."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from chalice import Chalice
from chalice.test import Client

from app import app
from chalicelib.services import keys as key_service
from chalicelib.storage.stores import Stores

TERMS = {
    "attribution": {"model": "last", "window_days": 30},
    "hold_days": 14,
    "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
}


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers in lower case, its body as JSON."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def error(self) -> dict[str, str]:
        """The error object, which is all there is in a refusal."""
        assert set(self.json) == {"error"}
        return self.json["error"]

    def refused(self, status: int, code: str, field: str | None = None) -> None:
        """Hold the answer to be this refusal."""
        assert (self.status, self.error["code"], self.error.get("field")) == (status, code, field)


class Api:
    """The whole application in one stage. (Chalice registers a blueprint once: its options are used up.)"""

    def __init__(self, stores: Stores, now: Any, application: Chalice = app) -> None:
        self.stores = stores
        self._client = Client(application)
        self.admin_key = key_service.new_text()
        key_service.bootstrap_admin(stores, self.admin_key, now)

    def send(
        self,
        method: str,
        path: str,
        raw: bytes = b"",
        headers: dict[str, str] | None = None,
        key: str | None = None,
    ) -> Answer:
        """One request with these headers, and a key: the administrator's, another, or (empty) none."""
        bearer = self.admin_key if key is None else key
        authorization = {"authorization": f"Bearer {bearer}"} if bearer else {}
        answer = self._client.http.request(method, path, headers=authorization | (headers or {}), body=raw)
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, lower, answer.body)

    def get(self, path: str, key: str | None = None) -> Answer:
        """A GET."""
        return self.send("GET", path, key=key)

    def listed(self, path: str) -> list[Any]:
        """All that a list holds, walked one by one."""
        found: list[Any] = []
        cursor = ""
        joint = "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{joint}limit=1{cursor}")
            assert page.status == 200, page
            found += page.json["data"]
            if page.json["next_cursor"] is None:
                return found
            cursor = f"&cursor={page.json['next_cursor']}"

    def delete(self, path: str, key: str | None = None) -> Answer:
        """A DELETE."""
        return self.send("DELETE", path, key=key)

    def post(self, path: str, body: object, key: str | None = None, method: str = "POST") -> Answer:
        """A POST of JSON."""
        return self.send(method, path, json.dumps(body).encode(), {"content-type": "application/json"}, key)

    def program(self, program: str = "acme", **settings: object) -> Answer:
        """Create a program."""
        wanted = {"id": program, "name": "Acme", "domains": ["shop.example.com"], "currency": "EUR"}
        return self.post("/v1/programs", wanted | settings)

    def partner(self, partner: str = "anna", key: str | None = None) -> Answer:
        """Create a partner."""
        body = {"id": partner, "name": partner.title(), "email": f"{partner}@example.com"}
        return self.post("/v1/partners", body, key)

    def enroll(self, program: str = "acme", partner: str = "anna", key: str | None = None) -> Answer:
        """Enrol a partner."""
        return self.post(f"/v1/programs/{program}/enrollments", {"partner": partner}, key)

    def key(self, *scopes: str, program: str | None = None, partner: str | None = None) -> str:
        """A new key with these scopes."""
        answer = self.post("/v1/keys", {"scopes": scopes, "program": program, "partner": partner})
        assert answer.status == 201, answer.json
        return str(answer.json["key"])


@pytest.fixture
def api(stage: Any, clock: Any) -> Api:
    """The catalogue's routes in a fresh stage, at noon on 2026-10-15."""
    return Api(stage.stores, clock())
