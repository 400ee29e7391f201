"""Writing into a scalar: which characters of the source stand for which of its value, and how new ones are spelt.

The author's style stays. Quotes are added only where the new text would not read back as the same string, by
YAML 1.1 or 1.2: a tool on the way may use either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import accumulate
from typing import Any, Final, NamedTuple

from krm_image_setter.edits import Edit


class Fragment(NamedTuple):
    """Put `text` in the place of `value[start:end]`, in code points of a scalar's value."""

    start: int
    end: int
    text: str


def rewrite(source: str, event: Any, *, flow: bool, fragments: Iterable[Fragment]) -> list[Edit]:
    """Return the edits of `source` that put `fragments` into the value of the scalar of `event`.

    `flow` says whether the scalar stands in a `{…}` or `[…]`. The fragments are disjoint and in order. Anchor, tag
    and everything between the fragments stay, and the style too where it can hold them.
    """
    value: str = event.value
    start, end = content_span(source, event)
    style = event.style
    fragments = list(fragments)
    if not style and not is_plain(_changed(value, fragments), flow=flow):
        return [Edit(start, end, quoted(_changed(value, fragments)))]
    if source[start:end] == value:  # plain, on one line: by far the commonest
        return [Edit(start + a, start + b, text) for a, b, text in fragments]
    units = _units(source, start, end, style, value)
    new_lines = any("\n" in fragment.text for fragment in fragments)
    is_block = style in ("|", ">")
    changed = _changed(value, fragments)
    # In a folded block it hangs on how a line begins whether the break behind it folds: then no line may go.
    loses_line = style == ">" and any("\n" in value[a:b] for a, b, _ in fragments)
    # A spelling that we do not know, or that has no room for lines, or for nothing, or for a line without its end.
    if (
        units is None
        or (new_lines and style == "'")
        or (is_block and (not changed or any(_is_cut(value, fragment) for fragment in fragments)))
        or loses_line
    ):
        if is_block:
            end = len(source[:end].rstrip("\r\n"))
        return [Edit(start, end, quoted(changed))]
    spell = _SPELL.get(style, str)
    if new_lines and is_block:
        first = next(unit.start for unit in units if unit.text != "\n")
        line_start = source.rfind("\n", 0, first) + 1
        new_line = source[line_start - 1 - (source[line_start - 2] == "\r") : first]
        spell = _spelt_in_lines(new_line, folded=style == ">")
    last = end - len(style) if style in ("'", '"') else end
    starts = [0, *accumulate(len(unit.text) for unit in units)]
    at = partial(_offset, units, starts, last)
    # What is new between two characters stands behind the first: between them a folded line may end.
    return [
        Edit(at(a)[0] if b > a or not a else at(a - 1)[1], at(b - 1)[1] if b else at(a)[0], spell(text))
        for a, b, text in fragments
    ]


def _is_cut(value: str, fragment: Fragment) -> bool:
    """Say whether a fragment of a block starts with an empty line, or ends with the end of a line."""
    start, end, _ = fragment
    return start < end and (
        value[end - 1] == "\n" or (value[start] == "\n" and value[start - 1 : start] in ("", "\n"))
    )


def content_span(source: str, event: Any) -> tuple[int, int]:
    """Return the span of a scalar without its anchor and tag, which its event counts in."""
    end: int = event.end_mark.index
    return content_start(source, event, end), end


def content_start(source: str, event: Any, end: int) -> int:
    """Return where a node's own text begins, behind its anchor and tag; `end` is where it ends."""
    start: int = event.start_mark.index
    if event.anchor is not None or event.tag is not None:
        # The parsers do not agree on which characters an anchor ends before.
        anchor = r"[^\s\S]" if event.anchor is None else "&" + re.escape(event.anchor)
        match = re.compile(rf"(?:(?:{anchor}|!\S*(?=\s)){_BLANKS})+").match(source, start, end)
        if match:
            start = match.end()
    return start


@lru_cache(maxsize=4096)
def is_plain(text: str, *, flow: bool) -> bool:
    """Say whether `text` can stand without quotes and read back as the same string everywhere."""
    if text[:1].isalpha() and text.isascii() and text.replace("-", "").isalnum():  # as the names of resources
        return text.lower() not in _TYPED_WORDS
    return (
        re.fullmatch(_PLAIN, text) is not None
        and not (flow and (text[0] == ":" or any(character in ",[]{}?" for character in text)))
        and text.lower() not in _TYPED_WORDS
        and (text[0] not in _TYPED_START or re.fullmatch(_TYPED, text) is None)
    )


