"""Manifests and indexes: their media types, platforms and digests."""

from __future__ import annotations

import hashlib
from typing import Any, Final, NamedTuple

from krm_image_setter.images.reference import is_digest
from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.platforms import Platform, read_platform

_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS: Final = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1"
ACCEPT: Final = ", ".join((*_INDEXES, *_MANIFESTS))
_ALGORITHMS: Final = ("sha256", "sha512")


class Manifest(NamedTuple):
    """A manifest or an index. `platforms` contains the digest of each platform of an index.

    `config` is the digest of the configuration of an image; it is None for an index.
    """

    digest: str
    media_type: str
    platforms: tuple[tuple[Platform, str], ...]
    config: str | None


def check_media_type(text: str, host: str) -> str:
    """Return the media type in a `Content-Type`. Raises RegistryError if it is not one of `ACCEPT`."""
    media_type = text.partition(";")[0].strip().lower()
    if media_type.startswith(_SCHEMA_1):
        raise RegistryError(
            "the image has a manifest of schema 1, which has no stable digest; push it again with a current tool"
        )
    if media_type not in _INDEXES + _MANIFESTS:
        raise RegistryError(f'{host} sent the media type "{media_type}"; expected a manifest or an index')
    return media_type


def is_index(media_type: str) -> bool:
    """Return whether a media type is that of an index, which refers to manifests for several platforms."""
    return media_type in _INDEXES


def digest_of(body: bytes, algorithm: str = "sha256") -> str:
    """Compute the digest of a body. Raises RegistryError if the algorithm is not one that OCI registers."""
    if algorithm not in _ALGORITHMS:
        raise RegistryError(f"unsupported digest algorithm {algorithm}")
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"


def read_manifest(data: Any, digest: str, media_type: str) -> Manifest:
    """Read the decoded body of a manifest or an index. Raises RegistryError if a required field is missing."""
    if not isinstance(data, dict):
        raise RegistryError("the manifest is not a JSON object")
    if data.get("schemaVersion") == 1:
        check_media_type(_SCHEMA_1, "")
    if not is_index(media_type):
        return Manifest(digest, media_type, (), _digest_in(data.get("config")))
    children = data.get("manifests")
    if not isinstance(children, list):
        raise RegistryError("the index has no list of manifests")
    platforms = []
    for child in children:
        platform = read_platform(child.get("platform")) if isinstance(child, dict) else None
        if platform is not None:
            platforms.append((platform, _digest_in(child)))
    return Manifest(digest, media_type, tuple(platforms), None)


def _digest_in(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not is_digest(digest):
        raise RegistryError("the manifest refers to another one without a valid digest")
    return digest
