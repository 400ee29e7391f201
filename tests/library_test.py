"""The Python API: the sources of `read_config`, `list_images`, and arguments of wrong types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import krm_image_setter
from krm_image_setter import (
    ConfigError,
    Image,
    ImageSetter,
    InputError,
    list_images,
    read_config,
    set_images,
    set_images_in,
)

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{image: 'nginx:1.25'}]}\n"
DATA = {"images": {"nginx": "nginx:1.27"}}
TEXT = "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: 'nginx:1.27'}\n"
CONFIG = read_config(DATA)

SOURCES: list[tuple[str, Any]] = [
    ("text", TEXT),
    ("mapping without kind", DATA),
    ("mapping with kind", {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", **DATA}),
    ("read-only mapping", MappingProxyType(DATA)),
    ("mapping with tuples", {"images": ({"name": "nginx", "newTag": "1.27"},)}),
    (
        "mapping of a ConfigMap",
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"name": "nginx", "newTag": "1.27"}},
    ),
]


@pytest.mark.parametrize("source", [row[1] for row in SOURCES], ids=[row[0] for row in SOURCES])
def test_source_of_a_configuration_is_read(source: Any) -> None:
    assert "image: 'nginx:1.27'" in set_images(POD, read_config(source)).text


def test_path_of_a_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "functions.yaml"
    path.write_text(TEXT)
    assert read_config(path) == CONFIG
    path.write_text(TEXT.replace("images", "imags"))
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert str(caught.value) == f'{path}:3: imags: unknown field "imags"; did you mean "images"?'
    with pytest.raises(InputError, match=r"nope\.yaml: cannot read file: No such file or directory"):
        read_config(tmp_path / "nope.yaml")


def test_sources_are_concatenated(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(TEXT.replace("nginx", "a"))
    config = read_config(DATA, TEXT.replace("nginx", "b"), tmp_path / "a")
    assert [str(rule.name) for rule in config.images] == ["nginx", "b", "a"]


INVALID: list[tuple[str, Any, str]] = [
    (
        "number",
        {"images": [{"name": "nginx", "newTag": 1.2}]},
        "images[0].newTag: expected a string, got the number 1.2",
    ),
    ("misspelled field", {"imags": {}}, 'imags: unknown field "imags"; did you mean "images"?'),
    ("no image", {"kinds": {"A": ".b"}}, "no image to set; add `images: {NAME: REFERENCE}`"),
    ("other kind", {"kind": "A"}, 'kind: unsupported kind "A"; expected ImageSetter'),
    (
        "name of a file as text",
        "functions.yaml",
        'expected YAML text, a mapping or a path, got "functions.yaml"; to read a file, pass '
        'pathlib.Path("functions.yaml")',
    ),
]


@pytest.mark.parametrize(("source", "message"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
def test_invalid_source_is_a_configuration_error(source: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(source)
    assert str(caught.value).startswith(message)


DECODE = "decode it first, for example with .decode()"
RESULT = "pass the result of read_config"
FILE: Any = Path("a.yaml")  # of a type that mypy does not check
RECURSIVE: dict[str, Any] = {}
RECURSIVE["images"] = RECURSIVE
NOT_DATA = "read_config: the mapping contains a value that is not YAML data"
WRONG: list[tuple[str, Callable[..., Any], tuple[Any, ...], str]] = [
    ("bytes as text", set_images, (b"", CONFIG), f"set_images: expected a str as text, got bytes; {DECODE}"),
    ("None as text", set_images, (None, CONFIG), "set_images: expected a str as text, got NoneType"),
    ("dict as config", set_images, ("", {}), f"set_images: expected an ImageSetter as config, got dict; {RESULT}"),
    (
        "list as texts",
        set_images_in,
        ([], CONFIG),
        "set_images_in: expected a mapping of names to texts, got list",
    ),
    (
        "bytes in texts",
        set_images_in,
        ({"a.yaml": b""}, CONFIG),
        f'set_images_in: expected a str as the text of "a.yaml", got bytes; {DECODE}',
    ),
    (
        "path as the name of a text",
        set_images_in,
        ({FILE: ""}, CONFIG),
        f"set_images_in: expected a str as the name of a text, got {type(Path()).__name__}",
    ),
    (
        "path as file",
        partial(list_images, file=FILE),
        ("",),
        f"list_images: expected a str as file, got {type(Path()).__name__}",
    ),
    (
        "text as config",
        set_images_in,
        ({}, TEXT),
        f"set_images_in: expected an ImageSetter as config, got str; {RESULT}",
    ),
    (
        "path as text",
        list_images,
        (Path("a"),),
        f"list_images: expected a str as text, got {type(Path()).__name__}",
    ),
    (
        "empty dict as config",
        list_images,
        ("", {}),
        f"list_images: expected an ImageSetter as config, got dict; {RESULT}",
    ),
    ("list as source", read_config, ([],), "read_config: expected YAML text, a mapping or a path, got list"),
    (
        "bytes as source",
        read_config,
        (b"",),
        f"read_config: expected YAML text, a mapping or a path, got bytes; {DECODE}",
    ),
    (
        "set in a mapping",
        read_config,
        ({"images": {1}},),
        f"{NOT_DATA}: Object of type set is not JSON serializable",
    ),
    ("mapping in itself", read_config, (RECURSIVE,), f"{NOT_DATA}: Circular reference detected"),
]


@pytest.mark.parametrize(
    ("function", "arguments", "message"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_argument_of_a_wrong_type_is_a_type_error(
    function: Callable[..., Any], arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        function(*arguments)
    assert str(caught.value) == message


def test_images_are_listed_with_their_parts() -> None:
    digest = f"sha256:{'0' * 64}"
    text = (
        POD.replace("'nginx:1.25'", f"'quay.io/org/app:1@{digest}'}}, {{image: 'nginx:${{TAG}}'") + "---\n" + POD
    )
    first, second, third = list_images(text)
    assert first[:4] == (f"quay.io/org/app:1@{digest}", "quay.io/org/app", "1", digest)
    assert str(first.resource_ref) == "Pod/web"
    assert (first.field, first.line) == ("spec.containers[0].image", 4)
    assert second[:4] == ("nginx:${TAG}", None, None, None)
    assert (third.name, third.tag, third.line) == ("docker.io/library/nginx", "1.25", 9)


def test_images_are_listed_with_a_configuration_and_a_file_name() -> None:
    config = read_config({"kinds": {"Cache": ".spec.image"}}, needs_images=False)
    cache = "apiVersion: example.com/v1\nkind: Cache\nspec: {image: redis}\n"
    assert list_images(cache) == []
    assert [image.image for image in list_images(cache, config)] == ["redis"]
    values = "image: {repository: nginx, tag: '1'}\n"
    assert list_images(values, file="values.yaml") == [
        Image("nginx:1", "docker.io/library/nginx", "1", None, None, "image", 1)
    ]
    with pytest.raises(InputError, match="not a Kubernetes resource"):
        list_images(values)


CRD = """apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: a.b
  annotations:
    image: nginx:1.25
