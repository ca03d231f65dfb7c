"""The command line in the local stack; tests of the documents type commands into one that runs."""

from pathlib import Path

import pytest

from local import cli


def test_without_a_stack_it_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert cli.main(["status"]) == 1
    assert "make run" in capsys.readouterr().err
