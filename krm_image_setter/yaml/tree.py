"""The tree of a YAML document: plain Python data that knows its source.

A mapping is a `dict` and a sequence is a `list`, so code for Python data also works with a tree. In addition, each
collection knows the source of its children. The value of an alias is the same object as the value of its anchor. A
mapping also contains the pairs from its merge key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from krm_image_setter.line_breaks import BREAKS
from krm_image_setter.typed import TYPE_CHECKING, Any, Final, Record, TypeAlias

if TYPE_CHECKING:
    from krm_image_setter.typed import Protocol

    class Mark(Protocol):
        """A position in the source. Both of its numbers count code points from 0."""

        @property
        def index(self) -> int:
            """The offset of the position from the start of the text."""

        @property
        def column(self) -> int:
            """The offset of the position from the start of its line."""

    class Event(Protocol):
        """An event of a parser."""

        @property
        def start_mark(self) -> Mark:
            """The start of the event, before the anchor and the tag of its node."""

        @property
        def end_mark(self) -> Mark:
            """The end of the event."""

    class NodeEvent(Event, Protocol):
        """The event of a parser for a scalar, or for the start of a collection."""

        @property
        def anchor(self) -> str | None:
            """The name of the anchor, without `&`; None if the node has no anchor."""

        @property
        def tag(self) -> object | None:
            """The tag, in a type that depends on the parser; None if the node has no tag."""

    class ScalarEvent(NodeEvent, Protocol):
        """The event of a parser for a scalar."""

        @property
        def value(self) -> str:
            """The text of the scalar, with its escapes decoded and its lines folded."""

        @property
        def style(self) -> str | None:
            """The first character of the style, such as `"` or `|`; None or empty for a plain scalar."""

    #: A key, a value or an item as the source contains it. `Alias` is an alias, not the value of its anchor.
    Written: TypeAlias = "ScalarEvent | Alias | Collection"
    Scalar: TypeAlias = bool | int | float | str | None

#: The maximum nesting depth of a document. The deepest public CRD has 47 levels; deeper documents are attacks.
MAX_DEPTH: Final = 250

#: The keys and indexes of the path from a root to a value, such as `("containers", 0, "image")`.
Location: TypeAlias = tuple[str | int, ...]


class Fragment(Record):
    """Replace `value[start:end]` in the value of a scalar by `text`. The offsets count code points."""

    start: int
    end: int
    text: str


class Change(Record):
    """Write a fragment into the scalar at `location`. If the scalar does not exist, add it after key `beside`.

    If `is_key` is true, the fragment is written into the key at `location`, not into its value.
    """

    location: Location
    fragment: Fragment
    beside: str = ""
    is_key: bool = False


class Alias:
    """An alias in the source. Its `target` is the node with the anchor `name`."""

    __slots__ = ("end_mark", "name", "start_mark", "target")

    def __init__(self, event: NodeEvent, target: ScalarEvent | Collection) -> None:
        self.name = str(event.anchor)
        self.start_mark = event.start_mark
        self.end_mark = event.end_mark
        self.target = target


class Collection:
    """The base class of mappings and sequences. It describes how they are written in the source."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def start(self) -> NodeEvent:
            """The event at the start of the collection."""

        @property
        def end(self) -> Event:
            """The event at the end of the collection. A block collection ends at the start of the next token."""

        @property
        def children(self) -> list[Written]:
            """The keys and values of a mapping in turn (key, value, key, value …), or the items of a sequence."""

        @property
        def flow(self) -> bool:
            """Whether the collection is written in flow style, `{…}` or `[…]`."""


class Mapping(Collection, dict[str, Any]):
    """A mapping. All keys are strings, and are never converted to other types."""

    __slots__ = ()

    _pairs: dict[str | None, tuple[Written, Written]]
    _bases: dict[str, Mapping]

    if TYPE_CHECKING:

        @property
        def merged(self) -> list[Mapping]:
            """The mappings that the merge key `<<` lists, in the order of the list."""

    def written(self, key: str) -> tuple[Written, Written] | None:
        """Return the nodes of `key` and its value; None if the key comes only from a merge key."""
        try:
            return self._pairs.get(key)
        except AttributeError:
            children = self.children
            pairs = zip(children[::2], children[1::2], strict=True)
            # If a key occurs twice, its last value is used.
            self._pairs = {text_of(name): (name, value) for name, value in pairs}
            return self._pairs.get(key)

    def origin(self, key: str) -> Written:
        """Return the node of the value of `key`, in this mapping or in the merged mapping that contains it."""
        pair = self.written(key)
        return pair[1] if pair else self.base_of(key).origin(key)

    def base_of(self, key: str) -> Mapping:
        """Return the first merged mapping that contains `key`. Raises KeyError if no merged mapping does."""
        try:
            return self._bases[key]
        except AttributeError:
            # Remember the result, because a merge key can list thousands of mappings.
            self._bases = {name: base for base in reversed(self.merged) for name in base}
            return self._bases[key]

    def repeated(self) -> tuple[str, Written] | None:
        """Return a key that occurs twice, and the node of its first occurrence; None if all keys differ."""
        first: dict[str, Written] = {}
        for written in self.children[::2]:
            text = text_of(written)
            if text is not None and first.setdefault(text, written) is not written:
                return text, first[text]
        return None


