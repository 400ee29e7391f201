"""One run over fixtures/gitops-repository: each kind of file in which repositories keep images.

`expected/` is written by hand, from what the tool that reads each file does with it; kustomize must agree.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import ROOT, Program

REPOSITORY = ROOT / "fixtures/gitops-repository"
CONFIG = str(REPOSITORY / "config.yaml")
SHOP, NGINX = "ghcr.io/acme/shop:1.8.0", "nginx:1.25"
MAILER = "ghcr.io/acme/mailer:3.1.0@sha256:6549e45d0d7c1b529b603410b828af8352e51fb14fe002a5b96833599a82aac8"
OVERLAYS = ("staging", "production")

IMAGES = [
    ("apps/shop/base/cleanup.yaml:12", "busybox:1.36"),
    ("apps/shop/base/deployment.yaml:12", SHOP),
    ("apps/shop/base/deployment.yaml:16", SHOP),
    ("apps/shop/base/deployment.yaml:18", NGINX),
    ("apps/shop/components/metrics/kustomization.yaml:16", "prom/statsd-exporter:v0.26.0"),
    ("apps/shop/overlays/production/kustomization.yaml:12", "nginx:1.26"),
    ("apps/shop/overlays/production/proxy.yaml:4", NGINX),
    ("apps/shop/overlays/production/proxy.yaml:7", "haproxy:3.0-alpine"),
    ("apps/shop/overlays/staging/kustomization.yaml:9", "ghcr.io/acme/shop:1.9.0-rc.1"),
    ("apps/shop/overlays/staging/kustomization.yaml:11", "nginx:1.27"),
    ("argocd/applicationset.yaml:18", SHOP),
    ("argocd/applicationset.yaml:23", NGINX),
    ("charts/shop/Chart.yaml:8", SHOP),
    ("charts/shop/values.yaml:2", SHOP),
    ("charts/shop/values.yaml:7", NGINX),
    ("ci/pipeline.yaml:10", "docker.io/library/python:3.12-slim"),
    ("ci/pipeline.yaml:16", SHOP),
    ("compose.yaml:7", SHOP),
    ("compose.yaml:11", "postgres:16"),
    ("infrastructure/cache.yaml:16", "docker.io/bitnami/redis:7.4.0-debian-12-r1"),
    ("infrastructure/cache.yaml:21", "oliver006/redis_exporter:v1.62.0"),
    ("infrastructure/mailer.yaml:16", MAILER),
    ("infrastructure/mailer.yaml:20", "busybox:1.36"),
    ("policies/operators.yaml:21", "docker.io/acme/operator-index:v4"),
]


@pytest.fixture
def repository(program: Program) -> Program:
    shutil.copytree(REPOSITORY / "input", program.folder, dirs_exist_ok=True)
    return program


def texts(folder: Path) -> dict[str, str]:
    """Return the texts of all files in a folder by their paths."""
    return {
        str(path.relative_to(folder)): path.read_bytes().decode() for path in folder.rglob("*") if path.is_file()
    }


def test_list_of_the_repository_shows_each_image_with_its_location(repository: Program) -> None:
    ran = repository("list", ".", "-o", "json")
    found = [(f"{row['file'].removeprefix('./')}:{row['line']}", row["image"]) for row in json.loads(ran.stdout)]
    assert sorted(found) == sorted(IMAGES), ran.stderr
    assert ran.status == 0


def test_set_in_the_repository_changes_each_location_and_nothing_else(repository: Program) -> None:
    ran = repository("set", ".", "--fn-config", CONFIG, "--in-place")
    assert texts(repository.folder) == texts(REPOSITORY / "expected"), ran.stderr
    assert ran.status == 0
    template = "./charts/shop/templates: 1 Helm template skipped; 1 contains image lines"
    assert [line for line in ran.stderr.splitlines() if "warning" in line] == [
        f"krm-image-setter: warning: {template}"
    ]


def test_second_set_in_the_repository_changes_nothing(repository: Program) -> None:
    shutil.copytree(REPOSITORY / "expected", repository.folder, dirs_exist_ok=True)
    ran = repository("set", ".", "--fn-config", CONFIG, "--check")
    assert (ran.status, ran.stdout) == (0, b""), ran.stderr


def test_list_of_images_outside_the_registry_is_empty_after_set(repository: Program) -> None:
    check = "list", ".", "--not-registry", "registry.example.com", "--check"
    assert repository(*check).status == 1
    repository("set", ".", "--fn-config", CONFIG, "--in-place")
    ran = repository(*check)
    assert (ran.status, ran.stdout) == (0, b""), ran.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_builds_to_what_the_filter_makes_of_its_earlier_build(repository: Program, overlay: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl")
    before = kustomize(REPOSITORY / "input/apps/shop/overlays" / overlay)
    after = kustomize(REPOSITORY / "expected/apps/shop/overlays" / overlay)
    ran = repository("--fn-config", CONFIG, "--on-unused", "ignore", stdin=before)
    assert ran.stdout == after


def kustomize(folder: Path) -> bytes:
    return subprocess.run(["kubectl", "kustomize", folder], capture_output=True, check=True).stdout
