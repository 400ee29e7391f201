"""The configuration of any known tool: recognizes the tool by the name or content of the file, and imports it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Imported, Source
from krm_image_setter.importers.kbld import import_kbld, is_kbld
from krm_image_setter.importers.kustomization import import_kustomization, is_kustomization
from krm_image_setter.importers.skaffold import import_skaffold, is_skaffold
from krm_image_setter.importers.tiltfile import import_tiltfile, is_tiltfile

# A Tiltfile is first, because it is recognized by its name alone: it is not YAML.
_IMPORTERS: Final = (
    (is_tiltfile, import_tiltfile),
    (is_kbld, import_kbld),
    (is_skaffold, import_skaffold),
    (is_kustomization, import_kustomization),
)


def import_file(text: str, file: str, name: str, read: Callable[[str], str]) -> Imported:
    """Return the ImageSetter for a configuration. See Source for the arguments.

    Raises InputError if no importer recognizes the file, and ConfigError if it is not YAML.
    """
    source = Source(text, file, name, read)
    for recognizes, convert in _IMPORTERS:
        if recognizes(source):
            return convert(source)
    raise InputError(
        "unsupported file; expected a Tiltfile, kustomization.yaml, kbld Config or skaffold.yaml", file=file
    )
