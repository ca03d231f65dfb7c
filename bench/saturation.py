"""Rising load up to saturation, and what happens around it: `python bench/saturation.py [--quick]`.

Everything runs on this machine: the local stack, its engine, and these clients. So rates are lower bounds,
and latencies at many connections are those of a queue in front of busy cores; what counts is that nothing
fails, nothing is lost, and that it is quick again afterwards. The hot link has all of the traffic, the hot
partner all of the orders.
"""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.load import AGENT, kept
from bench.outside import Client, Program, Stack

STEPS = (1, 4, 16, 32, 64)
BEFORE = datetime(2026, 11, 30, 12, tzinfo=UTC)
AFTER = datetime(2026, 12, 2, 1, tzinfo=UTC)


@dataclass
class Phase:
    """What one phase came to: seconds of every answer, and answers that were no redirect."""

    name: str
    connections: int
    elapsed_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    errors: int = 0

    def row(self) -> str:
        """A line of the table."""
        ordered = sorted(self.latencies_s) or [0.0]
        ms = [1000 * ordered[min(int(len(ordered) * part), len(ordered) - 1)] for part in (0.5, 0.95, 0.99)]
        rate = len(self.latencies_s) / self.elapsed_s if self.elapsed_s else 0
        times = "".join(f"{value:9.1f}" for value in ms)
        return f"{self.name:<28}{self.connections:>6}{rate:>9.0f}{times}{self.errors:>8}"


HEAD = f"{'phase':<28}{'conn.':>6}{'1/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'errors':>8}"


def follow(port: int, code: str, name: str, connections: int, seconds: float) -> Phase:
    """Follow one link over so many connections for so long."""
    phase, until, started = Phase(name, connections), time.monotonic() + seconds, time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        for latencies, errors in pool.map(lambda _: _visits(port, code, until), range(connections)):
            phase.latencies_s += latencies
            phase.errors += errors
    phase.elapsed_s = time.monotonic() - started
    return phase


def _visits(port: int, code: str, until: float) -> tuple[list[float], int]:
    lines = [f"GET /{code} HTTP/1.1", "Host: go.example", f"User-Agent: {AGENT}", "Accept: */*", "", ""]
    request = "\r\n".join(lines).encode()
    latencies: list[float] = []
    errors = 0
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (began := time.monotonic()) < until:
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                received = connection.recv(4096)
                if not received:
                    return latencies, errors + 1
                answer += received
            if answer.startswith(b"HTTP/1.1 302"):
                latencies.append(time.monotonic() - began)
            else:
                errors += 1
                return latencies, errors
    return latencies, errors


def tell(stack: Stack, program: Program, orders: int) -> int:
    """A flash of orders, all of one partner's click; how many were answered with 2xx."""
    client = Client(stack)
    told = 0
    for first in range(0, orders, 50):
        bodies: list[dict[str, object]] = [
            {
                "program": program.id,
                "event": "sale",
                "order_id": f"flash-{number}",
                "amount": 1000,
                "currency": "USD",
                "occurred_at": f"{BEFORE:%Y-%m-%dT%H:%M:%SZ}",
            }
            for number in range(first, min(first + 50, orders))
        ]
        told += sum(status in {200, 201} for status in client.batch(bodies))
    return told


def beside(act: Callable[[], Any], load: Callable[[], Phase]) -> tuple[Any, Phase]:
    """Both at the same time."""
    with ThreadPoolExecutor(2) as pool:
        acting, loading = pool.submit(act), pool.submit(load)
        return acting.result(), loading.result()


def main() -> int:
    quick = "--quick" in sys.argv
    seconds, orders = (2.0, 200) if quick else (8.0, 2000)
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        client = Client(stack)
        client.at(BEFORE)
        program = client.make_program(1, 30)
        phases, told = _phases(stack, client, program, seconds, orders)
        answered = sum(len(phase.latencies_s) for phase in phases)
        counted = sum(kept(client, program, answered).values())
        conversions = sum(1 for _ in client.conversions(program.id))
        published = client.read(f"ledgers/{program.id}/2026-11/manifest.json") is not None
    print(HEAD, *(phase.row() for phase in phases), sep="\n")
    print(f"clicks answered {answered}, kept {counted}; orders acknowledged {told}, kept {conversions}")
    print(f"the month was published during the load: {published}")
    lost = counted < answered or conversions < told or not published
    return 1 if lost or any(phase.errors for phase in phases) else 0


def _phases(
    stack: Stack, client: Client, program: Program, seconds: float, orders: int
) -> tuple[list[Phase], int]:
    port, code = stack.port, program.codes[0]
    phases = [follow(port, code, "warm-up", 1, 0.5)]
    phases += [follow(port, code, "hot link", connections, seconds) for connections in STEPS]
    told, phase = beside(
        lambda: tell(stack, program, orders), lambda: follow(port, code, "flash of orders beside", 8, seconds)
    )
    phases.append(phase)
    client.at(AFTER)
    _, phase = beside(
        lambda: [client.job(name) for name in ("reconcile", "close_month")],
        lambda: follow(port, code, "month close beside", 8, seconds),
    )
    phases.append(phase)
    engine = stack.children()[0]
    os.kill(engine, signal.SIGSTOP)
    try:
        phases.append(follow(port, code, "database away", 4, min(seconds, 5.0)))
    finally:
        os.kill(engine, signal.SIGCONT)
    phases.append(follow(port, code, "recovered", 1, 2 * seconds))
    return phases, told


if __name__ == "__main__":
    sys.exit(main())
