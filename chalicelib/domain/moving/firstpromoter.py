"""FirstPromoter: Promoters > Export, Referrals > Export.

Columns: the names of both versions of its API (docs.firstpromoter.com), also nested ones as converters
flatten them; those of its exports are published nowhere. `?fpr=` carries the referral id, and so does the
cookie `_fprom_ref`.
"""

from chalicelib.domain.moving.source import CUSTOMER, PARTNER, Sheet, Source

SOURCE = Source(
    "firstpromoter",
    (
        Sheet(
            "referrals",
            {
                "email": ("promoter_email", "promoter_campaign.promoter.email", "Promoter"),
                "code": ("promoter_ref_id",),
                "customer": ("uid", "User ID", "customer_id"),
                "since": ("customer_since", "created_at"),
            },
            (frozenset({"email"}), CUSTOMER),
        ),
        Sheet(
            "promoters",
            {
                "partner": ("id", "Promoter ID"),
                "email": ("email", "promoter_email"),
                "name": ("name",),
                "first_name": ("first_name", "profile.first_name"),
                "last_name": ("last_name", "profile.last_name"),
                "code": ("ref_id", "default_ref_id", "ref_token", "Referral ID"),
                "link": ("ref_link", "referral_link"),
                "coupon": ("coupon", "promo_code"),
            },
            (PARTNER,),
        ),
    ),
    ("fpr", "fp_ref", "_from"),
)
