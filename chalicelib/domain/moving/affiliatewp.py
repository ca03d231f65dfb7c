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
                "partner": ("affiliate_id", "Affiliate ID"),
                "customer": ("customer_id", "Customer ID"),
                "since": ("date", "Date", "date_created"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "affiliates",
            {
                "partner": ("affiliate_id", "Affiliate ID"),
                "email": ("email", "Email"),
                "name": ("name", "Name", "username", "Username"),
                "code": ("affiliate_id", "Affiliate ID"),
                "coupon": ("coupon", "Coupon", "coupon_code"),
            },
            (PARTNER,),
        ),
    ),
    ("ref",),
)
