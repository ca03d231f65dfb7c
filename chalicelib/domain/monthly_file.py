"""`monthly.csv`: what a month reckoned as a whole, for the next month to go on from."""

import csv
import io
from collections.abc import Iterator

from chalicelib.domain import spreadsheet
from chalicelib.domain.money import format_major, parse_signed_major
from chalicelib.domain.monthly import Monthly, Standing, Sums
from chalicelib.domain.period import Month

NAME = "monthly.csv"

COLUMNS = (
    "month",
    "partner",
    "currency",
    "row",
    "name",
    "count",
    "sale_amount",
    "commission_amount",
    "since",
)


def lines(monthly: Monthly) -> Iterator[str]:
    """`monthly.csv`: what the next month goes on from."""
    yield spreadsheet.line(COLUMNS)
    for key in sorted({*monthly.sales, *monthly.booked}, key=lambda whose: (str(whose[0]), *whose[1:])):
        month, partner, currency = key
        for event, sums in sorted(monthly.sales.get(key, {}).items()):
            amounts = (format_major(a, currency) for a in (sums.sale_minor, sums.commission_minor))
            yield spreadsheet.line(
                (
                    str(month),
                    partner,
                    currency,
                    "sales",
                    spreadsheet.safe(event),
                    str(sums.count),
                    *amounts,
                    "",
                )
            )
        for name, standing in sorted(monthly.booked.get(key, {}).items()):
            row = "released" if standing.released else "booked"
            amount = format_major(standing.amount_minor, currency)
            since = str(standing.since) if standing.since else ""
            yield spreadsheet.line((str(month), partner, currency, row, name, "", "", amount, since))


def read(text: str) -> Monthly:
    """What `lines` wrote."""
    found = Monthly()
    for row in csv.DictReader(io.StringIO(text, newline="")):
        key = Month.parse(row["month"]), row["partner"], row["currency"]
        commission = parse_signed_major(row["commission_amount"], row["currency"])
        if row["row"] == "sales":
            sale = parse_signed_major(row["sale_amount"], row["currency"])
            found.sales.setdefault(key, {})[row["name"]] = Sums(int(row["count"]), sale, commission)
        else:
            since = Month.parse(row["since"]) if row["since"] else None
            standing = Standing(commission, since, row["row"] == "released")
            found.booked.setdefault(key, {})[row["name"]] = standing
    return found
