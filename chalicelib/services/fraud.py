"""A program's settings of the fraud rules, and what they find when a partner enrols."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.errors import Invalid, Unavailable
from chalicelib.domain.fraud import ENROLLMENT_RULES, RULES
from chalicelib.domain.fraud.case import Applicant
from chalicelib.domain.fraud.checks import BROKEN
from chalicelib.domain.fraud.rule import Action
from chalicelib.domain.fraud.settings import Arms, Setting, Settings, recommended, review_settings
from chalicelib.domain.partner import Partner
from chalicelib.domain.payout.batch import Account
from chalicelib.domain.period import Month
from chalicelib.domain.program import Program
from chalicelib.domain.review import refuse
from chalicelib.storage.fraud import Finding
from chalicelib.storage.stores import Stores

_ATTEMPTS = 5
_NAMES = frozenset(rule.name for rule in ENROLLMENT_RULES)
FOR_EVER = "9999-12-31"
"""The last day of a finding about a partner itself."""

_IDENTITIES = ("email", "iban", "recipient_id")
"""The details of an account that name whom it pays."""


def publish(
    stores: Stores,
    program: Program,
    rules: Mapping[str, Setting],
    now: datetime,
    *,
    start_with_recommended: bool = False,
) -> tuple[Settings, bool]:
    """The settings from now on, and whether they are new; the version that is there where it says the same.

    Rules that are not named flag with their defaults, or are as in the recommended set.

    Raises:
        Refused: with everything that is wrong: `rule_unknown`, `action_invalid`, `parameter_unknown`,
            `parameter_invalid`.
        Unavailable: `storage_busy`, where others keep publishing.
    """
    refuse(review_settings(rules))
    wanted = {**(recommended() if start_with_recommended else {}), **rules}
    for _ in range(_ATTEMPTS):
        versions = stores.fraud.policy(program.id).versions
        if versions and versions[-1].rules == wanted:
            return versions[-1], False
        number = versions[-1].version + 1 if versions else 1
        settings = Settings(program.id, number, now, wanted)
        if stores.fraud.add_settings_once(settings):
            return settings, True
    raise Unavailable("storage_busy", "others are publishing settings; try again")


def setting(name: str, action: str, parameters: Mapping[str, object]) -> Setting:
    """What somebody wants of the rule, as it is today; reviewed when it is published."""
    rule = RULES.get(name)
    if rule is None:
        return Setting(action, 0, parameters)
    values, problems = rule.values(parameters)
    kept = {key: values[key] for key in parameters} if not problems else parameters
    return Setting(action, rule.version, kept)


def check_enrollment(stores: Stores, program: Program, partner: Partner, now: datetime) -> list[Finding]:
    """What the program's rules find of a partner who is about to enrol.

    Raises:
        Invalid: `enrollment_refused`, a rule that rejects found something.
    """
    accounts = stores.payouts.accounts(partner.id)
    arms = stores.fraud.policy(program.id).arms(now)
    found = list(_findings(stores, program, partner, accounts, arms, now))
    for finding in found:
        if finding.action == Action.REJECT:
            message = f"the program's rule {finding.rule} refuses this partner"
            raise Invalid("enrollment_refused", message, "partner")
    return found


def keep(stores: Stores, found: Sequence[Finding]) -> int:
    """Keep findings, each once; how many were new."""
    return sum(stores.fraud.add_finding_once(finding) for finding in found)


def accounts_changed(
    stores: Stores, partner_id: str, before: Sequence[Account], after: Sequence[Account], now: datetime
) -> None:
    """Keep to which accounts the partner is paid, and what the rules of its programs find in that."""
    old, new = (set(_digests(stores, accounts)) for accounts in (before, after))
    for digest in old - new:
        stores.fraud.remove_payee(digest, partner_id)
    for digest in new - old:
        stores.fraud.add_payee(digest, partner_id)
    partner = stores.catalogue.find_partner(partner_id)
    if partner is None or new <= old:
        return
    for enrollment in stores.catalogue.enrollments_of(partner_id):
        program = stores.catalogue.program(enrollment.program)
        arms = stores.fraud.policy(program.id).arms(now)
        keep(stores, list(_findings(stores, program, partner, after, arms, now)))


def forget_accounts(stores: Stores, partner_id: str) -> None:
    """Forget to which accounts the partner is paid."""
    for digest in _digests(stores, stores.payouts.accounts(partner_id)):
        stores.fraud.remove_payee(digest, partner_id)


def _findings(
    stores: Stores,
    program: Program,
    partner: Partner,
    accounts: Sequence[Account],
    arms: Arms,
    now: datetime,
) -> Iterator[Finding]:
    applicant = _applicant(stores, program, partner, accounts)
    common: dict[str, Any] = {
        "program": program.id,
        "partner": partner.id,
        "period": str(Month.of(now, program.timezone)),
        "first_day": f"{now:%Y-%m-%d}",
        "last_day": FOR_EVER,
        "found_at": now,
    }
    for broken in arms.broken:
        if broken.name in _NAMES:
            words = f"{BROKEN}: {broken.words}"
            yield Finding(rule=broken.name, version=0, action=Action.HOLD, words=words, **common)
    for armed in arms.enrollment:
        trace = armed.find(applicant, armed.values)
        if trace is not None:
            yield Finding(
                rule=armed.name,
                version=armed.version,
                action=armed.action,
                words=trace.words,
                evidence=dict(trace.evidence),
                **common,
            )


def _applicant(stores: Stores, program: Program, partner: Partner, accounts: Sequence[Account]) -> Applicant:
    from disposable_email_domains import blocklist

    domain = partner.email.rpartition("@")[2].lower()
    parts = domain.split(".")
    parents = {".".join(parts[start:]) for start in range(len(parts) - 1)}
    same = {payee for digest in _digests(stores, accounts) for payee in stores.fraud.payees(digest)}
    others = [
        payee
        for payee in sorted(same - {partner.id})
        if stores.catalogue.find_enrollment(program.id, payee) is not None
    ]
    return Applicant(partner.id, domain, not blocklist.isdisjoint(parents), tuple(others))


def _digests(stores: Stores, accounts: Sequence[Account]) -> Iterator[str]:
    """Each account as an HMAC of what names its owner, whatever program pays to it."""
    for account in accounts:
        for name in _IDENTITIES:
            told = account.details.get(name)
            if told:
                text = f"payee\x00{name}\x00{''.join(told.split()).lower()}"
                yield hmac.digest(stores.secrets.customer_key, text.encode(), hashlib.sha256).hex()[:32]
                break
