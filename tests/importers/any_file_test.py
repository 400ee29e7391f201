from __future__ import annotations

import pytest

from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.importers import Source
from krm_image_setter.importers.any_file import FILES, import_file

IMAGES = "images: [{name: a, newTag: b}]\n"
KUSTOMIZATION = f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n{IMAGES}"
COMPONENT = f"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n{IMAGES}"
KBLD = "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nkeys: [a]\n"
SKAFFOLD = "apiVersion: skaffold/v2beta29\nkind: Config\nbuild: {artifacts: [{image: a}]}\n"


def unread(path: str) -> str:
    raise InputError("this is not to be read", file=path)


@pytest.mark.parametrize(
    "name, text, line",
    [
        ("kustomization.yaml", IMAGES, "  newTag: b"),
        ("kustomization.yml", IMAGES, "  newTag: b"),
        ("Kustomization", IMAGES, "  newTag: b"),
        ("prod.yaml", KUSTOMIZATION, "  newTag: b"),
        ("component.yaml", COMPONENT, "  newTag: b"),
        ("config.yaml", KBLD, '  - "{..a}"'),
        ("config.yaml", f"kind: Deployment\n---\n{KBLD}", '  - "{..a}"'),
        ("kustomization.yaml", KBLD, '  - "{..a}"'),
        ("skaffold.yaml", SKAFFOLD, "# - name: a"),
        (
            "pipeline.json",
            '{"apiVersion": "skaffold/v1", "kind": "Config", "build": {"artifacts": [{"image": "a"}]}}',
            "# - name: a",
        ),
        ("Tiltfile", "docker_build('a', '.')\n", "# - name: a"),
        ("Tiltfile.dev", "docker_build('a', '.')\n", "# - name: a"),
        ("dev.Tiltfile", "docker_build('a', '.')\n", "# - name: a"),
        ("lib.star", "docker_build('a', '.')\n", "# - name: a"),
    ],
)
def test_tool_is_recognized_by_name_or_content(name: str, text: str, line: str) -> None:
    written = import_file(Source(text, f"dev/{name}", name, unread)).text
    assert written.startswith(f"# Imported from dev/{name};")
    assert line in written.splitlines()


@pytest.mark.parametrize(
    "text", ["", "kind: Config\n", "apiVersion: skaffold/v1\n", "- a\n", "apiVersion: [a]\n", IMAGES]
)
def test_error_unsupported_file(text: str) -> None:
    with pytest.raises(InputError) as error:
        import_file(Source(text, "dev/a.yaml", "a.yaml", unread))
    assert str(error.value) == f"dev/a.yaml: unsupported file; expected one of: {FILES}"


def test_error_not_yaml() -> None:
    with pytest.raises(ConfigError) as error:
        import_file(Source("a: [\n", "dev/a.yaml", "a.yaml", unread))
    assert str(error.value).startswith("dev/a.yaml:2:1: ")
