"""What Chalice itself gets wrong is put right, also where the local stack makes it safe for threads."""

import base64
import json
from typing import Any

import pytest
from chalice import Blueprint, Response
from chalice.local import LocalChalice

from chalicelib.routes.application import Application

bp = Blueprint(__name__)


@bp.route("/pixel", methods=["GET", "HEAD"], content_types=["*/*"])
def pixel() -> Response:
    return Response(b"\x00\xff", {"Content-Type": "image/gif"})


class Threaded(LocalChalice, Application):
    """As the local front mixes them."""


def ask(app: Any, method: str, headers: dict[str, str] | None) -> Any:
    event = {
        "requestContext": {"resourcePath": "/pixel", "httpMethod": method},
        "headers": headers,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
    }
    return app(event, None)


registered = Application("test")
registered.register_blueprint(bp)


@pytest.fixture(params=[Application, Threaded])
def app(request: Any) -> Any:
    registered.__class__ = request.param
    return registered


@pytest.mark.parametrize(
    "headers", [None, {}, {"Accept": "text/html"}, {"accept": "*/*"}, {"ACCEPT": "nonsense"}]
)
def test_bytes_are_answered_whatever_the_client_accepts(app: Any, headers: Any) -> None:
    answer = ask(app, "GET", headers)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert base64.b64decode(answer["body"]) == b"\x00\xff"


@pytest.mark.parametrize("method", ["POST", "DELETE", "TRACE"])
def test_a_wrong_method_is_refused_in_our_shape(app: Any, method: str) -> None:
    answer = ask(app, method, None)
    error = json.loads(base64.b64decode(answer["body"]))["error"]
    assert (answer["statusCode"], error["code"]) == (405, "method_not_allowed")
    assert answer["headers"]["Allow"] == "GET, HEAD"
