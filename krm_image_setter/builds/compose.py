"""Reads the images in Compose files.

https://github.com/compose-spec/compose-spec/blob/main/05-services.md#image
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.builds.reading import BuiltImage, image_of_its_name, is_bare, no_version
from krm_image_setter.config import Value
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import parse_reference
from krm_image_setter.typed import Any


def is_compose(data: dict[str, Any]) -> bool:
    """Return whether a document is a Compose file."""
    return "services" in data and "kind" not in data


def read_compose(document: Value) -> Iterator[BuiltImage | ConfigError]:
    """Yield the image of each service, or an error if the image has variables, or neither a tag nor a digest.

    Raises ConfigError if anything else is invalid, or if a key is repeated. docker compose rejects repeated keys
    too, whereas the tools of the other formats use the last one.
    """
    document.check_keys()
    for service in document.child("services").fields().values():
        image = service.fields().get("image")
        if image is None:
            continue
        text = image.string()
        reference = parse_reference(text)
        if "$" in text:
            yield image.located(ConfigError(f'"{text}" contains variables; run `docker compose config` first'))
        elif reference is not None and is_bare(reference):
            yield image.located(no_version(text))
        else:
            yield image_of_its_name(text, image.located)
