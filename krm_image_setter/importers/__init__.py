"""Importers convert the configuration of another tool to an ImageSetter. Each tool has a module.

`any_file` recognizes the tool. An importer takes the text of a configuration, and returns the converted text with
notes. An importer does not open files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from krm_image_setter.config import Value, read_values
from krm_image_setter.errors import ConfigError
from krm_image_setter.typed import Final, Record

#: The start of a note about an entry of the source that the ImageSetter does not contain.
NOT_IMPORTED: Final = "not imported: "


class Note(Record):
    """A message about a line (from 1) of the source that was not imported, or only in part."""

    line: int
    message: str


class Imported(Record):
    """The imported ImageSetter as a YAML document, and notes about lines of the source, sorted by line."""

    text: str
    notes: tuple[Note, ...]


class Source:
    """The configuration to import, from a file.

    `file` is the path as the user wrote it, and `name` is the file name without a directory. `read` returns the
    text of another file, whose path is relative to the directory of this file. It can raise InputError.
    """

    def __init__(self, text: str, file: str, name: str, read: Callable[[str], str]) -> None:
        self.text = text
        self.file = file
        self.name = name
        self.read = read

    @cached_property
    def documents(self) -> list[Value]:
        """The YAML documents in the file that are not empty. Raises ConfigError if the file is not YAML."""
        try:
            return read_values(self.text, None)
        except ConfigError as error:
            raise error.at(file=self.file) from error
