"""Changes the code of money, one place after another, and tells which changes no test notices.

    python -m tests.mutants [--only chalicelib/domain/money.py] [--most 200] [--seed 1]

A mutant is one operator, constant or branch turned into another. Each module is tried, in a copy of the tree,
with the tests that stand for it: the quick ones first, and what those let live with the slower ones. Of those
only such run as reach the function that was changed. A mutant that lives through all is printed.
`docs/promises.md` argues for those that stay.
"""

import argparse
import ast
import copy
import gc
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest

from local.engine import Engine
from tests import reaching
from tests.mutated import TESTS, WITHOUT_ENGINE

ROOT = Path(__file__).resolve().parents[1]

READ_ONCE = ("botocore.session", "chalice.local", "jinja2")
"""What takes longest to import, and is none of ours."""

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

GUARDS = frozenset({"frozen", "slots", "strict", "maxsize"})
"""Arguments that guard against a programmer's mistake, or bound a cache: they are not changed."""

LETS_LIVE = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}

Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """One change: its line, what it does, the function that holds it, and the whole module with it."""

    line: int
    told: str
    function: str
    text: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every change of the module."""
    tree = ast.parse(source)
    functions = reaching.functions(tree)
    guards = {inner for node in ast.walk(tree) if _guards(node) for inner in ast.walk(node)}
    for number, node in enumerate(ast.walk(tree)):
        if node in guards:
            continue
        for told, change in _changes(node):
            other = copy.deepcopy(tree)
            change(next(n for at, n in enumerate(ast.walk(other)) if at == number))
            function = functions.get(node, reaching.EVERYWHERE)
            yield Mutant(getattr(node, "lineno", 0), told, function, ast.unparse(other))


def _guards(node: ast.AST) -> bool:
    """Whether it is there for whoever reads or types the code, and not for what it does."""
    match node:
        case ast.keyword(arg=name):
            return name in GUARDS
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return True
    return False


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


@dataclass(frozen=True)
class Stage:
    """Tests that are run together, and which of them reach what."""

    paths: list[str]
    reached: reaching.Reached

    def survived(self, tree: Path, function: str) -> bool:
        """Whether those that reach the function pass, in a time in which they must."""
        took_s = self.reached.get(function, {})
        files = {test.split("::")[0] for test in took_s}
        if not files:
            return True
        quickest = sorted(took_s, key=lambda test: took_s[test])
        chosen = reaching.Choosing(quickest, others=function == reaching.EVERYWHERE)
        return passes_within(tree, sorted(files), 30 + 5 * sum(took_s.values()), chosen)


def passes_within(tree: Path, tests: list[str], limit_s: float, plugin: object) -> bool:
    """Whether the tests pass in a fork of this process, which has read pytest already."""
    child = os.fork()
    if child == 0:
        os.setsid()
        sys.dont_write_bytecode = not isinstance(plugin, reaching.Recording)
        os._exit(_run(tree, tests, plugin))
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) in LETS_LIVE
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run(tree: Path, tests: list[str], plugin: object) -> int:
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
    if _needs_no_engine(tests):
        options.append("--noconftest")
    return int(pytest.main([*options, *tests], [plugin]))


def try_module(tree: Path, module: str, most: int, chosen: random.Random) -> tuple[int, list[str]]:
    """How many mutants were tried, and those that lived."""
    original = (ROOT / module).read_text()
    stages = [_recorded(tree, module, paths) for paths in TESTS[module.removeprefix("chalicelib/")]]
    found = list(mutants(original))
    tried = sorted(chosen.sample(found, min(most, len(found))), key=lambda mutant: mutant.line)
    lived = []
    for mutant in tried:
        (tree / module).write_text(mutant.text)
        os.utime(tree / module, (0, 0))  # No bytecode of the unchanged module is taken for it.
        if all(stage.survived(tree, mutant.function) for stage in stages):
            unreached = not any(mutant.function in stage.reached for stage in stages)
            lived.append(f"{module}:{mutant.line} {mutant.told}{' (which no test reaches)' * unreached}")
            print(f"  {lived[-1]}", flush=True)
    (tree / module).write_text(original)
    return len(tried), lived


def _recorded(tree: Path, module: str, paths: list[str]) -> Stage:
    """What the tests reach of the code as it stands, which they must find right."""
    told = tree / "reached.json"
    if not passes_within(tree, paths, 3600, reaching.Recording(tree / module, told)):
        raise SystemExit(f"{paths} fail without any change")
    return Stage(paths, json.loads(told.read_text()))


@contextmanager
def _engine_for(module: str) -> Iterator[None]:
    """One engine for all forks, and what reading its client takes done once, where tests need them."""
    if all(_needs_no_engine(tests) for tests in TESTS[module.removeprefix("chalicelib/")]):
        yield
        return
    for name in READ_ONCE:
        import_module(name)
    with Engine() as started:
        os.environ["ENGINE_PORT"] = started.url.rsplit(":", 1)[1]
        yield
    del os.environ["ENGINE_PORT"]


def _needs_no_engine(tests: list[str]) -> bool:
    return all(path.startswith(WITHOUT_ENGINE) for path in tests)


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
        for module in wanted.only or [f"chalicelib/{module}" for module in TESTS]:
            with _engine_for(module):
                tried, lived = try_module(tree, module, wanted.most, random.Random(wanted.seed))
            print(f"{module}: {tried - len(lived)} of {tried} noticed", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
