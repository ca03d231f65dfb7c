"""AffiliateWP: AffiliateWP > Tools > Export/Import.

The affiliates' columns are those of its class `Affiliate_WP_Affiliate_Export` and of its own importer
(affiliatewp.com/docs/importing-affiliates-from-csv). It has no column of what is unpaid, so balances come in
a plain file. `?ref=` and the cookie `affwp_ref` carry the affiliate's id or user name: the id becomes a code.
"""

from chalicelib.domain.moving.source import CUSTOMER, PARTNER, Sheet, Source

SOURCE = Source(
    "affiliatewp",
    (
        Sheet(
            "customers",
            {
                "partner": ("affiliate_id",),
                "customer": ("customer_id",),
                "since": ("date", "date_created"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "affiliates",
            {
                "partner": ("affiliate_id",),
                "email": ("email",),
                "name": ("name", "username"),
                "code": ("affiliate_id",),
                "coupon": ("coupon", "coupon_code"),
            },
            (PARTNER,),
        ),
    ),
    ("ref",),
)
