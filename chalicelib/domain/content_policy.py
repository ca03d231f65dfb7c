"""Whether a page's Content-Security-Policy lets a browser load from somewhere (CSP Level 3, 6.7.2)."""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": 443, "http": 80}
_FALLBACKS = {
    "script-src-elem": ("script-src-elem", "script-src", "default-src"),
    "connect-src": ("connect-src", "default-src"),
    "img-src": ("img-src", "default-src"),
}


def allows(policies: Iterable[str], directive: str, url: str, page: str, nonce: bool = False) -> bool:
    """Whether every policy lets the page load this URL under the directive.

    `nonce` says that the element carries one: whether it is the right one only the browser can tell.
    """
    return all(_allows(policy, directive, url, page, nonce) for policy in policies)


def _allows(policy: str, directive: str, url: str, page: str, nonce: bool) -> bool:
    directives: dict[str, list[str]] = {}
    for part in policy.split(";"):
        if words := part.split():
            directives.setdefault(words[0].lower(), words[1:])
    named = next((name for name in _FALLBACKS[directive] if name in directives), None)
    if named is None:
        return True
    sources = directives[named]
    if nonce and any(source.lower().startswith("'nonce-") for source in sources):
        return True
    if directive == "script-src-elem" and "'strict-dynamic'" in {source.lower() for source in sources}:
        return False
    return any(_matches(source, url, page) for source in sources)


def _matches(source: str, url: str, page: str) -> bool:
    wanted, own = urlsplit(url), urlsplit(page)
    if source.lower() == "'self'":
        return (wanted.scheme, wanted.netloc) == (own.scheme, own.netloc)
    if source == "*":
        return wanted.scheme in {"http", "https"}
    if source.endswith(":") and "/" not in source:
        return _scheme_fits(source[:-1].lower(), wanted.scheme)
    if source.startswith("'"):
        return False
    scheme, separator, rest = source.rpartition("://")
    authority, _, path = rest.partition("/")
    host, _, port = authority.partition(":")
    if separator and not _scheme_fits(scheme.lower(), wanted.scheme):
        return False
    if port != "*" and _port(wanted) != (int(port) if port.isdigit() else _PORTS.get(wanted.scheme)):
        return False
    return _host_fits(host.lower(), wanted.hostname or "") and _path_fits(path, wanted.path)


def _port(url: SplitResult) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _scheme_fits(allowed: str, wanted: str) -> bool:
    return allowed == wanted or (allowed == "http" and wanted == "https")


def _host_fits(allowed: str, wanted: str) -> bool:
    return wanted.endswith(allowed[1:]) if allowed.startswith("*.") else allowed in {wanted, "*"}


def _path_fits(allowed: str, wanted: str) -> bool:
    if not allowed:
        return True
    path = f"/{allowed}"
    return wanted.startswith(path) if path.endswith("/") else wanted == path