def quoted(text: str) -> str:
    """Return `text` in double quotes, as both YAML and JSON spell it."""
    import json  # noqa: PLC0415  (2 ms, and most runs quote nothing)

    return escaped(json.dumps(text, ensure_ascii=False))


def escaped(quoted_text: str) -> str:
    """Return JSON with what YAML takes for a line break, or refuses, escaped as both read it."""
    if quoted_text.isprintable():
        return quoted_text
    return re.sub(f"[{_ODD}]", lambda odd: f"\\u{ord(odd[0]):04x}", quoted_text)


def spelt(text: str, *, flow: bool) -> str:
    """Return the source text of a new scalar: plain where it reads back as `text`, else quoted."""
    return text if is_plain(text, flow=flow) else quoted(text)


# Patterns are compiled where they are first used: most runs need few of them, and each costs start-up time.
_BLANKS: Final = r"(?:[ \t]+|(?:#[^\r\n]*)?(?:\r\n?|\n))*"

# Beyond ASCII's own controls, what YAML takes for a line break or refuses.
_ODD: Final = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
# A stricter set than YAML's plain style: no leading indicator, no ": " or " #", one line.
_PLAIN: Final = (
    rf"(?!---|\.\.\.|<<)(?:[^\s\x00-\x20\-?:,\[\]{{}}#&*!|>'\"%@`{_ODD}]"
    r"|[-?:](?=[^\s,\[\]{}]))"
    rf"(?:[^\s\x00-\x1f:#{_ODD}]|:(?=[^\s,\[\]{{}}])|(?<=\S)\#|[ ](?=[^\s#]))*"
)
_TYPED_WORDS: Final = frozenset(
    ("y", "yes", "n", "no", "true", "false", "on", "off", "null", "~", "=", ".inf", "+.inf", "-.inf", ".nan")
)
_TYPED_START: Final = "+-.0123456789"
# Whatever YAML 1.1 or 1.2 reads as a number or a time; a reader may know only one of them.
_TYPED: Final = (
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-9]+)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
)

_SPELL: Final[dict[str, Callable[[str], str]]] = {
    "'": lambda text: text.replace("'", "''"),
    '"': lambda text: quoted(text)[1:-1],
}


def _spelt_in_lines(new_line: str, *, folded: bool) -> Callable[[str], str]:
    """Return what spells text for a block; in a folded one an empty line keeps lines apart, or a blank does."""
    line_break = new_line.rstrip(" ")
    return lambda text: re.sub(
        r"\n(.?)", lambda found: line_break * (folded and found[1] != " ") + new_line + found[1], text
    )


def _changed(value: str, fragments: Iterable[Fragment]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, text in fragments:
        pieces += (value[position:start], text)
        position = end
    return "".join((*pieces, value[position:]))


class _Unit(NamedTuple):
    """A piece of a scalar's value and the span of the source that it was written as."""

    text: str
    start: int
    end: int


def _offset(units: list[_Unit], starts: list[int], end: int, index: int) -> tuple[int, int]:
    """Return the source span of a code point of the value, an empty one for its end.

    `starts` tells where in the value the units start, and it ends.
    """
    from bisect import bisect_right  # noqa: PLC0415  (most runs write into plain scalars only)

    if index == starts[-1]:
        return end, end
    number = bisect_right(starts, index) - 1
    text, start, stop = units[number]
    if len(text) == stop - start:
        start += index - starts[number]
        stop = start + 1
    return start, stop


def _units(source: str, start: int, end: int, style: str | None, value: str) -> list[_Unit] | None:
    """Return the units that `value` is written as, or None where they are not found."""
    if style in ("|", ">"):
        spellings = _block_spellings(source, start, end, folded=style == ">")
    else:
        quote = len(style or "")
        spellings = iter([_flow_units(source, start + quote, end - quote, style or "")])
    for spelling in spellings:
        units = list(spelling)
        if "".join(unit.text for unit in units) == value:
            return units
    return None


_BREAK: Final = r"\r\n?|[\n\x85\u2028\u2029]"
_FLOW_PIECE: Final = (
    r"(?P<join>\\(?:\r\n?|\n)[ \t]*(?:(?:\r\n?|\n)[ \t]*)*)"
    r"|(?P<escape>\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.))"
    r"|(?P<quote>'')"
    r"|(?P<fold>[ \t]*(?:\r\n?|[\n\x85\u2028\u2029])[ \t]*(?:(?:\r\n?|[\n\x85\u2028\u2029])[ \t]*)*)"
    r"|(?P<text>(?:[^\\'\r\n\x85\u2028\u2029 \t]+|[ \t]+(?![ \t\r\n\x85\u2028\u2029]))+|.)"
)
_ESCAPES: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028",
    "P": "\u2029",
}  # fmt: skip