def at(root: Any, location: Location) -> Any:
    """Return the value at a location in a tree."""
    for step in location:
        root = root[step]
    return root


def target_of(written: Written) -> ScalarEvent | Collection:
    """Return the node that an alias refers to. Return any other node unchanged."""
    return written.target if isinstance(written, Alias) else written


def text_of(written: Written) -> str | None:
    """Return the text of a scalar or of the scalar that an alias refers to; None for a collection."""
    return getattr(target_of(written), "value", None)


class Sequence(Collection, list[Any]):
    """A sequence that knows its source."""

    __slots__ = ()

    def origin(self, index: int) -> Written:
        """Return the node of the item at `index`."""
        return self.children[index]


class Document(Record):
    """A document of a stream. `root` is plain Python data. `aliased` is true if the document contains aliases."""

    root: Any
    aliased: bool


def start_mark(written: Written) -> Mark:
    """Return the mark at the start of a node, before its anchor and tag."""
    return (written.start if isinstance(written, Collection) else written).start_mark


def nodes_in(written: Written) -> Iterator[Written]:
    """Yield a node and all nodes inside it. The targets of aliases are not included."""
    yield written
    for child in written.children if isinstance(written, Collection) else ():
        yield from nodes_in(child)


#: A pattern for the colon after a key, with the white space and comments before it.
COLON: Final = rf"(?:\s|#[^{BREAKS}]*)*+:"


def content_end(source: str, written: Written) -> int:
    """Return the offset of the end of a node's text, without white space at its end.

    In contrast, the end event of a collection without brackets is at the start of the next token.
    """
    while isinstance(written, Collection) and not _has_bracket(source, written):
        *before, last = written.children
        is_empty = not isinstance(last, Collection) and last.start_mark.index == last.end_mark.index
        if written.flow and before and is_empty:  # such as `a: #` in `[a: #`
            end = content_end(source, before[-1])
            colon = re.compile(COLON).match(source, end)
            return colon.end() if colon else end
        written = last
    end = (written.end if isinstance(written, Collection) else written).end_mark.index
    return trimmed_end(source, end)


def _has_bracket(source: str, collection: Collection) -> bool:
    """Return whether a collection ends with a bracket. A pair in `[a: b]` is a flow mapping without brackets."""
    return collection.flow and source[collection.end.end_mark.index - 1] in "}]"


def trimmed_end(source: str, end: int) -> int:
    """Return the offset of the end of `source[:end]` without white space at its end."""
    while end and source[end - 1].isspace():
        end -= 1
    return end


# The values of the plain scalars that are booleans, null or special numbers. Kubernetes parses YAML with
# sigs.k8s.io/yaml, which is based on go-yaml and supports the booleans of YAML 1.1.
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
_NUMERIC: Final = frozenset("0123456789abcdefABCDEFxo_+-.")
#: The first characters of plain scalars that are not strings.
TYPED_START: Final = _NUMBER_START.union(text[0] for text in _CONSTANTS if text)


def typed(text: str) -> Scalar:
    """Return the value of a plain scalar, such as 1 for `1`, True for `yes`, and "a" for `a`."""
    value = _CONSTANTS.get(text, text)
    return _number(text) if value is text and text[0] in _NUMBER_START and len(text) < _LONG else value


# A number of this length is read as a string. Python refuses to convert numbers with more decimal digits than
# PYTHONINTMAXSTRDIGITS, which can be as low as 640. (A number with 500 hexadecimal digits has about 603 decimal
# digits.) go-yaml also reads an integer that is too large for a float as a string.
_LONG: Final = 500


@lru_cache(maxsize=4096)
def _number(text: str) -> int | float | str:
    # These tests avoid compiling the pattern, which takes 0.3 ms, for most numbers, and for units such as `100m`.
    digits = text[1:] if text[0] in "+-" else text
    if digits.isdecimal() and digits.isascii() and digits[0] != "0":
        return int(text)
    if not _NUMERIC.issuperset(text):
        return text
    number = re.fullmatch(_NUMBER, text)
    if number is None:
        return text
    digits = text.replace("_", "")
    if not number["int"]:
        return float(digits)
    # In YAML 1.1, 0777 is an octal number. Python writes it as 0o777.
    digits = re.sub(r"\A([-+]?)0(?=\d)", r"\g<1>0o", digits)
    try:
        return int(digits, 0)
    except ValueError:  # for example, 0o_
        return text
