"""Request bodies, read strictly: exact JSON first, then the shape that a route declares.

Stricter than RFC 8259 asks: duplicate keys, numbers that are not integers, lone surrogates and NUL are
refused, because two readers of one signed body must never understand it differently.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from chalicelib.domain.errors import Invalid, Malformed, TooLarge, UnsupportedMedia

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"(unknown|missing required) field `(.*)`$", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

T = TypeVar("T")


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a route accepts. Fields that may be left out are `X | None = None`: null counts as left out."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a route answers. Times are given as text by `period.format_instant`."""


class _NotAnInteger:
    """Stands for a number that is none of ours until the walk knows where it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def check_transfer(headers: Mapping[str, str], raw: bytes, *, media: str = "application/json") -> None:
    """Let the body on where its size, type and encoding are the ones that are read here.

    Raises:
        TooLarge: `body_too_large`.
        UnsupportedMedia: `content_type_unsupported`, `content_encoding_unsupported`.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge("body_too_large", f"a body may have {MAX_BODY_BYTES} bytes")
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMedia("content_encoding_unsupported", "send the body without Content-Encoding")
    kind, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != media or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMedia("content_type_unsupported", f"send {media} in UTF-8")


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that the bytes are.

    Raises:
        Malformed: `json_invalid`, `json_duplicate_key`, `json_too_deep`.
        Invalid: `object_required`, `number_invalid`, `text_invalid`.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_NotAnInteger,
            parse_int=_integer,
            parse_constant=_NotAnInteger,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise Malformed("json_invalid", "the body is not valid JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise Invalid("object_required", "the body must be a JSON object")
    _walk(value, "", 1)
    return value


def shape(value: object, kind: type[T], prefix: str = "") -> T:
    """The value in the declared shape; `prefix` is put before the field that an error names.

    Raises:
        Invalid: `field_unknown`, `field_required`, `field_invalid`.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _translate(str(error), prefix) from None


def encode(value: object) -> bytes:
    """The answer as JSON."""
    return msgspec.json.encode(value)


def check_text(text: str, field: str) -> None:
    """Let text on that every store and reader keeps as it is.

    Raises:
        Invalid: `text_invalid`, for NUL and lone surrogates.
    """
    if "\x00" in text or (not text.isascii() and _SURROGATE.search(text)):
        raise Invalid("text_invalid", "text may hold neither NUL nor a lone surrogate", printable(field))


def printable(field: str) -> str:
    """The path of a field, fit for an answer even where a client chose the names in it."""
    return _SURROGATE.sub("?", field).replace("\x00", "?")[:200]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise Malformed("json_duplicate_key", "a JSON object has the same key twice", printable(name))
        found[name] = value
    return found


def _integer(text: str) -> int | _NotAnInteger:
    return int(text) if len(text) <= 17 and abs(int(text)) <= MAX_INTEGER else _NotAnInteger(text)


def _walk(value: object, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, dict):
        for name, element in value.items():
            inner = f"{path}.{name}" if path else name
            check_text(name, inner)
            _walk(element, inner, depth + 1)
    elif isinstance(value, list):
        for position, element in enumerate(value):
            _walk(element, f"{path}[{position}]", depth + 1)
    elif isinstance(value, str):
        check_text(value, path)
    elif isinstance(value, _NotAnInteger):
        raise Invalid("number_invalid", f"numbers are integers of at most {MAX_INTEGER}", printable(path))


def _too_deep() -> Malformed:
    return Malformed("json_too_deep", f"JSON may be nested {MAX_DEPTH} levels deep")


def _translate(text: str, prefix: str) -> Invalid:
    match = _AT.match(text)
    what, path = (match["what"], match["path"] or "") if match else (text, "")
    path = (prefix + path).lstrip(".") if not prefix or path.startswith(("[", ".")) else f"{prefix}.{path}"
    named = _FIELD.search(what)
    if named:
        path = f"{path}.{named[2]}" if path else named[2]
        if named[1] == "unknown":
            return Invalid("field_unknown", "there is no such field", printable(path))
        return Invalid("field_required", "this field is required", printable(path))
    return Invalid("field_invalid", printable(what), printable(path) or None)
