"""Asks one repository of a registry for tags, digests and platforms."""

from __future__ import annotations

from krm_image_setter.images.reference import HUB, is_digest
from krm_image_setter.registry.answers import MissingError, RegistryError, Resolved
from krm_image_setter.registry.authentication import Account, Authentication
from krm_image_setter.registry.client import Client
from krm_image_setter.registry.connections import Response
from krm_image_setter.registry.manifests import (
    ACCEPT,
    check_digest,
    check_media_type,
    is_index,
    is_supported,
    read_config,
    read_index,
)
from krm_image_setter.registry.platforms import Platform, read_platform
from krm_image_setter.typed import Any, Final, Record

# The host that serves docker.io, as in github.com/distribution/reference and all clients.
_HUB_HOST: Final = "registry-1.docker.io"


class Wanted(Record):
    """The platforms that an image must have; see the arguments of `Registries`."""

    platforms: tuple[Platform, ...]
    single_platform: bool


class _Head(Record):
    """A manifest. `content` is its JSON data, or None if the response to HEAD was sufficient."""

    digest: str
    media_type: str
    content: Any


class Repository:
    """A repository of a registry. `name` is normalized, such as `docker.io/library/nginx`."""

    def __init__(self, client: Client, authentication: Authentication, name: str) -> None:
        self._client = client
        self._authentication = authentication
        self._domain, _, path = name.partition("/")
        self.host = _HUB_HOST if self._domain == HUB else self._domain
        self._account = Account(self.host, self._domain, path)

    def resolve(self, tag: str | None, digest: str | None, wanted: Wanted) -> Resolved:
        """Find out the digests and the platforms of a tag, of a digest, or of both.

        Raises MissingError if the registry does not have the digest or a platform. A missing tag is an error only
        if `digest` is None. Raises RegistryError if the registry does not answer.
        """
        head = None
        if tag is not None:
            head = self._head(tag) if digest is None else self._head_if_present(tag)
        tag_digest = head.digest if head is not None else None
        if head is None or (digest is not None and digest != tag_digest):
            head = self._head(digest or "")
        if not wanted.platforms:
            return Resolved(head.digest, tag_digest, ())
        found = self._platforms(head)
        texts = tuple(dict.fromkeys(str(platform) for platform, _ in found))
        missing = [str(platform) for platform in wanted.platforms if platform not in dict(found)]
        if missing:
            has = ", ".join(texts) or "no platform"
            raise MissingError(f"the image has no platform {', '.join(missing)}; it has {has}")
        resolved = Resolved(head.digest, tag_digest, texts)
        for platform in wanted.platforms:
            # If a platform has several manifests, use the first. A registry can lack a manifest of an index.
            child = next(digest for candidate, digest in found if candidate == platform)
            if child != head.digest and self._head_if_present(child) is None:
                raise MissingError(f"the index contains {platform}, but {self._domain} does not have its manifest")
            if wanted.single_platform:
                return resolved._replace(digest=child, platforms=(str(platform),))
        return resolved

    def _head_if_present(self, tag_or_digest: str) -> _Head | None:
        try:
            return self._head(tag_or_digest)
        except MissingError:
            return None

    def _head(self, tag_or_digest: str) -> _Head:
        """Ask for the digest of a manifest with HEAD, and with GET only if the answer is not sufficient."""
        response = self._ask("HEAD", f"manifests/{tag_or_digest}")
        digest = response.headers.get("Docker-Content-Digest", "")
        media_type = response.headers.get("Content-Type")
        expected = tag_or_digest if is_digest(tag_or_digest) else digest
        # After a redirect, the headers come from another host, so only the body proves the digest.
        trusted = digest == expected and is_supported(digest) and not response.redirected
        if response.status != 200 or media_type is None or not trusted:
            return self._get(tag_or_digest)
        return _Head(digest, check_media_type(media_type, self._domain), None)

    def _get(self, tag_or_digest: str) -> _Head:
        response = self._ask("GET", f"manifests/{tag_or_digest}")
        media_type = check_media_type(response.headers.get("Content-Type", ""), self._domain)
        expected = tag_or_digest
        if not is_digest(expected):
            expected = "" if response.redirected else response.headers.get("Docker-Content-Digest", "")
        return _Head(check_digest(response.body, expected, self._domain), media_type, response.json())

    def _platforms(self, head: _Head) -> list[tuple[Platform, str]]:
        """Return the platforms of an image with the digests of their manifests."""
        content = head.content or self._get(head.digest).content
        if is_index(head.media_type):
            return read_index(content)
        config = read_config(content)
        response = self._ask("GET", f"blobs/{config}")
        check_digest(response.body, config, self._domain)
        platform = read_platform(response.json())
        return [] if platform is None else [(platform, head.digest)]

    def _ask(self, method: str, path: str) -> Response:
        url = f"{self._client.scheme(self.host)}://{self.host}/v2/{self._account.path}/{path}"
        header = self._authentication.header(self._account)
        response = self._send(method, url, header)
        # After a redirect, the challenge comes from another host, which must not get the login.
        if response.status == 401 and not response.redirected:
            answer = self._authentication.challenged(self._account, response)
            if answer not in (None, header):
                response = self._send(method, url, answer)
                if response.status == 401:
                    self._authentication.denied(self._account)
        if response.status == 404:
            raise MissingError(f"not found in {self._domain}")
        if response.status in (401, 403):
            raise RegistryError(f"{self._domain} denies access or has no such image; check the name and the login")
        if response.status != 200 and (method != "HEAD" or response.status >= 500):
            raise RegistryError(f"{self._domain} answered with status {response.status}")
        return response

    def _send(self, method: str, url: str, authorization: str | None) -> Response:
        headers = {} if authorization is None else {"Authorization": authorization}
        return self._client.send(method, url, {"Accept": ACCEPT, **headers})
