"""The landing: whether the shop's page keeps the click id, and may run the tag."""

import re
from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from chalicelib.domain import content_policy
from chalicelib.domain.checkup import Finding, Stage, Step, step
from chalicelib.domain.destination import leads_inside
from chalicelib.domain.diagnosis.seen import REDIRECTS, Fetched, Subject, read_click_id
from chalicelib.domain.program import BROWSER_METHODS, Method
from chalicelib.domain.snippets import tag_element

_SCRIPT = re.compile(r"<script\b[^>]*>", re.IGNORECASE)

_ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)

_META = re.compile(r"<meta\b[^>]*>", re.IGNORECASE)


def check_landing(hops: Sequence[Fetched], tag: Fetched | None, subject: Subject) -> Step:
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
    if answer.status not in REDIRECTS or not answer.first("location"):
        return None
    target = urljoin(answer.url, answer.first("location"))
    return target if leads_inside(target.split("#")[0], subject.domains) else None


def _kept_through(hops: Sequence[Fetched], subject: Subject) -> list[Finding]:
    lost = next((one.url for one in hops if read_click_id(one.url, subject) is None), None)
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
