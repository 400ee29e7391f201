"""The confidence of fields by their names and descriptions."""

from __future__ import annotations

import pytest

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.discovery.judging import Beside, Field, Judgement, is_container, judged, tag_beside

NO_IMAGES = [
    ("imagePullPolicy", ""), ("imagePullSecret", "Credentials for a container image"), ("imagePullSecrets", ""),
    ("imageURL", "URL of a picture"), ("image_url", ""), ("iconURL", "the image of the bot"), ("imageType", ""),
    ("imageFamily", ""), ("imageFormat", ""), ("imagePath", ""), ("imagePrefix", ""), ("imageARN", "an ARN"),
    ("imageID", ""), ("imageLookupOrg", ""), ("imageVersion", "The version of the software"),
    ("imageGCHighThresholdPercent", ""), ("vmImage", ""), ("osImage", ""), ("backingImage", ""), ("bootImage", ""),
    ("image", "Image is the AMI to use"), ("image", "The disk image of the VM"), ("image", "A machine image"),
    ("image", "The full reference to a valid image to be used for this machine"), ("image", "rados image name"),
    ("image", "regular expression that images must match"), ("image", "A container image with wildcards"),
    ("image", "name of the image that will be built"), ("image", "The docker image, which is pushed to a registry"),
    ("images", "The container images to delete"), ("image", "The display name of the container image"),
    ("publishingImage", ""), ("image", "final image name"), ("allowedImages", ""), ("currentImage", "The container image that runs"), ("outputImage", ""),
    ("version", "the version of the container image"), ("name", ""), ("name", "The container image tag"),
    ("url", "an URL"), ("bundle", "a bundle of certificates"), ("imagine", ""), ("message", ""),
    ("url", "URL of a Helm chart in an OCI artifact"), ("uri", "A resource, for example a docker image"),
    ("downloadURL", "URL of the binary. An OCI artifact can be used."), ("packageType", "Image for a container image"),
    ("imagestream", ""), ("registry", "The schema registry"), ("repository", ""), ("tag", ""), ("digest", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "description"), NO_IMAGES)
def test_field_without_an_image_is_rejected(name: str, description: str) -> None:
    assert judged(Field(name, ("spec",), description)) is None


OTHER_PARENTS = ["kustomize", "disks", "machine", "rbd", "amiSelector", "verify", "output", "upgradeHistory"]


@pytest.mark.parametrize("enclosing", OTHER_PARENTS)
def test_field_in_another_parent_is_rejected(enclosing: str) -> None:
    assert judged(Field("image", ("spec", enclosing))) is None


OTHER_CONTEXTS = [
    pytest.param(Field("image", context="The observed state of a component"), id="observed state"),
    pytest.param(Field("image", beside=Beside({"offer": ""})), id="field of a machine image"),
    pytest.param(Field("image", default="Ubuntu 22.04"), id="default that is no reference"),
    pytest.param(Field("url", ("spec", "chart"), "The OCI artifact"), id="parent for a chart"),
    pytest.param(Field("registry", ("spec", "quobyte")), id="registry of a storage system"),
]


@pytest.mark.parametrize("field", OTHER_CONTEXTS)
def test_field_in_another_context_is_rejected(field: Field) -> None:
    assert judged(field) is None


LIKELY = [
    ("image", ""), ("images", ""), ("Image", ""), ("imageName", ""), ("image_name", ""), ("imageRef", ""),
    ("baseImage", ""), ("dockerImage", ""), ("docker_image", ""), ("sidecar_docker_images", ""), ("imageURI", ""),
    ("objectProvisionerImage", ""), ("configBuilderImage", "Container image for the config builder"),
    ("image", "The container image used for Kafka pods"), ("url", "URL of a Wasm module or OCI container."),
    ("reference", "Reference to the container image (OCI artifact)"), ("bundle", "an OCI image with the bundle"),
    ("image", "The docker image the instance should run"), ("workImagePullSpec", ""), ("initImageURL", ""),
    ("installerImageOverride", ""),
    ("package", "must be a fully qualified image name, including the registry"),
    ("name", "The name of the container image that runs the step"), ("artifact", "URL of the OCI artifact"),
    ("url", "URL of the source (starting with the scheme: docker)"), ("name", "The full image reference"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "description"), LIKELY)
