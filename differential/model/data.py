"""Plain data, and what the model returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple


class NonString(NamedTuple):
    """A scalar that is not a string: a number, a boolean, a time, or null, whose text is `null` here."""

    text: str


NULL: Final = NonString("null")

#: Reads a text as `yaml` or `json`: returns its documents, or None if it cannot be read.
Read = Callable[[str, str], list[Any] | None]


class Embedded(NamedTuple):
    """The new value of a string that is YAML or JSON: the text before, and the documents that the new text must
    contain.
    """

    text: str
    documents: list[Any]


class Unspecified(Exception):  # noqa: N818  (it is not an error)
    """The documentation does not say what must happen."""


class Refused(Exception):  # noqa: N818  (it is what must happen)
    """The program must end with an error."""


class Warned(NamedTuple):
    """A warning: its cause, and texts that its message contains. It can be missing unless it is `required`."""

    cause: str
    contains: tuple[str, ...]
    required: bool = True


class Change(NamedTuple):
    """An image that changes: the rules that find it, and its text before and after."""

    rule: str
    old: str
    new: str


@dataclass
class Expected:
    """What must come out."""

    documents: list[Any]
    changes: list[Change] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
