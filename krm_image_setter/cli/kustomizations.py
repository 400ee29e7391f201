"""Reads the kustomizations among the files of a command, and the files to which kustomizations refer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.cli.files import File
from krm_image_setter.errors import InputError
from krm_image_setter.streams import decoded, read_bytes
from krm_image_setter.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from krm_image_setter.kustomizations.reading import Sources
    from krm_image_setter.kustomizations.scanning import Listing
    from krm_image_setter.rules import Rules


def kustomized_sources(files: Sequence[File]) -> Sources | None:
    """Return the sources of the kustomizations in `files`, or None if no file is a kustomization."""
    if not any(os.path.basename(file.real) in FILE_NAMES for file in files):
        return None
    from krm_image_setter.kustomizations.reading import Sources  # noqa: PLC0415  (few runs need it)

    by_key = {file.real: file for file in files}

    @cache
    def read(key: str) -> str | None:
        file = by_key.get(key)
        try:
            if file is None and not os.path.isfile(key):
                return None
            return decoded(file.read() if file else read_bytes(key), key)
        except InputError:  # the scan reports this error
            return None

    return Sources({file.real: file.shown for file in files}, read)


def kustomized_images(files: Sequence[File], rules: Rules) -> Listing | None:
    """Return the Listing of files with kustomizations, or None if no file is a kustomization."""
    sources = kustomized_sources(files)
    if sources is None:
        return None
    from krm_image_setter.kustomizations.scanning import Listing  # noqa: PLC0415  (few runs need it)

    return Listing(sources, rules)
