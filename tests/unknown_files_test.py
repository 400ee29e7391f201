"""`list --unknown` searches files that are neither resources nor known files, and suggests `files` for them."""

from __future__ import annotations

import pytest
from harness import Program

HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {quay.io/org/web: 'quay.io/org/web:v2'}\n"
IMAGE = "quay.io/org/web:v1"

# Each row: the name of a file, and its text. The suggested rule changes each `v1`.
FILES = [
    pytest.param("jobs/a.yaml", f"jobs:\n- spec: {{containers: [{{image: '{IMAGE}'}}]}} # c\n", id="container in a list"),
    pytest.param("list.yaml", f"- image: {IMAGE}\r\n- {{x: 1}}\r\n", id="list with CRLF"),
    pytest.param("root.yaml", "repository: quay.io/org/web\ntag: v1\n", id="split reference at the root"),
    pytest.param("[a] #!.yaml", f"image: &i {IMAGE}\nother: é\n", id="file name with special characters"),
    pytest.param("many.yaml", f"image: {IMAGE}\n---\n# c\n---\nsidecarImage: {IMAGE}\n", id="several documents"),
    pytest.param("a.json", f'{{\n\t"image": "{IMAGE}"\n}}\n', id="JSON"),
    pytest.param("text.yaml", f"run: docker run {IMAGE} --rm\n", id="text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), FILES)
def test_suggested_rule_sets_the_image(program: Program, name: str, text: str) -> None:
    program.write(f"d/{name}", text)
    ran = program("list", "d", "--unknown", "--no-config")
    assert (ran.status, ran.stderr) == (0, "")
    assert ran.stdout.startswith(IMAGE.encode())
    program.write("f.yaml", HEAD + "files:\n" + ran.stdout.decode().partition("\nfiles:\n")[2])
    ran = program("set", "d", "--fn-config", "f.yaml", "--in-place", "-q")
    assert (ran.status, ran.stderr) == (0, "")
    assert (program.folder / "d" / name).read_bytes().decode() == text.replace("v1", "v2")
    assert program("list", "d", "--unknown", "--fn-config", "f.yaml").stdout == b""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("values.yaml", f"image: {IMAGE}\n", id="known file"),
        pytest.param("kustomization.yaml", "images: [{name: quay.io/org/web, newTag: v1}]\n", id="kustomization"),
        pytest.param("patch.yaml", f"- {{op: add, path: /spec/image, value: '{IMAGE}'}}\n", id="JSON patch"),
        pytest.param("a.yaml", "name: web\nversion: 1.2.3\n", id="file without images"),
    ],
)
def test_other_files_need_no_rule(program: Program, name: str, text: str) -> None:
    program.write(f"d/{name}", text)
    assert program("list", "d", "--unknown").stdout == b""


def test_file_that_is_not_yaml_is_reported(program: Program) -> None:
    program.write("d/a.yaml", "a: {{ x\n")
    assert program("list", "d", "--unknown").stderr.startswith(
        "krm-image-setter: warning: d/a.yaml:1:4: skipped: invalid YAML: `{{` starts a template action"
    )


def test_discover_prints_no_rules_for_files(program: Program) -> None:
    program.write("d/a.yaml", f"image: {IMAGE}\n")
    assert b"files:" not in program("discover", "d").stdout
