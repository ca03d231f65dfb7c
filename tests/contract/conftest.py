"""One running stack for each module of these tests, and a program of its own for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.outside import NOVEMBER_10, Shop, Stack


@pytest.fixture(scope="module")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("contract") / "data")
    yield stack
    stack.stop()


@pytest.fixture
def stack(running_stack: Stack) -> Stack:
    """The stack, its clock at noon of 10 November 2026."""
    running_stack.at(NOVEMBER_10)
    return running_stack


@pytest.fixture
def a_shop(stack: Stack) -> Callable[..., Shop]:
    """Make a program; `terms=` changes its terms, anything else its fields."""

    def make(**fields: Any) -> Shop:
        return Shop(stack, **fields)

    return make


@pytest.fixture
def shop(a_shop: Callable[..., Shop]) -> Shop:
    """A program that pays 10 % to the last click of 30 days, held for 14."""
    return a_shop()
