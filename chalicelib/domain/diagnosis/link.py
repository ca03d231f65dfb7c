"""The click: whether a test link answers as it should."""

from chalicelib.domain.checkup import Finding, Stage, Step, step
from chalicelib.domain.destination import leads_inside
from chalicelib.domain.diagnosis.seen import REDIRECTS, Fetched, Subject, read_click_id
from chalicelib.domain.program import Consent


def check_click(first: Fetched, second: Fetched, subject: Subject) -> Step:
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
    token = read_click_id(first.first("location"), subject)
    return step(Stage.CLICK, found, {**seen, "click_id": token or ""})


def _no_redirect(answer: Fetched) -> Finding:
    if answer.status in REDIRECTS:
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
    token, again = (read_click_id(one.first("location"), subject) for one in (first, second))
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
    if read_click_id(location, subject) is None:
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
