"""The project that Chalice deploys: the source laid out with its dependencies, ready for one stage.

Chalice runs on this copy and never on the source tree, so that a deployment changes no tracked file:
`chalice deploy --project-dir build/deploy --stage dev`.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.vendor import TASK_ROOT, compile_module, compile_tree, vendor

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_PREFIX = "linkledger-dev"
DEFAULT_BUCKET = "linkledger-dev-ledger-000000000000-us-east-1"
"""The names that the policy files are written with; a stage's own take their place."""


def lay_out(
    target: Path, stage: str, outputs: Mapping[str, str] | None = None, *, source: Path = ROOT, cache: Path
) -> Path:
    """Fill `target` anew and return it; the record of what is deployed stays where it is.

    `outputs` are those of the stage's base stack. Without them the placeholders of config.json remain,
    which is enough to package and to lint.

    Raises:
        VendorError: the dependencies could not be brought together.
        KeyError: there is no such stage.
    """
    packages = vendor(source / "requirements.txt", cache)
    target.mkdir(parents=True, exist_ok=True)
    _clear(target)
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(source / "chalicelib", target / "chalicelib", ignore=ignored)
    shutil.copyfile(source / "app.py", target / "app.py")
    shutil.copytree(packages, target / "vendor")
    _add_app_bytecode(target)
    (target / "requirements.txt").write_text("")
    _write_configuration(source / ".chalice", target / ".chalice", stage, outputs)
    return target


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


def _write_configuration(source: Path, target: Path, stage: str, outputs: Mapping[str, str] | None) -> None:
    target.mkdir(exist_ok=True)
    configuration: dict[str, Any] = json.loads((source / "config.json").read_text())
    variables = configuration["stages"][stage]["environment_variables"]
    if outputs is not None:
        variables.update(environment(outputs))
    (target / "config.json").write_text(json.dumps(configuration, indent=2) + "\n")
    for policy in source.glob("policy-*.json"):
        text = policy.read_text().replace(DEFAULT_BUCKET, variables["LEDGER_BUCKET"])
        (target / policy.name).write_text(text.replace(DEFAULT_PREFIX, variables["TABLE_PREFIX"]))
