"""What a field's name, its description and its neighbours say about whether it holds a container image."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.locators import Split

# What belongs to a container of a pod (core/v1 Container) besides its image.
_CONTAINER_FIELDS: Final = frozenset(
    (
        "args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
        "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath", "tty",
        "volumeMounts", "workingDir", "script",
    )
)  # fmt: skip

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# A word behind "image" that makes something else of it: `imagePullPolicy`, `imageURL`; and one before it that
# makes it an image of another sort: `vmImage`, `backingImage`.
_OTHER_BEHIND: Final = frozenset(
    (
        "base64", "cache", "catalog", "checksum", "class", "config", "count", "family", "features", "format", "gc",
        "health", "id", "ids", "info", "key", "lookup", "minimum", "mode", "owner", "path", "policies", "policy",
        "prefix", "project", "publisher", "pull", "secret", "secrets", "size", "snapshot", "source", "state",
        "status", "stream", "streams", "suffix", "template", "type", "types", "url", "urls", "volume",
    )
)  # fmt: skip
_OTHER_BEFORE: Final = frozenset(
    (
        "ami", "backing", "boot", "disk", "iso", "kernel", "machine", "os", "pull", "qcow", "rbd", "snapshot",
        "vhd", "vm",
    )
)  # fmt: skip
_PART_WORDS: Final = frozenset(("digest", "hub", "registry", "repository", "sha", "tag", "version"))
_NAME_WORDS: Final = frozenset(("image", "images"))
_LAST_WORDS: Final = frozenset(("name", "names", "ref", "reference", "fqin", "spec"))

# Fields under these are not what runs in a pod: what was observed, kustomize's `old=new` overrides, disks.
_OTHER_PLACES: Final = frozenset(("status", "kustomize", "disk", "disks", "machine", "rbd", "ami"))

_POINTERS: Final = frozenset(("bundle", "package", "ref", "reference", "uri", "url"))
_OF: Final = re.compile(
    r"\bOCI (?:image|artifact|container|registry)\b|\b(?:container|docker) images?\b", re.IGNORECASE
)
_FOR: Final = re.compile(
    r"\b(?:container|docker|oci|sidecar|init)[- ](?:\w+[- ])?(?:images?|artifacts?)\b"
    r"|\bimages? (?:to|used|that will be|which will be|is used|for) (?:use|run|pull|by|in|the|deploy|be)\b"
    r"|\bdocker\b|\bOCI\b|\bregistry\b|\bpod\b|\bcontainers?\b|\bsidecar\b",
    re.IGNORECASE,
)
_AGAINST: Final = re.compile(
    r"\b(?:disk|machine|instance|vm|virtual machine|os|operating system|boot|cloud|node|raw|iso|rbd|rados|gce"
    r"|compute|azure|windows|golden|backing|qcow2?|root|base os|background|profile|user|logo|thumbnail|kernel"
    r"|mirrored)[- ]images?\b"
    r"|\b(?:AMIs?|marketplace|resource ID|picture|icon|photo|QCOW2?|regular expression|regexp?|glob|wildcards?)\b"
    r"|\b(?:for (?:the|this) machine|instances? (?:should|to)|imageID|hypervisor|image stream|RBD)\b"
    r"|\b(?:will be (?:pushed|built)|pushed to)\b",
    re.IGNORECASE,
)


def words(name: str) -> list[str]:
    """Return the words of a name in camel case, snake case or kebab case, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def judged(name: str, description: str, enclosing: Sequence[str]) -> tuple[Confidence, str] | None:
    """Return how sure it is that a string field holds a whole reference, and why; None where it surely does not.

    `enclosing` are the names of the fields around it.
    """
    said = words(name)
    around = {word for outer in enclosing for word in words(outer)}
    if _AGAINST.search(description) or around & _OTHER_PLACES:
        return None
    if not says_image(said) and names_images(enclosing):
        return Confidence.LIKELY, "the name around it"
    if not says_image(said):
        # `url`, `reference`: only the description can tell.
        return (
            (Confidence.LIKELY, "its description")
            if _OF.search(description) and _POINTERS.intersection(said)
            else None
        )
    if _FOR.search(description):
        return Confidence.LIKELY, "its name and description"
    if said[-1] in _NAME_WORDS or said[-1] in _LAST_WORDS:
        return Confidence.LIKELY, "its name"
    return Confidence.POSSIBLE, "its name"


def names_images(enclosing: Sequence[str]) -> bool:
    """Say whether the innermost of these fields is one whose fields are images each: `images: {web: …}`."""
    return bool(enclosing) and words(enclosing[-1])[-1:] == ["images"] and says_image(words(enclosing[-1]))


def says_image(said: Sequence[str]) -> bool:
    """Say whether the words of a name mean a whole image, not something about one or another sort of image."""
    at = next((index for index, word in enumerate(said) if word in _NAME_WORDS), None)
    if at is None:
        return False
    return not ((_OTHER_BEHIND | _PART_WORDS).intersection(said[at:]) or _OTHER_BEFORE.intersection(said[:at]))


def is_url(name: str) -> bool:
    """Say whether a field of this name holds a reference behind a scheme: `oci://`, `docker://`."""
    return bool({"url", "uri"}.intersection(words(name)))


def is_container(fields: Collection[str]) -> bool:
    """Say whether an object with these fields is a container, by its shape."""
    return "image" in fields and len(_CONTAINER_FIELDS.intersection(fields)) >= 2


def parts_of(name: str, fields: Collection[str]) -> Split | None:
    """Return under which keys an object of this name holds a reference in parts, or None where it holds none."""
    tag = _named(fields, "tag")
    digest = _named(fields, "digest", "sha", "sha256", "hash")
    registry = _named(fields, "registry", "hub")
    if {"repository", "image", "version"} <= set(fields):  # NVIDIA's operators
        return Split(registry="repository", repository="image", tag="version", digest=digest)
    about_images = bool(_NAME_WORDS.intersection(words(name)))
    for key in ("repository", "repo", "baseImage", "imageRepository", "name", "image"):
        if key not in fields:
            continue
        weak = key in ("name", "repo", "repository") and not about_images
        if (tag or digest) and (not weak or (registry and key != "name")):
            return Split(key, registry, tag, digest)
    return None


def _named(fields: Collection[str], *last: str) -> str:
    """Return the field whose name, or whose last word, is one of these; empty where there is none."""
    exact = [name for name in fields if name in last]
    return next(iter(exact or sorted(name for name in fields if words(name)[-1:] and words(name)[-1] in last)), "")
