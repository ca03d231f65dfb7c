"""What a warm redirect costs in CPU, against one default botocore PutItem, and how that grows.

The server on the other side is null: it answers every DynamoDB call at once from another process, so that
only this process is measured, and only its CPU time (user and system). Each figure is the least of several
rounds, taken in turns, because whatever else the machine does only adds.
"""

import base64
import json
import os
import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from bench.measure import Measure, Measures

BROWSER = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
_NOW = datetime(2026, 10, 15, 12, tzinfo=UTC)
_SECRET = base64.b64encode(bytes(range(32))).decode()


def measure(quick: bool) -> Measures:
    """`redirect_cpu_ratio`, `redirect_growth_links` (10^6 links over 10^2), `redirect_growth_journey`."""
    rounds, calls = (15, 100) if quick else (40, 400)
    with null_server() as port:
        _configure(port)
        stage = _Stage()
        put, redirect = _default_put(port), stage.visit("l-0")
        put_us, redirect_us = _least_us([put, redirect], rounds, calls)
        small = stage.turns_over(100)
        large = stage.turns_over(10_000 if quick else 1_000_000)
        small_us, large_us = _least_us([small, large], rounds, calls)
        first, hundredth = stage.visit("l-0"), stage.visit_after(100)
        first_us, hundredth_us = _least_us([first, hundredth], rounds, calls)
    return {
        "redirect_cpu_ratio": Measure(round(redirect_us / put_us, 3), "ratio", 1.0),
        "redirect_cpu_us": Measure(round(redirect_us), "us", round(put_us)),
        "redirect_growth_links": Measure(round(large_us / small_us, 3), "ratio"),
        "redirect_growth_journey": Measure(round(hundredth_us / first_us, 3), "ratio"),
    }


class _Stage:
    """The app as Lambda calls it, over a process that knows many links."""

    def __init__(self) -> None:
        from chalicelib.domain.program import Program

        self.program = Program(
            "acme", "Acme", ("shop.example",), "EUR", "https://shop.example/", _NOW, "secret"
        )
        self._fill(100)

    def visit(self, code: str, cookie: str = "") -> Callable[[], None]:
        """A redirect by this link."""
        from app import app

        event = an_event(code, cookie)

        def follow() -> None:
            answer = app(event, None)
            if answer["statusCode"] != 302:
                raise AssertionError(answer)

        return follow

    def turns_over(self, links: int) -> Callable[[], None]:
        """Redirects by links of so many in turn, those that a warm process holds at once."""
        from chalicelib.storage.warm import MAX_ENTRIES

        held = min(links, MAX_ENTRIES // 2)
        self._fill(links, held)
        visits = cycle([self.visit(f"l-{number * (links // held)}") for number in range(held)])
        return lambda: next(visits)()

    def visit_after(self, clicks: int) -> Callable[[], None]:
        """A redirect of a visitor who comes back after so many clicks."""
        from app import app

        cookie = ""
        for _ in range(clicks):
            answer = app(an_event("l-0", cookie), None)
            cookie = answer["multiValueHeaders"].get("Set-Cookie", answer["headers"].get("Set-Cookie"))
            cookie = (cookie[0] if isinstance(cookie, list) else cookie).split(";")[0]
        return self.visit("l-0", cookie)

    def _fill(self, links: int, held: int | None = None) -> None:
        """Make the links warm, so that none is read again while it is measured."""
        from chalicelib import bootstrap
        from chalicelib.domain import destination
        from chalicelib.domain.link import Link
        from chalicelib.services.targets import Offer, Target
        from chalicelib.storage import warm

        warm.MAX_AGE_S = 3600.0
        held = held or links
        offer = Offer(self.program, 30)
        for number in range(held):
            code = f"l-{number * (links // held)}"
            link = Link("lnk_aaaaaaaaaaaaa", code, "acme", "anna", _NOW)
            landing = destination.landing("https://shop.example/", self.program, link)
            bootstrap.stores().warm.keep("link", code, Target(link, offer, landing))
        bootstrap.stores().warm.keep("program", "acme", offer)


def an_event(code: str, cookie: str = "") -> dict[str, Any]:
    """An API Gateway event of a browser's navigation."""
    headers = {
        "accept": "text/html,application/xhtml+xml",
        "accept-language": "de",
        "cookie": cookie,
        "host": "go.example.com",
        "referer": "https://www.instagram.com/",
        "sec-fetch-dest": "document",
        "sec-fetch-mode": "navigate",
        "user-agent": BROWSER,
    }
    return {
        "resource": "/{code}",
        "path": f"/{code}",
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {"utm_source": "instagram"},
        "multiValueQueryStringParameters": {"utm_source": ["instagram"]},
        "pathParameters": {"code": code},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{code}",
            "httpMethod": "GET",
            "path": f"/{code}",
            "identity": {"sourceIp": "192.0.2.1"},
        },
        "body": None,
        "isBase64Encoded": False,
    }


def _default_put(port: int) -> Callable[[], None]:
    """One PutItem of a click by a client as botocore makes it by default."""
    from botocore.session import Session

    from chalicelib.domain.click import Click, Verdict
    from chalicelib.storage.clicks import to_item
    from chalicelib.storage.codec import encode_item

    client = Session().create_client("dynamodb", endpoint_url=f"http://127.0.0.1:{port}")
    click = Click(
        program="acme",
        visitor="abcdefghijklmnop",
        at=_NOW,
        nonce="00ff00",
        link_id="lnk_aaaaaaaaaaaaa",
        code="l-0",
        partner="anna",
        verdict=Verdict.HUMAN,
        reason="navigation",
        token="t" * 59,
        device="desktop",
        referrer="social",
    )
    item = encode_item(to_item(click, _NOW + timedelta(days=33)))
    return lambda: client.put_item(TableName="bench-clicks", Item=item) and None


def _least_us(calls: list[Callable[[], None]], rounds: int, times: int) -> list[float]:
    """The least CPU microseconds that each call took over the rounds, in turns."""
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for position, call in enumerate(calls):
            call()
            started = time.process_time()
            for _ in range(times):
                call()
            least[position] = min(least[position], (time.process_time() - started) / times * 1e6)
    return least


def _configure(port: int) -> None:
    """The environment of a stage whose AWS is the null server; metrics go where nobody reads them."""
    from chalicelib import bootstrap
    from chalicelib.storage import aws

    os.environ.update(
        {
            "TABLE_PREFIX": "bench",
            "LEDGER_BUCKET": "bench-ledger",
            "BASE_URL": "https://go.example.com",
            "SECRETS_ID": "bench/keys",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
        }
    )
    os.environ.pop("AWS_CA_BUNDLE", None)
    bootstrap.stores.cache_clear()
    aws.forget()


class _Null(BaseHTTPRequestHandler):
    """Answers every call with an empty result, and Secrets Manager's with keys."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        answer = b"{}"
        if "GetSecretValue" in self.headers.get("x-amz-target", ""):
            keys = {"token_keys": {"1": _SECRET}, "token_key": "1", "customer_key": _SECRET}
            answer = json.dumps({"SecretString": json.dumps(keys)}).encode()
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(answer), answer)
        )

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Threads(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _serve(ready: Connection) -> None:
    with _Threads(("127.0.0.1", 0), _Null) as server:
        ready.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def null_server() -> Iterator[int]:
    """The port of a server of its own process that does nothing."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.terminate()
        process.join()
