"""Small charts in the forms of public charts: Helm renders the changed values as the changed rendering."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from krm_image_setter import read_config, set_images
from krm_image_setter.images import Reference, check_reference
from krm_image_setter.locators.values import Values
from krm_image_setter.yaml import parsing

HELM = shutil.which("helm")
DIGEST = "sha256:" + "d" * 64
HEAD = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\ncatalog: false\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 9.9.9\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: %s\n"
NAME = "{{ .Values.image.repository }}"
TAG = "{{ .Values.image.tag | default .Chart.AppVersion }}"

#: id: the image in the template, and the values. Each chart renders an image of quay.io/org/web.
CHARTS = {
    "repository and tag": (f'"{NAME}:{{{{ .Values.image.tag }}}}"', "image: {repository: quay.io/org/web, tag: v1}"),
    "empty tag": (f'"{NAME}:{TAG}"', 'image: {repository: quay.io/org/web, tag: ""}'),
    "null tag": (f'"{NAME}:{TAG}"', "image: {repository: quay.io/org/web, tag: }"),
    "missing tag": (f'"{NAME}:{TAG}"', "image: {repository: quay.io/org/web, pullPolicy: Always}"),
    "float tag": (f'"{NAME}:{TAG}"', "image: {repository: quay.io/org/web, tag: 1.20}"),
    "tag with a digest": (f'"{NAME}:{TAG}"', f"image: {{repository: quay.io/org/web, tag: 'v1@sha256:{'e' * 64}'}}"),
    "registry": (
        f'"{{{{ .Values.image.registry }}}}/{NAME}:{TAG}"',
        "image: {registry: quay.io, repository: org/web, tag: v1}",
    ),
    "digest replaces the tag": (
        f'"{NAME}{{{{ if .Values.image.digest }}}}@{{{{ .Values.image.digest }}}}{{{{ else }}}}:{TAG}{{{{ end }}}}"',
        'image: {repository: quay.io/org/web, tag: v1, digest: ""}',
    ),
    "digest after the tag": (
        f'"{NAME}:{TAG}{{{{ with .Values.image.digest }}}}@{{{{ . }}}}{{{{ end }}}}"',
        'image: {repository: quay.io/org/web, tag: v1, digest: ""}',
    ),
    "digits of a digest": (
        f'"{NAME}:{TAG}{{{{ with .Values.image.sha }}}}@sha256:{{{{ . }}}}{{{{ end }}}}"',
        'image: {repository: quay.io/org/web, tag: v1, sha: ""}',
    ),
    "flat keys": ('"{{ .Values.image }}:{{ .Values.imageTag }}"', "image: quay.io/org/web\nimageTag: v1"),
    "whole reference": ("{{ .Values.web.image | quote }}", "web: {image: 'quay.io/org/web:v1'}"),
    "name": (
        '"{{ .Values.webImage.name }}:{{ .Values.webImage.tag }}"', "webImage: {name: quay.io/org/web, tag: v1}"
    ),
    "list": (
        '"{{ (index .Values.images 0).repository }}:{{ (index .Values.images 0).tag }}"',
        "images:\n- {repository: quay.io/org/web, tag: v1}",
    ),
}  # fmt: skip
WISHES = {
    "new tag": ("newTag: '2.0'", Reference("quay.io/org/web", "2.0")),
    "new name and tag": ("newName: mirror.example/web, newTag: v2", Reference("mirror.example/web", "v2")),
    "tag and digest": (f"newTag: v2, digest: '{DIGEST}'", Reference("quay.io/org/web", "v2", DIGEST)),
}


def changed(values: str, entry: str) -> str:
    """Return values with the images set, as if they were in a file of their own."""
    config = read_config(
        f"{HEAD}images: [{{name: quay.io/org/web, {entry}}}]\n"
        "kinds: {Chart.example.com: {path: '{.values}', as: values}}\n"
    )
    head = "apiVersion: example.com/v1\nkind: Chart\nvalues:\n"
    indented = "".join(f"  {line}\n" for line in values.splitlines())
    return re.sub(r"(?m)^  ", "", set_images(head + indented, config).text.removeprefix(head))


def rendered(folder: Path, template: str, values: str) -> Reference:
    """Return the image that Helm renders."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text(values)
    (folder / "templates/pod.yaml").write_text(POD % template)
    command = [str(HELM), "template", "web", str(folder)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return check_reference(re.findall(r'image: "?([^"\n]+)', output)[0])


@pytest.mark.parametrize("chart", CHARTS)
def test_chart_has_an_image(chart: str) -> None:
    (document,) = parsing.parse(CHARTS[chart][1])
    (field,) = Values().fields(document.root, (), document.root)
    assert check_reference(field.current).name == "quay.io/org/web"  # type: ignore[union-attr]


@pytest.mark.skipif(HELM is None, reason="helm is not installed")
@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("chart", CHARTS)
def test_helm_renders_changed_values_as_the_changed_image(chart: str, wish: str, tmp_path: Path) -> None:
    template, values = CHARTS[chart]
    entry, expected = WISHES[wish]
    image = rendered(tmp_path / "chart", template, changed(values, entry))
    if "replaces" in chart and expected.digest:
        expected = expected._replace(tag=None)
    assert image == expected
