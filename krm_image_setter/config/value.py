"""Value, a node of a configuration that knows its field and line. Error messages contain this location."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from krm_image_setter.errors import ConfigError, ConfigLocation, ImageSetterError
from krm_image_setter.typed import Any, NoReturn, Record, TypeVar
from krm_image_setter.yaml import tree

Error = TypeVar("Error", bound=ImageSetterError)


class ShapeError(ConfigError):
    """A field is unknown, missing or of the wrong type. `schema.json` detects the same errors.

    `others` contains further errors in the same configuration.
    """

    others: tuple[ShapeError, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """The messages of this error and of `others`."""
        return (str(self), *map(str, self.others))


class Value(Record):
    """A node of a configuration.

    `written` is the node in the syntax tree, or None if the source does not contain it. `field` is the path of the
    node in its document. `line` returns the line (from 1) for an offset in the text that was parsed.
    """

    data: Any
    written: Any
    field: str
    file: str | None
    line: Callable[[int], int]

    @property
    def is_mapping(self) -> bool:
        """Whether the node is a mapping."""
        return isinstance(self.data, dict)

    def located(self, error: Error, *, key: str | None = None) -> Error:
        """Return `error` with the location of this node, or of its field `key`."""
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
        """Return the location of this node, or of its field `key`, for a message about another node."""
        error = self.located(ConfigError(""), key=key)
        return ConfigLocation(error.file, error.line, error.field)

    def fail(self, message: str, key: str | None = None) -> NoReturn:
        """Raise a ConfigError with the location of this node, or of its field `key`."""
        raise self.located(ConfigError(message), key=key)

    def fail_shape(self, message: str, key: str | None = None) -> NoReturn:
        """Raise a ShapeError with the location of this node, or of its field `key`."""
        raise self.located(ShapeError(message), key=key)

    def child(self, key: Any) -> Value:
        """Return the node under a key of a mapping or at an index of a list. It must exist."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.field else key
        written = self.written.origin(key) if isinstance(self.written, tree.Mapping | tree.Sequence) else None
        return Value(self.data[key], written, self.field + step, self.file, self.line)

    def check_keys(self) -> None:
        """Raise ConfigError if a mapping in this node has the same key twice, or a mapping as a key.

        The error for a repeated key contains the lines of both keys. An anchored node is checked where the anchor
        is, not again at each alias.
        """
        if not isinstance(self.written, tree.Mapping | tree.Sequence):
            return
        # YAML reads `{{ .Values.images }}` as a mapping with a mapping as its only key.
        if isinstance(self.written, tree.Mapping) and any(
            isinstance(key, tree.Mapping) for key in self.written.children[::2]
        ):
            self.fail("got a mapping as a key; if `{{` starts a template action, render the template first")
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
        """Yield each key of a mapping with the node under the key."""
        for key in self.data:
            yield key, self.child(key)

    def items(self) -> Iterator[Value]:
        """Yield the items of a list. Raises ShapeError if this node is not a list."""
        if not isinstance(self.data, list):
            self.fail_shape(f"expected a list, got {describe(self.data)}")
        for index in range(len(self.data)):
            yield self.child(index)

    def one_or_more(self) -> Iterator[Value]:
        """Yield the items of a list, or this node if it is not a list. Raises ShapeError for an empty list."""
        if not isinstance(self.data, list):
            yield self
            return
        if not self.data:
            self.fail_shape(EMPTY_LIST)
        yield from self.items()

    def fields(self, known: Collection[str] | None = None, *, required: Sequence[str] = ()) -> dict[str, Value]:
        """Return the fields of a mapping as nodes.

        Raises ShapeError if a field is not in `known`, or if a required field is missing. None allows any field.
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
        """Return the text of a string. Raises ShapeError if this node is not a string, or is empty."""
        if not isinstance(self.data, str):
            self.fail_shape(not_a_string(self))
        if not self.data:
            self.fail_shape(EMPTY_STRING)
        return self.data

    def boolean(self) -> bool:
        """Return the value of a boolean. Raises ShapeError if this node is not a boolean."""
        if not isinstance(self.data, bool):
            self.fail_shape(f"expected true or false, got {describe(self.data)}")
        return self.data

    def choice(self, choices: Sequence[str]) -> str:
        """Return the text of a string that must be one of `choices`. Raises ShapeError if it is not."""
        if self.data not in choices:
            self.fail_shape(f"expected {alternatives(choices)}, got {describe(self.data)}")
        chosen: str = self.data
        return chosen

    @property
    def source_text(self) -> str:
        """The source text of a scalar: `1.20` is YAML for the number 1.2. A collection has an empty text."""
        if isinstance(self.data, dict | list):
            return ""  # with aliases, the text of a collection could have terabytes
        text = tree.text_of(self.written)
        return str(self.data) if text is None else text

    def text_at(self, key: str) -> str:
        """Return the string under `key` of a mapping, or an empty string if `key` has no string value."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""


EMPTY_LIST = "the list is empty; expected at least one item"
EMPTY_STRING = "expected a value, got an empty string"


def describe(data: Any) -> str:
    """Describe a value and its type for a message, such as: the number 1.2."""
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
    """Join names for a message with commas and "or", such as: a, b or c."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def missing_field(key: str) -> str:
    """Return the message for a required field that is missing."""
    return f"missing required field `{key}`"


def not_a_string(value: Value) -> str:
    """Return the message for a value that must be a string. Numbers need quotes: YAML reads 1.10 as 1.1."""
    if value.written is not None and isinstance(value.data, bool | int | float):
        return f'YAML reads {value.source_text} as {describe(value.data)}; quote it: "{value.source_text}"'
    return f"expected a string, got {describe(value.data)}"


def unknown_field(key: str, known: Collection[str]) -> str:
    """Return the message for an unknown field. It suggests the known field with the most similar name, if any."""
    import difflib  # noqa: PLC0415  (only needed for an error)

    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.5)
    suggestion = f'did you mean "{folded[close[0]]}"?' if close else f"known fields: {', '.join(known)}"
    return f'unknown field "{key}"; {suggestion}'
