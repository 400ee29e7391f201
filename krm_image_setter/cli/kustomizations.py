"""Reads the kustomizations among the files of a command, and the files to which kustomizations refer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import cache, partial

from krm_image_setter.builds.kustomization import FILE_NAMES
from krm_image_setter.cli.files import File, is_under, repository_of
from krm_image_setter.errors import InputError
from krm_image_setter.streams import decoded, read_found, shown
from krm_image_setter.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from krm_image_setter.kustomizations.reading import Sources
    from krm_image_setter.kustomizations.scanning import Listing
    from krm_image_setter.rules import Rules

# The maximum number of bytes of files that a run reads only because a kustomization refers to them.
_MOST_BYTES: Final = 100_000_000


def kustomized_sources(files: Sequence[File]) -> Sources | None:
    """Return the sources of the kustomizations in `files`, or None if no file is a kustomization."""
    if not any(os.path.basename(file.real) in FILE_NAMES for file in files):
        return None
    from krm_image_setter.kustomizations.reading import Sources  # noqa: PLC0415  (few runs need it)

    by_key = {file.real: file for file in files}
    tops = dict.fromkeys(file.top for file in files)
    others = _OtherFiles(tops)

    @cache
    def read(key: str) -> str | None:
        file = by_key.get(key)
        try:
            data = file.read() if file else others.read(key)
            return None if data is None else decoded(data, key)
        except InputError:  # the scan reports the error if the user passed the file
            return None

    return Sources({file.real: file.shown for file in files}, read, _real, partial(_shown, tops))


def _shown(tops: Iterable[str], path: str) -> str:
    """Return an absolute path as messages show it: in a directory of `tops`, in the form of the command line."""
    for top in tops:
        real_top = os.path.realpath(top)
        if is_under(path, real_top):
            return shown(os.path.join(top, os.path.relpath(path, real_top)))
    return shown(path)


def _real(path: str) -> str:
    """Return a path without symbolic links. A path with a null character is unchanged, because no file has it."""
    return path if "\0" in path else os.path.realpath(path)


class _OtherFiles:
    """Reads files that the user did not pass, but to which a kustomization refers.

    A kustomization of an untrusted author can name any path. Therefore this class reads only regular files in the
    git repositories of the directories `tops`. If one of these directories is in no git repository, it reads
    regular files everywhere.
    """

    def __init__(self, tops: Iterable[str]) -> None:
        self._roots = {repository_of(os.path.realpath(top)) for top in tops}
        self._left = _MOST_BYTES

    def read(self, path: str) -> bytes | None:
        """Return the contents of a file, or None if it must not be read. Raises InputError if it cannot be."""
        real = _real(path)
        # Do not open devices: opening some of them has an effect, such as rewinding a tape.
        if not os.path.isfile(real) or not any(root is None or is_under(real, root) for root in self._roots):
            return None
        data = read_found(real, path, most=self._left)
        self._left -= len(data)
        return data


def kustomized_images(files: Sequence[File], rules: Rules) -> Listing | None:
    """Return the Listing of files with kustomizations, or None if no file is a kustomization."""
    sources = kustomized_sources(files)
    if sources is None:
        return None
    from krm_image_setter.kustomizations.scanning import Listing  # noqa: PLC0415  (few runs need it)

    return Listing(sources, rules)
