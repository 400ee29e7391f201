"""Kustomizations in `set` and `list`: files that were passed, and files that they refer to."""

from __future__ import annotations

import re

import pytest
from harness import Program

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: a, image: IMAGE}]}\n"
OVERLAY = "resources: [../base]\nimages:\n- name: nginx\n  newTag: '2'  # tag\n"


@pytest.fixture
def tree(program: Program) -> Program:
    """A base with nginx:1, and an overlay that sets the tag 2."""
    program.write("base/web.yaml", POD.replace("IMAGE", "nginx:1"))
    program.write("base/kustomization.yaml", "resources: [web.yaml]\n")
    program.write("over/Kustomization", OVERLAY)
    return program


def test_check_lists_kustomizations(tree: Program) -> None:
    ran = tree("set", "base", "over", "--image", "nginx=nginx:3", "--check")
    assert (ran.status, ran.stdout) == (1, b"base/web.yaml\nover/Kustomization\n")
    summary = "would set 2 images in 2 files (3 files, 1 resource read)"
    assert ran.stderr == f"krm-image-setter: {summary}\n"


def test_diff_shows_the_entry(tree: Program) -> None:
    ran = tree("set", "base", "over", "--image", "nginx=nginx:3", "--diff", "--quiet")
    assert re.findall(r"^[-+] .*", ran.stdout.decode(), re.MULTILINE) == [
        "-  newTag: '2'  # tag",
        "+  newTag: '3'  # tag",
    ]


def test_in_place_writes_all_files_once(tree: Program) -> None:
    assert tree("set", "base", "over", "--image", "nginx=m.io/nginx:3", "--in-place").status == 0
    assert (tree.folder / "base/web.yaml").read_text() == POD.replace("IMAGE", "m.io/nginx:3")
    text = OVERLAY.replace("'2'", "'3'").replace("name: nginx", "name: m.io/nginx")
    assert (tree.folder / "over/Kustomization").read_text() == text
    ran = tree("set", "base", "over", "--image", "nginx=m.io/nginx:3", "--check")
    assert (ran.status, ran.stdout) == (0, b"")


def test_base_that_was_not_passed_is_read_and_not_written(tree: Program) -> None:
    tree.write("more/Kustomization", OVERLAY.replace("newTag: '2'", "newName: m.io/nginx"))
    ran = tree("set", "more", "--image", "m.io/nginx=m.io/nginx:3", "--in-place", "--quiet")
    assert (ran.status, ran.stderr) == (0, "")
    assert (tree.folder / "base/web.yaml").read_text() == POD.replace("IMAGE", "nginx:1")
    assert (
        (tree.folder / "more/Kustomization").read_text().endswith('  newName: m.io/nginx  # tag\n  newTag: "3"\n')
    )


def test_image_of_a_base_that_was_not_passed_is_reported(tree: Program) -> None:
    tree.write("more/kustomization.yaml", "resources: [../base]\n")
    ran = tree("set", "more", "--image", "nginx=nginx:3", "--check", "--quiet")
    assert (ran.status, ran.stdout) == (0, b"")
    assert 'base/web.yaml:4: not changed: "nginx:1" cannot become "nginx:3" in the build of more' in ran.stderr


def test_kustomization_alone_is_set(program: Program) -> None:
    program.write("kustomization.yaml", OVERLAY)
    ran = program("set", "kustomization.yaml", "--image", "nginx=m.io/nginx:3", "--in-place", "--quiet")
    assert (ran.status, ran.stderr) == (0, "")
    text = (program.folder / "kustomization.yaml").read_text()
    assert text == OVERLAY.replace("'2'", "'3'") + "  newName: m.io/nginx\n"


def test_kustomization_that_is_not_yaml_is_skipped(tree: Program) -> None:
    tree.write("over/Kustomization", "images: [\n")
    ran = tree("set", "base", "over", "--image", "nginx=nginx:3", "--check", "--quiet")
    assert (ran.status, ran.stdout) == (1, b"base/web.yaml\n")
    assert "warning: over/Kustomization:2:1: skipped: invalid YAML" in ran.stderr


def test_list_shows_the_images_that_are_built(tree: Program) -> None:
    patch = "patches: [{patch: '[{op: replace, path: /spec/containers/0/image, value: redis}]', target: {kind: Pod}}]\n"
    tree.write("over/Kustomization", OVERLAY.replace("newTag: '2'", "newName: m.io/nginx") + patch)
    ran = tree("list", "base", "over", "-o", "wide")
    rows = [
        re.split(r" {2,}", line)[:1] + re.split(r" {2,}", line)[-3:-1] for line in ran.stdout.decode().splitlines()
    ]
    assert rows[1:] == [
        ["m.io/nginx:1", "over/Kustomization:3", "images[0]"],
        ["redis", "over/Kustomization:5", "patches[0].patch: spec.containers[0].image"],
    ]
