"""The package, built once for all of these tests, and a folder with nothing but awslambdaric."""

import zipfile
from pathlib import Path

import pytest

from infra.build_zip import Package, build
from infra.project import ROOT
from infra.runtime import copy_runtime_client


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """What `chalice package` makes of the project, for the stage `dev`."""
    return build("dev", tmp_path_factory.mktemp("package"), cache=ROOT / "build")


@pytest.fixture(scope="session")
def task_root(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package unpacked, as Lambda does."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(package.zip_path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def ric(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """awslambdaric by itself."""
    return copy_runtime_client(tmp_path_factory.mktemp("ric"))