def _flow_units(source: str, start: int, end: int, quote: str) -> Iterator[_Unit]:
    """Yield the units of a plain or quoted scalar's inside: escapes, and lines folded into spaces."""
    position = start
    piece = re.compile(_FLOW_PIECE)
    while position < end:
        match = piece.match(source, position, end)
        if match is None:  # a lone break at the very end: never in a scalar
            return
        kind, text, stop = match.lastgroup, match[0], match.end()
        if kind == "join" or kind == "escape":  # noqa: PLR1714
            if quote != '"':
                text, stop = "\\", position + 1
            elif kind == "escape":
                text = _unescaped(text)
            else:
                text = "\n" * (len(re.findall(_BREAK, text)) - 1)
        elif kind == "quote":
            if quote == "'":
                text = "'"
            else:
                stop = position + 1
                text = "'"
        elif kind == "fold":
            breaks = re.findall(_BREAK, text)
            text = " " if len(breaks) == 1 else "\n" * (len(breaks) - 1)
        yield _Unit(text, position, stop)
        position = stop


def _unescaped(escape: str) -> str:
    if escape[6:8] == "\\u":  # a pair of surrogates
        return chr(0x10000 + (int(escape[2:6], 16) - 0xD800 << 10) + int(escape[8:], 16) - 0xDC00)
    if escape[1] in "xuU":
        return chr(int(escape[2:], 16))  # noqa: FURB166  (\\u is no Python prefix)
    return _ESCAPES.get(escape[1], escape)


_BLOCK_HEADER: Final = r"[|>](?:[-+]?(?P<indent>[1-9])?[-+]?)[ \t]*(?:#[^\r\n]*)?(?:\r\n?|\n)"
_LINE: Final = r"(?P<text>[^\r\n]*)(?P<break>\r\n?|\n|\Z)"


def _block_spellings(source: str, start: int, end: int, *, folded: bool) -> Iterator[Iterator[_Unit]]:
    """Yield the units of a literal or folded block scalar, for each indentation that it may have."""
    header = re.compile(_BLOCK_HEADER).match(source, start, end)
    if header is None:
        return
    lines = [
        (match.start(), match["text"], match["break"])
        for match in re.compile(_LINE).finditer(source, header.end(), end)
        if match[0]
    ]
    filled = [(len(text) - len(text.lstrip(" ")), text) for _, text, _ in lines if text.strip(" ")]
    if not filled:
        return
    keep, strip = "+" in header[0].split("#")[0], "-" in header[0].split("#")[0]
    # An indicator counts from the parent's column, which only the parser knows: the value tells which it was.
    least = min(width for width, _ in filled)
    for indent in range(least, -1, -1) if header["indent"] else (filled[0][0],):
        yield _block_units(lines, indent, folded=folded, keep=keep, strip=strip)


def _block_units(
    lines: list[tuple[int, str, str]], indent: int, *, folded: bool, keep: bool, strip: bool
) -> Iterator[_Unit]:
    """Yield the units of the lines of a block scalar, the final line breaks included as written.

    The rules are libyaml's, which YAML 1.2 section 8.1 agrees with: a break between two lines that both start
    with no blank folds into a space, unless an empty line follows it.
    """
    pending: list[_Unit] = []  # line breaks since the last filled line
    after_blank = False
    seen = False
    for offset, line, line_break in lines:
        text = line[indent:]
        at = offset + len(line) - len(text)
        if text:
            blank = text[0] in " \t"
            if folded and pending and seen and not after_blank and not blank:
                first, *rest = pending
                pending = rest or [_Unit(" ", first.start, first.end)]
                if rest:
                    yield _Unit("", first.start, first.end)
            yield from pending
            yield _Unit(text, at, at + len(text))
            pending, after_blank, seen = [], blank, True
        if line_break:
            pending.append(_Unit("\n", at + len(text), at + len(text) + len(line_break)))
    if keep:
        yield from pending
    elif pending and not strip:
        yield pending[0]
