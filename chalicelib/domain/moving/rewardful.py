"""Rewardful: Affiliates > Export and Referrals > Export; the file of its own importer is read, too.

Columns: help.rewardful.com/en/articles/1988486 (`stripe_customer_id`, `token`, ...) and the names of its
REST API (developers.rewardful.com/rest-api/affiliates). `?via=` carries the token.
"""

from chalicelib.domain.moving.source import PARTNER, Sheet, Source

_WHO = {
    "partner": ("affiliate_id",),
    "email": ("affiliate_email", "email"),
    "first_name": ("affiliate_first_name", "first_name"),
    "last_name": ("affiliate_last_name", "last_name"),
}

SOURCE = Source(
    "rewardful",
    (
        Sheet(
            "affiliates",
            {
                **_WHO,
                "partner": ("id", "affiliate_id"),
                "code": ("token", "link_token"),
                "link": ("link", "url"),
                "coupon": ("coupon", "coupon_code"),
                "customer": ("stripe_customer_id", "Imported ID", "customer_id"),
                "since": ("became_conversion_at", "became_lead_at", "created_at"),
            },
            (PARTNER,),
        ),
    ),
    ("via",),
)
