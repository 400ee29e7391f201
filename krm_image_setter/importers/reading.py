"""Another tool's YAML, entry by entry: what is wrong with one is noted, and the others are carried over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from krm_image_setter.config import Value, read_values
from krm_image_setter.config.value import unknown_field
from krm_image_setter.errors import ConfigError, ImageSetterError
from krm_image_setter.images import InvalidReference, Reference, check_reference
from krm_image_setter.importers import Note


def read_documents(text: str, file: str) -> list[Value]:
    """Return the documents of a YAML text, those that are empty left out. Raises ConfigError."""
    try:
        return read_values(text, None)
    except ConfigError as error:
        raise error.at(file=file) from error


class Notes:
    """What can't be carried over from a text, and from the texts that it leads to."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}
        self._lines: dict[str, int] = {}

    def by_line(self) -> list[Note]:
        """Return the notes, each once."""
        return sorted(self._notes, key=lambda note: note.line)

    def add(self, value: Value, message: str, *, key: str | None = None) -> None:
        """Note what a value, or its field `key`, has that can't be carried over."""
        self._add(value.place(ConfigError(message), key=key), value)

    def left_out(self, value: Value, name: str, where: str) -> None:
        """Note that another entry, that of `where`, sets the image that this one names."""
        self.add(value, f'{where} has set "{name}", and each image is set once: left out')

    @contextmanager
    def kept(self, value: Value) -> Iterator[None]:
        """Note what is raised inside, at `value` where it doesn't know its place, and go on after it."""
        try:
            yield
        except ImageSetterError as error:
            self._add(error, value)

    def fields(self, value: Value, known: Sequence[str], *, about: str | None = "") -> dict[str, Value]:
        """Return the `known` fields of a mapping that are not empty.

        Of the others those are noted that have `about` in their name; with None, none of them.

        Raises ShapeError where it is no mapping.
        """
        if not value.is_mapping:
            value.fields(known)
        for key in value.data:
            if key not in known and about is not None and about in key.lower():
                self.add(value, unknown_field(key, known), key=key)
        return {key: value.child(key) for key in known if value.data.get(key) not in (None, "", [])}

    def each(self, fields: Mapping[str, Value], key: str, tell: Callable[[Value], object]) -> None:
        """Tell of each item of the list under `key`, if it is there, and note what is raised."""
        if key in fields:
            with self.kept(fields[key]):
                for item in fields[key].items():
                    with self.kept(item):
                        tell(item)

    def documents(self, value: Value, name: str, text: str) -> list[Value]:
        """Return the documents of a text that `value` leads to; what is noted in it names the text too.

        Raises ConfigError where it is not YAML.
        """
        self._lines.setdefault(name, line_of(value))
        return read_values(text, name)

    def _add(self, error: ImageSetterError, value: Value) -> None:
        if error.file is None and error.line is None:
            key, error.field = error.field, None
            if error.column is not None:  # within the text of the value
                error.message, error.column = f"{error.message}, column {error.column}", None
            value.place(error, key=key)
        if error.file is None:
            self._notes[Note(error.line or 1, ": ".join(filter(None, (error.field, error.message))))] = None
        else:
            self._notes[Note(self._lines.get(error.file) or line_of(value), str(error))] = None


def line_of(value: Value) -> int:
    """Return the line of a value in its own text."""
    return value.place(ConfigError("")).line or 1


def origin(value: Value) -> str:
    """Return where a value stands, for a comment."""
    return " ".join(part for part in (value.file, f"line {line_of(value)}") if part)


def text_of(value: Value) -> str:
    """Return a string that is not empty and can be written as it is. Raises ConfigError."""
    text = value.string()
    if not text.isprintable():
        value.fail("this has characters that can't be printed: give it by hand")
    return text


def reference_of(value: Value) -> Reference:
    """Return the reference that a string is. Raises ImageSetterError."""
    try:
        return check_reference(text_of(value))
    except InvalidReference as error:
        raise value.place(error) from error


def mentions(data: Any, pattern: str) -> bool:
    """Say whether a key or a string in `data` has what a regular expression matches."""
    if isinstance(data, str):
        return re.search(pattern, data) is not None
    if isinstance(data, dict):
        return any(mentions(key, pattern) or mentions(value, pattern) for key, value in data.items())
    return isinstance(data, list) and any(mentions(item, pattern) for item in data)
