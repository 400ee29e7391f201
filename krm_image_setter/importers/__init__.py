"""Importers: the configuration of another tool becomes an ImageSetter. One module per tool.

`any_file` recognizes the tool. An importer reads a text and returns a text and notes; it reads no files itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final, NamedTuple

from krm_image_setter.config import Value, read_values
from krm_image_setter.errors import ConfigError

#: Begins the note about an entry that is missing from the ImageSetter.
NOT_IMPORTED: Final = "not imported: "


class Note(NamedTuple):
    """A message about a line (from 1) of the source that was not, or not completely, imported."""

    line: int
    message: str


class Imported(NamedTuple):
    """An ImageSetter as a YAML document, and notes about the lines of the source, in their order."""

    text: str
    notes: tuple[Note, ...]


class Source:
    """The configuration to import.

    `file` is the file as the user named it, and `name` is its name without a directory. `read` returns the text of
    another file, by its path from the directory of this file. It raises InputError if the file cannot be read.
    """

    def __init__(self, text: str, file: str, name: str, read: Callable[[str], str]) -> None:
        self.text = text
        self.file = file
        self.name = name
        self.read = read

    @cached_property
    def documents(self) -> list[Value]:
        """The YAML documents that are not empty. Raises ConfigError if the text is not YAML."""
        try:
            return read_values(self.text, None)
        except ConfigError as error:
            raise error.at(file=self.file) from error
