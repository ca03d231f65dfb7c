"""The workflow deploys with steps that exist, and keeps no key."""

import re

import yaml

from infra.deploy import STEPS
from infra.project import ROOT

TEXT = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
JOBS = yaml.safe_load(TEXT)["jobs"]


def test_it_deploys_by_every_step_but_the_one_that_shows_a_key() -> None:
    [line] = [step["run"] for step in JOBS["deploy"]["steps"] if "run" in step]
    [steps] = re.findall(r'STEPS="([a-z ]+)"', line)
    assert steps.split() == [name for name in STEPS if name != "admin"]


def test_it_deploys_only_what_was_tested() -> None:
    assert JOBS["deploy"]["needs"] == "test"
    assert [step["run"] for step in JOBS["test"]["steps"] if "run" in step] == ["sudo bash .ci/run"]


def test_it_keeps_no_key_and_may_ask_for_an_identity_only_to_deploy() -> None:
    assert "secrets." not in TEXT
    assert JOBS["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert "permissions" not in JOBS["test"]


def test_nothing_that_somebody_types_reaches_a_shell() -> None:
    for job in JOBS.values():
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]
    assert "$(STAGE)" not in (ROOT / "Makefile").read_text()
