"""Build the zip that Lambda runs, and the template that deploys it: `python -m infra.build_zip [STAGE]`.

The zip comes out of `chalice package` itself, so it is the one that `chalice deploy` uploads from the
same project.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.project import ROOT, lay_out

LIMIT_MB = 10.0
"""A zip beyond this is refused: each megabyte is fetched and unpacked at every cold start."""

_MISSING_WHEELS = "Could not install dependencies"
"""What Chalice prints, with exit status 0, when the zip it made lacks packages."""


class PackageError(Exception):
    """Chalice did not make a complete package."""


@dataclass(frozen=True, slots=True)
class Package:
    """What `chalice package` made of a laid-out project."""

    zip_path: Path
    template_path: Path

    @property
    def zip_mb(self) -> float:
        """The size of the zip in megabytes (10^6 bytes)."""
        return self.zip_path.stat().st_size / 1e6


def build(stage: str, target: Path, *, cache: Path) -> Package:
    """Lay the project out for a stage in `target`/deploy and package it into `target`/package.

    Raises:
        VendorError: the dependencies could not be brought together.
        PackageError: Chalice failed, left packages out, or the zip is too large.
    """
    project = lay_out(target / "deploy", stage, cache=cache)
    package = chalice_package(project, stage, target / "package")
    if package.zip_mb > LIMIT_MB:
        raise PackageError(f"the zip has {package.zip_mb:.1f} MB, more than {LIMIT_MB:.0f}")
    return package


def chalice_package(project: Path, stage: str, target: Path) -> Package:
    """Run `chalice package` on a project.

    Raises:
        PackageError: it failed, or it left packages out.
    """
    shutil.rmtree(target, ignore_errors=True)
    run_chalice(project, "package", "--stage", stage, str(target))
    package = Package(target / "deployment.zip", target / "sam.json")
    if not package.zip_path.exists():
        raise PackageError("chalice package made no zip: the app has no functions")
    return package


def run_chalice(project: Path, *arguments: str) -> str:
    """Run a command of Chalice on a project; what it printed.

    Raises:
        PackageError: it failed, or it left packages out.
    """
    command = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())"]
    command += ["--project-dir", str(project), *arguments]
    variables = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ}
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        command, env=variables, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    said = done.stdout + done.stderr
    if done.returncode != 0 or _MISSING_WHEELS in said:
        raise PackageError(f"chalice {arguments[0]} failed:\n{said}")
    return said


def largest(zip_path: Path, count: int = 8) -> list[tuple[str, float]]:
    """The top folders of a zip that take most of it, with their compressed megabytes."""
    sizes: dict[str, int] = {}
    with zipfile.ZipFile(zip_path) as archive:
        for entry in archive.infolist():
            top = entry.filename.split("/")[0]
            sizes[top] = sizes.get(top, 0) + entry.compress_size
    return [(top, size / 1e6) for top, size in sorted(sizes.items(), key=lambda pair: -pair[1])][:count]


def main() -> None:
    """Build for the stage named on the command line, `dev` by default."""
    stage = sys.argv[1] if len(sys.argv) > 1 else "dev"
    package = build(stage, ROOT / "build", cache=ROOT / "build")
    print(f"{package.zip_path.relative_to(ROOT)}: {package.zip_mb:.2f} MB")
    for top, size_mb in largest(package.zip_path):
        print(f"  {size_mb:6.2f} MB  {top}")


if __name__ == "__main__":
    main()
