"""A program (a merchant's partner programme) and what it allows."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Consent(StrEnum):
    """Whether a visitor's consent is needed before an identifier is stored."""

    REQUIRED = "required"
    GRANTED = "granted"
    EXEMPT = "exempt"


class Method(StrEnum):
    """The ways in which a conversion can arrive."""

    PIXEL = "pixel"
    TAG = "tag"
    POSTBACK = "postback"
    API = "api"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    STRIPE = "stripe"
    APPSFLYER = "appsflyer"
    ADJUST = "adjust"
    BRANCH = "branch"


BROWSER_METHODS = frozenset({Method.PIXEL, Method.TAG})
"""Methods that anybody's browser can call: their conversions wait for a confirmation."""


@dataclass(frozen=True, slots=True)
class Program:
    """One merchant's programme.

    `domains` are the hosts (and their subdomains) that links may lead to; `currency` is the one for
    reports; `settle_in` the one that entries are booked in, where it isn't the sale's own; `late_days`
    how long after its window a click session is still kept; `shards` over how many partitions its
    journal is spread; `postback_token` what network postbacks authenticate with.
    """

    id: str
    name: str
    domains: tuple[str, ...]
    currency: str
    default_url: str
    created_at: datetime
    postback_token: str
    timezone: str = "UTC"
    click_param: str = "ll_click"
    fallback_url: str | None = None
    methods: frozenset[Method] = frozenset(Method)
    trust_browser: bool = False
    settle_in: str | None = None
    late_days: int = 3
    consent: Consent = Consent.GRANTED
    utm: dict[str, str] = field(default_factory=dict)
    shards: int = 4
