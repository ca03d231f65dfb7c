"""Dub: Program > Partners > Export, Links > Export, Customers > Export, or the same by its API.

The partners' columns are those of `exportPartnerColumns` and the links' of `exportLinksColumns` in dubinc/dub
(apps/web/lib/zod/schemas); names with small letters are the API's (dub.co/docs/api-reference). Its export of
commissions has a line for each, paid ones too, and was in minor units once: no balance is read off it.
"""

from chalicelib.domain.moving.source import CODE, COUPON, CUSTOMER, PARTNER, Sheet, Source

_PARTNER = ("partnerId",)
_EMAIL = ("partnerEmail",)

SOURCE = Source(
    "dub",
    (
        Sheet(
            "customers",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "customer": ("externalId",),
                "since": ("createdAt",),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "links",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "code": ("key",),
                "link": ("shortLink", "link"),
                "destination": ("url", "Destination URL"),
            },
            (PARTNER, CODE),
        ),
        Sheet(
            "coupons",
            {"partner": _PARTNER, "email": _EMAIL, "coupon": ("discountCode", "code")},
            (PARTNER, COUPON),
        ),
        Sheet(
            "partners",
            {
                "partner": ("id",),
                "email": ("email",),
                "name": ("name",),
                "code": ("username",),
            },
            (frozenset({"email"}), frozenset({"name"})),
        ),
    ),
    ("via", "ref"),
)
