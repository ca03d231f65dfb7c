"""PartnerStack: Partner Management > All partners > Export all records; its customers and links by API.

Columns: docs.partnerstack.com (partnerships, customers, links; Data Importer) and
support.partnerstack.com 360009012554 (the file of its importer). Its links bring
`ps_partner_key`, the partner's, and `ps_xid`, which names one click and means nothing elsewhere.
"""

from chalicelib.domain.moving.source import CODE, CUSTOMER, PARTNER, Sheet, Source

_PARTNER = ("partnership_key", "partner_key")
_EMAIL = ("partner_email",)

SOURCE = Source(
    "partnerstack",
    (
        Sheet(
            "customers",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "customer": ("customer_key", "provider_key"),
                "since": ("created_at", "Submitted on"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "links",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "link": ("url", "Link"),
                "destination": ("dest", "Destination"),
            },
            (PARTNER, CODE),
        ),
        Sheet(
            "partners",
            {
                "partner": ("key", *_PARTNER),
                "email": ("email", *_EMAIL),
                "name": ("name", "Partner"),
                "first_name": ("first_name", "partner_first"),
                "last_name": ("last_name", "partner_last"),
                "code": ("key", *_PARTNER),
                "coupon": ("coupon",),
            },
            (PARTNER,),
        ),
    ),
    ("ps_partner_key", "gspk"),
)
