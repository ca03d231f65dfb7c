"""Request bodies, read strictly: exact JSON first, then the shape that a route declares.

Stricter than RFC 8259 asks: duplicate keys, numbers that are not integers, lone surrogates and NUL are
refused, because two readers of one signed body must never understand it differently.
"""

import json
import re
from collections.abc import Collection, Mapping
from types import UnionType
from typing import Any, TypeVar, dataclass_transform, get_args, get_origin

import msgspec

from chalicelib.domain.errors import Invalid, Malformed, Refused, TooLarge, UnsupportedMedia

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1
MAX_PROBLEMS = 20
"""Of a list, how many problems an answer names."""

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")

T = TypeVar("T")


class _Shape(msgspec.StructMeta):
    """Makes every declared shape frozen, with fields given by name."""

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any
    ) -> "_Shape":
        defaults = {"kw_only": True, "frozen": True}
        return super().__new__(mcls, name, bases, namespace, **(defaults | options))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Body(msgspec.Struct, metaclass=_Shape, frozen=True, forbid_unknown_fields=True):
    """What a route accepts. Fields that may be left out are `X | None = None`: null counts as left out."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class View(msgspec.Struct, metaclass=_Shape, frozen=True):
    """What a route answers. Times are given as text by `period.format_instant`."""


class _NotAnInteger:
    """Stands for a number that is none of ours until the walk knows where it is."""

    def __init__(self, text: str) -> None:
        self.text = text


def check_transfer(
    headers: Mapping[str, str], raw: bytes, *, media: Collection[str] = ("application/json",)
) -> None:
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
    if kind.strip().lower() not in media or charset not in {"", "charset=utf-8"}:
        raise UnsupportedMedia("content_type_unsupported", f"send {' or '.join(media)} in UTF-8")


def read_object(
    raw: bytes, passed_over: Collection[str] = (), one_by_one: Collection[str] = ()
) -> dict[str, Any]:
    """The JSON object that the bytes are; of the objects under the names `passed_over` nothing is read.

    The elements of lists under the names `one_by_one` are left to `read_element`, so that one that is
    refused stops no other.

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
    read = {
        name: {} if name in passed_over and isinstance(each, dict) else each for name, each in value.items()
    }
    left = {name for name in one_by_one if isinstance(read.get(name), list)}
    _walk({name: each for name, each in read.items() if name not in left}, "", 1)
    return read


def read_element(value: object, kind: type[T]) -> T:
    """An element that `read_object` left alone, in the declared shape.

    Raises:
        Malformed: `json_too_deep`.
        Invalid: `object_required`, `number_invalid`, `text_invalid`.
        Refused: as `shape`.
    """
    if not isinstance(value, dict):
        raise Invalid("object_required", "each must be a JSON object")
    _walk(value, "", 3)
    return shape(value, kind)


def shape(value: object, kind: type[T]) -> T:
    """The value in the declared shape.

    Raises:
        Refused: with every `field_unknown`, `field_required` and `field_invalid` that there is.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Refused(_problems(value, kind, "") or [_translate(str(error), "")]) from None


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


def _problems(value: object, kind: Any, path: str) -> list[Invalid]:
    """Everything that keeps the value from this type, looked for field by field and item by item."""
    kind = _without_none(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        found = [_field_unknown(_join(path, name)) for name in value if name not in fields]
        for name, field in fields.items():
            if name in value:
                found += _problems(value[name], field.type, _join(path, name))
            elif field.required:
                found.append(Invalid("field_required", "this field is required", _join(path, name)))
        return found
    if get_origin(kind) is list and isinstance(value, list):
        (inner,) = get_args(kind)
        return [
            problem
            for position, element in enumerate(value)
            for problem in _problems(element, inner, f"{path}[{position}]")
        ][:MAX_PROBLEMS]
    if get_origin(kind) is dict and isinstance(value, dict):
        inner = get_args(kind)[1]
        return [
            problem for name, each in value.items() for problem in _problems(each, inner, _join(path, name))
        ] or _converted(value, kind, path)
    return _converted(value, kind, path)


def _converted(value: object, kind: Any, path: str) -> list[Invalid]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return [_translate(str(error), path)]
    return []


def _without_none(kind: Any) -> Any:
    """`X` of `X | None` where the rest is one type, so that what is inside it can be looked at."""
    rest = [part for part in get_args(kind) if part is not type(None)]
    return rest[0] if get_origin(kind) is UnionType and len(rest) == 1 else kind


def _field_unknown(path: str) -> Invalid:
    return Invalid("field_unknown", "there is no such field", printable(path))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _translate(text: str, path: str) -> Invalid:
    """msgspec's message in our words; its own path goes on from the one that is known."""
    match = _AT.fullmatch(text)
    what, inner = (match["what"], match["path"] or "") if match else (text, "")
    return Invalid("field_invalid", printable(what), printable((path + inner).lstrip(".")) or None)
