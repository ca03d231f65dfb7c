"""Rewardful: Affiliates > Export and Referrals > Export; the file of its own importer is read, too.

Columns: help.rewardful.com/en/articles/1988486 (`stripe_customer_id`, `token`, ...) and the names of its
REST API (developers.rewardful.com/rest-api/affiliates). `?via=` carries the token.
"""

from chalicelib.domain.moving.source import PARTNER, Sheet, Source

_WHO = {
    "partner": ("affiliate_id", "Affiliate ID"),
    "email": ("affiliate_email", "Affiliate Email", "email", "Email"),
    "first_name": ("affiliate_first_name", "Affiliate First Name", "first_name", "First Name"),
    "last_name": ("affiliate_last_name", "Affiliate Last Name", "last_name", "Last Name"),
}

SOURCE = Source(
    "rewardful",
    (
        Sheet(
            "affiliates",
            {
                **_WHO,
                "partner": ("id", "ID", "affiliate_id", "Affiliate ID"),
                "code": ("token", "Token", "link_token", "Link Token"),
                "link": ("link", "Link", "url", "URL"),
                "coupon": ("coupon", "Coupon", "coupon_code", "Coupon Code"),
                "customer": ("stripe_customer_id", "Stripe Customer ID", "Imported ID", "customer_id"),
                "since": ("became_conversion_at", "became_lead_at", "created_at", "Created At"),
                "balance": ("unpaid_commissions", "Unpaid Commissions", "Unpaid", "amount_due", "Amount Due"),
                "currency": ("currency", "Currency"),
            },
            (PARTNER,),
        ),
    ),
    ("via",),
)
