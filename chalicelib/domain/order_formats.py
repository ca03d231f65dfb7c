"""The columns of exports that are known, under the names that orders are read by.

Shopify: Orders > Export (help.shopify.com/en/manual/fulfillment/managing-orders/exporting-orders); an
order with several items fills a row for each, of which only the first tells of the order.
WooCommerce: Customer/Order/Coupon Export and the Import Export Suite (woocommerce.com/document/
import-and-export-of-woocommerce-orders), whose days are written month first, and the analytics' download.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

COLUMNS = (
    "order_id",
    "order_name",
    "amount",
    "currency",
    "status",
    "refunded",
    "occurred_at",
    "cancelled_at",
    "coupon",
    "click_id",
    "customer_id",
)
"""What can be read of an order."""

_STATUSES = {
    "paid": "paid",
    "partially refunded": "paid",
    "partially_refunded": "paid",
    "partly refunded": "paid",
    "processing": "paid",
    "completed": "paid",
    "complete": "paid",
    "fulfilled": "paid",
    "shipped": "paid",
    "approved": "paid",
    "confirmed": "paid",
    "pending": "open",
    "pending payment": "open",
    "authorized": "open",
    "partially paid": "open",
    "partially_paid": "open",
    "on-hold": "open",
    "on hold": "open",
    "checkout-draft": "open",
    "unpaid": "open",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "voided": "cancelled",
    "expired": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
    "refunded": "refunded",
    "returned": "refunded",
}


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: for each name, the columns that hold it, the first that is there being read.

    `marks` are columns by which it is recognised too; `item_rows` says that an order may fill several
    rows; `amount_optional` that a file without amounts may still be of this kind.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    marks: Collection[str] = ()
    item_rows: bool = False
    american_dates: bool = False
    amount_optional: bool = False
    statuses: Mapping[str, str] = field(default_factory=lambda: _STATUSES)

    def fits(self, header: Collection[str], *, amount_needed: bool) -> bool:
        """Whether a file with these (folded) columns is of this kind."""
        named = any(name in header for name in (*self._of("order_id"), *self._of("order_name")))
        has_amount = any(name in header for name in self._of("amount"))
        may_lack_it = self.amount_optional and not amount_needed
        return named and (has_amount or may_lack_it) and all(mark in header for mark in self.marks)

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """At which position each name stands in this header."""
        folded = [fold(name) for name in header]
        found = {}
        for name in self.columns:
            at = next((folded.index(column) for column in self._of(name) if column in folded), None)
            if at is not None:
                found[name] = at
        return found

    def continues(self, row: Mapping[str, str], cells: Sequence[str]) -> bool:
        """Whether the row is but another item of the order above it."""
        return self.item_rows and not {"amount", "status", "order_id"} & row.keys() and any(cells)

    def _of(self, name: str) -> list[str]:
        return [fold(column) for column in self.columns.get(name, ())]


def fold(name: str) -> str:
    """A column's name or a status as it is compared: without case, spaces at its ends and a mark."""
    return " ".join(name.replace("\ufeff", "").strip().strip("'\"").casefold().split())


FORMATS = (
    Format(
        "shopify",
        {
            "order_id": ("Id",),
            "order_name": ("Name",),
            "amount": ("Total",),
            "currency": ("Currency",),
            "status": ("Financial Status",),
            "refunded": ("Refunded Amount",),
            "occurred_at": ("Created at",),
            "cancelled_at": ("Cancelled at",),
            "coupon": ("Discount Code",),
        },
        marks=("name", "financial status", "total"),
        item_rows=True,
    ),
    Format(
        "woocommerce",
        {
            "order_id": ("order_id", "Order ID"),
            "order_name": ("order_number_formatted", "order_number", "Order Number", "Order #"),
            "amount": ("order_total", "Order Total", "Order Total Amount"),
            "currency": ("order_currency", "currency", "Order Currency"),
            "status": ("status", "order_status", "Order Status"),
            "refunded": ("refunded_total", "Order Refund Amount"),
            "occurred_at": ("date", "order_date", "Order Date"),
            "coupon": ("coupons", "coupon_codes", "coupon_items", "Coupon Code", "Coupon(s)"),
            "customer_id": ("customer_id",),
        },
        american_dates=True,
    ),
    Format(
        "plain",
        {
            "order_id": ("order_id", "order", "Order ID", "order number", "transaction_id", "id"),
            "amount": ("amount", "total", "sale_amount", "revenue"),
            "currency": ("currency",),
            "status": ("status",),
            "refunded": ("refunded", "refunded_amount"),
            "occurred_at": ("occurred_at", "date", "created_at", "time"),
            "coupon": ("coupon", "code"),
            "click_id": ("click_id",),
            "customer_id": ("customer_id",),
        },
        amount_optional=True,
    ),
)
"""Every known kind, the surest first; `plain` is the one for those who write the file themselves."""
