"""Images in JSON patches: https://datatracker.ietf.org/doc/html/rfc6902."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from krm_image_setter import InputError, read_config, set_images
from krm_image_setter.locators.json_patch import can_be_json_patch, is_json_patch, json_patch_fields

HEAD: Final = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\n"
CONTAINER: Final = {"name": "web", "image": "nginx:1"}
CONTAINERS: Final = "/spec/template/spec/containers"

FIELDS = [
    pytest.param("replace", f"{CONTAINERS}/0/image", "nginx:1", ["0.value"], id="image of a container"),
    pytest.param("test", f"{CONTAINERS}/0/image", "nginx:1", ["0.value"], id="tested image"),
    pytest.param("add", f"{CONTAINERS}/-", CONTAINER, ["0.value.image"], id="added container"),
    pytest.param("add", f"{CONTAINERS}/0", CONTAINER, ["0.value.image"], id="inserted container"),
    pytest.param("add", CONTAINERS, [CONTAINER], ["0.value.0.image"], id="list of containers"),
    pytest.param("add", "/spec/template/spec", {"containers": [CONTAINER]}, ["0.value.containers.0.image"], id="pod spec"),
    pytest.param("add", "/spec/volumes/-", {"image": {"reference": "a:1"}}, ["0.value.image.reference"], id="volume"),
    pytest.param("replace", "/spec/volumes/0/image/reference", "a:1", ["0.value"], id="reference of a volume"),
    pytest.param("replace", "/spec/image", "a:1", ["0.value"], id="image of a custom resource"),
    pytest.param("add", "/spec/thanos", {"image": "a:1", "tag": "1"}, ["0.value.image"], id="mapping with an image"),
    pytest.param("add", "/spec", {"a": [{"image": "a:1"}, {"image": 1}]}, ["0.value.a.0.image"], id="list in a mapping"),
    pytest.param("add", "/spec/a", {"image": {"image": "a:1"}}, ["0.value.image.image"], id="nested key image"),
    pytest.param("replace", "/spec/template", {"metadata": {"image": "a:1"}}, [], id="metadata in a value"),
    pytest.param("add", "/metadata/annotations", {"image": "a:1"}, [], id="annotations"),
    pytest.param("replace", "/spec/selector", {"matchLabels": {"image": "nginx"}}, [], id="selector"),
    pytest.param("add", "/spec", {"nodeSelector": {"image": "a"}, "image": "b"}, ["0.value.image"], id="labels of nodes"),
    pytest.param("replace", "/metadata/annotations/image", "a:1", [], id="annotation"),
    pytest.param("replace", "/spec/a~1image", "a:1", [], id="key with an escaped slash"),
    pytest.param("replace", f"{CONTAINERS}/0/name", "a:1", [], id="name of a container"),
    pytest.param("remove", f"{CONTAINERS}/0/image", "a:1", [], id="removed image"),
    pytest.param("replace", f"{CONTAINERS}/0/image", 5, [], id="number"),
    pytest.param("replace", "", {"spec": {"containers": [CONTAINER]}}, ["0.value.spec.containers.0.image"], id="root"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "path", "value", "expected"), FIELDS)
def test_fields_of_an_operation(op: str, path: str, value: Any, expected: list[str]) -> None:
    patch = [{"op": op, "path": path, "value": value}]
    assert [".".join(map(str, field.location)) for field in json_patch_fields(patch)] == expected


@pytest.mark.parametrize(("op", "path", "value", "expected"), FIELDS)
def test_text_with_an_operation_can_be_a_patch(op: str, path: str, value: Any, expected: list[str]) -> None:
    del expected
    patch = [{"op": op, "path": path, "value": value}]
    assert is_json_patch(patch)
    assert can_be_json_patch(json.dumps(patch))
    assert can_be_json_patch(json.dumps(patch, indent=1))


@pytest.mark.parametrize(
    "root",
    [
        pytest.param([], id="empty list"),
        pytest.param({"op": "add", "path": "/a"}, id="mapping"),
        pytest.param([{"op": "add"}], id="operation without a path"),
        pytest.param([{"op": 1, "path": "/a"}], id="operation that is a number"),
        pytest.param([{"op": "add", "path": "/a"}, "text"], id="list with another item"),
    ],
)
def test_other_data_is_not_a_patch(root: Any) -> None:
    assert not is_json_patch(root)


def test_patch_keeps_comments_anchors_and_quotes() -> None:
    text = (
        "# é\r\n- op: replace # a\r\n  path: &path /spec/containers/0/image\r\n  value: 'nginx:1' # b\r\n---\r\n"
        '- {"op": add, path: /spec/initContainers/-, value: {image: "nginx:1", name: &n i}}\r\n'
    )
    config = read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\n")
    assert set_images(text, config).text == text.replace("nginx:1", "nginx:2")


def test_pull_policy_is_not_added_to_a_patch() -> None:
    text = "- {op: replace, path: /spec/containers/0/image, value: nginx:1}\n"
    config = read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\nimagePullPolicy: Always\n")
    assert set_images(text, config).text == text.replace("nginx:1", "nginx:2")


def test_patch_in_a_string_is_set_with_a_path() -> None:
    text = "apiVersion: a.b/v1\nkind: A\nspec:\n  patch: |\n    - {op: add, path: /spec/image, value: nginx:1}\n"
    paths = "{path: .spec.patch, as: yaml, paths: {path: '{$}', as: jsonPatch}}"
    config = read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\nkinds: {{A.a.b: {paths}}}\n")
    assert set_images(text, config).text == text.replace("nginx:1", "nginx:2")


def test_patch_without_the_catalog_is_an_error() -> None:
    config = read_config(f"{HEAD}images: {{nginx: 'nginx:2'}}\ncatalog: false\n")
    with pytest.raises(InputError, match="expected a mapping, got a list"):
        set_images("- {op: add, path: /spec/image, value: nginx:1}\n", config)
