"""Values in custom resources that look like images."""

from __future__ import annotations

import pytest
from discovery.definitions import confidences

RESOURCES = [
    pytest.param("spec: {image: 'redis:7'}", {"{.spec.image}": "likely"}, id="field name"),
    pytest.param("spec: {image: '{{ x }}'}", {}, id="template"),
    pytest.param("spec: {image: [1]}", {}, id="list of numbers"),
    pytest.param(
        "spec: {imagePullPolicy: Always, host: 'redis:6379', schedule: 'a:b'}", {}, id="names of other fields"
    ),
    pytest.param("metadata: {annotations: {image: a}}\nstatus: {image: a}", {}, id="metadata and status"),
    pytest.param("spec: {template: {spec: {containers: [{image: a}]}}}", {}, id="pod template"),
    pytest.param("spec: {list: [{image: a}, {image: b}]}", {"{.spec.list[*].image}": "likely"}, id="list"),
    pytest.param("spec: {image: {repository: a/b, tag: 1}}", {"{.spec.image}": "sure"}, id="split reference"),
    pytest.param("spec: {image: {repository: '{{ x }}', tag: 1}}", {}, id="split reference with a template"),
    pytest.param(
        "spec: {bundle: 'quay.io/a/b:1', other: quay.io/a/b, url: 'https://quay.io/a:1'}",
        {"{.spec.bundle}": "possible"},
        id="value with a registry and a tag",
    ),
]


@pytest.mark.parametrize(("body", "expected"), RESOURCES)
def test_custom_resource_with_images_gives_paths(body: str, expected: dict[str, str]) -> None:
    assert confidences(f"apiVersion: example.com/v1\nkind: Thing\n{body}\n") == expected


OPTIONS = [
    pytest.param("--runner-image=acme/runner:3", {"{.data.x}": "possible"}, id="option for an image"),
    pytest.param("run -initImage=acme/init:v1 now", {"{.data.x}": "possible"}, id="option in a command"),
    pytest.param("--mount=acme/data:3", {}, id="other option"),
    pytest.param("--image-dir=acme/data:3", {}, id="option for a directory of images"),
    pytest.param("--runner-image=runner:3", {}, id="option with a value without a slash"),
    pytest.param("--runner-image=acme/runner", {}, id="option with a value without a tag"),
]


@pytest.mark.parametrize(("value", "expected"), OPTIONS)
def test_option_whose_name_ends_with_image_gives_a_path(value: str, expected: dict[str, str]) -> None:
    assert confidences(f"apiVersion: v1\nkind: ConfigMap\ndata: {{x: '{value}'}}\n") == expected


def test_other_resource_is_searched_by_value_only() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\ndata: {image: redis, x: 'quay.io/a/b:1'}\n"
    assert confidences(text) == {"{.data.x}": "possible"}
