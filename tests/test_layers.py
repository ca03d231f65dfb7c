"""Imports go one way, the domain is pure, and this guard notices when they don't.

Every import counts: at the top of a module, inside a function, under TYPE_CHECKING, relative, and by name
through importlib.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "chalicelib"

EDGE = frozenset({"routes", "jobs", "portal", "cli", "commands"})
_BELOW_EDGE = frozenset({"services", "storage", "domain", "settings", "observe", "bootstrap"})
MAY_IMPORT: dict[str, frozenset[str]] = {
    "domain": frozenset({"domain"}),
    "settings": frozenset({"settings"}),
    "observe": frozenset(),
    "storage": frozenset({"storage", "domain", "settings"}),
    "services": frozenset({"services", "storage", "domain", "settings", "observe"}),
    "bootstrap": frozenset({"settings", "storage", "domain"}),
    **dict.fromkeys(EDGE, _BELOW_EDGE),
    "commands": _BELOW_EDGE | {"routes"},  # A command reads its documents as the API does.
    "cli": _BELOW_EDGE | {"commands"},
    "portal": _BELOW_EDGE | {"routes"},
}
"""What each layer may import of the package, beside the package's own constants and, at the edge, itself."""

AWS = frozenset({"boto3", "botocore", "pynamodb", "aiobotocore", "s3transfer"})
IMPURE = AWS | {
    *("chalice", "aws_lambda_powertools", "logging", "os", "sys", "time", "random", "secrets", "socket"),
    *(
        "threading",
        "subprocess",
        "pathlib",
        "tempfile",
        "requests",
        "urllib3",
        "http",
        "asyncio",
        "uuid",
    ),
}
CLOCKS = frozenset({"now", "utcnow", "today", "time", "time_ns", "monotonic", "perf_counter"})
BUILTINS_THAT_REACH_OUT = frozenset({"open", "print", "input", "__import__", "eval", "exec"})

DOMAIN_ORDER = (
    *("errors", "limit", "currencies", "money", "ids", "period", "spreadsheet"),
    *("audit", "credentials", "session", "program", "terms", "partner", "link", "codes", "token"),
    "destination",
    *("agents", "bot_list", "channels", "visits", "cookies", "consent", "click", "counts", "screening"),
    *("conversion", "incoming", "coupon_use"),
    *("snippet_texts", "snippets", "checkup", "content_policy", "diagnosis", "addresses", "outbound"),
    *("tracking_review", "postback", "rates"),
    *("attribution", "path", "customer", "commission", "fraud", "facts", "earning", "decision"),
    *("takings", "journal", "booking", "settlement", "adjusting", "ledger", "monthly", "monthly_file"),
    *("terms_text", "receipt", "simulation", "worth", "spans", "claim", "application"),
    *("statement", "statement_page", "payout"),
    *("review", "monthly_review", "terms_review"),
    *("order_formats", "cells", "orders", "moving", "reconciliation", "job"),
)
"""Nouns of the domain, earlier ones first: each imports only those before it."""


@dataclass(frozen=True)
class Module:
    """A module: its dotted name inside the package, and its source."""

    name: str
    source: str
    is_package: bool = False

    @property
    def layer(self) -> str:
        return self.name.split(".")[0]

    @property
    def noun(self) -> str:
        return self.name.split(".")[1] if "." in self.name else ""


