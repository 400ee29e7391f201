"""Files with Helm values that other files refer to."""

from __future__ import annotations

import pytest
from harness import Program

from krm_image_setter import read_config, set_images_in
from krm_image_setter.catalog.values_files import with_values
from krm_image_setter.config import ImageSetter
from krm_image_setter.documents import Stream

ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n"
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {chart: {spec: {valuesFiles: [%s]}}}\n"
KUSTOMIZATION = "helmCharts: [{name: a, valuesFile: prod.yaml, additionalValuesFiles: [../b/more.yaml]}]\n"

REFERENCES = [
    pytest.param("a.yaml", ARGO + "  source: {path: charts/web, helm: {valueFiles: [../env/prod.yaml, /x/y.yaml]}}\n",
                 ["**/charts/env/prod.yaml", "**/x/y.yaml"], id="Application"),
    pytest.param("a.yaml", ARGO + "  sources: [{chart: web, helm: {valueFiles: [$values/env/p.yaml]}}, {ref: values}]\n",
                 ["**/env/p.yaml"], id="several sources"),
    pytest.param("a.yaml", ARGO.replace("Application", "ApplicationSet") +
                 "  template: {spec: {source: {path: 'web/{{name}}', helm: {valueFiles: ['{{ .env }}.yaml']}}}}\n",
                 ["**/web/*/*.yaml"], id="ApplicationSet with placeholders"),
    pytest.param("a.yaml", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: argoproj.io/v1alpha1\n  kind: Application\n"
                 "  spec: {source: {path: charts/web, helm: {valueFiles: [prod.yaml]}}}\n",
                 ["**/charts/web/prod.yaml"], id="Application in a list"),
    pytest.param("a.yaml", RELEASE % "./charts/web/prod.yaml", ["**/charts/web/prod.yaml"], id="HelmRelease"),
    pytest.param("a.yaml", RELEASE % "https://example.com/a/v.yaml, secrets://a/b.yaml", [], id="URLs"),
    pytest.param("a.yaml", RELEASE % "prod.yaml", [], id="name without a directory"),
    pytest.param("d/kustomization.yaml", KUSTOMIZATION, ["/r/d/prod.yaml", "/r/b/more.yaml"], id="kustomization"),
    pytest.param("d/fleet.yaml", "helm: {valuesFiles: ['[v].yaml']}\n", ["/r/d/\\[v\\].yaml"], id="Fleet"),
    pytest.param("a.yaml", "valuesFiles: [1, {a: b}]\n", [], id="values that are not names"),
    pytest.param("a.yaml", "valuesFiles: [\n", [], id="file that is not YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "globs"), REFERENCES)
def test_references_become_globs(name: str, text: str, globs: list[str]) -> None:
    assert list(with_values(ImageSetter(), [Stream(text, name, "/r")]).values_files) == globs


VALUES = "# prod\nimage: {repository: nginx, tag: '1'}\n"


def test_referred_file_is_read_as_values(program: Program) -> None:
    program.write("r/base/kustomization.yaml", KUSTOMIZATION)
    program.write("r/base/prod.yaml", VALUES)
    program.write("r/b/more.yaml", VALUES)
    program.write("r/other/prod.yaml", VALUES)
    ran = program("set", "r", "--image", "nginx=nginx:2", "--check", "-q")
    assert ran.stdout == b"r/b/more.yaml\nr/base/prod.yaml\n"
    ran = program("list", "r")
    assert b"r/base/prod.yaml:2  image  catalog values.yaml" in ran.stdout
    assert "1 file is not a Kubernetes resource" in ran.stderr


def test_referred_text_is_read_as_values() -> None:
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: 'nginx:2'}\n"
    texts = {"app.yaml": RELEASE % "charts/web/prod.yaml", "charts/web/prod.yaml": VALUES}
    assert set_images_in(texts, read_config(head)).of["charts/web/prod.yaml"].text == VALUES.replace("1", "2")


@pytest.mark.parametrize(
    "reference, is_found",
    [
        pytest.param("kind: ConfigMap, name: web, valuesKey: prod.yaml", True, id="other key"),
        pytest.param("kind: ConfigMap, name: api, valuesKey: prod.yaml", False, id="another ConfigMap"),
        pytest.param("kind: ConfigMap, name: web, valuesKey: prod.yaml, targetPath: a.b", False, id="one value"),
        pytest.param("kind: Secret, name: web, valuesKey: prod.yaml", False, id="Secret"),
        pytest.param("kind: ConfigMap, name: web, valuesKey: 1", False, id="key that is not a string"),
    ],
)
def test_key_of_a_config_map_that_a_release_refers_to_is_read_as_values(reference: str, is_found: bool) -> None:
    head = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {org/web: 'org/web:2'}\n"
    release = (
        f"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {{valuesFrom: [{{{reference}}}]}}\n"
    )
    values = "  prod.yaml: |\n    image: {registry: quay.io, repository: org/web, tag: '1'}\n"
    config_map = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: web}}\ndata:\n{values}"
    head = head.replace("org/web", "quay.io/org/web")
    outcome = set_images_in({"release.yaml": release, "values.yaml": config_map}, read_config(head))
    assert outcome.of["values.yaml"].text == config_map.replace("'1'", "'2'" if is_found else "'1'")
