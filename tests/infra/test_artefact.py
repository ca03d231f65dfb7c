"""The very package that is deployed, run as Lambda runs it, with nothing else of this machine in sight."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.build_zip import LIMIT_MB, Package
from infra.rehearsal import Deployed, a_schedule, header
from infra.runtime import Function, FunctionError
from local.engine import Engine
from local.functions import StreamSource
from local.workers import Progress, StreamWorker

IMAGE = {"Host": "go.example.com", "User-Agent": "Mozilla/5.0 Chrome/126.0.0.0", "Sec-Fetch-Dest": "image"}
"""What an `<img>` may send: nothing about what it accepts."""


@pytest.fixture(scope="module")
def deployed(package: Package, task_root: Path, ric: Path, engine: Engine) -> Iterator[Deployed]:
    stage = Deployed(package, task_root, ric, engine)
    with stage.function("APIHandler") as api:
        stage.api = api
        stage.open_shop()
        yield stage


def a_sale(order_id: str, **fields: Any) -> dict[str, Any]:
    return {
        "program": "acme",
        "event": "sale",
        "order_id": order_id,
        "amount": 5000,
        "currency": "EUR",
        **fields,
    }


def clicked(deployed: Deployed) -> str:
    location = header(deployed.http("GET", f"/{deployed.code}"), "Location")
    return location.split("ll_click=")[1].split("&")[0]


def test_the_package_is_small(package: Package) -> None:
    assert package.zip_mb < LIMIT_MB


def test_every_module_has_bytecode_that_needs_no_dates(package: Package) -> None:
    with zipfile.ZipFile(package.zip_path) as archive:
        names = archive.namelist()
        compiled = {name: archive.read(name)[4:8] for name in names if name.endswith(".pyc")}
    sources = {name for name in names if name.endswith(".py")}
    ours = {name.replace("__pycache__/", "").split(".cpython")[0] + ".py" for name in compiled}
    assert sources == ours
    assert set(compiled.values()) == {b"\x01\x00\x00\x00"}


def test_nothing_of_the_workshop_is_packed(package: Package) -> None:
    with zipfile.ZipFile(package.zip_path) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert not tops & {"boto3", "moto", "pytest", "local", "infra", "tests", "bench", "click", "pip", "yaml"}


def test_a_stream_is_read_from_its_beginning(package: Package) -> None:
    resources = json.loads(package.template_path.read_text())["Resources"].values()
    streams = [
        event["Properties"]["StartingPosition"]
        for resource in resources
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]
    assert streams == ["TRIM_HORIZON"] * 3


def test_a_link_leads_on(deployed: Deployed) -> None:
    answer = deployed.http("GET", f"/{deployed.code}?utm_source=news")
    assert answer.status == 302
    assert header(answer, "Location").startswith("https://shop.example.com/")
    assert "ll_click=" in header(answer, "Location")
    assert header(answer, "Set-Cookie").startswith("ll_id=")
    assert header(answer, "Cache-Control") == "no-store"


def test_head_of_a_link_leads_on_and_sets_nothing(deployed: Deployed) -> None:
    answer = deployed.http("HEAD", f"/{deployed.code}")
    assert (answer.status, header(answer, "Set-Cookie")) == (302, "")


def test_an_unknown_code_is_not_found(deployed: Deployed) -> None:
    assert deployed.http("GET", "/nobody-has-this").status == 404


def test_the_pixel_is_a_picture_for_a_client_that_accepts_nothing(deployed: Deployed) -> None:
    query = f"program=acme&event=sale&order_id=pixel-1&amount=50.00&currency=EUR&click_id={clicked(deployed)}"
    answer = deployed.http("GET", f"/p.gif?{query}", headers=IMAGE)
    assert (answer.status, header(answer, "Content-Type")) == (200, "image/gif")
    assert (len(answer.body), answer.body[:6]) == (43, b"GIF89a")


def test_a_postback_is_answered_in_text(deployed: Deployed) -> None:
    token = deployed.call("GET", "/v1/programs/acme")["postback_token"]
    query = (
        f"token={token}&click_id={clicked(deployed)}&order_id=postback-1&amount=50.00&currency=EUR&event=sale"
    )
    answer = deployed.http("GET", f"/postback/acme?{query}", headers={})
    assert (answer.status, answer.body) == (200, b"OK")


def test_a_sale_is_recorded_once(deployed: Deployed) -> None:
    sale = a_sale("api-1", click_id=clicked(deployed))
    first = deployed.call("POST", "/v1/conversions", sale)
    assert deployed.call("POST", "/v1/conversions", sale)["id"] == first["id"]


def test_a_page_is_shown_with_its_stylesheet(deployed: Deployed) -> None:
    page = deployed.http("GET", "/console/sign-in", headers={"Accept-Language": "de"})
    assert (page.status, header(page, "Content-Type")) == (200, "text/html; charset=utf-8")
    style = page.body.decode().split('rel="stylesheet" href="')[1].split('"')[0]
    assert header(deployed.http("GET", style, headers={}), "Content-Type") == "text/css; charset=utf-8"


def test_a_refusal_has_our_shape(deployed: Deployed) -> None:
    answer = deployed.http("POST", "/v1/conversions", b"{}", {"Content-Type": "application/json"})
    assert answer.status == 401
    assert b'"error"' in answer.body


def test_reconcile_settles_what_is_due(deployed: Deployed) -> None:
    sale = deployed.call("POST", "/v1/conversions", a_sale("api-2", click_id=clicked(deployed)))
    with deployed.function("Reconcile") as reconcile:
        summary = reconcile.invoke(a_schedule("reconcile"), timeout_s=60)
    assert summary["booked"] >= 1
    assert deployed.call("GET", f"/v1/conversions/{sale['id']}")["state"] == "approved"


def test_the_stream_of_conversions_settles_them(deployed: Deployed) -> None:
    sale = deployed.call("POST", "/v1/conversions", a_sale("api-3", click_id=clicked(deployed)))
    with deployed.function("Settle") as settle:
        stream(deployed, settle, "conversions").step()
    receipt = deployed.call("GET", f"/v1/conversions/{sale['id']}/receipt")
    assert [credit["partner"] for credit in receipt["credits"]] == ["ada"]


def test_the_close_runs(deployed: Deployed) -> None:
    with deployed.function("CloseMonth") as close_month:
        assert close_month.invoke(a_schedule("close_month"), timeout_s=60)["stopped"] == []


def test_every_handler_can_be_found(deployed: Deployed) -> None:
    for name in deployed.handlers():
        with deployed.function(name) as function, pytest.raises(FunctionError) as raised:
            function.invoke("no event at all")
        assert "Runtime.HandlerNotFound" not in str(raised.value), name
        assert "Runtime.ImportModuleError" not in str(raised.value), name


def test_a_missing_package_would_be_noticed(task_root: Path, ric: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import yaml\n")
    with Function(tmp_path, "app.app", ric, {}) as function, pytest.raises(FunctionError) as raised:
        function.invoke({})
    assert "No module named 'yaml'" in str(raised.value)


def stream(deployed: Deployed, function: Function, table: str) -> StreamWorker:
    """Lambda's poller between a table's stream and the function."""
    source = StreamSource(table, deployed.stage[f"{table.upper()}_STREAM_ARN"], 100)
    return StreamWorker(
        deployed.engine, source, Progress(deployed.engine), lambda _, event: function.invoke(event)
    )
