"""All three readers, and the program in an empty folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Program
from locking import Locking, registry_on_loopback
from orchestrator import Orchestrator, find

from krm_image_setter.yaml import events, lines

# Tests find programs of packages, such as helm, also if the virtual environment is not active. Other programs win.
os.environ["PATH"] += f"{os.pathsep}{Path(sys.executable).parent}"


@pytest.fixture(params=["lines", "c", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each of the readers: by lines where that will do, by the C parser, by the pure one."""
    name: str = request.param
    if name != "lines":
        monkeypatch.setattr(lines, "read", lambda _: None)
    if name == "pure":
        monkeypatch.setattr(events, "c_parser", lambda: None)
    elif name == "c" and events.c_parser() is None:
        pytest.skip("PyYAML was built without libyaml here")
    return name


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program, to be run in an empty folder."""
    return Program(tmp_path)


@pytest.fixture
def locking(program: Program) -> Iterator[Locking]:
    """Return the program with a registry on loopback."""
    with registry_on_loopback() as registry:
        yield Locking(program, registry)


@pytest.fixture
def kpt(tmp_path: Path) -> Orchestrator:
    return find("kpt", tmp_path)


@pytest.fixture
def kubectl(tmp_path: Path) -> Orchestrator:
    return find("kubectl", tmp_path)


@pytest.fixture
def kustomize(tmp_path: Path) -> Orchestrator:
    return find("kustomize", tmp_path)
