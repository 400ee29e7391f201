from __future__ import annotations

import pytest
from builds.cases import errors, valid_files

from krm_image_setter.builds.any_file import read_images
from krm_image_setter.errors import ImageSetterError

VALID = [
    pytest.param(
        "services:\n  web: {image: 'r.io/web:2', build: .}\n  job: {image: r.io/web:2}\n  local: {build: .}\n",
        {"r.io/web": "r.io/web:2"},
        id="services",
    ),
    pytest.param(
        "x-app: &app\n  image: app:1\nservices:\n  a:\n    <<: *app\n  b: *app\n", {"app": "app:1"}, id="merge key"
    ),
]


test_valid_file = valid_files(VALID)


INVALID = [
    pytest.param(
        "services: [a]\n", "f:1: services: expected a mapping, got a list", id="list instead of services"
    ),
    pytest.param("services: {}\n", "f:1: the compose file contains no images", id="no services"),
    pytest.param(
        "services: {a: }\n", "f:1: services.a: expected a mapping, got null", id="null instead of a service"
    ),
    pytest.param(
        "services:\n  a: {image: 'x:1'}\n  b: {image: 'x:2'}\n",
        'f:3: services.b.image: image "x" is set to "x:2" here and to "x:1" at f:2: services.a.image; remove one '
        "of them",
        id="two references for one name",
    ),
    pytest.param(
        "services:\n  a: {image: X}\n",
        'f:2: services.a.image: invalid image reference "X": the name must be lowercase',
        id="invalid reference",
    ),
    pytest.param(
        "services:\n  a: {image: 'x:${TAG:-1}'}\n",
        'f:2: services.a.image: "x:${TAG:-1}" contains variables; run `docker compose config` first',
        id="only images with variables",
    ),
]


test_error = errors(INVALID)


def test_images_without_a_fixed_reference_are_skipped() -> None:
    text = "services:\n  a: {image: 'a:1'}\n  b: {image: '$B'}\n  c: {image: r.io/c}\n"
    rules, warnings = read_images([(text, "f")])
    assert [str(rule.name) for rule in rules] == ["a"]
    assert warnings == (
        'f:3: services.b.image: skipped: "$B" contains variables; run `docker compose config` first',
        'f:4: services.c.image: skipped: "r.io/c" has no tag or digest; add one',
    )


def test_error_repeated_key() -> None:
    with pytest.raises(ImageSetterError) as caught:
        read_images([("services:\n  a:\n    image: a:1\n    image: a:2\n", "f")])
    assert str(caught.value) == "f:4: services.a.image: the key is in line 3 and in line 4; keep one of them"
