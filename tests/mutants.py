"""Changes the code of money, one place after another, and tells which changes no test notices.

    python -m tests.mutants [--only chalicelib/domain/money.py] [--most 200] [--seed 1]

A mutant is one operator, constant or branch turned into another. Each module is tried, in a copy of the tree,
with the tests that stand for it: the quick ones first, and what those let live with the slower ones. A mutant
that lives through all is printed. `docs/promises.md` argues for those that stay.
"""

import argparse
import ast
import copy
import gc
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

PRICING = ["tests/domain/commission", "tests/domain/test_decision.py", "tests/domain/test_settlement.py"]
CREDIT = ["tests/domain/attribution", "tests/domain/test_decision.py", "tests/domain/test_settlement.py"]
ORDERS = ["tests/domain/test_settlement_orders.py"]
CLOSE = ["tests/services/test_months.py"]

TESTS: dict[str, list[list[str]]] = {
    "domain/money.py": [["tests/domain/test_money.py"], ORDERS],
    "domain/settlement.py": [["tests/domain/test_settlement.py"], CREDIT, ORDERS],
    "domain/decision.py": [["tests/domain/test_decision.py"], CREDIT, ORDERS],
    "domain/commission/pricing.py": [["tests/domain/commission"], PRICING],
    "domain/commission/tiered.py": [["tests/domain/commission"], PRICING],
    "domain/commission/percent.py": [["tests/domain/commission"], PRICING],
    "domain/commission/flat.py": [["tests/domain/commission"], PRICING],
    "domain/commission/sale.py": [["tests/domain/commission"], PRICING],
    "domain/path.py": [["tests/domain/test_path.py"], CREDIT, ["tests/services/test_capture.py"]],
    "domain/attribution/position.py": [["tests/domain/attribution"]],
    "domain/attribution/time_decay.py": [["tests/domain/attribution"]],
    "domain/attribution/linear.py": [["tests/domain/attribution"]],
    "domain/attribution/first.py": [["tests/domain/attribution"]],
    "domain/attribution/last.py": [["tests/domain/attribution"]],
    "domain/attribution/last_non_direct.py": [["tests/domain/attribution"]],
    "domain/booking.py": [["tests/domain/test_booking.py"], CREDIT, ORDERS],
    "domain/journal.py": [["tests/domain/test_journal.py"], CREDIT, ORDERS, CLOSE],
    "domain/ledger.py": [["tests/domain/test_ledger.py"], CLOSE],
    "domain/token.py": [["tests/domain/test_token.py"], ["tests/services/test_redirect.py"]],
    "domain/period.py": [["tests/domain/test_period.py"], CLOSE],
    "domain/claim.py": [CLOSE],
    "services/signatures.py": [["tests/services/test_signatures.py"]],
    "services/claims.py": [CLOSE],
    "services/months.py": [CLOSE],
    "services/close.py": [CLOSE],
    "services/publishing.py": [CLOSE],
}
"""The modules below `chalicelib`, and the tests that must notice a change of theirs, the quickest first."""

WITHOUT_ENGINE = ("tests/domain", "tests/services/test_signatures.py")
"""Tests that need no conftest."""

SWAPS: dict[type[ast.AST], list[type[ast.AST]]] = {
    ast.Lt: [ast.LtE],
    ast.LtE: [ast.Lt],
    ast.Gt: [ast.GtE],
    ast.GtE: [ast.Gt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.FloorDiv],
    ast.FloorDiv: [ast.Mult],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}


