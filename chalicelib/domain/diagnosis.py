"""What the doctor makes of what it sees: each stage's answers in, findings with their remedies out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

from chalicelib.domain import content_policy
from chalicelib.domain.checkup import Fact, Finding, Mark, Stage, Step, TestOrder, step
from chalicelib.domain.click import Verdict
from chalicelib.domain.conversion import State
from chalicelib.domain.destination import leads_inside
from chalicelib.domain.program import BROWSER_METHODS, Consent, Method
from chalicelib.domain.snippets import tag_element
from chalicelib.domain.terms import Terms

_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_META = re.compile(r"<meta\b[^>]*>", re.IGNORECASE)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: where the links are, and what the program allows."""

    base_url: str
    program: str
    domains: tuple[str, ...]
    click_param: str
    methods: frozenset[Method]
    consent: Consent


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer, its redirect not followed; `trouble` says why there is none (status 0 then)."""

    url: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    trouble: str = ""

    def all(self, name: str) -> list[str]:
        """Every value of the header."""
        return [value for key, value in self.headers if key.lower() == name]

    def first(self, name: str) -> str:
        """The header's first value; empty without one."""
        return next(iter(self.all(name)), "")


@dataclass(frozen=True, slots=True)
class Told:
    """What a report or refund was answered; `error` is the code of a refusal."""

    status: int
    id: str = ""
    outcome: str = ""
    state: str = ""
    duplicate: bool = False
    is_test: bool = False
    error: str = ""


def setup(subject: Subject, terms: Terms | None, event: str) -> Step:
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


def click(first: Fetched, second: Fetched, subject: Subject) -> Step:
    """Whether following the link twice, without cookies, gives two clicks, each in one uncached hop."""
    seen = {"url": first.url, "status": str(first.status), "location": first.first("location")[:500]}
    if first.trouble:
        found = [
            Finding(
                "link_unreachable",
                f"the link does not answer: {first.trouble}",
                "check the DNS record and certificate of the link domain, and that the stack is deployed",
            )
        ]
        return step(Stage.CLICK, found, seen)
    if first.status != 302:
        return step(Stage.CLICK, [_no_redirect(first)], seen)
    found = [*_caching(first, second, subject), *_destination(first, subject)]
    token = click_id(first.first("location"), subject)
    return step(Stage.CLICK, found, {**seen, "click_id": token or ""})


def _no_redirect(answer: Fetched) -> Finding:
    if answer.status in _REDIRECTS:
        message = f"the link answers {answer.status} instead of 302"
        remedy = "something before the app rewrites or caches its answer: let it through unchanged"
    elif answer.status == 404:
        message = "the link is not found"
        remedy = "let the link domain lead to this deployment, and the whole path through to it"
    else:
        message = f"the link answers {answer.status}"
        remedy = "see the app's log; a firewall or bot protection before it may refuse the visit"
    return Finding("link_no_redirect", message, remedy)


def _caching(first: Fetched, second: Fetched, subject: Subject) -> list[Finding]:
    found = []
    if "no-store" not in first.first("cache-control").lower():
        found.append(
            Finding(
                "redirect_cacheable",
                "the redirect may be cached (no `Cache-Control: no-store`), so clicks would be missed",
                "let the CDN pass Cache-Control on unchanged",
            )
        )
    token, again = (click_id(one.first("location"), subject) for one in (first, second))
    if token and token == again:
        found.append(
            Finding(
                "redirect_cached",
                "two visits got the same click id: something before the app caches the redirect",
                "turn caching off for the link domain (CloudFront: CachingDisabled, MinTTL 0)",
            )
        )
    if "noindex" not in first.first("x-robots-tag").lower():
        found.append(
            Finding(
                "robots_tag_lost",
                "the answer has lost its `X-Robots-Tag: noindex`",
                "let the CDN pass response headers on",
                fails=False,
            )
        )
    return found


