"""What a field's name, its description and its neighbours say about whether it holds a container image."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from krm_image_setter.discovery.finding import Confidence
from krm_image_setter.locators import Parts

# What belongs to a container of a pod (core/v1 Container) besides its image.
_CONTAINER_FIELDS: Final = frozenset(
    (
        "args", "command", "env", "envFrom", "imagePullPolicy", "lifecycle", "livenessProbe", "ports",
        "readinessProbe", "resources", "securityContext", "startupProbe", "terminationMessagePath", "tty",
        "volumeMounts", "workingDir", "script",
    )
)  # fmt: skip

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
# A word beside "image" that makes something else of it: `imagePullPolicy`, `imageURL`, `vmImage`.
_OTHER_WORDS: Final = frozenset(
    (
        "ami", "backing", "base64", "boot", "cache", "catalog", "checksum", "class", "config", "count", "disk",
        "family", "features", "format", "gc", "health", "id", "ids", "imageid", "info", "iso", "key", "lookup",
        "machine", "minimum", "mode", "os", "owner", "path", "policies", "policy", "prefix", "project", "pull",
        "publisher", "qcow", "rbd", "secret", "secrets", "size", "snapshot", "source", "state", "status", "stream",
        "streams", "suffix", "template", "type", "types", "url", "urls", "vhd", "vm", "volume",
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
    r"|\b(?:will be pushed|pushed to)\b",
    re.IGNORECASE,
)


def words(name: str) -> list[str]:
    """Return the words of a name in camel case, snake case or kebab case, in lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def judged(name: str, description: str, enclosing: Iterable[str]) -> tuple[Confidence, str] | None:
    """Return how sure it is that a string field holds a whole reference, and why; None where it surely does not.

    `enclosing` are the names of the fields around it.
    """
    said = words(name)
    around = {word for outer in enclosing for word in words(outer)}
    if _AGAINST.search(description) or around & _OTHER_PLACES:
        return None
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


def says_image(said: Collection[str]) -> bool:
    """Say whether the words of a name mean a whole image, not something about one or another sort of image."""
    return bool(_NAME_WORDS.intersection(said)) and not (_OTHER_WORDS | _PART_WORDS).intersection(said)


def is_url(name: str) -> bool:
    """Say whether a field of this name holds a reference behind a scheme: `oci://`, `docker://`."""
    return bool({"url", "uri"}.intersection(words(name)))


def is_container(fields: Collection[str]) -> bool:
    """Say whether an object with these fields is a container, by its shape."""
    return "image" in fields and len(_CONTAINER_FIELDS.intersection(fields)) >= 2


def parts_of(name: str, fields: Collection[str]) -> Parts | None:
    """Return under which keys an object of this name holds a reference in parts, or None where it holds none."""
    tag = next((key for key in ("tag", "imageTag") if key in fields), "")
    digest = next((key for key in ("digest", "sha", "sha256", "imageDigest") if key in fields), "")
    registry = next((key for key in ("registry", "imageRegistry", "hub") if key in fields), "")
    if {"repository", "image", "version"} <= set(fields):  # NVIDIA's operators
        return Parts(registry="repository", repository="image", tag="version", digest=digest)
    about_images = bool(_NAME_WORDS.intersection(words(name)))
    for key in ("repository", "repo", "baseImage", "imageRepository", "name", "image"):
        if key not in fields:
            continue
        weak = key in ("name", "repo", "repository") and not about_images
        if (tag or digest) and (not weak or (registry and key != "name")):
            return Parts(key, registry, tag, digest)
    return None
