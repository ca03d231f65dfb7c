"""Settings of the rules: every mistake is told, and what can't be read never passes for nothing found."""

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.conversion import AdjustmentKind, Outcome, Signal, State
from chalicelib.domain.decision import decide
from chalicelib.domain.fraud import RULES, quick_conversion
from chalicelib.domain.fraud.checks import FINDING, finding_signal
from chalicelib.domain.fraud.rule import Action, Rule
from chalicelib.domain.fraud.settings import (
    NO_POLICY,
    Policy,
    Setting,
    Settings,
    arm,
    recommended,
    review_settings,
)
from chalicelib.domain.journal import Books
from chalicelib.domain.period import Month
from chalicelib.domain.settlement import Booked, settle
from tests.domain.builders import (
    BEGINNING,
    SOLD,
    a_program,
    a_report,
    a_touch,
    an_adjustment,
    some_facts,
    some_terms,
)

QUICK = some_facts(a_report(), a_touch(at=SOLD - timedelta(seconds=2)))


def policy(starts_at: Any = BEGINNING, **actions: str) -> Policy:
    rules = {name: Setting(action) for name, action in actions.items()}
    return Policy([Settings("acme", 1, starts_at, rules)])


def decided(facts: Any = QUICK, policy: Policy = NO_POLICY) -> Any:
    return decide(facts, a_program(), [some_terms()], policy=policy)


def check(decision: Any, name: str) -> Any:
    return next((check for check in decision.checks if check.name == name), None)


def test_every_mistake_is_told_at_once() -> None:
    problems = review_settings(
        {
            "telepathy": Setting("hold"),
            "velocity": Setting("explode", parameters={"conversions": -1, "colour": 3}),
            "paid_search": Setting("flag", parameters={"allowed": ["no spaces here"]}),
        }
    )
    assert {(p.code, p.field) for p in problems} == {
        ("rule_unknown", "rules.telepathy"),
        ("action_invalid", "rules.velocity.action"),
        ("parameter_unknown", "rules.velocity.parameters.colour"),
        ("parameter_invalid", "rules.velocity.parameters.conversions"),
        ("parameter_invalid", "rules.paid_search.parameters.allowed"),
    }


@pytest.mark.parametrize("value", [True, "5", None, 10**12, 1.5])
def test_a_number_is_a_whole_number_in_its_bounds(value: object) -> None:
    settings = {"quick_conversion": Setting("hold", parameters={"seconds": value})}
    assert [p.code for p in review_settings(settings)] == ["parameter_invalid"]


def test_a_new_program_only_flags() -> None:
    decision = decided()
    assert decision.outcome is Outcome.RECORDED
    assert check(decision, "quick_conversion").action is Action.FLAG
    assert not check(decision, "quick_conversion").passed
    assert [c.commission_minor for c in decision.credits] == [1000]


def test_a_rule_that_holds_makes_the_money_wait_with_its_evidence() -> None:
    decision = decided(policy=policy(quick_conversion="hold"))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "quick_conversion")
    found = check(decision, "quick_conversion")
    assert (found.version, found.evidence) == (1, {"seconds": 2})
    assert [c.commission_minor for c in decision.credits] == [1000]


def test_a_rule_that_rejects_pays_nothing() -> None:
    decision = decided(policy=policy(quick_conversion="reject"))
    assert (decision.outcome, decision.reason) == (Outcome.REJECTED, "quick_conversion")
    settled = settle(QUICK, decision, Booked(), a_program(), Books(opened=Month(2026, 10)), SOLD)
    assert (settled.entries, settled.state, settled.due_at) == ((), State.REJECTED, None)


def test_a_rule_that_is_off_says_nothing() -> None:
    assert check(decided(policy=policy(quick_conversion="off")), "quick_conversion") is None


@pytest.mark.parametrize("kind", [AdjustmentKind.APPROVE])
@pytest.mark.parametrize("action", ["hold", "reject"])
def test_a_person_clears_what_a_rule_stopped(kind: AdjustmentKind, action: str) -> None:
    approved = an_adjustment(kind, at=SOLD + timedelta(days=3))
    facts = some_facts(a_report(), *QUICK.touches, adjustments=(approved,))
    decision = decided(facts, policy(quick_conversion=action))
    assert decision.outcome is Outcome.RECORDED
    assert "approved by a reviewer" in check(decision, "quick_conversion").detail
    settled = settle(
        facts, decision, Booked(), a_program(), Books(opened=Month(2026, 10)), approved.received_at
    )
    assert [entry.booked_at for entry in settled.entries] == [approved.received_at]


