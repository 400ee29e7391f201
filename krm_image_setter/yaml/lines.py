"""The reader of what tools and people write nearly always: block YAML of one key or item a line.

It gives the same tree as the parsers, faster than their bare events and without loading one; or None, where a text
has anything that it does not know: block scalars, values of several lines, escapes, anchors, tags … (A property
test holds it to the parsers.) A line is understood once, however often it is written. A node only notes where it
starts: where exactly a child stands is worked out when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from krm_image_setter.yaml.tree import MAX_DEPTH, TYPED_START, Document, Mapping, Sequence, typed

# What stands in a line: indentation, dashes, a key, its colon, and the rest with its comment.
LINE: Final = re.compile(r"( *)((?:- +)*)(?:([A-Za-z0-9_/][A-Za-z0-9_./-]{0,200})(: +|:\Z))?(.*)")
_QUOTED: Final = r"(\"[^\"\\]*\"|'[^']*')(?: *| +#.*)"
_NO_PLAIN: Final = frozenset("&*!|>%@`?:,]}")
# A token of a `{…}` or `[…]`: a bracket or comma, or a scalar with perhaps the colon that makes it a key.
_FLOW_PLAIN: Final = r"-?[\w./$(](?:[\w./$()@+=~^;#-]|:(?=[\w./$])|[ ]+(?=[\w./$(]))*"
_FLOW: Final = rf"( *)(?:([{{}}\[\],])|(?:(\"[^\"\\]*\"|'[^']*')|({_FLOW_PLAIN}))(: +)?|(.))"

_NEAR: Final = 64  # lines
_MOST_KNOWN: Final = 8192
_COLLECTIONS: Final = (Mapping, Sequence)
_MAX_FLOW_DEPTH: Final = 20
_MAX_BLOCK_DEPTH: Final = MAX_DEPTH - _MAX_FLOW_DEPTH


class Mark(NamedTuple):
    """A place in the text, as an event's mark has it."""

    index: int  # type: ignore[assignment]
    column: int


class Token(NamedTuple):
    """What is written for a node, in the words of a parser's event."""

    value: str
    style: str | None
    start_mark: Mark
    end_mark: Mark
    anchor: None = None
    tag: None = None


