"""The smoke test of a deployed stage: it answers, and tracking works from click to refund, over HTTP."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime

from chalicelib import bootstrap
from chalicelib.commands import doctor
from chalicelib.domain import checkup
from chalicelib.services.trials import trial
from infra.account import DeployError
from infra.acting import acting_as
from infra.stacks import Say

_ASKED = (("/v1/openapi.json", 200), ("/v1/no/such/route", 403))


def check_answers(url: str) -> None:
    """Ask the app what it can, and for a route that it hasn't, which API Gateway refuses by itself.

    Raises:
        DeployError: one is answered in another way.
    """
    for path, expected in _ASKED:
        status = _status(url + path)
        if status != expected:
            raise DeployError(f"{url}{path} answered {status} instead of {expected}")


def try_stage(environment: Mapping[str, str], url: str, now: datetime, say: Say) -> None:
    """Walk the tracking of a program that is made for it, in test mode, and removed again.

    Raises:
        DeployError: as `try_program`.
        Unavailable: the stage's tables are away.
    """
    with acting_as(environment), trial(bootstrap.stores(), url, now) as ready:
        try_program(url, ready.program, ready.key, say, beside=True)


def try_program(url: str, program: str, key: str, say: Say, *, beside: bool = False) -> None:
    """Have the doctor walk a program's tracking from its link to the refund, in test mode.

    `beside`: the address is API Gateway's own, and not that of the links.

    Raises:
        DeployError: it could not, or found a stage that does not work; says which, and why.
    """
    try:
        _, steps = doctor.check(url, program, key, lambda line: say(f"  {line}"), beside=beside)
    except doctor.CannotStart as error:
        raise DeployError(f"the tracking of {program} can't be tried: {error}") from error
    failed = checkup.failing(steps)
    if failed:
        why = "; ".join(f"{step.stage} ({step.findings[0].message})" for step in failed)
        raise DeployError(f"the tracking of {program} does not work: {why}")
    say(f"  the tracking of {program} works, from click to refund")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - of an address made here
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        raise DeployError(f"{url}: {error}") from error
