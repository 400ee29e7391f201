"""Reads the YAML of another tool. If an entry cannot be imported, a note is added and the import continues."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from krm_image_setter.config import Value, read_values
from krm_image_setter.config.decode import message_with_column
from krm_image_setter.config.value import missing_field, unknown_field
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import InvalidReference, Reference, check_reference
from krm_image_setter.importers import NOT_IMPORTED, Note
from krm_image_setter.typed import Any


class Notes:
    """Collects the notes about a configuration and about the files to which it refers."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}
        self._lines: dict[str, int] = {}

    def by_line(self) -> list[Note]:
        """Return the notes without duplicates, sorted by line."""
        return sorted(self._notes, key=lambda note: note.line)

    def add(self, value: Value, message: str, *, key: str | None = None) -> None:
        """Add a note about the node `value`, or about its field `key`."""
        self._add(value.located(ConfigError(message), key=key), value)

    def add_duplicate(self, value: Value, name: str, origin: str) -> None:
        """Add a note that an entry was not imported because the entry at `origin` sets the same image."""
        self.add(value, f'{NOT_IMPORTED}the entry at {origin} already sets "{name}"')

    @contextmanager
    def catching(self, value: Value) -> Iterator[None]:
        """Convert an error in the `with` block to a note that `value` was not imported.

        The note has the location of the error, or of `value` if the error has no location.
        """
        try:
            yield
        except ImageSetterError as error:
            error.message = NOT_IMPORTED + error.message.removeprefix(NOT_IMPORTED)
            self._add(error, value)

    def fields(
        self, value: Value, known: Sequence[str], *, required: str | None = None, about: str | None = ""
    ) -> dict[str, Value]:
        """Return the `known` fields of a mapping, without empty fields.

        Add a note for each unknown field whose name contains `about`. If `about` is None, add no notes. Raises
        ShapeError if `value` is not a mapping, or if the field `required` is missing or empty.
        """
        value.fields()
        for key in value.data:
            if key not in known and about is not None and about in key.lower():
                self.add(value, NOT_IMPORTED + unknown_field(key, known), key=key)
        found = {key: value.child(key) for key in known if value.data.get(key) not in (None, "", [])}
        if required is not None and required not in found:
            value.fail_shape(missing_field(required))
        return found

    def each(self, fields: Mapping[str, Value], key: str, read: Callable[[Value], object]) -> None:
        """Call `read` for each item of the list in the field `key`, if there is one. Convert errors to notes."""
        if key in fields:
            with self.catching(fields[key]):
                for item in fields[key].items():
                    with self.catching(item):
                        read(item)

    def documents(self, value: Value, name: str, text: str) -> list[Value]:
        """Return the documents in `text`, which is a string in `value` or a file to which `value` refers.

        Notes about the documents contain `name`. Raises ConfigError if the text is not YAML.
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
    """Return the line (from 1) of a value in the text that contains it."""
    return value.located(ConfigError("")).line or 1


def origin(value: Value) -> str:
    """Return the location of a value for a comment: `FILE:LINE` or `line LINE`."""
    return f"{value.file}:{line_of(value)}" if value.file else f"line {line_of(value)}"


def text_of(value: Value) -> str:
    """Return the text of a string. Raises ConfigError if it is empty or contains control characters."""
    text = value.string()
    if not text.isprintable():
        value.fail("the value contains control characters")
    return text


def reference_of(value: Value) -> Reference:
    """Return the image reference in a string. Raises ImageSetterError if it is invalid."""
    try:
        return check_reference(text_of(value))
    except InvalidReference as error:
        raise value.located(error) from error


def contains(data: Any, pattern: str) -> bool:
    """Return whether any key or string in `data` contains a match of a regular expression, at any depth."""
    if isinstance(data, str):
        return re.search(pattern, data) is not None
    if isinstance(data, dict):
        return any(contains(key, pattern) or contains(value, pattern) for key, value in data.items())
    return isinstance(data, list) and any(contains(item, pattern) for item in data)
