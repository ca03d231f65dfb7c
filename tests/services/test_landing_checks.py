"""What a partner reads of the page that a link is to lead to."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.services import landing_checks
from chalicelib.storage.web import Web, WebError
from tests import scene
from tests.scene import MONTH_START
from tests.shop import Server, a_server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, stage: Any) -> Iterator[Server]:
    """A shop on this machine, to which every name leads."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1" if host.endswith("example.com") else host, port, *rest, **more)

    with a_server() as found:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        stage.stores.__dict__["web"] = Web(local=True)
        yield found


@pytest.fixture
def look(stage: Any, server: Server) -> Any:
    program = scene.make(stage.stores).program

    def ask(url: str, minute: int = 0) -> landing_checks.Looked | None:
        now = MONTH_START.replace(minute=minute)
        return landing_checks.look(stage.stores, program, "anna", url, now)

    return ask


def at(server: Server, path: str, host: str = "shop.example.com") -> str:
    return f"http://{host}:{server.port}{path}"


def test_a_page_that_answers_is_fine(server: Server, look: Any) -> None:
    server.at("/tents", body="tents")
    assert look(at(server, "/tents#big")) == landing_checks.Looked("The page answers.", True)
    assert server.received[0].headers["user-agent"].startswith("Mozilla/")


def test_a_redirect_inside_the_program_is_followed_and_told(server: Server, look: Any) -> None:
    server.at("/old", status=301, location="/new")
    server.at("/new", status=302, location=at(server, "/tents", "www.shop.example.com"))
    server.at("/tents", body="tents")
    looked = look(at(server, "/old"))
    assert looked.is_fine
    assert looked.text == f"The page answers, as {at(server, '/tents', 'www.shop.example.com')}."


@pytest.mark.parametrize(
    ("status", "location", "text"),
    [
        (404, None, "There is no such page: the shop answers 404."),
        (410, None, "The page is gone: the shop answers 410."),
        (403, None, "The shop answers 403 to us. Open the page in a browser to see whether it is there."),
        (302, "https://else.example/x", "The page sends visitors on to else.example, outside the program."),
        (302, "http://169.254.1.1/", "The page sends visitors on to 169.254.1.1, outside the program."),
        (302, "/tents", "The page redirects again and again."),
    ],
)
def test_what_is_odd_is_said(server: Server, look: Any, status: int, location: str | None, text: str) -> None:
    server.at("/tents", status=status, **({"location": location} if location else {}))
    assert look(at(server, "/tents")) == landing_checks.Looked(text, False)


def test_a_page_that_is_not_reached_is_told_of(server: Server, look: Any, monkeypatch: Any) -> None:
    assert look("http://shop.example.com:1/").text == "The page could not be reached from here."

    def late(*_: Any, **__: Any) -> None:
        raise WebError("timed_out", "too long")

    monkeypatch.setattr(Web, "send", late)
    assert look(at(server, "/tents")).text == "The page did not answer within 4 seconds."


def test_nothing_outside_the_program_is_called(server: Server, look: Any) -> None:
    assert look("http://127.0.0.1/") is None
    assert look("nonsense") is None
    assert server.received == []


def test_a_partner_has_so_many_looks_an_hour(server: Server, look: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(landing_checks, "MOST_IN_AN_HOUR", 2)
    server.at("/tents", body="tents")
    assert [look(at(server, "/tents"), minute) is None for minute in range(4)] == [False, False, True, True]


def test_a_stage_in_the_cloud_calls_no_address_of_its_own(stage: Any, server: Server, look: Any) -> None:
    stage.stores.__dict__["web"] = Web(local=False)
    assert look(f"https://shop.example.com:{server.port}/").text == "The page could not be reached from here."
    assert server.received == []
