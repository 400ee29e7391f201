"""Recognizes the tool to which a configuration file belongs, and calls the importer of the tool."""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.importers import Imported, Source
from krm_image_setter.importers.kbld import import_kbld, is_kbld
from krm_image_setter.importers.kustomization import import_kustomization, is_kustomization
from krm_image_setter.importers.skaffold import import_skaffold, is_skaffold
from krm_image_setter.importers.tiltfile import import_tiltfile, is_tiltfile
from krm_image_setter.typed import Final, Record


class _Importer(Record):
    """The importer of a tool. Messages and the help call the files of the tool `name`."""

    name: str
    recognizes: Callable[[Source], bool]
    convert: Callable[[Source], Imported]


# The Tiltfile is first, because it is not YAML and is recognized only by its name. The kustomization is last,
# because a file of another tool can be named like a kustomization.
_IMPORTERS: Final = (
    _Importer("Tiltfile", is_tiltfile, import_tiltfile),
    _Importer("kbld Config", is_kbld, import_kbld),
    _Importer("skaffold.yaml", is_skaffold, import_skaffold),
    _Importer("kustomization", is_kustomization, import_kustomization),
)
#: The names of the files that can be imported.
FILES: Final = ", ".join(importer.name for importer in _IMPORTERS)


def is_importable(source: Source) -> bool:
    """Return whether an importer recognizes a file that was found in a directory."""
    if is_tiltfile(source) or source.name in FILE_NAMES:
        return True
    try:
        return source.name.endswith((".yaml", ".yml")) and any(each.recognizes(source) for each in _IMPORTERS)
    except ConfigError:  # the file is not YAML, for example a template
        return False


def import_file(source: Source) -> Imported:
    """Return the ImageSetter for a configuration.

    Raises InputError if no importer recognizes the file, and ConfigError if it is not YAML.
    """
    for importer in _IMPORTERS:
        if importer.recognizes(source):
            return importer.convert(source)
    raise InputError(f"unsupported file; expected one of: {FILES}", file=source.file)
