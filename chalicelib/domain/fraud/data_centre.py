"""Clicks that came from a data centre: people browse from homes, offices and phones."""

from chalicelib.domain.fraud.case import Case
from chalicelib.domain.fraud.rule import Action, Names, Rule, Trace, Values

_HOSTERS = (
    "14061",
    "14618",
    "16276",
    "16509",
    "20473",
    "24940",
    "31898",
    "396982",
    "45102",
    "51167",
    "63949",
)


def _find(case: Case, values: Values) -> Trace | None:
    marks = {mark for touch in case.marked for mark in touch.marks if mark.startswith("asn:")}
    networks = sorted(number for mark in marks if (number := mark.removeprefix("asn:")) in values["networks"])
    if not networks:
        return None
    return Trace(
        f"a click that earns came from a data centre (network {', '.join(networks)})", {"asn": networks}
    )


RULE = Rule(
    "data_centre",
    "a click that earns came from a network of servers",
    _find,
    (
        Names(
            "networks",
            _HOSTERS,
            r"[1-9][0-9]{0,9}",
            "numbers of autonomous systems",
            "the networks of the large hosters that rent servers by the hour (DigitalOcean, Amazon, OVH, "
            "Vultr, Hetzner, Oracle, Google Cloud, Alibaba, Contabo, Linode), as their WHOIS records name "
            "them; those that also carry offices or phones are left out",
        ),
    ),
    recommended=Action.HOLD,
)
