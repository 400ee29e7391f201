"""Asks one repository of a registry for tags, digests and platforms."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit

from krm_image_setter.images.reference import HUB, is_digest
from krm_image_setter.registry.answers import MissingError, RegistryError, Resolved
from krm_image_setter.registry.client import Client, Response
from krm_image_setter.registry.manifests import (
    ACCEPT,
    Manifest,
    check_media_type,
    digest_of,
    is_index,
    read_manifest,
)
from krm_image_setter.registry.platforms import Platform, read_platform

# The host that answers for docker.io, as in github.com/distribution/reference and all clients.
_HUB_HOST: Final = "registry-1.docker.io"
_USER_AGENT: Final = "krm-image-setter"


class Wanted(NamedTuple):
    """What to find out about images, as in the arguments of `Registries`."""

    platforms: tuple[Platform, ...]
    single_platform: bool
    list_platforms: bool
    known: frozenset[str]


class _Head(NamedTuple):
    """A manifest of which the body was read only if it was necessary."""

    digest: str
    media_type: str
    body: bytes | None


class Repository:
    """A repository. `name` is normalized and contains the host: `docker.io/library/nginx`."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        domain, _, self._path = name.partition("/")
        self.host = _HUB_HOST if domain == HUB else domain

    def resolve(self, tag: str | None, digest: str | None, wanted: Wanted) -> Resolved:
        """Find out the digests and the platforms of a tag, of a digest, or of both.

        Raises MissingError if the registry does not have the digest, a platform, or the tag if there is no digest.
        Raises RegistryError if it does not answer.
        """
        head = self._head_tag(tag, required=digest is None) if tag is not None else None
        tag_digest = head.digest if head is not None else None
        if head is None or (digest is not None and digest != tag_digest):
            head = self._head(digest or "")
        must_read = wanted.list_platforms and head.digest not in wanted.known
        if not wanted.platforms and not must_read:
            return Resolved(head.digest, tag_digest, (), head.media_type)
        found = self._platforms(self._manifest(head))
        texts = tuple(dict.fromkeys(str(platform) for platform, _ in found))
        missing = [str(platform) for platform in wanted.platforms if platform not in dict(found)]
        if missing:
            has = ", ".join(texts) or "no platform"
            raise MissingError(f"the image has no platform {', '.join(missing)}; it has {has}")
        resolved = Resolved(head.digest, tag_digest, texts, head.media_type)
        if wanted.single_platform:
            single = dict(reversed(found))[wanted.platforms[0]]
            resolved = resolved._replace(digest=single, platforms=(str(wanted.platforms[0]),))
        return resolved

    def _head_tag(self, tag: str, *, required: bool) -> _Head | None:
        try:
            return self._head(tag)
        except MissingError:
            if required:
                raise
            return None

    def _head(self, tag_or_digest: str) -> _Head:
        """Ask for the digest of a manifest with HEAD, and with GET only if the answer is not sufficient."""
        response = self._ask("HEAD", f"manifests/{tag_or_digest}", ACCEPT)
        digest = response.headers.get("Docker-Content-Digest", "")
        # A header of another host, such as a cache, is not an answer of the registry.
        if response.status == 200 and is_digest(digest) and urlsplit(response.url).netloc == self.host:
            media_type = check_media_type(response.headers.get("Content-Type", ""), self.host)
            if is_digest(tag_or_digest) and digest != tag_or_digest:
                raise RegistryError(
                    f"{self.host} sent another manifest than the one with the digest {tag_or_digest}"
                )
            return _Head(digest, media_type, None)
        return self._get(tag_or_digest)

    def _get(self, tag_or_digest: str) -> _Head:
        response = self._ask("GET", f"manifests/{tag_or_digest}", ACCEPT)
        media_type = check_media_type(response.headers.get("Content-Type", ""), self.host)
        expected = tag_or_digest if is_digest(tag_or_digest) else response.headers.get("Docker-Content-Digest", "")
        digest = self._checked(response.body, expected)
        return _Head(digest, media_type, response.body)

    def _checked(self, body: bytes, expected: str) -> str:
        digest = digest_of(body, expected.partition(":")[0] or "sha256")
        if expected and digest != expected:
            raise RegistryError(f"{self.host} sent a body with the digest {digest} instead of {expected}")
        return digest

    def _manifest(self, head: _Head) -> Manifest:
        body = head.body if head.body is not None else self._get(head.digest).body
        return read_manifest(_json(body or b""), head.digest, head.media_type)

    def _platforms(self, manifest: Manifest) -> list[tuple[Platform, str]]:
        if is_index(manifest.media_type):
            return list(manifest.platforms)
        response = self._ask("GET", f"blobs/{manifest.config}", "*/*")
        self._checked(response.body, manifest.config or "")
        platform = read_platform(_json(response.body))
        return [] if platform is None else [(platform, manifest.digest)]

    def _ask(self, method: str, path: str, accept: str) -> Response:
        url = f"{self._client.scheme(self.host)}://{self.host}/v2/{self._path}/{path}"
        response = self._client.send(method, url, {"Accept": accept, "User-Agent": _USER_AGENT})
        if response.status == 404:
            raise MissingError(f"{self.host} does not have it")
        if response.status == 429:
            raise RegistryError(f"{self.host} answered too many requests (429)")
        if response.status not in (200, 405, 400):
            raise RegistryError(f"{self.host} answered with status {response.status}")
        return response


def _json(body: bytes) -> object:
    return Response(200, {}, body, "").json()
