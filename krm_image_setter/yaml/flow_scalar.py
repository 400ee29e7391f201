"""Write changes into a flow scalar: a plain or quoted scalar, which can contain escapes and folded lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_image_setter.edits import Edit
from krm_image_setter.line_breaks import BREAK, BREAKS
from krm_image_setter.typed import Final
from krm_image_setter.yaml.scalar import quoted
from krm_image_setter.yaml.tree import Fragment
from krm_image_setter.yaml.units import Unit, Units


def rewrite(source: str, start: int, end: int, value: str, fragments: list[Fragment]) -> list[Edit] | None:
    """Return the edits that write `fragments` into the `value` of the scalar `source[start:end]`.

    Return None if the style cannot express the new text, or if the units of the source do not match the value.
    """
    written = units(source, start, end, value)
    quote = _quote(source, start)
    if written is None or (quote != '"' and any("\n" in fragment.text for fragment in fragments)):
        return None
    return [written.edit(fragment, _serialized(fragment.text, quote)) for fragment in fragments]


def units(source: str, start: int, end: int, value: str) -> Units | None:
    """Return the units of the flow scalar `source[start:end]`, or None if they do not match its value."""
    quote = _quote(source, start)
    written = Units(_units(source, start + len(quote), end - len(quote), quote), end - len(quote))
    return written if written.value == value else None


def _quote(source: str, start: int) -> str:
    return source[start] if source[start] in "'\"" else ""


def _serialized(text: str, quote: str) -> str:
    if quote == "'":
        return text.replace("'", "''")
    return quoted(text)[1:-1] if quote else text


# The pieces of any scalar, and the additional pieces of a quoted scalar, which are tried first.
_PIECE: Final = (
    rf"(?P<fold>[ \t]*(?:{BREAK})[ \t]*(?:(?:{BREAK})[ \t]*)*)"
    rf"|(?P<text>(?:[^\\'{BREAKS} \t]+|[ \t]+(?![ \t{BREAKS}]))+|.)"
)
_QUOTED_PIECES: Final = {
    '"': rf"(?P<join>\\(?:{BREAK})[ \t]*(?:(?:{BREAK})[ \t]*)*)"
    r"|(?P<escape>\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.))|",
    "'": "(?P<quote>'')|",
}
_ESCAPES: Final = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
    "e": "\x1b", " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028",
    "P": "\u2029",
}  # fmt: skip


def _units(source: str, start: int, end: int, quote: str) -> Iterator[Unit]:
    """Yield the units of a scalar, without its quotes. `quote` is empty for a plain scalar."""
    for match in re.compile(_QUOTED_PIECES.get(quote, "") + _PIECE).finditer(source, start, end):
        text = match[0]
        match match.lastgroup:
            case "escape":
                text = unescaped(text)
            case "quote":
                text = "'"
            case "join" | "fold" as kind:
                breaks = len(re.findall(BREAK, text))
                text = " " if kind == "fold" and breaks == 1 else "\n" * (breaks - 1)
        yield Unit(text, match.start(), match.end())


def unescaped(escape: str) -> str:
    """Return the text of an escape in double quotes, which starts with the backslash."""
    # A character above U+FFFF can be written as a pair of escaped surrogates.
    if escape[6:8] == "\\u":
        return chr(0x10000 + (int(escape[2:6], 16) - 0xD800 << 10) + int(escape[8:], 16) - 0xDC00)
    if escape[1] in "xuU":
        return chr(int(escape[2:], 16))  # noqa: FURB166  (\\u is not a Python prefix)
    return _ESCAPES.get(escape[1], escape)
