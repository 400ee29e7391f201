"""Finds the files that a command processes, and reads them."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from pathspec import GitIgnoreSpec

from krm_image_setter.errors import ImageSetterError, InputError, internal_error
from krm_image_setter.streams import STDIN, read_bytes, read_found, read_text, say, shown

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_NAMES: Final = ("Kustomization",)  # files without a suffix that are read
_IGNORE_FILES: Final = (".gitignore", ".krmignore")


class File(NamedTuple):
    """A file to process. `is_found` is false if the user named the file, and true if a directory search found it.

    `path` starts with the argument of the user. `real` was the path without symbolic links during the search.
    """

    path: str
    real: str
    is_found: bool

    def __str__(self) -> str:
        return self.shown

    def read(self) -> bytes:
        """Return the contents of the file. Raises InputError if the file cannot be read."""
        return read_found(self.real, self.shown) if self.is_found else read_bytes(self.path)

    @property
    def shown(self) -> str:
        """The path of the file as messages show it."""
        return shown(self.path)


def content_digest(data: bytes) -> bytes:
    """Return a hash of the contents of a file, to detect whether the file changes later."""
    return hashlib.blake2b(data, digest_size=16).digest()


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Convert each exception in the `with` block to an ImageSetterError with the name of the file."""
    try:
        yield
    except ImageSetterError as error:
        error.at(file=file)
        raise
    except (MemoryError, SystemError) as error:  # C libraries raise SystemError if they cannot allocate memory
        raise InputError("not enough memory to process this file", file=file) from error
    except (OSError, ImportError) as error:  # an import can fail if too many files are open
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot process this file: {reason}", file=file) from error
    except Exception as error:
        raise internal_error(error).at(file=file) from error


def find_files(paths: Iterable[str]) -> list[File]:
    """Return the files in `paths` and the YAML and JSON files in directories in `paths`, without duplicates.

    The search skips hidden files, files that .gitignore or .krmignore excludes, and symbolic links to directories.
    Raises InputError if a path does not exist.
    """
    files: dict[str, File] = {}
    for path in paths:
        if os.path.isdir(path):
            try:
                found = sorted(_walk(path))
            except OSError as error:  # the current directory was removed
                raise InputError(f"cannot read directory: {error.strerror}", file=path) from error
            if not found:
                say(f"warning: {path}: no {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]} files found")
            for name, real in found:
                files.setdefault(real, File(name, real, is_found=True))
        elif path == STDIN or os.path.exists(path):
            real = STDIN if path == STDIN else os.path.realpath(path)
            files[real] = File(path, real, is_found=False)
        else:
            raise InputError("no such file or directory", file=path)
    return list(files.values())


class _Ignores(NamedTuple):
    """The patterns in the ignore files of one directory. `directory` is an absolute path."""

    directory: str
    spec: GitIgnoreSpec


def _walk(top: str) -> Iterator[tuple[str, str]]:
    """Yield the displayed path and the real path of each YAML and JSON file in a directory.

    A directory that cannot be read is yielded like a file. The later attempt to read it reports the reason.
    """
    real_top = os.path.realpath(top)
    directories = [(top, real_top, _ignores_above(real_top))]
    while directories:
        shown, directory, ignores = directories.pop()
        ignores = [*ignores, *_ignores_in(directory, shown)]
        try:
            entries = list(os.scandir(directory))
        except OSError:
            yield shown, directory
            continue
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            is_read = is_directory or entry.name.endswith(_SUFFIXES) or entry.name in _NAMES
            if entry.name.startswith(".") or not is_read:
                continue
            if _is_ignored(entry.path + "/" * is_directory, ignores):
                continue
            path = os.path.join(shown, entry.name)
            if is_directory:
                directories.append((path, entry.path, ignores))
            elif os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file():
                real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if is_under(real, real_top):
                    yield path, real
                else:
                    say(
                        f"warning: {path}: skipped: symbolic link to a file outside {top}; "
                        "name it on the command line to include it"
                    )


def is_under(path: str, directory: str) -> bool:
    """Return whether a path is in a directory or its subdirectories. Both paths must be without symbolic links."""
    return path.startswith(directory.rstrip("/") + "/")


def _ignores_above(directory: str) -> list[_Ignores]:
    """Return the ignore files of the parent directories in the same git repository. The outermost comes first."""
    above: list[str] = []
    inner = directory
    while not os.path.exists(os.path.join(inner, ".git")):
        outer = os.path.dirname(inner)
        if outer == inner:
            return []
        above.insert(0, outer)
        inner = outer
    return [ignores for outer in above for ignores in _ignores_in(outer, outer)]


def _ignores_in(directory: str, shown_directory: str) -> list[_Ignores]:
    found: list[_Ignores] = []
    for name in _IGNORE_FILES:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and not os.path.islink(path):  # git does not follow these links either
            try:
                found.append(_Ignores(directory, ignore_spec(read_text(path))))
            except ValueError as error:
                raise InputError(
                    f"invalid ignore pattern: {error}", file=os.path.join(shown_directory, name)
                ) from error
    return found


def ignore_spec(text: str) -> GitIgnoreSpec:
    """Parse the text of an ignore file. Raises ValueError if a pattern is invalid."""
    spec = GitIgnoreSpec.from_lines(text.splitlines())
    for pattern in spec.patterns:
        if pattern.regex is not None:
            pattern.regex = re.compile(_in_linear_time(pattern.regex.pattern))
    return spec


# pathspec converts `*` to _STAR. It converts `**` at the start of a pattern to _START, and later to _FOLDERS.
_STAR: Final = r"\[\^/\]\*"
_START: Final = r"\^\(\?:\.\+/\)\?"
_FIXED: Final = r"(?:\\.|\[\^?\]?[^\]]*\]|[^\\\[(^$])"
_FOLDERS: Final = r"\(\?:/\.\+\)\?"


def _in_linear_time(regexp: str) -> str:
    """Rewrite a regular expression of pathspec so that it matches the same names without backtracking.

    pathspec's expression tries all ways to divide a name among the stars of a pattern. For five stars and a name
    of 120 letters, that takes ten seconds. The first match of the text between two stars is sufficient.
    """
    regexp = re.sub(rf"(?:{_STAR})+", "[^/]*", regexp)
    regexp = re.sub(rf"{_STAR}((?:(?!{_STAR}){_FIXED})+)(?={_STAR})", r"(?>[^/]*?\1)", regexp)
    regexp = re.sub(rf"{_START}((?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"^(?>(?:.+?/)??\1(?=/))", regexp)
    return re.sub(rf"{_FOLDERS}(/(?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"(?>(?:/.+?)??\1(?=/))", regexp)


def _is_ignored(path: str, ignores: list[_Ignores]) -> bool:
    """Return whether an absolute path is ignored; a directory ends with a slash. The innermost file decides."""
    for directory, spec in reversed(ignores):
        answer = spec.check_file(path[len(directory.rstrip("/")) + 1 :]).include
        if answer is not None:
            return answer
    return False
