"""What a stranger to the code has: a running stack, HTTP, and the contract.

Nothing here imports the project. `Stack` starts and stops it as `make run` does; `Shop` is one program
with terms, partners and links; `Visitor` is a browser that keeps its cookie.
"""

import base64
import csv
import hashlib
import hmac
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
NAVIGATION = {
    "User-Agent": BROWSER,
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
}
NOVEMBER_10 = "2026-11-10T12:00:00Z"
LEDGER_COLUMNS = [
    *("entry_id", "booked_at", "occurred_at", "kind", "conversion_id", "order_id", "event", "partner"),
    *("currency", "sale_amount", "commission_amount", "share", "terms_version", "reverses", "reason"),
]
SUMMARY_COLUMNS = [
    *("partner", "currency", "opening", "accrued", "reversed", "corrected", "paid", "closing", "payable"),
]

_numbers = count(1)


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, as it came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = field(repr=False)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:400]!r}>"

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """The header's only value, or an empty text."""
        values = self.all(name)
        return values[0] if values else ""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.header("Location")

    @property
    def query(self) -> dict[str, list[str]]:
        """The query of the address that a redirect leads to."""
        return parse_qs(urlsplit(self.location).query, keep_blank_values=True)

    @property
    def click_id(self) -> str | None:
        return self.query.get("ll_click", [None])[0]

    def expect(self, *statuses: int) -> "Answer":
        assert self.status in statuses, f"expected {statuses}, got {self}"
        return self

    def refused(self, *statuses: int) -> str:
        """The error's code, having checked the status and the one shape that errors have."""
        self.expect(*statuses)
        error = self.json["error"]
        assert isinstance(error["code"], str)
        assert error["code"]
        assert isinstance(error["message"], str)
        assert error["message"]
        assert set(error) <= {"code", "message", "field"}
        return str(error["code"])


class Stack:
    """The local stack on a free port, with a data folder of its own, and without the demo unless asked."""

    def __init__(self, data_dir: Path, *, demo: bool = False) -> None:
        self.port = free_port()
        self.data_dir = data_dir
        self.output = data_dir.parent / f"{data_dir.name}.log"
        environment = {
            **os.environ,
            "PORT": str(self.port),
            "DATA_DIR": str(data_dir),
            "DEMO": str(int(demo)),
        }
        with self.output.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self._connection: http.client.HTTPConnection | None = None
        try:
            wait_for(self._ready, seconds=60)
        except AssertionError:
            self.stop()
            raise AssertionError(f"the stack did not start:\n{self.output.read_text()[-4000:]}") from None
        self.admin_key = (data_dir / "admin-key").read_text().strip()

    def _ready(self) -> bool:
        assert self._process.poll() is None, "the stack ended"
        try:
            answer = self.http("GET", "/v1/openapi.json")
        except OSError:
            return False
        return answer.status == 200 and (self.data_dir / "admin-key").exists()

    def stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def http(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    ) -> Answer:
        """One request, exactly these headers (and Host, Content-Length); redirects are not followed."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers or [])
        if body is not None and not any(name.lower() == "content-length" for name, _ in pairs):
            pairs.append(("Content-Length", str(len(body))))
        for attempt in (1, 2):
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
            connection = self._connection
            fresh = connection.sock is None
            try:
                connection.putrequest(method, path, skip_accept_encoding=True)
                for name, value in pairs:
                    connection.putheader(name, value)
                connection.endheaders(body)
                response = connection.getresponse()
                return Answer(response.status, response.getheaders(), response.read())
            except (http.client.HTTPException, OSError):
                connection.close()
                self._connection = None
                if fresh or attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def raw(self, request: bytes) -> bytes:
        """What comes back for these very bytes, until the connection closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received

    def api(self, method: str, path: str, body: object = None, *, key: str | None = None) -> Answer:
        """A JSON call with a bearer key: the admin's, unless another is given."""
        headers = {"Authorization": f"Bearer {self.admin_key if key is None else key}"}
        raw = None
        if body is not None:
            raw = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        return self.http(method, path, raw, headers)

    def at(self, instant: str | None) -> None:
        """Set the time that everything reads."""
        body = json.dumps({"now": instant}).encode()
        self.http("POST", "/_local/clock", body, {"Content-Type": "application/json"}).expect(200, 204)

    def run_job(self, name: str) -> Answer:
        return self.http("POST", f"/_local/jobs/{name}", b"").expect(200)

    def reconcile(self) -> None:
        self.run_job("reconcile")

    def close_month(self) -> None:
        self.run_job("close_month")

    def object(self, key: str) -> Answer:
        """An object of the ledger bucket."""
        return self.http("GET", f"/_local/s3/{key}")

    def published(self, program: str, month: str) -> bool:
        return self.object(f"ledgers/{program}/{month}/manifest.json").status == 200

    def books(self, program: str, month: str, folder: str = "ledgers") -> "Books":
        return Books.read(self, f"{folder}/{program}/{month}")


