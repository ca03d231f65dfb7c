"""Dub: Program > Partners > Export, Links > Export, Customers > Export, or the same by its API.

The partners' columns are those of `exportPartnerColumns` and the links' of `exportLinksColumns` in dubinc/dub
(apps/web/lib/zod/schemas); names with small letters are the API's (dub.co/docs/api-reference).
"""

from chalicelib.domain.moving.source import BALANCE, CODE, COUPON, CUSTOMER, PARTNER, Sheet, Source

_PARTNER = ("partnerId", "partner_id", "Partner ID")
_EMAIL = ("partnerEmail", "Partner Email", "partner_email")

SOURCE = Source(
    "dub",
    (
        Sheet(
            "customers",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "customer": ("externalId", "External ID", "external_id"),
                "since": ("createdAt", "Created at", "created_at"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "links",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "code": ("key", "Key"),
                "link": ("shortLink", "Short link", "link", "Link"),
                "destination": ("url", "Destination URL", "URL"),
            },
            (PARTNER, CODE),
        ),
        Sheet(
            "coupons",
            {"partner": _PARTNER, "email": _EMAIL, "coupon": ("discountCode", "Discount code", "code")},
            (PARTNER, COUPON),
        ),
        Sheet(
            "balances",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "balance": ("earnings", "Earnings", "amount", "Amount"),
                "currency": ("currency", "Currency"),
            },
            (PARTNER, BALANCE),
        ),
        Sheet(
            "partners",
            {
                "partner": ("id", "ID"),
                "email": ("email", "Email"),
                "name": ("name", "Name"),
                "code": ("username", "Username"),
            },
            (frozenset({"email"}), frozenset({"name"})),
        ),
    ),
    ("via", "ref"),
)