def _destination(answer: Fetched, subject: Subject) -> list[Finding]:
    location = answer.first("location")
    if not leads_inside(location.split("#")[0], subject.domains):
        return [
            Finding(
                "destination_not_allowed",
                f"the link leads to {location[:200]}, outside the program's domains",
                "let nothing rewrite `Location`, and name the shop's host in the program's `domains`",
            )
        ]
    found = []
    if click_id(location, subject) is None:
        missing = "the landing URL has no click id, so the sale could not be credited"
        remedy = f"let the CDN pass queries and `Location` on; the parameter is `{subject.click_param}`"
        if subject.consent is Consent.REQUIRED:
            remedy = "the program requires consent: the CDN must pass `ll_consent=granted` on with the query"
        found.append(Finding("click_id_missing", missing, remedy))
    cookie = next((value for value in answer.all("set-cookie") if value.startswith("ll_id=")), "")
    if not {"secure", "httponly"} <= {part.strip().lower() for part in cookie.split(";")}:
        found.append(
            Finding(
                "cookie_missing",
                "the first-party cookie was not set: returning visitors are recognised by the click id alone",
                "let the CDN pass Set-Cookie on",
                fails=False,
            )
        )
    return found


def landing(hops: Sequence[Fetched], tag: Fetched | None, subject: Subject) -> Step:
    """Whether the landing page is there, keeps the click id, and may run the tag.

    `hops` are the redirects on the merchant's side and the page, in order; `tag` the tag's script.
    """
    page = hops[-1]
    seen = {"url": page.url[:500], "status": str(page.status), "hops": str(len(hops) - 1)}
    if page.trouble or page.status != 200:
        why = page.trouble or f"it answers {page.status}"
        problem = Finding(
            "landing_unreachable",
            f"the landing page can't be opened: {why}",
            "correct the link's destination or the program's default URL; let the firewall pass visitors",
        )
        return step(Stage.LANDING, [problem], seen)
    found = _kept_through(hops, subject)
    found += _tag_findings(page, tag, subject) if Method.TAG in subject.methods else []
    return step(Stage.LANDING, found, seen)


def next_hop(answer: Fetched, subject: Subject) -> str | None:
    """Where the merchant's own page redirects to, inside the program's domains; None where it does not."""
    if answer.status not in _REDIRECTS or not answer.first("location"):
        return None
    target = urljoin(answer.url, answer.first("location"))
    return target if leads_inside(target.split("#")[0], subject.domains) else None


def _kept_through(hops: Sequence[Fetched], subject: Subject) -> list[Finding]:
    lost = next((one.url for one in hops if click_id(one.url, subject) is None), None)
    if lost is None:
        return []
    message = f"a redirect of the shop drops the click id: {lost[:200]} has none"
    remedy = f"carry the query on in redirects, or let links lead to {lost.split('?')[0][:200]} directly"
    return [Finding("click_id_dropped", message, remedy)]


def _tag_findings(page: Fetched, tag: Fetched | None, subject: Subject) -> list[Finding]:
    html = page.body.decode("utf-8", "replace")
    found_tag = _find_tag(html, page.url)
    if found_tag is None:
        return [
            Finding(
                "tag_missing",
                "the landing page does not carry the tag",
                f"add {tag_element(subject.base_url, subject.program)}, or keep the click id on your server",
                fails=subject.methods <= BROWSER_METHODS,
            )
        ]
    url, attributes = found_tag
    found = []
    if attributes.get("data-program") != subject.program:
        message = f"the tag says data-program={attributes.get('data-program', '')[:50]!r}"
        found.append(Finding("tag_program", message, f'set data-program="{subject.program}"'))
    if tag is None or tag.status != 200 or "javascript" not in tag.first("content-type"):
        message = f"the tag's script can't be loaded from {url[:200]}"
        found.append(Finding("tag_unreachable", message, f"load it from {subject.base_url}/tag.js"))
    policies = [*page.all("content-security-policy"), *_meta_policies(html)]
    collect = urljoin(url, "/v1/collect")
    if not content_policy.allows(policies, "script-src-elem", url, page.url, "nonce" in attributes):
        found.append(_blocked("csp_blocks_tag", "script-src", url))
    if not content_policy.allows(policies, "connect-src", collect, page.url):
        found.append(_blocked("csp_blocks_collect", "connect-src", url))
    return found


