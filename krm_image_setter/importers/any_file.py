"""The configuration of whichever tool -> ImageSetter: a Tiltfile by its name, the others by what they say."""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.errors import InputError
from krm_image_setter.importers import Imported
from krm_image_setter.importers.kbld import import_kbld, is_kbld
from krm_image_setter.importers.kustomization import NAMES, import_kustomization, is_kustomization
from krm_image_setter.importers.reading import read_documents
from krm_image_setter.importers.skaffold import import_skaffold, is_skaffold
from krm_image_setter.importers.tiltfile import import_tiltfile


def import_file(text: str, file: str, name: str, read: Callable[[str], str]) -> Imported:
    """Return the ImageSetter that says what the configuration `text` says of images.

    `file` is the file as the user named it, `name` its name without a folder; `read` returns the text of another
    file, by its path from that folder, and raises InputError.

    Raises InputError where it is the configuration of no tool that is known, ConfigError where it is not YAML.
    """
    if name.startswith("Tiltfile") or name.lower().endswith((".tiltfile", ".star")):
        return import_tiltfile(text, file)
    documents = read_documents(text, file)
    if any(map(is_kbld, documents)):
        return import_kbld(text, file)
    if any(map(is_skaffold, documents)):
        return import_skaffold(text, file)
    if name in NAMES or any(map(is_kustomization, documents)):
        return import_kustomization(text, file, read)
    raise InputError(
        "this is no configuration that can be imported: give a Tiltfile (by that name), a kustomization,"
        " a Config of kbld or a skaffold.yaml",
        file=file,
    )
