"""Tapfiliate: Affiliates > Export, Customers > Export, Balances > Export.

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
                "partner": ("affiliate_id", "Affiliate ID"),
                "email": ("affiliate_email", "Affiliate Email"),
                "customer": ("customer_id", "Customer ID"),
                "since": ("created_at", "Created at"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "affiliates",
            {
                "partner": ("id", "ID", "affiliate_id", "Affiliate ID"),
                "email": ("email", "Email", "affiliate_email", "Affiliate Email"),
                "first_name": ("firstname", "first_name", "First name", "Firstname"),
                "last_name": ("lastname", "last_name", "Last name", "Lastname"),
                "code": ("referral_code", "Referral code", "source_id", "Source ID", "tap_s"),
                "link": ("referral_link", "Referral link"),
                "coupon": ("coupon", "Coupon", "Coupon code"),
                "balance": ("balance", "Balance", "Amount"),
                "currency": ("currency", "Currency"),
            },
            (PARTNER,),
        ),
    ),
    ("ref", "tap_s", "tap_a"),
)
