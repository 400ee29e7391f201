"""The part of the catalog for files that are not Kubernetes resources, in the syntax of `files`."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from krm_image_setter.catalog import read
from krm_image_setter.config import read_values
from krm_image_setter.config.decode import decode_files
from krm_image_setter.globs import Globs
from krm_image_setter.locators import FileRule
from krm_image_setter.typed import Final, Record

_FILE: Final = "files.yaml"
# The comments above an entry belong to the entry.
_ENTRY: Final = r"^(?:#.*\n)*- files: .*\n(?:  .*\n)+"
#: The globs of the rules for JSON patches. They match every file, because a JSON patch can have any name.
ANY_FILE: Final = ("*",)


class FileEntry(Record):
    """An entry of the catalog for files: its rule, and its YAML text with the comments above it."""

    rule: FileRule
    text: str


@cache
def file_entries() -> tuple[FileEntry, ...]:
    """Return all entries for files, in the order of the catalog."""
    text = read(_FILE)
    (files,) = read_values(text, _FILE)
    rules = (
        rule._replace(paths=tuple(path._replace(origin="catalog") for path in rule.paths))
        for rule in decode_files(files)
    )
    texts = (match[0] for match in re.finditer(_ENTRY, text, re.MULTILINE))
    return tuple(FileEntry(*entry) for entry in zip(rules, texts, strict=True))


@lru_cache(maxsize=16)  # this function is called for each document of a file
def known_files(path: str) -> tuple[FileRule, ...]:
    """Return the rules of the catalog that select a file by its path, which can be relative or absolute."""
    path = path.lstrip("/")
    return tuple(rule for globs, rule in _globs() if globs.answer(path))


def patch_rules() -> list[FileRule]:
    """Return the rules of the catalog for JSON patches."""
    return [entry.rule for entry in file_entries() if entry.rule.globs == ANY_FILE]


@cache
def _globs() -> list[tuple[Globs, FileRule]]:
    rules = (entry.rule for entry in file_entries())
    return [(Globs(rule.globs), rule) for rule in rules if rule.globs != ANY_FILE]
