"""The tree of a YAML document: plain Python data that knows its source.

A mapping is a `dict` and a sequence is a `list`, so code that reads Python data works on the tree unchanged. Both
also keep their children as written, so the source of a value can be found. An alias has the same value object as
its anchor. The pairs of a merge key are in the `dict` as if they were written in the mapping.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from typing import Protocol

    class Mark(Protocol):
        """A position in the source; both numbers are code points from 0."""

        @property
        def index(self) -> int:
            """The distance from the start of the text."""

        @property
        def column(self) -> int:
            """The distance from the start of the line."""

    class Event(Protocol):
        """An event of a parser."""

        @property
        def start_mark(self) -> Mark:
            """The start, before the anchor and tag."""

        @property
        def end_mark(self) -> Mark:
            """The end."""

    class NodeEvent(Event, Protocol):
        """The event of a scalar, or of the start of a collection."""

        @property
        def anchor(self) -> str | None:
            """The name of the anchor."""

        @property
        def tag(self) -> object | None:
            """The tag; its type depends on the parser."""

    class ScalarEvent(NodeEvent, Protocol):
        """The event of a scalar."""

        @property
        def value(self) -> str:
            """The text after escapes and folding."""

        @property
        def style(self) -> str | None:
            """The first character of the style, such as `"` or `|`; None or empty for a plain scalar."""

    #: A key, value or item as written.
    Written: TypeAlias = "ScalarEvent | Alias | Collection"
    Scalar: TypeAlias = bool | int | float | str | None

#: Levels of nesting that are read. The deepest public CRD has 47 levels; deeper documents are attacks.
MAX_DEPTH: Final = 250

#: The keys and indexes of a value, from the root of a document or of a resource.
Location: TypeAlias = tuple[str | int, ...]


class Fragment(NamedTuple):
    """Replace `value[start:end]` of a scalar's value by `text`; `start` and `end` are in code points."""

    start: int
    end: int
    text: str


class Change(NamedTuple):
    """Write a fragment into the scalar at `location`. If there is no scalar, add one after the key `beside`."""

    location: Location
    fragment: Fragment
    beside: str = ""


class Alias:
    """An alias: its `name`, and as `target` the node that has the anchor."""

    __slots__ = ("end_mark", "name", "start_mark", "target")

    def __init__(self, event: NodeEvent, target: ScalarEvent | Collection) -> None:
        self.name = str(event.anchor)
        self.start_mark = event.start_mark
        self.end_mark = event.end_mark
        self.target = target


