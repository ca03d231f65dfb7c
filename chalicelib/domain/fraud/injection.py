"""A rival's click seconds before checkout, while another partner had brought the customer before.

Where the program switched the rule to `hold` or `reject`, the late click earns nothing: the earlier touch
keeps its credit, and the sale waits for a person.
"""

from datetime import timedelta

from chalicelib.domain.conversion import Touch
from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Number, Rule, Trace, Values

REASON = "injected"
"""Why an injected touch doesn't count, on the receipt."""


def injected(case: Case, values: Values) -> tuple[Touch, ...]:
    """The late touches of partners who were not in the path before, where another partner was."""
    late_from = case.effective.occurred_at - timedelta(seconds=values["seconds"])
    late = [touch for touch in case.eligible if touch.at >= late_from]
    if not late:
        return ()
    early = {touch.partner for touch in case.eligible if touch.at < late_from}
    return tuple(touch for touch in late if touch.partner not in early) if early else ()


def _find(case: Case, values: Values) -> Trace | None:
    rivals = injected(case, values)
    if not rivals:
        return None
    partners = sorted({touch.partner or "" for touch in rivals})
    seconds = int(case.before_sale(rivals[0]).total_seconds())
    words = f"{', '.join(partners)} clicked in {seconds} s before the sale, another partner had come before"
    return Trace(words, {"partners": partners, "seconds": seconds, "clicks": [t.click_id for t in rivals]})


RULE = Rule(
    "injection",
    "a rival's click comes seconds before checkout while another partner's touch is there",
    _find,
    (
        Number(
            "seconds",
            30,
            1,
            3600,
            "seconds",
            "who has filled in a checkout does not leave for a partner's page and come back to pay in half "
            "a minute",
        ),
    ),
    recommended=Action.HOLD,
)
