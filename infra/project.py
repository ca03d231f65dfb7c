"""The project that Chalice deploys: the source laid out with its dependencies, ready for one stage.

Chalice runs on this copy and never on the source tree, so that a deployment changes no tracked file:
`chalice deploy --project-dir build/deploy --stage dev`.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.services import bot_lists
from infra.vendor import TASK_ROOT, compile_module, compile_tree, vendor

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PREFIX = "linkledger-dev"
DEFAULT_BUCKET = "linkledger-dev-ledger-000000000000-us-east-1"
"""The names that the policy files are written with; a stage's own take their place."""

_MAY_BE_TRACED = {
    "Sid": "MayBeTraced",
    "Effect": "Allow",
    "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    "Resource": "*",
}
"""What X-Ray needs; it knows no resources (docs.aws.amazon.com/service-authorization, AWS X-Ray)."""


def lay_out(
    target: Path, stage: str, outputs: Mapping[str, str] | None = None, *, source: Path = ROOT, cache: Path
) -> Path:
    """Fill `target` anew and return it; the record of what is deployed stays where it is.

    `outputs` are those of the stage's base stack, and more that is to be in the environment; with them the
    stage need not be known to config.json. Without them its placeholders remain, which is enough to package
    and to lint.

    Raises:
        VendorError: the dependencies could not be brought together.
        OSError, ValueError: the list of bots that is to be packed can't be read.
        KeyError: neither are there outputs, nor such a stage in config.json.
    """
    bot_lists.load(str(source / "chalicelib" / "lists"))
    packages = vendor(source / "requirements.txt", cache)
    target.mkdir(parents=True, exist_ok=True)
    _clear(target)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source / "chalicelib", target / "chalicelib", ignore=ignored)
    shutil.copyfile(source / "app.py", target / "app.py")
    shutil.copytree(packages, target / "vendor")
    _add_app_bytecode(target)
    (target / "requirements.txt").write_text("")
    write_configuration(target, stage, outputs, source=source)
    return target


def write_configuration(
    target: Path, stage: str, outputs: Mapping[str, str] | None = None, *, source: Path = ROOT
) -> None:
    """Write Chalice's part of the layout: the stage's configuration and policies."""
    written = target / ".chalice"
    written.mkdir(parents=True, exist_ok=True)
    source = source / ".chalice"
    configuration: dict[str, Any] = json.loads((source / "config.json").read_text())
    if outputs is None:
        variables = configuration["stages"][stage]["environment_variables"]
    else:
        variables = environment(outputs)
        configuration["stages"][stage] = {
            "environment_variables": variables,
            "tags": {"linkledger": variables["TABLE_PREFIX"]},
            "xray": variables["TRACING"] == "true",
            "lambda_functions": _reserved(variables["RESERVED_CONCURRENCY"], configuration),
        }
    (written / "config.json").write_text(json.dumps(configuration, indent=2) + "\n")
    for policy in source.glob("policy-*.json"):
        text = policy.read_text().replace(DEFAULT_BUCKET, variables["LEDGER_BUCKET"])
        document = json.loads(text.replace(DEFAULT_PREFIX, variables["TABLE_PREFIX"]))
        document["Statement"] = [one for one in document["Statement"] if one != _MAY_BE_TRACED]
        if variables.get("TRACING") == "true":
            document["Statement"].append(_MAY_BE_TRACED)
        (written / policy.name).write_text(json.dumps(document, indent=2) + "\n")


def _reserved(text: str, configuration: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The concurrency that functions have to themselves, from `api_handler=100 settle=20`.

    Raises:
        ValueError: there is no such function.
    """
    wanted = dict(part.split("=") for part in text.split()) if text != "none" else {}
    if unknown := wanted.keys() - configuration["lambda_functions"].keys():
        raise ValueError(f"RESERVED_CONCURRENCY names no function of ours: {', '.join(sorted(unknown))}")
    return {name: {"reserved_concurrency": int(number)} for name, number in wanted.items()}


def environment(outputs: Mapping[str, str]) -> dict[str, str]:
    """Environment variables from a stack's outputs: `TablePrefix` becomes `TABLE_PREFIX`."""
    return {_screaming(name): value for name, value in outputs.items()}


def _screaming(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name).lstrip("_")


def _clear(target: Path) -> None:
    """Remove what an earlier layout left, but for `.chalice/deployed`."""
    for entry in target.iterdir():
        if entry.is_dir() and entry.name != ".chalice":
            shutil.rmtree(entry)
        elif entry.is_file():
            entry.unlink()
    shutil.rmtree(target / ".chalice" / "deployments", ignore_errors=True)


def _add_app_bytecode(target: Path) -> None:
    compile_tree(target / "chalicelib", f"{TASK_ROOT}/chalicelib")
    compile_module(target / "app.py", target / "vendor", TASK_ROOT)
