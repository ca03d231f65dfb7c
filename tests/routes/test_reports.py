"""Reports over the API: asked for, carried out, looked at."""

from typing import Any

import pytest

from tests.reconciling import work
from tests.routes.api import TERMS, Api

REPORT = {"program": "acme", "from": "2026-08", "to": "2026-09"}


@pytest.fixture(autouse=True)
def _program(api: Api) -> None:
    api.program()


def test_a_report_is_a_job_that_sets_models_side_by_side(api: Api, stage: Any, engine: Any) -> None:
    api.post("/v1/programs/acme/terms", TERMS)
    started = api.post("/v1/reports", REPORT)
    assert (started.status, started.json["state"]) == (202, "waiting")
    work(engine, stage)
    looked = api.get(f"/v1/jobs/{started.json['job']}").json
    assert (looked["kind"], looked["state"]) == ("worth", "done")
    assert looked["result"] == {
        **REPORT,
        "terms_version": 1,
        "conversions": 0,
        "without_path": 0,
        "revenue": {},
        "partners": [],
        "channels": [],
        "lengths": {},
        "lags_days": {},
    }


def test_what_is_wrong_is_told_at_once(api: Api) -> None:
    api.post("/v1/reports", REPORT).refused(422, "terms_missing", "program")
    api.post("/v1/programs/acme/terms", TERMS)
    api.post("/v1/reports", REPORT | {"from": "August"}).refused(422, "month_invalid", "from")
    api.post("/v1/reports", REPORT | {"to": "2026-07"}).refused(422, "month_invalid", "to")
    api.post("/v1/reports", REPORT | {"from": "2025-09"}).refused(422, "month_invalid", "to")
    api.post("/v1/reports", REPORT | {"program": "other"}).refused(404, "program_unknown", "program")


def test_a_merchant_asks_for_its_own_program_only(api: Api) -> None:
    api.program("rival")
    key = api.key("merchant", program="rival")
    assert api.post("/v1/reports", REPORT, key).status in {403, 404}