def modules() -> list[Module]:
    """Every module of the package."""
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = list(path.relative_to(ROOT / PACKAGE).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        if name:
            found.append(Module(name, path.read_text(), is_package))
    return found


def imports(module: Module) -> Iterator[str]:
    """The dotted names that the module imports, wherever it does so; `a.b.c` for `from a.b import c` too."""
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node) in {"import_module", "__import__"}:
            yield from (
                a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def _base(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = [PACKAGE, *module.name.split(".")]
    parts = parts[: len(parts) - node.level + (1 if module.is_package else 0)]
    return ".".join([*parts, node.module] if node.module else parts)


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def violations(found: list[Module]) -> list[str]:
    """Everything that is against the rules, one line each."""
    return [f"{module.name}: {problem}" for module in found for check in _CHECKS for problem in check(module)]


def _direction(module: Module) -> Iterator[str]:
    allowed = MAY_IMPORT.get(module.layer)
    if allowed is None:
        yield "is in no known layer"
        return
    if module.layer in EDGE:
        allowed |= {module.layer}
    for name in imports(module):
        parts = name.split(".")
        if parts[0] in {"local", "tests", "infra", "bench", "app"}:
            yield f"imports {name}, which is not deployed"
        if parts[0] == PACKAGE and len(parts) > 1 and not parts[1].isupper() and parts[1] not in allowed:
            yield f"imports {name}, which is another way"


def _drivers(module: Module) -> Iterator[str]:
    if module.layer != "storage":
        yield from (f"imports {name}" for name in imports(module) if name.split(".")[0] in AWS)


def _purity(module: Module) -> Iterator[str]:
    if module.layer != "domain":
        return
    yield from (f"imports {name}" for name in imports(module) if name.split(".")[0] in IMPURE)
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                yield f"calls {node.func.attr}"
            if isinstance(node.func, ast.Name) and node.func.id in BUILTINS_THAT_REACH_OUT:
                yield f"calls {node.func.id}"


def _order(module: Module) -> Iterator[str]:
    if module.layer != "domain" or not module.noun:
        return
    if module.noun not in DOMAIN_ORDER:
        yield "is no noun of DOMAIN_ORDER"
        return
    place = DOMAIN_ORDER.index(module.noun)
    for name in imports(module):
        parts = name.split(".")
        if parts[:2] == [PACKAGE, "domain"] and len(parts) > 2 and parts[2] != module.noun:
            later = parts[2] not in DOMAIN_ORDER or DOMAIN_ORDER.index(parts[2]) > place
            if later:
                yield f"imports the later noun {parts[2]}"


def _edge_and_storage(module: Module) -> Iterator[str]:
    """The edge may hand stores on and page through them; tables and drivers are not its own."""
    if module.layer in EDGE:
        for name in imports(module):
            if name.startswith((f"{PACKAGE}.storage.table", f"{PACKAGE}.storage.aws")):
                yield f"imports {name}, which is the services' to use"


_CHECKS = (_direction, _drivers, _purity, _order, _edge_and_storage)


def test_the_package_keeps_to_its_layers() -> None:
    assert violations(modules()) == []


def test_every_module_is_looked_at() -> None:
    names = {module.name for module in modules()}
    assert {"domain.money", "services.programs", "storage.table", "routes.endpoint", "jobs.settle"} <= names
    assert len(names) > 60


def test_every_noun_of_the_order_exists() -> None:
    nouns = {module.noun for module in modules() if module.layer == "domain"} - {""}
    assert set(DOMAIN_ORDER) == nouns


@pytest.mark.parametrize(
    ("name", "source", "problem"),
    [
        ("domain.money", "from chalicelib.storage import table", "another way"),
        ("domain.money", "import chalicelib.services.links", "another way"),
        ("domain.money", "from ..storage.table import Table", "another way"),
        ("domain.money", "from .terms import Terms", "the later noun terms"),
        ("domain.money", "from chalicelib.domain import ledger", "the later noun ledger"),
        ("domain.money", "def f():\n    from chalicelib.domain.terms import Terms", "the later noun terms"),
        (
            "domain.attribution.last",
            "from chalicelib.domain.decision import decide",
            "the later noun decision",
        ),
        ("domain.surprise", "", "no noun of DOMAIN_ORDER"),
        ("domain.money", "import boto3", "imports boto3"),
        ("domain.money", "def f():\n    import botocore.session", "imports botocore.session"),
        ("domain.money", "import os", "imports os"),
        ("domain.money", "from os import environ", "imports os.environ"),
        ("domain.money", "from random import random", "imports random.random"),
        ("domain.money", "import secrets", "imports secrets"),
        ("domain.money", "import logging", "imports logging"),
        ("domain.money", "from chalice import Response", "imports chalice.Response"),
        ("domain.money", "from datetime import datetime\nx = datetime.now()", "calls now"),
        ("domain.money", "from datetime import date\nx = date.today()", "calls today"),
        ("domain.money", "x = open('file')", "calls open"),
        ("domain.money", "from importlib import import_module\nimport_module('boto3')", "imports boto3"),
        ("storage.links", "from chalicelib.services import links", "another way"),
        ("storage.links", "from chalicelib import observe", "another way"),
        ("services.links", "from chalicelib.routes import wire", "another way"),
        ("services.links", "from chalicelib import bootstrap", "another way"),
        ("services.links", "def f():\n    from botocore.session import Session", "imports botocore"),
        ("routes.links", "import boto3", "imports boto3"),
        ("routes.links", "from chalicelib.jobs import settle", "another way"),
        ("routes.links", "from chalicelib.storage.table import transact", "the services' to use"),
        ("jobs.settle", "if TYPE_CHECKING:\n    from chalicelib.routes import wire", "another way"),
        ("routes.links", "from local import engine", "not deployed"),
        ("helpers", "", "no known layer"),
    ],
)
def test_a_planted_violation_is_noticed(name: str, source: str, problem: str) -> None:
    found = violations([Module(name, source)])
    assert len(found) >= 1
    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("domain.terms", "from chalicelib.domain.program import Method\nfrom chalicelib.domain import money"),
        ("domain.attribution.last", "from chalicelib.domain.attribution import x\nfrom . import y"),
        (
            "services.links",
            "from chalicelib import VERSION, observe\nfrom chalicelib.storage.conditions import ABSENT",
        ),
        ("routes.links", "from chalicelib import bootstrap\nfrom chalicelib.routes import wire"),
        ("storage.aws", "import botocore.session"),
    ],
)
def test_what_is_allowed_is_let_through(name: str, source: str) -> None:
    assert violations([Module(name, source)]) == []
