"""Both parsers, and the program in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Program
from orchestrator import Orchestrator, find

from krm_image_setter.yaml import events


@pytest.fixture(params=["c", "pure"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with PyYAML's C parser, and again as where there is none."""
    name: str = request.param
    if name == "pure":
        monkeypatch.setattr(events, "_yaml", None)
    elif events.c_parser() is None:
        pytest.skip("PyYAML was built without libyaml here")
    return name


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program, to be run in an empty folder."""
    return Program(tmp_path)


@pytest.fixture
def kpt(tmp_path: Path) -> Orchestrator:
    return find("kpt", tmp_path)


@pytest.fixture
def kubectl(tmp_path: Path) -> Orchestrator:
    return find("kubectl", tmp_path)


@pytest.fixture
def kustomize(tmp_path: Path) -> Orchestrator:
    return find("kustomize", tmp_path)
