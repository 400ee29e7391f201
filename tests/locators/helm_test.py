"""Small charts in the forms of public charts: Helm renders the changed values as the changed rendering.

The values are those of a file, of a HelmRelease, or of an Application of Argo CD. `helm` is in the dependency group
`test` for Linux.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from krm_image_setter import read_config, set_images
from krm_image_setter.images import Reference, check_reference
from krm_image_setter.locators.values import VALUES as FORM
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
    "global registry": (
        f'"{{{{ .Values.global.imageRegistry | default .Values.image.registry }}}}/{NAME}:{TAG}"',
        "global: {imageRegistry: ''}\nimage: {registry: quay.io, repository: org/web, tag: v1}",
    ),
    "empty registry": (
        f'"{{{{ with .Values.image.registry }}}}{{{{ . }}}}/{{{{ end }}}}{NAME}:{TAG}"',
        "image: {registry: '', repository: quay.io/org/web, tag: v1}",
    ),
    "integer tag": (f'"{NAME}:{TAG}"', "image: {repository: quay.io/org/web, tag: 20}"),
    "image and tag": ('"{{ .Values.image }}:{{ .Values.tag }}"', "image: quay.io/org/web\ntag: v1"),
    "stem of the version": (
        '"{{ .Values.webImage }}:{{ .Values.webVersion }}"', "webImage: quay.io/org/web\nwebVersion: v1"
    ),
    "flat keys": ('"{{ .Values.image }}:{{ .Values.imageTag }}"', "image: quay.io/org/web\nimageTag: v1"),
    "whole reference": ("{{ .Values.web.image | quote }}", "web: {image: 'quay.io/org/web:v1'}"),
    "name": (
        '"{{ .Values.webImage.name }}:{{ .Values.webImage.tag }}"', "webImage: {name: quay.io/org/web, tag: v1}"
    ),
    "registry with a path": (
        '"{{ .Values.image.registry }}:{{ .Values.image.tag }}"', "image: {registry: quay.io/org/web, tag: v1}"
    ),
    "path": (
        '"{{ .Values.image.registry }}/{{ .Values.image.path }}:{{ .Values.image.tag }}"',
        "image: {registry: quay.io, path: org/web, tag: v1}",
    ),
    "url": ('"{{ .Values.image.url }}:{{ .Values.image.tag }}"', "image: {url: quay.io/org/web, tag: v1}"),
    "list": (
        '"{{ (index .Values.images 0).repository }}:{{ (index .Values.images 0).tag }}"',
        "images:\n- {repository: quay.io/org/web, tag: v1}",
    ),
}  # fmt: skip
WISHES = {
    "new tag": ("newTag: '2.0'", Reference("quay.io/org/web", "2.0")),
    "new name and tag": ("newName: mirror.example/web, newTag: v2", Reference("mirror.example/web", "v2")),
    "tag and digest": (f"newTag: v2, digest: '{DIGEST}'", Reference("quay.io/org/web", "v2", DIGEST)),
    "tag like a large number": ("newTag: '12345678'", Reference("quay.io/org/web", "12345678")),
    "tag like a float": ("newTag: '1e3'", Reference("quay.io/org/web", "1e3")),
    "tag like an octal number": ("newTag: '0777'", Reference("quay.io/org/web", "0777")),
    "tag like a boolean": ("newTag: 'on'", Reference("quay.io/org/web", "on")),
    "tag like null": ("newTag: 'null'", Reference("quay.io/org/web", "null")),
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
    (field,) = FORM.fields(document.root, (), document.root)
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


@pytest.mark.skipif(HELM is None, reason="helm is not installed")
@pytest.mark.parametrize("entry", ["newTag: v2", "newName: quay.io/org/web, newTag: v2"])
@pytest.mark.parametrize("registry", ["", "registry: '', "], ids=["no registry", "empty registry"])
def test_helm_renders_an_image_of_the_global_registry(registry: str, entry: str, tmp_path: Path) -> None:
    values = f"global: {{imageRegistry: quay.io}}\nimage: {{{registry}repository: org/web, tag: v1}}"
    image = rendered(tmp_path / "chart", CHARTS["global registry"][0], changed(values, entry))
    assert image == Reference("quay.io/org/web", "v2")


# Values in resources: each row of VALUES in each row of HOLDERS.

RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec:\n"
APPLICATION = (
    "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web}\n"
    "spec:\n  source:\n    repoURL: https://charts.example.com\n    chart: web\n    helm:\n"
)
#: id: a resource with the values in place of VALUES, which are indented like it, or in place of JSON.
HOLDERS = {
    "HelmRelease": RELEASE + "  values:\n    VALUES\n  interval: 1m\n",
    "Application valuesObject": APPLICATION + "      valuesObject:\n        VALUES\n",
    "Application values": APPLICATION + "      values: |\n        VALUES\n      releaseName: web\n",
    "Application values without a last line break": APPLICATION + "      values: |-\n        VALUES\n",
    "Application values in double quotes": APPLICATION + "      values: JSON\n",
    "HelmChart": (
        "apiVersion: helm.cattle.io/v1\nkind: HelmChart\nmetadata: {name: web}\nspec:\n"
        "  chart: web\n  valuesContent: |\n    VALUES\n"
    ),
}
#: Values whose image is quay.io/org/web, for the template NAME:TAG.
VALUES = {
    "comments": "# the proxy\nimage:  # pinned\n  repository: quay.io/org/web # mirror\n\n  tag: v1   # {}\n",
    "anchors": "x: &image\n  repository: quay.io/org/web\n  tag: v1\nimage: *image\n",
    "anchors of the parts": "r: &r quay.io/org/web\nt: &t v1\nimage: {repository: *r, tag: *t}\n",
    "merge key": "x: &image {repository: quay.io/org/web}\nimage:\n  <<: *image\n  tag: v1\n",
    "empty tag": 'image:\n  repository: "quay.io/org/web"\n  tag: ""\n',
    "null tag": "image:\n  repository: 'quay.io/org/web'\n  tag: null\n",
    "no value of the tag": "image:\n  tag:\n  repository: quay.io/org/web\n",
    "float tag": "image: {repository: quay.io/org/web, tag: 1.20}\n",
    "tag with a digest": f"image:\n  repository: quay.io/org/web\n  tag: v1@sha256:{'e' * 64}\n",
}
NEW = Reference("mirror.example/web", "2.0", DIGEST)


def held(document: Any) -> Any:
    """Return the values in a resource. Controllers read a mapping as JSON."""
    spec = document["spec"]
    helm = spec["source"]["helm"] if "source" in spec else spec
    found = next(helm[key] for key in ("values", "valuesObject", "valuesContent") if key in helm)
    return found if isinstance(found, str) else json.dumps(found)


@pytest.mark.skipif(HELM is None, reason="helm is not installed")
@pytest.mark.parametrize("line_break", ["\n", "\r\n"], ids=["LF", "CR LF"])
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("holder", HOLDERS)
def test_helm_renders_changed_values_of_a_resource_as_the_changed_image(
    holder: str, values: str, line_break: str, tmp_path: Path
) -> None:
    indented = re.sub(
        r"(?m)^( *)VALUES\n", lambda found: re.sub("(?m)^(?=.)", found[1], VALUES[values]), HOLDERS[holder]
    )
    text = indented.replace("JSON", json.dumps(VALUES[values])).replace("\n", line_break)
    entry = f"{{name: quay.io/org/web, newName: {NEW.name}, newTag: '{NEW.tag}', digest: '{DIGEST}'}}"
    outcome = set_images(text, read_config(f"{HEAD.replace('catalog: false', '')}images: [{entry}]\n"))
    assert outcome.text.count(line_break) == outcome.text.count("\n")
    new = held(yaml.safe_load(outcome.text))
    assert rendered(tmp_path / "chart", f'"{NAME}:{TAG}"', new) == NEW
