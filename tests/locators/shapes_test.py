"""The names of keys: their words, whole images, and split references."""

from __future__ import annotations

import pytest

from krm_image_setter.locators.image_field import Keys
from krm_image_setter.locators.shapes import means_image, split_references, words


def test_name_is_split_into_words() -> None:
    assert [words(name) for name in ("imageURLs", "docker_image", "my-OCIImage", "sha256", "x")] == [
        ("image", "ur", "ls"), ("docker", "image"), ("my", "oci", "image"), ("sha256",), ("x",)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("image", True), ("webImage", True), ("web_image", True), ("imageName", True), ("images", True),
        ("imageTag", False), ("imagePullPolicy", False), ("vmImage", False), ("imageNamespace", False),
        ("imageSha256", False), ("imagine", False), ("", False),
    ],
)  # fmt: skip
def test_name_of_a_whole_image_is_recognized(name: str, expected: bool) -> None:
    assert means_image(name) is expected


R = "repository"
#: the key of the mapping, its fields, the keys in a schema, the keys in data
SPLIT_REFERENCES = [
    ("git", "repository branch", [], []),
    ("git", "repository tag", [], []),
    ("chart", "repository version", [], []),
    ("x", "repository tag ref", [], []),
    ("source", "name tag", [], []),
    ("traffic", "tag revisionName", [], []),
    ("web", "name tag", [], []),
    ("image", "repository", [], [Keys(R, tag="tag")]),
    ("image", "repository pullPolicy", [], [Keys(R, tag="tag")]),
    ("image", "name policy", [], []),
    ("image", "name pullPolicy", [], [Keys("name", tag="tag")]),
    ("image", "name registry", [], [Keys("name", "registry", "tag")]),
    ("image", "repository tag", [Keys(R, tag="tag")], [Keys(R, tag="tag")]),
    ("image", "repo tag", [Keys("repo", tag="tag")], [Keys("repo", tag="tag")]),
    ("image", "registry repository tag digest", [Keys(R, "registry", "tag", "digest")], None),
    ("image", "repository tag sha", [Keys(R, tag="tag", digest="sha")], None),
    ("image", "repository version", [], [Keys(R, tag="version")]),
    ("mainImage", "name digest", [Keys("name", digest="digest")], [Keys("name", "", "tag", "digest")]),
    ("redis", "repository tag", [Keys(R, tag="tag")], None),
    ("server", "registry repository tag", [Keys(R, "registry", "tag")], None),
    ("driver", "repository image version", [Keys("image", R, "version")], None),
    ("fooImageSpec", "repository versionTag digestHash", [Keys(R, tag="versionTag", digest="digestHash")], [Keys(R, tag="tag")]),
    ("fooImageSpec", "repository imageTag imageDigest", [Keys(R, tag="imageTag", digest="imageDigest")], None),
    ("sidecar", "repository sidecarTag", [Keys(R, tag="sidecarTag")], None),
    ("node", "image registry", [], [Keys("image", "registry")]),
    ("spec", "image tag", [Keys("image", tag="tag")], None),
    ("spec", "image imageTag", [Keys("image", tag="imageTag")], None),
    ("spec", "image version", [], [Keys("image", tag="version")]),
    ("spec", "hub tag image", [Keys("image", "hub", "tag")], None),
    ("spec", "webImage webImageTag dbImage dbTag", [Keys("webImage", tag="webImageTag"), Keys("dbImage", tag="dbTag")], None),
    ("spec", "webImage webVersion", [Keys("webImage", tag="webVersion")], None),
    ("spec", "imageRepository imageTag", [Keys("imageRepository", tag="imageTag")], None),
    ("spec", "imageRepository", [], [Keys("imageRepository")]),
    ("spec", "webImageRepo imageRegistry", [], [Keys("webImageRepo", "imageRegistry")]),
    ("spec", "imageRepository version", [], [Keys("imageRepository", tag="version")]),
    ("spec", "vmImageRepository", [], []),
    ("spec", "vmImage vmImageTag", [], []),
    (
        "spec", "web_image_name web_image_tag_version image_registry",
        [Keys("web_image_name", "image_registry", "web_image_tag_version")], None,
    ),
    ("image", "registry tag pullPolicy", [], [Keys("registry", tag="tag")]),
    ("image", "registry tag digest", [], [Keys("registry", tag="tag", digest="digest")]),
    ("image", "registry pullPolicy", [], []),
    ("image", "registry tag web", [], []),
    ("images", "registry tag", [], []),
    ("imageDefaults", "registry tag", [], []),
    ("image", "registry path tag", [], [Keys("path", "registry", "tag")]),
    ("image", "url tag", [], [Keys("url", tag="tag")]),
    ("image", "path tag", [], []),
    ("web", "registry path url tag", [], []),
    ("spec", "name newTag", [], []),
    ("spec", "name newName newTag digest", [Keys("newName", "", "newTag", "digest")], None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fields", "in_schema", "in_data"), SPLIT_REFERENCES)
def test_split_reference_gives_its_keys(
    name: str, fields: str, in_schema: list[Keys], in_data: list[Keys] | None
) -> None:
    """`in_data` is None if the keys are the same as in a schema."""
    assert split_references(name, tuple(fields.split()), is_complete=True) == in_schema
    assert split_references(name, tuple(fields.split())) == (in_schema if in_data is None else in_data)


def test_split_reference_below_a_chart_is_rejected() -> None:
    assert split_references("web", ("repository", "tag"), ("spec", "chart")) == []


def test_registry_below_global_is_not_a_name() -> None:
    assert split_references("image", ("registry", "tag"), ("global",)) == []
