"""The lean client signs as botocore does, and knows when to leave the work to it."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, HTTPClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.storage import aws, lean
from chalicelib.storage.lean import LeanClient, Signer
from tests.visiting import NOW, Visitor, a_link, a_program, stored_clicks

LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "api",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture(autouse=True)
def _plain(monkeypatch: Any) -> None:
    """Nothing in this machine's environment leaves the work to botocore."""
    for name in lean._REFUSED:
        monkeypatch.delenv(name, raising=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([None, "token/+="]), st.integers(0, 4_000_000_000))
def test_the_signature_is_the_one_that_botocore_makes(body: bytes, token: str | None, now_s: int) -> None:
    environment = LAMBDA | ({"AWS_SESSION_TOKEN": token} if token else {})
    host, target, kind = "dynamodb.eu-central-1.amazonaws.com", "DynamoDB_20120810.PutItem", "application/x"
    ours = Signer("dynamodb", "eu-central-1", environment).sign(host, target, kind, body, now_s)
    request = AWSRequest("POST", f"https://{host}/", data=body)
    request.headers["content-type"] = kind
    request.headers["x-amz-target"] = target
    keys = Credentials(LAMBDA["AWS_ACCESS_KEY_ID"], LAMBDA["AWS_SECRET_ACCESS_KEY"], token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime.fromtimestamp(now_s, UTC)):
        SigV4Auth(keys, "dynamodb", "eu-central-1").add_auth(request)
    assert ours["authorization"] == request.headers["Authorization"]
    assert ours["x-amz-date"] == request.headers["X-Amz-Date"]


def test_the_key_follows_the_day() -> None:
    signer = Signer("dynamodb", "eu-central-1", LAMBDA)
    days = [signer.sign("h", "t", "c", b"", day * 86_400)["authorization"] for day in (1, 2, 1)]
    assert days[0] == days[2]
    assert days[0] != days[1]


@pytest.mark.parametrize(
    "change",
    [
        {"AWS_LAMBDA_FUNCTION_NAME": ""},
        {"AWS_ACCESS_KEY_ID": ""},
        {"AWS_REGION": "cn-north-1"},
        {"AWS_REGION": "us-gov-west-1"},
        {"AWS_REGION": ""},
        {"HTTPS_PROXY": "http://proxy"},
        {"AWS_CA_BUNDLE": "/tmp/ca.pem"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
    ],
)
def test_what_only_botocore_knows_is_left_to_it(monkeypatch: Any, change: dict[str, str]) -> None:
    for name, value in (LAMBDA | change).items():
        monkeypatch.setenv(name, value)
    assert lean.client("dynamodb", 1, 1) is None


def test_other_services_are_left_to_botocore(monkeypatch: Any) -> None:
    for name, value in LAMBDA.items():
        monkeypatch.setenv(name, value)
    assert lean.client("s3", 1, 1) is None
    assert isinstance(lean.client("secretsmanager", 1, 1), LeanClient)


@pytest.fixture
def in_lambda(stage: Any, clock: Any, monkeypatch: Any) -> Any:
    clock.set(NOW)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "api")
    aws.forget()
    return stage


def test_a_redirect_goes_through_it_from_the_first_read_to_the_write(in_lambda: Any) -> None:
    link = a_link(in_lambda.stores, a_program(in_lambda.stores))
    aws.forget()
    visit = Visitor().follow(link.code)
    assert visit.status == 302
    assert all(isinstance(made, LeanClient) for made in aws._clients.values())
    (click,) = stored_clicks(in_lambda.stores)
    assert click.token == visit.token


def test_a_refusal_of_the_service_is_botocores_exception(in_lambda: Any) -> None:
    with aws.hurried(), pytest.raises(ClientError) as caught:
        aws.client("dynamodb").get_item(TableName="no-such-table", Key={"pk": {"S": "x"}, "sk": {"S": "x"}})
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_condition_that_fails_is_told_as_usual(in_lambda: Any) -> None:
    from tests.storage.test_clicks import LATER, a_click

    with aws.hurried():
        assert in_lambda.stores.clicks.put_once(a_click(), LATER)
        assert not in_lambda.stores.clicks.put_once(a_click(), LATER)
        assert in_lambda.stores.clicks.journey("acme", a_click().visitor, NOW, NOW, NOW) == [a_click()]


Answer = Callable[[socket.socket, int], None]


@pytest.fixture
def serving(monkeypatch: Any) -> Iterator[Callable[[Answer], LeanClient]]:
    """A client of a server that treats its n-th connection as it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(answer: Answer) -> LeanClient:
            def accept() -> None:
                for number in range(10):
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection:
                        answer(connection, number)

            threading.Thread(target=accept, daemon=True).start()
            for name, value in LAMBDA.items():
                monkeypatch.setenv(name, value)
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
            client = lean.client("dynamodb", 0.1, 0.15)
            assert client is not None
            return client

        yield serve


def response(body: bytes, extra: bytes = b"", status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (status, extra, len(body), body)


def put(client: LeanClient) -> Any:
    return client.put_item(TableName="t", Item={})  # type: ignore[attr-defined]


def test_a_kept_connection_is_used_again(serving: Any) -> None:
    connections = []

    def answer(connection: socket.socket, number: int) -> None:
        connections.append(number)
        while connection.recv(65536):
            connection.sendall(response(b'{"n": 1}'))

    client = serving(answer)
    assert [put(client) for _ in range(3)] == [{"n": 1}] * 3
    assert connections == [0]


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(serving: Any) -> None:
    def answer(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(response(json.dumps({"n": number}).encode()))

    client = serving(answer)
    assert [put(client)["n"] for _ in range(3)] == [0, 1, 2]


def test_a_connection_is_closed_when_the_server_says_so(serving: Any) -> None:
    def answer(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(response(b'{"n": %d}' % number, b"Connection: close\r\n"))

    client = serving(answer)
    assert [put(client)["n"], len(client._idle)] == [0, 0]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        response(b"[]"),
        response(b"<html>", status=b"503 Service Unavailable"),
    ],
)
def test_an_answer_that_cannot_be_read_is_no_answer(serving: Any, raw: bytes) -> None:
    def answer(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(raw)

    client = serving(answer)
    with pytest.raises(HTTPClientError):
        put(client)
    assert not client._idle


def test_a_server_that_freezes_costs_no_more_than_the_time_out(serving: Any) -> None:
    client = serving(lambda connection, number: connection.recv(65536) and time.sleep(2))
    started = time.monotonic()
    with pytest.raises(HTTPClientError):
        put(client)
    assert time.monotonic() - started < 1.5


def test_throttling_is_told_by_its_code(serving: Any) -> None:
    body = b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "slow"}'

    def answer(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(response(body, status=b"400 Bad Request"))

    with pytest.raises(ClientError) as caught:
        put(serving(answer))
    assert caught.value.response["Error"] == {"Code": "ThrottlingException", "Message": "slow"}


def test_nobody_there_is_botocores_kind_of_failure(monkeypatch: Any) -> None:
    for name, value in (LAMBDA | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).items():
        monkeypatch.setenv(name, value)
    client = lean.client("dynamodb", 0.1, 0.15)
    assert client is not None
    with pytest.raises(HTTPClientError):
        put(client)


def test_a_click_is_written_while_others_wait_their_turn(in_lambda: Any) -> None:
    from tests.storage.test_clicks import LATER, a_click

    def write(number: int) -> None:
        with aws.hurried():
            in_lambda.stores.clicks.put(a_click(at=NOW + timedelta(seconds=number)), LATER)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(stored_clicks(in_lambda.stores)) == 8
