"""Requests are read strictly: exact JSON first, then the declared shape."""

import pytest

from chalicelib.domain.errors import Invalid, LinkledgerError, Malformed, Refused, TooLarge, UnsupportedMedia
from chalicelib.routes import wire
from chalicelib.routes.wire import Body


class Rule(Body):
    event: str
    rate_bp: int | None = None


class Wanted(Body):
    name: str
    rules: list[Rule] | None = None
    utm: dict[str, str] | None = None


JSON = {"content-type": "application/json"}


def refusal(raw: bytes) -> LinkledgerError:
    with pytest.raises(LinkledgerError) as caught:
        wire.read_object(raw)
    return caught.value


def test_an_object_is_read_as_it_stands() -> None:
    assert wire.read_object('{"a": [1, -2, true, null, "ü"], "b": {}}'.encode()) == {
        "a": [1, -2, True, None, "ü"],
        "b": {},
    }


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nonsense",
        b"{} {}",
        b"{'a': 1}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a": 01}',
        b"\x1f\x8b\x08",
    ],
)
def test_what_is_no_json_in_utf8_is_malformed(raw: bytes) -> None:
    assert (type(refusal(raw)), refusal(raw).code) == (Malformed, "json_invalid")


@pytest.mark.parametrize("raw", [b'{"a": 1, "a": 1}', b'{"b": {"a": 1, "a": 2}}', b'{"\\u0061": 1, "a": 2}'])
def test_a_key_that_comes_twice_is_malformed(raw: bytes) -> None:
    assert (refusal(raw).code, refusal(raw).field) == ("json_duplicate_key", "a")


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b'{"a":' * 32 + b"{}" + b"}" * 32])
def test_deep_nesting_is_malformed(raw: bytes) -> None:
    assert refusal(raw).code == "json_too_deep"


def test_thirty_two_levels_are_read() -> None:
    assert wire.read_object(b'{"a":' * 31 + b"{}" + b"}" * 31)


@pytest.mark.parametrize("raw", [b"[]", b"null", b"7", b'"text"', b"true"])
def test_only_an_object_is_a_body(raw: bytes) -> None:
    assert refusal(raw).code == "object_required"


@pytest.mark.parametrize(
    "number",
    [
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1.0",
        b"1e3",
        b"-0.5",
        b"9007199254740992",
        b"-" + b"9" * 20,
        b"9" * 5000,
    ],
)
def test_a_number_that_is_no_integer_of_53_bits_is_refused_where_it_stands(number: bytes) -> None:
    error = refusal(b'{"rules": [{"event": "sale"}, {"rate_bp": ' + number + b"}]}")
    assert (error.code, error.field) == ("number_invalid", "rules[1].rate_bp")


def test_the_largest_integer_is_read() -> None:
    assert wire.read_object(b'{"a": 9007199254740991}') == {"a": 2**53 - 1}


@pytest.mark.parametrize("text", [rb"\ud800", rb"\udc00\ud800", rb"\u0000"])
def test_text_that_no_store_keeps_is_refused_in_values_and_names(text: bytes) -> None:
    assert (refusal(b'{"a": {"b": "' + text + b'"}}').code, refusal(b'{"a": "' + text + b'"}').field) == (
        "text_invalid",
        "a",
    )
    assert refusal(b'{"' + text + b'": 1}').code == "text_invalid"


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert wire.read_object(rb'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}


def test_a_shape_is_filled_and_null_counts_as_left_out() -> None:
    found = wire.shape({"name": "x", "rules": [{"event": "sale", "rate_bp": None}], "utm": None}, Wanted)
    assert found == Wanted(name="x", rules=[Rule(event="sale")])


def test_every_problem_of_a_shape_is_found() -> None:
    given = {
        "name": 7,
        "rules": [{"event": "sale", "rate_bp": "10"}, {"rate_bp": True, "bonus": 1}],
        "utm": {"utm_source": 1},
        "surprise": 1,
    }
    with pytest.raises(Refused) as caught:
        wire.shape(given, Wanted)
    assert [(error.code, error.field) for error in caught.value.errors] == [
        ("field_unknown", "surprise"),
        ("field_invalid", "name"),
        ("field_invalid", "rules[0].rate_bp"),
        ("field_unknown", "rules[1].bonus"),
        ("field_required", "rules[1].event"),
        ("field_invalid", "rules[1].rate_bp"),
        ("field_invalid", "utm.utm_source"),
    ]
    assert caught.value.field == "surprise"
    assert "rules[1].event: this field is required" in caught.value.message


def test_a_hostile_field_name_comes_back_short_and_printable() -> None:
    with pytest.raises(Invalid) as caught:
        wire.shape({"name": "x", "z" * 10_000: 1}, Wanted)
    assert caught.value.field == "z" * 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"'],
)
def test_json_in_utf8_is_taken(content_type: str) -> None:
    wire.check_transfer({"content-type": content_type}, b"{}")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": ""},
        {"content-type": "text/plain"},
        {"content-type": "application/jsonx"},
        {"content-type": "application/json; charset=latin1"},
        JSON | {"content-encoding": "gzip"},
        JSON | {"content-encoding": "identity, br"},
    ],
)
def test_another_type_or_encoding_is_not_read(headers: dict[str, str]) -> None:
    with pytest.raises(UnsupportedMedia):
        wire.check_transfer(headers, b"{}")


def test_a_body_may_have_a_mebibyte() -> None:
    wire.check_transfer(JSON, b" " * 1024 * 1024)
    with pytest.raises(TooLarge):
        wire.check_transfer(JSON, b" " * (1024 * 1024 + 1))
