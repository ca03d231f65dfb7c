"""The table of mutants names all the code of money there is, and a mutant is what it says."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import reaching
from tests.mutants import READ_ONCE, ROOT, mutants
from tests.mutated import TESTS

PACKAGE = ROOT / "chalicelib"
WHOLE = ("domain/attribution", "domain/commission", "domain/payout", "domain/worth")
"""Packages of which every module is about money or credit."""

SOURCE = """
from functools import cache

LIMIT = 3

class Purse:
    def grow(self, by: int) -> int:
        return [one + by for one in self.coins][0]

@cache
def is_full(count: int) -> bool:
    return count < LIMIT
"""


@pytest.mark.parametrize("module", TESTS)
def test_a_module_of_the_table_and_its_tests_are_there(module: str) -> None:
    paths = [PACKAGE / module, *(ROOT / path for stage in TESTS[module] for path in stage)]
    assert [path for path in paths if not path.exists()] == []


@pytest.mark.parametrize("name", READ_ONCE)
def test_what_is_read_once_is_a_requirement(name: str) -> None:
    assert find_spec(name) is not None


@pytest.mark.parametrize("folder", WHOLE)
def test_no_module_of_these_packages_is_forgotten(folder: str) -> None:
    modules = {f"{folder}/{path.name}" for path in Path(PACKAGE / folder).glob("*.py")}
    assert modules - {f"{folder}/__init__.py"} <= TESTS.keys()


def test_a_mutant_is_one_change_and_knows_the_function_that_tests_must_reach() -> None:
    assert [(mutant.line, mutant.told, mutant.function) for mutant in mutants(SOURCE)] == [
        (4, "3 + 1", reaching.EVERYWHERE),
        (12, "count < LIMIT: LtE", reaching.EVERYWHERE),
        (8, "0 + 1", "Purse.grow"),
        (8, "one + by: Sub", "Purse.grow"),
    ]
    assert len({ast.dump(ast.parse(mutant.text)) for mutant in mutants(SOURCE)}) == 4


def test_what_only_guards_against_mistakes_is_left_alone() -> None:
    assert list(mutants("pairs = zip(a, b, strict=True)")) == []
