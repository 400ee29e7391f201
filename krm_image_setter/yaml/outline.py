"""Prove that a text is valid YAML and contains one resource, without parsing the text.

Each line is reduced to its outline: the indentation, and the effect of the line on a YAML parser. Most lines of a
long stream occur many times, so their outlines are cached. The outlines of all lines determine whether the text is
valid. This result is cached too, so resources that differ only in names and values are checked only once.

A proof is possible only for JSON and for block YAML in the form that people and tools write. Any other text must
be parsed. A property test compares the proofs with all YAML parsers.
"""

from __future__ import annotations

import re
from functools import lru_cache

from krm_image_setter.typed import Any, Final
from krm_image_setter.yaml.lines import LINE, read_value
from krm_image_setter.yaml.tree import typed

# The types of lines. A marker is `---`. An entry contains dashes, a key or both. A text can continue a plain
# scalar. A tabbed line contains a tab after its leading spaces.
_BLANK, _COMMENT, _MARKER, _ENTRY, _TEXT, _TABBED, _OTHER = range(7)

# How the value in a line can continue in the next lines. If a line contains nothing, its value is null or a block.
# A value from _PLAIN on can continue. A value from _SINGLE on must continue.
_NOTHING, _COMPLETE, _PLAIN, _BLOCK, _SINGLE, _DOUBLE, _UNKNOWN = range(7)

# The effect of a line inside a quoted scalar.
_CONTINUES, _ENDS, _BREAKS = range(3)

# Whether the key of an entry is `kind`, and whether its value can be the kind of one resource.
_NO_KEY, _KEY, _KIND, _WRONG_KIND = range(4)

_MAX_DEPTH: Final = 100
# The maximum numbers of lines and of outlines in the caches.
_MOST_KNOWN: Final = 8192
# A line with this number of characters, or a text with this number of lines, is not cached.
_LONG: Final = 500
# The maximum number of opening brackets in a JSON object, which also limits its depth.
_MOST_BRACKETS: Final = 200


class _Outline:
    """The outline of a line: its type, indentation, widths of dashes, key, and effects on the next lines.

    `leaves` describes how the value in the line can continue. A line without a key and dash can be the value of
    the line before it. `single` and `double` are the effects of the line inside a scalar in single or double
    quotes. Equal outlines are the same object, so Python computes the hash of a tuple of outlines fast.
    """

    __slots__ = ("double", "indent", "key", "leaves", "single", "type", "widths")

    def __init__(self, *parts: Any) -> None:
        self.type, self.indent, self.widths, self.key, self.leaves, self.single, self.double = parts


# Most lines match _SIMPLE: a text, a comment, or a plain value after a key, a dash or both. The line is ASCII, and
# contains no more colons, `#`, quotes or backslashes. The outline of any other line takes four times as long.
_CHARACTERS: Final = r"[ !$-&(-9;-\[\]-~]*+"
_PLAIN_VALUE: Final = rf"[A-Za-z0-9_/(<$]{_CHARACTERS}"
_KEY_NAME: Final = r"[A-Za-z0-9_/][A-Za-z0-9_./-]{0,200}+"
_SIMPLE: Final = re.compile(
    rf"( *)(?:(- )?(?!kind:)({_KEY_NAME}):(?: ({_PLAIN_VALUE}))?|(- )?{_PLAIN_VALUE}|(#){_CHARACTERS})\r?"
)
# The other patterns are compiled at their first use, because a short run uses few of them.
_QUOTED_KEY: Final = r"(\"[^\"\\]{0,200}\"|'[^']{0,200}')(?:: +|:\Z)(.*)"
_NO_TEXT: Final = r"[-?:](?: |$)|.*(?:: | #|: *$|\t)"
_ODD_JSON: Final = r'\A---\S|"[^"]{1000}|"\s+:|\\u'
_ODD_ESCAPE: Final = r"\\(?![abefnrtv0])"


