"""Helm parameters: names with dots form a tree of values."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images

D = "sha256:" + "d" * 64
CONFIG = read_config(
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nonUnused: ignore\n"
    f"images: {{nginx: 'quay.io/org/web:v2@{D}'}}\n"
    "kinds: {Chart.example.com: {path: '{.spec.set}', as: values}}\n"
)
START = "apiVersion: example.com/v1\nkind: Chart\nspec:\n  set: "
W = "quay.io/org/web"

#: the parameters before and after
PARAMETERS = [
    pytest.param(
        "[{name: image.repository, value: nginx}, {name: image.tag, value: '1'}]",
        f"[{{name: image.repository, value: {W}}}, {{name: image.tag, value: 'v2@{D}'}}]",
        id="list",
    ),
    pytest.param(
        "[{name: web.image.tag, value: 1.20, forceString: true}, {value: nginx, name: web.image.repository}]",
        f"[{{name: web.image.tag, value: v2@{D}, forceString: true}}, {{value: {W}, name: web.image.repository}}]",
        id="number, other order",
    ),
    pytest.param(
        "[{name: image.repository, value: nginx}, {name: image.tag, value: '1'}, {name: image.digest, value: ''}]",
        f"[{{name: image.repository, value: {W}}}, {{name: image.tag, value: 'v2'}}, "
        f"{{name: image.digest, value: '{D}'}}]",
        id="digest",
    ),
    pytest.param(
        "[{name: image, value: 'nginx:1'}]", f"[{{name: image, value: '{W}:v2@{D}'}}]", id="whole reference"
    ),
    pytest.param(
        "{image.repository: nginx, image.tag: '1'}",
        f"{{image.repository: {W}, image.tag: 'v2@{D}'}}",
        id="mapping",
    ),
    pytest.param(
        "[{name: a\\.b.image, value: 'nginx:1'}]",
        f"[{{name: a\\.b.image, value: '{W}:v2@{D}'}}]",
        id="escaped dot",
    ),
    pytest.param(
        "[{name: image, value: 'nginx:1'}, {name: image.x, value: y}, {name: image.tag}]",
        f"[{{name: image, value: '{W}:v2@{D}'}}, {{name: image.x, value: y}}, {{name: image.tag}}]",
        id="contradiction",
    ),
    pytest.param(
        "\r\n  - name: image.repository # a\r\n    value: nginx # b\r\n  - name: image.tag\r\n    value: ''\r\n",
        f"\r\n  - name: image.repository # a\r\n    value: {W} # b\r\n  - name: image.tag\r\n    value: 'v2@{D}'\r\n",
        id="CRLF and comments",
    ),
    pytest.param("[{name: x, value: nginx}, {name: y.tag, value: '1'}]", None, id="no image"),
    pytest.param(
        "[{name: image.repository, value: '{{repo}}'}, {name: image.tag, value: a}]", None, id="placeholder"
    ),
]


@pytest.mark.parametrize(("before", "after"), PARAMETERS)
def test_parameters_are_set_like_values(before: str, after: str | None) -> None:
    outcome = set_images(START + before, CONFIG)
    assert outcome.text == START + (before if after is None else after)
    assert all(result.severity == "info" for result in outcome.results)
    assert set_images(outcome.text, CONFIG).text == outcome.text


def test_missing_parameter_is_reported() -> None:
    text = START + "[{name: image.repository, value: nginx}]"
    outcome = set_images(text, CONFIG)
    assert outcome.text == text
    (warning,) = (result.message for result in outcome.results)
    assert warning.endswith('there is no parameter "image.tag"; add it')
