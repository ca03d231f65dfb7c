"""What a shop in Node or PHP pastes keeps the click, and nothing else."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.contract.outside import free_port
from tests.docs.blocks import snippet
from tests.node import node

CLICK = "A" * 59


@pytest.mark.parametrize(("click", "kept"), [(CLICK, 1), (CLICK[1:], 0), (f"{CLICK}\\n", 0)])
def test_the_node_shop_keeps_a_click_and_nothing_else(click: str, kept: int) -> None:
    shop = (
        "const set = []; let handle; const app = { use(f) { handle = f; } };"
        f"{snippet('docs/tag.md', 'js')}"
        "const response = { cookie: (...c) => set.push(c) };"
        f"handle({{ query: {{ ll_click: '{click}' }} }}, response, () => set.push('next'));"
        "console.log(JSON.stringify(set));"
    )
    told = json.loads(subprocess.check_output([node(), "-e", shop], text=True, timeout=60))
    assert told[-1] == "next"
    assert len(told) == kept + 1
    if kept:
        name, value, options = told[0]
        assert (name, value) == ("__Host-ll_click", CLICK)
        assert options["httpOnly"]
        assert options["secure"]


@pytest.fixture(scope="module")
def php_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a shop in PHP that has pasted the snippet, and says hello."""
    program = shutil.which("php") or pytest.fail("this test runs PHP: apt-get install php-cli (.ci/run does)")
    page = tmp_path_factory.mktemp("php") / "index.php"
    page.write_text(f"<?php\n{snippet('docs/tag.md', 'php')}\necho 'hello';\n")
    port = free_port()
    running = subprocess.Popen([program, "-S", f"127.0.0.1:{port}", str(page)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert running.poll() is None, "PHP ended"
            assert time.monotonic() < until, "PHP does not listen"
            time.sleep(0.02)
        yield port
    finally:
        running.kill()
        running.wait()


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        (f"ll_click={CLICK}", 1),
        (f"ll_click={CLICK[1:]}", 0),
        (f"ll_click={CLICK}%0a", 0),
        ("ll_click[]=x", 0),
    ],
)
def test_the_php_shop_keeps_a_click_and_nothing_else(php_shop: int, query: str, kept: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{php_shop}/?{query}", timeout=60) as answer:
        assert answer.read() == b"hello"
        cookies = answer.headers.get_all("Set-Cookie") or []
    assert len(cookies) == kept
    for cookie in cookies:
        first, *attributes = [part.strip() for part in cookie.split(";")]
        assert first == f"__Host-ll_click={CLICK}"
        assert {"path=/", "secure", "HttpOnly", "SameSite=Lax", f"Max-Age={30 * 86400}"} <= set(attributes)
        assert not any(attribute.lower().startswith("domain") for attribute in attributes)
