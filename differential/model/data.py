"""Types for plain data and for the results of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple


class NonString(NamedTuple):
    """A scalar that is not a string: a number, a boolean, a time, or null. The text of null is always `null`."""

    text: str


NULL: Final = NonString("null")

#: Reads a text as `yaml` or `json`: returns its documents, or None if it cannot be read.
Read = Callable[[str, str], list[Any] | None]


class Embedded(NamedTuple):
    """The new value of a string that contains YAML or JSON: its old text, and the documents of its new text."""

    text: str
    documents: list[Any]


class Unspecified(Exception):  # noqa: N818  (not an error)
    """The documentation does not specify the result."""


class Refused(Exception):  # noqa: N818  (the expected result)
    """The program must end with an error."""


class Warned(NamedTuple):
    """A warning: its cause, and texts that its message contains. If `required` is false, it can be missing."""

    cause: str
    contains: tuple[str, ...]
    required: bool = True


class Change(NamedTuple):
    """A changed image: the rules that find it, its old text and its new text."""

    rule: str
    old: str
    new: str


@dataclass
class Expected:
    """The expected result: the documents, and the changes and warnings that are reported."""

    documents: list[Any]
    changes: list[Change] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
