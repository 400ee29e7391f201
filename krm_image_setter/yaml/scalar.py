"""The text of a scalar in the source, and the serialized form of a new one.

Quotes are added only if a reader of YAML 1.1 or 1.2 would not read the text as the same string, because the tools
in a pipeline use either version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from krm_image_setter.line_breaks import BREAK, BREAKS
from krm_image_setter.yaml.tree import Fragment

if TYPE_CHECKING:
    from krm_image_setter.yaml.tree import NodeEvent


def content_span(source: str, event: NodeEvent) -> tuple[int, int]:
    """Return the span of a scalar without its anchor and tag, which the span of the event includes."""
    end = event.end_mark.index
    return content_start(source, event, end), end


def content_start(source: str, event: NodeEvent, end: int) -> int:
    """Return the start of a node's own text, after its anchor and tag; `end` is the end of the node.

    A tag after the anchor of a mapping can belong to its first key. If the tag is before the anchor, the event of
    the pure parser starts at the anchor.
    """
    start = event.start_mark.index
    if event.anchor is None and event.tag is None:
        return start
    # The parsers end an anchor before different characters.
    anchor = "" if event.anchor is None else "&" + re.escape(event.anchor) + _BLANKS
    tag = "" if event.tag is None else rf"!\S*(?=\s|\Z){_BLANKS}"
    match = re.compile(rf"{anchor}(?:{tag})?" if source[start] == "&" else rf"{tag}{anchor}").match(
        source, start, end
    )
    return match.end() if match else start


@lru_cache(maxsize=4096)
def is_plain(text: str, *, flow: bool) -> bool:
    """Return whether every reader reads `text` without quotes as the same string."""
    # A fast path for the names of resources.
    if text[:1].isalpha() and text.isascii() and text.replace("-", "").isalnum():
        return text.lower() not in _CONSTANTS
    return (
        re.fullmatch(_PLAIN, text) is not None
        and not (flow and (text[0] == ":" or any(character in ",[]{}?" for character in text)))
        and text.lower() not in _CONSTANTS
        and (text[0] not in _TYPED_START or re.fullmatch(_TYPED, text) is None)
    )


def quoted(text: str) -> str:
    """Return `text` in double quotes, in a form that is both YAML and JSON."""
    import json  # noqa: PLC0415  (2 ms, and most runs quote nothing)

    return escaped(json.dumps(text, ensure_ascii=False))


def escaped(quoted_text: str) -> str:
    """Escape the characters in JSON that are line breaks in YAML or not allowed, so that both read it."""
    if quoted_text.isprintable():
        return quoted_text
    return re.sub(f"[{_ODD}]", lambda odd: f"\\u{ord(odd[0]):04x}", quoted_text)


def serialized(text: str, *, flow: bool) -> str:
    """Return the source of a new scalar: plain if every reader reads it as `text`, otherwise quoted."""
    return text if is_plain(text, flow=flow) else quoted(text)


# Patterns are compiled at their first use: most runs need few of them, and each costs start-up time.
_BLANKS: Final = rf"(?:[ \t]+|(?:#[^{BREAKS}]*)?(?:{BREAK}))*"

# Characters, except the control characters of ASCII, that are line breaks in YAML or not allowed.
_ODD: Final = r"\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
# A stricter set than YAML's plain style: no leading indicator, no ": " or " #", one line.
_PLAIN: Final = (
    rf"(?!---|\.\.\.|<<)(?:[^\s\x00-\x20\-?:,\[\]{{}}#&*!|>'\"%@`{_ODD}]"
    r"|[-?:](?=[^\s,\[\]{}]))"
    rf"(?:[^\s\x00-\x1f:#{_ODD}]|:(?=[^\s,\[\]{{}}])|(?<=\S)\#|[ ](?=[^\s#]))*"
)
_CONSTANTS: Final = frozenset(
    ("y", "yes", "n", "no", "true", "false", "on", "off", "null", "~", "=", ".inf", "+.inf", "-.inf", ".nan")
)
_TYPED_START: Final = "+-.0123456789"
# Numbers and times of YAML 1.1 and 1.2.
_TYPED: Final = (
    r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+"
    r"|[0-9][0-9_]*(?::[0-9]+)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9_]+(?:[eE][-+]?[0-9]+)?)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
)


def changed(value: str, fragments: Iterable[Fragment]) -> str:
    """Return `value` after `fragments`, which are disjoint and in order, are written into it."""
    pieces: list[str] = []
    position = 0
    for start, end, text in fragments:
        pieces += (value[position:start], text)
        position = end
    return "".join((*pieces, value[position:]))