@pytest.mark.parametrize(
    "broken",
    [
        {"quick_conversion": Setting("flag", parameters={"seconds": "soon"})},
        {"quick_conversion": Setting("flog")},
        {"quick_conversion": Setting("hold", version=99)},
        {"velocity": Setting("hold", parameters={"conversions": -5})},
        {"renamed_since": Setting("hold")},
    ],
)
def test_a_broken_setting_never_passes_for_nothing_found(broken: dict[str, Setting]) -> None:
    honest = some_facts(a_report(), a_touch())
    decision = decided(honest, Policy([Settings("acme", 1, BEGINNING, broken)]))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "setting_broken")


def test_a_rule_that_fails_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_case: Any, _values: Any) -> None:
        raise ZeroDivisionError

    rule = Rule("quick_conversion", "fails", fail)
    monkeypatch.setattr("chalicelib.domain.fraud.settings.CONVERSION_RULES", (rule,))
    assert decided(policy=policy(quick_conversion="flag")).reason == "setting_broken"


def test_settings_hold_from_when_they_were_published_on() -> None:
    later = policy(SOLD + timedelta(seconds=1), quick_conversion="hold")
    assert decided(policy=later).outcome is Outcome.RECORDED
    assert decided(policy=policy(SOLD, quick_conversion="hold")).outcome is Outcome.HELD


def test_an_order_whose_clock_is_ahead_is_judged_by_when_it_was_told() -> None:
    ahead = some_facts(
        a_report(occurred_at=SOLD + timedelta(minutes=5)), a_touch(at=SOLD + timedelta(minutes=5, seconds=-2))
    )
    later = policy(SOLD + timedelta(minutes=1), quick_conversion="hold")
    assert decided(ahead, later).outcome is Outcome.RECORDED


def test_a_former_version_of_a_rule_finds_what_it_found_then(monkeypatch: pytest.MonkeyPatch) -> None:
    old = quick_conversion.RULE
    new = Rule(old.name, old.signal, lambda *_: None, old.parameters, version=2, former={1: old.find})
    monkeypatch.setattr("chalicelib.domain.fraud.settings.CONVERSION_RULES", (new,))
    monkeypatch.setitem(RULES, old.name, new)
    assert decided(policy=policy(quick_conversion="hold")).outcome is Outcome.HELD
    pinned = Policy([Settings("acme", 1, BEGINNING, {old.name: Setting("hold", version=2)})])
    assert decided(policy=pinned).outcome is Outcome.RECORDED


class TestInjection:
    FACTS = some_facts(a_report(), a_touch("anna"), a_touch("ben", SOLD - timedelta(seconds=9)))

    def test_a_remark_changes_no_credit(self) -> None:
        assert [c.partner for c in decided(self.FACTS).credits] == ["ben"]

    def test_where_it_is_switched_on_the_earlier_touch_keeps_its_credit_and_the_sale_is_held(self) -> None:
        decision = decided(self.FACTS, policy(injection="hold"))
        assert (decision.outcome, decision.reason) == (Outcome.HELD, "injection")
        assert [c.partner for c in decision.credits] == ["anna"]
        assert [step.reason for step in decision.path] == ["credited", "injected"]

    def test_who_was_in_the_path_before_injects_nothing(self) -> None:
        facts = some_facts(a_report(), *self.FACTS.touches, a_touch("ben", SOLD - timedelta(days=2)))
        assert decided(facts, policy(injection="hold")).outcome is Outcome.RECORDED


def test_a_finding_about_the_partner_stops_its_sales_and_nobody_elses() -> None:
    detail = finding_signal("flooding", Action.HOLD, 1, "9000 clicks made 1 conversion")
    facts = some_facts(a_report(), a_touch(), signals=(Signal(FINDING, "anna", detail),))
    assert (decided(facts).outcome, decided(facts).reason) == (Outcome.HELD, "flooding")
    other = some_facts(a_report(), a_touch(), signals=(Signal(FINDING, "ben", detail),))
    assert decided(other).outcome is Outcome.RECORDED


def test_the_recommended_set_is_allowed_and_holds_something() -> None:
    assert review_settings(recommended()) == []
    assert arm(recommended()).broken == ()
    assert {s.action for s in recommended().values()} == {Action.HOLD, Action.FLAG}
