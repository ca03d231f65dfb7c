"""The registry of fraud rules. A new rule is a file with a `RULE`, and its name in one of these tables."""

from typing import Any

from chalicelib.domain.fraud import (
    click_burst,
    conversion_rate,
    coupon_leak,
    coupon_poaching,
    data_centre,
    disposable_email,
    duplicate_account,
    duplicate_customer,
    flooding,
    forced_loads,
    injection,
    order_enumeration,
    paid_search,
    pixel_mismatch,
    quick_conversion,
    refund_rate,
    robots,
    self_referral,
    stand_down,
    undeclared_referrer,
    velocity,
)
from chalicelib.domain.fraud.case import Applicant, Case, Traffic
from chalicelib.domain.fraud.rule import Rule

CONVERSION_RULES: tuple[Rule[Case], ...] = (
    data_centre.RULE,
    click_burst.RULE,
    quick_conversion.RULE,
    injection.RULE,
    self_referral.RULE,
    duplicate_customer.RULE,
    paid_search.RULE,
    coupon_poaching.RULE,
    stand_down.RULE,
    undeclared_referrer.RULE,
    pixel_mismatch.RULE,
)
"""Looked at whenever a conversion is decided, on its own facts alone; in this order on the receipt."""

PARTNER_RULES: tuple[Rule[Traffic], ...] = (
    robots.RULE,
    forced_loads.RULE,
    flooding.RULE,
    conversion_rate.RULE,
    refund_rate.RULE,
    coupon_leak.RULE,
    velocity.RULE,
    order_enumeration.RULE,
)
"""Looked at with every reconcile, over the daily counts of each partner."""

ENROLLMENT_RULES: tuple[Rule[Applicant], ...] = (disposable_email.RULE, duplicate_account.RULE)
"""Looked at when a partner enrols, or names the account to which it is paid."""

_ALL: list[Rule[Any]] = [*CONVERSION_RULES, *PARTNER_RULES, *ENROLLMENT_RULES]
RULES: dict[str, Rule[Any]] = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""
