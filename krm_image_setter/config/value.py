"""A value of a configuration that knows its field and its line, and how to say what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, TypeVar

from krm_image_setter.errors import ConfigError, ConfigLocation, ImageSetterError
from krm_image_setter.yaml import tree

Error = TypeVar("Error", bound=ImageSetterError)


class ShapeError(ConfigError):
    """A field is unknown, missing or of the wrong type: what `schema.json` says too.

    `others` are further mistakes in the same configuration.
    """

    others: tuple[ShapeError, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is wrong, one sentence a mistake."""
        return (str(self), *map(str, self.others))


class Value(NamedTuple):
    """A node of a configuration.

    `written` is the node as tree.py keeps it, None where nothing is written; `field` its path in the document;
    `line` gives the line of a code point of the text that the node was parsed from.
    """

    data: Any
    written: Any
    field: str
    file: str | None
    line: Callable[[int], int]

    @property
    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.data, dict)

    def place(self, error: Error, *, key: str | None = None) -> Error:
        """Return `error` with the place of this value, or of its field `key`."""
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

    @property
    def config_location(self) -> ConfigLocation:
        """The location of this value, for later messages about the rule that is made of it."""
        error = self.place(ConfigError(""))
        return ConfigLocation(error.file, error.line, error.field)

    def fail(self, message: str) -> NoReturn:
        """Raise a ConfigError at this value."""
        raise self.place(ConfigError(message))

    def misshapen(self, message: str, key: str | None = None) -> NoReturn:
        """Raise a ShapeError at this value, or at its field `key`."""
        raise self.place(ShapeError(message), key=key)

    def child(self, key: Any) -> Value:
        """Return the value under `key`, which is there."""
        step = f"[{key}]" if isinstance(key, int) else f".{key}" if self.field else key
        written = self.written.origin(key) if isinstance(self.written, tree.Mapping | tree.Sequence) else None
        return Value(self.data[key], written, self.field + step, self.file, self.line)

    def check_keys(self) -> None:
        """Raise ConfigError, with both lines, if a mapping in this value has a key twice.

        What an alias brings in is checked only where it is written.
        """
        if not isinstance(self.written, tree.Mapping | tree.Sequence):
            return
        repeated = self.written.repeated() if isinstance(self.written, tree.Mapping) else None
        if repeated is not None:
            key, first = repeated
            error = self.place(ConfigError(""), key=key)
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
        """Yield the items of a list. Raises ShapeError where this is none."""
        if not isinstance(self.data, list):
            self.misshapen(f"this must be a list, not {describe(self.data)}")
        for index in range(len(self.data)):
            yield self.child(index)

    def one_or_more(self) -> Iterator[Value]:
        """Yield the items of a list, or this value alone."""
        if not isinstance(self.data, list):
            yield self
            return
        if not self.data:
            self.misshapen("this list is empty: give at least one")
        yield from self.items()

    def fields(self, known: Collection[str], *, required: Sequence[str] = ()) -> dict[str, Value]:
        """Return the fields of a mapping. Raises ShapeError for an unknown one, and where one is missing."""
        if not isinstance(self.data, dict):
            self.misshapen(f"this must be a mapping, not {describe(self.data)}")
        for key in self.data:
            if key not in known:
                self.misshapen(unknown_field(key, known), key)
        for key in required:
            if key not in self.data:
                self.misshapen(f"{key} is missing: add it")
        return dict(self.entries())

    def string(self) -> str:
        """Return a string, which is not empty. Raises ShapeError."""
        if not isinstance(self.data, str):
            self.misshapen(not_a_string(self.data, self.source_text))
        if not self.data:
            self.misshapen("this is empty: give a value")
        return self.data

    def boolean(self) -> bool:
        """Return true or false. Raises ShapeError."""
        if not isinstance(self.data, bool):
            self.misshapen(f"this must be true or false, not {describe(self.data)}")
        return self.data

    def choice(self, words: Sequence[str]) -> str:
        """Return one of `words`. Raises ShapeError."""
        if self.data not in words:
            self.misshapen(f"this must be one of {', '.join(words)}, not {describe(self.data)}")
        word: str = self.data
        return word

    @property
    def source_text(self) -> str:
        """A scalar as it is written, before its type is known; empty for a collection."""
        if isinstance(self.data, dict | list):
            return ""  # the text of a collection with aliases could have terabytes
        written = self.written.target if isinstance(self.written, tree.Alias) else self.written
        return str(getattr(written, "value", self.data))

    def text_at(self, key: str) -> str:
        """Return the string under `key` of a mapping; empty if there is something else, or nothing."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""


def describe(data: Any) -> str:
    """Return what a value is, in words."""
    if data is None:
        return "empty"
    if isinstance(data, bool):
        return f"the boolean {str(data).lower()}"
    if isinstance(data, int | float):
        return f"the number {data}"
    if isinstance(data, str):
        return f'"{data}"'
    return "a mapping" if isinstance(data, dict) else "a list"


def not_a_string(data: Any, source_text: str) -> str:
    """Return why `data` is no string and what to do; a number must be quoted, for `1.10` is read as 1.1."""
    if isinstance(data, bool | int | float):
        return f'{source_text} is read as {describe(data)}, quote it: "{source_text}"'
    return f"this must be a string, not {describe(data)}"


def unknown_field(key: str, known: Collection[str]) -> str:
    """Return the message for a field that nobody knows, with the closest valid name."""
    import difflib  # noqa: PLC0415  (only a wrong configuration pays for it)

    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.5)
    cure = f'did you mean "{folded[close[0]]}"?' if close else f"the fields here are {', '.join(known)}"
    return f'unknown field "{key}": {cure}'
