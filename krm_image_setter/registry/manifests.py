"""Reads manifests and indexes, and checks their media types and digests."""

from __future__ import annotations

import hashlib
import re

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.platforms import Platform, read_platform
from krm_image_setter.typed import Any, Final

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
# The registered algorithms of https://github.com/opencontainers/image-spec/blob/main/descriptor.md.
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def check_media_type(text: str, host: str) -> str:
    """Return the media type in a `Content-Type`. Raises RegistryError if `ACCEPT` does not contain the type."""
    media_type = text.partition(";")[0].strip().lower()
    if media_type.startswith(_SCHEMA_1):
        raise RegistryError(
            "the image has a manifest of schema 1, which has no stable digest; push it again with a current tool"
        )
    if media_type not in _INDEXES + _MANIFESTS:
        raise RegistryError(f'{host} sent the media type "{media_type}"; expected a manifest or an index')
    return media_type


def is_index(media_type: str) -> bool:
    """Return whether a media type is that of an index, which lists the manifests for several platforms."""
    return media_type in _INDEXES


def is_supported(digest: str) -> bool:
    """Return whether a text is a digest with an algorithm that OCI registers."""
    return _DIGEST.fullmatch(digest) is not None


def check_digest(body: bytes, expected: str, host: str) -> str:
    """Return the digest of a body. Raises RegistryError if it differs from `expected`, unless that is empty."""
    if expected and not is_supported(expected):
        raise RegistryError(f"cannot check the digest {expected}; expected sha256 or sha512")
    algorithm = expected.partition(":")[0] or "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"
    if expected and digest != expected:
        raise RegistryError(f"{host} sent a body with the digest {digest} instead of {expected}")
    return digest


def read_index(content: Any) -> list[tuple[Platform, str]]:
    """Return the platforms in an index with the digests of their manifests. Attestations are omitted.

    Raises RegistryError if the index is not valid.
    """
    children = content.get("manifests") if isinstance(content, dict) else None
    if not isinstance(children, list):
        raise RegistryError("the index has no list of manifests")
    platforms = []
    for child in children:
        platform = read_platform(child.get("platform")) if isinstance(child, dict) else None
        if platform is not None:
            platforms.append((platform, _digest_in(child)))
    return platforms


def read_config(content: Any) -> str:
    """Return the digest of the image configuration in a manifest. Raises RegistryError if it is not valid."""
    return _digest_in(content.get("config") if isinstance(content, dict) else None)


def _digest_in(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or not is_supported(digest):
        raise RegistryError("the manifest contains a descriptor without a valid digest")
    return digest
