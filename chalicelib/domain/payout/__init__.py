"""Paying partners: one module for each way, in one table; a new one is a module and a line here."""

from chalicelib.domain.payout import paypal, sepa, wise
from chalicelib.domain.payout.batch import Format

FORMATS: dict[str, Format] = {
    "paypal": paypal.FORMAT,
    "wise": wise.FORMAT,
    "sepa": sepa.FORMAT,
}
