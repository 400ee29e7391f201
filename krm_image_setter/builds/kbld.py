"""Reads the overrides in kbld's Config, and the lock files of `kbld --imgpkg-lock-output` or `--lock-output`.

See pkg/kbld/cmd/resolve.go and pkg/kbld/config of https://github.com/carvel-dev/kbld.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_fields, image_of_its_name, image_of_values
from krm_image_setter.config import Value
from krm_image_setter.typed import Any, Final

LOCK_API_VERSION: Final = "imgpkg.carvel.dev/v1alpha1"
LOCK_KIND: Final = "ImagesLock"
API_VERSION: Final = "kbld.k14s.io/v1alpha1"
#: The annotation of an image in a lock file. It contains the image reference that the manifests contain.
ID: Final = "kbld.carvel.dev/id"
_OVERRIDE_KINDS: Final = ("Config", "ImageOverrides")


def is_kbld_lock(data: dict[str, Any]) -> bool:
    """Return whether a document is an ImagesLock of kbld."""
    return data.get("apiVersion") == LOCK_API_VERSION and data.get("kind") == LOCK_KIND


def read_kbld_lock(document: Value) -> Iterator[BuiltImage]:
    """Yield the locked images. An image without kbld's annotation gets a rule for its own name.

    Raises ConfigError if an image is invalid.
    """
    images = document.fields().get("images")
    for entry in images.items() if images else ():
        fields = entry.fields(required=("image",))
        annotations = fields["annotations"].fields() if "annotations" in fields else {}
        if ID in annotations:
            yield image_of_values(annotations[ID], fields["image"])
        else:
            yield image_of_its_name(fields["image"].string(), fields["image"].located)


def is_kbld_config(data: dict[str, Any]) -> bool:
    """Return whether a document is a Config of kbld, which can contain overrides."""
    return data.get("apiVersion") == API_VERSION and data.get("kind") in _OVERRIDE_KINDS


def read_kbld_config(document: Value) -> Iterator[BuiltImage]:
    """Yield the overrides of a Config. Raises ConfigError if an override is invalid, or has a `tagSelection`."""
    overrides = document.fields().get("overrides")
    for entry in overrides.items() if overrides else ():
        fields = entry.fields()
        if "tagSelection" in fields:
            message = "kbld selects this tag in the registry; pass the file that `kbld --lock-output` writes"
            entry.fail(message, "tagSelection")
        yield image_of_fields(entry, "imageRepo" if "imageRepo" in fields else "image", "newImage")
