"""What holds of the whole code: secrets are compared in constant time, and none lies in the repository."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SECRET = re.compile(r"token|secret|signature|\bmac\b|digest|hmac|password|authoriz|credential", re.IGNORECASE)
COMPARING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)

HARMLESS = {
    "stores.credentials.find_key(key.id) != key": "what was written just now under its own id, read back",
    "token == again": "two answers to the same visitor, who knows both",
    "'authorization' not in headers": "whether there is one, not which",
    "token.visitor != clue.visitor": "what a token that verified says",
    "token.visitor not in devices": "what a token that verified says",
    "click.token == click_id": "a token that verified, found again in the row of its own key",
    "secret.id == secret_id": "the id of a secret, which its owner chose to remove",
    "self._digest.hexdigest() != self._bundle.sha256": "the hash of a file that the project itself keeps",
    "hashlib.sha256(body).hexdigest() != named.get('payouts.csv')": "a published hash",
    "digest in known": "an HMAC that the caller cannot choose, among those of its own address",
    "(self._table.find(pk, sk) or {}).get('id') == secret.id": "the id of a secret",
    "older != secret": "the same secret told twice by its owner",
}
"""Comparisons beside the constant-time ones, each with why nothing can be learned from their time."""

KEYS = re.compile(
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY|gh[pousr]_[A-Za-z0-9]{36}"
    r"|github_pat_[A-Za-z0-9_]{60}|sk_live_[A-Za-z0-9]{20}|rk_live_[A-Za-z0-9]{20}|xox[abp]-[0-9A-Za-z-]{20}"
    r"|shp(?:at|ss|pa)_[0-9a-f]{32}|AIza[0-9A-Za-z_-]{35}|npm_[A-Za-z0-9]{36}|pypi-AgEI[A-Za-z0-9_-]{40}"
)
"""How vendors' keys begin, from their own pages on secret scanning."""


def comparisons(source: str) -> Iterator[str]:
    """Comparisons of secrets that may stop at the first difference."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(operator, COMPARING) for operator in node.ops):
            text = ast.unparse(node)
            if SECRET.search(text):
                yield text


def test_secrets_are_compared_in_constant_time() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), text)
        for path in (ROOT / "chalicelib").rglob("*.py")
        for text in comparisons(path.read_text())
    }
    assert {text for _, text in found} - HARMLESS.keys() == set(), found
    assert HARMLESS.keys() - {text for _, text in found} == set(), "argued for, and not there any more"


@pytest.mark.parametrize("planted", ["token == expected", "given in live_secrets", "mac != other"])
def test_a_comparison_that_stops_early_would_be_noticed(planted: str) -> None:
    assert list(comparisons(f"ok = {planted}")) == [planted]


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name for name in names.decode().split("\0") if name]


def test_no_key_of_anybody_lies_in_the_repository() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0][:12]}..."
        for path in tracked()
        if path.is_file()
        for match in KEYS.finditer(path.read_text(errors="replace"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "planted", ["AKIA" + "A" * 16, "ghp_" + "a" * 36, "-----BEGIN RSA " + "PRIVATE KEY-----"]
)
def test_a_planted_key_would_be_noticed(planted: str) -> None:
    assert KEYS.search(f'key = "{planted}"')


def test_every_silenced_warning_of_security_says_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("chalicelib", "infra", "local", "bench")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if re.search(r"noqa: S\d+\b(?! - \w)", line)
    ]
    assert silent == []