Change = Callable[[ast.AST], None]


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, what was changed, and the whole module with it."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for told, change in _changes(node):
            other = copy.deepcopy(tree)
            change(next(n for at, n in enumerate(ast.walk(other)) if at == number))
            yield getattr(node, "lineno", 0), told, ast.unparse(other)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                for new in SWAPS.get(type(operator), []):
                    yield f"{ast.unparse(node)}: {new.__name__}", _replacing("ops", new, at)
        case ast.BinOp() | ast.BoolOp():
            for new in SWAPS.get(type(node.op), []):
                yield f"{ast.unparse(node)}: {new.__name__}", _putting("op", new())
        case ast.If() | ast.IfExp():
            negated = ast.UnaryOp(ast.Not(), node.test)
            yield f"if not ({ast.unparse(node.test)})", _putting("test", negated)
        case ast.Constant() if type(node.value) is bool:
            yield f"not {node.value}", _putting("value", not node.value)
        case ast.Constant() if type(node.value) is int:
            yield f"{node.value} + 1", _putting("value", node.value + 1)


def _putting(field: str, value: object) -> Change:
    return lambda target: setattr(target, field, value)


def _replacing(field: str, new: type[ast.AST], at: int) -> Change:
    return lambda target: getattr(target, field).__setitem__(at, new())


def survives(tree: Path, module: str, text: str, stages: list[list[str]], limits_s: list[float]) -> bool:
    """Whether every stage's tests pass, in its time, with that text in the module's place."""
    (tree / module).write_text(text)
    os.utime(tree / module, (0, 0))  # No bytecode of the unchanged module is taken for it.
    return all(passes_within(tree, tests, limit_s) for tests, limit_s in zip(stages, limits_s, strict=True))


def passes_within(tree: Path, tests: list[str], limit_s: float, keep_bytecode: bool = False) -> bool:
    """Whether the tests pass in a fork of this process, which has read pytest already."""
    child = os.fork()
    if child == 0:
        os.setsid()
        sys.dont_write_bytecode = not keep_bytecode
        os._exit(_run(tree, tests))
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(tree: Path, tests: list[str]) -> int:
    """What pytest exits with, over what lies in `tree`."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    os.chdir(tree)
    sys.path[0] = str(tree)
    for name in [name for name in sys.modules if name.split(".")[0] in {"tests", "chalicelib"}]:
        del sys.modules[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # Reading those takes longer than most tests.
    options = ["-q", "-x", "-p", "_hypothesis_pytestplugin", "-p", "tests.hurried", "-p", "no:cacheprovider"]
    if all(path.startswith(WITHOUT_ENGINE) for path in tests):
        options.append("--noconftest")
    return int(pytest.main([*options, *tests]))


def try_module(tree: Path, module: str, most: int, chosen: random.Random) -> tuple[int, list[str]]:
    """How many mutants were tried, and those that lived."""
    original = (ROOT / module).read_text()
    stages = TESTS[module.removeprefix("chalicelib/")]
    limits_s = [_limit_s(tree, tests) for tests in stages]
    found = list(mutants(original))
    tried = sorted(chosen.sample(found, min(most, len(found))), key=lambda mutant: mutant[0])
    lived = []
    for line, told, text in tried:
        if survives(tree, module, text, stages, limits_s):
            lived.append(f"{module}:{line} {told}")
            print(f"  {lived[-1]}", flush=True)
    (tree / module).write_text(original)
    return len(tried), lived


def _limit_s(tree: Path, tests: list[str]) -> float:
    """Ten times what the tests take over the code as it stands, which they must find right."""
    began = time.monotonic()
    if not passes_within(tree, tests, 3600, keep_bytecode=True):
        raise SystemExit(f"{tests} fail without any change")
    return 30 + 10 * (time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="this module alone")
    parser.add_argument("--most", type=int, default=10_000, help="so many of each module, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    assert hypothesis.__version__, "read here once, for every fork"
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv*", "build", ".local", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, tree, ignore=ignored)
        (tree / ".venv-engine").symlink_to(ROOT / ".venv-engine")
        for module in wanted.only or [f"chalicelib/{module}" for module in TESTS]:
            tried, lived = try_module(tree, module, wanted.most, random.Random(wanted.seed))
            print(f"{module}: {tried - len(lived)} of {tried} noticed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