def is_resource(text: str, *, is_item: bool) -> bool:
    """Return whether `text` is certainly valid YAML and contains one resource, whose kind is not a list.

    `text` is a document, or an item of a block sequence. It includes the `---` of the document or the dash of the
    item.
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip("-\r\n ")[:1] == "{" and not is_item:
        return _is_json_resource(text)
    outlines = tuple(map(_outline_of, text.split("\n")))
    return (_is_resource if len(outlines) < _LONG else _is_resource.__wrapped__)(outlines, 2 if is_item else 1)


@lru_cache(maxsize=1024)
def _is_resource(outlines: tuple[_Outline, ...], depth: int) -> bool:
    """Return whether the lines with these outlines are valid YAML and contain one resource.

    `depth` is 1 if the resource is a document, and 2 if it is an item of a list. The algorithm for nested
    collections is the same as in `lines.read`.
    """
    # The innermost open collection, and the open collections around it.
    column, is_mapping = -1, False
    stack: list[tuple[int, bool]] = []
    # `pending` is true if the last key or dash has no value yet. `left` is how the value of the last line can
    # continue. `inner` is the indentation of the open block scalar, or 0 if it is still unknown.
    pending = True
    left = _COMPLETE
    inner = 0
    has_kind = False
    for number, line in enumerate(outlines):
        type_, indent = line.type, line.indent
        if type_ == _BLANK:
            if left == _BLOCK and not inner and indent:
                return False
            continue
        if left >= _PLAIN:
            if indent <= column:
                if left >= _SINGLE:
                    return False
            elif left == _BLOCK:
                if type_ == _TABBED and not inner:
                    return False
                inner = inner or indent
                if indent < inner:
                    return False
                continue
            elif left != _PLAIN:
                does = line.single if left == _SINGLE else line.double
                if does == _BREAKS:
                    return False
                if does == _ENDS:
                    left = _COMPLETE
                continue
            elif type_ == _TEXT:
                continue
        if type_ == _COMMENT:
            left = _COMPLETE
            continue
        if type_ != _ENTRY:
            if type_ == _MARKER and not number:
                continue
            if not pending or not stack or indent <= column or line.leaves == _UNKNOWN:
                return False
            left, inner, pending = line.leaves, 0, False
            continue
        if indent != column or line.widths or not is_mapping:
            while indent < column or (indent == column and not is_mapping and not line.widths):
                column, is_mapping = stack.pop()
                pending = False
            for width in line.widths:
                if indent != column or is_mapping:
                    if not pending or indent < column or len(stack) >= _MAX_DEPTH:
                        return False
                    stack.append((column, is_mapping))
                    column, is_mapping = indent, False
                # At this depth, the dash starts a second item.
                elif len(stack) < depth:
                    return False
                pending = True
                indent += width
            if line.key and (indent != column or not is_mapping):
                if not pending or indent <= column or len(stack) >= _MAX_DEPTH:
                    return False
                stack.append((column, is_mapping))
                column, is_mapping = indent, True
        if line.key >= _KIND and len(stack) == depth and not stack[-1][1]:
            if line.key == _WRONG_KIND:
                return False
            has_kind = True
        left, inner = line.leaves, 0
        pending = left == _NOTHING
    return has_kind and left < _SINGLE


def _is_json_resource(text: str) -> bool:
    """Return whether a text is a JSON object, possibly after `---`, and means the same resource in YAML."""
    import json  # noqa: PLC0415  (5 ms)

    # Unlike JSON, YAML does not allow some characters, tabs as indentation, long keys, a line break between a key
    # and its colon, and a half of a surrogate pair.
    if not text.replace("\r\n", "").replace("\n", "").isprintable() or re.search(_ODD_JSON, text):
        return False
    if text.count("{") + text.count("[") > _MOST_BRACKETS:
        return False
    try:
        root = json.loads(text.removeprefix("---"))
    except ValueError:
        return False
    kind = root.get("kind")
    return isinstance(kind, str) and kind != "" and not kind.endswith("List")


class _Known(dict[str, _Outline]):
    """A cache of outlines by line. Each outline is computed at its first use."""

    def __missing__(self, line: str) -> _Outline:
        parts = _parts(line)
        found = _shared.get(parts)
        if found is None:
            if len(_shared) >= _MOST_KNOWN:
                _shared.clear()
            # Another thread might have added the outline at the same time.
            found = _shared.setdefault(parts, _Outline(*parts))
        if len(line) < _LONG:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[line] = found
        return found


_outline_of: Final = _Known().__getitem__
_shared: Final[dict[tuple[Any, ...], _Outline]] = {}


def _parts(line: str) -> tuple[Any, ...]:
    match = _SIMPLE.fullmatch(line)
    if match is not None:
        spaces, dash, key, value, lone_dash, comment = match.groups()
        indent = len(spaces)
        if key is not None:
            leaves = _NOTHING if value is None else _PLAIN
            return _ENTRY, indent, (2,) if dash else (), _KEY, leaves, _CONTINUES, _CONTINUES
        if lone_dash:
            return _ENTRY, indent, (2,), _NO_KEY, _PLAIN, _CONTINUES, _CONTINUES
        return _COMMENT if comment else _TEXT, indent, (), _NO_KEY, _PLAIN, _CONTINUES, _CONTINUES
    line = line.removesuffix("\r")
    content = line.lstrip(" ")
    indent = len(line) - len(content)
    if not content:
        return _BLANK, indent, (), _NO_KEY, _NOTHING, _CONTINUES, _CONTINUES
    if not content.isprintable():
        if not re.sub("[\t\xa0]", "", content).isprintable():
            return _OTHER, 0, (), _NO_KEY, _UNKNOWN, _BREAKS, _BREAKS
        if content[0] == "\t":
            return _TABBED, indent, (), _NO_KEY, _UNKNOWN, _BREAKS, _BREAKS
    type_, widths, key, leaves = _entry(line) or _other(line, content)
    single = _in_single(content) if "'" in content else _CONTINUES
    double = _in_double(content) if '"' in content or "\\" in content else _CONTINUES
    return type_, indent, widths, key, leaves, single, double


def _in_single(content: str) -> int:
    _, quote, after = content.replace("''", "\0").partition("'")
    return _CONTINUES if not quote else _ENDS if _is_end(after) else _BREAKS


def _in_double(content: str) -> int:
    inner, quote, after = content.replace(r"\\", "\0").replace(r"\"", "\0").partition('"')
    if "\\" in inner and re.search(_ODD_ESCAPE, inner):
        return _BREAKS
    return _CONTINUES if not quote else _ENDS if _is_end(after) else _BREAKS


def _is_end(rest: str) -> bool:
    """Return whether the rest of a line is empty or a comment."""
    comment = rest.lstrip(" ")
    return not comment or (comment[0] == "#" and comment != rest)


def _other(line: str, content: str) -> tuple[int, tuple[int, ...], int, int]:
    """Return the type, the widths of dashes, the key and `leaves` of a line without dashes and a key."""
    if content[0] == "#":
        return _COMMENT, (), _NO_KEY, _UNKNOWN
    if line.startswith("---") and _is_end(line[3:]):
        return _MARKER, (), _NO_KEY, _UNKNOWN
    return _OTHER if re.match(_NO_TEXT, content) else _TEXT, (), _NO_KEY, _left_open(content)


def _entry(line: str) -> tuple[int, tuple[int, ...], int, int] | None:
    """Return the type, the widths, the key and `leaves` of a line with dashes or a key; None for other lines."""
    match = LINE.fullmatch(line)
    if match is None:
        return None
    _, dashes, key, _, rest = match.groups()
    if not key and rest[:1] in ("'", '"'):
        quoted = re.fullmatch(_QUOTED_KEY, rest)
        if quoted is not None:
            key, rest = quoted.groups()
    leaves = _left_open(rest) if dashes or key else _UNKNOWN
    if leaves == _UNKNOWN:
        return None
    widths = tuple(map(len, re.findall("- +", dashes))) if dashes else ()
    if key not in ("kind", "'kind'", '"kind"'):
        return _ENTRY, widths, _KEY if key else _NO_KEY, leaves
    if leaves not in (_COMPLETE, _PLAIN) or not _can_be_kind(rest):
        return _ENTRY, widths, _WRONG_KIND, leaves
    # A kind must not continue in the next line, because it could then be the kind of a list.
    return _ENTRY, widths, _KIND, _COMPLETE


def _can_be_kind(rest: str) -> bool:
    """Return whether a complete scalar is a string and not the kind of a list. A comment can follow the scalar."""
    value = rest.partition(" #")[0].rstrip(" ")
    if value[0] in ("'", '"'):
        value = value[1:-1]
    return value.isalnum() and not value.endswith("List") and isinstance(typed(value), str)


def _left_open(rest: str) -> int:
    """Return how the value in the rest of a line can continue. Return _UNKNOWN if this is not certain."""
    first = rest[:1]
    if first in ("", "#"):
        return _NOTHING
    if "\t" in rest:
        return _UNKNOWN
    if first in "|>":
        return _BLOCK if _is_end(rest[2 if rest[1:2] in ("-", "+") else 1 :]) else _UNKNOWN
    if first == "'":
        return (_SINGLE, _COMPLETE, _UNKNOWN)[_in_single(rest[1:])]
    if first == '"':
        return (_DOUBLE, _COMPLETE, _UNKNOWN)[_in_double(rest[1:])]
    if read_value(rest) is None:
        return _UNKNOWN
    return _COMPLETE if first in "{[" or " #" in rest else _PLAIN
