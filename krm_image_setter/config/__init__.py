"""The functionConfig: its fields, its decoder, and the JSON Schema that explains errors in it."""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.config.decode import (
    decode,
    decode_group_kind,
    decode_image,
    decode_images,
    decode_kind,
    decode_registries,
    require_images,
)
from krm_image_setter.config.image_setter import API_VERSION, KIND, Ignored, ImageSetter
from krm_image_setter.config.value import ShapeError, Value
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.yaml import tree

__all__ = [
    "API_VERSION",
    "KIND",
    "Ignored",
    "ImageSetter",
    "ShapeError",
    "Value",
    "config_value",
    "configurations_in",
    "decode",
    "decode_group_kind",
    "decode_image",
    "decode_images",
    "decode_kind",
    "decode_registries",
    "read_values",
    "require_images",
]


def read_values(text: str, file: str | None) -> list[Value]:
    """Return the documents of a configuration that are not empty. Raises ConfigError if the text is not YAML."""
    try:
        return [
            config_value(one.document.root, one.source.line, file)
            for one in Stream(text).documents()
            if one.document.root is not None
        ]
    except InputError as error:
        raise ConfigError(error.message, file=file, line=error.line, column=error.column) from error


def configurations_in(stream: Stream) -> list[Value]:
    """Return the ImageSetter documents in a stream. Raises InputError if a document is not YAML.

    The filter calls this in every run. To save time, it parses only documents with the word ImageSetter.
    """
    return [
        config_value(root, one.source.line)
        for one in stream.documents(KIND)
        if isinstance(root := one.document.root, dict)
        and (root.get("kind"), root.get("apiVersion")) == (KIND, API_VERSION)
    ]


def config_value(root: object, line: Callable[[int], int], file: str | None = None) -> Value:
    """Return a node as a configuration. `line` returns the line for an offset in the text that was parsed."""
    # Only mappings and sequences know their location. A document that is only a scalar has no location.
    written = root if isinstance(root, tree.Mapping | tree.Sequence) else None
    return Value(root, written, "", file, line)
