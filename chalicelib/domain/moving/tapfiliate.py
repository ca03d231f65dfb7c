"""Tapfiliate: Affiliates > Export, Customers > Export.

Columns: support.tapfiliate.com/en/articles/1426640 and 4176525, and the names of its API
(tapfiliate.com/docs/rest). `?ref=` carries the referral code; anonymized links carry the affiliate's source
id in `tap_s`, beside the asset's in `tap_a`.
"""

from chalicelib.domain.moving.source import CUSTOMER, PARTNER, Sheet, Source

SOURCE = Source(
    "tapfiliate",
    (
        Sheet(
            "customers",
            {
                "partner": ("affiliate_id",),
                "email": ("affiliate_email",),
                "customer": ("customer_id",),
                "since": ("created_at",),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "affiliates",
            {
                "partner": ("id", "affiliate_id"),
                "email": ("email", "affiliate_email"),
                "first_name": ("firstname",),
                "last_name": ("lastname",),
                "code": ("referral_code", "source_id", "tap_s"),
                "link": ("referral_link",),
                "coupon": ("coupon", "Coupon code"),
            },
            (PARTNER,),
        ),
    ),
    ("ref", "tap_s", "tap_a"),
)
