"""Reads the file Images.lock of a Helm chart, which `dt images lock` writes.

See pkg/imagelock of https://github.com/vmware-labs/distribution-tooling-for-helm.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_its_name, pinned
from krm_image_setter.config import Value
from krm_image_setter.typed import Any, Final

_API_VERSION: Final = "v0"
_KIND: Final = "ImagesLock"


def is_dt(data: dict[str, Any]) -> bool:
    """Return whether a document is an Images.lock."""
    return data.get("apiVersion") == _API_VERSION and data.get("kind") == _KIND


def read_dt(document: Value) -> Iterator[BuiltImage]:
    """Yield the images of the chart. Raises ConfigError if an image is invalid.

    The file contains a digest for each platform, but no digest of the index for all platforms. Therefore a digest
    is used only if the image has just one.
    """
    images = document.fields().get("images")
    for entry in images.items() if images else ():
        fields = entry.fields(required=("image",))
        digests = list(fields["digests"].items()) if "digests" in fields else []
        digest = digests[0].fields(required=("digest",))["digest"] if len(digests) == 1 else None
        text = fields["image"].string().removeprefix("oci://")
        yield image_of_its_name(pinned(text, digest), fields["image"].located)
