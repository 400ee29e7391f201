"""The confidence of fields by their names and descriptions."""

from __future__ import annotations

import pytest

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.discovery.judging import is_container, judged

NO_IMAGES = [
    ("imagePullPolicy", ""), ("imagePullSecret", "Credentials for a container image"), ("imagePullSecrets", ""),
    ("imageURL", "URL of a picture"), ("image_url", ""), ("iconURL", "the image of the bot"), ("imageType", ""),
    ("imageFamily", ""), ("imageFormat", ""), ("imagePath", ""), ("imagePrefix", ""), ("imageRepository", ""),
    ("imageRegistry", ""), ("imageTag", ""), ("imageDigest", ""), ("imageID", ""), ("imageLookupOrg", ""),
    ("imageGCHighThresholdPercent", ""), ("vmImage", ""), ("osImage", ""), ("backingImage", ""), ("bootImage", ""),
    ("image", "Image is the AMI to use"), ("image", "The disk image of the VM"), ("image", "A machine image"),
    ("image", "The full reference to a valid image to be used for this machine"), ("image", "rados image name"),
    ("image", "regular expression that images must match"),
    ("image", "name of the image that will be built"),
    ("version", "the version of the container image"), ("registry", "the registry of images"), ("name", ""),
    ("url", "an URL"), ("bundle", "a bundle of certificates"), ("imagine", ""), ("message", ""),
    ("imagestream", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "description"), NO_IMAGES)
def test_field_without_an_image_is_rejected(name: str, description: str) -> None:
    assert judged(name, description, ("spec",)) is None


@pytest.mark.parametrize("enclosing", ["status", "kustomize", "disks", "machine", "rbd", "amiSelector"])
def test_field_in_another_parent_is_rejected(enclosing: str) -> None:
    assert judged("image", "", ("spec", enclosing)) is None


LIKELY = [
    ("image", ""), ("images", ""), ("Image", ""), ("imageName", ""), ("image_name", ""), ("imageRef", ""),
    ("baseImage", ""), ("dockerImage", ""), ("docker_image", ""), ("sidecar_docker_images", ""),
    ("objectProvisionerImage", ""), ("configBuilderImage", "Container image for the config builder"),
    ("image", "The container image used for Kafka pods"), ("url", "URL of a Wasm module or OCI container."),
    ("reference", "Reference to the container image (OCI artifact)"), ("bundle", "an OCI image with the bundle"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "description"), LIKELY)
def test_field_named_like_an_image_is_likely(name: str, description: str) -> None:
    found = judged(name, description, ("spec",))
    assert found is not None
    assert found[0] == Confidence.LIKELY


def test_field_in_a_mapping_of_images_is_likely() -> None:
    assert judged("web", "", ("spec", "images")) == (Confidence.LIKELY, "name of the parent field")
    assert judged("tag", "", ("spec", "images")) is None
    assert judged("key", "", ("spec", "images", "[*]")) is None
    assert judged("web", "", ("spec", "imagePullSecrets")) is None


def test_field_named_partly_like_an_image_is_possible() -> None:
    assert judged("imageForTests", "", ()) == (Confidence.POSSIBLE, "field name")


CONTAINERS = [
    ({"image", "name"}, False), ({"command", "args", "env"}, False), ({"image", "command"}, False),
    ({"image", "command", "args"}, True), ({"image", "resources", "env", "x"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CONTAINERS)
def test_object_with_container_fields_is_a_container(fields: set[str], expected: bool) -> None:
    assert is_container(fields) is expected
