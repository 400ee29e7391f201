"""Globs as in .gitignore: https://git-scm.com/docs/gitignore#_pattern_format. They match in linear time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    #: The parsed globs of an ignore file, or of an entry of `files`.
    GlobSpec: TypeAlias = GitIgnoreSpec


def glob_spec(globs: Iterable[str]) -> GlobSpec:
    """Parse globs, such as the lines of an ignore file. Raises ValueError if a glob is invalid."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  (10 ms; `list` of one file needs no globs)

    with _compiling():
        spec = GitIgnoreSpec.from_lines(globs)
        for pattern in spec.patterns:
            if pattern.regex is not None:
                pattern.regex = re.compile(_in_linear_time(pattern.regex.pattern))
        return spec


@contextmanager
def _compiling() -> Iterator[None]:
    """Hide the warnings of `re` about classes such as `[[:alpha:]]`, and convert its errors to ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except re.error as error:
        raise ValueError(str(error)) from error


def without_matches(spec: GlobSpec, path: str) -> GlobSpec:
    """Return the globs of `spec` that do not match a path or a directory that contains it."""
    return type(spec)([pattern for pattern in spec.patterns if pattern.match_file(path) is None])


def check_globs(globs: tuple[str, ...]) -> None:
    """Raise ImageSetterError if a glob is invalid."""
    try:
        glob_spec(globs)
    except ValueError as error:
        raise ImageSetterError(f"invalid glob: {error}") from error


def escaped_glob(path: str) -> str:
    """Return a glob that matches only this path. If it has no slash, the glob also matches in subdirectories."""
    return re.sub(r"[\\*?\[\]]|^[!#]|\s$", r"\\\g<0>", path)


def matches(globs: tuple[str, ...], path: str) -> bool:
    """Return whether globs match a file. If several globs match, the last one decides; `!` negates a glob."""
    return bool(_cached_spec(globs).match_file(path))


class GlobMap:
    """Globs without `!`, indexed by the name of the file, so that thousands of globs do not slow the search."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        for glob in globs:
            name = glob.rpartition("/")[2]
            self._by_name.setdefault("" if "*" in name else name, []).append(glob)

    def matches(self, path: str) -> bool:
        """Return whether one of the globs matches a path."""
        name = escaped_glob(path.rpartition("/")[2])
        globs = (*self._by_name.get(name, ()), *self._by_name.get("", ()))
        return bool(globs) and matches(globs, path)


def any_of(spec: GlobSpec) -> re.Pattern[str]:
    """Return a regular expression that matches a path without a leading slash if one of the globs matches it.

    This takes a twentieth of the time of pathspec.
    """
    regexps = (pattern.regex.pattern for pattern in spec.patterns if pattern.regex is not None)
    # The expression of `*/` can start at any character.
    anchored = (regexp if regexp.startswith("^") else f"(?s:.*){regexp}" for regexp in regexps)
    with _compiling():
        return re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", regexp) for regexp in anchored) or "(?!)")


_cached_spec: Final = cache(glob_spec)

# pathspec converts `*` to _STAR. It converts `**` to _START at the start of a pattern, and to _FOLDERS later.
_STAR: Final = r"\[\^/\]\*"
_START: Final = r"\^\(\?:\.\+/\)\?"
_FIXED: Final = r"(?:\\.|\[\^?\]?[^\]]*\]|[^\\\[(^$])"
_FOLDERS: Final = r"\(\?:/\.\+\)\?"


def _in_linear_time(regexp: str) -> str:
    """Rewrite a regular expression of pathspec so that it matches the same names without backtracking.

    pathspec's expression tries all ways to divide a name among the stars of a pattern. For five stars and a name
    of 120 letters, that takes ten seconds. It is enough to try the first match of the text between two stars.
    """
    regexp = re.sub(rf"(?:{_STAR})+", "[^/]*", regexp)
    regexp = re.sub(rf"{_STAR}((?:(?!{_STAR}){_FIXED})+)(?={_STAR})", r"(?>[^/]*?\1)", regexp)
    regexp = re.sub(rf"{_START}((?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"^(?>(?:.+?/)??\1(?=/))", regexp)
    return re.sub(rf"{_FOLDERS}(/(?:(?!{_FOLDERS}).)+)(?={_FOLDERS}/)", r"(?>(?:/.+?)??\1(?=/))", regexp)
