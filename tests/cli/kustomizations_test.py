"""Warnings about kustomizations with a name that `set` changes."""

from __future__ import annotations

import pytest
from harness import Program

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: a, image: IMAGE}]}}}
"""
REGISTRY = (
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nregistries: [{from: docker.io, to: m.io}]\n"
)
RENAMED = "base/web.yaml: Deployment/web: spec.template.spec.containers[0].image"
OVERLAY = "resources: [../base]\nimages:\n- newTag: '2'\n  name: NAME\n"


@pytest.mark.parametrize(
    "name, image, new",
    [
        pytest.param("nginx", "nginx:1", "m.io/library/nginx:1", id="short name"),
        pytest.param("docker.io/library/nginx", "docker.io/library/nginx", "m.io/library/nginx", id="whole name"),
        pytest.param("a/b", "a/b@sha256:" + "0" * 64, "m.io/a/b@sha256:" + "0" * 64, id="digest"),
    ],
)
def test_entry_that_matches_a_changed_name_is_reported(program: Program, name: str, image: str, new: str) -> None:
    program.write("base/web.yaml", DEPLOYMENT.replace("IMAGE", image))
    program.write("over/kustomization.yaml", OVERLAY.replace("NAME", name))
    program.write("c.yaml", REGISTRY)
    ran = program("set", "base", "over", "--fn-config", "c.yaml", "--check", "--quiet")
    assert (ran.status, ran.stdout) == (1, b"base/web.yaml\n")
    assert ran.stderr == (
        f'krm-image-setter: warning: over/kustomization.yaml:4: images[0].name: "{name}" '
        f'will no longer match {RENAMED}, which becomes "{new}"; change this name too\n'
    )


@pytest.mark.parametrize(
    "overlay, image",
    [
        pytest.param(OVERLAY.replace("NAME", "redis"), "nginx:1", id="another name"),
        pytest.param(OVERLAY.replace("NAME", "nginx"), "quay.io/a/b", id="unchanged name"),
        pytest.param("resources: [../base]\n", "nginx:1", id="no images"),
        pytest.param("images: [a, {newTag: b}, {name: [c]}]\n", "nginx:1", id="invalid entries"),
        pytest.param("images: {a: b}\n", "nginx:1", id="mapping instead of a list"),
    ],
)
def test_entry_that_still_matches_is_not_reported(program: Program, overlay: str, image: str) -> None:
    program.write("base/web.yaml", DEPLOYMENT.replace("IMAGE", image))
    program.write("over/kustomization.yaml", overlay)
    program.write("c.yaml", REGISTRY + "onUnused: ignore\n")
    ran = program("set", "base", "over", "--fn-config", "c.yaml", "--check", "--quiet")
    assert ran.stderr == ""