def tag_url(page: Fetched) -> str | None:
    """From where the page loads the tag; None where it does not."""
    found = _find_tag(page.body.decode("utf-8", "replace"), page.url)
    return found[0] if found else None


def _find_tag(html: str, page_url: str) -> tuple[str, dict[str, str]] | None:
    for match in _SCRIPT.finditer(html):
        attributes = _attributes(match[0])
        url = urljoin(page_url, attributes.get("src", ""))
        if urlsplit(url).path == "/tag.js":
            return url, attributes
    return None


def _attributes(element: str) -> dict[str, str]:
    return {name.lower(): value.strip("\"'") for name, value in _ATTRIBUTE.findall(element)}


def _meta_policies(html: str) -> list[str]:
    metas = [_attributes(match[0]) for match in _META.finditer(html)]
    return [
        m.get("content", "") for m in metas if m.get("http-equiv", "").lower() == "content-security-policy"
    ]


def _blocked(code: str, directive: str, url: str) -> Finding:
    origin = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"
    message = f"the page's Content-Security-Policy blocks it: {directive} does not name {origin}"
    return Finding(code, message, f"add {origin} to {directive}")


def conversion(told: Told) -> Step:
    """Whether the order was recorded, credited, and kept apart as a test."""
    seen = {"id": told.id, "outcome": told.outcome, "state": told.state}
    if told.status not in {200, 201}:
        return step(Stage.CONVERSION, [_refused(told)], {"error": told.error})
    found = []
    if not told.is_test:
        found.append(
            Finding(
                "not_isolated",
                f"the order was recorded as a real one: void conversion {told.id}",
                "the check-up was over, or its click id was changed on the way: start another one",
            )
        )
    elif told.outcome == "unattributed":
        found.append(
            Finding("not_credited", "the order was credited to nobody", "publish terms that credit clicks")
        )
    elif told.outcome == "held":
        message = "the order is held: a commission can't be reckoned yet"
        found.append(Finding("held", message, "see the receipt's checks: a rate may be missing", fails=False))
    return step(Stage.CONVERSION, found, seen)


def retry(first: Told, again: Told, other: Told) -> Step:
    """Whether the same order is recognised, and another amount for it refused."""
    found = []
    if (again.status, again.id, again.duplicate) != (200, first.id, True):
        message = f"the same order again was answered {again.status} {again.id or again.error}"
        found.append(Finding("retry_not_recognised", message, "something changes the request on its way"))
    if other.status != 409:
        message = f"the same order with another amount was answered {other.status}, not 409"
        found.append(Finding("conflict_missed", message, "something changes the request on its way"))
    return step(Stage.RETRY, found, {"id": again.id, "conflict": str(other.status)})


def refund(told: Told, again: Told) -> Step:
    """Whether the order was taken back, once."""
    found = []
    if told.status != 201 or told.state != "reversed":
        message = f"the refund was answered {told.status} {told.state or told.error}"
        found.append(Finding("refund_failed", message, "refund with POST /v1/conversions/{id}/adjustments"))
    elif again.status != 200 or not again.duplicate:
        message = f"the same refund again was answered {again.status}"
        found.append(Finding("refund_not_recognised", message, "send the same `id` with each repetition"))
    return step(Stage.REFUND, found, {"state": told.state})


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
        steps[Stage.CONVERSION] = conversion(told)
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


def _refused(told: Told) -> Finding:
    remedies = {
        401: "send the program's API key as `Authorization: Bearer ...`; a proxy may take the header away",
        403: "use a key of the scope `merchant` or `admin`",
        404: "the key is another program's, or the path is rewritten on its way",
        422: "the message names the field that is wrong",
    }
    remedy = remedies.get(told.status, "try again; see the app's log if it goes on")
    return Finding("conversion_refused", f"the order was answered {told.status} {told.error}", remedy)


def click_id(url: str, subject: Subject) -> str | None:
    """The click id that a landing URL carries."""
    return parse_qs(urlsplit(url).query).get(subject.click_param, [None])[0]


def _is_local(url: str) -> bool:
    return (urlsplit(url).hostname or "") in {"127.0.0.1", "localhost", "::1"}
