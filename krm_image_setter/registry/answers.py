"""The answers to the question which digest an image has."""

from __future__ import annotations

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import Record


class Resolved(Record):
    """An image that its registry has.

    `digest` is the digest of the reference if it has one, otherwise the digest of its tag. With `single_platform`
    it is the digest of the manifest of that platform. `tag_digest` is the digest that the tag has now. It is None
    if the reference has only a digest, or if the registry does not have the tag. `platforms` contains the
    platforms of the image, such as `linux/arm64`, if some were required; otherwise it is empty.
    """

    digest: str
    tag_digest: str | None
    platforms: tuple[str, ...]


class Failed(Record):
    """An image without an answer.

    `reason` is a part of a message: lower case, without a full stop, and without credentials. `missing` is true if
    the registry answered that it does not have the image, the digest or a platform. It is false if the registry
    did not answer, or does not permit the access.
    """

    reason: str
    missing: bool = False


Answer = Resolved | Failed


class RegistryError(ImageSetterError):
    """A registry did not answer as expected. The message becomes the reason of a `Failed`."""

    missing = False


class MissingError(RegistryError):
    """A registry does not have an image, a digest or a platform."""

    missing = True
