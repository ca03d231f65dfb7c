"""Visits that no partner brought: from search, social networks, e-mail, ads and other sites.

They are touches of their channel: they earn nothing, and make the path to a sale complete. The names of
channels, and what marks one, follow Google Analytics 4's default channel groups
(support.google.com/analytics/answer/9756891).
"""

import re
from collections.abc import Mapping

from chalicelib.domain.channels import of_referrer

NO_LINK = "lnk_" + "a" * 13
"""The link that a visit's token names: number 0, which no link has."""

_HOST = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_PAID = re.compile(r"cpc|ppc|cpm|cpv|cpa|retargeting|display|banner|paid.*", re.ASCII)
_MEDIA = {
    "email": "email",
    "e-mail": "email",
    "newsletter": "email",
    "social": "social",
    "social-network": "social",
    "social-media": "social",
    "organic": "search",
    "referral": "referral",
}


def channel_of(page: str, referrer: str, parameters: Mapping[str, str]) -> str | None:
    """The channel by which a visitor came to the page; None for one who wandered in from the same site.

    `parameters` are UTMs and click ids of ad systems in the page's query.
    """
    medium = parameters.get("utm_medium", "").strip().lower()
    if "gclid" in parameters or "msclkid" in parameters or _PAID.fullmatch(medium):
        return "ads"
    if medium in _MEDIA:
        return _MEDIA[medium]
    if "fbclid" in parameters or "ttclid" in parameters:
        return "social"
    source = parameters.get("utm_source", "").strip().lower()
    if source:
        by_name = of_referrer(f"https://{source}/")
        return by_name if by_name not in {None, "referral"} else "campaign"
    return None if _host(page) == _host(referrer) else of_referrer(referrer)


def _host(url: str) -> str:
    match = _HOST.match(url)
    return match[1].lower() if match else ""
