"""A partner who enrols with a throw-away address."""

from chalicelib.domain.fraud.case import Applicant
from chalicelib.domain.fraud.rule import Action, Names, Rule, Trace, Values


def _find(applicant: Applicant, values: Values) -> Trace | None:
    domain = applicant.email_domain
    if domain in values["allowed"] or not (applicant.disposable or domain in values["also"]):
        return None
    return Trace(f"{domain} gives out throw-away addresses", {"domain": domain})


_DOMAIN = r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+"

RULE = Rule(
    "disposable_email",
    "a partner enrols with an address of a provider of throw-away mail",
    _find,
    (
        Names(
            "allowed",
            (),
            _DOMAIN,
            "domains",
            "the list is kept by volunteers; a domain on it by mistake is let on here",
        ),
        Names("also", (), _DOMAIN, "domains", "the list can't know them all"),
    ),
    recommended=Action.HOLD,
)
