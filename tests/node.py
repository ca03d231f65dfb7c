"""Where Node is, which runs what is ours in JavaScript outside of browsers, and what reads types for it."""

import shutil

import pytest


def node() -> str:
    """The path of the program; without it the test fails."""
    program = shutil.which("node")
    if program is None:
        pytest.fail("these tests run JavaScript: apt-get install nodejs (.ci/run does)")
    return program


def tsc() -> str:
    """The path of TypeScript's compiler; without it the test fails."""
    program = shutil.which("tsc")
    if program is None:
        pytest.fail("these tests read types: apt-get install node-typescript (.ci/run does)")
    return program
