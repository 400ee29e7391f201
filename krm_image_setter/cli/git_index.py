"""Reads which files git tracks. It contains only the format https://git-scm.com/docs/index-format, no rules."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from krm_image_setter.errors import InputError
from krm_image_setter.streams import read_found, read_text
from krm_image_setter.typed import Final

_LINK: Final = "gitdir: "
# The flag of an entry that has two more bytes of flags.
_EXTENDED: Final = 0x4000


def tracked_paths(root: str) -> frozenset[str]:
    """Return the files that git tracks in the repository with the root directory `root`, and their directories.

    The paths are relative to `root`. If the index cannot be read, the result is empty. Only the main file of a
    split index is read.
    """
    paths: set[str] = set()
    try:
        for data in _entries(read_found(os.path.join(_git_directory(root), "index"), root)):
            path = os.fsdecode(data)
            while path and path not in paths:
                paths.add(path)
                path = path.rpartition("/")[0]
    except (InputError, struct.error, ValueError, IndexError):
        return frozenset()
    return frozenset(paths)


def _git_directory(root: str) -> str:
    """Return the directory with the index. In a worktree or a submodule, the file `.git` contains its path."""
    path = os.path.join(root, ".git")
    if os.path.isdir(path):
        return path
    return os.path.join(root, read_text(path).removeprefix(_LINK).rstrip("\n"))


def _entries(data: bytes) -> Iterator[bytes]:
    """Yield the path of each entry. Raises an exception if the data is not an index of version 2, 3 or 4."""
    signature, version, count = struct.unpack_from(">4sII", data)
    if signature != b"DIRC" or version not in (2, 3, 4):
        raise ValueError("not a supported index")
    # Only the checksum at the end shows whether object names have 20 or 32 bytes. `index.skipHash` writes zeros.
    import hashlib  # noqa: PLC0415  (3 ms, and most repositories have no excluded files)

    is_sha256 = data[-32:] in (hashlib.sha256(data[:-32]).digest(), bytes(32))
    position, path = 12, b""
    for _ in range(count):
        start, position = position, position + 40 + (32 if is_sha256 else 20)
        (flags,) = struct.unpack_from(">H", data, position)
        position += 4 if flags & _EXTENDED else 2
        removed = 0
        if version == 4:  # the path starts like the path before it, without `removed` bytes at the end
            removed, position = _number(data, position)
        end = data.index(b"\0", position)
        path = (path[: len(path) - removed] if version == 4 else b"") + data[position:end]
        position = end + (1 if version == 4 else 8 - (end - start) % 8)
        yield path


def _number(data: bytes, position: int) -> tuple[int, int]:
    """Return a number with a variable length, and the position after it."""
    number = data[position] & 0x7F
    while data[position] & 0x80:
        position += 1
        number = (number + 1 << 7) | data[position] & 0x7F
    return number, position + 1
