"""The command line in a deployed stage; `infra.status`, which tests of deployments drive, runs through it."""

import pytest

from infra import cli


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_without_a_stage_nothing_is_run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "python -m infra.cli STAGE" in capsys.readouterr().err
