"""Calls out: only to the public internet, to the address that was judged, bounded in time and size."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.storage.web import Answer, Web, WebError
from tests.shop import Server, a_server


@pytest.fixture
def site() -> Iterator[Server]:
    with a_server() as server:
        yield server


def send(url: str, *, local: bool = True, within_s: float = 5.0, **more: Any) -> Answer:
    headers = {"User-Agent": "test"}
    return Web(local=local).send("POST", url, headers, b"{}", within_s=within_s, most_bytes=100, **more)


def refused(url: str, *, local: bool = False, within_s: float = 5.0) -> str:
    with pytest.raises(WebError) as found:
        send(url, local=local, within_s=within_s)
    return found.value.code


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "localhost"),
        *("localhost.", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]"),
        *("0.0.0.0", "0", "[::]", "169.254.169.254", "2852039166", "0xa9fea9fe", "[fd00:ec2::254]"),
        *("[::ffff:a9fe:a9fe]", "10.0.0.1", "192.168.1.1", "[fe80::1]", "[2002:7f00:1::]", "[::127.0.0.1]"),
    ],
)
def test_no_notation_leads_to_an_address_of_our_own(host: str) -> None:
    assert refused(f"https://{host}:9/x") in {"address_not_public", "name_unknown", "url_invalid"}


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[fd00:ec2::254]", "2852039166"])
def test_a_local_stage_reaches_this_machine_and_nothing_more(host: str) -> None:
    assert refused(f"http://{host}/latest/meta-data", local=True) == "address_not_public"


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "https://u:p@93.184.216.34/",
        "x",
    ],
)
def test_only_https_without_credentials_is_called(url: str) -> None:
    assert refused(url) == "url_invalid"


def test_one_private_address_among_several_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "93.184.216.34", "10.0.0.1")
    assert refused("https://both.example/") == "address_not_public"


def test_a_name_is_resolved_once_and_the_judged_address_connected_to(
    monkeypatch: pytest.MonkeyPatch, site: Server
) -> None:
    """A second resolution, which would lead elsewhere, never happens."""
    asked = resolve(monkeypatch, "127.0.0.1")
    site.at("/hook", body="ok")
    answer = send(f"http://rebinding.example:{site.port}/hook")
    assert (answer.status, answer.body, asked) == (200, b"ok", ["rebinding.example"])
    assert site.received[0].headers["host"] == f"rebinding.example:{site.port}"


def test_a_redirect_is_an_answer_and_is_not_followed(site: Server) -> None:
    site.at("/hook", status=302, Location="http://169.254.169.254/")
    site.at("/other", body="secret")
    assert send(site.url("/hook")).status == 302
    assert [one.path for one in site.received] == ["/hook"]


def test_a_body_is_read_as_far_as_it_was_asked_for(site: Server) -> None:
    site.at("/", body=b"x" * 100_000)
    assert send(site.url("/")).body == b"x" * 100


def test_a_server_that_drips_is_left_when_the_time_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    for _ in range(200):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: b\r\n"[:1])
                        if stopped.wait(0.05):
                            return
                except OSError:
                    return

        stopped = threading.Event()
        threading.Thread(target=drip, daemon=True).start()
        started = time.monotonic()
        assert (
            refused(f"http://127.0.0.1:{listening.getsockname()[1]}/", local=True, within_s=0.4)
            == "timed_out"
        )
        stopped.set()
        assert time.monotonic() - started < 3


def test_what_is_no_http_is_told_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        threading.Thread(target=answer, daemon=True).start()
        assert refused(f"http://127.0.0.1:{listening.getsockname()[1]}/", local=True) == "answer_invalid"


def test_a_certificate_has_to_be_the_names(site: Server) -> None:
    assert refused(f"https://127.0.0.1:{site.port}/", local=True) in {"tls_failed", "connection_failed"}


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have every name lead to these addresses; the names that were asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host in addresses:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked
