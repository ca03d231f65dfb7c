"""Which tests run which functions of a module, for whoever wants to run no others (`tests/mutants.py`)."""

import ast
import json
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType

import pytest

EVERYWHERE = ""
"""Stands for what no function holds: all tests run it."""

Reached = dict[str, dict[str, float]]
"""By function, such as `Path.earns`: the tests that ran it, and how long each of them took in seconds."""


class Recording:
    """A plugin that writes what each test ran of `module` into `told`, as JSON."""

    def __init__(self, module: Path, told: Path) -> None:
        self.module = str(module)
        self.told = told
        self.reached: Reached = {EVERYWHERE: {}}
        self._now: set[CodeType] = set()

    def _called(self, frame: FrameType, event: str, arg: object) -> None:
        if frame.f_code.co_filename == self.module:
            self._now.add(frame.f_code)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> object:
        self._now = set()
        before = sys.gettrace()
        threading.settrace(self._called)
        sys.settrace(self._called)
        try:
            return (yield)
        finally:
            sys.settrace(before)
            threading.settrace(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        names = {_outermost(code) for code in self._now} | {EVERYWHERE}
        for name in names:
            took = self.reached.setdefault(name, {})
            took[report.nodeid] = took.get(report.nodeid, 0) + report.duration

    def pytest_sessionfinish(self) -> None:
        self.told.write_text(json.dumps(self.reached))


class Choosing:
    """A plugin that runs these tests alone, in this order; `others` too, after them, if asked to.

    A test that is named by what the module says is another one once the module is changed.
    """

    def __init__(self, tests: Iterable[str], others: bool = False) -> None:
        self.order = {test: place for place, test in enumerate(tests)}
        self.others = others

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if self.others or item.nodeid in self.order]
        items[:] = sorted(chosen, key=lambda item: self.order.get(item.nodeid, len(self.order)))


def _outermost(code: CodeType) -> str:
    """The function or method around it: what is within is reached through that."""
    return code.co_qualname.split(".<locals>")[0]


def functions(tree: ast.Module) -> dict[ast.AST, str]:
    """By node: the outermost function or method that holds it, decorators and defaults left out.

    What a cache answers is not reached again, so that those functions count as held by none.
    """
    found: dict[ast.AST, str] = {}

    def look(node: ast.AST, within: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                look(child, f"{within}{child.name}.")
            elif isinstance(child, ast.FunctionDef) and not any(map(_caches, child.decorator_list)):
                inner = (n for statement in child.body for n in ast.walk(statement))
                found.update(dict.fromkeys(inner, f"{within}{child.name}"))

    look(tree, "")
    return found


def _caches(decorator: ast.expr) -> bool:
    return "cache" in ast.unparse(decorator)
