"""The stages as a whole: what is asked before a walk, and how far one came that others walk."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from chalicelib.domain.checkup import Fact, Finding, Mark, Stage, Step, TestOrder, step
from chalicelib.domain.click import Verdict
from chalicelib.domain.conversion import State
from chalicelib.domain.diagnosis.order import check_conversion
from chalicelib.domain.diagnosis.seen import Subject, Told
from chalicelib.domain.terms import Terms


def check_setup(subject: Subject, terms: Terms | None, event: str) -> Step:
    """Whether the program can credit anybody at all."""
    found = []
    if terms is None:
        found.append(
            Finding(
                "terms_missing",
                "the program has no terms, so nobody earns anything",
                f"publish terms: POST /v1/programs/{subject.program}/terms",
            )
        )
    elif not any(rule.event == event for rule in terms.commissions):
        found.append(
            Finding(
                "event_without_commission",
                f"the terms have no commission for {event}",
                f"add a commission rule for {event}, or check with an event that has one",
                fails=False,
            )
        )
    if not subject.methods:
        found.append(Finding("methods_none", "the program uses no tracking method", "allow one in `methods`"))
    if subject.base_url.startswith("http://") and not _is_local(subject.base_url):
        found.append(
            Finding(
                "links_not_https",
                "links are not HTTPS, so browsers keep no Secure cookie",
                "set BASE_URL to the https:// address of the link domain",
            )
        )
    return step(Stage.SETUP, found, {"links": subject.base_url, "event": event})


def watched(before: Step, facts: Sequence[Fact], orders: Sequence[TestOrder]) -> tuple[Step, ...]:
    """The stages as far as somebody else walked them: what has not been seen yet waits."""
    clicks = [fact for fact in facts if fact.kind == "click"]
    people = [fact for fact in clicks if fact.seen.get("verdict") == Verdict.HUMAN]
    steps = {stage: Step(stage) for stage in Stage} | {Stage.SETUP: before}
    if clicks:
        steps[Stage.CLICK] = step(Stage.CLICK, [] if people else [_not_a_person(clicks[-1])])
    if any(fact.kind == "landing" for fact in facts):
        steps[Stage.LANDING] = step(Stage.LANDING, [])
    if orders:
        newest = max(orders, key=lambda order: order.report.received_at)
        told = Told(200, newest.id, newest.outcome, newest.state, is_test=True)
        steps[Stage.CONVERSION] = check_conversion(told)
    steps[Stage.RETRY] = Step(Stage.RETRY, Mark.SKIPPED)
    if any(order.state in {State.REVERSED, State.REJECTED} for order in orders):
        steps[Stage.REFUND] = step(Stage.REFUND, [])
    return tuple(steps.values())


def broken_off(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The stages of a walk that failed for a reason of our own: where it was, and none after."""
    waiting = [one for one in steps if one.mark is Mark.WAITING]
    own = Finding(
        "doctor_failed", "the check-up failed for a reason of our own", "see the log; start another"
    )
    ended = {one.stage: Step(one.stage, Mark.SKIPPED) for one in waiting[1:]}
    ended |= {one.stage: step(one.stage, [own]) for one in waiting[:1]}
    return tuple(ended.get(one.stage, one) for one in steps)


def _not_a_person(fact: Fact) -> Finding:
    return Finding(
        "click_not_human",
        f"the click was taken for {fact.seen.get('verdict')} ({fact.seen.get('reason')}), and can't earn",
        "follow the link in a browser, as a visitor does",
    )


def _is_local(url: str) -> bool:
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}