spec:
  containers:
  - image: redis:7
"""
CRD_KINDS = {"kinds": [{"kind": "CustomResourceDefinition", "paths": ["metadata.annotations.image"]}]}


# kustomize does not set images in CustomResourceDefinitions either: kubernetes-sigs/kustomize#890.
@pytest.mark.parametrize(
    ("text", "config", "images"),
    [
        pytest.param(CRD, {}, [], id="without a rule"),
        pytest.param(CRD, CRD_KINDS, ["nginx:1.25"], id="with a rule"),
        pytest.param(CRD + "---\n" + POD, {}, ["nginx:1.25"], id="before a resource with an image"),
    ],
)
def test_images_in_a_custom_resource_definition_need_a_rule(
    text: str, config: dict[str, Any], images: list[str]
) -> None:
    assert [image.image for image in list_images(text, read_config(config, needs_images=False))] == images


def test_invalid_custom_resource_definition_is_an_error() -> None:
    with pytest.raises(InputError, match="line 11"):
        list_images(CRD + "  - [\n")


def test_images_that_are_listed_are_those_that_are_set() -> None:
    config = read_config({"registries": [{"from": "docker.io", "to": "m.io"}]})
    set_ = [one.field for one in set_images(POD, config).results]
    assert [image.field for image in list_images(POD, config)] == set_


def test_values_of_secrets_are_not_listed() -> None:
    config = read_config({"kinds": {"Secret": ".stringData.a"}}, needs_images=False)
    (image,) = list_images("apiVersion: v1\nkind: Secret\nstringData: {a: nginx}\n", config)
    assert (image.image, image.name) == ("***", None)


def test_dir_contains_all_public_names() -> None:
    program = "import krm_image_setter; print(set(krm_image_setter.__all__) <= set(dir(krm_image_setter)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
    assert isinstance(krm_image_setter.read_config(DATA), ImageSetter)
    for name in krm_image_setter.__all__:
        assert getattr(krm_image_setter, name).__name__ == name
