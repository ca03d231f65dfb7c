"""What a form sent: fields and files, read within bounds by the standard library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from urllib.parse import parse_qsl

from chalicelib.domain.errors import Malformed, TooLarge, UnsupportedMedia
from chalicelib.routes.wire import check_text

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_FIELDS = 500


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name, each with all of its values, stripped; files by name, as text."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The field's first value; empty where it was not sent."""
        return self.fields.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of the field that is not empty."""
        return tuple(value for value in self.fields.get(name, ()) if value)

    def has(self, name: str) -> bool:
        """Whether the field was sent with a value, as a ticked box is."""
        return bool(self.get(name))


def read(content_type: str, raw: bytes) -> Form:
    """The form in a request's body.

    Raises:
        TooLarge: `body_too_large`, `form_too_large`.
        UnsupportedMedia: `content_type_unsupported`.
        Malformed: `form_invalid`.
    """
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge("body_too_large", f"a form may have {MAX_BODY_BYTES} bytes")
    kind = content_type.partition(";")[0].strip().lower()
    if not raw:
        return Form()
    if kind == "multipart/form-data":
        return _multipart(content_type, raw)
    if kind != "application/x-www-form-urlencoded":
        raise UnsupportedMedia("content_type_unsupported", "send a form")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError as error:
        raise Malformed("form_invalid", "the form cannot be read") from error
    return Form(_gathered(pairs))


def _multipart(content_type: str, raw: bytes) -> Form:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("ascii", "replace")
    message = message_from_bytes(head + raw, policy=policy.HTTP)
    if not message.is_multipart():
        raise Malformed("form_invalid", "the form cannot be read")
    pairs: list[tuple[str, str]] = []
    files: dict[str, str] = {}
    for part in list(message.iter_parts())[:MAX_FIELDS]:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise Malformed("form_invalid", "the form cannot be read")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Malformed("form_invalid", "a file must be text in UTF-8") from error
        if part.get_filename() is None:
            pairs.append((name, text))
        else:
            check_text(text, name)
            files[name] = text
    return Form(_gathered(pairs), files)


def _gathered(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        check_text(value, name)
        found[name] = (*found.get(name, ()), value.strip())
    return found
