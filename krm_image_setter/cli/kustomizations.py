"""Warns about kustomizations whose `images` contain a name that this run changes in the resources.

`kubectl kustomize` compares `images[].name` with the images in the resources. If the name changes only in the
resources, the entry silently matches nothing. Then kubectl deploys the wrong image.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.cli.files import File
from krm_image_setter.cli.scanning import Scanned
from krm_image_setter.config import Value, read_values
from krm_image_setter.errors import ConfigError, InputError
from krm_image_setter.images import Reference, parse_reference
from krm_image_setter.scan import Scan
from krm_image_setter.streams import decoded


def stale_matches(files: Iterable[File], scanned: Iterable[Scanned[Scan]]) -> Iterator[str]:
    """Yield a warning for each `images` entry of a kustomization whose name this run changes in the resources."""
    kustomizations = [file for file in files if os.path.basename(file.path) in FILE_NAMES]
    renamed = dict(_renamed(scanned)) if kustomizations else {}
    for file in kustomizations if renamed else ():
        for entry in _entries(file):
            name = parse_reference(entry.text_at("name"))
            found = renamed.get(name.normalized_name) if name else None
            if found:
                field, new = found
                error = ConfigError(
                    f'"{name}" will no longer match {field}, which becomes "{new}"; change this name too'
                )
                yield str(entry.located(error, key="name"))


def _renamed(scanned: Iterable[Scanned[Scan]]) -> Iterator[tuple[str, tuple[str, Reference]]]:
    """Yield each image whose name changes: the old normalized name, the field, and the new reference."""
    for each in scanned:
        for result in each.found.results if each.found is not None else ():
            old, new = (parse_reference(value or "") for value in (result.current_value, result.proposed_value))
            if old and new and old.normalized_name != new.normalized_name:
                parts = (each.file.shown, str(result.resource_ref), result.field)
                yield old.normalized_name, (": ".join(filter(None, parts)), new)


def _entries(file: File) -> Iterator[Value]:
    """Yield the entries of `images` in a kustomization. Yield nothing for an invalid one."""
    try:
        documents = read_values(decoded(file.read(), file.shown), file.shown)
    except (ConfigError, InputError):
        return
    for document in documents:
        images: Any = document.data.get("images") if document.is_mapping else None
        for index, entry in enumerate(images if isinstance(images, list) else ()):
            if isinstance(entry, dict):
                yield document.child("images").child(index)
