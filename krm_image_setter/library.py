"""The functions of the Python API that the program itself does not use: `read_config` and `list_images`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping

from krm_image_setter.config import (
    API_VERSION,
    KIND,
    ImageSetter,
    Value,
    config_value,
    decode,
    read_values,
    require_images,
)
from krm_image_setter.documents import Stream
from krm_image_setter.errors import ConfigError, check_type
from krm_image_setter.images import parse_reference
from krm_image_setter.resources import NO_REF, ResourceRef
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in
from krm_image_setter.streams import read_text
from krm_image_setter.typed import Any, Record, TypeAlias

#: A configuration: YAML text, the path of a file, or the data of a document.
Source: TypeAlias = str | os.PathLike[str] | Mapping[str, Any]


class Image(Record):
    """An image in a text. `line` counts from 1.

    `name` (normalized, such as `docker.io/library/nginx`), `tag` and `digest` are the parts of `image`. They are
    None if the part is missing, or if `image` is not a valid reference, such as `nginx:${TAG}`. An image in a
    Secret is `***`. `resource_ref` is None if the document is not a resource. `field` is a path in the resource.
    """

    image: str
    name: str | None
    tag: str | None
    digest: str | None
    resource_ref: ResourceRef | None
    field: str
    line: int


def read_config(*sources: Source, needs_images: bool = True) -> ImageSetter:
    """Return the combined configuration in the sources: YAML texts, paths of files, and mappings.

    A mapping has the content of a document; `apiVersion` and `kind` can be missing. A configuration that sets no
    image is an error unless `needs_images` is false. For example, `list_images` needs only `kinds`.

    Raises ConfigError if the configuration is invalid, InputError if a file cannot be read, and TypeError if a
    source has another type.
    """
    documents = [value for source in sources for value in _values(source)]
    config = decode(documents)
    return require_images(config, documents) if needs_images else config


def _values(source: Source) -> Iterator[Value]:
    if isinstance(source, Mapping):
        yield config_value(_data(source), lambda _: 1)
    elif isinstance(source, os.PathLike):
        path = os.fspath(source)
        yield from read_values(read_text(path), path)
    else:
        expected = "YAML text, a mapping or a path"
        check_type("read_config", source, str, expected)
        values = read_values(source, None)
        if "\n" not in source and any(isinstance(value.data, str) for value in values):
            raise ConfigError(
                f'expected {expected}, got "{source}"; to read a file, pass pathlib.Path("{source}")'
            )
        yield from values


def _data(source: Mapping[str, Any]) -> Any:
    """Return a copy of a mapping that contains only the types of JSON. Raises TypeError for other types."""
    try:
        data = json.loads(json.dumps(dict(source)))
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"read_config: the mapping contains a value that is not YAML data: {error}") from error
    return data if {"apiVersion", "kind"} & data.keys() else {"apiVersion": API_VERSION, "kind": KIND, **data}


def list_images(text: str, config: ImageSetter | None = None, *, file: str = "") -> list[Image]:
    """Return the images in `text`, in the order of the fields that contain them.

    Images in environment variables, commands and arguments, which only `env` and `args` select, are omitted.
    `config` specifies where images are (`kinds`, `files`, `podSpecs` and `catalog`). `file` is the file name of
    the text: entries of `files` and the known files of the catalog depend on it. Raises InputError if `text` is
    not valid YAML or not a resource, and TypeError if an argument has the wrong type.
    """
    check_type("list_images", text, str, "a str as text")
    check_type("list_images", file, str, "a str as file")
    config = ImageSetter() if config is None else config
    check_type("list_images", config, ImageSetter, "an ImageSetter as config")
    rules = rules_for(config._replace(images=(), registries=()), {})
    images = []
    for found in images_in(Stream(text, file), rules):
        reference = parse_reference(found.image)
        name, tag, digest = (reference.normalized_name, *reference[1:]) if reference else (None, None, None)
        ref = found.resource if found.resource != NO_REF else None
        images.append(Image(found.image, name, tag, digest, ref, found.path, found.line))
    return images
