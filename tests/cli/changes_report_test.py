"""The option `-o` of `set`: a report about changes, warnings and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from harness import Program

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{image: 'nginx:1'}]}\n"
NGINX = ("--image", "nginx=nginx:2")
PREFIX = "krm-image-setter: "
WOULD = f"{PREFIX}would set 1 image in 1 file (1 file, 1 resource read)"
HINT = "no file was changed, pass `--in-place` to change the files"
CHANGE = {
    "severity": "info",
    "message": 'set image "nginx:1" to "nginx:2"',
    "file": "a.yaml",
    "line": 4,
    "column": 29,
    "resource": {"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "p"},
    "field": "spec.containers[0].image",
    "before": "nginx:1",
    "after": "nginx:2",
}


def rows(program: Program, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(program("set", *arguments, "-o", "json", stdin=stdin).stdout)
    return found


def test_report_does_not_write_files(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml", *NGINX, "-o", "json")
    assert (ran.status, json.loads(ran.stdout), ran.stderr) == (0, [CHANGE], f"{WOULD}; {HINT}\n")
    assert (program.folder / "a.yaml").read_text() == POD


def test_report_of_check_exits_with_1(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml", *NGINX, "--check", "-o", "json", "-q")
    assert (ran.status, json.loads(ran.stdout), ran.stderr) == (1, [CHANGE], "")
    ran = program("set", "a.yaml", "--image", "nginx=nginx:1", "--check", "-o", "json", "-q")
    assert ran == (0, b"[]\n", "")


def test_report_of_in_place_contains_what_was_written(program: Program) -> None:
    program.write("a.yaml", POD)
    program.write("b.yaml", "kind: Pod\nspec: {\n")
    ran = program("set", "a.yaml", "b.yaml", *NGINX, "--in-place", "--keep-going", "-o", "json")
    change, problem = json.loads(ran.stdout)
    assert (ran.status, change) == (2, CHANGE)
    assert (problem["severity"], problem["file"], problem["line"], problem["column"]) == ("error", "b.yaml", 3, 1)
    assert "nginx:2" in (program.folder / "a.yaml").read_text()


def test_report_of_an_error_contains_no_change(program: Program) -> None:
    program.write("a.yaml", POD)
    program.write("b.yaml", "kind: Pod\nspec: {\n")
    for options in ((), ("--in-place",), ("--check",)):
        ran = program("set", "a.yaml", "b.yaml", *NGINX, *options, "-o", "json")
        assert ran.status == 2
        assert [row["severity"] for row in json.loads(ran.stdout)] == ["error"]
    assert (program.folder / "a.yaml").read_text() == POD


def test_report_contains_warnings(program: Program) -> None:
    program.write("a/a.yaml", POD.replace("'nginx:1'", "[nginx]"))
    program.write("a/b.yaml", "apiVersion: v1\nkind: [\n")
    path = "{.spec.containers[*].image}"
    found = rows(program, "a", *NGINX, "--kind", f"Pod={path}")
    field = {"file": "a/a.yaml", "line": 4, "column": 29, "field": "spec.containers[0].image"}
    assert found[0] == {**CHANGE, **field} | {
        "severity": "warning",
        "message": f"not changed: path {path} points to a list, expected a string",
        "before": None,
        "after": None,
    }
    places = [(row["severity"], row["file"], row["line"], row["resource"]) for row in found[1:]]
    assert places == [("warning", None, None, None), ("warning", "a/b.yaml", 3, None)]


def test_report_of_standard_input_names_it(program: Program) -> None:
    assert [row["file"] for row in rows(program, "-", *NGINX, stdin=POD)] == ["standard input"]


def test_report_of_wrong_arguments_is_empty(program: Program) -> None:
    program.write("a.yaml", POD)
    ran = program("set", "a.yaml", *NGINX, "--diff", "-o", "json")
    assert ran == (2, b"", f"{PREFIX}error: `--diff` cannot be combined with `--output`\n")
    assert program("set", "a.yaml", "--image", "x", "-o", "json").stdout == b""


def test_value_of_a_secret_is_not_reported(program: Program) -> None:
    program.write(
        "a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {i: 'nginx:hunter2'}\n"
    )
    for output in ("json", "sarif", "github", "markdown"):
        ran = program("set", "a.yaml", *NGINX, "--kind", "Secret={.stringData.i}", "-o", output)
        assert b"stringData.i" in ran.stdout
        assert "hunter2" not in ran.stdout.decode() + ran.stderr


def test_file_that_is_not_a_resource_is_reported(program: Program) -> None:
    program.write("a/values.yaml", "image: nginx:1\n")
    assert [(row["resource"], row["field"], row["line"]) for row in rows(program, "a", *NGINX)] == [
        (None, "image", 1)
    ]


STRINGS = [
    pytest.param("d: |\n    # ü😀\n    a: x\n    i: 'nginx:1'\n", id="literal block scalar"),
    pytest.param("d: >\n    a: x\n\n    i: nginx:1\n", id="folded block scalar"),
    pytest.param('d: "{\\"a\\": \\"\\\\n\\", \\"i\\": \\"nginx:1\\"}"\n', id="quoted JSON with escapes"),
    pytest.param("d: '{''a'': 1, ''i'': ''nginx:1''}'\n", id="single-quoted string"),
    pytest.param("d: 'a: 1\n\n    i: nginx:1'\n", id="string over several lines"),
    pytest.param("d: &x 'i: nginx:1'\n  e: *x\n", id="anchor"),
    pytest.param("d: |\r\n    a: x\r\n    i: nginx:1\r\n", id="CRLF line endings"),
]


@pytest.mark.parametrize("text", STRINGS)
@pytest.mark.parametrize("start", ["", "kind: A\n---\n"], ids=["one document", "two documents"])
def test_location_in_a_string_is_that_of_the_image(program: Program, start: str, text: str) -> None:
    source = f"{start}apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  {text}"
    program.write("a.yaml", source)
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
    program.write("f.yaml", head + "kinds: {ConfigMap: {path: .data.d, as: yaml, paths: .i}}\n")
    changed = rows(program, "a.yaml", *NGINX, "--fn-config", "f.yaml")
    listed = json.loads(program("list", "a.yaml", "--fn-config", "f.yaml", "-o", "json").stdout)
    assert [row["severity"] for row in changed][:1] == ["info"]
    for row in (changed[0], listed[0]):
        line = source.split("\n")[row["line"] - 1]
        assert line[row["column"] - 1 :].lstrip("'\\\"").startswith("nginx:1")


def test_location_in_a_kustomization_is_that_of_the_entry(program: Program) -> None:
    program.write("a/kustomization.yaml", "resources: [pod.yaml]\nimages:\n- newTag: '1'\n  name: nginx\n")
    program.write("a/pod.yaml", POD.replace("nginx:1", "nginx"))
    found = rows(program, "a", *NGINX)
    place = ("a/kustomization.yaml", 3, 3, "images[0]")
    assert place in [(row["file"], row["line"], row["column"], row["field"]) for row in found]
    listed = json.loads(program("list", "a", "-o", "json").stdout)
    assert place in [(row["file"], row["line"], row["column"], row["path"]) for row in listed]


PATCHES = [
    (
        "JSON patch",
        "- op: add\n      path: /spec/containers/-\n      value:\n        image: nginx:1\n",
        ("Kustomization", 7, "patches[0].patch: [0].value.image"),
    ),
    (
        "strategic merge patch",
        "kind: Pod\n    apiVersion: v1\n    metadata: {name: p}\n    spec: {containers: [{image: nginx:1}]}\n",
        ("Pod", 7, "patches[0].patch: spec.containers[0].image"),
    ),
]


@pytest.mark.parametrize(("patch", "expected"), [row[1:] for row in PATCHES], ids=[row[0] for row in PATCHES])
def test_location_in_a_patch_is_the_line_of_the_image(program: Program, patch: str, expected: Any) -> None:
    program.write("a/kustomization.yaml", f"patches:\n- target: {{kind: Pod}}\n  patch: |\n    {patch}")
    (row,) = rows(program, "a", *NGINX)
    assert (row["resource"]["kind"], row["line"], row["field"]) == expected
    assert row["column"] is None
    markdown = program("set", "a", *NGINX, "-o", "markdown").stdout.decode()
    assert f"/kustomization.yaml:{expected[1]}` |" in markdown


def test_resource_of_an_entry_is_the_kustomization(program: Program) -> None:
    program.write("kustomization.yaml", "images:\n- {name: nginx, newTag: '1'}\n")
    markdown = program("set", "kustomization.yaml", *NGINX, "-o", "markdown").stdout.decode()
    assert "| `Kustomization` | `kustomization.yaml:2` | `images[0]` |" in markdown


def test_pull_policy_is_a_change(program: Program) -> None:
    program.write("a.yaml", POD)
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
    program.write("f.yaml", head + "images: {nginx: 'nginx:2'}\nimagePullPolicy: Always\n")
    found = rows(program, "a.yaml", "--fn-config", "f.yaml")
    assert [(row["field"].rpartition(".")[2], row["after"]) for row in found] == [
        ("image", "nginx:2"), ("imagePullPolicy", "Always"),
    ]  # fmt: skip
    assert {row["line"] for row in found} == {4}
