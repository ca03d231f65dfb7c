"""Metrics: one namespace, one dimension, and names out of closed sets."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib import observe
from infra.project import ROOT

CLOSED = {
    "click_{ruling.verdict}",
    "direct_{ruling.verdict}",
    "job_{job.state}",
    "limited_{limit.name}",
    "hook_{result.outcome}",
    "delivery_{after.state}",
    "review_{kind}",
}
"""Names that are put together from an enum's value or a constant's name, never from what a client sent."""


def names_made_of_values(source: str) -> Iterator[str]:
    """The names of metrics in this source that are put together while it runs."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("observe.count"):
            name = node.args[0]
            if isinstance(name, ast.JoinedStr):
                yield ast.unparse(name)[2:-1]


def sources() -> Iterator[Path]:
    return (ROOT / "chalicelib").rglob("*.py")


def test_a_metric_is_named_out_of_a_closed_set() -> None:
    assert {name for path in sources() for name in names_made_of_values(path.read_text())} <= CLOSED


def test_a_name_made_of_what_a_client_sent_is_noticed() -> None:
    planted = 'observe.count(f"click_{request.code}")'
    assert set(names_made_of_values(planted)) - CLOSED == {"click_{request.code}"}


def test_the_stage_is_the_only_dimension(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TABLE_PREFIX", "linkledger-t")
    monkeypatch.setattr(observe, "_of_thread", type("Fresh", (), {})())
    observe.count("close_stopped")
    observe.count("close_stopped", 2)
    observe.flush()
    [line] = [one for one in capsys.readouterr().out.splitlines() if "_aws" in one]
    written = json.loads(line)
    [directive] = written["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Linkledger"
    assert directive["Dimensions"] == [["service"]]
    assert written["service"] == "linkledger-t"
