"""The wheel and the sdist, built once a test process."""

from __future__ import annotations

from pathlib import Path

import pytest
from distribution import build, copy_of_tracked, new_environment


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what git tracks, with what lies about in a work tree beside it."""
    folder = copy_of_tracked(tmp_path_factory.mktemp("source"))
    for name in (
        ".venv/x.py",
        "dist/old.whl",
        ".env",
        "notes.txt",
        "krm_image_setter/__pycache__/x.pyc",
        "x/y.py",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


@pytest.fixture(scope="session")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the wheel and the sdist."""
    folder = tmp_path_factory.mktemp("built")
    build(source, folder, "--wheel", "--sdist")
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the programs of a new environment that has the wheel."""
    return new_environment(tmp_path_factory.mktemp("environment"), wheel)
