"""What a merchant wants to publish, reviewed as a whole: every problem is found, not only the first."""

import re
from collections.abc import Callable

from chalicelib.domain.destination import CONTROL_PARAMETERS, check_url
from chalicelib.domain.errors import Invalid, Refused
from chalicelib.domain.ids import check_slug
from chalicelib.domain.link import check_utm
from chalicelib.domain.money import check_currency
from chalicelib.domain.partner import MAX_USES, Coupon, Partner, fold_coupon
from chalicelib.domain.period import check_timezone
from chalicelib.domain.program import Program

MAX_DOMAINS = 50
MAX_LATE_DAYS = 30
MAX_NAME = 200
MAX_COUPON = 64

_CLICK_PARAM = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", re.ASCII)
_DOMAIN = re.compile(r"[^\s\x00-\x20\x7f:/?#@\\%*\[\]]{1,253}")
_EMAIL = re.compile(r"[^@\s\x00-\x20\x7f<>\"(),;:\\]{1,64}@[^@\s\x00-\x20\x7f<>\"(),;:\\]{1,189}")


def refuse(problems: list[Invalid]) -> None:
    """Go on where there are no problems.

    Raises:
        Refused: with all of them.
    """
    if problems:
        raise Refused(problems)


class Review:
    """Carries out checks one after the other and keeps what they complain about."""

    def __init__(self) -> None:
        self.problems: list[Invalid] = []

    def check(self, check: Callable[..., object], *arguments: object) -> None:
        """Call the check, which raises Invalid where something is wrong."""
        try:
            check(*arguments)
        except Invalid as problem:
            self.problems.append(problem)


_PAGES = frozenset({"sign-in", "sign-out"})
"""The console's own addresses below `/console/`, where a program's pages lie by its id."""


def _program_id(text: str, field: str) -> str:
    if text in _PAGES:
        raise Invalid("id_reserved", "this id is an address of the console", field)
    return check_slug(text, field)


def review_program(program: Program) -> list[Invalid]:
    """Everything that is wrong with a program's settings."""
    domains = Review()
    domains.check(within, len(program.domains), 1, MAX_DOMAINS, "domains", "domains")
    for position, domain in enumerate(program.domains[:MAX_DOMAINS]):
        domains.check(_domain, domain, f"domains[{position}]")
    review = Review()
    review.check(_program_id, program.id, "id")
    review.check(check_name, program.name)
    review.check(check_currency, program.currency)
    review.check(check_timezone, program.timezone)
    review.check(_click_param, program.click_param)
    review.check(within, len(program.methods), 1, 100, "methods", "methods")
    review.check(within, program.late_days, 0, MAX_LATE_DAYS, "days", "late_days")
    review.check(check_utm, program.utm)
    if program.settle_in is not None:
        review.check(check_currency, program.settle_in, "settle_in")
    if not domains.problems:
        review.check(check_url, program.default_url, program.domains, "default_url")
        if program.fallback_url is not None:
            review.check(check_url, program.fallback_url, program.domains, "fallback_url")
    return domains.problems + review.problems


def review_partner(partner: Partner) -> list[Invalid]:
    """Everything that is wrong with a partner."""
    review = Review()
    review.check(check_slug, partner.id, "id")
    review.check(check_name, partner.name)
    review.check(check_email, partner.email)
    return review.problems


def review_coupon(coupon: Coupon) -> list[Invalid]:
    """Everything that is wrong with a promo code."""
    folded = fold_coupon(coupon.code)
    found = []
    if not 1 <= len(folded) <= MAX_COUPON or not folded.isprintable():
        found.append(Invalid("coupon_invalid", f"a code is 1 to {MAX_COUPON} printable characters", "code"))
    if coupon.starts_at and coupon.ends_at and coupon.starts_at >= coupon.ends_at:
        found.append(Invalid("time_invalid", "ends_at must lie after starts_at", "ends_at"))
    if coupon.max_uses is not None and not 1 <= coupon.max_uses <= MAX_USES:
        message = f"max_uses must be from 1 to {MAX_USES}"
        found.append(Invalid("max_uses_invalid", message, "max_uses"))
    return found


def check_name(name: str) -> str:
    """The name itself, where people can read it.

    Raises:
        Invalid: `name_invalid`.
    """
    if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise Invalid("name_invalid", f"a name is 1 to {MAX_NAME} printable characters", "name")
    return name


def normal_domain(text: str) -> str | None:
    """The host as URLs name it (lower case, IDNA), None where it is not a plain host name or IPv4 address.

    One label alone would allow a whole top-level domain, so only `localhost` may stand so. A number in
    the last label makes it an address by the URL standard (https://url.spec.whatwg.org/#concept-host-parser),
    which has to be in its normal form.
    """
    import can_ada

    if not _DOMAIN.fullmatch(text):
        return None
    try:
        host = str(can_ada.parse(f"https://{text}/").hostname)
    except ValueError:
        return None
    if text.isascii() and host != text.lower():
        return None
    labels = host.split(".")
    well_formed = all(re.fullmatch(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", label) for label in labels)
    return host if well_formed and (len(labels) > 1 or host == "localhost") else None


def _domain(domain: str, field: str) -> None:
    if normal_domain(domain) != domain:
        raise Invalid(
            "domain_invalid",
            "a domain is a host name such as shop.example.com, without scheme, port or path",
            field,
        )


def within(value: int, least: int, most: int, unit: str, field: str) -> None:
    """Let a number of that range on.

    Raises:
        Invalid: `out_of_range`.
    """
    if not least <= value <= most:
        raise Invalid("out_of_range", f"must be {least} to {most} {unit}", field)


def _click_param(name: str) -> None:
    if not _CLICK_PARAM.fullmatch(name) or name in CONTROL_PARAMETERS or name.startswith("utm_"):
        raise Invalid("click_param_invalid", "must be a parameter name such as ll_click", "click_param")


def check_email(email: str) -> None:
    """Let an e-mail address on that can be one.

    Raises:
        Invalid: `email_invalid`.
    """
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        raise Invalid("email_invalid", "email must be an address such as anna@example.com", "email")
