"""A lock from a real registry is a functionConfig for kubectl kustomize, kpt and the filter, without a change."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from orchestrator import Orchestrator
from registry.servers import SKOPEO, docker_registry, login_environment, needs_registry, push

pytestmark = needs_registry

APP = {
    "web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      # the server
      - name: web
        image: "HOST/web:1.27" # main
      - name: old
        image: HOST/web:1.26
      - {name: proxy, image: HOST/proxy}
""",
    "connect.yaml": """\
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata: {name: connect}
spec:
  image: HOST/connect:0.40 # ours
""",
    "redpanda.yaml": """\
apiVersion: cluster.redpanda.com/v1alpha2
kind: StretchCluster
metadata: {name: redpanda}
spec: {image: {repository: HOST/web, tag: "1.27"}}
""",
    "values.yaml": """\
# of the chart
image:
  registry: HOST
  repository: connect
  tag: "0.40"
  digest: ""
""",
}


class Images(NamedTuple):
    host: str
    digests: dict[str, str]


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    with docker_registry() as host:
        names = ("web:1.27", "web:1.26", "proxy:latest", "connect:0.40")
        yield Images(host, {name: push(host, name, ["linux/amd64", "linux/arm64"], label=name) for name in names})


@pytest.fixture(autouse=True)
def _environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in login_environment(tmp_path).items():
        monkeypatch.setenv(name, value)


def written(orchestrator: Orchestrator, images: Images) -> None:
    """Write the files of APP, and lock them."""
    for name, text in APP.items():
        orchestrator.write(f"app/{name}", text.replace("HOST", images.host))
    locked(orchestrator, "lock", "app", "-o", "images.lock.yaml")


def locked(orchestrator: Orchestrator, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(
        ["krm-image-setter", *arguments],
        cwd=orchestrator.folder,
        env={**os.environ, "PATH": orchestrator.path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == status, ran.stderr
    return ran


def expected(images: Images, name: str) -> str:
    text = APP[name]
    if name == "redpanda.yaml":
        text = text.replace('1.27"', f'1.27@{images.digests["web:1.27"]}"')
    if name == "values.yaml":
        text = text.replace('digest: ""', f'digest: "{images.digests["connect:0.40"]}"')
    for image, digest in images.digests.items():
        text = text.replace(f"HOST/{image}", f"HOST/{image}@{digest}")
    text = text.replace("HOST/proxy}", f"HOST/proxy:latest@{images.digests['proxy:latest']}}}")
    return text.replace("HOST", images.host)


def test_set_pins_all_forms_and_keeps_the_rest(kpt: Orchestrator, images: Images) -> None:
    written(kpt, images)
    lock = (kpt.folder / "images.lock.yaml").read_text()
    locked(kpt, "set", "app", "--fn-config", "images.lock.yaml", "--in-place")
    assert {name: (kpt.folder / "app" / name).read_text() for name in APP} == {
        name: expected(images, name) for name in APP
    }
    locked(kpt, "list", "app", "--unpinned", "--check")
    locked(kpt, "lock", "app", "-o", "images.lock.yaml")
    assert (kpt.folder / "images.lock.yaml").read_text() == lock
    locked(kpt, "verify", "app", "--tags-must-match", "--platform", "linux/amd64", "--platform", "linux/arm64")
    locked(kpt, "lock", "app", "-o", "images.lock.yaml", "--check")
    moved = push(images.host, "web:1.26", label="moved")
    try:
        ran = locked(kpt, "lock", "app", "-o", "images.lock.yaml", "--check", status=1)
        assert f'/web:1.26" has moved from {images.digests["web:1.26"]} to {moved}; it is used in' in ran.stdout
        locked(kpt, "verify", "app")
        locked(kpt, "verify", "app", "--tags-must-match", status=1)
    finally:
        push(images.host, "web:1.26", ["linux/amd64", "linux/arm64"], label="web:1.26")


def test_skopeo_has_the_same_digests(kpt: Orchestrator, images: Images) -> None:
    written(kpt, images)
    entries = yaml.safe_load((kpt.folder / "images.lock.yaml").read_text())["images"]
    assert len(entries) == len(images.digests)
    for entry in entries:
        command = [
            str(SKOPEO),
            "inspect",
            "--tls-verify=false",
            "--format",
            "{{.Digest}}",
            f"docker://{entry['name']}",
        ]
        assert (
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == entry["digest"]
        )


def test_kpt_accepts_lock(kpt: Orchestrator, images: Images) -> None:
    written(kpt, images)
    (kpt.folder / "app/values.yaml").unlink()  # kpt reads only resources
    ran = kpt("fn", "eval", "app", "--exec", "krm-image-setter", "--fn-config", "images.lock.yaml")
    assert ran.returncode == 0, ran.stderr
    for name in ("web.yaml", "connect.yaml"):
        assert yaml.safe_load((kpt.folder / "app" / name).read_text()) == yaml.safe_load(expected(images, name))


def test_kubectl_kustomize_accepts_lock(kubectl: Orchestrator, images: Images) -> None:
    written(kubectl, images)
    folder = "plugins/krm-image-setter.dev/v1alpha1/imagesetter"
    kubectl.write(f"{folder}/ImageSetter", (kubectl.folder / "bin/krm-image-setter").read_text(), executable=True)
    kubectl.write("app/images.lock.yaml", (kubectl.folder / "images.lock.yaml").read_text())
    resources = "resources: [web.yaml, connect.yaml, redpanda.yaml]\n"
    kubectl.write("app/kustomization.yaml", f"{resources}transformers: [images.lock.yaml]\n")
    plugins = {"KUSTOMIZE_PLUGIN_HOME": str(kubectl.folder / "plugins")}
    ran = kubectl("kustomize", "app", "--enable-alpha-plugins", env=plugins)
    assert ran.returncode == 0, ran.stderr
    built = list(yaml.safe_load_all(ran.stdout))
    wanted = [yaml.safe_load(expected(images, name)) for name in ("web.yaml", "redpanda.yaml", "connect.yaml")]
    assert sorted(built, key=str) == sorted(wanted, key=str)


def test_filter_accepts_lock(kpt: Orchestrator, images: Images) -> None:
    written(kpt, images)
    with (kpt.folder / "app/web.yaml").open() as manifest:
        ran = subprocess.run(
            ["krm-image-setter", "--fn-config", "images.lock.yaml"],
            stdin=manifest,
            cwd=kpt.folder,
            env={**os.environ, "PATH": kpt.path},
            capture_output=True,
            text=True,
            check=True,
        )
    assert ran.stdout == expected(images, "web.yaml")
