import base64

import pytest

from local.gateway import BadAnswer, Match, Request, Resources, answer_of, event_of

RESOURCES = Resources(["/", "/{code}", "/qr/{file}", "/v1/links", "/v1/links/{code}", "/v1/{any}/secrets"])


def a_request(target="/", method="GET", headers=(), body=b""):
    return Request(method, target, headers, body, "127.0.0.1")


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", {}),
        ("/summer", "/{code}", {"code": "summer"}),
        ("/summer+", "/{code}", {"code": "summer+"}),
        ("/{code}", "/{code}", {"code": "{code}"}),
        ("/a%2Fb", "/{code}", {"code": "a%2Fb"}),
        ("/v1/links", "/v1/links", {}),
        ("/v1/links/", "/v1/links", {}),
        ("/v1/links/abc", "/v1/links/{code}", {"code": "abc"}),
        ("/v1/links/secrets", "/v1/links/{code}", {"code": "secrets"}),
        ("/v1/prg/secrets", "/v1/{any}/secrets", {"any": "prg"}),
        ("/qr/abc.png", "/qr/{file}", {"file": "abc.png"}),
    ],
)
def test_a_literal_part_goes_before_a_variable_one_and_parameters_stay_as_sent(path, resource, parameters):
    assert RESOURCES.match(path) == Match(resource, parameters)


@pytest.mark.parametrize(
    "path", ["/a/b", "/v1", "/v1/", "/v1/links/a/b", "/v1//secrets", "//", "/a//", "/qr/a/b", "x"]
)
def test_a_path_that_no_resource_has_matches_nothing(path):
    assert RESOURCES.match(path) is None


def test_repeated_headers_and_parameters_come_as_lists_and_singly_as_the_last():
    request = a_request(
        "/x?a=1&a=2&b=&c=%C3%A9", headers=[("Cookie", "x=1"), ("Host", "h:81"), ("Cookie", "y=2")]
    )
    event = event_of(request, Match("/{code}", {"code": "x"}))
    assert event["multiValueHeaders"]["Cookie"] == ["x=1", "y=2"]
    assert event["headers"]["Cookie"] == "y=2"
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""], "c": ["é"]}
    assert event["queryStringParameters"] == {"a": "2", "b": "", "c": "é"}
    assert event["pathParameters"] == {"code": "x"}
    assert event["requestContext"]["resourcePath"] == "/{code}"


def test_what_is_empty_is_null():
    event = event_of(a_request(), Match("/", {}))
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["pathParameters"] is None
    assert event["body"] is None


def test_a_body_travels_in_base64():
    event = event_of(a_request("/x", "POST", body=b"\x00\xff"), Match("/{code}", {"code": "x"}))
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == b"\x00\xff"


def test_the_sender_is_added_to_the_forwarded_addresses_and_cannot_set_the_rest():
    headers = [("X-Forwarded-For", "203.0.113.9"), ("x-forwarded-proto", "https"), ("Host", "localhost:8000")]
    event = event_of(a_request(headers=headers), Match("/", {}))
    assert event["headers"]["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Forwarded-Port"] == "8000"
    assert "x-forwarded-proto" not in event["headers"]
    assert event["requestContext"]["identity"]["sourceIp"] == "127.0.0.1"


def test_an_answer_keeps_every_cookie_and_its_bytes():
    answer = answer_of(
        {
            "statusCode": 200,
            "headers": {"Content-Type": "image/gif", "Set-Cookie": "dropped"},
            "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
            "body": base64.b64encode(b"GIF\x00").decode(),
            "isBase64Encoded": True,
        }
    )
    assert answer.body == b"GIF\x00"
    assert sorted(answer.headers) == [
        ("Content-Type", "image/gif"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"statusCode": "many"},
        {"statusCode": 200, "body": 5},
        {"statusCode": 200, "headers": {"Location": "/x\r\nSet-Cookie: a"}},
        {"statusCode": 200, "multiValueHeaders": {"X": ["a\nb"]}},
        {"statusCode": 200, "body": "x" * (6 * 1024 * 1024 + 1)},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
)
def test_an_answer_that_api_gateway_would_refuse_is_refused(result):
    with pytest.raises(BadAnswer):
        answer_of(result)
