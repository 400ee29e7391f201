"""Images in real registries on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from registry.servers import docker_registry, needs_registry, push

from krm_image_setter.images.reference import check_reference
from krm_image_setter.registry import Answer, Registries, Resolved, parse_platform

pytestmark = needs_registry
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with docker_registry() as host:
        yield host


def answers(*images: str, **options: Any) -> dict[str, Answer]:
    with Registries(**options) as registries:
        return {str(image): answer for image, answer in registries.resolve(map(check_reference, images))}


def test_tag_is_resolved_to_its_digest(host: str) -> None:
    digest = push(host, "team/app:1.0")
    image = f"{host}/team/app:1.0"
    assert answers(image) == {image: Resolved(digest, digest, (), MANIFEST)}


def test_index_is_resolved_with_its_platforms(host: str) -> None:
    digest = push(host, "two:latest", ["linux/amd64", "linux/arm64"])
    expected = Resolved(digest, digest, ("linux/amd64", "linux/arm64"), INDEX)
    assert answers(f"{host}/two", list_platforms=True) == {f"{host}/two": expected}
    assert answers(f"{host}/two", platforms=[parse_platform("linux/arm64/v8")]) == {f"{host}/two": expected}
