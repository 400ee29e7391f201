"""Files that a search of directories skips are counted and reported."""

from __future__ import annotations

import pytest
from harness import Program

PREFIX = "krm-image-setter: "
POD = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n"
TEMPLATE = "{{ if .Values.on }}\nkind: Pod\nspec: {containers: [{image: nginx:1}]}\n{{ end }}\n"
WITH_LINE = "kind: Pod\nspec:\n  containers:\n  - image: {{ .Values.image }}:{{ .Values.tag }}\n"
NGINX = ("--image", "nginx=nginx:2")


def put(program: Program, files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        program.write(name, "")
        (program.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def test_files_without_resources_are_counted_per_directory(program: Program) -> None:
    put(
        program,
        {"a/pod.yaml": POD, "a/b/other.yaml": "a: 1\n", "a/c.json": "[]", "b/tsconfig.json": "{} // kin\n"},
    )
    ran = program("list", "a", "b", "-o", "names")
    assert ran == (
        0,
        b"nginx:1\n",
        f"{PREFIX}a: 3 files, 1 resource; 2 files are not Kubernetes resources (use --unknown to search them)\n"
        f"{PREFIX}b: 1 file, 0 resources; 1 file is not a Kubernetes resource (use --unknown to search them)\n",
    )
    ran = program("set", "a", *NGINX, "--check")
    assert ran.stderr == (
        f"{PREFIX}a: 3 files, 1 resource; 2 files are not Kubernetes resources (`krm-image-setter list --unknown` "
        f"searches them)\n{PREFIX}would set 1 image in 1 file (3 files, 1 resource read)\n"
    )
    assert program("set", "a", *NGINX, "--check", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("values.yaml", "a: 1\n", id="known file without an image"),
        pytest.param("kustomization.yaml", "resources: [pod.yaml]\n", id="kustomization without a kind"),
        pytest.param("empty.yaml", "", id="empty file"),
        pytest.param("pod.yaml", POD, id="resource"),
        pytest.param("patch.yaml", "- {op: remove, path: /a}\n", id="JSON patch"),
    ],
)
def test_other_files_are_not_counted(program: Program, name: str, text: str) -> None:
    put(program, {f"d/{name}": text})
    ran = program("list", "d", "-o", "names")
    assert ran.stderr == ("" if ran.stdout else f"{PREFIX}no image found in 1 file\n")


def test_templates_of_a_chart_are_reported_on_one_line(program: Program) -> None:
    templates = {f"charts/web/templates/{name}.yaml": TEMPLATE for name in ("a", "b", "tests/c")}
    put(program, {**templates, "charts/web/templates/d.yaml": WITH_LINE, "charts/web/Chart.yaml": "name: web\n"})
    put(program, {"charts/db/templates/e.yaml": TEMPLATE, "charts/db/Chart.yaml": "name: db\n"})
    put(program, {"charts/db/templates/pod.yaml": POD, "charts/db/templates/_f.yaml": "a: {{- b }}\n"})
    lines = (
        f"{PREFIX}charts/db/templates: 2 Helm templates skipped\n"
        f"{PREFIX}warning: charts/web/templates: 4 Helm templates skipped; 1 contains image lines\n"
    )
    ran = program("list", "charts", "-o", "names")
    assert (ran.stdout, "".join(sorted(ran.stderr.splitlines(keepends=True)))) == (b"nginx:1\n", lines)
    assert program("set", "charts/web/templates/a.yaml", *NGINX).status == 2


def test_template_outside_of_a_chart_is_a_warning(program: Program) -> None:
    put(program, {"templates/a.yaml": TEMPLATE})
    assert program("list", "templates").stderr.startswith(f"{PREFIX}warning: templates/a.yaml:")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        pytest.param("a.yaml", b"\0GITCRYPT\0\x01\xff", "encrypted with git-crypt; run `git-crypt unlock`", id="git-crypt"),
        pytest.param(
            "values.yaml",
            b"image: ENC[AES256_GCM,data:x,type:str]\nsops: {mac: 'ENC[AES256_GCM,data:y]'}\n",
            "encrypted with SOPS; a change would make its MAC invalid",
            id="SOPS",
        ),
        pytest.param(
            "a.json", b'{"kind": "Pod" // web\n}', "JSON with comments, which is not valid JSON or YAML; remove", id="JSON with comments"
        ),
    ],
)  # fmt: skip
def test_reason_of_a_skipped_file_is_reported(program: Program, name: str, data: bytes, reason: str) -> None:
    put(program, {f"d/{name}": data})
    assert reason in program("list", "d").stderr
    assert "warning: " in program("list", "d").stderr
