"""The functionConfig: its fields, the decoder, and the JSON Schema that explains a wrong one."""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.config.decode import (
    decode,
    decode_group_kind,
    decode_image,
    decode_kind,
    require_images,
)
from krm_image_setter.config.image_setter import API_VERSION, KIND, ImageSetter
from krm_image_setter.config.value import ShapeError, Value
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.yaml import tree

__all__ = [
    "API_VERSION",
    "KIND",
    "ImageSetter",
    "ShapeError",
    "Value",
    "config_value",
    "configurations_in",
    "decode",
    "decode_group_kind",
    "decode_image",
    "decode_kind",
    "read_config",
    "read_values",
    "require_images",
]


def read_config(*texts: str) -> ImageSetter:
    """Return the combined configuration of YAML texts. Raises ConfigError."""
    documents = [value for text in texts for value in read_values(text, None)]
    return require_images(decode(documents), documents)


def read_values(text: str, file: str | None) -> list[Value]:
    """Return the documents of a configuration. Raises ConfigError if the text is not YAML."""
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

    Each run of the filter needs them, so only documents that contain the kind without escapes are parsed.
    """
    return [
        config_value(root, one.source.line)
        for one in stream.documents(KIND)
        if isinstance(root := one.document.root, dict)
        and (root.get("kind"), root.get("apiVersion")) == (KIND, API_VERSION)
    ]


def config_value(root: object, line: Callable[[int], int], file: str | None = None) -> Value:
    """Return a node as a configuration; `line` returns the line of an offset in the text that was parsed."""
    # Only mappings and sequences know their location: a document that is a scalar has no line.
    written = root if isinstance(root, tree.Mapping | tree.Sequence) else None
    return Value(root, written, "", file, line)
