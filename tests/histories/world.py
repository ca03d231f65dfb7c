"""One engine, two servers on it that fail and are killed, a clock that moves, and whoever calls them."""

import http.client
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.engine import Engine
from tests.contract.outside import ROOT, free_port

NAMES = ("a", "b")
_GIVE_UP_S = 600


@dataclass(frozen=True)
class Answer:
    """What came back at last; `attempts` counts the calls that it took, the last one included."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    at: datetime
    attempts: int
    server: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def token(self) -> str | None:
        """The click token of the address that it leads to."""
        return parse_qs(urlsplit(self.header("location")).query).get("ll_click", [None])[0]


class World:
    """Two servers, A and B, on one engine. Whoever calls, calls either of them, until one answers."""

    def __init__(self, folder: Path, seed: str, rate: float, shards: int) -> None:
        self.seed, self.rate, self.shards = seed, rate, shards
        self.random = random.Random(seed)
        self.folder = folder
        self.problems: list[str] = []
        self.statuses: Counter[str] = Counter()
        self.sequence = itertools.count()
        self._local = threading.local()
        self._replayed = [0, 0]
        self.clocks = [datetime.now(UTC)] * 2

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Everything up; at the end everything gone."""
        with Engine() as engine:
            self.ports = [free_port(), free_port()]
            servers = []
            try:
                for name, port in zip(NAMES, self.ports, strict=True):
                    servers.append(self._serve(engine, name, port))
                    self._wait(port)
                self.key = (self.folder / "a" / "admin-key").read_text().strip()
                yield self
            finally:
                for server in servers:
                    server.terminate()
                    server.wait(10)

    def _serve(self, engine: Engine, name: str, port: int) -> subprocess.Popen[bytes]:
        config = {
            "folder": str(self.folder / name),
            "engine": urlsplit(engine.url).port,
            "port": port,
            "seed": f"{self.seed}/{name}",
            "shards": self.shards,
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "tests.histories.process", json.dumps(config)]
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def _wait(self, port: int) -> None:
        until = time.monotonic() + _GIVE_UP_S
        while time.monotonic() < until:
            try:
                if self._send(port, "GET", "/v1/openapi.json", None, {})[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        raise AssertionError("a server does not come up")

    def _send(
        self, port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        kept = self._local.__dict__.setdefault("connections", {})
        connection = kept.pop(port, None) or http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            answer = response.status, response.getheaders(), response.read()
        except BaseException:
            connection.close()
            raise
        kept[port] = connection
        return answer

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        only: int | None = None,
        put_off: bool = False,
    ) -> Answer:
        """The first answer that is not "try again", from whichever server; where `put_off`, that one too."""
        until = time.monotonic() + _GIVE_UP_S
        chosen = random.Random(f"{path}{body!r}")
        for attempt in itertools.count(1):
            server = chosen.randrange(2) if only is None else only
            at = self.clocks[server]
            try:
                status, given, content = self._send(self.ports[server], method, path, body, headers or {})
            except (OSError, http.client.HTTPException):
                status, given, content = 0, [], b""
                time.sleep(0.01)
            self.statuses[str(status or "no answer")] += 1
            if status in {500, 502}:
                told = f"{method} {path}: {status} {content[:200]!r} for {body!r}"
                self.problems.append(f"{told}\n{self._last_trace(server)}")
            if status not in {0, 500, 502, 503} or (put_off and status == 503):
                return Answer(status, given, content, at, attempt, server)
            if time.monotonic() > until:
                raise AssertionError(f"{method} {path} is never answered: {status} {content[:300]!r}")
        raise AssertionError("unreachable")

    def _last_trace(self, server: int) -> str:
        """What a server printed of its last failure."""
        printed = (self.folder / f"{NAMES[server]}.log").read_text(errors="replace")
        return printed[printed.rfind("Traceback") :][:5000]

    def api(self, method: str, path: str, body: object = None, only: int | None = None) -> Answer:
        """A JSON call with the administrator's key."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        raw = None if body is None else json.dumps(body).encode()
        return self.call(method, path, raw, headers, only)

    def at(self, now: datetime, skew: timedelta = timedelta()) -> None:
        """Set the clocks; the second server's is off by `skew`.

        Streams and queues are emptied before, on both: time leaps by more days than a stream keeps records,
        and a server that counts does not remember for longer what it has counted.
        """
        for server in (0, 1):
            self.order("drain", server=server)
        self.clocks = [now, now + skew]
        for server, instant in enumerate(self.clocks):
            body = json.dumps({"now": f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}Z"})
            self.call("POST", "/_local/clock", body.encode(), only=server)

    def order(self, what: str, body: bytes = b"", server: int = 0) -> Any:
        """Have a server do something that only it can; one that just began to live may not listen yet."""
        while (answer := self.call("POST", f"/_histories/{what}", body, only=server)).status != 200:
            time.sleep(0.01)
        return answer.json

    def fail(self, rate: float) -> None:
        """Let this part of all AWS calls fail from now on."""
        for server in (0, 1):
            self.order("faults", json.dumps(rate).encode(), server)

    def kill(self, server: int) -> None:
        """`kill -9`, now."""
        os.kill(self.order("faults", json.dumps(self.rate).encode(), server)["pid"], signal.SIGKILL)

    def replay(self) -> None:
        """What an operator does after an outage: write the clicks that only the logs have."""
        for server, name in enumerate(NAMES):
            log = (self.folder / f"{name}.log").read_bytes()
            new = log[self._replayed[server] :]
            self._replayed[server] += new.rfind(b"\n") + 1
            if b"click_spilled" in new:
                self.order("replay", new, server)

    def spilled(self) -> set[str]:
        """The tokens of all clicks that could not be written at once."""
        found = set()
        for name in NAMES:
            for line in (self.folder / f"{name}.log").read_text(errors="replace").splitlines():
                if '"click_spilled"' in line:
                    found.add(json.loads(line[line.index("{") :])["click"].get("t", ""))
        return found

    def jobs(self, *names: str) -> None:
        """Run scheduled functions on both servers at once, each until it answers."""
        wanted = [(name, server) for name in names for server in (0, 1)]
        with ThreadPoolExecutor(len(wanted)) as pool:
            list(pool.map(lambda one: self.job(*one), wanted))

    def job(self, name: str, server: int) -> Any:
        """Run a scheduled function as EventBridge does: again, where it failed."""
        for _ in range(50):
            try:
                status, _, content = self._send(self.ports[server], "POST", f"/_local/jobs/{name}", b"", {})
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            if status == 200:
                return json.loads(content)
        raise AssertionError(f"{name} never comes to its end: {content[:300]!r}")
