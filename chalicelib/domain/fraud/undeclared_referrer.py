"""A click from a site that its partner did not name, where the partner has named its sites."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Names, Rule, Trace, Values


def _find(case: Case, values: Values) -> Trace | None:
    if not values["sites"]:
        return None
    declared: dict[str, list[str]] = {}
    for pair in values["sites"]:
        partner, _, host = pair.partition("=")
        declared.setdefault(partner, []).append(host.lower())
    for touch in case.credited:
        hosts = declared.get(touch.partner or "")
        seen = None if "direct" in touch.marks else touch.origin
        if hosts and seen and not any(seen == host or seen.endswith(f".{host}") for host in hosts):
            words = f"a click of {touch.partner} came from {seen}, which is none of the partner's sites"
            return Trace(words, {"partner": touch.partner, "site": seen, "click": touch.click_id})
    return None


RULE = Rule(
    "undeclared_referrer",
    "a click comes from a site that its partner has not declared",
    _find,
    (
        Names(
            "sites",
            (),
            r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}=[A-Za-z0-9.-]{1,253}",
            "sites such as ada=blog.example.com",
            "only partners who have declared sites are held to them",
        ),
    ),
)
