"""Read the YAML that most people and tools write: block style with one key or item per line.

`read` returns the same tree as the YAML parsers, but takes a third of the time and imports no parser. A property
test compares the trees. `read` returns None if the text contains a rare escape, an anchor, a tag, or a value of
several lines that is not a literal scalar. A line that occurs several times is analyzed only once. A node stores
only the position of its start. It computes the positions of its children when they are needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate

from krm_image_setter.typed import TYPE_CHECKING, Any, Final, Record
from krm_image_setter.yaml.tree import MAX_DEPTH, TYPED_START, Collection, Document, Mapping, Sequence, typed

if TYPE_CHECKING:
    from krm_image_setter.yaml.tree import Written

#: This pattern matches a line. Its groups are the indentation, the dashes, the key, the colon, and the rest.
LINE: Final = re.compile(r"( *)((?:- +)*)(?:([A-Za-z0-9_/][A-Za-z0-9_./-]{0,200})(: +|:\Z))?(.*)")
# A parser must read the other escapes in double quotes, and half of a surrogate pair.
_ESCAPE: Final = r"\\(?:[nt\"\\/ ]|u(?!00[01]|[dD][89a-fA-F])[0-9A-Fa-f]{4})"
_QUOTED: Final = rf"(\"(?:[^\"\\]++|{_ESCAPE})*+\"|'(?:[^']++|'')*+')(?: *| +#.*)"
_NO_PLAIN: Final = frozenset("&*!|>%@`?:,]}")
# A token in a flow collection is a bracket, a comma, or a scalar. If a colon follows the scalar, it is a key.
_FLOW_PLAIN: Final = r"-?[\w./$(](?:[\w./$()@+=~^;#-]|:(?=[\w./$])|[ ]+(?=[\w./$(]))*"
_FLOW: Final = rf"( *)(?:([{{}}\[\],])|(?:(\"[^\"\\]*\"|'[^']*')|({_FLOW_PLAIN}))(: +)?|(.))"
# The lines after the header of a literal scalar. The first line with text determines the indentation. A parser
# must read an indented line that ends without a line break.
_LITERAL_LINES: Final = r"(?:\r?\n)*+( +)\S.*\n(?:(?:\1.*| *\r?)\n)*+(?![ \r].*\Z)"

# For the first lines of a text or node, searching for a line is faster than listing the starts of all lines.
_NEAR: Final = 64
_MOST_KNOWN: Final = 32_768
_MAX_FLOW_DEPTH: Final = 20
_MAX_BLOCK_DEPTH: Final = MAX_DEPTH - _MAX_FLOW_DEPTH


class Mark(Record):
    """A position in the text. This class implements the protocol `tree.Mark`."""

    index: int  # type: ignore[assignment]
    column: int


class Token(Record):
    """A scalar, or an empty text at the start or end of a collection. It implements `tree.ScalarEvent`."""

    value: str
    style: str | None
    start_mark: Mark
    end_mark: Mark
    anchor: None = None
    tag: None = None


class _Literal(Record):
    """A literal scalar: the indentation of its lines, its value, and the number of the line after it."""

    indent: int
    value: str
    after: int


class _Lines:
    """The lines of a text, and the tokens in the lines. The last line is always empty."""

    __slots__ = ("_flow_line", "_starts", "lines", "numbers", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        # The line numbers of the children of each node. The outer key is the id of the node, and the inner key is
        # the key or index of the child.
        self.numbers: dict[int, dict[Any, int]] = {}
        # The number of the line that was used last, and the column and text of each flow token in the line.
        self._flow_line: tuple[int, list[tuple[int, str]]] = (-1, [])
        self.lines = text.split("\n")
        if self.lines[-1]:
            self.lines.append("")
        self._starts: list[int] = []

    def key(self, line: int) -> Token:
        """Return the key in a line of a block mapping."""
        match = self._match(line)
        return self.token(line, match.start(3), match[3])

    def value(self, line: int) -> Token:
        """Return the scalar after the key or dash in a line of a block collection."""
        match = self._match(line)
        rest = match[5]
        if not rest or rest[0] == "#":
            return self.token(line, len(match[0][: match.start(5)].rstrip(" ")))
        literal = self.literal(line, rest) if rest[0] == "|" else None
        if literal is not None:
            header, end = self.token(line, match.start(5)), Mark(self._start(literal.after), 0)
            return header._replace(value=literal.value, style="|", end_mark=end)
        quoted = re.fullmatch(_QUOTED, rest) if rest[0] in "\"'" else None
        return self.token(line, match.start(5), quoted[1] if quoted else _trimmed(rest))

    def literal(self, line: int, header: str) -> _Literal | None:
        """Return the literal scalar whose header is in a line. Return None if a parser must read the scalar."""
        match = re.compile(_LITERAL_LINES).match(self.text, self._start(line + 1))
        if match is None:
            return None
        text = match[0].replace("\r\n", "\n")
        if not text.replace("\n", "").replace("\t", "").isprintable():
            return None
        indent = len(match[1])
        value = re.sub(f"^ {{,{indent}}}", "", text, flags=re.MULTILINE).rstrip("\n")
        return _Literal(indent, value if header[1:2] == "-" else value + "\n", line + 1 + match[0].count("\n"))

    def flow_token(self, line: int, index: int) -> Token:
        """Return the token at `index` in the flow collection of a line."""
        if self._flow_line[0] != line:
            # Compute all tokens at once, because a line can contain thousands of tokens.
            match = self._match(line)
            tokens = _tokens(match[5])
            starts = accumulate((len("".join(token)) for token in tokens), initial=match.start(5))
            found = [
                (start + len(blank), bracket or quoted or plain)
                for start, (blank, bracket, quoted, plain, _, _) in zip(starts, tokens, strict=False)
            ]
            self._flow_line = line, found
        return self.token(line, *self._flow_line[1][index])

    def point(self, line: int) -> Token:
        """Return an empty token after the indentation of a line."""
        return self.token(line, self._match(line).end(1))

    def token(self, line: int, column: int, text: str = "") -> Token:
        """Return the token with `text` at a column of a line."""
        style = text[0] if text and text[0] in "'\"" else None
        start = self._start(line) + column
        value = _unquoted(text) if style else text
        return Token(value, style, Mark(start, column), Mark(start + len(text), column + len(text)))

    def _match(self, line: int) -> Any:
        return LINE.fullmatch(self.lines[line].removesuffix("\r"))

    def _start(self, line: int) -> int:
        if line < _NEAR:
            before = sum(map(len, self.lines[:line]))
        else:
            if not self._starts:
                self._starts = [*accumulate(map(len, self.lines), initial=0)]
            before = self._starts[line]
        return min(before + line, len(self.text))


class _Mapping(Mapping):
    __slots__ = ()

    merged: list[Mapping] = []  # noqa: RUF012  (nothing changes this list)
    _key: Callable[[str], Token]
    _scalar: Callable[[str], Token]

    @property
    def children(self) -> list[Written]:
        return [written for key in self for written in (self._key(key), self.origin(key))]

    def repeated(self) -> None:
        """Return None, because `read` does not accept a text with repeated keys."""

    def written(self, key: str) -> tuple[Written, Written] | None:
        return (self._key(key), self.origin(key)) if key in self else None

    def origin(self, key: str) -> Written:
        value = self[key]
        return value if isinstance(value, Collection) else self._scalar(key)


class _Sequence(Sequence):
    __slots__ = ()

    _scalar: Callable[[int], Token]

    @property
    def children(self) -> list[Written]:
        return [self.origin(index) for index in range(len(self))]

    def origin(self, index: int) -> Written:
        value = self[index]
        return value if isinstance(value, Collection) else self._scalar(index)


class _Block:
    """A block collection. It stores only its start, as `line` and `column`, which both count from 0."""

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
        *_, (after, _) = self._lines_below()
        return self.lines.point(after)

    def _line_numbers(self) -> dict[Any, int]:
        """Return the line number of each child, by the key or index of the child.

        The result is stored for every node, because callers return to a node after they visited one of its
        children.
        """
        numbers = self.lines.numbers.get(id(self))
        if numbers is None:
            lines = [self.line, *(number for number, is_child in self._lines_below() if is_child)]
            numbers = dict(zip(self if isinstance(self, dict) else range(len(lines)), lines, strict=True))
            self.lines.numbers[id(self)] = numbers
        return numbers

    def _lines_below(self) -> Iterator[tuple[int, bool]]:
        """Yield the number of each line after the first line, and whether a child starts in the line.

        The last pair contains the number of the line after the node.
        """
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
        return self.lines.key(self._line_of(key))

    def _scalar(self, key: str) -> Token:
        return self.lines.value(self._line_of(key))

    def _line_of(self, key: str) -> int:
        if key == next(iter(self)):
            return self.line
        # Most keys are near the start of their mapping. The first line that has the key in the column of the
        # mapping is in this mapping, because the keys of a mapping are unique.
        start = f"{'':{self.column}}{key}:"
        for number in range(self.line + 1, min(self.line + _NEAR, len(self.lines.lines))):
            if self.lines.lines[number].startswith(start):
                return number
        return self._line_numbers()[key]


class _BlockSequence(_Block, _Sequence):
    __slots__ = ("column", "line", "lines")

    def _scalar(self, index: int) -> Token:
        return self.lines.value(self._line_numbers()[index])


class _Shape:
    """The position of a flow collection among the tokens of its line.

    `first` and `last` are the indexes of the brackets. `children` contains the index of the token of each key or
    item. `is_nested` is true if the collection contains collections.
    """

    __slots__ = ("children", "first", "is_nested", "last")

    def __init__(self, first: int) -> None:
        self.first = self.last = first
        self.children: dict[Any, int] = {}
        self.is_nested = False


class _Flow:
    """A flow collection (`{…}` or `[…]`) that is in one line."""

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
        return self.lines.flow_token(self.line, self.shape.children[key])

    def _scalar(self, key: str) -> Token:
        return self.lines.flow_token(self.line, self.shape.children[key] + 1)


class _FlowSequence(_Flow, _Sequence):
    __slots__ = ("line", "lines", "shape")

    def _scalar(self, index: int) -> Token:
        return self.lines.flow_token(self.line, self.shape.children[index])


def read(text: str) -> Document | None:
    """Read the only document of `text`, which has no byte order mark. Return None if a parser must read it."""
    lines = _Lines(text)
    # `node` is the innermost open node, and `column` is the column of its children. `key` is the key or index of
    # its last child. `pending` is true if the value of the last child is not read yet. `holder` contains only the
    # root.
    holder: Any = [None]
    node, column, is_mapping, key = holder, -1, False, 0
    pending = True
    # For each open node around `node`: the values of the four variables.
    stack: list[tuple[Any, int, bool, Any]] = []
    child: Any
    collection = _COLLECTION
    texts = lines.lines.copy()
    for number, line in enumerate(map(_read_line, texts)):
        if not line:
            if line is None and (number or text[:3] != "---" or lines.lines[0].rstrip(" \r") != "---"):
                return None
            continue
        here, dashes, new_key, value, state = line
        # Most lines contain the next key of the same mapping. Only the other lines need this code.
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
        if state >= collection:
            if state == collection:
                value = _in_line(value, lines, number)
            else:
                literal = lines.literal(number, value)
                if literal is None or literal.indent <= column:
                    return None
                value = literal.value
                texts[number + 1 : literal.after] = [""] * (literal.after - number - 1)  # analyzed as blank lines
        node[key] = value
        pending = not state
    return Document(holder[0], aliased=False) if stack else None


# The type of the value in a line. If the line contains no value, the value is null or is in the next lines. The
# lines of a literal scalar are after the line with its header.
_NOTHING, _SCALAR, _COLLECTION, _LITERAL = range(4)


class _Line(Record):
    """An analyzed line: its indentation, the widths of its dashes, its key, and the value after them."""

    column: int
    dashes: tuple[int, ...]
    key: str
    value: Any
    state: int


class _Known(dict[str, Any]):
    """A cache of analyzed lines, because most lines of a long stream occur many times.

    A `functools.lru_cache` took 1.5 times as long as this class.
    """

    def __missing__(self, text: str) -> Any:
        if len(self) >= _MOST_KNOWN:
            self.clear()
        line = self[text] = _analyzed(text)
        return line


_read_line: Final = _Known().__getitem__


def _analyzed(text: str) -> _Line | tuple[()] | None:
    """Analyze a line. Return `()` if the line is blank or a comment, and None if a parser must read it."""
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
    """Return the value in `rest`, the end of a line, and its type. Return None if a parser must read the text."""
    first = rest[0]
    if first in "\"'":
        quoted = re.fullmatch(_QUOTED, rest)
        return (_unquoted(quoted[1]), _SCALAR) if quoted else None
    if first in "{[":
        collection = _flow(rest)
        return None if collection is None else (collection, _COLLECTION)
    if first == "|" and _trimmed(rest) in ("|", "|-"):
        return _trimmed(rest), _LITERAL
    if first in _NO_PLAIN or (first == "-" and rest[1:2] in ("", " ")):
        return None
    plain = _trimmed(rest)
    if ": " in plain or plain[-1] == ":":
        return None
    return typed(plain) if first in TYPED_START else plain, _SCALAR


def _unquoted(source: str) -> str:
    """Return the text in quotes. A single quote in single quotes is written twice."""
    text = source[1:-1]
    if source[0] == "'":
        return text.replace("''", "'")
    if "\\" not in text:
        return text
    from krm_image_setter.yaml.flow_scalar import unescaped  # noqa: PLC0415  (few texts have escapes)

    return re.sub(_ESCAPE, lambda escape: unescaped(escape[0]), text)


def _trimmed(rest: str) -> str:
    """Return the end of a line without its comment and without the spaces before the comment."""
    return rest.partition(" #")[0].rstrip(" ")


@lru_cache(maxsize=1024)
def _tokens(rest: str) -> list[tuple[str, str, str, str, str, str]]:
    return re.findall(_FLOW, rest, re.ASCII)


def _flow(rest: str) -> Any:
    """Return the flow collection in `rest`, the end of a line. Return None if a parser must read the text.

    The collection does not know its line number. `_in_line` returns a copy with the number.
    """
    # `node` is the innermost open node. `key` is the key of its next child, or None if the next token is a key.
    # `ready` is true if a child can follow.
    node: Any = None
    is_mapping = False
    key: Any = None
    ready = True
    stack: list[Any] = []
    for index, (_, bracket, quoted, plain, colon, _) in enumerate(_tokens(rest)):
        if plain or quoted:
            if not ready:
                return None
            if is_mapping and key is None:
                key = plain or quoted[1:-1]
                if not colon or key in node or key == "<<":
                    return None
                node.shape.children[key] = index
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
            node.shape = _Shape(index)
            continue
        else:
            if not bracket or (ready and node.shape.children) or is_mapping != (bracket == "}"):
                return None
            value = node
            value.shape.last = index
            node, key = stack.pop()
            if node is None:
                after = "".join(part for token in _tokens(rest)[index + 1 :] for part in token)
                return None if _trimmed(after) else value
            node.shape.is_nested = True
            is_mapping = isinstance(node, Mapping)
        if is_mapping:
            node[key] = value
            key = None
        else:
            node.shape.children[len(node)] = index
            node.append(value)
        ready = False
    return None


def _in_line(collection: Any, lines: _Lines, line: int) -> Any:
    node = type(collection)(collection)
    node.lines, node.line, node.shape = lines, line, collection.shape
    if node.shape.is_nested:
        for key, value in collection.items() if isinstance(node, Mapping) else enumerate(collection):
            if isinstance(value, _Flow):
                node[key] = _in_line(value, lines, line)
    return node
