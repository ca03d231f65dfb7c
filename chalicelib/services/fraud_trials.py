"""Fraud rules, tried on a past month before a program switches them on. Nothing is written.

A sale counts as what reviewers said of it: rejected, approved, or nothing yet. Sales that an approval only
confirmed, because a browser had told of them, count as approved, too.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.counts import day_of
from chalicelib.domain.earning import case_of
from chalicelib.domain.errors import TooLarge
from chalicelib.domain.facts import Facts
from chalicelib.domain.fraud import RULES
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.checks import FINDING, examine
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Arms, Policy, Setting, Settings, recommended, review_settings
from chalicelib.domain.fraud.trial import Score, Trial
from chalicelib.domain.job import Job, JobKind
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.review import refuse
from chalicelib.services import customers, jobs
from chalicelib.services.conversions import occurred_in
from chalicelib.services.fraud_looking import traffic_of
from chalicelib.storage.stores import Stores

MAX_RULES_BYTES = 200_000
EVERY = 100
"""Conversions between two notes of how far it is."""

_ALWAYS = datetime.min.replace(tzinfo=UTC)


def ask(
    stores: Stores, program: Program, month: Month, rules: Mapping[str, Setting] | None, now: datetime
) -> Job:
    """Start trying the rules (None: the recommended set) on a month of the program.

    Raises:
        Refused: with everything that is wrong with the rules.
        TooLarge: `rules_too_large`.
    """
    wanted = recommended() if rules is None else rules
    refuse(review_settings(wanted))
    text = json.dumps({n: [str(s.action), s.version, dict(s.parameters)] for n, s in wanted.items()})
    if len(text) > MAX_RULES_BYTES:
        raise TooLarge("rules_too_large", f"rules to try may have {MAX_RULES_BYTES} bytes", "rules")
    request = {"month": str(month), "rules": text}
    return jobs.begin(stores, JobKind.TRIAL, program.id, request, "trials", now)


def carry_out(stores: Stores, job: Job, _now: datetime) -> dict[str, Any]:
    """Run the trial: what would have been stopped, by rule and together, and what reviewers said of it."""
    program = stores.catalogue.program(job.program)
    month = Month.parse(job.request["month"])
    kept = json.loads(job.request["rules"])
    rules = {name: Setting(*parts) for name, parts in kept.items()} | _others_off(kept)
    policy = Policy([Settings(program.id, 1, _ALWAYS, rules)])
    arms = policy.arms(_ALWAYS)
    trial = Trial()
    terms = stores.catalogue.terms(program.id)
    found = _partners(stores, program, month, arms)
    for conversion in occurred_in(stores, program, month, month):
        facts = customers.informed(stores, terms, policy, conversion.facts)
        case = _without_findings(case_of(facts, terms, policy))
        earners = case.earners if case else frozenset()
        stopping = [check.name for check in examine(case, arms, None) if check.stops] if case else []
        stopping += [name for name, partners in found.items() if earners & partners.keys()]
        order_id = conversion.facts.effective.order_id
        trial.add(conversion.facts.id, order_id, earners, stopping, _review(conversion.facts))
        if trial.conversions % EVERY == 0:
            jobs.progress(stores, job, trial.conversions, 0)
    jobs.progress(stores, job, trial.conversions, trial.conversions)
    return _result(program, month, trial, found)


def _without_findings(case: Case | None) -> Case | None:
    """What partners' rules found at the time is no answer to what the rules on trial would find."""
    return replace(case, signals=tuple(s for s in case.signals if s.name != FINDING)) if case else None


def _others_off(kept: Mapping[str, Any]) -> dict[str, Setting]:
    """Only the rules that are tried are looked at."""
    return {rule.name: Setting(Action.OFF, rule.version) for rule in RULES.values() if rule.name not in kept}


def _partners(stores: Stores, program: Program, month: Month, arms: Arms) -> dict[str, dict[str, str]]:
    """Of each partners' rule that would have stopped money: whom it would have found, in which words."""
    first = day_of(month.start(program.timezone), program.timezone)
    last = day_of(month.end(program.timezone) - timedelta(milliseconds=1), program.timezone)
    found: dict[str, dict[str, str]] = {}
    for traffic in traffic_of(stores, program, first, last):
        for armed in arms.partner:
            trace = armed.find(traffic, armed.values) if armed.action is not Action.FLAG else None
            if trace is not None:
                found.setdefault(armed.name, {})[traffic.partner] = trace.words
    return found


def _review(facts: Facts) -> str | None:
    if facts.rejected_at is not None:
        return "rejected"
    return "approved" if facts.approved_at is not None else None


def _result(
    program: Program, month: Month, trial: Trial, found: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    return {
        "program": program.id,
        "month": str(month),
        "conversions": trial.conversions,
        "reviews": {"rejected": trial.reviewed.rejected, "approved": trial.reviewed.approved},
        "would_stop": _score(trial.together),
        "rules": {name: _score(score) for name, score in sorted(trial.by_rule.items())},
        "partners": {name: dict(sorted(partners.items())) for name, partners in sorted(found.items())},
        "conversions_stopped": [
            {
                "conversion": one.conversion,
                "order_id": one.order_id,
                "partners": list(one.partners),
                "rules": list(one.rules),
                "review": one.review,
            }
            for one in trial.shown
        ],
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "conversions": score.stopped,
        "partners": len(score.partners),
        "rejected": score.rejected,
        "approved": score.approved,
        "precision_bp": score.precision_bp,
    }
