"""The dependencies as they go into the zip: wheels for Lambda's platform, pruned, with bytecode.

Chalice ships whole wheels without bytecode. A cold start pays for both: Python compiles every module that
it imports, and botocore searches the descriptions of 400 services. docs/decisions/0004-lean-zip.md tells
what each step saves.
"""

import compileall
import gzip
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

SERVICES = ("dynamodb", "s3", "secretsmanager", "ses", "sns", "sqs", "sts")
"""The AWS services whose descriptions are shipped; a call of any other fails at once."""

TASK_ROOT = "/var/task"
"""Where Lambda unpacks the zip; the bytecode names its sources there, whoever builds it."""

NOT_SHIPPED = frozenset({"chalice"})
"""Requirements that stay at home: Chalice packs its own runtime, and the rest of it only deploys."""

_TRUSTED = py_compile.PycInvalidationMode.UNCHECKED_HASH
_GLIBC_MINORS = {(3, 11): 26}
_GLIBC_MINOR_OF_LATER_RUNTIMES = 34
_KEPT_BESIDE_SERVICES = ("_retry.json", "partitions.json", "sdk-default-configuration.json")
_UNUSED_MODELS = ("examples-1.json", "waiters-2.json")


class VendorError(Exception):
    """The dependencies could not be brought together for Lambda's platform."""


def vendor(requirements: Path, cache: Path) -> Path:
    """A folder with everything that the app imports; made once for the same requirements and versions.

    Raises:
        VendorError: a package has no wheel for Lambda's platform, or there is no such package.
    """
    wanted = shipped_requirements(requirements.read_text())
    pins = _installed_versions()
    key = _key(wanted, pins)
    finished = cache / f"vendor-{key}"
    if finished.is_dir():
        return finished
    making = cache / f"vendor-{key}.{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    try:
        _install(wanted, pins, making)
        prune(making)
        compile_tree(making, TASK_ROOT)
        _add_chalice_bytecode(making)
        making.rename(finished)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return finished


def shipped_requirements(text: str) -> list[str]:
    """The lines of a requirements file that go into the zip."""
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and line.split("==")[0].strip().lower() not in NOT_SHIPPED]


def lambda_platforms() -> list[str]:
    """The wheel platforms that the runtime of this interpreter's version can load, newest first."""
    newest = _GLIBC_MINORS.get(sys.version_info[:2], _GLIBC_MINOR_OF_LATER_RUNTIMES)
    return [f"manylinux_2_{minor}_x86_64" for minor in range(newest, 16, -1)] + ["manylinux2014_x86_64"]


def prune(folder: Path) -> None:
    """Take out what no import needs: other services, old API versions, metadata, scripts, type stubs."""
    _prune_botocore(folder / "botocore" / "data")
    for unwanted in [*folder.glob("*.dist-info"), folder / "bin", *folder.rglob("__pycache__")]:
        shutil.rmtree(unwanted, ignore_errors=True)
    for stub in [*folder.rglob("*.pyi"), *folder.rglob("py.typed")]:
        stub.unlink()


def compile_tree(folder: Path, shown_as: str) -> None:
    """Write bytecode that Python trusts without looking at dates, which a zip does not keep.

    Raises:
        VendorError: a module does not compile.
    """
    fine = compileall.compile_dir(
        folder,
        ddir=shown_as,
        force=True,
        quiet=1,
        invalidation_mode=_TRUSTED,
    )
    if not fine:
        raise VendorError(f"a module under {folder.name} does not compile")


def compile_module(source: Path, beside: Path, shown_as: str) -> None:
    """Write the bytecode of one module into the `__pycache__` of another folder than its own.

    Raises:
        py_compile.PyCompileError: it does not compile.
    """
    target = beside / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    target.parent.mkdir(parents=True, exist_ok=True)
    py_compile.compile(
        str(source),
        cfile=str(target),
        dfile=f"{shown_as}/{source.name}",
        doraise=True,
        invalidation_mode=_TRUSTED,
    )


def _installed_versions() -> list[str]:
    """Pins for every package of this environment, so that what was tested is what is shipped."""
    pins = {f"{found.metadata['Name']}=={found.version}" for found in distributions()}
    return sorted(pins, key=str.lower)


def _key(wanted: Iterable[str], pins: Iterable[str]) -> str:
    parts = [*wanted, *pins, *lambda_platforms(), sys.version, Path(__file__).read_text()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _install(wanted: list[str], pins: list[str], target: Path) -> None:
    constraints = target.parent / f"{target.name}.constraints"
    constraints.write_text("\n".join(pins) + "\n")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
    command += ["--only-binary=:all:", "--no-compile", "--implementation", "cp"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    command += [word for platform in lambda_platforms() for word in ("--platform", platform)]
    command += ["--constraint", str(constraints), *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command, no shell
    finally:
        constraints.unlink()
    if done.returncode != 0:
        raise VendorError(f"pip could not bring the dependencies together:\n{done.stderr}")


def _prune_botocore(data: Path) -> None:
    for entry in data.iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
        elif entry.is_file() and entry.name not in (*_KEPT_BESIDE_SERVICES, "endpoints.json"):
            entry.unlink()
    for service in SERVICES:
        versions = sorted(path for path in (data / service).iterdir() if path.is_dir())
        for old in versions[:-1]:
            shutil.rmtree(old)
        for unused in _UNUSED_MODELS:
            (versions[-1] / unused).unlink(missing_ok=True)
    for model in data.rglob("*.json.gz"):
        _minify(json.loads(gzip.decompress(model.read_bytes())), model.with_suffix(""))
        model.unlink()
    endpoints = data / "endpoints.json"
    _minify(_trimmed_endpoints(json.loads(endpoints.read_text())), endpoints)


def _trimmed_endpoints(endpoints: dict[str, list[dict[str, dict[str, object]]]]) -> dict[str, object]:
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in SERVICES if name in services}
    return dict(endpoints)


def _minify(content: object, path: Path) -> None:
    """Write without blanks and with empty documentation: both together are most of a description."""
    path.write_text(json.dumps(_without_documentation(content), separators=(",", ":")))


def _without_documentation(content: object) -> object:
    if isinstance(content, dict):
        return {
            name: "" if name == "documentation" and isinstance(value, str) else _without_documentation(value)
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [_without_documentation(value) for value in content]
    return content


def _add_chalice_bytecode(folder: Path) -> None:
    """Bytecode for the two modules of Chalice's runtime, whose sources Chalice itself adds to the zip."""
    import chalice

    source = Path(chalice.__file__).parent
    for name in ("__init__", "app"):
        compile_module(source / f"{name}.py", folder / "chalice", f"{TASK_ROOT}/chalice")
