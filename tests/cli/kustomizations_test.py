"""Kustomizations in `set` and `list`: files that were passed, and files that they refer to."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from harness import Program

from krm_image_setter.cli import kustomizations
from krm_image_setter.cli.files import find_files

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


@pytest.mark.parametrize("mode", ["--check", "--diff", "--in-place"])
def test_entry_that_cannot_set_its_only_image_is_an_error(tree: Program, mode: str) -> None:
    tree.write("more/kustomization.yaml", "resources: [../base]\n")
    ran = tree("set", "more", "--image", "nginx=nginx:3", "--on-unused", "error", mode)
    assert (ran.status, ran.stdout) == (2, b"")
    message = 'no image "nginx" was set: "nginx:1" cannot become "nginx:3" in the build of more/kustomization.yaml'
    assert f"krm-image-setter: error: {message}\n" in ran.stderr


def test_image_of_a_base_that_gitignore_excludes_is_reported(tree: Program) -> None:
    tree.write(".gitignore", "base\n")
    tree.write("over/Kustomization", "resources: [../base]\n")
    ran = tree("set", ".", "--image", "nginx=nginx:3", "--in-place")
    assert "./over/Kustomization: ./base/web.yaml:4: not changed" in ran.stderr
    assert (
        "the file was not passed, or .gitignore excludes it; name it on the command line, or add an entry with the "
        'name "nginx" to `images` of this kustomization' in ran.stderr
    )
    tree.write("over/Kustomization", "resources: [../base]\nimages:\n- name: nginx\n")
    assert tree("set", ".", "--image", "nginx=nginx:3", "--in-place", "--quiet") == (0, b"", "")
    text = (tree.folder / "over/Kustomization").read_text()
    assert text == 'resources: [../base]\nimages:\n- name: nginx\n  newTag: "3"\n'


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


def test_list_shows_the_image_that_a_base_alone_builds(tree: Program) -> None:
    images = "images: [{name: nginx, newName: a.b/c}]\n"
    tree.write("base/kustomization.yaml", f"resources: [web.yaml]\n{images}")
    tree.write("over/Kustomization", OVERLAY.replace("name: nginx", "name: a.b/c\n  newName: m.io/nginx"))
    ran = tree("list", ".", "--not-registry", "m.io", "--unknown", "--check")
    assert (ran.status, ran.stdout.decode().splitlines()[0]) == (1, "a.b/c:1")
    assert "./base/kustomization.yaml:2 " in ran.stdout.decode()
    assert tree("list", ".", "-o", "names").stdout == b"a.b/c:1\nm.io/nginx:2\n"


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n"


def read_from(folder: Path, path: str) -> str | None:
    """Return the text that the kustomization in `folder`/over reads from a file."""
    sources = kustomizations.kustomized_sources(find_files([str(folder / "over")]))
    assert sources is not None
    return sources.read(path)


def test_file_outside_the_repository_is_not_read(tree: Program) -> None:
    base, outside = str(tree.folder / "base/web.yaml"), str(tree.folder.parent / "outside.yaml")
    Path(outside).write_text(POD)
    (tree.folder / "base/link.yaml").symlink_to(outside)
    link = str(tree.folder / "base/link.yaml")
    assert [read_from(tree.folder, path) is not None for path in (base, outside, link)] == [True, True, True]
    (tree.folder / ".git").mkdir()
    assert [read_from(tree.folder, path) is not None for path in (base, outside, link)] == [True, False, False]


def test_large_file_is_not_read(tree: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomizations, "_MOST_BYTES", 100)
    for size, is_read in ((100, True), (101, False)):
        path = tree.folder / f"base/{size}.yaml"
        path.write_text("#" * size)
        assert (read_from(tree.folder, str(path)) is not None) == is_read


def test_large_files_together_are_not_read(tree: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kustomizations, "_MOST_BYTES", 100)
    sources = kustomizations.kustomized_sources(find_files([str(tree.folder / "over")]))
    assert sources is not None
    names = [tree.write(f"base/{number}.yaml", "#" * 60) for number in range(2)]
    assert [sources.read(str(tree.folder / name)) is not None for name in names] == [True, False]


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux has this file")
def test_file_without_an_end_is_read_up_to_its_size(tree: Program) -> None:
    assert Path("/proc/self/status").stat().st_size == 0
    assert read_from(tree.folder, "/proc/self/status") == ""


def test_pipe_that_replaces_a_file_is_not_read(tree: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tree.folder / "base/pipe.yaml")
    monkeypatch.setattr(os.path, "isfile", os.path.exists)
    assert read_from(tree.folder, str(tree.folder / "base/pipe.yaml")) is None


@pytest.mark.parametrize("path", ["../pipe", "/dev/zero", "/dev/stdin", "/etc/passwd", "../key"])
@pytest.mark.parametrize("field", ["resources", "transformers", "configurations", "patchesStrategicMerge"])
def test_file_that_is_not_a_manifest_is_ignored(tree: Program, field: str, path: str) -> None:
    os.mkfifo(tree.folder / "pipe")
    tree.write("key", "-----BEGIN KEY-----\nhunter2\n-----END KEY-----\n")
    tree.write("over/kustomization.yaml", f"{OVERLAY}{field}: [{path}]\n".replace("resources: [../base]\n", ""))
    (tree.folder / "over/Kustomization").unlink()
    tree.write("over/web.yaml", POD.replace("IMAGE", "redis:1"))
    ran = tree("set", "over", "--image", "redis=redis:2", "--check", "--quiet")
    assert (ran.status, ran.stdout) == (1, b"over/web.yaml\n")
    assert not re.search("hunter|BEGIN|root:|Traceback", ran.stderr)


@pytest.mark.parametrize("command", ["list .", "explain .", "set . --image hunter=x --diff"])
def test_value_of_a_secret_is_not_shown(tree: Program, command: str) -> None:
    """kustomize can set any field as an image, also a field of a Secret."""
    tree.write("over/secret.yaml", SECRET)
    tree.write("over/fields.yaml", "images: [{path: stringData/password, kind: Secret}]\n")
    text = "resources: [secret.yaml, ../base]\nconfigurations: [fields.yaml]\nimages: [{name: '.*', newTag: x}]\n"
    tree.write("over/Kustomization", text)
    ran = tree(*command.split())
    assert "hunter2" not in ran.stdout.decode() + ran.stderr


@pytest.mark.parametrize(
    "link, target, kustomization",
    [
        pytest.param("over/web.yaml", "real.yaml", "resources: [web.yaml]\n", id="resource"),
        pytest.param("over/pods", ".", "resources: [pods/real.yaml]\n", id="directory of a resource"),
        pytest.param("base", "over", "resources: [../base/real.yaml]\n", id="other directory"),
        pytest.param("over/patch.yaml", "real.yaml", "patches: [{path: patch.yaml}]\n", id="patch"),
    ],
)
def test_target_of_a_symbolic_link_is_set(program: Program, link: str, target: str, kustomization: str) -> None:
    program.write("over/real.yaml", POD.replace("IMAGE", "nginx:1"))
    program.write("over/kustomization.yaml", f"{kustomization}images: [{{name: redis, newTag: '2'}}]\n")
    (program.folder / link).symlink_to(target)
    ran = program("set", ".", "--image", "nginx=m.io/nginx:3", "--in-place")
    summary = "set 1 image in 1 file (2 files, 1 resource read)"
    assert (ran.status, ran.stderr) == (0, f"krm-image-setter: {summary}\n")
    assert (program.folder / "over/real.yaml").read_text() == POD.replace("IMAGE", "m.io/nginx:3")


def test_base_behind_a_symbolic_link_is_followed(tree: Program) -> None:
    (tree.folder / "link").symlink_to("base")
    tree.write("over/Kustomization", OVERLAY.replace("../base", "../link"))
    ran = tree("set", ".", "--image", "nginx=m.io/nginx:3", "--in-place", "--quiet")
    assert (ran.status, ran.stderr) == (0, "")
    text = OVERLAY.replace("../base", "../link").replace("'2'", "'3'").replace("name: nginx", "name: m.io/nginx")
    assert (tree.folder / "over/Kustomization").read_text() == text


def test_resource_with_a_null_character_in_its_path_is_reported(tree: Program) -> None:
    tree.write("over/Kustomization", 'resources: ["a\\0b"]\n')
    ran = tree("set", ".", "--image", "nginx=nginx:3", "--image", "x=y", "--check", "--quiet")
    assert ran.status == 1
    assert "images of the resource" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("field", ["resources: [empty.yaml]", "patches: [{path: empty.yaml}]"])
def test_file_with_only_comments_is_known_to_have_no_images(tree: Program, field: str) -> None:
    tree.write("more/kustomization.yaml", f"{field}\n")
    tree.write("more/empty.yaml", "# generated later\n")
    ran = tree("set", ".", "--image", "redis=redis:3", "--on-unused", "ignore", "--check")
    assert "unknown;" not in ran.stderr
