"""Judges whether a field contains a container image, by its name, its description and the fields next to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.locators.shapes import contains_images, is_part, means_image, words

# The fields of a container in a pod (core/v1 Container), except its image.
_CONTAINER_FIELDS: Final = frozenset(
    (
        "args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
        "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath", "tty",
        "volumeMounts", "workingDir", "script",
    )
)  # fmt: skip

_NAME_WORDS: Final = frozenset(("image", "images"))
_LAST_WORDS: Final = frozenset(("name", "names", "ref", "reference", "fqin", "spec"))

# Parent fields whose images are not container images that run: observed values, kustomize's overrides, disks.
_OTHER_PARENTS: Final = frozenset(("status", "kustomize", "disk", "disks", "machine", "rbd", "ami"))

_POINTERS: Final = frozenset(("bundle", "package", "ref", "reference", "uri", "url"))
_ARTIFACT: Final = re.compile(
    r"\bOCI (?:image|artifact|container|registry)\b|\b(?:container|docker) images?\b", re.IGNORECASE
)
_CONTAINER_IMAGE: Final = re.compile(
    r"\b(?:container|docker|oci|sidecar|init)[- ](?:\w+[- ])?(?:images?|artifacts?)\b"
    r"|\bimages? (?:to|used|that will be|which will be|is used|for) (?:use|run|pull|by|in|the|deploy|be)\b"
    r"|\bdocker\b|\bOCI\b|\bregistry\b|\bpod\b|\bcontainers?\b|\bsidecar\b",
    re.IGNORECASE,
)
_OTHER_IMAGE: Final = re.compile(
    r"\b(?:disk|machine|instance|vm|virtual machine|os|operating system|boot|cloud|node|raw|iso|rbd|rados|gce"
    r"|compute|azure|windows|golden|backing|qcow2?|root|base os|background|profile|user|logo|thumbnail|kernel"
    r"|mirrored)[- ]images?\b"
    r"|\b(?:AMIs?|marketplace|resource ID|picture|icon|photo|QCOW2?|regular expression|regexp?|glob|wildcards?)\b"
    r"|\b(?:for (?:the|this) machine|instances? (?:should|to)|imageID|hypervisor|image stream|RBD)\b"
    r"|\b(?:will be (?:pushed|built)|pushed to)\b",
    re.IGNORECASE,
)


def judged(name: str, description: str, enclosing: Sequence[str]) -> tuple[Confidence, str] | None:
    """Return the confidence that a string field contains an image reference, with the reason for the confidence.

    Return None if it does not. `enclosing` contains the names of the parent fields, starting with the outermost.
    """
    in_name = words(name)
    around = {word for outer in enclosing for word in words(outer)}
    if _OTHER_IMAGE.search(description) or around & _OTHER_PARENTS:
        return None
    if not means_image(name) and contains_images(enclosing):
        return None if is_part(name) else (Confidence.LIKELY, "name of the parent field")
    if not means_image(name):
        # A name such as `url` or `reference` means an image only if the description says so.
        return (
            (Confidence.LIKELY, "description")
            if _ARTIFACT.search(description) and _POINTERS.intersection(in_name)
            else None
        )
    if _CONTAINER_IMAGE.search(description):
        return Confidence.LIKELY, "field name and description"
    if in_name[-1] in _NAME_WORDS or in_name[-1] in _LAST_WORDS:
        return Confidence.LIKELY, "field name"
    return Confidence.POSSIBLE, "field name"


def is_url(name: str) -> bool:
    """Return whether a field with this name contains a scheme and a reference, as in `oci://REGISTRY/NAME`."""
    return bool({"url", "uri"}.intersection(words(name)))


def is_container(fields: Collection[str]) -> bool:
    """Return whether an object with these fields is a container of a pod."""
    return "image" in fields and len(_CONTAINER_FIELDS.intersection(fields)) >= 2
