"""The reader of what tools and people write nearly always: block YAML of one key or item a line.

It gives the same tree as the parsers, faster than their bare events and without loading one; or None, where a text
has anything that it does not know: block scalars, values of several lines, escapes, anchors, tags … (A property
test holds it to the parsers.) A node only notes the lines that it is written in: where exactly a child stands is
worked out when it is asked for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from krm_image_setter.yaml.tree import MAX_DEPTH, TYPED_START, Document, Mapping, Sequence, typed

# What stands in a line: indentation, dashes, a key, its colon, and the rest with its comment.
_LINE: Final = re.compile(
    r"( *)((?:- +)*)(?:([A-Za-z0-9_/][A-Za-z0-9_./-]{0,200})(: +|:(?=\r?\n|\Z)))?"
    r"([^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]*)\r?\n?"
)
_QUOTED: Final = re.compile(r"(\"[^\"\\]*\"|'[^']*')(?: *| +#.*)")
_NO_PLAIN: Final = frozenset("&*!|>%@`?:,]}")
# A token of a `{…}` or `[…]`: a bracket or comma, or a scalar with perhaps the colon that makes it a key.
_FLOW_PLAIN: Final = (
    r"(?:[^\s\-?:,\[\]{}#&*!|>'\"%@`]|-(?=[^\s\-?:,\[\]{}#&*!|>'\"%@`]))[^\s:#,\[\]{}]*"
    r"(?:(?::(?=[^\s,\[\]{}])|#|[ ]+(?=[^\s:#,\[\]{}]))[^\s:#,\[\]{}]*)*"
)
_FLOW: Final = re.compile(rf"( *)(?:([{{}}\[\],])|(?:(\"[^\"\\]*\"|'[^']*')|({_FLOW_PLAIN}))(: +)?|(.))")

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
    """A text in lines.

    The place of a scalar in a block is a number: `n` for the value in line `n`, `~n` for the key there.
    """

    __slots__ = ("_starts", "lines", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[tuple[str, str, str, str, str]] = _LINE.findall(text)
        self._starts: list[int] = []

    def written(self, place: int) -> Token:
        """Return the scalar that is written at a place."""
        line = place if place >= 0 else ~place
        indent, dashes, key, colon, rest = self.lines[line]
        column = len(indent) + len(dashes)
        if place < 0:
            return self.token(line, column, key)
        if not rest or rest[0] == "#":
            return self.token(line, len((indent + dashes + key + colon).rstrip(" ")))
        match = _QUOTED.fullmatch(rest)
        return self.token(line, column + len(key) + len(colon), match[1] if match else _trimmed(rest))

    def flow_token(self, line: int, number: int) -> Token:
        """Return the token of a number in the flow collection of a line."""
        *before, rest = self.lines[line]
        tokens = _tokens(rest)
        blank, bracket, quoted, plain, _, _ = tokens[number]
        before += (part for token in tokens[:number] for part in token)
        return self.token(line, len("".join(before) + blank), bracket or quoted or plain)

    def point(self, line: int) -> Token:
        """Return a token without text, where what a line holds begins."""
        return self.token(line, len(self.lines[line][0]))

    def token(self, line: int, column: int, text: str = "") -> Token:
        """Return the token for `text` at a column of a line."""
        style = text[0] if text and text[0] in "'\"" else None
        start = self._start(line) + column
        value = text[1:-1] if style else text
        return Token(value, style, Mark(start, column), Mark(start + len(text), column + len(text)))

    def _start(self, line: int) -> int:
        if not self._starts:
            self._starts = [*accumulate(map(len, self.text.splitlines(keepends=True)), initial=0)]
        return self._starts[line]


class _Node:
    """What the two kinds of nodes have in common; tree.Mapping says what the properties mean.

    `line` and `column` are where it starts, `stop` is the line of what follows it, `places` has a place or a node
    for each child. In a flow collection places are numbers of tokens, `~column` and `stop` those of its brackets.
    """

    __slots__ = ()

    lines: _Lines
    line: int
    column: int
    stop: int
    places: list[Any]
    merged = ()

    @property
    def flow(self) -> bool:
        return self.column < 0

    @property
    def start(self) -> Any:
        return self._flow_token(~self.column) if self.flow else self.lines.token(self.line, self.column)

    @property
    def end(self) -> Any:
        return self._flow_token(self.stop) if self.flow else self.lines.point(self.stop)

    @property
    def children(self) -> list[Any]:
        return [self._child(index) for index in range(len(self.places))]

    def _child(self, index: int) -> Any:
        place = self.places[index]
        if not isinstance(place, int):
            return place
        return self._flow_token(place) if self.flow else self.lines.written(place)

    def _flow_token(self, number: int) -> Token:
        return self.lines.flow_token(self.line, number)


class _Mapping(_Node, Mapping):  # type: ignore[misc, override]
    __slots__ = ("column", "line", "lines", "places", "stop")

    def written(self, key: str) -> tuple[Any, Any] | None:
        index = self._index(key)
        return None if index < 0 else (self._child(index), self._child(index + 1))

    def origin(self, key: str) -> Any:
        return self._child(self._index(key) + 1)

    def _index(self, key: str) -> int:
        """Return which of the places is that of `key`, or -2."""
        if self.flow:
            return 2 * list(self).index(key) if key in self else -2
        lines, places = self.lines.lines, self.places
        index = len(places) - 2
        while index >= 0 and lines[~places[index]][2] != key:
            index -= 2
        return index


class _Sequence(_Node, Sequence):  # type: ignore[override]
    __slots__ = ("column", "line", "lines", "places", "stop")

    def origin(self, index: int) -> Any:
        return self._child(index)


def read(text: str) -> Document | None:
    """Return the one document of `text`, which has no BOM, or None where a parser must read it."""
    lines = _Lines(text)
    # A character that no line may hold is passed over by findall, and gives a match too many.
    if len(lines.lines) != text.count("\n") + 1 + (text[-1:] not in ("", "\n")):
        return None
    holder = node = _opened(_Sequence(), lines, 0, -1)  # the innermost open node; at first one that holds the root
    holder.append(None)
    holder.places.append(0)
    column = -1  # of the children of `node`
    is_mapping = False
    key: Any = 0  # of its last child
    pending = True  # whether that child is still to come
    stack: list[Any] = []  # the open nodes around `node`, each with what the variables above say of it
    places = holder.places
    for number, (indent, dashes, new_key, _, rest) in enumerate(lines.lines):
        first = rest[:1]
        if not new_key and not dashes:
            if first and first != "#" and (number or indent or rest.rstrip(" ") != "---"):
                return None
            continue
        here = len(indent)
        while here < column or (here == column and not is_mapping and not dashes):
            node.stop = number
            node, places, column, is_mapping, key = stack.pop()
            pending = False
        if dashes:
            for dash in (dashes,) if dashes == "- " else re.findall("- +", dashes):
                if here != column or is_mapping:
                    if not pending or here < column or len(stack) >= _MAX_BLOCK_DEPTH:
                        return None
                    node[key] = places[-1] = child = _opened(_Sequence(), lines, number, here)
                    stack.append((node, places, column, is_mapping, key))
                    node, places, column, is_mapping, key = child, child.places, here, False, -1
                node.append(None)
                places.append(number)
                pending = True
                here += len(dash)
        if new_key:
            if here != column or not is_mapping:
                if not pending or here <= column or len(stack) >= _MAX_BLOCK_DEPTH:
                    return None
                node[key] = places[-1] = child = _opened(_Mapping(), lines, number, here)
                stack.append((node, places, column, is_mapping, key))
                node, places, column, is_mapping = child, child.places, here, True
            key = new_key
            node[key] = None
            places += (~number, number)
        if not first or first == "#":
            pending = True
            continue
        pending = False
        if first in "\"'":
            quoted = _QUOTED.fullmatch(rest)
            if quoted is None:
                return None
            node[key] = quoted[1][1:-1]
        elif first in "{[":
            collection = _flow(rest)
            if collection is None:
                return None
            node[key] = places[-1] = _placed(collection, lines, number)
        elif first in _NO_PLAIN or (first == "-" and rest[1:2] in ("", " ")):
            return None
        else:
            plain = _trimmed(rest) if " #" in rest or rest[-1] == " " else rest
            if ": " in plain or plain[-1] == ":":
                return None
            node[key] = typed(plain) if first in TYPED_START else plain
    if not stack:
        return None
    while stack:
        node.stop = len(lines.lines) - 1
        node, *_ = stack.pop()
    return Document(holder[0], aliased=False)


def _opened(node: Any, lines: _Lines | None, line: int, column: int) -> Any:
    node.lines, node.line, node.column = lines, line, column
    node.places = []
    return node


def _trimmed(rest: str) -> str:
    """Return the end of a line without the blanks and the comment at its end."""
    return rest.partition(" #")[0].rstrip(" ")


@lru_cache(maxsize=1024)
def _tokens(rest: str) -> list[tuple[str, str, str, str, str, str]]:
    return _FLOW.findall(rest)


@lru_cache(maxsize=1024)  # a stream has the same few again and again
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
            node.places.append(number)
            if is_mapping and key is None:
                key = plain or quoted[1:-1]
                if not colon or key in node or key == "<<":
                    return None
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
            node.places.append(value)
            node.line = 1
            is_mapping = type(node) is _Mapping
        if is_mapping:
            node[key] = value
            key = None
        else:
            node.append(value)
        ready = False
    return None


def _placed(collection: Any, lines: _Lines, line: int) -> Any:
    """Return a copy of a flow collection that stands in a line."""
    node = type(collection)(collection)
    node.lines, node.line, node.column, node.stop = lines, line, collection.column, collection.stop
    node.places = places = collection.places
    if collection.line:
        node.places = places = [place if type(place) is int else _placed(place, lines, line) for place in places]
        values = places[1::2] if type(node) is _Mapping else places
        for key, value in zip(list(node) if type(node) is _Mapping else range(len(node)), values, strict=True):
            if type(value) is not int:
                node[key] = value
    return node