def test_field_named_like_an_image_is_likely(name: str, description: str) -> None:
    found = judged(Field(name, ("spec",), description))
    assert found is not None
    assert (found.confidence, found.part) == (Confidence.LIKELY, "reference")


PARENTS = [
    Field("web", ("spec", "images")), Field("web", ("images", "agents"), "Image of the web agent"),
    Field("reference", ("spec", "volume", "image")), Field("image", ("machine", "containerDisk")),
    Field("init", ("spec", "image"), beside=Beside({"application": "", "init": "", "pullPolicy": ""})),
    Field("imageTag", text="ImageTag defines image:tag of the reloader"),
]  # fmt: skip


@pytest.mark.parametrize("field", PARENTS)
def test_field_in_a_parent_for_images_is_likely(field: Field) -> None:
    found = judged(field)
    assert found is not None
    assert (found.confidence, found.part) == (Confidence.LIKELY, "reference")


@pytest.mark.parametrize(
    ("name", "around"),
    [
        ("path", ("image",)),
        ("key", ("images", "[*]")),
        ("web", ("imagePullSecrets",)),
        ("pullPolicy", ("images",)),
    ],
)
def test_property_of_images_is_rejected(name: str, around: tuple[str, ...]) -> None:
    assert judged(Field(name, around)) is None


def test_field_named_partly_like_an_image_is_possible() -> None:
    assert judged(Field("imageForTests")) == Judgement(Confidence.POSSIBLE, "field name")


PARTS = [
    (Field("imageTag"), "tag"), (Field("tag", ("images",)), "tag"), (Field("imageDigest"), "digest"),
    (Field("imageRegistry"), "registry"), (Field("registry"), "registry"),
    (Field("registry", text="The registry to pull images from"), "registry"),
    (Field("defaultRegistry", text="Registry of the charts and images"), "registry"),
    (Field("imageRepository"), "name"), (Field("repository", ("image",)), "name"),
    (Field("imageRepository", text="the container registry to pull images from"), "registry"),
    (Field("imageRepository", text="Prefix of all images"), "registry"),
    (Field("image", text="The image. Must not include the image tag."), "name"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "part"), PARTS)
def test_part_of_a_reference_is_recognized(field: Field, part: str) -> None:
    found = judged(field)
    assert found is not None
    assert (found.confidence, found.part) == (Confidence.LIKELY, part)


TAGS = [
    (Field("image", beside=Beside({"version": ""})), ""),
    (Field("image", beside=Beside({"version": "The version of the database"})), ""),
    (Field("image", beside=Beside({"version": "The image version to deploy"})), "version"),
    (Field("image", beside=Beside({"version": ""}), default="r.io/a/b"), "version"),
    (Field("image", beside=Beside({"version": "The image version"}), default="r.io/a/b:1"), ""),
    (Field("image", beside=Beside({"version": ""}), text="The name, without a tag"), "version"),
    (Field("baseImage", beside=Beside({"version": ""})), "version"),
    (Field("image_web", beside=Beside({"image_web_version": ""})), "image_web_version"),
    (Field("image", beside=Beside({"postgresVersion": ""})), ""),
    (
        Field("image", beside=Beside({"dbVersion": ""}), text="Specify the tag separately in dbVersion."),
        "dbVersion",
    ),
    (
        Field("agentRepository", beside=Beside({"agentVersion": ""}), text="repository of the image"),
        "agentVersion",
    ),
    (Field("repository", beside=Beside({"version": ""}), text="A Maven repository"), ""),
]


@pytest.mark.parametrize(("field", "tag"), TAGS)
def test_tag_in_another_field_is_found_if_something_says_so(field: Field, tag: str) -> None:
    assert tag_beside(field) == tag


CONTAINERS = [
    ({"image", "name"}, False), ({"command", "args", "env"}, False), ({"image", "command"}, False),
    ({"image", "command", "args"}, True), ({"image", "resources", "env", "x"}, True),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), CONTAINERS)
def test_object_with_container_fields_is_a_container(fields: set[str], expected: bool) -> None:
    assert is_container(fields) is expected
