"""`/v1/reconciliations` and `/v1/jobs` from outside."""

import json
import urllib.request
from typing import Any

import pytest

from chalicelib import bootstrap
from local.engine import Engine
from tests.capturing import NOW, a_program
from tests.conftest import Clock, Stage
from tests.reconciling import work
from tests.routes.api import Api

CSV = "order_id,amount\nA,10.00\nB,20.00\n"
SALE = {"program": "acme", "event": "sale", "order_id": "A", "amount": 1000, "currency": "EUR"}


@pytest.fixture
def shop(api: Api, clock: Clock) -> Api:
    clock.set(NOW)
    a_program(bootstrap.stores())
    assert api.post("/v1/conversions", SALE | {"coupon": "ANNA10"}).status == 201
    return api


def done(shop: Api, engine: Engine, stage: Stage, job: str) -> Any:
    work(engine, stage)
    found = shop.get(f"/v1/jobs/{job}").json
    assert found["state"] == "done", found
    return found


def test_a_csv_in_json_is_reconciled(shop: Api, engine: Engine, stage: Stage) -> None:
    answer = shop.post("/v1/reconciliations", {"program": "acme", "csv": CSV})
    assert (answer.status, answer.json["state"], answer.json["upload"]) == (202, "waiting", None)
    assert shop.get(f"/v1/jobs/{answer.json['job']}").json["state"] == "waiting"
    found = done(shop, engine, stage, answer.json["job"])
    assert found["progress"] == {"done": 2, "total": 2}
    assert [row["order_id"] for row in found["result"]["matched"]] == ["A"]
    assert [row["order_id"] for row in found["result"]["missing"]] == ["B"]
    assert [file["name"] for file in found["files"]] == ["result.json", "findings.csv"]
    with urllib.request.urlopen(found["files"][1]["url"]) as file:
        assert file.read().startswith(b"finding,reason,line,")


def test_a_csv_body_is_reconciled(shop: Api, engine: Engine, stage: Stage) -> None:
    path = "/v1/reconciliations?program=acme&kind=partner&partner=anna&month=2026-10"
    answer = shop.send("POST", path, b"order_id\nA\n", {"content-type": "text/csv; charset=utf-8"})
    assert answer.status == 202, answer.raw
    found = done(shop, engine, stage, answer.json["job"])
    assert found["result"]["counts"]["matched"] == 1
    assert (found["result"]["kind"], found["result"]["partner"]) == ("partner", "anna")


def test_a_large_file_is_uploaded(shop: Api, engine: Engine, stage: Stage) -> None:
    answer = shop.post("/v1/reconciliations", {"program": "acme", "upload": True})
    assert (answer.status, answer.json["upload"]["method"]) == (202, "PUT")
    assert work(engine, stage) <= 1, "S3's test message may be there, the job is not"
    assert shop.get(f"/v1/jobs/{answer.json['job']}").json["state"] == "waiting"
    put = urllib.request.Request(answer.json["upload"]["url"], CSV.encode(), method="PUT")
    urllib.request.urlopen(put).close()
    assert done(shop, engine, stage, answer.json["job"])["result"]["counts"]["matched"] == 1


def test_what_was_found_is_recovered_with_one_confirmation(shop: Api, engine: Engine, stage: Stage) -> None:
    job = shop.post("/v1/reconciliations", {"program": "acme", "csv": CSV}).json["job"]
    shop.post(f"/v1/reconciliations/{job}/confirm", {}).refused(409, "job_not_done")
    done(shop, engine, stage, job)
    first, second = (shop.post(f"/v1/reconciliations/{job}/confirm", {}) for _ in range(2))
    assert first.status == second.status == 202
    assert first.json["job"] == second.json["job"]
    assert done(shop, engine, stage, first.json["job"])["result"]["done"] == {"record": 1}
    told = shop.post("/v1/conversions", SALE | {"order_id": "B", "amount": 2000})
    assert (told.status, told.json["duplicate"]) == (200, True)
    newer = shop.post("/v1/reconciliations", {"program": "acme", "csv": CSV}).json["job"]
    listed = {one["job"]: one["state"] for one in shop.listed("/v1/reconciliations?program=acme")}
    assert listed == {newer: "waiting", job: "done"}


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"program": "nobodys"}, 404, "program_unknown", "program"),
        ({"kind": "partner"}, 422, "field_invalid", "partner"),
        ({"partner": "anna"}, 422, "field_invalid", "partner"),
        ({"kind": "partner", "partner": "nobody"}, 404, "partner_unknown", "partner"),
        ({"month": "2026-13"}, 422, "month_invalid", "month"),
        ({"event": "<b>"}, 422, "event_invalid", "event"),
        ({"csv": ""}, 422, "csv_empty", "csv"),
        ({"csv": "what,ever\n"}, 422, "columns_unknown", "csv"),
        ({"upload": True}, 422, "field_invalid", "csv"),
        ({"columns": {"order_id": "x", "amount": "y"}}, 422, "column_unknown", "columns"),
    ],
)
def test_what_cannot_be_reconciled_is_refused(
    shop: Api, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    shop.post("/v1/reconciliations", {"program": "acme", "csv": CSV} | change).refused(status, code, field)


def test_other_media_are_refused(shop: Api) -> None:
    answer = shop.send("POST", "/v1/reconciliations", b"<a/>", {"content-type": "text/xml"})
    answer.refused(415, "content_type_unsupported")


def test_nobody_else_sees_a_job(shop: Api, engine: Engine, stage: Stage) -> None:
    shop.program("other")
    job = shop.post("/v1/reconciliations", {"program": "acme", "csv": CSV}).json["job"]
    other = shop.key("merchant", program="other")
    shop.send("GET", f"/v1/jobs/{job}", key=other).refused(404, "job_unknown", "job")
    shop.send("GET", "/v1/jobs/job_unknown", key=other).refused(404, "job_unknown", "job")
    body = json.dumps({"program": "acme", "csv": CSV}).encode()
    answer = shop.send("POST", "/v1/reconciliations", body, {"content-type": "application/json"}, key=other)
    answer.refused(404, "program_unknown", "program")
    work(engine, stage)
    shop.send("POST", f"/v1/reconciliations/{job}/confirm", key=other).refused(404, "job_unknown", "job")
