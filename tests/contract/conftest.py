"""One running stack for each module of these tests, and a program of its own for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.outside import NOVEMBER_10, Partner, Shop, Stack


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


@pytest.fixture(scope="module")
def closed_shop(running_stack: Stack) -> Shop:
    """One program for all tests of a module in which nothing must happen: each finds and leaves it empty."""
    running_stack.at(NOVEMBER_10)
    return Shop(running_stack)


@pytest.fixture(scope="module")
def anna_of_closed_shop(closed_shop: Shop) -> Partner:
    """A partner of `closed_shop`."""
    return closed_shop.partner()
