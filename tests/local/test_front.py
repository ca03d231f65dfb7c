import http.client
import json
import socket
import threading

import pytest
from chalice import Blueprint, Chalice, Response

from local.front import BODY_LIMIT_BYTES, Front, json_answer
from local.functions import api_route

bp = Blueprint(__name__)


@bp.route("/echo/{word}", methods=["GET", "POST", "HEAD"], content_types=["*/*"])
def echo(word):
    request = bp.current_request
    seen = {
        "word": word,
        "method": request.method,
        "body": request.raw_body.decode("latin-1"),
        "cookies": request.to_dict()["headers"].get("cookie"),
        "agent": request.headers.get("user-agent"),
    }
    return Response(json.dumps(seen).encode(), headers={"Content-Type": "application/json"})


@bp.route("/gif", content_types=["*/*"])
def gif():
    return Response(b"GIF89a\x00\xff", headers={"Content-Type": "image/gif", "Set-Cookie": ["a=1", "b=2"]})


@bp.route("/gone", methods=["GET"], content_types=["*/*"])
def gone():
    return Response(b"", status_code=204, headers={"Content-Type": "text/plain"})


@bp.route("/fails", content_types=["*/*"])
def fails():
    return Response(b"", headers={"X-Bad": "a\rb", "Content-Type": "text/plain"})


@bp.route("/open", methods=["POST"], content_types=["*/*"], cors=True)
def opened():
    return Response(b"", headers={"Content-Type": "text/plain"})


@pytest.fixture(scope="module")
def front():
    app = Chalice("front-test")
    app.api.binary_types = ["*/*"]
    app.register_blueprint(bp)
    front = Front(
        0, lambda request: json_answer({"inside": 1}) if request.target == "/in" else None, api_route(app)
    )
    threading.Thread(target=front.serve_forever, daemon=True).start()
    yield front
    front.finish()


@pytest.fixture
def connection(front):
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    yield connection
    connection.close()


def ask(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, {"Accept": "*/*", **(headers or {})})
    response = connection.getresponse()
    return response, response.read()


def raw(front, sent):
    """All that comes back for these bytes until the server closes."""
    with socket.create_connection(("127.0.0.1", front.port), timeout=10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_a_request_reaches_the_view_and_its_answer_comes_back(connection):
    response, body = ask(connection, "POST", "/echo/hello", b"\x00\xff", {"User-Agent": "me"})
    assert response.status == 200
    assert json.loads(body) == {
        "word": "hello",
        "method": "POST",
        "body": "\x00\xff",
        "cookies": None,
        "agent": "me",
    }


def test_bytes_and_two_cookies_come_back_whole(connection):
    response, body = ask(connection, "GET", "/gif")
    assert body == b"GIF89a\x00\xff"
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


def test_head_has_the_length_but_no_body_and_the_connection_goes_on(connection):
    response, body = ask(connection, "HEAD", "/echo/a")
    assert (response.status, body) == (200, b"")
    assert int(response.headers["Content-Length"]) > 0
    assert ask(connection, "GET", "/echo/b")[0].status == 200


def test_no_content_has_neither_body_nor_length(connection):
    response, body = ask(connection, "GET", "/gone")
    assert (response.status, body, response.headers["Content-Length"]) == (204, b"", None)


def test_a_chunked_body_arrives_whole(connection):
    connection.request("POST", "/echo/a", iter([b"one ", b"two"]), {"Accept": "*/*"}, encode_chunked=True)
    assert json.loads(connection.getresponse().read())["body"] == "one two"
    assert ask(connection, "GET", "/echo/b")[0].status == 200


def test_routes_of_the_stack_go_before_those_of_the_app(connection):
    assert ask(connection, "GET", "/in")[1] == b'{"inside": 1}'


def test_an_unknown_path_gets_403_in_the_shape_of_errors(connection):
    response, body = ask(connection, "GET", "/no/such/path")
    assert response.status == 403
    assert set(json.loads(body)["error"]) == {"code", "message"}


def test_a_header_with_a_line_break_never_leaves(connection):
    response, body = ask(connection, "GET", "/fails")
    assert response.status == 502
    assert json.loads(body)["error"]["code"] == "bad_answer"


def test_options_is_answered_where_the_route_declares_cors(connection):
    response, _ = ask(connection, "OPTIONS", "/open")
    assert response.status == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Methods"] == "POST,OPTIONS"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: five\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_a_body_whose_length_is_unclear_gets_400_and_the_connection_ends(front, head):
    answer = raw(front, b"POST /echo/a HTTP/1.1\r\nHost: x\r\n" + head + b"\r\nhello")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer
    assert b'"code": "request_malformed"' in answer


@pytest.mark.parametrize(
    "chunks", [b"zz\r\nhello\r\n0\r\n\r\n", b"-5\r\nhello\r\n", b"3\r\nhello\r\n0\r\n\r\n", b"5\r\nhe"]
)
def test_a_broken_chunk_gets_400(front, chunks):
    answer = raw(front, b"POST /echo/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_body_that_ends_early_never_reaches_the_app(front):
    answer = raw(front, b"POST /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nshort")
    assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("declared", [True, False])
def test_more_than_ten_megabytes_get_413(front, declared):
    connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=10)
    body = b"x" * (BODY_LIMIT_BYTES + 1)
    connection.request("POST", "/echo/a", body if declared else iter([body]), {"Accept": "*/*"})
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["error"]["code"] == "request_too_large"
    connection.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_cannot_be_read_gets_a_4xx_in_the_shape_of_errors(front, request_bytes):
    answer = raw(front, request_bytes)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b'{"error": {"code": "request_malformed"' in answer


def test_answers_under_concurrency_carry_their_own_requests_data(front):
    mixed = []

    def visit(number):
        connection = http.client.HTTPConnection("127.0.0.1", front.port, timeout=20)
        for turn in range(40):
            word = f"w{number}-{turn}"
            _, body = ask(connection, "POST", f"/echo/{word}", word.encode(), {"User-Agent": word})
            seen = json.loads(body)
            if {seen["word"], seen["body"], seen["agent"]} != {word}:
                mixed.append((word, seen))
        connection.close()

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mixed == []
