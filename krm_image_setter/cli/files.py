"""Which files a command is about, and what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from pathspec import GitIgnoreSpec

from krm_image_setter.errors import ImageSetterError, InputError, internal_error
from krm_image_setter.streams import STDIN, read_bytes, read_found, read_text, say, shown

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_IGNORE_FILES: Final = (".gitignore", ".krmignore")


class File(NamedTuple):
    """A file by its path, as the user gave it or under the folder that the user gave (`is_found`).

    `real` is the path without links that it had when it was found.
    """

    path: str
    real: str
    is_found: bool

    def __str__(self) -> str:
        return self.shown

    def read(self) -> bytes:
        """Return its contents. Raises InputError."""
        return read_found(self.real, self.shown) if self.is_found else read_bytes(self.path)

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return shown(self.path)


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Turn every exception that is raised inside into an ImageSetterError that names the file."""
    try:
        yield
    except ImageSetterError as error:
        error.at(file=file)
        raise
    except (MemoryError, SystemError) as error:  # C libraries raise the second if they cannot allocate memory
        raise InputError("there is not enough memory for it", file=file) from error
    except (OSError, ImportError) as error:  # too few open files to load a module, for example
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot read it: {reason}", file=file) from error
    except Exception as error:
        raise internal_error(error).at(file=file) from error


def find_files(paths: Iterable[str]) -> list[File]:
    """Return the files that paths name, and those in the folders that they name, each once.

    Left out in folders are hidden files, what .gitignore and .krmignore name, and folders behind symbolic links.

    Raises InputError where a path is neither file nor folder.
    """
    files: dict[str, File] = {}
    for path in paths:
        if os.path.isdir(path):
            try:
                found = sorted(_walk(path))
            except OSError as error:  # the folder that this runs in is gone
                raise InputError(f"{error.strerror}: give a folder that can be read", file=path) from error
            if not found:
                say(f"warning: {path}: no {', '.join(_SUFFIXES)} files are here")
            for name, real in found:
                files.setdefault(real, File(name, real, is_found=True))
        elif path == STDIN or os.path.exists(path):
            real = STDIN if path == STDIN else os.path.realpath(path)
            files[real] = File(path, real, is_found=False)
        else:
            raise InputError("there is no such file or folder: check the path", file=path)
    return list(files.values())


class _Ignores(NamedTuple):
    """What the ignore files of one folder say; `folder` is absolute."""

    folder: str
    spec: GitIgnoreSpec


def _walk(top: str) -> Iterator[tuple[str, str]]:
    """Yield the files under a folder that may hold resources: each as it is shown, and its real path.

    A folder that can't be read is one of them.
    """
    real_top = os.path.realpath(top)
    folders = [(top, real_top, _ignores_above(real_top))]
    while folders:
        shown, folder, ignores = folders.pop()
        ignores = [*ignores, *_ignores_in(folder, shown)]
        try:
            entries = list(os.scandir(folder))
        except OSError:
            yield shown, folder  # who reads it as a file is told why it can't be read
            continue
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(".") or not (is_folder or entry.name.endswith(_SUFFIXES)):
                continue
            if _is_ignored(entry.path + "/" * is_folder, ignores):
                continue
            path = os.path.join(shown, entry.name)
            if is_folder:
                folders.append((path, entry.path, ignores))
            elif os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file():
                real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if is_under(real, real_top):
                    yield path, real
                else:
                    say(f"warning: {path}: this link leads out of {top}, it is skipped: name it to have it read")


def is_under(path: str, folder: str) -> bool:
    """Say whether a path is below a folder, both without links."""
    return path.startswith(folder.rstrip("/") + "/")


def _ignores_above(folder: str) -> list[_Ignores]:
    """Return what the folders above say, up to that of the git repository; nothing where there is none."""
    above: list[str] = []
    inner = folder
    while not os.path.exists(os.path.join(inner, ".git")):
        outer = os.path.dirname(inner)
        if outer == inner:
            return []
        above.insert(0, outer)
        inner = outer
    return [ignores for outer in above for ignores in _ignores_in(outer, outer)]


def _ignores_in(folder: str, shown_folder: str) -> list[_Ignores]:
    found: list[_Ignores] = []
    for name in _IGNORE_FILES:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and not os.path.islink(path):  # as git does
            try:
                found.append(_Ignores(folder, ignore_spec(read_text(path))))
            except ValueError as error:
                raise InputError(
                    f"a pattern in it can't be read: {error}", file=os.path.join(shown_folder, name)
                ) from error
    return found


def ignore_spec(text: str) -> GitIgnoreSpec:
    """Return what an ignore file says. Raises ValueError."""
    spec = GitIgnoreSpec.from_lines(text.splitlines())
    for pattern in spec.patterns:
        if pattern.regex is not None:
            pattern.regex = re.compile(_in_linear_time(pattern.regex.pattern))
    return spec


# What pathspec makes of `*`, and of `**` at the start and further on.
_STAR: Final = r"\[\^/\]\*"
_START: Final = r"\^\(\?:\.\+/\)\?"
_FIXED: Final = r"(?:\\.|\[\^?\]?[^\]]*\]|[^\\\[(^$])"
_FOLDERS: Final = r"\(\?:/\.\+\)\?"


def _in_linear_time(regexp: str) -> str:
    """Return a regular expression of pathspec's that matches the same, and tries nothing twice.

    It would try all ways to divide a name among the stars of a pattern: with five of them that takes ten seconds
    for a name of 120 letters. But where a star follows, the first place that fits is as good as any other.
    """
    regexp = re.sub(rf"(?:{_STAR})+", "[^/]*", regexp)
    regexp = re.sub(rf"{_STAR}((?:(?!{_STAR}){_FIXED})+)(?={_STAR})", r"(?>[^/]*?\1)", regexp)
    regexp = re.sub(rf"{_START}((?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"^(?>(?:.+?/)??\1(?=/))", regexp)
    return re.sub(rf"{_FOLDERS}(/(?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"(?>(?:/.+?)??\1(?=/))", regexp)


def _is_ignored(path: str, ignores: list[_Ignores]) -> bool:
    """Say whether a path, absolute and with a slash at a folder's end, is ignored: the innermost file wins."""
    for folder, spec in reversed(ignores):
        answer = spec.check_file(path[len(folder.rstrip("/")) + 1 :]).include
        if answer is not None:
            return answer
    return False
