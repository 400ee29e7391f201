"""Each pair and each difference of docs/import.md, run; and kustomizations beside `kubectl kustomize`."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import pytest
import yaml
from harness import ROOT, Program, before_and_after
from importers.acceptance import filled
from orchestrator import Orchestrator

from krm_image_setter import read_config, set_images

PAGE = (ROOT / "docs/import.md").read_text()


class Pair(NamedTuple):
    """The files of a tool, the first of them to be imported; what is written; and a manifest."""

    files: dict[str, str]
    fields: str
    lines: str


def pairs() -> list[Pair]:
    found: list[Pair] = []
    files: dict[str, str] = {}
    fields = ""
    for language, body in re.findall(r"^```(yaml|text)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        name = re.match(r"# (\S+\.yaml)\n", body)
        if language == "text":
            found.append(Pair(files, fields, body))
            files = {}
        elif name:
            files[name[1]] = body
        else:
            fields = body
    return found


PAIRS = pairs()


def test_there_are_pairs() -> None:
    assert [next(iter(pair.files)).removesuffix(".yaml") for pair in PAIRS] == [
        *["kustomization"] * 2,
        *["kbld"] * 2,
        "skaffold",
    ]


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.fields for pair in PAIRS])
def test_pair(program: Program, pair: Pair) -> None:
    program.write("connect.yaml", "")
    for name, text in pair.files.items():
        program.write(name, text)
    ran = program("import", next(iter(pair.files)))
    assert (ran.status, ran.stderr) == (0, "")
    written = ran.stdout.decode()
    fields = written.partition("  name: set-images\n")[2]
    if os.environ.get("WRITE_GOLDEN"):
        page = ROOT / "docs/import.md"
        page.write_text(page.read_text().replace(f"```yaml\n{pair.fields}```", f"```yaml\n{fields}```"))
    assert fields == pair.fields, "WRITE_GOLDEN=1 writes docs/import.md"
    before, after, _ = before_and_after(pair.lines)
    outcome = set_images(before, read_config(filled(written, "registry/app:2")))
    assert (outcome.text, [str(result) for result in outcome.results if result.severity != "info"]) == (after, [])


RESOURCES = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      initContainers:
      - name: init
        image: busybox
      containers:
      - name: web
        image: nginx:1.25
      - name: proxy
        image: quay.io/org/proxy:1@sha256:1111111111111111111111111111111111111111111111111111111111111111
---
apiVersion: mesh.example.com/v1beta2
kind: Mesh
metadata:
  name: mesh
spec:
  image: envoy
  sidecars:
  - image: nginx:1.24
  - image: other:1
---
apiVersion: example.com/v1
kind: Widget
metadata:
  name: widget
spec:
  image: nginx:1.24
  parts:
    a/b:
      image: nginx
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  image: nginx:1.24
"""
NEW = "sha256:" + "2" * 64
CONFIGURATION = "images:\n- {path: spec/image}\n- {path: 'spec/sidecars[]/image', kind: Mesh}\n"
BUILDS = {
    "tags": "images: [{name: nginx, newTag: '1.27'}, {name: busybox, newTag: v1}]\n",
    "names": "images: [{name: nginx, newName: a/nginx}, {name: quay.io/org/proxy, newName: b}]\n",
    "digests": f"images: [{{name: quay.io/org/proxy, digest: '{NEW}'}}, {{name: busybox, newTag: v1, "
    f"digest: '{NEW}'}}]\n",
    "one after the other": "images: [{name: nginx, newName: a}, {name: nginx, newTag: v1}, {name: a, newTag: v2},"
    " {name: busybox, newName: nginx}, {name: nginx, newTag: v3}]\n",
    "there and back": "images: [{name: nginx, newName: busybox}, {name: busybox, newName: nginx}]\n",
    "a tag that only one has": "images: [{name: 'nginx:1.25', newTag: v1}, {name: nginx, newTag: v2}]\n",
    "the last counts": "images: [{name: nginx, newTag: v1}, {name: nginx, newTag: v2}]\n"
    "imageTags: [{name: nginx, newTag: v3}]\n",
    "a suffix behind a tag": "images: [{name: nginx, newTag: v1, tagSuffix: -x}]\n",
    "configurations": "configurations: [config.yaml]\n"
    "images: [{name: nginx, newTag: v1}, {name: envoy, newTag: v2}]\n",
    "a group": "configurations: [group.yaml]\nimages: [{name: nginx, newTag: v1}, {name: envoy, newTag: v2}]\n",
    "a version": "configurations: [version.yaml]\n"
    "images: [{name: nginx, newTag: v1}, {name: envoy, newTag: v2}]\n",
    "a slash in a key": "configurations: [slash.yaml]\nimages: [{name: nginx, newTag: v1}]\n",
    "a transformer": "images: [{name: nginx, newName: a}]\ntransformers: [transformer.yaml]\n",
    "a transformer of one's own": "transformers:\n- |\n  apiVersion: builtin\n  kind: ImageTagTransformer\n"
    "  metadata: {name: a}\n  imageTag: {name: nginx, newTag: v1}\n"
    "  fieldSpecs: [{path: spec/image, kind: Widget}]\n",
}
OTHERS = {
    "config.yaml": CONFIGURATION,
    "group.yaml": "images: [{path: spec/image, group: example.com}]\n",
    "version.yaml": "images: [{path: spec/image, version: v1}, {path: spec/image, version: v1beta2}]\n",
    "slash.yaml": "images: [{path: 'spec/parts/a\\/b/image', kind: Widget}]\n",
    "transformer.yaml": "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: a}\n"
    "imageTag: {name: a, newTag: v1}\n",
}


