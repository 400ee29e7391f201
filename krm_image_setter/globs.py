"""Globs as in .gitignore: https://git-scm.com/docs/gitignore#_pattern_format. They match in linear time."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.typed import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Globs:
    """Globs, such as the lines of an ignore file or an entry of `files`.

    They are parsed only for a path that has the texts of one of them. Parsing them took 30 of 70 ms for a small
    repository with a .gitignore, and most repositories contain no file that .gitignore excludes.
    """

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        self._names = {glob for glob in self._globs if re.fullmatch(_NAME, glob)}
        # Each item is a glob's longest text, which few paths contain, and all its texts.
        self._texts = [
            (max(texts, key=len, default=""), texts)
            for glob in self._globs
            if glob not in self._names and glob.strip() and not glob.startswith("#")
            for texts in [_texts(glob)]
        ]

    def answer(self, path: str) -> bool | None:
        """Return whether the last glob that matches a path has no `!`. Return None if no glob matches.

        `path` has no slash at its start. The path of a directory has a slash at its end. Raises ValueError if the
        globs must be parsed for this path and one of them is invalid.
        """
        if not any(longest in path and _contains(path, texts) for longest, texts in self._texts):
            return None if self._names.isdisjoint(path.split("/")) else True
        spec, any_glob = self._parsed
        return spec.check_file(path).include if any_glob.match(path) else None

    def without_matches(self, path: str) -> Globs:
        """Return the globs that do not match a path or a directory that contains it."""
        return Globs(glob for glob in self._globs if Globs([glob]).answer(path) is None)

    @cached_property
    def _parsed(self) -> tuple[GitIgnoreSpec, re.Pattern[str]]:
        """The globs, and a regular expression that matches a path if one of the globs matches it.

        Matching the regular expression takes a twentieth of the time of pathspec.
        """
        spec = _parse(self._globs)
        regexps = (pattern.regex.pattern for pattern in spec.patterns if pattern.regex is not None)
        # The expression of `*/` can start at any character.
        anchored = (regexp if regexp.startswith("^") else f"(?s:.*){regexp}" for regexp in regexps)
        with _compiling():
            any_glob = re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", regexp) for regexp in anchored) or "(?!)")
        return spec, any_glob


#: A glob that is a name without special characters. It matches a file or directory at any depth.
_NAME: Final = r"[\w.-]+"


def _texts(glob: str) -> list[str]:
    """Return texts that each path contains in this order if the glob matches it."""
    return re.findall(_NAME, re.sub(r"\\.|\[.*\]", "*", glob))


def _contains(path: str, texts: Sequence[str]) -> bool:
    end = 0
    for text in texts:
        start = path.find(text, end)
        if start < 0:
            return False
        end = start + len(text)
    return True


def _parse(globs: Iterable[str]) -> GitIgnoreSpec:
    """Parse globs. Raises ValueError if a glob is invalid."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  (22 ms)

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


#: A glob with only these characters is valid.
_PLAIN: Final = r"[\w.*-][\w./*-]*"


def check_globs(globs: tuple[str, ...]) -> None:
    """Raise ImageSetterError if a glob is invalid."""
    if all(re.fullmatch(_PLAIN, glob) for glob in globs):
        return
    try:
        _parse(globs)
    except ValueError as error:
        raise ImageSetterError(f"invalid glob: {error}") from error


def escaped_glob(path: str) -> str:
    """Return a glob that matches only this path. If it has no slash, the glob also matches in subdirectories."""
    return re.sub(r"[\\*?\[\]]|^[!#]|\s$", r"\\\g<0>", path)


def matches(globs: tuple[str, ...], path: str) -> bool:
    """Return whether globs match a file. If several globs match, the last one decides; `!` negates a glob."""
    return bool(_cached(globs).answer(path.removeprefix("./").lstrip("/")))


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


_cached: Final = cache(Globs)

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
