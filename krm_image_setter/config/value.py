"""A value of a configuration that knows its field and its line, so that an error in it can name them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from krm_image_setter.errors import ConfigError, ConfigLocation, ImageSetterError
from krm_image_setter.yaml import tree

Error = TypeVar("Error", bound=ImageSetterError)


class ShapeError(ConfigError):
    """A field is unknown, missing or has the wrong type: the errors that `schema.json` can find too.

    `others` are further errors in the same configuration.
    """

    others: tuple[ShapeError, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The messages of this error and of the others."""
        return (str(self), *map(str, self.others))


class Value(NamedTuple):
    """A node of a configuration.

    `written` is the node in the tree of the source, or None if it is not in the source. `field` is its path in the
    document. `line` returns the line (from 1) of an offset in the text that was parsed.
    """

    data: Any
    written: Any
    field: str
    file: str | None
    line: Callable[[int], int]

    @property
    def is_mapping(self) -> bool:
        """Whether this value is a mapping."""
        return isinstance(self.data, dict)

    def located(self, error: Error, *, key: str | None = None) -> Error:
        """Return `error` with the location of this value, or of its field `key`."""
        written, field = self.written, self.field
        if key is not None:
            field = f"{field}.{key}" if field else key
            if isinstance(self.written, tree.Mapping):
                pair = self.written.written(key)
                written = pair[0] if pair else written
        line = None
        if written is not None:
            line = self.line(tree.start_mark(written).index)
        return error.at(file=self.file, line=line, field=field or None)

    def location(self, key: str | None = None) -> ConfigLocation:
        """Return the location of this value, or of its field `key`, for a message about another value."""
        error = self.located(ConfigError(""), key=key)
        return ConfigLocation(error.file, error.line, error.field)

    def fail(self, message: str, key: str | None = None) -> NoReturn:
        """Raise a ConfigError at this value, or at its field `key`."""
        raise self.located(ConfigError(message), key=key)

    def fail_shape(self, message: str, key: str | None = None) -> NoReturn:
        """Raise a ShapeError at this value, or at its field `key`."""
        raise self.located(ShapeError(message), key=key)

    def child(self, key: Any) -> Value:
        """Return the value of an existing key or index."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.field else key
        written = self.written.origin(key) if isinstance(self.written, tree.Mapping | tree.Sequence) else None
        return Value(self.data[key], written, self.field + step, self.file, self.line)

    def check_keys(self) -> None:
        """Raise ConfigError, with both lines, if a mapping in this value has the same key twice.

        A node with an anchor is checked where it is defined, not at its aliases.
        """
        if not isinstance(self.written, tree.Mapping | tree.Sequence):
            return
        repeated = self.written.repeated() if isinstance(self.written, tree.Mapping) else None
        if repeated is not None:
            key, first = repeated
            error = self.located(ConfigError(""), key=key)
            line = self.line(tree.start_mark(first).index)
            error.message = f"the key is in line {line} and in line {error.line}; keep one of them"
            raise error
        for step in self.data if self.is_mapping else range(len(self.data)):
            if isinstance(self.data[step], dict | list):
                self.child(step).check_keys()

    def entries(self) -> Iterator[tuple[str, Value]]:
        """Yield the keys and values of a mapping."""
        for key in self.data:
            yield key, self.child(key)

    def items(self) -> Iterator[Value]:
        """Yield the items of a list. Raises ShapeError if this value is not a list."""
        if not isinstance(self.data, list):
            self.fail_shape(f"expected a list, got {describe(self.data)}")
        for index in range(len(self.data)):
            yield self.child(index)

    def one_or_more(self) -> Iterator[Value]:
        """Yield the items of a list that is not empty, or this value if it is not a list."""
        if not isinstance(self.data, list):
            yield self
            return
        if not self.data:
            self.fail_shape(EMPTY_LIST)
        yield from self.items()

    def fields(self, known: Collection[str] | None = None, *, required: Sequence[str] = ()) -> dict[str, Value]:
        """Return the fields of a mapping.

        Raises ShapeError if a field is not in `known` (None allows any field) or if a required field is missing.
        """
        if not isinstance(self.data, dict):
            self.fail_shape(f"expected a mapping, got {describe(self.data)}")
        for key in self.data:
            if known is not None and key not in known:
                self.fail_shape(unknown_field(key, known), key)
        for key in required:
            if key not in self.data:
                self.fail_shape(missing_field(key))
        return dict(self.entries())

    def string(self) -> str:
        """Return a string that is not empty. Raises ShapeError."""
        if not isinstance(self.data, str):
            self.fail_shape(not_a_string(self.data, self.source_text))
        if not self.data:
            self.fail_shape(EMPTY_STRING)
        return self.data

    def boolean(self) -> bool:
        """Return true or false. Raises ShapeError."""
        if not isinstance(self.data, bool):
            self.fail_shape(f"expected true or false, got {describe(self.data)}")
        return self.data

    def choice(self, choices: Sequence[str]) -> str:
        """Return one of `choices`. Raises ShapeError."""
        if self.data not in choices:
            self.fail_shape(f"expected {alternatives(choices)}, got {describe(self.data)}")
        chosen: str = self.data
        return chosen

    @property
    def source_text(self) -> str:
        """A scalar as it is written, before its type is known; empty for a collection."""
        if isinstance(self.data, dict | list):
            return ""  # With aliases, the text of a collection can have terabytes.
        written = self.written.target if isinstance(self.written, tree.Alias) else self.written
        return str(getattr(written, "value", self.data))

    def text_at(self, key: str) -> str:
        """Return the string under `key` of a mapping; empty if the key is missing or its value is not a string."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""


EMPTY_LIST = "the list is empty; expected at least one item"
EMPTY_STRING = "expected a value, got an empty string"


def describe(data: Any) -> str:
    """Return a value with its type, as messages show it."""
    if data is None:
        return "null"
    if isinstance(data, bool):
        return f"the boolean {str(data).lower()}"
    if isinstance(data, int | float):
        return f"the number {data}"
    if isinstance(data, str):
        return f'"{data}"'
    return "a mapping" if isinstance(data, dict) else "a list"


def alternatives(names: Sequence[str]) -> str:
    """Return names as a list with "or", as messages show it."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def missing_field(key: str) -> str:
    """Return the message for a missing field."""
    return f"missing required field `{key}`"


def not_a_string(data: Any, source_text: str) -> str:
    """Return the message for a value that is not a string. A number must be quoted because 1.10 is read as 1.1."""
    if isinstance(data, bool | int | float):
        return f'YAML reads {source_text} as {describe(data)}; quote it: "{source_text}"'
    return f"expected a string, got {describe(data)}"


def unknown_field(key: str, known: Collection[str]) -> str:
    """Return the message for an unknown field, with the closest known field if one is similar."""
    import difflib  # noqa: PLC0415  (only needed for a wrong configuration)

    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.5)
    suggestion = f'did you mean "{folded[close[0]]}"?' if close else f"known fields: {', '.join(known)}"
    return f'unknown field "{key}"; {suggestion}'
