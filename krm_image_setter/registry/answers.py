"""The results of asking a registry for the digest of an image."""

from __future__ import annotations

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import Record


class Resolved(Record):
    """An image that its registry has.

    `digest` is the digest in the reference, or the digest of the tag if the reference has no digest. With
    `single_platform`, `digest` is that of the platform's manifest. `tag_digest` is the present digest of the tag,
    or None if the reference has only a digest or if the registry does not have the tag. `platforms` contains the
    platforms of the image, such as `linux/arm64`. It is empty if no platform was required.
    """

    digest: str
    tag_digest: str | None
    platforms: tuple[str, ...]


class Failed(Record):
    """An image for which the registry returned no digest.

    `reason` is a part of a message: lower case, without a full stop, and without credentials. `missing` is true if
    the registry answered that it does not have the image, the digest or a platform. It is false if the registry
    did not answer, or does not permit the access.
    """

    reason: str
    missing: bool = False


Answer = Resolved | Failed


class RegistryError(ImageSetterError):
    """A registry did not answer as expected. The message becomes `Failed.reason`."""

    missing = False


class MissingError(RegistryError):
    """A registry does not have an image, a digest or a platform."""

    missing = True