class Collection:
    """The source of a mapping or sequence."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def start(self) -> NodeEvent:
            """The event at the start."""

        @property
        def end(self) -> Event:
            """The event at the end. The one of a block is at the next token."""

        @property
        def children(self) -> list[Written]:
            """The keys and values in turn, or the items, as written."""

        @property
        def flow(self) -> bool:
            """Whether it is written `{…}` or `[…]`."""


class Mapping(Collection, dict[str, Any]):
    """A mapping: string keys, which are never converted to other types, and their values."""

    __slots__ = ()

    _pairs: dict[str | None, tuple[Written, Written]]
    _bases: dict[str, Mapping]

    if TYPE_CHECKING:

        @property
        def merged(self) -> list[Mapping]:
            """The mappings of the merge key `<<`, in its order."""

    def written(self, key: str) -> tuple[Written, Written] | None:
        """Return `key` and its value as written, or None if only a merge key provides the key."""
        try:
            return self._pairs.get(key)
        except AttributeError:  # the first call
            children = self.children
            # If a key occurs twice, its last value counts.
            self._pairs = {
                _text(name): (name, value) for name, value in zip(children[::2], children[1::2], strict=True)
            }
            return self._pairs.get(key)

    def origin(self, key: str) -> Written:
        """Return the value of `key` as written, in this mapping or in the one that a merge key takes it from."""
        pair = self.written(key)
        return pair[1] if pair else self.base_of(key).origin(key)

    def base_of(self, key: str) -> Mapping:
        """Return the mapping that the merge key takes `key` from: the first that has it. Raises KeyError."""
        try:
            return self._bases[key]
        except AttributeError:  # the first call; a merge key can list thousands of mappings
            self._bases = {name: base for base in reversed(self.merged) for name in base}
            return self._bases[key]

    def repeated(self) -> tuple[str, Written] | None:
        """Return a key that occurs twice, and its first occurrence as written; None if all keys differ."""
        first: dict[str, Written] = {}
        for written in self.children[::2]:
            text = _text(written)
            if text is not None and first.setdefault(text, written) is not written:
                return text, first[text]
        return None


def _text(written: Written) -> str | None:
    """Return the text of a key; None if the key is a collection."""
    return getattr(written.target if isinstance(written, Alias) else written, "value", None)


class Sequence(Collection, list[Any]):
    """A sequence."""

    __slots__ = ()

    def origin(self, index: int) -> Written:
        """Return the item at `index` as written."""
        return self.children[index]


class Document(NamedTuple):
    """One document: its root, which is plain Python data, and whether it contains aliases."""

    root: Any
    aliased: bool


def start_mark(written: Written) -> Mark:
    """Return the mark at the start of a node, before its anchor and tag."""
    return (written.start if isinstance(written, Collection) else written).start_mark


def content_end(source: str, written: Written) -> int:
    """Return the offset after a node's own text, because the end event of a block is only at the next token.

    Spaces and line breaks at the end do not count, except those in a block scalar with `+`.
    """
    while isinstance(written, Collection) and not written.flow:
        written = written.children[-1]
    end = (written.end if isinstance(written, Collection) else written).end_mark.index
    return trimmed_end(source, end)


def trimmed_end(source: str, end: int) -> int:
    """Return `end`, or the offset of the white space before it."""
    while end and source[end - 1].isspace():
        end -= 1
    return end


# Plain scalars with a meaning in Kubernetes, whose reader (sigs.k8s.io/yaml, with go-yaml) knows the booleans of
# YAML 1.1.
_CONSTANTS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{
        text: truth
        for truth, names in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
        for name in names
        for text in (name, name.capitalize(), name.upper())
    },
    **{sign + name: float(sign + "inf") for sign in ("", "+", "-") for name in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER: Final = (
    r"(?P<int>[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0))"
    r"|[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
)
_NUMBER_START: Final = frozenset("0123456789+-.")
#: The first characters of plain scalars that are not strings.
TYPED_START: Final = _NUMBER_START.union(text[0] for text in _CONSTANTS if text)


def typed(text: str) -> Scalar:
    """Return the value of a plain scalar."""
    value = _CONSTANTS.get(text, text)
    return _number(text) if value is text and text[0] in _NUMBER_START and len(text) < _LONG else value


# A longer number is a string, because Python converts only as many digits as PYTHONINTMAXSTRDIGITS allows, which
# can be 640. 500 hexadecimal digits are 603 decimal digits. In go-yaml, too, an integer that is too large for a
# float is a string.
_LONG: Final = 500


@lru_cache(maxsize=4096)
def _number(text: str) -> int | float | str:
    if text.isdecimal() and text.isascii() and text[0] != "0":
        return int(text)  # without compiling the pattern, which costs start-up time
    number = re.fullmatch(_NUMBER, text)
    if number is None:
        return text
    digits = text.replace("_", "")
    return _integer(text, digits) if number["int"] else float(digits)


def _integer(text: str, digits: str) -> int | str:
    body = digits.lstrip("+-")
    if body[:1] == "0" and body[1:2].isdigit():
        digits = digits.replace("0", "0o", 1)  # 0777 is octal, as in YAML 1.1
    try:
        return int(digits, 0)
    except ValueError:  # 0o_ is not a number
        return text
