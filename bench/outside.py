"""The replay's side of HTTP: a local stack of its own, and a client that clicks, tells and reads."""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.records import Hit

ROOT = Path(__file__).resolve().parents[1]
_START_S = 60


class Stack:
    """`python -m local` on a free port, without the demo; its output goes to a file beside the data."""

    def __init__(self, data_dir: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Stack":
        environment = {**os.environ, "PORT": str(self.port), "DATA_DIR": str(self._data_dir), "DEMO": "0"}
        with self._data_dir.with_suffix(".log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "local"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + _START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self._data_dir.with_suffix(".log").read_text()[-4000:])
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def cpu_ticks(self) -> int:
        """User and system time that the stack's process has used, in the kernel's ticks (proc(5))."""
        if self._process is None:
            raise RuntimeError("the stack is not running")
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def children(self) -> list[int]:
        """The processes that the stack started: its engine."""
        if self._process is None:
            raise RuntimeError("the stack is not running")
        pid = self._process.pid
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]

    @property
    def admin_key(self) -> str:
        """The key that may do everything."""
        return (self._data_dir / "admin-key").read_text().strip()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/v1/openapi.json")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Program:
    """The program of the replay; `codes` are its partners' links, in the partners' order."""

    id: str
    partners: list[str]
    codes: list[str]


@dataclass(frozen=True, slots=True)
class Click:
    """What the redirect answered."""

    status: int
    token: str | None
    cookie: str | None


class Client:
    """Speaks to the stack as merchants and browsers do."""

    def __init__(self, stack: Stack) -> None:
        self._port = stack.port
        self._key = stack.admin_key
        self._api = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=600)

    def api(self, method: str, path: str, body: object = None) -> Any:
        """The JSON answer of a call that must succeed.

        Raises:
            RuntimeError: it didn't.
        """
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        self._api.request(method, path, raw, headers)
        answer = self._api.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:400]!r}")
        return json.loads(content) if content else None

    def at(self, instant: datetime) -> None:
        """Set the stack's clock."""
        self.api("POST", "/_local/clock", {"now": f"{instant:%Y-%m-%dT%H:%M:%S}Z"})

    def job(self, name: str) -> Any:
        """Run a job now."""
        return self.api("POST", f"/_local/jobs/{name}")

    def read(self, key: str) -> bytes | None:
        """An object of the ledger bucket, or None."""
        self._api.request("GET", f"/_local/s3/{key}")
        answer = self._api.getresponse()
        content = answer.read()
        return content if answer.status == 200 else None

    def make_program(self, partners: int, window_days: int) -> Program:
        """A program that pays 10 % to the last click of the window, and its partners."""
        program = f"replay-{secrets.token_hex(3)}"
        self.api(
            "POST",
            "/v1/programs",
            {
                "id": program,
                "name": "Replay",
                "domains": ["shop.example"],
                "currency": "USD",
                "consent": "granted",
            },
        )
        terms = {
            "attribution": {"model": "last", "window_days": window_days, "coupon": "off"},
            "hold_days": 14,
            "commissions": [{"event": "sale", "kind": "percent", "rate_bp": 1000}],
        }
        self.api("POST", f"/v1/programs/{program}/terms", terms)
        made = Program(program, [], [])
        for number in range(partners):
            partner = f"{program}-{number:02d}"
            self.api("POST", "/v1/partners", {"id": partner, "name": partner, "email": "p@example.com"})
            link = self.api("POST", f"/v1/programs/{program}/enrollments", {"partner": partner})["link"]
            made.partners.append(partner)
            made.codes.append(link["code"])
        return made

    def click(self, code: str, hit: Hit, cookie: str | None) -> Click:
        """Follow the link as the log's visitor did, from an address that stands for its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=30, source_address=(hit.loopback, 0)
        )
        headers = {"User-Agent": hit.agent, "Referer": hit.referrer}
        connection.putrequest("GET", f"/{code}", skip_accept_encoding=True)
        for name, value in {**headers, "Cookie": f"ll_id={cookie}" if cookie else ""}.items():
            if value:
                connection.putheader(name, value.encode("utf-8", "replace"))
        connection.endheaders()
        answer = connection.getresponse()
        answer.read()
        connection.close()
        query = parse_qs(urlsplit(answer.headers.get("Location", "")).query)
        return Click(answer.status, query.get("ll_click", [None])[0], _cookie(answer.headers))

    def batch(self, bodies: Sequence[dict[str, object]]) -> list[int]:
        """Tell many conversions at once; the status of each."""
        answer = self.api("POST", "/v1/conversions/batch", {"conversions": bodies})
        return [int(result["status"]) for result in answer["results"]]

    def conversions(self, program: str) -> Iterator[dict[str, Any]]:
        """Every conversion of the program, page by page."""
        cursor = ""
        while True:
            page = self.api("GET", f"/v1/conversions?program={program}&limit=200{cursor}")
            yield from page["data"]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    def clicks_by_verdict(self, program: str) -> dict[str, int]:
        """How many hits were kept, by what they were judged to be."""
        rows = self.api("GET", f"/v1/stats?program={program}&by=verdict")["rows"]
        return {str(row["verdict"]): int(row["clicks"]) for row in rows}


def _cookie(headers: http.client.HTTPMessage) -> str | None:
    for line in headers.get_all("Set-Cookie", []):
        name, _, value = line.split(";")[0].partition("=")
        if name == "ll_id":
            return value
    return None
