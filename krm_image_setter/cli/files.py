"""Finds the files that a command processes, and reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache

from krm_image_setter.catalog.known_files import known_files
from krm_image_setter.cli.git_index import tracked_paths
from krm_image_setter.errors import ImageSetterError, InputError, internal_error
from krm_image_setter.globs import Globs
from krm_image_setter.streams import STDIN, read_bytes, read_found, read_text, say, shown
from krm_image_setter.typed import Final, Record, TypeAlias

_SUFFIXES: Final = (".yaml", ".yml", ".json")
# Names of files that contain a resource but have no suffix such as `.yaml`.
_RESOURCE_FILES: Final = ("Kptfile", "Kustomization")
_GIT_IGNORE: Final = ".gitignore"
_IGNORE_FILES: Final = (_GIT_IGNORE, ".krmignore")
# The maximum number of bytes of files that a run keeps in memory.
_MOST_KEPT: Final = 64_000_000


class Contents:
    """The contents of the files of a run. They are kept in memory, because a run needs most files several times.

    Worker processes inherit the kept contents. They do not send contents back, which saves a tenth of the CPU time
    of `list` for 10,000 files.
    """

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._left = _MOST_KEPT

    def __reduce__(self) -> tuple[type[Contents], tuple[()]]:
        return Contents, ()

    def of(self, file: File) -> bytes:
        """Return the contents of a file. Raises InputError if the file cannot be read."""
        data = self._kept.get(file.path)
        if data is None:
            data = file.read(again=True)
            if len(data) <= self._left:
                self._kept[file.path] = data
                self._left -= len(data)
        return data


class File(Record):
    """A file to process. `is_found` is false if the user named the file, and true if a directory search found it.

    `path` starts with the argument of the user. `real` was the path without symbolic links during the search. All
    files of a run share `contents`. `top` is the directory on the command line, or the directory of the file if
    the user named the file itself. `name` is the path of the file relative to `top`.
    """

    path: str
    real: str
    is_found: bool
    contents: Contents
    top: str = ""
    name: str = ""

    def __str__(self) -> str:
        return self.shown

    def read(self, *, again: bool = False) -> bytes:
        """Return the contents of the file. If `again` is true, read the file again.

        Raises InputError if the file cannot be read.
        """
        if again:
            return read_found(self.real, self.shown) if self.is_found else read_bytes(self.path)
        return self.contents.of(self)

    @property
    def shown(self) -> str:
        """The path of the file as messages show it."""
        return shown(self.path)


def content_digest(data: bytes) -> bytes:
    """Return a hash of the contents of a file, to detect whether the file changes later."""
    import hashlib  # noqa: PLC0415  (3 ms, and `list` needs no digests)

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


def find_files(paths: Collection[str], *, hidden: bool = False, stdin_name: str = "") -> list[File]:
    """Return the files in `paths` and the YAML and JSON files in directories in `paths`, without duplicates.

    The search of a directory also finds files whose names are in the catalog, such as `.gitlab-ci.yml`. It skips
    all other hidden files and directories unless `hidden` is true. It always skips .git, files that .gitignore or
    .krmignore excludes, and symbolic links to directories. Like git, it finds a file that .gitignore excludes if
    git tracks the file. `stdin_name` is the file name for standard input.
    Raises InputError if a path does not exist, or if `stdin_name` is set but standard input is not in `paths`.
    """
    if stdin_name and STDIN not in paths:
        raise InputError("`--stdin-file-name` requires standard input; add the path `-`")
    files: dict[str, File] = {}
    contents = Contents()
    tracked = cache(tracked_paths)  # most repositories have no excluded files, so their index is not read
    for path in paths:
        if os.path.isdir(path):
            try:
                found = sorted(_walk(path, tracked, hidden=hidden))
            except OSError as error:  # the current directory was removed
                raise InputError(f"cannot read directory: {error.strerror}", file=path) from error
            if not found:
                say(f"warning: {path}: no {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]} files found")
            for name, real in found:
                relative = name[len(path) :].lstrip("/")
                files.setdefault(real, File(name, real, is_found=True, contents=contents, top=path, name=relative))
        elif path == STDIN:
            files[path] = File(path, path, is_found=False, contents=contents, name=stdin_name)
        elif os.path.exists(path):
            real, (top, name) = os.path.realpath(path), os.path.split(path)
            files[real] = File(path, real, is_found=False, contents=contents, top=top, name=name)
        else:
            raise InputError("no such file or directory", file=path)
    return list(files.values())


class _Ignores(Record):
    """The patterns in an ignore file. `directory` is the absolute path of its directory."""

    file: str
    directory: str
    globs: Globs
    is_of_git: bool


_Tracked: TypeAlias = Callable[[str], Collection[str]]


def _walk(top: str, tracked: _Tracked, *, hidden: bool) -> Iterator[tuple[str, str]]:
    """Find the files in a directory that might contain images. Yield the displayed path and the real path of each.

    `tracked` returns the paths that git tracks in the repository with a root directory. An unreadable directory is
    yielded like a file, so that the later attempt to read it reports the reason.
    """
    real_top = os.path.realpath(top)
    root_of = cache(repository_of)  # a directory can contain thousands of excluded files
    # The last item is whether the directory is excluded. Then only the tracked files in it are found.
    directories = [(top, real_top, _ignores_above(real_top), False)]
    while directories:
        shown, directory, ignores, is_excluded = directories.pop()
        try:
            entries = list(os.scandir(directory))
        except OSError:
            yield shown, directory
            continue
        if any(entry.name in _IGNORE_FILES for entry in entries):
            ignores = [*ignores, *_ignores_in(directory, shown)]
        start = os.path.join(shown, "")
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            if not _can_contain_images(entry.name, is_directory=is_directory, hidden=hidden):
                continue
            absolute = entry.path + "/" * is_directory
            is_ignored = is_excluded or _is_ignored(absolute, ignores)
            if is_ignored and not _is_kept(absolute, ignores, root_of(directory), tracked):
                continue
            path = start + entry.name
            if is_directory:
                directories.append((path, entry.path, ignores, is_ignored))
            elif not entry.is_symlink():
                if entry.is_file():
                    yield path, entry.path
            elif os.path.isfile(entry.path):
                real = os.path.realpath(entry.path)
                if is_under(real, real_top):
                    yield path, real
                else:
                    say(
                        f"warning: {path}: skipped: symbolic link to a file outside {top}; "
                        "name it on the command line to include it"
                    )


def _can_contain_images(name: str, *, is_directory: bool, hidden: bool) -> bool:
    """Return whether a directory search must read a file or directory with this name."""
    if is_directory:
        return name != ".git" and (hidden or not name.startswith("."))
    if not name.endswith(_SUFFIXES):
        return name in _RESOURCE_FILES
    return hidden or not name.startswith(".") or bool(known_files(name))


def is_under(path: str, directory: str) -> bool:
    """Return whether a path is in a directory or its subdirectories. Both paths must be without symbolic links."""
    return path.startswith(directory.rstrip("/") + "/")


def _ignores_above(directory: str) -> list[_Ignores]:
    """Return the ignore files of the parent directories in the same git repository. The outermost comes first.

    If they exclude the directory itself, the patterns that match it are omitted, because the user named it.
    """
    root, path = repository_of(directory), f"{directory}/"
    above: list[str] = []
    while root is not None and directory != root:
        directory = os.path.dirname(directory)
        above.insert(0, directory)
    found = [ignores for outer in above for ignores in _ignores_in(outer, outer)]
    if not _is_ignored(path, found):
        return found
    return [one._replace(globs=one.globs.without_matches(_relative(path, one.directory))) for one in found]


def repository_of(directory: str) -> str | None:
    """Return the root directory of the git repository that contains a directory; None if there is none."""
    while not os.path.exists(os.path.join(directory, ".git")):
        outer = os.path.dirname(directory)
        if outer == directory:
            return None
        directory = outer
    return directory


def _ignores_in(directory: str, shown_directory: str) -> list[_Ignores]:
    found: list[_Ignores] = []
    for name in _IGNORE_FILES:
        path = os.path.join(directory, name)
        if os.path.isfile(path) and not os.path.islink(path):  # git does not follow these links either
            globs = Globs(read_text(path).splitlines())
            found.append(_Ignores(os.path.join(shown_directory, name), directory, globs, name == _GIT_IGNORE))
    return found


def _is_ignored(path: str, ignores: list[_Ignores]) -> bool:
    """Return whether an absolute path is ignored (a directory ends with a slash). The innermost file decides."""
    for one in reversed(ignores):
        try:
            answer = one.globs.answer(_relative(path, one.directory))
        except ValueError as error:
            raise InputError(f"invalid ignore pattern: {error}", file=one.file) from error
        if answer is not None:
            return answer
    return False


def _is_kept(path: str, ignores: list[_Ignores], root: str | None, tracked: _Tracked) -> bool:
    """Return whether an ignored path is found nevertheless: git tracks it, and no .krmignore excludes it.

    `root` is the root directory of its git repository.
    """
    if root is None or _is_ignored(path, [one for one in ignores if not one.is_of_git]):
        return False
    return _relative(path.rstrip("/"), root) in tracked(root)


def _relative(path: str, directory: str) -> str:
    return path[len(directory.rstrip("/")) + 1 :]
