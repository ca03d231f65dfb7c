"""Every failure that a caller may expect, each with a stable code.

The class says what kind of failure it is (and so which HTTP status the edge answers); the `code` says
which one, and never changes once published. A programmer's mistake is a `ValueError` instead.
"""


class LinkledgerError(Exception):
    """Root of the expected failures.

    Args:
        code: stable, snake_case; part of the public contract.
        message: one sentence for a person, without secrets or personal data.
        field: the path of the input that is wrong, such as `commissions[0].rate_bp`.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.field = field


class Malformed(LinkledgerError):
    """The request cannot be read at all (400)."""


class Unauthenticated(LinkledgerError):
    """No credential, or one that does not verify (401)."""


class Forbidden(LinkledgerError):
    """A valid credential that may not do this (403)."""


class NotFound(LinkledgerError):
    """No such thing, or not for this caller (404)."""


class Conflict(LinkledgerError):
    """It contradicts what is already recorded (409)."""


class TooLarge(LinkledgerError):
    """More than is accepted in one request (413)."""


class UnsupportedMedia(LinkledgerError):
    """A content type or encoding that is not read (415)."""


class Invalid(LinkledgerError):
    """Readable, but a value is not acceptable (422)."""


class Refused(Invalid):
    """Several values are not acceptable (422): the code and field of the first, a message that lists all."""

    def __init__(self, errors: list[Invalid]) -> None:
        first = errors[0]
        listed = "; ".join(f"{error.field or 'body'}: {error.message}" for error in errors)
        super().__init__(first.code, first.message if len(errors) == 1 else listed, first.field)
        self.errors = errors


class RateLimited(LinkledgerError):
    """Too many requests (429); trying again is of no use for `retry_after_s` seconds."""

    def __init__(self, code: str, message: str, field: str | None = None, retry_after_s: int = 1) -> None:
        super().__init__(code, message, field)
        self.retry_after_s = retry_after_s


class Unavailable(LinkledgerError):
    """Storage or a dependency is away; the same request may be retried (503)."""
