"""Several partners who are paid to one account."""

from chalicelib.domain.fraud.case import Applicant
from chalicelib.domain.fraud.rule import Action, Names, Rule, Trace, Values


def _find(applicant: Applicant, values: Values) -> Trace | None:
    allowed = set(values["allowed"])
    others = [other for other in applicant.shares_account_with if not {other, applicant.partner} <= allowed]
    if not others:
        return None
    shown = ", ".join(others[:10])
    return Trace(f"{applicant.partner} is paid to the same account as {shown}", {"partners": others[:10]})


RULE = Rule(
    "duplicate_account",
    "two partners of the program are paid to the same account",
    _find,
    (
        Names(
            "allowed",
            (),
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
            "partners",
            "agencies have several accounts with a program openly; they are named",
        ),
    ),
    recommended=Action.HOLD,
)
