"""Partners, their enrolment in programs, and their promo codes."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.errors import Conflict

MAX_USES = 10_000
"""The highest limit of a promo code's uses: so many are counted through for every order that tells it."""

ERASED_NAME, ERASED_EMAIL = "erased", "erased@invalid"
"""What stands for the name and address of a partner that was erased (RFC 2606 reserves the domain)."""


@dataclass(frozen=True, slots=True)
class Partner:
    """Somebody who shares links and is paid for it.

    `owner` is the program whose merchant brought the partner in; None where an administrator did.
    """

    id: str
    name: str
    email: str
    created_at: datetime
    owner: str | None = None

    @property
    def is_erased(self) -> bool:
        """Whether nothing is known any more of who it is."""
        return self.email == ERASED_EMAIL

    def check_present(self) -> None:
        """Let nothing new begin with a partner whose name and address are gone.

        Raises:
            Conflict: `partner_erased`.
        """
        if self.is_erased:
            raise Conflict("partner_erased", "this partner was erased", "partner")


@dataclass(frozen=True, slots=True)
class Enrollment:
    """A partner in a program; `link_code` is the default link that enrolling made."""

    program: str
    partner: str
    link_code: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Coupon:
    """A promo code that credits its partner, with or without a click. `code` is as it was given.

    It counts for orders that occurred from `starts_at` until before `ends_at`, and of them for the first
    `max_uses`; None is no bound.
    """

    program: str
    partner: str
    code: str
    created_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_uses: int | None = None


def fold_email(email: str) -> str:
    """The form in which addresses are compared: trimmed, case folded."""
    return email.strip().casefold()


def fold_coupon(code: str) -> str:
    """The form in which codes are compared: trimmed, NFKC, case folded (Unicode 3.13, D145)."""
    text = unicodedata.normalize("NFKC", code).strip()
    return unicodedata.normalize("NFKC", text.casefold())


def normal_email(email: str) -> str:
    """The form in which addresses are compared: small letters, without what follows a plus sign.

    Gmail ignores dots in its names, and has two domains (support.google.com/mail/answer/7436150).
    """
    name, _, domain = unicodedata.normalize("NFKC", email).strip().lower().rpartition("@")
    name = name.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        name, domain = name.replace(".", ""), "gmail.com"
    return f"{name}@{domain}"
