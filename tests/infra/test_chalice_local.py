"""`chalice local` from a plain checkout, with the local engine as its AWS."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest

from chalicelib import bootstrap
from chalicelib.services import keys
from infra.acting import acting_as
from infra.project import DEFAULT_PREFIX, ROOT
from local import provision
from local.engine import REGION, Engine

CHALICE = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
READY_S = 60


@pytest.fixture
def served(engine: Engine) -> Iterator[tuple[str, str]]:
    """Where Chalice's own local server answers, for the stage `dev` of config.json, and its admin's key."""
    made = provision.stage(
        engine.client, prefix=DEFAULT_PREFIX, base_url="https://go.example.com", region=REGION
    )
    key = keys.new_text()
    with acting_as(engine.environment | made):
        keys.bootstrap_admin(bootstrap.stores(), key, datetime.now(UTC))
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*CHALICE, "local", "--stage", "dev", "--port", str(port), "--no-autoreload"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | engine.environment, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}", key
    finally:
        process.kill()
        process.wait()


def ask(url: str, key: str | None = None, body: object = None) -> tuple[int, bytes]:
    """The answer, once somebody listens."""
    headers = {"Content-Type": "application/json", "User-Agent": "Mozilla/5.0 Firefox/128.0"}
    headers |= {"Authorization": f"Bearer {key}"} if key else {}
    sent = json.dumps(body).encode() if body is not None else None
    opener = urllib.request.build_opener(
        type("_Stay", (urllib.request.HTTPRedirectHandler,), {"redirect_request": lambda *_, **__: None})
    )
    deadline = time.monotonic() + READY_S
    while True:
        try:
            with opener.open(urllib.request.Request(url, sent, headers), timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_chalice_local_serves_the_app_over_the_engine(served: tuple[str, str]) -> None:
    url, key = served
    status, document = ask(f"{url}/v1/openapi.json")
    assert status == 200
    assert "/v1/conversions" in json.loads(document)["paths"]
    program = {"id": "local", "name": "Local", "domains": ["shop.example.com"], "currency": "EUR"}
    assert ask(f"{url}/v1/programs", key, program | {"consent": "exempt"})[0] == 201
    partner = {"id": "ada", "name": "Ada", "email": "ada@example.com"}
    assert ask(f"{url}/v1/partners", key, partner)[0] == 201
    status, enrolled = ask(f"{url}/v1/programs/local/enrollments", key, {"partner": "ada"})
    assert status == 201
    assert ask(f"{url}/{json.loads(enrolled)['link']['code']}")[0] == 302
    assert ask(f"{url}/v1/programs", None, program)[0] == 401
