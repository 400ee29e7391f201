"""Reads the output of `krm-image-setter list -o json`: a JSON array with one object per image."""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_or_reason
from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.typed import Any


def is_listing(data: Any) -> bool:
    """Return whether a document is a list of images."""
    return isinstance(data, list) and all(isinstance(row, dict) and "image" in row for row in data)


def read_listing(document: Value) -> Iterator[BuiltImage | ConfigError]:
    """Yield each image, or an error if it is not a reference, or has neither a tag nor a digest."""
    for row in document.items():
        image = row.child("image")
        yield image_or_reason(image.string(), image.located)
