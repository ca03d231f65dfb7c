"""Simulations over the API: asked for, carried out, looked at."""

from typing import Any

import pytest

from tests.reconciling import work
from tests.routes.api import TERMS, Api

DRAFT = {"program": "acme", "month": "2026-09", "terms": TERMS}


@pytest.fixture(autouse=True)
def _program(api: Api) -> None:
    api.program()
    api.post("/v1/programs/acme/terms", TERMS)


def test_a_simulation_is_a_job_that_comes_to_a_difference(api: Api, stage: Any, engine: Any) -> None:
    started = api.post("/v1/simulations", DRAFT)
    assert (started.status, started.json["state"]) == (202, "waiting")
    work(engine, stage)
    looked = api.get(f"/v1/jobs/{started.json['job']}").json
    assert (looked["kind"], looked["state"]) == ("simulation", "done")
    assert looked["result"] == {
        "program": "acme",
        "month": "2026-09",
        "conversions": 0,
        "changed": 0,
        "waiting": {},
        "partners": [],
        "totals": [],
        "receipts": [],
    }


def test_what_is_wrong_is_told_at_once(api: Api) -> None:
    api.post("/v1/simulations", DRAFT | {"month": "2026-13"}).refused(422, "month_invalid", "month")
    api.post("/v1/simulations", DRAFT | {"terms": TERMS | {"hold_days": 400}}).refused(
        422, "out_of_range", "hold_days"
    )
    api.post("/v1/simulations", DRAFT | {"program": "other"}).refused(404, "program_unknown", "program")


def test_a_merchant_simulates_its_own_program_only(api: Api) -> None:
    api.program("rival")
    key = api.key("merchant", program="rival")
    assert api.post("/v1/simulations", DRAFT, key).status in {403, 404}