class _Lines:
    """A text in lines, the last one empty."""

    __slots__ = ("_flow_line", "_starts", "lines", "places", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # The lines of the children of a node, by its id, and the tokens of a line; for nodes and the line in use.
        self.places: dict[int, dict[Any, int]] = {}
        self._flow_line: tuple[int, list[tuple[int, str]]] = (-1, [])
        self.lines = text.split("\n")
        if self.lines[-1]:
            self.lines.append("")
        self._starts: list[int] = []

    def key(self, line: int) -> Token:
        """Return the key that is written in a line of a block."""
        match = self._match(line)
        return self.token(line, match.start(3), match[3])

    def value(self, line: int) -> Token:
        """Return the scalar that is written in a line of a block, behind its key or dash."""
        match = self._match(line)
        rest = match[5]
        if not rest or rest[0] == "#":
            return self.token(line, len(match[0][: match.start(5)].rstrip(" ")))
        quoted = re.fullmatch(_QUOTED, rest) if rest[0] in "\"'" else None
        return self.token(line, match.start(5), quoted[1] if quoted else _trimmed(rest))

    def flow_token(self, line: int, number: int) -> Token:
        """Return the token of a number in the flow collection of a line."""
        if self._flow_line[0] != line:  # all are found at once: it may have thousands
            match = self._match(line)
            tokens = _tokens(match[5])
            starts = accumulate((len("".join(token)) for token in tokens), initial=match.start(5))
            places = [
                (start + len(blank), bracket or quoted or plain)
                for start, (blank, bracket, quoted, plain, _, _) in zip(starts, tokens, strict=False)
            ]
            self._flow_line = line, places
        return self.token(line, *self._flow_line[1][number])

    def point(self, line: int) -> Token:
        """Return a token without text, where what a line holds begins."""
        return self.token(line, self._match(line).end(1))

    def token(self, line: int, column: int, text: str = "") -> Token:
        """Return the token for `text` at a column of a line."""
        style = text[0] if text and text[0] in "'\"" else None
        start = self._start(line) + column
        value = text[1:-1] if style else text
        return Token(value, style, Mark(start, column), Mark(start + len(text), column + len(text)))

    def _match(self, line: int) -> Any:
        return LINE.fullmatch(self.lines[line].removesuffix("\r"))

    def _start(self, line: int) -> int:
        if line < _NEAR:  # it takes longer to note all of them
            before = sum(map(len, self.lines[:line]))
        else:
            if not self._starts:
                self._starts = [*accumulate(map(len, self.lines), initial=0)]
            before = self._starts[line]
        return min(before + line, len(self.text))


class _Mapping(Mapping):
    """What the two kinds of mappings have in common; tree.Mapping says what the properties mean."""

    __slots__ = ()

    merged = ()  # type: ignore[assignment]
    _key: Callable[[str], Token]
    _scalar: Callable[[str], Token]

    @property
    def children(self) -> list[Any]:  # type: ignore[override]
        return [written for key in self for written in (self._key(key), self.origin(key))]

    def repeated(self) -> None:
        return None  # A parser reads a text with equal keys.

    def written(self, key: str) -> tuple[Any, Any] | None:
        return (self._key(key), self.origin(key)) if key in self else None

    def origin(self, key: str) -> Any:
        value = self[key]
        return value if isinstance(value, _COLLECTIONS) else self._scalar(key)


class _Sequence(Sequence):
    """What the two kinds of sequences have in common."""

    __slots__ = ()

    _scalar: Callable[[int], Token]

    @property
    def children(self) -> list[Any]:  # type: ignore[override]
        return [self.origin(index) for index in range(len(self))]

    def origin(self, index: int) -> Any:
        value = self[index]
        return value if isinstance(value, _COLLECTIONS) else self._scalar(index)


class _Block:
    """A node in lines of its own; `line` and `column` are where it starts. Nothing more is noted while reading."""

    __slots__ = ()

    lines: _Lines
    line: int
    column: int
    flow = False

    @property
    def start(self) -> Token:
        return self.lines.token(self.line, self.column)

    @property
    def end(self) -> Token:
        *_, (behind, _) = self._lines_below()
        return self.lines.point(behind)

    def _places(self) -> dict[Any, int]:
        """Return the line of each key or index.

        They are kept for every node: callers go down a tree and come back to the nodes that they came from.
        """
        places = self.lines.places.get(id(self))
        if places is None:
            lines = [self.line, *(number for number, is_place in self._lines_below() if is_place)]
            places = dict(zip(self if isinstance(self, dict) else range(len(lines)), lines, strict=True))
            self.lines.places[id(self)] = places
        return places

    def _lines_below(self) -> Iterator[tuple[int, bool]]:
        """Yield the lines below the first one, and whether a child starts there; the last one is behind it."""
        number, column, is_sequence = self.line, self.column, isinstance(self, Sequence)
        while number < len(self.lines.lines) - 1:
            number += 1
            line = _read_line(self.lines.lines[number])
            if line:
                here, dashes, _, _, _ = line
                if here < column or (here == column and is_sequence and not dashes):
                    break
                yield number, here == column and bool(dashes) == is_sequence
        yield number, False


class _BlockMapping(_Block, _Mapping):
    __slots__ = ("column", "line", "lines")

    def _key(self, key: str) -> Token:
        return self.lines.key(self._place(key))

    def _scalar(self, key: str) -> Token:
        return self.lines.value(self._place(key))

    def _place(self, key: str) -> int:
        if key == next(iter(self)):
            return self.line
        # Nearly always it is near; what is in this column and below is a key of this very mapping.
        start = f"{'':{self.column}}{key}:"
        for number in range(self.line + 1, min(self.line + _NEAR, len(self.lines.lines))):
            if self.lines.lines[number].startswith(start):
                return number
        return self._places()[key]


class _BlockSequence(_Block, _Sequence):
    __slots__ = ("column", "line", "lines")

    def _scalar(self, index: int) -> Token:
        return self.lines.value(self._places()[index])


class _Shape:
    """What is written for a flow collection: the numbers of its brackets, and of its keys or items, as tokens."""

    __slots__ = ("first", "is_nested", "last", "places")

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.places: dict[Any, int] = {}
        self.is_nested = False  # whether there are collections in it


class _Flow:
    """A collection in brackets, all in one line."""

    __slots__ = ()

    lines: _Lines
    line: int
    shape: _Shape
    flow = True

    @property
    def start(self) -> Token:
        return self.lines.flow_token(self.line, self.shape.first)

    @property
    def end(self) -> Token:
        return self.lines.flow_token(self.line, self.shape.last)


class _FlowMapping(_Flow, _Mapping):
    __slots__ = ("line", "lines", "shape")

    def _key(self, key: str) -> Token:
        return self.lines.flow_token(self.line, self.shape.places[key])

    def _scalar(self, key: str) -> Token:
        return self.lines.flow_token(self.line, self.shape.places[key] + 1)


class _FlowSequence(_Flow, _Sequence):
    __slots__ = ("line", "lines", "shape")

    def _scalar(self, index: int) -> Token:
        return self.lines.flow_token(self.line, self.shape.places[index])


def read(text: str) -> Document | None:
    """Return the one document of `text`, which has no BOM, or None where a parser must read it."""
    lines = _Lines(text)
    holder: Any = [None]  # of the root
    node = holder  # the innermost open node
    child: Any
    column = -1  # of the children of `node`
    is_mapping = False
    key: Any = 0  # of its last child
    pending = True  # whether that child is still to come
    stack: list[Any] = []  # the open nodes around `node`, each with what the variables above say of it
    collection = _COLLECTION
    for number, line in enumerate(map(_read_line, lines.lines)):
        if not line:
            if line is None and (number or text[:3] != "---" or lines.lines[0].rstrip(" \r") != "---"):
                return None
            continue
        here, dashes, new_key, value, state = line
        # Most lines are the next key of the same mapping.
        if here != column or dashes or not is_mapping:
            while here < column or (here == column and not is_mapping and not dashes):
                node, column, is_mapping, key = stack.pop()
                pending = False
            for dash in dashes:
                if here != column or is_mapping:
                    if not pending or here < column or len(stack) >= _MAX_BLOCK_DEPTH:
                        return None
                    child = node[key] = _BlockSequence()
                    child.lines, child.line, child.column = lines, number, here
                    stack.append((node, column, is_mapping, key))
                    node, column, is_mapping, key = child, here, False, -1
                node.append(None)
                pending = True
                here += dash
            if new_key and (here != column or not is_mapping):
                if not pending or here <= column or len(stack) >= _MAX_BLOCK_DEPTH:
                    return None
                child = node[key] = _BlockMapping()
                child.lines, child.line, child.column = lines, number, here
                stack.append((node, column, is_mapping, key))
                node, column, is_mapping = child, here, True
        if new_key:
            if new_key in node:
                return None
            key = new_key
        node[key] = value if state != collection else _placed(value, lines, number)
        pending = not state
    return Document(holder[0], aliased=False) if stack else None


# What stands in a line behind its key or dashes. Nothing may mean that it is still to come, or null.
_NOTHING: Final = 0
_SCALAR: Final = 1
_COLLECTION: Final = 2


class _Line(NamedTuple):
    """What a line says: its first column, the widths of its dashes, its key, and what stands behind them."""

    column: int
    dashes: tuple[int, ...]
    key: str
    value: Any
    state: int


class _Known(dict[str, Any]):
    """What lines say: nearly all of a long stream are written many times.

    To ask a functools.lru_cache takes half as long again.
    """

    def __missing__(self, text: str) -> Any:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        found = self[text] = _understood(text)
        return found


_read_line: Final = _Known().__getitem__


def _understood(text: str) -> _Line | tuple[()] | None:
    """Return what a line says, `()` where that is nothing; None where a parser must read it."""
    text = text.removesuffix("\r")
    match = LINE.fullmatch(text)
    if match is None or not text.isprintable():
        return None
    indent, dashes, key, _, rest = match.groups(default="")
    nothing = not rest or rest[0] == "#"
    if not key and not dashes:
        return () if nothing else None
    read = (None, _NOTHING) if nothing else read_value(rest)
    if read is None:
        return None
    return _Line(len(indent), tuple(map(len, re.findall("- +", dashes))) if dashes else (), key, *read)


def read_value(rest: str) -> tuple[Any, int] | None:
    """Return the value that `rest`, the end of a line, is, and its state; None where a parser must read it."""
    first = rest[0]
    if first in "\"'":
        quoted = re.fullmatch(_QUOTED, rest)
        return (quoted[1][1:-1], _SCALAR) if quoted else None
    if first in "{[":
        collection = _flow(rest)
        return None if collection is None else (collection, _COLLECTION)
    if first in _NO_PLAIN or (first == "-" and rest[1:2] in ("", " ")):
        return None
    plain = _trimmed(rest)
    if ": " in plain or plain[-1] == ":":
        return None
    return typed(plain) if first in TYPED_START else plain, _SCALAR


def _trimmed(rest: str) -> str:
    """Return the end of a line without the blanks and the comment at its end."""
    return rest.partition(" #")[0].rstrip(" ")


@lru_cache(maxsize=1024)
def _tokens(rest: str) -> list[tuple[str, str, str, str, str, str]]:
    return re.findall(_FLOW, rest, re.ASCII)


def _flow(rest: str) -> Any:
    """Return the collection that `rest`, the end of a line, is, or None where a parser must read it.

    It has no line yet: `_placed` copies it to one.
    """
    node: Any = None  # the innermost open node
    is_mapping = False
    key: Any = None  # of its child to come, None where that is a key itself
    ready = True  # whether a child may come
    stack: list[Any] = []
    for number, (_, bracket, quoted, plain, colon, _) in enumerate(_tokens(rest)):
        if plain or quoted:
            if not ready:
                return None
            if is_mapping and key is None:
                key = plain or quoted[1:-1]
                if not colon or key in node or key == "<<":
                    return None
                node.shape.places[key] = number
                continue
            if colon:
                return None
            value = typed(plain) if plain else quoted[1:-1]
        elif bracket == ",":
            if ready:
                return None
            ready = True
            continue
        elif bracket == "{" or bracket == "[":  # noqa: PLR1714
            if not ready or (is_mapping and key is None) or len(stack) >= _MAX_FLOW_DEPTH:
                return None
            stack.append((node, key))
            is_mapping = bracket == "{"
            node, key = _FlowMapping() if is_mapping else _FlowSequence(), None
            node.shape = _Shape(number)
            continue
        else:
            if not bracket or (ready and node.shape.places) or is_mapping != (bracket == "}"):
                return None
            value = node
            value.shape.last = number
            node, key = stack.pop()
            if node is None:
                behind = "".join(part for token in _tokens(rest)[number + 1 :] for part in token)
                return None if _trimmed(behind) else value
            node.shape.is_nested = True
            is_mapping = isinstance(node, Mapping)
        if is_mapping:
            node[key] = value
            key = None
        else:
            node.shape.places[len(node)] = number
            node.append(value)
        ready = False
    return None


def _placed(collection: Any, lines: _Lines, line: int) -> Any:
    """Return a copy of a flow collection that stands in a line."""
    node = type(collection)(collection)
    node.lines, node.line, node.shape = lines, line, collection.shape
    if node.shape.is_nested:
        for key, value in collection.items() if isinstance(node, Mapping) else enumerate(collection):
            if isinstance(value, _Flow):
                node[key] = _placed(value, lines, line)
    return node
