"""What a commission kind may look at."""

from dataclasses import dataclass

from chalicelib.domain.conversion import Content


@dataclass(frozen=True, slots=True)
class Sale:
    """The sale as reported, and the currency in which the program states its flat amounts."""

    content: Content
    program_currency: str


class Waiting(Exception):
    """The commission can't be told yet, and nothing is guessed: `code` says what is missing."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
