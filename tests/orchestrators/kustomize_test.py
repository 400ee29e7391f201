"""kubectl kustomize: as exec plugin, and as a container with a stand-in `docker`; kustomize where there is one."""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml
from orchestrator import CONFIG, SET, Orchestrator


def images(text: str) -> dict[str, str]:
    found = {}
    for resource in yaml.safe_load_all(text):
        spec = resource["spec"]
        found[resource["kind"]] = spec.get("image") or spec["template"]["spec"]["containers"][0]["image"]
    return found


def with_transformer(kubectl: Orchestrator, config: str) -> None:
    kubectl.write(
        "app/kustomization.yaml", "resources: [connect.yaml, web.yaml]\ntransformers: [set-images.yaml]\n"
    )
    kubectl.write("app/set-images.yaml", config)


def build_with_plugin(kubectl: Orchestrator, config: str) -> subprocess.CompletedProcess[str]:
    with_transformer(kubectl, config)
    folder = "plugins/krm-image-setter.dev/v1alpha1/imagesetter"
    kubectl.write(f"{folder}/ImageSetter", (kubectl.folder / "bin/krm-image-setter").read_text(), executable=True)
    return kubectl(
        "kustomize",
        "app",
        "--enable-alpha-plugins",
        env={"KUSTOMIZE_PLUGIN_HOME": str(kubectl.folder / "plugins")},
    )


def test_exec_plugin(kubectl: Orchestrator) -> None:
    ran = build_with_plugin(kubectl, CONFIG)
    assert ran.returncode == 0, ran.stderr
    assert images(ran.stdout) == {"KafkaConnect": SET, "Deployment": "docker.io/library/nginx:1.20"}


@pytest.mark.parametrize("tag, status", [("'1.20'", 0), ("1.20", 1)])
def test_exec_plugin_numeric_tag(kubectl: Orchestrator, tag: str, status: int) -> None:
    """kustomize has made 1.2 of an unquoted 1.20 before we see it: an error, never a wrong image."""
    ran = build_with_plugin(kubectl, CONFIG.replace('"1.20"', tag))
    assert ran.returncode == status, ran.stderr
    assert ("quote it" in ran.stderr) == (status == 1)


def test_container_with_stand_in_docker(kubectl: Orchestrator) -> None:
    kubectl.write("bin/docker", f"#!/bin/sh\nexec {sys.executable} -m krm_image_setter\n", executable=True)
    function = "  annotations:\n    config.kubernetes.io/function: |\n      container: {image: krm-image-setter}\n"
    with_transformer(kubectl, CONFIG.replace("  name: set-images\n", "  name: set-images\n" + function))
    ran = kubectl("kustomize", "app", "--enable-alpha-plugins")
    assert ran.returncode == 0, ran.stderr
    assert images(ran.stdout) == {"KafkaConnect": SET, "Deployment": "docker.io/library/nginx:1.20"}


def test_the_pipe(kubectl: Orchestrator) -> None:
    kubectl.write("app/kustomization.yaml", "resources: [connect.yaml, web.yaml]\n")
    built = kubectl("kustomize", "app")
    ran = Orchestrator(str(kubectl.folder / "bin/krm-image-setter"), kubectl.folder)(
        "--fn-config", "set-images.yaml", stdin=built.stdout
    )
    assert ran.returncode == 0, ran.stderr
    assert images(ran.stdout) == {"KafkaConnect": SET, "Deployment": "docker.io/library/nginx:1.20"}


def test_build_exec(kustomize: Orchestrator) -> None:
    function = "  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: krm-image-setter}\n"
    with_transformer(kustomize, CONFIG.replace("  name: set-images\n", "  name: set-images\n" + function))
    ran = kustomize("build", "app", "--enable-alpha-plugins", "--enable-exec")
    assert ran.returncode == 0, ran.stderr
    assert images(ran.stdout) == {"KafkaConnect": SET, "Deployment": "docker.io/library/nginx:1.20"}


def test_fn_run(kustomize: Orchestrator) -> None:
    ran = kustomize(
        "fn", "run", "app", "--enable-exec", "--exec-path", str(kustomize.folder / "bin/krm-image-setter"),
        "--", "name=nginx", "newTag=1.20",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "docker.io/library/nginx:1.20 # pinned" in (kustomize.folder / "app/web.yaml").read_text()
