"""Patterns for images: with or without a tag, in any form of the name."""

from __future__ import annotations

import pytest

from krm_image_setter.images.pattern import matches_pattern

D = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("image", "pattern", "expected"),
    [
        ("nginx:1.27", "nginx", True),
        ("nginx:1.27", "nginx:1.*", True),
        ("nginx:1.27", "docker.io/library/nginx", True),
        ("docker.io/library/nginx:1.27", "nginx:1.2?", True),
        (f"nginx@{D}", "nginx@sha256:*", True),
        (f"nginx:1@{D}", "nginx:1", False),
        ("nginx", "docker.io/*", True),
        ("quay.io/a/b:1", "quay.io/*", True),
        ("quay.io/a/b:1", "quay.io", False),
        ("nginx-extra", "nginx", False),
        ("nginx:${TAG}", "nginx:$*", True),
        ("nginx:${TAG}", "nginx", False),
        ("${IMAGE}", "${IMAGE}", True),
    ],
)
def test_pattern_matches_image_or_name(image: str, pattern: str, expected: bool) -> None:
    assert matches_pattern(image, pattern) == expected