@dataclass(frozen=True)
class Books:
    """The files of one month, every part checked against the manifest's hash."""

    manifest: dict[str, Any]
    manifest_bytes: bytes
    files: dict[str, bytes]

    @classmethod
    def read(cls, stack: Stack, folder: str) -> "Books":
        raw = stack.object(f"{folder}/manifest.json").expect(200).body
        manifest = json.loads(raw)
        files = {}
        for part in manifest["parts"]:
            content = stack.object(f"{folder}/{part['name']}").expect(200).body
            assert hashlib.sha256(content).hexdigest() == part["sha256"], part
            assert len(content) == part["bytes"], part
            files[part["name"]] = content
        return cls(manifest, raw, files)

    @property
    def entries(self) -> list[dict[str, str]]:
        """The ledger's lines, of all its parts, in order."""
        names = sorted(name for name in self.files if name.startswith("ledger-"))
        assert names
        return [row for name in names for row in read_csv(self.files[name], LEDGER_COLUMNS)]

    def of_kind(self, kind: str) -> list[dict[str, str]]:
        """The entries of one kind."""
        return [entry for entry in self.entries if entry["kind"] == kind]

    @property
    def summary(self) -> dict[tuple[str, str], dict[str, str]]:
        """The summary's lines by (partner, currency)."""
        rows = read_csv(self.files["summary.csv"], SUMMARY_COLUMNS)
        found = {(row["partner"], row["currency"]): row for row in rows}
        assert len(found) == len(rows)
        return found

    def of(self, conversion: str, kind: str | None = None) -> list[dict[str, str]]:
        """The entries of one conversion."""
        return [
            entry
            for entry in self.entries
            if entry["conversion_id"] == conversion and kind in (None, entry["kind"])
        ]


def read_csv(content: bytes, columns: list[str]) -> list[dict[str, str]]:
    """The rows of an RFC 4180 file whose first line names exactly these columns."""
    reader = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), strict=True)
    assert reader.fieldnames == columns
    return list(reader)


def total(entries: list[dict[str, str]], column: str = "commission_amount") -> Decimal:
    return sum((Decimal(entry[column]) for entry in entries), Decimal(0))


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as the condition holds; fail when it doesn't in time."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.3)


@dataclass(frozen=True)
class Partner:
    """An enrolled partner and its default link's code."""

    id: str
    code: str
    url: str


