"""The application is whole outside Lambda, and imports what is needed inside it."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import app

ROOT = Path(__file__).parent.parent


def in_lambda(stage: Any, script: str) -> str:
    """What the script prints in a process that looks like a Lambda function of the stage."""
    environment = {**os.environ, "AWS_LAMBDA_FUNCTION_NAME": "linkledger-test"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def event(method: str, resource: str) -> dict[str, Any]:
    return {
        "requestContext": {"resourcePath": resource, "httpMethod": method},
        "headers": {},
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "body": None,
    }


def test_every_module_of_routes_and_jobs_with_a_blueprint_is_registered() -> None:
    for package, named in (("routes", {"redirect", *app.ROUTES}), ("jobs", set(app.JOBS))):
        files = (ROOT / "chalicelib" / package).glob("*.py")
        assert {file.stem for file in files if "\nbp = " in file.read_text()} == named


def test_every_job_is_found_by_its_name() -> None:
    for name in app.JOBS:
        assert callable(getattr(app, name))
    with pytest.raises(AttributeError):
        app.nothing_of_the_kind  # noqa: B018 - looking is the point


def test_a_redirect_imports_neither_the_api_nor_its_libraries(stage: Any) -> None:
    script = "import app, sys; print(*sorted(sys.modules))"
    loaded = set(in_lambda(stage, script).split())
    assert "chalicelib.routes.redirect" in loaded
    assert not loaded & {
        *("msgspec", "aws_lambda_powertools", "can_ada", "qrcode", "jinja2", "boto3"),
        *("chalicelib.routes.programs", "chalicelib.routes.endpoint", "chalicelib.services.close"),
    }


def test_the_rest_is_there_when_it_is_asked_for(stage: Any) -> None:
    request = json.dumps(event("GET", "/v1/openapi.json"))
    script = f"import app, json; print(json.dumps(app.app(json.loads({request!r}), None)))"
    answer = json.loads(in_lambda(stage, script).splitlines()[-1])
    assert answer["statusCode"] == 200
    described = json.loads(base64.b64decode(answer["body"]))["paths"]
    routes = {path for path in app.app.routes if path.startswith("/v1/")}
    assert set(described) == routes - {"/v1/docs"}


def test_a_job_runs_without_the_routes_being_there(stage: Any) -> None:
    script = "import app, sys; app.settle({'Records': []}, None); print('msgspec' in sys.modules)"
    assert in_lambda(stage, script).strip().endswith("False")
