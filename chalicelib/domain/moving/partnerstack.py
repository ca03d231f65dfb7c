"""PartnerStack: Partner Management > All partners > Export all records; its customers and links by API.

Columns: docs.partnerstack.com (partnerships, customers, links; Data Importer). Its links bring
`ps_partner_key`, the partner's, and `ps_xid`, which names one click and means nothing elsewhere.
"""

from chalicelib.domain.moving.source import CODE, CUSTOMER, PARTNER, Sheet, Source

_PARTNER = ("partnership_key", "partner_key", "Partner key")
_EMAIL = ("partner_email", "Partner email")

SOURCE = Source(
    "partnerstack",
    (
        Sheet(
            "customers",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "customer": ("customer_key", "Customer key", "provider_key"),
                "since": ("created_at", "Created at", "Submitted on"),
            },
            (PARTNER, CUSTOMER),
        ),
        Sheet(
            "links",
            {
                "partner": _PARTNER,
                "email": _EMAIL,
                "link": ("url", "URL", "Link"),
                "destination": ("dest", "Destination"),
            },
            (PARTNER, CODE),
        ),
        Sheet(
            "partners",
            {
                "partner": ("key", "Key", *_PARTNER),
                "email": ("email", "Email", *_EMAIL),
                "name": ("name", "Name", "Partner"),
                "first_name": ("first_name", "First name"),
                "last_name": ("last_name", "Last name"),
                "code": ("key", "Key", *_PARTNER),
                "coupon": ("coupon", "Coupon"),
                "balance": ("balance", "Balance", "Unpaid rewards"),
                "currency": ("currency", "Currency"),
            },
            (PARTNER,),
        ),
    ),
    ("ps_partner_key", "gspk"),
)
