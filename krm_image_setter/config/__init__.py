"""The functionConfig: decoded by hand into frozen values; explained by JSON Schema where it is wrong."""

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
    """Return the configuration that one or several YAML texts give together. Raises ConfigError."""
    documents = [value for text in texts for value in read_values(text, None)]
    return require_images(decode(documents), documents)


def read_values(text: str, file: str | None) -> list[Value]:
    """Return the configurations in a text, one per document. Raises ConfigError if it is not YAML."""
    try:
        return [
            config_value(one.document.root, one.source.line, file)
            for one in Stream(text).documents()
            if one.document.root is not None
        ]
    except InputError as error:
        raise ConfigError(error.message, file=file, line=error.line, column=error.column) from error


def configurations_in(stream: Stream) -> list[Value]:
    """Return the ImageSetter documents in a stream. Raises InputError if one that has this word is not YAML.

    Only a document that contains the word as it is, without escapes, is parsed: each run of the filter asks.
    """
    return [
        config_value(root, one.source.line)
        for one in stream.documents(KIND)
        if isinstance(root := one.document.root, dict)
        and (root.get("kind"), root.get("apiVersion")) == (KIND, API_VERSION)
    ]


def config_value(root: object, line: Callable[[int], int], file: str | None = None) -> Value:
    """Return a node as a configuration; `line` gives the line of a code point of what it was parsed from."""
    # Only a mapping and a list know where they stand: a document that is a scalar has no line.
    written = root if isinstance(root, tree.Mapping | tree.Sequence) else None
    return Value(root, written, "", file, line)
