"""FirstPromoter: Promoters > Export, Referrals > Export.

Columns: the names of its API (docs.firstpromoter.com: promoters, referrals), which its exports follow, with
and without capital letters. `?fpr=` carries the referral id, and so does the cookie `_fprom_ref`.
"""

from chalicelib.domain.moving.source import CUSTOMER, PARTNER, Sheet, Source

SOURCE = Source(
    "firstpromoter",
    (
        Sheet(
            "referrals",
            {
                "email": ("promoter_email", "Promoter Email", "Promoter"),
                "code": ("promoter_ref_id", "Promoter Ref ID"),
                "customer": ("uid", "UID", "User ID", "customer_id", "Customer ID"),
                "since": ("customer_since", "Customer since", "created_at", "Created at"),
            },
            (frozenset({"email"}), CUSTOMER),
        ),
        Sheet(
            "promoters",
            {
                "partner": ("id", "ID", "Promoter ID"),
                "email": ("email", "Email", "promoter_email", "Promoter Email"),
                "name": ("name", "Name"),
                "first_name": ("first_name", "First Name"),
                "last_name": ("last_name", "Last Name"),
                "code": ("ref_id", "default_ref_id", "ref_token", "Referral ID", "Ref ID"),
                "link": ("ref_link", "referral_link", "Referral Link"),
                "coupon": ("coupon", "Coupon", "promo_code", "Promo Code"),
                "balance": ("current_balance", "Current Balance", "Unpaid", "Balance"),
                "currency": ("currency", "Currency"),
            },
            (PARTNER,),
        ),
    ),
    ("fpr", "fp_ref", "_from"),
)
