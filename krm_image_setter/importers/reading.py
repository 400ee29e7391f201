"""Reading another tool's YAML: an entry that cannot be imported becomes a note, and the import goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from krm_image_setter.config import Value, read_values
from krm_image_setter.config.decode import message_with_column
from krm_image_setter.config.value import unknown_field
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import InvalidReference, Reference, check_reference
from krm_image_setter.importers import NOT_IMPORTED, Note


class Notes:
    """Collects the notes about a text, and about the other texts that it names."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}
        self._lines: dict[str, int] = {}

    def by_line(self) -> list[Note]:
        """Return each note once, sorted by line."""
        return sorted(self._notes, key=lambda note: note.line)

    def add(self, value: Value, message: str, *, key: str | None = None) -> None:
        """Add a note about a value, or about its field `key`."""
        self._add(value.located(ConfigError(message), key=key), value)

    def add_duplicate(self, value: Value, name: str, origin: str) -> None:
        """Add a note that an entry is not imported, because the entry at `origin` sets the same image."""
        self.add(value, f'{NOT_IMPORTED}the entry at {origin} already sets "{name}"')

    @contextmanager
    def catching(self, value: Value) -> Iterator[None]:
        """Turn an error that is raised inside into a note that `value` is not imported.

        The note has the location of the error, or of `value` if the error has none.
        """
        try:
            yield
        except ImageSetterError as error:
            error.message = NOT_IMPORTED + error.message.removeprefix(NOT_IMPORTED)
            self._add(error, value)

    def fields(self, value: Value, known: Sequence[str], *, about: str | None = "") -> dict[str, Value]:
        """Return the `known` fields of a mapping that are not empty.

        Add a note for each other field that has `about` in its name; None adds no notes. Raises ShapeError if the
        value is not a mapping.
        """
        value.fields()
        for key in value.data:
            if key not in known and about is not None and about in key.lower():
                self.add(value, NOT_IMPORTED + unknown_field(key, known), key=key)
        return {key: value.child(key) for key in known if value.data.get(key) not in (None, "", [])}

    def each(self, fields: Mapping[str, Value], key: str, read: Callable[[Value], object]) -> None:
        """Call `read` for each item of the list under `key`, if there is one, and turn its errors into notes."""
        if key in fields:
            with self.catching(fields[key]):
                for item in fields[key].items():
                    with self.catching(item):
                        read(item)

    def documents(self, value: Value, name: str, text: str) -> list[Value]:
        """Return the documents of a text that `value` contains or names. Notes about them contain `name`.

        Raises ConfigError if the text is not YAML.
        """
        self._lines.setdefault(name, line_of(value))
        return read_values(text, name)

    def _add(self, error: ImageSetterError, value: Value) -> None:
        if error.file is None and error.line is None:
            key, error.field = error.field, None
            error.message, error.column = message_with_column(error), None
            value.located(error, key=key)
        if error.file is None:
            self._notes[Note(error.line or 1, ": ".join(filter(None, (error.field, error.message))))] = None
        else:
            self._notes[Note(self._lines.get(error.file) or line_of(value), str(error))] = None


def line_of(value: Value) -> int:
    """Return the line of a value in its own text, from 1."""
    return value.located(ConfigError("")).line or 1


def origin(value: Value) -> str:
    """Return the location of a value, as comments show it."""
    return f"{value.file}:{line_of(value)}" if value.file else f"line {line_of(value)}"


def text_of(value: Value) -> str:
    """Return a printable string that is not empty. Raises ConfigError."""
    text = value.string()
    if not text.isprintable():
        value.fail("the value contains control characters")
    return text


def reference_of(value: Value) -> Reference:
    """Return the reference in a string. Raises ImageSetterError."""
    try:
        return check_reference(text_of(value))
    except InvalidReference as error:
        raise value.located(error) from error


def contains(data: Any, pattern: str) -> bool:
    """Return whether a regular expression matches a part of a key or string in `data`."""
    if isinstance(data, str):
        return re.search(pattern, data) is not None
    if isinstance(data, dict):
        return any(contains(key, pattern) or contains(value, pattern) for key, value in data.items())
    return isinstance(data, list) and any(contains(item, pattern) for item in data)
