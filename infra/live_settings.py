"""Settings that Chalice can't make: set after each deployment, and read back.

`chalice deploy` imports the API anew and so takes the answers of API Gateway itself away. Everything here
compares first and changes only what differs, so setting it twice changes nothing.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.account import DeployError

WINDOW_S = 300
"""The tumbling window of the counters: what makes Lambda name the shard of a batch, nothing else."""

RATE, BURST = 1000.0, 2000
"""Requests a second that the API takes in all, and how many at once; beyond it answers 429."""

SCRATCH_MB = {"close_month": 10_240, "reconcile": 10_240, "run_job": 10_240}
"""Disk of the jobs that write a month's files before they are put; Lambda gives 512 MB unasked."""

_USUAL_SCRATCH_MB = 512
_NOT_PATIENT_S = 90

_ANSWERS: dict[str, tuple[str | None, str, str]] = {
    "MISSING_AUTHENTICATION_TOKEN": ("403", "no_such_route", "there is no such route"),
    "RESOURCE_NOT_FOUND": ("404", "no_such_route", "there is no such route"),
    "THROTTLED": ("429", "rate_limited", "too many requests; try again later"),
    "QUOTA_EXCEEDED": ("429", "rate_limited", "too many requests; try again later"),
    "REQUEST_TOO_LARGE": ("413", "body_too_large", "the request is larger than is taken"),
    "UNSUPPORTED_MEDIA_TYPE": ("415", "media_type_unsupported", "this content type is not read"),
    "INTEGRATION_FAILURE": ("503", "unavailable", "the app did not answer; try again"),
    "INTEGRATION_TIMEOUT": ("503", "unavailable", "the app did not answer in time; try again"),
    "DEFAULT_4XX": (None, "request_refused", "the request can't be taken"),
    "DEFAULT_5XX": (None, "unavailable", "the app did not answer; try again"),
}
"""The status, code and message of what API Gateway answers by itself; no status: its own."""


@dataclass(frozen=True, slots=True)
class Live:
    """What a deployment made: the API's id and stage, functions, and the stream mappings by their functions.

    `traced` is whether X-Ray is to follow requests through them.
    """

    api: str
    api_stage: str
    functions: tuple[str, ...]
    mappings: dict[str, str]
    traced: bool = False


def read_record(record: dict[str, Any], api_stage: str, *, traced: bool = False) -> Live:
    """From Chalice's record of what is deployed.

    Raises:
        DeployError: it names no API.
    """
    api, functions, mappings = None, [], {}
    for resource in record["resources"]:
        if resource["resource_type"] == "rest_api":
            api = resource["rest_api_id"]
        elif resource["resource_type"] == "lambda_function":
            functions.append(resource["lambda_arn"].rpartition(":")[2])
        elif resource["resource_type"] == "dynamodb_event":
            mappings[resource["lambda_arn"].rpartition(":")[2]] = resource["event_uuid"]
    if api is None:
        raise DeployError("the record of the deployment names no API")
    return Live(api, api_stage, tuple(sorted(functions)), mappings, traced)


def apply(gateway: Any, functions: Any, live: Live) -> list[str]:
    """Set what differs; what that was, a line each.

    Raises:
        DeployError: a setting was taken and is not there.
    """
    before = list(drift(gateway, functions, live))
    if any(line.startswith("answer ") for line in before):
        for kind in _ANSWERS:
            gateway.put_gateway_response(restApiId=live.api, responseType=kind, **_wanted_answer(kind))
        gateway.create_deployment(restApiId=live.api, stageName=live.api_stage)
    gateway.update_stage(
        restApiId=live.api,
        stageName=live.api_stage,
        patchOperations=[
            {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(RATE)},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(BURST)},
            {"op": "replace", "path": "/tracingEnabled", "value": json.dumps(live.traced)},
        ],
    )
    for name in live.functions:
        configured = functions.get_function_configuration(FunctionName=name)
        if _mode(configured) != _wanted_mode(live):
            # Chalice switches tracing on and never off again.
            functions.update_function_configuration(
                FunctionName=name, TracingConfig={"Mode": _wanted_mode(live)}
            )
        if _scratch(configured) != _wanted_scratch(name):
            functions.update_function_configuration(
                FunctionName=name, EphemeralStorage={"Size": _wanted_scratch(name)}
            )
    for uuid in live.mappings.values():
        if _mapping_drift(functions, uuid):
            functions.update_event_source_mapping(UUID=uuid, **_WANTED_MAPPING)
    deadline = time.monotonic() + _NOT_PATIENT_S
    while left := list(drift(gateway, functions, live)):
        if time.monotonic() > deadline:
            raise DeployError("these settings did not take: " + "; ".join(left))
        time.sleep(2)
    return before


def drift(gateway: Any, functions: Any, live: Live) -> Iterator[str]:
    """Each setting that is not as it should be, in a line."""
    found = {one["responseType"]: one for one in _answers(gateway, live.api)}
    for kind in _ANSWERS:
        wanted = _wanted_answer(kind)
        if any(found.get(kind, {}).get(name) != value for name, value in wanted.items()):
            yield f"answer {kind} is API Gateway's own"
    stage = gateway.get_stage(restApiId=live.api, stageName=live.api_stage)
    limits = stage.get("methodSettings", {}).get("*/*", {})
    if (limits.get("throttlingRateLimit"), limits.get("throttlingBurstLimit")) != (RATE, BURST):
        yield "the API's throttling is not set"
    if stage.get("tracingEnabled", False) != live.traced:
        yield f"the API's tracing is not {'on' if live.traced else 'off'}"
    for name in live.functions:
        configured = functions.get_function_configuration(FunctionName=name)
        if _mode(configured) != _wanted_mode(live):
            yield f"{name}: tracing is not {'on' if live.traced else 'off'}"
        if _scratch(configured) != _wanted_scratch(name):
            yield f"{name}: its disk does not have {_wanted_scratch(name)} MB"
    for function, uuid in sorted(live.mappings.items()):
        for name in _mapping_drift(functions, uuid):
            yield f"{function}: {name} of its stream is not set"


def _mode(configured: dict[str, Any]) -> str:
    return str(configured["TracingConfig"]["Mode"])


def _wanted_mode(live: Live) -> str:
    return "Active" if live.traced else "PassThrough"


def _scratch(configured: dict[str, Any]) -> int:
    return int(configured.get("EphemeralStorage", {}).get("Size", _USUAL_SCRATCH_MB))


def _wanted_scratch(name: str) -> int:
    return SCRATCH_MB.get(name.rpartition("-")[2], _USUAL_SCRATCH_MB)


_WANTED_MAPPING: dict[str, Any] = {
    "TumblingWindowInSeconds": WINDOW_S,
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}


def _mapping_drift(functions: Any, uuid: str) -> list[str]:
    found = functions.get_event_source_mapping(UUID=uuid)
    return [name for name, value in _WANTED_MAPPING.items() if found.get(name) != value]


def _wanted_answer(kind: str) -> dict[str, Any]:
    status, code, message = _ANSWERS[kind]
    body = json.dumps({"error": {"code": code, "message": message}})
    wanted: dict[str, Any] = {
        "responseTemplates": {"application/json": body},
        "responseParameters": {"gatewayresponse.header.Cache-Control": "'no-store'"},
    }
    return wanted | ({"statusCode": status} if status else {})


def _answers(gateway: Any, api: str) -> list[dict[str, Any]]:
    return list(gateway.get_gateway_responses(restApiId=api, limit=500).get("items", []))
