"""Reads the file jib-image.json, which Jib writes after a build.

The fields are defined in ImageMetadataOutput.java in jib-plugins-common of
https://github.com/GoogleContainerTools/jib. `imagePushed` exists since Jib 3.3
(https://github.com/GoogleContainerTools/jib/pull/3641).
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_its_name, pinned
from krm_image_setter.config import Value
from krm_image_setter.typed import Any


def is_jib(data: dict[str, Any]) -> bool:
    """Return whether a document is the metadata of an image that Jib built."""
    return data.keys() >= {"image", "imageDigest"}


def read_jib(document: Value) -> Iterator[BuiltImage]:
    """Yield the image. Raises ConfigError if it is invalid.

    The image is set to its tag and its digest. An image that Jib has not pushed is only set to its tag, because a
    registry might not have the digest.
    """
    fields = document.fields()
    is_pushed = "imagePushed" not in fields or fields["imagePushed"].boolean()
    text = pinned(fields["image"].string(), fields["imageDigest"] if is_pushed else None)
    yield image_of_its_name(text, fields["image"].located)
