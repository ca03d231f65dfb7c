"""Every rule for months as a whole is checked, and every problem is told."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.terms import Basis, MonthlyKind, MonthlyRule, MonthlyTier, TierMode
from chalicelib.domain.terms_review import review_terms
from tests.domain.builders import some_terms

TERMS = some_terms(groups={"vips": ("anna",)})
CAP = MonthlyRule(MonthlyKind.CAP, amount_minor=100)
COUNTED = MonthlyRule(MonthlyKind.MILESTONE, Basis.COUNT, (MonthlyTier(1, None, 5),))
MARGINAL = MonthlyRule(
    MonthlyKind.TIERED, Basis.AMOUNT, (MonthlyTier(0, 100), MonthlyTier(5, 200)), TierMode.MARGINAL
)


def found(*rules: MonthlyRule) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.field) for problem in review_terms(replace(TERMS, monthly=rules))]


def test_what_can_be_reckoned_is_taken() -> None:
    for_anna = replace(CAP, partner="anna"), replace(CAP, group="vips"), replace(CAP, currency="USD")
    assert found(CAP, *for_anna, COUNTED, MARGINAL, replace(CAP, event="purchase")) == []


@pytest.mark.parametrize(
    ("rule", "changes", "code", "field"),
    [
        (CAP, {"amount_minor": None}, "field_required", "amount"),
        (CAP, {"amount_minor": -1}, "amount_invalid", "amount"),
        (CAP, {"by": Basis.COUNT}, "field_invalid", "by"),
        (CAP, {"tier_mode": TierMode.MARGINAL}, "field_invalid", "tier_mode"),
        (CAP, {"tiers": (MonthlyTier(1, 1),)}, "field_invalid", "tiers"),
        (CAP, {"event": "unheard-of"}, "event_unknown", "event"),
        (CAP, {"partner": "No Slug"}, "id_invalid", "partner"),
        (CAP, {"group": "nobody"}, "group_unknown", "group"),
        (CAP, {"group": "vips", "partner": "anna"}, "field_invalid", "group"),
        (CAP, {"currency": "XXX"}, "currency_unknown", "currency"),
        (COUNTED, {"by": None}, "field_required", "by"),
        (COUNTED, {"amount_minor": 1}, "field_invalid", "amount"),
        (COUNTED, {"tier_mode": TierMode.MARGINAL}, "field_invalid", "tier_mode"),
        (COUNTED, {"tiers": ()}, "out_of_range", "tiers"),
        (COUNTED, {"tiers": (MonthlyTier(0, None, 1),)}, "out_of_range", "tiers[0].at"),
        (COUNTED, {"tiers": (MonthlyTier(1, 1),)}, "field_invalid", "tiers[0].add_bp"),
        (COUNTED, {"tiers": (MonthlyTier(1, None, -1),)}, "amount_invalid", "tiers[0].add_amount"),
        (COUNTED, {"tiers": (MonthlyTier(1),)}, "field_required", "tiers[0].add_bp"),
        (MARGINAL, {"tier_mode": None}, "field_required", "tier_mode"),
        (MARGINAL, {"tiers": (MonthlyTier(-1, 1),)}, "amount_invalid", "tiers[0].at"),
        (MARGINAL, {"tiers": (MonthlyTier(1, 10_001),)}, "out_of_range", "tiers[0].add_bp"),
        (MARGINAL, {"tiers": (MonthlyTier(1, 1), MonthlyTier(1, 2))}, "tiers_invalid", "tiers[1].at"),
        (MARGINAL, {"tiers": (MonthlyTier(1, None, 1),)}, "field_invalid", "tiers[0].add_amount"),
        (MARGINAL, {"by": Basis.COUNT, "tiers": (MonthlyTier(1, 1),)}, "field_invalid", "tiers[0].add_bp"),
    ],
)
def test_each_part_is_checked(rule: MonthlyRule, changes: dict[str, Any], code: str, field: str) -> None:
    assert found(replace(rule, **changes)) == [(code, f"monthly[0].{field}")]


def test_no_two_rules_are_for_the_same() -> None:
    assert found(CAP, CAP) == [("rule_repeated", "monthly[1].kind")]
    assert found(*[replace(CAP, partner=f"p{n}") for n in range(21)]) == [("out_of_range", "monthly")]
