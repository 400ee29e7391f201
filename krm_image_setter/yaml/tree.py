"""Plain Python data that knows its source.

A mapping is a `dict`, a sequence is a `list`, and both also keep their children as they are written, so that
whatever reads Python data works on the tree as it is, and a match can be traced back to its text. A written
child is a scalar's event, an Alias, or a Mapping or Sequence. An alias gives the very value that its anchor
gave; a merge key's pairs are there as if they were written out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

#: Levels of nesting that are read. The deepest public CRD has 47; a deeper tree only serves to break readers.
MAX_DEPTH: Final = 250


#: The keys and indexes that lead to a value, from the root of a document or of a resource.
Location: TypeAlias = tuple[str | int, ...]


class Fragment(NamedTuple):
    """Put `text` in the place of `value[start:end]`, in code points of a scalar's value."""

    start: int
    end: int
    text: str


class Change(NamedTuple):
    """Put a fragment into the scalar at `location`; if there is none, add it after the key `beside`."""

    location: Location
    fragment: Fragment
    beside: str = ""


class Alias:
    """An alias as a written child: its `name`, and in `target` the written child that it stands for."""

    __slots__ = ("end_mark", "name", "start_mark", "target")

    def __init__(self, event: Any, target: Any) -> None:
        self.name: str = event.anchor
        self.start_mark = event.start_mark
        self.end_mark = event.end_mark
        self.target = target


class Mapping(dict[str, Any]):
    """A mapping node: string keys (as written, never typed) to values.

    `children` holds keys and values in turn, as written; `merged` the mappings that `<<` brings in, the first
    one first; `start` and `end` are the mapping's own events.
    """

    __slots__ = ()

    start: Any
    end: Any
    children: list[Any]
    merged: list[Mapping]
    _pairs: dict[str | None, tuple[Any, Any]]
    _bases: dict[str, Mapping]

    def written(self, key: str) -> tuple[Any, Any] | None:
        """Return `key` and its value as they are written, or None where only a merge key brings it in."""
        try:
            return self._pairs.get(key)
        except AttributeError:  # it is asked for the first time
            children = self.children
            # Of two equal keys the last one counts.
            self._pairs = {
                _text(name): (name, value) for name, value in zip(children[::2], children[1::2], strict=True)
            }
            return self._pairs.get(key)

    def origin(self, key: str) -> Any:
        """Return the value of `key` as it is written, here or in what a merge key brings in."""
        found = self.written(key)
        return found[1] if found else self.base_of(key).origin(key)

    def base_of(self, key: str) -> Mapping:
        """Return the mapping that brings in `key`: the first one that has it. Raises KeyError."""
        try:
            return self._bases[key]
        except AttributeError:  # it is asked for the first time; a merge key can list thousands of mappings
            self._bases = {name: base for base in reversed(self.merged) for name in base}
            return self._bases[key]

    @property
    def flow(self) -> bool:
        """Whether it is written `{…}`."""
        return bool(self.start.flow_style)

    def repeated(self) -> tuple[str, Any] | None:
        """Return a key that is there twice and its first appearance as written, or None if all keys differ."""
        first: dict[str, Any] = {}
        for written in self.children[::2]:
            text = _text(written)
            if text is not None and first.setdefault(text, written) is not written:
                return text, first[text]
        return None


def _text(written: Any) -> str | None:
    """Return the text of a key, or None where it is a collection."""
    return getattr(written.target if isinstance(written, Alias) else written, "value", None)


class Sequence(list[Any]):
    """A sequence node; `children` holds the items as written, `start` and `end` are its own events."""

    __slots__ = ()

    start: Any
    end: Any
    children: list[Any]

    def origin(self, index: int) -> Any:
        """Return the item at `index` as it is written."""
        return self.children[index]

    @property
    def flow(self) -> bool:
        """Whether it is written `[…]`."""
        return bool(self.start.flow_style)


class Document(NamedTuple):
    """One document: its root, a Mapping, a Sequence, a scalar's value or None."""

    root: Any
    aliased: bool  # whether an alias stands anywhere in it


def start_mark(written: Any) -> Any:
    """Return the mark where a written child starts, its anchor and tag included."""
    return (written.start if isinstance(written, Mapping | Sequence) else written).start_mark


def content_end(source: str, written: Any) -> int:
    """Return where a written child's own text ends: a block's events tell only the next token's place.

    Blanks and line breaks after it do not count, except in a block scalar that keeps them (`|+`).
    """
    while isinstance(written, Mapping | Sequence) and not written.flow:
        written = written.children[-1]
    end: int = (written.end if isinstance(written, Mapping | Sequence) else written).end_mark.index
    return trimmed_end(source, end)


def trimmed_end(source: str, end: int) -> int:
    """Return where the text before `end` ends without blanks and line breaks."""
    while end and source[end - 1].isspace():
        end -= 1
    return end


# What a plain scalar is to Kubernetes, whose reader (sigs.k8s.io/yaml, on go-yaml) still has YAML 1.1's booleans.
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **{
        spelling: truth
        for truth, words in ((True, ("y", "yes", "true", "on")), (False, ("n", "no", "false", "off")))
        for word in words
        for spelling in (word, word.capitalize(), word.upper())
    },
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NUMBER: Final = (
    r"(?P<int>[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0))"
    r"|[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
)
_NUMBER_START: Final = frozenset("0123456789+-.")
#: What a plain scalar that is no string starts with.
TYPED_START: Final = _NUMBER_START.union(word[0] for word in _WORDS if word)


def typed(text: str) -> Any:
    """Return the value of a plain scalar: None, bool, int, float or str."""
    value = _WORDS.get(text, text)
    return _number(text) if value is text and text[0] in _NUMBER_START and len(text) < _LONG else value


# A longer number stays text, because Python refuses to convert more digits than its user allows, which can be 640
# (PYTHONINTMAXSTRDIGITS). 500 hexadecimal digits are 603 decimal digits. To go-yaml, too, an integer that does not
# fit into a float is text.
_LONG: Final = 500


@lru_cache(maxsize=4096)
def _number(text: str) -> int | float | str:
    if text.isdecimal() and text.isascii() and text[0] != "0":
        return int(text)  # nearly all are so plain: then no pattern is compiled
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