class Visitor:
    """A browser: it navigates, keeps `ll_id`, and remembers its last click's token."""

    def __init__(self, stack: Stack, **headers: str) -> None:
        self._stack = stack
        self._headers = {**NAVIGATION, **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.cookie: str | None = None
        self.click_id: str | None = None

    def follow(self, link: "Partner | str", query: str = "", method: str = "GET") -> Answer:
        code = link.code if isinstance(link, Partner) else link
        headers = dict(self._headers)
        if self.cookie:
            headers["Cookie"] = f"ll_id={self.cookie}"
        answer = self._stack.http(method, f"/{code}{query}", None, headers)
        for line in answer.all("Set-Cookie"):
            name, _, value = line.split(";")[0].partition("=")
            if name.strip() == "ll_id":
                self.cookie = value
        self.click_id = answer.click_id if answer.location else None
        return answer


class Shop:
    """A program of its own, so that tests know nothing of one another."""

    def __init__(self, stack: Stack, *, terms: dict[str, Any] | None = None, **fields: Any) -> None:
        """Make the program and its first terms; `terms` are arguments of `terms()`."""
        self.stack = stack
        self.id = f"shop{next(_numbers)}-{os.urandom(3).hex()}"
        body = {
            "id": self.id,
            "name": "A shop",
            "domains": ["shop.example"],
            "currency": "EUR",
            "consent": "granted",
            **fields,
        }
        self.program = stack.api("POST", "/v1/programs", body).expect(201).json
        self._orders = count(1)
        self.terms(**(terms or {}))

    def terms(
        self, commissions: list[dict[str, Any]] | None = None, hold_days: int = 14, **attribution: Any
    ) -> Any:
        """Publish a version: last click, 30 days, 10 % of each sale, unless told otherwise."""
        body = {
            "attribution": {"model": "last", "window_days": 30, "coupon": "beats_click", **attribution},
            "hold_days": hold_days,
            "commissions": commissions or [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
        }
        return self.stack.api("POST", f"/v1/programs/{self.id}/terms", body).expect(201).json

    def partner(self, name: str = "anna") -> Partner:
        """Make and enrol a partner."""
        partner = f"{name}-{self.id}"
        body = {"id": partner, "name": name.title(), "email": f"{name}@example.com"}
        self.stack.api("POST", "/v1/partners", body).expect(201)
        link = self.enroll(partner).expect(201).json["link"]
        return Partner(partner, link["code"], link["url"])

    def enroll(self, partner: str) -> Answer:
        return self.stack.api("POST", f"/v1/programs/{self.id}/enrollments", {"partner": partner})

    def link(self, partner: Partner, **fields: Any) -> Answer:
        body = {"program": self.id, "partner": partner.id, **fields}
        return self.stack.api("POST", "/v1/links", body)

    def coupon(self, partner: Partner, code: str) -> Answer:
        body = {"program": self.id, "partner": partner.id, "code": code}
        return self.stack.api("POST", "/v1/coupons", body)

    def visitor(self, **headers: str) -> Visitor:
        return Visitor(self.stack, **headers)

    def clicked(self, partner: Partner) -> str:
        """The token of a new visitor's click."""
        token = self.visitor().follow(partner).expect(302).click_id
        assert token
        return token

    def order(self, amount: int = 2000, currency: str = "EUR", **fields: Any) -> dict[str, Any]:
        """A sale, ready to be told; the order id is new unless given."""
        return {
            "program": self.id,
            "event": "sale",
            "order_id": f"order-{next(self._orders)}",
            "amount": amount,
            "currency": currency,
            **fields,
        }

    def tell(self, order: dict[str, Any], *, key: str | None = None) -> Answer:
        return self.stack.api("POST", "/v1/conversions", order, key=key)

    def sell(self, amount: int = 2000, currency: str = "EUR", **fields: Any) -> str:
        """Tell of a new sale; its conversion's id."""
        return str(self.tell(self.order(amount, currency, **fields)).expect(201).json["id"])

    def pixel(self, order: dict[str, Any], **headers: str) -> Answer:
        """The order (its amount in major units) as a confirmation page's image reports it."""
        query = urlencode({name: value for name, value in order.items() if value is not None})
        return self.stack.http("GET", f"/p.gif?{query}", None, {"User-Agent": BROWSER, **headers})

    def conversions(self) -> list[dict[str, Any]]:
        answer = self.stack.api("GET", f"/v1/conversions?program={self.id}&limit=200").expect(200)
        return list(answer.json["data"])

    def conversion(self, conversion: str) -> dict[str, Any]:
        return dict(self.stack.api("GET", f"/v1/conversions/{conversion}").expect(200).json)

    def state(self, conversion: str) -> str:
        """Where the conversion stands once everything due has been decided."""
        self.stack.reconcile()
        return str(self.conversion(conversion)["state"])

    def receipt(self, conversion: str) -> dict[str, Any]:
        """The receipt as it is now."""
        return dict(self.stack.api("GET", f"/v1/conversions/{conversion}/receipt").expect(200).json)

    def credits(self, conversion: str) -> dict[str, int]:
        """Commission in minor units by partner, out of the receipt as it is now."""
        found: dict[str, int] = {}
        for credit in self.receipt(conversion)["credits"]:
            found[credit["partner"]] = found.get(credit["partner"], 0) + credit["commission"]["amount"]
        return found

    def adjust(self, conversion: str, kind: str, id: str = "adj-1", **fields: Any) -> Answer:
        body = {"id": id, "kind": kind, "reason": "customer sent it back", **fields}
        return self.stack.api("POST", f"/v1/conversions/{conversion}/adjustments", body)

    def draft(self, month: str = "2026-11") -> Books:
        """The month's draft, rewritten just now."""
        self.stack.reconcile()
        return self.stack.books(self.id, month, "drafts")

    def close(self, month: str = "2026-11", at: str = "2026-12-02T00:00:00Z") -> Books:
        """Move the clock, run the hourly job and the close, and read what was published."""
        self.stack.at(at)
        self.stack.reconcile()
        self.stack.close_month()
        return self.stack.books(self.id, month)

    def stats(self, **query: str) -> dict[str, Any]:
        path = f"/v1/stats?{urlencode({'program': self.id, **query})}"
        return dict(self.stack.api("GET", path).expect(200).json)

    def wait_for_clicks(self, clicks: int) -> None:
        wait_for(lambda: self.stats()["totals"]["clicks"] == clicks)


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sign(secret: str, body: bytes, *, timestamp: int, id: str = "msg_1") -> dict[str, str]:
    """The three headers of Standard Webhooks (its specification, "Signature scheme")."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
        "Content-Type": "application/json",
    }


def path_part(text: str) -> str:
    """The text as one part of a path."""
    return quote(text, safe="")
