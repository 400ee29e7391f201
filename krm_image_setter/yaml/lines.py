"""The reader of what tools and people write nearly always: block YAML of one key or item a line.

It gives the same tree as the parsers, faster than their bare events and without loading one; or None, where a text
has anything that it does not know: block scalars, values of several lines, escapes, anchors, tags … (A property
test holds it to the parsers.) A line is understood once, however often it is written. A node only notes the lines
that it is written in: where exactly a child stands is worked out when it is asked for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from krm_image_setter.yaml.tree import MAX_DEPTH, TYPED_START, Document, Mapping, Sequence, typed

# What stands in a line: indentation, dashes, a key, its colon, and the rest with its comment.
_LINE: Final = re.compile(r"( *)((?:- +)*)(?:([A-Za-z0-9_/][A-Za-z0-9_./-]{0,200})(: +|:\Z))?(.*)")
_QUOTED: Final = r"(\"[^\"\\]*\"|'[^']*')(?: *| +#.*)"
_NO_PLAIN: Final = frozenset("&*!|>%@`?:,]}")
# A token of a `{…}` or `[…]`: a bracket or comma, or a scalar with perhaps the colon that makes it a key.
_FLOW_PLAIN: Final = r"-?[\w./$(](?:[\w./$()@+=~^;#-]|:(?=[\w./$])|[ ]+(?=[\w./$(]))*"
_FLOW: Final = rf"( *)(?:([{{}}\[\],])|(?:(\"[^\"\\]*\"|'[^']*')|({_FLOW_PLAIN}))(: +)?|(.))"

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

    __slots__ = ("_flow_line", "_starts", "lines", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1]:
            self.lines.append("")
        self._starts: list[int] = []
        self._flow_line: tuple[int, list[tuple[int, str]]] = (-1, [])

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
        quoted = re.fullmatch(_QUOTED, rest)
        return self.token(line, match.start(5), quoted[1] if quoted else _trimmed(rest))

    def flow_token(self, line: int, number: int) -> Token:
        """Return the token of a number in the flow collection of a line."""
        if self._flow_line[0] != line:  # all of a line's tokens are found at once: it may have thousands
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
        return _LINE.fullmatch(self.lines[line].removesuffix("\r"))

    def _start(self, line: int) -> int:
        if not self._starts:
            self._starts = [*accumulate(map(len, self.lines), initial=0)]
        return min(self._starts[line] + line, len(self.text))


class _Node:
    """What the two kinds of nodes have in common; tree.Mapping says what the properties mean.

    `line` and `column` are where it starts, `stop` is the line of what follows it, `places` has the line of each
    key or dash. In a flow collection places are numbers of tokens, `~column` and `stop` those of its brackets.
    """

    __slots__ = ()

    lines: _Lines
    line: int
    column: int
    stop: int
    places: list[int]
    merged = ()

    @property
    def flow(self) -> bool:
        return self.column < 0

    @property
    def start(self) -> Token:
        if self.flow:
            return self.lines.flow_token(self.line, ~self.column)
        return self.lines.token(self.line, self.column)

    @property
    def end(self) -> Token:
        return self.lines.flow_token(self.line, self.stop) if self.flow else self.lines.point(self.stop)


class _Mapping(_Node, Mapping):  # type: ignore[misc]
    __slots__ = ("_by_key", "column", "line", "lines", "places", "stop")

    _by_key: dict[str, int]

    @property
    def children(self) -> list[Any]:  # type: ignore[override]
        return [written for key in self for written in (self._key(key), self.origin(key))]

    def written(self, key: str) -> tuple[Any, Any] | None:
        return (self._key(key), self.origin(key)) if key in self else None

    def origin(self, key: str) -> Any:
        value = self[key]
        if isinstance(value, _Node):
            return value
        place = self._place(key)
        return self.lines.flow_token(self.line, place + 1) if self.flow else self.lines.value(place)

    def _key(self, key: str) -> Token:
        place = self._place(key)
        return self.lines.flow_token(self.line, place) if self.flow else self.lines.key(place)

    def _place(self, key: str) -> int:
        try:
            return self._by_key[key]
        except AttributeError:  # it is asked for the first time
            self._by_key = dict(zip(self, self.places, strict=True))
            return self._by_key[key]


class _Sequence(_Node, Sequence):
    __slots__ = ("column", "line", "lines", "places", "stop")

    @property
    def children(self) -> list[Any]:  # type: ignore[override]
        return [self.origin(index) for index in range(len(self))]

    def origin(self, index: int) -> Any:
        value, place = self[index], self.places[index]
        if isinstance(value, _Node):
            return value
        return self.lines.flow_token(self.line, place) if self.flow else self.lines.value(place)


def read(text: str) -> Document | None:
    """Return the one document of `text`, which has no BOM, or None where a parser must read it."""
    lines = _Lines(text)
    holder = node = _opened(_Sequence(), lines, 0, -1)  # the innermost open node; at first one that holds the root
    holder.append(None)
    child: Any
    column = -1  # of the children of `node`
    is_mapping = False
    key: Any = 0  # of its last child
    pending = True  # whether that child is still to come
    stack: list[Any] = []  # the open nodes around `node`, each with what the variables above say of it
    places = holder.places
    collection = _COLLECTION
    for number, line in enumerate(map(_read_line, lines.lines)):
        if line is None:
            if number or text[:3] != "---" or lines.lines[0].rstrip(" \r") != "---":
                return None
            continue
        here, dashes, new_key, value, state = line
        if not new_key and not dashes:
            continue
        while here < column or (here == column and not is_mapping and not dashes):
            node.stop = number
            node, places, column, is_mapping, key = stack.pop()
            pending = False
        for dash in dashes:
            if here != column or is_mapping:
                if not pending or here < column or len(stack) >= _MAX_BLOCK_DEPTH:
                    return None
                child = node[key] = _Sequence()
                child.lines, child.line, child.column = lines, number, here
                stack.append((node, places, column, is_mapping, key))
                places = child.places = []
                node, column, is_mapping, key = child, here, False, -1
            node.append(None)
            places.append(number)
            pending = True
            here += dash
        if new_key:
            if here != column or not is_mapping:
                if not pending or here <= column or len(stack) >= _MAX_BLOCK_DEPTH:
                    return None
                child = node[key] = _Mapping()
                child.lines, child.line, child.column = lines, number, here
                stack.append((node, places, column, is_mapping, key))
                places = child.places = []
                node, column, is_mapping = child, here, True
            elif new_key in node:
                return None
            key = new_key
            places.append(number)
        node[key] = value if state != collection else _placed(value, lines, number)
        pending = not state
    if not stack:
        return None
    while stack:
        node.stop = len(lines.lines) - 1
        node, *_ = stack.pop()
    return Document(holder[0], aliased=False)


# What stands in a line behind its key or dashes. Nothing may mean that it is still to come, or null.
_NOTHING: Final = 0
_SCALAR: Final = 1
_COLLECTION: Final = 2


class _Line(NamedTuple):
    """What a line says: its first column, the widths of its dashes, its key, and what stands behind them."""

    column: int = 0
    dashes: tuple[int, ...] = ()
    key: str = ""
    value: Any = None
    state: int = _NOTHING


@lru_cache(maxsize=8192)  # nearly all lines of a long stream are written many times
def _read_line(text: str) -> _Line | None:
    """Return what a line says, without key and dashes where that is nothing; None where a parser must read it."""
    text = text.removesuffix("\r")
    match = _LINE.fullmatch(text)
    if match is None or not text.isprintable():
        return None
    indent, dashes, key, _, rest = match.groups(default="")
    first = rest[:1]
    if not key and not dashes:
        return None if first and first != "#" else _Line()
    line = _Line(len(indent), tuple(map(len, re.findall("- +", dashes))), key)
    if not first or first == "#":
        return line
    if first in "\"'":
        quoted = re.fullmatch(_QUOTED, rest)
        return line._replace(value=quoted[1][1:-1], state=_SCALAR) if quoted else None
    if first in "{[":
        collection = _flow(rest)
        return None if collection is None else line._replace(value=collection, state=_COLLECTION)
    if first in _NO_PLAIN or (first == "-" and rest[1:2] in ("", " ")):
        return None
    plain = _trimmed(rest)
    if ": " in plain or plain[-1] == ":":
        return None
    return line._replace(value=typed(plain) if first in TYPED_START else plain, state=_SCALAR)


def _opened(node: Any, lines: _Lines | None, line: int, column: int) -> Any:
    node.lines, node.line, node.column = lines, line, column
    node.places = []
    return node


def _trimmed(rest: str) -> str:
    """Return the end of a line without the blanks and the comment at its end."""
    return rest.partition(" #")[0].rstrip(" ")


@lru_cache(maxsize=1024)
def _tokens(rest: str) -> list[tuple[str, str, str, str, str, str]]:
    return re.findall(_FLOW, rest, re.ASCII)


def _flow(rest: str) -> Any:
    """Return the collection that `rest`, the end of a line, is, or None where a parser must read it.

    It is to be copied (`_placed`), for it has no line yet: its `line` says whether there are collections in it.
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
                node.places.append(number)
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
            node, key = _opened(_Mapping() if is_mapping else _Sequence(), None, 0, ~number), None
            continue
        else:
            if not bracket or (ready and node.places) or is_mapping != (bracket == "}"):
                return None
            value = node
            value.stop = number
            node, key = stack.pop()
            if node is None:
                behind = "".join(part for token in _tokens(rest)[number + 1 :] for part in token)
                return None if _trimmed(behind) else value
            node.line = 1
            is_mapping = type(node) is _Mapping
        if is_mapping:
            node[key] = value
            key = None
        else:
            node.append(value)
            node.places.append(number)
        ready = False
    return None


def _placed(collection: Any, lines: _Lines, line: int) -> Any:
    """Return a copy of a flow collection that stands in a line."""
    node = type(collection)(collection)
    node.lines, node.line, node.column, node.stop = lines, line, collection.column, collection.stop
    node.places = collection.places
    if collection.line:
        for key, value in collection.items() if type(node) is _Mapping else enumerate(collection):
            if isinstance(value, _Node):
                node[key] = _placed(value, lines, line)
    return node
