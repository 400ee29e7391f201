"""Judges whether a field contains a container image, by its name, its description and the fields next to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.locators import Split

# The fields of a container in a pod (core/v1 Container), except its image.
_CONTAINER_FIELDS: Final = frozenset(
    (
        "args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
        "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath", "tty",
        "volumeMounts", "workingDir", "script",
    )
)  # fmt: skip

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# Words that follow "image" in field names such as `imagePullPolicy`. These fields contain no image.
_OTHER_AFTER: Final = frozenset(
    (
        "base64", "cache", "catalog", "checksum", "class", "config", "count", "family", "features", "format", "gc",
        "health", "id", "ids", "info", "key", "lookup", "minimum", "mode", "owner", "path", "policies", "policy",
        "prefix", "project", "publisher", "pull", "secret", "secrets", "size", "snapshot", "source", "state",
        "status", "stream", "streams", "suffix", "template", "type", "types", "url", "urls", "volume",
    )
)  # fmt: skip
# Words that precede "image" in field names such as `vmImage`. These fields contain other kinds of images.
_OTHER_BEFORE: Final = frozenset(
    (
        "ami", "backing", "boot", "disk", "iso", "kernel", "machine", "os", "pull", "qcow", "rbd", "snapshot",
        "vhd", "vm",
    )
)  # fmt: skip
_PART_WORDS: Final = frozenset(("digest", "hub", "registry", "repository", "sha", "tag", "version"))
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


def words(name: str) -> list[str]:
    """Split a name in camel case, snake case or kebab case into its words. The words are in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def judged(name: str, description: str, enclosing: Sequence[str]) -> tuple[Confidence, str] | None:
    """Return the confidence that a string field contains an image reference, with the reason for the confidence.

    Return None if it does not. `enclosing` contains the names of the parent fields, starting with the outermost.
    """
    in_name = words(name)
    around = {word for outer in enclosing for word in words(outer)}
    if _OTHER_IMAGE.search(description) or around & _OTHER_PARENTS:
        return None
    if not means_image(in_name) and contains_images(enclosing):
        return Confidence.LIKELY, "name of the parent field"
    if not means_image(in_name):
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


def contains_images(enclosing: Sequence[str]) -> bool:
    """Return whether the innermost parent field is a mapping whose values are images, as in `images: {web: …}`."""
    return bool(enclosing) and words(enclosing[-1])[-1:] == ["images"] and means_image(words(enclosing[-1]))


def means_image(in_name: Sequence[str]) -> bool:
    """Return whether the words of a name mean a whole container image. `imageTag` and `vmImage` do not."""
    index = next((index for index, word in enumerate(in_name) if word in _NAME_WORDS), None)
    if index is None:
        return False
    before, after = in_name[:index], in_name[index:]
    return not ((_OTHER_AFTER | _PART_WORDS).intersection(after) or _OTHER_BEFORE.intersection(before))


def is_url(name: str) -> bool:
    """Return whether a field with this name contains a scheme and a reference, as in `oci://REGISTRY/NAME`."""
    return bool({"url", "uri"}.intersection(words(name)))


def is_container(fields: Collection[str]) -> bool:
    """Return whether an object with these fields is a container of a pod."""
    return "image" in fields and len(_CONTAINER_FIELDS.intersection(fields)) >= 2


def split_reference(name: str, fields: Collection[str]) -> Split | None:
    """Return the keys of a split reference in the object `name` with these fields, or None if it has none."""
    tag = _named(fields, "tag")
    digest = _named(fields, "digest", "sha", "sha256", "hash")
    registry = _named(fields, "registry", "hub")
    if {"repository", "image", "version"} <= set(fields):  # the operators of NVIDIA use these names
        return Split(registry="repository", repository="image", tag="version", digest=digest)
    about_images = bool(_NAME_WORDS.intersection(words(name)))
    for key in ("repository", "repo", "baseImage", "imageRepository", "name", "image"):
        if key not in fields:
            continue
        is_ambiguous = key in ("name", "repo", "repository") and not about_images
        if (tag or digest) and (not is_ambiguous or (registry and key != "name")):
            return Split(key, registry, tag, digest)
    return None


def _named(fields: Collection[str], *last: str) -> str:
    """Return the field whose name or whose name's last word is in `last`, or an empty string."""
    exact = [name for name in fields if name in last]
    return next(iter(exact or sorted(name for name in fields if words(name)[-1:] and words(name)[-1] in last)), "")
