"""The page pin-and-mirror.md, with two registries on loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from harness import ROOT
from registry.servers import docker_registry, login_environment, needs_registry, push
from story import bash, run_story, told, written_files

pytestmark = needs_registry
PAGE = ROOT / "docs/pin-and-mirror.md"
IMAGES = ("acme/connect:0.40", "acme/mailer:3.1", "acme/proxy:latest", "acme/shop:1.8.0")
WORKFLOW = ".github/workflows/refresh-images.yaml"


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, str]]:
    """Run a registry for each of the two hosts of the page. The first one has the images."""
    with docker_registry() as source, docker_registry() as target:
        for image in IMAGES:
            push(source, image, ["linux/amd64", "linux/arm64"], label=image)
        insecure = "".join(f'[[registry]]\nlocation = "{host}"\ninsecure = true\n' for host in (source, target))
        settings = tmp_path / "home/.config/containers/registries.conf"  # story.py sets HOME
        settings.parent.mkdir(parents=True)
        settings.write_text(insecure)
        for name, value in login_environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield {"ghcr.io": source, "registry.example.com": target}


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_commands_of_the_page(hosts: Mapping[str, str], tmp_path: Path) -> None:
    run_story(told(PAGE), PAGE, tmp_path, hosts)


def test_workflow_opens_a_pull_request_for_new_digests(hosts: Mapping[str, str], tmp_path: Path) -> None:
    host = hosts["registry.example.com"]
    for image in IMAGES:
        push(host, image, label=image)
    written_files(told(PAGE), tmp_path, {**hosts, "ghcr.io": host})
    (tmp_path / "functions.yaml").unlink()
    calls = tmp_path / "calls"
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    gh.chmod(0o755)
    script = (
        "git init --quiet --bare ../origin.git; git init --quiet; git remote add origin ../origin.git\n"
        "krm-image-setter lock deploy -o images.lock.yaml\n"
        "krm-image-setter set deploy --fn-config images.lock.yaml --in-place\n"
        "git add deploy images.lock.yaml; git -c user.name=a -c user.email=b@c commit --quiet --message Start\n"
    )
    assert bash(script, tmp_path).returncode == 0
    job = yaml.safe_load((tmp_path / WORKFLOW).read_text())["jobs"]["refresh"]
    steps = [step["run"] for step in job["steps"] if "run" in step and not step["run"].startswith("pip ")]
    assert len(steps) == 3
    run_steps(steps, tmp_path)
    assert not calls.exists()
    new = push(host, "acme/shop:1.8.0", label="new")
    run_steps(steps, tmp_path)
    assert calls.read_text() == "pr create --fill --head refresh-images\n"
    shown = subprocess.run(
        ["git", "show", "--stat", "--format=%s", "refresh-images"],
        cwd=tmp_path.parent / "origin.git",
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "100"},
    ).stdout
    assert shown.startswith("Refresh the digests of images")
    assert "2 files changed, 2 insertions(+), 2 deletions(-)" in shown
    assert new in (tmp_path / "deploy/shop.yaml").read_text()


def run_steps(steps: list[str], folder: Path) -> None:
    for step in steps:
        done = bash(step, folder)
        assert done.returncode == 0, done