def build(kubectl: Orchestrator, kustomization: str) -> str:
    kubectl.write("build/kustomization.yaml", f"resources: [resources.yaml]\n{kustomization}")
    ran = kubectl("kustomize", "build")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("kustomization", BUILDS.values(), ids=list(BUILDS))
def test_what_kubectl_kustomize_makes(kubectl: Orchestrator, program: Program, kustomization: str) -> None:
    kubectl.write("build/resources.yaml", RESOURCES)
    for name, text in OTHERS.items():
        kubectl.write(f"build/{name}", text)
    unchanged = build(kubectl, "")
    wanted = build(kubectl, kustomization)
    assert wanted != unchanged
    program.write("imported.yaml", program("import", "build/kustomization.yaml").stdout.decode())
    ran = program("--fn-config", "imported.yaml", stdin=unchanged)
    assert ran.status == 0, ran.stderr
    assert list(yaml.safe_load_all(ran.stdout)) == list(yaml.safe_load_all(wanted))


DIFFERENCES = re.findall(r"^\| (\w+) \| `(.*?)` \| `(.*?)` \| `(.*?)` \| `(.*?)` \|$", PAGE, re.MULTILINE)


def pod(field: str, image: str) -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  {field}:\n  - name: a\n    image: {image!r}\n"
    )


def test_there_are_differences() -> None:
    assert len(DIFFERENCES) >= 7
    assert all(theirs != ours for *_, theirs, ours in DIFFERENCES)


@pytest.mark.parametrize("field, entry, image, theirs, ours", DIFFERENCES)
def test_difference_here(program: Program, field: str, entry: str, image: str, theirs: str, ours: str) -> None:
    program.write("kustomization.yaml", f"images: [{entry}]\n")
    program.write("imported.yaml", program("import", "kustomization.yaml").stdout.decode())
    ran = program("--fn-config", "imported.yaml", "--on-unused", "ignore", stdin=pod(field, image))
    assert yaml.safe_load(ran.stdout)["spec"][field][0]["image"] == ours


@pytest.mark.parametrize("field, entry, image, theirs, ours", DIFFERENCES)
def test_difference_there(
    kubectl: Orchestrator, field: str, entry: str, image: str, theirs: str, ours: str
) -> None:
    kubectl.write("build/resources.yaml", pod(field, image))
    assert yaml.safe_load(build(kubectl, f"images: [{entry}]\n"))["spec"][field][0]["image"] == theirs
