"""How the story is told: requests by the public routes, each outcome printed, the books as tables."""

import base64
import csv
import hashlib
import hmac
import http.client
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "cross-site",
}

_LEDGER_COLUMNS = (
    "booked_at",
    "kind",
    "order_id",
    "event",
    "partner",
    "currency",
    "sale_amount",
    "commission_amount",
    "share",
    "terms_version",
    "reason",
)

_REASON_WIDTH = 48


class Failed(Exception):
    """The stack answered otherwise than the story goes."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The header's first value, or an empty text."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visitor has after following a link."""

    location: str
    click_id: str
    cookie: str


class Teller:
    """Calls the stack, remembers what the story needs later, and prints."""

    def __init__(self, url: str, admin_key: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
        self._admin_key = admin_key
        self._now = datetime.now(UTC)
        self._signed_calls = 0
        self.links: dict[str, str] = {}
        self.visits: list[Visit] = []
        self.conversions: dict[str, str] = {}
        self.postback_token = ""
        self.secret = ""

    def finish(self) -> None:
        """Close the connection."""
        self._connection.close()

    def title(self, text: str) -> None:
        """Print what this is."""
        print(f"\n{text}\n", flush=True)

    def step(self, text: str, outcome: str) -> None:
        """Print one thing that happened, and how it came out."""
        print(f"  {self._now:%d %b %H:%M}  {text:<40}  {outcome}", flush=True)

    def expect(self, holds: bool, what: str) -> None:
        """Go on where it holds.

        Raises:
            Failed: it doesn't.
        """
        if not holds:
            raise Failed(f"expected {what}")

    def set_clock(self, now: datetime | None) -> None:
        """Put the stack's clock there (None: real time again)."""
        text = f"{now:%Y-%m-%dT%H:%M:%SZ}" if now else None
        self.api("POST", "/_local/clock", {"now": text}, 200)
        self._now = now or datetime.now(UTC)

    def http(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """One request."""
        try:
            self._connection.request(method, path, body, dict(headers))
            response = self._connection.getresponse()
            return Reply(response.status, response.getheaders(), response.read())
        except (http.client.HTTPException, OSError) as error:
            self._connection.close()
            raise Failed(f"{method} {path} got no answer: {error}") from error

    def api(self, method: str, path: str, body: object, *statuses: int) -> Any:
        """A JSON call with the admin key; what it answers.

        Raises:
            Failed: the status is none of these.
        """
        sent = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._admin_key}", "Content-Type": "application/json"}
        return self._read(method, path, self.http(method, path, sent, headers), statuses)

    def signed(self, method: str, path: str, body: object, status: int) -> Any:
        """A JSON call signed as Standard Webhooks lays down, by the clock's time."""
        self._signed_calls += 1
        sent, message = json.dumps(body).encode(), f"msg_story_{self._signed_calls}"
        timestamp = str(int(self._now.timestamp()))
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.new(key, b".".join([message.encode(), timestamp.encode(), sent]), hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(digest.digest()).decode(),
        }
        return self._read(method, path, self.http(method, path, sent, headers), (status,))

    def follow(self, code: str) -> Visit:
        """Follow a link as a browser that was never here."""
        answer = self.http("GET", f"/{code}", None, BROWSER)
        location = answer.header("Location")
        self.expect(answer.status == 302, f"302 for /{code}, not {answer.status} {answer.body[:200]!r}")
        click = parse_qs(urlsplit(location).query).get("ll_click", [""])[0]
        self.expect(bool(click), f"a click token in {location}")
        return Visit(location, click, answer.header("Set-Cookie").split(";")[0])

    def adjust(self, order: str, adjustment: Mapping[str, object]) -> None:
        """Adjust the conversion of an order."""
        path = f"/v1/conversions/{self.conversions[order]}/adjustments"
        self.api("POST", path, adjustment, 200, 201)

    def credits(self, receipt: Mapping[str, Any]) -> str:
        """Who a receipt credits, and with what."""
        said = []
        for credit in receipt["credits"]:
            amount, currency = credit["commission"]["amount"] / 100, credit["commission"]["currency"]
            said.append(f"{credit['partner']} {amount:.2f} {currency} (share {credit['share']})")
        return "; ".join(said) or str(receipt["outcome"])

    def show_books(self, program: str, month: str) -> None:
        """Print the published month: manifest, ledger, summary, totals."""
        folder = f"/_local/s3/ledgers/{program}/{month}"
        manifest = self.api("GET", f"{folder}/manifest.json", None, 200)
        self.title(f"ledgers/{program}/{month}/manifest.json")
        print(json.dumps(manifest, indent=2))
        rows: list[dict[str, str]] = []
        for part in manifest["parts"]:
            if part["name"].startswith("ledger-"):
                content = self.http("GET", f"{folder}/{part['name']}", None, {}).body
                self.expect(
                    hashlib.sha256(content).hexdigest() == part["sha256"], f"{part['name']} as hashed"
                )
                rows += csv.DictReader(io.StringIO(content.decode(), newline=""))
        rows.sort(key=lambda row: (row["booked_at"], row["entry_id"]))
        self.title(f"The ledger, {len(rows)} lines")
        _print_table([{**row, "reason": _short(row["reason"])} for row in rows], _LEDGER_COLUMNS)
        summary = self.http("GET", f"{folder}/summary.csv", None, {}).body.decode()
        lines = list(csv.DictReader(io.StringIO(summary, newline="")))
        self.title("The totals, by partner (summary.csv)")
        _print_table(lines, tuple(lines[0]) if lines else ())
        self.title("The totals, by currency (manifest.json)")
        totals = [{"currency": currency, **amounts} for currency, amounts in manifest["totals"].items()]
        _print_table(totals, tuple(lines[0])[1:] if lines else ())
        print(flush=True)

    def _read(self, method: str, path: str, reply: Reply, statuses: Sequence[int]) -> Any:
        said = reply.body[:300].decode("utf-8", "replace")
        wanted = " or ".join(str(status) for status in statuses)
        self.expect(reply.status in statuses, f"{wanted} for {method} {path}, not {reply.status} {said}")
        return json.loads(reply.body)


def _print_table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> None:
    """The columns side by side; amounts to the right."""
    widths = {name: max(len(name), *(len(row[name]) for row in rows), 0) for name in columns}
    print("  " + "  ".join(name.ljust(widths[name]) for name in columns).rstrip())
    for row in rows:
        cells = (
            row[name].rjust(widths[name]) if _is_amount(row[name]) else row[name].ljust(widths[name])
            for name in columns
        )
        print("  " + "  ".join(cells).rstrip())


def _short(reason: str) -> str:
    return reason if len(reason) <= _REASON_WIDTH else reason[: _REASON_WIDTH - 3] + "..."


def _is_amount(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).isdigit()
