"""Changes the code of money, one place after another, and tells which changes no test notices.

    python -m tests.mutants [--only chalicelib/domain/money.py] [--most 200] [--seed 1]

A mutant is one operator, constant or branch turned into another. Each module is tried with the tests that
stand for it, in a copy of the tree; a mutant that they let live is printed. `docs/promises.md` argues for
those that stay.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

DOMAIN = ["tests/domain/test_settlement.py", "tests/domain/test_decision.py", "tests/domain/attribution"]
TESTS: dict[str, list[str]] = {
    "chalicelib/domain/money.py": ["tests/domain/test_money.py"],
    "chalicelib/domain/settlement.py": [*DOMAIN, "tests/domain/test_settlement_orders.py"],
    "chalicelib/domain/path.py": DOMAIN,
    "chalicelib/domain/attribution/position.py": ["tests/domain/attribution"],
    "chalicelib/domain/attribution/time_decay.py": ["tests/domain/attribution"],
    "chalicelib/domain/attribution/linear.py": ["tests/domain/attribution"],
    "chalicelib/domain/attribution/first.py": ["tests/domain/attribution"],
    "chalicelib/domain/attribution/last.py": ["tests/domain/attribution"],
    "chalicelib/domain/journal.py": ["tests/domain/test_journal.py", "tests/domain/test_settlement.py"],
    "chalicelib/domain/ledger.py": ["tests/domain/test_ledger.py"],
    "chalicelib/domain/token.py": ["tests/domain/test_token.py"],
    "chalicelib/domain/period.py": ["tests/domain/test_period.py"],
    "chalicelib/services/signatures.py": ["tests/services/test_signatures.py"],
}
"""The modules, and the tests that must notice a change of theirs without any AWS."""

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


def survives(tree: Path, module: str, text: str, tests: list[str]) -> bool:
    """Whether the tests pass with that text in the module's place."""
    (tree / module).write_text(text)
    options = ["-q", "-x", "--noconftest", "-p", "tests.hurried", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=tree, env=quiet, capture_output=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def try_module(tree: Path, module: str, most: int, chosen: random.Random) -> tuple[int, list[str]]:
    """How many mutants were tried, and those that lived."""
    original = (ROOT / module).read_text()
    found = list(mutants(original))
    tried = sorted(chosen.sample(found, min(most, len(found))), key=lambda mutant: mutant[0])
    lived = [
        f"{module}:{line} {told}" for line, told, text in tried if survives(tree, module, text, TESTS[module])
    ]
    (tree / module).write_text(original)
    return len(tried), lived


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", help="this module alone")
    parser.add_argument("--most", type=int, default=10_000, help="so many of each module, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv*", "build", ".local", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, tree, ignore=ignored)
        for module in wanted.only or TESTS:
            tried, lived = try_module(tree, module, wanted.most, random.Random(wanted.seed))
            print(f"{module}: {tried - len(lived)} of {tried} noticed", flush=True)
            print(*(f"  {one}" for one in lived), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
