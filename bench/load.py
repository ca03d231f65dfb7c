"""Redirects a second through the whole local stack, and whether every acknowledged click is kept.

One hot link, 32 connections kept alive, each hit a navigation of a browser without a cookie. The engine, the
stream workers and this client share the machine's cores with the app, so the rate is a lower bound; the CPU
seconds are those of the stack's process (front, app and workers), read from the kernel.
"""

import socket
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measure import Measure, Measures
from bench.outside import Client, Program, Stack

CONNECTIONS = 32
_TICKS_PER_S = 100
_SETTLE_S = 60
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def measure(quick: bool) -> Measures:
    """Redirects a second, CPU seconds of the stack per 1,000, and clicks answered but not kept."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        client = Client(stack)
        program = client.make_program(1, 30)
        _hit(stack.port, program.codes[0], until=time.monotonic() + 0.5)
        warm = sum(kept(client, program, 0).values())
        before, started = stack.cpu_ticks(), time.monotonic()
        answered = _load(stack.port, program.codes[0], 3.0 if quick else 10.0)
        elapsed, used = time.monotonic() - started, stack.cpu_ticks() - before
        counted = sum(kept(client, program, warm + answered).values()) - warm
    return {
        "redirect_rps": Measure(round(answered / elapsed), "1/s at 32 connections"),
        "redirect_stack_cpu_s": Measure(round(used / _TICKS_PER_S / answered * 1000, 3), "CPU s per 1,000"),
        "redirect_lost": Measure(answered - counted, f"of {answered} answered"),
    }


def _load(port: int, code: str, seconds: float) -> int:
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(lambda _: _hit(port, code, until), range(CONNECTIONS)))


def _hit(port: int, code: str, until: float) -> int:
    """Follow the link over one connection until then; how many redirects were answered."""
    request = (
        f"GET /{code} HTTP/1.1\r\nHost: go.example\r\nUser-Agent: {AGENT}\r\nAccept: */*\r\n\r\n".encode()
    )
    answered = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                answer += connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 302"):
                raise RuntimeError(answer[:200])
            answered += 1
    return answered


def kept(client: Client, program: Program, expected: int) -> dict[str, int]:
    """The counts, once the stream has told of as many clicks as expected, or after a minute."""
    deadline = time.monotonic() + _SETTLE_S
    last = {"": -1}
    while time.monotonic() < deadline:
        found = client.clicks_by_verdict(program.id)
        if found == last and sum(found.values()) >= expected:
            break
        last = found
        time.sleep(0.5)
    return last


if __name__ == "__main__":
    for name, found in measure("--quick" in sys.argv).items():
        print(f"{name:<24}{found.value:>10} {found.unit}")
